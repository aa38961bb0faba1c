"""A core that only reads: which names it appends, and which pairs of row and value each sample gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater import nn
from headwater.encode import as_rows
from headwater.encode.seen import Column, columns_of
from headwater.encode.vocabulary import PARTS
from headwater.nn.core import Core
from headwater.nn.expert import Expert

Pairs = list[tuple[int, float]]


class Reader:
    """A core with one linear expert, whose numbers stand as they come. What it learns besides names is no matter.

    Parameters
    ----------
    seed, max_rows, knots
        As in ``Core``.
    """

    def __init__(self, seed: int = 1, max_rows: int = 10_000, knots: int = 0) -> None:
        linear = Expert((nn.Dense(1),))
        self.core = Core([linear], dtype="float64", seed=seed, outputs=1, knots=knots, max_rows=max_rows)

    def read(self, X: Any, learn: Any = True) -> list[Pairs]:
        """Learn rows one after the other and return the pairs that each gives then, the bias left out.

        ``learn``: of all rows, or of each one, whether it is learned. Rows that only ask give what is known already.
        """
        n = len(X)
        learn = np.broadcast_to(np.asarray(learn, bool), n)
        rows, pairs = as_rows(self.core.learner, X, learn), []
        for i in range(n):
            if learn[i]:
                out = np.empty((1, 1))
                self.core.learner.learn(rows, i, i + 1, np.zeros(1), np.ones(1), np.ones(1, bool), out, None)
            pairs.append(self._pairs(rows, i))
        return pairs

    def ask(self, X: Any) -> list[Pairs]:
        """Return the pairs of rows that are not learned."""
        return self.read(X, learn=False)

    def _pairs(self, rows: Any, i: int) -> Pairs:
        found, values, ends = self.core.learner.pairs(rows, i, i + 1, False)
        assert np.frombuffer(ends, np.int64).tolist() == [0, len(values) // 8]
        pairs = list(zip(np.frombuffer(found, np.int32).tolist(), np.frombuffer(values).tolist(), strict=True))
        assert pairs[:1] in ([], [(0, 1.0)]), "the bias comes first, once it has learned"
        return pairs[1:]

    @property
    def columns(self) -> dict[Any, Column]:
        """The columns known so far, by name."""
        return columns_of(self.core.learner)

    @property
    def rows(self) -> int:
        """Rows of the table, the bias among them."""
        return self.core.rows

    @property
    def shared_from(self) -> int:
        """The first row that nameless values share; 0 while every name has its own."""
        return int(self.core.sizes()["shared_from"])

    @property
    def slot_rows(self) -> list[int]:
        """For each slot the row that its value scales."""
        return [int(row) for row in self.core.statistics.row]

    @property
    def keys(self) -> list[int]:
        """What each row is drawn from."""
        return [int(key) for key in self.core.array("row_keys")]

    @property
    def unusable(self) -> int:
        """Values of no usable type met while learning."""
        return int(self.core.learner.unusable)

    def names(self) -> dict[int, str]:
        """Return for each row of its own the name that it belongs to: ``a``, ``a=text``, ``t.0`` … ``t.6``."""
        names, slot_rows = {}, self.slot_rows
        for column in self.columns.values():
            if column.kind == "number":
                names[slot_rows[column.slot]] = f"{column.name}"
            names |= {slot_rows[slot]: f"{column.name}.{i}" for i, slot in enumerate(column.parts)}
            names |= {row: f"{column.name}={text}" for text, row in column.values.items()}
        return names

    def named(self, *samples: Any, learn: bool = True) -> list[dict[str, float]]:
        """Read samples and return what each gave by name."""
        pairs = self.read(list(samples), learn)
        names = self.names()
        return [{names[row]: x for row, x in sample} for sample in pairs]


def same(one: Reader, other: Reader) -> None:
    """Assert that two readers hold the same names, rows and counts, to the bit."""
    assert list(one.columns.values()) == list(other.columns.values())
    assert (one.rows, one.slot_rows, one.keys) == (other.rows, other.slot_rows, other.keys)
    assert one.unusable == other.unusable
    assert one.core.digest() == other.core.digest()


def to_bits(pairs: list[Pairs]) -> list[list[tuple[int, str]]]:
    """Return pairs with their values to the bit, −0 apart from 0."""
    return [[(row, x.hex()) for row, x in sample] for sample in pairs]


__all__ = ["PARTS", "Pairs", "Reader", "same", "to_bits"]
