"""Checks of the online learning contract, each a function that raises ``Broken`` with details."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .growth import arrival_order, new_classes, new_features
from .report import Broken, NotOffered
from .subject import (
    CLASSIFY,
    DETECT,
    REFUSALS,
    REGRESS,
    Row,
    Subject,
    attempt,
    first_line,
    is_finite,
    must_equal,
)

HUGE = 1e300
TINY = 1e-9
"""Largest difference that rounding in double precision may leave."""


@dataclass(frozen=True, slots=True)
class Check:
    """A single check of the contract.

    Parameters
    ----------
    promise : str
        The promise in a sentence.
    run : callable
        Takes a ``Subject`` and returns details of the result, or raises ``Broken`` or ``NotOffered``.
    twins : bool
        Whether it compares two learners of one history. Skipped if such learners differ in any case.
    """

    promise: str
    run: Callable[[Subject], str]
    twins: bool = True


def learns(s: Subject) -> str:
    """Require the task to be learned well enough for the other checks to be meaningful."""
    error = s.error(s.trained())
    if s.task == DETECT:
        if error > 0.2:
            raise Broken(f"after 150 rows {error:.0%} of samples far away score no higher than usual ones")
        return f"{1 - error:.0%} of samples far away score higher than usual ones after 150 rows"
    if s.task == CLASSIFY:
        if error > 0.2:
            raise Broken(f"after 150 rows of a separable task {error:.0%} of its answers are wrong")
        return f"{1 - error:.0%} right after 150 rows"
    mean = sum(y for _, y in s.probes) / len(s.probes)
    guess = sum(abs(y - mean) for _, y in s.probes) / len(s.probes)
    if not error <= 0.7 * guess:
        raise Broken(f"after 150 rows of a linear task its error is {error / guess:.0%} of guessing the mean")
    return f"{error / guess:.0%} of the error of guessing the mean after 150 rows"


def same_history(s: Subject) -> str:
    """Compare two learners trained on the same history."""
    must_equal(s.answers(s.trained()), s.answers(s.trained()), "two learners of the same history")
    return "equal to the bit"


def cold_predict(s: Subject) -> str:
    """Predict before anything was learned."""
    model, x = s.make(), s.probes[0][0]
    got, said = s.predict(model, x), s.ask(model, x)
    if s.task == REGRESS and not (got is not None and math.isfinite(float(got))):
        raise Broken(f"predicts {got!r} before the first row")
    if not is_finite(said):
        raise Broken(f"predicts {said!r} before the first row")
    return f"{got!r} before the first row"


def any_sample(s: Subject) -> str:
    """Predict samples with missing features, unknown features, or none."""
    model, x = s.trained(), s.probes[0][0]
    for what, sample in (
        ("no name", {}),
        ("one name missing", {name: value for name, value in x.items() if name != "n"}),
        ("unknown names", {**x, "aaa": 1.0, "zzz": 2.0}),
    ):
        try:
            said = s.ask(model, sample)
        except REFUSALS as error:
            raise Broken(f"raises for a sample with {what}: {first_line(error)}") from error
        if not is_finite(said):
            raise Broken(f"says {said!r} for a sample with {what}")
    return "an answer for missing, unknown and empty"


def predict_is_pure(s: Subject) -> str:
    """Predict unusual samples, then compare predictions, the saved state and later learning."""
    model, twin = s.trained(), s.trained()
    before = s.answers(model)
    state = s.dump(model) if s.dump is not None else b""
    settled = s.dump is not None and s.dump(model) == state  # some formats contain a time or a random number
    x = s.probes[0][0]
    for sample in ({**x, "aaa": 5.0}, {"zzz": -5.0, **x}, {**x, "m": 1e6}, {"unknown": 1.0}):
        attempt(partial(s.ask, model, sample))
    must_equal(s.answers(model), before, "after a predict of unknown names")
    after = s.dump(model) if s.dump is not None and settled else state
    more = s.rows(40, seed=2)
    s.teach(model, more)
    s.teach(twin, more)
    must_equal(s.answers(model), s.answers(twin), "learning on after a predict")
    if after != state:
        sizes = f"{len(state):,} → {len(after):,} bytes"
        raise Broken(f"predictions and later learning are equal, but a predict changed the saved state ({sizes})")
    return "predictions, later learning" + (" and saved state" if settled else "") + " equal to the bit"


def block_is_single(s: Subject) -> str:
    """Compare learning in blocks with learning row by row."""
    rows = s.rows(120, seed=8)
    single, blocks = s.make(), s.make()
    teach = s.block or _learn_many(s, blocks)
    s.teach(single, rows)
    at = 0
    for size in (1, 7, 32, 50, 30):
        some = rows[at : at + size]
        try:
            teach(blocks, [dict(x) for x, _ in some], [y for _, y in some])
        except NotImplementedError as error:
            raise NotOffered(str(error)) from error
        at += size
    must_equal(s.answers(blocks), s.answers(single), "blocks against single rows")
    return "equal to the bit"


def _learn_many(s: Subject, model: Any) -> Callable[[Any, list[dict[str, Any]], list[Any]], Any]:
    if getattr(model, "learn_many", None) is None:
        raise NotOffered("it has no learn_many")
    return lambda learner, X, y: learner.learn_many(X, *([] if s.task == DETECT else [y]))


def resume_is_exact(s: Subject) -> str:
    """Save and load a learner, then compare both on later rows with new features."""
    model = s.trained()
    copy = s.revive(s.keep(model))
    must_equal(s.answers(copy), s.answers(model), "a saved learner")
    for i, (x, y) in enumerate(s.rows(80, seed=9)):
        must_equal([s.ask(copy, x)], [s.ask(model, x)], f"a saved learner, {i} row{'s' * (i != 1)} later")
        s.learn(copy, x, y)
        s.learn(model, x, y)
    must_equal(s.answers(copy), s.answers(model), "a saved learner, 80 rows later")
    return "equal to the bit 80 rows later"


def poison(s: Subject) -> str:
    """Learn one bad row, then thirty good ones, and require finite predictions with nearly the old error."""
    x, y = s.rows(1, seed=10)[0]
    features: list[Any] = [math.inf, -math.inf, math.nan, HUGE, 1e30, None, "a text", [], object()]
    doses: list[tuple[str, Row]] = [(_named(bad), ({**x, "m": bad}, y)) for bad in features]
    answers = [] if s.task == DETECT else [math.nan, None] + ([math.inf, HUGE] if s.task == REGRESS else [])
    doses += [(f"the answer {_named(bad)}", (x, bad)) for bad in answers]
    dead, refused = [], []
    for name, (sample, answer) in doses:
        model = s.trained()
        before = s.error(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a learner may warn of what it leaves out, also where warnings are errors
            raised = attempt(partial(s.learn, model, sample, answer))
        if raised:
            refused.append(name)
        harm = _harm(s, model, before)
        if harm:
            dead.append(f"{name} ({harm})")
    if dead:
        raise Broken("does not recover from " + ", ".join(dead))
    return "recovers from all" + (f"; refuses by an exception: {', '.join(refused)}" if refused else "")


def _harm(s: Subject, model: Any, before: float) -> str:
    """Return in a few words how thirty good rows failed to repair the damage, or "" if they did."""
    try:
        s.teach(model, s.rows(30, seed=11))
        if not all(map(is_finite, s.answers(model))):
            return "no finite answer"
        after = s.error(model)
    except REFUSALS as error:
        return f"then raises {type(error).__name__}"
    limit = before + 0.15 if s.task != REGRESS else 2 * before + 0.5
    if after <= limit:
        return ""
    return f"{after:.0%} wrong" if s.task != REGRESS else f"error {after:.3g} after {before:.3g}"


def weight_zero(s: Subject) -> str:
    """Learn rows of weight 0, some extreme, and compare with a twin that never saw them."""
    model, twin = s.trained(), s.trained()
    if not s.takes_weights(model):
        raise NotOffered("learn_one takes no weight")
    for i, (x, y) in enumerate(s.rows(10, seed=12)):
        raised = attempt(partial(s.learn, model, {**x, "m": 50.0 * i}, y, w=0.0))
        if raised:
            raise NotOffered(f"learn_one takes no weight of 0 ({raised})")
    gaps = [must_equal(s.answers(model), s.answers(twin), "after rows of weight 0", within=TINY)]
    more = s.rows(30, seed=13)
    s.teach(model, more)
    s.teach(twin, more)
    gaps.append(must_equal(s.answers(model), s.answers(twin), "learning on after rows of weight 0", within=TINY))
    return "equal to the bit" if max(gaps) == 0 else f"equal but for rounding ({max(gaps):.0e})"


def _named(value: Any) -> str:
    return "an object" if type(value) is object else repr(value)


CHECKS: dict[str, Check] = {
    "learns": Check("It learns an easy task in 150 rows.", learns, twins=False),
    "same_history": Check("The same history gives the same learner.", same_history, twins=False),
    "cold_predict": Check("It predicts before it has learned.", cold_predict, twins=False),
    "any_sample": Check("Samples with missing, unknown or no names get a finite answer.", any_sample, twins=False),
    "predict_is_pure": Check("Predicting changes nothing, whatever is asked.", predict_is_pure),
    "new_features": Check("New features leave old predictions as they are, to the bit.", new_features),
    "new_classes": Check(
        "A new class leaves the answers for old ones right, and is learned.", new_classes, twins=False
    ),
    "arrival_order": Check("The order in which names arrive is irrelevant.", arrival_order),
    "block_is_single": Check("Rows in blocks teach what they teach one by one, to the bit.", block_is_single),
    "resume_is_exact": Check("A saved learner goes on where it stopped, to the bit.", resume_is_exact, twins=False),
    "poison": Check("One infinite, missing, absurd or wrong value does no lasting harm.", poison, twins=False),
    "weight_zero": Check("A row of weight 0 teaches nothing.", weight_zero),
}
"""All checks by name, in the order they run."""
