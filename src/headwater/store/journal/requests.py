"""Requests that a store commits, and their replies (examples, predictions to keep, delayed labels)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from headwater.errors import DataError

from .database import Transaction
from .events import CHANCE, HeldAnswer, JournalEvent, PendingPrediction, checksum, digest, pack, unpack_pending


@dataclass(slots=True)
class LearnRequest:
    """Examples to journal and learn, all or none.

    Parameters
    ----------
    model : int
        The model's id.
    events : list of JournalEvent
        The examples. One with an ``id`` is learned once, however often it is sent.
    body : bytes
        The examples as they are journaled, where they were packed already.
    """

    model: int
    events: list[JournalEvent]
    body: bytes = b""
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class PendingRequest:
    """Predictions to keep until their labels arrive. ``answers`` receives their ids.

    Parameters
    ----------
    model : int
        The model's id.
    predictions : list of PendingPrediction
        The predictions. Where answers are learned in order, the commit makes them, because it alone knows what waits before.
    note : tuple of str, optional
        Name and text of a note that the same commit stores.
    question : mapping
        What is asked beside the rows, where the commit makes the predictions.
    said : list of dict
        Then receives what is said of each row, by the names of the kind's response.
    """

    model: int
    predictions: list[PendingPrediction]
    note: tuple[str, str] | None = None
    question: Mapping[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class LabelRequest:
    """The label of an earlier prediction.

    Parameters
    ----------
    model : int
        The model's id.
    id : str
        The prediction id that ``PendingRequest`` returned.
    y, w
        The label, and the weight of the example.
    """

    model: int
    id: str
    y: Any
    w: float | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class TurnRequest:
    """Rows that are learned without an answer of their own, since those that were awaited before them came, or won't come.

    Parameters
    ----------
    model : int
        The model's id.
    older_than : int
        Time in ms since 1970. Answers to what was asked before it won't come.
    without_rows : bool
        Whether nothing of what is too old may be kept.
    """

    model: int
    older_than: int = 0
    without_rows: bool = False
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class StepRequest:
    """A change of a learner's step size, journaled so that a replay applies it at the same place.

    Parameters
    ----------
    model : int
        The model's id.
    learner : str, optional
        Name of the learner, the champion by default.
    factor : float
        Factor on the declared step size.
    """

    model: int
    learner: str | None
    factor: float
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Gap:
    """Source messages that were deleted before they were read, and that an operator chose to skip.

    Parameters
    ----------
    t
        Time in ms since 1970.
    least, most
        Bounds of the number of lost messages. ``most`` is None if unbounded.
    words
        What the broker still had, in a sentence.
    positions
        Where reading continued, by partition.
    """

    t: int
    least: int
    most: int | None
    words: str
    positions: dict[str, str]


class Waiting(NamedTuple):
    """A stored row or label that waits for its counterpart, with its number, content and example id."""

    number: int
    body: bytes
    example: str | None


@dataclass(slots=True)
class SourceRequest:
    """One batch of a followed source, with its rows and read positions, committed all or nothing.

    Parameters
    ----------
    model : int
        The model's id.
    source : str
        The source's name.
    positions : dict
        By partition, the position of the last message of the batch, or "" for a partition that no longer exists.
    events : list of JournalEvent
        Rows to learn.
    joined : list of int
        Numbers of waiting rows and labels that were joined.
    waiting : list of tuple
        Rows and labels that start to wait, each as ``"row"`` or ``"answer"``, key, content, and example id or None.
    aliases : dict
        Further ids of events by their index, such as the id of a label.
    outgoing : list of tuple
        Messages to send, each as lane (such as predictions), name and message.
    rejects : list of tuple
        Rejected messages, each as partition, position, reason and message.
    counts : dict
        Increments of counters.
    sent : dict
        By lane, the number of the last message that its broker has received.
    gaps : list of Gap
        Lost messages that learning skips.
    most_waiting : int
        Maximum number of waiting rows, and of waiting labels. The oldest are dropped beyond it.
    """

    model: int
    source: str
    positions: dict[str, str]
    events: list[JournalEvent] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    waiting: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    aliases: dict[int, str] = field(default_factory=dict)
    outgoing: list[tuple[str, str, bytes]] = field(default_factory=list)
    rejects: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    most_waiting: int = 100_000
    answers: list[dict[str, Any]] = field(default_factory=list)


class UnknownId(DataError):
    """Raised for an id that was never issued."""

    code = "unknown_id"


class ExpiredId(DataError):
    """Raised for an id whose prediction is no longer kept."""

    code = "expired_id"


class ConflictingId(DataError):
    """Raised for an id that was used before with different content."""

    code = "conflicting_id"


_AT_ONCE = 256
_HIDDEN = 0  # stands for the digest of a forgotten event, of which nothing is kept


class Ids:
    """The tables ``pending`` (predictions that wait for labels) and ``seen`` (ids already learned).

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    late_s : float
        Seconds after which a label counts as late. It is still learned, and the reply says so.
    most, most_bytes : int
        Maximum number and total bytes of kept predictions. The oldest are dropped beyond it.
    """

    def __init__(self, base: sqlite3.Connection, late_s: float, most: int, most_bytes: int) -> None:
        self._base, self._late_ms, self.most, self.most_bytes = base, late_s * 1000, most, most_bytes
        self.last = 0
        """Number of the last issued id."""
        self.bytes = 0
        """Total bytes of the kept predictions."""
        self.forgotten: Callable[[str], str] = lambda name: ""
        """Returns the name under which the id of a forgotten event is kept, "" if nothing was forgotten."""
        self.in_order: Callable[[], Sequence[int]] = tuple
        """Returns the models whose answers are learned in order. Their waiting rows are never dropped, but lapse."""
        self.lapsed = 0
        """Number up to which no prediction is kept, so that waiting rows of these models lapse."""

    def find_end(self) -> None:
        """Find the last issued id, including ids already labeled."""
        row = self._base.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pending'").fetchone()
        self.last = int(row[0]) if row else 0
        self.bytes = int(self._base.execute("SELECT coalesce(sum(length(body)), 0) FROM pending").fetchone()[0])

    def keep(self, request: PendingRequest, t: int) -> None:
        """Store pending predictions and reply with their ids."""
        rows = []
        for number, body in enumerate(map(pack, request.predictions), self.last + 1):
            rows.append((number, request.model, t, body, checksum(number, request.model, t, body)))
        request.answers.extend({"id": f"p{row[0]}"} for row in rows)
        self._base.executemany("INSERT INTO pending (id, model, t, body, crc) VALUES (?, ?, ?, ?, ?)", rows)
        if request.note is not None:
            self._base.execute("REPLACE INTO meta VALUES (?, ?)", request.note)
        self.last += len(rows)
        self.bytes += sum(len(row[3]) for row in rows)
        self.lapsed = max(self.last - self.most, 0)
        self._drop(self.lapsed)
        if self.bytes > self.most_bytes:
            self._drop_until_small()

    def observed(self, request: PendingRequest, first: int) -> None:
        """Store at which events the rows of pending predictions were observed, so that they are found by their ids."""
        rows = [
            (request.model, f"o:{answer['id'][1:]}", first + i, _HIDDEN) for i, answer in enumerate(request.answers)
        ]
        self._base.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)

    def note(self, name: str) -> str:
        """Return a note that a request stored, or "" if there is none."""
        row = self._base.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def get(self, model: int, number: int) -> PendingPrediction | None:
        """Return a waiting prediction of a model, or None if it waits no more."""
        row = self.row(model, number)
        return None if row is None else sound_pending(row)

    def row(self, model: int, number: int) -> tuple[Any, ...] | None:
        """Return the columns (id, model, t, body, crc) of a waiting prediction of a model, or None if it waits no more."""
        query = "SELECT id, model, t, body, crc FROM pending WHERE id = ? AND model = ?"
        row: tuple[Any, ...] | None = self._base.execute(query, (number, model)).fetchone()
        return row

    def rows_of(self, model: int) -> Iterator[tuple[int, HeldAnswer | None]]:
        """Yield a model's predictions that wait with their numbers, oldest first, None for a damaged one."""
        query = "SELECT id, model, t, body, crc FROM pending WHERE model = ? ORDER BY id"
        for row in self._base.execute(query, (model,)).fetchall():
            yield row[0], sound_pending(row)

    def asked(self, model: int) -> list[int]:
        """Return the numbers of a model's rows that wait for a person's label, oldest first."""
        return [number for number, one in self.rows_of(model) if one is not None and CHANCE in one.predicted]

    def new_events(self, request: LearnRequest | SourceRequest) -> list[JournalEvent]:
        """Return the events with new ids or none, and begin the replies, which for repeated ones are whole."""
        events: list[JournalEvent] = []
        inside: dict[str, tuple[int, int]] = {}
        for event in request.events:
            name = None if event.id is None else f"e:{event.id}"
            before = None if name is None else inside.get(name) or self._find(request.model, name)
            if before is not None and before[1] not in (_HIDDEN, digest(event.x, event.y)):
                raise _conflict(event.id)
            request.answers.append({} if before is None else {"id": event.id, "repeated": True, "seq": before[0]})
            if before is None:
                events.append(event)
                if name is not None:
                    inside[name] = (-len(events), digest(event.x, event.y))
        return events

    def remember(self, request: LearnRequest | SourceRequest, events: list[JournalEvent], first: int) -> int:
        """Store the ids of a request's new events, which were just journaled, and return how many there are."""
        rows = [
            (request.model, f"e:{event.id}", first + i, digest(event.x, event.y))
            for i, event in enumerate(events)
            if event.id is not None
        ]
        self._base.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)
        for answer in request.answers:  # a repetition within the request refers to its first event by a negative index
            if answer and answer["seq"] < 0:
                answer["seq"] = first - answer["seq"] - 1
        return len(rows)

    def remember_aliases(self, request: SourceRequest, first: int) -> None:
        """Store the further ids of a request's events that were just journaled."""
        if not request.aliases:
            return
        begun = request.answers or [{}] * len(request.events)
        fresh = [i for i, answer in enumerate(begun) if "repeated" not in answer]
        rows = [
            (request.model, request.aliases[i], first + n, digest(None, request.events[i].y))
            for n, i in enumerate(fresh)
            if i in request.aliases
        ]
        self._base.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", rows)

    def waiting(self, request: LabelRequest, now: int) -> tuple[JournalEvent | None, int]:
        """Find the prediction that a label belongs to.

        Returns
        -------
        event : JournalEvent or None
            The event to learn, or None for a repeated label, whose reply is then filled in.
        number : int
            Number of the id.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If the label can't be learned.
        """
        number = _number(request.id)
        row = self.row(request.model, number)
        if row is None:
            self._not_waiting(request, number)
            return None, number
        pending = sound_pending(row)
        if pending is None:
            raise _expired(f"{request.id}, which is damaged in the store")
        if pending.held is not None:
            if digest(None, pending.held[0]) != digest(None, request.y):
                raise _conflict(request.id)
            request.answers.append({"id": request.id, "held": True, "repeated": True})
            return None, number
        waited = max(now - row[2], 0)
        answer: dict[str, Any] = {"id": request.id, "waited_s": waited / 1000}
        if waited > self._late_ms:
            answer["late"] = True
        request.answers.append(answer)
        return JournalEvent(pending.x, request.y, request.w, None, pending.predicted), number

    def answered(self, model: int, number: int, event: JournalEvent, seq: int) -> None:
        """Mark a prediction as labeled."""
        (size,) = self._base.execute("SELECT length(body) FROM pending WHERE id = ?", (number,)).fetchone()
        self._base.execute("DELETE FROM pending WHERE id = ?", (number,))
        self.bytes -= size
        self._base.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (model, f"p:{number}", seq, digest(None, event.y)))

    def hold(self, request: LabelRequest, number: int) -> None:
        """Keep an answer with its row until those before it are learned."""
        found = self.row(request.model, number)
        one = None if found is None else sound_pending(found)
        if found is None or one is None:
            raise _expired(f"{request.id}, which is no longer kept")
        body = pack(HeldAnswer(one.x, one.predicted, one.seq, (request.y, request.w)))
        change = "UPDATE pending SET body = ?, crc = ? WHERE id = ?"
        self._base.execute(change, (body, checksum(number, request.model, found[2], body), number))
        self.bytes += len(body) - len(found[3])

    def unanswered(self, model: int, number: int, seq: int) -> None:
        """Mark a prediction as learned without an answer, so that its event is still found by its id."""
        for (size,) in self._base.execute(
            "DELETE FROM pending WHERE id = ? RETURNING length(body)", (number,)
        ).fetchall():
            self.bytes -= size
        self._base.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", (model, f"o:{number}", seq, _HIDDEN))

    def expire(self, older_than: int, transaction: Transaction) -> None:
        """Delete predictions made before a time (ms since 1970), in short transactions. Those of a model in order lapse instead."""
        some = f"SELECT id FROM pending WHERE t < ?{self._but_in_order()} LIMIT ?"
        one = f"DELETE FROM pending WHERE id IN ({some}) RETURNING length(body)"
        gone = _AT_ONCE
        while gone == _AT_ONCE:
            with transaction():
                sizes = self._base.execute(one, (older_than, _AT_ONCE)).fetchall()
                self.bytes -= sum(size for (size,) in sizes)
                gone = len(sizes)

    def forget(self, until: int, transaction: Transaction) -> None:
        """Delete the ids of events up to a sequence, in short transactions."""
        one = "DELETE FROM seen WHERE (model, id) IN (SELECT model, id FROM seen WHERE seq <= ? LIMIT ?)"
        gone = _AT_ONCE
        while gone == _AT_ONCE:
            with transaction():
                gone = self._base.execute(one, (until, _AT_ONCE)).rowcount

    def _but_in_order(self) -> str:
        """Return a condition that leaves out models whose answers are learned in order."""
        models = self.in_order()
        return f" AND model NOT IN ({', '.join(map(str, models))})" if models else ""

    def _drop(self, until: int) -> None:
        """Delete predictions up to a number."""
        one = f"DELETE FROM pending WHERE id <= ?{self._but_in_order()} RETURNING length(body)"
        self.bytes -= sum(size for (size,) in self._base.execute(one, (until,)).fetchall())

    def _drop_until_small(self) -> None:
        """Delete the oldest predictions until the others are small enough together."""
        query, left, at = "SELECT id, length(body) FROM pending WHERE id > ? ORDER BY id LIMIT ?", self.bytes, 0
        while left > self.most_bytes and (oldest := self._base.execute(query, (at, _AT_ONCE)).fetchall()):
            left -= sum(size for _, size in oldest)
            at = oldest[-1][0]
        self._drop(at)
        self.lapsed = max(self.lapsed, at)
        if left > self.most_bytes:  # some were deleted from elsewhere
            self.bytes = 0

    def counts(self) -> int:
        """Return the number of predictions that wait for their labels."""
        return int(self._base.execute("SELECT count(*) FROM pending").fetchone()[0])

    def _find(self, model: int, name: str) -> tuple[int, int] | None:
        query = "SELECT seq, digest FROM seen WHERE model = ? AND id = ?"
        row: tuple[int, int] | None = self._base.execute(query, (model, name)).fetchone()
        hidden = self.forgotten(name) if row is None else ""
        return self._base.execute(query, (model, hidden)).fetchone() if hidden else row

    def _not_waiting(self, request: LabelRequest, number: int) -> None:
        """Reply to a repeated label, or raise for an unknown or expired id."""
        before = self._find(request.model, f"p:{number}")
        if before is not None:
            if before[1] not in (_HIDDEN, digest(None, request.y)):
                raise _conflict(request.id)
            request.answers.append({"id": request.id, "repeated": True, "seq": before[0]})
        elif 0 < number <= self.last:
            raise _expired(f"{request.id}, which is no longer kept")
        else:
            raise UnknownId(
                expected="the id of a prediction of this model",
                got=repr(request.id),
                at="id",
                help="Send the id as it came.",
            )


