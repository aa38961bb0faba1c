"""The declaration of a kind of learner, read by all interfaces.

A learner's class has its kind as an attribute (``Bandit.kind``), declared in the kind's own folder. Code that handles learners of
any kind reads the declaration instead of checking the class.
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
"""Abilities of kinds, each worded to follow "a learner that"."""
METHODS: dict[str, str] = {"export_onnx": "onnx", "importance": "importance", "plot": "layers"}
"""Methods of all learners that need an ability, and raise in kinds without it."""
STATELESS = frozenset(("onnx", "web", "fleet", "cluster"))
"""Abilities that a learner with a recurrent state (``memory``) lacks, because its predictions depend on earlier rows."""
NUMBER_COSTS = Lazy("headwater.route.costs:NumberCosts")
KINDS = Lazy("headwater.kinds:KINDS")
"""The kinds of this package. A third-party learner declares its own."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Declare one kind of learner.

    Parameters
    ----------
    name : str
        Class name, stored in files.
    task : str
        The task in one word.
    noun : str
        Name in messages.
    learner : Lazy
        The learner class.
    can : frozenset of str
        Its ``ABILITIES``.
    answer : Answer
        Declaration of its labels.
    score : Lazy
        The `route.score.Score` class of its metrics, for sessions, stores, fleets, clusters and pages.
    explain : Lazy
        Implementation of ``explain_one``, called as ``explain(learner, x, **how)``.
    findings : Lazy
        Implementation of ``diagnose``. ``findings(learner)`` returns measurements and findings.
    durable : Lazy
        The `DurableLearner` class returned by ``hw.open``, with the methods of the learner in memory.
    costs : Lazy
        Class that computes prediction costs for drift detectors (``route.costs``).
    alarm : float, optional
        Threshold above which a prediction is an alarm.

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
        """The learner class."""
        return self.learner.value

    def make(self, settings: Mapping[str, Any]) -> Any:
        """Create a learner with the given settings.

        Raises
        ------
        ConfigError
            If the kind has no such setting, or its value is invalid.
        """
        cls, hidden = self.cls, settings.get("hidden")
        if "layers" not in self.can and isinstance(hidden, tuple) and len(hidden) == 1:
            settings = {**settings, "hidden": hidden[0]}  # these kinds have a single hidden layer
        for name in settings.keys() - cls.__dataclass_fields__.keys():
            raise ConfigError(
                expected=f"settings of {self.name}",
                got=f"{name}={settings[name]!r}",
                at=name,
                help="Leave it out.",
            )
        return cls(**settings)


@runtime_checkable
class HasKind(Protocol):
    """A learner, a fleet, or a third-party model that declares its kind."""

    notes: dict[str, Any]
    """Input options of a command or a session, saved in the file."""

    @property
    def kind(self) -> Kind:
        """The declared kind."""


def kind_named(name: str) -> Kind:
    """Return the kind with this class name, or raise KeyError."""
    named: dict[str, Kind] = {kind.name: kind for kind in KINDS.value}
    return named[name]


def kind_with(task: str, *, at: str = "task") -> Kind:
    """Return the kind for a task.

    Raises
    ------
    ConfigError
        If no kind has this task.
    """
    for kind in KINDS.value:
        if kind.task == task:
            return kind  # type: ignore[no-any-return]
    tasks = [kind.task for kind in KINDS.value]
    raise ConfigError(
        expected=f"{', '.join(tasks[:-1])} or {tasks[-1]}", got=repr(task), at=at, help="Choose one of these."
    )


def kind_of(learner: Any) -> Kind:
    """Return the kind of a learner, or for a model that only has a task, the built-in kind with that task."""
    if isinstance(learner, HasKind):
        return learner.kind
    return kind_with(learner.task)


def has_task(model: Any) -> bool:
    """Return whether a model declares a kind or has a known task."""
    return isinstance(model, HasKind) or getattr(model, "task", None) in [kind.task for kind in KINDS.value]


def check_kind(model: Any, *, at: str) -> None:
    """Raise ConfigError unless a model declares a kind.

    Raises
    ------
    ConfigError
        If the model declares none.
    """
    if not isinstance(model, HasKind):
        raise ConfigError(
            expected="a headwater learner, or a model that declares a kind",
            got=type(model).__name__,
            at=at,
            help="Give e.g. a headwater.Classifier.",
            code="kind",
        )


def check_can(learner: Any, ability: str, *, at: str) -> None:
    """Raise ConfigError if a learner's kind lacks an ability.

    Raises
    ------
    ConfigError
        Names the kinds that have the ability.
    """
    if isinstance(learner, HasKind) and ability not in learner.kind.can:
        raise _cannot(learner.kind.name, ability, at)
    if ability in STATELESS:
        check_stateless(learner, f"a learner that {ABILITIES[ability]}", at=at)


def check_stateless(learner: Any, expected: str, *, at: str) -> None:
    """Raise ConfigError for a learner with a recurrent state.

    Raises
    ------
    ConfigError
        If the learner has ``memory``.
    """
    if getattr(learner, "has_memory", False):
        raise ConfigError(
            expected=f"{expected}, so one without memory",
            got=f"memory={learner.memory or 'nn.Recurrent'}",
            at=at,
            help="Create it without memory for this.",
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
