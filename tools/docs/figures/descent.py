"""Pictures of the chapters 4 to 11 that show a loss and the way down: curves, surfaces, paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from headwater import nn
from headwater.plot.paper import axes, figure

from .palette import BLUE, COLOURS, INK, ORANGE, PALE


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
    ax.plot(p, -np.log(p), color=ORANGE, linewidth=1.8, label=r"cross-entropy, $-\ln p$")
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
        ax.plot(path, (np.array(path) - 3) ** 2, "o-", color=ORANGE, linewidth=1, markersize=4)
        ax.plot(path[0], 9, "o", color=INK, markersize=6)
        ax.set_ylim(-1, 40)
        ax.set_xlim(-4.2, 10.2)
    return fig


def surface(net: nn.Network, X: Any, y: Any, numbers: tuple[Any, Any], a: Any, b: Any) -> Any:
    """Return the loss over a grid (b, a) of two of a net's numbers, each given as a view of one element."""
    out = np.empty((len(b), len(a)))
    for i, j in np.ndindex(out.shape):
        numbers[0][...], numbers[1][...] = a[j], b[i]
        out[i, j] = net.loss(X, y)
    return out


def bands(ax: Any, a: Any, b: Any, values: Any) -> None:
    """Fill the bands of a map, each over all that lie below it, so that no seam shows between two."""
    side = ax.contourf(a, b, values, levels=14, cmap="viridis")
    levels, colours = side.levels, side.get_facecolor()
    side.remove()
    for low, colour in zip(levels, colours, strict=False):
        ax.contourf(a, b, values, levels=[low, levels[-1]], colors=[colour])


