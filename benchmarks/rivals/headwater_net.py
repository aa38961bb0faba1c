"""headwater through its public interface, from the environment that the benchmark itself runs in."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import documents, events, flights, log_loss, mnist, teacher
from benchmarks.rivals.fresh import prepare_import, run_fresh
from headwater import nn


def rule(name: str, lr: float) -> Any:
    """Return the optimizer of a scenario."""
    return {"sgd": nn.SGD, "adam": nn.Adam}[name](lr)


def binary_network(spec: Spec) -> Any:
    """Return a fresh network for the logistic loss, its sizes and rule as the scenario says."""
    options = spec["options"]
    layers = [*(nn.Dense(units, "relu") for units in options["sizes"][1:-1]), nn.Dense(options["sizes"][-1])]
    optimizer = rule(options["rule"], options["lr"])
    return nn.Network(layers, loss="binary_cross_entropy", optimizer=optimizer, seed=spec["seed"])


def prepare_arrays(spec: Spec) -> Run:
    """Return a run of learn_many over the whole array: strictly row by row, predictions before each update."""
    X, y = teacher(spec["rows"], spec["options"]["sizes"][0], spec["seed"])
    if spec["options"].get("learner") == "classifier":
        return prepare_classifier(spec, X, y)

    def run(rows: int = len(X)) -> Pass:
        net = binary_network(spec)
        start = time.perf_counter()
        proba = net.learn_many(X[:rows], y[:rows])
        seconds = time.perf_counter() - start
        return Pass(seconds=seconds, rows=rows, score=log_loss(y[:rows], proba))

    run(1000)
    return run


def prepare_classifier(spec: Spec, X: Any, y: Any) -> Run:
    """Return a run of a classifier's learn_many over the whole array, scored by how often it was right."""
    sizes, labels = spec["options"]["sizes"], y.astype(int)
    X = X.astype(np.float64)

    def run(rows: int = len(X)) -> Pass:
        model = hw.Classifier(hidden=tuple(sizes[1:-1]), optimizer=rule(spec["options"]["rule"], spec["options"]["lr"]))
        start = time.perf_counter()
        y_pred = model.learn_many(X[:rows], labels[:rows])
        seconds = time.perf_counter() - start
        right = sum(guess == label for guess, label in zip(y_pred, labels, strict=False))
        return Pass(seconds=seconds, rows=rows, score=right / rows, score_name="accuracy")

    run(1000)
    return run


def prepare_text(spec: Spec) -> Run:
    """Return a run over documents as dicts of word counts."""
    return one_by_one(*documents(spec["rows"], spec["options"]["words"], spec["seed"]))


def prepare_epochs(spec: Spec) -> Run:
    """Return a run of a few epochs of mini-batches over MNIST, scored on its test rows."""
    options = spec["options"]
    X, y, X_test, y_test = mnist(spec["data"])

    def learn(epochs: int, rows: int) -> tuple[float, Any]:
        layers = [nn.Dense(options["hidden"], "relu"), nn.Dense(10)]
        net = nn.Network(layers, loss="cross_entropy", optimizer=nn.Adam(options["lr"]), seed=spec["seed"])
        start = time.perf_counter()
        net.fit(X[:rows], y[:rows], epochs=epochs, batch_size=options["batch_size"])
        return time.perf_counter() - start, net

    def run() -> Pass:
        seconds, net = learn(options["epochs"], len(X))
        accuracy = float(np.mean(np.argmax(net.forward(X_test), axis=1) == y_test))
        return Pass(seconds=seconds, rows=options["epochs"] * len(X), score=accuracy, score_name="test accuracy")

    learn(1, 10 * options["batch_size"])
    return run


def one_by_one(samples: list[dict[str, Any]], labels: list[bool], **settings: Any) -> Run:
    """Return a run of predict_proba_one, then learn_one, with the default pool or the net of these settings."""

    def run(rows: int = len(samples)) -> Pass:
        model = hw.Classifier(**settings)
        proba: list[float] = []
        start = time.perf_counter()
        for x, y in zip(samples[:rows], labels[:rows], strict=True):
            proba.append(model.predict_proba_one(x).get(True, 0.5))
            model.learn_one(x, y)
        seconds = time.perf_counter() - start
        return Pass(seconds=seconds, rows=rows, score=log_loss(labels[:rows], proba))

    run(100)
    return run


