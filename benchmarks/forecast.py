"""Forecasts beside rivals: each is made at a time from what is known then, and each horizon is learned once it has passed.

    python -m benchmarks.forecast ett       # ETTh1, ETTh2: needs HEADWATER_DATA/forecast, see ../shared or benchmarks/README.md
    python -m benchmarks.forecast base      # the same sets, by frozen least squares and by a forecaster that corrects them
    python -m benchmarks.forecast river     # water-flow, metro traffic, bikes, beside River's SNARIMAX and HoltWinters
    python -m benchmarks.forecast scores    # headwater's scores anew; rivals and times stay: five minutes
    python -m benchmarks.forecast table     # writes the table into benchmarks/README.md

Results go into ``results/forecast.json``, by version and name of the series. One process on one core; about twenty minutes.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.again import merged
from benchmarks.data import data_file
from benchmarks.report import write
from benchmarks.results import machine
from headwater.plain.kinds.least_squares import LeastSquares

RESULTS = Path(__file__).parent / "results" / "forecast.json"
TEST = (11_520, 14_400)
"""The last 4 of 20 months of ETT; its columns are in units of the deviation of the first 12."""
HORIZONS = (1, 24, 48)
PUBLISHED = {
    ("ETTh1", 1): (0.1107, 0.0978),
    ("ETTh1", 24): (0.2942, 0.2964),
    ("ETTh1", 48): (0.3431, 0.3364),
    ("ETTh2", 1): (0.0628, 0.0631),
    ("ETTh2", 24): (0.1607, 0.1667),
    ("ETTh2", 48): (0.2103, 0.2206),
}
"""Mean squared error of the best published method without leaks (a pretrained net, adapted online), and of least squares as
they stand in the project's notes."""
ROWS, WARM, STEPS = 15_000, 1_000, 24
Row = dict[str, Any]


def ett(name: str) -> NDArray[np.float64]:
    """Return the seven columns of a set, in units of the deviation of its first 12 months."""
    with gzip.open(data_file(f"forecast/{name}.csv.gz"), "rt", newline="") as file:
        rows = [[float(v) for v in row[1:]] for row in list(csv.reader(file))[1:]]
    values = np.array(rows)[: TEST[1]]
    first = values[:8_640]
    return (values - first.mean(0)) / first.std(0)


