"""The learners that are compared, and the two streams, each with its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from river import (
    base,
    compose,
    datasets,
    linear_model,
    metrics,
    multioutput,
    optim,
    preprocessing,
    tree,
)

import headwater as hw

__all__ = ["LEARNERS", "STREAMS", "rows", "scores_of"]

STREAMS = {"SolarFlare": "three numbers", "Yeast": "fourteen labels"}
"""Both stand in River's package, so that anyone has them: ``river.datasets.SolarFlare()`` and ``river.datasets.Yeast()``."""


def rows(stream: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows of a stream with their answers."""
    pairs: Iterator[Any] = iter(getattr(datasets, stream)())
    return [(dict(x), dict(y)) for x, y in pairs]


def scores_of(stream: str) -> dict[str, Any]:
    """Return River's metrics for a stream, by name."""
    if stream == "SolarFlare":
        return {
            "mae": metrics.multioutput.MicroAverage(metrics.MAE()),
            "rmse": metrics.multioutput.MicroAverage(metrics.RMSE()),
        }
    return {
        "exact_match": metrics.multioutput.ExactMatch(),
        "micro_jaccard": metrics.multioutput.MicroAverage(metrics.Jaccard()),
        "micro_f1": metrics.multioutput.MicroAverage(metrics.F1()),
    }


def _inputs() -> Any:
    """Numbers standardised, texts as one column a value: what each of River's bases is given."""
    numbers = compose.SelectType(int, float) | preprocessing.StandardScaler()
    return numbers + (compose.SelectType(str) | preprocessing.OneHotEncoder())


class OneByOne(base.MultiTargetRegressor):
    """A base learner for each output, without a chain: River has no such class."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self._own = dict[str, Any]()

    def learn_one(self, x: dict[str, Any], y: dict[str, Any]) -> None:
        """Learn every output of a row."""
        for name, value in y.items():
            self._own.setdefault(name, self.make()).learn_one(x, value)

    def predict_one(self, x: dict[str, Any]) -> dict[str, Any]:
        """Predict every output of a row."""
        return {name: own.predict_one(x) for name, own in self._own.items()}


def _linear(lr: float = 0.01) -> Any:
    return linear_model.LinearRegression(optimizer=optim.SGD(lr))


def _logistic() -> Any:
    return linear_model.LogisticRegression()


def _chain(chain: Any, base: Any) -> Any:
    return _inputs() | chain(base)


LEARNERS: dict[str, dict[str, Callable[[int], Any]]] = {
    "SolarFlare": {
        "`hw.MultiOutput()`": lambda seed: hw.MultiOutput(seed=seed),
        "`hw.MultiOutput(chain=False)`": lambda seed: hw.MultiOutput(seed=seed, chain=False),
        "River `RegressorChain(LinearRegression)`": lambda seed: _chain(multioutput.RegressorChain, _linear()),
        "River `RegressorChain(LinearRegression)`, step 0.001": lambda seed: _chain(
            multioutput.RegressorChain, _linear(0.001)
        ),
        "River `RegressorChain(HoeffdingTreeRegressor)`": lambda seed: _chain(
            multioutput.RegressorChain, tree.HoeffdingTreeRegressor()
        ),
        "River `LinearRegression`, one an output": lambda seed: _inputs() | OneByOne(_linear),
        "River `HoeffdingTreeRegressor`, one an output": lambda seed: _inputs() | OneByOne(tree.HoeffdingTreeRegressor),
        "River `ISOUPTreeRegressor`": lambda seed: _inputs() | tree.ISOUPTreeRegressor(),
    },
    "Yeast": {
        "`hw.MultiOutput()`": lambda seed: hw.MultiOutput(seed=seed),
        "`hw.MultiOutput(chain=False)`": lambda seed: hw.MultiOutput(seed=seed, chain=False),
        "River `ClassifierChain(LogisticRegression)`": lambda seed: _chain(multioutput.ClassifierChain, _logistic()),
        "River `ClassifierChain(HoeffdingTreeClassifier)`": lambda seed: _chain(
            multioutput.ClassifierChain, tree.HoeffdingTreeClassifier()
        ),
        "River `MonteCarloClassifierChain(LogisticRegression)`": lambda seed: (
            _inputs() | multioutput.MonteCarloClassifierChain(_logistic(), m=10, seed=seed)
        ),
        "River `MonteCarloClassifierChain(HoeffdingTreeClassifier)`": lambda seed: (
            _inputs() | multioutput.MonteCarloClassifierChain(tree.HoeffdingTreeClassifier(), m=10, seed=seed)
        ),
        "River `ProbabilisticClassifierChain(LogisticRegression)`": lambda seed: _chain(
            multioutput.ProbabilisticClassifierChain, _logistic()
        ),
        "River `LogisticRegression`, one an output": lambda seed: _inputs() | OneByOne(_logistic),
    },
}
