"""Words of a dossier, in English and in Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["LAW", "Language", "Words"]

Language = Literal["en", "zh"]

LAW = "law"
_LAW_EN = (
    "For records and changes as in Article 12 and Recital 128 of the EU AI Act (Regulation 2024/1689): logs over a system's "
    "lifetime, and changes by learning that were determined beforehand. This page says what the file shows; it is no legal "
    "advice and promises no conformity."
)
_LAW_ZH = (
    "供《欧盟人工智能法》（第 2024/1689 号条例）第 12 条和序言第 128 条所说的记录与变化之用："
    "系统整个生命周期的日志，以及事先确定的学习变化。本页只说明文件所显示的内容，不是法律意见，也不承诺合规。"
)
_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Dossier of {file}", "{file} 的档案"),
    "lead": ("{one} of {file}, as of {when}.", "{file} 中的 {one}，{when}。"),
    "of model": ("model {model} of {file}", "{file} 中的模型 {model}"),
    LAW: (_LAW_EN, _LAW_ZH),
    # ---- declaration
    "declaration": ("Declaration", "声明"),
    "kind": ("kind", "类型"),
    "settings": ("settings", "设置"),
    "settings text": ("{settings}; all others as in this version", "{settings}；其余为本版本的默认值"),
    "version": ("version", "版本"),
    "version text": ("headwater {version}, core {core}", "headwater {version}，核心 {core}"),
    "learned": ("rows learned", "已学数据"),
    "parameters": ("parameters", "参数"),
    "inputs": ("inputs", "输入"),
    "classes": ("classes", "类别"),
    "members": ("members", "成员"),
    "members text": (
        "{n:,}, one for each {key}; below stands the one with most rows",
        "{n:,} 个，每个 {key} 一个；下面是数据最多的一个",
    ),
    "privacy": ("privacy", "隐私"),
    "no privacy": ("no promise of differential privacy", "没有差分隐私承诺"),
    "file": ("file", "文件"),
    "file text": ("{size:,} bytes", "{size:,} 字节"),
    "file sha": ("{size:,} bytes, SHA-256 {sha}", "{size:,} 字节，SHA-256 {sha}"),
    "state": ("state", "状态"),
    "state text": ("SHA-256 {sha}", "SHA-256 {sha}"),
    "challengers": ("challengers", "挑战者"),
    "challenger": ("{name} ({said})", "{name}（{said}）"),
    "some": ("{names} and {n:,} more", "{names} 等，另有 {n:,} 个"),
    "none": ("none", "无"),
    # ---- changes
    "changes": ("What may change by itself, and within which limits", "哪些会自行变化，限度是什么"),
    "learning": ("learning", "学习"),
    "learning labels": (
        "each row with its answer changes weights and statistics; a prediction changes nothing",
        "每条带答案的数据都会改变权重和统计量；预测不改变任何内容",
    ),
    "learning rows": (
        "each row changes weights and statistics; a prediction changes nothing",
        "每条数据都会改变权重和统计量；预测不改变任何内容",
    ),
    "paused": ("paused: nothing changes until somebody resumes it", "已暂停：有人恢复之前不会变化"),
    "names": ("columns, categories", "列、类目"),
    "names text": (
        "new ones are appended, up to {most:,} rows of the input table; {n:,} are in use",
        "新的会追加，输入表最多 {most:,} 行；已用 {n:,} 行",
    ),
    "classes text": (
        "new ones are appended, up to {most:,} unless set otherwise; {n:,} are known",
        "新的会追加，除非另设，最多 {most:,} 个；已知 {n:,} 个",
    ),
    "experts": ("experts", "专家"),
    "experts text": (
        "{n} share each prediction, and their weights move; one that fails begins anew (so far: {times:,})",
        "{n} 个共同预测，权重会移动；失效的重新开始（至今：{times:,}）",
    ),
    "units": ("units", "单位"),
    "units text": (
        "a column that comes in another unit is followed (so far: {times:,})",
        "以另一单位到来的列会被跟随（至今：{times:,}）",
    ),
    "successors": ("sudden change", "突变"),
    "successors text": (
        "a pool that predicts far worse gets a successor, which takes its place where it predicts better (so far: {times:,})",
        "预测突然变差的专家池会有继任者，它预测更好时取而代之（至今：{times:,}）",
    ),
    "drift policies": ("drift", "漂移"),
    "drift store": (
        "is detected and noted; a store has no drift policies",
        "会被检测并记录；存储没有漂移策略",
    ),
    "drift file": (
        "drift policies belong to a run (headwater learn, a session); a model file holds none",
        "漂移策略属于一次运行（headwater learn、会话）；模型文件里没有",
    ),
    "step": ("step size", "步长"),
    "step text": (
        "changes by command only, to at most {most:,.0f} times the declared one",
        "只由命令改变，最多为声明值的 {most:,.0f} 倍",
    ),
    "age": ("age", "期限"),
    "age text": (
        "nothing older than {age}: learners take turns, and the journal is cut",
        "没有早于 {age} 的内容：学习器轮换，日志截断",
    ),
    "no age": (
        "no limit: what was learned stays until it is forgotten by request",
        "没有限度：学到的内容保留到按请求遗忘",
    ),
    "fixed": ("nothing else", "其他"),
    "fixed text": (
        "settings, layers and code change only by whoever gives a new model or version",
        "设置、层和代码只会因有人给出新模型或新版本而改变",
    ),
    # ---- log
    "log": ("Log, and scores by month", "日志与各月得分"),
    "no log": (
        "A model file keeps no log, scores, drift, forgettings or exports: a store does (hw.open, headwater serve).",
        "模型文件不保留日志、得分、漂移、遗忘记录或导出记录：存储才有（hw.open、headwater serve）。",
    ),
    "journal": (
        "The journal holds events {first:,} to {last:,}, from {since} to {until} (UTC). All entries fit their checksums: {entries:,}.",
        "日志有事件 {first:,} 至 {last:,}，共 {entries:,} 个条目，从 {since} 到 {until}（UTC），每个条目校验无误。",
    ),
    "empty journal": ("The journal is empty.", "日志为空。"),
    "digest": ("SHA-256 over all entries: {sha}", "全部条目的 SHA-256：{sha}"),
    "tombstones": (
        "Events without content (forgotten ones, and requests to forget): {n:,}.",
        "没有内容的事件（被遗忘的和遗忘请求）：{n:,}。",
    ),
    "metric": (
        "Scores are {name}, each row predicted before it was learned, beside simple baselines by name.",
        "得分为 {name}，每条数据先预测后学习，旁边是各简单基线。",
    ),
    "month": ("month", "月份"),
    "events": ("events", "事件"),
    "rows": ("rows", "数据"),
    "scored": ("rows scored", "计分数据"),
    "range": ("{first:,} to {last:,}", "{first:,} 至 {last:,}"),
    "before": ("before", "之前"),
    "up to": ("up to {last:,}", "至 {last:,}"),
    "all": ("all", "全部"),
    "earlier months": ("Earlier months left out: {n:,}.", "略去更早的月份：{n:,}。"),
    "digest column": ("SHA-256", "SHA-256"),
    # ---- drift
    "drift": ("Drift, and what was done", "漂移及其处理"),
    "no drift": ("No drift was detected.", "没有检测到漂移。"),
    "drift times": (
        "Drifts detected: {n:,} (the last {most} are kept), by a test for rising errors (Page-Hinkley):",
        "检测到的漂移：{n:,}（保留最近 {most} 次），依据误差上升检验（Page-Hinkley）：",
    ),
    "drift at": ("scored row {row:,}, {month}", "第 {row:,} 条计分数据，{month}"),
    "before journal": ("before the kept journal", "在保留的日志之前"),
    "step at": (
        "Event {seq:,}, {day}: step size set to {factor:g} times the declared one.",
        "事件 {seq:,}，{day}：步长设为声明值的 {factor:g} 倍。",
    ),
    "skip at": ("Event {seq:,} is left out of every replay: {reason}.", "事件 {seq:,} 不再重放：{reason}。"),
    "unit at": ("{name}: another unit since row {row:,}.", "{name}：自第 {row:,} 条数据起为另一单位。"),
    "succeeded at": (
        "A successor that learned the rows from {row:,} on took the place of the model at row {taken:,}.",
        "从第 {row:,} 条数据起学习的继任者在第 {taken:,} 条时取代了原来的模型。",
    ),
    "nothing done": ("Nobody changed a step size or left an event out.", "没有人改变步长或略去事件。"),
    # ---- forgotten
    "forgotten": ("Rows forgotten", "被遗忘的数据"),
    "nothing forgotten": ("Nothing was forgotten.", "没有遗忘任何数据。"),
    "number": ("number", "编号"),
    "day": ("day", "日期"),
    "reason": ("reason", "理由"),
    # ---- exports
    "exports": ("Exports", "导出"),
    "nothing exported": ("No copy left through the store.", "没有副本通过存储流出。"),
    "what": ("what", "形式"),
    "as of": ("as of event", "截至事件"),
    "place": ("place", "位置"),
    "note": ("note", "备注"),
    "recall": ("outdated by forgetting {n}: recall it", "因第 {n} 次遗忘而过时：请收回"),
    "more": ("{n:,} more: {command}", "另有 {n:,} 项：{command}"),
    # ---- proof
    "proof": ("Proof", "证明"),
    "no base": (
        "No state can be reproduced: no snapshot is kept with the whole journal after it.",
        "无法重现状态：没有其后日志完整的快照。",
    ),
    "only base": (
        "The only kept state is that of event {base:,}; there is none after it to compare with.",
        "唯一保留的状态是事件 {base:,} 的；其后没有可比较的状态。",
    ),
    "reproduced": (
        "The state at event {until:,} was reproduced from the snapshot at event {base:,} and the journal, bit for bit.",
        "由事件 {base:,} 的快照和日志重现了事件 {until:,} 的状态，逐位相同。",
    ),
    "differs": (
        "The state at event {until:,} differs from what the snapshot at event {base:,} and the journal give.",
        "事件 {until:,} 的状态与由事件 {base:,} 的快照和日志得到的不同。",
    ),
    "differing": ("Kept states that differ: events {seqs}.", "不同的保留状态：事件 {seqs}。"),
    "proof sha": ("SHA-256 {sha}", "SHA-256 {sha}"),
    "proof shas": ("SHA-256 kept {kept}, reproduced {replayed}", "SHA-256 保留 {kept}，重现 {replayed}"),
    "damaged": ("damaged", "已损坏"),
    "proof states": (
        "Kept states learned again to the same bits: {same:,} of {of:,}.",
        "重新学习后逐位相同的保留状态：{of:,} 个中的 {same:,} 个。",
    ),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences of one language.

    Examples
    --------
    >>> Words("en")("tombstones", n=3)
    'Events without content (forgotten ones, and requests to forget): 3.'
    >>> Words("en").day(0), Words("zh").month(2026, 11)
    ('1 January 1970', '2026年11月')
    """

    language: Language

    def __call__(self, key: str, /, **values: Any) -> str:
        return _WORDS[key][self.language == "zh"].format(**values)

    def month(self, year: int, month: int) -> str:
        """Return a month."""
        return f"{year}年{month}月" if self.language == "zh" else f"{_MONTHS[month - 1]} {year}"

    def day(self, t: int) -> str:
        """Return the day of a time in ms since 1970, in UTC."""
        when = datetime.fromtimestamp(t / 1000, UTC)
        month = self.month(when.year, when.month)
        return f"{month}{when.day}日" if self.language == "zh" else f"{when.day} {month}"

    def some(self, names: list[str], most: int) -> str:
        """Return the first names, and how many are left out."""
        shown = ", ".join(names[:most])
        return shown if len(names) <= most else self("some", names=shown, n=len(names) - most)
