"""What the model looks at, over the stream: how much each feature matters now, and how the prediction follows it.

All three replace features of a row by values that other rows had, taken from a *geometric reservoir* (each row kept
takes the place of a random one, so the older a row the less likely it is still there), and fade over time with rate a::

    iPFI   PFIⱼ   ← (1 − a)·PFIⱼ + a·(L(y, f(x with xⱼ ← rⱼ)) − L(y, f(x)))            permutation importance
    iSAGE  φⱼ     ← (1 − a)·φⱼ + a·(L before j is revealed − L after)                  Shapley values of the loss
    iPDP   PD(g)  ← (1 − a)·PD(g) + a·f(x with xⱼ ← g)        for each g of a grid     partial dependence

L is −ln p(y), p at least 10⁻⁶, or |y − y_pred|. The first rows would weigh too little under a constant a, so rates are
max(1/t, a), which is the plain mean until a takes over; the papers start from 0 instead.

References
----------
Fumagalli, Muschalik, Hüllermeier & Hammer 2023 (iPFI); Muschalik, Fumagalli, Hammer & Hüllermeier 2023 (iSAGE, iPDP).
Departs from iSAGE: the loss with nothing revealed is that of rows from the reservoir, not of a fading mean prediction.
Departs from all: a session shows rows once they are learned, so the row at hand has been learned, once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_can
from headwater.learner.sampling.measure import losses_of
from headwater.learner.supervised import SupervisedLearner
from headwater.types import Event, Predictions, ScoredRows, as_mapping

__all__ = ["Importance", "PartialDependence", "importance"]

METHODS = ("ipfi", "isage")
_MISSING = object()


class Importance:
    """Watch how much each feature matters: a watcher for `Session`, or fed by hand with ``update``.

    Parameters
    ----------
    method
        ``"ipfi"``: by how much the loss rises when the feature is replaced alone; two features that say the same both
        get little. ``"isage"``: the loss is shared out fairly, also between features that say the same.
    every
        Look at one row in so many (a session cuts its blocks there). A look costs one prediction of each feature.
    a
        The rate of fading.
    size
        Rows in the reservoir.
    inner
        Replacements that are averaged.
    seed
        Of the reservoir and the permutations.

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
        """Row and importances, after each fourth look: what `plot.importance` draws."""
        self._parts: dict[Hashable, _Fading] = {}
        self._reservoir = _Reservoir(size, seed)
        self._looks = 0

    @property
    def values(self) -> dict[Hashable, float]:
        """The importance of each feature, the largest first, in units of the loss."""
        parts = {name: part.mean for name, part in self._parts.items()}
        return dict(sorted(parts.items(), key=lambda item: -item[1]))

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Look at the last row if it is due. It has been learned, so what is measured is what the model uses."""
        if self.due is not None and rows.last >= self.due:
            self.update(as_mapping(rows.X[-1]), rows.y[-1], learner)
            self.due = (rows.last // self.every + 1) * self.every
            if self._looks % 4 == 0:
                self.history.append((rows.last, self.values))
        return ()

    def update(self, x: Any, y: Any, model: Any) -> None:
        """Look at one row; the model is only asked.

        Parameters
        ----------
        x, y
            A sample (a mapping) and its answer.
        model
            A `Classifier` or `Regressor`.
        """
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
    """Watch how the prediction follows one feature, all others as the stream brings them.

    Parameters
    ----------
    feature
        Which one.
    grid
        Where to ask; without it, up to 20 quantiles (or the categories) of what a reservoir holds after 100 looks.
    target
        The class whose probability is followed; the last one the model knows without it. Not for a regressor.
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
        """The mean prediction at each point of the grid."""
        return {point: part.mean for point, part in self._points.items()}

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Look at the last row if it is due."""
        if self.due is not None and rows.last >= self.due:
            self.update(as_mapping(rows.X[-1]), learner)
            self.due = (rows.last // self.every + 1) * self.every
        return ()

    def update(self, x: Any, model: Any) -> None:
        """Look at one row; the model is only asked."""
        self._reservoir.add(x)
        if self.grid is None and len(self._reservoir.rows) >= 100:
            self.grid = self._reservoir.grid(self.feature)
        if not self.grid:
            return
        rows = [_replaced(x, {self.feature: point}) for point in self.grid]
        for point, value in zip(self.grid, _answers(model, rows, self.target), strict=True):
            self._points.setdefault(point, _Fading()).add(value, self.a)


@at_one_moment
def importance(model: SupervisedLearner, method: str = "ipfi", *, inner: int = 2) -> dict[Hashable, float]:
    """Say how much each feature matters to the model as it is now, over the sample of rows that it kept.

    Parameters
    ----------
    model
        A learner that has learned something.
    method, inner
        As in `Importance`.

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
    >>> list(importance(model))
    ['a', 'b']
    """
    check_can(model, "importance", at="importance")
    way = "Let it learn some rows first, or use explain.Importance().update(x, y, model) row by row."
    rows = model.kept_sample(help=way).rows
    measured = Importance(method, inner=inner, a=0.0)
    for kept in rows:  # every row can be drawn from the start
        measured._reservoir.add(as_mapping(kept.x))
    for kept in rows:
        measured.update(as_mapping(kept.x), kept.y, model)
    return measured.values


class _Fading:
    """A mean that fades with rate max(1/t, a)."""

    def __init__(self) -> None:
        self.t, self.mean = 0, 0.0

    def add(self, value: float, a: float) -> None:
        self.t += 1
        self.mean += max(1 / self.t, a) * (value - self.mean)


class _Reservoir:
    """Rows of the past, the older the rarer."""

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
    return losses_of(model.task, same, forecast.y_pred, forecast.proba_of(same) if model.task == "classify" else [])


def _answers(model: Any, rows: list[Any], target: Any) -> list[float]:
    forecast: Predictions = model.predict_batch(rows)
    if model.task == "regress":
        return [float(value) for value in forecast.y_pred]
    if not forecast.classes:
        return [0.0] * len(rows)
    label = forecast.classes[-1] if target is None else target
    return forecast.proba_of([label] * len(rows))


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(expected=f"{name} of at least 1", got=repr(count), at=name, help="Give a larger number.")
