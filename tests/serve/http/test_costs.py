"""A request's cost is known before it is paid: declared with its address, estimated from the model's declaration, charged first."""

import asyncio
import gc
import json
import random
import time

import msgspec
import numpy as np
import pytest

import headwater as hw
import headwater._core as _core
from headwater.errors import HeadwaterError
from headwater.serve.api.models import build_learner
from headwater.serve.app import ADDRESSES, EVENTS, build
from headwater.serve.endpoint import Budget, Endpoint
from headwater.serve.http.address import Address
from headwater.serve.http.costs import AT_HAND, ROWS, Cost
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.pieces import items_of, scalars_of
from headwater.serve.run import make_state
from headwater.store.service.price import bytes_declared, price_of

PATIENCE_S = 5  # of processor time, for what once took minutes


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


def refused(answer, limit):
    assert (answer.status_code, answer.json()["code"]) == (400, "limit"), answer.text
    told = answer.json()
    assert f"limit {limit}" in told["error"] + told["help"], told
    return told


# ---- the table -----------------------------------------------------------------------------------------------------


def test_an_address_without_a_cost_cannot_be_added():
    with pytest.raises(TypeError, match="cost"):
        Address("GET", "/new", lambda request: None)
    with pytest.raises(TypeError, match="work_s"):
        Cost(body=0, cells=0, lock_s=0.0)


def endpoints(app):
    """Every application that a path of the server leads to."""
    for route in app._app.routes:
        yield from route.endpoint._ends.values()
    yield from app._hot.values()


def test_every_address_is_an_endpoint_with_a_declared_cost_those_of_pages_too(state):
    ends = list(endpoints(build(state)))
    assert len(ends) > len(ADDRESSES)
    assert [end for end in ends if type(end) is not Endpoint or type(end.cost) is not Cost] == []
    for address in (*ADDRESSES, EVENTS):
        assert address.cost.body > 0 or not (address.takes or address.bodies), address
        assert not address.cost.cells or address.cost.lock_s, address


def test_nothing_is_left_charged_when_requests_are_answered(client, state):
    for i in range(5):
        client.post("/learn", json={"x": {"a": i}, "y": "a"})
        client.post("/predict", json=[{"x": {"a": i}}] * 300)
        client.post("/learn", content=b"[" * 100_000)
        client.get("/models/default")
    assert state.bytes_at_work == 0
    assert state.work_s == pytest.approx(0, abs=1e-9)
    assert state.answer_bytes.total() == 0


