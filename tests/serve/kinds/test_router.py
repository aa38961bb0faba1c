"""A router in service: choices with ids, outcomes that come later, prices that change, what quality costs, and its page."""

import json
import random
import warnings

import pytest

import headwater as hw
from headwater.kinds.router import ask
from headwater.learner.kind import kind_with
from headwater.serve.api.events import frame
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint
from serve.test_page import SIZES, Server, browser, new_page, opened, violations  # noqa: F401  fixtures are for pytest
from serve.test_page import pytestmark as driven

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

PRICES = {"small": 0.25, "large": 3.0}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Router(PRICES, budget=0.0008, seed=1))
    yield state
    if not state.service.closed:
        state.close()


@pytest.fixture
def drawn_alike(monkeypatch):
    rng = random.Random(1)
    monkeypatch.setattr(ask, "drawn", lambda p: rng.choices([*p], [*p.values()])[0])


def good(task, model):
    return 0.9 if model == "large" or task == "chat" else 0.3


def routed(client, n):
    """Route prompts over HTTP, reward all but each tenth, and return what was told of each."""
    told = []
    for i in range(n):
        task = ("chat", "math")[i % 2]
        choice = client.post("/choose", json={"prompt": {"task": task}, "tokens": 300 + i % 7}).json()
        if i % 10:
            body = {"id": choice["id"], "quality": good(task, choice["model"]), "cost": choice["cost"] * 1.1}
            choice["outcome"] = client.post("/reward", json=body).json()
        told.append((task, choice))
    return told


@pytest.mark.usefixtures("drawn_alike")
def test_a_choice_is_given_out_with_what_is_expected_of_it_and_learns_its_outcome_by_id(client, state):
    told = routed(client, 200)
    assert set(told[0][1]) == {"id", "model", "p", "quality", "cost", "seq"}
    outcome = told[1][1]["outcome"]
    assert (outcome["id"], outcome["model"]) == (told[1][1]["id"], told[1][1]["model"])
    assert outcome.keys() == {"id", "model", "seq", "waited_s"}
    router = state.model("").champion.learner
    assert (router.decisions, router.n_learned) == (200, 180)
    assert router.spent / 200 < 1.004 * 0.0008
    late = [choice["model"] for task, choice in told[100:] if task == "math"]
    assert late.count("large") > 0.6 * len(late)
    about = client.get("/models/default").json()
    assert (about["task"], about["seq"]) == ("route", 380)
    assert about["learners"][0]["scores"]["n"] == 180
    mean = sum(good(task, choice["model"]) for task, choice in told if "outcome" in choice) / 180
    assert about["learners"][0]["scores"]["model"]["mean_quality"] == pytest.approx(mean)


def test_it_comes_back_to_the_bit_and_what_waited_is_rewarded_afterwards(client, state, tmp_path):
    routed(client, 60)
    waiting = client.post("/choose", json={"prompt": "How do I sort a list?"}).json()
    client.post("/prices", json={"models": {"new": 0.4, "small": None}, "budget": 0.001}).raise_for_status()
    before = client.get("/models/default").json()
    spent = client.get("/frontier").json()
    state.service._shut()  # as a killed process ends
    other = make_state(tmp_path / "a.db")
    with TestClient(build(other)) as again:
        then = again.get("/models/default").json()
        assert (then["state"], then["learners"]) == (before["state"], before["learners"])
        assert again.get("/frontier").json() == spent
        assert again.get("/prices").json()["models"] == {"large": 3.0, "new": 0.4}
        told = again.post("/reward", json={"id": waiting["id"], "quality": 0.5}).json()
        assert (told["seq"], told["model"]) == (before["seq"] + 1, waiting["model"])
        assert again.post("/reward", json={"id": waiting["id"], "quality": 0.5}).json()["repeated"] is True
        assert again.post("/reward", json={"id": waiting["id"], "quality": 0.9}).status_code == 409


def test_prices_models_and_the_budget_change_over_http(client):
    assert client.get("/prices").json() == {"seq": 0, "models": PRICES, "budget": 0.0008}
    changed = client.post("/models/default/prices", json={"models": {"large": 1.5, "new": 0.4}}).json()
    assert changed == {"seq": 1, "models": {"small": 0.25, "large": 1.5, "new": 0.4}, "budget": 0.0008}
    client.post("/prices", json={"models": {"small": None, "large": None}, "budget": None}).raise_for_status()
    assert client.get("/prices").json() == {"seq": 2, "models": {"new": 0.4}, "budget": None}
    assert {client.post("/choose", json={"tokens": 10}).json()["model"] for _ in range(5)} == {"new"}
    client.post("/prices", json={"models": {"new": None}}).raise_for_status()
    refused = client.post("/choose", json={})
    assert (refused.status_code, "at least one model" in refused.json()["error"]) == (400, True)


def test_the_frontier_says_what_was_spent_and_what_quality_costs(client):
    empty = client.get("/frontier").json()
    assert (empty["decisions"], empty["spent"], empty["points"]) == (0, 0.0, [])
    routed(client, 40)
    found = client.get("/models/default/frontier").json()
    assert found["decisions"] == sum(found["chosen"].values()) == 40
    costs = [point["cost"] for point in found["points"]]
    assert costs == sorted(costs)
    assert all(sum(point["shares"].values()) == pytest.approx(1) for point in found["points"])


