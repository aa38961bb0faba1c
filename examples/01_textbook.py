"""The textbook's first example, to the digit: one weight by least squares, then one sigmoid neuron.

Six points, x = 0 … 5 with y = 0, 0, 0, 1, 1, 1. The line y = w·x that fits them best has w = Σxy/Σx² = 12/55, and
batch gradient descent on ½·MSE finds it. But a line can't say yes or no: at x = 10 it says 2.18. A neuron with a
bias, a sigmoid and cross-entropy can.
"""

import numpy as np

from headwater import nn

X = np.arange(6.0)[:, None]
y = np.array([0, 0, 0, 1, 1, 1])
later = np.arange(6.0, 11.0)[:, None]

line = nn.Network(
    [nn.Dense(1, bias=False, initializer="zeros")],
    loss=nn.Loss("mse", 0.5),
    optimizer=nn.SGD(0.01),
    dtype="float64",
)
line.fit(X, y, epochs=1000)  # no batch_size: all six points in every step
weight = line.layers[0].weights[0, 0]
print(f"weight after 1,000 steps: {weight:.15f}")
print(f"12/55:                    {12 / 55:.15f}")
print("the line at 6 … 10:      ", *(f"{p:.6f}" for p in line.predict(later)))

neuron = nn.Network(
    [nn.Dense(1, initializer="zeros")],
    loss="binary_cross_entropy",  # brings its link: the sigmoid stands behind the last layer
    optimizer=nn.SGD(0.5),
    dtype="float64",
)
neuron.fit(X, y, epochs=2000)
print("the neuron at 0 … 5:     ", *(f"{p:.3f}" for p in neuron.predict(X)))
print("as classes:              ", *(neuron.predict(X) > 0.5).astype(int))
print("as classes at 6 … 10:    ", *(neuron.predict(later) > 0.5).astype(int))
