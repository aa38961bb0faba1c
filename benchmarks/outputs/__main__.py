"""Learn two streams of several answers a row beside River's chains: ``python -m benchmarks.outputs``.

Each row is predicted, scored by River's metrics, then learned, one at a time. headwater takes rows as they are; River's bases get
standardised numbers and one column a category. What is measured stands in ``benchmarks/results/outputs.json``, from where the table
in benchmarks/README.md is written. Both data sets stand in River's package.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import river

import headwater
from benchmarks import results
from benchmarks.again import noted, scored
from benchmarks.outputs.learners import LEARNERS, STREAMS, rows, scores_of
from benchmarks.report import write

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "outputs.json"
SEEDS = 3
"""Seeds of headwater; its figures are their means. The chain that draws has the first of them."""
LARGER_IS_BETTER = {"mae": False, "rmse": False, "exact_match": True, "micro_jaccard": True, "micro_f1": True}
OURS = "`hw."
"""What headwater's learners are called at the beginning."""
PATIENCE_S = 300.0
"""CPU seconds that one pass may take, by its first twenty rows."""


def measure(stream: str, make: Any, seed: int) -> dict[str, float]:
    """Predict, score, then learn each row; return scores and CPU time a row. A row of which not all is predicted is not scored."""
    pairs, metrics, model = rows(stream), scores_of(stream), make(seed)
    spent = 0.0
    for i, (x, y) in enumerate(pairs):
        started = time.process_time()
        said = model.predict_one(x)
        model.learn_one(x, y)
        spent += time.process_time() - started
        if i == 20 and spent / 20 * len(pairs) > PATIENCE_S:
            return {"ms_per_row": round(spent / 20 * 1e3, 3)}
        if set(said) >= set(y) and None not in said.values():
            for metric in metrics.values():
                metric.update(y, said)
    found = {name: round(metric.get(), 4) for name, metric in metrics.items()}
    return found | {"ms_per_row": round(spent / len(pairs) * 1e3, 3)}


def over_seeds(stream: str, name: str) -> dict[str, float]:
    """Return the means of a learner's figures over its seeds."""
    seeds = SEEDS if name.startswith(OURS) else 1
    found = [measure(stream, LEARNERS[stream][name], seed) for seed in range(seeds)]
    return {key: round(sum(one[key] for one in found) / seeds, 4) for key in found[0]}


def render(whole: dict[str, Any]) -> str:
    """Return a table for each stream in Markdown, the best figures in bold."""
    lines = []
    for stream, about in STREAMS.items():
        entries: dict[str, dict[str, float]] = whole["entries"][stream]
        names = list(scores_of(stream))
        lines += [f"| {stream}: {about} | " + " | ".join(n.replace("_", " ") for n in names) + " | ms a row |"]
        lines += ["|---" * (len(names) + 2) + "|"]
        best = {n: (max if LARGER_IS_BETTER[n] else min)(e[n] for e in entries.values() if n in e) for n in names}
        for name, entry in entries.items():
            cells = ["too slow" if n not in entry else f"{entry[n]:.4f}" for n in names]
            cells = [f"**{cell}**" if entry.get(n) == best[n] else cell for n, cell in zip(names, cells, strict=True)]
            lines.append(f"| {name} | " + " | ".join(cells) + f" | {entry['ms_per_row']:.2f} |")
        lines.append("")
    versions = ", ".join(f"{name} {version}" for name, version in whole["versions"].items())
    seeds = f"headwater: means of {SEEDS} seeds; too slow: more than {PATIENCE_S:g} s"
    note = f"{whole['date']}, one core of {whole['machine']['cpu']}; {versions}; {seeds}."
    return "\n".join([*lines, f"Written by `python -m benchmarks.outputs`: {note}{noted(whole)}"])


def score_again(kept: dict[str, Any]) -> dict[str, Any]:
    """Return results with headwater's scores measured anew; times and rivals stay."""
    own = {stream: [name for name in LEARNERS[stream] if name.startswith(OURS)] for stream in STREAMS}
    fresh = {stream: {name: over_seeds(stream, name) for name in names} for stream, names in own.items()}
    versions = kept["versions"]
    whole = scored(kept | {"version": versions["headwater"]}, fresh)
    return whole | {"versions": versions | {"headwater": whole.pop("version")}}


def save(whole: dict[str, Any]) -> None:
    """Write the file and the table."""
    RESULTS.write_text(results.lines(whole))
    write(ROOT / "benchmarks" / "README.md", "outputs", render(whole))


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outputs", description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="run what has results, too")
    parser.add_argument("--scores", action="store_true", help="measure headwater's scores anew and keep all times")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    if options.scores:
        save(score_again(json.loads(RESULTS.read_text())))
        return 0
    kept = {} if options.again or not RESULTS.is_file() else json.loads(RESULTS.read_text())
    known = kept.get("entries", {})
    entries: dict[str, Any] = {}
    for stream in STREAMS:
        entries[stream] = {}
        for name in LEARNERS[stream]:
            entries[stream][name] = known.get(stream, {}).get(name) or over_seeds(stream, name)
            print(stream, name, entries[stream][name], flush=True)
    if entries == known:
        save(kept)
        return 0
    versions = {"headwater": headwater.__version__, "river": river.__version__, "numpy": np.__version__}
    whole = {"date": time.strftime("%Y-%m-%d"), "versions": versions, "machine": results.machine(), "entries": entries}
    save(kept | whole)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
