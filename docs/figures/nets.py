"""Pictures of the chapters 1 to 8 that show a net: its neurons and arrows, its bends, its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from headwater import nn
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure

BLUE, RED, GREEN = COLOURS[:3]


def drawing(fig: Figure, place: tuple[int, int, int], width: float, height: float) -> Any:
    """Return an empty sheet of that many units, without axes."""
    ax = fig.add_subplot(*place)
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def unit(ax: Any, at: tuple[float, float], text: str, colour: str = BLUE, radius: float = 0.42) -> None:
    """Draw a neuron or an input with its letter."""
    ax.add_patch(Circle(at, radius, facecolor="white", edgecolor=colour, linewidth=1.6, zorder=3))
    ax.text(*at, text, ha="center", va="center", fontsize=10, color=INK, zorder=4)


def arrow(
    ax: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    text: str = "",
    *,
    at: float = 0.5,
    lift: float = 0.2,
    colour: str = PALE,
    gap: float = 0.46,
) -> None:
    """Draw an arrow between two units, with a text at a share of the way."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", b - gap * along, a + gap * along, arrowprops=style)
    if text:
        x, y = a + at * (b - a)
        shown = colour if colour != PALE else INK
        ax.text(x, y + lift, text, ha="center", va="center", fontsize=9, color=shown, zorder=5)


def neuron() -> Figure:
    """Chapter 1: a neuron as a drawing, and what it says over the plane of its two inputs."""
    fig = figure(8.0, 3.2)
    ax = drawing(fig, (1, 2, 1), 6.6, 4.2)
    for y, i in ((3.3, 1), (1.7, 2)):
        unit(ax, (0.6, y), f"$x_{i}$", PALE)
        arrow(ax, (0.6, y), (3.0, 2.5), f"$w_{i}$", at=0.45, lift=0.3 if i == 1 else -0.3)
    unit(ax, (3.0, 2.5), r"$\Sigma$")
    arrow(ax, (3.0, 0.7), (3.0, 2.5), gap=0.45)
    ax.text(3.0, 0.75, "$b$", ha="center", fontsize=11, color=INK)
    arrow(ax, (3.0, 2.5), (4.7, 2.5), "$z$")
    unit(ax, (4.7, 2.5), "$f$", RED)
    arrow(ax, (4.7, 2.5), (6.5, 2.5), "$y$")
    net = nn.Network([nn.Dense(1, "sigmoid")], inputs=2, dtype="float64")
    net.layers[0].weights[:], net.layers[0].bias[:] = [[0.5], [2.0]], -3.0
    ax = axes(fig, title="$y$", x="$x_1$", y="$x_2$", place=(1, 2, 2))
    x1, x2 = np.meshgrid(np.linspace(0, 10, 81), np.linspace(-0.2, 1.2, 57))
    y = net.forward(np.column_stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
    shades = ax.contourf(x1, x2, y, levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.75)
    line = ax.contour(x1, x2, y, levels=[0.5], colors=[INK], linewidths=1.4)
    ax.clabel(line, fmt="y = 0.5", fontsize=8)
    for point in ((1, 0), (4, 0), (4, 1), (8, 1)):
        ax.plot(*point, "o", color=INK, markersize=5)
    fig.colorbar(shades, ax=ax, ticks=[0, 0.5, 1])
    ax.set_yticks([0, 1])
    ax.grid(visible=False)
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {"neuron": neuron}
