"""The declaration of a kind of learner, read by all interfaces.

A learner's class has its kind as an attribute (``Bandit.kind``), declared in the kind's own folder. Code that handles learners of
any kind reads the declaration instead of checking the class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from headwater.errors import ConfigError, DataError, choose
from headwater.learner.schema.answer import Answer
from headwater.learner.validation import ANSWERS, REASONS
from headwater.types import Lazy, Predictions

from .schema import Field, Question, Views

if TYPE_CHECKING:
    from .schema import Response, Verb

__all__ = [
    "ABILITIES",
    "STATELESS",
    "able_to",
    "carry",
    "known_kinds",
    "HasKind",
    "default_kind",
    "has_classes",
    "named_able",
    "of_classes",
    "own_kinds",
    "KEPT_ROWS",
    "Kind",
    "OPTIMIZER",
    "Reduction",
    "check_can",
    "check_kind",
    "check_stateless",
    "has_task",
    "is_fleet",
    "kind_named",
    "kind_of",
    "kind_with",
    "with_article",
]

ABILITIES: dict[str, str] = {
    "answers": "learns from answers",
    "classes": "predicts classes",
    "scores": "scores rows",
    "layers": "consists of layers",
    "onnx": "can be exported to ONNX",
    "web": "can be exported to a web page",
    "device": "can be exported to C",
    "fleet": "can be the member of a fleet",
    "seat": "can lie in the core as the member of a fleet, with a store of members",
    "cluster": "can learn on a cluster",
    "step": "has a step size",
    "importance": "can say how much each feature matters",
    "losses": "has a loss for each row",
    "keys": "has a model for each key",
    "labels": "asks for labels within a budget",
    "late": "takes answers that come late",
    "delay": "can be scored and taught with a delay",
    "weights": "weighs rows",
    "ahead": "forecasts a series",
    "acts": "chooses actions",
    "routes": "routes prompts to models",
    "outputs": "learns several answers a row",
    "challenge": "can be challenged in service",
    "coverage": "gives sets or intervals with a guarantee",
    "environment": "acts in an environment",
    "report": "has a report of its run",
}
"""Abilities of kinds, each worded to follow "a learner that"."""
METHODS: dict[str, str] = {"export_onnx": "onnx", "importance": "importance"}
"""Methods of all learners that need an ability, and raise in kinds without it."""
STATELESS = frozenset(("onnx", "device", "seat", "cluster"))
"""Abilities that a learner with a recurrent state (``memory``) lacks, because its predictions depend on earlier rows."""
_UNROLLED = frozenset(("onnx", "device", "seat", "web"))
"""Abilities that a learner with aggregates (``rolling``) lacks, because what writes its columns is no part of the net."""
_INSTEAD_OF_ROLLING = "Make it without rolling, and give the aggregates as columns of the rows (observe(x) adds them)."
_WHOLE_FLEET = " Or keep all members in memory, and durable, with hw.open(path, hw.Fleet(make, key))."
SENSITIVITY = Lazy("headwater.explain.sensitivity:sensitivity")
_OCCLUSION = Lazy("headwater.explain.occlusion:explain_number")
_REFUSED_ROWS = Lazy("headwater.diagnose.refused_rows:diagnose_rows")
_DURABLE = Lazy("headwater.store.service.durable_learner:DurablePredictor")
_PREDICT = Question("predict")
_PLACES = Lazy("headwater.kinds:PLACES")
_RESPONSE = Lazy("headwater.learner.schema.response:Response")
_VALUE = attrgetter("value")


OPTIMIZER = ("state_0", "state_1", "state_2", "state_3", "state_4", "slot_reservoir")
"""Arrays of the optimizer, and of the values that future knots are drawn from."""
KEPT_ROWS = ("pair_rows", "pair_values", "sample_start", "sample_count", "sample_y", "sample_w")
"""Arrays of the replay buffer."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a page can do without that asks a learner and never teaches it.

    Parameters
    ----------
    left_out : tuple of str
        Arrays that learning reads and the questions of the page don't.
    rounded : mapping
        Binary digits behind the point that are enough of other arrays.
    """

    left_out: tuple[str, ...] = ()
    rounded: Mapping[str, int] = field(default_factory=dict)


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
        Implementation of ``explain_one``, called as ``explain(learner, x, **how)``. Without it how the number that ``predict_one``
        returns changes without each column.
    importance : Lazy
        Implementation of ``importance``, called as ``importance(learner, method)``. Without it how far the outputs move.
    findings : Lazy
        Implementation of ``diagnose``. ``findings(learner)`` returns measurements and findings. Without it whether many rows were
        rejected.
    durable : Lazy
        The class that ``hw.open`` gives, a `DurableLearner` with the methods that the kind has in memory. Without it one with
        ``predict_one`` and ``predict_many``.
    question : Question
        What may be asked.
    response : tuple of Field
        The columns of what is said. The first is the prediction itself.
    respond : Lazy, optional
        ``respond(learner, rows, **question)`` returns the `Response`; without it that of ``predict_batch``.
    predicted : Lazy, optional
        ``predicted(learner, rows)`` returns what a store keeps of the predictions of rows, a pair (prediction, probabilities or
        None) each. Without it that of ``predict_batch``.
    names_in : Lazy, optional
        ``names_in(learner, labels, known)`` returns the entries of ``known_classes`` that occur in labels, of which there may be
        only so many, and raises for labels that the learner can't take beside those that are known.
    explained : tuple of Field
        What may be said to ``explain_one`` beside the row.
    series : Lazy, optional
        ``series(learner, score, rows_ahead)`` returns what a page draws of a series over time.
    pictures : Lazy, optional
        ``pictures(learner, score, x)`` returns what ``plot`` and notebooks draw of a learner (``learner.schema.pictures``): what it
        knows by itself, and more where the session or the store gives its score, None without one, or where a row is asked about,
        None without one. It locks the learner only while it reads it.
    happened : Lazy, optional
        ``happened(learner)`` returns what a page tells of how the stream changed, as dicts with ``what`` and ``row``, newest first. It
        locks the learner only while it reads it.
    issue : Lazy, optional
        ``issue(learner, x, **question)`` makes a choice for a row whose outcome is learned later, as (choice, probabilities or
        None). Without it the prediction is kept.
    noted : Lazy, optional
        ``noted(learner, x, said)`` counts a choice that ``issue`` made for a row as soon as it is journaled, or, without what was
        said, changes settings to those in ``x``. Without it a choice counts when its outcome comes.
    merge : Lazy, optional
        ``merge(base, workers, merge_one)`` returns what several workers learned since they were copies of a base as one learner of a
        kind that holds others, which ``merge_one(base, workers)`` merges. Without it the core merges a learner of this kind.
    verbs : tuple of Verb
        Its short HTTP addresses, such as ``/act``, beside ``/ask`` and ``/teach``, which all kinds have.
    settings : tuple of Field
        Settings that are options of ``headwater learn`` beside those of all kinds.
    instead : mapping
        What to do instead of what it can't: a sentence for each door.
    adapters : mapping
        What is peculiar to a foreign library, by its name: an estimator of scikit-learn's. A second one for the same library has
        what it is for behind the name, as in ``sklearn.regressor``.
    own_inputs : str
        How the names of inputs begin that the learner adds to a row by itself.
    alias : str
        What the command calls its task besides.
    costs : Lazy, optional
        Class that computes prediction costs for drift detectors (``route.drift.costs``). Without it they follow from the score.
    views : Views
        What pages show of it, in words and pictures. Without it the names of its metrics.
    alarm : float, optional
        Threshold above which a prediction is an alarm.
    reduction : Reduction, optional
        What of its state a page leaves out that doesn't learn. Without it that of learners of rows (``store.web.reduced``).

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
    explain: Lazy = _OCCLUSION
    findings: Lazy = _REFUSED_ROWS
    durable: Lazy = _DURABLE
    question: Question = _PREDICT
    response: tuple[Field, ...] = (Field("y_pred", "any", "The prediction."),)
    respond: Lazy | None = None
    predicted: Lazy | None = None
    names_in: Lazy | None = None
    explained: tuple[Field, ...] = ()
    series: Lazy | None = None
    pictures: Lazy | None = None
    happened: Lazy | None = None
    issue: Lazy | None = None
    noted: Lazy | None = None
    merge: Lazy | None = None
    verbs: tuple[Verb, ...] = ()
    settings: tuple[Field, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)
    adapters: Mapping[str, Lazy] = field(default_factory=dict)
    own_inputs: str = ""
    alias: str = ""
    importance: Lazy = SENSITIVITY
    costs: Lazy | None = None
    views: Views = Views()  # noqa: RUF009 - frozen
    alarm: float | None = None
    reduction: Reduction | None = None

    @property
    def cls(self) -> Any:
        """The learner class."""
        return self.learner.value

    @property
    def one(self) -> str:
        """Its noun with an article."""
        return with_article(self.noun)

    @property
    def word(self) -> str:
        """The word for its task on the command line."""
        return self.alias or self.task

    def cannot(self, door: str, learner: Any = None) -> str | None:
        """Return what to do instead of something that a learner of this kind can't do, or None if it can.

        Parameters
        ----------
        door : str
            One of ``ABILITIES``.
        learner : Learner, optional
            Whose settings count too: one with a state that is carried from row to row can do less.

        Examples
        --------
        >>> kind_named("Forecaster").cannot("delay")
        'Teach each value when its time comes; what is ahead is forecast(horizon).'
        """
        if door not in self.can:
            return self.instead.get(door) or f"Use {with_article(able_to(door)[0])} for this."
        if door in STATELESS and learner is not None and getattr(learner, "has_memory", False):
            return "Make it without memory for this."
        if door in _UNROLLED and learner is not None and getattr(learner, "has_rolling", False):
            return _instead_of_rolling(door)
        lack = _lack(learner, door)
        return None if lack is None else lack[1]

    def ask(self, learner: Any, rows: Any = None, **question: Any) -> Response:
        """Answer the question with a learner of this kind, without changing it.

        Parameters
        ----------
        learner : object
            Of this kind.
        rows : list of dict, array (n, d) or data frame, optional
            What to say something of.
        **question
            The fields of ``self.question``.

        Raises
        ------
        ConfigError, DataError
            If the question has no such field, or a value can't be.
        """
        for name in question:
            if name in ABILITIES.keys() - self.can and all(name != field.name for field in self.question.fields):
                raise _refused(self, name, name)
        given = self.question.read(question)
        if rows is None and self.question.needs_rows:
            raise DataError(
                expected="rows", got="none", at=f"ask of {self.name}", help="Give a list of dicts, an array or a frame."
            )
        if self.respond is not None:
            found: Response = self.respond(learner, rows, **given)
            return found
        return self.told(learner.predict_batch(rows))

    def refusal(self, reason: str) -> str:
        """Return why a row was refused for a reason of ``validation.REASONS``, with what an answer of this kind may be."""
        own = reason == "target" and not self.answer.compound
        return ANSWERS["classes" in self.can] if own else REASONS[reason]

    def told(self, predictions: Predictions) -> Response:
        """Return predictions as the columns of this kind."""
        found: Response = _RESPONSE.value.of(predictions, self.response[0].name)
        return found

    def alarmed(self, score: float) -> dict[str, Any]:
        """Return a score and whether it is an alarm, by the names of the response."""
        names = [field.name for field in self.response]
        return {names[0]: score, names[1]: score > (math.inf if self.alarm is None else self.alarm)}

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
                help=self.instead.get(name, "Leave it out."),
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


_CARRIED: dict[str, Kind] = {}
"""The kinds that classes in this process carry, another author's among them."""


