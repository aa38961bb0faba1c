"""Write the tables of speed and accuracy into README from the result files: ``python -m benchmarks.report``.

They stand between ``<!-- bench:speed -->`` and ``<!-- /bench:speed -->`` (or ``accuracy``) and are never typed by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy import table as accuracy
from benchmarks.results import RESULTS
from benchmarks.rivals import RIVALS
from benchmarks.scenarios import HEADWATER, SCENARIOS

TABLES = {  # title → kinds of scenario; the figure in a cell
    "One row after another from arrays, predict then learn (time a row)": ("arrays",),
    "One event after another from dicts (time an event)": ("events", "flights"),
    "Mini-batches (time an epoch)": ("epochs",),
    "Starting (seconds)": ("start",),
    "Memory over 10 million rows (growth)": ("memory",),
}


class ReportError(Exception):
    """The report can't be written; the message is one sentence for the user."""


def latest(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the version measured last and its run."""
    if not path.is_file():
        raise ReportError(f"expected a result file at {path.name}, got none — run python -m benchmarks.run first.")
    whole: dict[str, Any] = json.loads(path.read_text())
    version = max(whole, key=lambda name: (whole[name]["date"], list(whole).index(name)))
    return version, whole[version]


def duration(us: float) -> str:
    """Return a time with three digits in the unit that suits it."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if us >= size:
            return f"{us / size:.3g} {unit}"
    return f"{us:.3g} µs" if us < 100 else f"{us:.0f} µs"


def times(ratio: float) -> str:
    """Return a ratio with two or three digits that count."""
    digits = 2 if ratio < 10 else 1 if ratio < 100 else 0
    return f"{ratio:,.{digits}f}×"


def cell(kind: str, options: dict[str, Any], figures: dict[str, Any] | None) -> str:
    """Return one table cell: the median time, and how many times as long as headwater it is."""
    if figures is None:
        return "–"
    if kind == "memory":
        return f"{figures['score']:+.1f} MB"
    us = figures["us_median"]
    if kind == "epochs":
        us *= figures["rows"] / options["epochs"]
    shown = duration(us) + (f" ({figures['score']:.2%} right)" if kind == "epochs" else "")
    return shown + (f" · **{times(figures['ratio_median'])}**" if "ratio_median" in figures else "")


def promise(scenario: dict[str, Any]) -> str:
    """Return what was promised for a scenario and whether it is kept; empty where nothing was."""
    rivals = scenario["rivals"]
    own = rivals.get(HEADWATER)
    said: list[str] = []
    for name, least in scenario["targets"].items():
        if "ratio_median" in rivals.get(name, {}):
            met = "yes" if rivals[name]["ratio_median"] >= least else "**no**"
            said.append(f"{name} ≥ {least:g}×: {met}")
    if own and scenario["most"] is not None:
        factor = 1e6 if scenario["kind"] == "start" else 1.0
        limit = scenario["most"] * factor
        said.append(f"≤ {duration(limit)}: {'yes' if own['us_median'] <= limit else '**no**'}")
    if own and "within" in scenario["options"] and len(rivals) > 1:
        within = scenario["options"]["within"]
        worst = max(figures["score"] for figures in rivals.values()) - own["score"]
        said.append(f"accuracy within {within:.1%} of the best: {'yes' if worst <= within else '**no**'}")
    if own and "most_mb" in scenario["options"]:
        most = scenario["options"]["most_mb"]
        said.append(f"≤ {most:g} MB: {'yes' if abs(own['score']) <= most else '**no**'}")
    return "; ".join(said)


def table(title: str, kinds: tuple[str, ...], scenarios: dict[str, Any]) -> list[str]:
    """Return one Markdown table: a scenario a row, a rival a column."""
    order = [s.id for s in SCENARIOS if s.kind in kinds and s.id in scenarios]
    columns = [name for name in RIVALS if any(name in scenarios[id_]["rivals"] for id_ in order)]
    if not order:
        return []
    lines = [f"**{title}**", "", f"| | {' | '.join(RIVALS[name].title for name in columns)} | promised |"]
    lines.append("|---" * (len(columns) + 2) + "|")
    for id_ in order:
        whole = scenarios[id_]
        cells = [cell(whole["kind"], whole["options"], whole["rivals"].get(name)) for name in columns]
        lines.append(f"| {whole['what']} (`{id_}`) | {' | '.join(cells)} | {promise(whole)} |")
    return [*lines, ""]


def versions(scenarios: dict[str, Any]) -> str:
    """Return the versions of all who took part, in one sentence's worth of text."""
    found: dict[str, str] = {}
    for whole in scenarios.values():
        for name, figures in whole["rivals"].items():
            package = RIVALS[name].package
            known = figures["versions"] | figures["detail"]
            if package in known:
                found[package] = known[package]
            found["Python"] = figures["versions"]["python"]
    return ", ".join(f"{package} {version}" for package, version in found.items())


def render(version: str, run: dict[str, Any]) -> str:
    """Return everything that stands between the markers."""
    machine = run["machine"]
    lines = [line for title, kinds in TABLES.items() for line in table(title, kinds, run["scenarios"])]
    lines.append(
        f"headwater {version}, {run['date']}, one thread of {machine['cpu']} ({machine['system']}); medians of "
        f"interleaved rounds; **n×**: how many times as long as headwater, median over rounds. "
        f"{versions(run['scenarios'])}. Generated by `make bench`; ids are explained in `benchmarks/README.md`."
    )
    return "\n".join(lines)


def write(path: Path, name: str, text: str) -> None:
    """Put the text between the markers of that name in a file."""
    start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    before, found, rest = path.read_text().partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ReportError(
            f"expected the markers {start} and {end} in {path.name}, got none — add them where the tables go."
        )
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")


def accuracy_text(path: Path | None) -> str:
    """Return the accuracy tables of a result file."""
    if path is None or not path.is_file():
        raise ReportError("expected a result file of accuracy, got none — run python -m benchmarks.accuracy.run first.")
    return accuracy.render(path.stem.removeprefix("accuracy-"), json.loads(path.read_text()))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables of the version measured last into each README; return 0, or 2 with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__.splitlines()[0])
    parser.add_argument("readmes", nargs="*", type=Path, default=[Path(__file__).parent.parent / "README.md"])
    parser.add_argument("--results", type=Path, default=RESULTS, help="the speed file (default: results/speed.json)")
    parser.add_argument("--accuracy", type=Path, help="the accuracy file (default: the newest results/accuracy-*.json)")
    parser.add_argument("--only", choices=["speed", "accuracy"], help="write these tables only")
    options = parser.parse_args(argv)
    try:
        texts: dict[str, str] = {}
        if options.only != "accuracy":
            texts["speed"] = render(*latest(options.results))
        if options.only != "speed":
            texts["accuracy"] = accuracy_text(options.accuracy or accuracy.latest(RESULTS.parent))
        for path in options.readmes:
            for name, text in texts.items():
                write(path, name, text)
    except (ReportError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
