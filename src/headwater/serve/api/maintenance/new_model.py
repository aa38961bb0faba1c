"""The settings of a new model over HTTP: the fields of its kind, within what a server allows, and their JSON schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import Kind
from headwater.learner.schema import Field
from headwater.learner.settings.options import offered, read_settings
from headwater.learner.settings.rolling import Rolling
from headwater.serve.http.schemas import MAX_NUMBER, RollingColumns, decoded

_MOST = {"sizes": 4096, "seed": 2**31, "names": 4096, "number": MAX_NUMBER, "list": MAX_NUMBER, "whole": 2**31}
"""The largest number that a setting of a type may have, beside the setting's own range: it bounds what a body of a few bytes costs."""
_MOST_LAYERS = 8


def checked_settings(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a new learner of a kind, as its class takes them.

    Raises
    ------
    ConfigError
        If the kind has no such setting.
    DataError
        If a value is of another type or out of range.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> checked_settings(kind_with("forecast"), {"horizon": 2, "seed": 3})
    {'horizon': 2, 'seed': 3}
    """
    made = read_settings(kind, given)
    for field in offered(kind):
        if field.name in made:
            made[field.name] = _within(field, made[field.name])
    return made


def settings_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON schema of each setting that a new model of a kind may be given, by name.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> settings_schema(kind_with("forecast"))["season"]["anyOf"][0]["maximum"]
    16384
    """
    return {field.name: _schema(field) for field in offered(kind)}


def _within(field: Field, value: Any) -> Any:
    """Return a value that the server allows, and aggregates as a `Rolling`."""
    if field.type == "rolling":
        return value if isinstance(value, Rolling) else _rolling(value, field.name)
    if field.type == "sizes" and len(value) > _MOST_LAYERS:
        raise _too_large(f"at most {_MOST_LAYERS} layers", len(value), field)
    most = _MOST.get(field.type, math.inf)
    for number in value if isinstance(value, tuple | list) else [value]:
        if isinstance(number, int | float) and abs(number) > most:
            raise _too_large(f"at most {most:,.0f}", number, field)
    return value


def _too_large(expected: str, got: float, field: Field) -> DataError:
    return DataError(
        expected=expected,
        got=f"{got!r:.40}",
        at=field.name,
        help="Give less, or make the model in Python and serve its file.",
    )


def _rolling(value: Any, at: str) -> Rolling:
    columns = decoded(partial(msgspec.convert, type=RollingColumns), value, f"body $.{at}")
    return Rolling(**msgspec.structs.asdict(columns))


def _schema(field: Field) -> dict[str, Any]:
    """Return the JSON schema of a setting with what the server allows. Null stands for one that is left out."""
    found = field.schema()
    about, default = found.pop("description"), found.pop("default", None)
    if field.type == "rolling":
        found = {"anyOf": [{"$ref": "#/components/schemas/RollingColumns"}, {"type": "string"}]}
    elif field.type == "sizes":
        found = {**found, "maxItems": _MOST_LAYERS, "items": {**found["items"], "maximum": _MOST["sizes"]}}
    elif field.type in ("seed", "whole", "number", "names"):
        found.setdefault("maximum", _MOST[field.type])
    if found:
        found = {"anyOf": [found, {"type": "null"}]}
    return {**found, "description": about, "default": default}


__all__ = ["checked_settings", "settings_schema"]