def carry(kind: Kind) -> None:
    """Register the kind of a new class, so that its files and stores can be loaded."""
    _CARRIED[kind.name] = kind


def own_kinds() -> Iterator[Kind]:
    """Yield the kinds of this package, each imported when it is reached. A third-party learner declares its own."""
    return map(_VALUE, _PLACES.value)


def known_kinds() -> list[Kind]:
    """Return the kinds of this package, then those of other authors' classes in this process."""
    own = {kind.name: kind for kind in own_kinds()}
    return list({**own, **_CARRIED, **own}.values())


def kind_named(name: str) -> Kind:
    """Return the kind with this name in files."""
    for place in _PLACES.value:
        if place.value.name == name:
            kind: Kind = place.value
            return kind
    return _CARRIED[name]


def kind_with(task: str, *, at: str = "task") -> Kind:
    """Return the kind for a task.

    Raises
    ------
    ConfigError
        If no kind has this task.
    """
    for kinds in (own_kinds(), _CARRIED.values()):
        for kind in kinds:
            if task in (kind.task, kind.alias):
                return kind
    tasks = [kind.word for kind in own_kinds()]
    raise ConfigError(
        expected=f"{', '.join(tasks[:-1])} or {tasks[-1]}",
        got=repr(task),
        at=at,
        help=choose(task, tasks),
    )


