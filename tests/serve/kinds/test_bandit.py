"""A bandit in service: actions with ids, rewards that come later, logged decisions; what can't be is refused."""

import json
import random
import re
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

KIND = kind_with("decide")
ACTIONS = ["news", "music"]


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", KIND.make({"seed": 1}))
    yield state
    if not state.service.closed:
        state.close()


def earned(x, action):
    return float((action == "news") == (x["hour"] < 12))


def rows(n):
    return [{"hour": float(i * 7 % 24)} for i in range(n)]


def test_a_decision_that_is_sent_with_a_weight_counts_so_many_times(client, state):
    learner, logged = (
        KIND.make({"seed": 1}),
        [[ACTIONS[i % 2], earned(x, ACTIONS[i % 2]), 0.5] for i, x in enumerate(rows(40))],
    )
    weights = [0.5 + i % 3 for i in range(40)]
    for x, y, w in list(zip(rows(40), logged, weights, strict=True))[:20]:
        assert client.post("/learn", json={"x": x, "y": y, "w": w}).status_code == 200
    sent = {"rows": rows(40)[20:], "labels": logged[20:], "weights": weights[20:]}
    assert client.post("/teach", json=sent).status_code == 200
    learner.learn_many(rows(40), logged, weights)
    told = client.post("/act", json={"x": rows(1)[0], "actions": ACTIONS}).json()
    answer = client.post("/label", json={"id": told["id"], "y": 1.0, "w": 3.0})
    assert answer.status_code == 200, answer.text
    learner.learn(rows(1)[0], told["action"], 1.0, told["p"], w=3.0)
    assert client.post("/learn", json={"x": {}, "y": logged[0], "w": -1.0}).status_code == 400
    assert client.get("/models/default").json()["state"] == fingerprint(learner)


def test_an_action_is_given_out_with_its_probability_and_learns_its_reward_by_id(client, state):
    waiting, learner = [], KIND.make({"seed": 1})
    for x in rows(60):
        told = client.post("/act", json={"x": x, "actions": ACTIONS}).json()
        assert set(told) == {"id", "action", "p", "seq"}
        assert told["action"] in ACTIONS
        assert 0 < told["p"] <= 1
        waiting.append((x, told))
    for x, told in reversed(waiting):
        answer = client.post("/reward", json={"id": told["id"], "reward": earned(x, told["action"])}).json()
        assert (answer["id"], answer["action"]) == (told["id"], told["action"])
        learner.learn(x, told["action"], earned(x, told["action"]), told["p"])
    about = client.get("/models/default").json()
    assert (about["state"], about["seq"], about["task"]) == (fingerprint(learner), 60, "decide")
    scores = about["learners"][0]["scores"]
    assert scores["n"] == 60
    assert scores["logged"]["mean_reward"] == sum(earned(x, told["action"]) for x, told in waiting) / 60
    again = client.post(
        "/reward", json={"id": waiting[0][1]["id"], "reward": earned(waiting[0][0], waiting[0][1]["action"])}
    )
    assert again.json()["repeated"] is True


def test_actions_with_features_go_over_http_by_id_too(client, state):
    learner, waiting = KIND.make({"seed": 1}), []
    for i, x in enumerate(rows(20)):
        offer = {f"ad {i} {j}": {"price": float((i + j) % 5), "kind": "xyz"[j]} for j in range(3)}
        told = client.post("/act", json={"x": x, "actions": offer}).json()
        assert told["action"] in offer
        waiting.append((x, told, offer))
    for x, told, offer in waiting:
        client.post("/reward", json={"id": told["id"], "reward": 0.5}).raise_for_status()
        learner.learn(x, told["action"], 0.5, told["p"], offer)
    told = client.post("/ask", json={"rows": [x], "actions": offer, "keep": True}).json()["rows"][0]
    assert told["y_pred"] in offer
    x, offer = {"hour": 3.0}, {"new": {"price": 2.0, "kind": "x"}}
    client.post("/learn", json={"x": x, "y": ["new", 1, 0.5, offer]}).raise_for_status()
    learner.learn(x, "new", 1.0, 0.5, offer)
    assert client.get("/models/default").json()["state"] == fingerprint(learner)
    asked = client.post("/ask", json={"rows": [x], "actions": offer}).json()["rows"][0]
    assert asked["expected"] == pytest.approx(learner.expected_rewards(x, offer))
    for path, body in (
        ("/act", {"x": x, "actions": ["a"]}), ("/learn", {"x": x, "y": ["a", 1, 0.5]}), ("/predict", {"x": x}), ("/ask", {"rows": [x]}),
    ):  # fmt: skip
        refused = client.post(path, json=body)
        assert refused.status_code < 500, refused.text
        assert "actions with their features" in refused.text


