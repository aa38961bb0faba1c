"""One shard of a cluster, which is a fleet that returns predictions only after they are durable.

A block has a source and a number. It is written to a journal before its predictions are returned, and from time to time all
members are committed in one transaction that replaces the journal. A restarted shard loads the committed members and replays
the journal, with the same bits. A repeated block gets the same reply and is not learned twice: a shard stores its reply to
the last block of each source, and passes it on with members that move.

A shard without a store loses its members when it dies.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np

from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.kinds.fleet import ClassifierFleet, Fleet
from headwater.store.members import IN_USE, MemberStore
from headwater.store.model_file import SavedModel, seal, unseal
from headwater.store.model_file.settings import as_json, from_json, list_from_json
from headwater.streams import Uninterrupted
from headwater.streams.brokers import BrokerGone
from headwater.types import Predictions

from .partition import Followed, Mark, Partition, Reading, lowest

__all__ = ["Moved", "Part", "Replies", "Reply", "Shard", "Standing", "members_of", "put_members"]

Moved = tuple[str, bytes, list[str], int, float]
"""A member to move: key and classes as JSON, its record, rows scored, sum of scores."""
Reply = tuple[bytes, bytes]
"""Indices of some rows in their block, as int32, and their serialized predictions."""
Replies = dict[str, tuple[int, list[Reply]]]
"""By source, the number of its last block and the replies to it."""
PARTITION = "partition"
"""Name under which a store has the position of its shard's partition."""
NAP = 0.5
"""Seconds before a source that is away is asked again."""
SKETCH = 256
"""Keys of a shard by which one in two partitions is noticed."""
JOURNAL_BYTES = 64_000_000
"""Bytes of journal after which members are committed, the maximum to replay after a restart."""
MOVED_BYTES = 32_000_000
"""Approximate bytes of members moved per call."""
PLAIN = {str, int, float, bool, bytes, type(None)}
"""Types of values that the journal restores exactly."""
PATIENCE = 20.0
"""Seconds to wait for the store of a process that just died."""


class Part(NamedTuple):
    """Rows of a block that belong to one shard."""

    places: list[int]
    """Indices of the rows in the block."""
    rows: list[Any]
    y: list[Any]
    w: list[float] | None

    def of(self, chosen: Sequence[int]) -> Part:
        """Return some of the rows."""
        places, rows, y = ([column[i] for i in chosen] for column in self[:3])
        return Part(places, rows, y, None if self.w is None else [self.w[i] for i in chosen])


class Standing(NamedTuple):
    """Status of a shard, which tells what is lost if it dies without a store."""

    life: str
    """Random id, new at each start."""
    stored: bool
    members: int
    scored: int
    """Scored rows of its members."""


