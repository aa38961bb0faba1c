"""Off-policy estimates of a policy's value, from the log of another policy.

A row of the log has a context x, the action a that was taken, its reward r and the probability p with which it was taken. The
policy π to evaluate would have taken that action with probability π(a|x). With w = π(a|x)/p:

    IPS      (1/n) Σ w r                           unbiased; high variance where p is small
    SNIPS    Σ w r / Σ w                           slightly biased, far lower variance
    DR       (1/n) Σ [Σ_b π(b|x) f_b(x) + w (r − f_a(x))]

DR (doubly robust) is unbiased for correct p, whatever the values f are, as long as f was not fitted on the row. The better f,
the lower its variance.

Standard errors know nothing of weights that might have come and didn't: from the log of a bandit that hardly explored, ±1.96 of them
hold the value in 36 % of cases. So intervals are those of empirical likelihood. A value v is plausible unless some bet on w and r
against it would have won. With E[w] = 1 and r between low and high, the wealth of a bet λ = (β, τ) is

    Σ ln(1 + β (w − 1) + τ (w r − v)),   which no possible w ≥ 0 and r may take below 0

and an interval has all v whose best bet has at most 2.996, half of the 95 % quantile of χ² with two degrees of freedom. Only where
the log explored, DR's interval is ±1.96 standard errors, which is narrower and holds there.

By how much π is better than the policy of the log is a difference on the same rows, which is known better than either mean: bets are
on (w − 1) r instead of w r, or DR's terms less r. Two policies that agree on most rows have w near 1 there, and little is in doubt.

Sources: Horvitz & Thompson 1952; Swaminathan & Joachims 2015 (SNIPS); Dudík, Langford & Li 2011 (DR); Karampatziakis, Langford &
Mineiro 2020 and Karampatziakis, Mineiro & Ramdas 2021 (intervals).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["doubly_robust", "enough", "explored", "ips", "plausible", "plausible_gain", "snips"]

Vector = NDArray[np.float64]
WIDTH = 1.96
"""Half-width of a 95 % interval, in standard errors."""
PLAUSIBLE, HOPELESS = 2.9957, 30.0
"""Best wealth that a plausible value has, and one at which no bet need be better."""
FARTHEST, BARRIER, STEPS, EXACT = 1e6, 1e-3, 40, 1e-6
"""Weight that stands for any weight; what keeps bets from ruin; most steps towards the end of an interval, and its precision."""
SHARE, MASS, ERRORS = 1 / 30, 0.5, 3.0
"""A log explored if no row has more than this share of all, and if the weights have at least this mean, which should be 1. It may
lack as many standard errors."""


def explored(w: Vector, p: Vector) -> bool:
    """Return whether a log with probabilities ``p`` explored enough for the policy of the weights ``w``.

    Examples
    --------
    >>> explored(np.array([2.0, 0.0] * 100), np.full(200, 0.5)), explored(np.array([0.0] * 200), np.full(200, 0.99))
    (True, False)
    """
    return bool(len(w)) and enough(len(w), float(p.min()), float(w.sum()), float(w @ w))


def enough(n: int, least: float, mass: float, squares: float) -> bool:
    """Return whether a log of n rows explored enough, from its smallest probability, Σ w and Σ w².

    Weights whose mean is far below 1 are those of a policy whose actions were not taken, which their own standard error does not tell.

    Examples
    --------
    >>> enough(200, 0.5, 200.0, 400.0), enough(200, 0.5, 130.0, 130.0)
    (True, False)
    """
    if not n or 1 / least > SHARE * n:
        return False
    mean = mass / n
    error = (max(squares / n - mean**2, 0.0) / n) ** 0.5
    return mean >= MASS and mean >= 1 - ERRORS * error - 1e-9


def plausible(w: Vector, r: Vector, low: float, high: float, counts: Vector | None = None) -> tuple[float, float]:
    """Return the bounds of a 95 % interval of a policy's value, by empirical likelihood.

    Parameters
    ----------
    w, r
        As in ``ips``.
    low, high : float
        Lowest and highest reward that can be.
    counts : ndarray (n,), optional
        How often each row is there, once without it.

    Examples
    --------
    >>> w, r = np.array([2.0, 0.0] * 100), np.array([1.0, 1.0, 0.0, 1.0] * 50)
    >>> [round(end, 2) for end in plausible(w, r, 0.0, 1.0)]
    [0.36, 0.64]
    >>> plausible(np.zeros(200), r, 0.0, 1.0)
    (0.0, 1.0)
    """
    counts = np.ones(len(w)) if counts is None else counts
    taken, width = w > 0, max(high - low, 1e-300)
    counts = np.append(counts[taken], counts[~taken].sum())
    unit = (np.append(r[taken], low) - low) / width  # rewards from 0 to 1
    w = np.append(w[taken], 0.0)
    mass = float(counts @ w)
    best = float(counts @ (w * unit)) / mass if mass > 0 else 0.5
    bets = _bets(w, w * unit, counts, [(0.0, 0.0), (FARTHEST, 0.0), (FARTHEST, FARTHEST)])
    ends = _plausible(*bets, best, 0.0, 1.0)
    return low + width * ends[0], low + width * ends[1]


def plausible_gain(w: Vector, r: Vector, low: float, high: float, counts: Vector | None = None) -> tuple[float, float]:
    """Return the bounds of a 95 % interval of a policy's value less that of the policy that wrote the log.

    Parameters
    ----------
    w, r, low, high, counts
        As in ``plausible``.

    Examples
    --------
    >>> w, r = np.array([2.0, 0.0] * 100), np.array([1.0, 0.0, 1.0, 1.0] * 50)
    >>> [round(end, 2) for end in plausible_gain(w, r, 0.0, 1.0)]
    [0.1, 0.33]
    >>> plausible_gain(np.ones(200), r, 0.0, 1.0) < (0.02, 0.02)
    True
    """
    counts = np.ones(len(w)) if counts is None else counts
    width = max(high - low, 1e-300)
    unit = (r - low) / width
    far = FARTHEST - 1
    bets = _bets(w, (w - 1) * unit, counts, [(0.0, 0.0), (0.0, -1.0), (FARTHEST, 0.0), (FARTHEST, far)])
    ends = _plausible(*bets, _center(*bets), -1.0, 1.0)
    return width * ends[0], width * ends[1]


def _bets(w: Vector, d: Vector, counts: Vector, barred: list[tuple[float, float]]) -> tuple[Vector, Vector, Vector]:
    """Return what bets are on, w − 1 and d, with the outcomes that might have come and may not ruin them."""
    far = np.array(barred)
    return np.append(w, far[:, 0]) - 1, np.append(d, far[:, 1]), np.append(counts, [BARRIER] * len(far))


def _center(c: Vector, d: Vector, counts: Vector) -> float:
    """Return the value of d against which no bet is better than one on w alone."""
    low, high = -1 / float(c.max()), 1 / -float(c.min())
    for _ in range(100):
        bet = (low + high) / 2
        low, high = (bet, high) if counts @ (c / (1 + bet * c)) > 0 else (low, bet)
    shares = counts / (1 + low * c)
    return float(shares @ d / shares.sum())


def _plausible(c: Vector, d: Vector, counts: Vector, best: float, low: float, high: float) -> tuple[float, float]:
    """Return the bounds of all plausible values between two that hold every value."""
    if _wealth(c, d, counts, best)[0] > PLAUSIBLE:  # a weight so large that the log tells nothing: their mean is 1
        return low, high
    return _end(c, d, counts, best, low), _end(c, d, counts, best, high)


def _end(c: Vector, d: Vector, counts: Vector, inside: float, outside: float) -> float:
    """Return the farthest plausible value between a plausible one and the end of all, by false position (Illinois).

    The root of the wealth is nearly linear in the value, so a few steps do.
    """
    bet = np.zeros(2)

    def off(v: float) -> float:
        nonlocal bet
        wealth, bet = _wealth(c, d, counts, v, bet)
        return float(max(wealth, 0.0) ** 0.5 - PLAUSIBLE**0.5)

    near, far, side = off(inside), off(outside), 0
    if far <= 0:
        return outside
    for _ in range(STEPS):
        v = (inside * far - outside * near) / (far - near)
        said = off(v)
        if abs(said) < EXACT:
            return v
        if said < 0:
            far, inside, near, side = far / 2 if side < 0 else far, v, said, -1
        else:
            near, outside, far, side = near / 2 if side > 0 else near, v, said, 1
    return inside


def _wealth(c: Vector, d: Vector, counts: Vector, v: float, start: Vector | None = None) -> tuple[float, Vector]:
    """Return what the best bet on c and d against the value v has won, and the bet, by Newton's method."""
    outcomes = np.column_stack([c, d - v])
    scale = np.maximum(np.abs(outcomes).max(0), 1e-300)
    outcomes /= scale
    bet, wealth, left = np.zeros(2), 0.0, np.ones(len(outcomes))
    if start is not None and (moved := 1 + outcomes @ (start * scale)).min() > 0:
        won = float(counts @ np.log(moved))
        if 0 < won <= HOPELESS:
            bet, wealth, left = start * scale, won, moved
    for _ in range(60):
        slope = outcomes.T @ (counts / left)
        curve = (outcomes * (counts / left**2)[:, None]).T @ outcomes
        way = np.linalg.solve(curve + 1e-10 * np.trace(curve) * np.eye(2), slope)
        if slope @ way < 1e-9 or wealth > HOPELESS:
            break
        size = 1.0
        while size > 1e-9:
            moved = 1 + outcomes @ (bet + size * way)
            if moved.min() > 0 and counts @ np.log(moved) >= wealth + 0.1 * size * (slope @ way):
                break
            size /= 2
        else:
            break
        bet, left, wealth = bet + size * way, moved, float(counts @ np.log(moved))
    return wealth, bet / scale


