"""What a kind of learner is: the one declaration that every door reads.

A learner's class carries its kind (``Bandit.kind``), which is written in the kind's own folder. Rooms that serve learners of any kind
ask the declaration and never the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from headwater.errors import ConfigError
from headwater.types import Lazy

from .answer import Answer

__all__ = [
    "ABILITIES",
    "STATELESS",
    "HasKind",
    "Kind",
    "check_can",
    "check_kind",
    "check_stateless",
    "has_task",
    "kind_named",
    "kind_of",
    "kind_with",
]

ABILITIES: dict[str, str] = {
    "answers": "learns from answers",
    "classes": "predicts classes",
    "scores": "scores rows",
    "layers": "consists of layers",
    "onnx": "can be exported to ONNX",
    "web": "can be exported to a web page",
    "fleet": "can be the member of a fleet",
    "cluster": "can learn on a cluster",
    "step": "has a step size",
    "importance": "can say how much each feature matters",
    "keys": "has a model for each key",
    "late": "takes answers that come late",
    "weights": "weighs rows",
    "ahead": "forecasts a series",
    "acts": "chooses actions",
    "outputs": "learns several answers a row",
    "coverage": "gives sets or intervals with a guarantee",
    "control": "acts in an environment",
}
"""What a kind may be able to do, as the end of a sentence."""
METHODS: dict[str, str] = {"export_onnx": "onnx", "importance": "importance", "plot": "layers"}
"""Methods that all learners have and some kinds refuse: the ability that each takes."""
STATELESS = frozenset(("onnx", "web", "fleet", "cluster"))
"""Of these abilities a learner with a state (``memory``) has none: what it predicts depends on the rows before."""
NUMBER_COSTS = Lazy("headwater.route.costs:NumberCosts")
KINDS = Lazy("headwater.kinds:KINDS")
"""The kinds of this package; another author's learner brings its own."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Declare one kind of learner.

    Parameters
    ----------
    name : str
        The name of its class, which files hold.
    task : str
        What it is for, in one word.
    noun : str
        What a sentence calls it.
    learner : Lazy
        Its class.
    can : frozenset of str
        Which of ``ABILITIES`` it has.
    answer : Answer
        What it learns beside a row.
    score : Lazy
        The class of its scores, for session, store, fleet, cluster and page alike: a `route.score.Score`.
    explain : Lazy
        The function behind its ``explain_one``: ``explain(learner, x, **how)``.
    findings : Lazy
        The function behind ``diagnose``: ``findings(learner)`` returns what was measured and what was found.
    durable : Lazy
        The class that ``hw.open`` gives: a `DurableLearner` with the methods that the kind has in memory.
    costs : Lazy
        The class that says what each prediction cost, for drift detectors (``route.costs``).
    alarm : float, optional
        A prediction above it is an alarm.

    Examples
    --------
    >>> kind_named("Regressor").task, "onnx" in kind_with("classify").can
    ('regress', True)
    """

    name: str
    task: str
    noun: str
    learner: Lazy
    can: frozenset[str]
    answer: Answer
    score: Lazy
    explain: Lazy
    findings: Lazy
    durable: Lazy
    costs: Lazy = NUMBER_COSTS
    alarm: float | None = None

    @property
    def cls(self) -> Any:
        """The class of its learners."""
        return self.learner.value

    def make(self, settings: Mapping[str, Any]) -> Any:
        """Return a new learner with some settings.

        Raises
        ------
        ConfigError
            If the kind has no such setting, or it can't be.
        """
        cls, hidden = self.cls, settings.get("hidden")
        if "layers" not in self.can and isinstance(hidden, tuple) and len(hidden) == 1:
            settings = {**settings, "hidden": hidden[0]}  # one layer is all there may be
        for name in settings.keys() - cls.__dataclass_fields__.keys():
            raise ConfigError(
                expected=f"settings that a learner of the kind {self.name} has",
                got=f"{name}={settings[name]!r}",
                at=name,
                help="Leave it out.",
            )
        return cls(**settings)


@runtime_checkable
class HasKind(Protocol):
    """A learner, a fleet of learners, or another author's model that says of which kind it is."""

    notes: dict[str, Any]
    """How a command or a session read its rows; kept in the file."""

    @property
    def kind(self) -> Kind:
        """Its kind."""


def kind_named(name: str) -> Kind:
    """Return the kind that files call so; a KeyError for a name that none has."""
    named: dict[str, Kind] = {kind.name: kind for kind in KINDS.value}
    return named[name]


def kind_with(task: str, *, at: str = "task") -> Kind:
    """Return the kind for a task.

    Raises
    ------
    ConfigError
        If there is none.
    """
    for kind in KINDS.value:
        if kind.task == task:
            return kind  # type: ignore[no-any-return]
    tasks = [kind.task for kind in KINDS.value]
    raise ConfigError(
        expected=f"{', '.join(tasks[:-1])} or {tasks[-1]}", got=repr(task), at=at, help="Choose one of these."
    )


def kind_of(learner: Any) -> Kind:
    """Return the kind of a learner; of a model that only says its task, that of ours with the same task."""
    if isinstance(learner, HasKind):
        return learner.kind
    return kind_with(learner.task)


def has_task(model: Any) -> bool:
    """Say whether a model names a task that there is a kind for, or carries a kind of its own."""
    return isinstance(model, HasKind) or getattr(model, "task", None) in [kind.task for kind in KINDS.value]


def check_kind(model: Any, *, at: str) -> None:
    """Refuse what is no learner of headwater's, and says of no kind.

    Raises
    ------
    ConfigError
        In one sentence.
    """
    if not isinstance(model, HasKind):
        raise ConfigError(
            expected="a learner of headwater's, or one that carries a kind",
            got=type(model).__name__,
            at=at,
            help="Give e.g. a headwater.Classifier.",
            code="kind",
        )


def check_can(learner: Any, ability: str, *, at: str) -> None:
    """Refuse a learner whose kind can't do something.

    Raises
    ------
    ConfigError
        In one sentence, with the kinds that can.
    """
    if isinstance(learner, HasKind) and ability not in learner.kind.can:
        raise _cannot(learner.kind.name, ability, at)
    if ability in STATELESS:
        check_stateless(learner, f"a learner that {ABILITIES[ability]}", at=at)


def check_stateless(learner: Any, expected: str, *, at: str) -> None:
    """Refuse a learner with a state that is carried from row to row.

    Raises
    ------
    ConfigError
        In one sentence.
    """
    if getattr(learner, "has_memory", False):
        raise ConfigError(
            expected=f"{expected}, so one without memory",
            got=f"memory={learner.memory or 'nn.Recurrent'}",
            at=at,
            help="Make it without memory for this.",
            code="kind",
        )


def _cannot(got: str, ability: str, at: str) -> ConfigError:
    able = [kind.name for kind in KINDS.value if ability in kind.can] or ["Fleet"]
    return ConfigError(
        expected=f"a learner that {ABILITIES[ability]}: {' or '.join(able)}",
        got=f"{'an' if got[0] in 'AEIOU' else 'a'} {got}",
        at=at,
        help=f"Use a {able[0]} for this.",
        code="kind",
    )
