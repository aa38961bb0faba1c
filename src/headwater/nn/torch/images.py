"""Convert image layers to PyTorch modules and back, with torch passed in by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.errors import ConfigError
from headwater.nn.core.views import Operation
from headwater.nn.layers import Conv, Flatten, Layer, Pool
from headwater.nn.shapes import Shape

__all__ = ["IMAGE_MODULES", "check_images", "image_layer", "is_of_images"]


def _conv(torch: Any, own: Operation, kind: Any) -> Any:
    weights: Any = own.weights
    out, inside, size, _ = weights.shape
    _, stride, padding = own.seen
    conv = torch.nn.Conv2d(inside, out, size, stride, padding, bias=own.bias is not None, dtype=kind)
    conv.weight.copy_(torch.from_numpy(weights.copy()))
    if own.bias is not None:
        conv.bias.copy_(torch.from_numpy(own.bias.copy()))
    return conv


def _max_pool(torch: Any, own: Operation, kind: Any) -> Any:
    return torch.nn.MaxPool2d(*own.seen)


def _mean_pool(torch: Any, own: Operation, kind: Any) -> Any:
    return torch.nn.AvgPool2d(*own.seen)


def _flatten(torch: Any, own: Operation, kind: Any) -> Any:
    return torch.nn.Flatten()


IMAGE_MODULES = {"conv": _conv, "max_pool": _max_pool, "mean_pool": _mean_pool, "flatten": _flatten}
"""Creates the module of each image operation."""


def is_of_images(torch: Any, module: Any) -> bool:
    """Return whether a module reads only images."""
    nn = torch.nn
    return isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)


def image_layer(torch: Any, at: str, module: Any) -> Layer | None:
    """Return the layer for an image module, or None for other modules.

    Raises
    ------
    ConfigError
        For what ``nn.Conv`` and ``nn.Pool`` don't support, such as non-square windows, dilation or groups.
    """
    nn = torch.nn
    if isinstance(module, nn.Flatten):
        return Flatten()
    if not is_of_images(torch, module):
        return None
    size, stride, padding = (_square(getattr(module, name), name, at) for name in ("kernel_size", "stride", "padding"))
    if isinstance(module, nn.Conv2d):
        _need(
            _square(module.dilation, "dilation", at) == 1 and module.groups == 1,
            "no dilation and one group",
            module,
            at,
        )
        _need(module.padding_mode == "zeros", "padding_mode='zeros'", module, at)
        return Conv(module.out_channels, size, stride=stride, padding=padding, bias=module.bias is not None)
    _need(not module.ceil_mode, "ceil_mode=False", module, at)
    if isinstance(module, nn.MaxPool2d):
        _need(_square(module.dilation, "dilation", at) == 1, "no dilation", module, at)
        return Pool(size, stride, padding)
    _need(module.divisor_override is None, "no divisor_override", module, at)
    _need(padding == 0 or module.count_include_pad, "count_include_pad=True", module, at)
    return Pool(size, stride, padding, "mean")


def check_images(torch: Any, stack: Sequence[tuple[str, Any]], read: Sequence[int | Shape]) -> None:
    """Raise ConfigError where a module's channels or inputs don't match the outputs before it."""
    nn = torch.nn
    for (at, module), shape in zip(stack, read, strict=False):
        there: Any = shape if isinstance(shape, int) else shape[0]
        taken = there
        if isinstance(module, nn.Conv2d):
            taken = module.in_channels
        elif isinstance(module, nn.Linear):
            taken = module.in_features
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            taken = module.num_features
        elif isinstance(module, nn.LayerNorm):
            taken, there = tuple(module.normalized_shape), (shape,) if isinstance(shape, int) else shape
        if taken != there:
            what = "inputs" if isinstance(shape, int) else "channels"
            raise ConfigError(expected=f"{there} {what}", got=f"{taken}", at=at, help="Make the widths fit.")


def _square(value: Any, name: str, at: str) -> int:
    """Return a size that PyTorch stores as an equal pair."""
    both = value if isinstance(value, tuple) else (value, value)
    _need(len(set(both)) == 1 and isinstance(both[0], int), f"one whole number as {name}", value, at)
    return int(both[0])


def _need(holds: bool, expected: str, got: Any, at: str) -> None:
    if not holds:
        raise ConfigError(expected=expected, got=repr(got), at=at, help="headwater.nn has no other; change the module.")
