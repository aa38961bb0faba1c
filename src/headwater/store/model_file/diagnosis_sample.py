"""Serialize the diagnosis sample of a learner to MessagePack.

Rows are restored as a learner reads them. Numbers become floats, date-times become text, arrays get the names x0, x1 and so on,
missing values are dropped, and texts are cut to 1,000 characters.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from numbers import Real
from operator import attrgetter, itemgetter
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from headwater.learner.sampling.sample import LOG, SAMPLE, DiagnosisSample, SampledRow, can_be_due
from headwater.types import Metrics, as_mapping

from .settings import as_json, list_from_json

__all__ = ["pack_sample", "unpack_sample"]

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Place = Annotated[int, Meta(ge=0)]
"""Index into a list of the same sample."""
Text = str | float
"""A label or a name, as ``_text`` writes it."""
Scores = dict[str, float]


class _WrittenRecord(msgspec.Struct):
    """Schema of a session's record."""

    rows: Count
    scored: Count
    window: Count
    names: list[str]
    scores: Scores
    window_scores: Scores
    baselines: dict[str, Scores]
    window_baselines: dict[str, Scores]


class _Written(msgspec.Struct, kw_only=True):
    """Schema of a sample, with the range of each number."""

    n: Count
    learned: Count
    due: Count
    recorded: Count
    before: float
    after: float
    worse: float
    total: float
    probed: Count
    labels: list[tuple[Text, Count]]
    sizes: Annotated[list[tuple[Count, float, float]], Meta(max_length=8)]
    log: Annotated[list[tuple[Count, Place, Place, float, float]], Meta(max_length=LOG)]
    answers: list[Text]
    rows: Annotated[list[list[Any]], Meta(max_length=SAMPLE)]
    fresh: Annotated[list[list[Any]], Meta(max_length=SAMPLE)]
    record: _WrittenRecord | None
    names: list[Text]


_PLAIN = ("n", "learned", "due", "recorded", "before", "after", "worse", "total", "probed")
_TEXT = 1000
_FAR = 1e300  # larger magnitudes are clipped
_SAID, _ANSWER = itemgetter(1, 2), attrgetter("y")
"""What was answered and said in a probed row, and the answer of a kept one."""
_RECORD = _WrittenRecord.__struct_fields__


def pack_sample(sample: DiagnosisSample) -> NDArray[np.uint8]:
    """Serialize a sample to bytes (n,)."""
    names: dict[Any, int] = {}
    labels: dict[Any, int] = {}
    texts: dict[tuple[type, Any], Any] = {}
    state = {name: getattr(sample, name) for name in _PLAIN} | {
        "labels": [[_text(label), count] for label, count in sample.labels.items()],
        "sizes": sample.sizes,
        "log": [
            [row, labels.setdefault(y, len(labels)), labels.setdefault(said, len(labels)), loss, sure]
            for row, y, said, loss, sure in sample.log
        ],
        "answers": [_text(label) for label in labels],
        "rows": _packed(sample.rows, names, texts),
        "fresh": _packed(sample.fresh, names, texts),
        "record": None if sample.record is None else {name: getattr(sample.record, name) for name in _RECORD},
    }
    return np.frombuffer(msgspec.msgpack.encode(state | {"names": [_text(name) for name in names]}), np.uint8)


def unpack_sample(data: NDArray[np.uint8], task: str) -> DiagnosisSample:
    """Deserialize a sample packed by ``pack_sample``."""
    decoded: dict[str, Any] = msgspec.msgpack.decode(data.tobytes())
    if "probed" not in decoded:  # written before 0.2.0, so start with an empty sample
        return DiagnosisSample(task)
    state = msgspec.convert(decoded, _Written)
    sample, labels = DiagnosisSample(task), _read_texts(state)
    for name in _PLAIN:
        setattr(sample, name, getattr(state, name))
    sample.labels = Counter({labels[label]: count for label, count in state.labels})
    sample.sizes = state.sizes
    answers, names = list(map(labels.__getitem__, state.answers)), list(map(labels.__getitem__, state.names))
    sample.log = [(row, answers[y], answers[said], loss, sure) for row, y, said, loss, sure in state.log]
    sample.rows, sample.fresh = _unpacked(state.rows, names, labels), _unpacked(state.fresh, names, labels)
    if state.record is not None:
        sample.record = Metrics(**msgspec.structs.asdict(state.record) | {"names": tuple(state.record.names)})
    _check(sample)
    return sample


