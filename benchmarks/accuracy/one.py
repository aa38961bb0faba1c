"""One entry in one process: ``python -m benchmarks.accuracy.one '{"stream": …}'`` prints one line of JSON.

A process of its own, so that peak memory is the learner's, and so that a learner that dies takes nothing with it.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.accuracy.conditions import CONDITIONS
from benchmarks.accuracy.scores import scores
from benchmarks.accuracy.streams import read
from benchmarks.accuracy.walk import walk

STATUS = Path("/proc/self/status")


def memory_mb(field: str) -> float | None:
    """Return a field of Linux's account of this process, VmRSS or VmHWM, in MB; None elsewhere."""
    found = re.search(rf"{field}:\s+(\d+)", STATUS.read_text()) if STATUS.is_file() else None
    return int(found.group(1)) / 1024 if found else None


def forget_peak() -> float | None:
    """Start Linux's peak anew, and return what is in use now."""
    reset = Path("/proc/self/clear_refs")
    if reset.is_file():
        reset.write_text("5")
    return memory_mb("VmRSS")


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one learner over one stream under one condition; returns the entry."""
    module = importlib.import_module(f"benchmarks.accuracy.learners.{spec['module']}")
    stream = CONDITIONS[spec["condition"]](read(spec["stream"], spec.get("rows")))
    gc.collect()
    before = forget_peak()
    learner = module.make(spec["learner"], stream, spec["seed"])
    done = learner.walk(spec["cap_s"]) if spec["module"] == "ours" else walk(learner, stream, spec["cap_s"])
    peak = memory_mb("VmHWM")
    versions = {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in module.PACKAGES}
    entry: dict[str, Any] = {
        "rows": done.rows,
        "of": len(stream.y),
        "wall_s": round(done.seconds, 3),
        "cpu_s": round(done.cpu_s, 3),
    }
    entry |= {"us_per_row": round(done.cpu_s / done.rows * 1e6, 3), "versions": versions}
    if peak is not None and before is not None:
        entry["peak_mb"] = round(peak - before, 1)
    if done.rows < len(stream.y):
        return entry | {"unfinished": f"not finished within {spec['cap_s']:g} s of the processor"}
    return entry | {"scores": {name: round(value, 6) for name, value in scores(stream, done).items()}}


def main() -> None:
    """Answer over a copy of standard output, since libraries print."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    out.write(json.dumps(measure(json.loads(sys.argv[1]))) + "\n")
    out.flush()
    os._exit(0)  # Java would otherwise take seconds to exit


if __name__ == "__main__":
    main()
