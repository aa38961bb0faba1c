"""Everything at once: threads learn, ask, grow, save, copy and look at one learner, in a process of its own, so that a crash is seen."""

from __future__ import annotations

import subprocess
import sys

import pytest

HAMMER = """
import copy, faulthandler, sys, tempfile, threading, traceback
from pathlib import Path

import numpy as np
import headwater as hw
from headwater import nn

faulthandler.enable()
faulthandler.dump_traceback_later(200, exit=True)
sys.setswitchinterval(1e-5)
kind, at = sys.argv[1], Path(tempfile.mkdtemp())
draw = np.random.default_rng(0)
X = draw.normal(size=(1200, 6))
failures, learned, done = [], [0] * 16, threading.Event()


def made(seed=0):
    if kind == "regress":
        return hw.Regressor(seed=seed)
    if kind == "memory":
        return hw.Classifier(seed=seed, effort="fast", memory=4, by="word", memory_keys=20)
    return hw.Classifier(seed=seed, hidden=(9,)) if kind == "hidden" else hw.Classifier(seed=seed, effort="fast")


def answers(i, n):
    return draw_of[i].normal(size=n) if kind == "regress" else [f"class {k}" for k in draw_of[i].integers(0, 6, n)]


draw_of = [np.random.default_rng(i) for i in range(16)]
model, others = made(), [made(seed) for seed in (1, 2)]
model.learn_one({"x0": 1.0}, 0.5 if kind == "regress" else "class 0")


def blocks(i):
    for k in range(0, 1200, 60):
        model.learn_many(X[k : k + 60], answers(i, 60))
        learned[i] += 60


def names(i):
    for k in range(250):
        y = draw_of[i].normal() if kind == "regress" else f"class {k % 6}"
        model.learn_one({"x0": 0.5 * k, f"new {i} {k}": 1.0, "word": f"w{i} {k}"}, y)
        learned[i] += 1


def growth(i):
    for k in range(90):
        model.learn_one({"x1": float(k)}, float(k) if kind == "regress" else f"late class {k}")
        learned[i] += 1


def ask(i):
    while not done.is_set():
        p = model.predict_many(X[:200])
        assert len(p) == 200
        one = model.predict_one({"x0": 1.0, "word": "w3 7"})
        assert one is not None
        if kind != "regress":
            assert abs(sum(model.predict_proba_one({"x0": 1.0}).values()) - 1) < 1e-6


def save(i):
    while not done.is_set():
        model.save(at / f"{i}.hw")
        assert hw.load(at / f"{i}.hw").n_learned <= 1 + sum(learned) + 400
        copy.deepcopy(model).learn_one({"x0": 2.0}, 1.0 if kind == "regress" else "class 1")


def look(i):
    core = model._engine.core
    while not done.is_set():
        view = core.parameters
        assert core.digest() >= 0
        str(model.describe()), str(model.rejected), str(model.experts_)
        float(view.sum()), core.learner.columns(), core.learner.operations(0)
        model.step_many([], [], ask=X[:3])
        core.learner.set_step(1.0, 1.0)


def side_by_side(i):
    own = others[i % 2]
    own.learn_many(X[:300], answers(i, 300))
    if hasattr(own, "clone"):
        own.clone(include_attributes=True)


def watched(call, i):
    try:
        call(i)
    except BaseException:
        failures.append(traceback.format_exc())


learners = [blocks, names, names, names, names, growth, side_by_side, side_by_side]
watchers = [ask, ask, save, look]
threads = [threading.Thread(target=watched, args=(call, i)) for i, call in enumerate(learners + watchers)]
for thread in threads:
    thread.start()
for thread in threads[: len(learners)]:
    thread.join()
done.set()
for thread in threads:
    thread.join()
assert not failures, failures[0]
assert model.n_learned == 1 + sum(learned) == 1 + 1200 + 4 * 250 + 90, (model.n_learned, sum(learned))
if kind != "regress":
    assert len(model.classes) == 6 + 90
assert {f"new {i} {k}" for i in (1, 2, 3, 4) for k in range(250)} <= set(model._engine.columns)
model.save(at / "end.hw")
assert hw.load(at / "end.hw")._engine.core.digest() == model._engine.core.digest()
print("sound")
"""


@pytest.mark.parametrize("kind", ["classify", "hidden", "regress", "memory"])
def test_threads_do_everything_to_one_learner_at_once_and_every_row_counts(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HAMMER, kind], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stdout.strip()) == (0, "sound"), done.stderr[-4000:]
