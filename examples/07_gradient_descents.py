"""Gradient descent four ways on one data set: batch, mini-batch, stochastic, online.

They differ in one thing: after how many rows a step is taken. All rows (batch), some (mini-batch), one
(stochastic): three values of `batch_size`. Online is stochastic descent without a second look: each row is
predicted first, which gives an honest score for free, then learned once, in the order in which it came.
"""

import numpy as np

from headwater import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(1_000, 4))
y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=1_000)
EPOCHS = 20


def net():
    """Return the same net with the same first weights each time."""
    return nn.Network(
        [nn.Dense(32, "tanh"), nn.Dense(1)], loss="mse", optimizer=nn.SGD(0.02), dtype="float64", seed=1, inputs=4
    )


print(f"{'':<12}{'rows a step':>12}{'steps':>8}{'loss':>8}   after {EPOCHS} epochs, from {net().loss(X, y):.3f}")
for name, size in (("batch", None), ("mini-batch", 50), ("stochastic", 1)):
    model = net()
    model.fit(X, y, epochs=EPOCHS, batch_size=size)
    rows = size or len(X)
    print(f"{name:<12}{rows:>12}{EPOCHS * len(X) // rows:>8}{model.loss(X, y):>8.3f}")

model = net()
y_pred = model.learn_many(X, y)  # the prediction made before each row was learned
print(f"{'online':<12}{1:>12}{len(X):>8}{model.loss(X, y):>8.3f}   after one pass")
print(f"online, its predictions while it learned: {((y_pred - y) ** 2).mean():.3f}")

once = net()
once.fit(X, y, epochs=1, batch_size=1, shuffle=False)
apart = np.abs(once.forward(X) - model.forward(X)).max()
print(f"largest difference to one stochastic epoch in the same order: {apart:.0e}")
