"""Learners of each kind that learn the most extreme rows which are accepted: all that they reach can be saved, and goes on to the same bits.

``python extremes.py FIRST STOP`` tries the seeds FIRST to STOP − 1 and prints what went wrong.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import headwater as hw
from headwater import nn
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import unseal

FARTHEST = sys.float_info.max
VALUES: tuple[Any, ...] = (
    *(
        1e308,
        -1e308,
        FARTHEST,
        -FARTHEST,
        5e-324,
        -5e-324,
        1e-310,
        1e-45,
        3.4e38,
        -3.4e38,
        1e30,
        -1e30,
        1e31,
        1e19,
        1e12,
    ),
    *(0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, None, 2**63, 2**1023, 10**400, "x", "", "1e308", True),
)
COLUMNS = "abcde"
Rng = np.random.Generator
STYLES: tuple[Callable[[Rng], Any], ...] = (
    lambda rng: VALUES[rng.integers(len(VALUES))],
    lambda rng: 1e308,
    lambda rng: None,
    lambda rng: float(rng.choice([5e-324, 1e-310, -1e-320, 0.0])),
    lambda rng: 7.0,
    lambda rng: float(rng.choice([1e308, -1e308])),
    lambda rng: float(10.0 ** rng.integers(-320, 308)) * float(rng.choice([-1, 1])),
    lambda rng: float(rng.choice([1e30, -1e30, 0])),
    lambda rng: float(rng.normal()) if rng.random() < 0.9 else VALUES[rng.integers(len(VALUES))],
)
"""What a value is: anything, the largest, a gap, denormals, a constant, …, and ordinary ones with a few of these."""
ANSWERS: tuple[tuple[float, ...], ...] = (
    (1e30, -1e30),
    (5e-324, 1e-310, 0.0),
    (3.0,),
    (1e30, -1e30, 1e-300, 1e15, 0.5),
)
WEIGHTS = (1.0, 1e15, 1e-300, 5e-324, 0.0, 0.5)
RULES = (
    nn.SGD(0.1),
    nn.Adam(0.01),
    nn.AdaGrad(0.1),
    nn.RMSProp(0.003),
    nn.Momentum(0.1),
    nn.FTRL(0.1),
    nn.COCOB(),
    nn.AdamW(0.1),
)


def row(rng: Rng, style: int) -> dict[str, Any]:
    value = STYLES[style]
    return {name: value(rng) for name in COLUMNS}


def number(rng: Rng, style: int) -> float:
    if rng.random() < 0.3:
        return float(rng.normal())
    return float(rng.choice(ANSWERS[style % len(ANSWERS)]))


def settings(rng: Rng) -> dict[str, Any]:
    """Of a pool, or of one net with any rule."""
    found: dict[str, Any] = {
        "dtype": str(rng.choice(["float32", "float64"])),
        "label_history": bool(rng.random() < 0.4),
    }
    if rng.random() < 0.6:
        found |= {"hidden": (4,), "optimizer": RULES[rng.integers(len(RULES))], "scale": bool(rng.random() < 0.6)}
    return found


def _fleet(kind: Any) -> Callable[[Rng], Any]:
    return lambda rng: hw.Fleet(lambda: kind(hidden=(4,), seed=1), key="key")


KINDS: dict[str, Callable[[Rng], Any]] = {
    "classify": lambda rng: hw.Classifier(seed=1, **settings(rng)),
    "regress": lambda rng: hw.Regressor(seed=1, **settings(rng)),
    "anomaly": lambda rng: hw.Anomaly(seed=1, neighbours=10, hidden=3),
    "forecast": lambda rng: hw.Forecaster(horizon=3, season=4, lags=4),
    "decide": lambda rng: hw.Bandit(hidden=4),
    "control": lambda rng: hw.Agent(2, hidden=4, explore=20),
    "control of numbers": lambda rng: hw.Agent(((-1.0, 1.0),), hidden=4, adaptive=True),
    "outputs": lambda rng: hw.MultiOutput(),
    "fleet of classifiers": _fleet(hw.Classifier),
    "fleet of regressors": _fleet(hw.Regressor),
    "text": lambda rng: hw.Classifier(text={"t": "bigrams"}, seed=1),
    "memory": lambda rng: hw.Classifier(memory=3, by="b", memory_keys=5, experts=[nn.Expert(optimizer=nn.SGD(0.1))]),
}


def learn(model: Any, kind: str, rng: Rng, style: int) -> None:
    x, y, label, w = row(rng, style), number(rng, style), int(rng.integers(3)), float(rng.choice(WEIGHTS))
    if kind in ("classify", "memory"):
        model.learn_one(x, label, w)
    elif kind == "text":
        model.learn_one(x | {"t": " ".join(rng.choice(["a", "b", "\0", "é" * 50], 5))}, label, w)
    elif kind == "regress":
        model.learn_one(x, y, w)
    elif kind == "anomaly":
        model.learn_one(x)
    elif kind == "forecast":
        model.learn_one(None if style == 2 and label else y, x if label else None)
    elif kind == "decide":
        model.learn(x, "abc"[label], y, float(rng.choice([1.0, 1e-300, 5e-324])))
    elif kind.startswith("control"):
        action = label % 2 if kind == "control" else [0.5]
        model.learn(x, action, y, row(rng, style), terminated=bool(rng.random() < 0.05))
    elif kind == "outputs":
        model.learn_one(x, {"label": "pq"[label % 2], "number": y})
    else:
        model.learn_one(x | {"key": label}, y if kind.endswith("regressors") else label, w)


def said(model: Any, kind: str, rng: Rng, style: int) -> list[float]:
    """Numbers that a learner predicts."""
    x = row(rng, style)
    if kind == "anomaly":
        return [model.score_one(x)]
    if kind == "forecast":
        return list(model.forecast(3, [x] * 3))
    if kind == "decide":
        return list(model.probabilities(x, list("abc")).values())
    if kind.startswith("control"):
        return [float(value) for value in np.ravel(model.act(x, False))]
    if kind == "outputs":
        return [value for value in model.predict_one(x).values() if isinstance(value, float)]
    if kind.startswith("fleet"):
        x |= {"key": 1}
    return (
        [model.predict_one(x)]
        if kind.startswith("regress") or kind.endswith("regressors")
        else list(model.predict_proba_one(x).values())
    )


def state(model: Any) -> tuple[str, dict[str, bytes]]:
    """All that a file of a learner holds."""
    saved = unseal(to_bytes(model), "memory")
    header = {name: value for name, value in saved.header.items() if name != "sha256"}
    return json.dumps(header, sort_keys=True), {name: array.tobytes() for name, array in saved.arrays.items()}


def problem(seed: int) -> str:
    """What went wrong with a learner of extremes, or the empty string."""
    rng, kind = np.random.default_rng(seed), list(KINDS)[seed % len(KINDS)]
    style, rows, model = int(rng.integers(len(STYLES))), int(rng.choice([1, 3, 20, 80, 250])), KINDS[kind](rng)
    for _ in range(rows):
        learn(model, kind, rng, style if rng.random() < 0.9 else len(STYLES) - 1)
    again, before = from_bytes(to_bytes(model), "memory"), state(model)
    if state(again) != before:
        return f"{seed}, {kind}: it came back as another"
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    for _ in range(4):
        here, there = said(model, kind, one, style), said(again, kind, other, style)
        if not all(map(math.isfinite, here)):
            return f"{seed}, {kind}: it predicts {here}"
        if here != there:
            return f"{seed}, {kind}: it predicts {there}, not {here}"
        learn(model, kind, one, style)
        learn(again, kind, other, style)
    return "" if state(again) == state(model) else f"{seed}, {kind}: it learned something else"


def main(first: int, stop: int) -> int:
    warnings.simplefilter("ignore")
    wrong = 0
    for seed in range(first, stop):
        try:
            found = problem(seed)
        except Exception as error:  # noqa: BLE001 - what is looked for
            found = f"{seed}, {list(KINDS)[seed % len(KINDS)]}: {type(error).__name__}: {error}"
        if found:
            wrong += 1
            print(found, flush=True)
    print(f"{stop - first:,} learners, {wrong} with something wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
