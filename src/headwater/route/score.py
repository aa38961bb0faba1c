"""Prequential metrics of issued predictions, compared with simple baselines.

Every row is scored with the prediction issued before it was learned (A. P. Dawid 1984, Present position and potential
developments: some personal views: statistical theory: the prequential approach). Each kind has one score class, used by
sessions, stores, clusters and pages alike, over all rows and over a window of the last rows.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from headwater.encode.values import as_key
from headwater.learner.kind import kind_of
from headwater.learner.schema.labels import values_of
from headwater.types import Comparison, Predictions, Scores, Span, as_mapping, finite_or_none

from .curve import History

if TYPE_CHECKING:
    from headwater.learner.monitoring.label_budget import Estimate

    from .verdict.leads import Looked, Spread

__all__ = ["Score", "score_of", "span_of"]


class Score(ABC):
    """Score predictions row by row, independent of block sizes.

    A subclass per kind defines how to add rows (``update``), the metrics over all rows and over the window (``scores``), and the
    saved state.

    Parameters
    ----------
    window : int
        Number of last rows in the windowed metrics.
    delay : int
        Number of rows by which a label arrives after its prediction.
    learner : Learner, optional
        The scored learner, or a fleet's first member, for a baseline that depends on its settings.
    fleet : Fleet, optional
        The scored fleet, for a baseline that knows each row's key, with as many keys as the fleet may have.
    saved : bytes, optional
        State from ``to_bytes`` to continue from.
    history : bool
        Whether to keep the curve of the windowed metrics and the rows of detected drift, for a learner in service.
    """

    more_is_better: ClassVar[bool] = False
    """Whether more of the primary metric is better."""
    phrase: ClassVar[str] = "other"
    """How the verdict says the primary metric (``route.verdict.phrases``)."""
    unit: ClassVar[str] = "rows"
    """What the verdict counts."""
    _row_of: Callable[[Any], Any] = staticmethod(tuple)
    """Restores a row of the window from MessagePack."""
    of_classes: ClassVar[bool] = False
    """Whether labels are classes."""
    exploration: ClassVar[str] = ""
    """Settings that vary a learner's choices more, as an example for whoever can't tell two learners apart."""
    needs_labels: ClassVar[bool] = True
    """Whether a row without a label is skipped, because it can be neither learned nor scored."""

    def __init__(
        self,
        *,
        window: int = 1000,
        delay: int = 0,
        learner: Any = None,
        fleet: Any = None,
        saved: bytes = b"",
        history: bool = False,
    ) -> None:
        self.n = 0
        """Number of scored rows."""
        self.unscored = 0
        """Rows predicted before anything was known, which are scored for neither the model nor the baselines."""
        self._labeled: dict[str, Any] = {}  # sums of rows whose labels were asked for, with weights
        self._window: deque[Any] = deque(maxlen=window)
        before = msgspec.msgpack.decode(saved) if saved else {}
        self._history = History() if history or "every" in before else None
        self._key: str | None = None if fleet is None else fleet.key
        self._max_keys: int = 1 if fleet is None else fleet.max_keys
        self._begin(delay, learner)
        if before:
            self._resume(before)

    # ---- overridden by each kind ---------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the metrics, the primary one first."""

    @abstractmethod
    def _begin(self, delay: int, learner: Any) -> None:
        """Initialize the sums and the baselines' state."""

    @staticmethod
    @abstractmethod
    def problem(label: Any) -> str:
        """Return why a label can't be scored, or ""."""

    @abstractmethod
    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows.

        Parameters
        ----------
        y, y_pred
            Labels and predictions.
        proba, p_pred
            Predicted probabilities of the label and of the prediction, if the kind has any.
        """

    @abstractmethod
    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the metrics of ``"model"`` and of each baseline, over all rows or over the window."""

    @abstractmethod
    def _point(self) -> list[float]:
        """Return the next point of the curve (n, then the windowed metric of the model and of each baseline)."""

    @abstractmethod
    def _sums(self) -> dict[str, Any]:
        """Return the saved state except n, the window and the history."""

    @abstractmethod
    def _go_on(self, sums: dict[str, Any]) -> None:
        """Restore the state from ``_sums``."""

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        """Restore the sums saved by version 0.2. The window restarts, because it had no labels."""
        raise ValueError("scores", "those of this kind", "those of version 0.2, which had no such kind")

    # ---- shared by all kinds -------------------------------------------------------------------------------------------

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows just predicted and return the predicted probability of each label, NaN if undefined."""
        self.update(y, values_of(predictions))
        return [math.nan] * len(y)

    def given(self, y: Sequence[Any], predictions: Predictions) -> list[float]:
        """Return what is kept of predictions until their labels arrive, the probability of each label."""
        return predictions.proba_of(y)

    def keys_of(self, X: Iterable[Any]) -> list[Any]:
        """Return the key of each row as its fleet reads it, ``...`` where it can't be one, or None each without a fleet."""
        return [None if self._key is None else as_key(as_mapping(x).get(self._key)) for x in X]

    def weigh(self, value: float, p: float) -> None:
        """Add the score of a row whose label was asked for with probability ``p``."""
        from headwater.learner.monitoring.label_budget import LabelBudget

        LabelBudget(self._labeled).score(value, p)

    def labeled(self) -> Estimate | None:
        """Return the mean score over all rows, estimated from those whose labels were asked for, or None without any."""
        from headwater.learner.monitoring.label_budget import LabelBudget

        return LabelBudget(self._labeled).estimate() if self._labeled else None

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return what the verdict compares, which by default is the primary metric and all baselines."""
        metric = next(iter(self.names), "")
        recent, overall = (
            span_of(n, metric, self.scores(window=last)) for n, last in ((len(self._window), True), (self.n, False))
        )
        return (Comparison(metric, self.phrase, self.more_is_better, self.unit, recent, overall),)

    def margins(self, last: int) -> dict[str, list[float]]:
        """Return by how much the model was better than each baseline in the last rows of the window, from −1 to 1 each.

        A kind whose rows can't be compared one by one has none.
        """
        return {}

    def spread(self, *, window: bool = False) -> Spread | None:
        """Copy what intervals are computed from, over all rows or over the window, or return None where there is nothing.

        Only of a kind whose score is an estimate from choices that another learner made.
        """
        return None

    def certainty(self) -> dict[str, Any]:
        """Return the intervals and leads of `Metrics`, nothing of a kind without any."""
        recent = self.spread(window=True)
        if recent is None:
            return {}
        overall = self.spread()
        return {
            "interval": None if overall is None else overall.interval(),
            "window_interval": recent.interval(),
            "leads": {"recent": recent.lead(), "overall": None if overall is None else overall.lead()},
        }

    def looked(self) -> Looked:
        """Return the current metrics, whose intervals are computed when they are asked for."""
        from .verdict.leads import Looked

        return Looked(self.report(), self.spread(window=True), self.spread())

    def guess(self, baseline: str) -> Any:
        """Return what a baseline predicts now, or None where it can't be said."""
        return None

    def report(self) -> dict[str, Any]:
        """Return the metrics for JSON, over all rows and (under ``window``) over the window.

        Undefined metrics are None.
        """
        whole, window = (
            {name: _known(own) for name, own in self.scores(window=last).items()} for last in (False, True)
        )
        return {
            "n": self.n,
            "unscored": self.unscored,
            **self._extra(),
            **({} if (labeled := self.labeled()) is None else {"labeled": labeled._asdict()}),
            **whole,
            "window": {"n": len(self._window), **window},
            "comparisons": [one.as_dict() for one in self.comparisons()],
        }

    def _extra(self) -> dict[str, Any]:
        """Return additional fields of this kind's report."""
        return {}

    def history(self) -> dict[str, Any]:
        """Return the curve of the windowed metrics, and the rows of detected drift."""
        return {} if self._history is None else self._history.as_dict()

    def to_bytes(self) -> bytes:
        """Serialize the state to MessagePack."""
        state = {"format": 1, "n": self.n, "unscored": self.unscored, "window": list(self._window), **self._sums()}
        if self._labeled:
            state["labeled"] = self._labeled
        return msgspec.msgpack.encode(state | self.history())

    def repeatable(self) -> bytes:
        """Serialize what learning the same rows again repeats, by default the whole state."""
        return self.to_bytes()

    def _resume(self, saved: dict[str, Any]) -> None:
        if self._history is not None and "every" in saved:
            self._history.go_on(saved)
        if "format" not in saved:
            self._go_on_from_02(saved)
            return
        self.n, self.unscored, self._labeled = saved["n"], saved["unscored"], saved.get("labeled", {})
        self._window.extend(map(self._row_of, saved["window"]))
        self._go_on(saved)

    def _follow(self, cost: float) -> None:
        """Add the cost of the last prediction, in [0, 1], to the history, and a point when due."""
        history = self._history
        if history is None:
            return
        if history.rises(cost):
            history.mark(self.n)
        if self.n % history.every == 0:
            history.add(self._point())


def score_of(learner: Any, **how: Any) -> Score:
    """Return the score of a learner, of a fleet that of its members' kind.

    Parameters
    ----------
    learner : Learner
        The scored learner.
    **how
        As for `Score`.
    """
    kind = kind_of(learner)
    fleet = learner if "keys" in kind.can else None
    score: Score = kind.score(learner=getattr(learner, "first", learner), fleet=fleet, **how)
    return score


def span_of(n: int, metric: str, scores: dict[str, Scores], guesses: Iterable[str] | None = None) -> Span:
    """Return one metric of ``"model"`` and of the named baselines, all by default, over n rows."""
    names = scores.keys() - {"model"} if guesses is None else guesses
    return Span(
        n, scores["model"].get(metric, math.nan), {name: scores[name][metric] for name in scores if name in names}
    )


def _known(scores: Scores) -> dict[str, float | None]:
    return {name: finite_or_none(value) for name, value in scores.items()}