def kind_of(learner: Any) -> Kind:
    """Return the kind of a learner, or for a model that only has a task, the built-in kind with that task."""
    kind = getattr(learner, "kind", None)  # an instance check of a protocol costs ten calls, at each row
    if isinstance(kind, Kind):
        return kind
    task = getattr(learner, "task", None)
    if type(task) is not str:
        raise ConfigError(
            expected="a learner, or a model with its task",
            got=repr(learner),
            at="learner",
            help="Give e.g. hw.Classifier().",
        )
    return kind_with(task)


def default_kind() -> Kind:
    """Return the kind that a store, a server and a new model have where nothing is said."""
    return next(own_kinds())


def has_classes(model: Any) -> bool:
    """Say whether what a model predicts are classes, with their probabilities. A task in one word may stand for the model."""
    return of_classes(model) if isinstance(model, str) else "classes" in kind_of(model).can


@lru_cache
def of_classes(task: str) -> bool:
    """Say whether the kind with this task predicts classes."""
    return "classes" in kind_with(task).can


def is_fleet(model: Any) -> bool:
    """Say whether a model has a model for each key."""
    return "keys" in kind_of(model).can


def has_task(model: Any) -> bool:
    """Say whether a model names a task that there is a kind for, or carries a kind of its own."""
    return isinstance(model, HasKind) or getattr(model, "task", None) in [kind.task for kind in known_kinds()]


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
            help=f"Give e.g. a headwater.{default_kind().name}.",
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
        raise _refused(learner.kind, ability, at)
    expected = f"a learner that {ABILITIES[ability]}"
    if ability in _UNROLLED:
        _check_unrolled(learner, expected, at=at, instead=_instead_of_rolling(ability))
    if ability in STATELESS:
        _check_no_memory(learner, expected, at=at)
    if (lack := _lack(learner, ability)) is not None:
        raise ConfigError(expected=expected, got=lack[0], at=at, help=lack[1], code="kind")


