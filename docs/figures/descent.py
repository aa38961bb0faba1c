"""Pictures of the chapters 4 to 11 that show a loss and the way down: curves, surfaces, paths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from headwater import nn
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure

BLUE, RED, GREEN = COLOURS[:3]


def losses() -> Figure:
    """Chapter 4: losses for numbers against the error, and of a probability whose answer is 1."""
    fig = figure(8.4, 3.4)
    ax = axes(fig, title="$y = 0$", x="$p - y$", y="loss", place=(1, 2, 1))
    guesses = np.linspace(-3, 3, 121)
    named = (
        (nn.Loss("mse"), "mse"),
        (nn.Loss("mae"), "mae"),
        (nn.Loss("huber", 1.0), "huber, a = 1"),
        (nn.Loss("quantile", 0.3), "quantile, a = 0.3"),
    )
    for (loss, name), colour in zip(named, COLOURS, strict=False):
        net = nn.Network([nn.Dense(1)], loss=loss, inputs=1, dtype="float64")
        costs = []
        for guess in guesses:
            net.layers[0].bias[:] = guess
            costs.append(net.loss([[0.0]], [0.0]))
        ax.plot(guesses, costs, color=colour, linewidth=1.8, label=name)
    ax.set_ylim(0, 4)
    ax.legend(frameon=False, fontsize=8)
    p = np.linspace(0.005, 1, 200)
    ax = axes(fig, title="$y = 1$", x="$p$", y="loss", place=(1, 2, 2))
    ax.plot(p, -np.log(p), color=RED, linewidth=1.8, label=r"cross-entropy, $-\ln p$")
    ax.plot(p, (p - 1) ** 2, color=BLUE, linewidth=1.8, label="$(p - 1)^2$")
    ax.set_ylim(0, 5)
    ax.legend(frameon=False, fontsize=8)
    return fig


def gradient_descent() -> Figure:
    """Chapter 5: ten steps down the bowl of one weight with three learning rates."""
    fig = figure(8.6, 3.0)
    w = np.linspace(-4.2, 10.2, 121)
    for i, lr in enumerate((0.01, 0.1, 1.03)):
        net = nn.Network([nn.Dense(1, bias=False)], loss="mse", optimizer=nn.SGD(lr), inputs=1, dtype="float64")
        net.layers[0].weights[:] = 0.0
        path = [0.0]
        for _ in range(10):
            net.update(net.gradients([[1.0]], [3.0]))
            path.append(net.layers[0].weights.item())
        ax = axes(fig, title=rf"$\eta$ = {lr}", x="$w$", y="$L$" if i == 0 else "", place=(1, 3, i + 1))
        ax.plot(w, (w - 3) ** 2, color=PALE, linewidth=1.2)
        ax.plot(path, (np.array(path) - 3) ** 2, "o-", color=RED, linewidth=1, markersize=4)
        ax.plot(path[0], 9, "o", color=INK, markersize=6)
        ax.set_ylim(-1, 40)
        ax.set_xlim(-4.2, 10.2)
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {"losses": losses, "gradient-descent": gradient_descent}
