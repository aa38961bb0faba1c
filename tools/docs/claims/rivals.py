"""Every comparison with somebody else in the result files, and those in which the other is ahead.

Nothing is chosen by hand: each benchmark yields all of its comparisons, and what is listed follows from the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import report
from benchmarks.accuracy import table as accuracy_table
from benchmarks.accuracy.table import GUESSES, HEADWATER, SCORE, SHORT, Table, finished
from benchmarks.anomaly.__main__ import LEARNERS as DETECTORS
from benchmarks.decisions.__main__ import LEARNERS as BANDITS
from benchmarks.outputs.__main__ import LARGER_IS_BETTER
from benchmarks.results import RESULTS
from benchmarks.rivals import RIVALS
from benchmarks.text.__main__ import LEARNERS as READERS
from tools.docs.claims.readme import NOT_NOTED, report_file
from tools.docs.claims.words import Words, same

TIME = Words("µs a row", "每个样本微秒")
ERROR = Words("mean absolute error", "平均绝对误差")
RIGHT = Words("accuracy, %", "准确率（%）")
GUESSED = {
    "no-change": Words("the last answer again", "重复上一个答案"),
    "average": Words("the mean so far", "目前的平均值"),
}


@dataclass(frozen=True)
class Comparison:
    """One figure of headwater beside the same figure of others.

    Parameters
    ----------
    what
        The stream or the scenario.
    measure
        What was measured.
    own
        headwater's figure.
    others
        The others' figures by name.
    larger
        Whether a larger figure is the better one.
    """

    what: str
    measure: Words
    own: float
    others: Mapping[str | Words, float]
    larger: bool

    @property
    def best(self) -> tuple[str | Words, float]:
        """Return the best of the others."""
        return (max if self.larger else min)(self.others.items(), key=lambda pair: pair[1])

    @property
    def behind(self) -> bool:
        """Return whether another is ahead, at the digits that are shown."""
        best, own = (float(digits(value).replace(",", "")) for value in (self.best[1], self.own))
        return best > own if self.larger else best < own


def digits(value: float) -> str:
    """Return a figure with as many digits as count."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.{2 if size >= 1 else 4}f}"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark beside others: its name, its command, its result, and all that it compares."""

    says: Words
    command: str
    kept: str
    machine: Words
    date: str
    comparisons: tuple[Comparison, ...]


def benchmarks() -> list[Benchmark]:
    """Return all benchmarks that compare headwater with others."""
    _, run = report.latest(RESULTS)
    version, whole = report.measured_accuracy(accuracy_table.latest(RESULTS.parent))
    dates = max(entry["date"] for entry in whole["entries"].values())
    accuracy = f"accuracy-{version}"
    found = [
        (Words("Accuracy on real streams", "真实数据流上的准确率"), "accuracy.run", accuracy, whole | {"date": dates}, streams(whole)),
        (Words("Speed", "速度"), "run", "speed", run, speeds(run)),
    ]  # fmt: skip
    for says, module, name, compare in OTHERS:
        kept = report_file(name)
        inner = next(iter(kept.values()))
        about = kept if "machine" in kept or not isinstance(inner, dict) or "machine" not in inner else inner
        found.append((says, module, name, about, compare(about)))
    return [
        Benchmark(
            says, f"python -m benchmarks.{module}", f"benchmarks/results/{name}.json", *_noted(about), tuple(all_)
        )
        for says, module, name, about, all_ in found
    ]


def _noted(about: Mapping[str, Any]) -> tuple[Words, str]:
    machine = about.get("machine")
    dates = [about.get("date", "–"), *([about["scored"]] if "scored" in about else [])]
    return (same(machine["cpu"]) if machine else NOT_NOTED), ", ".join(dates)


# ---- what each benchmark compares ---------------------------------------------------------------------------------------


def streams(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield scores on real streams, answers at once and late, and the time a row."""
    found = finished(whole)
    for task, condition in (("classify", "plain"), ("classify", "delay100"), ("regress", "plain")):
        table = Table(found, task, condition)
        late = "" if condition == "plain" else ", 100 rows late"
        scale = 100 if SCORE[task] == "accuracy" else 1
        for stream in table.streams:
            others = {_named(name): scale * value for name, value in table.figures[stream].items() if name != HEADWATER}
            if others:
                own = scale * table.figures[stream][HEADWATER]
                measure = RIGHT if task == "classify" else ERROR
                yield Comparison(stream + late, measure, own, others, task == "classify")
            times = {_named(name): table.us(stream, name) for name in table.learning(stream)}
            if times and condition == "plain":
                yield Comparison(stream, TIME, table.us(stream, HEADWATER), times, False)


def _named(name: str) -> str | Words:
    return GUESSED[name] if name in GUESSES else SHORT.get(name, name)


