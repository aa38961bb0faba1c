"""Audit a promise of privacy, and refute it if it isn't kept.

Rows that nobody would send (canaries) are learned or not by chance, and whoever sees every released state guesses which. A promise
bounds how often such guesses can be right. The attacker knows how the noise is correlated and undoes it before he looks::

    s_i = Σ_k c_k · (C ĝ)_{t+k} / ‖c‖,  ĝ_t = (W_{t−1} − W_t) / step
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

from .accountant import coefficients, epsilon_of, noise_multiplier
from .settings import Privacy

__all__ = ["Audit", "audit"]

_NORMAL = NormalDist()
_LEVEL = 0.05
"""Probability that a promise that is kept is refuted."""
_GUESSED = 0.15
"""Share of canaries that are guessed, half as learned and half as not."""
_AFTER = 100
"""Steps after the last canary, in which the noise tells more of it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    claim : float
        The ε that is promised.
    bound : float
        The learner's ε is at least this, but for a probability of 5 %.
    refuted : bool
        Whether that is more than promised.
    guesses, right : int
        How many guesses there were and how many were right. Of two worlds the runs and those that were told apart.
    method : str
        "one_run" or "two_worlds".
    """

    claim: float
    bound: float
    refuted: bool
    guesses: int
    right: int
    method: str

    def __str__(self) -> str:
        said = "REFUTED" if self.refuted else "not refuted"
        return f"ε = {self.claim:g} is {said}: at least {self.bound:.2f} ({self.right:,} of {self.guesses:,} guesses right)"


def audit(
    make: Callable[[], Any],
    claim: Privacy | None = None,
    *,
    method: str = "one_run",
    canaries: int = 1000,
    runs: int = 1000,
    seed: int = 0,
) -> Audit:
    """Attack a private classifier by all its released states, and compare what is found with its promise.

    Parameters
    ----------
    make : callable
        Returns a fresh private classifier of two declared classes, with ``intercept=False`` and at least twice as many buckets as
        canaries.
    claim : Privacy, optional
        The promise to test, by default the learner's own.
    method : str
        "one_run" guesses many canaries of one run, "two_worlds" a single canary in many runs, which is slower and tighter.
    canaries, runs : int
        Canaries of one run; runs in each of two worlds.
    seed : int
        Seed of which canaries are learned.

    Returns
    -------
    Audit

    Raises
    ------
    ConfigError
        If the learner is none that can be audited.

    Examples
    --------
    >>> from headwater import Classifier, Privacy
    >>> promise = Privacy(epsilon=3, classes=("a", "b"), intercept=False, buckets=512, rows_per_step=4)
    >>> audit(lambda: Classifier(privacy=promise), canaries=200).refuted
    False

    References
    ----------
    Steinke, Nasr & Jagielski 2023 (one run); Mahloujifar, Melis & Chaudhuri 2024 (f-DP in one run); Nasr et al. 2023 (μ).
    """
    first = make()
    _check(first, method)
    claim = claim or first.privacy
    rng = np.random.default_rng(seed)
    if method == "one_run":
        learned = rng.random(canaries) < 0.5
        return _one_run(claim, learned, _scores(first, learned))
    with_it, without = (
        np.array([_scores(make(), np.array([learned]))[0] for _ in range(runs)]) for learned in (True, False)
    )
    return _two_worlds(claim, with_it, without)


def _check(model: Any, method: str) -> None:
    privacy = getattr(model, "privacy", None)
    if not isinstance(privacy, Privacy) or privacy.intercept or len(privacy.classes or ()) != 2:
        raise ConfigError(
            expected="a private classifier of two declared classes without intercept",
            got=repr(model)[:120],
            at="audit",
            help="Make it with Classifier(privacy=Privacy(classes=('a', 'b'), intercept=False, ...)).",
        )
    if method not in ("one_run", "two_worlds"):
        raise ConfigError(
            expected="'one_run' or 'two_worlds'", got=repr(method), at="method of audit", help="Choose one."
        )


def _canaries(model: Any, count: int) -> tuple[list[dict[str, str]], list[int]]:
    """Return rows that have a feature each that no other has."""
    privacy = model.privacy
    if privacy.buckets < 2 * count:
        raise ConfigError(
            expected=f"at least {2 * count:,} buckets for {count:,} canaries",
            got=str(privacy.buckets),
            at="audit",
            help="Make the learner with Privacy(buckets=...), or take fewer canaries.",
        )
    rows, features, i = list[dict[str, str]](), dict[int, None](), 0
    while len(rows) < count:
        row = {"canary": str(i)}
        ((feature, _),) = model.engine.entries.of(row)
        if feature not in features:
            features[feature] = None
            rows.append(row)
        i += 1
    return rows, list(features)


def _scores(model: Any, learned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much each canary looks as if it was learned."""
    privacy, count = model.privacy, len(learned)
    rows, features = _canaries(model, count)
    a_step, label = model.engine.rows_a_step, privacy.classes[1]
    steps = math.ceil(count / a_step) + _AFTER
    states = [model.engine.weights[features, 0].copy()]
    for t in range(steps):
        part = range(t * a_step, (t + 1) * a_step)
        for i in part:
            model.learn_one(rows[i] if i < count else {}, label, float(i < count and learned[i]))
        states.append(model.engine.weights[features, 0].copy())
    moves = np.diff(np.array(states), axis=0) / model.engine.rate  # (steps, canaries): minus the noisy gradient
    c = np.array(coefficients(steps))
    found = np.empty(count)
    for i in range(count):
        whitened = np.convolve(c, moves[:, i])[:steps]
        begin = i // a_step
        found[i] = whitened[begin:] @ c[: steps - begin]
    return found


