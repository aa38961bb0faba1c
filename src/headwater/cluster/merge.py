"""Merge the learning of several workers that started as copies of one base.

The core merges numbers, columns and categories (``core/learners/merge.c`` has formulas and sources). Here outputs are
matched by label: classes that only some workers saw are appended in the order of workers and rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import headwater._core as _core
from headwater.errors import ConfigError
from headwater.learner.schema.labels import RARE
from headwater.learner.settings import settings_of
from headwater.learner.supervised import SupervisedLearner

__all__ = ["FAN_IN", "in_tree", "merge"]

FAN_IN = 8
"""Maximum number of learners merged at once in a round."""
State = TypeVar("State")


def in_tree(states: Sequence[tuple[int, State]], merge_some: Callable[[list[State]], State]) -> list[tuple[int, State]]:
    """Merge at most eight neighbours at a time, and their results likewise, until at most eight are left.

    The tree is a function of the number of states, so the result does not depend on who merges. Groups are as equal as can
    be, since each counts as one worker at the next level. The factors on what moved are then those of merging all at once
    (``core/learners/merge.c``).

    Parameters
    ----------
    states : sequence of (int, State)
        States and the numbers of their blocks, in order.
    merge_some : callable
        merge_some(states): the merged state.

    Examples
    --------
    >>> in_tree([(i, str(i)) for i in range(17)], "+".join)
    [(0, '0+1+2+3+4'), (5, '5+6+7+8+9+10'), (11, '11+12+13+14+15+16')]
    >>> in_tree([(i, str(i)) for i in range(8)], "+".join) == [(i, str(i)) for i in range(8)]
    True
    """
    found = list(states)
    while len(found) > FAN_IN:
        groups = -(-len(found) // FAN_IN)
        ends = [i * len(found) // groups for i in range(groups + 1)]
        found = [
            (found[first][0], merge_some([state for _, state in found[first:last]])) for first, last in pairwise(ends)
        ]
    return found


def merge(base: SupervisedLearner, workers: Sequence[SupervisedLearner]) -> SupervisedLearner:
    """Merge the base and what each worker has learned since it was a copy of it into a new learner.

    This is a pure function. The same base and workers in the same order give the same bits on every machine.

    Parameters
    ----------
    base : SupervisedLearner
        The common initial state. It must have learned something, unless there is a single worker.
    workers : sequence of SupervisedLearner
        Trained copies of the base, each on different rows.

    Returns
    -------
    SupervisedLearner
        A learner with the base's settings. Its replay buffer has the last samples of the base and of the workers in turn.

    Raises
    ------
    ConfigError
        If workers with one output disagree on its two classes, or one counts earlier rows by itself (``rolling``).

    Examples
    --------
    >>> import copy
    >>> import headwater as hw
    >>> base = hw.Classifier(diagnosis=False)
    >>> base.learn_one({"size": 1.0}, "small")
    >>> one, other = copy.deepcopy(base), copy.deepcopy(base)
    >>> one.learn_one({"size": 9.0}, "large")
    >>> other.learn_one({"colour": "red"}, "small")
    >>> both = merge(base, [one, other])
    >>> both.classes, both.n_learned
    (['small', 'large'], 3)
    """
    if any(worker.has_rolling for worker in workers):
        raise ConfigError(
            expected="workers without rolling, each of which would count its own rows alone",
            got=f"rolling={workers[0].rolling!r}",
            at="merge",
            help="Let one learner observe(x) all rows in their order, and teach the workers what it returns.",
        )
    if base.kind.merge is not None:
        several: SupervisedLearner = base.kind.merge(base, workers, merge)
        return several
    if base.engine is None and len(workers) == 1:
        base = workers[0]
        workers = []
    classes, places = _outputs(base, workers)
    engine = base.learned_engine
    bias = max(-_core.logarithm(engine.learned + len(classes)), RARE) if classes else 0.0
    core = engine.core.merge([worker.learned_engine.core for worker in workers], places, bias)
    refused = base.refused.copy()
    for worker in workers:
        refused.update({reason: count - base.refused[reason] for reason, count in worker.refused.items()})
    merged: SupervisedLearner = type(base)(**settings_of(base))
    merged.resume(engine=engine.with_core(core), classes=classes, refused=refused, notes=base.notes, sample=None)
    return merged


def _outputs(base: SupervisedLearner, workers: Sequence[SupervisedLearner]) -> tuple[list[Any], list[list[int] | None]]:
    """Return all classes, and the index among them of each output of each worker."""
    classes = base.known_classes
    known = Counter(classes)
    for worker in workers:
        new = [label for label in worker.known_classes if label not in known]
        classes += new
        known.update(new)
    if not base.one_output:
        place = {label: i for i, label in enumerate(classes)}
        return classes, [[place[label] for label in worker.known_classes] for worker in workers]
    if any(worker.known_classes != classes[: len(worker.known_classes)] for worker in workers) or len(classes) > 2:
        raise ConfigError(
            expected="workers with one output for the same two classes",
            got=" and ".join(repr(worker.known_classes) for worker in workers),
            at="merge",
            help="Start with rows of both classes, or use loss='cross_entropy'.",
        )
    return classes, [None] * len(workers)
