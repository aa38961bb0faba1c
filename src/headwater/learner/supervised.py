"""A learner of rows with answers: what a classifier and a regressor share."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError, UnlikelyData
from headwater.learner.base import Learner
from headwater.learner.coverage import coverage_of
from headwater.learner.engine import Engine, Setup, describe
from headwater.learner.progress import parts_of, print_part
from headwater.learner.sampling.measure import rank, weight_size
from headwater.learner.sampling.sample import DiagnosisSample, SampledRow
from headwater.learner.settings import Settings
from headwater.learner.validation import (
    Block,
    as_answers,
    as_samples,
    check_block,
    check_pairs,
    check_sample,
    first_refused,
)
from headwater.streams import PIECE, in_pieces
from headwater.types import Predictions, Record, ScoredRows, join

__all__ = ["SupervisedLearner", "joined"]


@dataclass(eq=False, repr=False)
class SupervisedLearner(Learner, Settings):
    """A neural network that learns online: predict, see the answer, learn, one example at a time."""

    instead: ClassVar[str] = "learn_many, predict_many or hw.evaluate"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._span: tuple[float, float] | None = None  # the least and the largest answer that can be; None for classes
        self._index: dict[Any, int] = {}  # numbers of the classes known so far
        self._setup = self._made()
        self._engine: Engine | None = None
        self._checked: Engine | None = None  # the engine, once it was looked at the columns of a row that came alone
        self._sample: DiagnosisSample | None = None
        self._next_probe = math.inf  # rows learned by ``learn_one`` after which the sample takes the next one
        self.answer_name = "y_pred"
        """What a column of predictions is called: as the answers that were learned last, if they had a name."""

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Make the engine from the settings; ``state``: arrays of a saved learner to go on from."""
        engine = Engine(self._setup, state, limits=self._limits)
        engine.core.learner.cover()
        return engine

    @property
    def has_memory(self) -> bool:
        """Whether a state is carried from row to row (``memory``)."""
        return bool(self._setup.memory)

    @property
    def memory_states(self) -> int:
        """For how many keys (``by``) there is a state now."""
        engine = self._engine
        return int(engine.core.array("memory_numbers")[1]) if engine is not None and self.has_memory else 0

    # ---- what a classifier and a regressor do in ways of their own ---------------------------------------------------

    @abstractmethod
    def _made(self) -> Setup:
        """Check the settings and turn them into a setup."""

    @abstractmethod
    def _learn_part(self, block: Block, part: slice) -> Predictions:
        """Predict and learn some rows of a block in turn."""

    @abstractmethod
    def _ask(self, X: Any) -> Predictions:
        """Predict rows whose answers will come; what the experts say of them is kept until then."""

    @abstractmethod
    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer of a sample."""

    @abstractmethod
    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample."""

    @abstractmethod
    def predict_many(self, X: Any) -> Any:
        """Predict the answer of each row, shape (n,); nothing is changed."""

    @abstractmethod
    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[Any]:
        """Learn rows strictly one by one, and return the prediction made before each was learned."""

    @abstractmethod
    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return what each sampled row costs as the learner predicts it now: −ln p(y), or |y − y_pred|."""

    @abstractmethod
    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the answers of sampled rows as the core reads them: numbers of classes, or standardised numbers."""

    # ---- many samples -----------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn: predict row i of ``ask`` (of X without it), then learn row i of X.

        Parameters
        ----------
        X, y, w
            As in ``learn_many``.
        ask : like X, optional
            As many rows (any number, if none are learned), to be predicted in lock-step: how late answers are learned. What
            the experts say of them is kept, and the mixture learns from that once their answers come.

        Returns
        -------
        Predictions
            For each row what was predicted before anything later was learned.
        """
        with self.lock:
            block = check_block(X, y, w, ask, self._span, self._index)
            if not len(block.y):
                return self._ask(block.X if ask is None else block.ask)
            # One row is one call into the core: Ctrl-C comes before it or behind it.
            return self._learn_block(block) if len(block.y) == 1 else self._learn_pieces(block)

    def _learn_block(self, block: Block) -> Predictions:
        """Predict and learn the rows of a block in turn, and keep what a diagnosis needs of them."""
        if block.refused:
            block.count(self.refused)
        n, sample = len(block.y), None if block.ask is not None else self._sampling()
        if sample is None:
            return self._learn_part(block, slice(0, n))
        if n > sample.due - sample.n:
            return self._learn_in_parts(block, sample)
        forecast = self._learn_part(block, slice(0, n))
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        self._next_probe = sample.take(block.X, 0, block.y, block.good, forecast, learned=learned)
        if sample.n >= sample.due:
            self._measure(sample)
        return forecast

    def _learn_pieces(self, block: Block) -> Predictions:
        """Learn a block piece by piece, each of them whole, whenever Ctrl-C is pressed."""
        if len(block.y) > PIECE:
            self._check_new_classes(block)
        return joined(in_pieces(len(block.y), lambda rows: self._learn_block(block.part(rows))))

    def _learn_told(self, X: Any, y: Any, w: Any) -> Predictions:
        """Learn rows as ``step_many`` does, and print how far it is."""
        with self.lock:
            block = check_block(X, y, w, None, self._span, self._index)
            self._check_new_classes(block)
            forecasts: list[Predictions] = []
            done = 0
            for part in parts_of(block):
                forecasts.append(self._learn_pieces(part))
                done += len(part.y)
                print_part(part, forecasts[-1].y_pred, done=done, total=len(block.y))
            return joined(forecasts) if forecasts else self._learn_part(block, slice(0, 0))

    def _look_at_one(self, x: Mapping[Any, Any], *, learning: bool = False) -> Engine | None:
        """Return the engine. The first row that goes to it alone is looked at, and no more: see ``_checked``."""
        check_sample(x)
        self._look([x], learning=learning, depth=4)
        self._checked = self._engine
        return self._checked

    def _look_at_classes(self, before: int) -> str:
        """Return a sentence about the classes after the first ``before``, if they are unlikely; a regressor has none."""
        return ""

    def _learn_warned(self, X: Any, y: Any, w: Any, *, progress: bool = False) -> Predictions:
        """Learn rows that a caller hands over; what looks wrong with them is told in a warning, once in a learner's life."""
        name = getattr(y, "name", None)
        self.answer_name = name if isinstance(name, str) else self.answer_name
        X = as_samples(X)
        if not isinstance(X, list) or len(X) > 1:  # one row of new columns among others is no wonder
            self._look(X, learning=True, depth=4)
        before, classes = self._refused_rows(), len(self.known_classes)
        forecast = self._learn_told(X, y, w) if progress else self.step_many(X, y, w)
        if "classes" not in self._told and (said := self._look_at_classes(classes)):
            self._told.add("classes")
            warnings.warn(said, UnlikelyData, stacklevel=3)
        self._warn_refused(before, got=lambda: first_refused(y, self._span))
        return forecast

    def _learn_in_parts(self, block: Block, sample: DiagnosisSample) -> Predictions:
        """Learn a block that is cut wherever the sample is due to be measured."""
        forecasts: list[Predictions] = []
        i, n = 0, len(block.y)
        while i < n:
            part = slice(i, min(n, i + sample.due - sample.n))
            forecasts.append(self._learn_part(block, part))
            sample.take(block.X, i, block.y[part], block.good[part], forecasts[-1], learned=self.n_learned)
            self._measure(sample)
            i = part.stop
        return joined(forecasts)

    # ---- what is kept for a diagnosis --------------------------------------------------------------------------------

    def _sampling(self) -> DiagnosisSample | None:
        """Return the sample, beginning one if there is none yet; None where nothing is to be kept."""
        if not self.diagnosis:
            return None
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        if self._sample is None:
            self._sample = DiagnosisSample(self.task)
            self._sample.learned = learned
        if self._sample.learned != learned:  # ``learn_one`` went its short way meanwhile
            self._sample.catch_up(learned)
        return self._sample

    def _measure(self, sample: DiagnosisSample) -> None:
        """Predict the sample's last rows again where it is due, now that they are learned."""
        while sample.n >= sample.due:
            after = self.losses_now(sample.fresh).tolist() if sample.fresh else []
            engine = self._engine if sample.wants_size else None
            sizes = None
            if engine is not None and sample.fresh:
                sizes = weight_size(engine.core), rank(engine, [kept.x for kept in sample.rows])
            sample.measured(after, sizes)
        self._next_probe = sample.next_learned

    @property
    def sample_due(self) -> int | None:
        """After how many scored rows ``take_scored`` wants to be shown what there is; None where nothing is kept."""
        sample = self._sampling()
        return None if sample is None else sample.due

    def take_scored(self, rows: ScoredRows) -> None:
        """Keep what a diagnosis needs of rows whose prediction was given out earlier: a session calls it for late answers."""
        sample = self._sample  # not one that caught up: these rows have been learned by now
        start = 0
        while sample is not None and start < len(rows):
            stop = min(len(rows), start + sample.due - sample.n)
            sample.take_scored(rows, start, stop, learned=self.n_learned)
            self._measure(sample)
            start = stop

    def keep_record(self, record: Record) -> None:
        """Keep how a session says that learning stands, for the diagnosis."""
        sample = self._sampling()
        if sample is not None:
            sample.keep_record(record)

    def kept_sample(self, *, help: str) -> DiagnosisSample:  # noqa: A002 - as in the errors
        """Return what was kept for a diagnosis; ``help``: what to do where nothing has been learned.

        Raises
        ------
        DataError
            When no rows were kept.
        """
        if not self.diagnosis:
            raise DataError(
                expected="a model that keeps some rows for this",
                got="diagnosis=False",
                at=type(self).__name__,
                help="Leave it out when the model is made: what was never kept can't be told later.",
            )
        if self._engine is None or self._sample is None or not self._sample.rows:
            raise DataError(
                expected="a model that has learned", got="one that kept no rows", at=type(self).__name__, help=help
            )
        return self._sample

    @property
    def sample(self) -> DiagnosisSample | None:
        """What is kept for a diagnosis; None before anything was learned, or with ``diagnosis=False``."""
        return self._sample

    # ---- limits -----------------------------------------------------------------------------------------------------

    def _new_answers(self, X: Any, y: Any) -> int:
        """Check rows and their answers, and return how many classes these would add."""
        if y is None:
            return super()._new_answers(X, y)
        answers = as_answers(y)
        check_pairs(X, answers, None)
        return len(self._new_classes(answers.tolist() if isinstance(answers, np.ndarray) else list(answers)))

    def _new_classes(self, labels: Sequence[Any]) -> list[Any]:
        """Return the classes among some labels that are not known yet, if there may be as many; a regressor has none."""
        return []

    def _check_new_classes(self, block: Block) -> None:
        """Refuse a block whose rows would bring too many classes, before any of it is learned."""
        if self._span is None and block.numbers is None:
            self._new_classes(list(compress(block.y, block.good.tolist())))

    # ---- state ------------------------------------------------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_checked": None})

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: DiagnosisSample | None = None,
    ) -> None:
        """Go on from what was saved of a learner with the same settings.

        Raises
        ------
        ValueError
            If classes come twice, or are not those that were learned.
        """
        if len(set(classes)) < len(classes) or (classes and engine is None):
            raise ValueError("classes", "different ones, and what was learned of them", classes)
        outputs = 1 if self.one_output else len(classes)
        if engine is not None and engine.core.outputs != outputs:
            raise ValueError("classes", f"{engine.core.outputs} of them", len(classes))
        super().resume(engine=engine, refused=refused, notes=notes)
        self._checked = None
        self._resume_classes(classes)
        self._sample = None
        if sample is not None:
            self.resume_sample(sample)

    def resume_sample(self, sample: DiagnosisSample) -> None:
        """Go on from what was saved of what is kept for a diagnosis."""
        self._sample = sample
        sample.catch_up(self.n_learned)
        self._next_probe = sample.next_learned

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        """Take the classes that were saved; a regressor has none."""

    @property
    def engine(self) -> Engine | None:
        """What holds the numbers; None before the first row was learned."""
        return self._engine

    @property
    def coverage_(self) -> dict[float, dict[str, float]]:
        """How often answers lay inside the sets, or intervals with a guarantee, that were given out, by the coverage that was wanted.

        For each of 0.5, 0.65, 0.8, 0.9, 0.95, 0.98 and 0.99: ``rows`` compared and the share ``covered`` of them, their mean ``size``
        (how wide, or how many classes); both over about the last 1,000 rows; and ``unseen``: rows whose class was never seen
        before, which nobody can cover and which are not counted in the others.
        """
        return {} if self._engine is None else coverage_of(self._engine.core)

    @property
    def setup(self) -> Setup:
        """What the engine is made from."""
        return self._setup

    @property
    def learned_engine(self) -> Engine:
        """What holds the numbers of a learner that has learned something.

        Raises
        ------
        DataError
            When it has not.
        """
        if self._engine is None or not self._engine.learned:
            raise DataError(
                expected="a model that has learned",
                got="one that has seen no answer",
                at=type(self).__name__,
                help="Call learn_one or learn_many first.",
            )
        return self._engine

    @property
    def one_output(self) -> bool:
        """Whether the net has one output: of a regressor, and of a classifier that tells two classes with one number."""
        return True

    def _about(self) -> dict[str, Any]:
        about = describe(self._setup, self._engine)
        if self.has_memory:
            units = next(expert.recurrent.units for expert in self._setup.experts if expert.recurrent)
            about["memory"] = {"units": units, "by": self.by, "time": self.time}
            about["memory"] |= {"keys": self.memory_states, "most": self.memory_keys}
        return about


def joined(forecasts: Sequence[Predictions]) -> Predictions:
    """Return one forecast for the rows of several, given one after the other."""
    if forecasts[0].proba is None:
        return Predictions(np.concatenate([np.asarray(forecast.y_pred) for forecast in forecasts]))
    return join(forecasts)
