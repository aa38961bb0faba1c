"""Handwritten digits, read by a convolutional net that sees each of them once and says first what it is.

With HEADWATER_DATA set to a folder that holds mnist.npz (arrays X and y, see benchmarks/README.md) it reads MNIST, in some seconds;
without it scikit-learn's 1,797 digits of 8 by 8 pixels. The kernels that were learned are drawn with letters at the end.
"""

import os
from pathlib import Path

import numpy as np

from headwater import nn

MNIST = Path(os.environ.get("HEADWATER_DATA", "")) / "mnist.npz"


def digits():
    """Return images (n, channels, rows, columns) with pixels from 0 to 1, and which digit each is."""
    if MNIST.is_file():
        with np.load(MNIST) as data:
            return data["X"][:12_000].reshape(-1, 1, 28, 28) / 255.0, data["y"][:12_000].astype(int)
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[:, None] / 16, found.target


def main():
    """Read every digit once."""
    images, y = digits()
    layers = [nn.Conv(8, 3, "relu", padding=1), nn.Pool(2), nn.Conv(16, 3, "relu", padding=1), nn.Pool(2), nn.Flatten()]
    net = nn.Network(
        [*layers, nn.Dense(10)], loss="cross_entropy", optimizer=nn.Adam(0.003), inputs=images.shape[1:], seed=1
    )
    right = net.learn_many(images, y).argmax(axis=1) == y
    print(f"digits: {len(y):,}, parameters: {net.summary().parameters:,}")
    print(f"right before they were learned: first 300 {right[:300].mean():.1%}, last 500 {right[-500:].mean():.1%}")
    print("kernels, + above zero and - below:")
    kernels = np.sign(net.layers[0].weights[:, 0].round(1)).astype(int)
    for row in range(3):
        print("  ".join("".join("-.+"[1 + sign] for sign in kernel[row]) for kernel in kernels))


if __name__ == "__main__":
    main()
