"""Write the tables of speed and accuracy from the result files: ``python -m benchmarks.report``.

All of them go into benchmarks/README.md, two small ones and the reasons into the READMEs. They stand between
``<!-- bench:speed -->`` and ``<!-- /bench:speed -->`` (or ``accuracy``, ``reasons``, ``wide``) and are never typed by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import headline
from benchmarks.accuracy import table as accuracy
from benchmarks.accuracy.kept import load
from benchmarks.reasons import reasons, wide
from benchmarks.results import RESULTS
from benchmarks.rivals import RIVALS
from benchmarks.scenarios import HEADWATER, SCENARIOS

TABLES = {  # title → kinds of scenario; the figure in a cell
    "One row after another from arrays, predict then learn (time a row)": ("arrays",),
    "One event after another from dicts (time an event)": ("events", "flights"),
    "In Node, one row after another, predict then learn; headwater itself in Python (time a row)": ("node",),
    "Mini-batches (time an epoch)": ("epochs",),
    "Starting (seconds)": ("start",),
    "Memory over 10 million rows (growth)": ("memory",),
}


ROOT = Path(__file__).resolve().parents[1]
PAGES = {"benchmarks/README.md": "all", "README.md": "en", "README.zh-CN.md": "zh"}  # page → which tables


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


def bold(values: Sequence[float | None], form: str = ".1f", low: bool = False) -> list[str]:
    """Return the values as cells of a table, the best in bold, with all that look like it; None as a dash."""
    shown = ["–" if value is None else format(value, form) for value in values]
    known = [(value, text) for value, text in zip(values, shown, strict=True) if value is not None]
    best = (min if low else max)(known, default=(0.0, ""))[1]
    return [f"**{text}**" if text == best else text for text in shown]


def fastest(rivals: dict[str, Any]) -> str:
    """Return who took the shortest time, by the ratios of interleaved rounds; "" if headwater ran alone."""
    ratios = {name: 1.0 if name == HEADWATER else figures.get("ratio_median") for name, figures in rivals.items()}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    return min(known, key=lambda name: known[name]) if len(known) > 1 else ""


def cell(kind: str, options: dict[str, Any], figures: dict[str, Any] | None, best: bool = False) -> str:
    """Return one table cell: the median time, bold for the fastest, and how many times as long as headwater it is."""
    if figures is None:
        return "–"
    if kind == "memory":
        return f"{figures['score']:+.1f} MB"
    us = figures["us_median"]
    if kind == "epochs":
        us *= figures["rows"] / options["epochs"]
    shown = f"**{duration(us)}**" if best else duration(us)
    shown += f" ({figures['score']:.2%} right)" if kind == "epochs" else ""
    return shown + (f" · {times(figures['ratio_median'])}" if "ratio_median" in figures else "")


def promise(scenario: dict[str, Any]) -> str:
    """Return what was promised for a scenario and whether it is kept; empty where nothing was."""
    rivals = scenario["rivals"]
    own = rivals.get(HEADWATER)
    said: list[str] = []
    base = rivals.get(scenario["options"].get("own"), {}).get("ratio_median", 1.0)
    for name, least in scenario["targets"].items():
        if "ratio_median" in rivals.get(name, {}):
            met = "yes" if rivals[name]["ratio_median"] / base >= least else "**no**"
            said.append(f"{name} ≥ {least:g}×: {met}")
    for name, most in scenario["options"].get("at_most", {}).items():
        if "ratio_median" in rivals.get(name, {}):
            said.append(f"{name} ≤ {most:g}×: {'yes' if rivals[name]['ratio_median'] <= most else '**no**'}")
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
        best, rivals = fastest(whole["rivals"]), whole["rivals"]
        cells = [cell(whole["kind"], whole["options"], rivals.get(name), name == best) for name in columns]
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
        f"interleaved rounds, **the fastest** by the ratios; n×: how many times as long as headwater, median over rounds. "
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


WORDS = {
    "mean reward, % (actions)": "平均奖励，%（动作数）",
    "mean average precision": "平均精确率的均值",
    "mean µs a row": "每个样本微秒（均值）",
    "mean of six": "六个的均值",
    "µs a row": "每个样本微秒",
    "mean AUC": "AUC 的均值",
    "AUC, %": "AUC，%",
    "| random |": "| 随机 |",
    "| rows |": "| 样本数 |",
    "| beside, ms | median |": "| 与此同时，毫秒 | 中位数 |",
    "| longest | rows learned a second |": "| 最长 | 每秒学的样本数 |",
    "nobody learns": "没有人在学",
    " rows in a thread": " 个样本，在一个线程里",
    "`learn_many` of ": "`learn_many` ",
    " in a thread": "，在一个线程里",
    " in a task of the event loop": "，在事件循环的一个任务里",
    "the same, `sys.": "同上，`sys.",
    ", two cores of ": "，两个核心，",
    ", one core of ": "，一个核心，",
    "ε = 3, audited by 1,000 canaries of one run | refuted": "ε = 3，一次运行，1,000 个样本的审计 | 被推翻",
    "| kept |": "| 守住的承诺 |",
    "noise too small by a factor of ": "噪声小了，倍数为 ",
    "half of the noise": "噪声只有一半",
    "rows replayed four times and counted once": "样本回放四次，只计一次",
    " of 40 |": " / 40 |",
    "private model without noise": "不加噪声的私密模型",
    "elec2, which drifts": "elec2（会漂移）",
    "default pool": "默认专家池",
    "accuracy, %": "准确率，%",
    "share held by 90 %, first season": "第一个季节里 90% 区间包含的比例",
    "| first season | second | third |": "| 第一个季节 | 第二个 | 第三个 |",
    "one model, the key is a category": "一个模型，键是类别",
    "a fleet of nets of 8 units": "每个键一个 8 单元的网络",
    "a fleet of the same": "每个键一个同样的模型",
    "flights, 3 origins": "航班，3 个出发地",
    "flights, 16 carriers": "航班，16 家航空公司",
    "flights, 102 destinations": "航班，102 个目的地",
    "made, 50 keys, each its own": "合成，50 个键，各不相同",
    "made, 50 keys, all alike": "合成，50 个键，全都一样",
    "made, 50 keys, half alike": "合成，50 个键，一半相同",
    "destinations of flights, days": "航班目的地，天",
    "car parks, half-hours": "停车场，半小时",
    "products, days": "商品，天",
    "pages, days": "网页，天",
    "Tourism, months": "Tourism，月",
    "M3, months, which have little in common": "M3，月，共同点很少",
    ", processor time; headwater": "，处理器时间; headwater",
    " (means of five seeds)": "（五个种子的均值）",
    " headwater was scored on ": " headwater 的得分测于 ",
    ". Its times are those of ": "；耗时是 ",
    ", measured beside the rivals.": " 的，与其他库一同测得。",
}
"""Words of tables on a Chinese page, the longer ones first."""


def in_chinese(text: str) -> str:
    """Return a table with its words in Chinese; names of streams and rivals stay."""
    for english, chinese in WORDS.items():
        text = text.replace(english, chinese)
    text = re.sub(r" %(?= \|)", "%", text)
    return re.sub(r"Written by (`[^`]+`): (.*); headwater", r"由 \1 写出：\2；headwater", text)


def write_guides(pages: Sequence[str], name: str, text: str) -> None:
    """Put a text between the markers of that name in pages, in Chinese in those that are."""
    for page in pages:
        write(ROOT / page, name, in_chinese(text) if "/zh/" in page else text)


def measured_accuracy(path: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the version of a result file of accuracy, and what is in it."""
    if path is None or not path.is_file():
        raise ReportError("expected a result file of accuracy, got none — run python -m benchmarks.accuracy.run first.")
    return path.stem.removeprefix("accuracy-"), load(path)


