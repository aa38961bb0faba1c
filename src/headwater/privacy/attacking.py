"""Attack a classifier to find which rows it has learned, and the label of the row between two answers."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError

__all__ = ["Attack", "attack"]

_LEAST_P = 1e-6
Labelled = tuple[Sequence[Mapping[Any, Any]], Sequence[Hashable]]


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attacker learns.

    Parameters
    ----------
    loss_auc : float
        AUC of telling learned rows from fresh ones by their loss. 0.5 is chance.
    lira_auc : float
        The same by comparing with shadow models, NaN without any.
    lira_tpr : float
        Share of learned rows that are recognised with 0.1 % false alarms.
    label_between : float
        Share of fresh rows whose label is guessed right from the probabilities before and after they were learned.
    majority : float
        Share of the most frequent label, what a guess without the model gets.
    """

    loss_auc: float
    lira_auc: float
    lira_tpr: float
    label_between: float
    majority: float

    def __str__(self) -> str:
        return (
            f"learned rows told by their loss: AUC {self.loss_auc:.3f}; by shadow models: {self.lira_auc:.3f}, "
            f"{100 * self.lira_tpr:.2f} % at 0.1 % false alarms. Label of the row between two answers: "
            f"{100 * self.label_between:.1f} % right ({100 * self.majority:.1f} % without the model)"
        )


def attack(
    model: Any, learned: Labelled, fresh: Labelled, *, shadows: int = 16, between: int = 200, seed: int = 0
) -> Attack:
    """Attack a classifier with ``learn_one`` and ``predict_proba_one``, without changing it.

    Parameters
    ----------
    model : object
        A classifier that has learned the first rows and not the others. Shadow models need its ``clone()``.
    learned, fresh : (rows, labels)
        Rows that it has learned, and rows of the same kind that it has not.
    shadows : int
        Models that are made to compare with, each of which learns a random half of all rows.
    between : int
        Fresh rows whose label is guessed from the answers before and after.
    seed : int
        Seed of the halves.

    Returns
    -------
    Attack

    Raises
    ------
    DataError
        If there are no learned or no fresh rows.

    Examples
    --------
    >>> from headwater import Classifier
    >>> rows = [{"x": float(i * 37 % 101)} for i in range(400)]
    >>> labels = ["ab"[i * 53 % 97 > 48] for i in range(400)]
    >>> model = Classifier(seed=1)
    >>> _ = model.learn_many(rows[:200], labels[:200])
    >>> found = attack(model, (rows[:200], labels[:200]), (rows[200:], labels[200:]), shadows=0)
    >>> 0.4 < found.loss_auc <= 1
    True

    References
    ----------
    Yeom et al. 2018 (loss threshold); Carlini et al. 2022 (LiRA, online, shared variance).
    """
    (X, y), (X_fresh, y_fresh) = learned, fresh
    if not len(X) or not len(X_fresh):
        raise DataError(
            expected="learned rows and fresh rows",
            got=f"{len(X)} and {len(X_fresh)}",
            at="attack",
            help="Give some of each.",
        )
    rows, labels = [*X, *X_fresh], [*y, *y_fresh]
    inside = np.arange(len(rows)) < len(X)
    own = _confidence(model, rows, labels)
    lira = _lira(model, rows, labels, own, shadows, seed)
    counts = np.unique(np.array(list(map(repr, y_fresh))), return_counts=True)[1]
    return Attack(
        _auc(own, inside),
        math.nan if lira is None else _auc(lira, inside),
        math.nan if lira is None else _share_above(lira, inside),
        _label_between(model, X_fresh[:between], y_fresh[:between]),
        float(counts.max() / counts.sum()),
    )


def _confidence(model: Any, rows: Sequence[Any], labels: Sequence[Any]) -> NDArray[np.float64]:
    """Return the log odds of each row's own label."""
    p = np.array([(model.predict_proba_one(x) or {}).get(y, 0.0) for x, y in zip(rows, labels, strict=True)])
    p = np.clip(p, _LEAST_P, 1 - _LEAST_P)
    odds: NDArray[np.float64] = np.log(p / (1 - p))
    return odds


def _lira(
    model: Any, rows: Sequence[Any], labels: Sequence[Any], own: NDArray[np.float64], shadows: int, seed: int
) -> NDArray[np.float64] | None:
    """Return the log likelihood ratio of "learned" and "not", or None without shadow models."""
    rng = np.random.default_rng(seed)
    halves, found = [], []
    for _ in range(shadows):
        half = rng.random(len(rows)) < 0.5
        shadow = model.clone()
        for i in np.flatnonzero(half).tolist():
            shadow.learn_one(rows[i], labels[i])
        halves.append(half)
        found.append(_confidence(shadow, rows, labels))
    if not found:
        return None
    within, said = np.array(halves), np.array(found)
    means = [np.where(mask, said, 0).sum(0) / np.maximum(mask.sum(0), 1) for mask in (within, ~within)]
    spread = np.sqrt(np.mean(np.where(within, said - means[0], said - means[1]) ** 2)) or 1.0
    ratio = ((own - means[1]) ** 2 - (own - means[0]) ** 2) / (2 * spread**2)
    return np.where(within.any(0) & ~within.all(0), ratio, 0.0)


def _auc(scores: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Return the share of pairs (learned, fresh) in which the learned row has the higher score."""
    fresh = np.sort(scores[~inside])
    below, up_to = (np.searchsorted(fresh, scores[inside], side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(fresh))


def _share_above(scores: NDArray[np.float64], inside: NDArray[np.bool_], alarms: float = 0.001) -> float:
    """Return the share of learned rows above the threshold that so few fresh rows pass."""
    return float((scores[inside] > np.quantile(scores[~inside], 1 - alarms)).mean())


def _label_between(model: Any, rows: Sequence[Any], labels: Sequence[Any]) -> float:
    """Return how often the class whose probability rose most is the label that was learned."""
    copied, right = copy.deepcopy(model), 0
    for x, y in zip(rows, labels, strict=True):
        before = dict(copied.predict_proba_one(x) or {})
        copied.learn_one(x, y)
        after = copied.predict_proba_one(x) or {}
        rose = {label: p - before.get(label, 0.0) for label, p in after.items()}
        right += bool(rose) and max(rose, key=rose.__getitem__) == y
    return right / len(rows)
