"""Budgets of requests, declared per address and charged before the work is done."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.encode.frames import Columns
from headwater.errors import DataError, HeadwaterError
from headwater.serve.http.errors import Busy, TooLarge
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.schemas import LARGE, count_cells
from headwater.store.service.limits import OverLimit
from headwater.store.service.price import Price

if TYPE_CHECKING:
    from headwater.serve.state import ServerState

ANY = sys.maxsize
"""Limited only by the server's limits."""
HANDLED_AT_ONCE = 200
"""Maximum rows handled on the event loop. More go to a thread."""
_BODY_S = 3e-8  # processor time per byte of JSON, a quarter of a second for 8 MB


@dataclass(frozen=True, slots=True)
class Cost:
    """Limits of one request to an address, without defaults so that each is considered.

    Parameters
    ----------
    body : int
        Maximum bytes of its body, 0 for none.
    cells : int
        Maximum values in its rows, 0 for none.
    work_s : float
        Fixed seconds of processor time, to which its body and rows add.
    lock_s : float
        Maximum seconds it may hold a model's lock at once, 0 if it never does.
    """

    body: int
    cells: int
    work_s: float
    lock_s: float

    def within(self, limits: ServerLimits) -> Cost:
        """Return the cost within a server's limits."""
        body, lock_s = min(self.body, limits.body_bytes), min(self.lock_s, limits.lock_s)
        return replace(self, body=body, lock_s=lock_s)


