"""The file of a fleet: what members begin as, and each member's record, in the container of models.

A record holds all that the member has learned and the names that it knows; the core checks every one as it checks a model's
arrays. Records lie one behind the other in one tensor, and ``record_end`` tells where each ends.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ModelFileError
from headwater.learner.kind import kind_named
from headwater.learner.settings import settings_of
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file import SavedModel
from headwater.store.model_file.container import fitting
from headwater.store.model_file.settings import as_json, from_json

__all__ = ["FLEET_FORMAT", "fill", "fingerprint", "header_of", "pack", "settings_in", "take_header"]

FLEET_FORMAT = 1


def header_of(fleet: Any) -> dict[str, Any]:
    """Return what a fleet is, but for its members, as JSON can hold it."""
    member = {name: as_json(value) for name, value in settings_of(fleet.first).items()}
    return {
        "learner": "Fleet",
        "fleet_format": FLEET_FORMAT,
        "key": fleet.key,
        "max_keys": fleet.max_keys,
        "member": {"learner": type(fleet.first).__name__, "settings": member},
        "classes": [as_json(label) for label in fleet.classes],
        "refused": {reason: count for reason, count in fleet.refused.items() if count},
        "counts": dict(fleet.counts()),
        "notes": fleet.notes,
    }


def pack(fleet: Any) -> SavedModel:
    """Return settings and arrays of a fleet, as they stand at one moment."""
    keys = json.dumps([as_json(key) for key in fleet.core.keys]).encode()
    records = [fleet.core.record(-1), *_records(fleet)]
    arrays: dict[str, NDArray[Any]] = {
        "keys": np.frombuffer(keys, np.uint8),
        "records": np.frombuffer(b"".join(record for record, *_ in records), np.uint8),
        "record_end": np.cumsum([len(record) for record, *_ in records], dtype=np.int64),
        "labels": np.array([label for _, labels, *_ in records for label in labels], np.int32),
        "label_end": np.cumsum([len(labels) for _, labels, *_ in records], dtype=np.int64),
        "scored": np.array([rows for *_, rows, _ in records], np.int64),
        "score": np.array([total for *_, total in records], np.float64),
    }
    return SavedModel(header_of(fleet), arrays)


def _records(fleet: Any) -> Iterator[tuple[bytes, list[int], int, float]]:
    """Yield the record of each member, of those that are away too."""
    away = {} if fleet.idle is None else fleet.idle.away()
    for member in range(len(fleet)):
        yield away[member] if member in away else fleet.core.record(member)


def settings_in(saved: SavedModel, at: str) -> tuple[SupervisedLearner, dict[str, Any]]:
    """Return what members begin as, before it has learned, and the settings of the fleet."""
    header = saved.header
    with fitting(at):
        if header["fleet_format"] > FLEET_FORMAT:
            raise ModelFileError(
                expected=f"a fleet of format {FLEET_FORMAT} or earlier",
                got=f"format {header['fleet_format']}",
                at=at,
                help="Update headwater.",
            )
        own = {name: from_json(value) for name, value in header["member"]["settings"].items()}
        learner = kind_named(header["member"]["learner"]).cls(**own)
        if not isinstance(learner, SupervisedLearner):
            raise ValueError("member", "a learner that a fleet can hold", type(learner).__name__)
        return learner, {"key": header["key"], "max_keys": header["max_keys"]}


def fill(fleet: Any, saved: SavedModel, at: str) -> None:
    """Put the members of a file into a new fleet."""
    with fitting(at):
        take_header(fleet, saved.header)
        arrays = saved.arrays
        keys = [from_json(key) for key in json.loads(arrays["keys"].tobytes())]
        records, labels = _cut(arrays["records"], arrays["record_end"]), _cut(arrays["labels"], arrays["label_end"])
        rows, totals = arrays["scored"].tolist(), arrays["score"].tolist()
        if not len(keys) + 1 == len(records) == len(labels) == len(rows) == len(totals):
            raise ValueError("records", "one a key, and the one that members begin as", len(records))
        if any(n < 0 for n in rows):
            raise ValueError("scored", "0 or more", min(rows))
        for member, record in enumerate(records, start=-1):
            own = labels[member + 1].tolist()
            check_labels(fleet, own)
            if member >= 0 and fleet.core.add(keys[member]) != member:
                raise ValueError("keys", "different ones", keys[member])
            fleet.core.put(member, record.tobytes(), own, rows[member + 1], totals[member + 1])


def take_header(fleet: Any, header: dict[str, Any]) -> None:
    """Let a new fleet go on from what one was, but for its members."""
    classes = [from_json(label) for label in header["classes"]]
    if len(set(classes)) < len(classes):
        raise ValueError("classes", "different ones", classes)
    for part in ("refused", "counts"):
        if not all(type(count) is int and count >= 0 for count in header[part].values()):
            raise ValueError(part, "counts of 0 or more", header[part])
    fleet.take_classes(classes)
    fleet.refused, fleet.before = Counter(header["refused"]), Counter(header["counts"])
    fleet.notes = dict(header["notes"])


def check_labels(fleet: Any, labels: list[int]) -> None:
    """Refuse labels that name no class of the fleet, or one twice."""
    if len(set(labels)) < len(labels) or any(not 0 <= label < len(fleet.classes) for label in labels):
        raise ValueError("labels", "different classes that there are", labels)


def _cut(whole: NDArray[Any], ends: NDArray[np.int64]) -> list[NDArray[Any]]:
    """Return the pieces of an array that end there."""
    if ends.ndim != 1 or not len(ends) or ends[-1] != len(whole) or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("ends", f"ascending, up to {len(whole)}", ends[-1:])
    return np.split(whole, ends[:-1])


def fingerprint(fleet: Any) -> str:
    """Return a hash of what the members have learned, whatever the order of their keys and of the classes."""
    names = [json.dumps(as_json(label)) for label in fleet.classes]
    keys = [json.dumps(as_json(key)) for key in fleet.core.keys]
    digests = []
    for key, (record, labels, _, _) in zip(keys, _records(fleet), strict=True):
        digests.append((key, hashlib.sha256(record).hexdigest(), [names[label] for label in labels]))
    whole = [header_of(fleet)["member"], sorted(digests)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
