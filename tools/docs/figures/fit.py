"""Pictures of the chapters 16 to 20: too much, too little, flat units, what holds a net back, few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import headwater as hw
from headwater import nn
from headwater.plot.paper import axes, figure

from .palette import BLUE, GREEN, INK, ORANGE, PALE, SIGNED, VIOLET


def overfitting() -> Figure:
    """Chapter 16: two nets over twenty noisy points, and the two losses along the way."""
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
    for units, colour in (((3,), GREEN), ((64, 64), ORANGE)):
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
            right.semilogx(marks, [b for _, b in losses], color=ORANGE, linewidth=1.8, label=f"{name}, fresh")
            right.semilogx(marks, [a for a, _ in losses], "--", color=ORANGE, linewidth=1.4, label=f"{name}, learned")
    right.axhline(0.16, color=PALE, linewidth=1.0, linestyle=":")
    left.plot(learned[0], learned[1], "o", color=INK, markersize=4)
    left.set_ylim(-2.2, 2.2)
    right.set_ylim(0, 1.3)
    left.legend(fontsize=8, frameon=False, loc="lower right")
    right.legend(fontsize=8, frameon=False, loc="upper center")
    return fig


def underfitting() -> Figure:
    """Chapter 17: the border of nets without hidden units, with three and with eight, around a ring."""
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
        ax.contourf(a, b, p.reshape(a.shape), levels=np.linspace(0, 1, 11), cmap=SIGNED, alpha=0.7)
        ax.contour(a, b, p.reshape(a.shape), levels=[0.5], colors=[INK], linewidths=1.6)
        for inside, colour in ((True, BLUE), (False, ORANGE)):
            some = X[:250][y[:250] == inside]
            ax.plot(some[:, 0], some[:, 1], ".", color=colour, markersize=3)
        ax.set_xlim(-3, 3)
        ax.set_ylim(-3, 3)
        ax.set_aspect("equal")
        ax.grid(visible=False)
    return fig


def rows_of_chapter_16(n: int = 2_000) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows on which chapter 18 tries its cures."""
    rng = np.random.default_rng(0)
    X, y = np.empty((n, 8)), np.empty(n, bool)
    for i in range(n):
        X[i] = rng.normal(size=8)
        y[i] = X[i, 0] * X[i, 1] + X[i, 2] > 0.3 * rng.normal()
    return X, y


def saturation() -> Figure:
    """Chapter 18: sigmoid, tanh and their slopes; the gradient on its way down eight layers; a sick net and its cures."""
    fig = figure(10.4, 3.2)
    z = np.linspace(-8, 8, 321)
    sigmoid, tanh = 1 / (1 + np.exp(-z)), np.tanh(z)
    ax = axes(fig, title=r"$\sigma(z)$, $\tanh(z)$", x="$z$", y="", place=(1, 3, 1))
    for low, high in ((-8, -4), (4, 8)):
        ax.axvspan(low, high, color=VIOLET, alpha=0.15, linewidth=0)
    ax.plot(z, sigmoid, color=BLUE, linewidth=1.8, label=r"$\sigma$")
    ax.plot(z, sigmoid * (1 - sigmoid), "--", color=BLUE, linewidth=1.4, label=r"$\sigma$′")
    ax.plot(z, tanh, color=ORANGE, linewidth=1.8, label=r"$\tanh$")
    ax.plot(z, 1 - tanh**2, "--", color=ORANGE, linewidth=1.4, label=r"$\tanh$′")
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    vanishing(axes(fig, title="gradient / that of layer 8", x="layer", y="", place=(1, 3, 2)))
    cures(axes(fig, title="accuracy, last 1,000 rows", x="", y="", place=(1, 3, 3)))
    return fig


