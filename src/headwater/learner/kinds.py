"""The kinds of learners, declared once: what each is called, and what can be done with it.

Files, stores, servers and the command line read their lists from here. A new kind is one more row of ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from headwater.errors import ConfigError

from .anomaly import Anomaly
from .base import Learner
from .classifier import Classifier
from .control.agent import Agent
from .decisions.bandit import Bandit
from .outputs.multi_output import MultiOutput
from .regressor import Regressor
from .series.forecaster import Forecaster
from .supervised import SupervisedLearner

__all__ = [
    "ABILITIES",
    "KINDS",
    "METHODS",
    "STATELESS",
    "Kind",
    "check_can",
    "check_stateless",
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
_NET = frozenset(
    ("answers", "layers", "onnx", "web", "fleet", "cluster", "step", "importance", "late", "weights", "coverage")
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of learner.

    Parameters
    ----------
    name : str
        What files call it: the name of its class.
    task : str
        What it is for, in one word.
    cls : type
        Its class.
    noun : str
        What a sentence calls it.
    can : frozenset of str
        Which of ``ABILITIES`` it has.

    Examples
    --------
    >>> kind_named("Regressor").task, "onnx" in kind_with("classify").can
    ('regress', True)
    """

    name: str
    task: str
    cls: type[Learner]
    noun: str
    can: frozenset[str]

    def make(self, settings: Mapping[str, Any]) -> Learner:
        """Return a new learner with some settings.

        Raises
        ------
        ConfigError
            If the kind has no such setting, or it can't be.
        """
        hidden = settings.get("hidden")
        if "layers" not in self.can and isinstance(hidden, tuple) and len(hidden) == 1:
            settings = {**settings, "hidden": hidden[0]}  # one layer is all there may be
        for name in settings.keys() - self.cls.__dataclass_fields__.keys():
            raise ConfigError(
                expected=f"settings that a learner of the kind {self.name} has",
                got=f"{name}={settings[name]!r}",
                at=name,
                help="Leave it out.",
            )
        return self.cls(**settings)


KINDS: tuple[Kind, ...] = (
    Kind("Classifier", "classify", Classifier, "classifier", _NET | {"classes"}),
    Kind("Regressor", "regress", Regressor, "regressor", _NET),
    Kind("Anomaly", "anomaly", Anomaly, "detector", frozenset(("scores", "weights"))),
    Kind("Forecaster", "forecast", Forecaster, "forecaster", frozenset(("answers", "ahead"))),
    Kind("Bandit", "decide", Bandit, "bandit", frozenset(("answers", "acts"))),
    Kind("Agent", "control", Agent, "agent", frozenset(("answers", "control"))),
    Kind("MultiOutput", "multioutput", MultiOutput, "multi-output learner", frozenset(("answers", "outputs"))),
)


@runtime_checkable
class HasKind(Protocol):
    """What is of a kind and stands above this room: a fleet."""

    @property
    def kind(self) -> Kind:
        """Its kind."""


def kind_named(name: str) -> Kind:
    """Return the kind that files call so; a KeyError for a name that none has."""
    return {kind.name: kind for kind in KINDS}[name]


def kind_with(task: str, *, at: str = "task") -> Kind:
    """Return the kind for a task.

    Raises
    ------
    ConfigError
        If there is none.
    """
    for kind in KINDS:
        if kind.task == task:
            return kind
    tasks = [kind.task for kind in KINDS]
    raise ConfigError(
        expected=f"{', '.join(tasks[:-1])} or {tasks[-1]}", got=repr(task), at=at, help="Choose one of these."
    )


def kind_of(learner: Any) -> Kind:
    """Return the kind of a learner."""
    own = next((kind for kind in KINDS if isinstance(learner, kind.cls)), None)
    return learner.kind if own is None else own  # a fleet says its own


def check_can(learner: Any, ability: str, *, at: str) -> None:
    """Refuse a learner whose kind can't do something.

    Raises
    ------
    ConfigError
        In one sentence, with the kinds that can.
    """
    if isinstance(learner, Learner | HasKind) and ability not in (kind := kind_of(learner)).can:
        raise _cannot(kind.name, ability, at)
    if ability in STATELESS:
        check_stateless(learner, f"a learner that {ABILITIES[ability]}", at=at)


def check_stateless(learner: Any, expected: str, *, at: str) -> None:
    """Refuse a learner with a state that is carried from row to row.

    Raises
    ------
    ConfigError
        In one sentence.
    """
    if isinstance(learner, SupervisedLearner) and learner.has_memory:
        raise ConfigError(
            expected=f"{expected}, so one without memory",
            got=f"memory={learner.memory or 'nn.Recurrent'}",
            at=at,
            help="Make it without memory for this.",
            code="kind",
        )


def _cannot(got: str, ability: str, at: str) -> ConfigError:
    able = [kind.name for kind in KINDS if ability in kind.can] or ["Fleet"]
    return ConfigError(
        expected=f"a learner that {ABILITIES[ability]}: {' or '.join(able)}",
        got=f"{'an' if got[0] in 'AEIOU' else 'a'} {got}",
        at=at,
        help=f"Use a {able[0]} for this.",
        code="kind",
    )
