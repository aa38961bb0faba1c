"""The table of decisions: mean reward of each learner on each stream, and the means."""

from __future__ import annotations

from typing import Any

from benchmarks.again import noted
from benchmarks.decisions.streams import STREAMS


def _bold(values: list[float | None]) -> list[str]:
    """Return the values with one digit, the largest in bold."""
    best = max((value for value in values if value is not None), default=None)
    shown = ["–" if value is None else f"{value:.1f}" for value in values]
    return [
        f"**{text}**" if value is not None and value == best else text
        for text, value in zip(shown, values, strict=True)
    ]


def render(whole: dict[str, Any], titles: dict[str, str]) -> str:
    """Return the table in Markdown: a learner a row, a stream a column, and the mean."""
    entries = whole["entries"]
    names = [name for name in titles if any(f"{name}/{one}" in entries for one in STREAMS)]
    about = [
        next((entries[f"{n}/{one}"] for n in names if "rows" in entries.get(f"{n}/{one}", {})), {}) for one in STREAMS
    ]
    heads = [f"{one} ({found.get('actions', '–')})" for one, found in zip(STREAMS, about, strict=True)]
    columns = [_bold([entries.get(f"{name}/{one}", {}).get("reward") for name in names]) for one in STREAMS]
    columns.append(_bold([_mean(entries, name, "reward") for name in names]))
    times = [_mean(entries, name, "us_per_row") for name in names]
    lines = [
        "| mean reward, % (actions) | " + " | ".join(heads) + " | mean of six | µs a row |",
        "|---" * (len(STREAMS) + 3) + "|",
        "| rows | " + " | ".join(f"{found.get('rows', 0):,}" for found in about) + " | | |",
    ]
    for i, name in enumerate(names):
        spent = times[i]
        shown = [*(column[i] for column in columns), "–" if spent is None else f"{spent:,.0f}"]
        lines.append(f"| {titles[name]} | " + " | ".join(shown) + " |")
    packages = {name: version for one in entries.values() for name, version in one.get("versions", {}).items()}
    wanted = ("coba", "vowpalwabbit", "river", "numpy", "python")
    versions = ", ".join(f"{name} {packages[name]}" for name in wanted if name in packages)
    note = f"{whole['date']}, one core of {whole['machine']['cpu']}; headwater {whole['version']} (means of five seeds), {versions}."
    return "\n".join([*lines, "", f"Written by `python -m benchmarks.decisions`: {note}{noted(whole)}"])


def _mean(entries: dict[str, Any], learner: str, key: str) -> float | None:
    """Return a figure's mean over all streams; None where one is missing."""
    known = [value for one in STREAMS if (value := entries.get(f"{learner}/{one}", {}).get(key)) is not None]
    return sum(known) / len(known) if len(known) == len(STREAMS) else None