def vanishing(ax: Any) -> None:
    """Draw the gradient of each of eight layers as a share of that of the last one."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 16)), rng.integers(0, 2, 200)
    sigmoid = nn.Activation("sigmoid")
    stacks: dict[str, tuple[str, list[Any]]] = {
        "ReLU": (GREEN, [nn.Dense(16, "relu")] * 8),
        "layer norm, sigmoid": (BLUE, [nn.Dense(16), nn.LayerNorm(), sigmoid] * 8),
        "batch norm, sigmoid": (VIOLET, [nn.Dense(16), nn.BatchNorm(), sigmoid] * 8),
        "sigmoid": (ORANGE, [nn.Dense(16, "sigmoid")] * 8),
    }
    for name, (colour, hidden) in stacks.items():
        layers, still = [*hidden, nn.Dense(1)], nn.SGD(1e-9)
        net = nn.Network(layers, loss="binary_cross_entropy", optimizer=still, dtype="float64", seed=1)
        net.fit(X, y, epochs=100)  # so that batch norm sees the rows; the weights stay
        net.parameters[:] = net.gradients(X, y)
        dense = [layer for layer in net.layers if layer.name == "Dense"][:8]
        sizes = np.array([np.abs(layer.weights).mean() for layer in dense])
        ax.semilogy(range(1, 9), sizes / sizes[-1], "o-", color=colour, linewidth=1.6, markersize=4, label=name)
    ax.legend(fontsize=8, frameon=False, loc="lower right")


def cures(ax: Any) -> None:
    """Draw the accuracy of a net whose units start saturated, and with each cure."""
    X, y = rows_of_chapter_16()
    wide, tanh = nn.Initializer("uniform", 5.0), nn.Activation("tanh")
    nets: dict[str, list[Any]] = {
        "saturated": [nn.Dense(32, "tanh", initializer=wide)] * 2,
        "ReLU": [nn.Dense(32, "relu", initializer=wide)] * 2,
        "batch norm": [nn.Dense(32, initializer=wide), nn.BatchNorm(), tanh] * 2,
        "Glorot": [nn.Dense(32, "tanh", initializer="glorot")] * 2,
        "layer norm": [nn.Dense(32, initializer=wide), nn.LayerNorm(), tanh] * 2,
        "layer norm, He, ReLU": [nn.Dense(32, initializer="he"), nn.LayerNorm(), nn.Activation("relu")] * 2,
    }
    for i, (name, hidden) in enumerate(nets.items()):
        model = hw.Classifier(layers=hidden, seed=1, dtype="float64")
        right = (model.learn_many(X, y) == y)[-1_000:].mean()
        ax.barh(i, right, height=0.6, color=ORANGE if name == "saturated" else BLUE)
        ax.text(right - 0.004, i, f"{right:.1%}", ha="right", va="center", fontsize=8, color="white")
    ax.set_yticks(range(len(nets)), nets)
    ax.set_xlim(0.6, 0.9)
    ax.set_xticks([0.6, 0.7, 0.8, 0.9], ["60%", "70%", "80%", "90%"])
    ax.invert_yaxis()
    ax.grid(visible=False)


def regularisation() -> Figure:
    """Chapter 19: the pull of each penalty, and twenty weights without, with L1 and with L2."""
    fig = figure(9.6, 2.9)
    ax = axes(fig, title=r"$-\partial / \partial w$", x="$w$", y="", place=(1, 3, 1))
    w = np.linspace(-2, 2, 201)
    ax.plot(w, -w, color=BLUE, linewidth=1.8, label="L2")
    for side in (w < 0, w > 0):
        ax.plot(w[side], -np.sign(w[side]), color=ORANGE, linewidth=1.8, label="L1" if side[0] else None)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.legend(fontsize=9, frameon=False)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 20))
    y = X[:, 0] - 2 * X[:, 1] + 0.5 * X[:, 2] + rng.normal(size=40)
    for i, (name, colour, penalty) in enumerate((("L1 = 0.1", ORANGE, {"l1": 0.1}), ("L2 = 0.1", BLUE, {"l2": 0.1}))):
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
    """Chapter 20: the error of a share by the number of rows, and four learners on a hundred wines."""
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
        "()": (VIOLET, {"hidden": ()}),
        "(256, 256)": (ORANGE, {"hidden": (256, 256)}),
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
