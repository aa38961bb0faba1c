"""What a deep autoencoder gives back of MNIST, beside principal components: ``python -m benchmarks.trials.autoencoder [EPOCHS]``.

784-1000-500-250-30 and back, grey levels from 0 to 1, learned from the 60,000 training images; printed after each epoch: the mean of
Σ (x̂ − x)² over the 10,000 test images, and the time of the processor.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.data import data_file
from headwater import nn

CODE = 30


def main() -> None:
    """Print the error of the components, and of the net after each epoch."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with np.load(data_file("mnist.npz")) as file:
        X = file["X"].reshape(-1, 784).astype(np.float32) / 255
    train, test = X[:60_000], X[60_000:]
    mean = train.mean(0)
    _, vectors = np.linalg.eigh(np.cov(train.T))
    components = vectors[:, -CODE:]
    back = (test - mean) @ components @ components.T + mean
    print(f"{CODE} principal components: {((back - test) ** 2).sum(1).mean():.2f}", flush=True)
    rule = nn.Adam(nn.Cosine(0.001, epochs * 600))
    model = nn.Autoencoder([1000, 500, 250, CODE], inputs=784, loss="binary_cross_entropy", optimizer=rule, seed=1)
    begin = time.process_time()
    for epoch in range(1, epochs + 1):
        model.fit(train, batch_size=100)
        spent = time.process_time() - begin
        print(f"epoch {epoch}: {model.error(test).mean():.2f}, {spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
