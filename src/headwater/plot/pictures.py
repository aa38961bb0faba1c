"""Draw the pictures that kinds declare, with one renderer for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.learner.schema.pictures import Bars, Histogram, Line, Lines, Picture
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure, note
from headwater.route.verdict.numbers import figure as number_text
from headwater.route.verdict.numbers import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["drawn"]

_WIDTH = 8.0
_NAME = 26  # letters of a bar's name
_TITLE = 92  # letters of a line of a title
_BINS = 40
_HIGH = {Lines: 2.9, Histogram: 2.5}
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "main": {"linewidth": 1.8},
    "points": {"linewidth": 1.4, "marker": "o", "markersize": 5},
    "past": {"linewidth": 1.1, "color": INK},
    "pale": {"linewidth": 1.2, "color": PALE},
}
_DASHES = ("--", ":", "-.")
_LEGEND: Mapping[str, Any] = {"fontsize": 8, "frameon": False, "loc": "center left"}


def drawn(pictures: Sequence[Picture], heading: str = "") -> Figure:
    """Draw pictures below each other, two sets of bars side by side.

    Examples
    --------
    >>> fig = drawn([Bars("mean reward", {"left": 0.25, "right": 0.75}, beside={"left": "4 times"})], "Which action?")
    >>> fig.axes[0].get_title(loc="left"), [text.get_text() for text in fig.axes[0].texts]
    ('mean reward', ['0.75', '0.25 · 4 times'])
    """
    rows = _rows(pictures)
    heights = [max(map(_height, row)) for row in rows]
    fig = figure(_WIDTH, sum(heights) + 0.4 * bool(heading))
    if heading:
        fig.suptitle(heading, fontsize=11, color=INK, x=0.01, ha="left")
    grid = fig.add_gridspec(len(rows), 2, height_ratios=heights)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            _draw(picture, fig, grid[i, j] if len(row) > 1 else grid[i, :])
    return fig


def _rows(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Return the pictures of each row, where two sets of bars that follow each other share one."""
    rows: list[list[Picture]] = []
    for picture in pictures:
        pairs = rows and len(rows[-1]) == 1 and isinstance(rows[-1][0], Bars) and isinstance(picture, Bars)
        if pairs and rows[-1][0].drawn and picture.drawn:
            rows[-1].append(picture)
        else:
            rows.append([picture])
    return rows


def _height(picture: Picture) -> float:
    if not picture.drawn:
        return 1.3
    return 1.0 + 0.3 * len(picture.values) if isinstance(picture, Bars) else _HIGH[type(picture)]


def _number(value: float, *, percent: bool) -> str:
    return f"{share(value)} %" if percent and value == value else number_text(value)


