"""Fields, and the question that consists of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from headwater.errors import ConfigError, DataError, did_you_mean

__all__ = ["COSTS", "REQUIRED", "Field", "Question", "object_schema"]

REQUIRED: Any = object()
"""The default of a field that has none."""
_SHOWN_CHARACTERS = 80
"""Characters of a refused value in a sentence."""

_TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_NOUNS = {
    "number": "a number",
    "whole": "a whole number",
    "label": "a text, a number or a boolean",
    "boolean": "true or false",
    "text": "a text",
    "row": "an object of names and values",
    "rows": "a list of objects of names and values",
    "prompt": "a text, a list of numbers, or an object of names and values",
    "list": "a list",
    "names": "a number of them, or their names",
    "offer": "a list, or an object of names and their features",
    "map": "an object of names and values",
    "any": "a value",
    "sizes": "layer sizes such as 64,32",
    "seed": "a seed",
    "column": "the name of a column",
    "words": "a text, or an object of columns and how they are read",
    "rolling": "a text such as card@at:1h:sum(amount), or an object of the settings of Rolling",
}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "label": {"type": ["string", "number", "boolean"]},
    "boolean": {"type": "boolean"},
    "text": {"type": "string"},
    "row": {"type": "object"},
    "rows": {"type": "array", "items": {"type": "object"}},
    "prompt": {"type": ["string", "array", "object"]},
    "list": {"type": "array"},
    "names": {"type": ["integer", "array"]},
    "offer": {"type": ["array", "object"]},
    "map": {"type": "object"},
    "any": {},
    "sizes": {"type": "array", "items": {"type": "integer", "minimum": 1}},
    "seed": {"type": "integer"},
    "column": {"type": "string"},
    "words": {"type": ["string", "object"]},
    "rolling": {"type": ["string", "object"]},
}
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "whole": (int,),
    "label": (str, int, float, bool),
    "boolean": (bool,),
    "text": (str,),
    "row": (Mapping,),
    "rows": (list, tuple),
    "prompt": (str, list, tuple, Mapping),
    "list": (list, tuple),
    "names": (int, list, tuple),
    "offer": (list, tuple, Mapping),
    "map": (Mapping,),
    "any": (object,),
    "sizes": (list, tuple),
    "seed": (int,),
    "column": (str,),
    "words": (str, Mapping),
    "rolling": (object,),
}
_NUMBERS = frozenset(("number", "whole", "seed"))


@dataclass(frozen=True, slots=True)
class Field:
    """Declare one field.

    Error sentences, options of the command, JSON schemas and the reference are made from it.

    Parameters
    ----------
    name : str
        Its name in Python, in JSON and, with hyphens, as an option.
    type : str
        "number", "whole", "label", "boolean", "text", "row", "rows", "list", "names", "offer", "prompt", "map" or "any"; and for
        settings "sizes", "seed", "column", "words" or "rolling".
    doc : str
        What it means, in one sentence.
    default : object
        Its value where it is left out; ``REQUIRED`` for a field that must be given.
    least, most : float, optional
        Its range, both ends included. Of a map the range of its values, which are numbers.
    unit : str
        Its unit.
    word : str
        What the command calls it, where that is another word.
    exclusive : bool
        Whether the ends of its range are left out of it.

    Examples
    --------
    >>> horizon = Field("horizon", "whole", "How many times ahead.", default=24, least=1, most=1024, unit="times")
    >>> horizon.read(None), horizon.read(3), horizon.expected
    (24, 3, 'a whole number from 1 to 1,024')
    """

    name: str
    type: str
    doc: str
    default: Any = REQUIRED
    least: float | None = None
    most: float | None = None
    unit: str = ""
    word: str = ""
    exclusive: bool = False

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    @property
    def option(self) -> str:
        """Its name as an option of the command."""
        return "--" + (self.word or self.name).replace("_", "-")

    @property
    def expected(self) -> str:
        """What a value must be, as a noun phrase."""
        noun = _NOUNS[self.type]
        if self.type == "map" or self.least is None:
            return noun
        if self.most is None:
            return f"{noun} {'above' if self.exclusive else 'of at least'} {self.least:,}"
        return (
            f"{noun} between {self.least:,} and {self.most:,}"
            if self.exclusive
            else f"{noun} from {self.least:,} to {self.most:,}"
        )

    def example(self) -> Any:
        """Return some value of this field, for an example.

        Examples
        --------
        >>> Field("exposure", "number", "How long was watched.", least=0.5).example()
        1.0
        """
        if self.type in _NUMBERS:
            low, high = -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
            value = min(max(1.0, low), high)
            return value if self.type == "number" else int(value)
        return {
            "boolean": True,
            "row": {"hour": 8},
            "rows": [{"hour": 8}],
            "list": ["a", "b"],
            "offer": ["a", "b"],
            "names": 2,
            "map": {"late": True},
            "sizes": [8],
        }.get(self.type, "a")

    def read(self, value: Any, *, at: str = "") -> Any:
        """Return a value of this field, or its default for None.

        Raises
        ------
        DataError
            If the value is missing, of another type or out of range.
        """
        if value is None:
            if self.required:
                raise self._refused("nothing", at)
            return self.default
        fits = isinstance(value, _TYPES[self.type]) and (
            self.type in ("label", "boolean", "any") or not isinstance(value, bool)
        )
        if not fits or not self._within(value):
            raise self._refused(f"{value!r:.{_SHOWN_CHARACTERS}}", at)
        return value

    def parse(self, text: str, *, at: str = "") -> Any:
        """Return the value that a text of the command line stands for.

        Raises
        ------
        DataError
            If it is none.

        Examples
        --------
        >>> Field("actions", "list", "The actions on offer.").parse("left, 2")
        ['left', 2]
        """
        return self.read(_parsed(self.type, text.strip()), at=at)

    def schema(self) -> dict[str, Any]:
        """Return its JSON schema."""
        found = {**_SCHEMAS[self.type], "description": self.doc + (f" Unit: {self.unit}." if self.unit else "")}
        ends = ("exclusiveMinimum", "exclusiveMaximum") if self.exclusive else ("minimum", "maximum")
        span = {name: end for name, end in zip(ends, (self.least, self.most), strict=True) if end is not None}
        found |= {"additionalProperties": {"type": "number", **span}} if self.type == "map" and span else span
        return found if self.required or self.default is None else found | {"default": self.default}

    def _within(self, value: Any) -> bool:
        if self.type == "sizes":
            return all(type(units) is int and units > 0 for units in value)
        if self.type == "words":
            return isinstance(value, str) or all(how is None or isinstance(how, str) for how in value.values())
        if self.type == "map" and (self.least is not None or self.most is not None):
            return all(isinstance(one, int | float) and self._inside(one) for one in value.values())
        return self.type not in _NUMBERS or self._inside(value)

    def _inside(self, value: float) -> bool:
        low, high = -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
        return bool(low < value < high if self.exclusive else low <= value <= high)

    def _refused(self, got: str, at: str) -> DataError:
        return DataError(expected=self.expected, got=got, at=at or self.name, help=f"{self.name}: {self.doc}")


COSTS = Field(
    "costs",
    "map",
    "What it costs to miss each true class, such as fraud=500,ok=5; 1 where it is not named.",
    default=None,
)
"""The field of a question about classes by whose costs the class is chosen."""


@dataclass(frozen=True, slots=True)
class Question:
    """Declare what a learner of a kind is asked.

    Parameters
    ----------
    name : str
        The verb.
    fields : tuple of Field
        What may be said beside the rows.
    ahead : bool
        Whether rows are the times that come next, in order; without it each row is asked on its own.
    keyed : bool
        Whether each row of a question ahead names its series, as those of a fleet do. Else rows may be left out.

    Examples
    --------
    >>> Question("score", (Field("rate", "number", "The share of alarms.", default=0.001),)).read({})
    {'rate': 0.001}
    """

    name: str
    fields: tuple[Field, ...] = ()
    ahead: bool = False
    keyed: bool = False

    @property
    def needs_rows(self) -> bool:
        """Whether it can't be asked without rows."""
        return self.keyed or not self.ahead

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every field, with defaults for those left out.

        Raises
        ------
        ConfigError
            For a field that the question does not have.
        DataError
            For a value that can't be.
        """
        names = [field.name for field in self.fields]
        for name in given:
            if name not in names:
                raise ConfigError(
                    expected=f"a question with {', '.join(names)}" if names else "a question without settings",
                    got=f"{name}={given[name]!r:.60}",
                    at=name,
                    help=did_you_mean(name, names) or "Leave it out.",
                )
        return {field.name: field.read(given.get(field.name)) for field in self.fields}


def object_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """Return the JSON schema of an object with some fields, of which those without a default are required.

    Examples
    --------
    >>> object_schema([Field("reward", "number", "What it brought.")])["required"]
    ['reward']
    """
    found = {field.name: field for field in fields}
    needed = [name for name, field in found.items() if field.required]
    schema = {"type": "object", "properties": {name: field.schema() for name, field in found.items()}}
    return schema | ({"required": needed} if needed else {})


def _parsed(kind: str, text: str) -> Any:
    """Parse a text as the field's type, and return it unchanged if that fails."""
    if kind in ("list", "offer") or (kind == "names" and not text.isdecimal()):
        return [_parsed("label", part.strip()) for part in text.split(",") if part.strip()]
    if kind == "map":
        pairs = [part.rpartition("=") for part in text.split(",")]
        named = all(sign for _, sign, _ in pairs)
        return {name.strip(): _parsed("number", value.strip()) for name, _, value in pairs} if named else text
    if kind == "boolean":
        return _TRUTHS.get(text.lower(), text)
    if kind == "text":
        return text
    if kind in ("whole", "label", "names", "any"):
        with suppress(ValueError):
            return int(text)
    with suppress(ValueError):
        return float(text)
    return text
