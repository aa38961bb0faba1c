"""A PyTorch module, trained in batches there, goes on learning row by row here, and goes back again.

The numbers are the same on both sides, so a service can start from a model that was trained elsewhere. After the change the old
answers are wrong: the net that goes on learning follows, the one that doesn't stays where it was. Needs PyTorch.
"""

import numpy as np
import torch

from headwater import nn

torch.manual_seed(1)
rng = np.random.default_rng(1)
X = rng.normal(size=(3_000, 6))
before, after = (X[:, 0] > X[:, 1] * X[:, 2]).astype(float), (X[:, 3] > X[:, 4]).astype(float)

module = torch.nn.Sequential(
    torch.nn.Linear(6, 32), torch.nn.LayerNorm(32), torch.nn.ReLU(), torch.nn.Linear(32, 1), torch.nn.Sigmoid()
).double()
optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
x, y = torch.from_numpy(X[:1_000]), torch.from_numpy(before[:1_000, None])
for _ in range(300):
    optimizer.zero_grad()
    torch.nn.functional.binary_cross_entropy(module(x), y).backward()
    optimizer.step()


def share(p, y):
    """Share of right answers among the last 500 rows."""
    return f"{np.mean((p.ravel()[-500:] > 0.5) == y[-500:]):.1%}"


def ask(net):
    """Predictions of a PyTorch module."""
    with torch.no_grad():
        return net(torch.from_numpy(X)).numpy()


net = nn.from_torch(module, loss="binary_cross_entropy", optimizer=nn.AdaGrad(0.05))
print("there and here, largest difference:", f"{np.abs(ask(module) - net.forward(X)).max():.0e}")
print("right before the change:", share(net.forward(X), before))

seen = net.learn_many(X[1_000:], after[1_000:])  # each row is predicted, then learned
print("right after the change, not learning:", share(ask(module), after))
print("right after the change, learning row by row:", share(seen, after))

back = net.to_torch()
print("and back in PyTorch, largest difference:", f"{np.abs(ask(back) - net.forward(X)).max():.0e}")
