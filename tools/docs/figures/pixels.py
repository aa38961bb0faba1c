"""The picture of the chapter on images: a digit, the kernels that a net has learned, and what moving does to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from headwater import nn
from headwater.plot.paper import figure

from .palette import BLUE, INK, ORANGE, SHADES, SIGNED

KERNELS, ROWS = 12, 3
SHIFTS = (-2, -1, 0, 1, 2)


def images() -> Figure:
    """Chapter 24: the kernels of a net that has read each digit once, and how it reads them when they are moved."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    shown, y = digits.images[:, None] / 16, digits.target
    convolutions = [nn.Conv(KERNELS, 3, "relu", padding=1), nn.Conv(24, 5, "relu", padding=2), nn.Pool(8), nn.Flatten()]
    nets = {"dense": [nn.Flatten(), nn.Dense(64, "relu")], "convolutional": convolutions}
    fig = figure(9.6, 2.7)
    grid = fig.add_gridspec(1, 3, width_ratios=(1, 1.3, 1.5))
    ax = fig.add_subplot(grid[0])
    ax.imshow(shown[0, 0], cmap=SHADES)
    ax.axis("off")
    cells = grid[1].subgridspec(ROWS, KERNELS // ROWS, wspace=0.12, hspace=0.12)
    bars = fig.add_subplot(grid[2])
    for (name, layers), colour, offset in zip(nets.items(), (ORANGE, BLUE), (-0.2, 0.2), strict=True):
        net = nn.Network(
            [*layers, nn.Dense(10)],
            loss="cross_entropy",
            optimizer=nn.Adam(0.003),
            inputs=(1, 8, 8),
            dtype="float64",
            seed=1,
        )
        net.learn_many(shown, y)
        right = [(net.predict(np.roll(shown, shift, axis=3)) == y).mean() for shift in SHIFTS]
        bars.bar(np.array(SHIFTS) + offset, right, width=0.38, color=colour, label=name)
    bars.set_xlabel("pixel", fontsize=9)
    bars.set_ylim(0, 1.25)
    bars.set_yticks([0, 0.5, 1])
    bars.set_title("accuracy", loc="left", fontsize=11, color=INK)
    bars.spines[["top", "right"]].set_visible(False)
    bars.legend(fontsize=8, frameon=False, loc="upper center", ncols=2)
    kernels = net.layers[0].weights[:, 0]  # of the last, which has them
    most = np.abs(kernels).max()
    for i, kernel in enumerate(kernels):
        ax = fig.add_subplot(cells[divmod(i, KERNELS // ROWS)])
        ax.imshow(kernel, cmap=SIGNED, vmin=-most, vmax=most)
        ax.axis("off")
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {"images": images}
