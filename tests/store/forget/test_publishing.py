"""A model that is published late answers everything from one state, which changes only so often."""

import time
import warnings

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient


def row(i):
    return {"a": i % 7 / 3, "c": "xyz"[i % 3]}


def label(i):
    return "yes" if i % 7 > 3 else "no"


def small():
    return hw.Classifier(hidden=(4,), seed=1)


def taught(n):
    model = small()
    model.learn_many([row(i) for i in range(n)], [label(i) for i in range(n)])
    return model


def test_a_durable_learner_answers_from_the_state_of_every_hundredth_row(tmp_path):
    with hw.open(tmp_path / "a.db", small(), publish_every=100) as store:
        store.learn_many([row(i) for i in range(150)], [label(i) for i in range(150)])
        published = taught(100)
        for i in range(150, 199):
            before = store.predict_proba_one(row(i))
            store.learn_one(row(i), label(i))
            assert store.predict_proba_one(row(i)) == before == published.predict_proba_one(row(i))
        assert (store.seq, store.n_learned, fingerprint(store.learner)) == (199, 100, fingerprint(published))
        assert store.scores["n"] < 100
        store.save(tmp_path / "m.hw")
        assert fingerprint(hw.load(tmp_path / "m.hw")) == fingerprint(published)
        store.learn_one(row(199), label(199))
        assert (store.n_learned, fingerprint(store.learner)) == (200, fingerprint(taught(200)))
    with hw.open(tmp_path / "a.db") as again:  # nothing is lost, and a start publishes
        assert fingerprint(again.learner) == fingerprint(taught(200))


def test_by_time_it_is_published_with_the_next_row_or_by_the_clock(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with hw.open(tmp_path / "a.db", small(), publish_every="10 minutes") as store:
        for i in range(50):
            store.learn_one(row(i), label(i))
        assert store.n_learned == 0
        now[0] += 601
        store.service.models.publish_due()
        assert store.n_learned == 50
        store.learn_one(row(50), label(50))
        assert store.n_learned == 50


def test_whoever_asks_between_two_rows_reads_no_label(tmp_path):
    """The probabilities before and after a row are compared: published at once they betray its label, and late they don't change."""
    betrayed = {}
    for every in (None, 1000):
        with hw.open(tmp_path / f"{every}.db", small(), publish_every=every) as store:
            rng, right = np.random.default_rng(0), 0
            for _ in range(300):
                x, y = {"a": float(rng.normal())}, "no" if rng.random() < 0.5 else "yes"
                before = store.predict_proba_one(x).get("yes", 0.5)
                store.learn_one(x, y)
                after = store.predict_proba_one(x).get("yes", 0.5)
                right += after != before and (after > before) == (y == "yes")
            betrayed[every] = right
    assert betrayed[None] > 250
    assert betrayed[1000] == 0


def test_every_door_of_a_server_answers_from_the_published_state(tmp_path):
    state = make_state(tmp_path / "a.db", publish_every="100 rows")
    state.service.create("default", small())
    with TestClient(build(state), raise_server_exceptions=True) as client:
        client.post("/learn", json=[{"x": row(i), "y": label(i)} for i in range(150)])
        published = taught(100)
        state.histories.record()

        def seen():
            told = client.get("/models/default").json()
            return (
                client.post("/predict", json={"x": row(3), "keep": False}).json(),
                client.post("/explain", json={"x": row(3)}).json(),
                told["state"],
                told["learners"],
                client.get("/models/default/file").content,
                client.get("/models/default/weights").json(),
                client.get("/models/default/importance").json(),
                [line for line in client.get("/metrics").text.splitlines() if "score" in line or "learned" in line],
            )

        first = seen()
        assert first[2] == fingerprint(published) == fingerprint(from_bytes(first[4], "file"))
        assert first[0]["seq"] == 100
        for i in range(150, 199):
            client.post("/learn", json={"x": row(i), "y": label(i)})
        assert seen() == first
        assert client.get("/models/default/file?seq=120").status_code == 400
        client.post("/learn", json={"x": row(199), "y": label(199)})
        assert seen()[2] == fingerprint(taught(200))


def test_the_last_rows_of_a_page_are_shown_when_they_are_published(tmp_path):
    state = make_state(tmp_path / "a.db", publish_every="50 rows")
    state.service.create("default", small())
    with TestClient(build(state)) as client:
        client.post("/learn", json=[{"x": row(i), "y": label(i)} for i in range(30)])
        assert list(state.model().recent) == []
        client.post("/learn", json=[{"x": row(i), "y": label(i)} for i in range(30)])
        assert [seq for seq, _, _ in state.model().recent][-1] <= 50


def test_forgetting_is_published_at_once(tmp_path):
    with hw.open(tmp_path / "a.db", small(), publish_every=1000) as store:
        for i in range(60):
            store.learn_one(row(i) | ({"mail": "jane@example.org"} if i == 30 else {}), label(i))
        store.forget(where={"mail": "jane@example.org"})
        assert b"jane@example.org" not in to_bytes(store.learner)
        assert store.n_learned == 59


@pytest.mark.parametrize("every", [0, "never", "0.1 seconds", -5, True])
def test_what_is_no_interval_is_refused(tmp_path, every):
    with pytest.raises(ConfigError, match="publish_every"):
        hw.open(tmp_path / "a.db", small(), publish_every=every)


def test_a_token_of_scope_label_is_told_classes_alone(tmp_path):
    state = make_state(tmp_path / "a.db", tokens={"l" * 16: "label", "r" * 16: "read"})
    state.service.create("default", small())
    state.service.create("price", hw.Regressor(hidden=(4,), seed=1))
    with TestClient(build(state)) as client:
        client.headers["authorization"] = f"Bearer {'r' * 16}"
        assert "proba" in client.post("/predict", json={"x": row(1), "keep": False}).json()
        client.headers["authorization"] = f"Bearer {'l' * 16}"
        assert client.post("/predict", json={"x": row(1)}).json() == {"y_pred": None, "seq": 0}
        assert client.post("/predict", json={"x": row(1), "coverage": 0.9}).status_code == 403
        assert client.post("/models/price/predict", json={"x": row(1)}).status_code == 403
        assert client.post("/explain", json={"x": row(1)}).status_code == 403
        for path in ("/models", "/metrics", "/models/default/file", "/models/default/importance"):
            assert client.get(path).status_code == 403
