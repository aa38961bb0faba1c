"""Predict without holding up others: small requests at once, large ones in a thread, in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headwater.serve.api.keys import check_keys
from headwater.serve.http.errors import TooOld
from headwater.serve.http.limits import too_many
from headwater.serve.http.schemas import count_cells
from headwater.serve.state import ServerState
from headwater.store.journal.events import Predictions
from headwater.store.service.model import Model

_ROWS_AT_ONCE, _CELLS_AT_ONCE = 32, 640  # about half a millisecond; beyond, the event loop would stand still
_CELLS_A_PART = 5000


class Prediction(NamedTuple):
    """What the learners of a model predicted for one row, and the sequence they stood at."""

    by_learner: Predictions
    seq: int
    inside: Mapping[str, Any] = {}
    """The set or the interval that was asked for."""

    def of(self, name: str) -> tuple[Any, dict[Any, float] | None]:
        """Return the prediction of a learner; of the first one, if another has taken its place meanwhile."""
        return self.by_learner.get(name) or next(iter(self.by_learner.values()))


async def predict_rows(
    state: ServerState,
    model: Model,
    X: list[dict[str, Any]],
    *,
    shadows: bool,
    coverage: Sequence[float | None] | None = None,
) -> list[Prediction]:
    """Return the prediction of each row.

    Parameters
    ----------
    state : ServerState
        The server's state.
    model : Model
        Whose learners.
    X : list of dict
        The rows.
    shadows : bool
        Whether challengers predict too.
    coverage : sequence, optional
        Of each row: how often a set or an interval is to hold the answer; None for neither.

    Raises
    ------
    DataError
        If there are more rows, values, or probabilities to return, than one request may bring.
    Busy
        If too many such requests are at work.
    TooOld
        If a cluster run learns the model, and its last round is too long ago.
    """
    limits = state.limits
    check_keys(model, X)
    sizes = [count_cells(x) for x in X]
    classes = len(model.champion.learner.known_classes) or 1
    if len(X) > limits.rows:
        raise too_many("rows", limits, "body")
    if max(sum(sizes), len(X) * classes) > limits.cells:
        raise too_many("cells", limits, "body")
    wanted = coverage if coverage is not None and any(share is not None for share in coverage) else None
    if (
        wanted is None
        and state.replicas is not None
        and model.name == state.default
        and not (shadows and len(model.learners) > 1)
    ):
        found = await state.replicas.predict(X) if X else None
        if found is not None:
            return [Prediction({model.champion.name: row}, found[1]) for row in found[0]]
        if X and state.learns_elsewhere(model):
            raise TooOld(
                expected=f"a state of the cluster run that is at most {state.replicas.oldest:g} s old",
                got="an older one",
                at=state.rounds,
                help="Start the run again, or allow older states with --oldest.",
            )
    # An export holds the model for a while: then the event loop must not be the one that waits for it.
    if len(X) <= _ROWS_AT_ONCE and sum(sizes) <= _CELLS_AT_ONCE and not state.exporters.waiting:
        return _predict(model, X, shadows=shadows, coverage=wanted)
    return await state.workers.run(lambda: _predict_parts(model, X, sizes, shadows=shadows, coverage=wanted))


def _predict_parts(
    model: Model, X: list[dict[str, Any]], sizes: list[int], *, shadows: bool, coverage: Sequence[float | None] | None
) -> list[Prediction]:
    """Predict in parts: between them whoever waits for the model gets it, and each row says from which state it came."""
    out: list[Prediction] = []
    start = cells = 0
    for i, size in enumerate(sizes):
        cells += size
        if cells >= _CELLS_A_PART or i + 1 == len(sizes):
            wanted = None if coverage is None else coverage[start : i + 1]
            out += _predict(model, X[start : i + 1], shadows=shadows, coverage=wanted)
            start, cells = i + 1, 0
    return out


def _predict(
    model: Model, X: list[dict[str, Any]], *, shadows: bool, coverage: Sequence[float | None] | None
) -> list[Prediction]:
    if not X:
        return []
    rows, seq, inside = model.predict(X, shadows=shadows, coverage=coverage)
    return [Prediction(row, seq, inside.get(i, {})) for i, row in enumerate(rows)]


__all__ = ["Prediction", "predict_rows"]
