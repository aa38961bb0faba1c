"""Convert settings and names to JSON and back exactly, for the few types a model's header may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from headwater import nn
from headwater.errors import ModelFileError
from headwater.learner.kind import Kind, kind_named
from headwater.learner.settings import written_settings
from headwater.types import Lazy

CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *nn.LAYERS.values(),
        *nn.OPTIMIZERS.values(),
        *nn.SCHEDULES,
        nn.Initializer,
        nn.Loss,
        nn.Expert,
    )
}

_OTHERS = {
    "Privacy": Lazy("headwater.privacy.settings:Privacy"),
    "Rolling": Lazy("headwater.learner.settings.rolling:Rolling"),
}
"""Classes of settings that no net has, imported when a file has them."""


def as_json(value: Any) -> Any:
    """Return a setting or name as JSON that ``from_json`` restores exactly, tagging types that JSON lacks."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, tuple):
        return {"tuple": [as_json(item) for item in value]}
    if isinstance(value, list):
        return {"list": [as_json(item) for item in value]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"dict": [[as_json(name), as_json(item)] for name, item in value.items()]}
    name = type(value).__name__
    if is_dataclass(value) and (name in CLASSES or name in _OTHERS):
        numbers = {item.name: as_json(getattr(value, item.name)) for item in fields(value)}
        return {"class": name, "fields": numbers}
    if isinstance(kind := getattr(value, "kind", None), Kind):  # a learner that is part of another, without its state
        return {"learner": kind.name, "fields": {own: as_json(one) for own, one in written_settings(value).items()}}
    raise ModelFileError(
        expected="names and classes that are text, numbers, booleans, bytes or tuples of them",
        got=f"{value!r} ({type(value).__name__})",
        at="save",
        help="Use such names, or map yours to texts.",
    )


def from_json(value: Any) -> Any:
    """Restore a value converted by ``as_json``."""
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float.fromhex(value["float"])
    if "tuple" in value:
        return tuple(list_from_json(value["tuple"]))
    if "list" in value:
        return list_from_json(value["list"])
    if "bytes" in value:
        return bytes.fromhex(value["bytes"])
    if "dict" in value:
        return {from_json(name): from_json(item) for name, item in value["dict"]}
    cls = kind_named(value["learner"]).cls if "learner" in value else _class_named(value["class"])
    return cls(**dict_from_json(value["fields"]))


def list_from_json(values: Iterable[Any]) -> list[Any]:
    """Restore values converted by ``as_json``. Plain ones and numbers, which most are, take no call of their own."""
    return [
        value if type(value) is not dict else float.fromhex(value["float"]) if "float" in value else from_json(value)
        for value in values
    ]


def dict_from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Restore named values converted by ``as_json``."""
    return dict(zip(values, list_from_json(values.values()), strict=True))


def _class_named(name: str) -> Any:
    return CLASSES.get(name) or _OTHERS[name]
