"""Pictures of the chapters 14 to 18: too much, too little, flat units, what holds a net back, few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import headwater as hw
from headwater import nn
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure

BLUE, RED, GREEN, PINK, ORANGE = COLOURS[:5]


def overfitting() -> Figure:
    """Chapter 14: two nets over twenty noisy points, and the two losses along the way."""
    rng = np.random.default_rng(2)

    def rows(n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        X = rng.uniform(-2, 2, (n, 1))
        return X, np.sin(2 * X[:, 0]) + 0.4 * rng.normal(size=n)

    learned, fresh = rows(20), rows(1_000)
    at = np.linspace(-2, 2, 300)[:, None]
    fig = figure(9.0, 3.2)
    left = axes(fig, title="$f(x)$", x="$x$", y="$y$", place=(1, 2, 1))
    right = axes(fig, title="$L$", x="epochs", y="", place=(1, 2, 2))
    left.plot(at, np.sin(2 * at), "--", color=PALE, linewidth=1.2, label=r"$\sin 2x$")
    for units, colour in (((3,), GREEN), ((64, 64), RED)):
        layers = [*(nn.Dense(m, "tanh") for m in units), nn.Dense(1)]
        net = nn.Network(layers, optimizer=nn.Adam(0.01), dtype="float64", seed=1)
        net.fit(*learned, epochs=1)
        marks, losses = [1], [(net.loss(*learned), net.loss(*fresh))]
        for epochs in np.unique(np.geomspace(2, 5_000, 40).astype(int)).tolist():
            net.fit(*learned, epochs=epochs - marks[-1])
            marks.append(epochs)
            losses.append((net.loss(*learned), net.loss(*fresh)))
        name = "-".join(map(str, (1, *units, 1)))
        left.plot(at, net.predict(at), color=colour, linewidth=1.6, label=name)
        if len(units) == 2:
            right.semilogx(marks, [b for _, b in losses], color=RED, linewidth=1.8, label=f"{name}, fresh")
            right.semilogx(marks, [a for a, _ in losses], "--", color=RED, linewidth=1.4, label=f"{name}, learned")
    right.axhline(0.16, color=PALE, linewidth=1.0, linestyle=":")
    left.plot(learned[0], learned[1], "o", color=INK, markersize=4)
    left.set_ylim(-2.2, 2.2)
    right.set_ylim(0, 1.3)
    left.legend(fontsize=8, frameon=False, loc="lower right")
    right.legend(fontsize=8, frameon=False, loc="upper center")
    return fig


def underfitting() -> Figure:
    """Chapter 15: the border of nets without hidden units, with three and with eight, around a ring."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 2))
    y = (X**2).sum(1) < 1.4
    grid = np.linspace(-3, 3, 81)
    a, b = np.meshgrid(grid, grid)
    fig = figure(9.2, 3.1)
    for i, hidden in enumerate(((), (3,), (8,))):
        model = hw.Classifier(hidden, seed=1, dtype="float64")
        right = model.learn_many(X, y) == y
        p = model.predict_proba_many(np.column_stack([a.ravel(), b.ravel()]))[:, model.classes.index(True)]
        ax = axes(
            fig, title=f"{hidden}: {right[-1000:].mean():.1%}", x="$a$", y="$b$" if i == 0 else "", place=(1, 3, i + 1)
        )
        ax.contourf(a, b, p.reshape(a.shape), levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.7)
        ax.contour(a, b, p.reshape(a.shape), levels=[0.5], colors=[INK], linewidths=1.6)
        for inside, colour in ((True, RED), (False, BLUE)):
            some = X[:250][y[:250] == inside]
            ax.plot(some[:, 0], some[:, 1], ".", color=colour, markersize=3)
        ax.set_xlim(-3, 3)
        ax.set_ylim(-3, 3)
        ax.set_aspect("equal")
        ax.grid(visible=False)
    return fig


