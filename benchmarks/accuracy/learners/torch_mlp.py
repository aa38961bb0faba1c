"""PyTorch: one hidden layer of 64 ReLU units, Adam with its defaults, row by row, over standardised rows."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.accuracy.learners.dense import Dense, Target
from benchmarks.accuracy.streams import Stream

PACKAGES = ("torch", "numpy")


class Mlp:
    """The network over the rows of a stream."""

    def __init__(self, stream: Stream, seed: int) -> None:
        """Draw the weights."""
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self._row, self._target = Dense(stream), Target()
        self._y = stream.y.tolist()
        self._classify = stream.task == "classify"
        outputs = len(stream.classes) if self._classify else 1
        self._net = torch.nn.Sequential(
            torch.nn.Linear(self._row.size, 64), torch.nn.ReLU(), torch.nn.Linear(64, outputs)
        )
        self._adam = torch.optim.Adam(self._net.parameters())
        self._loss: Any = torch.nn.CrossEntropyLoss() if self._classify else torch.nn.MSELoss()

    def _forward(self, i: int) -> Any:
        return self._net(torch.from_numpy(self._row(i)))

    def _said(self, out: Any) -> Any:
        out = out.detach()
        return torch.softmax(out, 0).numpy() if self._classify else self._target.back(out.item())

    def _update(self, i: int, out: Any) -> None:
        y = self._y[i]
        wanted = torch.tensor(y) if self._classify else torch.tensor([self._target.see(y)], dtype=torch.float32)
        self._adam.zero_grad()
        self._loss(out, wanted).backward()
        self._adam.step()

    def predict(self, i: int) -> Any:
        """Return probabilities or a number."""
        with torch.no_grad():
            return self._said(self._forward(i))

    def learn(self, i: int) -> None:
        """Take one step."""
        self._row.see(i)
        self._update(i, self._forward(i))

    def step(self, i: int) -> Any:
        """Predict and learn with one forward pass."""
        self._row.see(i)
        out = self._forward(i)
        said = self._said(out)
        self._update(i, out)
        return said


def make(name: str, stream: Stream, seed: int) -> Mlp:
    """Return the network."""
    return Mlp(stream, seed)