def test_generic_addresses_ask_keep_teach_and_explain(client, state):
    rows = [{"task": "math"}, {"task": "chat"}]
    asked = client.post("/ask", json={"rows": rows, "tokens": 500}).json()["rows"]
    assert asked[0]["cost"] == {"small": 0.000125, "large": 0.0015}
    assert sum(asked[0]["proba"].values()) == pytest.approx(1)
    kept = client.post("/ask", json={"rows": rows, "tokens": 500, "keep": True}).json()["rows"]
    body = {"asked": [row["id"] for row in kept], "labels": [{"quality": 1.0}, {"cost": 0.002}]}
    taught = client.post("/teach", json=body).json()["rows"]
    assert [row["y_pred"] for row in taught] == [row["y_pred"] for row in kept]
    router = state.model("").champion.learner
    assert (router.decisions, router.n_learned) == (2, 1)
    client.post("/learn", json={"x": {"task": "math"}, "y": ["large", 0.8, 0.5]}).raise_for_status()
    why = client.post("/explain", json={"x": {"task": "math"}, "target": "large"}).json()
    assert why["prediction"] == pytest.approx(router.bandit.expected_rewards({"task": "math"}, ["large"])["large"])


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/choose", {"prompt": {"a": 1}, "tokens": -1}, "invalid"),
        ("/choose", {"prompt": 7}, "invalid"),
        ("/choose", {"prompt": [0.0] * 64}, "data"),
        ("/choose", {"prompt": {"a": 1}, "more": 1}, "invalid"),
        ("/reward", {"id": "p99", "quality": 1}, "unknown_id"),
        ("/reward", {"id": "p1", "reward": 1}, "invalid"),
        ("/reward", {"id": "p1"}, "invalid"),
        ("/reward", {"id": "p1", "quality": 7}, "data"),
        ("/reward", {"id": "p1", "cost": -1}, "invalid"),
        ("/prices", {"models": {"a": 0}}, "invalid"),
        ("/prices", {"models": {f"m{i}": 1.0 for i in range(1001)}}, "invalid"),
        ("/prices", {"budget": -1}, "invalid"),
        ("/learn", {"x": {"a": 1}, "y": "large"}, "data"),
        ("/learn", {"x": {"a": 1}, "y": ["large", 7.0]}, "data"),
        ("/learn", {"x": {"a": 1}, "y": ["medium", 0.5]}, "data"),
        ("/act", {"x": {"a": 1}, "actions": ["a"]}, "kind"),
    ],
)
def test_what_can_not_be_is_refused_in_one_sentence_and_nothing_is_counted(client, path, body, code):
    refused = client.post(path, json=body)
    assert refused.status_code in (400, 404, 422)
    assert refused.json()["code"] == code
    assert client.get("/models/default").json()["seq"] == 0


def test_other_models_have_no_prices_and_take_no_qualities(tmp_path):
    state = make_state(tmp_path / "b.db")
    state.service.change(state.service.models.create, "default", kind_with("decide").make({}))
    with TestClient(build(state)) as client:
        for method, path, body in (
            ("POST", "/choose", {}), ("GET", "/prices", None), ("POST", "/prices", {}), ("GET", "/frontier", None),
        ):  # fmt: skip
            assert client.request(method, path, json=body).json()["code"] == "kind"
        for body in ({"id": "p1", "quality": 1}, {"id": "p1"}, {"id": "p1", "reward": 1, "cost": 1}):
            assert client.post("/reward", json=body).json()["code"] == "invalid"


def test_the_frame_of_the_page_has_costs_shares_and_the_frontier(client, state):
    routed(client, 60)
    state.histories.record()
    live = frame(state, state.model(""), past=True)
    ledger = live["series"]
    assert ledger["decisions"] == sum(one["chosen"] for one in ledger["models"]) == 60
    assert [one["price"] for one in ledger["models"]] == [0.25, 3.0]
    assert ledger["spent"] == state.model("").champion.learner.spent
    assert ledger["frontier"]
    model, quality, p, cost, expected = live["recent"][0]["cells"]
    assert model in PRICES
    assert 0 < p <= 1
    assert cost == pytest.approx(1.1 * expected)
    assert len(live["history"]["points"][0]) == 6
    assert quality in (0.3, 0.9)
    assert fingerprint(state.model("").champion.learner) == client.get("/models/default").json()["state"]


@pytest.fixture
def served(tmp_path):
    more = ("--task", "router", "--prices", "small=0.25,large=3", "--budget", "0.0008")
    server = Server(tmp_path, more=more)
    yield server
    server.close()


@driven
@pytest.mark.parametrize("size", SIZES)
def test_the_page_shows_models_spending_and_what_quality_costs_in_both_languages(browser, served, size):  # noqa: F811
    page = opened(browser, served, size)
    page.wait_for_selector("#empty:visible")
    assert page.inner_text("#question") == "Which model answers?"
    for i in range(60):
        body = {"prompt": {"task": "chat" if i % 2 else "math"}, "tokens": 400}
        assert served.post("/choose", json.dumps(body)) == 200
        assert served.post("/reward", json.dumps({"id": f"p{i + 1}", "quality": 1.0 if i % 3 else 0.0})) == 200
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '60'")
    page.wait_for_selector("#frontier .main-svg")
    page.wait_for_function("document.querySelector('#card-spent .more')?.textContent.includes('60 decisions')")
    assert page.inner_text("#card-spent .name").lower() == "of the budget spent"
    assert page.locator("#routes tr").count() == 3
    assert page.evaluate("document.querySelector('#frontier').data.map((t) => t.name)") == [
        "budget",
        "can be had",
        "so far",
    ]
    assert "spent of the budget" in page.evaluate("document.querySelector('#score').data.map((t) => t.name)")
    for gone in ("#scores", "#inside", "#actions-card", "#series-card", "#alarms-card"):
        assert not page.is_visible(gone)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert violations(page) == []
    page.click("#language")
    page.click("#theme")
    assert page.inner_text("#question") == "由哪个模型回答？"
    page.wait_for_function("document.querySelector('#card-spent .name')?.textContent === '预算已花费的比例'")
    assert violations(page) == []
    assert page.problems == []