def squared_errors(said: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the mean squared error of forecasts (t, h) whose answers all lie in the last four months."""
    horizon = said.shape[1]
    origins = np.arange(TEST[0] - 1, TEST[1] - horizon)
    came = np.stack([y[origins + h] for h in range(1, horizon + 1)], 1)
    return float(((said[origins] - came) ** 2).mean())


def by_headwater(y: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Return what a forecaster says at each time."""
    model = hw.Forecaster(horizon=horizon, season=24)
    out = np.zeros((len(y), horizon))
    for t, answer in enumerate(y.tolist()):
        model.learn_one(answer)
        if t >= TEST[0] - 1:
            out[t] = model.forecast()
    return out


def by_least_squares(y: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Return what least squares on the last 96 answers say, learned once all horizons have passed."""
    fit, out = LeastSquares(96, horizon), np.zeros((len(y), horizon))
    kept: dict[int, NDArray[np.float64]] = {}
    for t in range(95, len(y)):
        kept[t] = np.append(y[t - 95 : t][::-1] - y[t], 1.0)
        if (o := t - horizon) in kept:
            g = kept.pop(o)
            fit.weights += np.outer(y[o + 1 : t + 1] - y[o] - fit.weights @ g, fit.gain(g))
        out[t] = y[t] + fit.weights @ kept[t]
    return out


def run_ett() -> dict[str, Any]:
    """Measure the six cells of ETT."""
    out: dict[str, Any] = {}
    for name in ("ETTh1", "ETTh2"):
        values = ett(name)
        for horizon in HORIZONS:
            began = time.process_time()
            own = [squared_errors(by_headwater(y, horizon), y) for y in values.T]
            spent = (time.process_time() - began) / values.size * 1e6
            least = [squared_errors(by_least_squares(y, horizon), y) for y in values.T]
            last = [squared_errors(np.repeat(y[:, None], horizon, 1), y) for y in values.T]
            out[f"{name} {horizon}"] = {
                "headwater": float(np.mean(own)),
                "least squares": float(np.mean(least)),
                "last value": float(np.mean(last)),
                "best published": PUBLISHED[name, horizon][0],
                "us": spent,
            }
            print(name, horizon, out[f"{name} {horizon}"], flush=True)
    return out


BASE_LAGS, BASE_RIDGE = 336, 100.0


def frozen(y: NDArray[np.float64], horizon: int, *, from_last: bool) -> NDArray[np.float64]:
    """Return weights (lags, horizon) of least squares, trained on the first 12 months, of values or of differences from the last."""
    starts = np.arange(BASE_LAGS, 8_640 - horizon)
    last = y[starts - 1, None] * from_last
    past = np.stack([y[i - BASE_LAGS : i] for i in starts]) - last
    ahead = np.stack([y[i : i + horizon] for i in starts]) - last
    return np.linalg.solve(past.T @ past + BASE_RIDGE * np.eye(BASE_LAGS), past.T @ ahead)


def corrected(y: NDArray[np.float64], horizon: int, *, from_last: bool) -> tuple[float, float]:
    """Return the mean squared error of a frozen base, and of a forecaster that corrects it."""
    weights = frozen(y, horizon, from_last=from_last)

    def base(history: Sequence[float], n: int) -> NDArray[np.float64]:
        last = history[-1] * from_last
        return (np.array(history[-BASE_LAGS:]) - last) @ weights + last if len(history) >= BASE_LAGS else np.zeros(n)

    model = hw.Forecaster(horizon, 24, base=base)
    own, said = (np.zeros((len(y), horizon)) for _ in range(2))
    for t, answer in enumerate(y.tolist()):
        model.learn_one(answer)
        if t >= TEST[0] - 1:
            own[t], said[t] = base(y[t - BASE_LAGS + 1 : t + 1].tolist(), horizon), model.forecast()
    return squared_errors(own, y), squared_errors(said, y)


def run_base() -> None:
    """Print how much better a frozen base becomes, for two bases that are trained on the first 12 months."""
    for name in ("ETTh1", "ETTh2"):
        for from_last in (False, True):
            own, said = np.mean([corrected(y, 24, from_last=from_last) for y in ett(name).T], 0)
            what = "differences from the last value" if from_last else "values"
            print(f"{name}, 24 ahead, least squares of {what}: {own:.4f}, corrected {said:.4f}, {said / own:.3f} times")


# ---- beside River ------------------------------------------------------------------------------------------------------


def water_flow() -> Iterator[tuple[float, Row]]:
    """Yield River's water flow, an answer an hour."""
    from river import datasets

    for x, y in datasets.WaterFlow():
        yield float(y), {"time": x["Time"].replace(tzinfo=None)}


def metro_traffic() -> Iterator[tuple[float, Row]]:
    """Yield the traffic of an interstate, with its weather."""
    numbers = ("temp", "rain_1h", "snow_1h", "clouds_all")
    for row in _rows("metro_traffic"):
        x: Row = {name: float(row[name]) for name in numbers} | {
            "holiday": row["holiday"],
            "weather": row["weather_main"],
        }
        yield float(row["target"]), x | {"time": datetime.fromisoformat(row["date_time"])}


def bikes() -> Iterator[tuple[float, Row]]:
    """Yield the bikes of Washington that were hired in an hour, with the day's weather."""
    for row in _rows("dc_bikeshare_hourly"):
        x: Row = {name: float(row[name]) if row[name] else None for name in ("tmin", "tmax", "pn")}
        yield float(row["target"]), x | {"time": datetime.fromisoformat(row["ts"])}


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(data_file(f"{name}.csv.gz"), "rt", newline="") as file:
        yield from csv.DictReader(file)


SERIES: dict[str, Callable[[], Iterator[tuple[float, Row]]]] = {
    "water-flow": water_flow,
    "metro traffic": metro_traffic,
    "bikes": bikes,
}


def rivals() -> dict[str, Callable[[], Any]]:
    """Return who forecasts: River's models in several settings each, of which the best is shown."""
    from river import linear_model, optim, preprocessing, time_series

    def snarimax(p: int, q: int, sp: int, sq: int, d: int = 0, sd: int = 0) -> Any:
        fit = preprocessing.StandardScaler() | linear_model.LinearRegression(optimizer=optim.SGD(0.01), l2=1e-3)
        return time_series.SNARIMAX(p=p, d=d, q=q, m=24, sp=sp, sd=sd, sq=sq, regressor=fit)

    def holt_winters(alpha: float, beta: float, gamma: float) -> Any:
        return time_series.HoltWinters(alpha=alpha, beta=beta, gamma=gamma, seasonality=24)

    return {
        "headwater": lambda: hw.Forecaster(horizon=STEPS, season=24),
        "headwater, no columns": lambda: hw.Forecaster(horizon=STEPS, season=24),
        "SNARIMAX(24, 0, 0)(1, 0, 0)": lambda: snarimax(24, 0, 1, 0),
        "SNARIMAX(3, 0, 1)(2, 0, 1)": lambda: snarimax(3, 1, 2, 1),
        "SNARIMAX(3, 0, 0)(7, 0, 0)": lambda: snarimax(3, 0, 7, 0),
        "SNARIMAX(2, 0, 0)(1, 1, 0)": lambda: snarimax(2, 0, 1, 0, sd=1),
        "HoltWinters(0.3, 0.0001, 0.3)": lambda: holt_winters(0.3, 1e-4, 0.3),
        "HoltWinters(0.1, 0.01, 0.2)": lambda: holt_winters(0.1, 0.01, 0.2),
        "HoltWinters(0.05, 0.0001, 0.1)": lambda: holt_winters(0.05, 1e-4, 0.1),
        "season": Season,
    }


@dataclass
class Season:
    """Says what was 24 times before."""

    def __post_init__(self) -> None:
        self.past: list[float] = []

    def learn_one(self, y: float, x: Row) -> None:
        """Keep the answer."""
        self.past = [*self.past[-23:], y]

    def forecast(self, horizon: int, xs: Any) -> list[float]:
        """Return the last day."""
        return (self.past * 24)[:horizon]


def run_one(make: Callable[[], Any], rows: list[tuple[float, Row]]) -> dict[str, Any]:
    """Forecast the next day at each time; for a forecaster with intervals how many answers they held, at each horizon."""
    model = make()
    own = isinstance(model, hw.Forecaster)
    y = np.array([answer for answer, _ in rows])
    misses: list[NDArray[np.float64]] = []
    inside: dict[float, list[NDArray[np.bool_]]] = {0.5: [], 0.8: [], 0.9: [], 0.95: []}
    spent = 0.0
    for t, (answer, x) in enumerate(rows[:-STEPS]):
        began = time.process_time()
        model.learn_one(answer, x)
        ahead = [row for _, row in rows[t + 1 : t + 1 + STEPS]]
        said = np.zeros(STEPS)
        if t >= STEPS:
            try:
                said = np.array(model.forecast(STEPS, xs=ahead), np.float64)
            except OverflowError:  # a model out of hand
                said = np.full(STEPS, 1e6)
        spent += time.process_time() - began
        came = y[t + 1 : t + 1 + STEPS]
        if t >= min(WARM, len(rows) // 3):
            misses.append(np.clip(said - came, -1e6, 1e6))
            if own:
                for coverage, held in inside.items():
                    ends = np.array(model.forecast_interval(STEPS, ahead, coverage))
                    held.append((ends[:, 0] <= came) & (came <= ends[:, 1]))
    errors = np.array(misses)
    out: dict[str, Any] = {
        "mae": float(np.abs(errors).mean()),
        "mse": float((errors**2).mean()),
        "us": spent / len(rows) * 1e6,
    }
    if own:
        shares = {str(coverage): np.mean(held, axis=0) for coverage, held in inside.items()}
        out["coverage"] = {name: float(share.mean()) for name, share in shares.items()}
        out["coverage_by_horizon"] = {name: [float(share.min()), float(share.max())] for name, share in shares.items()}
        out["worst_500"] = {str(coverage): _worst(np.array(held), coverage) for coverage, held in inside.items()}
    return out


def _worst(held: NDArray[np.bool_], coverage: float) -> float:
    """Return how far the share held in any 500 times in a row lies from what was asked, mean of the horizons."""
    total = np.cumsum(np.vstack([np.zeros(held.shape[1]), held]), axis=0)
    return (
        float(np.abs((total[500:] - total[:-500]) / 500 - coverage).max(0).mean()) if len(held) >= 500 else float("nan")
    )


def run_river(only: str = "") -> dict[str, Any]:
    """Measure everyone on the series that River's models can keep up with."""
    warnings.simplefilter("ignore")
    out: dict[str, Any] = {}
    for name, read in SERIES.items():
        rows = [row for _, row in zip(range(ROWS), read(), strict=False)]
        out[name] = {"rows": len(rows)}
        for rival, make in rivals().items():
            if rival.startswith(only):
                plain = [(y, x) for y, x in rows] if rival == "headwater" else [(y, {}) for y, _ in rows]
                out[name][rival] = run_one(make, plain)
                print(name, rival, out[name][rival], flush=True)
    return out


# ---- the result file and the table -----------------------------------------------------------------------------------------


def save(part: str, measured: dict[str, Any]) -> None:
    """Put results into the file, under the version of headwater."""
    whole: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    run = whole.setdefault(version("headwater"), {})
    kept = run.get(part, {})
    merged = kept | {name: kept.get(name, {}) | row for name, row in measured.items()}
    run |= {"date": time.strftime("%Y-%m-%d"), "machine": machine(), part: merged}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")


def score_again() -> None:
    """Measure headwater's scores anew, and keep the rivals' entries and all times."""
    old, run = list(json.loads(RESULTS.read_text()).items())[-1]
    fresh = merged(run, {"ett": run_ett(), "river": run_river("headwater")}, old)
    whole = {version("headwater"): fresh | {"scored": time.strftime("%Y-%m-%d")}}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")


def table() -> str:
    """Return the results as Markdown."""
    measured, run = list(json.loads(RESULTS.read_text()).items())[-1]
    lines = [
        "| mean squared error | headwater | least squares, one pass | last value | best published, pretrained |",
        "|---|---|---|---|---|",
    ]
    for cell, row in run["ett"].items():
        figures = [row[name] for name in ("headwater", "least squares", "last value", "best published")]
        lines.append(f"| {cell} | " + " | ".join(_bold(f"{v:.4f}", v == min(figures)) for v in figures) + " |")
    names = [name for name in run["river"] if run["river"][name]]
    lines += [
        "",
        "| mean absolute error, next 24 hours | "
        + " | ".join(f"{n} ({run['river'][n]['rows']:,})" for n in names)
        + " |",
    ]
    lines.append("|---|" + "---|" * len(names))
    who = [rival for rival in run["river"][names[0]] if rival != "rows"]
    best = {n: min(run["river"][n][rival]["mae"] for rival in who) for n in names}
    for rival in who:
        figures = [run["river"][n][rival]["mae"] for n in names]
        cells = [_bold(f"{v:,.4g}", v == best[n]) for v, n in zip(figures, names, strict=True)]
        lines.append(f"| {rival} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| share of answers that intervals held ± the worst 500 in a row | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for asked in ("0.5", "0.8", "0.9", "0.95"):
        held = [run["river"][n]["headwater"]["coverage"][asked] for n in names]
        worst = [run["river"][n]["headwater"]["worst_500"][asked] for n in names]
        cells = [f"{share:.1%} ± {far * 100:.0f}" for share, far in zip(held, worst, strict=True)]
        lines.append(f"| asked {float(asked):.0%} | " + " | ".join(cells) + " |")
    scored = f", scored on {run['scored']}" if "scored" in run else ""
    note = f"{run['date']}, one core of {run['machine']['cpu']}; headwater {measured}{scored}."
    lines += ["", f"Written by `python -m benchmarks.forecast`: {note}"]
    return "\n".join(lines)


def _bold(text: str, best: bool) -> str:
    return f"**{text}**" if best else text


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "base":
        run_base()
    elif what == "ett":
        save("ett", run_ett())
    elif what == "river":
        save("river", run_river(*sys.argv[2:3]))
    elif what == "scores":
        score_again()
    elif what == "table":
        write(Path(__file__).parent / "README.md", "forecast", table())
    else:
        sys.exit(__doc__)
