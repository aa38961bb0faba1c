"""Other libraries' learners as headwater.interop.check sees them: one function a library, run in that library's environment.

Each returns learners by name, with what ``check_online_learner`` needs. An adapter adds nothing that a user of the
library would not write: dicts become the library's own rows, weights its own weights, saving its own saving.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import pickle
import random
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECK = Path(__file__).resolve().parents[3] / "src" / "headwater" / "check"
Learners = dict[str, dict[str, Any]]
PICKLE = {"dump": pickle.dumps, "load": pickle.loads}
CLASSES = ["large", "small"]


# ---- River ----------------------------------------------------------------------------------------------------------


def river() -> Learners:
    import pandas as pd
    from river import forest, linear_model, preprocessing, tree

    def block(model: Any, X: list[dict[str, Any]], y: list[Any]) -> None:
        model.learn_many(pd.DataFrame(X), pd.Series(y))

    def scaled(make: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: preprocessing.StandardScaler() | make()

    def none(model: Any, X: Any, y: Any) -> None:
        raise NotImplementedError("SoftmaxRegression has no learn_many")

    return {
        "scaler + SoftmaxRegression": {
            "make": scaled(linear_model.SoftmaxRegression),
            "task": "classify",
            "block": none,
            **PICKLE,
        },
        "scaler + LinearRegression": {
            "make": scaled(linear_model.LinearRegression),
            "task": "regress",
            "block": block,
            **PICKLE,
        },
        "HoeffdingAdaptiveTree": {
            "make": lambda: tree.HoeffdingAdaptiveTreeClassifier(grace_period=20, seed=1),
            "task": "classify",
            **PICKLE,
        },
        "ARFClassifier": {"make": lambda: forest.ARFClassifier(grace_period=20, seed=1), "task": "classify", **PICKLE},
    }


# ---- deep-river -----------------------------------------------------------------------------------------------------


def deep_river() -> Learners:
    import pandas as pd
    import torch
    from deep_river.classification import Classifier
    from deep_river.regression import Regressor
    from torch_net import Net

    def net(outputs: int) -> Any:
        torch.manual_seed(1)
        return Net(3, outputs)

    def block(model: Any, X: list[dict[str, Any]], y: list[Any]) -> None:
        model.learn_many(pd.DataFrame(X), pd.Series(y))

    def keep(kind: Any) -> dict[str, Any]:
        return {"dump": through_file(lambda model, path: model.save(path)), "load": from_file(kind.load)}

    growing = {"is_feature_incremental": True, "seed": 1}
    return {
        "Classifier": {
            "make": lambda: Classifier(
                net(2), loss_fn="cross_entropy", optimizer_fn="sgd", lr=0.05, is_class_incremental=True, **growing
            ),
            "task": "classify",
            "block": block,
            **keep(Classifier),
        },
        "Regressor": {
            "make": lambda: Regressor(net(1), loss_fn="mse", optimizer_fn="sgd", lr=0.01, **growing),
            "task": "regress",
            "block": block,
            **keep(Regressor),
        },
    }


def through_file(save: Callable[[Any, str], Any]) -> Callable[[Any], bytes]:
    """Return bytes of what ``save`` writes."""

    def dump(model: Any) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            save(model, path)
            return Path(path).read_bytes()

    return dump


def from_file(load: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Return what ``load`` reads from these bytes."""

    def revive(data: bytes) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            Path(path).write_bytes(data)
            return load(path)

    return revive


# ---- scikit-learn ---------------------------------------------------------------------------------------------------


class Rows:
    """An estimator with ``partial_fit`` behind River's words: the names of the first sample are its columns.

    A name that comes later is one column more, a missing one is NaN; what the estimator then says is its answer.
    """

    def __init__(self, estimator: Any, classes: list[str] | None) -> None:
        self.estimator, self.classes = estimator, classes
        self.names: list[str] = []

    def row(self, x: dict[str, Any], names: list[str]) -> list[Any]:
        known = [float("nan") if x.get(name) is None else x[name] for name in names]
        return known + [value for name, value in x.items() if name not in names]

    def learn_one(self, x: dict[str, Any], y: Any, w: float = 1.0) -> None:
        self.names = self.names or list(x)
        self.fit([self.row(x, self.names)], [y], sample_weight=[w])

    def learn_many(self, X: list[dict[str, Any]], y: list[Any]) -> None:
        self.names = self.names or list(X[0])
        self.fit([self.row(x, self.names) for x in X], y)

    def fit(self, X: list[Any], y: list[Any], **more: Any) -> None:
        if self.classes is not None:  # demanded at the first call: all classes there will ever be
            more["classes"] = self.classes
        self.estimator.partial_fit(X, y, **more)
        self.classes = None

    def predict_one(self, x: dict[str, Any]) -> Any:
        return self.estimator.predict([self.row(x, self.names)])[0].item()


