"""Rows of a store that wait for a person's label, each handed to one person at a time."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError
from headwater.learner.kind import check_can, kind_of
from headwater.learner.monitoring.label_budget import LabelBudget, uncertainty
from headwater.store.journal.events import CHANCE, ROLLED
from headwater.store.journal.requests import Ids, PendingRequest

from .model import Model

__all__ = ["LEASE_S", "LabelTask", "Labeling"]

LEASE_S = 300.0
"""Seconds for which a row is one person's alone, unless it is labeled or released before."""


@dataclass(frozen=True, slots=True)
class LabelTask:
    """A row that one person is to label.

    Parameters
    ----------
    id : str
        Id to pass to ``label`` or ``release_label``.
    x : dict
        The row.
    y_pred, proba
        The class that the model proposes, and the probability of each class.
    p : float
        Probability with which the row was asked.
    waiting : int
        Number of rows that wait for a label, this one included.
    """

    id: str
    x: dict[Any, Any]
    y_pred: Any
    proba: dict[Any, float]
    p: float
    waiting: int


class Labeling:
    """The rows of one model that wait for labels, oldest first, and who has which.

    It is thread-safe. Leases are kept in memory, because one process has the store.

    Parameters
    ----------
    model : Model
        The model in the store.
    ids : Ids
        The store's waiting predictions.
    reading : context manager
        The lock under which the store's tables are read.
    """

    def __init__(self, model: Model, ids: Ids, reading: AbstractContextManager[Any]) -> None:
        self._model, self._ids, self._reading = model, ids, reading
        self._lock = threading.Lock()
        with reading:
            self._queue, kept = deque(ids.asked(model.id)), ids.note(self._key)
        self._budget = LabelBudget(json.loads(kept) if kept else {}, model.champion.learner.seed)
        self._leases: dict[int, float] = {}

    @property
    def _key(self) -> str:
        return f"label_budget {self._model.id}"

    @property
    def budget(self) -> LabelBudget:
        """How many rows were seen and asked."""
        return self._budget

    def consider(self, x: Mapping[Any, Any], budget: float) -> PendingRequest | None:
        """Decide whether a row is worth a label, and return the request that keeps it, or None.

        Raises
        ------
        ConfigError
            If the model predicts no classes, or the budget is not above 0 and at most 1.
        """
        learner = self._model.champion.learner
        check_can(learner, "labels", at="should_label")
        pending = self._model.issue([x], {})[0]
        shares = pending.predicted[self._model.champion.name][1] or {}
        with self._lock:
            if not self._budget.ask(uncertainty(shares.values()), budget):
                return None
            pending.predicted[CHANCE] = (self._budget.probability, None)
            return PendingRequest(self._model.id, [pending], note=(self._key, self._budget.as_json()))

    def kept(self, request: PendingRequest) -> str:
        """Queue the row of a committed request, and return its id."""
        name = str(request.answers[0]["id"])
        with self._lock:
            self._queue.append(int(name[1:]))
        return name

    def next(self) -> LabelTask | None:
        """Lease the oldest waiting row that nobody has, or return None if there is none."""
        with self._lock:
            self._return_expired()
            while self._queue:
                number = self._queue.popleft()
                with self._reading:
                    pending = self._ids.get(self._model.id, number)
                if pending is not None:
                    self._leases[number] = time.monotonic() + LEASE_S
                    waiting = len(self._queue) + len(self._leases)
                    break
            else:
                return None
        aggregates = pending.predicted.get(ROLLED + self._model.champion.name, ({}, None))[0]
        (y_pred, shares), p = self._proposed(pending.x | aggregates), pending.predicted[CHANCE][0]
        return LabelTask(f"p{number}", pending.x, y_pred, shares, p, waiting)

    def release(self, name: str) -> None:
        """Give a leased row back, behind all others.

        Raises
        ------
        DataError
            If nobody has the row.
        """
        number = int(name[1:]) if name[:1] == "p" and name[1:].isdecimal() else 0
        with self._lock:
            if self._leases.pop(number, None) is None:
                raise DataError(
                    expected="the id of a row that was handed out", got=repr(name), at="id", help="Take the next row."
                )
            self._queue.append(number)

    @property
    def waiting(self) -> int:
        """Number of rows that wait for a label, with those that somebody has."""
        with self._lock:
            self._return_expired()
            return len(self._queue) + len(self._leases)

    def _proposed(self, x: Mapping[Any, Any]) -> tuple[Any, dict[Any, float]]:
        """Return the class and the probabilities that the model predicts now."""
        learner = self._model.champion.learner
        with self._model.lock:
            predicted = kind_of(learner).predicted
            said, shares = predicted(learner, [x])[0] if predicted is not None else (None, None)
        return said, shares or {}

    def _return_expired(self) -> None:
        """Put rows back whose lease is over, and drop those that were labeled."""
        now = time.monotonic()
        for number, until in list(self._leases.items()):
            with self._reading:
                waits = self._ids.get(self._model.id, number) is not None
            if not waits or until < now:
                del self._leases[number]
                if waits:
                    self._queue.appendleft(number)
