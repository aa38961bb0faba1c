"""The learner under test and the stream it is tested on."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .report import Broken, NotOffered

CLASSIFY, REGRESS, DETECT = "classify", "regress", "anomaly"
HISTORY = 150
"""Rows that a learner has learned before most checks begin."""
PROBES = 40
"""Samples whose predictions are compared."""

Row: TypeAlias = tuple[dict[str, Any], Any]
FAR_AWAY = 8.0
"""What is added to each number of a probe that an anomaly model should find odd, in standard deviations."""
REFUSALS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RuntimeError)
"""Exceptions that a learner may raise to reject a row."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Describe how to create, train, query, save and load the learner under test.

    Parameters
    ----------
    make : callable
        Returns a new learner with the same settings and seed each time.
    task : str
        "classify", "regress" or "anomaly".
    dump, load : callable, optional
        Convert a learner to bytes and back.
    block : callable, optional
        Learns a block of rows, called as ``block(learner, X, y)``.
    texts : bool
        Whether samples also have a text value.
    """

    make: Callable[[], Any]
    task: str
    dump: Callable[[Any], bytes] | None = None
    load: Callable[[bytes], Any] | None = None
    block: Callable[[Any, list[dict[str, Any]], list[Any]], Any] | None = None
    texts: bool = False

    # ---- the stream -------------------------------------------------------------------------------------------------

    def rows(self, n: int, seed: int) -> list[Row]:
        """Return n rows of an easy task, labeled by 2·m − n or its sign. The feature o is noise."""
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
        """Return the label of a row whose score is ``value``."""
        return value + 3 if self.task == REGRESS else ("large" if value > 0 else "small")

    @property
    def probes(self) -> list[Row]:
        """Rows used only for predictions."""
        return self.rows(PROBES, seed=99)

    # ---- the learner ------------------------------------------------------------------------------------------------

    def trained(self, rows: Iterable[Row] | None = None) -> Any:
        """Return a trained learner."""
        model = self.make()
        self.teach(model, self.rows(HISTORY, seed=1) if rows is None else rows)
        return model

    def teach(self, model: Any, rows: Iterable[Row]) -> None:
        """Learn rows one by one."""
        for x, y in rows:
            self.learn(model, x, y)

    def learn(self, model: Any, x: Mapping[str, Any], y: Any, **how: Any) -> None:
        """Learn one row, an anomaly model without its label."""
        model.learn_one(dict(x), *([] if self.task == DETECT else [y]), **how)

    def predict(self, model: Any, x: Mapping[str, Any]) -> Any:
        """Return the prediction, the most probable class where there are only probabilities, or an anomaly model's score."""
        if self.task == DETECT:
            return float(model.score_one(dict(x)))
        plain = getattr(model, "predict_one", None)
        if plain is not None:
            return plain(dict(x))
        proba = model.predict_proba_one(dict(x))
        return max(proba, key=proba.__getitem__, default=None)

    def ask(self, model: Any, x: Mapping[str, Any]) -> dict[Any, float] | float | Any:
        """Return probabilities if the learner has them, else the prediction."""
        proba = getattr(model, "predict_proba_one", None) if self.task == CLASSIFY else None
        if proba is None:
            return self.predict(model, x)
        return {label: float(p) for label, p in proba(dict(x)).items()}

    def answers(self, model: Any, rows: Sequence[Row] | None = None) -> list[Any]:
        """Return predictions for the probes, or for the given rows."""
        return [self.ask(model, x) for x, _ in (self.probes if rows is None else rows)]

    def error(self, model: Any) -> float:
        """Return the share of wrong classes among the probes, or the mean absolute error.

        Of an anomaly model it is the share of probes that score no lower than the same sample far away.
        """
        wrong = 0.0
        for x, y in self.probes:
            got = self.predict(model, x)
            if self.task == DETECT:
                far = {name: value + FAR_AWAY if isinstance(value, float) else value for name, value in x.items()}
                y = got if self.predict(model, far) > got else None
            wrong += abs(float(got) - y) if self.task == REGRESS else float(got != y)
        return wrong / PROBES

    def takes_weights(self, model: Any) -> bool:
        """Return whether ``learn_one`` accepts a weight w, directly or through ``**kwargs``."""
        kinds = inspect.signature(model.learn_one).parameters
        return "w" in kinds or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in kinds.values())

    def keep(self, model: Any) -> bytes:
        """Serialize the learner."""
        if self.dump is None:
            raise NotOffered("no way to save it was given (dump=…, load=…)")
        return self.dump(model)

    def revive(self, data: bytes) -> Any:
        """Deserialize a learner."""
        if self.load is None:
            raise NotOffered("no way to load it was given (dump=…, load=…)")
        return self.load(data)


# ---- comparing ------------------------------------------------------------------------------------------------------


def numbers(answer: Any) -> list[float]:
    """Return the numbers of a prediction (probabilities or a value), or an empty list for a class."""
    if isinstance(answer, Mapping):
        return [float(p) for p in answer.values()]
    return [] if answer is None or isinstance(answer, str | bool | bytes) else [float(answer)]


def is_finite(answer: Any) -> bool:
    """Return whether all numbers of a prediction are finite."""
    return all(math.isfinite(value) for value in numbers(answer))


def gap(a: Any, b: Any) -> float:
    """Return the distance of two predictions.

    The distance is 0 only if they are bitwise equal, and ∞ if they can't be compared.
    """
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
    """Return the largest distance of paired predictions, or raise ``Broken`` if it exceeds ``within``."""
    widest = max(map(gap, a, b), default=0.0)
    if widest > within:
        far = "another answer" if math.isinf(widest) else f"up to {widest:.2g} apart"
        moved = sum(gap(p, q) > within for p, q in zip(a, b, strict=True))
        raise Broken(f"{sentence}: {moved} of {len(a)} predictions differ, {far}")
    return widest


def first_line(error: BaseException) -> str:
    """Return the type and the first line of an exception."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__


def attempt(action: Callable[[], Any]) -> str:
    """Call ``action`` and return what it raised, or "" if nothing."""
    try:
        action()
    except REFUSALS as error:
        return first_line(error)
    return ""


def or_broken(what: str, action: Callable[[], Any]) -> None:
    """Call ``action`` and raise ``Broken`` if it raises."""
    raised = attempt(action)
    if raised:
        raise Broken(f"refuses {what}: {raised}")