def _one_run(claim: Privacy, learned: NDArray[np.bool_], scores: NDArray[np.float64]) -> Audit:
    """Guess that the highest scores were learned and the lowest were not."""
    half = max(1, int(_GUESSED * len(scores) / 2))
    order = np.argsort(scores)
    right = int(learned[order[-half:]].sum() + (~learned[order[:half]]).sum())
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        sigma = noise_multiplier(max(middle, 1e-6), claim.delta)
        low, high = (middle, high) if _refuted(len(scores), 2 * half, right, sigma) else (low, middle)
    sigma = noise_multiplier(claim.epsilon, claim.delta)
    return Audit(claim.epsilon, low, _refuted(len(scores), 2 * half, right, sigma), 2 * half, right, "one_run")


def _refuted(canaries: int, guesses: int, right: int, sigma: float) -> bool:
    """Say whether so many right guesses are too unlikely under Gaussian noise σ (Mahloujifar, Melis & Chaudhuri 2024)."""
    wrong_mass, right_mass = _LEVEL * (guesses - right) / canaries, _LEVEL * right / canaries
    for i in range(right - 1, -1, -1):
        shifted = _NORMAL.cdf(_NORMAL.inv_cdf(min(max(right_mass, 1e-300), 1 - 1e-16)) - 1 / sigma)
        more = max(wrong_mass, shifted)
        right_mass += i / (guesses - i) * (more - wrong_mass)
        wrong_mass = more
        if right_mass + wrong_mass > guesses / canaries:
            return True
    return right_mass + wrong_mass > guesses / canaries


def _two_worlds(claim: Privacy, with_it: NDArray[np.float64], without: NDArray[np.float64]) -> Audit:
    """Choose a threshold on half of the runs, and bound μ by the errors of the other half."""
    half = len(with_it) // 2
    sign = 1.0 if with_it[:half].mean() >= without[:half].mean() else -1.0
    ins, outs = sign * with_it, sign * without
    threshold = 0.5 * (float(np.median(ins[:half])) + float(np.median(outs[:half])))
    n = len(ins) - half
    missed, false = int((ins[half:] <= threshold).sum()), int((outs[half:] > threshold).sum())
    miss, alarm = (_most(count, n) for count in (missed, false))
    mu = max(0.0, _NORMAL.inv_cdf(1 - miss) - _NORMAL.inv_cdf(alarm)) if miss < 1 > alarm else 0.0
    bound = epsilon_of(1 / mu, claim.delta) if mu else 0.0
    return Audit(claim.epsilon, bound, bound > claim.epsilon, 2 * n, 2 * n - missed - false, "two_worlds")


def _most(count: int, n: int) -> float:
    """Return the upper end of a share, but for a probability of 2.5 % (Clopper & Pearson 1934)."""
    low, high = count / n, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _at_most(count, n, middle) > _LEVEL / 2 else (low, middle)
    return high


def _at_most(count: int, n: int, p: float) -> float:
    """Return P[Bin(n, p) ≤ count]."""
    if p >= 1:
        return 0.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(count + 1)
        if p > 0
    ]
    return sum(map(math.exp, logs)) if p > 0 else 1.0
