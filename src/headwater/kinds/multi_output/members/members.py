"""The engine of several outputs, one learner each, with arrays prefixed by the output's number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.kinds.classifier_regressor.regressor import Regressor
from headwater.learner.kind import has_classes
from headwater.learner.settings.limits import Growth, Limits
from headwater.learner.supervised import SupervisedLearner

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Aggregates

__all__ = ["PREDICTED", "OutputsEngine", "is_predicted", "pairs_of"]

PREDICTED = "predicted"
"""First item of the column names of earlier outputs' predictions, (PREDICTED, output) or (PREDICTED, output, class)."""


@dataclass
class OutputsEngine:
    """The learners of all outputs, in order of appearance.

    Parameters
    ----------
    limits : Limits
        Limits of a sample's size.
    saved : mapping of str to ndarray
        Arrays of a saved learner, pending until ``take``.
    """

    limits: Limits
    saved: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    members: dict[Any, SupervisedLearner] = field(default_factory=dict)
    learned: int = 0
    """Number of rows with at least one learned output."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Counts of a saved learner, pending until ``take``."""
    rolling: Aggregates | None = None
    """Aggregates of earlier rows, which all outputs read."""

    def begun(self) -> dict[Any, SupervisedLearner]:
        """Return the members that have learned something, leaving out any whose first row exceeded a limit."""
        return {name: member for name, member in self.members.items() if member.engine is not None}

    def take(self, made: Mapping[Any, tuple[SupervisedLearner, list[Any]]]) -> None:
        """Restore each output's learner, created with its classes, from the saved arrays or from a learner of other settings."""
        if self.members:
            for name, (member, classes) in made.items():
                old = self.members[name]
                member.resume(engine=old.engine, refused=old.refused, notes={}, classes=classes, sample=old.sample)
            self.members = {name: member for name, (member, _) in made.items()}
            return
        if {key.partition(".")[0] for key in self.saved} != {str(i) for i in range(len(made))}:
            raise ValueError("classes", "an output for each group of arrays", list(made))
        for i, (name, (member, classes)) in enumerate(made.items()):
            prefix = f"{i}."
            own = {key.removeprefix(prefix): array for key, array in self.saved.items() if key.startswith(prefix)}
            own.pop("sample", None)
            engine = member.new_engine(own)
            engine.resume_counts({"unusable": self.waiting[f"{prefix}unusable"]})
            member.resume(engine=engine, refused=Counter(), notes={}, classes=classes)
            self.members[name] = member
        count = self.waiting["rows"]
        if type(count) is not int or count < max((member.n_learned for member in self.members.values()), default=0):
            raise ValueError("rows", "as many as of the output that learned most", count)
        self.learned, self.saved, self.waiting = count, {}, {}

    # ---- the interface of BaseEngine ---------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock all outputs' learners against other threads."""
        with ExitStack() as stack:
            for member in self.members.values():
                stack.enter_context(member.held())
            yield

    @property
    def columns(self) -> dict[Any, Column]:
        """Columns seen so far by name, without predictions of earlier outputs."""
        found: dict[Any, Column] = {}
        for member in self.begun().values():
            known = {} if member.engine is None else member.engine.columns
            found |= {name: column for name, column in known.items() if not is_predicted(name)}
        return found

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of dropped values and undone steps over all outputs, by reason (``validation.REASONS``)."""
        return dict(sum((Counter(member.rejected) for member in self.members.values()), Counter()))

    def knows(self, name: Any) -> bool:
        """Return whether there is a column with this name."""
        return any(m.engine is not None and m.engine.knows(name) for m in self.members.values())

    def set_limits(self, limits: Limits) -> None:
        """Make the core reject samples beyond these limits from now on. They are not saved."""
        self.limits = limits
        for member in self.members.values():
            member.limits = limits

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        """Return what learning rows X and new classes would add, without changing anything."""
        own = [member.engine.growth_of(X) for member in self.members.values() if member.engine is not None]
        if not own:
            own = [Regressor().setup.growth_of(X, 0, self.limits)]  # as any learner's first row adds
        entries, names, rows = (max(getattr(one, key) for one in own) for key in ("entries", "names", "rows"))
        return Growth(entries, names, new_classes, rows, sum(one.bytes for one in own))

    def experts(self) -> list[dict[str, Any]]:
        """Return the state of each expert of each output."""
        return [{"output": name, **one} for name, member in self.members.items() for one in member.experts_]

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of all learned arrays, named by output number and array name."""
        out: dict[str, NDArray[Any]] = {}
        for i, member in enumerate(self.begun().values()):
            own = {} if member.engine is None else member.engine.state()
            out |= {f"{i}.{key}": array for key, array in own.items() if f"{i}.{key}" not in without}
        return out if self.rolling is None else out | self.rolling.state(without)

    def counts(self) -> dict[str, int]:
        """Return counters kept outside the state, for a file's header."""
        counts = {"rows": self.learned}
        for i, member in enumerate(self.begun().values()):
            own = {} if member.engine is None else member.engine.counts()
            counts |= {f"{i}.{key}": value for key, value in own.items()}
        return counts

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        """Restore counters from ``counts``, effective in ``take``."""
        self.waiting = dict(counts)

    def begin_copy(self) -> None:
        """Return None, because everything is copied at once."""
        return


def pairs_of(members: Mapping[Any, SupervisedLearner]) -> list[Any]:
    """Return all known (output, class) pairs, and (output,) for outputs of numbers."""
    pairs: list[Any] = []
    for name, member in members.items():
        pairs += [(name, label) for label in member.known_classes] if has_classes(member) else [(name,)]
    return pairs


def is_predicted(name: Any) -> bool:
    """Return whether a column's name is that of an earlier output's prediction."""
    return isinstance(name, tuple) and bool(name) and name[0] == PREDICTED
