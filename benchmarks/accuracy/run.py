"""Measure accuracy on real streams, entry by entry, and go on where the last run stopped: ``python -m benchmarks.accuracy.run``.

Each entry is a process of its own and is written down as soon as it is done.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import headwater
from benchmarks.accuracy.kept import load, save
from benchmarks.accuracy.plan import ENTRANTS, Entry, entries
from benchmarks.accuracy.streams import SOURCES
from benchmarks.data import DataMissingError, data_file
from benchmarks.process import RivalMissingError, build, environment, python_of

FOLDER = Path(__file__).parent.parent / "results"
ROOT = Path(__file__).parent.parent.parent
CAP_S = 1800.0
PATIENCE = 4.0  # times the cap on the wall, on a machine that is shared
GRACE_S = 300.0  # for starting and reading, on top of that


def results_file(version: str) -> Path:
    """Return where the results of a version of headwater are kept."""
    return FOLDER / f"accuracy-{version}.json"


def keep(path: Path, id_: str, answer: dict[str, Any]) -> None:
    """Add one entry to the file.

    Several runs may write to one file: a lock beside it lets them in one by one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = load(path)
        whole["entries"][id_] = answer | {"date": time.strftime("%Y-%m-%d")}
        save(path, whole)


def measure(entry: Entry, cap_s: float, rows: int | None) -> dict[str, Any]:
    """Run one entry in a process of its own; a learner that dies has an error for an entry."""
    rival = ENTRANTS[entry.learner].rival
    spec = dataclasses.asdict(entry) | {"module": rival.module, "cap_s": cap_s, "rows": rows}
    command = [str(python_of(rival)), "-m", "benchmarks.accuracy.one", json.dumps(spec)]
    try:
        done = subprocess.run(
            command,
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE * cap_s + GRACE_S,
        )
    except subprocess.TimeoutExpired:
        return {"unfinished": f"not finished within {cap_s:g} s"}
    if done.returncode or not done.stdout.strip():
        words = done.stderr.strip().splitlines()
        return {"error": words[-1][:300] if words else "the process died in silence"}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def show(id_: str, answer: dict[str, Any]) -> None:
    """Print one entry's figures while the others are still to come."""
    if "scores" not in answer:
        print(f"{id_:60} {answer.get('error') or answer.get('unfinished')}", flush=True)
        return
    shown = "  ".join(f"{name} {value:.4g}" for name, value in answer["scores"].items())
    print(f"{id_:60} {answer['us_per_row']:10.1f} µs  {shown}", flush=True)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.run", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=["*"], metavar="ID", help="entries to run; * and ? match")
    parser.add_argument("--skip", nargs="+", default=[], metavar="ID", help="entries to leave out; * and ? match")
    parser.add_argument("--again", action="store_true", help="run entries that have results, too")
    parser.add_argument(
        "--cap", type=float, default=CAP_S, metavar="S", help="give an entry up after so many seconds of the processor"
    )
    parser.add_argument("--rows", type=int, help="the first so many rows of each stream; needs --out")
    parser.add_argument("--core", type=int, help="pin everything to this core")
    parser.add_argument("--out", type=Path, help="the result file (default: results/accuracy-VERSION.json)")
    parser.add_argument("--list", action="store_true", help="print the ids that would be run, and run nothing")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; return 0, 1 if a learner failed, 2 on bad input."""
    options = arguments(argv)
    path = options.out or results_file(headwater.__version__)
    if options.rows and not options.out:
        print(
            "expected --out with --rows, got none — name a file, so that short runs never mix with whole ones.",
            file=sys.stderr,
        )
        return 2
    known = load(path)["entries"]
    wanted = [e for e in entries(options.only, options.skip) if options.again or e.id not in known]
    if options.list:
        print("\n".join(entry.id for entry in wanted))
        return 0
    try:
        for stream in {entry.stream for entry in wanted}:
            data_file(SOURCES[stream].file)
        build(ENTRANTS[entry.learner].rival for entry in wanted)
    except (DataMissingError, RivalMissingError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    failed = False
    for entry in wanted:
        answer = measure(entry, options.cap, options.rows)
        show(entry.id, answer)
        keep(path, entry.id, answer)
        failed = failed or "error" in answer
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
