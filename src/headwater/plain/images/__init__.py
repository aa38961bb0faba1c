"""Layers for images, which are convolution, pooling and flatten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.types import lazily

from .windows import Shape, shape_behind

if TYPE_CHECKING:
    from .convolution import ConvolutionLayer
    from .pool import FlattenLayer, PoolLayer

__all__ = ["ConvolutionLayer", "FlattenLayer", "PoolLayer", "Shape", "shape_behind"]

__getattr__ = lazily(__name__, {".convolution": "ConvolutionLayer", ".pool": "FlattenLayer PoolLayer"})