AT_HAND = Cost(body=0, cells=0, work_s=0.0, lock_s=0.0)
"""Returns known values without reading a model."""
PUBLISHED = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads a model's published result, computed once for all requests."""
AHEAD = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.25)
"""Forecasts a series without rows of the times to come."""
FORM = Cost(body=16 << 10, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads a few fields."""
CHANGE = Cost(body=64 << 10, cells=0, work_s=0.1, lock_s=0.25)
"""Changes models or their files."""
COPY = Cost(body=0, cells=0, work_s=1.0, lock_s=0.0)
"""Copies the whole store."""
SAMPLE = Cost(body=4 << 20, cells=1000, work_s=1e-3, lock_s=0.25)
"""Analyzes one sample."""
LESSON = Cost(body=1 << 20, cells=ANY, work_s=1e-4, lock_s=0.25)
"""Asks or teaches the rows of one object, which is decoded whole."""
ROWS = Cost(body=ANY, cells=ANY, work_s=1e-4, lock_s=0.25)
"""Predicts or learns rows."""


class Size(NamedTuple):
    """Size of samples as rows, total values, and values of the widest row."""

    rows: int
    cells: int
    widest: int


def size_of(X: Iterable[Mapping[Any, Any]]) -> Size:
    """Return the size of samples."""
    if isinstance(X, Columns):
        return Size(len(X), len(X) * len(X.columns), len(X.columns) if len(X) else 0)
    rows = cells = widest = 0
    for x in X:
        count = len(x)
        if list in map(type, x.values()):
            count = count_cells(x)
        rows += 1
        cells += count
        widest = count if count > widest else widest
    return Size(rows, cells, widest)


@dataclass(slots=True)
class Budget:
    """What one request has taken, within its cost and the server's limits.

    Parameters
    ----------
    state : ServerState
        The server, whose requests share memory and processor.
    cost : Cost
        Cost of the address, itself within the server's limits.
    received : int
        Bytes of the body.
    rows, cells : int
        Rows and their values.
    work_s : float
        Estimated processor time.
    """

    state: ServerState
    cost: Cost
    received: int = 0
    rows: int = 0
    cells: int = 0
    work_s: float = 0.0

    def is_at_hand(self, rows: int) -> bool:
        """Return whether rows are few, and their body small, so that the event loop handles them itself."""
        return rows <= HANDLED_AT_ONCE and self.received <= LARGE

    def charge_body(self, size: int) -> None:
        """Charge bytes of the body, where those beyond ``LARGE`` share the limit ``bytes_at_work``.

        Raises
        ------
        TooLarge, Busy
            If this body, or all bodies in progress together, are too large.
        """
        state = self.state
        self.received += size
        state.bytes_at_work += size
        if self.received > self.cost.body:
            raise too_large(self.cost.body)
        if self.received > LARGE:
            self.charge_work(size * _BODY_S)
            if state.bytes_at_work > state.limits.bytes_at_work:
                raise Busy(
                    expected=f"at most {state.limits.bytes_at_work} bytes of large bodies at work (limit bytes_at_work)",
                    got="more",
                    at="body",
                    help="Try again a little later.",
                )

    def charge_rows(self, rows: int, cells: int, *, at: str = "body") -> None:
        """Charge rows and their values.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        limits = self.state.limits
        self.rows += rows
        self.cells += cells
        if self.rows > limits.rows or self.cells > limits.cells or self.cells > self.cost.cells:
            raise self._too_many(at)

    def _too_many(self, at: str) -> DataError:
        limits = self.state.limits
        if self.rows > limits.rows or self.cells > limits.cells:
            return too_many("rows" if self.rows > limits.rows else "cells", limits, at)
        return OverLimit(
            expected=f"at most {self.cost.cells:,} values in a request to this address",
            got=f"{self.cells:,}",
            at=at,
            help="Send fewer columns.",
        )

    def charge_samples(self, size: Size, price: Price, *, learning: bool, answers: int = 1) -> float:
        """Charge samples to predict or to learn, and return the estimated seconds that they take.

        Parameters
        ----------
        size : Size
            Size of the samples.
        price : Price
            Cost of rows for the model.
        learning : bool
            Whether they are learned.
        answers : int
            Numbers returned per sample, such as class probabilities.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        state, limits, most = self.state, self.state.limits, self.state.service.limits.row_entries
        self.rows += size.rows
        self.cells += max(size.cells, size.rows * answers)
        if self.rows > limits.rows or self.cells > limits.cells or self.cells > self.cost.cells:
            raise self._too_many("body")
        if size.widest > most:
            got = f"{size.widest:,}"
            raise OverLimit(
                expected=f"at most {most:,} entries a row", got=got, at="body", help="The limit row_entries can be set."
            )
        row_s, cell_s = price.learned if learning else price.read
        work_s, lock_s = size.rows * row_s + size.cells * cell_s, size.widest * cell_s  # rows begin between two holds
        if self.work_s + work_s > limits.work_s or state.work_s + work_s > limits.work_waiting_s:
            raise self._too_long(work_s, "body")
        self.work_s += work_s
        state.work_s += work_s
        if lock_s > self.cost.lock_s:
            self.charge_lock(lock_s, at="body")
        return work_s

    def charge_work(self, seconds: float, *, at: str = "request") -> None:
        """Charge estimated processor time.

        Raises
        ------
        OverLimit
            If this request takes too much.
        Busy
            If all requests in progress together take too much.
        """
        state, limits = self.state, self.state.limits
        if self.work_s + seconds > limits.work_s or state.work_s + seconds > limits.work_waiting_s:
            raise self._too_long(seconds, at)
        self.work_s += seconds
        state.work_s += seconds

    def _too_long(self, seconds: float, at: str) -> HeadwaterError:
        limits = self.state.limits
        if self.work_s + seconds > limits.work_s:
            return OverLimit(
                expected=f"a request of at most {limits.work_s:g} s of processor time (limit work_s)",
                got=f"one of about {self.work_s + seconds:.3g} s",
                at=at,
                help="Send it in parts. Nothing was learned.",
            )
        return Busy(
            expected=f"at most {limits.work_waiting_s:g} s of processor time at work (limit work_waiting_s)",
            got="more",
            at=at,
            help="Try again a little later.",
        )

    def charge_lock(self, seconds: float, *, at: str = "request") -> None:
        """Charge the longest estimated time of holding a model's lock at once.

        Raises
        ------
        OverLimit
            If the time is too long.
        """
        most = self.cost.lock_s
        if seconds > most:
            raise OverLimit(
                expected=f"a row that holds the model for at most {most:g} s (limit lock_s)",
                got=f"one that would hold it for about {seconds:.2g} s",
                at=at,
                help="Send fewer columns, or use a smaller model.",
            )


def too_large(limit: int) -> TooLarge:
    """Return the error for a body that is too large."""
    return TooLarge(expected=f"a body of at most {limit} bytes", got="more", at="body", help="Send it in parts.")


__all__ = [
    "AHEAD",
    "ANY",
    "AT_HAND",
    "CHANGE",
    "COPY",
    "FORM",
    "HANDLED_AT_ONCE",
    "PUBLISHED",
    "ROWS",
    "SAMPLE",
    "Budget",
    "Cost",
    "Size",
    "size_of",
    "too_large",
]
