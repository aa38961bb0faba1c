"""Metrics of several labels per row, compared with simple baselines, over all rows and over a window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.kinds.multi_output.scores.sums import BASELINES, OfOutput, OutputSums, Usual, names_of
from headwater.route.score import Score
from headwater.types import Comparison, Scores, Span

__all__ = ["OutputsScore"]

_PREDICTORS = ("model", *BASELINES)


class OutputsScore(Score):
    """Score a learner of several labels per row.

    Examples
    --------
    >>> score = OutputsScore()
    >>> score.update([{"a": "x", "b": 2.0}], [{"a": "x", "b": 3.0}])
    >>> score.names, score.scores()["model"]["mae"]
    (('exact_match', 'accuracy', 'mae', 'rmse'), 1.0)
    """

    def _begin(self, delay: int, learner: Any) -> None:
        self._whole = {name: OutputSums() for name in _PREDICTORS}
        self._usual = Usual()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the available metrics, the primary one first."""
        return names_of(self._whole["model"].scores())

    @staticmethod
    def problem(label: Any) -> str:
        """Return why labels can't be scored, or ""."""
        return "" if isinstance(label, Mapping) and len(label) else "answer is no dict of outputs"

    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows, given a dict of labels and a dict of predictions each."""
        for labels, predicted in zip(y, y_pred, strict=True):
            labels = {name: label for name, label in dict(labels or {}).items() if _can_be_label(label)}
            if not predicted:  # nothing was known of any output
                self.unscored += 1
                self._usual.add(labels, predicted)
                continue
            row = {"model": predicted, **self._usual.say()}
            for name, sums in self._whole.items():
                sums.add(labels, row[name])
            self._usual.add(labels, predicted)
            self._window.append((labels, row))
            self.n += 1
            if self._history is not None:
                one = OutputSums()
                one.add(labels, predicted)
                accuracy = one.scores()["accuracy"]
                self._follow(1.0 - accuracy if accuracy == accuracy else 0.0)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the metrics of ``"model"`` and of each baseline, over all rows or over the window."""
        sums = self._whole
        if window:
            sums = self._sums_of_window()
        keep = self.names
        return {name: {key: own.scores()[key] for key in keep} for name, own in sums.items()}

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the accuracy or the mean error of each output beside its baselines."""
        window = self._sums_of_window()
        return tuple(
            Comparison(
                "mae" if own.numbers else "accuracy",
                "error" if own.numbers else "share",
                not own.numbers,
                "rows",
                _span_of(window, name),
                _span_of(self._whole, name),
                str(name),
            )
            for name, own in self._whole["model"].outputs.items()
        )

    def _sums_of_window(self) -> dict[str, OutputSums]:
        sums = {name: OutputSums() for name in _PREDICTORS}
        for labels, row in self._window:
            for name, own in sums.items():
                own.add(labels, row[name])
        return sums

    def _point(self) -> list[float]:
        window = self.scores(window=True)
        key = "accuracy" if "accuracy" in window["model"] else "mae"
        return [self.n, *(window[name][key] for name in _PREDICTORS)]

    def _sums(self) -> dict[str, Any]:
        return {"whole": self._whole, "usual": self._usual}

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._whole = msgspec.convert(sums["whole"], dict[str, OutputSums])
        self._usual = msgspec.convert(sums["usual"], Usual)

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self._go_on(saved)
        self.n, self.unscored = self._whole["model"].n, saved["unscored"]
        self._window.extend(map(self._row_of, saved["window"]))


def _can_be_label(value: Any) -> bool:
    """Return whether a value can be a class or a number. A learner refuses others, which are not scored."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _span_of(sums: Mapping[str, OutputSums], output: Any) -> Span:
    """Return one output's metric of the model and of each baseline that has said something."""
    values = {name: _value(own.outputs.get(output, OfOutput())) for name, own in sums.items()}
    own = sums["model"].outputs.get(output, OfOutput())
    number = "mean" if own.numbers else "majority"  # of numbers, what is usual is their mean
    names = {"majority": number}
    return Span(
        own.numbers or own.n,
        values.pop("model"),
        {names.get(name, name): value for name, value in values.items() if value == value},
    )


def _value(own: OfOutput) -> float:
    if own.numbers:
        return own.absolute / own.numbers
    return own.right / own.n if own.n else math.nan
