"""Nets that are exported, the rows that they learn, and what a device reads of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import headwater as hw
from headwater import nn

COLUMNS = ("light", "a10", "a9", "pressure", "x", "y", "z", "temperature")
"""In another order than the core's, which is by length and then by letter."""
READ = ("x", "y", "z", "a9", "a10", "light", "pressure", "temperature")
MODELS: dict[str, Callable[[], Any]] = {
    "net": lambda: hw.Classifier(hidden=16, seed=1),
    "linear": lambda: hw.Classifier(layers=[], seed=2),
    "regressor": lambda: hw.Regressor(hidden=(8, 8), activation="tanh", optimizer="adam", clip_norm=1.0, seed=3),
    "two classes": lambda: hw.Classifier(
        hidden=8, loss="binary_cross_entropy", activation="gelu", optimizer="adagrad", seed=4
    ),
    "unscaled": lambda: hw.Classifier(
        layers=[nn.Dense(6, "selu"), nn.Dense(3)], scale=False, optimizer=nn.SGD(nn.InverseScaling(0.05)), seed=5
    ),
    "counts": lambda: hw.Regressor(hidden=4, loss="mse", optimizer="nadam", seed=6),
    "pool": lambda: hw.Classifier(seed=7),
    "penalties": lambda: hw.Regressor(hidden=(8, 8), norm="layer", dropout=0.1, l2=0.01, seed=8),
    "anomalies": lambda: hw.Anomaly(neighbours=32, seed=9),
    "series": lambda: hw.Forecaster(horizon=2, season=6, seed=10),
}
NUMBERS = ("regressor", "counts", "penalties", "series")
WHOLE = ("pool", "penalties", "anomalies", "series")
"""Those that a device holds in an arena."""  # fmt: skip
TAUGHT = 400
"""Rows that a model learns before it is exported."""


def rows(count: int, name: str = "net") -> tuple[list[dict[str, float]], list[Any]]:
    """Return rows with labels of a model: names of classes, or numbers; now and then a value is missing, or far off."""
    drawn = np.random.default_rng(7)
    x = drawn.normal(size=(count, len(COLUMNS))) * np.geomspace(1e-3, 1e4, len(COLUMNS)) + np.arange(len(COLUMNS))
    x[drawn.random(x.shape) < 0.01] *= 1e6
    signal = (x - x.mean(0)) / np.median(np.abs(x), 0)
    sums = signal[:, :3] + signal[:, 3:6] ** 2
    found = [
        {column: value for column, value in zip(COLUMNS, row, strict=True) if hide > 0.01 or column == "x"}
        for row, hide in zip(x.tolist(), drawn.random(count), strict=True)
    ]
    if name in NUMBERS:
        return found, [float(label) for label in np.clip(sums.sum(1), -30, 30).round(3)]
    classes = ("walk", "run", "sit")[: 2 if name == "two classes" else 3]
    return found, [classes[i] for i in np.argmax(sums[:, : len(classes)], 1)]


def taught(name: str) -> Any:
    """Return a model that has learned some rows."""
    model = MODELS[name]()
    learn(model, *rows(TAUGHT, name))
    return model


def learn(model: Any, X: list[dict[str, float]], labels: list[Any]) -> None:
    """Teach a model rows one by one, in the words of its kind."""
    for x, y in zip(X, labels, strict=True):
        if isinstance(model, hw.Anomaly):
            model.learn_one(x)
        elif isinstance(model, hw.Forecaster):
            model.learn_one(y, x)
        else:
            model.learn_one(x, y)


def later(name: str, count: int) -> tuple[list[dict[str, float]], list[Any]]:
    """Return the rows that come behind those."""
    x, y = rows(TAUGHT + count, name)
    return x[TAUGHT:], y[TAUGHT:]


def as_read(model: Any, x: list[dict[str, float]], y: list[Any]) -> Iterator[list[float]]:
    """Yield what a device reads of rows: numbers in the order of the header, NaN where one is missing, and the label."""
    for row, label in zip(x, y, strict=True):
        number = model.classes.index(label) if isinstance(model, hw.Classifier) else label
        number = 0 if isinstance(model, hw.Anomaly) else number
        yield [*(row.get(column, float("nan")) for column in READ), float(number)]


def as_bytes(model: Any, x: list[dict[str, float]], y: list[Any]) -> bytes:
    """Return rows as doubles, one behind the other."""
    return np.array(list(as_read(model, x, y)), "<f8").tobytes()
