"""Vowpal Wabbit's ``--nn 10``, one dict at a time.

A dict has to become VW's line of text, which is part of what its user pays, so it is counted. ``learn`` leaves
the prediction that was made before the update in the example (checked: equal to ``predict`` before it), so one
call does both.
"""

from __future__ import annotations

import time
from typing import Any

import vowpalwabbit

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import documents, events, flights, log_loss

ARGUMENTS = "--nn 10 --loss_function logistic --link logistic --quiet --random_seed 1"


def text(x: dict[str, Any], y: bool) -> str:
    """Return one sample in VW's format: numbers as name:value, strings as name=value, gaps left out."""
    pairs = [f"{k}={v}" if v.__class__ is str else f"{k}:{v}" for k, v in x.items() if v is not None]
    return f"{1 if y else -1} | {' '.join(pairs)}"


def over(samples: list[dict[str, Any]], labels: list[bool]) -> Run:
    """Return a run of predict, then learn, over the samples."""

    def run(rows: int = len(samples)) -> Pass:
        model = vowpalwabbit.Workspace(ARGUMENTS)
        proba: list[float] = []
        start = time.perf_counter()
        for x, y in zip(samples[:rows], labels[:rows], strict=True):
            example = model.parse(text(x, y))
            model.learn(example)
            proba.append(example.get_prediction())
            model.finish_example(example)
        seconds = time.perf_counter() - start
        model.finish()
        return Pass(seconds=seconds, rows=rows, score=log_loss(labels[:rows], proba))

    run(100)
    return run


def prepare_events(spec: Spec) -> Run:
    """Return a run over the dicts of floats."""
    return over(*events(spec["rows"], spec["options"]["features"], spec["seed"]))


def prepare_flights(spec: Spec) -> Run:
    """Return a run over the flights."""
    return over(*flights(spec["rows"], spec["data"]))


def prepare_text(spec: Spec) -> Run:
    """Return a run over documents as dicts of word counts."""
    return over(*documents(spec["rows"], spec["options"]["words"], spec["seed"]))


if __name__ == "__main__":
    serve("vw", ["vowpalwabbit"], {"events": prepare_events, "flights": prepare_flights, "text": prepare_text})
