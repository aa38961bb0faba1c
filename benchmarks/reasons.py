"""The six reasons of the READMEs and what wide rows cost, in English and Chinese, with figures from the result files.

``python -m benchmarks.report`` writes them between ``<!-- bench:reasons -->`` and ``<!-- /bench:reasons -->`` (or ``wide``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.accuracy.table import HEADWATER, finished, mean, number
from benchmarks.results import RESULTS

__all__ = ["figures", "reasons", "wide", "wide_figures"]

GOLDEN = RESULTS.parents[2] / "tests" / "core" / "golden.txt"
ENGLISH = """\
- **Right more often, with nothing to tune.** The price of electricity goes up or down: {right} % right, an adaptive random
  forest {forest} %. Without settings a learner is a small pool of nets, whose mixture is learned too. [The table](#accuracy)
- **Microseconds a row.** A logistic regression predicts and learns a dict of 20 numbers {faster} times as fast as River's. One
  flat vector, one small core in C, nothing compiled for each net. [The table](#speed)
- **Nothing acknowledged is lost.** After {kills:,} SIGKILLs at random system calls, over five brokers, every state was equal to the
  byte. [docs/promises.md](docs/promises.md) links each promise to its test.
- **Safe in bad company.** {requests:,} hostile requests: no server error, and others waited at most {wait:.0f} ms at the 99th
  percentile. NaN, infinity and wrong types are refused or clipped by stated rules, and counted.
  [examples/05_survives.py](examples/05_survives.py)
- **The same bits on every machine.** {digests} digests agree under gcc, Clang, on aarch64 and in WebAssembly. A name or a class that
  appears later moves no bit of an old output. [examples/04_growth.py](examples/04_growth.py)
- **Intervals and sets that hold.** With `guarantee="long-run"`, asked for 90 %, they held the answer in {low:.1f} to {high:.1f} %
  of the rows, on {streams} real streams, also with late answers. [The guide](docs/how-to/coverage.md)"""
CHINESE = """\
- **更常答对，不用调参。** 电价涨跌：答对 {right}%，自适应随机森林为 {forest}%。
  不做任何设置时，学习器是一组小网络，怎样混合也是学来的。[准确率](#准确率)
- **每个样本只要几微秒。** 逻辑回归预测并学习一个由 20 个数组成的字典，速度是 River 的 {faster} 倍。
  一个扁平的向量，一个小小的 C 核心，不为每个网络单独编译。[速度](#速度)
- **确认过的数据不会丢。** 在五种消息代理上、随机的系统调用处 {kills:,} 次 SIGKILL 之后，每个状态都逐字节相同。
  [docs/promises.md](docs/promises.md)（英文）为每条承诺列出对应的测试。
- **经得起恶意对待。** {requests:,} 个恶意请求，没有一个服务器错误，旁人等待时间的第 99 百分位不超过 {wait:.0f} 毫秒。
  NaN、无穷大和错误的类型按明文规则拒绝或裁剪，并且计数。[examples/05_survives.py](examples/05_survives.py)
- **在任何机器上逐位相同。** gcc、Clang、aarch64 和 WebAssembly 下的 {digests} 个摘要全部一致。
  后来出现的名字或类别不改变旧输出的任何一位。[examples/04_growth.py](examples/04_growth.py)
- **说到做到的区间与预测集。** 用 `guarantee="long-run"` 要求 90%，在 {streams} 个真实的数据流上，
  包含答案的比例为 {low:.1f}% 到 {high:.1f}%，答案迟到时也一样。[指南](docs/zh/how-to/coverage.md)"""
TEXTS = {"en": ENGLISH, "zh": CHINESE.replace("\n  ", "")}  # a line's end would be a space between Chinese characters
WIDE = {
    "en": "- **Rows are very wide.** A row of {columns:,} numbers takes the default pool {default} ms, and a learner with\n"
    '  `effort="fast"` {fast} ms.',
    "zh": '- **列非常多。** 一行有 {columns:,} 个数时，默认设置需要 {default} 毫秒，`effort="fast"` 需要 {fast} 毫秒。',
}


def reasons(run: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, str]:
    """Return the reasons by language.

    Parameters
    ----------
    run
        The run of the benchmark of speed measured last.
    whole
        The result file of accuracy.
    """
    found = figures(run, whole)
    return {language: text.format(**found) for language, text in TEXTS.items()}


def figures(run: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the reasons' texts are filled with."""
    found = _accuracy(whole) | _speed(run) | _kills() | _siege() | _coverage()
    return found | {"digests": len(GOLDEN.read_text(encoding="utf-8").splitlines())}


def wide() -> dict[str, str]:
    """Return by language what the widest rows measured cost."""
    return {language: text.format(**wide_figures()) for language, text in WIDE.items()}


def wide_figures() -> dict[str, Any]:
    """Return how many columns the widest rows have, and the milliseconds a row by effort."""
    costs = _read("wide")["ms_per_row"]
    columns = max(costs["default"], key=int)
    return {"columns": int(columns)} | {effort: f"{row[columns]:.2g}" for effort, row in costs.items()}


def _accuracy(whole: Mapping[str, Any]) -> dict[str, Any]:
    found = finished(whole)
    names = {"right": HEADWATER, "forest": "moa-arf"}
    return {
        key: number("classify", round(mean(found["elec2", "plain", name], "accuracy"), 3))
        for key, name in names.items()
    }


def _speed(run: Mapping[str, Any]) -> dict[str, Any]:
    rivals = run["scenarios"]["speed-dict-20-linear"]["rivals"]
    return {"faster": round(rivals["river"]["us_best"] / rivals["headwater"]["us_best"])}


def _kills() -> dict[str, Any]:
    return {"kills": sum(life["kills"] for broker in _read("kills").values() for life in broker)}


def _siege() -> dict[str, Any]:
    loads = _read("siege")["loads"]
    failed = [status for load in loads.values() for status in load["statuses"] if status.startswith("5")]
    if failed:
        raise ValueError(f"the siege brought server errors, so the READMEs can't say that there was none: {failed}")
    waits = [times["p99_ms"] for load in loads.values() for times in load["bystander"].values()]
    return {"requests": sum(loads[name]["requests"] for name in ("contract", "fuzz")), "wait": max(waits)}


def _coverage() -> dict[str, Any]:
    cells = [cell for cell in _read("coverage")["cells"] if cell["guarantee"] == "long-run"]
    held = [cell["coverage"] for cell in cells]
    return {"low": min(held), "high": max(held), "streams": len({cell["stream"] for cell in cells})}


def _read(name: str) -> Any:
    return json.loads((RESULTS.parent / f"{name}.json").read_text(encoding="utf-8"))