def sound_pending(row: tuple[Any, ...]) -> HeldAnswer | None:
    """Return the prediction of a row (id, model, t, body, crc) of ``pending``, or None if the row is damaged."""
    *columns, crc = row
    if crc is not None and crc != checksum(*columns):
        return None
    try:
        return unpack_pending(columns[-1])
    except (msgspec.MsgspecError, ValueError, TypeError):
        return None


def _expired(got: str) -> ExpiredId:
    return ExpiredId(
        expected="the label in time",
        got=got,
        at="id",
        help="Send the whole example to learn, or keep predictions longer.",
    )


def _number(name: str) -> int:
    digits = name[1:]
    return int(digits) if name[:1] == "p" and digits.isascii() and digits.isdecimal() and len(digits) < 19 else 0


def _conflict(name: object) -> ConflictingId:
    return ConflictingId(
        expected="the same example as before under a repeated id",
        got="a different one",
        at=f"id {name}",
        help="Give every example its own id. Nothing of this request was learned.",
    )


__all__ = [
    "ConflictingId",
    "ExpiredId",
    "Gap",
    "Ids",
    "LabelRequest",
    "LearnRequest",
    "PendingRequest",
    "SourceRequest",
    "StepRequest",
    "TurnRequest",
    "UnknownId",
    "Waiting",
    "sound_pending",
]
