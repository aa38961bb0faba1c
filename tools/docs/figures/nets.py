"""Pictures of the chapters 1 to 8 that show a net: its neurons and arrows, its bends, its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from headwater import nn
from headwater.plot.paper import axes, figure

from .palette import BLUE, INK, ORANGE, PALE, SIGNED

Place = tuple[int, int, int]
Point = tuple[float, float]


def drawing(fig: Figure, place: Place, width: float, height: float) -> Any:
    """Return an empty sheet of that many units, without axes."""
    ax = fig.add_subplot(*place)
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def unit(ax: Any, at: Point, text: str, colour: str = BLUE, size: float = 10) -> None:
    """Draw a neuron or an input with its letter."""
    ax.add_patch(Circle(at, 0.42, facecolor="white", edgecolor=colour, linewidth=1.6, zorder=5))
    ax.text(*at, text, ha="center", va="center", fontsize=size, color=INK, zorder=6)


def arrow(ax: Any, start: Point, end: Point, text: str = "", *, at: float = 0.5, colour: str = PALE) -> None:
    """Draw an arrow between two units, with a text on it at a share of the way."""
    a, b = np.array(start), np.array(end)
    along = 0.46 * (b - a) / np.linalg.norm(b - a)
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", b - along, a + along, arrowprops=style)
    if text:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        ink = INK if colour == PALE else colour
        ax.text(*(a + at * (b - a)), text, ha="center", va="center", fontsize=9, color=ink, bbox=paper, zorder=4)


def grid(low: float, high: float, count: int = 81) -> tuple[Any, Any, Any]:
    """Return the plane as two square arrays, and as rows for a net."""
    a, b = np.meshgrid(np.linspace(low, high, count), np.linspace(low, high, count))
    return a, b, np.column_stack([a.ravel(), b.ravel()])


def neuron() -> Figure:
    """Chapter 1: a neuron as a drawing, and what it says over the plane of its two inputs."""
    fig = figure(8.0, 3.2)
    ax = drawing(fig, (1, 2, 1), 6.6, 4.2)
    for y, i in ((3.4, 1), (1.6, 2)):
        unit(ax, (0.6, y), f"$x_{i}$", PALE)
        arrow(ax, (0.6, y), (3.0, 2.5), f"$w_{i}$", at=0.45)
    unit(ax, (3.0, 2.5), r"$\Sigma$")
    arrow(ax, (3.0, 0.7), (3.0, 2.5))
    ax.text(3.0, 0.75, "$b$", ha="center", fontsize=11, color=INK)
    arrow(ax, (3.0, 2.5), (4.7, 2.5), "$z$")
    unit(ax, (4.7, 2.5), "$f$", ORANGE)
    arrow(ax, (4.7, 2.5), (6.5, 2.5), "$y$")
    net = nn.Network([nn.Dense(1, "sigmoid")], inputs=2, dtype="float64")
    net.layers[0].weights[:], net.layers[0].bias[:] = [[0.5], [2.0]], -3.0
    ax = axes(fig, title="$y$", x="$x_1$", y="$x_2$", place=(1, 2, 2))
    x1, x2 = np.meshgrid(np.linspace(0, 10, 81), np.linspace(-0.2, 1.2, 57))
    y = net.forward(np.column_stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
    shades = ax.contourf(x1, x2, y, levels=np.linspace(0, 1, 11), cmap=SIGNED, alpha=0.75)
    line = ax.contour(x1, x2, y, levels=[0.5], colors=[INK], linewidths=1.4)
    ax.clabel(line, fmt="y = 0.5", fontsize=8)
    for point in ((1, 0), (4, 0), (4, 1), (8, 1)):
        ax.plot(*point, "o", color=INK, markersize=5)
    fig.colorbar(shades, ax=ax, ticks=[0, 0.5, 1])
    ax.set_yticks([0, 1])
    ax.grid(visible=False)
    return fig


def layers() -> Figure:
    """Chapter 2: the net that is the exclusive or, what its hidden layer makes of the cases, and what it says."""
    net = nn.Network([nn.Dense(2, "relu"), nn.Dense(1)], inputs=2, dtype="float64")
    first, last = net.layers
    first.weights[:], first.bias[:] = [[1.0, 1.0], [1.0, 1.0]], [0.0, -1.0]
    last.weights[:], last.bias[:] = [[1.0], [-2.0]], 0.0
    cases = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    hidden = np.maximum(0, cases @ first.weights + first.bias)
    fig = figure(9.0, 3.0)
    ax = drawing(fig, (1, 3, 1), 5.2, 4.4)
    inputs, middle, out = [(0.5, 3.2), (0.5, 1.2)], [(2.6, 3.2), (2.6, 1.2)], (4.7, 2.2)
    for i, at in enumerate(inputs):
        for j, to in enumerate(middle):
            arrow(ax, at, to, "1", at=0.3 if i != j else 0.5)
        unit(ax, at, f"$x_{i + 1}$", PALE)
    for j, at in enumerate(middle):
        arrow(ax, at, out, ("1", "−2")[j])
        unit(ax, at, f"$h_{j + 1}$")
        ax.text(at[0], at[1] - 0.75, f"b = {(0, -1)[j]}".replace("-", "−"), ha="center", fontsize=8, color=INK)
    unit(ax, out, "$p$", ORANGE)
    shown = axes(fig, title="$h$", x="$h_1$", y="$h_2$", place=(1, 3, 2))
    names = {(0.0, 0.0): "(0,0)", (1.0, 0.0): "(0,1)  (1,0)", (2.0, 1.0): "(1,1)"}
    for point, text in names.items():
        yes = point == (1.0, 0.0)
        shown.plot(*point, "o", color=BLUE if yes else ORANGE, markersize=9)
        shown.annotate(text, point, (0, -16), textcoords="offset points", ha="center", fontsize=8, color=INK)
    shown.plot([0.5, 2.7], [0.0, 1.1], "--", color=INK, linewidth=1.2)  # h1 − 2·h2 = ½
    shown.set_xlim(-0.5, 2.7)
    shown.set_ylim(-0.3, 1.5)
    assert {tuple(h) for h in hidden} == set(names)
    x1, x2, X = grid(-0.25, 1.25)
    ax = axes(fig, title="$p$", x="$x_1$", y="$x_2$", place=(1, 3, 3))
    p = net.predict(X).reshape(x1.shape)
    shades = ax.contourf(x1, x2, p, levels=np.linspace(-0.5, 1.0, 13), cmap=SIGNED, alpha=0.75, extend="both")
    ax.contour(x1, x2, p, levels=[0.5], colors=[INK], linewidths=1.2, linestyles="--")
    for (a, b), y in zip(cases, net.predict(cases), strict=True):
        ax.plot(a, b, "o", color=BLUE if y > 0.5 else ORANGE, markersize=9)
    fig.colorbar(shades, ax=ax, ticks=[0, 0.5, 1])
    ax.set_xticks([0, 1])
    ax.set_yticks([0, 1])
    ax.grid(visible=False)
    return fig


def activations() -> Figure:
    """Chapter 3: six activations with their slopes."""
    fig = figure(8.4, 4.4)
    z = np.linspace(-4, 4, 161)[:, None]
    for i, name in enumerate(("sigmoid", "tanh", "relu", "leaky_relu", "gelu", "silu")):
        net = nn.Network([nn.Dense(1, bias=False), nn.Activation(name)], inputs=1, dtype="float64")
        net.layers[0].weights[:] = 1.0
        slope = (net.predict(z + 1e-5) - net.predict(z - 1e-5)) / 2e-5
        ax = axes(fig, title=name, x="$z$" if i > 2 else "", y="", place=(2, 3, i + 1))
        ax.axhline(0, color=PALE, linewidth=0.6)
        ax.plot(z, net.predict(z), color=BLUE, linewidth=2, label="$f(z)$")
        ax.plot(z, slope, "--", color=ORANGE, linewidth=1.4, label="$f$′$(z)$")
        ax.set_ylim(-1.3, 2.2)
        if i == 0:
            ax.legend(frameon=False, fontsize=9, loc="upper left")
    return fig


def small() -> nn.Network:
    """Return the net that the chapters 6 to 9 follow with numbers."""
    net = nn.Network([nn.Dense(2, "tanh"), nn.Dense(1)], inputs=2, optimizer=nn.SGD(0.1), dtype="float64")
    net.layers[0].weights[:], net.layers[0].bias[:] = [[0.5, -1.0], [0.25, 0.5]], [0.0, 0.5]
    net.layers[1].weights[:], net.layers[1].bias[:] = [[2.0], [-1.0]], 0.5
    return net


def number(x: float, digits: int = 3) -> str:
    """Write a number with a real minus."""
    return f"{x:.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")


def with_numbers(*, back: bool) -> Figure:
    """Draw that net with what flows through it for x = (1, 2), and with the deltas that flow back for y = 1."""
    net, x, y = small(), np.array([1.0, 2.0]), 1.0
    first, last = net.layers
    z = x @ first.weights + first.bias
    h = np.tanh(z)
    p = (h @ last.weights + last.bias)[0]
    d2 = 2 * (p - y)
    d1 = last.weights[:, 0] * d2 * (1 - h * h)
    fig = figure(7.6, 3.6)
    ax = drawing(fig, (1, 1, 1), 10.6, 5.0)
    inputs, middle, out = [(0.7, 3.9), (0.7, 1.3)], [(4.6, 3.9), (4.6, 1.3)], (8.4, 2.6)
    for i, at in enumerate(inputs):
        for j, to in enumerate(middle):
            arrow(ax, at, to, number(first.weights[i, j], 2), at=0.28 if i != j else 0.5)
        unit(ax, at, number(x[i]), BLUE, 11)
        ax.text(at[0], at[1] + 0.62, f"$x_{i + 1}$", ha="center", fontsize=10, color=INK)
    for j, at in enumerate(middle):
        arrow(ax, at, out, number(last.weights[j, 0], 2))
        unit(ax, at, number(h[j]), BLUE, 9)
        label = f"$h_{j + 1}$ = tanh({number(z[j])})"
        ax.text(at[0], at[1] + 0.62, label, ha="center", fontsize=9, color=INK)
        low = rf"$\delta_{{1,{j + 1}}}$ = {number(d1[j], 4)}" if back else f"b = {number(first.bias[j])}"
        ax.text(at[0], at[1] - 0.82, low, ha="center", fontsize=9, color=ORANGE if back else PALE)
    unit(ax, out, number(p), BLUE, 9)
    ax.text(out[0] + 0.1, out[1] + 0.62, "$p$", ha="center", fontsize=10, color=INK)
    low = rf"$\delta_2$ = 2(p − y) = {number(d2, 4)}" if back else f"b = {number(last.bias[0])}"
    ax.text(
        out[0] + (1.0 if back else 0.0), out[1] - 0.95, low, ha="center", fontsize=9, color=ORANGE if back else PALE
    )
    if back:
        for at in middle:
            along = np.array(out) - at
            aside = 0.32 * np.array([-along[1], along[0]]) / np.linalg.norm(along) * (1 if at[1] > out[1] else -1)
            arrow(ax, tuple(np.array(out) + aside), tuple(np.array(at) + aside), colour=ORANGE)
        ax.text(10.0, 2.6, f"y = {number(y)}", ha="center", va="center", fontsize=10, color=INK)
    return fig


def forward_pass() -> Figure:
    """Chapter 6: the small net with its weights and what flows forward."""
    return with_numbers(back=False)


def backpropagation() -> Figure:
    """Chapter 8: the same, with the deltas that flow back."""
    return with_numbers(back=True)


PICTURES: dict[str, Callable[[], Figure]] = {
    "neuron": neuron,
    "layers": layers,
    "activations": activations,
    "forward-pass": forward_pass,
    "backpropagation": backpropagation,
}
