"""Forecasts of a series over HTTP, with intervals."""

from __future__ import annotations

from functools import partial
from typing import Any, TypedDict

import msgspec

from headwater.learner.kind import check_can
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.schemas import ForecastRequest, decoded, finite
from headwater.store.service.model import Model

_request = msgspec.json.Decoder(ForecastRequest)


class ForecastRow(TypedDict):
    """The value some times ahead, with the ends of its interval, null before anything is known."""

    ahead: int
    y_pred: float | None
    low: float | None
    high: float | None


class Forecast(TypedDict):
    """The next values of a series."""

    seq: int
    coverage: float
    forecast: list[ForecastRow]


async def forecast(request: Request) -> Response:
    """Forecast the next values of a series with intervals, given features of their times."""
    return await _forecast(request, decoded(_request.decode, await request.body(), "body"))


async def forecast_next(request: Request) -> Response:
    """Forecast the next values of a series with intervals, without features."""
    options = {name: given for name in ("horizon", "coverage") if (given := request.query(name))}
    return await _forecast(request, decoded(_converted, options, "query"))


def _converted(options: dict[str, str]) -> ForecastRequest:
    return msgspec.convert(options, ForecastRequest, strict=False)


async def _forecast(request: Request, asked: ForecastRequest) -> Response:
    model, xs = request.model(), asked.xs
    check_can(model.champion.learner, "ahead", at=model.name)
    size = size_of(xs or ())
    request.budget.charge_samples(size, model.price, learning=False)
    horizon = len(xs) if asked.horizon is None and xs is not None else asked.horizon
    times = model.champion.learner.horizon if horizon is None else min(horizon, model.champion.learner.horizon)
    # The forecast and its intervals are of one moment: the model is kept from others for all of it.
    request.budget.charge_lock(model.price.predicting(times, size.cells), at="xs")
    found = partial(forecast_of, model, horizon, xs, asked.coverage)
    answer = await request.state.waiters.run(found)
    if xs is not None:  # used by the page's forecast from now on
        request.state.histories.of(model).columns_ahead = (answer["seq"], xs)
    return json_response(answer)


def forecast_of(model: Model, horizon: int | None, xs: Any, coverage: float) -> Forecast:
    """Return a champion's forecast as JSON values, with its sequence."""
    with model.lock:
        learner, seq = model.champion.learner, model.seq
        said = learner.forecast(horizon, xs)
        ends = learner.forecast_interval(horizon, xs, coverage)
    rows: list[ForecastRow] = [
        {"ahead": i + 1, "y_pred": y, "low": finite(low), "high": finite(high)}
        for i, (y, (low, high)) in enumerate(zip(said, ends, strict=True))
    ]
    return {"seq": seq, "coverage": coverage, "forecast": rows}


__all__ = ["forecast", "forecast_next", "forecast_of"]
