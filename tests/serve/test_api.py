"""The API as clients meet it."""

import asyncio
import json
import threading
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

import headwater as hw
from headwater.errors import StoreError
from headwater.serve.app import ADDRESSES, build
from headwater.serve.http.access import buckets
from headwater.serve.http.access.access import Access
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db", limits=ServerLimits(body_bytes=200_000, rows=1000))
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


def rows(n, start=0):
    return [{"x": {"a": i % 7, "c": "xyz"[i % 3]}, "y": ["no", "yes"][i % 7 > 3]} for i in range(start, start + n)]


def learner_state(client):
    return client.get("/models/default").json()["state"]


def test_one_example_a_list_and_lines_are_learned_in_order_with_their_sequence(client, state):
    assert client.post("/learn", json=rows(1)[0]).json() == {"seq": 1, "y_pred": None}
    assert [row["seq"] for row in client.post("/learn", json=rows(3, 1)).json()] == [2, 3, 4]
    answer = client.post("/learn", content="\n".join(map(json.dumps, rows(5, 4))), headers=LINES)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["seq"] for line in answer.text.splitlines()] == [5, 6, 7, 8, 9]
    plain = hw.Classifier(hidden=(4,), seed=1)
    plain.learn_many([row["x"] for row in rows(9)], [row["y"] for row in rows(9)])
    assert learner_state(client) == fingerprint(plain)


def test_a_prediction_says_what_how_sure_from_which_state_and_its_id(client):
    client.post("/learn", json=rows(50))
    answer = client.post("/predict", json={"x": {"a": 1, "c": "x"}}).json()
    assert set(answer) == {"y_pred", "proba", "seq", "id"}
    assert answer["seq"] == 50
    assert sum(answer["proba"].values()) == pytest.approx(1)
    many = client.post("/predict", json=[{"x": {"a": i}, "keep": i < 2} for i in range(60)]).json()
    assert [("id" in row) for row in many] == [True] * 2 + [False] * 58


def test_labels_are_answered_each_in_its_own_way(client, state):
    client.post("/learn", json=rows(5))
    first = client.post("/predict", json={"x": {"a": 1}}).json()
    learned = client.post("/label", json={"id": first["id"], "y": "yes"}).json()
    assert (learned["seq"], learned["y_pred"]) == (6, first["y_pred"])
    again = client.post("/label", json={"id": first["id"], "y": "yes"})
    assert (again.status_code, again.json()) == (200, {"id": first["id"], "repeated": True, "seq": 6})
    assert client.post("/label", json={"id": first["id"], "y": "no"}).status_code == 409
    assert client.post("/label", json={"id": "p99", "y": "no"}).status_code == 404
    state.service.ids.most = 0
    old = client.post("/predict", json={"x": {"a": 1}}).json()["id"]
    client.post("/snapshot")
    assert client.post("/label", json={"id": old, "y": "no"}).status_code == 410
    listed = client.post("/label", json=[{"id": first["id"], "y": "yes"}, {"id": "p99", "y": "no"}]).json()
    assert listed[0]["repeated"]
    assert (listed[1]["status"], listed[1]["at"]) == (404, "id")


def test_an_idempotency_id_is_learned_once_and_a_conflict_refuses_the_whole_request(client):
    row = {**rows(1)[0], "id": "order-1"}
    assert client.post("/learn", json=row).json()["seq"] == 1
    assert client.post("/learn", json=row).json() == {"id": "order-1", "repeated": True, "seq": 1}
    before = learner_state(client)
    refused = client.post("/learn", json=[rows(1)[0], {**row, "y": "other"}])
    assert (refused.status_code, refused.json()["at"]) == (409, "id order-1")
    assert learner_state(client) == before


