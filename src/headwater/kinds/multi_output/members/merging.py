"""Merge what several workers have learned of several labels per row, output by output."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.kinds.multi_output.learner import MultiOutput
from headwater.learner.settings import settings_of
from headwater.learner.supervised import SupervisedLearner

from .members import OutputsEngine, pairs_of

__all__ = ["merge_outputs"]


def merge_outputs(
    base: MultiOutput,
    workers: Sequence[MultiOutput],
    merge_one: Callable[[SupervisedLearner, Sequence[SupervisedLearner]], SupervisedLearner],
) -> MultiOutput:
    """Merge the learner of each output of the base with those of the workers.

    Outputs that one worker has found follow those of the base. Two workers may not have found any, since the place of an output
    in the chain decides its seed and what it reads, so that what they learned of theirs has nothing in common.

    Parameters
    ----------
    base : MultiOutput
        The common initial state.
    workers : sequence of MultiOutput
        Trained copies of the base, the first of which may have diagnosis samples.
    merge_one : callable
        merge_one(base, workers): the merged learner of one output.

    Raises
    ------
    ConfigError
        If several workers have found outputs, or one lacks an output of the base or learns it as another task.
    DataError
        If there are several workers and the base has learned nothing.
    """
    if not base.members and len(workers) == 1:
        base, workers = workers[0], []
    if not base.members:
        raise DataError(
            expected="a model that has learned",
            got="one that has seen no label",
            at="MultiOutput",
            help="Call learn_one or learn_many first.",
        )
    _check_copies(base, workers)
    members = {name: _merged(name, member, workers, merge_one) for name, member in base.members.items()}
    merged = type(base)(**settings_of(base))
    merged.limits = base.limits
    refused = base.refused.copy()
    for worker in workers:
        refused.update({reason: count - base.refused[reason] for reason, count in worker.refused.items()})
    learned = base.n_learned + sum(worker.n_learned - base.n_learned for worker in workers)
    members |= _found(base, workers)
    before: Any = base.engine  # which is there, as the base has learned
    engine = OutputsEngine(base.limits, members=members, learned=learned, rolling=before.rolling)
    merged.resume(engine=engine, refused=refused, notes=base.notes, classes=pairs_of(members))
    return merged


def _check_copies(base: MultiOutput, workers: Sequence[MultiOutput]) -> None:
    """Raise ConfigError for a worker that can't have been a copy of the base."""
    for worker in workers:
        for name, member in base.members.items():
            if type(found := worker.members.get(name)) is not type(member):
                raise ConfigError(
                    expected=f"copies of the base, with a {type(member).__name__} for {name!r}",
                    got="none" if found is None else f"a {type(found).__name__}",
                    at="merge",
                    help="Merge copies of the base that went on learning.",
                )


def _merged(
    name: Any,
    member: SupervisedLearner,
    workers: Sequence[MultiOutput],
    merge_one: Callable[[SupervisedLearner, Sequence[SupervisedLearner]], SupervisedLearner],
) -> SupervisedLearner:
    """Return the merged learner of an output, with the diagnosis sample of the first worker."""
    own = [worker.members[name] for worker in workers]
    merged = merge_one(member, own)
    sample = own[0].sample if own else member.sample
    if sample is not None:
        merged.resume_sample(sample.frozen())
    return merged


def _found(base: MultiOutput, workers: Sequence[MultiOutput]) -> dict[Any, SupervisedLearner]:
    """Return copies of the outputs that a worker has found."""
    found = [new for worker in workers if (new := _beyond(base, worker))]
    if len(found) > 1:
        raise ConfigError(
            expected="workers of which at most one has found new outputs",
            got=" and ".join(repr(list(new)) for new in found),
            at="merge",
            help="Merge one of them, and let the others learn their rows again from the merged learner.",
        )
    return copy.deepcopy(found[0]) if found else {}


def _beyond(base: MultiOutput, worker: MultiOutput) -> dict[Any, SupervisedLearner]:
    return {name: member for name, member in worker.members.items() if name not in base.members}
