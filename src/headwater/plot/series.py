"""Plot a series with its forecast and prediction interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from headwater.errors import DataError, counted
from headwater.plot.paper import COLOURS, INK, axes, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["forecast"]


def forecast(
    history: ArrayLike,
    said: ArrayLike,
    intervals: Sequence[tuple[float, float]] = (),
    *,
    times: Sequence[Any] | None = None,
    coverage: float = 0.9,
    name: str = "answer",
) -> Figure:
    """Plot the last values of a series and the forecast of the next ones.

    Parameters
    ----------
    history : sequence (n,)
        Values so far. NaN leaves a gap.
    said : sequence (h,)
        The forecast, as returned by ``Forecaster.forecast``.
    intervals : sequence of (float, float), optional
        Lower and upper bounds, as returned by ``Forecaster.forecast_interval``.
    times : sequence (n + h,), optional
        Times of all values, as numbers or dates; by default −n + 1, …, h, so that 1 is the first step ahead.
    coverage : float
        Coverage of the intervals, for the legend.
    name : str
        Name of the series.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If the number of times or intervals is wrong.
    MissingExtra
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = forecast([1.0, 2.0, 3.0], [4.0, 5.0], [(3.0, 5.0), (3.5, 6.5)])
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['so far', 'forecast']
    """
    past, ahead = np.asarray(history, np.float64), np.asarray(said, np.float64)
    when = list(range(1 - len(past), len(ahead) + 1)) if times is None else list(times)
    if len(when) != len(past) + len(ahead) or len(intervals) not in (0, len(ahead)):
        raise DataError(
            expected=f"{counted(len(past) + len(ahead), 'time')}, and {counted(len(ahead), 'interval')} or none",
            got=f"{counted(len(when), 'time')} and {counted(len(intervals), 'interval')}",
            at="plot.forecast",
            help="Give one for each answer and each forecast.",
        )
    fig = figure(8.0, 3.6)
    ax = axes(fig, title=f"{name}: the next {len(ahead)}", x="time" if times is not None else "steps from now", y=name)
    ax.plot(when[: len(past)], past, color=INK, linewidth=1.1, label="so far")
    then = when[len(past) :]
    if len(intervals):
        low, high = np.asarray(intervals, np.float64).T
        shown = np.isfinite(low) & np.isfinite(high)
        ax.fill_between(
            then,
            low,
            high,
            where=shown,
            color=COLOURS[0],
            alpha=0.18,
            linewidth=0,
            label=f"holds {coverage:.0%} of them",
        )
    ax.plot(then, ahead, color=COLOURS[0], linewidth=1.8, label="forecast")
    ax.legend(fontsize=8, frameon=False, loc="upper left", ncols=3)
    if times is not None:
        fig.autofmt_xdate()
    return fig
