"""What a reaction to drift is worth: the same streams, learned with each policy and with none.

    python -m benchmarks.trials.drift [ROWS] [SEEDS]

Three kinds of drift over RBF-like classes made here (10 numbers, 2 classes, 10 % of the labels wrong):

- abrupt: a new concept at each fifth of the stream;
- gradual: the same, but over a tenth of the stream rows come from the old and the new concept, more and more from the new;
- recurring: two concepts in turn, six times.

A concept is a random net of 10-16-1 (tanh); the label is on which side of its median the net's answer lies. Printed: prequential
accuracy in percent, mean over the seeds, for the default pool and for a single net; and the events.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import headwater as hw
from headwater.route.drift import DriftWatch
from headwater.route.policies import Policy, Reinitialise, Replay, ShareUp, StepUp
from headwater.route.session import Session

KINDS = ("abrupt", "gradual", "recurring", "none")
POLICIES: dict[str, tuple[Policy, ...]] = {
    "nothing": (),
    "share up": (ShareUp(),),
    "step up ×3": (StepUp(3.0, 1000),),
    "replay 300": (Replay(300),),
    "worst anew": (Reinitialise(),),
    "all anew": (Reinitialise("all"),),
}
MODELS: dict[str, dict[str, Any]] = {"pool": {}, "one net": {"hidden": (32,)}}


def concept(rng: np.random.Generator) -> Any:
    """Return a function from X (n, 10) to labels (n,)."""
    w, b, v = rng.normal(size=(10, 16)), rng.normal(size=16), rng.normal(size=16)
    median = np.median(np.tanh(rng.normal(size=(4000, 10)) @ w + b) @ v)
    return lambda X: np.tanh(X @ w + b) @ v > median


def stream(kind: str, n: int, seed: int) -> tuple[np.ndarray, list[bool]]:
    """Return X (n, 10) and labels."""
    rng = np.random.default_rng(seed)
    concepts = [concept(rng) for _ in range(5)]
    X = rng.normal(size=(n, 10))
    at = np.arange(n) / n
    if kind == "recurring":
        which = (at * 6).astype(int) % 2
    elif kind == "none":
        which = np.zeros(n, int)
    else:
        which = (at * 5).astype(int)
        if kind == "gradual":
            since = at * 5 - which  # from 0 to 1 within a concept; over its first half the old one still appears
            which = np.where((which > 0) & (rng.random(n) > 2 * since), which - 1, which)
    y = np.empty(n, bool)
    for k, label in enumerate(concepts):
        y[which == k] = label(X[which == k])
    return X, (y ^ (rng.random(n) < 0.1)).tolist()


def cells(n: int, seeds: int) -> Iterator[tuple[str, str, str, float, float, float]]:
    """Yield kind, model, policy, accuracy, its deviation between seeds, events a stream."""
    for kind in KINDS:
        data = [stream(kind, n, seed) for seed in range(seeds)]
        for name, settings in MODELS.items():
            for policy, adapt in POLICIES.items():
                scores, events = [], 0
                for seed, (X, y) in enumerate(data):
                    told: list[Any] = []
                    session = Session(
                        hw.Classifier(seed=seed, **settings),
                        watch=DriftWatch(),
                        adapt=adapt,
                        on_record=told.append,
                        every=1000,
                    )
                    session.step(X, y)
                    scores.append(session.finish().scores["accuracy"])
                    events += sum(e.kind == "drift_detected" for record in told for e in record.events)
                yield kind, name, policy, 100 * float(np.mean(scores)), 100 * float(np.std(scores)), events / seeds


def main() -> None:
    """Print a table as Markdown."""
    n, seeds = (int(arg) for arg in (sys.argv[1:] + ["20000", "5"][len(sys.argv) - 1 :]))
    table: dict[tuple[str, str], dict[str, str]] = {}
    for kind, name, policy, mean, spread, events in cells(n, seeds):
        table.setdefault((kind, name), {})[policy] = f"{mean:.2f} ({events:.1f})"
        print(f"{kind} {name} {policy}: {mean:.2f} ± {spread:.2f}, {events:.1f} events", file=sys.stderr, flush=True)
    print(f"| drift, model | {' | '.join(POLICIES)} |\n|{'---|' * (len(POLICIES) + 1)}")
    for (kind, name), row in table.items():
        print(f"| {kind}, {name} | {' | '.join(row[policy] for policy in POLICIES)} |")


if __name__ == "__main__":
    main()