def test_the_body_of_an_address_is_as_large_as_it_needs(client):
    for path, most in (("/login", 16 << 10), ("/models/default/step", 16 << 10), ("/models", 64 << 10)):
        answer = client.post(path, content=b" " * (most + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# ---- what is small and costs much ----------------------------------------------------------------------------------


def test_a_small_request_for_a_huge_tensor_takes_neither_memory_nor_time(client):
    client.post("/learn", json=[{"x": {"a": i}, "y": "ab"[i % 2]} for i in range(10)])
    began = time.process_time()
    for shape in ([0, 1_000_000_000], [0, 1_000_000], [0, 999_999], [1, 999_999], [1_000_000_000, 0], [99_999, 0]):
        tensor = {"name": "a", "datatype": "FP32", "shape": shape, "data": []}
        assert client.post("/v2/models/default/infer", json={"inputs": [tensor]}).status_code in (200, 400)
    assert time.process_time() - began < PATIENCE_S


def test_a_model_is_refused_by_what_it_declares_before_anything_is_allocated(client, state):
    held, began = _core.held(), time.process_time()
    for hidden in ([4096] * 8, [4096, 4096, 4096]):
        told = refused(client.post("/models", json={"name": "big", "hidden": hidden, "optimizer": "adam"}), "memory")
        assert "2,000,000,000 bytes" in told["error"]
        path = "/models/default/challengers"
        refused(client.post(path, json={"name": "big", "hidden": hidden, "optimizer": "adam"}), "memory")
        break
    assert _core.held() - held < 1_000_000
    assert time.process_time() - began < PATIENCE_S
    assert list(state.service.models.by_name) == ["default"]
    told = refused(client.post("/models", json={"name": "slow", "hidden": [4096, 4096, 4096]}), "lock_s")
    assert told["at"] == "hidden"


def test_models_that_have_learned_nothing_yet_count_with_what_they_declare(client, state):
    state.service.memory.most = _core.held() + 60_000_000
    for name, hidden, status in (("a", [1024, 1024], 201), ("b", [1024, 1024], 201), ("c", [1024, 1024], 400)):
        answer = client.post("/models", json={"name": name, "hidden": hidden, "optimizer": "adam"})
        assert answer.status_code == status, answer.text
    assert client.post("/models/a/learn", json={"x": {"a": 1}, "y": "a"}).status_code == 200
    refused(client.post("/models", json={"name": "c", "hidden": [1024, 1024], "optimizer": "adam"}), "memory")
    assert client.post("/models", json={"name": "c", "hidden": [8]}).status_code == 201


def test_there_are_only_so_many_models(client, state):
    state.limits = ServerLimits(models=4)
    for i in range(3):
        assert client.post("/models", json={"name": f"m{i}", "hidden": [4]}).status_code == 201
    refused(client.post("/models", json={"name": "m4"}), "models")
    refused(client.post("/models/m1/challengers", json={"name": "m4"}), "models")
    assert len(state.service.models.by_name) == 4


def test_examples_do_not_grow_the_models_beyond_their_memory(client, state):
    assert client.post("/models", json={"name": "wide", "hidden": [4096], "optimizer": "adam"}).status_code == 201
    assert client.post("/models/wide/learn", json={"x": {"a": 1}, "y": "a"}).status_code == 200
    state.service.memory.most = _core.held() + 40_000_000
    statuses = []
    for i in range(60):  # 50 new names in each, of which each is a row of 4,096 weights
        x = {f"n{50 * i + j}": 1 for j in range(50)}
        answer = client.post("/models/wide/learn", json={"x": x, "y": "a"})
        statuses.append(answer.status_code)
    assert set(statuses) == {200, 400}
    refused(answer, "memory")
    assert _core.held() < state.service.memory.most + 60_000_000
    assert client.post("/models/wide/learn", json={"x": {"a": 2}, "y": "a"}).status_code == 200  # which adds nothing


def test_a_row_that_would_hold_its_model_for_long_is_refused_and_so_is_a_request_of_much_work(client, state):
    client.post("/models", json={"name": "wide", "hidden": [4096]})
    wide = {"x": {f"n{j}": 1 for j in range(9000)}, "y": "a"}
    refused(client.post("/models/wide/learn", json=wide), "lock_s")
    assert client.post("/models/default/learn", json=wide).status_code == 200
    state.limits = ServerLimits(work_s=0.01)
    refused(client.post("/predict", json=[{"x": {"a": 1}, "keep": False}] * 1000), "work_s")
    refused(client.post("/learn", json=[{"x": {"a": 1}, "y": "a"}] * 1000), "work_s")
    state.limits, state.work_s = ServerLimits(), 300.0
    busy = client.post("/learn", json={"x": {"a": 1}, "y": "a"})
    assert (busy.status_code, busy.json()["code"]) == (429, "busy")
    assert client.get("/health/live").status_code == 200
    state.work_s = 0.0
    assert client.post("/learn", json={"x": {"a": 1}, "y": "a"}).status_code == 200


def test_a_forecast_that_would_hold_its_model_for_long_is_refused(client):
    made = {"name": "series", "task": "forecast", "horizon": 1024, "season": 12}
    assert client.post("/models", json=made).status_code == 201
    client.post("/models/series/learn", json=[{"x": {}, "y": float(i % 12)} for i in range(50)])
    columns = {f"c{j}": 1.0 for j in range(600)}
    refused(client.post("/models/series/forecast", json={"xs": [columns] * 1000}), "lock_s")
    answer = client.post("/models/series/forecast", json={"xs": [{"c1": 1.0}] * 1000})
    assert (answer.status_code, len(answer.json()["forecast"])) == (200, 1000)


def test_rows_to_predict_are_as_wide_as_rows_to_learn(client):
    client.post("/learn", json={"x": {"a": 1}, "y": "a"})
    wide = {f"n{j}": 1 for j in range(10_001)}
    refused_by_row = client.post("/predict", json={"x": wide, "keep": False})
    assert (refused_by_row.status_code, refused_by_row.json()["code"]) == (400, "limit")
    assert "row_entries" in refused_by_row.json()["help"]


# ---- estimates -----------------------------------------------------------------------------------------------------

KINDS = {
    "classify": list("ab"),
    "regress": [1.0, 2.0],
    "anomaly": [None, None],
    "forecast": [1.0, 2.0],
    "decide": [[0, 1.0, 0.5], [1, 1.0, 0.5]],
    "multioutput": [{"a": 1.0, "b": "x"}] * 2,
    "control": [{"action": 0, "reward": 1.0, "next": {"x": 1.0}, "terminated": False, "truncated": False}] * 2,
}


@pytest.mark.parametrize(
    "options",
    [
        *({"task": task} | ({"actions": 3} if task == "control" else {}) for task in KINDS),
        {"hidden": [4096]},
        {"hidden": [512, 512, 512], "optimizer": "adam"},
        {"hidden": [1024, 512], "optimizer": "sgd"},
        {"task": "regress", "hidden": [256, 1024, 64], "optimizer": "adagrad"},
        {"task": "forecast", "horizon": 1024, "season": 16384},
        {"task": "anomaly", "hidden": [2048]},
        {"task": "decide", "hidden": [2048]},
        {"task": "control", "actions": 1024, "hidden": [512]},
    ],
    ids=str,
)
def test_what_a_model_declares_is_what_it_takes(options):
    learner = build_learner(options.get("task", "classify"), {k: v for k, v in options.items() if k != "task"})
    gc.collect()
    before, declared, price = _core.held(), bytes_declared(learner), price_of([learner])
    learner.step_many([{"x": 1.0, "c": "v"}] * 2, list(KINDS[learner.task]))
    held = _core.held() - before
    assert held <= 2 * declared
    assert declared <= 3 * held + 1_000_000
    assert bytes_declared(learner) == 0  # it holds its numbers now
    now = price_of([learner])
    assert price.dense <= 2 * now.dense + 64
    assert now.dense <= 4 * price.dense + 4096
    assert price.stride <= now.stride + 64


# ---- large arrays in pieces ----------------------------------------------------------------------------------------


def awkward_rows(rng, n):
    words = ["},{", '"', "\\", '\\"', "[],[", ",", "é", " ", "a"]
    return [{"a": rng.choice(words) * rng.randrange(40), "b": [1, 2.5, None, rng.choice(words)]} for _ in range(n)]


@pytest.mark.parametrize("seed", range(6))
def test_a_large_array_says_the_same_in_pieces(seed):
    rng = random.Random(seed)
    rows = awkward_rows(rng, rng.choice([0, 3, 4000]))
    if seed % 2:
        rows.insert(rng.randrange(len(rows) + 1), {"a": rng.choice(['},{"', "x", "\\"]) * 90_000})
    text = json.dumps(rows, indent=rng.choice([None, 1]), ensure_ascii=seed % 3 == 0).encode()
    assert [msgspec.json.decode(item) for item in items_of(text)] == rows
    lists = [[rng.random(), True, None] for _ in range(rng.randrange(8000))]
    assert scalars_of(json.dumps(lists).encode()) == [value for row in lists for value in row]
    flat = [rng.choice([1, 2.5, 'a,b"\\', False]) for _ in range(40_000)]
    assert scalars_of(json.dumps(flat).encode()) == scalars_of(json.dumps([flat]).encode()) == flat


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"1," * 400_000 + b"]",
        b"[" + b"{}," * 60_000 + b"]",
        b"[{}" + b",1" * 200_000 + b"]",
        b"[1" + b" " * 99_999,
    ],
    ids=["ends with a comma", "rows end with a comma", "numbers among rows", "no end"],
)
def test_a_large_array_that_is_none_is_no_json(text):
    with pytest.raises(msgspec.DecodeError):
        list(items_of(text))


