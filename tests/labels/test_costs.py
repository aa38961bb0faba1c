"""A classifier predicts the class whose mistakes are expected to cost least, wherever it is asked."""

import csv
import io
import itertools

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, DataError
from headwater.learner.schema.expected_cost import cheapest

CLASSES = ["ok", "fraud", "lost"]


@pytest.fixture(scope="module")
def model():
    """A classifier of a rare class: one row in thirty, all of them foreign."""
    made = hw.Classifier(seed=1)
    rows = [{"foreign": i % 3 == 0} for i in range(3_000)]
    made.learn_many(rows, ["fraud" if i % 30 == 0 else "ok" for i in range(3_000)])
    return made


def test_the_class_of_the_least_expected_cost_is_that_of_a_search_over_all():
    rng = np.random.default_rng(1)
    p = rng.dirichlet((1, 1, 1), 200)
    matrix = {k: {c: float(rng.integers(1, 50)) for c in CLASSES if c != k} for k in CLASSES}
    found = cheapest(p, CLASSES, matrix)
    for row, label in zip(p.tolist(), found, strict=True):
        expected = {c: sum(q * matrix[k].get(c, 0.0) for q, k in zip(row, CLASSES, strict=True)) for c in CLASSES}
        assert expected[label] == min(expected.values())
    assert len(set(found)) == 3


def test_costs_of_one_are_the_most_probable_class_and_ties_go_to_the_class_seen_first():
    p = np.random.default_rng(2).dirichlet((1, 1, 1), 100)
    assert cheapest(p, CLASSES, {}) == [CLASSES[i] for i in p.argmax(1)]
    assert cheapest(np.array([[0.5, 0.5]]), ["b", "a"], {}) == ["b"]
    assert cheapest(np.empty((2, 0)), [], {"fraud": 5}) == [None, None]


def test_two_classes_are_a_threshold():
    p = np.array([[1 - q, q] for q in (0.009, 0.0101)])
    assert cheapest(p, ["ok", "fraud"], {"fraud": 495, "ok": 5}) == ["ok", "fraud"]


def test_every_spelling_says_the_same(model):
    x, costs = {"foreign": True}, {"fraud": 500, "ok": 5}
    assert model.predict_one(x) == "ok"
    assert (
        model.predict_one(x, costs) == model.predict_one(x, costs={"fraud": {"ok": 500}, "ok": {"fraud": 5}}) == "fraud"
    )
    assert model.predict_many([x, {"foreign": False}], costs).tolist() == ["fraud", "ok"]
    (row,) = model.ask([x], costs=costs).rows()
    assert row["y_pred"] == "fraud"
    assert row["proba"]["ok"] > 0.5
    assert model.predict_many(np.array([[1.0]]), costs).shape == (1,)


def test_costs_change_nothing_that_is_learned(model):
    before = model.predict_proba_one({"foreign": True})
    model.predict_many([{"foreign": True}] * 5, {"fraud": 1e6})
    assert model.predict_proba_one({"foreign": True}) == before


def test_a_store_a_fleet_and_a_command_take_them(model, tmp_path, capsys):
    costs = {"fraud": 500, "ok": 5}
    with hw.open(tmp_path / "store.db", hw.Classifier(seed=1)) as durable:
        durable.learn_many(
            [{"foreign": i % 3 == 0} for i in range(900)], ["fraud" if i % 30 == 0 else "ok" for i in range(900)]
        )
        assert durable.predict_one({"foreign": True}, costs) == "fraud" != durable.predict_one({"foreign": True})
    fleet = hw.Fleet(hw.Classifier(hidden=4, seed=1), key="shop")
    fleet.learn_many(
        [{"shop": "a", "foreign": i % 3 == 0} for i in range(900)],
        ["fraud" if i % 30 == 0 else "ok" for i in range(900)],
    )
    assert fleet.ask([{"shop": "a", "foreign": True}], costs=costs).rows()[0]["y_pred"] == "fraud"
    model.save(tmp_path / "m.hw")
    (tmp_path / "rows.csv").write_text("foreign\nTrue\nFalse\n")
    said = ["predict", str(tmp_path / "rows.csv"), "--model", str(tmp_path / "m.hw")]
    for more, first in (([], "ok"), (["--costs", "fraud=500, ok=5"], "fraud")):
        assert main([*said, *more]) == 0
        assert next(csv.DictReader(io.StringIO(capsys.readouterr().out)))["y_pred"] == first
    assert main([*said, "--costs", "fraud"]) == 2
    assert "— at --costs." in capsys.readouterr().err


