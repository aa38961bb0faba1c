"""The table of anomalies: AUC of each learner on each set, and the means."""

from __future__ import annotations

from typing import Any

from benchmarks.again import noted
from benchmarks.anomaly.sets import SETS
from benchmarks.report import bold


def render(whole: dict[str, Any], titles: dict[str, str]) -> str:
    """Return the table in Markdown: a set a row, a learner a column, and rows of means."""
    entries = whole["entries"]
    learners = [name for name in titles if any(f"{name}/{one}" in entries for one in SETS)]
    lines = [
        "| AUC, % | rows | " + " | ".join(titles[name] for name in learners) + " |",
        "|---" * (len(learners) + 2) + "|",
    ]
    for one in SETS:
        found = [entries.get(f"{name}/{one}", {}) for name in learners]
        rows = next((answer["rows"] for answer in found if "rows" in answer), 0)
        lines.append(f"| {one} | {rows:,} | " + " | ".join(bold([answer.get("auc") for answer in found])) + " |")
    for title, key in (("mean AUC", "auc"), ("mean average precision", "average_precision")):
        means = [_mean(entries, name, key) for name in learners]
        lines.append(f"| {title} | | " + " | ".join(bold(means)) + " |")
    times = [_mean(entries, name, "us_per_row") for name in learners]
    lines.append("| mean µs a row | | " + " | ".join("–" if time is None else f"{time:,.0f}" for time in times) + " |")
    packages = {name: version for one in entries.values() for name, version in one.get("versions", {}).items()}
    versions = ", ".join(
        f"{name} {packages[name]}" for name in ("river", "capymoa", "numpy", "python") if name in packages
    )
    versions = f"headwater {whole['version']} (means of five seeds), {versions}"
    note = f"{whole['date']}, one core of {whole['machine']['cpu']}; {versions}."
    return "\n".join([*lines, "", f"Written by `python -m benchmarks.anomaly`: {note}{noted(whole)}"])


def _mean(entries: dict[str, Any], learner: str, key: str) -> float | None:
    """Return a figure's mean over all sets; None where a set is missing."""
    found = [entries.get(f"{learner}/{one}", {}).get(key) for one in SETS]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if len(known) == len(SETS) else None
