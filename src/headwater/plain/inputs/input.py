"""Encode the values of a sample as pairs (row, value) for the first layer.

The first layer is an embedding table with a row per input: z = Σ value · W[row] over the pairs of a sample. A number scales
its row, a category selects its row, a missing value has no pair, and the bias is the pair (row 0, 1). An input that appears
late is an appended row, which changes nothing for samples without it.

A number is standardized by its column's running mean and deviation. The file takes one idea after the other: standardization
and its bounds, the presence offset, the spline basis and the reservoir that places its knots, and finally all of them
together, in the order in which they apply to a number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from headwater.plain.network.random import Draws

Pair: TypeAlias = tuple[int, float]

# ---- standardising --------------------------------------------------------------------------------------------------

CLIP = 5.0
"""Standardized inputs are clipped to ±5."""
ANSWER_CLIP = 10.0
"""Standardized labels are clipped to ±10."""
FORGET = 1e-3
"""Minimum decay rate per row, so that statistics follow drift."""
BOUND = 10.0
"""Values are clipped to this many deviations when they update the statistics, so one error can't spoil a column."""
OUTLIER = 1000.0
"""A value farther than this many deviations is treated as an outlier and replaced by the mean."""
ERROR_BOUND = 5.0
"""An outlier updates the statistics as if it were this many deviations off. With ten, it would raise the variance by a tenth,
and one outlier in a hundred values would outweigh the decay and let the variance grow without bound."""
LEAP = 2 * 365.25 * 86400
"""Seconds by which a date has to lie off the mean as well, to be counted as an outlier."""
SETTLED = 10
"""Rows before these bounds apply, since the deviation is not known earlier."""
NOTHING = 1e-300
"""Values and variances smaller than this count as 0."""
ROUNDING = 1e-20
"""A variance below this share of mean² is a rounding error of a constant column."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Running statistics of a column or of the labels.

    Parameters
    ----------
    mean, variance : float
        Moments of the values, with exponential weights.
    count : int
        Number of values.
    """

    mean: float = 0.0
    variance: float = 0.0
    count: int = 0


def lies_beyond(x: float, before: Statistics, deviations: float) -> bool:
    """Return whether x is more than ``deviations`` standard deviations off the mean, once these are known.

    Examples
    --------
    >>> known = Statistics(mean=0.0, variance=1.0, count=100)
    >>> lies_beyond(11.0, known, BOUND), lies_beyond(11.0, known, OUTLIER)
    (True, False)
    """
    settled = before.count + 1 > SETTLED and before.variance > 0
    return settled and (x - before.mean) ** 2 > deviations**2 * before.variance


def standardise(
    x: float, before: Statistics, clip: float = CLIP, forget: float = FORGET, bound: float = BOUND
) -> tuple[float, Statistics]:
    """Return x standardized by statistics that include it, and these statistics.

    a = max(1/t, forget); d = x − mean; mean ← mean + a·d; var ← (1 − a)·(var + a·d²); z = (x − mean)/√var, within ±clip.
    d is bounded by ``bound`` deviations, that of an outlier by at most five. z is measured by the statistics that include x: x
    is known before its answer is.

    Parameters
    ----------
    x : float
        The value.
    before : Statistics
        The column's statistics so far. They are not changed.
    clip : float
        Bound on |z|.
    forget : float
        Minimum decay rate per row.
    bound : float
        Deviations to which d is clipped.

    Examples
    --------
    >>> z, known = standardise(4.0, Statistics(mean=2.0, variance=0.0, count=1))
    >>> z, known
    (1.0, Statistics(mean=3.0, variance=1.0, count=2))
    """
    t = before.count + 1
    a = max(1 / t, forget)
    d = x - before.mean
    if lies_beyond(x, before, bound):
        bound = min(bound, ERROR_BOUND) if lies_beyond(x, before, OUTLIER) else bound
        d = math.copysign(bound * math.sqrt(before.variance), d)
    mean = before.mean + a * d
    variance = (1 - a) * (before.variance + a * d * d)
    after = Statistics(mean, variance, t)
    if variance <= max(ROUNDING * mean * mean, NOTHING):  # constant up to rounding, so uninformative
        return 0.0, after
    z = (x - mean) / math.sqrt(variance)
    return min(max(z, -clip), clip), after


# ---- the presence offset --------------------------------------------------------------------------------------------


def presence_offset(count: int, rows: int) -> float:
    """Return 1 − s, where s is the share of rows that have the column.

    The offset is added to a standardized number other than 0. A word count that is always 1 where present standardizes to 0,
    and could not be learned without it. In a column without gaps the offset is 0.

    Examples
    --------
    >>> presence_offset(count=10, rows=1000), presence_offset(count=1000, rows=1000)
    (0.99, 0.0)
    """
    return 1 - min(count / rows, 1.0)


# ---- the spline basis -----------------------------------------------------------------------------------------------

SHORTEST = 3
"""Minimum number of knots. One or two values are represented as well by the number itself."""


