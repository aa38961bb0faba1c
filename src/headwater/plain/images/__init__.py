"""Layers for images, which are convolution, pooling and flatten."""

from __future__ import annotations

from .convolution import ConvolutionLayer
from .pool import FlattenLayer, PoolLayer
from .windows import Shape, shape_behind, windows

__all__ = ["ConvolutionLayer", "FlattenLayer", "PoolLayer", "Shape", "shape_behind", "windows"]