class Shard:
    """One shard.

    Parameters
    ----------
    first : bytes
        Saved fleet without members, with the initial model and the key column.
    path : str, optional
        Path of the store.
    resident : int, optional
        Maximum number of members in memory.
    """

    def __init__(self, first: bytes, path: str | None, resident: int | None) -> None:
        empty = Fleet.from_bytes(first)
        self.fleet = empty if path is None else _opened(empty, Path(path), resident)
        self._store: MemberStore | None = self.fleet.idle.members if self.fleet.idle is not None else None
        self._life = os.urandom(8).hex()
        self._replies: Replies = {}
        self._journaled = 0  # bytes
        self._failed = False  # whether a write failed, so that learned rows are not durable yet
        self._reading: Reading | None = None
        self._spoiled = False  # whether members may have learned rows that the position doesn't count
        self._committed: Mark | None = None
        self._committed_at, self._sketched = time.monotonic(), 0
        self._sketch: list[tuple[int, str]] = []
        for body in [] if self._store is None else self._store.journal():
            self._journaled += len(body)
            source, number, *part = msgspec.msgpack.decode(body)
            self._learn(source, number, Part(*part))

    def standing(self) -> Standing:
        """Return the shard's status."""
        stored = self._store is not None
        return Standing(self._life, stored, len(self.fleet), 0 if stored else self.fleet.core.scores(-1)[0])

    def step(self, source: str, number: int, part: Part) -> list[Reply]:
        """Predict and learn the rows of a block not learned yet, and return the predictions once they are durable."""
        if self._failed:
            self.commit()
        known = self._known(source, number)
        learned = {place for places, _ in known for place in np.frombuffer(places, np.int32).tolist()}
        if learned:
            part = part.of([i for i, place in enumerate(part.places) if place not in learned])
        if part.rows:
            body = as_body(source, number, part)
            self._failed = True
            try:
                self._learn(source, number, part)
            except HeadwaterError:
                self.commit()  # some rows may have been learned, which the journal lacks
                raise
            self._keep(body)
        return self._known(source, number)

    def _known(self, source: str, number: int) -> list[Reply]:
        """Return the replies already given to rows of a block."""
        last, replies = self._last(source)
        if number < last:
            raise ConfigError(
                expected=f"a block of {source!r} from number {last} on",
                got=str(number),
                at="block",
                help="It was learned before. `done(source)` returns the last number.",
            )
        return replies if number == last else []

    def _last(self, source: str) -> tuple[int, list[Reply]]:
        if source not in self._replies:
            found = None if self._store is None else self._store.reply(source)
            if found is None:
                return -1, []
            self._replies[source] = found[0], [tuple(one) for one in msgspec.msgpack.decode(found[1])]
        return self._replies[source]

    def _keep(self, body: bytes | None) -> None:
        """Make rows durable, in the journal or by a commit if they don't fit."""
        if self._store is None or body is None or self._journaled + len(body) > JOURNAL_BYTES:
            self.commit()
            return
        self._store.append(body)
        self._journaled += len(body)
        self._failed = False

    def _learn(self, source: str, number: int, part: Part) -> None:
        predicted = as_bytes(self.fleet.step_many(part.rows, part.y, part.w))
        before = self._known(source, number)
        self._replies[source] = number, [*before, (np.array(part.places, np.int32).tobytes(), predicted)]

    # ---- a partition of its own --------------------------------------------------------------------------------------

    def follow(self, partition: Partition, seconds: float, every: float) -> Followed:
        """Learn the next rows of a partition for some seconds.

        Members and position are committed together, ``every`` so many seconds and at the end of the partition, so a shard that
        is restarted reads on where its members stand.

        Raises
        ------
        SourceError, DataError
            If the partition can't be read. What was learned of it before is committed.
        """
        if self._spoiled:
            raise _half_learned(partition)
        reading, away = self._reading, ""
        if reading is None:
            reading = self._reading = Reading(partition, self.fleet.task, self._mark())
        ended, ends = False, time.monotonic() + seconds
        try:
            ended = self._learn_next(reading)
            while not ended and time.monotonic() < ends:
                ended = self._learn_next(reading)
        except BrokerGone as error:
            away = str(error)
        finally:
            if ended or away or sys.exception() or time.monotonic() - self._committed_at >= every:
                self.commit()
            if away or sys.exception():
                self._reading = None
                reading.close()
        if away:
            time.sleep(NAP)  # else it would be asked again at once
        return Followed(reading.mark.rows, ended, away, reading.rejected, self._sketch)

    def _learn_next(self, reading: Reading) -> bool:
        """Learn the next block of a partition, and return whether it has ended."""
        block = reading.next()
        if block is None:
            return True
        with Uninterrupted():  # Ctrl-C waits, so that members and position stay together
            if len(block):
                self._spoiled = True
                self.fleet.step_many(block.X, block.y)
                self._spoiled = False
            reading.taken(block)
        return False

    def _mark(self) -> Mark:
        """Return the committed position in the partition."""
        found = None if self._store is None else self._store.reply(PARTITION)
        return Mark() if found is None else msgspec.json.decode(found[1], type=Mark)

    def _take_sketch(self) -> None:
        """Add the keys that are new since the last commit to the sketch."""
        new = [json.dumps(as_json(key)) for key in self.fleet.keys()[self._sketched :]]
        self._sketched += len(new)
        hashed = [(int.from_bytes(blake2b(key.encode(), digest_size=8).digest()), key) for key in new]
        self._sketch = lowest([*self._sketch, *hashed], SKETCH)

    def homes(self, keys: Sequence[str]) -> list[bool]:
        """Return of each key whether it has a member here."""
        return [from_json(json.loads(key)) in self.fleet for key in keys]

    def commit(self) -> None:
        """Commit changed members and the position of the partition, and clear the journal."""
        if self._spoiled:
            return  # the store stays as it was, from which the next start goes on
        self._committed_at = time.monotonic()
        if self._reading is not None:
            if self._reading.mark != self._committed:
                self._take_sketch()
                self._commit_read(self._reading.mark)
            return
        if self.fleet.idle is not None:
            with self.fleet.held():  # replies and journal are of the members' moment
                self.fleet.idle.commit(self._write_replies)
        self._journaled, self._failed = 0, False

    def _write_replies(self) -> None:
        if self._store is not None:
            for source, (number, replies) in self._replies.items():
                self._store.set_reply(source, number, msgspec.msgpack.encode(replies))
            self._store.clear_journal()

    def _commit_read(self, mark: Mark) -> None:
        """Commit members and position. Nobody else learns, so predictions of other threads go on meanwhile."""
        idle, store = self.fleet.idle, self._store
        if idle is not None and store is not None:
            idle.commit(lambda: store.set_reply(PARTITION, mark.rows, msgspec.json.encode(mark)))
            self._committed = mark

    def predict(self, rows: list[Any]) -> bytes:
        """Predict rows without learning them."""
        return as_bytes(self.fleet.predict_batch(rows))

    def predict_one(self, row: Mapping[Any, Any]) -> str:
        """Predict the label of a row, as JSON: a row alone is told in double precision, a block in that of the model."""
        return json.dumps(as_json(self.fleet.predict_one(row)))

    def predict_proba_one(self, row: Mapping[Any, Any]) -> str:
        """Predict the classes of a row and their probabilities, as JSON."""
        p = cast(ClassifierFleet, self.fleet).predict_proba_one(row)
        return json.dumps([[as_json(label) for label in p], [*p.values()]])

    def done(self, source: str) -> int:
        """Return the number of the last block learned of a source, or −1."""
        return self._last(source)[0]

    # ---- moving -----------------------------------------------------------------------------------------------------

    def keys(self) -> list[str]:
        """Return the keys of all members as JSON."""
        return [json.dumps(as_json(key)) for key in self.fleet]

    def give(self, keys: Sequence[str]) -> list[Moved]:
        """Return the members of the first keys, up to `MOVED_BYTES`. They stay here until they are removed."""
        return members_of(self.fleet, keys)

    def replies(self) -> Replies:
        """Return the replies to the last block of each source, which move with members."""
        for source in [] if self._store is None else self._store.sources():
            self._last(source)
        return self._replies

    def accept(self, moved: Sequence[Moved], replies: Replies) -> None:
        """Add members from another shard, replacing older copies, and commit."""
        put_members(self.fleet, moved)
        for source, (number, new) in replies.items():
            last, own = self._last(source)
            if number >= last:
                own = own if number == last else []
                self._replies[source] = number, own + [reply for reply in new if reply not in own]
        self.commit()

    def remove(self, keys: Sequence[str]) -> None:
        """Remove members that have moved to another shard, and ignore those already removed."""
        found = [from_json(json.loads(key)) for key in keys]
        self.fleet.remove(*(key for key in found if key in self.fleet))
        self.commit()

    # ---- status -----------------------------------------------------------------------------------------------------

    def scores(self, keys: Sequence[str] | None) -> tuple[int, float]:
        """Return rows scored and the sum of scores of the given keys, or of all."""
        if keys is None:
            return self.fleet.core.scores(-1)  # type: ignore[no-any-return]
        found = [self.fleet.core.scores(_member(self.fleet, key)) for key in keys]
        return sum(rows for rows, _ in found), sum(total for _, total in found)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the counts of refused rows, and of what members dropped, undid and learned."""
        return {"refused": dict(self.fleet.refused), "counts": dict(self.fleet.counts())}

    def pid(self) -> int:
        """Return the process id."""
        return os.getpid()

    def close(self) -> None:
        """Commit, and close the store."""
        self.commit()
        if self._reading is not None:
            self._reading.close()
        if self._spoiled and self.fleet.idle is not None:
            self.fleet.idle.close()  # without a commit
        else:
            self.fleet.close()


def members_of(fleet: Fleet, keys: Sequence[str]) -> list[Moved]:
    """Return a fleet's members of the first keys, given as JSON, up to `MOVED_BYTES`."""
    core, names = fleet.core, [json.dumps(as_json(label)) for label in fleet.classes]
    moved: list[Moved] = []
    size = 0
    for key in keys:
        member = _member(fleet, key)
        if fleet.idle is not None:
            fleet.idle.fetch(core.away(np.array([member], np.int64), 1))
        record, labels, rows, total = core.record(member)
        moved.append((key, record, [names[label] for label in labels], rows, total))
        fleet.let_rest()
        size += len(record)
        if size > MOVED_BYTES:
            break
    return moved