def spline_basis(x: float, knots: Sequence[float]) -> list[Pair]:
    """Return the nonzero linear B-splines at x, as (index of the knot, value).

    The spline of a knot is 1 there and falls to 0 at the neighbouring knots, so a linear layer on the basis is a piecewise
    linear curve. Beyond the outer knots the outer spline is 1. With fewer than three knots there is no basis, since the
    number itself represents one or two values as well.

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
    """Return ``count`` quantiles of ranked values, without duplicates, so that each spline covers as much data.

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
    """Return the values at new knots of the curve through old knots, so that moving knots keeps what was learned.

    Beyond the outer knots the curve is constant. The core does this to each column of a basis's rows and to the optimizer's
    state for them. A row that was never updated takes its neighbour's value.

    Examples
    --------
    >>> refit([0.0, 1.0, 0.0], [0.0, 2.0, 4.0], [1.0, 2.0, 3.5, 9.0])
    [0.5, 1.0, 0.25, 0.0]
    """
    return [sum(curve[knot] * height for knot, height in spline_basis(x, knots)) for x in new]


ROUNDED = 1e-5
"""A smaller basis value is a rounding error of 0."""


def read_again(places: Sequence[Pair], knots: Sequence[float], new: Sequence[float]) -> list[Pair]:
    """Convert a stored spline representation of a number to new knots.

    The replay buffer stores samples as pairs, and so a number as its basis values (index of the knot, value). When the knots
    move, they are converted. Linear splines reproduce the number, x = Σ value·knot, if it lies within the outer knots.

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
"""Size of the reservoir that places the knots."""
FIRST_KNOTS = 16
"""Values before knots are placed. They are placed again at 32, 64, 128, …"""


class Reservoir:
    """Uniform sample of all values so far in bounded memory, which places the knots.

    Parameters
    ----------
    knots : int
        Number of knots.
    draws : Draws
        Source of random numbers.

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
        """Replace a random value by x with probability 256/t, and place the knots again at 16, 32, 64, … values."""
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
            self.values.sort()  # the order of a reservoir is irrelevant
            self.knots = knots_of(self.values, self.count)


# ---- all of it, in the order in which it applies to a number --------------------------------------------------------


class NumericInput:
    """Numeric column with its row, its statistics and its spline basis.

    Parameters
    ----------
    row : int
        The embedding row that the value scales.
    standard : bool
        Whether to standardize it.
    basis_row : int
        First row of the spline basis.
    reservoir : Reservoir, optional
        Places the knots; without it there is no basis.
    part : int, optional
        Which of the seven numbers of a date it is, 0 for the seconds.

    Examples
    --------
    >>> size = NumericInput(row=1)
    >>> [size.pairs(x, learn=True) for x in (2.0, 4.0)]
    [[(1, 0.0)], [(1, 1.0)]]
    """

    def __init__(
        self,
        row: int,
        *,
        standard: bool = True,
        basis_row: int = 0,
        reservoir: Reservoir | None = None,
        part: int | None = None,
    ) -> None:
        self.row = row
        self.standard = standard
        self.basis_row = basis_row
        self.reservoir = reservoir
        self.part = part
        self.statistics = Statistics()

    def is_far(self, x: float) -> bool:
        """Return whether a value is counted as an outlier: many deviations off, and no date that goes on as dates do.

        Where rows of a day, a month or a year come together, the next one lies many deviations off. A date is an outlier beyond two
        years from the mean; hours, weekdays and days of the year on their circles never are.
        """
        next_date = self.part is not None and (self.part > 0 or abs(x - self.statistics.mean) <= LEAP)
        return self.standard and lies_beyond(x, self.statistics, BOUND) and not next_date

    def pairs(self, x: float, *, learn: bool, rows: int = 0) -> list[Pair]:
        """Return the pairs of a number, which are its own row and its splines.

        Parameters
        ----------
        x : float
            The value, which is finite.
        learn : bool
            Whether to update statistics and knots.
        rows : int
            Number of rows including this one; 0 for no presence offset.
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
"""Numbers are clipped to ±HUGE, so that no square overflows."""


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
        The values present, each with its numeric column or the row of its category (with value 1). NaN and ±∞ are
        missing. Values are clipped to ±10³⁰.
    learn : bool
        Whether to update statistics and knots.
    rows : int
        Number of rows including this one; 0 for no presence offset.
    rejected : Counter, optional
        Counts "infinite", "huge" and "far" values (ten deviations off) while learning.

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
            counts["far"] += int(column.is_far(x))
            pairs += column.pairs(x, learn=learn, rows=rows)
        else:
            pairs.append((column, x))
    if learn and rejected is not None:
        rejected += counts
    return pairs


def unseen_last(pairs: Sequence[Pair], touched: Sequence[int]) -> tuple[list[Pair], int]:
    """Order pairs so that rows never learned come last, and return how many pairs predict.

    A name takes part from its second occurrence. The row in which it is new was predicted before the name was known, and
    learning uses the same forward pass. The name's embedding row still takes its first step from that sample.

    Parameters
    ----------
    pairs : sequence of pairs
        Pairs of a sample.
    touched : sequence of int
        Number of updates of each embedding row.

    Examples
    --------
    >>> unseen_last([(0, 1.0), (2, 1.0), (1, 0.5)], touched=[9, 9, 0])
    ([(0, 1.0), (1, 0.5), (2, 1.0)], 2)
    """
    seen = [pair for pair in pairs if touched[pair[0]]]
    unseen = [pair for pair in pairs if not touched[pair[0]]]
    return seen + unseen, len(seen)
