"""The accuracy tables of benchmarks/README.md from the result file. Only finished entries count; what is missing is named."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.conditions import CONDITIONS
from benchmarks.accuracy.kept import load
from benchmarks.accuracy.plan import ENTRANTS, entries
from benchmarks.accuracy.streams import SOURCES
from benchmarks.again import noted

HEADWATER = "headwater"
GUESSES = ("no-change", "average")
SHOWN = {
    "classify": ("no-change", "moa-arf", "moa-srp", "moa-sgbt", "moa-hat", "moa-knn"),
    "regress": ("no-change", "moa-arf", "moa-soknl", "moa-knn"),
}
REST = {  # the best of these shares one column
    "classify": ("moa-arf-100", "moa-srp-100", "river-arf", "vw", "vw-nn", "sklearn-mlp", "torch-mlp"),
    "regress": ("river-arf", "vw", "vw-nn", "sklearn-mlp", "torch-mlp"),
}
SCORE = {"classify": "accuracy", "regress": "mae"}
SHORT = {
    "moa-arf": "ARF",
    "moa-srp": "SRP",
    "moa-arf-100": "ARF, 100 trees",
    "moa-srp-100": "SRP, 100 trees",
    "moa-sgbt": "SGBT",
    "moa-soknl": "SOKNL",
    "moa-hat": "HAT",
    "moa-knn": "kNN",
    "river-arf": "River ARF",
    "vw": "VW",
    "vw-nn": "VW `--nn`",
    "sklearn-mlp": "scikit-learn",
    "torch-mlp": "PyTorch",
}

Found = dict[tuple[str, str, str], list[dict[str, Any]]]
"""(stream, condition, learner) → its finished entries, one a seed."""


def latest(folder: Path) -> Path | None:
    """Return the result file that was written to last, by the dates of its entries; None without any."""

    def when(path: Path) -> tuple[str, str]:
        found = load(path)["entries"].values()
        return max((entry["date"] for entry in found), default=""), path.name

    return max(folder.glob("accuracy-*.json"), key=when, default=None)


def finished(whole: Mapping[str, Any]) -> Found:
    """Return the entries that have scores."""
    found: Found = {}
    for id_, entry in whole["entries"].items():
        if "scores" in entry:
            stream, condition, learner, seed = id_.split("/")
            found.setdefault((stream, condition, learner), []).append({**entry, "seed": seed})
    return found


def mean(some: Iterable[dict[str, Any]], score: str) -> float:
    """Return the mean of a score over seeds."""
    return statistics.fmean(entry["scores"][score] for entry in some)


def number(task: str, value: float, beside: float = 0.0) -> str:
    """Return a score as it is shown: percent, or with two decimals unless it, or what it stands beside, is large."""
    return f"{100 * value:.1f}" if task == "classify" else f"{value:.{0 if max(value, beside) >= 100 else 2}f}"


def times(ratio: float) -> str:
    """Return a ratio with two digits that count, or all of them."""
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def rank(task: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Return each learner's rank on one stream, 1 the best; equals share the mean of their places."""
    sign = -1.0 if task == "classify" else 1.0
    keys = {name: sign * value for name, value in figures.items()}
    return {
        name: 1 + sum(other < key for other in keys.values()) + (sum(other == key for other in keys.values()) - 1) / 2
        for name, key in keys.items()
    }


