"""What README claims with a figure: the command that measures it, on which machine, with which seeds, and what was measured.

A claim holds the very text of README that makes it, in both languages. A test takes these texts out of README and finds no
figure in what is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import headline, report
from benchmarks.accuracy import table as accuracy_table
from benchmarks.accuracy.table import HEADWATER, finished
from benchmarks.reasons import figures, reasons, wide, wide_figures
from benchmarks.results import RESULTS
from tools.docs.claims.words import LANGUAGES, Words, numbered, same

ROOT = Path(__file__).resolve().parents[3]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
NOT_NOTED = Words("not noted", "未记录")
EVERY_MACHINE = Words("any: the same bits", "任何机器：逐位相同")
DEFAULT_SEED = Words("the default", "默认值")


@dataclass(frozen=True)
class Claim:
    """One claim of README.

    Parameters
    ----------
    id
        It never changes its meaning.
    says
        What is claimed, in a few words.
    figure
        What was measured; the best is bold.
    command
        What measures it, typed in a checkout.
    kept
        The file that holds the result, or the test.
    machine, date, seeds
        On what, when and with which seeds it was measured.
    readme
        The text of README that makes the claim.
    """

    id: str
    says: Words
    figure: Words
    command: str
    kept: str
    machine: Words
    date: Words
    seeds: Words
    readme: Words


def claims() -> list[Claim]:
    """Return all claims, in README's order."""
    _, run = report.latest(RESULTS)
    version, whole = report.measured_accuracy(accuracy_table.latest(RESULTS.parent))
    return [
        _hello(),
        *_reasons(version, run, whole),
        _wide(),
        *_accuracy(version, whole),
        *_speed(run),
        _command(),
    ]


# ---- what the documents' own tests run --------------------------------------------------------------------------------


