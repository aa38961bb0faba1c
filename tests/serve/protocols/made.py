"""Learners of several kinds, and a label of each row, for the tests of protocols."""

import headwater as hw

MADE = {
    "classify": (lambda: hw.Classifier(hidden=(4,), seed=1), lambda i: ["no", "yes"][i % 7 > 3]),
    "regress": (lambda: hw.Regressor(hidden=(4,), seed=1), lambda i: i % 7 * 0.1),
    "forecast": (lambda: hw.Forecaster(seed=1), lambda i: i % 7 * 0.1),
    "anomaly": (lambda: hw.Anomaly(seed=1), None),
    "multioutput": (
        lambda: hw.MultiOutput({"up": "classify", "by": "regress"}, seed=1),
        lambda i: {"up": i % 2 == 0, "by": i % 7 * 0.1},
    ),
}
