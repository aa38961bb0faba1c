"""The fleet file, with the settings of new members and one record per member.

A record holds the learned state of a member and its feature names. The core validates each record like a model's arrays.
Records are concatenated in one tensor, and ``record_end`` holds the end offset of each.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ModelFileError
from headwater.kinds.fleet.copying import OF_COPY, FleetCopy
from headwater.learner.kind import kind_named
from headwater.learner.settings import written_settings
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file import SavedModel
from headwater.store.model_file.container import fitting
from headwater.store.model_file.settings import as_json, dict_from_json, list_from_json

__all__ = ["FLEET_FORMAT", "CoreCopy", "fill", "fingerprint", "header_of", "pack", "settings_in", "take_header"]

FLEET_FORMAT = 1
_PIECE = 500
"""Records or keys joined at once."""


def header_of(fleet: Any) -> dict[str, Any]:
    """Return the JSON header of a fleet, without its members."""
    member = {name: as_json(value) for name, value in written_settings(fleet.first).items()}
    return {
        "learner": "Fleet",
        "fleet_format": FLEET_FORMAT,
        "key": fleet.key,
        "max_keys": fleet.max_keys,
        "member": {"learner": type(fleet.first).__name__, "settings": member},
        "classes": [as_json(label) for label in fleet.classes],
        "refused": {reason: count for reason, count in fleet.refused.items() if count},
        "counts": dict(fleet.counts()),
        "notes": dict(fleet.notes),
    }


def pack(fleet: Any) -> SavedModel:
    """Return a consistent snapshot of a fleet's settings and arrays."""
    records = _Records()
    for i, record in enumerate(chain([fleet.core.record(-1)], _records(fleet))):
        records.put(i, *record)
    return SavedModel(header_of(fleet), records.arrays(fleet.core.keys))


class CoreCopy(FleetCopy):
    """A copy of a fleet whose members the core holds, made in turns.

    Parameters
    ----------
    fleet : Fleet
        The fleet. One with a store is copied in the last turn, as its members may be there.
    """

    def __init__(self, fleet: Any) -> None:
        super().__init__(fleet, [] if fleet.idle else list(range(len(fleet))))
        self._records = _Records()
        self._header: dict[str, Any] = {}
        self._keys: list[Any] = []
        self._saved: SavedModel | None = None

    def changed(self) -> list[int]:
        """Return the members that have changed since they were taken."""
        return [] if self.fleet.idle else self.fleet.core.changed(OF_COPY)

    def take(self, members: list[int]) -> None:
        """Copy members."""
        for member in self._there(members):
            self._records.put(member + 1, *self.fleet.core.record(member))

    def settle(self, members: list[int]) -> None:
        """Count members as unchanged from now on."""
        self.fleet.core.settle(self._there(members), OF_COPY)

    def _there(self, members: list[int]) -> list[int]:
        """Return the members that were not removed meanwhile."""
        return [member for member in members if member < len(self.fleet)]

    def take_rest(self) -> None:
        """Copy the header and the keys."""
        if self.fleet.idle:
            self._saved = pack(self.fleet)
            return
        self._header, self._keys = header_of(self.fleet), self.fleet.core.keys
        self._records.put(0, *self.fleet.core.record(-1))

    def saved(self) -> SavedModel:
        """Return what was copied."""
        return self._saved or SavedModel(self._header, self._records.arrays(self._keys))


