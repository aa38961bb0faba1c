"""Schemas of requests, validated while decoding, and the encoding of responses."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

import msgspec

from headwater._core import repeated_name
from headwater.errors import DataError, TargetError
from headwater.learner.kind import default_kind
from headwater.learner.schema.answer import Answer
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.pieces import items_of
from headwater.store.service.limits import Limits, OverLimit

S = TypeVar("S")
T = TypeVar("T")
MAX_NAME = 256
MAX_NUMBER = 1e30
LARGE = 64 << 10
"""Bytes of a body beyond which decoding it would block other requests."""

_JSON_PER_BYTE = (
    2  # bytes that JSON takes for one of MessagePack: a text that is no ASCII may be written as \\u and four digits
)
_CONVERTED_AT_ONCE = 500
INVALID = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding raises for a body that is no JSON, or not as declared."""
_LONG = "A longer whole number is sent as a text if it names something, else with a fraction: 1e19."
_NO_NAN = ", in which null is a missing value, as NaN and infinity are none."
_HALF_PAIR = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2})",
    re.IGNORECASE,
)
_FIELDS = 8  # names beside those of the sample itself

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Scalar = None | bool | Int | float | str
Features = dict[Name, bool | Int | float | str | list[Scalar] | None]
LabelValue = bool | Int | float | Name
Outputs = dict[Name, LabelValue | None]
Weight = Annotated[float, msgspec.Meta(ge=0, le=MAX_NUMBER)]


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A sample to predict. With ``keep`` its label may be sent later under the returned id.

    With ``coverage`` the response has a ``set`` of classes, or an ``interval`` with its two bounds, that contains the true label with
    this long-run coverage. With ``costs`` by true class, or by true and predicted class, a classifier predicts the class whose
    mistakes are expected to cost least. Mistakes that are not named cost 1.
    """

    x: Features
    keep: bool = True
    coverage: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    costs: dict[Name, float | dict[Name, float]] | None = None


class Example(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A labeled sample to learn. Of those with the same ``id`` only the first is learned.

    An anomaly model takes samples without ``y``. A label (0 or 1) is used only for metrics. A forecaster takes the time steps of its
    series in order, with ``null`` for a missing value and without weights. For a bandit ``y`` is ``[action, reward, p]`` with the
    probability of the action, and a fourth item may list the actions offered, or give the features of each. For a learner of several
    labels per row it is an object of output → value, with ``null`` for an unknown one.
    """

    x: Features
    y: LabelValue | list[LabelValue | list[LabelValue] | dict[Name, Features]] | Outputs | msgspec.UnsetType | None = (
        msgspec.UNSET
    )
    w: Weight | None = None
    id: Id | None = None


class ExplainRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A sample whose prediction or score is to be explained.

    ``target`` is the class of a classifier (by default the predicted one), or the action of a bandit (by default the best).

    For a forecaster ``x`` holds features of the time ahead, and ``horizon`` selects it (by default 1, the next).
    """

    x: Features
    target: LabelValue | None = None
    horizon: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """What all questions have. The fields of the kind's own question stand beside them.

    With ``keep`` what is said of each row is stored under an id, for its label to come later.
    """

    rows: list[Features] | None = None
    keep: bool = False


class Teach(msgspec.Struct, forbid_unknown_fields=True):
    """Rows with their labels, weights and ids; or, under ``asked``, the ids of questions and the labels that came later."""

    rows: list[Features] | None = None
    labels: list[Any] | None = None
    weights: list[Weight | None] | None = None
    ids: list[Id | None] | None = None
    asked: list[Id] | None = None


class DelayedLabel(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The label of an earlier prediction. Of a learner of several labels a row it is an object of output → value."""

    id: Id
    y: LabelValue | Outputs
    w: Weight | None = None


class Consider(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row that may be worth a label, and the share of rows whose labels can be paid for."""

    x: Features
    budget: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.05


class Release(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row to give back that was handed out for a label."""

    id: Id


class SourceName(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A followed source, such as ``kafka:orders``."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


_Column = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class RollingColumns(msgspec.Struct, forbid_unknown_fields=True):
    """Aggregates of earlier rows that a model adds to each row: the settings of `Rolling`."""

    key: _Column | None
    time: _Column
    over: tuple[str | float, ...] = ("1h", "24h")
    of: dict[_Column, str | tuple[str, ...]] = {}
    rows: tuple[str, ...] = ("count", "since")
    max_events: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)] = 64_000_000


