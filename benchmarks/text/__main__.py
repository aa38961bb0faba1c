"""Measure columns of text: ``python -m benchmarks.text`` runs everyone and writes the table; ``python -m benchmarks.text table``.

``python -m benchmarks.text scores`` measures headwater's scores anew and keeps all times. Results go into ``results/text.json``.
Each learner walks over each set in a process of its own, one after the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import headwater
from benchmarks import results
from benchmarks.again import noted, scored
from benchmarks.data import data_file
from benchmarks.process import build, environment, python_of
from benchmarks.report import write
from benchmarks.rivals import Rival
from benchmarks.text.one import SETS

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "text.json"
LEARNERS = {
    rival.name: rival
    for rival in (
        Rival("headwater", "`hw.Classifier()`", "one", None, "headwater"),
        Rival("headwater-fast", '`hw.Classifier(effort="fast")`', "one", None, "headwater"),
        Rival("vw", "VW `--oaa --ngram 2`", "one", "vw", "vowpalwabbit"),
        Rival("river-bayes", "River BagOfWords, MultinomialNB", "one", "river", "river"),
        Rival("river-softmax", "River TFIDF, SoftmaxRegression", "one", "river", "river"),
    )
}
BARS = {"Banking77": 82.0, "CLINC150": 88.5, "AG news": 86.0}


def measure(rival: Rival, name: str) -> dict[str, Any]:
    """Run one learner on one set."""
    command = [str(python_of(rival)), "-m", "benchmarks.text.one", rival.name, name]
    own = environment() | ({} if rival.env else {"PYTHONPATH": str(ROOT / "src")})
    own["HEADWATER_DATA"] = str(data_file("text/clinc150.json.gz").parent.parent)
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def render(whole: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    lines = [
        "| | "
        + " | ".join(f"{name} ({'test' if name != 'AG news' else 'prequential'})" for name in SETS)
        + " | µs a row | ÷ VW |"
    ]
    lines.append("|---" * (len(SETS) + 3) + "|")
    times = {one: [whole["entries"][f"{one}/{name}"].get("us") for name in SETS] for one in LEARNERS}
    for one, rival in LEARNERS.items():
        found = [whole["entries"][f"{one}/{name}"] for name in SETS]
        shares = [entry.get("test", entry.get("prequential")) for entry in found]
        best = [max(_score(whole, other, name) for other in LEARNERS) for name in SETS]
        shown = [
            "–" if s is None else f"**{s:.1f}**" if s == b else f"{s:.1f}" for s, b in zip(shares, best, strict=True)
        ]
        own = [time for time in times[one] if time]
        ratios = [a / b for a, b in zip(times[one], times["vw"], strict=True) if a and b]
        lines.append(
            f"| {rival.title} | {' | '.join(shown)} | {sum(own) / len(own):,.1f} | {sum(ratios) / len(ratios):.2f} |"
        )
    lines.append("| promised | " + " | ".join(f"{BARS[name]:g}" for name in SETS) + " | | 2 |")
    note = f"{whole['date']}, one core of {whole['machine']['cpu']}, processor time; headwater {whole['version']}"
    return "\n".join(
        [*lines, "", f"Written by `python -m benchmarks.text`: {note}, {', '.join(whole['rivals'])}.{noted(whole)}"]
    )


def _score(whole: dict[str, Any], learner: str, name: str) -> float:
    entry = whole["entries"][f"{learner}/{name}"]
    return float(entry.get("test", entry.get("prequential", 0.0)))


def measured(names: Iterable[str]) -> dict[str, Any]:
    """Run these learners on all sets."""
    entries = {}
    for name in SETS:
        for one in names:
            entries[f"{one}/{name}"] = measure(LEARNERS[one], name)
            print(one, name, entries[f"{one}/{name}"], flush=True)
    return entries


def keep(whole: dict[str, Any]) -> None:
    """Write the file."""
    RESULTS.write_text(results.lines(whole), encoding="utf-8")


def main() -> None:
    """Measure, unless only the table is asked for."""
    if sys.argv[1:] == ["scores"]:
        keep(scored(json.loads(RESULTS.read_text(encoding="utf-8")), measured(["headwater", "headwater-fast"])))
    elif sys.argv[1:] != ["table"]:
        build(list(LEARNERS.values()))
        about = {"version": headwater.__version__, "date": time.strftime("%Y-%m-%d"), "machine": results.machine()}
        about["rivals"] = ["vowpalwabbit 9.11.9", "river 0.26.1"]
        keep(about | {"entries": measured(LEARNERS)})
    whole = json.loads(RESULTS.read_text(encoding="utf-8"))
    write(ROOT / "benchmarks" / "README.md", "text", render(whole))


if __name__ == "__main__":
    main()
