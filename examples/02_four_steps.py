"""The four steps of learning, by hand in NumPy and by the net: forward, loss, gradients, update.

Both columns must agree to rounding. The gradient is checked once more without any calculus: nudge a number of the
net, and see how the loss moves.
"""

from typing import Any

import numpy as np

from headwater import nn

rng = np.random.default_rng(0)
X, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
net = nn.Network(
    [nn.Dense(4, "tanh"), nn.Dense(1)], loss="mse", optimizer=nn.SGD(0.1), dtype="float64", seed=1, inputs=3
)
layers: Any = net.layers
(W1, b1), (W2, b2) = ((layer.weights.copy(), layer.bias.copy()) for layer in layers)


def show(step, by_hand, by_net):
    print(f"{step:<12} largest difference {np.abs(np.asarray(by_hand) - by_net).max():.1e}")


# 1. forward: what does the net say?
h = np.tanh(X @ W1 + b1)
p = h @ W2 + b2
show("forward", p, net.forward(X))

# 2. loss: how wrong is it, in one number?
show("loss", ((p - y) ** 2).mean(), net.loss(X, y))

# 3. gradients: which way is downhill, for every number? Backpropagation is the chain rule, from the last layer back
d2 = 2 * (p - y) / len(X)
G2, g2 = h.T @ d2, d2.sum(0)
d1 = d2 @ W2.T * (1 - h**2)
G1, g1 = X.T @ d1, d1.sum(0)
gradients = net.gradients(X, y)
nudged = np.zeros_like(gradients)
for i in range(len(gradients)):
    loss = []
    for nudge in (1e-6, -2e-6, 1e-6):  # up, down, and back to where it was
        net.parameters[i] += nudge
        loss.append(net.loss(X, y))
    nudged[i] = (loss[0] - loss[1]) / 2e-6
show("by nudging", nudged, gradients)

# 4. update: one step downhill
net.update(gradients)
show("update W1", W1 - 0.1 * G1, net.layers[0].weights)
show("update b1", b1 - 0.1 * g1, net.layers[0].bias)
show("update W2", W2 - 0.1 * G2, net.layers[1].weights)
show("update b2", b2 - 0.1 * g2, net.layers[1].bias)
