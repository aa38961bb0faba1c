"""Answers that a store learns in the order in which they were asked for: those of a series, alone or a fleet's key each."""

import random
import signal
import subprocess
import sys
import time

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, DataError
from headwater.store.journal.requests import ConflictingId, ExpiredId, LabelRequest, PendingRequest
from headwater.store.learner_file import fingerprint
from headwater.store.service import RetentionPolicy

N, HORIZON = 60, 8
SETTINGS = {"horizon": HORIZON, "season": 12, "seed": 1}
DAYS = RetentionPolicy(keep_pending_s=1000.0)


def value(i):
    return [3.0, 5.0, 9.0, 8.0][i % 12 // 3] + (i * 37 % 101) / 100


def row(i):
    return {"warm": float(i % 5)}


def alone(values, start=0, learner=None):
    """A forecaster that learned values in their order, those of ``row`` beside them."""
    learner = learner or hw.Forecaster(**SETTINGS)
    for i, y in enumerate(values, start):
        learner.learn_one(y, row(i))
    return learner


def opened(path, n=N, **how):
    model = hw.open(path, hw.Forecaster(**SETTINGS), **how)
    model.learn_many([value(i) for i in range(n)], [row(i) for i in range(n)])
    return model


def asked(model, n, start=N):
    """Ask for the next n times, and return their ids and forecasts."""
    told = [model.predict_with_id(row(start + i)) for i in range(n)]
    return [name for name, _ in told], [said for _, said in told]


@pytest.fixture
def clock(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def passed(model, clock, seconds):
    """Let time pass, and the store do what falls due by the clock."""
    clock[0] += seconds
    model.service._retention_job.work()


@pytest.mark.parametrize("seed", range(4))
def test_answers_in_any_order_make_the_learner_that_was_taught_in_order(tmp_path, seed):
    model = opened(tmp_path / "a.db")
    names, said = asked(model, 6)
    assert said == alone([value(i) for i in range(N)]).forecast(6, [row(N + i) for i in range(6)])
    order = random.Random(seed).sample(range(6), 6)
    for i in order:
        model.label(names[i], value(N + i))
    assert fingerprint(model.learner) == fingerprint(alone([value(i) for i in range(N + 6)]))
    assert model.service.ids.counts() == 0
    scores = model.scores
    model.service._shut()
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(alone([value(i) for i in range(N + 6)]))
        assert again.scores == scores


def test_an_answer_that_comes_too_early_is_held_and_the_one_that_lets_it_go_says_so(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, said = asked(model, 4)
        last, third = model.label(names[3], value(N + 3)), model.label(names[2], value(N + 2))
        assert (last["held"], last["waits_for"], third["waits_for"]) == (True, 3, 2)
        assert "seq" not in last
        assert model.seq == N
        assert model.label(names[3], value(N + 3)) == {"id": names[3], "held": True, "repeated": True}
        with pytest.raises(ConflictingId):
            model.label(names[3], 0.5)
        first = model.label(names[0], value(N))
        assert (first["seq"], first["y_pred"]) == (N + 1, said[0])
        assert "released" not in first
        second = model.label(names[1], value(N + 1))
        assert (second["seq"], second["y_pred"], second["released"]) == (N + 2, said[1], 2)
        assert model.seq == N + 4
        assert model.label(names[3], value(N + 3)) == {"id": names[3], "repeated": True, "seq": N + 4}


def test_what_is_scored_is_the_forecast_that_was_given_when_it_was_asked_for(tmp_path):
    with opened(tmp_path / "a.db") as model:
        before = model.scores
        names, said = asked(model, 5)
        for i in (4, 2, 0, 1, 3):
            model.label(names[i], value(N + i))
        found = model.scores
        off = [abs(value(N + i) - y) for i, y in enumerate(said)]
        assert found["n"] == N + 5
        total = before["model"]["mae"] * N + sum(off)
        assert found["model"]["mae"] == pytest.approx(total / (N + 5), rel=1e-12)
        steps = [abs(value(N + i) - value(N + i - 1)) for i in range(5)]
        total = before["no-change"]["mae"] * N + sum(steps)
        assert found["no-change"]["mae"] == pytest.approx(total / (N + 5), rel=1e-12)


def test_a_missing_answer_is_a_gap_in_its_place(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 3)
        model.label(names[1], None)
        model.label(names[2], value(N + 2))
        assert model.label(names[0], value(N))["released"] == 2
        values = [*(value(i) for i in range(N + 1)), None, value(N + 2)]
        assert fingerprint(model.learner) == fingerprint(alone(values))
        assert model.scores["gaps"] == 1


def test_an_answer_that_does_not_come_in_time_is_a_gap_and_those_behind_it_are_learned(tmp_path, clock):
    model = opened(tmp_path / "a.db", policy=DAYS)
    names, _ = asked(model, 2)
    clock[0] += 900
    names += asked(model, 2, N + 2)[0]
    model.label(names[1], value(N + 1))
    model.label(names[3], value(N + 3))
    passed(model, clock, 50)
    assert (model.seq, model.service.ids.counts()) == (N, 4)  # it is not too late yet
    passed(model, clock, 100)  # the first was asked 1050 s ago, the third 150 s
    assert (model.seq, model.service.ids.counts()) == (N + 2, 2)
    with pytest.raises(ExpiredId):
        model.label(names[0], value(N))
    model.label(names[2], value(N + 2))
    values = [*(value(i) for i in range(N)), None, *(value(N + i) for i in (1, 2, 3))]
    expected, scores = fingerprint(alone(values)), model.scores
    assert fingerprint(model.learner) == expected
    assert scores["gaps"] == 1
    model.service._shut()
    with hw.open(tmp_path / "a.db", policy=DAYS) as again:
        assert (fingerprint(again.learner), again.scores) == (expected, scores)


def test_the_clock_of_a_paused_model_stands_still(tmp_path, clock):
    with opened(tmp_path / "a.db", policy=DAYS) as model:
        names, _ = asked(model, 2)
        model.label(names[1], value(N + 1))
        model.service.change(model.service.models.pause, model._model, True)
        passed(model, clock, 1100)
        assert (model.seq, model.service.ids.counts()) == (N, 2)
        model.service.change(model.service.models.pause, model._model, False)
        passed(model, clock, 1)
        assert (model.seq, model.service.ids.counts()) == (N + 2, 0)


KILLED = """
import os, signal, sys
import headwater as hw

model = hw.open(sys.argv[1], hw.Forecaster(horizon=8, season=12, seed=1))
value = lambda i: [3.0, 5.0, 9.0, 8.0][i % 12 // 3] + (i * 37 % 101) / 100
row = lambda i: {"warm": float(i % 5)}
for i in range(60):
    model.learn_one(value(i), row(i))
names = [model.predict_with_id(row(60 + i))[0] for i in range(3)]
for i in (2, 1):
    assert model.label(names[i], value(60 + i))["held"]
print(*names, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
def test_a_held_answer_survives_a_kill_and_is_learned_in_its_turn(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "a.db")], capture_output=True, text=True, check=False
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    names = run.stdout.split()
    with hw.open(tmp_path / "a.db") as model:
        assert (model.seq, model.service.ids.counts()) == (N, 3)
        assert model.label(names[1], value(N + 1)) == {"id": names[1], "held": True, "repeated": True}
        assert model.label(names[0], value(N))["released"] == 2
        assert fingerprint(model.learner) == fingerprint(alone([value(i) for i in range(N + 3)]))


def test_a_commit_that_fails_leaves_all_in_its_place(tmp_path, monkeypatch):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 3)
        model.label(names[1], value(N + 1))
        journal = model.service.journal
        monkeypatch.setattr(journal, "append", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.label(names[0], value(N))
        monkeypatch.undo()
        assert model.service.ids.counts() == 3
        assert model.label(names[0], value(N))["released"] == 1
        model.label(names[2], value(N + 2))
        assert fingerprint(model.learner) == fingerprint(alone([value(i) for i in range(N + 3)]))


def test_questions_and_answers_of_one_commit_see_each_other(tmp_path):
    with opened(tmp_path / "a.db") as model:
        (first,), _ = asked(model, 1)
        answer = LabelRequest(model._model.id, first, value(N))
        questions = [PendingRequest(model._model.id, model._model.issue([row(N + i)], {})) for i in (1, 2)]
        assert model.service.commit([answer, *questions]) == [None] * 3
        ahead = alone([value(i) for i in range(N)]).forecast(3, [row(N + i) for i in range(3)])
        assert [request.said[0]["y_pred"] for request in questions] == ahead[1:]
        assert [request.said[0]["ahead"] for request in questions] == [2, 3]
        assert model.seq == N + 1


@pytest.mark.parametrize(
    "policy", [RetentionPolicy(keep_pending=3), RetentionPolicy(keep_pending_bytes=200)], ids=["number", "size"]
)
def test_what_is_held_counts_among_what_waits_and_the_oldest_question_lapses_beyond_the_limit(tmp_path, policy):
    with opened(tmp_path / "a.db", policy=policy) as model:
        ids, kept = model.service.ids, []
        names, _ = asked(model, 1)
        size = ids.bytes
        kept += asked(model, 1, N + 1)[0]
        assert model.label(kept[0], value(N + 1))["held"]
        assert ids.counts() == 2
        assert 2 * size < ids.bytes <= 3 * size
        while model.seq == N:
            names += asked(model, 1, N + 1 + len(names))[0]
        learned = model.seq - N
        lapsed = learned - 1 if policy.keep_pending == 3 else len(names)
        assert learned == lapsed + 1  # and the one that was held
        assert ids.counts() == (2 if policy.keep_pending == 3 else 0)
        values = [None, value(N + 1), *[None] * (lapsed - 1)]
        learner = alone([value(i) for i in range(N)])
        for i, y in enumerate(values):
            learner.learn_one(y, row(N + i))
        assert fingerprint(model.learner) == fingerprint(learner)
        with pytest.raises(ExpiredId):
            model.label(names[0], value(N))


def test_a_value_without_an_id_waits_for_no_question(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 2)
        with pytest.raises(
            DataError, match="answers in the order in which they were asked for, got one without an id, while 2 "
        ) as error:
            model.learn_one(value(N))
        assert "null" in error.value.help
        for i, name in enumerate(names):
            model.label(name, value(N + i))
        assert model.learn_one(value(N + 2), row(N + 2)) == N + 3
        assert fingerprint(model.learner) == fingerprint(alone([value(i) for i in range(N + 3)]))


def test_no_question_is_farther_ahead_than_the_horizon(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, HORIZON)
        model.label(names[1], value(N + 1))
        with pytest.raises(
            ConfigError, match=f"at most {HORIZON} times ahead .* got one that is {HORIZON + 1} ahead, with 8 questions"
        ):
            model.predict_with_id()
        assert model.service.ids.counts() == HORIZON
        model.label(names[0], value(N))
        asked(model, 2)


def test_a_late_value_is_learned_with_its_weight(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 2)
        assert model.label(names[1], 5.0, 3.0)["held"]
        model.label(names[0], 4.0, 2.0)
        same = alone([value(i) for i in range(N)])
        same.learn_one(4.0, row(N), 2.0)
        same.learn_one(5.0, row(N + 1), 3.0)
        assert fingerprint(model.learner) == fingerprint(same)


def test_a_model_that_is_published_now_and_then_is_refused(tmp_path):
    with (
        opened(tmp_path / "b.db", publish_every=10) as model,
        pytest.raises(ConfigError, match="as it is now") as error,
    ):
        model.predict_with_id()
    assert "publish_every" in error.value.help


def test_each_key_of_a_fleet_has_an_order_of_its_own(tmp_path):
    path, keys = tmp_path / "a.db", "ab"
    model = hw.open(path, hw.Fleet(lambda: hw.Forecaster(**SETTINGS), key="shop"))
    for i in range(N):
        model.teach([{"shop": key, **row(i)} for key in keys], [value(i + 5 * (key == "b")) for key in keys])
    names = {(key, i): model.predict_with_id({"shop": key, **row(N + i)})[0] for i in range(4) for key in keys}
    fresh, _ = model.predict_with_id({"shop": "new"})
    assert model.label(fresh, 1.0)["seq"] == 2 * N + 1  # nothing of its own waits
    held = model.label(names["b", 3], value(N + 8))
    assert (held["held"], held["waits_for"]) == (True, 3)
    with pytest.raises(DataError, match="while 4 earlier ones"):
        model.learn_one({"shop": "a"}, 1.0)
    for i in range(4):
        model.label(names["a", i], value(N + i))
    assert model.learn_one({"shop": "a", **row(N + 4)}, value(N + 4)) == 2 * N + 6
    for i in (2, 1, 0):
        model.label(names["b", i], value(N + 5 + i))
    scores, shops = model.scores, {key: model.learner[key] for key in model.learner}
    for key, more, off in (("a", 5, 0), ("b", 4, 5)):
        assert fingerprint(shops[key]) == fingerprint(alone([value(i + off) for i in range(N + more)]))
    assert scores["n"] == 2 * N + 10
    model.service._shut()
    with hw.open(path) as again:
        assert again.scores == scores
        assert {key: fingerprint(again.learner[key]) for key in again.learner} == {
            key: fingerprint(one) for key, one in shops.items()
        }


def test_series_that_suggest_each_others_past_take_no_late_answers(tmp_path):
    with (
        hw.open(tmp_path / "a.db", hw.Forecaster(**SETTINGS, key="shop")) as model,
        pytest.raises(ConfigError) as error,
    ):
        model.predict_with_id({"shop": "a"})
    assert "together" in error.value.help


def test_a_challenger_is_scored_with_its_own_forecasts_and_with_none_where_it_came_later(tmp_path):
    with opened(tmp_path / "a.db") as model:
        service, one = model.service, model._model
        service.change(service.models.add, one, "short", hw.Forecaster(**SETTINGS | {"horizon": 1}))
        names, _ = asked(model, 3)
        service.change(service.models.add, one, "later", hw.Forecaster(**SETTINGS))
        for name, i in zip(reversed(names), (2, 1, 0), strict=True):
            model.label(name, value(N + i))
        scored = {state.name: (state.scores.n, state.scores.unscored) for state in one.live}
        assert scored == {"champion": (N + 3, 0), "short": (1, 2), "later": (0, 3)}
        model.learn_one(value(N + 3))
        found = {state.name: state.scores.scores()["no-change"]["mae"] for state in one.live}
        assert found["later"] == pytest.approx(abs(value(N + 3) - value(N + 2)))


def test_what_waited_for_a_forgotten_question_is_learned_at_once(tmp_path):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 3)
        model.label(names[1], value(N + 1))
        model.label(names[2], value(N + 2))
        assert model.seq == N
        done = model.forget(ids=[names[0]])
        assert done.cleared["pending"] == 1
        assert model.service.ids.counts() == 0
        learner = alone([value(i) for i in range(N)])
        for i in (1, 2):
            learner.learn_one(value(N + i), row(N + i))
        assert fingerprint(model.learner) == fingerprint(learner)


def test_a_time_that_was_learned_without_its_answer_is_still_forgotten_by_its_id(tmp_path, clock):
    with opened(tmp_path / "a.db", policy=DAYS) as model:
        names, _ = asked(model, 1)
        passed(model, clock, 1100)
        assert model.seq == N + 1
        model.learn_one(value(N + 1), row(N + 1))
        assert model.forget(ids=names).rows == 1
        learner = alone([value(i) for i in range(N)])
        learner.learn_one(value(N + 1), row(N + 1))
        assert fingerprint(model.learner) == fingerprint(learner)


def test_a_damaged_question_is_learned_as_a_gap_in_its_time(tmp_path, clock):
    with opened(tmp_path / "a.db", policy=DAYS) as model:
        names, _ = asked(model, 2)
        model.label(names[1], value(N + 1))
        with model.service.reading_lock():
            model.service._file.base.execute("UPDATE pending SET crc = crc + 1 WHERE id = 1")
        passed(model, clock, 1100)
        learner = alone([value(i) for i in range(N)])
        learner.learn_one(None)
        learner.learn_one(value(N + 1), row(N + 1))
        assert fingerprint(model.learner) == fingerprint(learner)


def test_a_store_is_checked_and_copied_while_an_answer_is_held(tmp_path, capsys):
    with opened(tmp_path / "a.db") as model:
        names, _ = asked(model, 2)
        model.label(names[1], value(N + 1))
        model.backup(tmp_path / "b.db")
    assert main(["store", "check", str(tmp_path / "b.db")]) == 0
    assert "2 pending" in capsys.readouterr().out
    with hw.open(tmp_path / "b.db") as copy:
        assert copy.label(names[0], value(N))["released"] == 1
        assert fingerprint(copy.learner) == fingerprint(alone([value(i) for i in range(N + 2)]))


def test_what_is_older_than_a_retention_leaves_a_gap_without_its_row_and_without_what_was_held(tmp_path, clock):
    with opened(tmp_path / "a.db", retention=hw.Retention(max_age="1 hour")) as model:
        names, _ = asked(model, 2)
        model.label(names[1], value(N + 1))
        clock[0] += 1800
        later, _ = asked(model, 1, N + 2)
        model.label(later[0], value(N + 2))
        clock[0] += 1790
        model.service.expiry.look()
        events = model.service.events("default")[-3:]
        assert [(event.x, event.y == event.y, event.predicted is None) for event in events] == [
            ({}, False, True),
            ({}, False, True),
            (row(N + 2), True, False),
        ]
        assert model.service.ids.counts() == 0