def test_it_learns_to_choose_and_comes_back_to_the_bit_after_any_end(client, state, tmp_path):
    total = 0.0
    for i, x in enumerate(rows(400)):
        told = client.post("/act", json={"x": x, "actions": ACTIONS}).json()
        r = earned(x, told["action"])
        total += r if i >= 200 else 0
        client.post("/reward", json={"id": told["id"], "reward": r})
    assert total / 200 > 0.85
    pending = client.post("/act", json={"x": {"hour": 3.0}}).json()
    now = client.get("/models/default").json()
    live = frame(state, state.model(""), past=True)
    window = live["learners"][0]["scores"]["window"]
    assert 0.3 < window["uniform"]["mean_reward"] < window["model"]["mean_reward"]
    assert len(live["history"]["points"][0]) == 5
    action, reward, p, _ = live["recent"][0]["cells"]
    assert (action, reward, p) == (told["action"], r, pytest.approx(told["p"]))
    state.service._shut()  # as a killed process ends
    other = make_state(tmp_path / "a.db")
    with TestClient(build(other)) as again:
        then = again.get("/models/default").json()
        assert (then["state"], then["seq"]) == (now["state"], 400)
        assert then["learners"][0]["scores"] == now["learners"][0]["scores"]
        assert again.post("/reward", json={"id": pending["id"], "reward": 1}).json()["seq"] == 401


def test_logged_decisions_predictions_and_explanations_go_over_http(client):
    log = [{"x": x, "y": [ACTIONS[i % 2], earned(x, ACTIONS[i % 2]), 0.5, ACTIONS]} for i, x in enumerate(rows(200))]
    lines = client.post(
        "/learn", content="\n".join(map(json.dumps, log)), headers={"content-type": "application/x-ndjson"}
    )
    assert lines.status_code == 200
    learner = KIND.make({"seed": 1})
    learner.learn_many([row["x"] for row in log], [row["y"] for row in log])
    assert client.get("/models/default").json()["state"] == fingerprint(learner)
    said = client.post("/predict", json={"x": {"hour": 20.0}}).json()
    assert said["y_pred"] == learner.predict_one({"hour": 20.0}) == "music"
    assert said["proba"] == pytest.approx(learner.probabilities({"hour": 20.0}), abs=1e-6)
    why = client.post("/explain", json={"x": {"hour": 20.0}, "target": "music"}).json()
    assert why["prediction"] == pytest.approx(learner.expected_rewards({"hour": 20.0})["music"])
    about = client.get("/v2/models/default").json()
    assert [tensor["name"] for tensor in about["outputs"]] == ["y_pred", "proba"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/act", {"x": {"a": 1}}, "data"),
        ("/act", {"x": {"a": 1}, "actions": []}, "invalid"),
        ("/act", {"x": {"a": 1}, "actions": [None]}, "invalid"),
        ("/act", {"x": {"a": 1}, "more": 1}, "invalid"),
        ("/reward", {"id": "p99", "reward": 1}, "unknown_id"),
        ("/reward", {"id": "p1", "reward": "much"}, "invalid"),
        ("/learn", {"x": {"a": 1}, "y": "news"}, "data"),
        ("/learn", {"x": {"a": 1}, "y": ["news", 1.0, 0.0]}, "data"),
        ("/learn", {"x": {"a": 1}, "y": ["news", "much"]}, "data"),
        ("/label", {"id": "p1", "y": 1}, "unknown_id"),
        ("/forecast", {"horizon": 1}, "kind"),
    ],
)
def test_what_can_not_be_is_refused_in_one_sentence_and_nothing_is_learned(client, path, body, code):
    refused = client.post(path, json=body)
    assert refused.status_code in (400, 404, 409, 422)
    assert refused.json()["code"] == code
    assert client.get("/models/default").json()["seq"] == 0


