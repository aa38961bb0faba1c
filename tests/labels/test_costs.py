"""A classifier predicts the class whose mistakes are expected to cost least, wherever it is asked."""

import csv
import io
import itertools
import json
import warnings

import numpy as np
import pytest
from sklearn.base import clone

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, DataError
from headwater.interop.sklearn import OnlineClassifier
from headwater.learner.schema.expected_cost import cheapest
from headwater.serve.app import build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from headwater.store.learner_file import from_bytes, to_bytes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

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


def test_a_private_classifier_takes_costs_and_its_promise_stays(tmp_path):
    privacy = hw.Privacy(epsilon=3, bounds={"age": (0, 100)}, classes=["no", "yes"])
    model = hw.Classifier(privacy=privacy)
    for i in range(3_200):
        model.learn_one({"age": i % 100}, "yes" if i % 100 > 80 else "no")
    x, costs = {"age": 70}, {"yes": 500}
    before = str(model.privacy_)
    assert model.predict_one(x) == "no"
    assert model.predict_one(x, costs) == "yes"
    assert model.predict_many([x, x], costs).tolist() == ["yes", "yes"]
    assert next(iter(model.ask([x], costs=costs).rows()))["y_pred"] == "yes"
    assert str(model.privacy_) == before
    with pytest.raises(DataError, match="costs of classes that the model knows: no, yes"):
        model.predict_one(x, {"maybe": 5})
    with hw.open(tmp_path / "store.db", hw.Classifier(privacy=privacy)) as durable:
        durable.learn_one(x, "no")
        assert durable.predict_one(x, {"yes": 1e6}) == "yes"


@pytest.fixture
def client(model, tmp_path):
    state = make_state(tmp_path / "a.db", limits=ServerLimits())
    state.service.change(state.service.models.create, "default", from_bytes(to_bytes(model), "x"))
    with TestClient(build(state), raise_server_exceptions=True) as found:
        yield found
    state.close()


def test_predict_over_http_takes_costs_for_each_row(client):
    x = {"foreign": True}
    rows = [{"x": x}, {"x": x, "costs": {"fraud": 500, "ok": 5}}, {"x": x, "costs": {"fraud": {"ok": 500}}}]
    said = client.post("/predict", json=rows).json()
    assert [row["y_pred"] for row in said] == ["ok", "fraud", "fraud"]
    assert said[0]["proba"] == said[1]["proba"]
    asked = client.post("/ask", json={"rows": [x], "costs": {"fraud": 500, "ok": 5}}).json()
    assert asked["rows"][0]["y_pred"] == "fraud"


def test_what_is_kept_for_a_late_label_is_the_class_that_was_given_out(client):
    said = client.post("/predict", json={"x": {"foreign": True}, "costs": {"fraud": 500}}).json()
    client.post("/label", json={"id": said["id"], "y": "fraud"})
    assert said["y_pred"] == "fraud"
    (kept,) = client.post("/ask", json={"rows": [{"foreign": True}], "costs": {"fraud": 500}, "keep": True}).json()[
        "rows"
    ]
    assert kept["y_pred"] == "fraud"
    client.post("/teach", json={"asked": [kept["id"]], "labels": ["fraud"]})
    (learner,) = client.get("/models/default").json()["learners"]
    assert learner["scores"]["model"]["accuracy"] == 1.0
    assert learner["scores"]["n"] == 2


@pytest.mark.parametrize(
    ("costs", "sentence"),
    [
        ({"fraud": -1}, "a cost of at least 0"),
        ({"fruad": 5}, "costs of classes that the model knows"),
        ({"fraud": "much"}, "object"),
        ([5], "object"),
    ],
)
def test_what_is_no_cost_is_refused_over_http(client, costs, sentence):
    refused = client.post("/predict", json={"x": {"foreign": True}, "costs": costs})
    assert refused.status_code == 400
    assert sentence in json.dumps(refused.json())


def test_a_model_without_classes_refuses_costs_over_http(tmp_path):
    state = make_state(tmp_path / "a.db", limits=ServerLimits())
    state.service.change(state.service.models.create, "default", hw.Regressor())
    with TestClient(build(state), raise_server_exceptions=True) as client:
        refused = client.post("/predict", json={"x": {"a": 1.0}, "costs": {"a": 5}})
        assert refused.status_code == 400
        assert "costs" in json.dumps(refused.json())
    state.close()


def test_the_openapi_schema_has_costs(client):
    schema = client.get("/openapi.json").json()["components"]["schemas"]["PredictRequest"]
    assert "costs" in schema["properties"]


def test_an_estimator_predicts_at_costs_and_learns_and_scores_probabilities_as_before():
    X = np.array([[i % 3 == 0] for i in range(3_000)], float)
    y = np.array(["fraud" if i % 30 == 0 else "ok" for i in range(3_000)])
    plain, costed = OnlineClassifier().fit(X, y), OnlineClassifier(costs={"fraud": 500, "ok": 5}).fit(X, y)
    assert np.array_equal(plain.predict_proba(X), costed.predict_proba(X))
    assert plain.predict(X[:2]).tolist() == ["ok", "ok"]
    assert costed.predict(X[:2]).tolist() == ["fraud", "ok"]
    assert plain.set_params(costs={"fraud": 500, "ok": 5}).predict(X[:2]).tolist() == ["fraud", "ok"]
    assert clone(costed).costs == {"fraud": 500, "ok": 5}
    both = OnlineClassifier(costs=[{"fraud": 500, "ok": 5}, None]).fit(X, np.column_stack([y, y]))
    assert both.predict(X[:1]).tolist() == [["fraud", "ok"]]
    with pytest.raises(ValueError, match="costs of 2 columns of labels"):
        both.set_params(costs={"fraud": 5}).predict(X[:1])
    with pytest.raises(ValueError, match="a loss with probabilities"):
        OnlineClassifier(loss="hinge", costs={"fraud": 5}).fit(X, y).predict(X)