class NewModel(msgspec.Struct, forbid_unknown_fields=True):
    """A model or a challenger to create, by default the library's tuning-free one. Settings of its kind stand beside these."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    task: str = default_kind().task


class Forget(msgspec.Struct, forbid_unknown_fields=True):
    """Rows to forget, by numbers of events, by ids, or by values of columns."""

    rows: Annotated[list[Annotated[int, msgspec.Meta(ge=1)]], msgspec.Meta(max_length=10_000)] = []
    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=10_000)] = []
    where: dict[str, str | float | bool] = {}
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    dry_run: bool = False


class StepSize(msgspec.Struct, forbid_unknown_fields=True):
    """A factor on the declared step size of a learner, by default of the champion."""

    factor: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    learner: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Login of the page."""

    token: Annotated[str, msgspec.Meta(max_length=1024)]


class Body:
    """Decoder of a request body with one object, a list, or NDJSON.

    Parameters
    ----------
    kind : type
        The struct.
    """

    def __init__(self, kind: type[Any]) -> None:
        self.kind, self._one = kind, msgspec.json.Decoder(kind)
        self.decode_one = self._one.decode
        """Decodes a body with one object, or raises one of `INVALID`."""
        self._any = msgspec.json.Decoder(kind | list[kind])  # type: ignore[valid-type]

    def read(self, body: bytes, *, lines: bool, limits: ServerLimits, row_limits: Limits) -> tuple[list[Any], bool]:
        """Return the objects of a body, and whether it was a list.

        A large body is decoded object by object, so that other threads can run in between.

        Raises
        ------
        DataError
            If the body is invalid, naming the wrong object, or has too many objects.
        """
        if lines:
            return self._lines(body, limits, row_limits), True
        if len(body) <= LARGE or body.lstrip()[:1] != b"[":
            if len(body) > LARGE:
                _check_size(body, row_limits, "body")
            try:
                value = self._any.decode(body)
            except INVALID as error:
                raise _invalid(error, "body", body) from error
            if (name := repeated_name(body)) is not None:
                raise _twice(name, "body")
            if not isinstance(value, list):
                return [value], False
            rows, many = value, True
        else:
            rows, many = [], True
            for i, part in enumerate(items_in(body, "body")):
                rows.append(self._part(part, row_limits, f"body $[{i}]"))
                _check_rows(rows, limits)
        _check_rows(rows, limits)
        return rows, many

    def convert(self, objects: list[dict[str, Any]]) -> list[Any]:
        """Return objects of another format, validated like JSON.

        Raises
        ------
        DataError
            If an object is invalid, naming its row.
        """
        convert: Callable[[Any], list[Any]] = partial(msgspec.convert, type=list[self.kind])  # type: ignore[name-defined]
        return in_parts(convert, objects, "body")

    def _lines(self, body: bytes, limits: ServerLimits, row_limits: Limits) -> list[Any]:
        rows: list[Any] = []
        at = line = 0
        while at < len(body):  # in pieces, between which other threads can run
            end = body.find(b"\n", at + LARGE) + 1 or len(body)
            piece = body[at:end]
            rows += self._piece(piece, line, row_limits)
            _check_rows(rows, limits)
            at, line = end, line + piece.count(b"\n")
        return rows

    def _piece(self, piece: bytes, before: int, row_limits: Limits) -> list[Any]:
        """Return the objects of some whole lines, of which there were ``before`` others."""
        lines = piece.split(b"\n")
        if max(map(len, lines)) <= _certain(row_limits):
            with contextlib.suppress(*INVALID):  # raised below with its line
                rows = self._one.decode_lines(piece)
                if repeated_name(piece) is None:
                    return rows
        numbered = enumerate(lines, before + 1)
        return [self._part(line, row_limits, f"line {i}") for i, line in numbered if line.strip()]

    def _part(self, part: Any, row_limits: Limits, at: str) -> Any:
        _check_size(part, row_limits, at)
        return decoded(self._one.decode, part, at)


def _certain(limits: Limits) -> int:
    """Return the bytes of JSON up to which a row is certainly within the store's limits."""
    return min(_JSON_PER_BYTE * limits.row_bytes, limits.row_entries)


