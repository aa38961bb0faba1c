"""Importance, partial dependence and shape functions over a stream whose truth is known."""

import numpy as np
import pytest

import headwater as hw
from headwater import explain
from headwater.errors import ConfigError, DataError
from headwater.route.session import Session


def rows(n, seed=0, strong="a"):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = {"a": rng.normal(), "b": rng.normal(), "c": "uv"[rng.integers(2)], "noise": rng.normal()}
        yield x, 3 * x[strong] + 2 * (x["c"] == "u")


class Known:
    """A regressor that knows the truth, y = 3a − b, and may be asked only."""

    task = "regress"

    def predict_batch(self, X):
        from headwater.types import Predictions

        return Predictions(np.array([3 * x.get("a", 0.0) - x.get("b", 0.0) for x in X]))


@pytest.mark.parametrize("method", ["ipfi", "isage"])
def test_importances_rank_the_features_as_the_stream_was_made(method):
    watch = explain.Importance(method, every=8)
    Session(hw.Regressor(seed=1), watch=watch).run(rows(3_000))
    assert list(watch.values)[:2] == ["a", "c"]
    assert watch.values["a"] > 2 * watch.values["c"]
    assert max(abs(watch.values["b"]), abs(watch.values["noise"])) < 0.1 * watch.values["a"]


def test_permutation_importance_is_the_mean_rise_of_the_loss():
    rng = np.random.default_rng(0)
    watch = explain.Importance("ipfi", a=0.0)
    for _ in range(3_000):
        x = {"a": rng.normal(), "b": rng.normal()}
        watch.update(x, 3 * x["a"] - x["b"], Known())
    # |3(a − r)| for two independent standard normals: 3·2/√π
    assert watch.values["a"] == pytest.approx(6 / np.sqrt(np.pi), rel=0.05)
    assert watch.values["b"] == pytest.approx(2 / np.sqrt(np.pi), rel=0.05)


def test_shapley_values_share_out_the_whole_loss():
    rng = np.random.default_rng(0)
    watch = explain.Importance("isage", a=0.0)
    for _ in range(4_000):
        x = {"a": rng.normal(), "b": rng.normal()}
        watch.update(x, 3 * x["a"] - x["b"], Known())
    # nothing revealed: |3(a − r) − (b − s)|, all revealed: 0; the difference is shared out without a rest
    assert sum(watch.values.values()) == pytest.approx(np.sqrt(20) * np.sqrt(2 / np.pi), rel=0.05)
    assert watch.values["a"] > watch.values["b"] > 0


def test_features_that_say_the_same_share_the_importance():
    model = hw.Regressor(seed=1)
    watch = explain.Importance("isage", every=8)
    rng = np.random.default_rng(0)
    twins = [({"a": v, "twin": v, "noise": e}, 3 * v) for v, e in rng.normal(size=(4_000, 2)).tolist()]
    Session(model, watch=watch).run(twins)
    assert watch.values["twin"] > 0.3 * watch.values["a"] > 0
    assert watch.values["noise"] < 0.1 * watch.values["a"]


def test_importance_follows_a_change_and_keeps_its_history():
    watch = explain.Importance(every=8, a=0.02)
    session = Session(hw.Regressor(seed=1), watch=watch)
    session.run(rows(2_000))
    assert next(iter(watch.values)) == "a"
    session.run(rows(4_000, seed=1, strong="b"))
    assert next(iter(watch.values)) == "b"
    assert [row for row, _ in watch.history] == sorted(row for row, _ in watch.history)
    assert next(iter(watch.history[3][1])) == "a"


def test_blocks_change_no_importance():
    def run(block):
        watch = explain.Importance(every=50)
        Session(hw.Regressor(seed=1), watch=watch, block=block).run(rows(1_000))
        return watch.values

    assert run(1_024) == run(7)


def test_importance_of_a_model_as_it_is_now():
    model = hw.Regressor(seed=1)
    Session(model).run(rows(3_000))
    assert list(model.importance())[:2] == ["a", "c"]
    assert list(model.importance("isage"))[:2] == ["a", "c"]


def test_importance_of_a_classifier_and_of_arrays():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 3))
    model = hw.Classifier(seed=1)
    Session(model).step(X, (X[:, 1] > 0).tolist())
    assert next(iter(model.importance())) == "x1"


def test_partial_dependence_follows_the_truth():
    watch = explain.PartialDependence("a", grid=[-1.0, 0.0, 1.0], every=8)
    Session(hw.Regressor(seed=1), watch=watch).run(rows(4_000))
    low, middle, high = watch.curve.values()
    assert high - middle == pytest.approx(3, abs=0.4)
    assert middle - low == pytest.approx(3, abs=0.4)


def test_partial_dependence_finds_its_own_grid():
    numbers, names = explain.PartialDependence("a", every=8), explain.PartialDependence("c", every=8)
    Session(hw.Regressor(seed=1), watch=[numbers, names]).run(rows(2_000))
    assert len(numbers.curve) == 20
    assert list(numbers.curve) == sorted(numbers.curve)
    assert names.curve["u"] - names.curve["v"] == pytest.approx(2, abs=0.4)


def test_partial_dependence_of_a_class():
    watch = explain.PartialDependence("a", grid=[-2.0, 2.0], target="high", every=8)
    stream = [(x, "high" if y > 1 else "low") for x, y in rows(2_000)]
    Session(hw.Classifier(seed=1), watch=watch).run(stream)
    low, high = watch.curve.values()
    assert low < 0.2
    assert high > 0.8


def test_the_shape_of_the_linear_expert_is_what_it_adds():
    rng = np.random.default_rng(0)
    model = hw.Regressor(seed=1)
    for a, b in rng.uniform(-2, 2, size=(6_000, 2)).tolist():
        model.learn_one({"a": a, "b": b, "c": "uv"[int(a > 0)]}, a * a + b)
    curve = explain.shape(model, "a", points=21)
    truth = np.square(curve.points) - np.mean(np.square(curve.points))
    assert np.abs(curve.effect[:, 0] - truth).mean() < 0.3
    assert explain.shape(model, "c").points == ["u", "v"] or explain.shape(model, "c").points == ["v", "u"]
    assert 0 < curve.weight < 1


def test_what_has_no_shape_is_said():
    model = hw.Regressor((8,), seed=1)
    model.learn_one({"a": 1.0}, 1.0)
    with pytest.raises(ConfigError, match="expected a model with a linear expert"):
        explain.shape(model, "a")
    line = hw.Regressor((), seed=1)
    line.learn_one({"price": 1.0}, 1.0)
    with pytest.raises(ConfigError, match="Did you mean price"):
        explain.shape(line, "prize")


def test_wrong_settings_and_missing_rows_are_said():
    with pytest.raises(ConfigError, match="expected one of ipfi, isage"):
        explain.Importance("magic")
    with pytest.raises(ConfigError, match="expected every of at least 1"):
        explain.PartialDependence("a", every=0)
    with pytest.raises(DataError, match="expected a model that has learned"):
        hw.Regressor().importance()