def saturation() -> Figure:
    """Chapter 16: sigmoid, tanh and their slopes; the gradient of each of eight layers."""
    fig = figure(9.0, 3.2)
    z = np.linspace(-8, 8, 321)
    sigmoid, tanh = 1 / (1 + np.exp(-z)), np.tanh(z)
    ax = axes(fig, title=r"$\sigma(z)$, $\tanh(z)$", x="$z$", y="", place=(1, 2, 1))
    for low, high in ((-8, -4), (4, 8)):
        ax.axvspan(low, high, color=ORANGE, alpha=0.15, linewidth=0)
    ax.plot(z, sigmoid, color=BLUE, linewidth=1.8, label=r"$\sigma$")
    ax.plot(z, sigmoid * (1 - sigmoid), "--", color=BLUE, linewidth=1.4, label=r"$\sigma'$")
    ax.plot(z, tanh, color=RED, linewidth=1.8, label=r"$\tanh$")
    ax.plot(z, 1 - tanh**2, "--", color=RED, linewidth=1.4, label=r"$\tanh'$")
    ax.legend(fontsize=9, frameon=False, loc="upper left")
    ax = axes(fig, title=r"$|\partial L / \partial w|$", x="layer", y="", place=(1, 2, 2))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 16)), rng.integers(0, 2, 200)
    stacks: dict[str, tuple[str, list[Any]]] = {
        "ReLU": (GREEN, [nn.Dense(16, "relu")] * 8),
        "layer norm, sigmoid": (ORANGE, [nn.Dense(16), nn.LayerNorm(), nn.Activation("sigmoid")] * 8),
        "sigmoid": (BLUE, [nn.Dense(16, "sigmoid")] * 8),
    }
    for name, (colour, hidden) in stacks.items():
        net = nn.Network([*hidden, nn.Dense(1)], loss="binary_cross_entropy", inputs=16, dtype="float64", seed=1)
        net.parameters[:] = net.gradients(X, y)
        dense = [layer for layer in net.layers if layer.weights.shape[0] > 1][:8]
        sizes = [np.abs(layer.weights).mean() for layer in dense]
        ax.semilogy(range(1, 9), sizes, "o-", color=colour, linewidth=1.6, markersize=4, label=name)
    ax.legend(fontsize=9, frameon=False)
    return fig


def regularisation() -> Figure:
    """Chapter 17: the pull of each penalty, and twenty weights without, with L1 and with L2."""
    fig = figure(9.6, 2.9)
    ax = axes(fig, title=r"$-\partial / \partial w$", x="$w$", y="", place=(1, 3, 1))
    w = np.linspace(-2, 2, 201)
    ax.plot(w, -w, color=BLUE, linewidth=1.8, label="L2")
    for side in (w < 0, w > 0):
        ax.plot(w[side], -np.sign(w[side]), color=RED, linewidth=1.8, label="L1" if side[0] else None)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.legend(fontsize=9, frameon=False)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 20))
    y = X[:, 0] - 2 * X[:, 1] + 0.5 * X[:, 2] + rng.normal(size=40)
    for i, (name, colour, penalty) in enumerate((("L1 = 0.1", RED, {"l1": 0.1}), ("L2 = 0.1", BLUE, {"l2": 0.1}))):
        ax = axes(fig, title=name, x="$j$", y="$w_j$" if i == 0 else "", place=(1, 3, i + 2))
        for shade, how in ((PALE, {}), (colour, penalty)):
            net = nn.Network(
                [nn.Dense(1)], loss=nn.Loss("mse", 0.5), optimizer=nn.SGD(0.01), dtype="float64", seed=1, **how
            )
            net.fit(X, y, epochs=3_000)
            ax.plot(range(1, 21), net.layers[0].weights.ravel(), "o", color=shade, markersize=4)
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.set_xticks([1, 5, 10, 15, 20])
    return fig


def small_data() -> Figure:
    """Chapter 18: the error of a share by the number of rows, and four learners on a hundred wines."""
    from sklearn.datasets import load_wine

    fig = figure(9.0, 3.1)
    ax = axes(fig, title=r"$p \pm 2s$, $p = 0.8$", x="$n$", y="", place=(1, 2, 1))
    n = np.geomspace(20, 10_000, 100)
    s = np.sqrt(0.8 * 0.2 / n)
    ax.fill_between(n, 0.8 - 2 * s, 0.8 + 2 * s, color=BLUE, alpha=0.25, linewidth=0)
    ax.axhline(0.8, color=BLUE, linewidth=1.6)
    ax.set_xscale("log")
    ax.set_ylim(0.6, 1)
    X, y = load_wine(return_X_y=True)
    ax = axes(fig, title="accuracy, last 20 rows", x="t", y="", place=(1, 2, 2))
    settings: dict[str, tuple[str, dict[str, Any]]] = {
        "default": (GREEN, {}),
        "(32,)": (BLUE, {"hidden": (32,)}),
        "()": (ORANGE, {"hidden": ()}),
        "(256, 256)": (RED, {"hidden": (256, 256)}),
    }
    for name, (colour, setting) in settings.items():
        right = np.zeros(100)
        for seed in range(10):
            order = np.random.default_rng(seed).permutation(len(y))[:100]
            model = hw.Classifier(seed=seed, dtype="float64", **setting)
            right += model.learn_many(X[order], y[order]) == y[order]
        mean = np.convolve(right / 10, np.ones(20) / 20, "valid")
        ax.plot(range(20, 101), mean, color=colour, linewidth=1.8, label=name)
    ax.legend(fontsize=9, frameon=False, loc="lower right")
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {
    "overfitting": overfitting,
    "underfitting": underfitting,
    "saturation": saturation,
    "regularisation": regularisation,
    "small-data": small_data,
}
