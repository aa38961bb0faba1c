"""A server under siege: 10,000 hostile requests of two fuzzers, seven other loads, and a bystander that wants its answers.

nice -n -15 python -m benchmarks.serve.siege        # some twelve minutes; writes benchmarks/results/siege.json and its table
python -m benchmarks.serve.siege --table            # the table alone, from that file
python -m benchmarks.serve.siege --only reading --seconds 20 --to /tmp/siege.json
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from benchmarks.report import write_guides
from support.siege.loads import LOADS
from support.siege.server import Siege, percentile

RESULTS = Path(__file__).parents[1] / "results" / "siege.json"
PAGE = "benchmarks/serve/README.md"
HOSTILE, FEW, NAMES, SECONDS = 10_000, 1_000, 80_000, 15.0
SHARES = {"contract": 0.4, "fuzz": 0.7}
"""Of the hostile requests. Schemathesis makes fewer than it is asked for where an address takes few; the fuzzer makes up for it."""
ALL = ("quiet", "contract", *LOADS)


def entry(found):
    """Return the figures of one load."""
    times = {
        path: {f"p{100 * share:g}_ms": round(1e3 * percentile(all_, share), 2) for share in (0.5, 0.99, 0.999)}
        | {"max_ms": round(1e3 * max(all_), 2), "asked": len(all_)}
        for path, all_ in found.times.items()
    }
    return {
        "requests": found.requests,
        "seconds": round(found.seconds, 1),
        "statuses": dict(sorted(found.statuses.items())),
        "failures": found.failures,
        "examples": found.examples,
        "slowest_s": found.slowest,
        "bystander": times,
        "bystander_refused": found.others[:5],
        "memory_mb": [round(one) for one in found.memory],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(ALL), choices=ALL)
    parser.add_argument("--requests", type=int, default=HOSTILE, help="of both fuzzers")
    parser.add_argument("--names", type=int, default=NAMES, help="that the default model has, but for the two fuzzers")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each other load")
    parser.add_argument("--to", type=Path, default=RESULTS)
    parser.add_argument(
        "--table", action="store_true", help="write the table from the result file, and measure nothing"
    )
    asked = parser.parse_args()
    if asked.table:
        write_table()
        return
    loads, about = {}, machine() | {"names": asked.names}
    with tempfile.TemporaryDirectory() as folder:
        siege = Siege(folder, FEW)
        try:
            siege.run(None, seconds=2)
            for name in asked.only:
                if name not in ("quiet", *SHARES):
                    siege.widen(asked.names)
                requests = round(asked.requests * SHARES.get(name, 0))
                found = siege.run(None if name == "quiet" else name, requests=requests, seconds=asked.seconds)
                loads[name] = entry(found)
                print(f"{name}: {json.dumps(loads[name])}", flush=True)
            status, errors = siege.end(), siege.errors()
        finally:
            siege.process.kill()
    print(f"exit status {status}; lines of the log at level error: {len(errors)}", *errors[:20], sep="\n")
    about |= {"log_errors": len(errors), "exit_status": status, "loads": loads}
    asked.to.write_text(json.dumps(about, indent=1) + "\n")
    if asked.to == RESULTS:
        write_table()


def table(whole):
    """Return what the loads were answered, and what the bystander's requests took, as Markdown."""
    lines = [
        "| load | requests | answers by status | `/predict` p50 | p99 | `/health/live` p99 | longest |",
        "|---" * 7 + "|",
    ]
    for name, load in whole["loads"].items():
        answers = ", ".join(f"{status}: {n:,}" for status, n in load["statuses"].items() if status != "slow")
        predict, health = (load["bystander"][path] for path in ("/predict", "/health/live"))
        times = (predict["p50_ms"], predict["p99_ms"], health["p99_ms"], max(predict["max_ms"], health["max_ms"]))
        cells = [f"`{name}`", f"{load['requests']:,}", answers or "–", *(f"{ms:.1f}" for ms in times)]
        lines.append(f"| {' | '.join(cells)} |")
    where = f"{whole['date']}, headwater {whole['headwater']}, Python {whole['python']}, {whole['cores']} cores"
    return "\n".join(
        [*lines, "", f"{where} with a load average of {whole['load_average']:.0f} at the start. Times in ms."]
    )


def write_table():
    """Write the table into the page, from the result file."""
    write_guides([PAGE], "siege", table(json.loads(RESULTS.read_text())))


def machine():
    """Return what was measured, and on what."""
    made = {"headwater": version("headwater"), "date": time.strftime("%Y-%m-%d"), "python": platform.python_version()}
    return made | {"cores": os.cpu_count(), "nice": os.nice(0), "load_average": round(os.getloadavg()[0], 1)}


if __name__ == "__main__":
    main()