def test_classes_that_are_no_texts_are_named_as_json_writes_them():
    p = np.array([[0.99, 0.01]])
    for classes, names in (([False, True], ["true"]), ([0, 1], ["1", 1])):
        for name in names:
            assert cheapest(p, classes, {name: 500}) == [classes[1]]


@pytest.mark.parametrize(
    ("costs", "sentence"),
    [
        ({"fraud": -1}, "expected a cost of at least 0, got -1 — at costs['fraud']."),
        ({"fraud": float("nan")}, "expected a cost of at least 0, got nan — at costs['fraud']."),
        ({"ok": {"fraud": True}}, "expected a cost of at least 0, got True — at costs['ok']['fraud']."),
        (
            {"frad": 5},
            "expected costs of classes that the model knows: fraud, ok, got 'frad' — at costs. Did you mean fraud?",
        ),
        (5, "expected costs by true class, got 5 — at costs."),
    ],
)
def test_what_is_no_cost_is_refused_in_a_sentence(model, costs, sentence):
    with pytest.raises(DataError) as error:
        model.predict_one({"foreign": True}, costs)
    assert str(error.value).startswith(sentence)


def test_a_class_that_is_still_to_come_may_be_named(model):
    assert model.predict_one({"foreign": True}, {"fraud": 500, "stolen": 900}) == "fraud"


def test_scores_of_hinge_are_no_probabilities():
    model = hw.Classifier(loss="hinge", seed=1)
    model.learn_many([{"a": 1}, {"a": 2}], ["x", "y"])
    with pytest.raises(ConfigError, match="loss='hinge', which gives scores"):
        model.predict_one({"a": 1}, {"x": 2})


def test_probabilities_of_a_class_of_one_in_a_thousand_are_calibrated():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 3))
    odds = np.exp(-9 + 2.5 * X[:, 0] + X[:, 1])
    y = rng.random(len(X)) < odds / (1 + odds)
    labels = ["fraud" if one else "ok" for one in y]
    model = hw.Classifier(seed=1)
    model.learn_many(X[:40_000], labels[:40_000])
    p = model.predict_proba_many(X[40_000:])[:, model.known_classes.index("fraud")]
    came = y[40_000:]
    assert 0.0005 < came.mean() < 0.005
    assert came.mean() / 1.6 < p.mean() < came.mean() * 1.6
    for costs in ({"fraud": 100}, {"fraud": 500}):
        said = model.predict_many(X[40_000:], costs) == "fraud"
        paid = costs["fraud"] * (came & ~said).sum() + (said & ~came).sum()
        assert paid < 0.75 * min(costs["fraud"] * came.sum(), (~came).sum())


def pairs(n=200):
    """Rows with labels that change every ten rows."""
    return [({"a": i % 7}, ["x", "y"][i // 10 % 2]) for i in range(n)]


def test_a_metric_is_a_function_of_all_rows():
    def accuracy(y_true, y_pred):
        return np.mean([a == b for a, b in zip(y_true, y_pred, strict=True)])

    found = hw.evaluate(hw.Classifier(seed=1), pairs(), metric=accuracy)
    assert found.metrics[0].name == "accuracy"
    assert found.metrics[0].get() == pytest.approx(found.record.scores["accuracy"])
    assert repr(found.metrics[0]).startswith("accuracy: 0.")


def test_a_metric_may_see_probabilities_and_stand_beside_others():
    def log_loss(y_true, y_pred, y_proba):
        return -np.mean([np.log(max(p[y], 1e-9)) if y in p else 0.0 for y, p in zip(y_true, y_proba, strict=True)])

    rows = list(itertools.islice(pairs(), 150))
    found = hw.evaluate(hw.Classifier(seed=1), rows, metric=(log_loss, lambda y, p: len(y)))
    assert 0 < found.metrics[0].get() < 1.5
    assert found.metrics[1].get() == 149


def test_functions_of_other_shapes_and_numbers_without_probabilities_are_refused():
    with pytest.raises(ConfigError, match="a function of y_true and y_pred"):
        hw.evaluate(hw.Classifier(), pairs(), metric=lambda y: 0)
    with pytest.raises(ConfigError, match="probabilities of all classes, got numbers"):
        hw.evaluate(hw.Regressor(), [({"a": 1}, 2.0)] * 5, metric=lambda y, p, q: 0)
