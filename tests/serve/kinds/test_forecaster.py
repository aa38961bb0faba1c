"""A forecaster in service: the times of a series in their order, gaps, what comes next with intervals; what can't be is refused."""

import json
import math
import os
import warnings

import pytest

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

KIND = kind_with("forecast")
LINES = {"content-type": "application/x-ndjson"}
SETTINGS = {"seed": 1, "horizon": 6, "season": 12}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", KIND.make(SETTINGS))
    yield state
    state.close()


def answer(i):
    return None if i % 29 == 17 else [3.0, 5.0, 9.0, 8.0][i % 12 // 3] + (i * 37 % 101) / 100


def rows(n, start=0):
    return [{"x": {"warm": float(i % 5)}, "y": answer(i)} for i in range(start, start + n)]


def alone(n):
    learner = KIND.make(SETTINGS)
    said = learner.step_many([row["x"] for row in rows(n)], [row["y"] for row in rows(n)]).y_pred
    return learner, said.tolist()


def test_a_value_that_is_sent_with_a_weight_counts_so_many_times(client):
    weights = [0.5 + i % 3 if i % 7 else 0.0 for i in range(1, 81)]
    for one, w in zip(rows(40), weights, strict=False):
        assert client.post("/learn", json={**one, "w": w}).status_code == 200
    later = rows(40, 40)
    sent = {"rows": [one["x"] for one in later], "labels": [one["y"] for one in later], "weights": weights[40:]}
    assert client.post("/teach", json=sent).status_code == 200
    learner = KIND.make(SETTINGS)
    learner.step_many([one["x"] for one in rows(80)], [one["y"] for one in rows(80)], weights)
    told = client.post("/ask", json={"rows": [one["x"] for one in rows(2, 80)], "keep": True}).json()["rows"]
    for one, w in ((told[1], 3.0), (told[0], 2.0)):  # backwards: the later one waits for the earlier
        assert client.post("/label", json={"id": one["id"], "y": 4.0, "w": w}).status_code == 200
    learner.step_many([one["x"] for one in rows(2, 80)], [4.0, 4.0], [2.0, 3.0])
    assert client.post("/learn", json={"x": {}, "y": 1.0, "w": -1.0}).status_code == 400
    assert client.get("/models/default").json()["state"] == fingerprint(learner)


def test_times_are_learned_in_their_order_and_answered_with_the_forecast_made_before(client):
    one = client.post("/learn", json=rows(1)[0]).json()
    assert set(one) == {"seq", "y_pred"}
    many = client.post("/learn", json=rows(60, 1)).json()
    lines = client.post("/learn", content="\n".join(map(json.dumps, rows(139, 61))), headers=LINES)
    told = [one, *many, *map(json.loads, lines.text.splitlines())]
    learner, said = alone(200)
    assert [row["y_pred"] for row in told] == said
    about = client.get("/models/default").json()
    assert (about["state"], about["seq"]) == (fingerprint(learner), 200)
    scores = about["learners"][0]["scores"]
    assert (scores["n"], scores["gaps"]) == (193, 7)
    assert scores["window"]["season"]["mae"] < scores["window"]["no-change"]["mae"]


def test_the_next_answers_are_forecast_with_intervals_and_nothing_is_changed(client):
    client.post("/learn", json=rows(200))
    learner, _ = alone(200)
    plain = client.get("/forecast").json()
    assert (plain["seq"], plain["coverage"]) == (200, 0.9)
    assert [row["y_pred"] for row in plain["forecast"]] == learner.forecast()
    assert [(row["low"], row["high"]) for row in plain["forecast"]] == learner.forecast_interval()
    assert [row["ahead"] for row in plain["forecast"]] == [1, 2, 3, 4, 5, 6]
    xs = [{"warm": 4.0}, {"warm": 0.0}]
    known = client.post("/forecast", json={"xs": xs, "coverage": 0.5}).json()["forecast"]
    assert [row["y_pred"] for row in known] == learner.forecast(2, xs)
    assert [(row["low"], row["high"]) for row in known] == learner.forecast_interval(2, xs, 0.5)
    two = client.get("/models/default/forecast?horizon=2&coverage=0.99").json()
    assert [row["y_pred"] for row in two["forecast"]] == learner.forecast(2)
    assert client.post("/models/default/forecast", json={"horizon": 2, "coverage": 0.99}).json() == two
    assert client.get("/models/default").json()["state"] == fingerprint(learner)


def test_before_any_answer_the_forecast_has_no_ends(client):
    assert client.get("/forecast?horizon=1").json()["forecast"] == [
        {"ahead": 1, "y_pred": 0.0, "low": None, "high": None}
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/forecast?horizon=7", None, "config"),
        ("GET", "/forecast?horizon=0", None, "invalid"),
        ("GET", "/forecast?horizon=many", None, "invalid"),
        ("GET", "/forecast?coverage=nan", None, "invalid"),
        ("POST", "/forecast", {"coverage": 1.0}, "invalid"),
        ("POST", "/forecast", {"horizon": 3, "xs": [{}]}, "data"),
        ("POST", "/forecast", {"xs": []}, "invalid"),
        ("POST", "/forecast", {"xs": [{"a": {}}]}, "invalid"),
        ("POST", "/learn", {"x": {}}, "invalid"),
        ("POST", "/learn", {"x": {}, "y": "seven"}, "target"),
        ("POST", "/learn", {"x": {}, "y": True}, "target"),
        ("POST", "/ask", {"keep": True}, "invalid"),
        ("POST", "/ask", {"keep": True, "horizon": 7}, "config"),
        ("POST", "/ask", {"keep": True, "horizon": 2, "rows": [{}]}, "data"),
        ("POST", "/models/default/step", {"factor": 2.0}, "kind"),
        ("GET", "/models/default/onnx", None, "kind"),
        ("GET", "/models/default/weights", None, "kind"),
        ("GET", "/score?key=a", None, "kind"),
    ],
)
def test_what_cant_be_is_refused_in_one_sentence_with_its_code(client, method, path, body, code):
    client.post("/learn", json=rows(20))
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.json()["error"].startswith("expected ")
    assert client.get("/models/default").json()["seq"] == 20


