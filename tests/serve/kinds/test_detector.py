"""A detector of anomalies in service: rows without answers, scores, alarms and why; what needs answers is refused."""

import json
import re
import warnings

import pytest

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.serve.api.events import frame
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint
from serve.test_page import SIZES, Server, browser, opened, opens, violations  # noqa: F401  fixtures are for pytest
from serve.test_page import pytestmark as driven

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

KIND = kind_with("anomaly")
LINES = {"content-type": "application/x-ndjson"}
FAR = {"a": 1e6, "c": "x"}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", KIND.make({"seed": 1}))
    yield state
    state.close()


def rows(n, start=0):
    return [{"x": {"a": (i * 37 % 101) / 10, "c": "xyz"[i % 3]}} for i in range(start, start + n)]


def test_rows_are_learned_alone_and_answered_with_their_scores_in_the_bits_of_the_learner_alone(client, state):
    one = client.post("/learn", json=rows(1)[0]).json()
    assert set(one) == {"seq", "score", "anomaly"}
    many = client.post("/learn", json=rows(30, 1)).json()
    lines = client.post("/learn", content="\n".join(map(json.dumps, rows(70, 31))), headers=LINES)
    told = [one, *many, *map(json.loads, lines.text.splitlines())]
    assert [row["seq"] for row in told] == list(range(1, 102))
    plain = KIND.make({"seed": 1})
    alone = plain.step_many([row["x"] for row in rows(101)]).y_pred
    assert [row["score"] for row in told] == pytest.approx(alone.tolist(), abs=0)
    assert client.get("/models/default").json()["state"] == fingerprint(plain)


def test_a_prediction_is_a_score_and_an_alarm_and_keeps_nothing(client, state):
    client.post("/learn", json=rows(300))
    far = client.post("/predict", json={"x": FAR}).json()
    assert set(far) == {"score", "anomaly", "seq"}
    assert far["score"] > 0.9
    assert far["anomaly"] == (far["score"] > 0.999)
    many = client.post("/predict", json=[*rows(40), {"x": FAR, "keep": True}]).json()
    assert many[-1] == far
    assert state.service.ids.counts() == 0
    assert client.get("/models/default").json()["seq"] == 300


def test_a_label_counts_for_the_scores_alone(client, state):
    client.post("/learn", json=rows(100))
    labelled = [{**row, "y": int(i == 3)} for i, row in enumerate(rows(50, 100))]
    client.post("/learn", json=labelled)
    plain = KIND.make({"seed": 1})
    plain.step_many([row["x"] for row in rows(150)])
    about = client.get("/models/default").json()
    assert about["state"] == fingerprint(plain)
    window = about["learners"][0]["scores"]["window"]["model"]
    assert 0 <= window["auc"] <= 1
    assert 'headwater_score{learner="champion",model="default",of="model",score="auc"}' in client.get("/metrics").text


def test_an_alarm_is_shown_with_the_columns_that_contributed(client, state):
    client.post("/learn", json=rows(1500))
    before = client.get("/models/default").json()["learners"][0]["scores"]["alarms"]
    told = client.post("/learn", json={"x": FAR}).json()
    shown = frame(state, state.model(), past=True)
    if told["anomaly"]:
        assert shown["alarms"][0]["seq"] == 1501
        assert shown["alarms"][0]["parts"][0]["name"] == "a"
        assert shown["learners"][0]["scores"]["alarms"] == before + 1
    assert shown["can"] == sorted(KIND.can)
    assert (shown["classes"], shown["importance"]) == ([], [])
    assert shown["recent"][0]["cells"][1] is None
    json.dumps(shown, default=str)


def test_why_a_row_scores_as_it_does_can_be_asked(client):
    client.post("/learn", json=rows(200))
    why = client.post("/explain", json={"x": FAR}).json()
    assert next(iter(why["contributions"])) == "a"
    assert why["seq"] == 200
    assert client.post("/models/default/explain", json={"x": FAR}).json() == why
    refused = client.post("/explain", json={"x": FAR, "target": "yes"})
    assert (refused.status_code, refused.json()["code"]) == (400, "kind")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/label", {"id": "p1", "y": 1}),
        ("POST", "/models/default/step", {"factor": 2.0}),
        ("GET", "/models/default/onnx", None),
        ("GET", "/models/default/weights", None),
        ("GET", "/models/default/activations", None),
        (
            "POST",
            "/v2/models/default/learn",
            {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1.0]}]},
        ),
    ],
)
def test_what_needs_answers_or_layers_is_refused_in_one_sentence(client, method, path, body):
    client.post("/learn", json=rows(20))
    answer = client.request(method, path, json=body)
    assert answer.status_code == 400, answer.text
    told = answer.json()
    assert told["code"] == "kind"
    assert told["error"].startswith("expected a learner that ")
    assert client.get("/models/default").json()["seq"] == 20


