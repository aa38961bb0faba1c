"""CapyMOA: MOA's forests, trees and neighbours, with CapyMOA's defaults except for 30 trees."""

from __future__ import annotations

from typing import Any

from capymoa import classifier, regressor
from capymoa.core import Instance, LabeledInstance, RegressionInstance
from capymoa.stream import Schema

from benchmarks.accuracy.streams import Stream

PACKAGES = ("capymoa", "numpy")
TREES, MANY_TREES = 30, 100


def schema_of(stream: Stream) -> Schema:
    """Return the header that MOA needs: every name and every class is known to it beforehand."""
    columns = [f"x{j}" for j in range(len(stream.columns))]
    categories = {f"x{j}": [f"v{code}" for code in range(len(names))] for j, names in stream.levels.items()}
    if stream.task == "classify":
        categories["y"] = [f"c{code}" for code in range(len(stream.classes))]
    return Schema.from_custom([*columns, "y"], "y", categories=categories, name="stream")


def _forest(trees: int) -> Any:
    return lambda s, seed: classifier.AdaptiveRandomForestClassifier(s, ensemble_size=trees, random_seed=seed)


def _patches(trees: int) -> Any:
    return lambda s, seed: classifier.StreamingRandomPatches(s, ensemble_size=trees, random_seed=seed)


CLASSIFIERS = {
    "moa-arf": _forest(TREES),
    "moa-arf-100": _forest(MANY_TREES),
    "moa-srp": _patches(TREES),
    "moa-srp-100": _patches(MANY_TREES),
    "moa-sgbt": lambda s, seed: classifier.StreamingGradientBoostedTrees(s, random_seed=seed),
    "moa-hat": lambda s, seed: classifier.HoeffdingAdaptiveTree(s, random_seed=seed),
    "moa-knn": lambda s, seed: classifier.KNN(s, random_seed=seed),
}
REGRESSORS = {
    "moa-arf": lambda s, seed: regressor.AdaptiveRandomForestRegressor(s, ensemble_size=TREES, random_seed=seed),
    "moa-soknl": lambda s, seed: regressor.SOKNL(s, ensemble_size=TREES, random_seed=seed),
    "moa-knn": lambda s, seed: regressor.KNNRegressor(s, random_seed=seed),
}


class Moa:
    """A learner of CapyMOA over the rows of a stream."""

    def __init__(self, name: str, stream: Stream, seed: int) -> None:
        """Make the learner."""
        self._classify = stream.task == "classify"
        self._schema = schema_of(stream)
        self._X, self._y = stream.X, stream.y.tolist()
        self._model: Any = (CLASSIFIERS if self._classify else REGRESSORS)[name](self._schema, seed)
        self._labelled = LabeledInstance if self._classify else RegressionInstance

    def predict(self, i: int) -> Any:
        """Return probabilities or a number."""
        return self._say(Instance.from_array(self._schema, self._X[i]))

    def learn(self, i: int) -> None:
        """Train with the row."""
        self._model.train(self._labelled.from_array(self._schema, self._X[i], self._y[i]))

    def step(self, i: int) -> Any:
        """Predict and train with one instance."""
        instance = self._labelled.from_array(self._schema, self._X[i], self._y[i])
        said = self._say(instance)
        self._model.train(instance)
        return said

    def _say(self, instance: Any) -> Any:
        """Return what the model says of an instance."""
        return self._model.predict_proba(instance) if self._classify else self._model.predict(instance)


def make(name: str, stream: Stream, seed: int) -> Moa:
    """Return the learner of that name."""
    return Moa(name, stream, seed)