def test_other_kinds_forecast_no_series_and_have_no_gaps(client):
    client.post("/models", json={"name": "plain", "task": "regress"})
    refused = client.get("/models/plain/forecast").json()
    assert (refused["code"], refused["at"]) == ("kind", "plain")
    assert "a learner that forecasts a series: Forecaster" in refused["error"]
    for body, at in (({"x": {}, "y": None}, "body $.y"), ([{"x": {}, "y": 1}, {"x": {}, "y": None}], "body $[1].y")):
        gap = client.post("/models/plain/learn", json=body)
        assert (gap.status_code, gap.json()["code"], gap.json()["at"]) == (400, "invalid", at)
    assert client.post("/models", json={"name": "odd", "task": "regress", "season": 7}).status_code == 400


def test_a_prediction_is_the_forecast_of_the_next_answer_and_waits_for_none(client, state):
    client.post("/learn", json=rows(100))
    learner, _ = alone(100)
    told = client.post("/predict", json={"x": {"warm": 2.0}}).json()
    assert told == {"y_pred": learner.forecast(1, [{"warm": 2.0}])[0], "seq": 100}
    assert state.service.ids.counts() == 0


def test_answers_by_id_are_learned_in_the_order_of_the_series_however_they_come(client, state):
    client.post("/learn", json=rows(100))
    learner, _ = alone(100)
    xs = [row["x"] for row in rows(4, 100)]
    two = client.post("/ask", json={"rows": xs[:2], "keep": True, "coverage": 0.5}).json()
    more = [client.post("/ask", json={"rows": [x], "keep": True}).json()["rows"][0] for x in xs[2:]]
    told = [*two["rows"], *more]
    assert [one["y_pred"] for one in told] == learner.forecast(4, xs)
    assert [one["ahead"] for one in told] == [1, 2, 3, 4]
    assert [(one["low"], one["high"]) for one in two["rows"]] == learner.forecast_interval(2, xs[:2], 0.5)
    assert (two["seq"], state.service.ids.counts()) == (100, 4)
    refused = client.post("/learn", json=rows(1, 100)[0])
    assert (refused.status_code, refused.json()["code"]) == (400, "data")
    assert "while 4 earlier ones of default did not come yet" in refused.json()["error"]
    ids, labels = [one["id"] for one in told], [answer(i) for i in range(100, 104)]
    held = client.post("/label", json={"id": ids[3], "y": labels[3]}).json()
    assert (held["held"], held["waits_for"], "seq" in held) == (True, 3, False)
    found = client.post(
        "/teach", json={"asked": [ids[2], ids[0], ids[1]], "labels": [labels[2], labels[0], None]}
    ).json()
    assert [one.get("seq") for one in found["rows"]] == [None, 101, 102]
    assert (found["rows"][2]["released"], found["seq"], state.service.ids.counts()) == (2, 104, 0)
    learner.learn_many([labels[0], None, *labels[2:]], xs)
    about = client.get("/models/default").json()
    assert (about["state"], about["learners"][0]["scores"]["n"]) == (
        fingerprint(learner),
        100,
    )  # three gaps of 103, and one more


def test_times_without_columns_are_kept_as_many_as_are_asked_for(client, state):
    client.post("/learn", json=rows(100))
    told = client.post("/ask", json={"horizon": 3, "keep": True}).json()["rows"]
    assert [one["y_pred"] for one in told] == alone(100)[0].forecast(3)
    assert client.post("/ask", json={"horizon": 4, "keep": True}).json()["code"] == "config"


