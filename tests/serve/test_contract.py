"""``/openapi.json`` is true to the code, and hostile requests change nothing."""

import json
import random
import warnings

import pytest
from hypothesis import HealthCheck, given, settings

import headwater as hw
from headwater.serve.app import ADDRESSES, build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state

schemathesis = pytest.importorskip("schemathesis")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HOSTILE = 10_000


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    state = make_state(tmp_path_factory.mktemp("contract") / "a.db", limits=ServerLimits(rows=200, body_bytes=100_000))
    for name in ("default", "other"):
        state.service.change(state.service.models.create, name, hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.service.close()


@pytest.fixture(scope="module")
def application(state):
    return build(state)


@pytest.fixture(scope="module")
def api(application):
    with TestClient(application) as client:
        client.post("/learn", json=[{"x": {"a": i}, "y": "ab"[i % 2]} for i in range(10)])
        yield client


def answers_as_described(case, api):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = case.as_transport_kwargs(base_url="http://testserver")
        known = {name: words[name] for name in ("params", "headers", "json", "cookies") if words.get(name) is not None}
        answer = api.request(words["method"], words["url"], content=words.get("data"), **known)
    documented = case.operation.definition.raw["responses"]
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    assert str(answer.status_code) in documented, (answer.status_code, answer.text)
    kinds = documented[str(answer.status_code)]["content"]
    assert answer.headers["content-type"].split(";")[0] in kinds or not answer.content.strip()
    if answer.status_code >= 400 and "ready" not in case.path:
        assert set(answer.json()) == {"error", "at", "help", "code"}


def prove_contract(api, examples):
    """Try every operation of the document with generated requests; return how many operations there were."""
    described = schemathesis.openapi.from_dict(api.get("/openapi.json").json())
    found = 0
    for result in described.get_all_operations():
        operation = result.ok()
        found += 1

        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def tried(case):
            answers_as_described(case, api)

        tried()
    return found


def test_every_address_answers_as_the_document_says(api):
    assert prove_contract(api, examples=8) == len(ADDRESSES)


def test_the_document_names_every_address_once(api):
    paths = api.get("/openapi.json").json()["paths"]
    assert sum(len(methods) for methods in paths.values()) == len(ADDRESSES)
    names = [op["operationId"] for methods in paths.values() for op in methods.values()]
    assert len(names) >= len(set(names))


def hostile(rng):
    """Return a request that no one should send: a method, a path, a body, headers."""
    bodies = [
        bytes(rng.randrange(256) for _ in range(rng.randrange(300))),
        b"[" * rng.randrange(1, 20_000),
        b'{"x":' * rng.randrange(1, 5000),
        b'{"x":{"a":1},"y":"b","w":' + rng.choice([b"-1", b"1e999", b"NaN", b'"1"', b"[]"]) + b"}",
        b'{"x":{"' + b"k" * rng.randrange(257, 5000) + b'":1},"y":1}',
        b'{"x":{"a":{"b":{}}},"y":"a"}',
        b'{"id":"' + rng.choice([b"p-1", b"p99999999", b"p1e3", b"\\u0000", b"p\xd9\xa1"]) + b'","y":"a"}',
        b'{"inputs":[{"name":"a","shape":[9999999999],"datatype":"FP32","data":[]}]}',
        b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":-4}}]}',
        b'{"x":{"a":1},"y":"a"}\n{"x":{"a":1}}',
        b'[{"x":{"a":1},"y":"a"},7]',
    ]
    paths = [a.path for a in ADDRESSES if (a.takes or a.bodies) and a.path not in ("/login",)] + [
        "/nowhere",
        "/models/%00",
        "/v2/x",
    ]
    path = (
        rng.choice(paths)
        .replace("{model}", rng.choice(["default", "none", "..%2f..", "%f0%28"]))
        .replace("{version}", "1")
    )
    headers = {"content-type": rng.choice(["application/json", "application/x-ndjson", "text/html", "\u00ff"])}
    if rng.random() < 0.2:
        headers["inference-header-content-length"] = rng.choice(["-1", "9" * 30, "abc", "3"])
    return rng.choice(["POST", "POST", "PUT", "DELETE", "PATCH"]), path, rng.choice(bodies), headers


def send_hostile(client, n, seed):
    rng = random.Random(seed)
    for _ in range(n):
        method, path, body, headers = hostile(rng)
        answer = client.request(
            method, path, content=body, headers={k: v.encode("latin-1") for k, v in headers.items()}
        )
        if answer.status_code == 200 and "/label" in path:  # a list, or lines: each has its own outcome
            assert all(json.loads(line)["status"] >= 400 for line in answer.text.splitlines())
            continue
        assert 400 <= answer.status_code < 500, (method, path, body[:100], headers, answer.status_code, answer.text)


def test_hostile_requests_get_a_4xx_and_leave_the_learner_as_it_was(api):
    before = api.get("/models/default").json()["state"]
    send_hostile(api, HOSTILE, seed=11)
    assert api.get("/models/default").json()["state"] == before
    assert api.get("/health/ready").status_code == 200
