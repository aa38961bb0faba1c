"""What ``/openapi.json`` says of an answer holds for the real answers of every kind."""

from __future__ import annotations

import pytest

from headwater.serve.app import ADDRESSES
from kinds.matrix import cases, clean, posted, served
from support.packages.openapi import problems_of

CASES = {case.name: case for case in cases()}


def described():
    return [one.path for one in ADDRESSES if one.method == "GET" and one.says]


def asked(client):
    """Return the answer of each described address that this model has."""
    found = {path: client.get(path.replace("{model}", "default")) for path in described()}
    assert {one.status_code for one in found.values()} <= {200, 400}
    return {path: one.json() for path, one in found.items() if one.status_code == 200}


def with_a_challenger(client, case, model):
    if "challenge" in case.kind.can and "fleet" not in case.name:
        posted(client, "/models/default/challengers", {"name": "other"})
    for at in (0, 40):
        rows, labels = case.rows[at : at + 40], None if case.labels is None else case.labels[at : at + 40]
        posted(client, "/teach", {"rows": list(map(clean, rows))} | ({} if labels is None else {"labels": labels}))
        document, found = client.get("/openapi.json").json(), asked(client)
        assert [(path, problems_of(document, path, answer)) for path, answer in found.items()] == [
            (path, []) for path in found
        ]
        assert {"/models", "/models/{model}", "/models/{model}/challengers", "/score", "/health/live"} <= found.keys()
        assert ("/forecast" in found) == ("ahead" in model.kind.can)
        assert ("/frontier" in found) == ("routes" in model.kind.can)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_the_answers_of_a_kind_are_as_the_document_says(name, tmp_path):
    case = CASES[name]
    served(case, case.make(), tmp_path, do=with_a_challenger)


def a_key_and_a_wrong_answer(client, case, model):
    posted(client, "/teach", {"rows": list(map(clean, case.rows[:40])), "labels": case.labels[:40]})
    document, key = client.get("/openapi.json").json(), case.rows[0][model.key]
    answer = client.get("/score", params={"key": key}).json()
    assert (answer["key"], problems_of(document, "/score", answer)) == (key, [])
    path = "/models/{model}/challengers"
    lead = {"state": "better", "n": 1, "value": 0.1, "explored": True, "wait": None, "interval": [0.0, 0.2]}
    scores = client.get("/score").json()["scores"]
    one = {"name": "b", "n_learned": 3, "scores": scores, "lead": None, "said": {"en": [], "zh": []}}
    assert problems_of(document, path, [one, {**one, "lead": {"recent": lead, "overall": None}}]) == []
    for wrong in ({**lead, "state": "great"}, {**lead, "low": 0.0}, {name: lead[name] for name in lead if name != "n"}):
        assert problems_of(document, path, [{**one, "lead": {"recent": wrong, "overall": None}}])
    assert problems_of(document, path, [{name: one[name] for name in one if name != "scores"}])


@pytest.mark.filterwarnings("ignore")
def test_the_document_refuses_an_answer_with_a_field_too_much_or_too_few(tmp_path):
    case = CASES["fleet of classifiers"]
    served(case, case.make(), tmp_path, do=a_key_and_a_wrong_answer)


def test_every_get_of_json_has_a_schema_but_for_those_of_other_protocols():
    own = [one for one in ADDRESSES if one.method == "GET" and one.gives == "application/json" and not one.says]
    foreign = ("headwater.serve.protocols.",)
    assert [one.path for one in own if not one.handler.__module__.startswith(foreign)] == []
