"""A learner of several labels per row (classes and numbers), chained over outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.encode.rolling import ROLLING_STATE
from headwater.encode.rows import as_dicts
from headwater.encode.values import missing
from headwater.errors import ConfigError
from headwater.kinds.classifier_regressor.classifier import Classifier
from headwater.kinds.classifier_regressor.regressor import Regressor
from headwater.kinds.multi_output.kind import KIND
from headwater.kinds.multi_output.labels.labels import as_answers, is_number
from headwater.kinds.multi_output.members.members import PREDICTED, OutputsEngine, pairs_of
from headwater.learner.base import Learner
from headwater.learner.engine import AGGREGATES, Setup
from headwater.learner.kind import Kind
from headwater.learner.sampling.sample import DiagnosisSample
from headwater.learner.settings.limits import Growth, check_classes
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import (
    FARTHEST,
    as_samples,
    check_labels,
    check_pairs,
    check_rows,
    check_sample,
    check_weights,
)
from headwater.route.late import step_late
from headwater.streams import in_pieces
from headwater.streams.readers.dtypes.cells import is_of_texts
from headwater.types import Predictions

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Rolling

__all__ = ["MultiOutput"]

_MEMBERS: dict[str, type[SupervisedLearner]] = {"classify": Classifier, "regress": Regressor}
"""Learner class by task of an output."""


@dataclass(eq=False, repr=False)
class MultiOutput(Learner):
    """Learn several labels per row, classes and numbers together, given as a dict of output → value.

    Each output has a `Classifier` or a `Regressor`, in order of appearance. With ``chain`` the learner of output k also reads the
    predictions of earlier outputs, p(class) for each class except the first, or a number. They train on the predictions they
    will see later, never on the true labels of their own row.

    An output may appear at any time, and the predictions of the others stay the same bit for bit. An output missing in a label, or
    None or NaN there, is not learned in that row. Its first value determines its type. A number makes it a regression, anything
    else (text, booleans) a classification, unless ``outputs`` declares it. Declare labels that are 0 or 1 as classes.

    Parameters
    ----------
    outputs : dict, optional
        Declared tasks of outputs, such as {"label": "classify", "price": "regress"}.
    chain : bool
        Whether outputs read the predictions of earlier ones.
    effort : str
        As in ``Classifier``: "fast", "default" or "accurate".
    max_rows : int
        As in ``Classifier``, per output.
    rolling : Rolling, optional
        Counts, sums, means, distinct names and times since over the last hour or day, by key, as columns more (`Rolling`).
    diagnosis : bool
        As in ``Classifier``.
    seed : int
        Seed of the first output's weights. Each further output uses the next seed.
    dtype : str
        "float32" or "float64".

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Notes
    -----
    Memory and time are those of one learner per output.

    Examples
    --------
    >>> model = MultiOutput(seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"x": i % 10}, {"large": i % 10 > 4, "double": 2.0 * (i % 10)})
    >>> y = model.predict_one({"x": 7})
    >>> y["large"], round(y["double"])
    (True, 14)

    References
    ----------
    Read, Pfahringer, Holmes & Frank 2011 (classifier chains); Spyromitros-Xioufis, Tsoumakas, Groves & Vlahavas 2016 (chains of
    regressors, on predictions).
    """

    outputs: Mapping[Any, str] | None = None
    chain: bool = True
    effort: str = "default"
    max_rows: int = 200_000
    diagnosis: bool = True
    rolling: Rolling | None = None

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "learn_many, predict_many or hw.evaluate"
    estimator: ClassVar[str] = "OnlineMultiOutputClassifier or OnlineMultiOutputRegressor"
    _seams: ClassVar[frozenset[str]] = Learner._seams | {"by_output"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._engine: OutputsEngine | None = None
        self._rolling = None if self.rolling is None else AGGREGATES(self.rolling)
        self._ready: tuple[Any, ...] = ()  # the members as the core takes them, while no other row comes between
        self._quiet: float = 0  # rows for which they stay so
        given: Any = {} if self.outputs is None else self.outputs
        if not isinstance(given, Mapping) or not all(kind in _MEMBERS for kind in given.values()):
            raise ConfigError(
                expected="a dict of outputs, each 'classify' or 'regress'",
                got=repr(given)[:80],
                at="outputs of MultiOutput",
                help='Write {"label": "classify"}, and leave out outputs whose first value determines the type.',
            )
        if type(self.chain) is not bool:
            raise ConfigError(
                expected="True or False", got=repr(self.chain), at="chain of MultiOutput", help="Leave it out for True."
            )
        self._new_member("classify", 0)  # validates the other settings

    def _new_member(self, kind: str, number: int) -> SupervisedLearner:
        settings = {name: getattr(self, name) for name in ("effort", "max_rows", "diagnosis", "dtype")}
        seed = (self.seed + number) % (1 << 64) if type(self.seed) is int and self.seed >= 0 else self.seed
        member = _MEMBERS[kind](seed=seed, **settings)
        member.limits = self._limits
        member.follow_core(self.core_version)
        return member

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> OutputsEngine:
        """Create the engine, empty or from the arrays ``state`` of a saved learner."""
        if self.rolling is None or state is None:
            return OutputsEngine(self._limits, state or {}, rolling=self._rolling)
        members = {name: array for name, array in state.items() if name not in ROLLING_STATE}
        return OutputsEngine(self._limits, members, rolling=AGGREGATES(self.rolling, state))

    def _growth_of(self, X: Any, new_classes: int) -> Growth:
        return (self._engine or self.new_engine()).growth_of(X, new_classes)

    # ---- one row -----------------------------------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Any, Any], y: Mapping[Any, Any], w: float = 1.0) -> None:
        """Learn one row.

        Equivalent to ``learn_many`` with one row.

        Parameters
        ----------
        x : dict
            The row.
        y : dict
            Its labels by output. Unknown ones are left out or None.
        w : float
            Its weight.
        """
        if w == 1.0 and self._step_row(x, y) is not None:
            return
        check_sample(x)
        before = self._refused_rows()
        self.step_many([x], [y], None if w == 1.0 else [w])
        self._warn_refused(before, depth=3)

    def _step_row(self, x: Any, y: Any) -> dict[Any, Any] | None:
        """Predict, then learn, a row of known outputs and classes in one call of the core, or return None if it takes more."""
        with self.lock:
            engine = self._engine
            if engine is None or type(x) is not dict or type(y) is not dict:
                return None
            if self._quiet <= 0 and not self._list_members(engine.members):
                return None
            said = _core.learn_outputs(self._ready, x if self._rolling is None else self._rolling.look(x), y)
            if said is not None:
                if self._rolling is not None:
                    self._rolling.enter(x)
                engine.learned += 1
                self._quiet -= 1
            return said

    def _list_members(self, members: Mapping[Any, SupervisedLearner]) -> bool:
        """List the members for the core, and return whether none of them samples the next row for its diagnosis."""
        if not members or any(member.engine is None for member in members.values()):
            return False
        self._quiet = min(member.unsampled for member in members.values())
        if self._quiet > 0:
            self._ready = tuple(_listed(name, member, chain=self.chain) for name, member in members.items())
        return self._quiet > 0

    def _copied(self, memo: dict[int, Any]) -> Self:
        with self.lock:
            self._ready, self._quiet = (), 0  # a list of the core's own objects
            return super()._copied(memo)

    def predict_one(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Predict every learned output, each as a class or a number.

        Examples
        --------
        >>> MultiOutput().predict_one({"x": 1.0})
        {}
        """
        check_sample(x)
        found: dict[Any, Any] = self.predict_batch([x]).y_pred[0]
        return found

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, dict[Any, float]]:
        """Predict the probability of each class by output, without outputs of numbers."""
        check_sample(x)
        with self.lock:
            return {
                name: dict(zip(said.classes, map(float, said.proba[0]), strict=True))
                for name, said in self.by_output([x]).items()
                if said.proba is not None
            }

    # ---- many rows ---------------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None) -> list[dict[Any, Any]]:
        """Learn rows one by one and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows.
        y : list of dict, or data frame
            Their labels by output.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        list of dict
            Predictions of the outputs learned in an earlier row.
        """
        before = self._refused_rows()
        said = list(self.step_many(X, y, w).y_pred)
        self._warn_refused(before, depth=3)
        return said

    def predict_many(self, X: Any) -> list[dict[Any, Any]]:
        """Predict every output of each row, without changing anything."""
        return list(self.predict_batch(X).y_pred)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn.

        Row i of ``ask`` (of X without it) is predicted, then row i of X is learned.

        Returns
        -------
        Predictions
            ``y_pred`` holds a dict of output → value per row, predicted before the row was learned.

        Raises
        ------
        DataError
            If a label is not a dict.
        """
        if ask is not None:
            with self.lock:
                self._quiet = 0
                return step_late(self, X, y, w, ask)
        if w is None and type(X) is type(y) is list and len(X) == len(y) == 1:
            said_of_row = self._step_row(X[0], y[0])
            if said_of_row is not None:
                return Predictions([said_of_row])
        X = as_samples(X)
        answers = as_answers(y)
        weights, weighed = check_weights(w, check_pairs(X, answers, None))
        self.refused["weight"] += int((~weighed).sum())
        with self.lock:
            self._quiet = 0
            check_classes(dict.fromkeys(self.known_classes, 0), self.pairs_in(answers), self._limits)
            rows = as_dicts(X)
            said = in_pieces(
                len(rows),
                lambda part: self._learn_rows(
                    self._entered(rows[part], answers[part], weighed[part]), answers[part], weights[part], weighed[part]
                ),
            )
            return Predictions([one for piece in said for one in piece])

    def _entered(
        self, rows: Sequence[Mapping[Any, Any]], answers: Sequence[Mapping[Any, Any]], weighed: NDArray[np.bool_]
    ) -> list[dict[Any, Any]]:
        """Return copies of rows with their aggregates, and let those enter that will be learned."""
        if self._rolling is None:
            return [dict(x) for x in rows]
        kinds = {} if self._engine is None else {name: member.task for name, member in self._engine.members.items()}
        out = []
        for x, y, weighs in zip(rows, answers, weighed.tolist(), strict=True):
            taught = False
            for name, value in y.items():
                kind = kinds.get(name) or self._kind_by(name, value)
                if kind and weighs and _fits(kind, value):
                    kinds[name], taught = kind, True
            out.append(self._rolling.enter(x) if taught else self._rolling.look(x))
        return out

    def _learn_rows(
        self,
        rows: list[dict[Any, Any]],
        answers: Sequence[Mapping[Any, Any]],
        weights: NDArray[np.float64],
        weighed: NDArray[np.bool_],
    ) -> list[dict[Any, Any]]:
        """Learn rows output by output, adding each output's predictions to the rows for later outputs."""
        engine = self._begun()
        said: list[dict[Any, Any]] = [{} for _ in rows]
        learned = np.zeros(len(rows), bool)
        appearing = (name for y in answers for name, value in y.items() if self._kind_by(name, value))
        for name in list(dict.fromkeys([*engine.members, *appearing])):
            values = [y.get(name) for y in answers]
            first = 0
            if name not in engine.members:
                kinds = [self._kind_by(name, value) for value in values]
                first = next(i for i, kind in enumerate(kinds) if kind)
                engine.members[name] = self._new_member(kinds[first], len(engine.members))
            member = engine.members[name]
            good = np.zeros(len(rows), bool)
            good[first:] = [self._can_learn(member, value) for value in values[first:]]
            good &= weighed
            self._learn_output(name, member, rows, (values, weights, good), said, first)
            learned |= good
        engine.learned += int(learned.sum())
        return said

    def _learn_output(
        self,
        name: Any,
        member: SupervisedLearner,
        rows: list[dict[Any, Any]],
        taught: tuple[list[Any], NDArray[np.float64], NDArray[np.bool_]],
        said: list[dict[Any, Any]],
        first: int,
    ) -> None:
        """Train one output on rows from ``first`` on, filling in its prediction before each.

        ``taught`` holds the value and the weight of each row, and which rows can be learned.
        """
        values, weights, good = taught
        known = len(member.known_classes)
        start, n = first, len(rows)
        new = member.engine is None
        while start < n:
            stop = start + 1
            while stop < n and good[stop] == good[start]:
                stop += 1
            part = rows[start:stop]
            of = slice(start, stop)
            forecast = member.step_many(part, values[of], weights[of]) if good[start] else member.predict_batch(part)
            counts = _known_before(known, member.known_classes, values[start:stop] if good[start] else [])
            known = len(member.known_classes)
            for i, k in zip(range(start, stop), counts or [known] * (stop - start), strict=True):
                if not (new and i == first):  # an output doesn't exist before its first label
                    self._put(name, forecast, i - start, k, rows[i], said[i])
            start = stop

    def _put(self, name: Any, said: Predictions, i: int, known: int, row: dict[Any, Any], out: dict[Any, Any]) -> None:
        """Store an output's prediction for the caller and, in a chain, for later outputs."""
        value = said.y_pred[i]
        out[name] = float(value) if said.proba is None else value
        if not self.chain:
            return
        write = repr if is_of_texts(row) else float  # a row of texts alone stays one, and is read as one
        if said.proba is None:
            row[PREDICTED, name] = write(out[name])
            return
        for j in range(1, known):
            row[PREDICTED, name, said.classes[j]] = write(float(said.proba[i, j]))

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows, each as a dict of output → value, without changing anything."""
        X = as_samples(X)
        n = check_rows(X)
        said: list[dict[Any, Any]] = [{} for _ in range(n)]
        for name, own in self.by_output(X).items():
            for out, value in zip(said, own.y_pred, strict=True):
                out[name] = float(value) if own.proba is None else value
        return Predictions(said)

    def by_output(self, X: Any) -> dict[Any, Predictions]:
        """Return each output's predictions of rows, in the order of the chain."""
        out: dict[Any, Predictions] = {}
        with self.lock:
            rows = [self.as_read(x) for x in as_dicts(as_samples(X))]
            for name, member in self.members.items():
                out[name] = said = member.predict_batch(rows)
                for i, row in enumerate(rows):
                    self._put(name, said, i, len(said.classes), row, {})
        return out

    # ---- answers -----------------------------------------------------------------------------------------------------

    def _kind_by(self, name: Any, value: Any) -> str:
        """Return the task of an output implied by a value, or "" if it implies none."""
        declared = (self.outputs or {}).get(name)
        if missing(value):
            return ""
        number = is_number(value) and not isinstance(value, bool)
        kind = declared or ("regress" if number else "classify")
        if kind == "regress":
            return kind if is_number(value) and abs(value) <= FARTHEST else ""
        return kind if bool(check_labels([value])[0]) else ""

    def _can_learn(self, member: SupervisedLearner, value: Any) -> bool:
        """Return whether an output can learn a value, counting invalid ones."""
        if value is None or (isinstance(value, float | np.floating) and value != value):
            return False
        good = _fits(member.task, value)
        self.refused["target"] += not good
        return good

    def pairs_in(self, answers: Sequence[Mapping[Any, Any]]) -> list[tuple[Any, ...]]:
        """Return the distinct entries of ``known_classes`` in labels, (output, class) or (output,) for numbers."""
        members = {} if self._engine is None else self._engine.members
        kinds = {name: member.task for name, member in members.items()}
        found: dict[tuple[Any, ...], None] = {}
        for answer in answers:
            told = [(name, value, kind) for name, value in answer.items() if (kind := self._kind_by(name, value))]
            for name, value, kind in told:
                if kinds.setdefault(name, kind) == "regress":
                    found[name,] = None
                elif bool(check_labels([value])[0]):
                    found[name, value] = None
        return list(found)

    def _new_answers(self, X: Any, y: Any) -> int:
        check_rows(X)
        if y is None:
            return 0
        return len(check_classes(dict.fromkeys(self.known_classes, 0), self.pairs_in(as_answers(y)), self._limits))

    def _begun(self) -> OutputsEngine:
        if self._engine is None:
            self._engine = self.new_engine()
        return self._engine

    # ---- understanding -----------------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any], *, method: str = "integrated_gradients") -> dict[Any, Any]:
        """Attribute each output's prediction to the features, which include earlier outputs.

        Returns
        -------
        dict
            Output → ``headwater.explain.Explanation``.
        """
        why: dict[Any, Any] = self.kind.explain(self, x, method=method)
        return why

    def chained(self, x: Mapping[Any, Any]) -> Iterator[tuple[Any, SupervisedLearner, dict[Any, Any]]]:
        """Yield each output, its learner, and the row extended by the earlier outputs' predictions."""
        row = self.as_read(x)
        for name, member in self.members.items():
            yield name, member, row
            said = member.predict_batch([row])
            self._put(name, said, 0, len(said.classes), row, {})

    @property
    def setup(self) -> Setup:
        """The declaration of one output's engine."""
        return self._new_member("classify", 0).setup

    @property
    def members(self) -> dict[Any, SupervisedLearner]:
        """The learner of each output, in the order of the chain."""
        return {} if self._engine is None else self._engine.begun()

    @property
    def known_classes(self) -> list[Any]:
        """All known (output, class) pairs, and (output,) for outputs of numbers, in the order of the chain."""
        return pairs_of(self.members)

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: DiagnosisSample | None = None,
    ) -> None:
        """Restore the saved state of a learner with the same settings.

        Raises
        ------
        ValueError
            If outputs and arrays don't match.
        """
        if (classes and engine is None) or len(set(classes)) < len(classes):
            raise ValueError("classes", "outputs that were learned, each class once", classes)
        super().resume(engine=engine, refused=refused, notes=notes, sample=sample)
        self._rolling = self._rolling if engine is None else engine.rolling
        self._ready, self._quiet = (), 0
        if engine is None:
            return
        labels: dict[Any, list[Any]] = {}
        for name, *label in classes:
            labels.setdefault(name, []).extend(label)
        made = {}
        for i, (name, own) in enumerate(labels.items()):
            made[name] = (self._new_member("classify" if own else "regress", i), own)
        engine.take(made)

    def _about(self) -> dict[str, Any]:
        about = [(name, member.describe()) for name, member in self.members.items()]
        return {
            "layers": [],
            "outputs": [{"name": name, "task": own["task"], "classes": own["classes"]} for name, own in about],
            "parameters": sum(own["parameters"] for _, own in about),
            "features": [
                {"name": column.name, "kind": column.kind, "values": len(column.values)}
                for column in ({} if self._engine is None else self._engine.columns).values()
            ],
            "n_learned": self.n_learned,
            "max_rows": self.max_rows,
            "rows": max((own["rows"] for _, own in about), default=0),
            "shared_rows": max((own["shared_rows"] for _, own in about), default=0),
            "shared_names": max((own["shared_names"] for _, own in about), default=0),
        }


def _listed(name: Any, member: SupervisedLearner, *, chain: bool) -> tuple[Any, ...]:
    """Return a member as the core steps it, with the keys of what later outputs read of it."""
    classes = member.known_classes
    keys = [(PREDICTED, name, label) for label in classes[1:]] if classes else [(PREDICTED, name)]
    index = {label: i for i, label in enumerate(classes)} if classes else None
    core = member.learned_engine.core.learner
    return core, name, index, classes, member.span, tuple(keys) if chain else ()


def _fits(kind: str, value: Any) -> bool:
    """Return whether an output of a kind can learn a value."""
    if missing(value):
        return False
    if kind == "regress":
        return is_number(value) and bool(abs(value) <= FARTHEST)
    return bool(check_labels([value])[0])


def _known_before(known: int, classes: list[Any], values: list[Any]) -> list[int]:
    """Return how many classes were known before each learned row with the label ``values``."""
    number = {label: j for j, label in enumerate(classes)}
    out = []
    for value in values:
        out.append(known)
        known = max(known, number.get(value, -1) + 1)
    return out
