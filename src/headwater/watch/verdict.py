"""Say plainly when a predictor that hardly learns does better than the model."""

from __future__ import annotations

from headwater.types import Record, Scores

__all__ = ["verdict"]

_MEANS = {
    "no-change": "repeating the last known answer",
    "majority": "always giving the most frequent class",
    "mean": "always giving the mean so far",
}


def verdict(record: Record) -> str:
    """Return one sentence when a baseline is at least as good as the model over all rows, else the empty string.

    Classifiers are compared by accuracy, regressors by RMSE. The sentence adds how it stands over the window, since a
    model that started from nothing may have caught up.

    Examples
    --------
    >>> record = Record(
    ...     rows=9,
    ...     scored=9,
    ...     window=9,
    ...     scores={"accuracy": 0.5},
    ...     window_scores={"accuracy": 0.5},
    ...     baselines={"majority": {"accuracy": 0.75}},
    ...     window_baselines={"majority": {"accuracy": 0.75}},
    ... )
    >>> print(verdict(record))
    The majority baseline wins: always giving the most frequent class has accuracy 75.0 %, the model 50.0 %.
    """
    name = _best(record.scores, record.baselines)
    if not name:
        return ""
    shown = f"{_shown(record.baselines[name])}, the model {_shown(record.scores, named=False)}"
    tie = _shown(record.baselines[name]) == _shown(record.scores)
    sentence = f"The {name} baseline {'is as good' if tie else 'wins'}: {_MEANS[name]} has {shown}"
    if record.window < record.scored and not _best(record.window_scores, record.window_baselines):
        return f"{sentence}; over the last {record.window:,} rows the model is ahead."
    return f"{sentence}."


def _best(scores: Scores, baselines: dict[str, Scores]) -> str:
    """Return the best baseline that the model doesn't beat, or the empty string."""
    key, sign = ("accuracy", 1) if "accuracy" in scores else ("rmse", -1)
    if key not in scores:
        return ""
    reached = [name for name, other in baselines.items() if sign * other[key] >= sign * scores[key]]
    return max(reached, key=lambda name: sign * baselines[name][key], default="")


def _shown(scores: Scores, *, named: bool = True) -> str:
    if "accuracy" in scores:
        return ("accuracy " if named else "") + f"{100 * scores['accuracy']:.1f} %"
    return ("RMSE " if named else "") + f"{scores['rmse']:.4g}"
