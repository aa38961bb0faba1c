"""``POST /ask`` and ``POST /teach``: one address for every kind, whose bodies and replies are those that the document declares."""

import json
import warnings

import pytest

from headwater.kinds import KINDS
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint
from kinds.matrix import LATE, NEEDED, clean
from learner.test_kinds import ROWS, answers
from support.packages.imports import when_used

jsonschema = when_used("jsonschema")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
TWO_FORMS = {"decide", "route"}  # labels that may be lists too
PLAIN = [clean(row) for row in ROWS[:40]]


def made(kind):
    return kind.make({"seed": 1, **NEEDED.get(kind.task, {})})


@pytest.fixture
def serve(tmp_path):
    opened = []

    def serves(kind):
        state = make_state(tmp_path / "a.db")
        state.service.change(state.service.models.create, "default", made(kind))
        client = TestClient(build(state), raise_server_exceptions=True)
        client.__enter__()
        opened.append((state, client))
        return client

    yield serves
    for state, client in opened:
        client.__exit__(None, None, None)
        state.close()


def post(client, path, body):
    answer = client.post(path, content=json.dumps(body, default=float), headers={"content-type": "application/json"})
    return answer.status_code, answer.json()


@EVERY
def test_rows_are_taught_and_asked_as_the_document_declares_and_learned_as_the_library_does(kind, serve):
    client, labels = serve(kind), answers(kind, PLAIN)
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    lesson = {"rows": PLAIN} | ({} if labels is None else {"labels": labels})
    question = {"rows": PLAIN[:3]} if not kind.question.ahead else {"horizon": 3}
    alone = made(kind)
    alone.step_many(PLAIN, labels)
    for path, body, asks, says in (("/teach", lesson, "Teach", "Taught"), ("/ask", question, "Ask", "Said")):
        status, told = post(client, path, body)
        assert (status, told["seq"]) == (200, 40)
        for name, value in ((asks, body), (says, told)):
            schema = {"$ref": f"#/components/schemas/{name}.{kind.task}", "components": {"schemas": schemas}}
            if name != "Teach" or kind.task not in TWO_FORMS:
                jsonschema.validate(json.loads(json.dumps(value, default=float)), schema)
    assert client.get("/models/default").json()["state"] == fingerprint(alone)
    own = alone.ask(None if kind.question.ahead else PLAIN[:3], **({"horizon": 3} if kind.question.ahead else {}))
    assert len(told["rows"]) == 3
    assert set(told["rows"][0]) == set(own)
    assert client.get("/models/default").json()["seq"] == 40


@EVERY
def test_what_was_asked_with_keep_is_taught_by_its_id_or_refused_in_a_sentence(kind, serve):
    client, labels = serve(kind), answers(kind, PLAIN)
    post(client, "/teach", {"rows": PLAIN} | ({} if labels is None else {"labels": labels}))
    status, told = post(client, "/ask", {"rows": PLAIN[:1], "keep": True})
    if "late" not in kind.can:
        assert (status, told["code"], told["help"]) == (400, "kind", kind.cannot("late"))
        return
    name = told["rows"][0]["id"]
    later = LATE.get(kind.task, lambda label: label)(labels[0])
    (outcome,) = post(client, "/teach", {"asked": [name], "labels": [later]})[1]["rows"]
    assert (outcome["id"], outcome["seq"]) == (
        name,
        41 if kind.noted is None else 42,
    )  # a choice that counts at once is an event too
    (again,) = post(client, "/teach", {"asked": [name], "labels": [later]})[1]["rows"]
    assert again["repeated"] is True
    (unknown,) = post(client, "/teach", {"asked": ["p99"], "labels": [later]})[1]["rows"]
    assert unknown["code"] == "unknown_id"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/ask", {}, "expected rows, got none"),
        ("/ask", {"rows": [{"a": 1.0}], "horizon": 3}, "a question with coverage"),
        ("/ask", {"rows": [{"a": 1.0}], "coverage": "much"}, "a number from 0 to 1"),
        ("/ask", {"rows": [{"a": {"b": 1}}]}, "a body as in /openapi.json"),
        ("/teach", {"rows": [{"a": 1.0}]}, "labels, one a row"),
        ("/teach", {"rows": [{"a": 1.0}], "labels": ["x", "y"]}, "as many labels as rows (1)"),
        ("/teach", {"rows": [{"a": 1.0}], "labels": [[1]]}, "a class"),
        ("/teach", {"rows": [{"a": 1.0}], "labels": ["x"], "weights": [1.0, 2.0]}, "as many weights as rows (1)"),
        ("/teach", {"asked": ["p1"], "labels": []}, "as many labels as ids (1)"),
        ("/teach", {"asked": ["p1"], "labels": ["x"], "weights": []}, "as many weights as ids (1)"),
        ("/teach", {"asked": [], "weights": [1.0]}, "as many weights as ids (0)"),
        ("/teach", {"asked": ["p1"], "labels": ["x"], "rows": [{"a": 1.0}]}, "rows or asked"),
        ("/teach", {"asked": ["p1"], "labels": ["x"], "ids": ["one"]}, "ids or asked"),
        ("/teach", {"asks": ["p1"]}, "a body as in /openapi.json"),
    ],
)
def test_what_can_not_be_is_refused_in_one_sentence_and_nothing_is_learned(serve, path, body, said):
    client = serve(KINDS[0])
    status, told = post(client, path, body)
    assert status == 400
    assert said in told["error"]
    assert client.get("/models/default").json()["seq"] == 0


def test_ids_make_a_row_learned_once(serve):
    client = serve(KINDS[0])
    body = {"rows": [{"a": 1.0}, {"a": 2.0}], "labels": ["x", "y"], "ids": ["one", None], "weights": [1.0, 2.0]}
    assert post(client, "/teach", body)[1]["seq"] == 2
    told = post(client, "/teach", body)[1]
    assert (told["rows"][0]["repeated"], told["seq"]) == (True, 3)


def test_a_body_that_would_hold_others_up_is_refused_before_it_is_decoded(serve):
    client = serve(KINDS[0])
    body = {"rows": [{"a": "x" * 1_000}] * 1_100, "labels": ["x"] * 1_100}
    status, told = post(client, "/teach", body)
    assert (status, told["code"]) == (413, "too_large")
    assert client.get("/models/default").json()["seq"] == 0
