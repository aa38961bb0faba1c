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

Sources: Horvitz & Thompson 1952; Swaminathan & Joachims 2015 (SNIPS); Dudík, Langford & Li 2011 (DR); Karampatziakis, Langford &
Mineiro 2020 and Karampatziakis, Mineiro & Ramdas 2021 (intervals).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["doubly_robust", "explored", "ips", "plausible", "snips"]

Vector = NDArray[np.float64]
WIDTH = 1.96
"""Half-width of a 95 % interval, in standard errors."""
PLAUSIBLE, HOPELESS = 2.9957, 30.0
"""Best wealth that a plausible value has, and one at which no bet need be better."""
FARTHEST, BARRIER, HALVINGS = 1e6, 1e-3, 24
"""Weight that stands for any weight; what keeps bets from ruin; halvings towards the end of an interval."""
SHARE, MASS = 1 / 30, 0.5
"""A log explored if no row has more than this share of all, and if the weights have at least this mean, which should be 1."""


def explored(w: Vector, p: Vector) -> bool:
    """Return whether a log with probabilities ``p`` explored enough for the policy of the weights ``w``.

    Examples
    --------
    >>> explored(np.array([2.0, 0.0] * 100), np.full(200, 0.5)), explored(np.array([0.0] * 200), np.full(200, 0.99))
    (True, False)
    """
    return bool(len(w) and 1 / float(p.min()) <= SHARE * len(w) and float(w.mean()) >= MASS)


def plausible(w: Vector, r: Vector, low: float, high: float) -> tuple[float, float]:
    """Return the bounds of a 95 % interval of a policy's value, by empirical likelihood.

    Parameters
    ----------
    w, r
        As in ``ips``.
    low, high : float
        Lowest and highest reward that can be.

    Examples
    --------
    >>> w, r = np.array([2.0, 0.0] * 100), np.array([1.0, 1.0, 0.0, 1.0] * 50)
    >>> [round(end, 2) for end in plausible(w, r, 0.0, 1.0)]
    [0.36, 0.64]
    >>> plausible(np.zeros(200), r, 0.0, 1.0)
    (0.0, 1.0)
    """
    taken = w > 0
    counts = np.append(np.ones(int(taken.sum())), len(w) - taken.sum())
    unit = (np.append(r[taken], low) - low) / max(high - low, 1e-300)  # rewards from 0 to 1
    w = np.append(w[taken], 0.0)
    best = float(unit[:-1] @ w[:-1] / w.sum()) if taken.any() else 0.5
    if _wealth(w, unit, counts, best) > PLAUSIBLE:  # a weight so large that the log tells nothing: their mean is 1
        return low, high
    ends = [_end(w, unit, counts, best, out) for out in (0.0, 1.0)]
    return low + (high - low) * ends[0], low + (high - low) * ends[1]


def _end(w: Vector, r: Vector, counts: Vector, inside: float, outside: float) -> float:
    """Return the farthest plausible value between one that should be plausible and one at the end of all."""
    if _wealth(w, r, counts, outside) <= PLAUSIBLE:
        return outside
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if _wealth(w, r, counts, middle) <= PLAUSIBLE:
            inside = middle
        else:
            outside = middle
    return inside


def _wealth(w: Vector, r: Vector, counts: Vector, v: float) -> float:
    """Return what the best bet against the value v has won, by Newton's method."""
    all_w = np.concatenate([w, [0.0, FARTHEST, FARTHEST]])
    all_r = np.concatenate([r, [0.0, 0.0, 1.0]])
    outcomes = np.column_stack([all_w - 1, all_w * all_r - v])
    outcomes /= np.maximum(np.abs(outcomes).max(0), 1e-300)
    weights = np.append(counts, [BARRIER] * 3)
    bet, wealth, left = np.zeros(2), 0.0, np.ones(len(outcomes))
    for _ in range(60):
        slope = outcomes.T @ (weights / left)
        curve = (outcomes * (weights / left**2)[:, None]).T @ outcomes
        way = np.linalg.solve(curve + 1e-10 * np.trace(curve) * np.eye(2), slope)
        if slope @ way < 1e-9 or wealth > HOPELESS:
            break
        size = 1.0
        while size > 1e-9:
            moved = 1 + outcomes @ (bet + size * way)
            if moved.min() > 0 and weights @ np.log(moved) >= wealth + 0.1 * size * (slope @ way):
                break
            size /= 2
        else:
            break
        bet, left, wealth = bet + size * way, moved, float(weights @ np.log(moved))
    return wealth


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
