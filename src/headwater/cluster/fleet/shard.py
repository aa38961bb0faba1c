"""What runs at one place of a cluster: a fleet with a store, which answers for a block only once it is durable.

A block has a source and a number. It is written into a journal before it is answered, and now and then, in one transaction, the
members are written in the journal's place. A shard that dies is started again with the members as they were then, and learns the
journal's blocks again, which gives the same bits. A block that is sent again is answered again, and not learned twice.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headwater.errors import HeadwaterError, StoreError
from headwater.fleet import Fleet
from headwater.store.members import IN_USE, MemberStore
from headwater.store.model_file import SavedModel, seal, unseal
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Forecast

__all__ = ["Moved", "Shard"]

Moved = tuple[str, bytes, list[str], int, float]
"""A member on its way: key and classes as JSON, its record, rows scored, sum of scores."""
JOURNAL_BYTES = 64_000_000
"""Bytes of blocks after which the members are written: as much is learned again when a shard is started again."""
PLAIN = {str, int, float, bool, bytes, type(None)}
"""Types of values that a journal gives back as they were."""
PATIENCE = 20.0
"""Seconds to wait for the store of a process that has just died."""


class Shard:
    """One shard.

    Parameters
    ----------
    first : bytes
        The file of a fleet without members: what they begin as, and the key.
    path : str
        The store.
    resident : int, optional
        Members kept in memory.
    """

    def __init__(self, first: bytes, path: str, resident: int | None) -> None:
        empty = Fleet.from_bytes(first)
        self.fleet = _opened(empty, Path(path), resident)
        self._members = self.fleet.idle.members if self.fleet.idle is not None else None
        self._replies: dict[str, tuple[int, bytes]] = {}
        self._journaled = 0  # bytes
        self._failed: StoreError | None = None
        for body in self._store().journal():
            self._journaled += len(body)
            self._learn(*msgspec.msgpack.decode(body))

    def step(self, source: str, number: int, rows: list[Any], y: list[Any], w: list[float] | None) -> bytes:
        """Predict and learn a block; return the forecast as bytes, once it is durable."""
        if self._failed is not None:  # what was learned then is not durable: start the shard again
            raise self._failed
        done = self._done(source)
        if done is not None and done[0] == number:
            return done[1]
        body = as_body(source, number, rows, y, w)
        try:
            reply = self._learn(source, number, rows, y, w)
        except HeadwaterError:
            self.commit()  # some rows may be learned, and the journal must not go on without them
            raise
        try:
            self._keep(body)
        except StoreError as error:
            self._failed = error
            raise
        return reply

    def _keep(self, body: bytes | None) -> None:
        """Make a block durable: in the journal, or with all members where it doesn't fit there."""
        idle = self.fleet.idle
        if body is None or idle is None or idle.pending or self._journaled + len(body) > JOURNAL_BYTES:
            self.commit()
            return
        self._store().append(body)
        self._store().commit()
        self._journaled += len(body)

    def _learn(self, source: str, number: int, rows: list[Any], y: list[Any], w: list[float] | None) -> bytes:
        reply = as_bytes(self.fleet.step_many(rows, y, w))
        self._replies[source] = number, reply
        return reply

    def _done(self, source: str) -> tuple[int, bytes] | None:
        return self._replies.get(source) or self._store().reply(source)

    def commit(self) -> None:
        """Write the members that have changed in the place of the journal."""
        store = self._store()
        for source, (number, reply) in self._replies.items():
            store.set_reply(source, number, reply)
        store.clear_journal()
        self.fleet.commit()
        self._journaled = 0

    def predict(self, rows: list[Any]) -> bytes:
        """Predict rows; nothing is changed."""
        return as_bytes(self.fleet.forecast(rows))

    def done(self, source: str) -> int:
        """Return the number of the last block of a source that was learned; -1 for none."""
        done = self._done(source)
        return -1 if done is None else done[0]

    # ---- moving -----------------------------------------------------------------------------------------------------

    def keys(self) -> list[str]:
        """Return the keys of all members as JSON."""
        return [json.dumps(as_json(key)) for key in self.fleet]

    def give(self, keys: Sequence[str]) -> list[Moved]:
        """Return the members of some keys. They stay here too, until nobody asks for them any more."""
        core, names = self.fleet.core, [json.dumps(as_json(label)) for label in self.fleet.classes]
        moved = []
        for key in keys:
            member = core.find(from_json(json.loads(key)))
            if member is None:
                raise KeyError(key)
            if self.fleet.idle is not None:
                self.fleet.idle.fetch(core.away(np.array([member], np.int64), 1))
            record, labels, rows, total = core.record(member)
            moved.append((key, record, [names[label] for label in labels], rows, total))
        return moved

    def accept(self, moved: Sequence[Moved]) -> None:
        """Take members from another shard, in place of what there may be of them; durable when it returns."""
        core = self.fleet.core
        for key, record, names, rows, total in moved:
            labels = self.fleet.numbers_of([from_json(json.loads(name)) for name in names])
            own = from_json(json.loads(key))
            member = core.find(own)
            member = core.add(own) if member is None else member
            core.put(member, record, labels, rows, total)
            core.mark(member)
        self.commit()

    # ---- looking ----------------------------------------------------------------------------------------------------

    def scores(self, keys: Sequence[str]) -> tuple[int, float]:
        """Return rows scored and the sum of scores of some keys."""
        found = [self.fleet.core.scores(self.fleet.core.find(from_json(json.loads(key)))) for key in keys]
        return sum(rows for rows, _ in found), sum(total for _, total in found)

    def rejected(self) -> dict[str, int]:
        """Return what was refused here, by reason."""
        return self.fleet.rejected

    def pid(self) -> int:
        """Return the number of the process."""
        return os.getpid()

    def close(self) -> None:
        """Commit, and close the store."""
        self.commit()
        self.fleet.close()

    def _store(self) -> MemberStore:
        if self._members is None:
            raise StoreError(expected="a shard with a store", got="none", at="Shard", help="Give a path.")
        return self._members


