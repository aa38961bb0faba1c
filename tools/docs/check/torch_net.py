"""The module that deep-river wraps in tools/docs/check/adapters.py: importable by name, as its ``load`` needs it."""

from __future__ import annotations

import torch


class Net(torch.nn.Module):
    """One hidden layer of 16 units."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.n_features, self.n_outputs = n_features, n_outputs
        self.hidden = torch.nn.Linear(n_features, 16)
        self.last = torch.nn.Linear(16, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.hidden(x)))
