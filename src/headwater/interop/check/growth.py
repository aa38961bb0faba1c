"""Checks of late arrivals (features, classes, and features in any order)."""

from __future__ import annotations

from functools import partial

from .report import Broken, NotOffered
from .subject import CLASSIFY, DETECT, REGRESS, Row, Subject, attempt, is_finite, must_equal, or_broken

ROUNDING = 1e-4
"""Sums in another order may differ by this much after a hundred rows in single precision."""
FAR, NEW = {"m": 2.5, "n": 2.5, "o": 2.5}, "a new one"
"""A sample at the edge of the data, and its class, whose name sorts before the others."""
HARM = 0.2
"""Share of old predictions that one sample may flip. A large step flips some, mixed-up classes flip nearly all."""


def new_features(s: Subject) -> str:
    """Add new features with the value 0 to one learner only, which must not change its predictions."""
    if s.task == DETECT:
        raise NotOffered("to an anomaly model a sample without a name that others have may be odd")
    grown, twin = s.trained(), s.trained()
    for x, y in s.rows(20, seed=3):
        or_broken("a new feature", partial(s.learn, grown, {"aaa": 0.0, **x, "nnn": 0.0, "zzz": 0.0}, y))
        s.learn(twin, x, y)
    must_equal(s.answers(grown), s.answers(twin), "after new features of value 0")
    for x, y in s.rows(60, seed=4):
        s.learn(grown, {"aaa": 3.0 * x["m"], **x}, y)
    if not all(map(is_finite, s.answers(grown))):
        raise Broken("after learning a new feature old samples have no finite answer")
    return "old predictions equal to the bit"


def new_classes(s: Subject) -> str:
    """Learn one sample of a new class whose name sorts first, then enough samples to learn it."""
    if s.task != CLASSIFY:
        raise NotOffered(f"{'a regressor' if s.task == REGRESS else 'an anomaly model'} has no classes")
    model = s.trained()
    before = s.error(model)
    or_broken("a new class", partial(s.learn, model, FAR, NEW))
    after = s.error(model)
    if after > before + HARM:
        raise Broken(f"after one sample of a new class old answers fall from {1 - before:.0%} right to {1 - after:.0%}")
    taken = _share_of_the_new(s)
    for x, y in s.rows(100, seed=5):
        s.learn(model, FAR, NEW)
        s.learn(model, x, y)
    if (said := s.predict(model, FAR)) != NEW:
        raise Broken(f"after 101 samples of the new class it still says {said!r}")
    return f"old answers {1 - after:.0%} right after one sample of it{taken}, learned after 101"


def _share_of_the_new(s: Subject) -> str:
    """Add a class with weight 0, which may take probability from the old classes but favor none of them."""
    model = s.trained()
    before = s.answers(model)
    if not s.takes_weights(model) or not isinstance(before[0], dict):
        return ""
    if attempt(partial(s.learn, model, FAR, NEW, w=0.0)):
        return ""
    for old, new in zip(before, s.answers(model), strict=True):
        if any(new.get(label, 0.0) > p + ROUNDING for label, p in old.items()):
            raise Broken(f"a new class of weight 0 favours an old one: {old} became {new}")
        if max(old, key=old.__getitem__) != max(old, key=lambda label: new.get(label, 0.0)):
            raise Broken(f"a new class of weight 0 turns the old ones round: {old} became {new}")
    return ", its share taken from all old ones"


def arrival_order(s: Subject) -> str:
    """Compare learners that see the features of the same samples in opposite order, some arriving later."""
    rows = s.rows(100, seed=6)
    late: list[Row] = [({**x, "p": x["m"] * 2, "q": -x["o"]}, y) for x, y in s.rows(60, seed=7)]
    there, back = s.make(), s.make()
    for x, y in rows + late:
        or_broken("names that arrive later", partial(s.learn, there, x, y))
        s.learn(back, dict(reversed(x.items())), y)
    asked = [*s.probes, *late]
    widest = must_equal(s.answers(there, asked), s.answers(back, asked), "names in another order", within=ROUNDING)
    return "equal to the bit" if widest == 0 else f"equal but for rounding ({widest:.0e})"