def texts(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return what is to be written: by table, the text for each kind of page ("all", or the language of a README)."""
    found: dict[str, dict[str, str]] = {}
    if options.only != "accuracy":
        version, run = latest(options.results)
        found["speed"] = {"all": render(version, run)} | {
            language: headline.speed(version, run, language) for language in headline.LANGUAGES
        }
    if options.only != "speed":
        version, whole = measured_accuracy(options.accuracy or accuracy.latest(RESULTS.parent))
        found["accuracy"] = {"all": accuracy.render(version, whole)} | {
            language: headline.accuracy(version, whole, language) for language in headline.LANGUAGES
        }
    if options.only is None:
        found |= {"reasons": reasons(run, whole), "wide": wide()}
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables of the version measured last into their pages; return 0, or 2 with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__.splitlines()[0])
    parser.add_argument(
        "pages", nargs="*", type=Path, help="write all tables into these (default: into their own pages)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the speed file (default: results/speed.json)")
    parser.add_argument("--accuracy", type=Path, help="the accuracy file (default: the newest results/accuracy-*.json)")
    parser.add_argument("--only", choices=["speed", "accuracy"], help="write these tables only")
    options = parser.parse_args(argv)
    try:
        pages = [(path, "all") for path in options.pages] or [(ROOT / path, kind) for path, kind in PAGES.items()]
        for name, text in texts(options).items():
            for path, kind in pages:
                if kind in text:
                    write(path, name, text[kind])
    except (ReportError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