def test_other_models_have_no_actions(tmp_path):
    state = make_state(tmp_path / "b.db")
    state.service.change(state.service.models.create, "default", kind_with("classify").make({}))
    with TestClient(build(state)) as client:
        for path, body in (("/act", {"x": {}, "actions": ["a"]}), ("/reward", {"id": "p1", "reward": 1})):
            assert client.post(path, json=body).json()["code"] == "kind"
        assert "a class" in client.post("/learn", json={"x": {"a": 1}, "y": ["a", 1, 1]}).json()["error"]


def test_a_challenger_is_judged_by_the_actions_of_the_champion(client):
    made = client.post("/models/default/challengers", json={"name": "small", "hidden": [8]})
    assert made.status_code == 201
    for x in rows(120):
        told = client.post("/act", json={"x": x, "actions": ACTIONS}).json()
        client.post("/reward", json={"id": told["id"], "reward": earned(x, told["action"])})
    champion, challenger = client.get("/models/default").json()["learners"]
    assert challenger["n_learned"] == champion["n_learned"] == 120
    assert challenger["scores"]["logged"] == champion["scores"]["logged"]
    assert 0 <= challenger["scores"]["model"]["mean_reward"] <= 1


def explored(n, eps=0.6):
    """Return a log in which the champion takes music whatever the hour, unless it explores."""
    draw = random.Random(5)
    log = []
    for x in rows(n):
        action = draw.choice(ACTIONS) if draw.random() < eps else "music"
        p = eps / 2 + (1 - eps) * (action == "music")
        log.append({"x": x, "y": [action, earned(x, action), p, ACTIONS]})
    return log


def test_the_challengers_are_listed_with_the_interval_of_each_score_and_what_is_known_of_their_lead(client):
    assert client.get("/models/default/challengers").json() == []
    client.post("/models/default/challengers", json={"name": "small", "hidden": [8]})
    assert client.post("/learn", json=explored(600)).status_code == 200
    (one,) = client.get("/models/default/challengers").json()
    assert (one["name"], one["n_learned"]) == ("small", 600)
    scores, lead = one["scores"], one["lead"]["overall"]
    low, high = scores["interval"]
    assert low < scores["model"]["mean_reward"] < high
    assert lead["value"] == pytest.approx(scores["model"]["mean_reward"] - scores["logged"]["mean_reward"])
    assert lead["state"] == "better"
    assert 0 < lead["interval"][0] < lead["value"] < lead["interval"][1]
    assert one["said"]["en"] == [
        (
            f"All 600 decisions: better than “champion” by {lead['value']:.3g} "
            f"(95 % interval: {lead['interval'][0]:.3g} to {lead['interval'][1]:.3g})."
        )
    ]
    champion, same = client.get("/models/default").json()["learners"]
    assert {name: same[name] for name in one} == one
    assert (champion["lead"], champion["said"]) == (None, {"en": [], "zh": []})
    assert champion["scores"]["interval"] == client.get("/score").json()["scores"]["interval"]
    assert client.get("/models/other/challengers").status_code == 404


def test_metrics_hold_the_interval_of_each_score_and_the_lead_of_each_challenger(client):
    parser = pytest.importorskip("prometheus_client.parser", reason="pip install 'headwater[serve]'")
    client.post("/models/default/challengers", json={"name": "small", "hidden": [8]})
    client.post("/learn", json=explored(600))
    (one,) = client.get("/models/default/challengers").json()
    found = {family.name: family for family in parser.text_string_to_metric_families(client.get("/metrics").text)}
    ends = {(s.labels["learner"], s.labels["end"]): s.value for s in found["headwater_interval"].samples}
    assert [ends["small", end] for end in ("low", "high")] == one["scores"]["window"]["interval"]
    assert {name for name, _ in ends} == {"champion", "small"}
    leads = {(s.labels["learner"], s.labels["of"]): s.value for s in found["headwater_lead"].samples}
    lead = one["lead"]["recent"]
    low, high = lead["interval"]
    assert leads == {("small", "value"): lead["value"], ("small", "low"): low, ("small", "high"): high}
    first = {(s.labels["learner"], s.labels["of"]): s.value for s in found["headwater_primary"].samples}
    assert first["small", "model"] == one["scores"]["window"]["model"]["mean_reward"]


