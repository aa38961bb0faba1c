"""Compare the model with the best of the simple baselines in one sentence."""

from __future__ import annotations

from headwater.types import Record, Scores

__all__ = ["beats_baselines", "compare_baselines", "figure", "figure_cell"]

_GUESSES = {
    "no-change": "Guessing repeats the last known answer",
    "majority": "Guessing always gives the most frequent class",
    "mean": "Guessing always gives the mean so far",
    "z-norm": "The z-norm is the mean squared deviation of the numbers",
}
_SIGNS = {"accuracy": 1, "mae": -1, "rmse": -1, "auc": 1}  # whether more of a score is better


def compare_baselines(record: Record) -> str:
    """Return a sentence comparing the model with the best baseline, or "" before anything was scored.

    Compares accuracy for classifiers, mean absolute error for regressors, and ROC AUC for anomaly models with labels, over all
    scored rows. A second sentence follows if the window gives a different verdict, since a new model may have caught up. The pages
    of ``headwater serve`` show the same sentence.

    Examples
    --------
    >>> record = Record(
    ...     rows=9,
    ...     scored=9,
    ...     window=9,
    ...     scores={"accuracy": 0.72},
    ...     window_scores={"accuracy": 0.72},
    ...     baselines={"majority": {"accuracy": 0.59}},
    ...     window_baselines={"majority": {"accuracy": 0.59}},
    ... )
    >>> print(compare_baselines(record))
    72 % right, guessing gets 59 %: ahead. Guessing always gives the most frequent class.
    """
    name = _best(record.scores, record.baselines)
    if not name:
        return ""
    state = _state(record.scores, record.baselines[name])
    sentence = f"{_figures(record.scores, record.baselines[name])}: {state}. {_GUESSES.get(name, f'Guessing {name}')}."
    last = _best(record.window_scores, record.window_baselines)
    if (
        not last
        or record.window >= record.scored
        or _state(record.window_scores, record.window_baselines[last]) == state
    ):
        return sentence
    figures = _figures(record.window_scores, record.window_baselines[last])
    now = _state(record.window_scores, record.window_baselines[last])
    return f"{sentence} Over the last {record.window:,} rows: {figures}: {now}."


def beats_baselines(record: Record) -> bool:
    """Return whether the model is better than every baseline over all scored rows."""
    name = _best(record.scores, record.baselines)
    return bool(name) and _state(record.scores, record.baselines[name]) == "ahead"


def figure(value: float) -> str:
    """Format a number with four significant digits, without an exponent where people can read it in full.

    Examples
    --------
    >>> figure(31_030.4), figure(2.5), figure(0.00012345), figure(1e-9)
    ('31,030', '2.5', '0.0001234', '1e-09')
    """
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.4g}"
    return f"{float(f'{value:.4g}'):,.15g}"


def figure_cell(value: float) -> str:
    """Format a number for a column of a table, with four decimals below 100.

    Examples
    --------
    >>> figure_cell(31_030.4), figure_cell(2.5), figure_cell(-1e-9), figure_cell(float("nan"))
    ('31,030', '2.5000', '0.0000', '–')
    """
    if value != value:
        return "–"
    return figure(value) if abs(value) >= 100 else f"{round(value, 4) + 0.0:.4f}"  # + 0.0: no minus before 0


def _key(scores: Scores) -> str:
    return next((key for key in _SIGNS if key in scores), "")


def _best(scores: Scores, baselines: dict[str, Scores]) -> str:
    """Return the best baseline, or "" if there is nothing to compare."""
    key = _key(scores)
    if not key or scores[key] != scores[key]:
        return ""
    return max(baselines, key=lambda name: _SIGNS[key] * baselines[name][key], default="")


def _state(scores: Scores, guess: Scores) -> str:
    key = _key(scores)
    gain = _SIGNS[key] * (scores[key] - guess[key])
    return "ahead" if gain > 0 else "behind" if gain < 0 else "even"


def _figures(scores: Scores, guess: Scores) -> str:
    """Return both metrics with enough digits to distinguish them."""
    key = _key(scores)
    ours, theirs = scores[key], guess[key]
    if key == "accuracy":
        texts = [[f"{100 * value:.{digits}f} %" for value in (ours, theirs)] for digits in (0, 1, 2)]
        a, b = texts[0] if ours == theirs else next((pair for pair in texts if pair[0] != pair[1]), texts[-1])
        return f"{a} right, guessing gets {b}"
    if key == "mae":
        return f"off by {figure(ours)} on average, guessing by {figure(theirs)}"
    if key == "auc":
        return f"AUC {ours:.4f}, the z-norm gets {theirs:.4f}"
    return f"RMSE {figure(ours)}, guessing gets {figure(theirs)}"