def test_an_answer_held_by_a_server_that_ends_is_learned_by_the_next(client, state, tmp_path):
    client.post("/learn", json=rows(50))
    xs = [row["x"] for row in rows(3, 50)]
    ids = [one["id"] for one in client.post("/ask", json={"rows": xs, "keep": True}).json()["rows"]]
    for i in (2, 1):
        assert client.post("/label", json={"id": ids[i], "y": answer(50 + i)}).json()["held"] is True
    state.service._shut()
    again = make_state(tmp_path / "a.db")
    try:
        with TestClient(build(again)) as other:
            assert other.post("/label", json={"id": ids[0], "y": answer(50)}).json()["released"] == 2
            assert other.get("/models/default").json()["state"] == fingerprint(alone(53)[0])
    finally:
        again.close()


def test_why_a_forecast_is_what_it_is_can_be_asked(client):
    refused = client.post("/explain", json={"x": {}})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_learned")
    client.post("/learn", json=rows(200))
    why = client.post("/explain", json={"x": {"warm": 4.0}, "horizon": 2}).json()
    learner, _ = alone(200)
    assert why["prediction"] == learner.forecast(2, [{}, {"warm": 4.0}])[1]
    assert why["baseline"] + sum(why["contributions"].values()) == pytest.approx(why["prediction"], rel=1e-3)
    assert "11 before the newest" in client.post("/explain", json={"x": {}}).json()["contributions"]
    assert client.post("/explain", json={"x": {}, "horizon": 7}).json()["code"] == "config"
    for name, value in (("target", "a"), ("horizon", 1)):
        client.post("/models", json={"name": f"no_{name}", "task": "regress"})
        model = "default" if name == "target" else f"no_{name}"
        assert client.post(f"/models/{model}/explain", json={"x": {}, name: value}).json()["code"] == "kind"


def test_other_protocols_forecast_and_learn_too(client):
    client.post("/learn", json=rows(50))
    learner, _ = alone(50)
    said = learner.forecast(1, [{"warm": 1.0}])[0]
    assert client.post("/invocations", json={"dataframe_records": [{"warm": 1.0}]}).json()["predictions"] == [said]
    warm = {"name": "warm", "datatype": "FP64", "shape": [1], "data": [1.0]}
    out = client.post("/v2/models/default/infer", json={"inputs": [warm]}).json()["outputs"]
    assert [(one["name"], one["datatype"], one["data"]) for one in out] == [("y_pred", "FP64", [said])]
    y = {"name": "y", "datatype": "FP64", "shape": [1], "data": [4.5]}
    assert client.post("/v2/models/default/learn", json={"inputs": [warm, y]}).json()["seq"] == 51
    learner.learn_one(4.5, {"warm": 1.0})
    assert client.get("/models/default").json()["state"] == fingerprint(learner)


def test_an_example_that_comes_again_is_learned_once_also_where_it_is_a_gap(client):
    for _ in range(2):
        client.post("/learn", json={"x": {}, "y": 3.0, "id": "a"})
        assert client.post("/learn", json={"x": {}, "y": None, "id": "b"}).status_code == 200
    assert client.get("/models/default").json()["seq"] == 2


def test_a_model_of_the_kind_is_made_over_http_and_challenged(client):
    made = client.post("/models", json={"name": "daily", "task": "forecast", "horizon": 2, "season": 7, "seed": 3})
    assert (made.status_code, made.json()["task"]) == (201, "forecast")
    client.post("/models/daily/challengers", json={"name": "monthly", "season": 30})
    client.post("/models/daily/learn", json=[{"x": {}, "y": float(i % 7)} for i in range(100)])
    assert len(client.get("/models/daily/forecast").json()["forecast"]) == 2
    own, other = (one["scores"]["window"]["season"]["mae"] for one in client.get("/models/daily").json()["learners"])
    assert own < 0.1 < other
    assert client.post("/models", json={"name": "deep", "task": "forecast", "hidden": [8]}).status_code == 400


def test_a_restart_brings_the_forecaster_back_to_the_bit_with_its_scores_and_what_is_shown(client, state, tmp_path):
    client.post("/learn", json=rows(120))
    state.histories.record()
    before, shown = client.get("/models/default").json(), frame(state, state.model(), past=True)["series"]
    ahead = client.get("/forecast").json()
    state.service._shut()
    again = make_state(tmp_path / "a.db")
    try:
        with TestClient(build(again)) as other:
            assert other.get("/models/default").json() == before
            assert other.get("/forecast").json() == ahead
            again.histories.record()
            assert frame(again, again.model(), past=True)["series"] == shown
    finally:
        again.close()


def bands(series):
    return [list(zip(band["low"], band["high"], strict=True)) for band in series["fan"]]


