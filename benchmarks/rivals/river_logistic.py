"""River: ``StandardScaler | LogisticRegression`` with its defaults, one dict at a time."""

from __future__ import annotations

import time
from typing import Any

from river import compose, linear_model, preprocessing

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import events, flights, log_loss
from benchmarks.rivals.fresh import prepare_start


def for_numbers() -> Any:
    """Return the pipeline for dicts of numbers."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


def for_mixed() -> Any:
    """Return the pipeline for flights: numbers standardised, strings one-hot, as River's guide does it."""
    numbers = compose.SelectType(float) | preprocessing.StandardScaler()
    strings = compose.SelectType(str) | preprocessing.OneHotEncoder()
    return (numbers + strings) | linear_model.LogisticRegression()


def over(make: Any, samples: list[dict[str, Any]], labels: list[bool]) -> Run:
    """Return a run of predict_proba_one, then learn_one, over the samples."""

    def run(rows: int = len(samples)) -> Pass:
        model = make()
        proba: list[float] = []
        start = time.perf_counter()
        for x, y in zip(samples[:rows], labels[:rows], strict=True):
            proba.append(model.predict_proba_one(x).get(True, 0.5))
            model.learn_one(x, y)
        seconds = time.perf_counter() - start
        return Pass(seconds=seconds, rows=rows, score=log_loss(labels[:rows], proba))

    run(100)
    return run


def prepare_events(spec: Spec) -> Run:
    """Return a run over the dicts of floats."""
    return over(for_numbers, *events(spec["rows"], spec["options"]["features"], spec["seed"]))


def prepare_flights(spec: Spec) -> Run:
    """Return a run over the flights; a gap is left out of the dict, since River's scaler takes no None."""
    samples, labels = flights(spec["rows"], spec["data"])
    return over(for_mixed, [{k: v for k, v in x.items() if v is not None} for x in samples], labels)


if __name__ == "__main__":
    kinds = {
        "events": prepare_events,
        "flights": prepare_flights,
        "start": lambda spec: prepare_start("from river import linear_model, preprocessing", spec),
    }
    serve("river", ["river", "numpy"], kinds)