def _mean(terms: Vector) -> tuple[float, float, float]:
    n = len(terms)
    value = float(terms.mean()) if n else float("nan")
    error = WIDTH * float(terms.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
    return value, value - error, value + error


def ips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the inverse propensity estimate and the bounds of its interval.

    Parameters
    ----------
    w : ndarray (n,)
        Importance π(a|x)/p of each row.
    r : ndarray (n,)
        Rewards.

    Examples
    --------
    >>> ips(np.array([2.0, 0.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))[0]
    0.5
    """
    return _mean(w * r)


def snips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the self-normalized estimate and the bounds of its interval, NaN if all weights are 0.

    Examples
    --------
    >>> snips(np.array([4.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0]))[0]
    0.8
    """
    mass = float(w.sum())
    if not mass > 0:
        return float("nan"), float("-inf"), float("inf")
    value = float(w @ r) / mass
    error = WIDTH * float(np.sqrt(((w * (r - value)) ** 2).sum())) / mass
    return value, value - error, value + error


def doubly_robust(w: Vector, r: Vector, expected: Vector, of_taken: Vector) -> tuple[float, float, float]:
    """Return the doubly robust estimate and the bounds of its interval.

    Parameters
    ----------
    w, r
        As in ``ips``.
    expected : ndarray (n,)
        Σ_b π(b|x) f_b(x).
    of_taken : ndarray (n,)
        f_a(x) of the action taken.

    Examples
    --------
    >>> doubly_robust(np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))[0]
    1.0
    """
    return _mean(expected + w * (r - of_taken))
