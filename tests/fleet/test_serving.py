"""A served fleet: rows carry their key, and what can't be is refused in a sentence."""

from __future__ import annotations

import warnings

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.serve.api.events import frame
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.service.price import Price

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

ROWS, LABELS, NUMBERS = stream(600, keys=10, seed=4)
EXAMPLES = [{"x": x, "y": y} for x, y in zip(ROWS, LABELS, strict=True)]


def make(**settings):
    return hw.Fleet(lambda: hw.Classifier(hidden=(8,), seed=3), "machine", **settings)


@pytest.fixture
def serve(tmp_path):
    """Return what serves a fleet from a store: a state and a client; all end with the test."""
    opened = []

    def serves(fleet=None, name="a"):
        state = make_state(tmp_path / f"{name}.db")
        if fleet is not None:
            state.service.change(state.service.models.create, "default", fleet)
        client = TestClient(build(state), raise_server_exceptions=True)
        client.__enter__()
        opened.append((state, client))
        return state, client

    yield serves
    for state, client in opened[::-1]:
        client.__exit__(None, None, None)
        state.close()


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def test_rows_are_predicted_learned_and_scored_by_the_member_of_their_key(serve):
    _, client = serve(make())
    own = make()
    said = [
        row["y_pred"] for at in range(0, 600, 50) for row in client.post("/learn", json=EXAMPLES[at : at + 50]).json()
    ]
    assert said == own.learn_many(ROWS, LABELS).tolist()
    answers = client.post("/predict", json=[{"x": x, "keep": False} for x in ROWS[:30]]).json()
    assert [row["y_pred"] for row in answers] == own.predict_many(ROWS[:30]).tolist()
    for one in (ROWS[0], ROWS[7]):
        answer = client.post("/predict", json={"x": one, "keep": False}).json()
        assert answer["y_pred"] == own.predict_one(one)
        assert client.get("/score", params={"key": one["machine"]}).json() == {
            "key": one["machine"],
            **own.score(one["machine"]),
        }
    assert client.post("/score", json=[{"x": x} for x in ROWS[:5]]).json() == [
        {"key": x["machine"], **own.score(x["machine"])} for x in ROWS[:5]
    ]
    whole = client.get("/score").json()
    assert (whole["keys"], whole["seq"]) == (10, 600)
    scores = whole["scores"]
    assert {"rows": scores["n"], "accuracy": scores["model"]["accuracy"]} == own.score()
    assert [one["key"] for one in whole["worst"]] == [key for key, _ in own.ranking(30)[:5]]


def test_a_late_answer_goes_to_the_member_that_was_asked(serve):
    state, client = serve(make())
    client.post("/learn", json=EXAMPLES[:300])
    asked = client.post("/predict", json={"x": ROWS[300]}).json()
    before = state.service.models.named("default").champion.learner[ROWS[300]["machine"]].n_learned
    assert client.post("/label", json={"id": asked["id"], "y": LABELS[300]}).json()["seq"] == 301
    assert state.service.models.named("default").champion.learner[ROWS[300]["machine"]].n_learned == before + 1


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_fleet_comes_back_from_its_store_to_the_bit(serve, tmp_path, snapshot):
    state, client = serve(make())
    client.post("/learn", json=EXAMPLES[:400])
    if snapshot:
        assert client.post("/snapshot").json() == {"seq": 400}
    client.post("/learn", json=EXAMPLES[400:])
    state.service._shut()  # as a crash does
    state, client = serve()
    own = make()
    own.learn_many(ROWS, LABELS)
    learner = state.service.models.named("default").champion.learner
    assert (type(learner), learner.fingerprint()) == (type(own), own.fingerprint())
    assert client.get("/score", params={"key": "m3"}).json() == {"key": "m3", **own.score("m3")}


def test_the_file_and_the_store_of_a_fleet_are_served(serve, tmp_path):
    with make(store=tmp_path / "members.db", resident=3) as fleet:
        fleet.learn_many(ROWS[:300], LABELS[:300])
        fleet.save(tmp_path / "fleet.hw")
    for name in ("fleet.hw", "members.db"):
        state, client = serve(hw.load(tmp_path / name), name=f"of-{name}")
        client.post("/learn", json=EXAMPLES[300:])
        own = make()
        own.learn_many(ROWS, LABELS)
        assert state.service.models.named("default").champion.learner.fingerprint() == own.fingerprint()
        download = client.get("/models/default/file").content
        assert hw.Fleet.from_bytes(download).fingerprint() == own.fingerprint()


def test_numbers_are_regressed_a_key(serve):
    _, client = serve(hw.Fleet(lambda: hw.Regressor(hidden=(8,)), "machine"))
    client.post("/learn", json=[{"x": x, "y": y} for x, y in zip(ROWS, NUMBERS, strict=True)])
    answer = client.get("/score").json()
    assert answer["worst"][0]["mae"] > answer["best"][0]["mae"] > 0
    assert isinstance(client.post("/predict", json={"x": ROWS[0]}).json()["y_pred"], float)


def test_keys_that_are_numbers_are_named_as_json_writes_them(serve):
    _, client = serve(make())
    client.post("/learn", json=[{"x": {"machine": key, "a": 1.0}, "y": "p"} for key in [7, 2.5, True, "7b"] * 2])
    for text, key in (("7", 7), ("2.5", 2.5), ("true", True), ("7b", "7b")):
        assert client.get("/score", params={"key": text}).json() == {"key": key, "rows": 1, "accuracy": 1.0}