def shown_block(language: str, pattern: str) -> str:
    """Return the shown output of README that has a pattern."""
    blocks = re.findall(r"^```text\n(.*?)^```$", READMES[language].read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return next(block.strip() for block in blocks if re.search(pattern, block))


def _tested(id_: str, says: Words, figure: Words, test: str, block: str) -> Claim:
    texts = Words(*(shown_block(language, block) for language in LANGUAGES))
    path = "tests/project/documents/test_readme.py"
    command = f"python -m pytest {path} -k {test}"
    return Claim(id_, says, figure, command, path, EVERY_MACHINE, same("–"), DEFAULT_SEED, texts)


def _hello() -> Claim:
    found = re.search(r"([\d,]+) of ([\d,]+) right", shown_block("en", "of .* right"))
    says = Words("Phishing, eight lines of code", "Phishing 数据，八行代码")
    figure = Words(f"**{found[1]}** of {found[2]}", f"{found[2]} 个中答对 **{found[1]}** 个")
    return _tested("first-lines", says, figure, "python_of_the_first_pages", "1,250")


def _command() -> Claim:
    share, guess = re.findall(r"(\d+) %", shown_block("en", "Last 1,000 rows"))
    says = Words(
        "`headwater learn` on 1,500 flights, last 1,000 rows", "`headwater learn`，1,500 个航班，最后 1,000 行"
    )
    figure = Words(f"**{share} %**; most frequent class {guess} %", f"**{share}%**；最常见的类别 {guess}%")
    return _tested("first-command", says, figure, "commands_of_the_first_pages", "Last 1,000 rows")


# ---- the reasons ------------------------------------------------------------------------------------------------------


def _reasons(version: str, run: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield the six reasons; their figures are those that README's text is filled with."""
    texts = {language: re.split(r"\n(?=- )", text) for language, text in reasons(run, whole).items()}
    found = figures(run, whole)
    for place, row in enumerate(REASONS):
        filled = Words(row.figure.en.format(**found), row.figure.zh.format(**found))
        readme = Words(*(texts[language][place] for language in LANGUAGES))
        machine, date, seeds = row.measured(run, whole)
        kept = row.kept.format(version=version)
        yield Claim(row.id, row.says, filled, row.command, kept, machine, date, seeds, readme)


@dataclass(frozen=True)
class Reason:
    """How one of the reasons is measured."""

    id: str
    says: Words
    figure: Words
    command: str
    kept: str

    def measured(self, run: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Words, Words, Words]:
        """Return machine, date and seeds, as the result file has noted them."""
        if self.id == "right-more-often":
            entries = finished(whole)["elec2", "plain", HEADWATER]
            return _where(whole["machine"]), same(max(one["date"] for one in entries)), _seeds(entries)
        if self.id == "microseconds":
            return _where(run["machine"]), same(run["date"]), _rounds(run, "speed-dict-20-linear")
        if self.kept.endswith(".txt"):
            return Words("every target of the test", "测试里的每个目标平台"), same("–"), same("–")
        return noted(Path(self.kept).stem)


def noted(name: str) -> tuple[Words, Words, Words]:
    """Return machine, date and seeds of a result file, as far as it holds them."""
    found = report_file(name)
    lives = [life for rounds in found.values() if isinstance(rounds, list) for life in rounds]
    first = lives[0] if lives and "date" in lives[0] else found
    cores = first.get("cores")
    bare = Words(f"{cores} cores", f"{cores} 个核心") if cores else NOT_NOTED
    machine = _where(first["machine"]) if "machine" in first else bare
    date = same(max((life["date"] for life in lives if "date" in life), default=first.get("date", "")) or "–")
    if name == "coverage":
        count = max(cell["seeds"] for cell in found["cells"])
        return machine, date, Words(f"{count} seeds", f"{count} 个种子")
    if name == "kills":
        stores = sum(life["stores"] for life in lives)
        return machine, date, Words(f"{stores} stores, a seed each", f"{stores} 个存储，各一个种子")
    return machine, date, Words("one", "一个")


def report_file(name: str) -> Any:
    """Return a result file."""
    return json.loads((RESULTS.parent / f"{name}.json").read_text(encoding="utf-8"))


REASONS = (
    Reason(
        "right-more-often",
        Words("electricity, up or down, no settings", "电价涨跌，不做设置"),
        Words("**{right} %**; ARF {forest} %", "**{right}%**；ARF {forest}%"),
        "python -m benchmarks.accuracy.run --only 'elec2/plain/*' --again",
        "benchmarks/results/accuracy-{version}.json",
    ),
    Reason(
        "microseconds",
        Words("logistic regression on a dict of 20 numbers, against River's", "20 个数的字典上的逻辑回归，与 River 相比"),
        Words("**{faster}** times as fast", "速度是它的 **{faster}** 倍"),
        "python -m benchmarks.run --only speed-dict-20-linear",
        "benchmarks/results/speed.json",
    ),
    Reason(
        "nothing-lost",
        Words("SIGKILLs at random system calls, over five brokers", "随机系统调用处的 SIGKILL，五种消息代理"),
        Words("**{kills:,}**, every state equal", "**{kills:,}** 次，状态全部相同"),
        "python -m benchmarks.serve.brokers --no-rates",
        "benchmarks/results/kills.json",
    ),
    Reason(
        "bad-company",
        Words("hostile requests; the wait of others, 99th percentile", "恶意请求；旁人等待的第 99 百分位"),
        Words("**{requests:,}**, no server error; {wait:.0f} ms", "**{requests:,}** 个，无服务器错误；{wait:.0f} 毫秒"),
        "python -m benchmarks.serve.siege",
        "benchmarks/results/siege.json",
    ),
    Reason(
        "same-bits",
        Words("digests that agree under gcc, Clang, on aarch64 and in WebAssembly", "gcc、Clang、aarch64 和 WebAssembly 下一致的摘要"),
        Words("**{digests}** of {digests}", "{digests} 个中的 **{digests}** 个"),
        "python -m pytest tests/core/test_golden.py",
        "tests/core/golden.txt",
    ),
    Reason(
        "coverage",
        Words("intervals and sets asked for 90 %", "要求 90% 的区间与预测集"),
        Words("**{low:.1f} to {high:.1f} %**, {streams} streams", "**{low:.1f}% 到 {high:.1f}%**，{streams} 个数据流"),
        "python -m benchmarks.coverage",
        "benchmarks/results/coverage.json",
    ),
)  # fmt: skip


def _wide() -> Claim:
    """Return what wide rows cost, which README says among the reasons against headwater."""
    found, texts = wide_figures(), wide()
    says = Words("a row of {columns:,} numbers", "一行 {columns:,} 个数")
    figure = Words('{default} ms; with `effort="fast"` {fast} ms', '{default} 毫秒；`effort="fast"` 为 {fast} 毫秒')
    filled = [Words(part.en.format(**found), part.zh.format(**found)) for part in (says, figure)]
    machine, date, _ = noted("wide")
    kept = "benchmarks/results/wide.json"
    return Claim("wide-rows", *filled, "python -m benchmarks.wide", kept, machine, date, same(1), Words(**texts))


# ---- the tables -------------------------------------------------------------------------------------------------------


def cells(table: str, name: str) -> tuple[str, dict[str, str]]:
    """Return the line of a table that begins with a name, and its cells by their heads."""
    head, _, *lines = [line for line in table.splitlines() if line.startswith("|")]
    line = next(line for line in lines if line.startswith(f"| {name} |"))
    heads, values = ([cell.strip() for cell in text.split("|")[2:-1]] for text in (head, line))
    return line, dict(zip(heads, values, strict=True))


def _against(row: dict[str, str], unit: str, larger: bool) -> str:
    """Return headwater's figure and the best of the others', the better of the two in bold."""
    others = {name: cell for name, cell in row.items() if name != HEADWATER and cell != headline.NONE}
    best = (max if larger else min)(others, key=lambda name: float(others[name].strip("*")))
    named = [(HEADWATER, row[HEADWATER]), (best, others[best])]
    shown = [(name, f"**{cell.strip('*')}{unit}**" if "*" in cell else f"{cell}{unit}") for name, cell in named]
    return "; ".join(f"{name} {cell}" for name, cell in shown)


def _accuracy(version: str, whole: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield a claim for each line of README's table of accuracy."""
    tables = {language: headline.accuracy(version, whole, language) for language in LANGUAGES}
    for stream in headline.STREAMS:
        (line, row), (line_zh, row_zh) = (cells(tables[it], stream.named(it)) for it in LANGUAGES)
        entries = finished(whole)[stream.id, "plain", HEADWATER]
        figure = Words(_against(row, " %", larger=True), _against(row_zh, "%", larger=True).replace("; ", "；"))
        command = f"python -m benchmarks.accuracy.run --only '{stream.id}/plain/*' --again"
        kept = f"benchmarks/results/accuracy-{version}.json"
        date = same(max(one["date"] for one in entries))
        says = Words(stream.en, stream.zh)
        texts = Words(line, line_zh)
        id_ = f"accuracy-{stream.id}"
        yield Claim(id_, says, figure, command, kept, _where(whole["machine"]), date, _seeds(entries), texts)


def _speed(run: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield a claim for each line of README's table of speed."""
    tables = {language: headline.speed("", run, language) for language in LANGUAGES}
    for task in headline.TASKS:
        (line, row), (line_zh, row_zh) = (cells(tables[it], task.named(it)) for it in LANGUAGES)
        figure = Words(_against(row, " µs", larger=False), _against(row_zh, " 微秒", larger=False).replace("; ", "；"))
        command, kept = f"python -m benchmarks.run --only {task.id}", "benchmarks/results/speed.json"
        says, texts = Words(task.en, task.zh), Words(line, line_zh)
        where, date = _where(run["machine"]), same(run["date"])
        yield Claim(task.id, says, figure, command, kept, where, date, _rounds(run, task.id), texts)


def _where(machine: Mapping[str, Any]) -> Words:
    return same(machine["cpu"])


def _seeds(entries: list[dict[str, Any]]) -> Words:
    return numbered(sorted(int(one["seed"]) for one in entries))


def _rounds(run: Mapping[str, Any], id_: str) -> Words:
    count = len(run["scenarios"][id_]["rivals"]["headwater"]["us_rounds"])
    return Words(f"{count} rounds", f"{count} 轮")
