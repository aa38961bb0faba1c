"""What differential privacy costs: accuracy and AUC of private learners beside the same model without noise and the default pool.

    python -m benchmarks.privacy                 # both streams, three seeds: ten minutes
    python -m benchmarks.privacy audits          # how often audits refute promises that are kept, and some that aren't: two minutes
    python -m benchmarks.privacy table           # the tables of the guide on forgetting, from the result files

Bounds are round numbers from what the columns mean. "no noise" is the private model with its noise taken away.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.report import write_guides
from benchmarks.results import entries_in, keep_entries, written_by
from benchmarks.units import stream
from headwater import Privacy, privacy

WEATHER = {
    "Temperature": (-40, 120),
    "DewPoint": (-40, 100),
    "SeaLevelPressure": (950, 1050),
    "Visibility": (0, 20),
    "AverageWindSpeed": (0, 50),
    "MaximumSustainedWindSpeed": (0, 80),
    "MaximumTemperature": (-40, 130),
    "MinimumTemperature": (-50, 110),
}
ELEC2 = {
    **dict.fromkeys(("date", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"), (0, 1)),
    "day": (1, 7),
}
BOUNDS: dict[str, dict[str, Any]] = {"elec2": ELEC2, "weather": WEATHER}
PROMISES = (8.0, 3.0, 1.0)
STREAMS = {"weather": "weather", "elec2": "elec2, which drifts"}
RESULTS = Path(__file__).parent / "results" / "privacy.json"
AUDITS = RESULTS.with_name("audits.json")
WORLDS = {
    "kept": (1.0, 1),
    "noise too small by a factor of 1.2": (1 / 1.2, 1),
    "noise too small by a factor of 1.5": (1 / 1.5, 1),
    "half of the noise": (0.5, 1),
    "rows replayed four times and counted once": (1.0, 4),
}
"""By what is wrong with it, the share of a private learner's noise that is added, and how often it takes each row."""
PAGES = ("docs/how-to/forget.md", "docs/zh/how-to/forget.md")


def auc(p: Any, y: Any) -> float:
    """Return the share of pairs of both classes that are ranked right."""
    order = np.sort(p[y == 0])
    below, up_to = (np.searchsorted(order, p[y == 1], side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(order))


def scored(model: Any, X: list[dict[str, Any]], y: list[str], classes: list[str]) -> tuple[float, float, float]:
    """Return accuracy and AUC in %, and microseconds of processor a row."""
    began = time.process_time()
    said = model.step_many(X, y)
    spent = time.process_time() - began
    proba, truth = np.asarray(said.proba), np.array(y) == classes[1]
    column = list(said.classes).index(classes[1])
    right = np.mean(np.array([str(label) for label in said.y_pred]) == np.array(y))
    return 100 * float(right), 100 * auc(proba[:, column], truth), 1e6 * spent / len(X)


def measure(name: str, rows: int, seeds: int) -> dict[str, Any]:
    """Return an entry a learner of a stream: means over seeds, which the default pool does without."""
    X, _, y = stream(name, rows)
    classes, found = sorted(set(y)), {}
    made = {"default pool": lambda: hw.Classifier(seed=1)}
    for epsilon in PROMISES:
        promise = Privacy(epsilon=epsilon, bounds=BOUNDS[name], classes=classes)
        made[f"epsilon {epsilon:g}"] = lambda promise=promise: hw.Classifier(privacy=promise)
    for label, make in made.items():
        private = label != "default pool"
        found[f"{name}/{label}"] = entry(
            [scored(make(), X, y, classes) for _ in range(seeds if private else 1)], len(X)
        )
        if private:
            quiet = make()
            quiet.engine.noise_scale = 0.0
            found[f"{name}/{label}, no noise"] = entry([scored(quiet, X, y, classes)], len(X))
    return found


def entry(found: list[tuple[float, float, float]], rows: int) -> dict[str, Any]:
    """Return the means of runs as an entry of the result file."""
    accuracy, area, us = np.mean(found, axis=0).tolist()
    return {"rows": rows, "runs": len(found), "accuracy": round(accuracy, 3), "auc": round(area, 3), "us": round(us, 1)}


def audited(seed: int, noise: float, times: int, canaries: int = 1000) -> bool:
    """Return whether an audit refutes ε = 3 of a learner that adds a share of its noise and takes each row so many times."""

    def make() -> Any:
        promise = Privacy(
            epsilon=3, clip=0.3, classes=("a", "b"), intercept=False, buckets=2 * canaries, rows_per_step=1
        )
        model = hw.Classifier(privacy=promise)
        model.engine.noise_scale *= noise
        take = model.engine.take
        model.engine.take = lambda *row: [take(*row) for _ in range(times)]
        return model

    return privacy.audit(make, canaries=canaries, seed=seed).refuted


def measure_audits(runs: int) -> None:
    """Keep how many of so many audits refute each learner."""
    found = {name: sum(audited(seed, *how) for seed in range(runs)) for name, how in WORLDS.items()}
    keep_entries(AUDITS, {name: {"audits": runs, "refuted": refuted} for name, refuted in found.items()})


def audits_table(whole: dict[str, Any]) -> str:
    """Return the shares of audits that refute as Markdown, a learner a row."""
    lines = ["| ε = 3, audited by 1,000 canaries of one run | refuted |", "|---|---|"]
    for name in WORLDS:
        entry = whole["entries"][name]
        lines.append(f"| {name} | {entry['refuted']} of {entry['audits']} |")
    return "\n".join([*lines, "", written_by("python -m benchmarks.privacy audits", whole)])


def table(whole: dict[str, Any]) -> str:
    """Return accuracies as Markdown, a stream a row."""
    columns = ("default pool", "epsilon 1, no noise", *(f"epsilon {epsilon:g}" for epsilon in PROMISES))
    titles = ("default pool", "private model without noise", *(f"ε = {epsilon:g}" for epsilon in PROMISES))
    lines = [f"| accuracy, % | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for name, title in STREAMS.items():
        cells = [f"{whole['entries'][f'{name}/{column}']['accuracy']:.1f}" for column in columns]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", written_by("python -m benchmarks.privacy", whole)])


def main(*given: str) -> None:
    """Measure both streams, or the audits, unless the tables alone are asked for, and write them into the guides."""
    if given[:1] == ("audits",):
        measure_audits(*(int(one) for one in given[1:] or ("40",)))
    elif given != ("table",):
        for name in BOUNDS:
            found = measure(name, *(int(one) for one in given or ("45312", "3")))
            print(*found.items(), sep="\n", flush=True)
            keep_entries(RESULTS, found)
    write_guides(PAGES, "privacy", table(entries_in(RESULTS)))
    write_guides(PAGES, "audits", audits_table(entries_in(AUDITS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
