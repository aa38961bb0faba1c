"""An agent in service: it acts, learns what followed in order, and is shown; what can't be is refused."""

import json
import math

import pytest

from headwater.learner.kind import kind_with
from headwater.serve.api.events import frame
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint

KIND = kind_with("control")
LINES = {"content-type": "application/x-ndjson"}
SETTINGS = {"actions": ("left", "right"), "seed": 1, "explore": 100, "hidden": 8}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", KIND.make(SETTINGS))
    yield state
    state.close()


def transitions(n, start=0):
    """A corridor of five rooms that is walked up and down; the reward lies at its end."""
    out = []
    for i in range(start, start + n):
        room, action = i % 5, ("right", "left")[i % 7 == 0]
        then = min(room + 1, 4) if action == "right" else max(room - 1, 0)
        out.append(
            {"x": {"room": str(room), "n": room}, "action": action, "reward": float(then == 4),
             "next": {"room": str(then), "n": then}, "terminated": then == 4}
        )  # fmt: skip
    return out


def alone(n):
    learner = KIND.make(SETTINGS)
    for row in transitions(n):
        learner.learn(row["x"], row["action"], row["reward"], row["next"], row["terminated"], False)
    return learner


def test_a_transition_that_is_sent_with_a_weight_counts_so_many_times(client):
    learner, rows = KIND.make(SETTINGS), transitions(60)
    weights = [(1.0, 0.5, 0.0, 3.0)[i % 4] for i in range(60)]
    for row, w in list(zip(rows, weights, strict=True))[:30]:
        assert client.post("/transition", json={**row, "w": w}).status_code == 200
    labels = [{name: row[name] for name in ("action", "reward", "next", "terminated")} for row in rows]
    sent = {"rows": [row["x"] for row in rows[30:]], "labels": labels[30:], "weights": weights[30:]}
    assert client.post("/teach", json=sent).status_code == 200
    for row, w in zip(rows, weights, strict=True):
        learner.learn(row["x"], row["action"], row["reward"], row["next"], row["terminated"], False, w)
    assert client.post("/transition", json={**rows[0], "w": -1.0}).status_code == 400
    assert client.get("/models/default").json()["state"] == fingerprint(learner)


def test_transitions_are_learned_in_their_order_and_the_agent_acts_as_one_alone_would(client):
    one = client.post("/transition", json=transitions(1)[0]).json()
    assert set(one) == {"seq", "value"}
    client.post("/transition", json=transitions(60, 1)).raise_for_status()
    lines = client.post("/transition", content="\n".join(map(json.dumps, transitions(139, 61))), headers=LINES)
    assert len(lines.text.splitlines()) == 139
    learner = alone(200)
    about = client.get("/models/default").json()
    assert (about["state"], about["seq"], about["task"]) == (fingerprint(learner), 200, "control")
    for row in transitions(5):
        said = client.post("/act", json={"x": row["x"], "explore": False}).json()
        assert said == {"action": learner.act(row["x"], explore=False), "seq": 200}
    assert client.post("/act", json={"x": {"never": "seen"}}).json()["action"] in ("left", "right")
    assert client.get("/models/default").json()["state"] == fingerprint(learner)
    scores = about["learners"][0]["scores"]
    assert (scores["n"], scores["episodes"]) == (200, learner.episodes)
    assert scores["window"]["model"]["return"] > 0


def test_a_transition_with_an_id_is_learned_once_and_one_that_can_not_be_is_counted(client):
    row = transitions(1)[0] | {"id": "a"}
    first, second = (client.post("/transition", json=row).json() for _ in range(2))
    assert (second["repeated"], second["seq"]) == (True, first["seq"])
    client.post("/transition", json=transitions(1, 1)[0] | {"action": "up"}).raise_for_status()
    about = client.get("/models/default").json()["learners"][0]
    assert (about["n_learned"], about["rejected"]) == (1, {"target": 1})


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/transition", {"x": {}, "action": "left"}, "reward"),
        ("/transition", {"x": {}, "action": "left", "reward": "much"}, "float"),
        ("/act", {"x": 3}, "object"),
        ("/learn", {"x": {}, "y": 1}, "expected a transition with one of the agent"),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_learned(client, path, body, said):
    answer = client.post(path, json=body)
    assert 400 <= answer.status_code < 500
    assert said in json.dumps(answer.json())
    assert client.get("/models/default").json()["seq"] == 0


def test_other_kinds_do_not_act(client):
    client.post("/models", json={"name": "plain"}).raise_for_status()
    answer = client.post("/models/plain/transition", json=transitions(1)[0])
    assert (answer.status_code, answer.json()["code"]) == (400, "kind")
    assert "acts in an environment: Agent" in answer.json()["error"]


def test_an_agent_is_made_over_http_with_actions_of_every_sort(client):
    for name, actions, good in (("a", 3, {0, 1, 2}), ("b", ["up", "down"], {"up", "down"})):
        client.post("/models", json={"name": name, "task": "control", "actions": actions}).raise_for_status()
        assert client.post(f"/models/{name}/act", json={"x": {"a": 1}}).json()["action"] in good
    client.post("/models", json={"name": "c", "task": "control", "actions": [[-1, 1], [0, 5]]}).raise_for_status()
    action = client.post("/models/c/act", json={"x": {"a": 1}}).json()["action"]
    assert len(action) == 2
    assert -1 <= action[0] <= 1
    assert 0 <= action[1] <= 5
    row = {"x": {"a": 1}, "action": action, "reward": 0.5, "next": {"a": 2}}
    assert client.post("/models/c/transition", json=row).json()["seq"] == 1


def test_the_page_is_told_of_returns_and_an_action_is_explained(client, state):
    client.post("/transition", json=transitions(200)).raise_for_status()
    shown = json.loads(json.dumps(frame(state, state.model(""), past=True)))
    assert (shown["task"], "environment" in shown["can"]) == ("control", True)
    assert len(shown["history"]["points"]) > 10
    assert all(math.isfinite(value) for point in shown["history"]["points"] for value in point)
    why = client.post("/explain", json={"x": transitions(1)[0]["x"]}).json()
    assert set(why["contributions"]) == {"room", "n"}
