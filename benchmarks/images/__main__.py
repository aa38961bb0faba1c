"""LeNet-5 learns MNIST in one pass, row by row, beside PyTorch that does the same.

    python -m benchmarks.images tune     # rules and step sizes, on the last 10,000 of the 60,000 training rows
    python -m benchmarks.images run      # accuracy on the test rows, and time beside PyTorch in the same process
    python -m benchmarks.images table    # writes the table into benchmarks/README.md

It needs ``HEADWATER_DATA/mnist.npz``, and PyTorch for the time. Results go into ``results/images.json``. One thread; two minutes.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import data_file
from benchmarks.report import write
from benchmarks.results import machine, written_by
from headwater import nn

RESULTS = Path(__file__).parents[1] / "results" / "images.json"
SEEDS = (0, 1, 2)
ROUNDS, ROWS, SLOW_ROWS = 5, 4000, 800
"""Rounds of both, one after the other, and how many rows each learns in one."""
RULES: dict[str, Any] = {
    "SGD, 0.015": lambda steps: nn.SGD(nn.Cosine(0.015, steps=steps)),
    "Momentum, 0.0015": lambda steps: nn.Momentum(nn.Cosine(0.0015, steps=steps), momentum=0.9),
    "Adam, 0.001": lambda steps: nn.Adam(nn.Cosine(0.001, steps=steps)),
    "AdamW, 0.001, decay 0.01": lambda steps: nn.AdamW(nn.Cosine(0.001, steps=steps), weight_decay=0.01),
    "AdaGrad, 0.01": lambda steps: nn.AdaGrad(nn.Cosine(0.01, steps=steps)),
}
"""Each on a cosine down to 0 over the pass."""
CHOSEN = "AdamW, 0.001, decay 0.01"


def lenet() -> list[nn.layers.Layer]:
    """Return LeNet-5 with ReLU and the largest of each window, as it is usual today."""
    return [
        nn.Conv(6, 5, "relu", padding=2),
        nn.Pool(2),
        nn.Conv(16, 5, "relu"),
        nn.Pool(2),
        nn.Flatten(),
        nn.Dense(120, "relu"),
        nn.Dense(84, "relu"),
        nn.Dense(10),
    ]


def mnist() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return all 70,000 images with pixels from 0 to 1, the 60,000 for training first, and their digits."""
    with np.load(data_file("mnist.npz")) as data:
        return data["X"].astype(np.float32) / 255, data["y"].astype(np.int64)


def right(rule: str, seed: int, X: NDArray[Any], y: NDArray[Any], learn: int) -> float:
    """Return the share that is right behind the first ``learn`` rows, each of which was learned once, in order."""
    optimizer = RULES[rule](learn)
    net = nn.Network(lenet(), loss="cross_entropy", optimizer=optimizer, inputs=(1, 28, 28), seed=seed)
    net.learn_many(X[:learn], y[:learn])
    return float((net.predict(X[learn:]) == y[learn:]).mean())


def tune() -> None:
    """Print how each rule does on rows that are neither learned nor the test's."""
    X, y = mnist()
    for rule in RULES:
        print(rule, *(f"{right(rule, seed, X[:60_000], y[:60_000], 50_000):.4f}" for seed in SEEDS), flush=True)


def torch_steps(X: NDArray[np.float32], y: NDArray[np.int64]) -> Any:
    """Return what learns some rows by PyTorch in eager mode: forward, backward and a step of SGD for each."""
    import torch

    torch.set_num_threads(1)
    module = nn.Network(lenet(), loss="cross_entropy", inputs=(1, 28, 28)).to_torch(logits=True).train()
    rule, cost = torch.optim.SGD(module.parameters(), lr=0.01), torch.nn.CrossEntropyLoss()
    images, answers = torch.from_numpy(X.reshape(-1, 1, 1, 28, 28)), torch.from_numpy(y[:, None])

    def learn(rows: slice) -> None:
        for x, answer in zip(images[rows], answers[rows], strict=True):
            rule.zero_grad()
            cost(module(x), answer).backward()
            rule.step()

    return learn


def timed(X: NDArray[np.float32], y: NDArray[np.int64]) -> dict[str, Any]:
    """Return microseconds of processor time a row: the same net and rule, in rounds one after the other."""
    net = nn.Network(lenet(), loss="cross_entropy", optimizer=nn.SGD(0.01), inputs=(1, 28, 28))
    theirs = torch_steps(X, y)
    net.learn_many(X[:1000], y[:1000])
    theirs(slice(0, 200))
    own, other = [], []
    for i in range(ROUNDS):
        rows = slice(1000 + i * ROWS, 1000 + (i + 1) * ROWS)
        began = time.process_time()
        net.learn_many(X[rows], y[rows])
        between = time.process_time()
        theirs(slice(rows.start, rows.start + SLOW_ROWS))
        own.append((between - began) / ROWS * 1e6)
        other.append((time.process_time() - between) / SLOW_ROWS * 1e6)
    ratio = median(b / a for a, b in zip(own, other, strict=True))
    return {"headwater": median(own), "torch": median(other), "ratio": ratio}


def run() -> dict[str, Any]:
    """Measure accuracy and time."""
    X, y = mnist()
    shares = [right(CHOSEN, seed, X, y, 60_000) for seed in SEEDS]
    print(shares, flush=True)
    about = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": {"torch": version("torch")}}
    return {"right": shares, "us": timed(X, y)} | about


def table() -> str:
    """Return the table of the last run."""
    measured, found = list(json.loads(RESULTS.read_text(encoding="utf-8")).items())[-1]
    shares, us = found["right"], found["us"]
    each = ", ".join(f"{share:.2%}" for share in shares)
    return "\n".join(
        [
            "| LeNet-5 on MNIST, one pass, row by row | headwater | PyTorch, eager |",
            "|---|---|---|",
            f"| right on the 10,000 test rows, mean of {len(shares)} seeds | {np.mean(shares):.2%} ({each}) | |",
            f"| a step of SGD on a row | **{us['headwater']:.0f} µs** | {us['torch']:.0f} µs · {us['ratio']:.1f}× |",
            "",
            written_by("python -m benchmarks.images run", found | {"version": measured}),
        ]
    )


def main() -> None:
    """Run what the command line names."""
    what = sys.argv[1:] or ["run"]
    if what == ["tune"]:
        tune()
    elif what == ["run"]:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept = {name: one for name, one in kept.items() if name != version("headwater")} | {version("headwater"): run()}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(table())
    else:
        write(RESULTS.parents[1] / "README.md", "images", table())


if __name__ == "__main__":
    main()
