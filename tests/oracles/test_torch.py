"""Fourth proof: 1,000 steps on one stream end where PyTorch's own layers, losses and optimizers end.

In float64 both round at 2⁻⁵³, in another order; over 1,000 steps of small smooth nets that grows to some 1e-13,
and a bar of 1e-10 (of the largest parameter) still tells any other formula apart. What has no counterpart there
(FTRL, COCOB, dropout's own random numbers, batch norm one row at a time) is proven against ``headwater.plain`` only.

Without PyTorch these tests are skipped, and said to be: ``make test`` prints a note before it runs, pytest the
reason after.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest

from headwater import nn
from headwater.nn.core import STEPS as TAKEN
from headwater.nn.core import UNDONE
from headwater.plain import LOSSES
from support.nets import unsettle
from support.packages.imports import when_used

torch = when_used(
    "torch",
    reason="no PyTorch, so the tests against it are SKIPPED. To run them: .venv/bin/python -m pip install torch",
)
TOLERANCE, STEPS = 1e-10, 1_000

# Ours, PyTorch's class, its arguments. Weight decay is for weights, in a group of their own; biases have none.
OPTIMIZERS = {
    "sgd": (nn.SGD(0.02), "SGD", {"lr": 0.02}),
    "momentum": (nn.Momentum(0.01), "SGD", {"lr": 0.01, "momentum": 0.9}),
    "nesterov": (nn.Nesterov(0.01), "SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": (nn.AdaGrad(0.05), "Adagrad", {"lr": 0.05, "eps": 1e-10}),
    "rmsprop": (nn.RMSProp(0.002, rho=0.95), "RMSprop", {"lr": 0.002, "alpha": 0.95, "eps": 1e-8}),
    "adadelta": (nn.Adadelta(1.0, rho=0.9), "Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    "adam": (nn.Adam(0.005), "Adam", {"lr": 0.005}),
    "adamw": (nn.AdamW(0.005, weight_decay=0.05), "AdamW", {"lr": 0.005, "weight_decay": 0.05}),
    "amsgrad": (nn.AMSGrad(0.005), "Adam", {"lr": 0.005, "amsgrad": True}),
    "nadam": (nn.NAdam(0.005), "NAdam", {"lr": 0.005}),
}
F = when_used("torch.nn.functional")


@functools.cache
def torch_losses() -> dict[str, Callable]:
    """Return functions of (z, y); y is (n, k), or for cross-entropy class numbers or probabilities."""
    return {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": lambda z, y: F.huber_loss(z, y, delta=0.7),
        "binary_cross_entropy": F.binary_cross_entropy_with_logits,
        "cross_entropy": F.cross_entropy,
        "hinge": lambda z, y: (1 - (2 * F.one_hot(y, z.shape[1]) - 1) * z).clamp(min=0).mean(),
        "poisson": F.poisson_nll_loss,
        "quantile": lambda z, y: torch.maximum(0.3 * (y - z), (0.3 - 1) * (y - z)).mean(),
    }


OURS = {"huber": nn.Loss("huber", 0.7), "quantile": nn.Loss("quantile", 0.3)}
ACTIVATIONS = {  # PyTorch's class and its arguments
    "identity": ("Identity", {}),
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "elu": ("ELU", {}),
    "selu": ("SELU", {}),
    "gelu": ("GELU", {}),
    "silu": ("SiLU", {}),
    "softplus": ("Softplus", {"threshold": 50}),  # its own 20 is an approximation
    "hard_tanh": ("Hardtanh", {}),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def activation(name: str) -> torch.nn.Module:
    kind, options = ACTIVATIONS[name]
    return getattr(torch.nn, kind)(**options)


def bag(rows: int, units: int) -> torch.nn.EmbeddingBag:
    """The bag whose ids come as floats."""

    class Bag(torch.nn.EmbeddingBag):
        def forward(self, ids):
            return super().forward(ids.long())

    return Bag(rows, units, mode="sum")


def module_of(net: nn.Network) -> torch.nn.Sequential:
    """The same stack in PyTorch, with copies of the net's parameters."""
    places = {place.layer: part for place, part in zip(net.core.places(), net.layers, strict=True)}
    found: list[torch.nn.Module] = []
    for i, layer in enumerate(net.expert.layers):
        part = places.get(i)
        if isinstance(layer, nn.Dense):
            n, m = part.weights.shape
            found += [torch.nn.Linear(n, m, bias=layer.bias), activation(layer.activation)]
            copy(found[-2].weight, part.weights.T)
        elif isinstance(layer, nn.Embedding):
            found.append(bag(layer.rows, layer.units))
            copy(found[-1].weight, part.weights)
        elif isinstance(layer, nn.LayerNorm):
            found.append(torch.nn.LayerNorm(part.weights.shape, eps=layer.eps))
            copy(found[-1].weight, part.weights)
        elif isinstance(layer, nn.BatchNorm):
            found.append(torch.nn.BatchNorm1d(len(part.weights), momentum=layer.momentum))
            copy(found[-1].weight, part.weights)
        else:
            found.append(activation(layer.name))
        if part is not None and part.bias is not None:
            copy(next(m for m in reversed(found) if list(m.parameters())).bias, part.bias)
    return torch.nn.Sequential(*found).double()


