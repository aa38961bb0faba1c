"""Pictures of what a learner knows, as numbers that one renderer draws for all kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Band", "Bars", "Histogram", "Line", "Lines", "Picture"]


@dataclass(frozen=True, slots=True)
class Bars:
    """One number a name, drawn as a bar each, the first on top.

    Parameters
    ----------
    title
        What the numbers are.
    values
        The numbers by name. NaN has no bar.
    unit
        The label of the axis.
    beside
        More to say of a name, behind its number, such as how many rows there were.
    pale
        Names that are there for comparison.
    percent
        Whether the numbers are shares.
    empty
        What is said where there are no numbers.
    """

    title: str
    values: Mapping[str, float]
    unit: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    pale: tuple[str, ...] = ()
    percent: bool = False
    empty: str = "Nothing learned yet."

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points.

    Parameters
    ----------
    name
        Its name in the legend.
    x, y
        The points. NaN leaves a gap.
    style
        "main", "past" (thin and dark), "pale" (for comparison) or "points" (each with a dot).
    right
        Whether it has the axis at the right.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "main"
    right: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two lines. Where a bound is not finite, nothing is drawn."""

    name: str
    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines and bands over one axis.

    Parameters
    ----------
    title, x, y
        What is drawn, and the labels of the axes.
    lines, bands
        What is drawn.
    level
        Values of y with a name, drawn as dashed lines.
    at
        Values of x with a name, drawn as dotted lines.
    percent
        Whether y is a share.
    right
        The label of the axis at the right.
    empty
        What is said where there are no points.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()
    level: Mapping[str, float] = field(default_factory=dict)
    at: Mapping[str, float] = field(default_factory=dict)
    percent: bool = False
    right: str = ""
    empty: str = "Nothing learned yet."

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return any(len(line.x) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values occur, with marks at some.

    Parameters
    ----------
    title, x
        What is counted, and the label of its axis.
    values
        The values.
    at
        Values with a name, drawn as dashed lines.
    empty
        What is said where there are no values.
    """

    title: str
    x: str
    values: Sequence[float]
    at: Mapping[str, float] = field(default_factory=dict)
    empty: str = "Nothing learned yet."

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return len(self.values) > 0


Picture = Bars | Lines | Histogram
"""What a kind gives to be drawn."""