def _check_size(part: Any, limits: Limits, at: str) -> None:
    """Reject a row certainly beyond the store's limits before decoding it, which would block others."""
    if len(part) <= _certain(limits):
        return
    if len(part) > _JSON_PER_BYTE * limits.row_bytes:
        most = f"at most {_JSON_PER_BYTE * limits.row_bytes:,} bytes of JSON a row"
        raise OverLimit(expected=most, got="more", at=at, help="The limit row_bytes can be set.")
    raw = bytes(part)
    # A quote that no backslash escapes and a colon end a name, and never stand so in a text. (Of names that end in a
    # backslash, or have space before the colon, there may be more: those are counted once they are decoded.)
    if raw.count(b'":') - raw.count(b'\\":') > limits.row_entries + _FIELDS:
        most = f"at most {limits.row_entries:,} entries a row"
        raise OverLimit(expected=most, got="more", at=at, help="The limit row_entries can be set.")


def _check_rows(rows: list[Any], limits: ServerLimits) -> None:
    if len(rows) > limits.rows:
        raise too_many("rows", limits, "body")


def decoded(decode: Callable[[S], T], body: S, at: str) -> T:
    """Decode a body, raising DataError if it is invalid.

    Raises
    ------
    DataError
        If the body is invalid, or an object of its JSON has a name twice.
    """
    try:
        value = decode(body)
    except INVALID as error:
        raise _invalid(error, at, body if isinstance(body, bytes) else b"[") from error
    if isinstance(body, bytes | msgspec.Raw) and (name := repeated_name(body)) is not None:
        raise _twice(name, at)
    return value


def _twice(name: str, at: str) -> DataError:
    """Return that an object has a name twice."""
    return DataError(
        expected="each name once in a JSON object",
        got=f'"{name:.80}" twice',
        at=at,
        help="JSON leaves open which of the two counts. Nothing was learned.",
        code="invalid",
    )


def _invalid(error: Exception, at: str, body: bytes) -> DataError:
    """Return what is wrong with a body that can't be decoded."""
    if isinstance(error, msgspec.ValidationError):
        words, _, place = str(error).partition(" - at ")
        return DataError(
            expected="a body as in /openapi.json",
            got=_inner(words),
            at=f"{at} {place}".strip(),
            help=f"{_LONG if 'Expected `int`' in words and '922337' in words else 'Correct it.'} Nothing was learned.",
            code="invalid",
        )
    got, help_ = _no_json(body) or (
        str(error)[:200],
        f"Send valid JSON{_NO_NAN if 'invalid character' in str(error) else '.'}",
    )
    return DataError(expected="JSON", got=got, at=at, help=f"{help_} Nothing was learned.", code="not_json")


def _no_json(body: bytes) -> tuple[str, str] | None:
    """Return what a body is and what to do, where a decoder's words would mislead."""
    if not body.strip():
        return "an empty body", "Send a JSON object."
    if body.startswith(b"\xef\xbb\xbf"):
        return "a byte order mark before it", "Send UTF-8 without a byte order mark."
    if body.startswith(b"\x1f\x8b"):
        return "gzip", "Send it unpacked, without Content-Encoding."
    if _HALF_PAIR.search(body) is not None:
        return "half of a surrogate pair", "A text was cut inside a character, such as an emoji: cut it between two."
    return None


def items_in(array: bytes, at: str) -> Iterator[msgspec.Raw]:
    """Yield the undecoded items of a large JSON array, between which other threads can run.

    Raises
    ------
    DataError
        If it is not an array.
    """
    items = items_of(array)
    while (item := decoded(lambda of: next(of, None), items, at)) is not None:
        yield item


def _inner(words: str) -> str:
    return f"one where: {words[:200]}"


def to_features(rows: list[dict[str, Any]], at: str) -> list[dict[str, Any]]:
    """Validate rows of another protocol like any other sample.

    Raises
    ------
    DataError
        If a name is too long, or a value is not a valid feature.
    """
    return in_parts(_convert, rows, at)


def in_parts(convert: Callable[[list[Any]], list[T]], rows: list[Any], at: str) -> list[T]:
    """Convert rows a few at once, between which other threads can run.

    Raises
    ------
    DataError
        If a row is invalid, naming it.
    """
    found: list[T] = []
    for start in range(0, len(rows), _CONVERTED_AT_ONCE):
        where = f"{at}, behind row {start}" if start else at
        found += decoded(convert, rows[start : start + _CONVERTED_AT_ONCE], where)
    return found


def to_labels(values: list[Any], at: str) -> list[Any]:
    """Validate labels of another protocol like any other label.

    Raises
    ------
    DataError
        If a text is too long, or a number is not finite.
    """
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise DataError(expected="finite answers", got="NaN or infinity", at=at, help="Leave such rows out.")
    return decoded(partial(msgspec.convert, type=list[LabelValue]), values, at)


