"""What all fleets share, whether the core or Python holds their members."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.encode.values import as_key
from headwater.learner.base import Elsewhere
from headwater.learner.kind import Kind, check_can
from headwater.learner.schema import Question, Response
from headwater.types import EXPORT_ONNX, NOTEBOOK, Lazy, Predictions

if TYPE_CHECKING:
    from headwater.kinds.fleet.copying import FleetCopy

__all__ = ["AnyFleet", "fleet_kind"]

_ISSUE = Lazy("headwater.kinds.fleet.looks.asking:issue_through")
_EXPLAIN = Lazy("headwater.kinds.fleet.looks.asking:explain_through")
_IMPORTANCE = Lazy("headwater.kinds.fleet.looks.asking:importance_of_members")
_FINDINGS = Lazy("headwater.kinds.fleet.looks.asking:diagnose_members")
_MEASURE = Lazy("headwater.explain.stream:importance")
_DIAGNOSE = Lazy("headwater.diagnose.diagnosis:diagnose")
_PLOT = Lazy("headwater.plot.overview:learner_figure")
_PICTURES = Lazy("headwater.kinds.fleet.looks.pictures:pictures_of")

INSTEAD = {
    "layers": "Draw one member: fleet[key].plot().",
    "losses": "Ask importance(), which asks the members.",
    "onnx": "Export one member: fleet[key].export_onnx(path).",
    "web": "Export one member: fleet[key].save(path), then headwater export.",
    "seat": "Make one fleet, whose key is a column that joins both keys.",
    "fleet": "Make one fleet, whose key is a column that joins both keys.",
    "cluster": "Use hw.cluster.learn or hw.cluster.ShardedFleet, which spread the keys of a fleet over workers.",
    "step": "Make a new fleet of members with another step.",
}
"""What to do instead with a fleet, for each ability that no fleet has."""


def fleet_kind(of: Kind, able: frozenset[str], question: Question, **more: Any) -> Kind:
    """Return the kind of a fleet, made from that of its members.

    Parameters
    ----------
    of : Kind
        The kind of its members.
    able : frozenset of str
        The abilities of the members that the fleet has too.
    question : Question
        What may be asked.
    **more
        Further declarations that differ from the members'.
    """
    return replace(
        of,
        name="Fleet",
        noun=f"fleet of {of.noun}s",
        can=(of.can & able) | {"keys", "importance", "report"},
        question=question,
        explain=_EXPLAIN,
        importance=_IMPORTANCE,
        findings=_FINDINGS,
        pictures=_PICTURES,
        instead={**of.instead, **INSTEAD},
        settings=(),
        **{
            "respond": None,
            "predicted": None,
            "series": None,
            "happened": None,
            **({} if of.issue is None else {"issue": _ISSUE}),
            **more,
        },
    )


class AnyFleet(ABC):
    """A learner a key, which answers through the member of each row's key."""

    together: ClassVar[bool] = False
    """Whether rows of one time are to follow each other, whatever their keys."""

    key: str
    """The column of the key."""
    first: Any
    """What new members begin as."""
    notes: dict[str, Any]
    estimator: ClassVar[str] = ""
    instead: ClassVar[str] = "step_many, ask or hw.evaluate"

    if not TYPE_CHECKING:  # hidden from mypy, so that using one is a type error
        fit = Elsewhere("fit")
        partial_fit = Elsewhere("partial_fit")
        predict = Elsewhere("predict")
        predict_proba = Elsewhere("predict_proba")

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """The kind, made from that of the members."""

    @property
    def engine(self) -> None:
        """Always None, because each member has its own engine."""
        return None

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """Always empty, because each member has its own experts."""
        return []

    @property
    def coverage_(self) -> dict[float, dict[str, float]]:
        """Always empty, because each member has its own coverage."""
        return {}

    @property
    @abstractmethod
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps of all members, by reason."""

    @property
    @abstractmethod
    def n_learned(self) -> int:
        """Number of rows learned by all members together."""

    @abstractmethod
    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn."""

    @abstractmethod
    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the fleet."""

    @abstractmethod
    def busiest(self) -> Any:
        """Return the key whose member has learned most, or None without members."""

    @abstractmethod
    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return the rows, and the metric if there is one, of a key or of all."""

    @abstractmethod
    def ranking(self, least: int = 1) -> list[tuple[Any, dict[str, float]]]:
        """Return each key with its `score`."""

    @abstractmethod
    def held(self) -> AbstractContextManager[object]:
        """Keep other threads from changing the fleet until the block ends."""

    @abstractmethod
    def begin_copy(self) -> FleetCopy:
        """Begin a copy in turns, between which the fleet may go on learning."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Any]: ...

    @abstractmethod
    def __contains__(self, key: Hashable) -> bool: ...

    @abstractmethod
    def __getitem__(self, key: Hashable) -> Any: ...

    def forecast(self, key: Hashable, horizon: int | None = None, xs: Any = None) -> list[float]:
        """Forecast the next values of a key's series without changing anything, as ``Forecaster.forecast`` does.

        Parameters
        ----------
        key : hashable
            The key of the series.
        horizon : int, optional
            Number of values, by default the forecasters' horizon.
        xs : sequence of dict, optional
            Features of each of these time steps, without the key.

        Raises
        ------
        ConfigError
            If the members forecast no series, or not so far ahead.
        DataError
            If there is no such key, or the number of ``xs`` differs.
        """
        check_can(self.first, "ahead", at="forecast of Fleet")
        with self.held():
            said: list[float] = self.member(key).forecast(horizon, xs)
        return said

    def forecast_interval(
        self, key: Hashable, horizon: int | None = None, xs: Any = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Return an interval for each of the next values of a key's series, as ``Forecaster.forecast_interval`` does.

        Parameters
        ----------
        key, horizon, xs
            As in ``forecast``.
        coverage : float
            Between 0 and 1, with the misses split evenly below and above.

        Raises
        ------
        ConfigError, DataError
            As in ``forecast``.
        """
        check_can(self.first, "ahead", at="forecast_interval of Fleet")
        with self.held():
            ends: list[tuple[float, float]] = self.member(key).forecast_interval(horizon, xs, coverage)
        return ends

    # ---- doors ----------------------------------------------------------------------------------------------------------

    def ask(self, X: Any = None, **question: Any) -> Response:
        """Ask something of each row and return named columns, without changing the fleet."""
        return self.kind.ask(self, X, **question)

    @property
    def has_rolling(self) -> bool:
        """Whether the members add aggregates of earlier rows (``rolling``)."""
        return bool(getattr(self.first, "has_rolling", False))

    def as_read(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a row with all columns that it is read with."""
        return dict(x)

    def check_values(self, X: list[Any]) -> None:  # noqa: B027 - a wrong embedding is missing to a member, which counts it
        """Do nothing, because looking up a key's member costs as much as learning the row."""

    def step(self, X: Any, y: Any = None, w: Any = None) -> Response:
        """Predict each row right before its member learns it, and return the predictions as named columns."""
        return self.kind.told(self.step_many(X, y, w))

    def explain_one(self, x: Mapping[Any, Any], **how: Any) -> Any:
        """Attribute a prediction to the features, as the member of the sample's key does.

        Raises
        ------
        DataError
            If there is no such key.
        """
        return self.kind.explain(self, x, **how)

    def importance(self, method: str | None = None) -> dict[Any, float]:
        """Return how much each feature matters, as the mean over members, each weighted by the rows it has learned."""
        found: dict[Any, float] = _MEASURE(self, method)
        return found

    def diagnose(self) -> Any:
        """Return problems with evidence and remedy, those of each member with its key."""
        return _DIAGNOSE(self)

    def plot(self, x: Any = None) -> Any:
        """Plot the scores of the worst keys and of all with matplotlib, or what the member of one key knows.

        Parameters
        ----------
        x : dict, optional
            A row with its key, such as ``{"shop": "north"}``, and perhaps columns to ask its member about.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            If there is no such key.
        """
        return _PLOT(self, x)

    def export_onnx(self, path: Any, **how: Any) -> None:
        """Refuse to write ONNX, which each member can be written as.

        Raises
        ------
        ConfigError
            Always.
        """
        EXPORT_ONNX(self, path, **how)

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def answering(self, key: Hashable) -> Any:
        """Return the learner that answers for a key, for a new one that as which members begin."""
        return self[key] if key in self else self.first  # noqa: SIM401 - no dict

    def member(self, key: Hashable) -> Any:
        """Return the learner of a key.

        Raises
        ------
        DataError
            If there is none.
        """
        known = as_key(key)
        if known is ... or known not in self:
            from headwater.kinds.fleet.keys import unknown_key

            raise unknown_key(self.key, key)
        return self[known]
