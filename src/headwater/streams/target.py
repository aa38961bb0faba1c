"""Infer the task from the first labels, and reject later labels of another kind."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from operator import attrgetter
from typing import Any

from headwater.errors import ConfigError, TargetError, counted, did_you_mean
from headwater.streams.block import Block
from headwater.streams.files.rejects import Rejects
from headwater.types import Lazy

__all__ = [
    "CLASSES",
    "NUMBERS",
    "UNLABELLED",
    "Target",
    "assume_target",
    "decide_target",
    "task_by_labels",
]

CLASSES, NUMBERS, UNLABELLED = "label", "number", ""
"""What a column of labels may hold, by the type that kinds declare of an answer. Unlabelled rows are learned alone."""
_CONTENTS = (CLASSES, NUMBERS, UNLABELLED)
_PLACES = Lazy("headwater.kinds:PLACES")
_MANY = 50  # more distinct fractions are unlikely to be classes
_FEW = 20  # more distinct whole numbers are treated as a quantity

_NOUNS = {"number": "a number", "text": "text", "boolean": "true or false", "any": "a class"}


@cache
def task_by_labels() -> dict[str, str]:
    """Return the task for each content of a column of labels, that of the first kind which learns such.

    Examples
    --------
    >>> task_by_labels()
    {'label': 'classify', 'number': 'regress', '': 'anomaly'}
    """
    tasks: dict[str, str] = {}
    for kind in map(attrgetter("value"), _PLACES.value):
        answer = kind.answer
        if not answer.compound:
            tasks.setdefault(answer.fields[0].type if answer.needed else UNLABELLED, kind.task)
        if len(tasks) == len(_CONTENTS):
            break  # kinds behind it need not be known
    return dict(zip(_CONTENTS, _CONTENTS, strict=True)) | tasks


@dataclass(frozen=True, slots=True)
class Target:
    """Task, ``"classify"`` or ``"regress"``, and kind of its labels.

    Parameters
    ----------
    task
        ``"classify"`` or ``"regress"``.
    kind
        ``"number"``, ``"text"``, ``"boolean"``, or ``"any"`` where the first rows mix them.
    why
        Sentence on how the task was inferred, empty if it was given.
    doubt
        Sentence if the first labels make unlikely classes, such as a quantity, an identifier, or two spellings of one.
    """

    task: str
    kind: str
    why: str = ""
    doubt: str = ""

    def clean(self, block: Block, rejects: Rejects) -> Block:
        """Return the block without rows whose label is of another kind, which are counted in `rejects`.

        An unknown label (None) stays, since the session decides what to do with it.

        Examples
        --------
        >>> block = Block(X=[{"a": 1}, {"a": 2}, {"a": 3}], y=[1.5, "ten", None], rows=range(1, 4))
        >>> rejects = Rejects()
        >>> Target("regress", "number").clean(block, rejects).y, rejects.counts
        ([1.5, None], {'target is text, not a number': 1})
        """
        types = {*map(type, block.y)}
        kinds = dict(zip(types, map(_kind, types), strict=True))
        if set(kinds.values()) == {self.kind}:
            return block
        bad = {kind for kind, noun in kinds.items() if not self.fits(noun)}
        if self.task == task_by_labels()[NUMBERS] and "boolean" in kinds.values():
            y = [float(value) if _kind(type(value)) == "boolean" else value for value in block.y]
            block = Block(block.X, y, block.rows, block.lines, block.position)
        if not bad:
            return block
        for i, value in enumerate(block.y):
            if type(value) in bad:
                reason = f"target is {_NOUNS.get(kinds[type(value)], 'of no known kind')}, not {_NOUNS[self.kind]}"
                rejects.add(reason, line=block.line(i), row={**_row(block.X[i]), "target": value})
        return block.picked([i for i, value in enumerate(block.y) if type(value) not in bad])

    def fits(self, kind: str) -> bool:
        """Return whether a label of this kind fits the target."""
        if self.kind == "any":
            return kind != "other"
        # A regressor reads true and false as 1 and 0.
        return kind in ("none", self.kind) or (self.task == task_by_labels()[NUMBERS] and kind == "boolean")


def decide_target(
    y: Sequence[Any], *, task: str = "auto", classes: Collection[Hashable] = (), name: str = "target", at: str = ""
) -> Target:
    """Infer the target from the first labels.

    - text, true/false: ``classify``;
    - whole numbers, as 1 or 1.0, with at most 20 different values, each seen three times or so: ``classify``;
    - 0.0 and 1.0, or any two whole values: ``classify``;
    - all other numbers: ``regress``.

    Parameters
    ----------
    y
        The first labels; None where unknown.
    task
        ``"classify"`` or ``"regress"``, or ``"auto"`` to infer it from `y`.
    classes
        Known classes of a model, whose kind is kept.
    name, at
        Column and source, for messages.

    Raises
    ------
    ConfigError
        For an unknown `task`.
    TargetError
        When no label is known, or none fits the task.

    Examples
    --------
    >>> decide_target([0, 1, 1, 0, None]).task, decide_target([0.3, 1.7]).task, decide_target(["UP"]).why
    ('classify', 'regress', 'target holds text')
    """
    _check_task(task)
    types = {*map(type, y)}
    nouns = dict(zip(types, map(_kind, types), strict=True))
    known = [value for value in y if nouns[type(value)] != "none" and value == value]
    if not known:
        raise TargetError(
            expected=f"answers in the column {name}",
            got=f"none in the first {counted(len(y), 'row')}" if y else "no rows",
            at=at,
            help="Choose another --target, or start where the answers are known.",
        )
    kinds = set(map(nouns.__getitem__, map(type, known)))
    if task == "auto":
        task, why = _decide(known, kinds, nouns)
        return Target(task, _kind_of(task, kinds), f"{name} holds {why}", _doubt(known, task, name))
    like_model = bool(classes) and task == task_by_labels()[CLASSES]
    doubt = "" if like_model else _doubt(known, task, name)
    target = assume_target(task, classes) if like_model else Target(task, _kind_of(task, set(kinds)), doubt=doubt)
    if not any(map(target.fits, kinds)):
        raise TargetError(
            expected=f"{_NOUNS[target.kind]} in the column {name}"
            + (", like the model's classes" if like_model else ""),
            got=f"{known[0]!r}",
            at=at,
            help=_other_target(known[0], task),
        )
    return target


def _other_target(label: Any, task: str) -> str:
    """Return what to do about labels that a task can't have, of which this is one."""
    if task != task_by_labels()[NUMBERS]:
        return "Choose another --target or --model."
    try:
        float(label)
    except (TypeError, ValueError):
        return "Choose another --target or --task."
    return "It is a text there: write numbers without quotes. Or choose another --target or --task."


