"""Label Studio's ML backend protocol, in the shapes that Label Studio 1.x sends and reads."""

from __future__ import annotations

import pytest

import headwater as hw
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint

CONFIG = """<View><Text name="text" value="$text"/>
<Choices name="class" toName="text" choice="single"><Choice value="bug"/><Choice value="wish"/></Choices></View>"""
AT = "/models/default/label-studio"
WORDS = {"bug": "it crashes when I open the file", "wish": "please add a dark theme to the page"}


def task(number, kind="bug"):
    return {"id": number, "data": {"text": f"{WORDS[kind]} {number % 7}", "length": float(number % 9)}, "meta": {}}


def annotated(number, kind="bug", action="ANNOTATION_CREATED", **more):
    """What Label Studio posts, of which a backend reads little."""
    item = {"id": "x", "from_name": "class", "to_name": "text", "type": "choices", "value": {"choices": [kind]}}
    annotation = {"id": 100 + number, "result": [item], "was_cancelled": False, "lead_time": 2.5, "task": number}
    return {
        "action": action,
        "project": {"id": 1, "label_config": CONFIG},
        "task": task(number, kind),
        "annotation": annotation | more,
    }


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(seed=1))
    yield state
    state.close()


def asked(tasks, config=CONFIG):
    return {"tasks": tasks, "project": "1.170000", "label_config": config, "params": {"context": None}}


def test_a_project_is_connected_and_its_host_and_token_are_not_kept(client):
    assert client.get(f"{AT}/health").json()["status"] == "UP"
    assert client.get(AT).json()["status"] == "UP"
    sent = {
        "project": "1.1",
        "schema": CONFIG,
        "hostname": "http://ls:8080",
        "access_token": "secret",
        "extra_params": {},
    }
    assert client.post(f"{AT}/setup", json=sent).json() == {"model_version": "default after event 0"}
    said = client.post(f"{AT}/setup", json=sent | {"schema": "<View><Brush name='b' toName='i'/></View>"})
    assert said.status_code == 400
    assert "<Choices>, <Number> or <Rating>" in said.json()["error"]


def test_annotations_are_learned_once_and_tasks_are_prelabeled(client, state):
    assert client.post(f"{AT}/predict", json=asked([task(1)])).json()["results"][0]["result"] == []
    for i in range(60):
        said = client.post(f"{AT}/webhook", json=annotated(i, ("bug", "wish")[i % 2]))
        assert said.status_code == 201
        assert said.json()["learned"] == 1
    assert client.post(f"{AT}/webhook", json=annotated(59, "wish")).json()["learned"] == 0
    reply = client.post(f"{AT}/predict", json=asked([task(70, "wish"), task(71, "bug")])).json()
    for one, kind in zip(reply["results"], ("wish", "bug"), strict=True):
        assert one["result"] == [
            {"from_name": "class", "to_name": "text", "type": "choices", "value": {"choices": [kind]}}
        ]
        assert 0.5 < one["score"] <= 1
        assert one["model_version"] == reply["model_version"] == "default after event 60"
    alone = hw.Classifier(seed=1)
    for i in range(60):
        alone.learn_one(task(i, ("bug", "wish")[i % 2])["data"], ("bug", "wish")[i % 2])
    assert fingerprint(state.model("default").champion.learner) == fingerprint(alone)


def test_a_changed_annotation_is_learned_again_and_what_teaches_nothing_is_acknowledged(client, state):
    assert client.post(f"{AT}/webhook", json=annotated(1)).json()["learned"] == 1
    changed = annotated(1, action="ANNOTATION_UPDATED")
    assert client.post(f"{AT}/webhook", json=changed).json()["learned"] == 0  # the same label
    changed["annotation"]["result"][0]["value"]["choices"] = ["wish"]
    assert client.post(f"{AT}/webhook", json=changed).json()["learned"] == 1
    for other in (
        {"action": "PROJECT_UPDATED", "project": {"id": 1}},
        {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}]},
        annotated(2, was_cancelled=True),
        annotated(3, result=[]),
    ):
        said = client.post(f"{AT}/webhook", json=other)
        assert (said.status_code, said.json()) == (201, {"status": "ok", "learned": 0})
    assert state.model("default").at == 2


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("predict", {"tasks": [{"id": 1}], "label_config": CONFIG}),
        ("predict", {"tasks": [{"data": {"a": {"b": 1}}}], "label_config": CONFIG}),
        ("predict", {"tasks": [], "label_config": ""}),
        ("webhook", {"action": "ANNOTATION_CREATED", "annotation": {"id": 1}}),
        ("webhook", {"annotation": {"id": 1}}),
        ("setup", {"project": "1"}),
    ],
)
def test_a_body_that_can_not_be_is_refused_in_a_sentence(client, address, body):
    said = client.post(f"{AT}/{address}", json=body)
    assert said.status_code == 400
    assert set(said.json()) >= {"error", "at", "help", "code"}


def test_numbers_are_learned_and_filled_in_too(client):
    config = "<View><Text name='t' value='$text'/><Number toName='t' name='minutes'/></View>"
    client.post("/models", json={"name": "time", "task": "regress"})
    at = "/models/time/label-studio"
    for i in range(40):
        event = annotated(i)
        event["annotation"]["result"] = [
            {"from_name": "minutes", "to_name": "t", "type": "number", "value": {"number": i % 9}}
        ]
        assert client.post(f"{at}/webhook", json=event).json()["learned"] == 1
    (one,) = client.post(f"{at}/predict", json=asked([task(44)], config)).json()["results"]
    (item,) = one["result"]
    assert (item["from_name"], item["to_name"], item["type"]) == ("minutes", "t", "number")
    assert abs(item["value"]["number"] - 44 % 9) < 2
