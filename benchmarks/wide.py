"""Measure what a row of many columns costs: ``python -m benchmarks.wide`` writes benchmarks/results/wide.json.

Processor time to predict and learn a row from arrays, once the first rows are behind, by the default pool and by ``effort="fast"``.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from datetime import UTC, datetime
from statistics import median

import numpy as np

import headwater as hw
from benchmarks.results import RESULTS, machine

__all__ = ["main", "measure"]

COLUMNS = (20, 200, 2000)
EFFORTS = ("default", "fast")
FIRST, ROWS, PIECE = 200, 600, 50


def measure(columns: int, effort: str) -> float:
    """Return the median of milliseconds a row over pieces of rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, columns))
    y = X[:, 0] + 0.5 * rng.normal(size=ROWS) > 0
    model, spent = hw.Classifier(effort=effort, seed=1), []
    for at in range(0, ROWS, PIECE):
        started = time.process_time()
        model.learn_many(X[at : at + PIECE], y[at : at + PIECE])
        spent.append((time.process_time() - started) / PIECE * 1000)
    return median(spent[FIRST // PIECE :])


def main() -> int:
    """Measure all widths and write the result file."""
    result = {
        "headwater": hw.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": machine(),
        "ms_per_row": {effort: {str(n): round(measure(n, effort), 4) for n in COLUMNS} for effort in EFFORTS},
    }
    path = RESULTS.parent / "wide.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["ms_per_row"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
