"""A network as a PyTorch module and back: the same numbers, to 10⁻¹² in float64."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from headwater import nn
from headwater.errors import ConfigError, MissingExtra
from headwater.nn.torch.networks import MODULES, NAMES
from headwater.plain import ACTIVATIONS, LOSSES
from support import nets
from support.packages.imports import when_used

torch = when_used("torch", reason="PyTorch is not installed")

IMAGES = {"conv", "max_pool", "mean_pool", "flatten"}  # tests/oracles/test_images.py
EQUAL = {"float64": 1e-12, "float32": 1e-5}
CONSTANTS = {"leaky_relu": 0.2, "elu": 0.7}
STACKS = {
    "dense": [nn.Dense(7, "relu"), nn.Dense(2)],
    "no bias": [nn.Dense(7, "tanh", bias=False), nn.Dense(2, bias=False)],
    "layer norm": [nn.Dense(7), nn.LayerNorm(eps=1e-3), nn.Activation("relu"), nn.Dense(2)],
    "layer norm without gains": [nn.Dense(7), nn.LayerNorm(affine=False), nn.Dense(2)],
    "batch norm": [nn.Dense(7), nn.BatchNorm(0.2), nn.Activation("tanh"), nn.Dense(5), nn.BatchNorm(), nn.Dense(2)],
    "dropout": [nn.Dense(7, "relu"), nn.Dropout(0.3), nn.Dense(2)],
}


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def numbers(module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(x)).numpy()


def check(module, net: nn.Network, x: np.ndarray) -> None:
    got, wanted = numbers(module, x), net.forward(x)
    assert got.dtype == net.dtype
    assert np.abs(got - wanted).max() <= EQUAL[net.dtype.name] * max(1.0, np.abs(wanted).max())


def learned(net: nn.Network, rng) -> tuple[nn.Network, np.ndarray]:
    X = rng.normal(size=(60, 5)).astype(net.dtype)
    net.build(5)
    net.learn_many(X, nets.answers(net.expert.loss.name, len(X), rng))
    return nets.unsettle(net, rng), X


def test_every_operation_and_every_activation_has_its_module():
    assert set(MODULES) == {"dense", "dropout", "layer_norm", "batch_norm", *IMAGES, *ACTIVATIONS}
    assert {row.name for row in NAMES.values()} == set(nn.ACTIVATIONS) - {"identity"}


@pytest.mark.parametrize("dtype", EQUAL)
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_has_the_same_numbers_there_and_back(name, dtype, rng):
    layers = [nn.Dense(8), nn.Activation(name, CONSTANTS.get(name)), nn.Dense(2, name)]
    net, X = learned(nn.Network(layers, dtype=dtype), rng)
    X = 20 * X  # far enough that softplus is nearly straight
    module = net.to_torch()
    check(module, net, X)
    assert nn.from_torch(module, loss="mse").forward(X) == pytest.approx(net.forward(X), rel=0, abs=0)


@pytest.mark.parametrize("dtype", EQUAL)
@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_has_the_same_numbers_there_and_back(stack, dtype, rng):
    net, X = learned(nn.Network(STACKS[stack], dtype=dtype), rng)
    module = net.to_torch()
    assert not module.training
    check(module, net, X)
    back = nn.from_torch(module, loss="mse")
    assert back.dtype == net.dtype
    assert (back.forward(X) == net.forward(X)).all()
    assert [type(layer) for layer in back.expert.layers if not isinstance(layer, nn.Activation)] == [
        type(layer) for layer in net.expert.layers if not isinstance(layer, nn.Activation)
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_link_of_a_loss_goes_along_or_stays(loss, rng):
    layers = [nn.Dense(6, "tanh"), nn.Dense(nets.OUTPUTS[loss])]
    net, X = learned(nn.Network(layers, loss=nets.loss_of(loss), dtype="float64"), rng)
    X[0] *= 1000  # far beyond the limit of the logits
    module = net.to_torch()
    check(module, net, X)
    back = nn.from_torch(module, loss=net.expert.loss)
    assert (back.forward(X) == net.forward(X)).all()
    logits = numbers(net.to_torch(logits=True), X[1:])
    linked = {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "exp": np.exp,
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True),
    }[net.expert.loss.row.link]
    assert linked(logits) == pytest.approx(net.forward(X[1:]), abs=1e-12)


def test_an_embedding_becomes_a_summing_bag_and_comes_back(rng):
    net = nn.Network([nn.Embedding(9, 4), nn.Activation("tanh"), nn.Dense(2)], dtype="float64", inputs=3)
    nets.unsettle(net, rng)
    ids = rng.integers(0, 9, (20, 3))
    module = net.to_torch()
    check(module, net, ids)
    assert (nn.from_torch(module, loss="mse", inputs=3).forward(ids) == net.forward(ids)).all()


def test_the_copy_shares_no_memory(rng):
    net, X = learned(nn.Network([nn.Dense(6, "relu"), nn.Dense(2)], dtype="float64"), rng)
    module = net.to_torch()
    before = numbers(module, X)
    net.learn_many(X, rng.normal(size=(60, 2)))
    assert (numbers(module, X) == before).all()
    assert not (net.forward(X) == before).all()


def test_a_pytorch_module_goes_on_learning_row_by_row(rng):
    torch.manual_seed(3)
    inner = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Identity(), torch.nn.LayerNorm(8), torch.nn.ReLU())
    module = torch.nn.Sequential(inner, torch.nn.Dropout(0.0), torch.nn.Linear(8, 1), torch.nn.Sigmoid()).double()
    X = rng.normal(size=(200, 5))
    y = (X[:, 0] > 0).astype(float)
    net = nn.from_torch(module, loss="binary_cross_entropy", optimizer=nn.SGD(0.1), l2=1e-3, seed=4)
    assert repr(net.expert.optimizer) == "SGD(lr=0.1)"
    assert (net.expert.l2, net.seed) == (1e-3, 4)
    assert net.forward(X) == pytest.approx(numbers(module, X), abs=1e-12)
    net.learn_many(X, y)
    assert ((net.predict(X) > 0.5) == y).mean() > 0.9


def test_batch_norm_that_has_seen_batches_is_not_started_anew(rng):
    module = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)).double()
    X = rng.normal(size=(64, 5))
    module(torch.from_numpy(X))
    module.eval()
    net = nn.from_torch(module, loss="mse", optimizer=nn.SGD(1e-9))
    assert net.forward(X) == pytest.approx(numbers(module, X), abs=1e-12)
    net.learn_many(X[:1] * 100, [0.0])
    mean, row = module[1].running_mean.numpy(), numbers(module[0], X[:1] * 100)[0]
    assert net.to_torch()[1].running_mean.numpy() == pytest.approx(mean + 0.001 * (row - mean), rel=1e-9)
    fresh = nn.from_torch(
        torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)), loss="mse"
    )
    fresh.learn_many(X[:1], [0.0])
    assert fresh.to_torch()[1].num_batches_tracked == 1
    assert net.to_torch()[1].num_batches_tracked > 1


NN = when_used("torch.nn")
REFUSED = [
    (lambda: NN.Sequential(NN.ReLU()), "expected Linear or EmbeddingBag first, got ReLU — at module"),
    (lambda: NN.Sequential(), "expected Linear or EmbeddingBag first, got nothing"),  # noqa: PLW0108 - not before it is asked
    (lambda: NN.Sequential(NN.Linear(3, 4), NN.Conv1d(1, 1, 1)), r"got Conv1d.* — at module\[1\]. Leave it out"),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.Softmax(1), NN.Linear(4, 1)),
        r"at module\[1\]. A last softmax belongs to loss",
    ),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.Linear(5, 1)),
        r"expected 4 inputs, got 5 — at module\[1\]. Make the widths fit",
    ),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.Sequential(NN.LayerNorm(3))),
        r"expected 4 inputs, got 3 — at module\[1\]\[0\]",
    ),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.LayerNorm(4, bias=False)),
        "expected gain and shift, or neither, got bias=False",
    ),
    (lambda: NN.Sequential(NN.Linear(3, 4), NN.LayerNorm((2, 4))), "expected a normalized_shape of one number"),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.BatchNorm1d(4, eps=0.1)),
        r"expected eps=1e-05, got 0.1 — at module\[1\]",
    ),
    (lambda: NN.Sequential(NN.Linear(3, 4), NN.BatchNorm1d(4, affine=False)), "expected affine=True"),
    (lambda: NN.Sequential(NN.Linear(3, 4), NN.BatchNorm1d(4, momentum=None)), "expected a momentum"),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.BatchNorm1d(4, track_running_stats=False)),
        "expected running statistics",
    ),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.GELU(approximate="tanh")),
        r"expected GELU\(approximate='none'\), got approximate='tanh'",
    ),
    (lambda: NN.Sequential(NN.Linear(3, 4), NN.Softplus(beta=2)), r"expected Softplus\(beta=1\), got beta=2"),
    (
        lambda: NN.Sequential(NN.Linear(3, 4), NN.Hardtanh(0, 1)),
        r"expected Hardtanh\(min_val=-1, max_val=1\), got min_val=0, max_val=1",
    ),
    (lambda: NN.Sequential(NN.EmbeddingBag(5, 4)), "expected mode='sum', got 'mean'"),
    (lambda: NN.Sequential(NN.Linear(3, 4)).half(), "expected 'float32' or 'float64', got 'float16'"),
]


@pytest.mark.parametrize(("module", "sentence"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_a_module_that_is_no_stack_of_ours_is_refused_with_its_place(module, sentence):
    with pytest.raises(ConfigError, match=sentence):
        nn.from_torch(module(), loss="mse")


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[torch\]'"):
        nn.Network([nn.Dense(1)], inputs=2).to_torch()