def test_other_protocols_score_too(client):
    client.post("/learn", json=rows(50))
    predictions = client.post("/invocations", json={"dataframe_records": [FAR]}).json()["predictions"]
    tensor = {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1e6]}]}
    infer = client.post("/v2/models/default/infer", json=tensor).json()["outputs"]
    assert predictions[0] == pytest.approx(client.post("/predict", json={"x": FAR}).json()["score"])
    assert [(one["name"], one["datatype"]) for one in infer] == [("y_pred", "FP64")]
    assert client.get("/v2/models/default").json()["outputs"] == [{"name": "y_pred", "datatype": "FP64", "shape": [-1]}]


def test_a_model_of_the_kind_is_made_over_http_and_settings_of_nets_are_refused(client, state):
    made = client.post("/models", json={"name": "odd", "task": "anomaly", "seed": 3})
    assert (made.status_code, made.json()["task"]) == (201, "anomaly")
    refused = client.post("/models", json={"name": "deep", "task": "anomaly", "optimizer": "adam"})
    assert (refused.status_code, refused.json()["at"]) == (400, "optimizer")
    assert client.post("/models", json={"name": "deep", "task": "anomaly", "hidden": [8, 4]}).status_code == 400
    assert client.post("/models", json={"name": "deep", "task": "anomaly", "hidden": [4]}).status_code == 201
    challenger = client.post("/models/odd/challengers", json={"name": "second"})
    assert [one["name"] for one in challenger.json()["learners"]] == ["champion", "second"]
    assert "step" in challenger.json()["learners"][0]


def test_a_missing_answer_is_refused_where_answers_are_learned(client):
    client.post("/models", json={"name": "plain", "task": "regress"})
    for body, at in (({"x": {"a": 1}}, "body"), ([{"x": {"a": 1}, "y": 2}, {"x": {"a": 1}}], "body $[1]")):
        answer = client.post("/models/plain/learn", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["at"]) == (400, "invalid", at)
        assert "missing required field `y`" in answer.json()["error"]


def test_a_restart_brings_the_detector_back_to_the_bit_with_its_scores(client, state, tmp_path):
    client.post("/learn", json=rows(120))
    before = client.get("/models/default").json()
    state.service._shut()
    again = make_state(tmp_path / "a.db")
    try:
        with TestClient(build(again)) as other:
            assert other.get("/models/default").json() == before
    finally:
        again.close()


def test_a_classifier_explains_over_http_too(tmp_path):
    state = make_state(tmp_path / "b.db")
    try:
        state.service.change(state.service.models.create, "default", hw.Classifier((4,), seed=1))
        with TestClient(build(state)) as client:
            assert client.post("/explain", json={"x": {"a": 1}}).status_code == 400  # nothing learned yet
            client.post(
                "/learn", json=[{"x": {"a": i % 7, "b": 1}, "y": "hi" if i % 7 > 3 else "lo"} for i in range(200)]
            )
            why = client.post("/explain", json={"x": {"a": 6, "b": 1}, "target": "hi"}).json()
            assert why["target"] == "hi"
            assert next(iter(why["contributions"])) == "a"
            total = why["baseline"] + sum(why["contributions"].values())
            assert total == pytest.approx(why["prediction"], abs=0.01)
            wide = client.post("/explain", json={"x": {f"x{i}": i for i in range(1001)}})
            assert (wide.status_code, wide.json()["code"]) == (400, "limit")
    finally:
        state.close()


@pytest.fixture
def detector(tmp_path):
    server = Server(tmp_path, more=("--task", "anomaly"))
    yield server
    server.close()


def teach(server, n, start=0, **more):
    rows = [{"x": {"a": i * 37 % 101 / 10, "c": "xyz"[i % 3], **more}} for i in range(start, start + n)]
    assert server.post("/learn", json.dumps(rows)) == 200


@driven
@pytest.mark.parametrize("size", SIZES)
def test_scores_alarms_and_the_columns_that_contributed_are_shown_in_both_languages(browser, detector, size):  # noqa: F811
    page = opened(browser, detector, size)
    page.wait_for_selector("#empty:visible")
    assert '"y"' not in page.inner_text("#example")
    assert page.inner_text("#question") == "Is anything unusual?"
    teach(detector, 1200)
    teach(detector, 1, 1200, a=1e6)
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '1,201'")
    page.wait_for_function("document.querySelectorAll('#alarms tr').length > 1")
    last = page.inner_text("#alarms tr:nth-child(2)")
    assert last.startswith("1201")
    assert "a " in last
    assert page.inner_text("#card-score .name").startswith("Share of alarms")
    assert re.search(r"All 1,201 rows: \d alarms?", page.inner_text("#verdict"))
    page.wait_for_function("document.querySelector('#scores-chart').data[2].x.at(-1) === 0")
    page.wait_for_selector("#score .main-svg")
    opens(page, "manage", "server")
    page.wait_for_function("document.querySelectorAll('#recent tr').length > 5")
    assert "null" not in page.inner_text("#recent")
    for gone in ("#scores", "#inside", "#importance-card", "#stepping", "#onnx"):
        assert not page.is_visible(gone), gone
    page.click("#language")
    page.wait_for_function("document.querySelector('#alarms-card h2').textContent === '最近的警报'")
    assert page.inner_text("#question") == "有异常吗？"
    assert "全部 1,201 个样本：警报 " in page.inner_text("#verdict")
    assert violations(page) == []
    assert page.problems == []
    page.context.close()