def _opened(empty: Fleet, path: Path, resident: int | None) -> Fleet:
    """Open the fleet of a store, which the process that had it before may not have let go yet."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return Fleet(empty.first, empty.key, max_keys=empty.max_keys, resident=resident, store=path)
        except StoreError as error:
            if error.code != IN_USE or time.monotonic() > ends:
                raise
            time.sleep(0.05)


def as_body(source: str, number: int, rows: list[Any], y: list[Any], w: list[float] | None) -> bytes | None:
    """Return a block for the journal; None where a value would come back as another: then the members are written at once."""
    kinds = {type(value) for row in rows for value in row.values()} | set(map(type, y))
    if not kinds <= PLAIN or {type(name) for row in rows for name in row} - {str}:
        return None
    try:
        return msgspec.msgpack.encode((source, number, rows, y, w))
    except (OverflowError, ValueError, TypeError):  # a number of more than 64 bits, a text that is no UTF-8
        return None


def as_bytes(forecast: Forecast) -> bytes:
    """Return a forecast as the bytes of a file: arrays, and classes as JSON."""
    if forecast.proba is None:
        return seal(SavedModel({}, {"y_pred": np.asarray(forecast.y_pred, np.float64)}))
    place = {label: i for i, label in enumerate(forecast.classes)}
    said = np.array([-1 if label is None else place[label] for label in forecast.y_pred], np.int32)
    classes = [as_json(label) for label in forecast.classes]
    return seal(SavedModel({"classes": classes}, {"said": said, "proba": np.asarray(forecast.proba)}))


def from_bytes(data: bytes) -> Forecast:
    """Return the forecast that `as_bytes` was given."""
    saved = unseal(data, "reply of a shard")
    if "y_pred" in saved.arrays:
        return Forecast(saved.arrays["y_pred"])
    classes = [from_json(label) for label in saved.header["classes"]]
    named = [*classes, None]
    return Forecast([named[i] for i in saved.arrays["said"].tolist()], saved.arrays["proba"], tuple(classes))