BAD = [
    b"",
    b"{",
    b"nothing",
    b'{"x":{"a":NaN},"y":"no"}',
    b'{"x":{"a":Infinity},"y":"no"}',
    b'{"x":{"a":1e999},"y":"no"}',
    b'{"x":{"a":123456789012345678901234567890},"y":"no"}',
    b'{"x":{"a":{"b":1}},"y":"no"}',
    b'{"x":{"a":[[1]]},"y":"no"}',
    b'{"x":[1],"y":"no"}',
    b'{"x":{"a":1}}',
    b'{"x":{"a":1},"y":null}',
    b'{"x":{"a":1},"y":[1]}',
    b'{"x":{"a":1},"y":"no","w":-1}',
    b'{"x":{"a":1},"y":"no","w":"1"}',
    b'{"x":{"a":1},"y":"no","id":""}',
    b'{"x":{"a":1},"y":"no","typo":1}',
    b'{"x":{"' + b"k" * 300 + b'":1},"y":"no"}',
    b'{"x":{"a":"\xff"},"y":"no"}',
    b'{"x":{"a":"\\ud800"},"y":"no"}',
    b"[" * 100_000,
    b'{"x":' * 30_000,
    b'{"x":{"a":' + b"[" * 50_000,
    b'[{"x":{"a":1},"y":"no"},{"x":{"a":1}}]',
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_cannot_be_an_example_is_a_400_and_nothing_is_learned(client, body):
    client.post("/learn", json=rows(10))
    before = learner_state(client)
    for path in ("/learn", "/models/default/learn", "/label", "/predict", "/invocations", "/v2/models/default/infer"):
        if path == "/predict" and body.startswith(b'{"x":{"a":1}}'):
            continue  # this one can be predicted
        answer = client.post(path, content=body)
        assert answer.status_code == 400, (path, answer.text)
        assert set(answer.json()) == {"error", "at", "help", "code"}
    answer = client.post("/learn", content=b'{"x":{"a":1},"y":"no"}\n' + body, headers=LINES)
    assert body == b"" or answer.status_code == 400
    assert body == b"" or "line 2" in answer.json()["at"]
    assert body == b"" or learner_state(client) == before


def test_large_bodies_and_too_many_rows_are_refused(client):
    assert client.post("/learn", content=b" " * 300_000).status_code == 413
    assert client.post("/learn", content=(b" " * 50_000 for _ in range(8))).status_code == 413
    assert client.post("/learn", json=[{"x": {}, "y": 1}] * 1001).status_code == 400


def test_a_slow_body_is_given_up(state):
    state.limits = ServerLimits(body_s=0.05)

    async def slow():
        sent = []

        async def receive():
            if not sent:
                sent.append(1)
                return {"type": "http.request", "body": b"{", "more_body": True}
            await asyncio.Event().wait()  # the rest never comes

        answers = []

        async def send(message):
            answers.append(message)

        scope = {"type": "http", "method": "POST", "path": "/learn", "headers": [], "query_string": b""}
        await build(state)(scope, receive, send)
        return answers[0]["status"]

    assert asyncio.run(slow()) == 408
    state.service.close()


def test_a_full_queue_sends_clients_away_for_a_moment(client, state):
    state.writer.limit, state.writer.queued = 10, state.writer.done + 10
    answer = client.post("/learn", json=rows(1)[0])
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    state.writer.queued = state.writer.done
    assert client.post("/learn", json=rows(1)[0]).status_code == 200


def test_a_disk_that_is_full_makes_the_server_unready_and_says_what_to_do(client, state):
    client.post("/learn", json=rows(1)[0])
    base = state.service._file.base
    base.execute(f"PRAGMA max_page_count = {base.execute('PRAGMA page_count').fetchone()[0]}")
    big = {"x": {"t": "x" * 100_000}, "y": "no"}
    answer = client.post("/learn", json=big)
    assert (answer.status_code, "Free some space" in answer.json()["help"]) == (503, True)
    ready = client.get("/health/ready")
    assert (ready.status_code, "full disk" in ready.json()["error"]) == (503, True)
    assert client.get("/health/live").status_code == 200
    assert client.post("/predict", json={"x": {"a": 1}, "keep": False}).status_code == 200
    base.execute("PRAGMA max_page_count = 1000000")
    assert client.post("/learn", json=big).json()["seq"] == 2
    assert client.get("/health/ready").status_code == 200


def test_an_error_of_the_store_is_told_to_everyone_who_waits(client, state, monkeypatch):
    def fails(requests):
        raise StoreError(expected="a disk", got="none", at="a.db", help="Buy one.")

    monkeypatch.setattr(state.service, "commit", fails)
    assert client.post("/learn", json=rows(1)[0]).json()["help"] == "Buy one."

    def breaks(requests):
        raise ZeroDivisionError

    monkeypatch.setattr(state.service, "commit", breaks)
    assert client.post("/learn", json=rows(1)[0]).status_code == 503


def test_every_prediction_is_made_from_the_state_it_names_and_never_from_before_an_acknowledged_example(client, state):
    """The consistency promise: while a writer learns, each prediction equals that of the learner after `seq` events."""
    asked, acknowledged, stop, news = [], [0], threading.Event(), threading.Condition()
    question = {"x": {"a": 3, "c": "y"}, "keep": False}

    def read():
        while not stop.is_set():
            floor = acknowledged[0]
            answer = client.post("/predict", json=question).json()
            with news:
                asked.append((floor, answer["seq"], answer["proba"]))
                news.notify()

    client.post("/learn", json=rows(2, 3))
    reader = threading.Thread(target=read)
    reader.start()
    for i in range(40):
        acknowledged[0] = client.post("/learn", json=rows(1 + 37 * (i % 5 == 0), 5 + i)).json()[-1]["seq"]
        with news:  # one may have been under way; the next was asked after this was acknowledged
            enough = len(asked) + 2
            assert news.wait_for(lambda enough=enough: len(asked) >= enough, timeout=900)
    stop.set()
    reader.join()
    assert len({seq for _, seq, _ in asked}) >= 40
    plain, at = hw.Classifier(hidden=(4,), seed=1), 0
    learned = [event for entry in state.service.journal.read() for event in entry.events]
    for floor, seq, proba in sorted(asked, key=lambda one: one[1]):
        assert seq >= floor
        plain.learn_many([event.x for event in learned[at:seq]], [event.y for event in learned[at:seq]])
        at = seq
        expected = plain.predict_proba_one(question["x"])
        assert proba == {label: round(p, 7) for label, p in expected.items()}


def test_models_are_created_challenged_promoted_paused_and_downloaded(client, tmp_path):
    assert client.post("/models", json={"name": "price", "task": "regress", "hidden": [8]}).status_code == 201
    assert client.post("/models", json={"name": "price"}).status_code == 409
    assert client.post("/models", json={"name": "x", "task": "cluster"}).status_code == 400
    assert client.post("/models", json={"name": "x", "optimizer": "none"}).status_code == 400
    assert client.post("/models/price/learn", json={"x": {"a": 1}, "y": 2}).json()["y_pred"] == 0.0
    assert client.post("/models/price/learn", json={"x": {"a": 1}, "y": "two"}).status_code == 400
    assert client.post("/models/price/learn", json={"x": {"a": 1}, "y": True}).status_code == 400
    assert client.post("/models/none/learn", json={"x": {"a": 1}, "y": 2}).status_code == 404
    assert client.post("/models/price/challengers", json={"name": "wide", "hidden": [32]}).status_code == 201
    client.post("/models/price/learn", json=[{"x": {"a": i % 9}, "y": i % 9} for i in range(50)])
    learners = client.get("/models/price").json()["learners"]
    assert [(one["name"], one["n_learned"]) for one in learners] == [("champion", 51), ("wide", 50)]
    promoted = client.post("/models/price/challengers/wide/promote").json()
    assert [one["name"] for one in promoted["learners"]] == ["wide", "champion"]
    assert client.delete("/models/price/challengers/champion").status_code == 200
    assert client.delete("/models/price/challengers/wide").status_code == 400
    assert client.post("/models/price/pause").json()["paused"]
    assert client.post("/models/price/learn", json={"x": {"a": 1}, "y": 2}).status_code == 503
    assert client.post("/models/price/predict", json={"x": {"a": 1}}).status_code == 200
    assert not client.post("/models/price/resume").json()["paused"]
    (tmp_path / "m.hw").write_bytes(client.get("/models/price/file").content)
    assert hw.load(tmp_path / "m.hw").n_learned == 50
    assert client.get("/models/price/file?seq=1").status_code == 200
    assert client.get("/models/price/file?seq=x").status_code == 400
    assert client.get("/models/price/onnx").content[:1] == b"\x08"
    assert {one["name"] for one in client.get("/models").json()} == {"default", "price"}


ROLLING = {"key": "card", "time": "at", "over": ["1h"], "rows": ["count"], "of": {"amount": "sum"}}


@pytest.mark.parametrize("rolling", [ROLLING, "card@at:1h:count,sum(amount)"])
def test_a_model_over_http_has_rolling_aggregates_and_a_row_that_is_kept_counts_at_once(client, state, rolling):
    made = {"name": "price", "task": "regress", "rolling": rolling}
    assert client.post("/models", json=made).status_code == 201
    X = [{"card": "ab"[i % 2], "at": 60.0 * i, "amount": 1.0} for i in range(20)]
    said = client.post("/models/price/predict", json=[{"x": x} for x in X]).json()
    learner = state.service.models.named("price").champion.learner
    assert learner.rolling == hw.Rolling(
        "card", "at", over=("1h",), of={"amount": learner.rolling.of["amount"]}, rows=("count",)
    )
    assert learner.aggregates(X[-1]) == {"card count 1h": 11.0, "amount sum 1h": 11.0}
    assert client.post("/models/price/predict", json={"x": X[-1], "keep": False}).status_code == 200
    client.post("/models/price/label", json=[{"id": one["id"], "y": 1.0} for one in said])
    assert learner.rolling_counts_["events"] == 20
    alone = hw.Regressor(rolling=learner.rolling)
    for x in [alone.observe(x) for x in X]:
        alone.learn_one(x, 1.0)
    assert fingerprint(learner) == fingerprint(alone)


@pytest.mark.parametrize("rolling", [{"key": "card"}, {**ROLLING, "over": ["1x"]}, {**ROLLING, "more": 1}, "card", 7])
def test_a_rolling_that_can_not_be_is_refused_over_http(client, rolling):
    said = client.post("/models", json={"name": "price", "rolling": rolling})
    assert said.status_code == 400
    assert said.json()["error"]


def test_the_step_size_is_changed_by_a_factor_that_is_journaled(client, state):
    assert client.post("/models/default/step", json={"factor": 2}).status_code == 400  # nothing learned yet
    client.post("/learn", json=rows(20))
    for bad in ({"factor": 0}, {"factor": -1}, {"factor": "2"}, {"factor": 1e9}, {}, {"factor": 1, "learner": 7}):
        assert client.post("/models/default/step", json=bad).status_code == 400
    assert client.post("/models/default/step", json={"factor": 2, "learner": "nobody"}).status_code == 404
    client.post("/models/default/pause")  # a control: it works while examples are refused
    changed = client.post("/models/default/step", json={"factor": 0.25}).json()
    client.post("/models/default/resume")
    assert (changed["seq"], changed["learners"][0]["step"], changed["learners"][0]["n_learned"]) == (21, 0.25, 20)
    client.post("/learn", json=rows(20, 20))
    plain = hw.Classifier(hidden=(4,), seed=1)
    for start, step in ((0, 1.0), (20, 0.25)):
        if plain._engine is not None:
            plain._engine.set_step(step)
        plain.learn_many([row["x"] for row in rows(20, start)], [row["y"] for row in rows(20, start)])
    assert learner_state(client) == fingerprint(plain)
    events = [event for entry in state.service.journal.read() for event in entry.events]
    assert [i for i, event in enumerate(events) if event.step is not None] == [20]


def test_open_inference_and_mlflow_give_the_same_predictions(client):
    client.post("/learn", json=rows(60))
    expected = client.post("/predict", json=[{"x": {"a": a, "c": "x"}, "keep": False} for a in (1, 6)]).json()
    tensors = [
        {"name": "a", "shape": [2], "datatype": "INT64", "data": [1, 6]},
        {"name": "c", "shape": [2, 1], "datatype": "BYTES", "data": [["x"], ["x"]]},
    ]
    answer = client.post("/v2/models/default/infer", json={"id": "7", "inputs": tensors}).json()
    assert answer["id"] == "7"
    assert answer["outputs"][0]["data"] == [row["y_pred"] for row in expected]
    probabilities = [p for row in expected for p in row["proba"].values()]
    np.testing.assert_allclose(answer["outputs"][1]["data"], probabilities, atol=1e-6)
    shapes = [
        {"dataframe_split": {"columns": ["a", "c"], "data": [[1, "x"], [6, "x"]]}},
        {"dataframe_records": [{"a": 1, "c": "x"}, {"a": 6, "c": "x"}]},
        {"instances": [{"a": 1, "c": "x"}, {"a": 6, "c": "x"}]},
        {"inputs": {"a": [1, 6], "c": ["x", "x"]}},
    ]
    for shape in shapes:
        assert client.post("/invocations", json=shape).json() == {"predictions": [row["y_pred"] for row in expected]}
    assert client.post("/invocations", json={}).status_code == 400
    assert client.post("/invocations", json={"inputs": [[1.0, 2.0]]}).status_code == 200
    taught = {"inputs": [*tensors, {"name": "y", "shape": [2], "datatype": "BYTES", "data": ["no", "yes"]}]}
    assert client.post("/v2/models/default/learn", json=taught).json()["seq"] == 62
    for path in (
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/default/ready",
        "/ping",
        "/version",
        "/health",
    ):
        assert client.get(path).status_code == 200


def test_metrics_are_prometheus_text_with_counters_a_histogram_and_the_process(client):
    client.post("/learn", json=rows(30))
    for _ in range(5):
        client.get("/models")
    text = client.get("/metrics").text
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert found["headwater_sequence"].samples[0].value == 30
    scores = {(s.labels["of"], s.labels["score"]) for s in found["headwater_score"].samples}
    assert ("no-change", "accuracy") in scores
    times = found["headwater_request_seconds"]
    assert times.type == "histogram"
    of_models = {s.name + s.labels.get("le", ""): s.value for s in times.samples if s.labels["endpoint"] == "models"}
    assert of_models["headwater_request_seconds_count"] == of_models["headwater_request_seconds_bucket+Inf"] == 5
    assert of_models["headwater_request_seconds_sum"] > 0
    steps = [value for name, value in of_models.items() if "bucket" in name]
    assert steps == sorted(steps)
    for name in ("process_resident_memory_bytes", "process_cpu_seconds", "process_open_fds", "headwater_connections"):
        assert name in found
    counters = {s.name for family in found.values() if family.type == "counter" for s in family.samples}
    assert {"headwater_commits_total", "headwater_requests_total", "headwater_learned_total"} <= counters
    assert all(name.endswith("_total") for name in counters)


TOKENS = {"r" * 16: "read", "l" * 16: "learn", "a" * 16: "admin"}


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: f"{address.method} {address.path}")
def test_each_address_asks_for_its_scope(state, address):
    state.access = Access(TOKENS)
    order = ["", "label", "read", "learn", "admin"]
    path = address.path.replace("{model}", "default").replace("{learner}", "none").replace("{version}", "1")
    with TestClient(build(state)) as client:
        for token, scope in [("", ""), *((token, scope) for token, scope in TOKENS.items())]:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            status = client.request(address.method, path, headers=headers).status_code
            if order.index(scope) >= order.index(address.scope or ""):
                assert status not in (401, 403) or address.path == "/login"
            else:
                assert status == (403 if token else 401)


