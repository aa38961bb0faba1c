"""What a server says with a prediction: a set, or an interval, that holds the answer as often as was asked for."""

import warnings

import pytest

from headwater.learner.kind import kind_with
from headwater.serve.api.events import frame
from headwater.serve.app import build
from headwater.serve.run import make_state

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient


@pytest.fixture(params=["classify", "regress"])
def state(request, tmp_path):
    state = make_state(tmp_path / "a.db")
    kind = kind_with(request.param)
    state.service.change(state.service.models.create, "default", kind.make({"seed": 1}))
    yield state
    state.close()


def answer(task, i):
    return 3.0 * (i % 7) + (i * 37 % 11) if task == "regress" else "abc"[(i % 7 + i * 37 % 3) % 3]


def test_a_prediction_has_a_set_or_an_interval_where_it_is_asked_for(state):
    model = state.model("")
    with TestClient(build(state), raise_server_exceptions=True) as client:
        assert frame(state, model, past=False)["coverage"] is None
        rows = [{"x": {"warm": i % 7}, "y": answer(model.task, i)} for i in range(300)]
        assert client.post("/learn", json=rows).status_code == 200
        plain = client.post("/predict", json={"x": {"warm": 3}, "keep": False}).json()
        said = client.post("/predict", json={"x": {"warm": 3}, "keep": False, "coverage": 0.95}).json()
        both = client.post("/predict", json=[{"x": {"warm": 3}, "coverage": 0.5}, {"x": {"warm": 3}}]).json()
        refused = client.post("/predict", json={"x": {"warm": 3}, "coverage": 1.0})
    learner = model.champion.learner
    if model.task == "classify":
        assert set(said["set"]) == learner.predict_set_one({"warm": 3}, 0.95)
    else:
        assert tuple(said["interval"]) == learner.predict_interval_one({"warm": 3}, 0.95, guarantee="long-run")
    assert {name: value for name, value in said.items() if name not in ("coverage", "set", "interval")} == plain
    assert said["coverage"] == 0.95
    assert both[0]["coverage"] == 0.5
    assert "coverage" not in both[1]
    assert refused.status_code == 400
    about = frame(state, model, past=False)["coverage"]
    assert about == learner.coverage_[0.9]
    assert about["rows"] > 290


def test_a_learner_without_coverage_refuses(tmp_path):
    state = make_state(tmp_path / "b.db")
    state.service.change(state.service.models.create, "default", kind_with("anomaly").make({"seed": 1}))
    with TestClient(build(state), raise_server_exceptions=True) as client:
        said = client.post("/predict", json={"x": {"warm": 3}, "coverage": 0.9})
    state.close()
    assert said.status_code == 400
    assert "sets or intervals" in said.text
