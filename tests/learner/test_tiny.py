"""The whole of headwater at a user's level, in seconds: the first test to run after a change."""

from __future__ import annotations

import copy
import datetime as dt

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import HeadwaterError


def visits(n: int, seed: int = 0):
    """Visits to a shop, and whether something was bought."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = {
            "price": float(rng.lognormal(3)),
            "from": str(rng.choice(["search", "mail", "friend"])),
            "member": bool(rng.integers(2)),
            "when": dt.datetime(2024, 1, 1) + dt.timedelta(minutes=37 * i),
        }
        if rng.random() < 0.1:
            x["price"] = None
        yield x, "buys" if x["member"] and x["from"] != "search" else "leaves"


@pytest.fixture(scope="module")
def shop():
    model = hw.Classifier(seed=1)
    right = 0
    for x, y in visits(600):
        right += model.predict_one(x) == y
        model.learn_one(x, y)
    return model, right


def test_a_classifier_learns_a_stream_one_by_one(shop):
    model, right = shop
    assert right > 500
    assert model.classes == ["leaves", "buys"]
    assert model.n_learned == 600
    friend = {"from": "friend", "member": True, "price": 20.0, "when": "2024-01-20"}
    assert model.predict_one(friend) == "buys"
    proba = model.predict_proba_one(friend)
    assert sum(proba.values()) == pytest.approx(1, abs=1e-6)
    assert proba["buys"] > 0.9


def test_a_regressor_learns_numbers():
    model = hw.Regressor(seed=1)
    error = []
    for i in range(800):
        x = {"size": i % 20, "kind": "new" if i % 3 else "old"}
        y = 1000 + 50 * x["size"] + (200 if x["kind"] == "new" else 0)
        error.append(abs(model.predict_one(x) - y))
        model.learn_one(x, y)
    assert np.mean(error[-100:]) < 40
    assert model.predict_one({"size": 10, "kind": "old"}) == pytest.approx(1500, abs=100)


def test_a_single_net_of_ones_own_does_the_same():
    model = hw.Classifier(hidden=(16,), optimizer=nn.Adam(0.01), norm="layer", dropout=0.1, seed=1)
    X = np.random.default_rng(0).normal(size=(1000, 3))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    said = model.learn_many(X, y)
    assert (said[-300:] == y[-300:]).mean() > 0.8
    assert model.predict_proba_many(X[:5]).shape == (5, 2)


def test_arrays_frames_and_dicts_are_the_same_rows():
    X = np.random.default_rng(0).normal(size=(100, 3))
    y = np.where(X[:, 0] > 0, "up", "down")
    frame = pd.DataFrame(X, columns=["x0", "x1", "x2"])
    said = [hw.Classifier(seed=1).learn_many(rows, y).tolist() for rows in (X, frame, frame.to_dict("records"))]
    assert said[0] == said[1] == said[2]


def test_classes_features_and_categories_may_appear_at_any_time(shop):
    model = copy.deepcopy(shop[0])
    for _ in range(60):
        model.learn_one({"from": "a robot", "speed": 99.0}, "blocked")
    assert model.classes == ["leaves", "buys", "blocked"]
    assert model.predict_one({"from": "a robot", "speed": 99.0}) == "blocked"
    assert model.predict_one({"from": "mail", "member": True, "price": 20.0}) == "buys"


def test_bad_input_is_survived_and_counted(shop):
    model = copy.deepcopy(shop[0])
    for x in ({}, {"price": float("inf")}, {"price": 1e300, "from": "mail"}, {"from": object(), "member": True}):
        model.predict_one(x)
        model.learn_one(x, "buys")
    model.learn_one({"price": 1.0}, None)
    counts = {reason: model.rejected[reason] for reason in ("huge", "infinite", "type", "target")}
    assert counts == {"huge": 1, "infinite": 1, "type": 1, "target": 1}
    assert all(np.isfinite(p) for p in model.predict_proba_one({"price": 5.0}).values())


def test_a_saved_model_goes_on_where_it_stopped(shop, tmp_path):
    model = copy.deepcopy(shop[0])
    model.save(tmp_path / "shop.hw")
    other = hw.load(tmp_path / "shop.hw")
    for x, y in visits(50, seed=2):
        assert other.predict_proba_one(x) == model.predict_proba_one(x)
        model.learn_one(x, y)
        other.learn_one(x, y)
    assert other.describe() == model.describe()


def test_predicting_changes_nothing_and_works_before_anything_was_learned(shop):
    model = shop[0]
    before = model.predict_proba_one({"member": True})
    for x, _ in visits(20, seed=3):
        model.predict_one({**x, "unknown": 1.0, "tag": "new"})
    assert model.predict_proba_one({"member": True}) == before
    assert hw.Classifier().predict_one({"a": 1.0}) is None
    assert hw.Regressor().predict_one({"a": 1.0}) == 0.0


def test_a_network_fits_by_gradient_descent():
    X = np.arange(6.0)[:, None]
    y = np.array([0, 0, 0, 1, 1, 1])
    net = nn.Network([nn.Dense(1)], loss="binary_cross_entropy", optimizer=nn.SGD(0.5), dtype="float64", seed=1)
    net.fit(X, y, epochs=500)
    assert net.predict(X).round().astype(int).tolist() == y.tolist()


def test_a_mistake_is_answered_with_what_was_expected_and_what_to_do():
    with pytest.raises(HeadwaterError) as caught:
        hw.Classifier(optimizer="adm")
    assert str(caught.value) == (
        "expected one of sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw, amsgrad, nadam, ftrl, cocob, "
        "got 'adm' — at optimizer. Did you mean adam or nadam or adamw?"
    )


@pytest.mark.parametrize("settings", [{}, {"hidden": (8,)}, {"hidden": (), "loss": "binary_cross_entropy"}])
def test_the_probabilities_of_each_row_sum_to_one(settings):
    X = np.random.default_rng(4).normal(size=(200, 3)) * 5
    y = np.arange(200) % 2 if "loss" in settings else np.arange(200) % 9
    model = hw.Classifier(seed=1, **settings)
    model.learn_many(X, y)
    sums = model.predict_proba_many(X).sum(axis=1, dtype=np.float64)
    assert np.abs(sums - 1).max() <= 4 * np.finfo(np.float32).eps
    assert {
        abs(sum(model.predict_proba_one(dict(zip(("x0", "x1", "x2"), row.tolist(), strict=True))).values()) - 1) < 1e-12
        for row in X[:20]
    } == {True}


@pytest.mark.parametrize("x", [{}, {"a": None}, {"a": float("nan")}])
def test_a_sample_without_values_teaches_the_bias(x):
    model = hw.Regressor(seed=1)
    for _ in range(50):
        model.learn_one(x, 5.0)
    assert abs(model.predict_one({}) - 5.0) < 0.1
    assert model.n_learned == 50
    assert not model.rejected
    model.learn_many([{"b": 1.0}, {}, {"b": 2.0}], [6.0, 5.0, 7.0])
    assert model.n_learned == 53


def test_a_classifier_of_samples_without_values_learns_how_frequent_classes_are():
    model = hw.Classifier(seed=1)
    for i in range(400):
        model.learn_one({}, "rare" if i % 4 == 0 else "common")
    assert 0.6 < model.predict_proba_one({})["common"] < 0.9


@pytest.mark.parametrize("model", [hw.Classifier(), hw.Regressor()], ids=repr)
def test_what_is_no_sample_is_refused_before_anything_was_learned_too(model):
    for ask in (model.predict_one, getattr(model, "predict_proba_one", model.predict_one)):
        with pytest.raises(HeadwaterError, match="expected a mapping of names to values, got list"):
            ask([1, 2])
