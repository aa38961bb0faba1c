"""Inputs as they stream: from the values of a sample to pairs (row, value) that the first layer reads.

The first layer is a table with a row for each input: z = Σ value · W[row] over the pairs of a sample. A number scales its
row, a category picks its row, what is missing has no pair, and the bias is the pair (row 0, 1). An input that appears late
is an appended row; nothing changes for samples without it.

A number is standardised by its column's running mean and deviation. What follows is one idea after the other: standardising
and its bounds, the presence offset, the spline basis and the sample of the past that places its knots, and at the end all
of them together, in the order in which a number passes them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .random import Draws

Pair: TypeAlias = tuple[int, float]

# ---- standardising --------------------------------------------------------------------------------------------------

CLIP = 5.0
"""A standardised input lies within ±5: what lies farther carries little more than its sign."""
ANSWER_CLIP = 10.0
"""A standardised answer lies within ±10: an absurd answer counts as a very large one."""
FORGET = 1e-3
"""Statistics never forget slower than one part in a thousand a row, so they follow drift."""
BOUND = 10.0
"""A value farther than this many deviations moves the statistics as if it lay there: one error can't spoil a column."""
OUTLIER = 1000.0
"""A value farther than this many deviations is an outlier: it is taken for an error, and the mean stands for it."""
ERROR_BOUND = 5.0
"""An outlier moves the statistics as if it lay there. At ten deviations a variance grows by a tenth; one outlier in a hundred
values is then as much as the variance forgets, and it grows without end."""
SETTLED = 10
"""Rows before these bounds apply; before that the deviation is not known."""
NOTHING = 1e-300
"""A value, or a variance, nearer to 0 than this counts as 0."""
ROUNDING = 1e-20
"""A variance below this share of mean² is rounding: the column never moved."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Running statistics of a column, or of the answers.

    Parameters
    ----------
    mean, variance : float
        Of its values, the last ones weighing most.
    count : int
        How many values there were.
    """

    mean: float = 0.0
    variance: float = 0.0
    count: int = 0


def lies_beyond(x: float, before: Statistics, deviations: float) -> bool:
    """Say whether x is more than so many deviations off the mean, as far as these can be known.

    Examples
    --------
    >>> known = Statistics(mean=0.0, variance=1.0, count=100)
    >>> lies_beyond(11.0, known, BOUND), lies_beyond(11.0, known, OUTLIER)
    (True, False)
    """
    settled = before.count + 1 > SETTLED and before.variance > 0
    return settled and (x - before.mean) ** 2 > deviations**2 * before.variance


def standardise(x: float, before: Statistics, clip: float = CLIP) -> tuple[float, Statistics]:
    """Return x in units of its running deviation, and the statistics that include it.

    a = max(1/t, 0.001); d = x − mean; mean ← mean + a·d; var ← (1 − a)·(var + a·d²); z = (x − mean)/√var, within ±clip.
    d is bounded by ten deviations, that of an outlier by five. z is measured by the statistics that include x: x is known
    before its answer is.

    Parameters
    ----------
    x : float
        The value.
    before : Statistics
        The column's so far. They are not changed; whoever learns keeps the new ones.
    clip : float
        The largest |z|.

    Examples
    --------
    >>> z, known = standardise(4.0, Statistics(mean=2.0, variance=0.0, count=1))
    >>> z, known
    (1.0, Statistics(mean=3.0, variance=1.0, count=2))
    """
    t = before.count + 1
    a = max(1 / t, FORGET)
    d = x - before.mean
    if lies_beyond(x, before, BOUND):
        bound = ERROR_BOUND if lies_beyond(x, before, OUTLIER) else BOUND
        d = math.copysign(bound * math.sqrt(before.variance), d)
    mean = before.mean + a * d
    variance = (1 - a) * (before.variance + a * d * d)
    after = Statistics(mean, variance, t)
    if variance <= max(ROUNDING * mean * mean, NOTHING):  # a column that never moved, or only by rounding, says nothing
        return 0.0, after
    z = (x - mean) / math.sqrt(variance)
    return min(max(z, -clip), clip), after


# ---- the presence offset --------------------------------------------------------------------------------------------


def presence_offset(count: int, rows: int) -> float:
    """Return 1 − s, where s is the share of so many rows that had the column.

    It is added to a standardised number other than 0. So a word that is always 1 where it stands can be learned from,
    though its standardised value is 0; and a column without gaps is read as if there were no offset.

    Examples
    --------
    >>> presence_offset(count=10, rows=1000), presence_offset(count=1000, rows=1000)
    (0.99, 0.0)
    """
    return 1 - min(count / rows, 1.0)


# ---- the spline basis -----------------------------------------------------------------------------------------------

SHORTEST = 3
"""Fewer knots have no basis: one or two values are as well served by the number itself."""