def speeds(run: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield the times of the scenarios with rivals; headwater in JavaScript is no rival."""
    for id_, scenario in run["scenarios"].items():
        rivals = {
            RIVALS[name].title.replace("\\|", "and"): one["us_median"]
            for name, one in scenario["rivals"].items()
            if not name.startswith(HEADWATER)
        }
        if rivals:
            yield Comparison(f"`{id_}`", TIME, scenario["rivals"][HEADWATER]["us_median"], rivals, False)


def by_learner(titles: Mapping[str, Any], measures: Mapping[str, tuple[Words, bool]], skip: Iterable[str] = ()) -> Any:
    """Return what yields the comparisons of entries that are called `learner/stream`."""

    def compare(whole: Mapping[str, Any]) -> Iterator[Comparison]:
        entries = whole["entries"]
        for stream in dict.fromkeys(id_.partition("/")[2] for id_ in entries):
            own = entries[f"{HEADWATER}/{stream}"]
            for key, (measure, larger) in measures.items():
                others = {
                    titles[name].title: entries[f"{name}/{stream}"][key]
                    for name in titles
                    if name not in {HEADWATER, *skip} and key in entries.get(f"{name}/{stream}", {})
                }
                if others and key in own:
                    yield Comparison(stream, measure, own[key], others, larger)

    return compare


def chains(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield scores and times of several outputs."""
    for stream, entries in whole["entries"].items():
        own = entries["`hw.MultiOutput()`"]
        for key, value in own.items():
            others = {name: one[key] for name, one in entries.items() if name.startswith("River") and key in one}
            measure = Words("ms a row", "每个样本毫秒") if key == "ms_per_row" else same(key)
            if others:
                yield Comparison(stream, measure, value, others, LARGER_IS_BETTER.get(key, False))


def memories(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield the tasks that need rows before, beside a recurrent net."""
    for task, one in whole["tasks"].items():
        error = task.startswith("ETT")
        scale = 1 if error else 100
        rival = {"deep-river LSTM": scale * one["deep-river"]["last"]}
        yield Comparison(task, ERROR if error else RIGHT, scale * one["memory"]["last"], rival, not error)
        yield Comparison(task, TIME, one["memory"]["us"], {"deep-river LSTM": one["deep-river"]["us"]}, False)


PRETRAINED = Words("best published, pretrained", "已发表的最好结果，经过预训练")
SQUARED = Words("mean squared error", "均方误差")


def series(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield the errors of forecasts."""
    for name, one in whole["ett"].items():
        others: dict[str | Words, float] = {key: one[key] for key in ("least squares", "last value")}
        yield Comparison(name, SQUARED, one[HEADWATER], others | {PRETRAINED: one["best published"]}, False)
    for name, one in whole["river"].items():
        rivals = {key: part["mae"] for key, part in one.items() if key != "rows" and not key.startswith(HEADWATER)}
        yield Comparison(name, ERROR, one[HEADWATER]["mae"], rivals, False)


def pictures(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield the time of a step of LeNet-5."""
    yield Comparison("LeNet-5", TIME, whole["us"][HEADWATER], {"PyTorch": whole["us"]["torch"]}, False)


def devices(whole: Mapping[str, Any]) -> Iterator[Comparison]:
    """Yield what a net of 16 units that goes on learning takes, beside what only predicts."""
    own = report_file("device")["16 units, 3 classes"]["boards"]["cortex-m4"]
    for key, measure in (
        ("flash", Words("bytes of flash", "闪存字节")),
        ("ram", Words("bytes of RAM", "内存字节")),
        ("predict", Words("instructions to predict", "预测所需指令数")),
    ):
        others: dict[str | Words, float] = {name: one[key] for name, one in whole.items() if key in one}
        yield Comparison("Cortex-M4", measure, own[key], others, False)


PRECISION = Words("average precision, %", "平均精确率（%）")
OF_DETECTORS = {"auc": (same("AUC, %"), True), "average_precision": (PRECISION, True), "us_per_row": (TIME, False)}
OF_BANDITS = {"reward": (Words("mean reward, %", "平均奖励（%）"), True), "us_per_row": (TIME, False)}
TESTED = Words("accuracy of the test, %", "测试集准确率（%）")
OF_READERS = {"test": (TESTED, True), "prequential": (RIGHT, True), "us": (TIME, False)}
DEVICES = Words("Microcontrollers; the others only predict", "微控制器；其他的只预测，不学习")
OTHERS = (
    (Words("Anomalies", "异常检测"), "anomaly", "anomaly", by_learner(DETECTORS, OF_DETECTORS)),
    (Words("Bandits", "多臂老虎机"), "decisions", "decisions", by_learner(BANDITS, OF_BANDITS, skip=["random"])),
    (Words("Texts", "文本"), "text", "text", by_learner(READERS, OF_READERS, skip=["headwater-fast"])),
    (Words("Several outputs", "多个输出"), "outputs", "outputs", chains),
    (Words("Memory of rows before", "记住之前的样本"), "memory tasks", "memory", memories),
    (Words("Forecasts", "时间序列预测"), "forecast ett", "forecast", series),
    (Words("Images", "图像"), "images run", "images", pictures),
    (DEVICES, "device_rivals", "device_rivals", devices),
)
"""What is compared, the command's module and arguments, the name of the result file, and what yields the comparisons."""
