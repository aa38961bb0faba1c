"""A state carried from row to row: whose it is, when it moves, how it fades, what is kept, and all that other learners promise."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater import nn
from headwater.cluster import Cluster
from headwater.errors import ConfigError
from headwater.plain.network.recurrent import Memory
from headwater.route.policies import Replay
from headwater.store.learner_file import fingerprint

ROWS = [
    {"a": float(i * 37 % 101) / 10, "b": i * 53 % 97, "machine": "xyz"[i * i % 3], "when": float(i), "c": f"c{i % 4}"}
    for i in range(400)
]
POISON: list[dict[str, Any]] = [
    {"a": float("nan"), "b": None, "machine": None, "when": float("inf")},
    {"a": 1e300, "b": -1e300, "machine": "x", "when": -1e300},
    {"a": object(), "machine": ["x", 1], "when": "no time"},
    {},
]
KINDS = pytest.mark.parametrize("cls", [hw.Classifier, hw.Regressor])


def answers(cls: type, rows: list[dict[str, Any]] = ROWS) -> list[Any]:
    """Whether, and how far, the number two rows before was large."""
    past = [5.0, 5.0, *(row["a"] for row in rows)]
    return [("low", "high")[a > 5] if cls is hw.Classifier else a for a in past[: len(rows)]]


def made(cls: Any = hw.Classifier, **settings: Any) -> Any:
    return cls(**{"seed": 1, "memory": 6, "by": "machine", "time": "when"} | settings)


def taught(cls: Any = hw.Classifier, n: int = 300, **settings: Any) -> Any:
    model = made(cls, **settings)
    model.learn_many(ROWS[:n], answers(cls)[:n])
    return model


def goes_on_alike(one: Any, other: Any) -> bool:
    y = answers(type(one))
    said = [model.learn_many(ROWS[300:], y[300:]).tolist() for model in (one, other)]
    return said[0] == said[1] and fingerprint(one) == fingerprint(other)


def states(model: Any, rows: list[dict[str, Any]]) -> Any:
    """The state that each row reads, and the gap since, (n, 2·units + 1)."""
    found = model.engine.core.learner.memory(model.engine.rows(rows), 0, len(rows), model.memory)
    return np.frombuffer(found).reshape(len(rows), -1)


# ---- why --------------------------------------------------------------------------------------------------------------


def copied(n: int, delay: int) -> list[tuple[dict[str, float], int]]:
    bits = np.random.default_rng(0).integers(0, 2, n + delay).tolist()
    return [({"x": float(now)}, then) for now, then in zip(bits[delay:], bits, strict=False)]


def test_what_was_said_five_rows_before_is_remembered() -> None:
    stream = copied(12_000, 5)
    X, y = [x for x, _ in stream], [y for _, y in stream]
    share = [
        np.mean(hw.Classifier(seed=1, **own).learn_many(X, y)[8_000:] == y[8_000:]) for own in ({"memory": 16}, {})
    ]
    assert share[0] > 0.97
    assert share[1] < 0.55


# ---- the promises of every learner --------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("rows", [0, 1, 300])
def test_a_saved_learner_goes_on_to_the_bit(cls: Any, rows: int, tmp_path: Path) -> None:
    model = taught(cls, rows) if rows else made(cls)
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw")
    assert repr(other) == repr(model)
    assert other.describe() == model.describe()
    assert goes_on_alike(model, other)


@KINDS
def test_a_copy_shares_nothing_and_goes_on_to_the_bit(cls: Any) -> None:
    model = taught(cls)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.clone(None, True)):
        assert fingerprint(other) == fingerprint(model)
    assert goes_on_alike(model, copy.deepcopy(model))
    assert model.clone().memory_states == 0


@KINDS
def test_predicting_moves_no_state(cls: Any) -> None:
    model = taught(cls)
    before = fingerprint(model)
    for row in [*ROWS[300:320], {"a": 1.0, "machine": "never seen", "when": 1e6}, *POISON]:
        model.predict_one(row)
    model.predict_many(ROWS)
    model.explain_one(ROWS[3])
    assert fingerprint(model) == before


@KINDS
def test_rows_one_by_one_in_a_block_or_in_a_frame_are_the_same(cls: Any) -> None:
    y = answers(cls)
    one, block, frame = made(cls), made(cls), made(cls)
    for row, answer in zip(ROWS, y, strict=True):
        one.predict_one(row)
        one.learn_one(row, answer)
    block.learn_many(ROWS, y)
    frame.learn_many(pd.DataFrame(ROWS), y)
    assert fingerprint(one) == fingerprint(block) == fingerprint(frame)


@KINDS
def test_new_names_and_classes_leave_old_predictions_as_they_were(cls: Any) -> None:
    model = taught(cls)
    old = model.predict_many(ROWS[:50]).tolist()
    shares = model.predict_proba_many(ROWS[:50]) if cls is hw.Classifier else None
    model.learn_one({"machine": "new", "another": 3.0, "c": "c99"}, answers(cls)[0], w=0.0)
    assert model.predict_many(ROWS[:50]).tolist() == old
    if shares is not None:
        model.engine.core.learner.add_outputs(3, -6.0)
        after = model.predict_proba_many(ROWS[:50])
        assert np.allclose(after[:, 0] / after[:, 1], shares[:, 0] / shares[:, 1], rtol=1e-5)


@KINDS
def test_poison_does_no_harm(cls: Any) -> None:
    model = taught(cls)
    for row in POISON * 20:
        model.learn_one(row, answers(cls)[0])
    for row in ROWS[:20]:
        p = model.predict_one(row)
        assert p in ("low", "high") or abs(p) < 100
    assert all(np.isfinite(array).all() for name, array in model.engine.core.state().items() if name == "memory_states")


@KINDS
def test_a_store_recovers_to_the_bit_in_the_middle_of_a_stream(cls: Any, tmp_path: Path) -> None:
    y, plain = answers(cls), made(cls)
    with hw.open(tmp_path / "a.db", made(cls)) as model:
        for row, answer in zip(ROWS[:120], y, strict=False):
            model.learn_one(row, answer)
            plain.learn_one(row, answer)
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
        assert again.predict_one(ROWS[130]) == plain.predict_one(ROWS[130])


@KINDS
def test_late_answers_move_the_state_when_they_come(cls: Any) -> None:
    y, model = answers(cls), made(cls)
    hw.Session(model, delay=20).run(zip(ROWS, y, strict=True))
    assert model.n_learned == len(ROWS)
    assert model.memory_states == 2  # of "xyz"[i·i % 3] there are two


@KINDS
def test_an_explanation_adds_up_and_the_state_is_one_part_of_it(cls: Any) -> None:
    model = taught(cls, 300)
    why = model.explain_one(ROWS[301])
    assert abs(why.contributions["memory"]) > 0
    assert why.values["memory"] == ROWS[301]["machine"]
    far = why.prediction - why.baseline
    assert sum(why.contributions.values()) == pytest.approx(far, abs=2e-3 * max(1.0, abs(far)))
    assert why.prediction == pytest.approx(
        model.predict_proba_one(ROWS[301])[why.target] if cls is hw.Classifier else model.predict_one(ROWS[301]),
        rel=1e-4,
    )


def test_a_learner_with_a_state_is_diagnosed_and_described() -> None:
    model = taught(n=300)
    assert "rows" in str(model.diagnose())
    about = model.describe()
    assert about["memory"] == {"units": 6, "by": "machine", "time": "when", "keys": 2, "most": 10_000}
    assert "memory" not in hw.Classifier().describe()


# ---- whose state, and how it fades ----------------------------------------------------------------------------------------


def test_each_key_has_a_state_of_its_own() -> None:
    model = made(time=None)
    model.learn_many(ROWS[:100], answers(hw.Classifier)[:100])
    x, y = (states(model, [{"machine": key}])[0] for key in "xy")
    assert np.abs(x[:-1] - y[:-1]).max() > 0
    model.learn_one({"machine": "x", "a": 9.0}, "high")
    assert np.array_equal(states(model, [{"machine": "y"}])[0], y)
    assert not np.array_equal(states(model, [{"machine": "x"}])[0], x)


def test_a_key_may_be_a_number_a_text_or_missing() -> None:
    model = made(time=None)
    for key in (1.0, 2.0, 1.0):
        model.learn_one({"machine": key, "a": key}, "low")
    assert model.memory_states == 2
    model.learn_one({"a": 1.0}, "low")
    assert model.memory_states == 3


def test_of_more_keys_than_are_kept_the_least_recent_begins_anew() -> None:
    model = made(time=None, memory_keys=3)
    for i, key in enumerate(("k1", "k2", "k3", "k1", "k2", "k3", "k1", "k4")):
        model.learn_one({"machine": key, "a": float(i)}, "low")
    known = [np.abs(states(model, [{"machine": f"k{i}"}])[0, :-1]).max() > 0 for i in range(1, 5)]
    assert known == [True, False, True, True]
    assert model.memory_states == 3
    many = made(time=None, memory_keys=50)
    many.learn_many([{"machine": f"k{i * 7 % 331}", "a": float(i)} for i in range(3_000)], ["low", "high"] * 1_500)
    assert many.memory_states == 50


def test_memory_is_bounded_whatever_comes() -> None:
    model = made(time=None, memory_keys=20, max_rows=200)
    sizes = []
    for part in range(3):
        rows = [{"machine": f"k{part}-{i}", f"n{part}-{i}": 1.0} for i in range(400)]
        model.learn_many(rows, ["low", "high"] * 200)
        state = model.engine.core.state()
        sizes.append(sum(array.nbytes for name, array in state.items() if name.startswith("memory_")))
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize("dates", [False, True])
def test_a_state_fades_by_the_gap_in_time(dates: bool) -> None:
    expert = nn.Expert((nn.Recurrent(3, r_min=0.5, r_max=0.9),), optimizer=nn.SGD(1e-12))
    model = hw.Regressor(experts=[expert], time="t", dtype="float64", scale=False, seed=2)
    times = [0.0, 1.0, 2.0, 3.0, 7.0, 7.5, 20.0]
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    xs = [1.0, -2.0, 0.5, 3.0, 1.0, -1.0, 2.0]
    core, memory, mean = None, None, 0.0
    names = ["x"] if dates else ["t", "x"]
    for n, (t, x) in enumerate(zip(times, xs, strict=True)):
        row = {"t": begin + dt.timedelta(hours=t) if dates else t, "x": x}
        model.learn_one(row, 0.0)
        if dates:
            continue
        core = model.engine.core
        table, bias = core.table(0)
        turn = next(one for one in core.operations(0) if one.name == "recurrent")
        if memory is None:
            W = np.vstack([bias, table])
            memory = Memory(W[:, :3], W[:, 3:6], turn.weights[:3].copy(), turn.bias[:3].copy())
        gap = times[n] - times[n - 1] if n else 0.0
        seen = np.array([1.0, t, x]) if n else np.array([1.0, 0.0, 0.0])  # a name takes part from its second row on
        memory.read(seen, 1.0 if mean == 0 else gap / mean)
        if n:
            bounded = gap if n == 1 else min(gap, 10 * mean)
            mean += (bounded - mean) / n
    assert names
    if not dates:
        h = core.array("memory_states")[0]  # type: ignore[union-attr]
        assert np.allclose(h[:3] + 1j * h[3:], memory.h, atol=1e-9)  # type: ignore[union-attr]
    last = times[-1]
    gaps = [states_gap(model, begin + dt.timedelta(hours=last + g) if dates else last + g) for g in (1.0, 2.0, 8.0)]
    assert gaps[1] == pytest.approx(2 * gaps[0], rel=1e-6)
    assert gaps[2] == pytest.approx(8 * gaps[0], rel=1e-6)


def states_gap(model: Any, when: Any) -> float:
    found = model.engine.core.learner.memory(model.engine.rows([{"t": when}]), 0, 1, 3)
    return float(np.frombuffer(found)[-1])


def test_a_time_before_the_last_one_is_no_gap() -> None:
    model = taught()
    gaps = [float(states(model, [{"machine": "x", "when": when}])[0, -1]) for when in (-5.0, 1e12, None)]
    assert gaps == [0.0, 1e6, 1.0]


# ---- what can't be ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected", "at"),
    [
        ({"memory": -1}, "a whole number from 0 to 1024", "memory of Classifier"),
        ({"memory": 2.5}, "a whole number from 0 to 1024", "memory of Classifier"),
        ({"memory": 0}, "memory with by='machine'", "memory of Classifier"),
        ({"memory": 0, "by": None}, "memory with time='when'", "memory of Classifier"),
        ({"memory_keys": 0}, "a whole number from 1 to 1000000", "memory_keys of Classifier"),
        ({"by": ["machine"]}, "the name of a column", "by of Classifier"),
        ({"hidden": (8,)}, "memory with a pool of experts", "memory of Classifier"),
        ({"experts": [nn.Expert((nn.Recurrent(3),))]}, "one expert with nn.Recurrent", "memory of Classifier"),
        (
            {"memory": 0, "experts": [nn.Expert((nn.Recurrent(3),), replays=1)]},
            "an expert with nn.Recurrent and neither replays nor cells",
            "memory of Classifier",
        ),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, Any], expected: str, at: str) -> None:
    with pytest.raises(ConfigError) as refused:
        made(**settings)
    assert (refused.value.expected, refused.value.at) == (expected, at)


def test_a_net_of_ones_own_may_begin_with_a_recurrence() -> None:
    model = hw.Classifier(layers=[nn.Recurrent(8, direct=4), nn.Dense(8, "relu")], by="machine", seed=1)
    model.learn_many(ROWS[:50], answers(hw.Classifier)[:50])
    assert model.memory_states == 2


def test_what_has_no_state_refuses_a_learner_with_one(tmp_path: Path) -> None:
    model = taught(n=50)
    forms: list[Any] = [
        lambda: model.export_onnx(tmp_path / "m.onnx"),
        lambda: Cluster(model, workers=2),
        lambda: hw.Session(model, adapt=Replay()),
    ]
    for form in forms:
        with pytest.raises(ConfigError, match="so one without memory, got memory=6"):
            form()


def test_a_network_with_a_state_says_what_it_can_not_do(tmp_path: Path) -> None:
    net = nn.Network([nn.Recurrent(3), nn.Dense(1)], inputs=2)
    X, y = np.zeros((4, 2)), np.zeros(4)
    for call, at in (
        (lambda: net.fit(X, y), "Network.fit"),
        (net.to_torch, "Network.to_torch"),
        (lambda: net.export_onnx(tmp_path / "n.onnx"), "export_onnx"),
    ):
        with pytest.raises(ConfigError) as refused:
            call()
        assert refused.value.at == at
    with pytest.raises(ConfigError, match="layers without a state, with engine='plain', got Recurrent"):
        nn.Network([nn.Recurrent(3), nn.Dense(1)], inputs=2, engine="plain")


def test_cost_of_a_row_does_not_grow_with_the_past() -> None:
    """Counted and not timed: what is kept after 4,000 rows is as large as after 1,000."""
    model, sizes = made(), []
    for _ in range(4):
        model.learn_many(ROWS, answers(hw.Classifier))
        sizes.append([a.shape for n, a in model.engine.core.state().items() if n.startswith("memory_")])
    assert all(one == other for one, other in pairwise(sizes[1:]))
