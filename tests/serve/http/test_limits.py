"""Bounds on what a request may bring, whatever the address: sizes, rows, values, bodies at work; and that one client's fails alone."""

import asyncio
import dataclasses
import json
import re
import threading
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.serve.api import predicting
from headwater.serve.app import build
from headwater.serve.endpoint import Budget
from headwater.serve.http.costs import ROWS
from headwater.serve.http.limits import ServerLimits, read_limits
from headwater.serve.run import make_state
from headwater.store.journal.events import JournalEvent
from headwater.store.journal.requests import LearnRequest
from headwater.store.learner_file import fingerprint
from headwater.store.service.limits import Limits
from headwater.store.service.maintenance.policy import RetentionPolicy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


def learned(client, n):
    rows = [{"x": {"a": i % 7, "c": "xyz"[i % 3]}, "y": ["no", "yes"][i % 7 > 3]} for i in range(n)]
    assert client.post("/learn", json=rows).status_code == 200


def tensors(names, rows=1, **more):
    return [{"name": name, "shape": [rows], "datatype": "INT64", "data": [1] * rows, **more} for name in names]


def infer(client, inputs, binary=b""):
    document = json.dumps({"inputs": inputs}).encode()
    length = {"inference-header-content-length": str(len(document))} if binary else {}
    return client.post("/v2/models/default/infer", content=document + binary, headers=length)


def test_sizes_of_tensors_are_checked_before_anything_of_that_size_is_made(client):
    learned(client, 10)
    tracemalloc.start()
    for shape in ([1000, 10_000], [1000, 10**6], [10**12], [1, 10**30]):
        for data in ({"data": []}, {"parameters": {"binary_data_size": 4}}):
            one = [{"name": "a", "datatype": "BYTES", "shape": shape, **data}]
            answer = infer(client, one, b"" if "data" in data else b"\0\0\0\0")
            assert answer.status_code == 400
            assert set(answer.json()) == {"error", "at", "help", "code"}
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_other_protocols_have_the_limits_of_every_sample(client, state):
    learned(client, 10)
    state.limits = ServerLimits(rows=10, cells=50)
    before = fingerprint(state.model().champion.learner)
    for inputs, code in [
        (tensors(["a"], 11), "limit"),
        (tensors([f"x{i}" for i in range(6)], 10), "limit"),
        ([{"name": "a", "shape": [1, 51], "datatype": "FP32", "data": [1.0] * 51}], "limit"),
        (tensors(["k" * 300]), "invalid"),
        (tensors(["a", "a"]), "data"),
        (tensors(["a"], data=[2**63], datatype="UINT64"), "invalid"),
    ]:
        answer = infer(client, inputs)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        taught = {
            "inputs": [*inputs, {"name": "y", "shape": [len(inputs[0]["data"])], "datatype": "INT64", "data": [1]}]
        }
        assert client.post("/v2/models/default/learn", json=taught).status_code == 400
    for y in ({"datatype": "BYTES", "data": ["k" * 300]}, {"datatype": "FP64", "data": [1e400]}):
        body = {"inputs": [*tensors(["a"]), {"name": "y", "shape": [1], **y}]}
        assert client.post("/v2/models/default/learn", content=json.dumps(body)).status_code == 400
    nan = {"name": "y", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}
    document = json.dumps({"inputs": [*tensors(["a"]), nan]}).encode()
    length = {"inference-header-content-length": str(len(document))}
    body = document + np.array([np.nan], np.float32).tobytes()
    assert client.post("/v2/models/default/learn", content=body, headers=length).status_code == 400
    for body in ({"dataframe_split": {"columns": ["a"] * 60, "data": [[1] * 60]}}, {"inputs": {"a": [1] * 60}}):
        assert client.post("/invocations", json=body).json()["code"] == "limit"
    assert client.post("/predict", json={"x": {str(i): 1 for i in range(60)}, "keep": False}).json()["code"] == "limit"
    assert client.post("/predict", json={"x": {"a": [1] * 60}, "keep": False}).json()["code"] == "limit"
    assert client.post("/learn", json={"x": {str(i): 1 for i in range(60)}, "y": "no"}).json()["code"] == "limit"
    assert client.post("/predict", json=[{"x": {}}] * 11).json()["code"] == "limit"
    assert fingerprint(state.model().champion.learner) == before


def test_what_one_client_sends_never_fails_what_another_sends(state, monkeypatch):
    """Requests of one group: the one that can't be written fails alone, whatever is wrong with it."""
    model = state.model()
    good = [JournalEvent({"a": float(i)}, "no") for i in range(3)]
    bad = [JournalEvent({"a": "\ud800"}, "no"), JournalEvent({"a": 2**70}, "no"), JournalEvent({"a": object()}, "no")]
    requests = [LearnRequest(model.id, [event]) for event in (good[0], bad[0], good[1], bad[1], bad[2], good[2])]

    async def sent():
        state.writer.start(asyncio.get_running_loop())
        with state.service._mutex:  # they come while a commit is under way, so they are one group
            waiting = [asyncio.ensure_future(state.writer.run([request], 1)) for request in requests]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        await state.writer.stop()
        return outcomes

    outcomes = asyncio.run(sent())
    assert [outcome == [None] for outcome in outcomes] == [True, False, True, False, False, True]
    assert sorted(request.answers[0]["seq"] for request in requests[::2][:2] + requests[5:]) == [1, 2, 3]
    assert model.champion.learner.n_learned == 3


