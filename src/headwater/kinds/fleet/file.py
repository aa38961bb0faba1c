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
from headwater.learner.kind import kind_named
from headwater.learner.settings import written_settings
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file import SavedModel
from headwater.store.model_file.container import fitting
from headwater.store.model_file.settings import as_json, from_json

__all__ = ["FLEET_FORMAT", "fill", "fingerprint", "header_of", "pack", "settings_in", "take_header"]

FLEET_FORMAT = 1


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
        "notes": fleet.notes,
    }


def pack(fleet: Any) -> SavedModel:
    """Return a consistent snapshot of a fleet's settings and arrays."""
    keys = json.dumps([as_json(key) for key in fleet.core.keys]).encode()
    records: list[bytes] = []
    labels: list[int] = []
    label_end, scored, score = array("q"), array("q"), array("d")
    for record, own, rows, total in chain([fleet.core.record(-1)], _records(fleet)):
        records.append(record)
        labels += own
        label_end.append(len(labels))
        scored.append(rows)
        score.append(total)
    arrays: dict[str, NDArray[Any]] = {
        "keys": np.frombuffer(keys, np.uint8),
        "records": np.frombuffer(b"".join(records), np.uint8),
        "record_end": np.cumsum([*map(len, records)], dtype=np.int64),
        "labels": np.array(labels, np.int32),
        "label_end": np.frombuffer(label_end, np.int64),
        "scored": np.frombuffer(scored, np.int64),
        "score": np.frombuffer(score, np.float64),
    }
    return SavedModel(header_of(fleet), arrays)


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
        own = {name: from_json(value) for name, value in header["member"]["settings"].items()}
        learner = kind_named(header["member"]["learner"]).cls(**own)
        if not isinstance(learner, SupervisedLearner):
            raise ValueError("member", "a learner that a fleet can hold", type(learner).__name__)
        return learner, {"key": header["key"], "max_keys": header["max_keys"]}


def fill(fleet: Any, saved: SavedModel, at: str) -> None:
    """Load the members of a file into a new fleet."""
    with fitting(at):
        take_header(fleet, saved.header)
        arrays = saved.arrays
        keys = [from_json(key) for key in json.loads(arrays["keys"].tobytes())]
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