def _convert(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return msgspec.convert(rows, list[Features], strict=True)


def count_cells(x: Mapping[Any, Any]) -> int:
    """Return the number of values in a sample, including those in lists."""
    count = len(x)
    for value in x.values():
        if type(value) is list:
            count += len(value)
    return count


def odd_labels(answer: Answer, labels: Sequence[Any], shape: str) -> list[Any]:
    """Return labels of which some have one of the types `ODD`, with None for a missing one.

    ``shape`` is one, list, lines or arrow.

    Raises
    ------
    DataError
        Names the first example without a label, or with a null label, where none may be missing.
    """
    _check_labels(answer, labels, shape)
    return [None if y is msgspec.UNSET else y for y in labels]


_PLACES = {
    "one": ("body", "body $.y"),
    "list": ("body $[{i}]", "body $[{i}].y"),
    "lines": ("line {line}", "line {line} $.y"),
    "arrow": ("row {i}", "row {i}, the label"),
}
"""Where a row and its label are, by the shape of the body."""
ODD = {list, dict, type(None), msgspec.UnsetType}
"""Types of labels that are to be looked at one by one."""


def _check_labels(answer: Answer, labels: Sequence[Any], shape: str) -> None:
    for i, y in enumerate(labels):
        if isinstance(y, list | dict) and shape != "one" and not answer.compound:
            raise TargetError(
                expected="one value",
                got=f"{y!r:.80}",
                at=_PLACES[shape][1].format(i=i, line=i + 1),
                help="A bandit learns [action, reward, p], a MultiOutput an object.",
            )
        if y is None and not answer.gaps:
            got, place = (
                "Expected `bool | int | float | str`, got `null`",
                _PLACES[shape][1],
            )
        elif y is msgspec.UNSET and answer.needed:
            got, place = (
                "Object missing required field `y`",
                _PLACES[shape][0],
            )
        else:
            continue
        raise DataError(
            expected="a body as in /openapi.json",
            got=_inner(got),
            at=place.format(i=i, line=i + 1),
            help="Correct it. Nothing was learned.",
            code="invalid",
        )


def finite(number: float) -> float | None:
    """Return a number, or None for infinity and NaN, which JSON does not have."""
    return number if math.isfinite(number) else None


def label_key(label: Any) -> str:
    """Return a class as a JSON object key, with non-text as JSON.

    Examples
    --------
    >>> label_key("red"), label_key(True), label_key(3)
    ('red', 'true', '3')
    """
    return label if isinstance(label, str) else msgspec.json.encode(label).decode()


def prediction_as_json(guess: Any, proba: dict[Any, Any] | None) -> dict[str, Any]:
    """Return a prediction as JSON values."""
    if isinstance(guess, dict):
        shares = {label_key(name): _shares(own) for name, own in (proba or {}).items()}
        return {"y_pred": {label_key(name): value for name, value in guess.items()}, "proba": shares}
    if proba is None:
        return {"y_pred": finite(guess) if isinstance(guess, float) else None}
    return {"y_pred": guess, "proba": _shares(proba)}


def _shares(proba: Mapping[Any, float]) -> dict[str, float]:
    return {label if type(label) is str else label_key(label): round(p, 7) for label, p in proba.items()}


def shares_as_json(classes: Sequence[Any], proba: Any) -> list[dict[str, float]]:
    """Return the probabilities of each row, as `prediction_as_json` does."""
    names = [label if type(label) is str else label_key(label) for label in classes]
    columns = [[round(p, 7) for p in column] for column in proba.T.tolist()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def to_json(value: Any) -> bytes:
    """Encode a value as JSON, converting unsupported types to text."""
    return msgspec.json.encode(value, enc_hook=str)


to_lines: Callable[[list[Any]], bytes] = msgspec.json.Encoder(enc_hook=str).encode_lines
"""Return rows as NDJSON."""

__all__ = [
    "INVALID",
    "ODD",
    "Ask",
    "Teach",
    "PredictRequest",
    "Body",
    "NewModel",
    "Example",
    "DelayedLabel",
    "ExplainRequest",
    "Login",
    "StepSize",
    "count_cells",
    "decoded",
    "finite",
    "in_parts",
    "odd_labels",
    "items_in",
    "label_key",
    "prediction_as_json",
    "to_features",
    "shares_as_json",
    "to_json",
    "to_labels",
    "to_lines",
]
