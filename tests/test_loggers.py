"""Records told to JSON lines and to TensorBoard."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
from river import datasets

import headwater as hw
from headwater.errors import MissingExtra
from headwater.interop.loggers import JsonLines, TensorBoard, metrics_of
from headwater.route.session import Session
from headwater.route.verdict.leads import Lead
from headwater.types import Event, Metrics

RECORD = Metrics(
    rows=20,
    scored=18,
    window=10,
    names=("accuracy", "kappa"),
    scores={"accuracy": 0.5, "kappa": float("nan")},
    window_scores={"accuracy": 0.75},
    baselines={"majority": {"accuracy": 0.25}},
    window_baselines={"majority": {"accuracy": 0.125}},
    rows_per_s=1000.0,
    rejected={"target": 2},
    events=(Event(17, "drift_detected", "The error rose."),),
)
NUMBERS = {
    "accuracy": 0.5,
    "window/accuracy": 0.75,
    "majority/accuracy": 0.25,
    "window/majority/accuracy": 0.125,
    "rows_per_s": 1000.0,
    "rejected/target": 2.0,
}


def learn(*tell):
    return Session(hw.Classifier(hidden=(4,)), every=100, on_record=tell).run(datasets.Phishing().take(300))


def test_the_numbers_of_a_record_have_names_and_what_is_not_defined_has_none():
    assert metrics_of(RECORD) == NUMBERS


def test_a_score_that_is_an_estimate_has_its_interval_and_the_lead():
    lead = Lead(20, 0.25, -0.125, 0.5)
    record = replace(RECORD, interval=(0.25, 0.75), window_interval=(0.5, 1.0), leads={"overall": lead, "recent": None})
    assert metrics_of(record) == NUMBERS | {
        "accuracy/low": 0.25,
        "accuracy/high": 0.75,
        "window/accuracy/low": 0.5,
        "window/accuracy/high": 1.0,
        "lead": 0.25,
        "lead/low": -0.125,
        "lead/high": 0.5,
    }


def test_a_bandit_that_is_scored_on_the_choices_of_a_log_has_them():
    log = [({"a": float(i % 5)}, ["xy"[i % 2], float(i % 2), 0.5]) for i in range(200)]
    found = metrics_of(Session(hw.Bandit(hidden=4, seed=1)).run(log))
    assert found["mean_reward/low"] < found["mean_reward"] < found["mean_reward/high"]
    assert found["lead/low"] < found["lead"] < found["lead/high"]


def test_each_record_is_a_line_of_json_at_once(tmp_path):
    path = tmp_path / "run.jsonl"
    log = JsonLines(path)
    log(RECORD)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [json.loads(json.dumps(RECORD.as_dict()))]
    assert json.loads(path.read_text())["scores"] == {"accuracy": 0.5, "kappa": None}
    log.close()
    with JsonLines(path) as again:
        learn(again)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["rows"] for line in lines] == [20, 100, 200, 300]


def test_tensorboard_reads_the_scalars_and_texts(tmp_path):
    crc = pytest.importorskip("tensorboardX.crc32c", reason="tensorboardX is not installed").crc32c
    from tensorboardX.proto.event_pb2 import Event as Stored

    with TensorBoard(tmp_path) as log:
        log(RECORD)
        last = learn(log)
    (file,) = tmp_path.iterdir()
    data, stored = file.read_bytes(), []
    while data:
        n = int.from_bytes(data[:8], "little")
        body, check = data[12 : 12 + n], int.from_bytes(data[12 + n : 16 + n], "little")
        masked = crc(body)
        assert check == (((masked >> 15) | (masked << 17)) + 0xA282EAD8) & 0xFFFFFFFF
        stored.append(Stored.FromString(body))
        data = data[16 + n :]
    scalars = {}
    for event in stored:
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
    assert {name: points[0] for name, points in scalars.items() if points[0][0] == 20} == {
        name: (20, value) for name, value in NUMBERS.items()
    }
    assert [step for step, _ in scalars["accuracy"]] == [20, 100, 200, 300]
    assert scalars["accuracy"][-1][1] == pytest.approx(last.scores["accuracy"])
    assert any(value.tag.startswith("drift_detected") for event in stored for value in event.summary.value)


def test_without_tensorboardx_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[mlflow\]'"):
        TensorBoard(tmp_path)
