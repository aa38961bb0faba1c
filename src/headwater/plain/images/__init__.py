"""Layers that read images: convolution, pool and flatten, each forward and beside it backward."""

from __future__ import annotations

from .convolution import ConvolutionLayer
from .pool import FlattenLayer, PoolLayer
from .windows import Shape, shape_behind, windows

__all__ = ["ConvolutionLayer", "FlattenLayer", "PoolLayer", "Shape", "shape_behind", "windows"]
