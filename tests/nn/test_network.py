"""The network of a fixed shape: named views, validation, early stopping, batch norm, determinism, number types."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from support.nets import check, standing_loss, twin

STACK = [nn.Dense(8, "relu"), nn.LayerNorm(), nn.Dense(6), nn.BatchNorm(), nn.Activation("tanh"), nn.Dropout(0.2)]


def data(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, np.tanh(X @ [1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.normal(size=n)


def bits(net: nn.Network) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in net.core.state().items()}


def deep(**options) -> nn.Network:
    return nn.Network([*STACK, nn.Dense(1)], **{"optimizer": nn.Adam(0.01), "seed": 5} | options)


# ---- the flat vector and its views
# --------------------------------------------------------------------------------------


def test_named_views_write_through_to_the_flat_vector_and_to_predictions():
    net = nn.Network([nn.Dense(3, "identity"), nn.Dense(2)], dtype="float64", inputs=2)
    for part in net.layers:
        part.weights[:] = 0
        part.bias[:] = 0
    assert np.array_equal(net.parameters, np.zeros_like(net.parameters))

    net.layers[0].weights[1, 2] = 3.0
    net.layers[1].weights[2, 0] = 2.0
    net.layers[1].bias[1] = 0.5

    assert np.flatnonzero(net.parameters).size == 3
    assert net.forward([[7.0, 1.0]]).tolist() == [[6.0, 0.5]]


def test_views_have_the_shapes_and_names_of_their_layers():
    net = deep(inputs=4)
    shapes = [(part.name, part.weights.shape, part.bias.shape) for part in net.layers]
    assert shapes == [
        ("Dense", (4, 8), (8,)),
        ("LayerNorm", (8,), (8,)),
        ("Dense", (8, 6), (6,)),
        ("BatchNorm", (6,), (6,)),
        ("Dense", (6, 1), (1,)),
    ]
    assert (net.layers[1].weights == 1).all()
    assert (net.layers[3].weights == 1).all()
    assert all((part.bias == 0).all() for part in net.layers)
    assert nn.Network([nn.Dense(2, bias=False)], inputs=3).layers[0].bias is None
    assert nn.Network([nn.Embedding(5, 2)], inputs=1).layers[0].weights.shape == (5, 2)


def test_views_do_not_overlap_and_the_rest_of_the_vector_is_padding_that_stays_zero():
    net = deep(inputs=4)
    before = net.parameters.copy()
    for k, part in enumerate(net.layers):
        for array in (part.weights, part.bias):
            array[:] = k + 1
    named = sum(a.size for part in net.layers for a in (part.weights, part.bias))
    assert np.count_nonzero(net.parameters) == named

    net.parameters[:] = before
    X, y = data()
    net.fit(X, y, epochs=3, batch_size=8)
    net.learn_many(X, y)
    for part in net.layers:
        part.weights[:] = 0
        part.bias[:] = 0
    assert np.count_nonzero(net.parameters) == 0


def test_the_number_of_inputs_is_learned_from_the_first_data():
    net = deep()
    net.forward(data()[0])
    assert net.layers[0].weights.shape == (4, 8)
    assert np.array_equal(net.parameters, deep(inputs=4).parameters)


def test_an_empty_batch_is_a_batch():
    net = deep(inputs=4)
    before = bits(net)
    assert net.forward(np.zeros((0, 4))).shape == (0, 1)
    assert net.predict(np.zeros((0, 4))).shape == (0,)
    assert net.learn_many(np.zeros((0, 4)), []).shape == (0,)
    assert net.fit(np.zeros((0, 4)), []).loss == [0.0]
    assert bits(net) == before


def test_repr_is_the_constructor_call():
    net = nn.Network(
        [nn.Dense(2, "relu"), nn.Dense(1)], loss=nn.Loss("huber", 0.5), optimizer=nn.Adam(), l2=0.1, seed=3
    )
    again = eval(repr(net), {**vars(nn), "Network": nn.Network})
    assert again.expert == net.expert
    assert again.seed == net.seed


# ---- predicting
# ---------------------------------------------------------------------------------------------------------


def test_predict_gives_numbers_classes_or_rows_as_the_loss_asks():
    X, _ = data()
    assert nn.Network([nn.Dense(1)], inputs=4).predict(X).shape == (60,)
    assert nn.Network([nn.Dense(2)], inputs=4).predict(X).shape == (60, 2)
    net = nn.Network([nn.Dense(3)], loss="cross_entropy", inputs=4)
    assert np.array_equal(net.predict(X), net.forward(X).argmax(1))
    assert np.abs(net.forward(X).sum(1) - 1).max() <= 1e-6


def test_predicting_and_measuring_change_nothing_to_the_bit():
    X, y = data()
    net = deep()
    net.learn_many(X, y)
    before = bits(net)

    net.forward(X)
    net.predict(X)
    net.loss(X, y)
    net.gradients(X, y)

    assert bits(net) == before


def test_a_long_batch_equals_its_rows_and_rows_shown_by_learning():
    # 700 rows go through in chunks of 256; learn_many shows the prediction of before each row.
    X, y = data(700)
    net = deep(dtype="float64")
    net.fit(X, y)
    whole = net.forward(X)
    assert np.array_equal(whole, np.concatenate([net.forward(X[i : i + 1]) for i in range(700)]))
    shown = net.learn_many(X, y, np.zeros(700))
    check(shown, whole[:, 0], 1e-13)


def test_loss_and_gradients_of_a_long_batch_are_means_over_all_of_it():
    X, y = data(700)
    net = nn.Network([nn.Dense(5, "tanh"), nn.Dense(1)], dtype="float64", l2=0.1, inputs=4)
    other = twin(net)
    check(net.loss(X, y), standing_loss(other, X, y[:, None]), 1e-13)
    parts = [net.gradients(X[a:b], y[a:b]) * (b - a) / 700 for a, b in ((0, 100), (100, 700))]
    check(net.gradients(X, y), sum(parts), 1e-13)


# ---- fit
# ------------------------------------------------------------------------------------------------------------------


def test_a_history_holds_the_loss_of_every_epoch_and_of_the_validation_data():
    X, y = data()
    Xv, yv = data(30, 1)
    net = nn.Network([nn.Dense(8, "tanh"), nn.Dense(1)], optimizer=nn.Adam(0.01), l2=0.01, dtype="float64", seed=1)
    seen = []
    losses = []
    for _ in range(3):
        losses.append(net.loss(X, y))
        history = net.fit(X, y, epochs=1, validation=(Xv, yv))
        assert history.validation_loss == [net.loss(Xv, yv)]
        seen += history.loss
    check(np.array(seen), np.array(losses), 1e-14)  # batch gradient descent: the loss before each step

    whole = nn.Network([nn.Dense(8, "tanh"), nn.Dense(1)], optimizer=nn.Adam(0.01), l2=0.01, dtype="float64", seed=1)
    history = whole.fit(X, y, epochs=3, validation=(Xv, yv))
    assert history.loss == seen
    assert len(history.validation_loss) == 3
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert not history.stopped_early


@pytest.mark.parametrize("patience", [2, nn.EarlyStopping(2, min_delta=1e-4)])
def test_early_stopping_ends_in_time_and_takes_back_the_best_weights(patience):
    X, y = data(20)
    Xv, yv = data(200, 1)
    layers = [nn.Dense(64, "relu"), nn.BatchNorm(), nn.Dense(1)]
    net = nn.Network(layers, optimizer=nn.Adam(0.02), dtype="float64", seed=2)

    history = net.fit(X, y, epochs=500, batch_size=5, validation=(Xv, yv), early_stopping=patience)

    assert history.stopped_early
    assert len(history.loss) == history.best_epoch + 2
    assert len(history.loss) < 500
    # running statistics of batch norm included, or the loss would not be that of the best epoch
    assert net.loss(Xv, yv) == history.validation_loss[history.best_epoch - 1]


def test_early_stopping_that_never_triggers_still_keeps_the_best():
    X, y = data(20)
    Xv, yv = data(200, 1)
    net = nn.Network([nn.Dense(64, "relu"), nn.Dense(1)], optimizer=nn.Adam(0.02), dtype="float64", seed=2)
    history = net.fit(X, y, epochs=60, validation=(Xv, yv), early_stopping=60)
    assert not history.stopped_early
    assert net.loss(Xv, yv) == min(history.validation_loss)


@pytest.mark.parametrize("batch_size", [None, 60, 100])
def test_a_batch_of_all_samples_is_batch_gradient_descent_whatever_it_is_called(batch_size):
    X, y = data()
    net, plain = (nn.Network([nn.Dense(1)], dtype="float64", seed=1) for _ in range(2))
    net.fit(X, y, epochs=5, batch_size=batch_size)
    for _ in range(5):
        plain.update(plain.gradients(X, y))
    check(net.parameters, plain.parameters, 1e-14)


def test_shuffling_draws_an_order_of_its_own_for_each_epoch_and_seed():
    X, y = data()
    nets = [nn.Network([nn.Dense(1)], dtype="float64", seed=1) for _ in range(3)]
    for net, shuffle in zip(nets, (True, False, False), strict=True):
        net.fit(X, y, epochs=2, batch_size=7, shuffle=shuffle)
    assert not np.array_equal(nets[0].parameters, nets[1].parameters)
    assert np.array_equal(nets[1].parameters, nets[2].parameters)


# ---- batch norm one row at a time
# ------------------------------------------------------------------------------------------


def test_batch_norm_means_something_one_row_at_a_time():
    # Inputs far from 0 saturate every tanh; batch norm finds their measure row by row.
    rng = np.random.default_rng(0)
    X = rng.normal(50, 10, (4_000, 2))
    y = np.tanh((X[:, 0] - 50) / 10) + (X[:, 1] - 50) / 10
    r2 = {}
    for name, norm in (("with", [nn.BatchNorm()]), ("without", [])):
        layers = [nn.Dense(8), *norm, nn.Activation("tanh"), nn.Dense(1)]
        net = nn.Network(layers, optimizer=nn.SGD(0.01), dtype="float64", seed=1, inputs=2)

        net.learn_many(X[:3_000], y[:3_000])

        r2[name] = 1 - np.mean((net.predict(X[3_000:]) - y[3_000:]) ** 2) / y[3_000:].var()
    assert r2["with"] > 0.98
    assert r2["without"] < 0.5


def test_batch_norm_predicts_from_running_statistics_that_only_learning_moves():
    X, y = data(500)
    net = nn.Network([nn.Dense(3, bias=False), nn.BatchNorm(), nn.Dense(1)], optimizer=nn.SGD(1e-9), dtype="float64")
    net.fit(X, y, epochs=100, batch_size=50)
    hidden = X @ net.layers[0].weights
    buf = next(operation.running for operation in net.core.operations(0) if operation.name == "batch_norm")

    # momentum 0.1 over many batches: the mean of about the last ten
    assert np.abs(buf[:3] - hidden.mean(0)).max() < 0.1 * hidden.std()
    assert np.abs(buf[3:6] / hidden.var(0) - 1).max() < 0.15
    before = buf.copy()
    net.forward(X * 100)
    assert np.array_equal(buf, before)


def test_two_batch_norms_keep_statistics_of_their_own():
    X, y = data()
    net = nn.Network([nn.Dense(4), nn.BatchNorm(), nn.Dense(4), nn.BatchNorm(), nn.Dense(1)], dtype="float64", inputs=4)
    first, second = (operation.running for operation in net.core.operations(0) if operation.name == "batch_norm")
    assert len(first) == len(second) == 9
    assert not np.shares_memory(first, second)
    assert all((running[:4] == 0).all() for running in (first, second))  # means start at 0 …
    assert all((running[4:8] == 1).all() for running in (first, second))  # … and variances at 1
    net.fit(X, y, batch_size=10)
    assert not np.array_equal(first[:8], second[:8])


# ---- determinism and number types
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(dtype):
    def run(seed: int) -> dict[str, bytes]:
        X, y = data()
        net = deep(seed=seed, dtype=dtype)
        net.fit(X, y, epochs=3, batch_size=8)
        net.learn_many(X, y)
        return bits(net)

    assert run(1) == run(1)
    assert run(1)["weights"] != run(2)["weights"]


def test_one_call_of_many_rows_equals_many_calls_of_one_row_to_the_bit():
    X, y = data()
    together, apart = deep(), deep()

    shown = together.learn_many(X, y)
    one_by_one = np.concatenate([apart.learn_many(X[i : i + 1], y[i : i + 1]) for i in range(len(X))])

    assert np.array_equal(shown, one_by_one)
    assert bits(together) == bits(apart)


def test_more_rows_than_a_stretch_are_learned_in_order():
    X, y = data(9_000)
    together, apart = (nn.Network([nn.Dense(2, "tanh"), nn.Dense(1)], seed=1) for _ in range(2))

    shown = together.learn_many(X, y)
    parts = [apart.learn_many(X[a : a + 1_000], y[a : a + 1_000]) for a in range(0, 9_000, 1_000)]

    assert np.array_equal(shown, np.concatenate(parts))
    assert bits(together) == bits(apart)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_numbers_of_a_net_have_the_asked_type(dtype):
    X, y = data()
    net = deep(dtype=dtype)
    shown = net.learn_many(X, y)
    states = [net.core.array(name) for name in ("state_0", "state_1", "buffer")]
    for array in (shown, net.forward(X), net.parameters, *states, net.gradients(X, y)):
        assert array.dtype == dtype
    assert nn.Network([nn.Dense(1)], inputs=1).parameters.dtype == np.float32


def test_float32_follows_float64_closely():
    X, y = data()
    # SGD, because Adam makes a step even of the rounding that is all of the gradient of a bias in front of batch norm.
    narrow, wide = (deep(dtype=dtype, optimizer=nn.SGD(0.05)) for dtype in ("float32", "float64"))
    for net in (narrow, wide):
        net.fit(X, y, epochs=2, batch_size=8)
        net.learn_many(X, y)
    check(narrow.predict(X), wide.predict(X), 1e-4)  # 76 steps, dropout drawn alike


@pytest.mark.parametrize("order", ["C", "F", "strided", "list", "float32", "int"])
def test_inputs_may_lie_in_memory_as_they_please(order):
    X, y = data()
    X = X.round()
    net, other = deep(), deep()
    given = {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=0)[::2],
        "list": X.tolist(),
        "float32": X.astype(np.float32),
        "int": X.astype(int),
    }[order]
    assert np.array_equal(net.learn_many(given, y), other.learn_many(X, y))
    assert np.array_equal(net.forward(given), other.forward(X))


@pytest.mark.parametrize("units", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_of_any_width_work_whatever_the_width_of_a_vector_register(units, dtype):
    rng = np.random.default_rng(units)
    X = rng.normal(size=(9, units))
    net = nn.Network([nn.Dense(units, "relu"), nn.Dense(units, "tanh"), nn.Dense(units)], dtype=dtype, inputs=units)
    check(net.forward(X), twin(net).forward(X), {"float64": 1e-13, "float32": 1e-5}[dtype])
    before = net.parameters.copy()
    y = rng.normal(size=(9, units))
    g = net.gradients(X[:1], y[:1])
    net.learn_many(X[:1], y[:1])
    check(net.parameters, before - 0.01 * g, {"float64": 1e-14, "float32": 1e-6}[dtype])


def test_widening_a_layer_changes_no_bit_of_what_the_other_units_compute():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 5))
    narrow, wide = (nn.Network([nn.Dense(m)], dtype="float32", inputs=5) for m in (11, 37))
    wide.layers[0].weights[:, :11] = narrow.layers[0].weights
    assert np.array_equal(narrow.forward(X), wide.forward(X)[:, :11])
