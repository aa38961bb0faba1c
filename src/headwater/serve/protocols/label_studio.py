"""Label Studio's ML backend protocol (/health, /setup, /predict, /webhook), under one address a model."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import check_can
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed
from headwater.serve.api.predicting import Prediction, apart, predict_rows
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.limits import too_many
from headwater.serve.http.schemas import decoded, to_features
from headwater.store.journal.events import JournalEvent, digest
from headwater.store.journal.requests import LearnRequest
from headwater.store.service.model import Model

_TAG = re.compile(r"<(Choices|Number|Rating)\b([^<>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(name|toName)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_CHOICES, _NUMBERS = "choices", ("number", "rating")
_TAUGHT = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


class StudioTask(msgspec.Struct):
    """A task of a project, whose data is a row."""

    data: dict[str, Any]
    id: int | str | None = None


class StudioSetup(msgspec.Struct):
    """A project that is connected. Its host and its token are neither used nor kept."""

    schema: str
    project: str | int | None = None


class StudioTasks(msgspec.Struct):
    """Tasks to predict."""

    tasks: list[StudioTask]
    label_config: str
    project: str | int | None = None


class StudioItem(msgspec.Struct):
    """One region or choice of an annotation."""

    from_name: str
    type: str
    value: dict[str, Any]


class StudioAnnotation(msgspec.Struct):
    """What a person said of a task."""

    id: int | str
    result: list[StudioItem] = []
    was_cancelled: bool = False


class StudioEvent(msgspec.Struct):
    """What happened in a project. Created and updated annotations are learned, all else is acknowledged."""

    action: str
    task: StudioTask | None = None
    annotation: StudioAnnotation | None = None


_setup, _tasks = msgspec.json.Decoder(StudioSetup), msgspec.json.Decoder(StudioTasks)
_event = msgspec.json.Decoder(StudioEvent)


async def health(request: Request) -> Response:
    """Report that the model is up."""
    found = request.model()
    return json_response({"status": "UP", "model_class": f"headwater {found.task}"})


async def setup(request: Request) -> Response:
    """Accept a project that has a control which the model can fill in."""
    found = request.model()
    asked = decoded(_setup.decode, await request.body(), "body")
    _controls(asked.schema, "body $.schema")
    return json_response({"model_version": _version(found)})


async def predict(request: Request) -> Response:
    """Predict tasks, each as the result of its controls."""
    state, found = request.state, request.model()
    asked = await state.workers.run(partial(decoded, _tasks.decode, await request.body(), "body"))
    if len(asked.tasks) > state.limits.rows:
        raise too_many("rows", state.limits, "body $.tasks")
    controls = _controls(asked.label_config, "body $.label_config")
    X = to_features([task.data for task in asked.tasks], "body $.tasks")
    predictions = await predict_rows(state, found, X, budget=request.budget, shadows=False)
    name, version = found.champion.name, _version(found)

    def written() -> Response:
        results = [_result(one, name, controls, version) for one in predictions]
        return json_response({"results": results, "model_version": version})

    return await apart(state, request.budget, len(X), written)


async def webhook(request: Request) -> Response:
    """Learn a created or changed annotation, once however often it is sent."""
    state = request.state
    event = await state.workers.run(partial(decoded, _event.decode, await request.body(), "body"))
    found = request.learning_model()
    if event.action not in _TAUGHT or event.annotation is None or event.annotation.was_cancelled:
        return json_response({"status": "ok", "learned": 0}, 201)
    if event.task is None:
        raise DataError(
            expected="the task of the annotation",
            got="none",
            at="body $.task",
            help="Switch on 'Send payload' in the settings of the webhook.",
        )
    check_can(found.champion.learner, "answers", at=found.name)
    command = _lesson(found, event.task, event.annotation)
    if command is None:
        return json_response({"status": "ok", "learned": 0}, 201)
    request.budget.charge_samples(size_of([command.events[0].x]), found.price, learning=True)
    await committed(request, command, 1)
    answer = command.answers[0]
    return json_response({"status": "ok", "learned": int("repeated" not in answer), "seq": answer["seq"]}, 201)


def _lesson(model: Model, task: StudioTask, annotation: StudioAnnotation) -> LearnRequest | None:
    """Return the example of an annotation, or None if it has no label that a control could have."""
    answer = model.champion.learner.kind.answer
    said = {item.from_name: value for item in annotation.result if (value := _value(item)) is not None}
    if not said:
        return None
    X = to_features([task.data], "body $.task.data")
    check_keys(model, X, learning=True)
    y = answer.read(said if answer.compound else next(iter(said.values())), model.champion.learner)
    # A changed label is another example, and one that is sent twice the same.
    name = f"label-studio:{annotation.id}:{digest(X[0], y):08x}"
    return LearnRequest(model.id, [JournalEvent(X[0], y, None, name)])


def _value(item: StudioItem) -> Any:
    """Return the label of an item, None for one of another type or without any."""
    if item.type == _CHOICES:
        chosen = item.value.get(_CHOICES)
        return chosen[0] if isinstance(chosen, list) and chosen and isinstance(chosen[0], str) else None
    number = item.value.get(item.type) if item.type in _NUMBERS else None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def _controls(config: str, at: str) -> dict[str, tuple[str, str]]:
    """Return the object and the type of each control that holds a choice or a number, by its name.

    Raises
    ------
    DataError
        If there is none.
    """
    found = {}
    for tag, text in _TAG.findall(config):
        own = {name: double or single for name, double, single in _ATTRIBUTE.findall(text)}
        if own.keys() >= {"name", "toName"}:
            found[own["name"]] = (own["toName"], tag.lower())
    if not found:
        raise DataError(
            expected="a labeling setup with <Choices>, <Number> or <Rating>",
            got=" ".join(config.split())[:80] or "an empty one",
            at=at,
            help="Add one of them, such as <Choices name='class' toName='text'>.",
        )
    return found


def _result(one: Prediction, name: str, controls: dict[str, tuple[str, str]], version: str) -> dict[str, Any]:
    """Return what is predicted of a task, nothing where no class is known yet."""
    said, p = one.of(name)
    by_control = said if isinstance(said, dict) else {next(iter(controls)): said}
    items = [
        {"from_name": control, "to_name": controls[control][0], "type": controls[control][1], "value": value}
        for control, label in by_control.items()
        if control in controls and (value := _filled(controls[control][1], label)) is not None
    ]
    score = p.get(said, 0.0) if p and items and not isinstance(said, dict) else 0.0
    return {"result": items, "score": score, "model_version": version}


def _filled(kind: str, label: Any) -> dict[str, Any] | None:
    """Return the value of a control, None for a label that it can't hold."""
    if kind == _CHOICES:
        return None if label is None else {_CHOICES: [str(label)]}
    if isinstance(label, bool) or not isinstance(label, int | float) or not math.isfinite(label):
        return None
    return {kind: max(round(label), 0) if kind == "rating" else label}


def _version(model: Model) -> str:
    return f"{model.name} after event {model.seq}"


__all__ = ["StudioEvent", "StudioSetup", "StudioTasks", "health", "predict", "setup", "webhook"]