def the_loss() -> Figure:
    """Chapter 7: a valley, the same with a penalty, and two weights of a net with a hidden layer."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    X = np.column_stack([first, first + 0.1 * rng.normal(size=50)])
    y = X.sum(axis=1) + 0.1 * rng.normal(size=50)
    fig = figure(8.8, 3.0)
    w = np.linspace(-4, 6, 41)
    for i, l2 in enumerate((0.0, 0.1)):
        net = nn.Network([nn.Dense(1)], l2=l2, inputs=2, dtype="float64")
        net.layers[0].bias[:] = 0.0
        weights = net.layers[0].weights
        J = surface(net, X, y, (weights[0], weights[1]), w, w)
        ax = axes(fig, title=rf"$\lambda_2$ = {l2:g}", x="$w_1$", y="$w_2$", place=(1, 3, i + 1))
        bands(ax, w, w, np.log10(J))
        low = np.unravel_index(J.argmin(), J.shape)
        ax.plot(w[low[1]], w[low[0]], "o", color="white", markersize=6)
        ax.grid(visible=False)
    net = nn.Network([nn.Dense(2, "tanh"), nn.Dense(1)], inputs=1, dtype="float64")
    net.layers[0].bias[:] = [1.0, -1.0]
    net.layers[1].weights[:], net.layers[1].bias[:] = [[1.0], [-1.0]], -0.4
    x = np.linspace(-2, 2, 21)[:, None]
    hidden = net.layers[0].weights
    hidden[:] = [[3.0, 3.0]]
    answers = net.predict(x)
    w = np.linspace(-6, 6, 49)
    J = surface(net, x, answers, (hidden[0, :1], hidden[0, 1:]), w, w)
    ax = axes(fig, title="tanh", x="$w_1$", y="$w_2$", place=(1, 3, 3))
    bands(ax, w, w, np.log10(J + 1e-3))
    ax.plot(3, 3, "o", color="white", markersize=6)
    ax.grid(visible=False)
    return fig


def update() -> Figure:
    """Chapter 9: the ways of four rules through a valley that is a hundred times as steep across as along."""
    X, y = [[1.0, 0.0], [0.0, 10.0]], [1.0, 10.0]
    fig = figure(8.6, 3.6)
    a, b = np.meshgrid(np.linspace(-2.4, 2.2, 93), np.linspace(-0.4, 2.4, 57))
    J = ((a - 1) ** 2 + (10 * b - 10) ** 2) / 2
    rules = (nn.SGD(0.018), nn.Momentum(0.018), nn.Adam(0.1), nn.COCOB())
    for i, rule in enumerate(rules):
        net = nn.Network([nn.Dense(1, bias=False)], optimizer=rule, inputs=2, dtype="float64")
        net.layers[0].weights[:] = [[-2.0], [2.0]]
        path = [net.layers[0].weights.ravel().copy()]
        for _ in range(40):
            net.update(net.gradients(X, y))
            path.append(net.layers[0].weights.ravel().copy())
        x1, x2 = np.array(path).T
        names = {"x": "$w_1$" if i > 1 else "", "y": "$w_2$" if i % 2 == 0 else ""}
        ax = axes(fig, title=type(rule).__name__, place=(2, 2, i + 1), **names)
        ax.contour(a, b, J, levels=np.geomspace(0.1, 80, 10), colors=[PALE], linewidths=0.6)
        ax.plot(x1, x2, "o-", color=COLOURS[i], linewidth=1, markersize=2.5)
        ax.plot(1, 1, "*", color=INK, markersize=9)
        ax.set_xlim(-2.4, 2.2)
        ax.set_ylim(-0.4, 2.4)
        ax.grid(visible=False)
    return fig


def batch_to_online() -> Figure:
    """Chapter 10: the loss on all rows against the rows that were looked at."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_000, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=1_000)

    def net() -> nn.Network:
        layers = [nn.Dense(32, "tanh"), nn.Dense(1)]
        return nn.Network(layers, loss="mse", optimizer=nn.SGD(0.02), inputs=4, dtype="float64", seed=1)

    fig = figure(7.2, 3.4)
    ax = axes(fig, title="", x="rows", y="loss")
    epochs = np.arange(21)
    for (name, size), colour in zip(
        (("batch", None), ("mini-batch, 50", 50), ("stochastic", 1)), COLOURS, strict=False
    ):
        model = net()
        losses = [model.loss(X, y)]
        for _ in epochs[1:]:
            model.fit(X, y, batch_size=size)
            losses.append(model.loss(X, y))
        ax.plot(1_000 * epochs, losses, "o-", color=colour, linewidth=1.6, markersize=3, label=name)
    model = net()
    losses = [model.loss(X, y)]
    for at in range(0, 1_000, 100):
        model.learn_many(X[at : at + 100], y[at : at + 100])
        losses.append(model.loss(X, y))
    ax.plot(np.arange(0, 1_001, 100), losses, "o-", color=COLOURS[3], linewidth=1.6, markersize=3, label="online")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_ylim(0, None)
    ax.legend(frameon=False, fontsize=8)
    return fig


def worked_example() -> Figure:
    """Chapter 11: six points, the line by least squares, and the sigmoid neuron."""
    X = np.arange(6.0)[:, None]
    y = np.array([0, 0, 0, 1, 1, 1])
    neuron = nn.Network(
        [nn.Dense(1, initializer="zeros")], loss="binary_cross_entropy", optimizer=nn.SGD(0.5), dtype="float64"
    )
    neuron.fit(X, y, epochs=2_000)
    x = np.linspace(-0.5, 10.2, 215)
    fig = figure(7.2, 3.4)
    ax = axes(fig, title="", x="$x$", y="$p$")
    ax.plot(x, 12 / 55 * x, color=BLUE, linewidth=1.8, label="$p = 12/55 \\cdot x$")
    ax.plot(x, neuron.predict(x[:, None]), color=ORANGE, linewidth=1.8, label=r"$p = \sigma(w x + b)$")
    ax.axhline(0.5, color=PALE, linewidth=0.8, linestyle="--")
    ax.plot(X, y, "o", color=INK, markersize=6)
    ax.set_yticks([0, 0.5, 1, 1.5, 2])
    ax.legend(frameon=False, fontsize=9)
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {
    "losses": losses,
    "gradient-descent": gradient_descent,
    "the-loss": the_loss,
    "update": update,
    "batch-to-online": batch_to_online,
    "worked-example": worked_example,
}
