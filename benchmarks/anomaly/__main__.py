"""Measure how well anomalies are found, on thirteen public sets: ``python -m benchmarks.anomaly``.

Each learner walks over each set in a process of its own. What is done stands in ``benchmarks/results/anomaly.json`` and is not
run again without ``--again``. In the end the table is written into the pages that have markers for it.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.again import NotScoredError, scored
from benchmarks.anomaly.sets import SETS
from benchmarks.anomaly.table import render
from benchmarks.data import DataMissingError, data_file
from benchmarks.process import RivalMissingError, build, environment, python_of
from benchmarks.report import in_chinese, write
from benchmarks.results import entries_in, keep_entry, write_entries
from benchmarks.rivals import Rival

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "anomaly.json"
PAGES = ("benchmarks/README.md", "docs/how-to/anomalies.md", "docs/zh/how-to/anomalies.md")
PATIENCE_S = 3600.0
FIGURES = ("auc", "average_precision", "us_per_row")
SEEDS = {"headwater": 5}
"""Learners that are measured with several seeds, from 0 on; the others with 0."""

LEARNERS = {
    rival.name: rival
    for rival in (
        Rival("headwater", "`hw.Anomaly()`", "ours", None, "headwater"),
        Rival("z-norm", "z-norm", "z_norm", None, "numpy"),
        Rival("river-hst", "River HalfSpaceTrees", "river_detectors", "river", "river"),
        Rival("river-loda", "River LODA", "river_detectors", "river", "river"),
        Rival("moa-hst", "CapyMOA HalfSpaceTrees", "moa_detectors", "capymoa", "capymoa"),
        Rival("moa-oif", "CapyMOA OnlineIsolationForest", "moa_detectors", "capymoa", "capymoa"),
    )
}


def measure(rival: Rival, name: str, seed: int) -> dict[str, Any]:
    """Run one learner on one set in a process of its own; one that dies has an error for an entry."""
    command = [str(python_of(rival)), "-m", "benchmarks.anomaly.one", rival.module, rival.name, name, str(seed)]
    own = environment() | ({} if rival.env else {"PYTHONPATH": str(ROOT / "src")})
    try:
        done = subprocess.run(
            command, env=own, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not finished within {PATIENCE_S:g} s"}
    if done.returncode or not done.stdout.strip():
        words = done.stderr.strip().splitlines()
        return {"error": words[-1][:300] if words else "the process died in silence"}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def over_seeds(rival: Rival, name: str) -> dict[str, Any]:
    """Run one learner on one set with its seeds; figures are their means."""
    answers = [measure(rival, name, seed) for seed in range(SEEDS.get(rival.name, 1))]
    for answer in answers:
        if "error" in answer:
            return answer
    means = {key: round(sum(a[key] for a in answers) / len(answers), 3) for key in FIGURES}
    return answers[0] | means | {"auc_by_seed": [a["auc"] for a in answers]}


def score_again() -> int:
    """Measure headwater's scores anew and write the table; return 0, or 1 if one failed."""
    try:
        fresh = {f"headwater/{name}": over_seeds(LEARNERS["headwater"], name) for name in SETS}
        write_entries(RESULTS, scored(entries_in(RESULTS), fresh))
    except NotScoredError as error:
        print(error, file=sys.stderr)
        return 1
    write_tables()
    return 0


def write_tables() -> None:
    """Write the table into the pages that have markers for it."""
    for page in PAGES:
        table = render(entries_in(RESULTS), {rival.name: rival.title for rival in LEARNERS.values()})
        write(ROOT / page, "anomaly", in_chinese(table) if "/zh/" in page else table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing and write the table; return 0, 1 if a learner failed, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomaly", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=["*"], metavar="LEARNER/SET", help="what to run; * and ? match")
    parser.add_argument("--again", action="store_true", help="run what has results, too")
    parser.add_argument("--scores", action="store_true", help="measure headwater's scores anew and keep all times")
    options = parser.parse_args(argv)
    if options.scores:
        return score_again()
    known = entries_in(RESULTS)["entries"]
    wanted = [
        (rival, name)
        for rival in LEARNERS.values()
        for name in SETS
        if any(fnmatch.fnmatchcase(f"{rival.name}/{name}", pattern) for pattern in options.only)
        and (options.again or "auc" not in known.get(f"{rival.name}/{name}", {}))
    ]
    failed = False
    try:
        for name in {name for _, name in wanted}:
            data_file(f"anomaly/{name}.npz")
        build(rival for rival, _ in wanted)
    except (DataMissingError, RivalMissingError) as error:
        print(error, file=sys.stderr)
        return 2
    for rival, name in wanted:
        answer = over_seeds(rival, name)
        keep_entry(RESULTS, f"{rival.name}/{name}", answer)
        failed = failed or "error" in answer
        said = answer.get("error") or f"AUC {answer['auc']:.1f}  {answer['us_per_row']:.1f} µs a row"
        print(f"{rival.name}/{name}: {said}", flush=True)
    write_tables()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