def test_a_browser_logs_in_with_a_cookie_and_only_from_our_own_page(state):
    state.access = Access(TOKENS)
    with TestClient(build(state)) as client:
        assert client.post("/login", json={"token": "wrong"}).status_code == 401
        answer = client.post("/login", json={"token": "l" * 16})
        assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
        assert client.get("/models").status_code == 200
        assert client.post("/learn", json=rows(1)[0], headers={"origin": "http://testserver"}).status_code == 200
        assert client.post("/learn", json=rows(1)[0], headers={"origin": "http://evil.example"}).status_code == 403
        assert client.post("/snapshot").status_code == 403


def test_without_tokens_a_foreign_host_name_or_origin_is_refused(client):
    assert client.get("/models", headers={"host": "evil.example"}).status_code == 403
    assert client.post("/learn", json=rows(1)[0], headers={"origin": "http://evil.example"}).status_code == 403


def test_a_client_that_is_too_fast_is_told_to_wait(state, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))
    state.access = Access(rate=5)
    with TestClient(build(state)) as client:
        answers = [client.get("/models") for _ in range(11)]
        assert [answer.status_code for answer in answers[:10]] == [200] * 10
        assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "1")
        now[0] += 0.21  # five a second: room for one more
        assert [client.get("/models").status_code for _ in range(2)] == [200, 429]


def test_unknown_addresses_and_methods_are_told_in_the_same_form(client):
    assert client.get("/nowhere").json()["error"] == "expected an address of /openapi.json, got /nowhere"
    answer = client.put("/learn")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.head("/models").content == b""
