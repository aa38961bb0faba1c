"""Overfitting, and what helps: L1, L2, dropout, early stopping, a smaller net.

Sixty noisy rows and a net with 4,609 numbers to learn: in the end it has learned them by heart, noise included. Each
remedy is tried by itself. What counts is the loss on 1,000 rows that were never learned; the noise alone costs 1.
"""

from typing import Any

import numpy as np

from headwater import nn

rng = np.random.default_rng(0)


def rows(n):
    """Five inputs of which two matter, and an answer with noise."""
    X = rng.normal(size=(n, 5))
    return X, np.tanh(X[:, 0]) - X[:, 1] + rng.normal(size=n)


X, y = rows(60)
fresh = rows(1_000)
held_back = rows(60)  # for early stopping: never learned, but looked at


def fit(units=(64, 64), dropout=0.0, early_stopping=None, **penalty):
    """Learn, and return the mean squared error on the learned rows and on fresh ones."""
    layers = []
    for m in units:
        layers += [nn.Dense(m, "tanh"), nn.Dropout(dropout)]
    net = nn.Network([*layers, nn.Dense(1)], loss="mse", optimizer=nn.Adam(0.003), dtype="float64", seed=1, **penalty)
    net.fit(X, y, epochs=1_000, validation=held_back, early_stopping=early_stopping)
    return [((net.predict(A) - b) ** 2).mean() for A, b in ((X, y), fresh)]


print(f"{'':<16}{'learned':>8}{'fresh':>8}")
REMEDIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "L1": {"l1": 0.02},
    "L2": {"l2": 0.1},
    "dropout": {"dropout": 0.5},
    "early stopping": {"early_stopping": nn.EarlyStopping(patience=50)},
    "a smaller net": {"units": (2,)},
}
for name, how in REMEDIES.items():
    learned, new = fit(**how)
    print(f"{name:<16}{learned:>8.3f}{new:>8.3f}")
