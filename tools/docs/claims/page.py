"""The page, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import report
from benchmarks.accuracy import table as accuracy_table
from benchmarks.accuracy.table import absent, finished, harm
from benchmarks.results import RESULTS
from tools.docs.claims.readme import READMES, ROOT, Claim, claims
from tools.docs.claims.rivals import Benchmark, Comparison, benchmarks, digits
from tools.docs.claims.words import LANGUAGES, Words

PAGES = {"en": ROOT / "docs" / "how-good.md", "zh": ROOT / "docs" / "zh" / "how-good.md"}
NOTES = ROOT / "benchmarks" / "NOTES.md"


TEXTS = Words(*(Path(__file__).with_name(f"page.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES))
"""The page, whose places are filled with tables."""


def pages() -> dict[str, str]:
    """Return the page in each language."""
    found, all_ = claims(), benchmarks()
    return {language: _page(language, found, all_) for language in LANGUAGES}


def _page(language: str, found: list[Claim], all_: list[Benchmark]) -> str:
    _, run = report.latest(RESULTS)
    _, whole = report.measured_accuracy(accuracy_table.latest(RESULTS.parent))
    compared = sum(len(one.comparisons) for one in all_)
    ahead = sum(comparison.behind for one in all_ for comparison in one.comparisons)
    return TEXTS.of(language).format(
        claims="\n".join(_claim(one, language) for one in found),
        unmeasured="\n".join(f"- {title}" for title in unmeasured(language)),
        compared=compared,
        first=compared - ahead,
        summary="\n".join(_summary(one, language) for one in all_),
        behind="\n".join(_behind(one, it, language) for one in all_ for it in one.comparisons if it.behind),
        promises="\n".join(_promises(run)),
        harm=_harm("\n".join(harm(finished(whole))), language),
        absent=absent(whole) + ".",
        notes=len(re.findall(r"^##+ ", NOTES.read_text(encoding="utf-8"), re.MULTILINE)),
    )


def _harm(table: str, language: str) -> str:
    return table.replace(", worst ", "，最差 ") if language == "zh" else table


def unmeasured(language: str) -> list[str]:
    """Return the titles in README's list of cases for others that stand there without a figure."""
    text = READMES[language].read_text(encoding="utf-8").split("\n## ")[2]
    text = re.sub(r"<!-- bench:.*?<!-- /bench:\w+ -->", "", text, flags=re.DOTALL)
    return re.findall(r"^- \*\*(.+?)\*\*", text, re.MULTILINE)


def _claim(one: Claim, language: str) -> str:
    cells = [
        f"{one.says.of(language)}",
        one.figure.of(language),
        f"`{one.command}`",
        one.machine.of(language),
        one.date.of(language),
        one.seeds.of(language),
    ]
    return f"| {' | '.join(cells)} |"


def _summary(one: Benchmark, language: str) -> str:
    ahead = sum(comparison.behind for comparison in one.comparisons)
    count = len(one.comparisons)
    cells = [one.says.of(language), f"`{one.command}`", one.machine.of(language), one.date]
    return f"| {' | '.join(cells)} | {count} | {count - ahead} | {ahead} |"


def _behind(benchmark: Benchmark, one: Comparison, language: str) -> str:
    name, value = one.best
    named = name.of(language) if isinstance(name, Words) else name
    title = re.split("[;；]", benchmark.says.of(language))[0]
    figures = f"{digits(one.own)} | **{digits(value)}** | {named}"
    return f"| {title} | {one.what} | {one.measure.of(language)} | {figures} |"


def _promises(run: dict[str, object]) -> list[str]:
    found = {id_: report.promise(scenario) for id_, scenario in run["scenarios"].items()}  # type: ignore[attr-defined]
    missed = {id_: [part for part in said.split("; ") if "**no**" in part] for id_, said in found.items()}
    return [
        f"| `{id_}` | {'; '.join(part.removesuffix(': **no**') for part in parts)} |"
        for id_, parts in missed.items()
        if parts
    ]
