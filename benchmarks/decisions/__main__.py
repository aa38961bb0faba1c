"""Play six supervised streams as bandits, in coba's harness: ``python -m benchmarks.decisions``.

Each learner plays each stream in a process of its own, all in one environment, headwater from this checkout. What is done stands
in ``benchmarks/results/decisions.json`` and is not run again without ``--again``. In the end the table is written into its pages.
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
from benchmarks.decisions.streams import STREAMS
from benchmarks.decisions.table import render
from benchmarks.process import RivalMissingError, build, environment, python_of
from benchmarks.report import in_chinese, write
from benchmarks.results import entries_in, keep_entry, write_entries
from benchmarks.rivals import Rival

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "decisions.json"
PAGES = ("benchmarks/README.md", "docs/how-to/decisions.md", "docs/zh/how-to/decisions.md")
PATIENCE_S = 3600.0
SEEDS = {"headwater": 5}
"""Learners that play with several seeds, from 0 on; the others with 0."""
LEARNERS = {
    rival.name: rival
    for rival in (
        Rival("headwater", "`hw.Bandit()`", "learners", "coba", "headwater"),
        Rival("linucb-0.3", "LinUCB α 0.3", "learners", "coba", "numpy"),
        Rival("linucb-1", "LinUCB α 1", "learners", "coba", "numpy"),
        Rival("vw-squarecb", "VW `--squarecb`", "learners", "coba", "vowpalwabbit"),
        Rival("vw-epsilon", "VW `--epsilon 0.05`", "learners", "coba", "vowpalwabbit"),
        Rival("vw-nn", "VW `--epsilon 0.05 --nn 32`", "learners", "coba", "vowpalwabbit"),
        Rival("vw-bag", "VW `--bag 5`", "learners", "coba", "vowpalwabbit"),
        Rival("random", "random", "learners", "coba", "coba"),
    )
}


def measure(rival: Rival, stream: str, seed: int) -> dict[str, Any]:
    """Let one learner play one stream in a process of its own; one that dies has an error for an entry."""
    command = [str(python_of(rival)), "-m", "benchmarks.decisions.one", rival.name, stream, str(seed)]
    own = environment() | {"PYTHONPATH": str(ROOT / "src")}
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


def over_seeds(rival: Rival, stream: str) -> dict[str, Any]:
    """Play one stream with a learner's seeds; figures are their means."""
    answers = [measure(rival, stream, seed) for seed in range(SEEDS.get(rival.name, 1))]
    for answer in answers:
        if "error" in answer:
            return answer
    means = {key: round(sum(a[key] for a in answers) / len(answers), 3) for key in ("reward", "us_per_row")}
    return answers[0] | means | {"reward_by_seed": [a["reward"] for a in answers]}


def score_again() -> int:
    """Measure headwater's scores anew and write the table; return 0, or 1 if one failed."""
    try:
        build([LEARNERS["headwater"]])
        fresh = {f"headwater/{stream}": over_seeds(LEARNERS["headwater"], stream) for stream in STREAMS}
        write_entries(RESULTS, scored(entries_in(RESULTS), fresh))
    except (NotScoredError, RivalMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    write_tables()
    return 0


def write_tables() -> None:
    """Write the table into the pages that have markers for it."""
    for page in PAGES:
        table = render(entries_in(RESULTS), {rival.name: rival.title for rival in LEARNERS.values()})
        write(ROOT / page, "decisions", in_chinese(table) if "/zh/" in page else table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing and write the table; return 0, 1 if a learner failed, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=["*"], metavar="LEARNER/STREAM", help="what to run; * and ? match")
    parser.add_argument("--again", action="store_true", help="run what has results, too")
    parser.add_argument("--scores", action="store_true", help="measure headwater's scores anew and keep all times")
    options = parser.parse_args(argv)
    if options.scores:
        return score_again()
    known = entries_in(RESULTS)["entries"]
    wanted = [
        (rival, stream)
        for stream in STREAMS
        for rival in LEARNERS.values()
        if any(fnmatch.fnmatchcase(f"{rival.name}/{stream}", pattern) for pattern in options.only)
        and (options.again or "reward" not in known.get(f"{rival.name}/{stream}", {}))
    ]
    failed = False
    try:
        build(rival for rival, _ in wanted)
    except RivalMissingError as error:
        print(error, file=sys.stderr)
        return 2
    for rival, stream in wanted:
        answer = over_seeds(rival, stream)
        keep_entry(RESULTS, f"{rival.name}/{stream}", answer)
        failed = failed or "error" in answer
        said = answer.get("error") or f"{answer['reward']:.1f} %  {answer['us_per_row']:.0f} µs a row"
        print(f"{rival.name}/{stream}: {said}", flush=True)
    write_tables()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
