"""A set of small runs over every op, loss, rule and path: what ``kernels/test_compiled_equals_plain.py`` runs twice.

Called as a script (with HEADWATER_JIT=0) it writes the arrays to a file: ``python runs.py OUT.npz``.
"""

from __future__ import annotations

import sys

import numpy as np

from headwater import nn
from headwater.kernels._op import LOSSES

RULES = [kind() for name, kind in nn.OPTIMIZERS.items() if name != "ftrl"] + [nn.FTRL(0.1, l1=0.01, l2=0.01)]
STACKS = {
    "layer_norm": [nn.Dense(5), nn.LayerNorm(), nn.Activation("relu"), nn.LayerNorm(affine=False), nn.Dense(2)],
    "batch_norm": [nn.Dense(5, bias=False), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(2)],
    "dropout": [nn.Dense(5, "relu"), nn.Dropout(0.3), nn.Dense(2)],
    "embedding": [nn.Embedding(9, 4), nn.Dense(2)],
    "wide": [nn.Dense(21, "relu"), nn.Dense(17, "relu"), nn.Dense(1)],
}


def learn(net: nn.Network, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """All paths of a net: forward, loss, gradients, a batch fit, rows; and all that learning changed."""
    program = net.program
    out = [net.forward(X), np.array(net.loss(X, y)), net.gradients(X, y)]
    net.fit(X, y, epochs=2, batch_size=8)
    out += [net.learn_many(X, y)]
    return [*out, program.p, program.s, program.buf, program.run, program.touched[: program.rows], program.rng]


def runs() -> dict[str, np.ndarray]:
    """Return every array of every run by name."""
    found: dict[str, np.ndarray] = {}
    for dtype in ("float64", "float32"):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
        X[rng.random(X.shape) < 0.2] = 0
        classes, ids = rng.integers(0, 3, 24), rng.integers(0, 9, (24, 2))
        nets: dict[str, tuple[nn.Network, np.ndarray, np.ndarray]] = {}
        for f in nn.ACTIVATIONS:
            nets[f] = nn.Network([nn.Dense(4, f), nn.Dense(2)], dtype=dtype, seed=1, inputs=3), X, y
        for name, layers in STACKS.items():
            n = layers[-1].units
            net = nn.Network(layers, optimizer=nn.Adam(0.01), dtype=dtype, l1=0.01, l2=0.1, seed=1, inputs=3)
            nets[name] = (net, ids.astype(float) if name == "embedding" else X, y[:, :n])
            if name == "embedding":
                net.build(2)
        for loss in LOSSES:
            k = 3 if loss in ("cross_entropy", "hinge") else 2
            target = classes if k == 3 else (y > 0) * 1.0 if loss == "binary_cross_entropy" else np.abs(y)
            layers = [nn.Dense(4, "tanh"), nn.Dense(k)]
            nets[loss] = nn.Network(layers, loss=loss, dtype=dtype, clip_norm=0.5, inputs=3), X, target
        for rule in RULES:
            layers = [nn.Dense(4, "tanh"), nn.Dense(2)]
            nets[rule.rule.name] = nn.Network(layers, optimizer=rule, dtype=dtype, clip_value=0.3, inputs=3), X, y
        for name, (net, x, target) in nets.items():
            for i, array in enumerate(learn(net, x, target)):
                found[f"{dtype} {name} {i}"] = np.array(array)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **runs())
