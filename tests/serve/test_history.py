"""What the page shows over time, and inside: kept on the server, true to the learner, and without a trace in it."""

import asyncio
import datetime as dt
import json
import warnings

import msgspec
import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import StoreError
from headwater.serve.api import events
from headwater.serve.api.looks.heatmaps import activation_maps, weight_maps
from headwater.serve.app import build
from headwater.serve.background.history import Curve, ModelHistory, SavedCurve
from headwater.serve.run import make_state
from headwater.store.journal.events import JournalEvent
from headwater.store.journal.requests import LearnRequest
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    yield state
    state.service.close()


def with_model(state, learner):
    state.service.change(state.service.models.create, "default", learner)
    return state.model()


def learned(state, n, start=0):
    rng = np.random.default_rng(start)
    events = [JournalEvent({"a": a, "b": b}, bool(a > 0)) for a, b in rng.normal(size=(n, 2)).tolist()]
    assert state.service.commit([LearnRequest(state.model().id, events)]) == [None]


def test_the_page_hears_of_units_successions_and_drifts_the_newest_first(state):
    model = with_model(state, hw.Classifier(seed=1))
    rng, started = np.random.default_rng(0), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for start in range(0, 4_000, 250):
        rows = []
        for i in range(start, start + 250):
            a, b = rng.normal(size=2).tolist()
            x = {
                "day": (started + dt.timedelta(hours=i)).isoformat(),
                "a": a,
                "b": b + 2 * (i >= 2_000),
                "c": "uvw"[i % (2 + (i >= 2_000))],
            }
            rows.append(JournalEvent(x, bool((a > 0) != (i >= 2_000))))
        assert state.service.commit([LearnRequest(model.id, rows)]) == [None]
        state.histories.of(model).record({})
    found = events.frame(state, model, past=False)["happened"]
    rows = [one["row"] for one in found]
    assert rows == sorted(rows, reverse=True)
    drift = next(one for one in found if one["what"] == "drift")
    assert 1_900 < drift["row"] < 2_200
    assert drift["date"].startswith("2026-03-2")
    assert {one["name"] for one in drift["columns"]} == {"b", "c"}
    assert drift["relations"] == ["a"]
    assert "succession" in {one["what"] for one in found}
    state.service.change(state.service.models.create, "other", hw.Classifier(seed=1, diagnosis=False))
    state.histories.record()
    assert events.frame(state, state.model("other"), past=False)["happened"] == []


def test_looking_changes_nothing_and_finds_the_feature_that_matters(state):
    model = with_model(state, hw.Classifier(seed=1))
    learned(state, 300)
    before = fingerprint(model.champion.learner)
    for i in range(30):
        learned(state, 20, i + 1)
        plain = fingerprint(model.champion.learner)
        state.histories.of(model).record({"learn": {"p50": 1.0, "p99": 2.0}})
        weight_maps(model.champion.learner)
        activation_maps(model.champion.learner, latest(model))
        events.frame(state, model, past=True)
        assert fingerprint(model.champion.learner) == plain != before
    found = state.histories.of(model).importance()
    assert [row["name"] for row in found] == ["a", "b"]
    assert found[0]["rise"] > 10 * abs(found[1]["rise"])


def test_the_first_frame_has_the_past_and_the_others_what_is_new(state):
    model = with_model(state, hw.Classifier(seed=1))
    for i in range(5):
        learned(state, 10, i)
        state.histories.of(model).record({})
    first, other = events.frame(state, model, past=True), events.frame(state, model, past=False)
    assert len(first["past"]) == 5
    assert other["past"] is None
    assert first["past"][-1] == first["now"] == other["now"]
    assert len(first["now"]["experts"]) == len(first["experts"]) == len(model.champion.learner.experts_)
    weights = [expert["weight"] for expert in model.champion.learner.experts_]  # learned: they need not add up to 1
    assert first["now"]["experts"] == pytest.approx(weights, abs=1e-3)
    assert first["now"]["rate"] > 0
    json.dumps(first)


def test_a_promoted_champion_begins_a_past_of_its_own(state):
    model = with_model(state, hw.Classifier(seed=1))
    learned(state, 30)
    state.service.change(state.service.models.add, model, "small", hw.Classifier(hidden=(3,)))
    learned(state, 30, 1)
    for _ in range(3):
        state.histories.of(model).record({})
    state.service.change(state.service.models.promote, model, "small")
    state.histories.of(model).record({})
    points = state.histories.of(model).curve.points
    assert [len(point["experts"]) for point in points] == [1]


def test_what_was_seen_goes_on_after_a_restart_and_learning_is_the_same_with_and_without_it(tmp_path):
    states = []
    for name, keeps in (("kept", True), ("not", False)):
        state = make_state(tmp_path / f"{name}.db")
        model = with_model(state, hw.Classifier(seed=1))
        for i in range(5):
            learned(state, 10, i)
            state.histories.of(model).record({"learn": {"p50": 1.0, "p99": 2.0}})
        before = state.histories.of(model).curve.points
        if keeps:
            state.histories.save()
        learned(state, 10, 5)
        state.histories.of(model).record({})  # seen behind the last time it was kept: a crash loses it
        state.service._shut()  # as a crash would: without a word

        state = make_state(tmp_path / f"{name}.db")
        assert state.histories.of(state.model()).curve.points == (before if keeps else [])
        state.histories.of(state.model()).record({})
        past = events.frame(state, state.model(), past=True)["past"]
        assert len(past) == (6 if keeps else 1)
        assert [point["t"] for point in past] == sorted(point["t"] for point in past)
        learned(state, 10, 6)
        states.append(fingerprint(state.model().champion.learner))
        state.service.close()
    assert states[0] == states[1]
    assert check(tmp_path / "kept.db", LEARNER_FORMAT).problems == []


