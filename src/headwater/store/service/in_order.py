"""Rows that wait for their answers in a model that learns answers in the order in which they were asked for (``Answer.in_order``).

Each series has a queue of its own, that of a fleet's key among them. An answer is learned when nothing waits before it. One that comes
earlier is held with its row, in the table of waiting predictions. A row whose answer won't come is learned as a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from headwater.encode.values import as_key
from headwater.errors import DataError, counted
from headwater.store.journal.events import TOMBSTONE, HeldAnswer, JournalEvent
from headwater.store.journal.requests import Ids, sound_pending

from .model import Model
from .models import Models

__all__ = ["InOrder", "Turn", "bare_row", "series_of"]


class Turn(NamedTuple):
    """A waiting row whose turn it is, as the event to learn, and whether its answer did not come."""

    number: int
    event: JournalEvent
    lapsed: bool


class InOrder:
    """The queues of all models that learn answers in order, oldest first, kept in memory and read again where that was in vain.

    It is used inside the store's lock.

    Parameters
    ----------
    ids : Ids
        The store's waiting predictions.
    models : Models
        The models of the store.
    """

    def __init__(self, ids: Ids, models: Models) -> None:
        self._ids, self._models = ids, models
        self._queues: dict[int, dict[Any, list[int]]] = {}

    def models(self) -> list[Model]:
        """Return the models that learn answers in order."""
        return [model for model in self._models.by_name.values() if model.in_order]

    def numbers(self) -> list[int]:
        """Return the numbers of these models."""
        return [model.id for model in self.models()]

    def reset(self) -> None:
        """Read the queues again before they are next used, since the table was changed from elsewhere, or not changed at all."""
        self._queues.clear()

    def series(self, model: Model) -> list[Any]:
        """Return the series of a model in which rows wait: keys of a fleet, None of a lone learner."""
        return [key for key, queue in self._of(model).items() if queue]

    def add(self, model: Model, rows: Iterable[tuple[int, Any]]) -> None:
        """Append rows that begin to wait, each with its number, to the queues of their series."""
        queues = self._of(model)
        for number, x in rows:
            if number not in (queue := queues.setdefault(series_of(model, x), [])):  # read just now, or not yet there
                queue.append(number)

    def took(self, model: Model, key: Any, numbers: Iterable[int]) -> None:
        """Remove rows that were learned from the front of their queue."""
        queue = self._of(model)[key]
        for number in numbers:
            queue.remove(number)

    def unanswered_before(self, model: Model, key: Any, number: int) -> int:
        """Return how many rows of a series wait for answers that come before that of a row."""
        before = [one for other, _, one in self._waiting(model, key) if other < number]
        return sum(one is None or one.held is None for one in before)

    def is_next(self, model: Model, key: Any, number: int) -> bool:
        """Return whether no row of the series waits before this one."""
        first = next(self._waiting(model, key), None)
        return first is None or first[0] == number

    def rows(self, model: Model, key: Any) -> list[dict[Any, Any]]:
        """Return the rows of a series that wait, in order."""
        return [{} if one is None else one.x for _, _, one in self._waiting(model, key)]

    def due(
        self, model: Model, key: Any, *, older_than: int = 0, until: int = 0, without_rows: bool = False
    ) -> list[Turn]:
        """Return the rows at the front of a queue whose turn it is: those held, and those that lapse.

        Parameters
        ----------
        model, key
            The model and the series.
        older_than : int
            Time in ms since 1970. Rows that were asked before it lapse.
        until : int
            Number up to which rows lapse.
        without_rows : bool
            Whether nothing of what is too old may be kept, not even what was held.
        """
        answer, turns = model.live[0].learner.kind.answer, list[Turn]()
        for number, t, one in self._waiting(model, key):
            lapses = t < older_than or number <= until
            if one is not None and one.held is not None and not (lapses and without_rows):
                turns.append(Turn(number, JournalEvent(one.x, *one.held, None, one.predicted), lapsed=False))
                continue
            if not lapses:
                break
            gap = JournalEvent(bare_row(model, key), answer.read(None, model.live[0].learner))
            if key is ...:  # a damaged row of a fleet, which belongs to no series any more
                gap = TOMBSTONE
            elif one is not None and not without_rows:
                gap.x, gap.predicted = one.x, one.predicted
            turns.append(Turn(number, gap, lapsed=True))
        return turns

    def is_due(self, model: Model, older_than: int) -> bool:
        """Return whether it is a waiting row's turn, or one lapses that was asked before a time (ms since 1970)."""
        return any(self.due(model, key, older_than=older_than) for key in self.series(model))

    def check_none_waits(self, model: Model, events: Sequence[JournalEvent]) -> None:
        """Raise DataError for rows that come with their answers, while earlier ones of their series wait for theirs.

        Raises
        ------
        DataError
            Says how many wait.
        """
        queues = self._of(model)
        if not any(queues.values()):
            return
        for event in events:
            key = series_of(model, event.x)
            waiting = sum(one is None or one.held is None for _, _, one in self._waiting(model, key))
            if waiting:
                raise DataError(
                    expected="answers in the order in which they were asked for",
                    got=f"one without an id, while {counted(waiting, 'earlier one')} of {model.name} did not come yet",
                    at="id",
                    help="Answer what was asked by its ids first; send a missing answer (null) for one that won't come.",
                )

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _of(self, model: Model) -> dict[Any, list[int]]:
        """Return the queues of a model by series."""
        if model.id not in self._queues:
            queues: dict[Any, list[int]] = {}
            for number, one in self._ids.rows_of(model.id):
                queues.setdefault(series_of(model, {} if one is None else one.x), []).append(number)
            self._queues[model.id] = queues
        return self._queues[model.id]

    def _waiting(self, model: Model, key: Any) -> Iterator[tuple[int, int, HeldAnswer | None]]:
        """Yield the rows of a series that wait (number, time in ms since 1970, content or None if damaged), in order."""
        for number in list(self._of(model).get(key, ())):
            row = self._ids.row(model.id, number)
            if row is not None:
                yield number, row[2], sound_pending(row)


def series_of(model: Model, x: Any) -> Any:
    """Return the series to which a row belongs: the key of a fleet's row, None of a lone learner's."""
    learner = model.live[0].learner
    return as_key(x.get(learner.key)) if model.keyed else None


def bare_row(model: Model, key: Any) -> dict[Any, Any]:
    """Return a row of a series without anything else in it."""
    return {model.live[0].learner.key: key} if model.keyed else {}
