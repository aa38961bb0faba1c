"""Measure over the stream how much each feature matters and how the prediction depends on it.

All three methods replace features of a row by values of earlier rows. These come from a *geometric reservoir*, in which each
new row replaces a random one, so older rows are less likely to remain. Averages decay exponentially with rate a::

    iPFI   PFIⱼ   ← (1 − a)·PFIⱼ + a·(L(y, f(x with xⱼ ← rⱼ)) − L(y, f(x)))            permutation importance
    iSAGE  φⱼ     ← (1 − a)·φⱼ + a·(L before j is revealed − L after)                  Shapley values of the loss
    iPDP   PD(g)  ← (1 − a)·PD(g) + a·f(x with xⱼ ← g)        for each g of a grid     partial dependence

L is −ln p(y) with p at least 10⁻⁶, or |y − y_pred|. A constant a would weight the first rows too little, so the rate is
max(1/t, a): the plain mean at first. The papers start from 0 instead.

References
----------
Fumagalli, Muschalik, Hüllermeier & Hammer 2023 (iPFI); Muschalik, Fumagalli, Hammer & Hüllermeier 2023 (iSAGE, iPDP).
Departs from iSAGE: the loss with nothing revealed is that of rows from the reservoir, not of a decaying mean prediction.
Departs from all: a session passes rows after they are learned, so the row measured has been learned once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_can, has_classes
from headwater.learner.sampling.measure import losses_of
from headwater.learner.supervised import SupervisedLearner
from headwater.types import Event, Predictions, ScoredRows, as_mapping

__all__ = ["Importance", "PartialDependence", "importance", "loss_importance"]

METHODS = ("ipfi", "isage")
_MISSING = object()


class Importance:
    """Track how much each feature matters, as a metric of a `Session` or by calling ``update``.

    Parameters
    ----------
    method
        ``"ipfi"``: the rise of the loss when one feature is replaced; two redundant features both score low.
        ``"isage"``: Shapley values of the loss, which share it fairly between redundant features.
    every
        Measure every n-th row (a session splits its blocks there). One measurement costs one prediction per feature.
    a
        Decay rate.
    size
        Number of rows in the reservoir.
    inner
        Number of replacements to average.
    seed
        Seed of the reservoir and the permutations.

    Examples
    --------
    >>> from headwater import Regressor
    >>> from headwater.route.session import Session
    >>> rng = np.random.default_rng(0)
    >>> rows = [({"a": a, "b": b}, 3 * a) for a, b in rng.normal(size=(2000, 2)).tolist()]
    >>> importance = Importance(every=10)
    >>> _ = Session(Regressor(seed=1), watch=importance).run(rows)
    >>> list(importance.values)
    ['a', 'b']
    """

    def __init__(
        self, method: str = "ipfi", *, every: int = 64, a: float = 0.001, size: int = 100, inner: int = 1, seed: int = 0
    ) -> None:
        if method not in METHODS:
            raise ConfigError(
                expected=f"one of {', '.join(METHODS)}", got=repr(method), at="method", help="Choose one of these."
            )
        _check(every=every, size=size, inner=inner)
        self.method, self.every, self.a, self.inner = method, every, a, inner
        self.due: int | None = every
        self.history: list[tuple[int, dict[Hashable, float]]] = []
        """Row and importances after every fourth measurement, for `plot.importance`."""
        self._parts: dict[Hashable, _Fading] = {}
        self._reservoir = _Reservoir(size, seed)
        self._looks = 0

    @property
    def values(self) -> dict[Hashable, float]:
        """Importance of each feature in units of the loss, the largest first."""
        parts = {name: part.mean for name, part in self._parts.items()}
        return dict(sorted(parts.items(), key=lambda item: -item[1]))

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Measure the last row if it is time. The row has been learned already, so the current model is measured."""
        if self.due is not None and rows.last >= self.due:
            self.update(as_mapping(rows.X[-1]), rows.y[-1], learner)
            self.due = (rows.last // self.every + 1) * self.every
            if self._looks % 4 == 0:
                self.history.append((rows.last, self.values))
        return ()

    def update(self, x: Any, y: Any, model: Any) -> None:
        """Measure one row without learning it.

        Parameters
        ----------
        x, y
            A sample (a mapping) and its label.
        model
            A `Classifier` or `Regressor`.

        Raises
        ------
        ConfigError
            If the model has no loss for each row.
        """
        check_can(model, "losses", at="Importance")
        if self._reservoir.rows:
            rises = self._ipfi(x, y, model) if self.method == "ipfi" else self._isage(x, y, model)
            for name, rise in rises.items():
                self._parts.setdefault(name, _Fading()).add(rise, self.a)
            self._looks += 1
        self._reservoir.add(x)

    def _ipfi(self, x: Any, y: Any, model: Any) -> dict[Hashable, float]:
        names = list(x)
        rows = [x]
        for name in names:
            rows += [_replaced(x, {name: self._reservoir.draw(name)}) for _ in range(self.inner)]
        losses = _losses(model, rows, y)
        return dict(zip(names, (losses[1:].reshape(len(names), -1).mean(1) - losses[0]).tolist(), strict=True))

    def _isage(self, x: Any, y: Any, model: Any) -> dict[Hashable, float]:
        order = self._reservoir.shuffled(list(x))
        rows = []
        for i in range(len(order) + 1):
            hidden = order[i:]
            for _ in range(self.inner):
                other = self._reservoir.any()
                rows.append(_replaced(x, {name: other.get(name, _MISSING) for name in hidden}))
        losses = _losses(model, rows, y).reshape(len(order) + 1, -1).mean(1)
        return dict(zip(order, (losses[:-1] - losses[1:]).tolist(), strict=True))


class PartialDependence:
    """Track how the mean prediction depends on one feature.

    Parameters
    ----------
    feature
        Name of the feature.
    grid
        Values to predict at; by default up to 20 quantiles, or categories, of a reservoir after 100 measurements.
    target
        The class whose probability is tracked; the last known class by default. Not for a regressor.
    every, a, seed
        As in `Importance`.

    Examples
    --------
    >>> from headwater import Regressor
    >>> from headwater.route.session import Session
    >>> rng = np.random.default_rng(0)
    >>> rows = [({"a": a, "b": b}, 3 * a) for a, b in rng.normal(size=(3000, 2)).tolist()]
    >>> dependence = PartialDependence("a", grid=(-1.0, 0.0, 1.0), every=10)
    >>> _ = Session(Regressor(seed=1), watch=dependence).run(rows)
    >>> low, middle, high = dependence.curve.values()
    >>> low < middle < high
    True
    """

    def __init__(
        self,
        feature: Hashable,
        *,
        grid: Sequence[Any] | None = None,
        target: Any = None,
        every: int = 64,
        a: float = 0.01,
        seed: int = 0,
    ) -> None:
        _check(every=every)
        self.feature, self.target, self.every, self.a = feature, target, every, a
        self.grid = None if grid is None else list(grid)
        self.due: int | None = every
        self._points: dict[Any, _Fading] = {}
        self._reservoir = _Reservoir(100, seed)

    @property
    def curve(self) -> dict[Any, float]:
        """Mean prediction at each grid point."""
        return {point: part.mean for point, part in self._points.items()}

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Measure the last row if it is time."""
        if self.due is not None and rows.last >= self.due:
            self.update(as_mapping(rows.X[-1]), learner)
            self.due = (rows.last // self.every + 1) * self.every
        return ()

    def update(self, x: Any, model: Any) -> None:
        """Measure one row without learning it."""
        check_can(model, "losses", at="PartialDependence")
        self._reservoir.add(x)
        if self.grid is None and len(self._reservoir.rows) >= 100:
            self.grid = self._reservoir.grid(self.feature)
        if not self.grid:
            return
        rows = [_replaced(x, {self.feature: point}) for point in self.grid]
        for point, value in zip(self.grid, _answers(model, rows, self.target), strict=True):
            self._points.setdefault(point, _Fading()).add(value, self.a)


def importance(model: Any, method: str | None = None, **how: Any) -> dict[Hashable, float]:
    """Return how much each feature matters to the current model, the largest first.

    A learner of one label measures the rise of its loss over the rows that it kept (``loss_importance``). Learners without such a
    loss measure how far their outputs move with each column (``sensitivity``).

    Parameters
    ----------
    model
        A fitted learner of any kind that has the ability, or a fleet.
    method, how
        As in the function of its kind.

    Raises
    ------
    ConfigError
        If its kind can't say it.
    DataError
        When it has learned nothing.
    """
    check_can(model, "importance", at="importance")
    found: dict[Hashable, float] = model.kind.importance(model, method, **how)
    return found


@at_one_moment
def loss_importance(model: SupervisedLearner, method: str | None = None, *, inner: int = 2) -> dict[Hashable, float]:
    """Return by how much the loss rises without each feature, over the sample of rows that the learner kept.

    Parameters
    ----------
    model
        A fitted classifier or regressor.
    method, inner
        As in `Importance`, "ipfi" by default.

    Returns
    -------
    dict
        Importance by feature, the largest first, in units of the loss.

    Raises
    ------
    DataError
        When no rows were kept.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor(seed=1)
    >>> for a, b in np.random.default_rng(0).normal(size=(2000, 2)).tolist():
    ...     model.learn_one({"a": a, "b": b}, 3 * a)
    >>> list(loss_importance(model))
    ['a', 'b']
    """
    way = "Let it learn some rows first, or use explain.Importance().update(x, y, model) row by row."
    rows = model.kept_sample(help=way).rows
    measured = Importance(method or "ipfi", inner=inner, a=0.0)
    for kept in rows:  # fill the reservoir first, so that the first rows have replacements too
        measured._reservoir.add(as_mapping(kept.x))
    for kept in rows:
        measured.update(as_mapping(kept.x), kept.y, model)
    return measured.values


class _Fading:
    """Mean that decays with rate max(1/t, a)."""

    def __init__(self) -> None:
        self.t, self.mean = 0, 0.0

    def add(self, value: float, a: float) -> None:
        self.t += 1
        self.mean += max(1 / self.t, a) * (value - self.mean)


class _Reservoir:
    """Geometric reservoir of earlier rows."""

    def __init__(self, size: int, seed: int) -> None:
        self.rows: list[Any] = []
        self._size, self._rng = size, np.random.default_rng(seed)

    def add(self, x: Any) -> None:
        if len(self.rows) < self._size:
            self.rows.append(dict(x))
        else:
            self.rows[int(self._rng.integers(self._size))] = dict(x)

    def any(self) -> Any:
        return self.rows[int(self._rng.integers(len(self.rows)))]

    def draw(self, name: Hashable) -> Any:
        return self.any().get(name, _MISSING)

    def shuffled(self, names: list[Hashable]) -> list[Hashable]:
        return [names[i] for i in self._rng.permutation(len(names)).tolist()]

    def grid(self, name: Hashable) -> list[Any]:
        values = [row[name] for row in self.rows if row.get(name) is not None]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            finite = [value for value in values if np.isfinite(value)]
            return np.unique(np.quantile(finite, np.linspace(0.05, 0.95, 20))).tolist() if finite else []
        return sorted(set(values), key=str)[:20]


def _replaced(x: Any, values: dict[Hashable, Any]) -> dict[Hashable, Any]:
    return {name: value for name, value in {**x, **values}.items() if value is not _MISSING}


def _losses(model: Any, rows: list[Any], y: Any) -> NDArray[np.float64]:
    forecast = model.predict_batch(rows)
    same = [y] * len(rows)
    return losses_of(model.task, same, forecast.y_pred, forecast.proba_of(same) if has_classes(model) else [])


def _answers(model: Any, rows: list[Any], target: Any) -> list[float]:
    forecast: Predictions = model.predict_batch(rows)
    if not has_classes(model):
        return [float(value) for value in forecast.y_pred]
    if not forecast.classes:
        return [0.0] * len(rows)
    label = forecast.classes[-1] if target is None else target
    return forecast.proba_of([label] * len(rows))


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(expected=f"{name} of at least 1", got=repr(count), at=name, help="Give a larger number.")