def copy(parameter: torch.nn.Parameter, array: np.ndarray) -> None:
    parameter.data = torch.tensor(np.array(array, np.float64))


def optimizer_of(module: torch.nn.Module, kind: str, options: dict, l2: float = 0.0) -> torch.optim.Optimizer:
    """PyTorch's optimizer: weights in one group, biases, gains and shifts in another that doesn't decay."""
    decay = options.get("weight_decay", l2)
    weights = [p for name, p in module.named_parameters() if p.ndim == 2]
    others = [p for name, p in module.named_parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": decay}]
    groups += [{"params": others, "weight_decay": 0.0}] if others else []
    return getattr(torch.optim, kind)(groups, **{k: v for k, v in options.items() if k != "weight_decay"})


def train(module, optimizer, loss, X, y, size: int, steps: int, clip: float = 0.0) -> None:
    X, y = torch.tensor(X), torch.tensor(y)
    module.train()
    # NAdam keeps its running product in the default type, and float32 would cost 2e-10.
    torch.set_default_dtype(torch.float64)
    for t in range(steps):
        at = t * size % len(X)
        optimizer.zero_grad()
        loss(module(X[at : at + size]), y[at : at + size]).backward()
        if clip:
            torch.nn.utils.clip_grad_value_(module.parameters(), clip)
        optimizer.step()
    torch.set_default_dtype(torch.float32)


def assert_same(net: nn.Network, module: torch.nn.Sequential) -> None:
    parts = [m for m in module if list(m.parameters())]
    for part, other in zip(net.layers, parts, strict=True):
        wanted = other.weight.detach().numpy()
        wanted = wanted.T if isinstance(other, torch.nn.Linear) else wanted
        pairs = [(part.weights, wanted)]
        pairs += [(part.bias, other.bias.detach().numpy())] if part.bias is not None else []
        for ours, theirs in pairs:
            error = np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max())
            assert error <= TOLERANCE, f"{part.name}: relative error {error:.1e}"


