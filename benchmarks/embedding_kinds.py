"""Embeddings as a column of a bandit and an anomaly model, beside the same numbers as columns (``text=None``).

    python -m benchmarks.embedding_kinds [rows]

Made-up embeddings of 384 numbers. "near" and "far" are ten groups around directions of their own, at a noise of 6 and of 2; in
"linear" the best of four actions has the largest product with a direction of its own, and sizes fall as of principal components.
A bandit earns 1 in nine of ten cases for the best action and in one of ten for another. Of the anomaly model's rows 2 in 100 are from
a group never seen ("elsewhere") or from between two groups ("between"). Times are of the processor, of both calls.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import headwater as hw

SIZE, GROUPS = 384, 10
Array = NDArray[np.float64]


def world(name: str, rows: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Return embeddings (rows, 384) and the best action of each (rows,)."""
    rng = np.random.default_rng(seed)
    if name == "linear":
        X = rng.normal(size=(rows, SIZE)) * np.exp(-np.arange(SIZE) / 60)
        X = X @ np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
        return X, (X @ rng.normal(size=(SIZE, 4))).argmax(1)
    groups, best = rng.normal(size=(GROUPS, SIZE)), rng.integers(0, GROUPS, rows)
    return groups[best] + (6 if name == "near" else 2) * rng.normal(size=(rows, SIZE)), best


def earned(name: str, rows: int, seed: int, text: Any) -> tuple[float, float, float]:
    """Return the mean reward of the first sixth and of the last half, and µs a decision with its reward."""
    X, best = world(name, rows, 7 + seed)
    model, draw, rewards = hw.Bandit(seed=seed, text=text), np.random.default_rng(3 + seed), []
    actions, spent = list(range(int(best.max()) + 1)), 0.0
    for x, right in zip(X.tolist(), best.tolist(), strict=True):
        begun = time.process_time()
        action, p = model.act({"e": x}, actions)
        reward = float(draw.random() < (0.9 if action == right else 0.1))
        model.learn({"e": x}, action, reward, p)
        spent += time.process_time() - begun
        rewards.append(reward)
    return float(np.mean(rewards[: rows // 6])), float(np.mean(rewards[rows // 2 :])), 1e6 * spent / rows


def found(name: str, rows: int, text: Any) -> tuple[float, float]:
    """Return the AUC of an anomaly model behind its first tenth, and µs a row that is scored and learned."""
    rng = np.random.default_rng(5)
    odd, groups, own = rng.random(rows) < 0.02, rng.normal(size=(8, SIZE)), rng.integers(0, 8, rows)
    centers = groups[own]
    centers[odd] = rng.normal(size=SIZE) if name == "elsewhere" else (groups[own] + groups[(own + 1) % 8])[odd] / 2
    model, scores, spent = hw.Anomaly(seed=1, text=text), [], 0.0
    for x in (centers + 1.5 * rng.normal(size=(rows, SIZE))).tolist():
        begun = time.process_time()
        scores.append(model.score_one({"e": x}))
        model.learn_one({"e": x})
        spent += time.process_time() - begun
    return float(roc_auc_score(odd[rows // 10 :], scores[rows // 10 :])), 1e6 * spent / rows


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    for text in ("auto", None):
        for name in ("far", "near", "linear"):
            first, last, us = np.mean([earned(name, rows, seed, text) for seed in range(3)], 0)
            print(f"bandit  {text!s:5} {name:9} first {first:.3f}  last {last:.3f}  {us:6.1f} µs")
        for name in ("elsewhere", "between"):
            auc, us = found(name, rows, text)
            print(f"anomaly {text!s:5} {name:9} AUC {auc:.3f}  {us:6.1f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