def _ticks(axis: Any, *, percent: bool = False) -> None:
    """Write numbers as all pages do, without the ``e`` of programs."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:g} %" if percent else number_text(value, 6))


@singledispatch
def _draw(picture: Any, fig: Figure, place: Any) -> None:
    raise TypeError(picture)


@_draw.register(Bars)
def _bars(picture: Bars, fig: Figure, place: Any) -> None:
    ax = axes(fig, title=picture.title, x=picture.unit, y="", place=(place,))
    if not picture.drawn:
        note(ax, picture.empty)
        return
    shown = list(picture.values.items())[::-1]
    colours = [PALE if name in picture.pale else COLOURS[1] if value < 0 else COLOURS[0] for name, value in shown]
    sizes = [0.0 if value != value else value for _, value in shown]
    ax.barh(range(len(shown)), sizes, color=colours, height=0.62)
    ax.set_yticks(range(len(shown)), [_short(name) for name, _ in shown])
    for i, ((name, value), size) in enumerate(zip(shown, sizes, strict=True)):
        text = " · ".join(filter(None, (_number(value, percent=picture.percent), picture.beside.get(name))))
        ax.annotate(
            text, (max(size, 0.0), i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=INK
        )
    longest = max(len(text.get_text()) for text in ax.texts)
    low, high = min(0.0, *sizes), max(0.0, *sizes)
    span = high - low or 1.0
    ax.set_xlim(low - 0.04 * span * (low < 0), high + span * (0.1 + 0.022 * longest))
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.xaxis.set_major_locator(_few(3))
    _ticks(ax.xaxis, percent=picture.percent)
    ax.grid(axis="y", visible=False)


@_draw.register(Lines)
def _lines(picture: Lines, fig: Figure, place: Any) -> None:
    ax = axes(fig, title=fill(picture.title, _TITLE), x=picture.x, y=picture.y, place=(place,))
    if not picture.drawn:
        note(ax, picture.empty)
        return
    beside = _right(ax, picture) if any(line.right for line in picture.lines) else ax
    for i, band in enumerate(picture.bands):
        low, high = np.asarray(band.low, np.float64), np.asarray(band.high, np.float64)
        known = np.isfinite(low) & np.isfinite(high)
        ax.fill_between(
            band.x, low, high, where=known, color=COLOURS[0], alpha=0.2 + 0.14 * i, linewidth=0, label=band.name
        )
    styles = _styles(picture.lines)
    for line, style in zip(picture.lines, styles, strict=True):
        (beside if line.right else ax).plot(line.x, line.y, label=line.name, **style)
    for i, (name, value) in enumerate(picture.level.items()):
        ax.axhline(value, color=COLOURS[1], linewidth=1.2, linestyle=_DASHES[i % 3], label=name)
    for i, (name, value) in enumerate(picture.at.items()):
        ax.axvline(value, color=COLOURS[1], linewidth=1.2, linestyle=_DASHES[(i + 1) % 3], label=name)
    if all(float(value).is_integer() for line in picture.lines for value in line.x):
        ax.xaxis.set_major_locator(_few(9, whole=True))
    _ticks(ax.xaxis)
    _ticks(ax.yaxis, percent=picture.percent)
    for own, right in ((ax, False), (beside, True)):
        _open_up(own, [line for line in picture.lines if line.right is right])
    _legend(ax, beside)


def _open_up(ax: Axes, lines: Sequence[Line]) -> None:
    """Give a line that never moves an axis that begins at 0, in place of one around its only value."""
    values = {value for line in lines for value in line.y if value == value}
    if len(values) == 1 and (value := values.pop()) >= 0:
        ax.set_ylim(-0.03 * (value or 1.0), 1.2 * value or 1.0)


def _legend(ax: Axes, beside: Axes) -> None:
    handles, names = ax.get_legend_handles_labels()
    if beside is not ax:
        more, others = beside.get_legend_handles_labels()
        handles, names = [*handles, *more], [*names, *others]
    if len(names) > 1:
        ax.legend(handles, names, bbox_to_anchor=(1 if beside is ax else 1.13, 0.5), **_LEGEND)


def _right(ax: Axes, picture: Lines) -> Axes:
    """Return axes that share x and have their own y at the right, for shares."""
    beside: Axes = ax.twinx()
    beside.set_ylabel(picture.right, fontsize=9, color=INK)
    beside.tick_params(labelsize=8, colors=INK)
    beside.spines[["top", "left"]].set_visible(False)
    _ticks(beside.yaxis, percent=True)
    return beside


def _styles(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return how each line is drawn: colours for the main ones, dashes for those that are there for comparison."""
    main, pale, found = 0, 0, []
    for line in lines:
        style: dict[str, Any] = dict(_STYLES[line.style])
        if line.style == "pale":
            style["linestyle"] = _DASHES[pale % 3]
            pale += 1
        elif line.style != "past":
            style["color"] = COLOURS[(2 if line.right else 0) + main]
            main += 1
        if len(line.x) < 3 and "marker" not in style:
            style["marker"] = "o"
        found.append(style)
    return found


@_draw.register(Histogram)
def _histogram(picture: Histogram, fig: Figure, place: Any) -> None:
    ax = axes(fig, title=picture.title, x=picture.x, y="rows", place=(place,))
    values = np.asarray(picture.values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        note(ax, picture.empty)
        return
    ax.hist(values, bins=_BINS, color=COLOURS[0], alpha=0.85)
    for i, (name, value) in enumerate(picture.at.items()):
        ax.axvline(value, color=COLOURS[1 + i], linewidth=1.4, linestyle=_DASHES[i % 3], label=name)
    ax.yaxis.set_major_locator(_few(4, whole=True))
    _ticks(ax.xaxis)
    _ticks(ax.yaxis)
    _legend(ax, ax)


def _few(most: int, *, whole: bool = False) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, integer=whole)


def _short(name: str) -> str:
    text = str(name)
    return text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