def put_members(fleet: Fleet, moved: Sequence[Moved]) -> None:
    """Add members to a fleet, replacing older copies."""
    core = fleet.core
    for key, record, names, rows, total in moved:
        labels = fleet.numbers_of([from_json(json.loads(name)) for name in names])
        own = from_json(json.loads(key))
        member = core.find(own)
        member = core.add(own) if member is None else member
        core.put(member, record, labels, rows, total)
        core.mark(member)
        fleet.let_rest()


def _member(fleet: Fleet, key: str) -> int:
    member: int | None = fleet.core.find(from_json(json.loads(key)))
    if member is None:
        raise KeyError(key)
    return member


def _half_learned(partition: Partition) -> StoreError:
    return StoreError(
        expected="members that stand where their position does",
        got="a block of which an error left some rows unlearned",
        at=partition.source,
        help="Open the fleet again, which goes on from its last commit.",
    )


def _opened(empty: Fleet, path: Path, resident: int | None) -> Fleet:
    """Open a store's fleet, and wait until the previous process has released it."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return Fleet(empty.first, empty.key, max_keys=empty.max_keys, resident=resident, store=path)
        except StoreError as error:
            if error.code != IN_USE or time.monotonic() > ends:
                raise
            time.sleep(0.05)


def as_body(source: str, number: int, part: Part) -> bytes | None:
    """Serialize rows for the journal, or return None if a value would not survive the round trip."""
    kinds = {type(value) for row in part.rows for value in row.values()} | set(map(type, part.y))
    if not kinds <= PLAIN or {type(name) for row in part.rows for name in row} - {str}:
        return None
    try:
        return msgspec.msgpack.encode((source, number, *part))
    except (OverflowError, ValueError, TypeError):  # an integer of more than 64 bits, or invalid UTF-8
        return None


def as_bytes(forecast: Predictions) -> bytes:
    """Serialize predictions as arrays, with classes as JSON."""
    if forecast.proba is None:
        return seal(SavedModel({}, {"y_pred": np.asarray(forecast.y_pred, np.float64)}))
    place = {label: i for i, label in enumerate(forecast.classes)}
    predicted = np.array([-1 if label is None else place[label] for label in forecast.y_pred], np.int32)
    classes = [as_json(label) for label in forecast.classes]
    return seal(SavedModel({"classes": classes}, {"said": predicted, "proba": np.asarray(forecast.proba)}))


def from_bytes(data: bytes) -> Predictions:
    """Deserialize the result of `as_bytes`."""
    saved = unseal(data, "reply of a shard")
    if "y_pred" in saved.arrays:
        return Predictions(saved.arrays["y_pred"])
    classes = list_from_json(saved.header["classes"])
    named = [*classes, None]
    return Predictions([named[i] for i in saved.arrays["said"].tolist()], saved.arrays["proba"], tuple(classes))