def all_at_once(samples: list[dict[str, Any]], labels: list[bool]) -> Run:
    """Return a run of learn_many over the list of dicts, with the default network."""

    def run(rows: int = len(samples)) -> Pass:
        model = hw.Classifier()
        start = time.perf_counter()
        y_pred = model.learn_many(samples[:rows], labels[:rows])
        seconds = time.perf_counter() - start
        right = [bool(guess) == label for guess, label in zip(y_pred, labels, strict=False)]
        return Pass(seconds=seconds, rows=rows, score=sum(right) / rows, score_name="accuracy")

    run(100)
    return run


def prepare_events(spec: Spec) -> Run:
    """Return a run over the dicts of floats."""
    options = spec["options"]
    settings = {"hidden": tuple(options["hidden"])} if "hidden" in options else {}
    return one_by_one(*events(spec["rows"], options["features"], spec["seed"]), **settings)


def prepare_flights(spec: Spec) -> Run:
    """Return a run over the flights, one by one or as one list."""
    over = all_at_once if spec["options"]["many"] else one_by_one
    return over(*flights(spec["rows"], spec["data"]))


_FIRST = """
import json, time
start = time.perf_counter()
import headwater as hw
imported = time.perf_counter()
model = hw.Classifier()
model.learn_one({"height": 1.5, "colour": "red"}, True)
print(json.dumps(dict(seconds=time.perf_counter() - imported, import_s=imported - start)))
"""


def prepare_start(spec: Spec) -> Run:
    """Return a run that times the import, or the first learn_one, in a new interpreter."""
    options = spec["options"]
    if options["step"] == "import":
        return prepare_import("import headwater")

    def warm() -> Pass:
        answer = run_fresh(_FIRST)
        return Pass(seconds=answer["seconds"], rows=1, detail={"import_s": answer["import_s"]})

    def cold() -> Pass:
        with tempfile.TemporaryDirectory() as folder:
            answer = run_fresh(_FIRST, env={"PYTHONPYCACHEPREFIX": folder})
            if not any(Path(folder).iterdir()):
                raise RuntimeError("expected bytecode in the folder PYTHONPYCACHEPREFIX after a cold start, got none")
        return Pass(seconds=answer["seconds"], rows=1, detail={"import_s": answer["import_s"]})

    run_fresh(_FIRST)  # bytecode is cached after this
    return cold if options["cache"] == "cold" else warm


_MEMORY = """
import json, re, sys, time
import numpy as np
import headwater as hw
from headwater import nn

def resident_mb():
    with open("/proc/self/status") as file:
        return int(re.search(r"VmRSS:\\s+(\\d+)", file.read()).group(1)) / 1024

rng = np.random.default_rng(1)
X = rng.standard_normal((100_000, 20), dtype=np.float32)
y = (X @ rng.standard_normal(20, dtype=np.float32) > 0).astype(np.float32)
if sys.argv[1] == "network":
    layers = [nn.Dense(64, "relu"), nn.Dense(1)]
    learner = nn.Network(layers, loss="binary_cross_entropy", optimizer=nn.SGD(0.01), seed=1)
else:
    learner = hw.Classifier()
for _ in range(5):
    learner.learn_many(X, y)
before = resident_mb()
start = time.perf_counter()
for _ in range(int(sys.argv[2]) // len(X)):
    learner.learn_many(X, y)
print(json.dumps(dict(seconds=time.perf_counter() - start, before_mb=before, after_mb=resident_mb())))
"""


def prepare_memory(spec: Spec) -> Run:
    """Return a run that learns ten million rows in blocks and compares resident memory before and after.

    The first five blocks come before the first look, because buffers of a block's size are allocated there once, and again
    where the diagnosis' measurement at row 262,144 cuts a block in two (12 MB then; nothing comes after).
    """

    def run() -> Pass:
        answer = run_fresh(_MEMORY, spec["options"]["learner"], str(spec["rows"]))
        seconds = answer.pop("seconds")
        grown = answer["after_mb"] - answer["before_mb"]
        return Pass(seconds=seconds, rows=spec["rows"], score=grown, score_name="MB grown", detail=answer)

    return run


if __name__ == "__main__":
    kinds = {
        "arrays": prepare_arrays,
        "node": prepare_arrays,
        "events": prepare_events,
        "flights": prepare_flights,
        "text": prepare_text,
        "epochs": prepare_epochs,
        "start": prepare_start,
        "memory": prepare_memory,
    }
    serve("headwater", ["headwater", "numpy"], kinds)