def test_a_wide_or_long_prediction_leaves_the_event_loop_free_and_is_the_same(client, state, monkeypatch):
    learned(client, 50)
    parts, made = [], predicting._as_predictions

    def noted(rows, *others):
        parts.append((threading.get_ident(), len(rows)))
        return made(rows, *others)

    monkeypatch.setattr(predicting, "_as_predictions", noted)
    row, wide = {"a": 1, "c": "x"}, {f"w{i}": float(i % 5) for i in range(8000)}

    async def asked(X):
        return await predicting.predict_rows(state, state.model(), X, budget=Budget(state, ROWS), shadows=False)

    small, large = asyncio.run(asked([row, row])), asyncio.run(asked([wide, row, *[row] * 40]))
    here = threading.get_ident()
    assert [(thread == here, n) for thread, n in parts] == [(True, 2), (False, 1), (False, 41)]
    assert small[0].by_learner == large[1].by_learner == large[-1].by_learner


def test_a_large_body_is_read_in_parts_and_says_the_same(client):
    learned(client, 50)
    one = b'{"x":{"a":1,"c":"x"},"keep":false}'
    small = client.post("/predict", content=b"[" + one + b"," + one + b"]").json()[0]
    space = b" " * 70_000
    for body, headers in [
        (b"[" + space + b",".join([one] * 3) + b"]", {}),
        (b"\n".join([one] * 3) + b"\n" + space, {"content-type": "application/x-ndjson"}),
        (b"[" + b",".join([one] * 3000) + b"]", {}),
    ]:
        answer = client.post("/predict", content=body, headers=headers)
        found = answer.json() if not headers else [json.loads(line) for line in answer.text.splitlines()]
        assert len(found) in (3, 3000)
        assert all(row == small for row in found)
    broken = client.post("/predict", content=b"[" + space + one + b',{"x":7}]')
    assert (broken.status_code, broken.json()["at"], broken.json()["code"]) == (400, "body $[1] `$.x`", "invalid")


def test_large_bodies_at_work_have_a_bound_together(state):
    state.limits = ServerLimits(bytes_at_work=150_000, body_s=60)

    async def sent():
        app, statuses, gates = build(state), [], [asyncio.Event() for _ in range(3)]

        async def one(gate):
            parts = [b"[" + b" " * 100_000, b"]"]

            async def receive():
                if len(parts) == 1:
                    await gate.wait()
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

            async def send(message):
                if "status" in message:
                    statuses.append(message["status"])

            scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
            await app(scope, receive, send)

        first = asyncio.ensure_future(one(gates[0]))
        await asyncio.sleep(0)
        await one(gates[1])  # a second one is sent away
        gates[0].set()
        await first
        gates[2].set()
        await one(gates[2])  # and there is room again
        return statuses

    assert asyncio.run(sent()) == [429, 200, 200]
    assert state.bytes_at_work == 0


def test_the_page_on_limits_names_each_with_its_default():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "limits.md").read_text(encoding="utf-8")
    told = {
        name: float(value.replace(",", "")) for name, value in re.findall(r"^\| `(\w+)` \| ([\d,.]+) \|", page, re.M)
    }
    limits = {field.name: field.default for kind in (ServerLimits, Limits) for field in dataclasses.fields(kind)}
    kept = {field.name: field.default for field in dataclasses.fields(RetentionPolicy)}
    assert limits.items() <= told.items() <= {**limits, **kept}.items()


@pytest.mark.parametrize(
    ("words", "at"),
    [("none=1", "--limits"), ("rows", "--limits, rows"), ("rows=many", "--limits, rows"), ("rows=0", "limit rows")],
)
def test_limits_that_cannot_be_are_told(words, at):
    with pytest.raises(ConfigError) as refused:
        read_limits(words)
    assert refused.value.as_dict()["at"] == at


def test_limits_are_set_by_name_for_the_server_and_for_the_store(tmp_path):
    limits, store_limits = read_limits("rows=3, header_s=0.5,row_entries=4")
    assert (limits, store_limits) == (ServerLimits(rows=3, header_s=0.5), Limits(row_entries=4))
    state = make_state(tmp_path / "a.db", limits=limits, store_limits=store_limits)
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    with TestClient(build(state)) as client:
        for body in ([{"x": {}, "y": "a"}] * 4, {"x": {str(i): 1 for i in range(5)}, "y": "a"}):
            answer = client.post("/learn", json=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "limit")
        assert client.post("/learn", json={"x": {"a": 1}, "y": "a"}).status_code == 200
    state.close()


def test_answers_of_a_regression_do_not_become_classes_without_end(client, state):
    rows = [{"x": {"a": 1}, "y": i + 0.5} for i in range(1000)]
    answer = client.post("/learn", json=rows)
    assert (answer.status_code, answer.json()["code"]) == (400, "limit")
    assert "regression" in answer.json()["help"] + answer.json()["error"]
    assert state.model().champion.learner.n_learned == 0
    assert client.post("/learn", json={"x": {"a": 1}, "y": "yes"}).status_code == 200  # others go on
