"""The plain net ends where PyTorch's own layers, losses and optimizers end after 200 steps, in float64."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest

from headwater import nn
from headwater.plain import ACTIVATIONS, LINKS, LOSSES, RULES, PlainNetwork, StepInfo
from support.packages.imports import when_used

torch = when_used(
    "torch",
    reason="no PyTorch, so the tests against it are SKIPPED. To run them: .venv/bin/python -m pip install torch",
)
TOLERANCE = 1e-11
F = when_used("torch.nn.functional")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def same(ours: np.ndarray, theirs, tolerance: float = TOLERANCE) -> None:
    theirs = theirs.detach().numpy()
    assert np.abs(ours - theirs).max() <= tolerance * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("row", ACTIVATIONS.values(), ids=lambda row: row.name)
def test_the_module_that_a_row_names_computes_the_same_value_and_slope(row):
    a = 0.3 if row.torch.constant else row.default
    more = {row.torch.constant: a} if row.torch.constant else {}
    module = getattr(torch.nn, row.torch.name)(**row.torch.required, **row.torch.written, **more)
    assert all(getattr(module, name) == value for name, value in row.torch.required.items())
    x = torch.linspace(-40, 40, 1001, dtype=torch.float64, requires_grad=True)
    y = module(x)
    y.sum().backward()
    X = x.detach().numpy()
    same(row.value(X, a), y, 1e-14)
    same(row.derivative(X, row.value(X, a), a), x.grad, 1e-14)


@pytest.mark.parametrize("link", [link for link in LINKS.values() if link.torch], ids=lambda link: link.name)
def test_the_module_that_a_link_names_computes_the_same(link):
    z = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    same(link.value(z.numpy()), getattr(torch.nn, link.torch.name)(**link.torch.required)(z), 1e-14)


@functools.cache
def torch_losses() -> dict[str, Callable]:
    """Return functions of (z, y): the mean over the samples."""
    return {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": lambda z, y: F.huber_loss(z, y, delta=1.0),
        "binary_cross_entropy": F.binary_cross_entropy_with_logits,
        "cross_entropy": F.cross_entropy,
        "hinge": lambda z, y: (1 - (2 * y - 1) * z).clamp(min=0).mean(),
        "poisson": F.poisson_nll_loss,
        "quantile": lambda z, y: torch.maximum(0.5 * (y - z), (0.5 - 1) * (y - z)).mean(),
    }


@pytest.mark.parametrize("row", LOSSES.values(), ids=lambda row: row.name)
def test_value_and_gradient_of_a_loss_are_pytorchs(row):
    rng = np.random.default_rng(0)
    z = torch.tensor(3 * rng.normal(size=(50, 3)), requires_grad=True)
    y = rng.dirichlet(np.ones(3), 50) if row.name == "cross_entropy" else rng.integers(0, 2, (50, 3)).astype(float)
    value = torch_losses()[row.name](z, torch.tensor(y))
    value.backward()
    same(row.value(z.detach().numpy(), y, row.default).mean(), value, 1e-13)
    same(row.gradient(z.detach().numpy(), y, row.default) / 50, z.grad, 1e-13)


OPTIMIZERS = {  # PyTorch's class and its arguments, for the usual numbers of our rule
    "sgd": ("SGD", {"lr": 0.01}),
    "momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {"lr": 0.01, "eps": 1e-10}),
    "rmsprop": ("RMSprop", {"lr": 0.001, "alpha": 0.9, "eps": 1e-8}),
    "adadelta": ("Adadelta", {"lr": 1.0, "rho": 0.95, "eps": 1e-6}),
    "adam": ("Adam", {"lr": 0.001}),
    "adamw": ("AdamW", {"lr": 0.001, "weight_decay": 0.01}),
    "amsgrad": ("Adam", {"lr": 0.001, "amsgrad": True}),
    "nadam": ("NAdam", {"lr": 0.002}),
}


@pytest.fixture
def wide():
    """PyTorch's numbers in float64, NAdam's running product among them."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_200_steps_of_a_rule_end_where_pytorchs_do(name):
    row, (kind, options) = RULES[name], OPTIMIZERS[name]
    rng = np.random.default_rng(1)
    w, s, product = rng.normal(size=7), np.zeros((row.states, 7)), 1.0
    numbers = tuple(row.numbers.values())
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = getattr(torch.optim, kind)([parameter], **options)
    for t in range(1, 201):
        g = rng.normal(size=7) * np.exp(rng.normal(size=7))
        product *= row.momentum(t, numbers) if row.momentum else 1.0
        w = row.step(w, g, s, StepInfo(row.lr, numbers, t, t, product))
        parameter.grad = torch.tensor(g)
        optimizer.step()
    same(w, parameter)