class ClassRows(Rows):
    """The same with probabilities."""

    def predict_one(self, x: dict[str, Any]) -> Any:
        return str(self.estimator.predict([self.row(x, self.names)])[0])

    def predict_proba_one(self, x: dict[str, Any]) -> dict[str, float]:
        proba = self.estimator.predict_proba([self.row(x, self.names)])[0]
        return {str(c): float(p) for c, p in zip(self.estimator.classes_, proba, strict=True)}


def sklearn() -> Learners:
    from sklearn.linear_model import SGDClassifier, SGDRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    mlp = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01, "random_state": 1}
    of: dict[str, tuple[Callable[[], Any], str]] = {
        "MLPClassifier": (lambda: ClassRows(MLPClassifier(**mlp), CLASSES), "classify"),
        "MLPRegressor": (lambda: Rows(MLPRegressor(**mlp), None), "regress"),
        "SGDClassifier": (lambda: ClassRows(SGDClassifier(loss="log_loss", random_state=1), CLASSES), "classify"),
        "SGDRegressor": (
            lambda: Rows(SGDRegressor(learning_rate="constant", eta0=0.02, random_state=1), None),
            "regress",
        ),
    }
    return {name: {"make": make, "task": task, **PICKLE} for name, (make, task) in of.items()}


# ---- Vowpal Wabbit --------------------------------------------------------------------------------------------------


class Lines:
    """A workspace behind River's words: each sample is a line of VW's text, and a class is its number by arrival."""

    def __init__(self, arguments: str, classes: list[str] | None = None, model: bytes | None = None) -> None:
        import vowpalwabbit

        self.arguments, self.classes = arguments, classes
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            if model is not None:
                Path(path).write_bytes(model)
            source = f"{arguments} -i {path}" if model is not None else arguments
            self.workspace = vowpalwabbit.Workspace(source)

    def line(self, x: dict[str, Any], start: str = "") -> str:
        parts = []
        for name, value in x.items():
            if isinstance(value, str):
                parts.append(f"{name}={value.replace(' ', '_')}")
            elif isinstance(value, int | float):
                parts.append(f"{name}:{value}")
            elif value is not None:
                raise TypeError(f"no text for {value!r}")
        return f"{start} | {' '.join(parts)}"

    def label(self, y: Any) -> Any:
        if self.classes is None:
            return y
        if y is None or y != y:
            raise ValueError(f"no class: {y!r}")
        if y not in self.classes:
            self.classes = [*self.classes, y]
        return self.classes.index(y) + 1

    def learn_one(self, x: dict[str, Any], y: Any, w: float = 1.0) -> None:
        self.workspace.learn(self.line(x, f"{self.label(y)} {w}"))

    def predict_one(self, x: dict[str, Any]) -> Any:
        said = self.workspace.predict(self.line(x))
        return said if self.classes is None else self.classes[int(said) - 1]

    def dump(self) -> bytes:
        data: bytes = through_file(lambda model, path: model.workspace.save(path))(self)
        return pickle.dumps((self.arguments, self.classes, data))


def vw() -> Learners:
    keep = {"dump": Lines.dump, "load": lambda data: Lines(*pickle.loads(data))}  # noqa: S301 - written a moment ago
    common = "--quiet"
    return {
        "--nn 8 --oaa 2": {
            "make": lambda: Lines(f"{common} --nn 8 --oaa 2 --loss_function logistic", [*CLASSES]),
            "task": "classify",
            **keep,
        },
        "--oaa 2": {
            "make": lambda: Lines(f"{common} --oaa 2 --loss_function logistic", [*CLASSES]),
            "task": "classify",
            **keep,
        },
        "--nn 8": {"make": lambda: Lines(f"{common} --nn 8"), "task": "regress", **keep},
    }


# ---- headwater ------------------------------------------------------------------------------------------------------


def headwater() -> Learners:
    import headwater as hw

    return {
        "Classifier": {"make": hw.Classifier, "task": "classify"},
        "Regressor": {"make": hw.Regressor, "task": "regress"},
        "Classifier(hidden=(16,))": {"make": lambda: hw.Classifier(hidden=(16,)), "task": "classify"},
    }


PACKAGES = {
    "headwater": ("headwater",),
    "river": ("river", "pandas"),
    "deep_river": ("deep-river", "river", "torch"),
    "sklearn": ("scikit-learn",),
    "vw": ("vowpalwabbit",),
}


def suite() -> Any:
    """Return headwater.interop.check, without headwater: it needs nothing but Python."""
    spec = importlib.util.spec_from_file_location(
        "headwater_check", CHECK / "__init__.py", submodule_search_locations=[str(CHECK)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["headwater_check"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Check the learners of the library named on the command line; print reports and versions as JSON."""
    library = sys.argv[1]
    warnings.simplefilter("ignore")
    random.seed(1)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the JSON
    check = suite().check_online_learner
    reports = [check(name=name, **how).as_dict() for name, how in globals()[library]().items()]
    versions = {name: importlib.metadata.version(name) for name in PACKAGES[library]}
    versions["python"] = sys.version.split()[0]
    json.dump({"library": library, "versions": versions, "reports": reports}, out)