class _Records:
    """Records of a fleet's members, behind that of their template, and what stands beside each."""

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._labels: list[tuple[int, ...]] = []
        self._scored, self._score = array("q"), array("d")
        self._known: dict[tuple[int, ...], tuple[int, ...]] = {}  # most members have the same labels

    def put(self, i: int, record: bytes, labels: list[int], rows: int, total: float) -> None:
        """Set a record."""
        for _ in range(len(self._records), i + 1):
            self._records.append(b"")
            self._labels.append(())
            self._scored.append(0)
            self._score.append(0.0)
        own = tuple(labels)
        self._records[i], self._labels[i] = record, self._known.setdefault(own, own)
        self._scored[i], self._score[i] = rows, total

    def arrays(self, keys: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the arrays of a file, once, made piece by piece, since other threads wait for each."""
        n = len(keys) + 1  # those behind were removed
        ends = np.cumsum([*map(len, self._records[:n])], dtype=np.int64)
        texts = (json.dumps([as_json(key) for key in keys[i : i + _PIECE]])[1:-1] for i in range(0, n - 1, _PIECE))
        whole, at = np.empty(int(ends[-1]), np.uint8), 0
        for i in range(0, n, _PIECE):
            part = self._records[i : min(i + _PIECE, n)]
            joined = np.frombuffer(b"".join(part), np.uint8)
            whole[at : at + len(joined)] = joined
            at += len(joined)
            self._records[i : i + len(part)] = [b""] * len(part)  # freed in pieces too
        return {
            "keys": np.frombuffer(f"[{', '.join(texts)}]".encode(), np.uint8),
            "records": whole,
            "record_end": ends,
            "labels": np.fromiter(chain.from_iterable(self._labels[:n]), np.int32),
            "label_end": np.cumsum([*map(len, self._labels[:n])], dtype=np.int64),
            "scored": np.frombuffer(self._scored, np.int64)[:n],
            "score": np.frombuffer(self._score, np.float64)[:n],
        }


def _records(fleet: Any) -> Iterator[tuple[bytes, list[int], int, float]]:
    """Yield the record of each member, including those in the store."""
    away = {} if fleet.idle is None else fleet.idle.away()
    for member in range(len(fleet)):
        yield away[member] if member in away else fleet.core.record(member)


def settings_in(saved: SavedModel, at: str) -> tuple[SupervisedLearner, dict[str, Any]]:
    """Return the template learner of new members and the settings of the fleet."""
    header = saved.header
    with fitting(at):
        if header["fleet_format"] > FLEET_FORMAT:
            raise ModelFileError(
                expected=f"a fleet of format {FLEET_FORMAT} or earlier",
                got=f"format {header['fleet_format']}",
                at=at,
                help="Update headwater.",
            )
        own = dict_from_json(header["member"]["settings"])
        learner = kind_named(header["member"]["learner"]).cls(**own)
        if not isinstance(learner, SupervisedLearner):
            raise ValueError("member", "a learner that a fleet can hold", type(learner).__name__)
        return learner, {"key": header["key"], "max_keys": header["max_keys"]}


def fill(fleet: Any, saved: SavedModel, at: str) -> None:
    """Load the members of a file into a new fleet."""
    with fitting(at):
        take_header(fleet, saved.header)
        arrays = saved.arrays
        keys = list_from_json(json.loads(arrays["keys"].tobytes()))
        records, labels = arrays["records"].data, arrays["labels"].tolist()
        ends, label_ends = _ends(arrays["record_end"], len(records)), _ends(arrays["label_end"], len(labels))
        rows, totals = arrays["scored"].tolist(), arrays["score"].tolist()
        if not len(keys) + 1 == len(ends) - 1 == len(label_ends) - 1 == len(rows) == len(totals):
            raise ValueError("records", "one a key, and the one that members begin as", len(ends) - 1)
        if any(n < 0 for n in rows):
            raise ValueError("scored", "0 or more", min(rows))
        checked: set[tuple[int, ...]] = set()  # most members of a million have the same labels
        add, put = fleet.core.add, fleet.core.put
        members = zip(pairwise(ends), pairwise(label_ends), rows, totals, strict=True)
        for i, ((at_byte, end), (first, last), n, total) in enumerate(members, -1):
            own = labels[first:last]
            if tuple(own) not in checked:
                check_labels(fleet, own)
                checked.add(tuple(own))
            if i >= 0 and add(keys[i]) != i:
                raise ValueError("keys", "different ones", keys[i])
            put(i, records[at_byte:end], own, n, total)


def take_header(fleet: Any, header: dict[str, Any]) -> None:
    """Restore a new fleet's state from a header, without members."""
    classes = list_from_json(header["classes"])
    if len(set(classes)) < len(classes):
        raise ValueError("classes", "different ones", classes)
    for part in ("refused", "counts"):
        if not all(type(count) is int and count >= 0 for count in header[part].values()):
            raise ValueError(part, "counts of 0 or more", header[part])
    fleet.take_classes(classes)
    fleet.refused, fleet.before = Counter(header["refused"]), Counter(header["counts"])
    fleet.notes = dict(header["notes"])


def check_labels(fleet: Any, labels: list[int]) -> None:
    """Raise ValueError if a label is not a class of the fleet, or occurs twice."""
    if len(set(labels)) < len(labels) or any(not 0 <= label < len(fleet.classes) for label in labels):
        raise ValueError("labels", "different classes that there are", labels)


def _ends(ends: NDArray[np.int64], whole: int) -> list[int]:
    """Return the offsets at which records begin, and the end of the last one."""
    if ends.ndim != 1 or not len(ends) or ends[-1] != whole or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("ends", f"ascending, up to {whole}", ends[-1:])
    return [0, *ends.tolist()]


def fingerprint(fleet: Any) -> str:
    """Return a hash of what the members have learned, independent of the order of keys and classes."""
    names = [json.dumps(as_json(label)) for label in fleet.classes]
    keys = [json.dumps(as_json(key)) for key in fleet.core.keys]
    digests = []
    for key, (record, labels, _, _) in zip(keys, _records(fleet), strict=True):
        digests.append((key, hashlib.sha256(record).hexdigest(), [names[label] for label in labels]))
    whole = [header_of(fleet)["member"], sorted(digests)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