def module_of(net: PlainNetwork) -> torch.nn.Sequential:
    """The same net in PyTorch, with copies of its numbers."""
    modules: list[torch.nn.Module] = []
    for layer in net.layers:
        if layer.name == "Dense":
            modules.append(torch.nn.Linear(*layer.weights.shape, bias=layer.bias is not None))
            modules[-1].weight.data = torch.tensor(layer.weights.T.copy())
        elif layer.name == "Activation":
            modules.append(getattr(torch.nn, layer.row.torch.name)())
        elif layer.name == "LayerNorm":
            modules.append(torch.nn.LayerNorm(len(layer.weights), eps=layer.eps))
        else:
            modules.append(torch.nn.BatchNorm1d(len(layer.weights), momentum=layer.momentum))
        if layer.bias is not None:
            modules[-1].bias.data = torch.tensor(layer.bias.copy())
    return torch.nn.Sequential(*modules)


STACKS = {
    "dense": [nn.Dense(8, "tanh"), nn.Dense(6, "gelu"), nn.Dense(3)],
    "layer norm": [nn.Dense(8), nn.LayerNorm(), nn.Activation("silu"), nn.Dense(3)],
    # no bias in front of batch norm: its gradient would be pure rounding, which Adam makes into steps
    "batch norm": [nn.Dense(8, bias=False), nn.BatchNorm(0.3), nn.Activation("tanh"), nn.Dense(3)],
}


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("stack", STACKS)
def test_200_mini_batches_of_a_net_end_where_pytorchs_do(stack, optimizer):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(80, 5)), rng.normal(size=(80, 3))
    net = PlainNetwork(STACKS[stack], nn.Loss("mse"), nn.optimizer(optimizer), inputs=5, dtype="float64", seed=3)
    module, (kind, options) = module_of(net), OPTIMIZERS[optimizer]
    decay = options.get("weight_decay", 0.0)
    groups = [
        {"params": [p for p in module.parameters() if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in module.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    rule = getattr(torch.optim, kind)(groups, **{name: v for name, v in options.items() if name != "weight_decay"})
    module.train()
    for t in range(200):
        part = slice(t * 8 % 80, t * 8 % 80 + 8)
        net.step(net.gradient(X[part], y[part])[1])
        rule.zero_grad()
        F.mse_loss(module(torch.tensor(X[part])), torch.tensor(y[part])).backward()
        rule.step()
    module.eval()  # predictions use batch norm's running statistics
    same(net.forward(X), module(torch.tensor(X)), 1e-10)
    for part, other in zip(net.parameters, [m for m in module if list(m.parameters())], strict=True):
        same(part.weights, other.weight.T if part.name == "Dense" else other.weight, 1e-10)


@pytest.mark.usefixtures("wide")
def test_200_rows_of_a_stream_end_where_pytorchs_do():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 5))
    y = np.tanh(X @ rng.normal(size=(5, 3))).argmax(axis=1)
    layers = [nn.Dense(8, "relu"), nn.Dense(3)]
    net = PlainNetwork(layers, nn.Loss("cross_entropy"), nn.SGD(0.02), inputs=5, dtype="float64", seed=3)
    module = module_of(net)
    rule = torch.optim.SGD(module.parameters(), lr=0.02)
    for x, target in zip(X, y, strict=True):
        z = module(torch.tensor(x[None]))
        same(net.learn_row(x, target), torch.softmax(z, 1)[0])
        rule.zero_grad()
        F.cross_entropy(z, torch.tensor([target])).backward()
        rule.step()
    assert net.progress.undone == 0
    same(net.forward(X), torch.softmax(module(torch.tensor(X)), 1))
