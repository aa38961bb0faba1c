"""Images against PyTorch in float64: values, all gradients, steps, and files for onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.nn import inspect
from support.nets import unsettle
from support.packages.imports import when_used

torch = when_used("torch")

LENET = [
    nn.Conv(6, 5, "relu", padding=2), nn.Pool(2), nn.Conv(16, 5, "relu"), nn.Pool(2), nn.Flatten(), nn.Dense(120, "relu"),
    nn.Dense(84, "relu"), nn.Dense(10),
]  # fmt: skip
STACKS = {
    "LeNet-5": (LENET, (1, 28, 28)),
    "strides, means and norms": (
        [
            nn.Conv(5, 3, "relu", stride=2, padding=1), nn.BatchNorm(), nn.Conv(20, 3, "tanh", padding=1), nn.LayerNorm(),
            nn.Pool(3, 2, 1), nn.Conv(3, 2, bias=False), nn.Activation("gelu"), nn.Pool(2, 1, 1, "mean"), nn.Flatten(),
            nn.LayerNorm(), nn.Dense(7, "relu"), nn.Dense(10),
        ],
        (3, 13, 11),
    ),
}  # fmt: skip
EACH = pytest.mark.parametrize("name", STACKS)


def made(name, **settings):
    layers, shape = STACKS[name]
    rng = np.random.default_rng(5)
    net = nn.Network(layers, loss="cross_entropy", inputs=shape, seed=3, **settings)
    X = rng.normal(size=(30, *shape)) * (rng.random((30, *shape)) < 0.6)
    return unsettle(net, rng), X.astype(net.dtype), rng.integers(0, 10, 30)


def gradients_of(module, net):
    """PyTorch's gradients in the order of the net's arrays."""
    out = []
    for own in module:
        if getattr(own, "weight", None) is not None:
            g = own.weight.grad.numpy()
            out.append(g.T if isinstance(own, torch.nn.Linear) else g)
            if own.bias is not None:
                out.append(own.bias.grad.numpy())
    return out


@EACH
def test_values_and_all_gradients_are_pytorchs(name):
    net, X, y = made(name, dtype="float64")
    module, x = net.to_torch(logits=True), torch.tensor(X, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(module(x), torch.tensor(y))
    loss.backward()

    assert abs(net.loss(X, y) - loss.item()) < 1e-10
    own = [a for part in net.layer_gradients(X, y) for a in (part.weights, part.bias) if a is not None]
    theirs = gradients_of(module, net)
    assert len(own) == len(theirs)
    for ours, wanted in zip(own, theirs, strict=True):
        assert np.abs(ours - wanted).max() < 1e-10
    core = net.core
    values = inspect.forward(core, 0, inspect.read(core, 0, inspect.entries_of_array(X.reshape(30, -1))))
    by_image = inspect.backward(core, 0, values, inspect.loss_delta(core, 0, values[-1], y) / 30)[0]
    assert np.abs(by_image - x.grad.numpy().reshape(30, -1)).max() < 1e-10


def test_a_hundred_rows_of_lenet_end_where_pytorch_ends():
    net, X, y = made("LeNet-5", dtype="float64", optimizer=nn.SGD(0.01))
    net.parameters[:] *= 0.5  # so that no step is taken back
    module = net.to_torch(logits=True).train()
    rule = torch.optim.SGD(module.parameters(), lr=0.01)
    for i in [*range(30)] * 4:
        net.learn_many(X[i : i + 1], y[i : i + 1])
        rule.zero_grad()
        torch.nn.functional.cross_entropy(module(torch.tensor(X[i : i + 1])), torch.tensor(y[i : i + 1])).backward()
        rule.step()
    assert net.core.running[0, nn.core.UNDONE] == 0
    assert np.abs(net.forward(X) - torch.softmax(module(torch.tensor(X)), 1).detach().numpy()).max() < 1e-10


@EACH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_modules_go_to_pytorch_and_come_back(name, dtype):
    net, X, y = made(name, dtype=dtype)
    net.learn_many(X, y)
    module = net.to_torch()
    with torch.no_grad():
        assert np.abs(module(torch.tensor(X)).numpy() - net.forward(X)).max() < (1e-6 if dtype == "float32" else 1e-12)
    back = nn.from_torch(module, loss="cross_entropy", inputs=STACKS[name][1])
    assert np.array_equal(back.forward(X), net.forward(X))


@EACH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_onnxruntime_predicts_the_same(name, dtype, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    net, X, y = made(name, dtype=dtype)
    net.learn_many(X, y)
    net.export_onnx(tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    label, p = session.run(None, {"X": X})
    assert np.array_equal(label, net.predict(X))
    assert np.abs(p - net.forward(X)).max() < 2e-6
    gap = X.copy()
    gap[:, 0, 3, 4] = np.nan
    assert np.abs(session.run(None, {"X": gap})[1] - net.forward(gap)).max() < 2e-6
