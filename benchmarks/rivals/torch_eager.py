"""PyTorch, eager, one thread: row by row as one writes it, and mini-batches without a DataLoader (which is slower).

One forward pass serves both the prediction and the gradient. In mini-batches ``fused=True`` is used for Adam,
the fastest of its three implementations; row by row the default is.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import initial, log_loss, mnist, teacher
from benchmarks.rivals.fresh import prepare_start


def network(sizes: list[int], seed: int) -> torch.nn.Sequential:
    """Return the ReLU network with the start that all rivals share."""
    layers: list[torch.nn.Module] = []
    for W, b in initial(sizes, seed):
        dense = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(W.T))
            dense.bias.copy_(torch.from_numpy(b))
        layers += [dense, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def prepare_arrays(spec: Spec) -> Run:
    """Return a run that learns the rows one by one in a Python loop."""
    options = spec["options"]
    X, y = (torch.from_numpy(array) for array in teacher(spec["rows"], options["sizes"][0], spec["seed"]))
    loss_function = torch.nn.BCEWithLogitsLoss()

    def learn(rows: int) -> tuple[float, list[float]]:
        net = network(options["sizes"], spec["seed"])
        rule: Any = torch.optim.SGD if options["rule"] == "sgd" else torch.optim.Adam
        optimizer = rule(net.parameters(), lr=options["lr"])
        proba: list[float] = []
        start = time.perf_counter()
        for x, target in zip(X[:rows], y[:rows], strict=True):
            logit = net(x)[0]
            proba.append(torch.sigmoid(logit.detach()).item())
            optimizer.zero_grad()
            loss_function(logit, target).backward()
            optimizer.step()
        return time.perf_counter() - start, proba

    def run() -> Pass:
        seconds, proba = learn(len(X))
        return Pass(seconds=seconds, rows=len(X), score=log_loss(y.numpy(), proba))

    learn(100)
    return run


def prepare_epochs(spec: Spec) -> Run:
    """Return a run of a few epochs of mini-batches over MNIST, scored on its test rows."""
    options = spec["options"]
    X, y, X_test, y_test = (torch.from_numpy(array) for array in mnist(spec["data"]))
    loss_function = torch.nn.CrossEntropyLoss()
    size: int = options["batch_size"]

    def epoch(net: torch.nn.Module, optimizer: Any, generator: torch.Generator, rows: int) -> None:
        order = torch.randperm(rows, generator=generator)
        for first in range(0, rows, size):
            batch = order[first : first + size]
            optimizer.zero_grad()
            loss_function(net(X[batch]), y[batch]).backward()
            optimizer.step()

    def learn(epochs: int, rows: int) -> tuple[float, torch.nn.Module]:
        net = network([784, options["hidden"], 10], spec["seed"])
        optimizer = torch.optim.Adam(net.parameters(), lr=options["lr"], fused=True)
        generator = torch.Generator().manual_seed(spec["seed"])
        start = time.perf_counter()
        for _ in range(epochs):
            epoch(net, optimizer, generator, rows)
        return time.perf_counter() - start, net

    def run() -> Pass:
        seconds, net = learn(options["epochs"], len(X))
        with torch.no_grad():
            accuracy = (net(X_test).argmax(1) == y_test).double().mean().item()
        return Pass(seconds=seconds, rows=options["epochs"] * len(X), score=accuracy, score_name="test accuracy")

    learn(1, 10 * size)
    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    kinds = {
        "arrays": prepare_arrays,
        "epochs": prepare_epochs,
        "start": lambda spec: prepare_start("import torch", spec),
    }
    serve("torch", ["torch", "numpy"], kinds)
