"""scikit-learn: ``MLPClassifier.partial_fit``, row by row for streams and once an epoch for mini-batches.

``partial_fit`` on the whole training set is one epoch of ``fit``: the same loop over shuffled mini-batches,
without a warning that three epochs haven't converged.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import events, log_loss, mnist, teacher
from benchmarks.rivals.fresh import prepare_start

CLASSES = np.array([0, 1])


def prepare_arrays(spec: Spec) -> Run:
    """Return a run of predict_proba, then partial_fit, a row at a time, with plain SGD."""
    options = spec["options"]
    if options["rule"] != "sgd":
        raise ValueError(f"expected the rule 'sgd', got {options['rule']!r}")
    X, y = teacher(spec["rows"], options["sizes"][0], spec["seed"])
    labels = y.astype(np.int64)

    def run(rows: int = len(X)) -> Pass:
        net = MLPClassifier(
            hidden_layer_sizes=options["sizes"][1:-1],
            solver="sgd",
            learning_rate_init=options["lr"],
            momentum=0.0,
            alpha=0.0,
            batch_size=1,
            random_state=spec["seed"],
        )
        proba = np.full(rows, 0.5)  # it can't predict before it has learned
        start = time.perf_counter()
        for i in range(rows):
            if i:
                proba[i] = net.predict_proba(X[i : i + 1])[0, 1]
            net.partial_fit(X[i : i + 1], labels[i : i + 1], classes=CLASSES)
        seconds = time.perf_counter() - start
        return Pass(seconds=seconds, rows=rows, score=log_loss(y[:rows], proba))

    run(20)
    return run


def prepare_events(spec: Spec) -> Run:
    """Return a run over dicts: a running StandardScaler, then a default MLPClassifier of 64 units."""
    samples, labels = events(spec["rows"], spec["options"]["features"], spec["seed"])

    def run(rows: int = len(samples)) -> Pass:
        scaler = StandardScaler()
        net = MLPClassifier(hidden_layer_sizes=(64,), batch_size=1, random_state=spec["seed"])
        proba = [0.5]
        start = time.perf_counter()
        for i, (sample, label) in enumerate(zip(samples[:rows], labels[:rows], strict=True)):
            row = np.array([list(sample.values())])
            scaled: Any = scaler.partial_fit(row).transform(row)
            if i:
                proba.append(net.predict_proba(scaled)[0, 1])
            net.partial_fit(scaled, [label], classes=[False, True])
        seconds = time.perf_counter() - start
        return Pass(seconds=seconds, rows=rows, score=log_loss(labels[:rows], proba))

    run(20)
    return run


def prepare_epochs(spec: Spec) -> Run:
    """Return a run of a few epochs of mini-batches over MNIST, scored on its test rows."""
    options = spec["options"]
    X, y, X_test, y_test = mnist(spec["data"])

    def learn(epochs: int, rows: int) -> tuple[float, MLPClassifier]:
        net = MLPClassifier(
            hidden_layer_sizes=(options["hidden"],),
            learning_rate_init=options["lr"],
            alpha=0.0,
            batch_size=options["batch_size"],
            random_state=spec["seed"],
        )
        start = time.perf_counter()
        for _ in range(epochs):
            net.partial_fit(X[:rows], y[:rows], classes=np.arange(10))
        return time.perf_counter() - start, net

    def run() -> Pass:
        seconds, net = learn(options["epochs"], len(X))
        accuracy = float(np.mean(net.predict(X_test) == y_test))
        return Pass(seconds=seconds, rows=options["epochs"] * len(X), score=accuracy, score_name="test accuracy")

    learn(1, 10 * options["batch_size"])
    return run


if __name__ == "__main__":
    kinds = {
        "arrays": prepare_arrays,
        "events": prepare_events,
        "epochs": prepare_epochs,
        "start": lambda spec: prepare_start("from sklearn.neural_network import MLPClassifier", spec),
    }
    serve("sklearn", ["scikit-learn", "numpy", "scipy"], kinds)