class Table:
    """One task under one condition: streams down, learners across."""

    def __init__(self, found: Found, task: str, condition: str) -> None:
        """Gather the mean scores of headwater's streams."""
        self.task, self.condition, self._found = task, condition, found
        self.score = SCORE[task]
        self.streams = [
            s for s, source in SOURCES.items() if source.task == task and (s, condition, HEADWATER) in found
        ]
        rivals = [*SHOWN[task], "average", *REST[task]]
        self.figures: dict[str, dict[str, float]] = {
            stream: {
                name: mean(found[stream, condition, name], self.score)
                for name in [*rivals, HEADWATER]
                if (stream, condition, name) in found
            }
            for stream in self.streams
        }

    def better(self, a: float, b: float) -> float:
        """Return how much better a is than b: points of accuracy, or the ratio of errors."""
        return 100 * (a - b) if self.task == "classify" else a / b

    def best(self, stream: str, names: Iterable[str]) -> tuple[str, float] | None:
        """Return the best of some learners on a stream."""
        there = [(name, self.figures[stream][name]) for name in names if name in self.figures[stream]]
        pick: Callable[..., tuple[str, float]] = max if self.task == "classify" else min
        return pick(there, key=lambda pair: pair[1]) if there else None

    def learning(self, stream: str) -> list[str]:
        """Return the rivals on a stream that learn."""
        return [name for name in self.figures[stream] if name not in {*GUESSES, HEADWATER}]

    def own(self, stream: str) -> str:
        """Return headwater's cell: the mean over its seeds, with their deviation; bold if it is the best."""
        seeds = [entry["scores"][self.score] for entry in self._found[stream, self.condition, HEADWATER]]
        middle = statistics.fmean(seeds)
        spread = f" ± {number(self.task, statistics.stdev(seeds), middle)}" if len(seeds) > 1 else ""
        return self.shown(stream, HEADWATER) + spread

    def shown(self, stream: str, name: str) -> str:
        """Return a learner's score on a stream, bold if none is better."""
        value, best = self.figures[stream][name], self.best(stream, self.figures[stream])
        text = number(self.task, value)
        return f"**{text}**" if best and text == number(self.task, best[1]) else text

    def lead(self, stream: str) -> str:
        """Return headwater against the best rival that learns."""
        best = self.best(stream, self.learning(stream))
        if best is None:
            return "–"
        lead = self.better(self.figures[stream][HEADWATER], best[1])
        return f"{lead:+.1f}" if self.task == "classify" else f"{lead:.2f}"

    def row(self, stream: str, columns: Iterable[str]) -> str:
        """Return one line of the table."""
        figures = self.figures[stream]
        cells = [self.shown(stream, name) if name in figures else "–" for name in columns]
        rest = self.best(stream, REST[self.task])
        cells.append(f"{self.shown(stream, rest[0])} ({SHORT[rest[0]]})" if rest else "–")
        return f"| {stream} | {' | '.join(cells)} | {self.own(stream)} | {self.lead(stream)} |"

    def against(self, name: str) -> str:
        """Return headwater against one rival, over the streams that both finished."""
        both = [s for s in self.streams if name in self.figures[s]]
        if not both:
            return "–"
        leads = [self.better(self.figures[s][HEADWATER], self.figures[s][name]) for s in both]
        middle = statistics.fmean(leads) if self.task == "classify" else statistics.geometric_mean(leads)
        return (f"{middle:+.1f}" if self.task == "classify" else f"{middle:.2f}") + f" ({len(both)})"

    def slower(self, name: str) -> str:
        """Return how many times as long a row takes as with headwater, over the streams that both finished."""
        ratios = [
            self.us(s, name) / self.us(s, HEADWATER) for s in self.streams if (s, self.condition, name) in self._found
        ]
        return times(statistics.geometric_mean(ratios)) if ratios and min(ratios) > 0 else "–"

    def us(self, stream: str, name: str) -> float:
        """Return microseconds a row: the median over seeds."""
        return statistics.median(entry["us_per_row"] for entry in self._found[stream, self.condition, name])

    def common(self, columns: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the columns that finished on most streams, and the streams on which all of those finished."""
        most = [n for n in columns if sum(n in self.figures[s] for s in self.streams) > len(self.streams) / 2]
        return most, [s for s in self.streams if all(n in self.figures[s] for n in most)]

    def means(self, columns: Sequence[str]) -> str:
        """Return the line of means over the streams that the learners have in common; empty without any."""
        most, streams = self.common(columns)
        if self.task == "regress" or not streams or set(most) <= {*GUESSES}:  # errors have units
            return ""
        middle = {n: statistics.fmean(self.figures[s][n] for s in streams) for n in [*most, HEADWATER]}
        texts = {n: number(self.task, value) for n, value in middle.items()}
        best = number(self.task, max(middle.values()))
        shown = {n: f"**{text}**" if text == best else text for n, text in texts.items()}
        cells = [shown.get(n, "–") for n in columns]
        return f"| mean of {len(streams)} streams | {' | '.join(cells)} | | {shown[HEADWATER]} | |"

    def mean_ranks(self) -> dict[str, float]:
        """Return each learner's mean rank, over the streams that it finished."""
        ranks = [rank(self.task, self.figures[s]) for s in self.streams if self.learning(s)]  # else nobody to rank with
        names = {name for some in ranks for name in some}
        return {name: statistics.fmean(some[name] for some in ranks if name in some) for name in names}

    def lines(self) -> list[str]:
        """Return the whole table in Markdown."""
        if not self.streams:
            return []
        columns = [name for name in SHOWN[self.task] if any(name in self.figures[s] for s in self.streams)]
        heads = [SHORT.get(name, name) for name in columns]
        lead = "against the best learning rival" if self.task == "classify" else "÷ the best learning rival"
        lines = [f"| | {' | '.join(heads)} | best of the others | headwater | {lead} |"]
        lines.append("|---|" + "---:|" * (len(columns) + 3))
        lines += [self.row(stream, columns) for stream in self.streams]
        lines += filter(None, [self.means(columns)])
        ranks = self.mean_ranks()
        best = f"{min(ranks.values(), default=0.0):.1f}"
        places = {name: f"{rank:.1f}" for name, rank in ranks.items()}
        places = {name: f"**{place}**" if place == best else place for name, place in places.items()}
        shown, place = [places.get(name, "–") for name in columns], places.get(HEADWATER, "–")
        own = [self.us(s, HEADWATER) for s in self.streams]
        against = "headwater against it (streams)" if self.task == "classify" else "headwater ÷ it (streams)"
        lines.append(f"| {against} | {' | '.join(self.against(n) for n in columns)} | | | |")
        lines.append(f"| mean rank among all | {' | '.join(shown)} | | {place} | |")
        times = " | ".join(self.slower(n) for n in columns)
        lines.append(f"| time a row, × headwater's | {times} | | {min(own):.0f} – {max(own):.0f} µs | |")
        return lines


def harm(found: Found) -> list[str]:
    """Return what each harm does to the scores: the mean change from the plain stream, over the streams with both."""
    learners = (HEADWATER, "moa-arf", "moa-srp")
    lines = []
    for condition in CONDITIONS:
        cells = [_change(found, condition, name) for name in learners]
        if condition != "plain" and cells[0] != "–":
            lines.append(f"| {condition} | {' | '.join(cells)} |")
    if not lines:
        return []
    head = f"| | {' | '.join(SHORT.get(name, name) for name in learners)} |"
    return [head, "|---|---:|---:|---:|", *lines]


def _change(found: Found, condition: str, learner: str) -> str:
    """Return the mean and the worst change of accuracy, in points, seed by seed, and over how many streams."""
    changes = []
    for (stream, when, name), some in found.items():
        plain = {entry["seed"]: entry for entry in found.get((stream, "plain", learner), [])}
        pairs = [(entry, plain[entry["seed"]]) for entry in some if entry["seed"] in plain]
        if (when, name) == (condition, learner) and pairs and SOURCES[stream].task == "classify":
            changes.append(100 * statistics.fmean(a["scores"]["accuracy"] - b["scores"]["accuracy"] for a, b in pairs))
    if not changes:
        return "–"
    middle, worst = (round(change, 1) + 0.0 for change in (statistics.fmean(changes), min(changes)))  # no -0.0
    return f"{middle:+.1f}, worst {worst:+.1f} ({len(changes)})"


def calibration(found: Found) -> str:
    """Return one sentence on calibration, from streams of 20,000 rows and more."""
    large = {
        stream: mean(some, "ece")
        for (stream, condition, name), some in found.items()
        if (condition, name) == ("plain", HEADWATER) and SOURCES[stream].task == "classify"
        if some[0]["rows"] >= 20_000
    }
    covered = {
        stream: mean(some, "coverage")
        for (stream, condition, name), some in found.items()
        if (condition, name) == ("plain", HEADWATER) and "coverage" in some[0]["scores"]
    }
    said = [f"{stream} {value:.3f}" for stream, value in sorted(large.items())]
    text = f"Expected calibration error of headwater: {', '.join(said)}." if said else ""
    if covered:
        text += f" Its 90 % intervals cover: {', '.join(f'{s} {v:.1%}' for s, v in sorted(covered.items()))}."
    return text


def with_labels(found: Found) -> str:
    """Return one sentence on `label_history=True` beside guessing the last label."""
    pairs = [
        f"{stream} {number('classify', mean(some, 'accuracy'))} ({number('classify', mean(guess, 'accuracy'))})"
        for (stream, condition, name), some in sorted(found.items())
        if (condition, name) == ("plain", "headwater-labels") and SOURCES[stream].task == "classify"
        if (guess := found.get((stream, "plain", "no-change")))
    ]
    return f"With `label_history=True` (no-change): {', '.join(pairs)}." if pairs else ""


def absent(whole: Mapping[str, Any]) -> str:
    """Return which plain entries have no scores, by stream, with the reason where there is one."""
    gaps: dict[str, list[str]] = {}
    for entry in entries(["*/plain/*/1"], ["*/headwater-*/*"]):
        known = whole["entries"].get(entry.id, {})
        if "scores" in known:
            continue
        reason = known.get("unfinished") or ("failed" if "error" in known else "")
        named = SHORT.get(entry.learner, entry.learner)
        gaps.setdefault(entry.stream, []).append(f"{named} ({reason})" if reason else named)
    return "; ".join(f"{stream}: {', '.join(names)}" for stream, names in gaps.items())


def versions(whole: Mapping[str, Any]) -> str:
    """Return the versions of all who took part."""
    found: dict[str, str] = {}
    for id_, entry in whole["entries"].items():
        package = ENTRANTS[id_.split("/")[2]].rival.package
        if package in entry.get("versions", {}):
            found[package] = entry["versions"][package]
    return ", ".join(f"{package} {version}" for package, version in sorted(found.items()))


def render(version: str, whole: Mapping[str, Any]) -> str:
    """Return everything that stands between the markers."""
    found = finished(whole)
    seeds = max((len(some) for (_, _, name), some in found.items() if name == HEADWATER), default=0)
    parts: list[list[str]] = []
    for title, task, condition in (
        ("Accuracy in percent, answers at once", "classify", "plain"),
        ("Accuracy in percent, each answer 100 rows late", "classify", "delay100"),
        ("Mean absolute error, answers at once", "regress", "plain"),
    ):
        lines = Table(found, task, condition).lines()
        if lines:
            parts.append([f"**{title}**", "", *lines])
    hurt = harm(found)
    if hurt:
        parts.append(
            ["**What harm does: points of accuracy against the plain stream, mean and worst (streams)**", "", *hurt]
        )
    gaps = absent(whole)
    about = (
        f"headwater {version} with no arguments, {seeds} seeds, ± their standard deviation; each rival once, with its "
        f"defaults; 30 trees in CapyMOA's ARF, SRP and SOKNL. Predict, then learn, row by row, one core of "
        f"{whole['machine']['cpu']}, time of the processor.{noted(whole)} {versions(whole)}. "
        f"{calibration(found)} {with_labels(found)} "
        f"Generated by `python -m benchmarks.report`; what the "
        f"streams and the conditions are stands in `benchmarks/README.md`."
    )
    if gaps:
        about += f"\n\nNot run, or without a result: {gaps}."
    return "\n\n".join(["\n".join(part) for part in parts] + [about])