def spline_basis(x: float, knots: Sequence[float]) -> list[Pair]:
    """Return the linear B-splines under which x lies, as (number of the knot, height).

    The spline of a knot is 1 there and falls to 0 at the neighbouring knots, so a linear layer above the basis is a curve
    through the knots. Beyond the outer knots the outer spline stands alone. Fewer than three knots have no basis: one or
    two values are as well served by the number itself.

    References
    ----------
    de Boor 1978.

    Examples
    --------
    >>> spline_basis(2.5, [0.0, 2.0, 4.0])
    [(1, 0.75), (2, 0.25)]
    >>> spline_basis(9.0, [0.0, 2.0, 4.0])
    [(2, 1.0)]
    """
    if len(knots) < SHORTEST:
        return []
    k = 0
    while k < len(knots) - 2 and x >= knots[k + 1]:
        k += 1
    u = min(max((x - knots[k]) / (knots[k + 1] - knots[k]), 0.0), 1.0)
    return [(knot, height) for knot, height in ((k, 1 - u), (k + 1, u)) if height > 0]


def knots_of(ranked: Sequence[float], count: int) -> list[float]:
    """Return so many quantiles of ranked values, equal ones once: each spline then covers as much of the data.

    Examples
    --------
    >>> knots_of([1.0, 1.0, 1.0, 2.0, 3.0, 9.0], 3)
    [1.0, 9.0]
    >>> knots_of([1.0, 2.0, 3.0, 4.0, 5.0], 3)
    [1.0, 3.0, 5.0]
    """
    places = [k * (len(ranked) - 1) // (count - 1) for k in range(count)]
    return sorted({ranked[place] for place in places})


def refit(curve: Sequence[float], knots: Sequence[float], new: Sequence[float]) -> list[float]:
    """Return the heights at new knots of a curve through old ones: when knots move, what was learned stays where it was.

    Beyond the outer knots the curve is level. The core does this to each column of a basis's rows, and to the rule's
    numbers for them; a row that no sample has had yet says nothing there, and its neighbour stands for it.

    Examples
    --------
    >>> refit([0.0, 1.0, 0.0], [0.0, 2.0, 4.0], [1.0, 2.0, 3.5, 9.0])
    [0.5, 1.0, 0.25, 0.0]
    """
    return [sum(curve[knot] * height for knot, height in spline_basis(x, knots)) for x in new]


ROUNDED = 1e-5
"""A height below this is what rounding has left of 0."""


def read_again(places: Sequence[Pair], knots: Sequence[float], new: Sequence[float]) -> list[Pair]:
    """Return where a kept number lies under splines through other knots.

    Samples that are learned again after some rows (replay) are kept as pairs, so a number is kept as its places under the
    splines, (number of the knot, height). When the knots move it is read again. Linear splines give the number itself back:
    x = Σ height·knot, as long as it lay within the outer knots.

    Examples
    --------
    >>> read_again([(1, 0.75), (2, 0.25)], knots=[0.0, 2.0, 4.0], new=[1.0, 2.0, 3.0])
    [(1, 0.5), (2, 0.5)]
    """
    x = sum(height * knots[knot] for knot, height in places)
    found = spline_basis(x, new)
    if any(height < ROUNDED for _, height in found):
        return [(knot, 1.0) for knot, height in found if height > 0.5]
    return found


PAST = 256
"""Values of a column's past that are kept to place the knots."""
FIRST_KNOTS = 16
"""Values before there are knots; they move again at 32, 64, 128, …"""


class Reservoir:
    """A fair sample of all values so far, in bounded memory, and the knots that follow from it.

    Parameters
    ----------
    knots : int
        How many knots there are to be.
    draws : Draws
        Where the random numbers come from.

    References
    ----------
    Vitter 1985, algorithm R.

    Examples
    --------
    >>> reservoir = Reservoir(3, Draws(key=7))
    >>> for i in range(10_000):
    ...     reservoir.add(float(i))
    >>> len(reservoir.values), [round(knot, -3) for knot in reservoir.knots]
    (256, [0.0, 4000.0, 8000.0])
    """

    def __init__(self, knots: int, draws: Draws) -> None:
        self.count = knots
        self.draws = draws
        self.seen = 0
        self.values: list[float] = []
        self.knots: list[float] = []

    def add(self, x: float) -> None:
        """Let x take the place of an old value with probability 256/t; at 16, 32, 64, … values the knots move."""
        self.seen += 1
        t = self.seen
        if t <= PAST:
            self.values.append(x)
        else:
            place = int(self.draws.uniform(1)[0] * t)
            if place < PAST:
                self.values[place] = x
        power_of_two = t & (t - 1) == 0
        if t >= FIRST_KNOTS and power_of_two:
            self.values.sort()  # a sample remains one in any order
            self.knots = knots_of(self.values, self.count)


# ---- all of it, in the order in which a number passes ---------------------------------------------------------------


class NumericInput:
    """A numeric column: its row, its statistics, and the rows of its spline basis.

    Parameters
    ----------
    row : int
        The row that its value scales.
    standard : bool
        Whether it is standardised.
    basis_row : int
        The first row of its spline basis.
    reservoir : Reservoir, optional
        What places the knots; without it there is no basis.

    Examples
    --------
    >>> size = NumericInput(row=1)
    >>> [size.pairs(x, learn=True) for x in (2.0, 4.0)]
    [[(1, 0.0)], [(1, 1.0)]]
    """

    def __init__(
        self, row: int, *, standard: bool = True, basis_row: int = 0, reservoir: Reservoir | None = None
    ) -> None:
        self.row = row
        self.standard = standard
        self.basis_row = basis_row
        self.reservoir = reservoir
        self.statistics = Statistics()

    def pairs(self, x: float, *, learn: bool, rows: int = 0) -> list[Pair]:
        """Return the pairs of a number: its own row, and those of the splines under which it lies.

        Parameters
        ----------
        x : float
            The value, finite.
        learn : bool
            Whether statistics and knots move. Without it nothing changes.
        rows : int
            How many rows there were with this one; 0 for no presence offset.
        """
        before = self.statistics
        after = Statistics(before.mean, before.variance, before.count + 1)
        z = x
        if self.standard:
            z, after = standardise(x, before)
            offset = presence_offset(after.count, rows) if rows and abs(x) > NOTHING else 0.0
            if lies_beyond(x, before, OUTLIER):
                z, x = 0.0, before.mean
            z += offset
        found = [(self.row, z)]
        if self.reservoir is not None:
            found += [(self.basis_row + knot, height) for knot, height in spline_basis(x, self.reservoir.knots)]
        if learn:
            self.statistics = after
            if self.reservoir is not None:
                self.reservoir.add(x)
        return found


HUGE = 1e30
"""Larger numbers are read as this one, so that no square of it overflows."""


def read_sample(
    entries: Sequence[tuple[NumericInput | int, float]],
    *,
    learn: bool,
    rows: int = 0,
    rejected: Counter[str] | None = None,
) -> list[Pair]:
    """Return the pairs of a sample, the bias first.

    Parameters
    ----------
    entries : sequence of (NumericInput or int, float)
        The values that are there: of a numeric column, or of the row of a category (whose value is 1). NaN is missing,
        and so is ±∞; what is beyond ±10³⁰ is read as ±10³⁰.
    learn : bool
        Whether statistics and knots move.
    rows : int
        How many rows there were with this one; 0 for no presence offset.
    rejected : Counter, optional
        Where "infinite", "huge" and "far" values (ten deviations off) are counted while learning.

    Examples
    --------
    >>> size, red = NumericInput(row=1), 2
    >>> read_sample([(size, 3.0), (red, 1.0)], learn=True)
    [(0, 1.0), (1, 0.0), (2, 1.0)]
    >>> read_sample([(size, math.nan)], learn=True)
    [(0, 1.0)]
    """
    pairs: list[Pair] = [(0, 1.0)]
    counts: Counter[str] = Counter()
    for column, x in entries:
        if math.isnan(x):
            continue
        counts["infinite"] += int(math.isinf(x))
        if math.isinf(x):
            continue
        counts["huge"] += int(abs(x) > HUGE)
        x = min(max(x, -HUGE), HUGE)
        if isinstance(column, NumericInput):
            counts["far"] += int(column.standard and lies_beyond(x, column.statistics, BOUND))
            pairs += column.pairs(x, learn=learn, rows=rows)
        else:
            pairs.append((column, x))
    if learn and rejected is not None:
        rejected += counts
    return pairs


def unseen_last(pairs: Sequence[Pair], touched: Sequence[int]) -> tuple[list[Pair], int]:
    """Return the pairs with those of rows that were never learned at the end, and how many take part in predicting.

    A name counts from its second sight: the row in which it is new was predicted before it was known, and learning uses
    the same forward pass. Its row takes its first step from that sample all the same.

    Parameters
    ----------
    pairs : sequence of pairs
        Those of a sample.
    touched : sequence of int
        How often each row of the table was learned.

    Examples
    --------
    >>> unseen_last([(0, 1.0), (2, 1.0), (1, 0.5)], touched=[9, 9, 0])
    ([(0, 1.0), (1, 0.5), (2, 1.0)], 2)
    """
    seen = [pair for pair in pairs if touched[pair[0]]]
    unseen = [pair for pair in pairs if not touched[pair[0]]]
    return seen + unseen, len(seen)
