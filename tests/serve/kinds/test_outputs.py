"""Several answers a row in service: learned, predicted, explained, shown; what can't be is refused."""

import json
import re

import pytest

import headwater as hw
from headwater.errors import DataError, LimitError
from headwater.learner.kind import kind_with
from headwater.route.verdict.numbers import figure
from headwater.serve.api.events import frame
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint
from serve.test_page import SIZES, Server, browser, opened, opens, violations  # noqa: F401  fixtures are for pytest
from serve.test_page import pytestmark as driven

KIND = kind_with("multioutput")
ROWS = [{"hour": float(i * 7 % 24), "from": "ab"[i % 2]} for i in range(60)]
ANSWERS = [
    {"late": x["hour"] > 12, "minutes": 2.0 * x["hour"], "why": None if i % 3 else "fog"} for i, x in enumerate(ROWS)
]


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", KIND.make({"seed": 1}))
    yield state
    if not state.service.closed:
        state.close()


def taught(client):
    body = [{"x": x, "y": y} for x, y in zip(ROWS, ANSWERS, strict=True)]
    return client.post("/learn", json=body)


def test_objects_are_learned_and_predicted_and_come_back_to_the_bit(client, state, tmp_path):
    told = taught(client).json()
    assert told[0]["y_pred"] == {}
    assert set(told[1]["y_pred"]) == {"late", "minutes", "why"}
    plain = KIND.make({"seed": 1})
    plain.learn_many(ROWS, ANSWERS)
    about = client.get("/models/default").json()
    assert (about["state"], about["seq"], about["task"]) == (fingerprint(plain), 60, "multioutput")
    assert about["learners"][0]["scores"]["model"]["accuracy"] > 0.5
    said = client.post("/predict", json={"x": ROWS[5]}).json()
    assert said["y_pred"] == pytest.approx(plain.predict_one(ROWS[5]))
    assert set(said["proba"]["late"]) == {"false", "true"}
    assert said["id"] == "p1"
    many = client.post("/predict", json=[{"x": x} for x in ROWS[:3]]).json()
    assert [row["y_pred"] for row in many] == plain.predict_many(ROWS[:3])
    state.close()
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)


def test_each_output_is_explained(client):
    taught(client)
    why = client.post("/explain", json={"x": ROWS[5]}).json()
    assert set(why["outputs"]) == {"late", "minutes", "why"}
    assert "hour" in why["outputs"]["minutes"]["contributions"]


@pytest.mark.parametrize("y", [1, "late", [1, 2], {}, {"a": [1]}, {"a": {"b": 1}}, None])
def test_what_is_no_object_of_answers_is_refused(client, y):
    assert client.post("/learn", json={"x": ROWS[0], "y": y}).status_code in (400, 422)
    assert client.get("/models/default").json()["seq"] == 0


def test_another_kind_refuses_an_object_and_this_one_what_it_can_not_do(client, state):
    state.service.change(state.service.models.create, "one", hw.Classifier())
    assert client.post("/models/one/learn", json={"x": ROWS[0], "y": {"a": 1}}).status_code in (400, 422)
    taught(client)
    for path, body in (
        ("/act", {"x": ROWS[0]}),
        ("/explain", {"x": ROWS[0], "target": "late"}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "kind") or answer.json()["code"] == "kind", path


def test_other_protocols_give_the_answers_of_a_row_as_one_object(client):
    taught(client)
    assert client.post("/invocations", json={"dataframe_records": ROWS[:1]}).json()["predictions"][0].keys() == {
        "late",
        "minutes",
        "why",
    }
    body = {"inputs": [{"name": "hour", "shape": [2], "datatype": "FP64", "data": [1.0, 20.0]}]}
    said = client.post("/v2/models/default/infer", json=body).json()["outputs"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in said] == [("y_pred", "BYTES")]
    assert json.loads(said[0]["data"][1]).keys() == {"late", "minutes", "why"}
    assert client.get("/v2/models/default").json()["outputs"][0]["datatype"] == "BYTES"


def test_the_page_has_its_scores_and_its_classes(client, state):
    taught(client)
    model = state.model("default")
    state.histories.record()
    shown = json.loads(json.dumps(frame(state, model, past=True), default=str))
    assert (shown["task"], shown["n_classes"]) == ("multioutput", 4)
    assert f"minutes {figure(ANSWERS[-1]['minutes'])}" in shown["recent"][0]["cells"][1]
    assert shown["learners"][0]["scores"]["window"]["majority"]["accuracy"] > 0


def test_a_durable_learner_counts_classes_of_all_outputs_and_takes_dicts_alone(tmp_path):
    with hw.open(tmp_path / "b.db", KIND.make({"seed": 1})) as model:
        model.learn_one(ROWS[0], ANSWERS[0])
        model.learn_many(ROWS[1:], ANSWERS[1:])
        assert model.predict_proba_one(ROWS[5]) == model.learner.predict_proba_one(ROWS[5])
        assert list(model.explain_one(ROWS[5])) == ["late", "minutes", "why"]
        for y in ("late", {}, {"a": [1]}):
            with pytest.raises(DataError):
                model.learn_one(ROWS[0], y)
        most = model.service.limits.classes
        with pytest.raises((LimitError, DataError)):
            model.learn_many([ROWS[0]] * (most + 1), [{"why": f"{i}"} for i in range(most + 1)])
        assert model.seq == 60


@pytest.fixture
def served(tmp_path):
    server = Server(tmp_path, more=("--task", "multioutput"))
    yield server
    server.close()


@driven
@pytest.mark.parametrize("size", SIZES)
def test_the_page_shows_the_share_of_right_classes_beside_simple_baselines(browser, served, size):  # noqa: F811
    page = opened(browser, served, size)
    page.wait_for_selector("#empty:visible")
    assert page.inner_text("#question") == "Which answers?"
    assert '"labels": [{"late":true}]' in page.inner_text("#example")
    body = [{"x": x, "y": y} for x, y in zip(ROWS * 10, ANSWERS * 10, strict=True)]
    assert served.post("/learn", json.dumps(body)) == 200
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '600'")
    page.wait_for_selector("#score .main-svg")
    lines = page.locator("#verdict .line").all_inner_texts()
    assert len(lines) == len(ANSWERS[0])
    assert any("off by" in line for line in lines)
    assert re.fullmatch(rf"\d / {len(lines)}", page.inner_text("#card-score b"))
    assert page.locator("#outputs tr").count() == 1 + len(lines)
    opens(page, "manage", "server")
    page.wait_for_function("document.querySelectorAll('#recent tr').length > 5")
    for gone in ("#scores", "#inside", "#importance-card", "#series-card", "#alarms-card"):
        assert not page.is_visible(gone)
    page.click("#language")
    assert page.inner_text("#question") == "有哪些答案？"
