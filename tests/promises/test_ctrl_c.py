"""Ctrl-C while many rows are learned: served within so many rows, and what is learned are the rows so far, to the bit."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass

import pytest

import headwater as hw
from headwater.store.learner_file import fingerprint, to_bytes
from headwater.store.service import Limits
from headwater.store.service.limits import OverLimit
from headwater.streams import PIECE, Block, in_pieces
from support.learners import mixed

ROWS, LABELS = mixed(400)
NUMBERS = [None if i % 50 == 7 else 3.0 * (row["a"] or 0.0) for i, row in enumerate(ROWS)]
WEIGHTS = [-1.0 if i % 70 == 9 else 1.0 + i % 3 for i in range(400)]
PRESSED_AT = 130
SMALL = 50
"""Rows of a piece, in place of `PIECE`: four of them end behind the press and before the last row."""


@dataclass
class Press:
    """A number whose reading presses Ctrl-C, once."""

    armed: bool

    def __float__(self) -> float:
        if self.armed:
            self.armed = False
            os.kill(os.getpid(), signal.SIGINT)
        return 1.0


def pressing(rows, at=PRESSED_AT):
    """Return rows, and the same with one that presses Ctrl-C while it is read."""
    quiet = [{**row, "odd": Press(armed=False)} if i == at else row for i, row in enumerate(rows)]
    return quiet, [{**row, "odd": Press(armed=True)} if i == at else row for i, row in enumerate(rows)]


def decisions():
    return [("left" if i % 3 else "right", float(i % 5 > 1), 0.5) for i in range(400)]


def transitions():
    rows = [{"a": float(i % 7), "b": i / 400} for i in range(401)]
    done = [
        {"action": "go" if i % 2 else "stay", "reward": float(i % 3), "next": rows[i + 1], "truncated": i % 40 == 39}
        for i in range(400)
    ]
    return rows[:400], (done,)


def answers():
    return [
        {"kind": label, "size": number} if number else {"kind": label}
        for label, number in zip(LABELS, NUMBERS, strict=True)
    ]


def keyed():
    return [{**row, "machine": f"m{i % 20}" if i % 60 else None} for i, row in enumerate(ROWS)]


KINDS = {
    "a classifier": (lambda: hw.Classifier(hidden=(8,), seed=1), ROWS, (LABELS, WEIGHTS)),
    "a pool": (lambda: hw.Classifier(seed=1), ROWS, ([None if i % 30 == 4 else y for i, y in enumerate(LABELS)],)),
    "a regressor": (lambda: hw.Regressor(seed=1), ROWS, (NUMBERS, WEIGHTS)),
    "an anomaly model": (lambda: hw.Anomaly(seed=1), ROWS, (WEIGHTS,)),
    "a bandit": (lambda: hw.Bandit(seed=1), ROWS, (decisions(),)),
    "several outputs": (lambda: hw.MultiOutput(seed=1), ROWS, (answers(),)),
    "an agent": (lambda: hw.Agent(["go", "stay"], seed=1), *transitions()),
    "a fleet": (lambda: hw.Fleet(lambda: hw.Regressor(hidden=(8,)), "machine"), keyed(), (NUMBERS, WEIGHTS)),
}


def known(learner):
    """Return all that a learner is: what it has learned, refused, and keeps for its diagnosis."""
    return (learner.fingerprint(), learner.rejected) if isinstance(learner, hw.Fleet) else to_bytes(learner)


def first(rest, n):
    """Return answers and weights of the first rows."""
    return [column[:n] for column in rest]


def behind(rest, n):
    return [column[n:] for column in rest]


@pytest.fixture
def small_pieces(monkeypatch):
    for module in ("streams.interrupt", "store.service.durable_learner", "store.service.service"):
        monkeypatch.setattr(f"headwater.{module}.PIECE", SMALL)
    for module in ("streams.interrupt", "learner.supervised"):
        monkeypatch.setattr(f"headwater.{module}.FIRST_PIECE", SMALL)
    monkeypatch.setattr("headwater.streams.interrupt.TURN_S", float("inf"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_has_learned_the_rows_so_far(kind, small_pieces):
    make, rows, rest = KINDS[kind]
    quiet, pressed = pressing(rows)
    pressed_learner, undisturbed = make(), make()
    with pytest.raises(KeyboardInterrupt):
        pressed_learner.learn_many(pressed, *rest)
    n = PRESSED_AT // SMALL * SMALL + SMALL
    undisturbed.learn_many(quiet[:n], *first(rest, n))
    assert known(pressed_learner) == known(undisturbed)
    for learner in (pressed_learner, undisturbed):
        learner.learn_many(quiet[n:], *behind(rest, n))
    assert known(pressed_learner) == known(undisturbed)
    whole = make()
    whole.learn_many(quiet, *rest)
    assert known(whole) == known(undisturbed)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("kind", KINDS)
def test_how_long_pieces_take_changes_no_bit(kind, monkeypatch):
    make, rows, rest = KINDS[kind]
    whole, pieces = make(), make()
    whole.learn_many(rows, *rest)
    monkeypatch.setattr("headwater.streams.interrupt.FIRST_PIECE", 7)
    monkeypatch.setattr("headwater.streams.interrupt.LEAST_PIECE", 3)
    monkeypatch.setattr("headwater.streams.interrupt.TURN_S", 0.0)
    pieces.learn_many(rows, *rest)
    assert known(pieces) == known(whole)


def test_pieces_are_as_long_as_what_they_take_allows(monkeypatch):
    now, sizes = [0.0], []
    monkeypatch.setattr("headwater.streams.interrupt.time.perf_counter", lambda: now[0])

    def work(part, row_s):
        sizes.append(part.stop - part.start)
        now[0] += sizes[-1] * row_s

    assert len(in_pieces(20_000, lambda part: work(part, 1e-9))) == 4
    assert sizes == [1024, 4096, 8192, 6688]
    sizes.clear()
    in_pieces(3_000, lambda part: work(part, 4e-6))
    assert sizes[0] == 1024
    assert all(900 < size <= 1000 for size in sizes[1:-1])
    sizes.clear()
    in_pieces(1_100, lambda part: work(part, 0.5))
    assert sizes == [1024, 32, 32, 12]
    sizes.clear()
    in_pieces(0, lambda part: work(part, 1.0))
    assert sizes == [0]


def test_a_forecaster_has_learned_the_times_so_far(small_pieces):
    y = [None if i % 90 == 8 else float(i % 24) for i in range(400)]
    quiet, pressed = pressing([{"a": float(i % 7)} for i in range(400)])
    one, other = hw.Forecaster(horizon=3, seed=1), hw.Forecaster(horizon=3, seed=1)
    with pytest.raises(KeyboardInterrupt):
        one.learn_many(y, pressed)
    other.learn_many(y[:150], quiet[:150])
    assert known(one) == known(other)


def test_late_answers_are_learned_as_far_as_rows_are_asked(small_pieces):
    quiet, pressed = pressing(ROWS)
    one, other = hw.Classifier(seed=1), hw.Classifier(seed=1)
    for learner in (one, other):
        learner.step_many([], [], ask=quiet[:100])
    with pytest.raises(KeyboardInterrupt):
        one.step_many(pressed[:300], LABELS[:300], ask=pressed[100:])
    other.step_many(quiet[:50], LABELS[:50], ask=quiet[100:150])
    assert known(one) == known(other)


def test_no_more_than_a_piece_is_learned_behind_the_press():
    rows = [{"a": float(i % 7), "b": f"text {i % 11}"} for i in range(4 * PIECE)]
    labels = [i % 3 for i in range(len(rows))]
    quiet, pressed = pressing(rows, at=PIECE + 5)
    one, other = hw.Classifier(hidden=(4,), seed=1), hw.Classifier(hidden=(4,), seed=1)
    with pytest.raises(KeyboardInterrupt):
        one.learn_many(pressed, labels)
    n = one.n_learned
    assert PIECE + 5 < n <= 2 * PIECE + 5
    other.learn_many(quiet[:n], labels[:n])
    assert known(one) == known(other)


@pytest.mark.parametrize("delay", [0, 30])
def test_a_session_has_scored_and_learned_the_same_rows(delay):
    quiet, pressed = pressing(ROWS)
    one, other = (hw.Session(hw.Classifier(seed=1), block=SMALL, delay=delay) for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        one.step(pressed, LABELS)
    n = one.rows
    assert PRESSED_AT < n <= PRESSED_AT + SMALL
    other.step(quiet[:n], LABELS[:n])
    assert (one.record().scores, known(one.learner)) == (other.record().scores, known(other.learner))
    for session in (one, other):
        session.step(quiet[n:], LABELS[n:])
    assert (one.record().scores, known(one.learner)) == (other.record().scores, known(other.learner))


def test_a_run_of_a_session_ends_behind_the_block(tmp_path):
    quiet, pressed = pressing(ROWS)
    session = hw.Session(hw.Classifier(seed=1), keep=tmp_path / "m.hw")
    record = session.run(
        [Block(pressed[at : at + 40], LABELS[at : at + 40], range(at, at + 40)) for at in range(0, 400, 40)]
    )
    assert session.interrupted
    assert record.rows == PRESSED_AT // 40 * 40 + 40
    other = hw.Session(hw.Classifier(seed=1))
    other.run(zip(quiet[: record.rows], LABELS, strict=False))
    kept = hw.load(tmp_path / "m.hw")
    assert kept.notes.pop("score")["learned"] == record.rows
    assert to_bytes(kept) == known(other.learner)


def test_a_durable_learner_has_journaled_and_learned_the_same_rows(tmp_path, small_pieces):
    alone = hw.Classifier(seed=1)
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as model:
        learn = model.learner.step_many

        def press(X, y, w=None, ask=None):  # what learns is called once the rows are on the disk
            if alone.n_learned == 0 and model.seq == 2 * SMALL:
                alone.learn_many(ROWS[: 3 * SMALL], LABELS[: 3 * SMALL])
                os.kill(os.getpid(), signal.SIGINT)
            return learn(X, y, w, ask)

        model.learner.step_many = press
        with pytest.raises(KeyboardInterrupt):
            model.learn_many(ROWS, LABELS)
        assert (model.seq, model.service.journal.seq) == (3 * SMALL, 3 * SMALL)
        assert fingerprint(model.learner) == fingerprint(alone)
        del model.learner.step_many
        model.learn_many(ROWS[3 * SMALL :], LABELS[3 * SMALL :])
        alone.learn_many(ROWS[3 * SMALL :], LABELS[3 * SMALL :])
        assert fingerprint(model.learner) == fingerprint(alone)
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(alone)


def test_a_durable_learner_refuses_a_row_of_a_later_piece_before_any_is_learned(tmp_path, small_pieces):
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1), limits=Limits(row_entries=20, classes=5)) as model:
        wide = [*ROWS[:180], {f"a{i}": 1.0 for i in range(30)}]
        with pytest.raises(OverLimit, match="row_entries"):
            model.learn_many(wide, LABELS[:181])
        with pytest.raises(OverLimit, match="classes"):
            model.learn_many(ROWS, list(range(400)))
        assert (model.seq, model.n_learned) == (0, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a press that Python drops, see below
@pytest.mark.parametrize("seed", range(6))
def test_whenever_it_is_pressed_a_durable_learner_and_its_journal_agree(seed, tmp_path, small_pieces):
    rng = random.Random(seed)
    with hw.open(tmp_path / "a.db", hw.Classifier(hidden=(4,), seed=1)) as model:
        for _ in range(5):
            timer = threading.Timer(rng.random() * 0.1, os.kill, (os.getpid(), signal.SIGINT))
            try:
                timer.start()
                began = time.monotonic()
                while True:
                    model.learn_many(ROWS, LABELS)
                    if time.monotonic() > began + 20:  # Python drops a press that comes while it finalises an object
                        signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                timer.join()
            assert model.seq == model.service.journal.seq == model.learner.n_learned
        seq, bits = model.seq, fingerprint(model.learner)
        assert fingerprint(model.as_of(seq)) == bits
    with hw.open(tmp_path / "a.db") as again:
        assert (again.seq, fingerprint(again.learner)) == (seq, bits)