def test_of_a_champion_that_hardly_explores_it_is_said_what_to_do(client):
    client.post("/models/default/challengers", json={"name": "small", "hidden": [8]})
    client.post("/learn", json=explored(300, eps=0.01))
    (one,) = client.get("/models/default/challengers").json()
    assert one["lead"]["overall"]["state"] == "unexplored"
    assert "“champion”探索得太少，无法判断" in one["said"]["zh"][0]
    assert 'Let it explore more, for example with explore="epsilon", amount=0.2' in one["said"]["en"][0]


@driven
@pytest.mark.parametrize("size", SIZES)
def test_the_page_says_whether_a_challenger_leads_with_the_interval(browser, served, size):  # noqa: F811
    assert served.post("/models/default/challengers", b'{"name": "small", "hidden": [8]}') == 201
    assert served.post("/learn", json.dumps(explored(600))) == 200
    page = opened(browser, served, size)
    opens(page, "manage")
    page.wait_for_selector("#leads li")
    said = page.inner_text("#leads li")
    assert re.fullmatch(
        r"small · All 600 decisions: better than “champion” by 0\.\d+ \(95 % interval: 0\.\d+ to 0\.\d+\)\.", said
    )
    for row in (1, 2):
        assert re.fullmatch(
            r"0\.\d+ \(0\.\d+ to [01][.\d]*\)", page.inner_text(f"#learners tr >> nth={row} >> td >> nth=4")
        )
    assert re.search(r"95 % interval: 0\.\d+ to [01]", page.inner_text("#card-score"))
    page.click("#learners button >> nth=0")
    assert said.removeprefix("small · ") in page.inner_text("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert violations(page) == []
    page.click("#language")
    page.wait_for_function("document.querySelector('#leads li').textContent.includes('比“champion”好 0.')")
    assert re.fullmatch(r"0\.\d+（0\.\d+ 至 [01][.\d]*）", page.inner_text("#learners tr >> nth=2 >> td >> nth=4"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []
    page.context.close()


@pytest.fixture
def served(tmp_path):
    server = Server(tmp_path, more=("--task", "decide"))
    yield server
    server.close()


@driven
@pytest.mark.parametrize("size", SIZES)
def test_the_page_shows_the_mean_reward_beside_simple_policies(browser, served, size):  # noqa: F811
    page = opened(browser, served, size)
    page.wait_for_selector("#empty:visible")
    assert page.inner_text("#question") == "Which action?"
    assert '"actions":["a","b"]' in page.inner_text("#example")
    log = [{"x": x, "y": [ACTIONS[i % 2], earned(x, ACTIONS[i % 2]), 0.5, ACTIONS]} for i, x in enumerate(rows(600))]
    assert served.post("/learn", json.dumps(log)) == 200
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '600'")
    page.wait_for_selector("#score .main-svg")
    assert "a decision, ahead of" in page.inner_text("#verdict")
    assert page.get_attribute("#verdict", "data-state") == "ahead"
    assert "drawing actions evenly" in page.inner_text("#card-baseline").lower()
    assert page.evaluate("document.querySelector('#score').data.map((t) => t.name)") == [
        "always taking the single best action", "drawing actions evenly", "model",
    ]  # fmt: skip
    assert page.locator("#actions tr").count() == 1 + len(ACTIONS)
    assert page.locator("#policies tr").count() == 4
    opens(page, "manage", "server")
    page.wait_for_function("document.querySelectorAll('#recent tr').length > 5")
    for gone in ("#scores", "#inside", "#importance-card", "#series-card", "#alarms-card"):
        assert not page.is_visible(gone)
    page.click("#language")
    assert page.inner_text("#question") == "选择哪个动作？"
