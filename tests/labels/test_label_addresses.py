"""``/should_label``, ``/labels/next`` and ``/labels/release``: rows wait for people, and two never get the same one."""

import warnings

import pytest

import headwater as hw
from headwater.serve.app import build
from headwater.serve.run import make_state

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ROWS = [{"a": i % 7, "b": i % 11} for i in range(60)]


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    for name, learner in (("default", hw.Classifier(seed=1, effort="fast")), ("other", hw.Regressor())):
        state.service.change(state.service.models.create, name, learner)
    yield state
    state.service.close()


@pytest.fixture
def client(state):
    with TestClient(build(state)) as client:
        yield client


def test_rows_are_asked_handed_out_labeled_and_scored(client):
    asked = [client.post("/should_label", json={"x": x, "budget": 1}).json() for x in ROWS]
    assert asked[0] == {"label": True, "id": "p1", "p": 1.0}
    for i in range(60):
        task = client.post("/labels/next").json()
        assert (task["id"], task["x"], task["waiting"]) == (f"p{i + 1}", ROWS[i], 60 - i)
        told = client.post("/label", json={"id": task["id"], "y": "low" if task["x"]["a"] < 4 else "high"}).json()
        assert told["seq"] == i + 1
    assert task["classes"] == ["low", "high"]
    assert task["y_pred"] in task["classes"]
    assert set(task["proba"]) == {"low", "high"}
    assert client.post("/labels/next").json() == {"id": None, "waiting": 0, "classes": ["low", "high"]}
    found = client.get("/models/default").json()["learners"][0]["scores"]["labeled"]
    assert found["n"] == 60


def test_rows_that_are_not_worth_it_are_not_kept(client):
    told = [client.post("/models/default/should_label", json={"x": x, "budget": 0.05}).json() for x in ROWS]
    assert {"label": False} in told
    kept = sum(one["label"] for one in told)
    assert kept < 20
    assert client.post("/models/default/labels/next").json()["waiting"] == kept


def test_two_people_never_get_the_same_row_and_one_that_is_given_back_comes_again(client):
    for x in ROWS[:3]:
        client.post("/should_label", json={"x": x, "budget": 1})
    first, second = (client.post("/labels/next").json()["id"] for _ in range(2))
    assert (first, second) == ("p1", "p2")
    assert client.post("/labels/release", json={"id": first}).json() == {"id": "p1", "waiting": 3}
    assert [client.post("/labels/next").json()["id"] for _ in range(3)] == ["p3", "p1", None]
    assert client.post("/labels/release", json={"id": "p9"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [("should_label", {"x": {"a": 1}}), ("labels/next", None), ("labels/release", {"id": "p1"})],
)
def test_a_model_of_numbers_refuses_with_the_way_out(client, path, body):
    answer = client.post(f"/models/other/{path}", json=body) if body else client.post(f"/models/other/{path}")
    assert answer.status_code == 400
    assert "asks for labels within a budget: Classifier" in answer.json()["error"]


def test_a_share_that_can_not_be_is_refused(client):
    for budget in (0, 2, -1, "x"):
        assert client.post("/should_label", json={"x": {"a": 1}, "budget": budget}).status_code == 400
