"""Diagnosis of an anomaly model and its data, with measurements and rules.

The model's own state holds the raw scores of the last 2,000 rows and statistics of each column, so no sample of rows is needed.
Labels are not considered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.diagnose.finding import FEW, Finding
from headwater.encode.vocabulary import CATEGORY, NUMBER
from headwater.errors import DataError, counted
from headwater.kinds.anomaly.learner import DETECTORS, SCORED, Anomaly
from headwater.kinds.anomaly.score import RATE

__all__ = ["DetectorMeasures", "RULES", "diagnose_anomaly", "kept_scores", "measure_detector"]

_SEEN = 100  # minimum rows to report a constant column
_ENOUGH = 1000  # minimum scores to report a shift
_MOVED = 0.15  # Kolmogorov–Smirnov distance. For 500 and 1,500 rows of one distribution 0.1 is exceeded once in 1,000
_MANY = 20  # multiple of the rate, exceeded once in a million by rows of one distribution


@dataclass(frozen=True, slots=True)
class DetectorMeasures:
    """Measurements that the rules for anomaly models read.

    Parameters
    ----------
    task, rows
        ``"anomaly"``, and rows scored so far.
    alarms
        Share of the later half of the scores with a p-value below 0.001 relative to the earlier half, NaN for few scores.
    moved
        Signed Kolmogorov–Smirnov distance of the last quarter of the scores from those before, above 0 if scores rose, 0 for few
        scores.
    silent
        Detectors of the pool that scored 0 for all of the last rows.
    constant
        Columns with the same value in every row.
    identifiers
        ID-like columns with almost unique categories, and their number of categories.
    """

    task: str
    rows: int
    alarms: float = float("nan")
    moved: float = 0.0
    silent: tuple[str, ...] = ()
    constant: tuple[Any, ...] = ()
    identifiers: dict[Any, int] = field(default_factory=dict)


def measure_detector(model: Anomaly) -> DetectorMeasures:
    """Return the current measurements without changing the model.

    Raises
    ------
    DataError
        If the model has learned nothing.
    """
    engine = model.engine
    if engine is None or not engine.learned:
        raise DataError(
            expected="a detector that has learned",
            got="one that has seen no row",
            at="Anomaly",
            help="Call learn_many first.",
        )
    ever, scores = kept_scores(engine)
    n = scores.shape[1]
    constant, identifiers = _columns(engine)
    return DetectorMeasures(
        task=model.task,
        rows=ever,
        alarms=_alarms(scores[-1]),
        moved=_moved(scores[-1]),
        silent=tuple(name for name, own in zip(DETECTORS, scores, strict=False) if n >= _SEEN and not own.any()),
        constant=constant,
        identifiers=identifiers,
    )


def kept_scores(engine: Any) -> tuple[int, NDArray[np.float64]]:
    """Return how many rows were scored, and the raw scores of the last ones, oldest first.

    The scores are an array (detectors + 1, n), whose last line is the pool's own.
    """
    scores = engine.core.array("scores")
    ever = int(scores[0])
    rings = scores[2 : 2 + (len(DETECTORS) + 1) * SCORED].reshape(-1, SCORED)
    n = min(ever, SCORED)
    return ever, np.roll(rings, -(ever % SCORED), axis=1)[:, SCORED - n :] if ever > SCORED else rings[:, :n]


def _alarms(scores: NDArray[np.float64]) -> float:
    """Return the share of the later half of scores with a p-value below the rate relative to the earlier half."""
    half = len(scores) // 2
    if half < _ENOUGH:
        return float("nan")
    before = np.sort(scores[:half])
    as_large = half - np.searchsorted(before, scores[half:], "left")
    return float(((as_large + 0.5) / (half + 1) < RATE).mean())


def _moved(scores: NDArray[np.float64]) -> float:
    """Return the signed distance of the last quarter of scores from those before, above 0 for a rise."""
    if len(scores) < _ENOUGH:
        return 0.0
    cut = 3 * len(scores) // 4
    old, new = np.sort(scores[:cut]), np.sort(scores[cut:])
    gaps = np.searchsorted(old, scores, "right") / len(old) - np.searchsorted(new, scores, "right") / len(new)
    return float(gaps[np.abs(gaps).argmax()])


def _columns(engine: Any) -> tuple[tuple[Any, ...], dict[Any, int]]:
    """Return the constant columns and the ID-like columns."""
    known, touched = engine.core.statistics, engine.core.touched
    learned = int(touched[0])
    constant: list[Any] = []
    identifiers: dict[Any, int] = {}
    for name, column in engine.columns.items():
        if column.kind == NUMBER and not column.values:
            seen, variance = known.seen[column.slot], known.variance[column.slot]
            if seen >= _SEEN and not variance > 0:
                constant.append(name)
        elif column.kind == CATEGORY and len(column.values) == 1:
            if touched[next(iter(column.values.values()))] >= max(_SEEN, learned):
                constant.append(name)
        elif column.kind == CATEGORY and len(column.values) > max(FEW, learned) // 2:
            identifiers[name] = len(column.values)
    return tuple(constant), identifiers


def few_rows(m: DetectorMeasures) -> Finding | None:
    """Report that there are too few scores for an alarm at the usual rate."""
    if m.rows >= FEW:
        return None
    return Finding(
        "few_rows",
        "note",
        f"{counted(m.rows, 'row')} scored: a p-value below {RATE} takes {FEW:,}.",
        f"Let it learn more rows, or ask at a larger rate: is_anomaly_one(x, rate={max(1 / max(m.rows, 1), 0.01):.2g}).",
        {"rows": float(m.rows)},
    )


def many_alarms(m: DetectorMeasures) -> Finding | None:
    """Report far more alarms than the rate implies."""
    if not m.alarms > _MANY * RATE:
        return None
    return Finding(
        "many_alarms",
        "warning",
        f"{m.alarms:.1%} of the last {SCORED // 2:,} rows score higher than all but {RATE:.1%} of as many before.",
        "Look at what they have in common (explain_one); judge by the highest scores, not by each alarm.",
        {"alarms": m.alarms, "rate": RATE},
    )


def drifted_scores(m: DetectorMeasures) -> Finding | None:
    """Report a shift of the score distribution."""
    if abs(m.moved) < _MOVED:
        return None
    return Finding(
        "drifted_scores",
        "warning",
        f"The scores of the last rows {'rose' if m.moved > 0 else 'fell'}: their distribution lies {abs(m.moved):.2f} from that of "
        "the rows before.",
        "Rows have changed for all, not one by one: watch.DriftWatch(on='inputs') tells which columns.",
        {"distance": abs(m.moved)},
    )


def constant_features(m: DetectorMeasures) -> Finding | None:
    """Report columns with the same value in every row."""
    if not m.constant:
        return None
    names = ", ".join(map(str, m.constant[:5])) + (" …" if len(m.constant) > 5 else "")
    return Finding(
        "constant_features",
        "note",
        f"{len(m.constant)} column{'s' * (len(m.constant) > 1)} had the same value in every row: {names}.",
        "The first other value will be a surprise. If that is not wanted, leave them out (--drop).",
        {"features": float(len(m.constant))},
    )


def identifier_columns(m: DetectorMeasures) -> Finding | None:
    """Report ID-like columns, whose values are almost all unique."""
    if not m.identifiers:
        return None
    named = ", ".join(f"{name} ({n:,} values)" for name, n in list(m.identifiers.items())[:5])
    return Finding(
        "identifier_columns",
        "warning",
        f"Values hardly ever come again in {named}: each is a surprise, and hides others.",
        "Leave such columns out (--drop).",
        {str(name): float(n) for name, n in m.identifiers.items()},
    )


def silent_detectors(m: DetectorMeasures) -> Finding | None:
    """Report detectors of the pool that found nothing."""
    if not m.silent:
        return None
    return Finding(
        "silent_detectors",
        "note",
        f"Nothing was found in the last rows by: {', '.join(m.silent)}.",
        "Without numbers only names are looked at; give the numbers of a row as numbers, not as texts.",
        {"detectors": float(len(m.silent))},
    )


RULES = (
    many_alarms,
    drifted_scores,
    identifier_columns,
    constant_features,
    silent_detectors,
    few_rows,
)


def diagnose_anomaly(model: Anomaly) -> tuple[DetectorMeasures, list[Finding | None]]:
    """Return the measurements and the finding of each rule."""
    measures = measure_detector(model)
    return measures, [rule(measures) for rule in RULES]
