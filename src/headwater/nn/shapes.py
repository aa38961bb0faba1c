"""Infer the input and output shapes of layers, as numbers or images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headwater.errors import ConfigError
from headwater.plain.images import Shape, shape_behind

from .layers import IMAGE_LAYERS, Conv, Dense, Embedding, Flatten, Layer, Pool, whole

__all__ = ["Shape", "image_of", "reads_image", "shapes", "size_of"]


def reads_image(layers: Sequence[Layer]) -> bool:
    """Return whether a stack of layers reads an image, which its first layer decides."""
    return bool(layers) and isinstance(layers[0], IMAGE_LAYERS)


def size_of(inputs: int | Shape) -> int:
    """Return the number of values per sample."""
    return inputs if isinstance(inputs, int) else math.prod(inputs)


def image_of(inputs: object) -> Shape:
    """Validate and return an image's shape.

    Raises
    ------
    ConfigError
        Unless it is three positive integers.
    """
    if not isinstance(inputs, tuple | list) or len(inputs) != 3:
        raise ConfigError(
            expected="inputs=(channels, height, width), since the first layer reads an image",
            got=repr(inputs),
            at="inputs of Network",
            help="Give e.g. (1, 28, 28), or show it data of shape (samples, channels, height, width).",
        )
    for n in inputs:
        whole(n, "inputs of Network")
    channels, height, width = inputs
    return channels, height, width


def shapes(layers: Sequence[Layer], inputs: int | Shape) -> list[Shape | int]:
    """Return the input shape of each layer, an image's shape or a number, and finally the output shape of the stack.

    Raises
    ------
    ConfigError
        If a window is larger than its image, or a layer can't read its input.

    Examples
    --------
    >>> shapes([Conv(6, 5, padding=2), Pool(2), Flatten(), Dense(10)], (1, 28, 28))
    [(1, 28, 28), (6, 28, 28), (6, 14, 14), 1176, 10]
    """
    found = [inputs]
    for i, layer in enumerate(layers):
        found.append(_behind(layer, found[-1], f"layers[{i}]"))
    return found


def _behind(layer: Layer, shape: int | Shape, at: str) -> int | Shape:
    """Return the output shape of a layer."""
    name = type(layer).__name__
    if isinstance(shape, int):
        if isinstance(layer, IMAGE_LAYERS):
            remedy = "Put it first, and pass inputs=(channels, height, width)."
            raise ConfigError(expected=f"an image for nn.{name}", got=f"{shape} numbers", at=at, help=remedy)
        return layer.units if isinstance(layer, Dense | Embedding) else shape
    if isinstance(layer, Dense | Embedding):
        got = f"an image of shape {shape}"
        raise ConfigError(expected=f"numbers for nn.{name}", got=got, at=at, help="Put nn.Flatten() before it.")
    if isinstance(layer, Flatten):
        return math.prod(shape)
    if not isinstance(layer, Conv | Pool):
        return shape
    size, step = (layer.kernel, layer.stride) if isinstance(layer, Conv) else (layer.size, layer.step)
    room = min(shape[1:]) + 2 * layer.padding
    if size > room:
        remedy = "Make the window smaller, or add padding."
        raise ConfigError(expected=f"a window of at most {room} × {room}", got=f"{size} × {size}", at=at, help=remedy)
    channels = layer.channels if isinstance(layer, Conv) else shape[0]
    return shape_behind(shape, channels, size, step, layer.padding)