def test_other_protocols_say_the_same_of_large_bodies(client):
    rows = [{"a": i % 7, "c": "xyz"[i % 3]} for i in range(6000)]
    client.post("/learn", json=[{"x": x, "y": ["no", "yes"][x["a"] > 3]} for x in rows[:100]])
    wanted = [row["y_pred"] for row in client.post("/predict", json=[{"x": x, "keep": False} for x in rows]).json()]
    columns = {name: [x[name] for x in rows] for name in ("a", "c")}
    for body in (
        {"dataframe_records": rows},
        {"dataframe_split": {"columns": ["a", "c"], "data": [[x["a"], x["c"]] for x in rows]}},
        {"inputs": columns},
        {"instances": rows},
    ):
        text = json.dumps(body, indent=1).encode()
        assert len(text) > 65536
        assert client.post("/invocations", content=text).json()["predictions"] == wanted
    tensors = [
        {"name": "a", "datatype": "INT64", "shape": [6000], "data": columns["a"]},
        {"name": "c", "datatype": "BYTES", "shape": [6000], "data": columns["c"]},
    ]
    text = json.dumps({"inputs": tensors}, indent=1).encode()
    assert len(text) > 65536
    answer = client.post("/v2/models/default/infer", content=text).json()
    assert answer["outputs"][0]["data"] == wanted
    assert np.shape(answer["outputs"][1]["data"]) == (12000,)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": 7},
        {"inputs": {"a": 7}},
        {"inputs": [7, 8]},
        {"dataframe_split": {"columns": ["a"]}},
        {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}},
        {"instances": [["a", {}]]},
        {"dataframe_records": "x"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("pad", [0, 70_000])
def test_a_body_of_another_protocol_that_cannot_be_is_a_400(client, body, pad):
    answer = client.post("/invocations", content=json.dumps(body).encode() + b" " * pad)
    assert answer.status_code == 400, answer.text


# ---- large answers -------------------------------------------------------------------------------------------------


def test_large_answers_under_way_have_a_bound_and_each_client_a_share(state):
    state.limits = ServerLimits(answer_bytes=4_000_000)
    rows = json.dumps([{"x": {"a": 1}, "keep": False}] * 9000).encode()
    state.service.models.named("default").champion.learner.learn_one({"a": 1.0}, "a")

    async def sent():
        state.writer.start(asyncio.get_running_loop())
        app, gate, statuses = build(state), asyncio.Event(), []

        async def ask(client):
            async def receive():
                return {"type": "http.request", "body": rows, "more_body": False}

            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append((client, message["status"]))
                elif message.get("more_body"):
                    await gate.wait()

            scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
            await app({**scope, "client": (client, 1)}, receive, send)

        waiting = []
        for client in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
            before = len(statuses)
            waiting.append(asyncio.ensure_future(ask(client)))
            while len(statuses) == before:
                await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*waiting)
        await state.writer.stop()
        return statuses

    assert asyncio.run(sent()) == [("192.0.2.1", 200), ("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200)]
    assert state.answer_bytes.total() == 0


def test_a_budget_says_which_limit_it_is(state):
    budget = Budget(state, AT_HAND)
    with pytest.raises(HeadwaterError, match="limit lock_s"):
        budget.charge_lock(0.001)
    with pytest.raises(HeadwaterError, match="limit rows"):
        Budget(state, ROWS).charge_rows(100_001, 0)
