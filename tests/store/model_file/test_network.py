"""The file of a network: what is read goes on to the bit, for every update rule, or there is one clear error."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import load, nn
from headwater.cli import main
from headwater.errors import ModelFileError
from headwater.store.learner_file import LEARNER_FORMAT, to_bytes
from headwater.store.model_file import unseal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] > 0).astype(float)
WAYS = {
    "row by row": lambda net, X, y: net.learn_many(X, y),
    "mini-batches": lambda net, X, y: net.fit(X, y, epochs=3, batch_size=8),  # shuffled, each epoch anew
    "its own steps": lambda net, X, y: net.update(net.gradients(X, y)),
}


def made(rule=nn.SGD, dtype="float32"):
    layers = [nn.Dense(8), nn.BatchNorm(), nn.layers.Activation("tanh"), nn.Dropout(0.2), nn.Dense(1)]
    return nn.Network(
        layers, loss="binary_cross_entropy", optimizer=rule(), l2=0.01, clip_norm=5.0, seed=3, dtype=dtype
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", nn.OPTIMIZERS.values(), ids=nn.OPTIMIZERS)
def test_a_saved_network_goes_on_to_the_bit_with_every_rule(rule, way, tmp_path):
    whole, half = made(rule), made(rule)
    for net in (whole, half):
        WAYS[way](net, X[:30], Y[:30])
    half.save(tmp_path / "net.hw")
    other = load(tmp_path / "net.hw")
    for net in (whole, other):
        WAYS[way](net, X[30:], Y[30:])
    assert to_bytes(other) == to_bytes(whole)
    assert other.predict(X).tobytes() == whole.predict(X).tobytes()
    assert repr(other) == repr(whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_that_saw_no_data_can_be_saved_too(dtype, tmp_path):
    made(dtype=dtype).save(tmp_path / "net.hw")
    one, other = made(dtype=dtype), load(tmp_path / "net.hw")
    assert one.fit(X, Y, batch_size=7).loss == other.fit(X, Y, batch_size=7).loss


def test_an_embedding_comes_back_with_its_rows(tmp_path):
    ids = RNG.integers(0, 20, size=(50, 2))
    net = nn.Network([nn.Embedding(20, 4), nn.Dense(3)], loss="cross_entropy", optimizer=nn.Adam(), seed=1)
    net.learn_many(ids, ids[:, 0] % 3)
    net.save(tmp_path / "net.hw")
    assert load(tmp_path / "net.hw").forward(ids).tobytes() == net.forward(ids).tobytes()


def test_a_network_is_no_learner_and_damage_is_seen(tmp_path):
    net = made()
    net.learn_many(X, Y)
    data = to_bytes(net)
    with pytest.raises(ModelFileError, match="expected a model as headwater saves it"):
        LEARNER_FORMAT.unpack(unseal(data, "net.hw"), "net.hw")
    (tmp_path / "net.hw").write_bytes(data[:-5] + b"12345")
    with pytest.raises(ModelFileError, match="truncated or altered"):
        load(tmp_path / "net.hw")


def test_the_command_line_says_that_it_takes_learners_only(tmp_path, capsys):
    made().save(tmp_path / "net.hw")
    assert main(["show", str(tmp_path / "net.hw")]) == 2
    assert capsys.readouterr().err.startswith("expected a saved Classifier or Regressor, got a Network — at ")