def test_rows_without_a_key_are_refused_and_nothing_of_them_is_learned(serve):
    _, client = serve(make())
    client.post("/learn", json=EXAMPLES[:100])
    for wrong in ({"a": 1.0}, {"machine": None, "a": 1.0}, {"machine": ["m1"], "a": 1.0}):
        for path, body in (
            ("/learn", [EXAMPLES[0], {"x": wrong, "y": "p"}]),
            ("/predict", [{"x": ROWS[0]}, {"x": wrong}]),
            ("/score", [{"x": ROWS[0]}, {"x": wrong}]),
        ):
            answer = client.post(path, json=body)
            assert code_of(answer) == (400, "no_key")
            assert answer.json()["error"].startswith(
                "expected a text, a number or a boolean in machine, the fleet's key, got"
            )
            assert answer.json()["at"] == "row 2"
    tensors = {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1.0]}]}
    assert code_of(client.post("/v2/models/default/infer", json=tensors)) == (400, "no_key")
    assert client.get("/models").json()[0]["seq"] == 100


def test_new_keys_beyond_the_most_that_there_may_be_are_refused(serve):
    _, client = serve(make(max_keys=3))
    client.post("/learn", json=[{"x": {"machine": i, "a": 1.0}, "y": "p"} for i in range(3)])
    more = [{"x": {"machine": i, "a": 1.0}, "y": "p"} for i in (1, 9)]
    assert code_of(client.post("/learn", json=more)) == (400, "too_many_keys")
    assert client.post("/learn", json=more[:1]).status_code == 200
    assert client.post("/predict", json=[{"x": more[1]["x"]}]).status_code == 200


def test_what_a_fleet_has_not_is_refused_in_a_sentence(serve):
    _, client = serve(make())
    client.post("/learn", json=EXAMPLES[:50])
    assert code_of(client.get("/score", params={"key": "nobody"})) == (400, "unknown_key")
    assert code_of(client.post("/score", json={"x": {"machine": "nobody"}})) == (400, "unknown_key")
    assert client.get("/models/default/importance").json()[0]["rise"] > 0
    for path in ("weights", "activations", "onnx"):
        answer = client.get(f"/models/default/{path}")
        assert code_of(answer) == (400, "kind")
        assert "got a Fleet" in answer.json()["error"]
    assert code_of(client.post("/models/default/step", json={"factor": 0.5})) == (400, "kind")
    assert code_of(client.post("/explain", json={"x": {"machine": "nobody"}})) == (400, "unknown_key")
    own = make()
    own.learn_many(ROWS[:50], LABELS[:50])
    why = client.post("/explain", json={"x": ROWS[0]}).json()["contributions"]
    assert why == {str(name): part for name, part in own.explain_one(ROWS[0]).contributions.items() if name in why}


def test_a_model_for_all_rows_has_a_score_and_no_keys(serve):
    _, client = serve(hw.Classifier(hidden=(4,)))
    client.post("/learn", json=EXAMPLES[:50])
    assert set(client.get("/score").json()) == {"name", "seq", "scores"}
    assert code_of(client.get("/score", params={"key": "m1"})) == (400, "kind")
    assert code_of(client.post("/score", json={"x": ROWS[0]})) == (400, "kind")


def test_the_page_and_the_description_of_a_fleet_can_be_read(serve):
    state, client = serve(make())
    client.post("/learn", json=EXAMPLES[:200])
    about = client.get("/models/default").json()
    assert about["describe"]["members"] == 10
    assert about["describe"]["features"][0] == {"name": "machine", "kind": "category", "values": 10}
    assert about["learners"][0]["n_learned"] == 200
    state.histories.of(state.model()).record({})
    shown = frame(state, state.model(), past=True)
    assert (shown["experts"], shown["importance"], len(shown["recent"])) == ([], [], 20)
    assert client.get("/v2/models/default").json()["inputs"][0] == {
        "name": "machine",
        "datatype": "BYTES",
        "shape": [-1],
    }
    assert "headwater_learned_total" in client.get("/metrics").text or client.get("/metrics").status_code == 200
    assert client.get("/").status_code == 200


def test_forecasts_of_many_keys_are_asked_at_once(serve, monkeypatch):
    fleet = hw.Fleet(lambda: hw.Forecaster(horizon=3, season=4), "shop")
    fleet.step_many([{"shop": "ab"[i % 2]} for i in range(200)], [float(i // 2 % 4) for i in range(200)])
    expected = [{"shop": key, **row} for key in "ba" for row in fleet[key].ask(horizon=3, coverage=0.8).rows()]
    _, client = serve(fleet)
    body = {"rows": [{"shop": "b"}, {"shop": "a"}], "horizon": 3, "coverage": 0.8}
    charged = []
    predicting = Price.predicting
    monkeypatch.setattr(Price, "predicting", lambda *given: charged.append(given[1]) or predicting(*given))
    assert client.post("/ask", json=body).json()["rows"] == expected
    assert charged[-1] == 6, "each time ahead of each series costs"
    assert len(client.post("/ask", json={"rows": body["rows"]}).json()["rows"]) == charged[-1] == 6
    refused = client.post("/ask", json={"horizon": 3})
    assert (refused.status_code, "expected rows, got none" in refused.text) == (400, True)