def _check(sample: DiagnosisSample) -> None:
    """Raise ValueError for inconsistent counters or invalid labels."""
    if not (can_be_due(sample.due) and sample.n < sample.due):
        raise ValueError("sample", f"a measurement that is due after row {sample.n:,}", sample.due)
    said = list(chain.from_iterable(map(_SAID, sample.log)))
    said += map(_ANSWER, (*sample.rows, *sample.fresh))
    if not sample.of_classes and not all(type(y) is float and abs(y) <= _FAR for y in (*said, sample.total)):
        raise ValueError("sample", "answers that are numbers", said)
    hash(tuple(said))  # classes must be hashable


def _text(label: Any) -> Any:
    """Return a label or name as a float or as JSON text, which holds integers and strings of any size."""
    return label if type(label) is float else json.dumps(as_json(label))


def _read_texts(state: _Written) -> dict[Any, Any]:
    """Return labels and names by what `_text` made of them, all texts read as one list."""
    labels = map(itemgetter(0), (*state.labels, *state.rows, *state.fresh))
    written = dict.fromkeys(chain(labels, state.answers, state.names))
    texts = [text for text in written if type(text) is not float]
    values = list_from_json(json.loads(f"[{','.join(texts)}]"))
    return dict(zip(written, written, strict=True)) | dict(zip(texts, values, strict=True))


def _packed(rows: Sequence[SampledRow], names: dict[Any, int], texts: dict[tuple[type, Any], Any]) -> list[list[Any]]:
    """Return each row as label, loss, number, then pairs of name index and value.

    ``texts`` holds the text of each label so far. Plain values are converted here, since a call for each would take longer.
    """
    packed = []
    for x, y, loss, row in rows:
        key = (type(y), y)
        if key not in texts:
            texts[key] = _text(y)
        out = [texts[key], loss, row]
        values = x if type(x) is dict else as_mapping(x)
        for name in sorted(values, key=str):
            value = values[name]
            if (type(value) is float and -_FAR <= value <= _FAR) or (
                type(value) is str and len(value) <= _TEXT and value.isascii()
            ):
                plain = value
            else:
                plain = _plain(value)
            if plain is not None:
                out += [names.setdefault(name, len(names)), plain]
        packed.append(out)
    return packed


def _unpacked(rows: Sequence[list[Any]], names: Sequence[Any], labels: Mapping[Any, Any]) -> list[SampledRow]:
    """Return rows that ``_packed`` has packed."""
    found = []
    for y, loss, row, *rest in rows:
        if type(loss) is not float or type(row) is not int or row < 1:
            raise ValueError("sample", "rows with their loss and their number", [y, loss, row])
        x = dict(zip(map(names.__getitem__, rest[::2]), rest[1::2], strict=True))
        found.append(SampledRow(x, labels[y], loss, row))
    return found


def _plain(value: Any) -> Any:
    """Return a value that MessagePack holds and a learner reads alike, or None if missing or not a feature."""
    if isinstance(value, str):
        return value[:_TEXT].encode("utf-8", "replace").decode()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.floating):
        value = float(value)  # a small type can't hold the limits
    if isinstance(value, Real):
        return None if value != value else float(max(-_FAR, min(value, _FAR)))  # type: ignore[arg-type]  # Real has an order
    if isinstance(value, dt.date):  # includes date-times
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(inner) for inner in value]
    return None
