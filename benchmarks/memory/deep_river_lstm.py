"""deep-river's LSTM over a rolling window, on a stream that ``benchmarks.memory`` has written; runs in an environment of its own.

    python benchmarks/memory/deep_river_lstm.py STREAM.npz WINDOW LR    # pip install deep-river

Inputs are standardised as they stream. Prints JSON: the measure over the last quarter of the rows and of all, and µs a row
for predicting and learning it.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np


def made(classes: int, inputs: int, window: int, lr: float) -> Any:
    """Return the model: an LSTM of 32 units, learned by Adam."""
    import torch
    from deep_river.classification import LSTMClassifier
    from deep_river.regression import LSTMRegressor

    torch.set_num_threads(1)
    same = {"n_features": inputs, "hidden_size": 32, "optimizer_fn": "adam", "lr": lr, "window_size": window, "seed": 1}
    if classes:
        return LSTMClassifier(n_init_classes=classes, is_class_incremental=False, **same)
    return LSTMRegressor(**same)


def main(path: str, window: int, lr: float) -> None:
    """Predict and learn each row in turn."""
    stream = np.load(path)
    X, y, classes = stream["X"], stream["y"], int(stream["classes"])
    names = [f"x{j}" for j in range(X.shape[1])]
    model = made(classes, len(names), window, lr)
    mean, spread = np.zeros(len(names)), np.ones(len(names))
    scale, centre = 1.0, 0.0
    good = np.zeros(len(y))
    began = time.process_time()
    for i, (row, answer) in enumerate(zip(X, y.tolist(), strict=True)):
        seen = i + 1
        delta = row - mean
        mean += delta / seen
        spread += delta * (row - mean)
        x = dict(zip(names, ((row - mean) / np.sqrt(spread / seen)).tolist(), strict=True))
        if classes:
            p = model.predict_proba_one(x)
            good[i] = bool(p) and max(p, key=p.__getitem__) == int(answer)
            model.learn_one(x, int(answer))
        else:
            said = float(model.predict_one(x)) * scale + centre
            good[i] = abs(said - answer)
            miss = answer - centre
            centre += miss / (i + 1)
            scale = float(np.sqrt((scale**2 * max(i, 1) + miss * (answer - centre)) / (i + 1)))
            model.learn_one(x, (answer - centre) / max(scale, 1e-9))
    spent = (time.process_time() - began) / len(y) * 1e6
    last = good[3 * len(good) // 4 :]
    about = {name: version(name) for name in ("deep-river", "torch")}
    print(json.dumps({"last": float(last.mean()), "all": float(good.mean()), "us": spent, "versions": about}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
