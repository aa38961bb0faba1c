"""From the answers of all rounds to one entry of ``results/speed.json``, and that file itself.

The file maps a version of headwater to its last run: ``{"0.1.0": {"date", "machine", "scenarios": {id: …}}}``.
A run of some scenarios replaces those entries only.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import headwater
from benchmarks.scenarios import HEADWATER, Scenario

RESULTS = Path(__file__).parent / "results" / "speed.json"
Answers = dict[str, list[dict[str, Any]]]


def summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a rival's figures over its rounds.

    ``repeatable`` says whether every round gave the same score: same seed, same data, same work.
    """
    times = [answer["us_per_row"] for answer in answers]
    last = answers[-1]
    return {
        "us_best": min(times),
        "us_median": statistics.median(times),
        "us_rounds": times,
        "rows": last["rows"],
        "score": last["score"],
        "score_name": last["score_name"],
        "repeatable": len({answer["score"] for answer in answers}) == 1,
        "versions": last["versions"],
        "detail": last["detail"],
    }


def ratios(rival: list[dict[str, Any]], own: list[dict[str, Any]]) -> dict[str, float]:
    """Return how many times as long as headwater a rival takes.

    The median is taken over ratios of neighbours in time (one round each), which a slow minute of the machine
    moves on both sides; the ratio of the best rounds is the second opinion.
    """
    pairs = [a["us_per_row"] / b["us_per_row"] for a, b in zip(rival, own, strict=False)]
    best = min(a["us_per_row"] for a in rival) / min(b["us_per_row"] for b in own)
    return {"ratio_median": statistics.median(pairs), "ratio_best": best}


def entry(scenario: Scenario, answers: Answers, errors: dict[str, str]) -> dict[str, Any]:
    """Return one scenario's entry: every rival's summary, with ratios to headwater where it took part."""
    own = answers.get(HEADWATER)
    rivals: dict[str, Any] = {}
    for name, rounds in answers.items():
        rivals[name] = summary(rounds)
        if own and name != HEADWATER:
            rivals[name] |= ratios(rounds, own)
    whole: dict[str, Any] = {"kind": scenario.kind, "what": scenario.what, "options": scenario.options}
    whole |= {"targets": scenario.targets, "most": scenario.most, "rivals": rivals}
    return whole | ({"errors": errors} if errors else {})


def machine() -> dict[str, Any]:
    """Return what a reader needs to place the figures: processor, cores, system; no names of hosts."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = named[0].partition(":")[2].strip() if named else cpu
    return {"cpu": cpu, "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def lines(whole: dict[str, Any]) -> str:
    """Return JSON in which an innermost object takes one line."""
    return re.sub(r"\{[^{}]*\}", lambda found: re.sub(r"\n *", " ", found[0]), json.dumps(whole, indent=1)) + "\n"


def save(version: str, entries: dict[str, Any], path: Path = RESULTS) -> None:
    """Merge the entries into the result file under a version of headwater."""
    whole: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    kept = whole.get(version, {}).get("scenarios", {})
    day = time.strftime("%Y-%m-%d")
    whole[version] = {"date": day, "machine": machine(), "scenarios": kept | entries}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n")


def entries_in(path: Path) -> dict[str, Any]:
    """Return a result file of entries by id, empty where there is none yet."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"entries": {}}
    return found


def keep_entry(path: Path, id_: str, entry: dict[str, Any]) -> None:
    """Put one entry into a result file, which says when, where and with which version it was measured last."""
    keep_entries(path, {id_: entry})


def keep_entries(path: Path, entries: dict[str, Any], *packages: str) -> None:
    """Put entries into a result file, which says when, where and with which versions they were measured last."""
    whole = entries_in(path)
    found = {"version": headwater.__version__, "machine": machine(), "date": time.strftime("%Y-%m-%d")}
    versions = whole.get("versions", {}) | {name: metadata.version(name) for name in packages}
    whole |= found | ({"versions": versions} if versions else {})
    write_entries(path, whole | {"entries": whole["entries"] | entries})


def written_by(command: str, whole: dict[str, Any], cores: str = "") -> str:
    """Return the line under a table of what ``keep_entries`` wrote: the command, when and where it ran, and the versions.

    ``cores`` says on how many cores times by the clock were measured. Without it they are the processor's, of one core.
    """
    where = f"{whole['date']}, {cores or 'one core'} of {whole['machine']['cpu']}{'' if cores else ', processor time'}"
    versions = {"headwater": whole["version"]} | whole.get("versions", {})
    return f"Written by `{command}`: {where}; {', '.join(f'{name} {version}' for name, version in versions.items())}."


def write_entries(path: Path, whole: dict[str, Any]) -> None:
    """Write a result file of entries by id, a line an entry."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(whole["entries"].items()))
    head = json.dumps({name: value for name, value in whole.items() if name != "entries"})
    path.write_text(f'{head[:-1]},\n "entries": {{\n{rows}\n }}\n}}\n', encoding="utf-8")