def test_a_stop_keeps_what_was_seen(tmp_path):
    state = make_state(tmp_path / "a.db")
    model = with_model(state, hw.Classifier(hidden=(4,)))
    state.histories.of(model).record({})
    with TestClient(build(state)):
        pass
    state = make_state(tmp_path / "a.db")
    assert len(state.histories.of(state.model()).curve.points) >= 1
    state.service.close()


def test_a_curve_that_goes_on_stays_bounded_and_keeps_its_steps(state):
    model, curve = with_model(state, hw.Classifier(hidden=(4,))), Curve()
    for i in range(1000):
        curve.add({"t": i})
    watch = ModelHistory(model, msgspec.msgpack.encode(curve.saved(model.champion.id)))
    for i in range(1000, 5000):
        watch.curve.add({"t": i})
        curve.add({"t": i})
    assert watch.curve.points == curve.points


@pytest.mark.parametrize("kept", [b"nothing", b"\x80", msgspec.msgpack.encode(SavedCurve(99, 1, 1, [{"t": 1}]))])
def test_what_cannot_be_read_or_is_of_another_champion_begins_anew(state, kept):
    model = with_model(state, hw.Classifier(hidden=(4,)))
    state.service.store_history({model.id: kept})
    assert state.histories.of(model).curve.points == []
    state.histories.of(model).record({})
    assert len(state.histories.of(model).curve.points) == 1


def test_a_full_disk_keeps_nothing_of_it_and_learning_is_not_stopped(state):
    model = with_model(state, hw.Classifier(hidden=(4,)))
    base = state.service._file.base
    base.execute(f"PRAGMA max_page_count = {base.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="full disk"):
        state.service.store_history({model.id: b"x" * 1_000_000})
    base.execute("PRAGMA max_page_count = 1000000")
    learned(state, 10)
    assert state.service.history(model.id) == b""


def test_a_row_too_wide_to_ask_about_is_left_out(state):
    model = with_model(state, hw.Classifier(hidden=(4,)))
    wide = {f"x{i}": 1.0 for i in range(400)}
    state.service.commit([LearnRequest(model.id, [JournalEvent(wide, True), JournalEvent(wide, False)] * 4)])
    state.histories.of(model).record({})
    assert state.histories.of(model).importance() == []


def test_a_curve_keeps_the_whole_past_in_a_bounded_number_of_points():
    curve = Curve(most=10)
    for i in range(10_000):
        curve.add({"t": i})
        assert len(curve.points) <= 10
    times = [point["t"] for point in curve.points]
    assert times[0] == 0
    assert len(set(np.diff(times))) == 1
    assert times[-1] > 8_000


def test_weights_and_activations_are_those_of_the_net(state):
    layers = [nn.Dense(5, "tanh"), nn.Dense(3, "relu")]  # and the head
    model = with_model(state, hw.Regressor(layers=layers, seed=1))
    assert weight_maps(model.champion.learner) == activation_maps(model.champion.learner, latest(model)) == []
    rows = np.random.default_rng(0).normal(size=(60, 2)).tolist()
    state.service.commit([LearnRequest(model.id, [JournalEvent({"a": a, "b": b}, a - b) for a, b in rows])])
    w, seen = weight_maps(model.champion.learner), activation_maps(model.champion.learner, latest(model))
    assert [one["shape"] for one in w] == [[2, 5], [5, 3], [3, 1]]
    assert [(one["what"], one["shape"]) for one in seen] == [("tanh", [20, 5]), ("relu", [20, 3]), ("output", [20, 1])]
    first, second = (np.array(one["cells"]) for one in seen[:2])
    assert np.abs(first).max() <= 1
    bias = model.champion.learner._engine.core.operations(0)[1].bias
    np.testing.assert_allclose(np.maximum(first @ np.array(w[1]["cells"]) + bias, 0), second, atol=5e-3)
    said = [row[0] for row in seen[2]["cells"]]
    order = np.argsort([model.champion.learner.predict_one({"a": a, "b": b}) for a, b in rows[:-21:-1]])
    assert np.argsort(said).tolist() == order.tolist()  # the newest first, in the units that the net learns in


def latest(model):
    return [event.x for _, event, _ in list(model.recent)[::-1]]


def test_a_large_layer_is_shown_as_means_of_neighbours(state):
    model = with_model(state, hw.Classifier(hidden=(200,), seed=1))
    samples = [JournalEvent({f"x{i}": "v", "n": float(i)}, bool(i % 2)) for i in range(3000)]
    state.service.commit([LearnRequest(model.id, samples)])
    for shown in weight_maps(model.champion.learner) + activation_maps(model.champion.learner, latest(model)):
        assert len(shown["cells"]) <= 64
        assert len(shown["cells"][0]) <= 64


def test_a_page_that_takes_too_long_to_read_is_let_go(state, monkeypatch):
    with_model(state, hw.Classifier(hidden=(4,)))
    monkeypatch.setattr(events, "_SLOW_S", 0.05)

    async def slow():
        sent = []

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message["type"])
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()  # a page that does not read

        scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b""}
        async with asyncio.timeout(900):
            await build(state)(scope, receive, send)
        return sent

    assert asyncio.run(slow()) == ["http.response.start", "http.response.body"]
    assert state.streams.total() == 0


def test_there_are_only_so_many_pages(state):
    with_model(state, hw.Classifier(hidden=(4,)))
    state.streams["other"] = events.MOST_STREAMS

    async def ask():
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b""}
        await build(state)(scope, None, send)
        return sent[0]

    answer = asyncio.run(ask())
    assert answer["status"] == 429
    assert (b"retry-after", b"1") in answer["headers"]
