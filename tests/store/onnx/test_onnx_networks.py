"""Every layer and every loss of a network, in onnxruntime and in the reference evaluator, against the net itself."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.errors import ConfigError, MissingExtra, ModelFileError
from headwater.plain import ACTIVATIONS, LINKS, LOSSES
from headwater.store.onnx.export import onnx_model
from headwater.store.onnx.layers import LAYERS
from support import nets
from support.packages.imports import when_used
from support.packages.onnx_runs import CLOSE, run

onnx = when_used("onnx")
IMAGES = {"conv", "max_pool", "mean_pool", "flatten"}  # tests/oracles/test_images.py
DTYPES = ("float32", "float64")
CONSTANTS = {"leaky_relu": 0.2, "elu": 0.7}
STACKS = {
    "layer norm": [nn.Dense(7), nn.LayerNorm(), nn.Activation("relu"), nn.Dense(2)],
    "layer norm without gains": [nn.Dense(7), nn.LayerNorm(affine=False, eps=1e-3), nn.Dense(2)],
    "batch norm": [nn.Dense(7), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(2)],
    "dropout": [nn.Dense(7, "relu"), nn.Dropout(0.3), nn.Dense(2)],
    "deep": [
        nn.Dense(9, "relu"),
        nn.Dense(8, "gelu"),
        nn.Dropout(0.1),
        nn.LayerNorm(),
        nn.Dense(7, "silu"),
        nn.Dense(2),
    ],
    "no bias": [nn.Dense(7, "tanh", bias=False), nn.Dense(2, bias=False)],
    "one layer": [nn.Dense(2)],
    "one output": [nn.Dense(5, "relu"), nn.Dense(1)],
}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def check(net: nn.Network, X: np.ndarray, opset: int = 17):
    """Both runtimes agree with ``forward``, and with ``predict`` where it names a class."""
    graph = onnx_model(net, opset=opset)
    wanted = net.forward(X)
    for outputs in run(graph, {"X": X}):
        error = np.abs(outputs[-1] - wanted).max() / max(1.0, np.abs(wanted).max())
        assert outputs[-1].dtype == net.dtype
        assert error <= CLOSE
        if len(outputs) == 2:
            assert outputs[0].tolist() == net.predict(X).tolist()
    return graph


def learned(net: nn.Network, rng) -> tuple[nn.Network, np.ndarray]:
    """A net with its parameters off their neat start and, if it has any, its running statistics too."""
    loss = net.expert.loss.name
    X = rng.normal(size=(40, 5)).astype(net.dtype)
    net.build(5)
    if loss == "mse":
        net.learn_many(X, rng.normal(size=(40, net.outputs)))
    return nets.unsettle(net, rng), X


def test_every_operation_and_every_link_has_its_nodes():
    assert set(LAYERS) == {"dense", "dropout", "layer_norm", "batch_norm", *IMAGES, *ACTIVATIONS}
    assert {name for name, row in ACTIVATIONS.items() if row.onnx is None} == {"identity"}
    assert {name for name, row in LINKS.items() if row.onnx is None} == {"identity"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_is_the_same_in_onnx(name, dtype, rng):
    layers = [nn.Dense(8), nn.Activation(name, CONSTANTS.get(name)), nn.Dense(2, name)]
    net, X = learned(nn.Network(layers, dtype=dtype, seed=1), rng)
    check(net, X)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_layers_is_the_same_in_onnx(stack, dtype, rng):
    net, X = learned(nn.Network(STACKS[stack], dtype=dtype, seed=1), rng)
    check(net, X)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_head_of_a_loss_is_the_same_in_onnx(loss, dtype, rng):
    net = nn.Network([nn.Dense(6, "tanh"), nn.Dense(nets.OUTPUTS[loss])], loss=nets.loss_of(loss), dtype=dtype)
    net, X = learned(net, rng)
    net.learn_many(X, nets.answers(loss, len(X), rng))
    graph = check(net, X)
    assert [o.name for o in graph.graph.output] == (
        ["label", "probabilities"] if loss in ("cross_entropy", "hinge") else ["value"]
    )


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "poisson"])
def test_logits_beyond_the_limit_are_read_as_the_limit(loss, rng):
    net, X = learned(nn.Network([nn.Dense(1)], loss=loss, dtype="float64"), rng)
    net.layers[0].weights[:] *= 100
    assert np.abs(X @ net.layers[0].weights).max() > 100
    check(net, X)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_embedding_sums_the_rows_of_its_ids(dtype, rng):
    net = nn.Network([nn.Embedding(9, 4), nn.Activation("tanh"), nn.Dense(2)], dtype=dtype, inputs=3)
    nets.unsettle(net, rng)
    check(net, rng.integers(0, 9, (20, 3)))


def test_a_missing_number_is_read_as_none(rng):
    net, X = learned(nn.Network([nn.Dense(6, "relu"), nn.Dense(2)]), rng)
    X[rng.random(X.shape) < 0.3] = np.nan
    check(net, X)


def test_logits_that_overflow_are_no_opinion_rather_than_no_number(rng):
    net, X = learned(nn.Network([nn.Dense(6), nn.Dense(3)], loss="cross_entropy"), rng)
    net.layers[1].weights[:] = [3e38, -3e38, 1.0]
    X[0] = 1e3
    with np.errstate(all="ignore"):  # the reference evaluator warns of what is meant to happen
        outputs = run(onnx_model(net), {"X": X})
    for label, proba in outputs:
        assert np.isfinite(proba).all()
        assert proba[0].tolist() == pytest.approx([1 / 3] * 3)
        assert label[0] == 0


@pytest.mark.parametrize("opset", [13, 17, 18, 21, 24, "newest"])
def test_the_operator_set_is_a_choice_and_asks_for_no_newer_format_than_it_needs(opset, rng):
    opset = onnx.defs.onnx_opset_version() if opset == "newest" else opset
    net, X = learned(nn.Network(STACKS["deep"]), rng)
    graph = check(net, X, opset)
    assert [entry.version for entry in graph.opset_import] == [opset]
    assert graph.ir_version == onnx.helper.find_min_ir_version_for(graph.opset_import)


@pytest.mark.parametrize("opset", [12, 10_000])
def test_an_operator_set_that_lacks_what_is_needed_is_refused(opset, tmp_path):
    with pytest.raises(ConfigError, match=rf"expected a whole number from 13 to \d+, got {opset} — at opset"):
        nn.Network([nn.Dense(1)], inputs=2).export_onnx(tmp_path / "net.onnx", opset=opset)
    assert not list(tmp_path.iterdir())


def test_a_network_is_exported_to_a_file_that_passes_the_full_check(tmp_path, rng):
    net, _ = learned(nn.Network([nn.Dense(6, "relu"), nn.Dense(2)]), rng)
    path = tmp_path / "net.onnx"
    path.write_text("what it held is replaced")
    net.export_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert onnx.load(path).producer_name == "headwater"


def test_a_network_without_inputs_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a network with a known number of inputs"):
        nn.Network([nn.Dense(1)]).export_onnx(tmp_path / "net.onnx")


def test_a_file_that_cannot_be_written_is_reported_with_its_path(tmp_path):
    with pytest.raises(ModelFileError, match="expected a file that can be written, got No such file or directory"):
        nn.Network([nn.Dense(1)], inputs=2).export_onnx(tmp_path / "nowhere" / "net.onnx")


def test_without_onnx_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[onnx\]'"):
        nn.Network([nn.Dense(1)], inputs=2).export_onnx(tmp_path / "net.onnx")
