"""Correct a frozen base online: the corrector's loss over the base's.

    python -m benchmarks.correct [rows] [only]

Numbers: a regressor frozen after 1,500 rows, a constant, and a base that nothing can improve (the label with noise that no column
tells), by MSE. Classes: a classifier frozen after 1,500 rows, and a base that knows all that can be known of made-up labels, by log
loss and errors. Below 1 is better than the base.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.units import CLASSES, NUMBERS, stream

TRAINED = 1_500


def frozen(make: Any, X: list[dict[str, Any]], y: list[Any]) -> Any:
    """Return a learner that has learned the first rows."""
    model = make(seed=3, diagnosis=False)
    for x, label in zip(X[:TRAINED], y[:TRAINED], strict=True):
        model.learn_one(x, label)
    return model


def ratio_of_numbers(X: list[dict[str, Any]], y: list[float], base: Callable[[Mapping[str, Any]], float]) -> float:
    """Return the corrector's MSE over the base's."""
    model, own, other = hw.Correct(base, hw.Regressor(diagnosis=False)), 0.0, 0.0
    for x, label in zip(X, y, strict=True):
        own += (label - model.predict_one(x)) ** 2
        other += (label - base(x)) ** 2
        model.learn_one(x, label)
    return own / other


def ratio_of_classes(
    X: list[dict[str, Any]], y: list[Any], base: Callable[[Mapping[str, Any]], Any]
) -> tuple[float, float]:
    """Return the corrector's log loss and errors over the base's."""
    model, sums = hw.Correct(base, hw.Classifier(effort="fast", diagnosis=False)), np.zeros((2, 2))
    for x, label in zip(X, y, strict=True):
        for i, p in enumerate((model.predict_proba_one(x), base(x))):
            sums[i] += -math.log(max(p.get(label, 0.0), 1e-4)), max(p, key=p.__getitem__) != label
        model.learn_one(x, label)
    found = sums[0] / sums[1]
    return float(found[0]), float(found[1])


def numbers(name: str, rows: int) -> None:
    """Print a stream of numbers."""
    X, _, y = stream(name, rows)
    mean = float(np.mean(y[:TRAINED]))
    rng = np.random.default_rng(1)
    known = {id(x): label for x, label in zip(X, y, strict=True)}
    noisy = [label + rng.normal(0, 0.3 * np.std(y)) for label in y]
    bases = {"frozen": frozen(hw.Regressor, X, y).predict_one, "constant": lambda x: mean}
    found = [ratio_of_numbers(X[TRAINED:], y[TRAINED:], base) for base in bases.values()]
    found.append(ratio_of_numbers(X[TRAINED:], noisy[TRAINED:], lambda x: known[id(x)]))
    print(name, *(f"{value:.4f}" for value in found), sep=" | ", flush=True)


def classes(name: str, rows: int) -> None:
    """Print a stream of classes."""
    X, _, y = stream(name, rows)
    rng = np.random.default_rng(1)
    shares = [{"a": p, "b": 1 - p} for p in rng.beta(0.5, 0.5, len(X)).clip(0.001, 0.999).tolist()]
    known = {id(x): p for x, p in zip(X, shares, strict=True)}
    drawn = ["a" if rng.random() < p["a"] else "b" for p in shares]
    found = ratio_of_classes(X[TRAINED:], y[TRAINED:], frozen(hw.Classifier, X, y).predict_proba_one)
    best = ratio_of_classes(X[TRAINED:], drawn[TRAINED:], lambda x: known[id(x)])
    print(name, *(f"{value:.4f}" for value in (*found, *best)), sep=" | ", flush=True)


def main(rows: int, only: str) -> None:
    """Print both tables."""
    print("MSE over the base's", "frozen", "constant", "nothing to improve", sep=" | ")
    for name in NUMBERS:
        if only in name:
            numbers(name, rows)
    print("log loss, errors over the base's", "frozen", "", "nothing to improve", "", sep=" | ")
    for name in CLASSES:
        if only in name and name not in ("digits", "phishing"):
            classes(name, rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9_000, sys.argv[2] if len(sys.argv) > 2 else "")
