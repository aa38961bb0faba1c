"""The verdict on a model in words, the same for pages, reports, notebooks and the command."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.route.verdict.numbers import figure, figure_cell
    from headwater.route.verdict.verdict import Line, beats_baselines, compare_baselines, lines_of

__all__ = ["Line", "beats_baselines", "compare_baselines", "figure", "figure_cell", "lines_of"]

__getattr__ = lazily(
    __name__, {".numbers": "figure figure_cell", ".verdict": "Line beats_baselines compare_baselines lines_of"}
)
