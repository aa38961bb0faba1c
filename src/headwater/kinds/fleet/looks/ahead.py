"""Forecast the series of a fleet's keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.encode.values import as_key
from headwater.errors import DataError
from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.keys import no_key
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import kind_of
from headwater.learner.schema import Response

__all__ = ["ask_ahead"]


def ask_ahead(fleet: AnyFleet, rows: Any, *, horizon: int | None, coverage: float) -> Response:
    """Return the forecasts of each key among the rows, with the key beside each.

    Rows of one key are its times ahead, in their order. A single row of a key without features asks for as many times as the
    horizon, by default the forecaster's. Then forecasts come key by key, else each where its row is.

    Raises
    ------
    DataError
        If there are no rows, one has no key, or there are not as many of a key as the horizon asks for.
    """
    times: dict[Any, tuple[Any, list[dict[Any, Any]], list[int]]] = {}
    for i, row in enumerate(as_list(rows)):
        x = dict(row)
        shown = x.pop(fleet.key, None)
        if (key := as_key(shown)) is ...:
            raise no_key(fleet.key, shown, i)
        _, own, at = times.setdefault(key, (shown, [], []))
        own.append(x)
        at.append(i)
    columns: dict[str, list[Any]] = {}
    places: list[int] = []
    beside = True
    with fleet.held():
        for key, (shown, own, at) in times.items():
            if horizon is not None and len(own) != horizon and any(own):
                raise _too_few(f"{fleet.key} {shown}", len(own), horizon)
            said = _asked(fleet.answering(key), own, horizon, coverage)
            columns.setdefault(fleet.key, []).extend([shown] * len(said))
            for name in said:
                columns.setdefault(name, []).extend(said[name])
            beside &= len(said) == len(at)
            places += at
    if not beside:
        return Response(columns)
    order = sorted(range(len(places)), key=places.__getitem__)
    return Response({name: [values[i] for i in order] for name, values in columns.items()})


def _too_few(series: str, rows: int, horizon: int) -> DataError:
    return DataError(
        expected=f"{horizon} row{'s' * (horizon != 1)} of {series}, one for each time ahead",
        got=str(rows),
        at="horizon",
        help="Leave the horizon out: each series is forecast as far as it has rows.",
    )


def _asked(member: Any, times: Sequence[dict[Any, Any]], horizon: int | None, coverage: float) -> Response:
    """Return what a member says of its times ahead, which are only counted where they have no features."""
    if any(times):
        return kind_of(member).ask(member, times, horizon=horizon, coverage=coverage)
    n = len(times) if horizon is None and len(times) > 1 else horizon
    return kind_of(member).ask(member, None, horizon=n, coverage=coverage)
