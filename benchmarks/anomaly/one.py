"""One learner on one set in one process: ``python -m benchmarks.anomaly.one MODULE LEARNER SET SEED`` prints a line of JSON."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
from typing import Any

import numpy as np

from benchmarks.anomaly.sets import auc, average_precision, read


def measure(module: str, learner: str, name: str, seed: int) -> dict[str, Any]:
    """Score each row, then learn it; return AUC and average precision in percent, and the time a row."""
    code = importlib.import_module(f"benchmarks.anomaly.learners.{module}")
    X, y = read(name)
    step = code.make(learner, X.shape[1], seed)
    scores = np.zeros(len(y))
    begin = time.process_time()
    for i, row in enumerate(X):
        scores[i] = step(row)
    spent = time.process_time() - begin
    versions = {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in code.PACKAGES}
    return {
        "rows": len(y),
        "columns": X.shape[1],
        "anomalies": int(y.sum()),
        "auc": round(100 * auc(y, scores), 3),
        "average_precision": round(100 * average_precision(y, scores), 3),
        "us_per_row": round(spent / len(y) * 1e6, 3),
        "versions": versions,
    }


def main() -> None:
    """Answer over a copy of standard output, since libraries print."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, learner, name, seed = sys.argv[1:]
    out.write(json.dumps(measure(module, learner, name, int(seed))) + "\n")
    out.flush()
    os._exit(0)  # Java would otherwise take seconds to exit


if __name__ == "__main__":
    main()