def test_the_page_is_sent_the_last_answers_what_was_forecast_of_them_and_what_comes_next(client, state):
    client.post("/learn", json=rows(230))
    state.histories.record()
    shown = frame(state, state.model(), past=True)
    learner, said = alone(230)
    series = shown["series"]
    assert series["answers"] == [answer(i) for i in range(30, 230)]
    assert series["before"] == said[30:]
    assert (series["y_pred"], series["seq"]) == (learner.forecast(), 230)
    assert bands(series) == [learner.forecast_interval(coverage=coverage) for coverage in (0.9, 0.5)]
    assert (shown["experts"], shown["importance"]) == ([], [])
    gaps = [row["cells"] for row in shown["recent"] if row["cells"][1] is None]
    assert all(math.isfinite(said) for said, _ in gaps)
    json.dumps(shown, default=str)


def test_the_page_uses_the_columns_of_times_ahead_that_were_asked_for_last_until_these_have_come(client, state):
    client.post("/learn", json=rows(200))
    learner, _ = alone(202)
    xs = [{"warm": float(i % 5)} for i in range(200, 204)]
    client.post("/forecast", json={"xs": xs})
    client.post("/learn", json=rows(2, 200))
    state.histories.record()
    series = frame(state, state.model(), past=True)["series"]
    ahead = [*xs[2:], {}, {}, {}, {}]
    assert (series["known"], series["y_pred"]) == (2, learner.forecast(6, ahead))
    assert bands(series) == [learner.forecast_interval(6, ahead, coverage) for coverage in (0.9, 0.5)]
    client.post("/learn", json=rows(5, 202))
    state.histories.record()
    series = frame(state, state.model(), past=True)["series"]
    assert (series["known"], series["y_pred"]) == (0, alone(207)[0].forecast())


@pytest.fixture
def forecaster(tmp_path):
    server = Server(tmp_path, more=("--task", "forecast", "--horizon", "24", "--season", "24"))
    yield server
    server.close()


def teach(server, n, start=0):
    daily = [{"x": {}, "y": 100 + 30 * math.sin(i * math.pi / 12) + i * 37 % 11} for i in range(start, start + n)]
    daily[n // 2]["y"] = None
    assert server.post("/learn", json.dumps(daily)) == 200


@driven
@pytest.mark.parametrize("size", SIZES)
def test_the_series_its_forecast_and_the_error_beside_the_season_are_shown_in_both_languages(
    browser,  # noqa: F811
    forecaster,
    size,
):
    page = opened(browser, forecaster, size)
    page.wait_for_selector("#empty:visible")
    assert page.inner_text("#question") == "What comes next?"
    assert '"labels": [1.0]' in page.inner_text("#example")
    teach(forecaster, 600)
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '599'")
    page.wait_for_selector("#series .main-svg")
    page.wait_for_function("document.querySelector('#series-text').textContent.startsWith('Next: ')")
    page.wait_for_function("document.querySelector('#series').data[3].x.at(-1) === 600")
    assert "In 24 times: " in page.inner_text("#series-text")
    traces = page.evaluate(
        "document.querySelector('#series').data.map((t) => [t.name, t.x.length, t.x[0], t.y.includes(null)])"
    )
    assert traces == [
        ["90 % interval", 48, 601, False],
        ["50 % interval", 48, 601, False],
        ["forecast one time before", 200, 401, False],
        ["answers", 200, 401, False],
        ["forecast", 24, 601, False],
    ]
    assert "answer a season before" in page.inner_text("#card-baseline")
    assert "the next value off by" in page.inner_text("#verdict")
    assert page.get_attribute("#verdict", "data-state") == "ahead"
    teach(forecaster, 40, 600)
    page.wait_for_function("document.querySelector('#series').data[4].x[0] === 641")
    assert page.evaluate("document.querySelector('#series').data[3].y.includes(null)")
    opens(page, "manage", "server")
    page.wait_for_function("document.querySelectorAll('#recent tr').length > 5")
    assert not {"null", "NaN"} & set(page.inner_text("#recent").split())
    for gone in ("#alarms-card", "#inside", "#importance-card", "#calibration-card", "#stepping", "#onnx"):
        assert not page.is_visible(gone), gone
    assert violations(page) == []
    page.click("#theme")
    page.click("#language")
    page.wait_for_function("document.querySelector('#series-card h2').textContent === '序列与接下来的预测'")
    page.wait_for_function("document.querySelector('#series-text').textContent.startsWith('下一个')")
    assert page.inner_text("#question") == "接下来会是多少？"
    assert "一个周期之前的答案" in page.inner_text("#card-baseline")
    assert page.evaluate("document.querySelector('#series').data[4].name") == "预测"
    assert violations(page) == []
    assert page.problems == []
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{size}.png", full_page=True)
    page.context.close()