def assume_target(task: str, classes: Collection[Hashable] = ()) -> Target:
    """Return the target of a known task without looking at labels.

    Examples
    --------
    >>> assume_target("classify", classes=("UP", "DOWN")).kind, assume_target("classify").kind
    ('text', 'any')
    """
    _check_task(task)
    return Target(task, _kind_of(task, {_kind(type(value)) for value in classes}))


def _check_task(task: str) -> None:
    tasks = ("auto", task_by_labels()[CLASSES], task_by_labels()[NUMBERS])
    if task not in tasks:
        raise ConfigError(
            expected=f"one of {', '.join(tasks)}", got=task, at="--task", help=did_you_mean(task.lower(), tasks)
        )


def _decide(known: list[Any], kinds: set[str], nouns: Mapping[type, str]) -> tuple[str, str]:
    numbers = [value for value in known if nouns[type(value)] == "number"] if "number" in kinds else []
    if kinds != {"number"} and 2 * len(numbers) <= len(known):
        return task_by_labels()[CLASSES], "text" if "text" in kinds else "true and false"
    values = set(numbers)
    whole = all(float(value).is_integer() for value in values)
    if whole and len(values) <= 2:
        return task_by_labels()[CLASSES], f"{len(values)} whole value" + "s" * (len(values) > 1)
    if whole and len(values) <= min(_FEW, len(numbers) / 3):
        return task_by_labels()[CLASSES], f"{len(values)} different whole numbers"
    return task_by_labels()[NUMBERS], "numbers"


def _doubt(known: list[Any], task: str, name: str) -> str:
    """Return a sentence if the labels make unlikely classes, else ""."""
    values = set(known)
    if task != task_by_labels()[CLASSES]:
        return ""
    if len(values) > _MANY and sum(isinstance(value, float) for value in values) > _MANY:
        other = f"--task {task_by_labels()[NUMBERS]} learns a quantity."
        return f"{name} holds {len(values):,} different numbers: learned as classes; {other}"
    if len(values) > _FEW and 2 * len(values) > len(known):
        return f"{name} holds {len(values):,} different values in {counted(len(known), 'row')}: an identifier can't be learned."
    folded: dict[str, Any] = {}
    for value in values:
        if isinstance(value, str) and folded.setdefault(value.casefold(), value) != value:
            pair = " and ".join(sorted((folded[value.casefold()], value)))
            return f"{name} holds {pair}, which are learned as different classes."
    return ""


def _kind_of(task: str, kinds: set[str]) -> str:
    if task == task_by_labels()[NUMBERS]:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "any"


def _kind(kind: type) -> str:
    if kind is type(None):
        return "none"
    if kind is bool or kind.__name__ == "bool":  # NumPy's bool doesn't derive from bool
        return "boolean"
    if issubclass(kind, str):
        return "text"
    return "number" if issubclass(kind, Real) else "other"


def _row(x: Any) -> dict[str, Any]:
    return dict(x) if isinstance(x, dict) else {"x": [float(v) for v in x]}