def learn(net: nn.Network, X: np.ndarray, y: np.ndarray, path: str) -> int:
    """1,000 steps on one path; returns the size of its batches."""
    before = net.parameters.copy()
    if path == "row by row":
        net.learn_many(np.resize(X, (STEPS, X.shape[1])), np.resize(y, (STEPS, *y.shape[1:])))
    else:
        net.fit(X, y, epochs=STEPS * 8 // len(X), batch_size=8, shuffle=False)
    assert net.core.running[0, UNDONE] == 0
    assert net.core.running[0, TAKEN] == STEPS
    assert np.abs(net.parameters - before).max() > 0.01
    return 1 if path == "row by row" else 8


def stream(loss: str, rng: np.random.Generator, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and answers that can be learned from them."""
    X = rng.normal(size=(n, 5))
    z = np.tanh(X @ rng.normal(size=(5, 3))) + 0.3 * rng.normal(size=(n, 3))
    if loss in ("cross_entropy", "hinge"):
        return X, z.argmax(1)
    if loss == "binary_cross_entropy":
        return X, (z > 0).astype(float)
    return X, rng.poisson(np.exp(z)).astype(float) if loss == "poisson" else z


PATHS = pytest.mark.parametrize("path", ["row by row", "mini-batch"])


@PATHS
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_thousand_steps_of_an_optimizer_end_where_pytorchs_do(rule, path):
    ours, kind, options = OPTIMIZERS[rule]
    rng = np.random.default_rng(1)
    X, y = stream("mse", rng)
    net = nn.Network([nn.Dense(8, "tanh"), nn.Dense(3)], optimizer=ours, dtype="float64", seed=1, inputs=5)
    module = module_of(unsettle(net, rng))

    size = learn(net, X, y, path)

    train(module, optimizer_of(module, kind, options), torch_losses()["mse"], X, y, size, STEPS)
    assert_same(net, module)


@PATHS
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam", "rmsprop"])
def test_the_l2_penalty_is_weight_decay_of_the_weights_and_values_are_clipped_before_it(rule, path):
    ours, kind, options = OPTIMIZERS[rule]
    rng = np.random.default_rng(2)
    X, y = stream("mse", rng)
    layers = [nn.Dense(8, "relu"), nn.Dense(3)]
    options_ours = {"l2": 0.02, "clip_value": 0.1, "optimizer": ours, "dtype": "float64"}
    net = nn.Network(layers, **options_ours, seed=1, inputs=5)
    module = module_of(unsettle(net, rng))

    size = learn(net, X, y, path)

    train(module, optimizer_of(module, kind, options, l2=0.02), torch_losses()["mse"], X, y, size, STEPS, clip=0.1)
    assert_same(net, module)


@PATHS
@pytest.mark.parametrize("loss", [*LOSSES, "soft targets"])
def test_a_thousand_steps_on_a_loss_end_where_pytorchs_do(loss, path):
    rng = np.random.default_rng(3)
    name = "cross_entropy" if loss == "soft targets" else loss
    X, y = stream(name, rng)
    if loss == "soft targets":
        y = rng.dirichlet(np.ones(3), len(X))
    net = nn.Network(
        [nn.Dense(8, "tanh"), nn.Dense(3)],
        loss=OURS.get(name, name), optimizer=nn.SGD(0.02), dtype="float64", seed=1, inputs=5,
    )  # fmt: skip
    module = module_of(unsettle(net, rng))
    value = torch_losses()[name](module(torch.tensor(X)), torch.tensor(y)).item()
    assert abs(net.loss(X, y) - value) <= 1e-13 * max(1, abs(value))

    size = learn(net, X, y, path)

    train(module, torch.optim.SGD(module.parameters(), lr=0.02), torch_losses()[name], X, y, size, STEPS)
    assert_same(net, module)


@PATHS
@pytest.mark.parametrize("f", nn.ACTIVATIONS)
def test_a_thousand_steps_through_an_activation_end_where_pytorchs_do(f, path):
    rng = np.random.default_rng(4)
    X, y = stream("mse", rng)
    layers = [nn.Dense(8, f), nn.Dense(6, f), nn.Dense(3)]
    net = nn.Network(layers, optimizer=nn.SGD(0.01), dtype="float64", seed=1, inputs=5)
    module = module_of(unsettle(net, rng))
    far = rng.normal(size=(50, 5)) * 20
    assert np.abs(net.forward(far) - module(torch.tensor(far)).detach().numpy()).max() <= 1e-11

    size = learn(net, X, y, path)

    train(module, torch.optim.SGD(module.parameters(), lr=0.01), torch_losses()["mse"], X, y, size, STEPS)
    assert_same(net, module)


@PATHS
@pytest.mark.parametrize("rule", ["sgd", "adam", "adamw"])
def test_a_thousand_steps_through_layer_norm_end_where_pytorchs_do(rule, path):
    ours, kind, options = OPTIMIZERS[rule]
    rng = np.random.default_rng(5)
    X, y = stream("mse", rng)
    layers = [nn.Dense(8), nn.LayerNorm(), nn.Activation("gelu"), nn.Dense(6), nn.LayerNorm(eps=1e-3), nn.Dense(3)]
    net = nn.Network(layers, optimizer=ours, dtype="float64", seed=1, inputs=5)
    module = module_of(unsettle(net, rng))

    size = learn(net, X, y, path)

    train(module, optimizer_of(module, kind, options), torch_losses()["mse"], X, y, size, STEPS)
    assert_same(net, module)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
def test_a_thousand_mini_batches_through_batch_norm_end_where_pytorchs_do(rule):
    ours, kind, options = OPTIMIZERS[rule]
    rng = np.random.default_rng(6)
    X, y = stream("mse", rng)
    # No bias in front of batch norm: its gradient would be pure rounding, which Adam makes into steps.
    layers = [nn.Dense(8, bias=False), nn.BatchNorm(), nn.Activation("tanh")]
    layers += [nn.Dense(6, bias=False), nn.BatchNorm(0.3), nn.Activation("silu"), nn.Dense(3)]
    net = nn.Network(layers, optimizer=ours, dtype="float64", seed=1, inputs=5)
    module = module_of(unsettle(net, rng))

    size = learn(net, X, y, "mini-batch")

    train(module, optimizer_of(module, kind, options), torch_losses()["mse"], X, y, size, STEPS)
    assert_same(net, module)
    norms = [m for m in module if isinstance(m, torch.nn.BatchNorm1d)]
    ours = [operation for operation in net.core.operations(0) if operation.running is not None]
    for operation, norm in zip(ours, norms, strict=True):
        mean, variance = operation.running[:-1].reshape(2, operation.m)
        assert np.abs(mean - norm.running_mean.numpy()).max() <= TOLERANCE
        assert np.abs(variance - norm.running_var.numpy()).max() <= TOLERANCE
        assert operation.running[-1] == norm.num_batches_tracked
    module.eval()  # predictions use the running statistics
    assert np.abs(net.forward(X) - module(torch.tensor(X)).detach().numpy()).max() <= TOLERANCE


@PATHS
@pytest.mark.parametrize("rule", ["sgd", "adagrad"])
def test_a_thousand_steps_through_an_embedding_end_where_pytorchs_do(rule, path):
    # The two rules whose laziness is exact; the others leave untouched rows alone, which PyTorch's dense ones don't.
    ours, kind, options = OPTIMIZERS[rule]
    rng = np.random.default_rng(7)
    X = np.stack([rng.integers(0, 6, 400), rng.integers(6, 20, 400)], axis=1).astype(float)
    y = rng.normal(size=(20, 3))[X.astype(int)].sum(1)
    layers = [nn.Embedding(20, 4), nn.Activation("tanh"), nn.Dense(3)]
    net = nn.Network(layers, optimizer=ours, dtype="float64", seed=1, inputs=2)
    module = module_of(unsettle(net, rng))

    size = learn(net, X, y, path)

    train(module, optimizer_of(module, kind, options), torch_losses()["mse"], X, y, size, STEPS)
    assert_same(net, module)


@pytest.mark.parametrize("name", ["Cosine", "Step", "WarmUp", "InverseScaling"])
def test_a_schedule_gives_the_step_sizes_of_pytorchs(name):
    ours, make = {
        "Cosine": (
            nn.Cosine(0.1, steps=50, floor=0.01),
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50, eta_min=0.01),
        ),
        "Step": (nn.Step(0.1, every=7, factor=0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, gamma=0.5)),
        "WarmUp": (
            nn.WarmUp(0.1, steps=20),
            lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1 / 20, total_iters=19),
        ),
        "InverseScaling": (
            nn.InverseScaling(0.1, power=0.7),
            lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: (t + 1) ** -0.7),
        ),
    }[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = make(optimizer)
    for t in range(1, 52):  # up to Cosine's end; after it PyTorch's rises again, ours stays
        assert abs(ours.at(t) - optimizer.param_groups[0]["lr"]) <= 1e-14
        optimizer.step()
        schedule.step()
