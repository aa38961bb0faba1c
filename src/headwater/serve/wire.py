"""What goes over the wire: the shapes of requests, checked while they are decoded, and how answers are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from headwater.errors import DataError, TargetError
from headwater.store.event import Event

T = TypeVar("T")
LONGEST_NAME = 256
FARTHEST = 1e30

Name = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Scalar = None | bool | Int | float | str
Features = dict[Name, bool | Int | float | str | list[Scalar] | None]
Answer = bool | Int | float | Name
Weight = Annotated[float, msgspec.Meta(ge=0, le=FARTHEST)]


class Ask(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A sample to predict; with ``keep`` its answer may come later, by the id that is answered."""

    x: Features
    keep: bool = True


class Example(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A sample with its answer, to learn; of those with the same ``id`` only the first is learned."""

    x: Features
    y: Answer
    w: Weight | None = None
    id: Id | None = None


class Late(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The answer to a prediction that was given out earlier."""

    id: Id
    y: Answer
    w: Weight | None = None


class Create(msgspec.Struct, forbid_unknown_fields=True):
    """A model, or a challenger, to make; without ``hidden`` the library's default, which needs no tuning."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    task: str = "classify"
    hidden: Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=4096)]], msgspec.Meta(max_length=8)] | None = None
    optimizer: str | None = None
    lr: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    loss: str | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None = None


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """A change of a learner's step size: the factor on what was declared, and whose (the champion's without ``learner``)."""

    factor: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    learner: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """What the page logs in with."""

    token: Annotated[str, msgspec.Meta(max_length=1024)]


class Body:
    """One kind of request body: one object, a list of them, or lines of them (NDJSON).

    Parameters
    ----------
    kind : type
        The struct.
    """

    def __init__(self, kind: type[Any]) -> None:
        self._lines = msgspec.json.Decoder(kind)
        self._any = msgspec.json.Decoder(kind | list[kind])  # type: ignore[valid-type]

    def one_or_many(self, body: bytes) -> tuple[list[Any], bool]:
        """Return the objects of a JSON body, and whether it was a list."""
        value = decoded(self._any.decode, body, "body")
        return (value, True) if isinstance(value, list) else ([value], False)

    def lines(self, body: bytes) -> list[Any]:
        """Return the objects of an NDJSON body; an error names the line."""
        try:
            return self._lines.decode_lines(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            rows = []
            for i, line in enumerate(body.split(b"\n")):
                if line.strip():
                    rows.append(decoded(self._lines.decode, line, f"line {i + 1}"))
            return rows


def decoded(decode: Callable[[bytes], T], body: bytes, at: str) -> T:
    """Return a decoded body, or raise what is wrong with it.

    Raises
    ------
    DataError
        For anything but what is expected.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at ")
        raise DataError(
            expected="a body as in /openapi.json",
            got=_inner(words),
            at=f"{at} {place}".strip(),
            help="Correct it; nothing was learned.",
            code="invalid",
        ) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(
            expected="JSON", got=str(error)[:200], at=at, help="Send valid JSON; nothing was learned.", code="not_json"
        ) from error


def _inner(words: str) -> str:
    return f"one where: {words[:200]}"


def answer(task: str, y: Any) -> Any:
    """Return an answer as the learner takes it.

    Raises
    ------
    TargetError
        For what can't be one.
    """
    if task != "regress":
        return y
    if isinstance(y, bool) or not isinstance(y, int | float) or not abs(y) <= FARTHEST:
        raise TargetError(
            expected=f"a number within ±{FARTHEST:g}",
            got=f"{y!r:.80}",
            at="y",
            help="This model regresses; nothing was learned.",
        )
    return float(y)


def event(task: str, example: Example) -> Event:
    """Return an example as the journal takes it."""
    w = None if example.w == 1.0 else example.w
    return Event(example.x, answer(task, example.y), w, example.id)


def label_key(label: Any) -> str:
    """Return a class as the key of a JSON object: text as it is, others as JSON writes them.

    Examples
    --------
    >>> label_key("red"), label_key(True), label_key(3)
    ('red', 'true', '3')
    """
    return label if isinstance(label, str) else msgspec.json.encode(label).decode()


def said_as_json(guess: Any, proba: dict[Any, float] | None) -> dict[str, Any]:
    """Return a prediction as JSON shows it."""
    if proba is None:
        return {"y_pred": guess if isinstance(guess, float) and math.isfinite(guess) else None}
    return {"y_pred": guess, "proba": {label_key(label): round(p, 7) for label, p in proba.items()}}


def to_json(value: Any) -> bytes:
    """Return a value as JSON; what JSON has no word for becomes text."""
    return msgspec.json.encode(value, enc_hook=str)


def to_lines(rows: list[Any]) -> bytes:
    """Return rows as NDJSON."""
    return _encoder.encode_lines(rows)


_encoder = msgspec.json.Encoder(enc_hook=str)

__all__ = [
    "Ask",
    "Body",
    "Create",
    "Example",
    "Late",
    "Login",
    "Step",
    "answer",
    "decoded",
    "event",
    "label_key",
    "said_as_json",
    "to_json",
    "to_lines",
]
