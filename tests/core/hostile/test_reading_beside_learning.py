"""Whatever reads several arrays of a learner sees one moment, while another thread teaches it rows with new names and classes."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

import headwater as hw
from headwater.explain import shape
from headwater.plot import layers
from headwater.store.learner_file import fingerprint, to_bytes
from headwater.store.onnx.export import onnx_model

ROWS, READ = 250, 25
"""Rows that are learned meanwhile, after as many before; and how often the learner is read meanwhile, at most."""


@pytest.fixture(autouse=True)
def threads_alternate_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def row(i: int) -> dict[str, Any]:
    return {"a": i % 7 + 0.5, "b": f"word {i % 40}", f"new {i // 3}": float(i % 5), "machine": f"m{i % 3}"}


def transition(i: int) -> dict[str, Any]:
    return {"action": i % 2, "reward": float(i % 3), "next": row(i + 1), "terminated": i % 50 == 49, "truncated": False}


def learn_label(model: Any, i: int) -> None:
    model.learn_one(row(i), f"class {i // 8}" if i % 2 else "yes")


def learn_number(model: Any, i: int) -> None:
    model.learn_one(row(i), float(i % 9))


def learn_outputs(model: Any, i: int) -> None:
    model.learn_one(row(i), {"class": f"class {i // 30}", "number": float(i % 9), f"late {i // 200}": float(i)})


KINDS: dict[str, tuple[Any, Any]] = {
    "classifier": (lambda: hw.Classifier(effort="fast"), learn_label),
    "net": (lambda: hw.Classifier(hidden=(6,)), learn_label),
    "regressor": (lambda: hw.Regressor(effort="fast", memory=4, by="machine"), learn_number),
    "forecaster": (lambda: hw.Forecaster(horizon=3, season=7), lambda model, i: model.learn_one(float(i % 9), row(i))),
    "anomaly": (lambda: hw.Anomaly(neighbours=32), lambda model, i: model.learn_one(row(i))),
    "bandit": (lambda: hw.Bandit(hidden=6), lambda model, i: model.learn(row(i), f"action {i // 20}", 1.0, 0.5)),
    "agent": (lambda: hw.Agent(2, hidden=6), lambda model, i: model.learn(row(i), **turned(transition(i)))),
    "outputs": (lambda: hw.MultiOutput(effort="fast"), learn_outputs),
    "fleet": (lambda: hw.Fleet(hw.Classifier(hidden=(4,)), key="machine"), learn_label),
}


def turned(step: dict[str, Any]) -> dict[str, Any]:
    return {("next_observation" if name == "next" else name): value for name, value in step.items()}


READERS: dict[str, tuple[Any, set[str]]] = {
    "explain": (lambda model: model.explain_one(row(1)), set(KINDS)),
    "diagnose": (lambda model: model.diagnose(), set(KINDS) - {"fleet"}),
    "importance": (lambda model: model.importance(), {"classifier", "net", "regressor"}),
    "shape": (lambda model: shape(model, "a"), {"classifier", "regressor"}),
    "plot": (layers, {"classifier", "net"}),
    "onnx": (onnx_model, {"net"}),
    "html": (lambda model: model._repr_html_(), set(KINDS) - {"fleet"}),
    "describe": (lambda model: model.describe(), set(KINDS)),
    "fingerprint": (fingerprint, set(KINDS) - {"fleet"}),
    "bytes": (to_bytes, set(KINDS) - {"fleet"}),
}
CASES = [(kind, what) for what, (_, kinds) in READERS.items() for kind in sorted(kinds)]


@pytest.mark.parametrize(("kind", "what"), CASES)
def test_what_reads_several_arrays_sees_one_moment(kind, what):
    make, learn = KINDS[kind]
    model, failures = make(), []
    for i in range(ROWS):
        learn(model, i)
    done = threading.Event()

    def teach() -> None:
        try:
            for i in range(ROWS, 2 * ROWS):
                learn(model, i)
        except BaseException as error:  # noqa: BLE001 - of whatever kind
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=teach)
    thread.start()
    try:
        for _ in range(READ):
            READERS[what][0](model)
            if done.is_set():
                break
    finally:
        thread.join()
    assert failures == []
    assert model.n_learned > ROWS


def test_who_holds_a_learner_may_use_it_and_only_who_holds_it_lets_it_go():
    model = hw.Classifier(hidden=(4,))
    for i in range(20):
        learn_label(model, i)
    core = model.engine.core.learner
    with model.held(), model.held():
        assert model.predict_one(row(1)) in model.classes
        learn_label(model, 20)
    assert model.n_learned == 21
    with pytest.raises(RuntimeError, match="does not hold"):
        core.release()
    refused = []

    def let_go() -> None:
        try:
            core.release()
        except RuntimeError as error:
            refused.append(str(error))

    with model.held():
        thread = threading.Thread(target=let_go)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_nothing_is_learned_while_another_thread_holds_the_learner():
    model = hw.Classifier(hidden=(4,))
    learn_label(model, 0)
    begun, counts = threading.Event(), []

    def teach() -> None:
        begun.set()
        for i in range(1, 50):
            learn_label(model, i)

    with model.held():
        thread = threading.Thread(target=teach)
        thread.start()
        begun.wait()
        for _ in range(200):  # each call lets the other thread run
            counts.append(model.n_learned)
            model.predict_one(row(1))
    thread.join()
    assert set(counts) == {1}
    assert model.n_learned == 50


def test_a_value_that_calls_the_learner_while_it_is_read_is_refused_inside_held_too():
    class Calls(float):
        def __float__(self) -> float:
            return float(model.predict_one({"a": 1.0}) == "x")

    model = hw.Classifier(hidden=(4,))
    model.learn_one({"a": 1.0}, "x")
    with model.held(), pytest.raises(RuntimeError, match="one call at a time"):
        model.predict_one({"a": 1.0, "b": Calls(2.0)})
    assert model.predict_one({"a": 1.0}) == "x"
