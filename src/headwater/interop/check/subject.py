"""The learner under test: how to make one, teach it, ask it, keep it; and the stream that it is shown."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .report import Broken, NotOffered

CLASSIFY, REGRESS = "classify", "regress"
HISTORY = 150
"""Rows that a learner has seen before most checks begin."""
PROBES = 40
"""Samples whose predictions are compared."""

Row: TypeAlias = tuple[dict[str, Any], Any]
REFUSALS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RuntimeError)
"""What a learner may raise to refuse a row that it can't learn."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of learner, and how to handle it.

    Parameters
    ----------
    make : callable
        Returns a fresh learner, always the same one.
    task : str
        "classify" or "regress".
    dump, load : callable, optional
        From a learner to bytes, and back.
    block : callable, optional
        Teaches a learner rows at once: ``block(learner, X, y)``.
    texts : bool
        Whether samples have a text value too.
    """

    make: Callable[[], Any]
    task: str
    dump: Callable[[Any], bytes] | None = None
    load: Callable[[bytes], Any] | None = None
    block: Callable[[Any, list[dict[str, Any]], list[Any]], Any] | None = None
    texts: bool = False

    # ---- the stream -------------------------------------------------------------------------------------------------

    def rows(self, n: int, seed: int) -> list[Row]:
        """Return n rows of an easy task: the sign of 2·m − n, or that number; o says nothing."""
        r = random.Random(seed)
        out: list[Row] = []
        while len(out) < n:
            x: dict[str, Any] = {name: r.gauss(0, 1) for name in "mno"}
            value = 2 * x["m"] - x["n"]
            if self.texts:
                x["t"] = r.choice(["red", "green"])
                value += 1.5 if x["t"] == "red" else -1.5
            if abs(value) > 0.5:  # a gap between the classes
                out.append((x, self.answer(value)))
        return out

    def answer(self, value: float) -> Any:
        """Return the right answer where the task's number is ``value``."""
        return value + 3 if self.task == REGRESS else ("large" if value > 0 else "small")

    @property
    def probes(self) -> list[Row]:
        """Rows that are only ever predicted."""
        return self.rows(PROBES, seed=99)

    # ---- the learner ------------------------------------------------------------------------------------------------

    def trained(self, rows: Iterable[Row] | None = None) -> Any:
        """Return a learner with a history."""
        model = self.make()
        self.teach(model, self.rows(HISTORY, seed=1) if rows is None else rows)
        return model

    def teach(self, model: Any, rows: Iterable[Row]) -> None:
        """Let the learner learn rows one by one."""
        for x, y in rows:
            model.learn_one(dict(x), y)

    def ask(self, model: Any, x: Mapping[str, Any]) -> dict[Any, float] | float | Any:
        """Return probabilities if the learner gives them, else what it predicts."""
        proba = getattr(model, "predict_proba_one", None) if self.task == CLASSIFY else None
        if proba is None:
            return model.predict_one(dict(x))
        return {label: float(p) for label, p in proba(dict(x)).items()}

    def answers(self, model: Any, rows: Sequence[Row] | None = None) -> list[Any]:
        """Return predictions for the probes, or for other rows."""
        return [self.ask(model, x) for x, _ in (self.probes if rows is None else rows)]

    def error(self, model: Any) -> float:
        """Return the share of wrong classes among the probes, or the mean distance."""
        wrong = 0.0
        for x, y in self.probes:
            got = model.predict_one(dict(x))
            wrong += abs(float(got) - y) if self.task == REGRESS else float(got != y)
        return wrong / PROBES

    def takes_weights(self, model: Any) -> bool:
        """Whether ``learn_one`` takes a weight w, itself or for a later step of a pipeline."""
        kinds = inspect.signature(model.learn_one).parameters
        return "w" in kinds or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in kinds.values())

    def keep(self, model: Any) -> bytes:
        """Return the learner as bytes."""
        if self.dump is None:
            raise NotOffered("no way to save it was given (dump=…, load=…)")
        return self.dump(model)

    def revive(self, data: bytes) -> Any:
        """Return the learner that these bytes are."""
        if self.load is None:
            raise NotOffered("no way to load it was given (dump=…, load=…)")
        return self.load(data)


# ---- comparing ------------------------------------------------------------------------------------------------------


def numbers(answer: Any) -> list[float]:
    """Return the numbers of a prediction: probabilities, or the value; none for a class."""
    if isinstance(answer, Mapping):
        return [float(p) for p in answer.values()]
    return [] if answer is None or isinstance(answer, str | bool | bytes) else [float(answer)]


def is_finite(answer: Any) -> bool:
    """Whether every number of a prediction is finite."""
    return all(math.isfinite(value) for value in numbers(answer))


def gap(a: Any, b: Any) -> float:
    """Return how far two predictions lie apart: 0 only if they are equal to the bit, ∞ if they can't be compared."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if set(a) != set(b):
            return math.inf
        return max((gap(a[label], b[label]) for label in a), default=0.0)
    if a == b or (a != a and b != b):
        return 0.0
    if isinstance(a, float | int) and isinstance(b, float | int):
        return abs(a - b) if math.isfinite(a - b) else math.inf
    return math.inf


def must_equal(a: Sequence[Any], b: Sequence[Any], sentence: str, *, within: float = 0.0) -> float:
    """Compare predictions pair by pair; returns the largest gap, raises ``Broken`` beyond ``within``."""
    widest = max(map(gap, a, b), default=0.0)
    if widest > within:
        far = "another answer" if math.isinf(widest) else f"up to {widest:.2g} apart"
        moved = sum(gap(p, q) > within for p, q in zip(a, b, strict=True))
        raise Broken(f"{sentence}: {moved} of {len(a)} predictions differ, {far}")
    return widest


def first_line(error: BaseException) -> str:
    """Return what an exception says, on one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__


def attempt(action: Callable[[], Any]) -> str:
    """Do it; return what it raised, "" for nothing."""
    try:
        action()
    except REFUSALS as error:
        return first_line(error)
    return ""


def or_broken(what: str, action: Callable[[], Any]) -> None:
    """Do it; if it raises, the promise is broken."""
    raised = attempt(action)
    if raised:
        raise Broken(f"refuses {what}: {raised}")
