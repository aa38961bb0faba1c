"""What a request may take: declared with its address, and charged before the work is done."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.serve.http.errors import Busy, TooLarge
from headwater.serve.http.limits import too_many
from headwater.serve.http.schemas import count_cells
from headwater.store.service.limits import OverLimit
from headwater.store.service.price import Price

if TYPE_CHECKING:
    from headwater.serve.state import ServerState

ANY = sys.maxsize
"""As much as the server's limits allow."""
_BODY_S = 3e-8  # processor time to read a byte of JSON: 8 MB take a quarter of a second


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request to an address may take. There are no defaults: whoever adds an address thinks of each.

    Parameters
    ----------
    body : int
        Bytes of its body; 0 where it has none.
    cells : int
        Values in its rows; 0 where it has none.
    work_s : float
        Seconds of processor time that it takes whatever is asked; its body and its rows come on top.
    lock_s : float
        Seconds for which it may keep others from a model at once; 0 where it never waits for one.
    """

    body: int
    cells: int
    work_s: float
    lock_s: float


AT_HAND = Cost(body=0, cells=0, work_s=0.0, lock_s=0.0)
"""Says what is known without a look at any model."""
PUBLISHED = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads what a model has published; that is made once for all who wait for it."""
AHEAD = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.25)
"""Forecasts a series, of whose times to come nothing is told."""
FORM = Cost(body=16 << 10, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads a few fields."""
CHANGE = Cost(body=64 << 10, cells=0, work_s=0.1, lock_s=0.25)
"""Changes models or their files."""
COPY = Cost(body=0, cells=0, work_s=1.0, lock_s=0.0)
"""Copies the whole store."""
SAMPLE = Cost(body=4 << 20, cells=1000, work_s=1e-3, lock_s=0.25)
"""Looks at one sample closely."""
ROWS = Cost(body=ANY, cells=ANY, work_s=1e-4, lock_s=0.25)
"""Predicts or learns rows."""


class Size(NamedTuple):
    """How large some samples are: their number, the values in all of them, and in the one that has most."""

    rows: int
    cells: int
    widest: int


def size_of(X: Iterable[Mapping[Any, Any]]) -> Size:
    """Return how large samples are."""
    sizes = list(map(count_cells, X))
    return Size(len(sizes), sum(sizes), max(sizes, default=0))


class Budget:
    """What is left to one request of its address's cost, within the server's limits.

    Parameters
    ----------
    state : ServerState
        The server, whose requests at work share memory and processor.
    cost : Cost
        Of the address.
    """

    __slots__ = ("_cost", "_limits", "_state", "cells", "received", "rows", "work_s")

    def __init__(self, state: ServerState, cost: Cost) -> None:
        self._state, self._cost, self._limits = state, cost, state.limits
        self.received = self.rows = self.cells = 0
        self.work_s = 0.0

    def begin(self) -> None:
        """Charge what the address takes whatever is asked.

        Raises
        ------
        Busy
            If too much is at work already.
        """
        self.charge_work(self._cost.work_s)

    def charge_body(self, size: int, *, large: int) -> None:
        """Charge bytes of the body; all that are beyond ``large`` share the limit ``bytes_at_work``.

        Raises
        ------
        TooLarge, Busy
            If the body is too large, or those of all requests at work are.
        """
        state, limits = self._state, self._limits
        most = min(self._cost.body, limits.body_bytes)
        self.received += size
        state.bytes_at_work += size
        if self.received > most:
            raise too_large(most)
        if self.received > large:
            self.charge_work(size * _BODY_S)
            if state.bytes_at_work > limits.bytes_at_work:
                raise Busy(
                    expected=f"at most {limits.bytes_at_work} bytes of large bodies at work (limit bytes_at_work)",
                    got="more",
                    at="body",
                    help="Try again a little later.",
                )

    def check_body(self, announced: int) -> None:
        """Refuse a body by the length that its head says.

        Raises
        ------
        TooLarge
            If it is too large.
        """
        most = min(self._cost.body, self._limits.body_bytes)
        if announced > most:
            raise too_large(most)

    def charge_rows(self, rows: int, cells: int, *, at: str = "body") -> None:
        """Charge rows, and the values in all of them.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        self.rows += rows
        self.cells += cells
        if self.rows > self._limits.rows:
            raise too_many("rows", self._limits, at)
        if self.cells > self._limits.cells:
            raise too_many("cells", self._limits, at)
        if self.cells > self._cost.cells:
            raise OverLimit(
                expected=f"at most {self._cost.cells:,} values in a request to this address",
                got=f"{self.cells:,}",
                at=at,
                help="Send fewer columns.",
            )

    def charge_samples(self, size: Size, price: Price, *, learning: bool, answers: int = 1) -> None:
        """Charge samples that a model is to predict or to learn.

        Parameters
        ----------
        size : Size
            How large they are.
        price : Price
            What rows cost the model.
        learning : bool
            Whether they are to be learned.
        answers : int
            Numbers that are answered to each: probabilities of classes.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        self.charge_rows(size.rows, max(size.cells, size.rows * answers))
        most = self._state.service.limits.row_entries
        if size.widest > most:
            got = f"{size.widest:,}"
            raise OverLimit(
                expected=f"at most {most:,} entries a row", got=got, at="body", help="The limit row_entries can be set."
            )
        takes = price.learning if learning else price.predicting
        self.charge_work(takes(size.rows, size.cells), at="body")
        self.charge_lock(takes(0, size.widest), at="body")  # what the model takes without any value is its own

    def charge_work(self, seconds: float, *, at: str = "request") -> None:
        """Charge processor time, as it is estimated.

        Raises
        ------
        OverLimit
            If one request takes too much.
        Busy
            If all that are at work do.
        """
        state, limits = self._state, self._limits
        if self.work_s + seconds > limits.work_s:
            raise OverLimit(
                expected=f"a request of at most {limits.work_s:g} s of processor time (limit work_s)",
                got=f"one of about {self.work_s + seconds:.3g} s",
                at=at,
                help="Send it in parts; nothing was learned.",
            )
        if state.work_s + seconds > limits.work_waiting_s:
            raise Busy(
                expected=f"at most {limits.work_waiting_s:g} s of processor time at work (limit work_waiting_s)",
                got="more",
                at=at,
                help="Try again a little later.",
            )
        self.work_s += seconds
        state.work_s += seconds

    def charge_lock(self, seconds: float, *, at: str = "request") -> None:
        """Charge the longest time for which a model is kept from others at once, as it is estimated.

        Raises
        ------
        OverLimit
            If it is too long.
        """
        most = min(self._cost.lock_s, self._limits.lock_s)
        if seconds > most:
            raise OverLimit(
                expected=f"a row that holds the model for at most {most:g} s (limit lock_s)",
                got=f"one that would hold it for about {seconds:.2g} s",
                at=at,
                help="Send fewer columns, or use a smaller model.",
            )

    def release(self) -> None:
        """Give back what was charged: the request is answered."""
        self._state.bytes_at_work -= self.received
        self._state.work_s -= self.work_s


def too_large(limit: int) -> TooLarge:
    """Return the error of a body that is too large."""
    return TooLarge(expected=f"a body of at most {limit} bytes", got="more", at="body", help="Send it in parts.")


__all__ = [
    "AHEAD",
    "ANY",
    "AT_HAND",
    "CHANGE",
    "COPY",
    "FORM",
    "PUBLISHED",
    "ROWS",
    "SAMPLE",
    "Budget",
    "Cost",
    "Size",
    "size_of",
    "too_large",
]
