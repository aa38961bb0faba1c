"""What can be asked of a store in one commit, and what it answers: examples, predictions to keep, answers that come late."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from headwater.errors import DataError

from .event import Asked, Event, digest, pack_asked, unpack_asked


@dataclass(slots=True)
class Learn:
    """Examples to journal and learn, all or none.

    Parameters
    ----------
    model : int
        The model's id.
    events : list of Event
        The examples; one with an ``id`` is learned once, however often it is sent.
    """

    model: int
    events: list[Event]
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Keep:
    """Predictions to keep until their answers come; ``answers`` are their ids."""

    model: int
    asked: list[Asked]
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Label:
    """The answer to a prediction that was given out earlier.

    Parameters
    ----------
    model : int
        The model's id.
    id : str
        What ``Keep`` answered.
    y, w
        The answer, and the weight of the example.
    """

    model: int
    id: str
    y: Any
    w: float | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class SetStep:
    """A change of a learner's step size, journaled like an example, so that a replay makes it at the same place.

    Parameters
    ----------
    model : int
        The model's id.
    learner : str, optional
        Whose; the champion's without it.
    factor : float
        The factor on the step size that was declared; 1 is as declared.
    """

    model: int
    learner: str | None
    factor: float
    answers: list[dict[str, Any]] = field(default_factory=list)


class UnknownId(DataError):
    """Report an id that was never given out."""

    code = "unknown_id"


class ExpiredId(DataError):
    """Report an id that was given out, and whose prediction is kept no longer."""

    code = "expired_id"


class ConflictingId(DataError):
    """Report an id that came before with another content."""

    code = "conflicting_id"


class Ids:
    """The tables ``pending`` and ``seen``: what waits for its answer, and what was learned already.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    late_s : float
        Seconds behind which an answer counts as late: it is learned, and says so.
    """

    def __init__(self, base: sqlite3.Connection, late_s: float) -> None:
        self._base, self._late_ms = base, late_s * 1000
        self.given = 0
        """The number of the last id that was given out."""

    def find_end(self) -> None:
        """Find the last id that was given out, also one that has been answered since."""
        row = self._base.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pending'").fetchone()
        self.given = row[0] if row else 0

    def keep(self, request: Keep, t: int) -> None:
        """Write predictions that wait for their answers, and name their ids."""
        rows = []
        for asked in request.asked:
            self.given += 1
            rows.append((self.given, request.model, t, pack_asked(asked)))
            request.answers.append({"id": f"p{self.given}"})
        self._base.executemany("INSERT INTO pending VALUES (?, ?, ?, ?)", rows)

    def fresh(self, request: Learn) -> list[Event]:
        """Return the events whose ids are new; write the answers of those that are not."""
        if all(event.id is None for event in request.events):
            request.answers = [{} for _ in request.events]
            return request.events
        events: list[Event] = []
        inside: dict[str, tuple[int, int]] = {}
        for event in request.events:
            name = None if event.id is None else f"e:{event.id}"
            before = None if name is None else inside.get(name) or self._find(request.model, name)
            if before is not None and before[1] != digest(event.x, event.y):
                raise _conflict(event.id)
            request.answers.append({} if before is None else {"id": event.id, "repeated": True, "seq": before[0]})
            if before is None:
                events.append(event)
                if name is not None:
                    inside[name] = (-len(events), digest(event.x, event.y))
        return events

    def remember(self, model: int, events: list[Event], first: int) -> None:
        """Write the ids of events that have just been journaled."""
        rows = [
            (model, f"e:{event.id}", first + i, digest(event.x, event.y))
            for i, event in enumerate(events)
            if event.id is not None
        ]
        if rows:
            self._base.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)

    def waiting(self, request: Label, now: int) -> tuple[Event | None, int]:
        """Find the prediction that an answer is for.

        Returns
        -------
        event : Event or None
            What is to be learned; None for an answer that came before, whose own answer is then written.
        number : int
            The number of the id.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If there is nothing to learn from it.
        """
        number = _number(request.id)
        row = self._base.execute(
            "SELECT t, body FROM pending WHERE id = ? AND model = ?", (number, request.model)
        ).fetchone()
        if row is None:
            self._not_waiting(request, number)
            return None, number
        asked = unpack_asked(row[1])
        waited = max(now - row[0], 0)
        answer: dict[str, Any] = {"id": request.id, "waited_s": waited / 1000}
        if waited > self._late_ms:
            answer["late"] = True
        request.answers.append(answer)
        return Event(asked.x, request.y, request.w, None, asked.given), number

    def answered(self, model: int, number: int, event: Event, seq: int) -> None:
        """Note that a prediction has its answer."""
        self._base.execute("DELETE FROM pending WHERE id = ?", (number,))
        self._base.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (model, f"p:{number}", seq, digest(None, event.y)))

    def prune(self, older_than: int, most: int, seen_until: int) -> None:
        """Forget predictions from before a time or beyond a number, and ids of events up to a sequence."""
        self._base.execute("DELETE FROM pending WHERE t < ? OR id <= ?", (older_than, self.given - most))
        self._base.execute("DELETE FROM seen WHERE seq <= ?", (seen_until,))

    def counts(self) -> int:
        """Return how many predictions wait for their answers."""
        return int(self._base.execute("SELECT count(*) FROM pending").fetchone()[0])

    def _find(self, model: int, name: str) -> tuple[int, int] | None:
        query = "SELECT seq, digest FROM seen WHERE model = ? AND id = ?"
        row: tuple[int, int] | None = self._base.execute(query, (model, name)).fetchone()
        return row

    def _not_waiting(self, request: Label, number: int) -> None:
        """Answer a repetition; raise for an id that is unknown or expired."""
        before = self._find(request.model, f"p:{number}")
        if before is not None:
            if before[1] != digest(None, request.y):
                raise _conflict(request.id)
            request.answers.append({"id": request.id, "repeated": True, "seq": before[0]})
        elif 0 < number <= self.given:
            raise ExpiredId(
                expected="the answer in time",
                got=f"{request.id}, which is kept no longer",
                at="id",
                help="Send the example whole, to learn; or keep predictions longer.",
            )
        else:
            raise UnknownId(
                expected="an id that a prediction of this model was answered with",
                got=repr(request.id),
                at="id",
                help="Send the id as it came.",
            )


def _number(name: str) -> int:
    digits = name[1:]
    return int(digits) if name[:1] == "p" and digits.isascii() and digits.isdecimal() and len(digits) < 19 else 0


def _conflict(name: object) -> ConflictingId:
    return ConflictingId(
        expected="the same example as before under an id that came before",
        got="another one",
        at=f"id {name}",
        help="Give every example an id of its own; nothing of this request was learned.",
    )


__all__ = ["ConflictingId", "ExpiredId", "Ids", "Keep", "Label", "Learn", "SetStep", "UnknownId"]