def _lack(learner: Any, ability: str) -> tuple[str, str] | None:
    """Return why a learner can't do now what its kind can, and what to do instead (``lacks``)."""
    lacks = getattr(learner, "lacks", None)
    found: tuple[str, str] | None = None if lacks is None else lacks(ability)
    return found


def _instead_of_rolling(ability: str) -> str:
    return _INSTEAD_OF_ROLLING + (_WHOLE_FLEET if ability == "seat" else "")


def _check_unrolled(learner: Any, expected: str, *, at: str, instead: str = _INSTEAD_OF_ROLLING) -> None:
    if getattr(learner, "has_rolling", False):
        raise ConfigError(
            expected=f"{expected}, so one without rolling",
            got=f"rolling={learner.rolling!r}",
            at=at,
            help=instead,
            code="kind",
        )


def check_stateless(learner: Any, expected: str, *, at: str) -> None:
    """Raise ConfigError for a learner whose predictions depend on earlier rows.

    Raises
    ------
    ConfigError
        If the learner has ``memory`` or ``rolling``.
    """
    _check_unrolled(learner, expected, at=at)
    _check_no_memory(learner, expected, at=at)


def _check_no_memory(learner: Any, expected: str, *, at: str) -> None:
    if getattr(learner, "has_memory", False):
        raise ConfigError(
            expected=f"{expected}, so one without memory",
            got=f"memory={learner.memory or 'nn.Recurrent'}",
            at=at,
            help="Create it without memory for this.",
            code="kind",
        )


def with_article(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


def able_to(ability: str) -> list[str]:
    """Return the names of the kinds that can do something."""
    return [kind.name for kind in own_kinds() if ability in kind.can] or ["Fleet"]


def named_able(ability: str) -> str:
    """Return the kinds that can do something for a message, each with its article."""
    return " or ".join(map(with_article, able_to(ability)))


def _refused(kind: Kind, ability: str, at: str) -> ConfigError:
    return ConfigError(
        expected=f"a learner that {ABILITIES[ability]}: {' or '.join(able_to(ability))}",
        got=with_article(kind.name),
        at=at,
        help=kind.cannot(ability) or "",
        code="kind",
    )
