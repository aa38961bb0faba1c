"""Join rows with labels that arrive separately, detecting repeated deliveries.

A broker delivers at least once, so both rows and labels may repeat. Each pair has an identity under which it is learned once, the
id of its row, or else its key with a digest of row and label. A label's own id is stored with the pair that it completed.
Identities are kept as long as the journal's events.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.store.journal.events import (
    Issued,
    JournalEvent,
    PendingPrediction,
    digest,
    observation,
    pack,
    unpack_pending,
)
from headwater.store.journal.requests import SourceRequest, Waiting
from headwater.store.journal.source_tables import SourceTables
from headwater.store.sources.rows import Row

__all__ = ["Pairs"]

_REPEATED = "repeated"
_ANOTHER = "not the same answer as before under an id that came before"


class Pairs:
    """Joins rows and labels of a followed source by key.

    Parameters
    ----------
    tables
        The store's tables of sources.
    model, source
        The id of the model, and the name of the source.
    joins
        Whether labels arrive in a separate topic. Otherwise each row includes its own.
    answers
        Whether learning needs a label.
    observes
        Whether rows count among the rows before others while they wait.
    """

    def __init__(
        self, tables: SourceTables, model: int, source: str, *, joins: bool, answers: bool, observes: bool = False
    ) -> None:
        self._tables, self._model, self._source = tables, model, source
        self._joins, self._answers, self._observes = joins, answers, observes

    def add_rows(self, request: SourceRequest, rows: Sequence[Row], guesses: Sequence[Issued | None], seq: int) -> None:
        """Learn rows whose label is known, and store the others until theirs arrives.

        Parameters
        ----------
        request
            The request to add to.
        rows
            The rows. One that is neither learned nor stored gets a ``reason``, or is marked as ``repeated``.
        guesses, seq
            The prediction of each row, and the sequence at which it was made.
        """
        early: dict[str, Waiting] = {}
        waiting: dict[str, Waiting] = {}
        learned: dict[str, int] = {}
        if self._joins:
            early, waiting = self._waiting("answer", rows), self._waiting("row", rows)
            learned = self._learned([self._example(row.id) for row in rows if row.id is not None])
        for row, guess in zip(rows, guesses, strict=True):
            if row.y is None and self._came_before(row, waiting, learned):
                self._repeat(request, row)
                continue
            if row.y is None and row.key in early:
                answer = early.pop(row.key)
                request.joined.append(answer.number)
                self._complete(request, answer.example)
                row.y = msgspec.msgpack.decode(answer.body)
                self._observe(request, row)
                request.events.append(self._pair(row.key, row.id, PendingPrediction(row.x, guess or {}, seq), row.y))
            elif row.y is not None or not self._answers:
                name = None if row.id is None else f"{self._source}:{row.id}"
                request.events.append(JournalEvent(row.x, row.y, None, name, guess))
            elif self._joins and row.key in waiting:
                row.reason = "its key waits for an answer already"
            elif self._joins and guess is not None:
                waiting[row.key] = Waiting(0, pack(PendingPrediction(row.x, guess, seq)), row.id)
                request.waiting.append(("row", row.key, waiting[row.key].body, row.id))
                self._observe(request, row)

    def add_answers(self, request: SourceRequest, rows: Sequence[Row]) -> None:
        """Learn the rows that these labels belong to, and store labels that arrive before their row."""
        waiting, early = self._waiting("row", rows), self._waiting("answer", rows)
        answered = self._learned([self._answer(row.id) for row in rows if row.id is not None])
        for row in rows:
            before = None if row.id is None else answered.get(self._answer(row.id))
            if row.y is None:
                row.reason = "the answer is missing"
            elif before is not None and before != digest(None, row.y):
                row.reason = _ANOTHER
            elif before is not None or (row.key in early and _same(early[row.key], row)):
                self._repeat(request, row)
            elif row.key in early:
                row.reason = "an answer of this key waits already"
            elif row.key in waiting:
                found = waiting.pop(row.key)
                request.joined.append(found.number)
                self._complete(request, row.id)
                request.events.append(self._pair(row.key, found.example, unpack_pending(found.body), row.y))
                if row.id is not None:
                    answered[self._answer(row.id)] = digest(None, row.y)
            else:
                early[row.key] = Waiting(0, msgspec.msgpack.encode(row.y), row.id)
                request.waiting.append(("answer", row.key, early[row.key].body, row.id))

    def _observe(self, request: SourceRequest, row: Row) -> None:
        """Let a row whose label comes by itself count among the rows before others."""
        if self._observes:
            request.events.append(observation(row.x))

    def _came_before(self, row: Row, waiting: dict[str, Waiting], learned: dict[str, int]) -> bool:
        if not self._joins or row.id is None:
            return False
        return self._example(row.id) in learned or (row.key in waiting and _same(waiting[row.key], row))

    def _repeat(self, request: SourceRequest, row: Row) -> None:
        row.repeated = True
        request.counts[_REPEATED] = request.counts.get(_REPEATED, 0) + 1

    def _complete(self, request: SourceRequest, id_: str | None) -> None:
        """Register a label's id for the event added next."""
        if id_ is not None:
            request.aliases[len(request.events)] = self._answer(id_)

    def _pair(self, key: str, example: str | None, row: PendingPrediction, y: object) -> JournalEvent:
        name = f"{self._source}/{key}/{digest(row.x, y):08x}" if example is None else f"{self._source}:{example}"
        return JournalEvent(row.x, y, None, name, row.predicted or None)

    def _example(self, id_: str) -> str:
        return f"e:{self._source}:{id_}"

    def _answer(self, id_: str) -> str:
        return f"a:{self._source}:{id_}"

    def _waiting(self, what: str, rows: Sequence[Row]) -> dict[str, Waiting]:
        return self._tables.found(self._model, self._source, what, [row.key for row in rows]) if self._joins else {}

    def _learned(self, names: list[str]) -> dict[str, int]:
        return self._tables.learned(self._model, names) if self._joins else {}


def _same(found: Waiting, row: Row) -> bool:
    """Return whether a waiting entry is this same message, delivered before."""
    return row.id is not None and found.example == row.id
