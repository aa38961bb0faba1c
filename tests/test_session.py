"""The route, with a learner so simple that every step can be checked by hand."""

import json
import os
import signal
import threading
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headwater as hw
from headwater.errors import ConfigError, SourceError
from headwater.route.evaluate import evaluate
from headwater.route.session import Session
from headwater.store.learner_file import fingerprint
from headwater.streams import Block, read
from headwater.types import Predictions


class Counting:
    """A learner that predicts the label it has learned most often, and remembers the order of what happens."""

    task = "classify"

    def __init__(self):
        self.rejected = {}
        self.seen = Counter()
        self.log = []
        self.saved = []

    def step_many(self, X, y, w=None, ask=None):
        said, proba = [], []
        for i, label in enumerate(y):
            asked = X if ask is None else ask
            if ask is None or i < len(ask):
                self._predict(asked[i], said, proba)
            self.log.append(("learn", _id(X[i])))
            self.seen[label] += 1 if w is None else w[i]
        return self._forecast(said, proba)

    def predict_batch(self, X):
        said, proba = [], []
        for x in X:
            self._predict(x, said, proba)
        return self._forecast(said, proba)

    def save(self, path):
        self.saved.append((str(path), sum(self.seen.values())))

    def _predict(self, x, said, proba):
        self.log.append(("predict", _id(x)))
        total = sum(self.seen.values())
        said.append(max(self.seen, key=self.seen.get, default=None))
        proba.append({label: count / total for label, count in self.seen.items()})

    def _forecast(self, said, proba):
        classes = tuple(self.seen)
        return Predictions(
            said, np.array([[p.get(c, 0.0) for c in classes] for p in proba]).reshape(len(said), len(classes)), classes
        )


class Averaging:
    """A regressor that predicts the mean of what it has learned."""

    task = "regress"

    def __init__(self):
        self.rejected = {}
        self.y = []

    def step_many(self, X, y, w=None, ask=None):
        said = []
        for answer in y:
            said.append(sum(self.y) / len(self.y) if self.y else 0.0)
            self.y.append(answer)
        return Predictions(np.array(said))

    def save(self, path):
        self.path = path


def _id(x):
    return x["id"] if isinstance(x, dict) else x[0]


def rows(n):
    return [{"id": i} for i in range(n)], ["ab"[(i // 3) % 2] for i in range(n)]


def plain(record):
    return {name: value for name, value in record.as_dict().items() if name != "rows_per_s"}


def test_each_row_is_predicted_before_it_is_learned():
    learner = Counting()
    Session(learner).step(*rows(3))
    assert learner.log == [("predict", 0), ("learn", 0), ("predict", 1), ("learn", 1), ("predict", 2), ("learn", 2)]


def test_late_answers_are_learned_in_lock_step_with_the_rows_that_arrive():
    learner = Counting()
    session = Session(learner, delay=2)
    session.step(*rows(4))
    before_the_end = [("predict", 0), ("predict", 1), ("predict", 2), ("learn", 0), ("predict", 3), ("learn", 1)]
    assert learner.log == before_the_end
    assert (session.record().scored, session.record().unscored) == (0, 2)
    session.finish()
    assert [what for what in learner.log if what[0] == "learn"] == [("learn", i) for i in range(4)]
    assert (session.record().scored, session.record().unscored) == (1, 3)


def test_a_late_row_is_scored_with_the_prediction_that_was_given_out():
    session = Session(Counting(), delay=2)
    given_out = session.step([{"id": i} for i in range(5)], list("aabba"))
    assert given_out.y_pred == [None, None, None, "a", "a"]
    record = session.finish()
    assert record.scores["accuracy"] == 1 / 2


def test_a_row_asked_before_any_class_was_known_is_scored_neither_for_the_model_nor_for_the_baselines():
    told = []
    session = Session(hw.Classifier((4,), seed=1), delay=30, every=10, on_record=told.append)
    session.run([({"a": float(i % 2)}, "ab"[i % 2]) for i in range(200)])
    first = told[0]
    assert (first.rows, first.scored, first.unscored) == (10, 0, 0), "no answer has come yet"
    fifth, last = told[4], told[-1]
    assert (fifth.rows, fifth.scored, fifth.unscored) == (50, 0, 20), "what was answered so far was asked too early"
    assert (last.rows, last.scored, last.unscored) == (200, 169, 31)
    assert last.scores["log_loss"] < 1, "no loss of 34 for what could not be predicted"
    assert last.baselines["no-change"]["accuracy"] == 0.0
    assert last.as_dict()["unscored"] == 31


@given(
    n=st.integers(1, 40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    delay=st.integers(0, 7),
    block=st.integers(1, 9),
    every=st.integers(1, 11),
)
def test_how_a_stream_is_cut_changes_nothing(n, cuts, delay, block, every):
    X, y = rows(n)

    def run(edges, block):
        learner, told = Counting(), []
        session = Session(learner, delay=delay, window=10, block=block, every=every, on_record=told.append)
        given_out = []
        for i, j in pairwise(edges):
            given_out += session.step(X[i:j], y[i:j]).y_pred
        session.finish()
        return given_out, list(map(plain, told)), learner.log

    one_by_one = run(list(range(n + 1)), block=1)
    assert run([0, *sorted(cut % (n + 1) for cut in cuts), n], block) == one_by_one
    assert run([0, n], 1024) == one_by_one


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("task", ["classify", "regress"])
def test_how_a_stream_is_cut_changes_no_bit_of_a_real_learner(task, delay):
    X = [{"hour": i % 24, "origin": "JFK" if i % 5 else "LGA", "tail": str(i % 31)} for i in range(300)]
    y = [
        ["on time", "late", "lost"][(i % 24 > 12) + (i % 97 == 0)] if task == "classify" else i % 24 / 3
        for i in range(300)
    ]

    def run(block):
        learner = (hw.Classifier if task == "classify" else hw.Regressor)(hidden=(4,), seed=2)
        told = []
        session = Session(learner, delay=delay, block=block, every=70, on_record=told.append)
        given_out = [p for i in range(0, 300, block) for p in session.step(X[i : i + block], y[i : i + block]).y_pred]
        session.finish()
        return given_out, list(map(plain, told)), learner.predict_batch(X).y_pred

    one_by_one, some, whole = run(1), run(64), run(300)
    for part in range(3):
        assert list(some[part]) == list(one_by_one[part])
        assert list(whole[part]) == list(one_by_one[part])
    assert one_by_one[1][-1]["scored"] == 300 - (delay + 1) * (task == "classify")


def test_probabilities_of_pieces_are_joined_where_classes_were_appended():
    forecast = Session(Counting(), block=2).step([{"id": i} for i in range(4)], list("aabb"))
    assert forecast.classes == ("a", "b")
    assert forecast.proba.tolist() == [[0, 0], [1, 0], [1, 0], [2 / 3, 1 / 3]]


@pytest.mark.parametrize("delay", [0, 1])
def test_rows_without_an_answer_are_left_out_and_counted(delay):
    learner = Counting()
    session = Session(learner, delay=delay)
    session.step([{"id": i} for i in range(4)], ["a", None, float("nan"), ["b"]])
    record = session.finish()
    assert [what for what in learner.log if what[0] == "learn"] == [("learn", 0)]
    assert (record.rows, record.scored, record.unscored) == (1, 0, 1)
    assert record.rejected == {"answer unknown": 2, "answer can't be a class": 1}


def test_arrays_and_frames_and_weights_go_the_same_way():
    import pandas as pd

    for delay in (0, 1):
        session = Session(Counting(), delay=delay)
        session.step(np.arange(3.0).reshape(3, 1), np.array([0, 1, 0]), w=[1.0, 2.0, 1.0])
        session.step(np.arange(3.0, 5.0).reshape(2, 1), [0, None], w=[1.0, 1.0])
        assert session.finish().scored == 3 - delay
        assert session.learner.seen == {0: 3, 1: 2}
    session = Session(Counting())
    session.step(pd.DataFrame({"id": [0, 1]}), pd.Series(["a", "b"]))
    assert session.learner.log[-1] == ("learn", 1)


def mixed_columns(n=700):
    chance = np.random.default_rng(5)
    return {
        "size": [None if i % 11 == 3 else float(v) for i, v in enumerate(chance.normal(size=n))],
        "count": chance.integers(0, 9, n).tolist(),
        "colour": [None if i % 7 == 2 else f"c{v}" for i, v in enumerate(chance.integers(0, 30, n))],
        "flag": (chance.random(n) < 0.5).tolist(),
    }


@pytest.mark.parametrize("delay", [0, 5])
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_session_learns_from_a_frame_what_it_learns_from_its_rows(library, delay, monkeypatch):
    import pandas as pd
    import polars as pl

    from headwater import Classifier
    from headwater.route.drift import DriftWatch
    from headwater.store.learner_file import to_bytes
    from headwater.streams import FrameRows

    table = pl.DataFrame(mixed_columns())
    frame = {"pandas": lambda: pd.DataFrame(mixed_columns()), "polars": lambda: table, "pyarrow": table.to_arrow}[
        library
    ]()
    y = [None if i % 50 == 9 else f"y{(i * i) % 5 % 3}" for i in range(len(table))]
    samples = list(FrameRows(frame))
    given = []
    step_many = Classifier.step_many
    monkeypatch.setattr(
        Classifier, "step_many", lambda self, X, *rest, **kw: given.append(type(X)) or step_many(self, X, *rest, **kw)
    )
    learned = []
    for stream in (samples, frame):
        model = Classifier(seed=2)
        session = Session(model, delay=delay, block=128, watch=DriftWatch(on="inputs", every=1))
        record = session.run((stream, y))
        learned.append((to_bytes(model), record.scores, record.events, record.rejected))
    assert learned[0] == learned[1]
    assert (list in given, FrameRows in given) == (True, False)
    assert any(kind not in (list, FrameRows) for kind in given) == (delay == 0)  # the columns went in as they were


def test_records_are_told_after_each_so_many_rows_and_at_the_end_once():
    told = []
    session = Session(Counting(), every=4, on_record=[told.append])
    session.run(zip(*rows(10), strict=True))
    assert [record.rows for record in told] == [4, 8, 10]
    told.clear()
    Session(Counting(), every=5, on_record=told.append).run(zip(*rows(10), strict=True))
    assert [record.rows for record in told] == [5, 10]


def test_the_learner_is_kept_after_each_so_many_rows_and_at_the_end():
    learner = Counting()
    Session(learner, keep="m.hw", keep_every=4).run(zip(*rows(10), strict=True))
    assert learner.saved == [("m.hw", 4), ("m.hw", 8), ("m.hw", 10)]


def test_the_kept_file_says_how_the_session_scored_with_a_curve_and_the_bits_are_those_of_any_session(tmp_path):
    given = [({"a": i % 10, "b": "xy"[i % 2]}, "high" if i % 10 > 4 else "low") for i in range(1_300)]
    session, plain = Session(hw.Classifier(seed=1), keep=tmp_path / "m.hw"), Session(hw.Classifier(seed=1))
    record = session.run(given)
    plain.run(given)
    kept = hw.load(tmp_path / "m.hw")
    noted = kept.notes.pop("score")
    assert noted["learned"] == 1_300
    assert noted["comparisons"] == json.loads(json.dumps([one.as_dict() for one in record.comparisons]))
    assert noted["curve"]["names"] == ["model", "no-change", "majority"]
    points = noted["curve"]["points"]
    assert [point[0] for point in points] == [*range(49, 1_000, 50), 1_099, 1_199, 1_299]
    assert points[-1][1] == pytest.approx(record.window_scores["accuracy"], abs=1e-5)
    assert fingerprint(kept) == fingerprint(plain.learner)


def test_a_learner_that_saw_nothing_is_not_kept():
    learner = Counting()
    record = Session(learner, keep="m.hw").run([])
    assert learner.saved == []
    assert record.as_dict()["scores"]["accuracy"] is None


def test_what_the_stream_and_the_learner_reject_is_in_the_record(tmp_path):
    (tmp_path / "a.csv").write_text("id,y\n1,a\n2\n3,\n4,b\n")
    learner = Counting()
    learner.rejected = {"not finite": 2}
    session = Session(learner)
    learner.rejected = {"not finite": 3}
    with read(tmp_path / "a.csv", target="y", allow_rejects=0.5) as stream:
        record = session.run(stream)
    assert record.rejected == {"answer unknown": 1, "wrong number of fields": 1, "not finite": 1}


def test_an_error_of_the_stream_comes_after_what_was_learned_is_kept():
    def broken():
        yield Block(*rows(3), range(1, 4))
        raise SourceError(expected="a disk", got="none", at="sdb", help="Plug it in.")

    learner = Counting()
    session = Session(learner, keep="m.hw", delay=1)
    with pytest.raises(SourceError):
        session.run(broken())
    assert learner.saved == [("m.hw", 3)]
    assert session.record().scored == 1


class Pressed(Counting):
    """A learner during whose work Ctrl-C is pressed so many times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def step_many(self, X, y, w=None, ask=None):
        if self.times:
            self.times -= 1
            os.kill(os.getpid(), signal.SIGINT)
        return super().step_many(X, y, w, ask)


def test_ctrl_c_while_a_block_is_learned_ends_after_it():
    before = signal.getsignal(signal.SIGINT)
    learner = Pressed(times=1)
    session = Session(learner, keep="m.hw")
    record = session.run([Block(*rows(3), range(1, 4)), Block(*rows(3), range(4, 7))])
    assert session.interrupted
    assert (record.rows, record.scored) == (3, 2)
    assert learner.saved == [("m.hw", 3)]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_pressed_again_ends_at_once_and_keeps_nothing_half_learned():
    before = signal.getsignal(signal.SIGINT)
    learner = Pressed(times=2)
    with pytest.raises(KeyboardInterrupt):
        Session(learner, keep="m.hw").run([Block(*rows(3), range(1, 4)), Block(*rows(3), range(4, 7))])
    assert learner.saved == []
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_waiting_for_rows_ends_the_wait():
    def slow():
        yield Block(*rows(3), range(1, 4))
        os.kill(os.getpid(), signal.SIGINT)
        yield Block(*rows(3), range(4, 7))

    session = Session(Counting())
    assert session.run(slow()).rows == 3
    assert session.interrupted


def test_a_session_runs_outside_the_main_thread():
    records = []
    thread = threading.Thread(target=lambda: records.append(Session(Counting()).run(zip(*rows(5), strict=True))))
    thread.start()
    thread.join()
    assert records[0].rows == 5


@pytest.mark.parametrize("wrong", [{"delay": -1}, {"window": 0}, {"block": 0}, {"every": 0}, {"keep_every": 0}])
def test_counts_must_make_sense(wrong):
    name = next(iter(wrong))
    with pytest.raises(ConfigError, match=f"expected {name} of at least"):
        Session(Counting(), **wrong)


def test_an_evaluation_has_a_curve_a_table_and_json():
    evaluation = evaluate(Counting(), zip(*rows(2_500), strict=True), every=1000)
    assert [record.rows for record in evaluation.curve] == [1000, 2000, 2500]
    assert evaluation.curve[-1] == evaluation.record
    text = str(evaluation)
    assert "all rows" in text
    assert "kappa temporal" in text
    assert "All 2,499 rows: 50 % right, behind repeating the last answer (67 %)." in text
    assert json.loads(json.dumps(evaluation.as_dict()))["curve"][0]["rows"] == 1000


def test_a_regressor_is_scored_by_its_errors():
    evaluation = evaluate(Averaging(), [({"a": i}, float(i % 2)) for i in range(100)])
    assert evaluation.record.names == ("mae", "rmse", "r2")
    assert evaluation.record.scores == evaluation.record.baselines["mean"]
    assert evaluation.record.baselines["no-change"]["mae"] == pytest.approx(99 / 100)
    assert "rmse" in str(evaluation)


def test_an_evaluation_watches_and_adapts_and_is_called_by_the_name_of_its_module():
    import headwater as hw
    from headwater.route.drift import DriftWatch
    from headwater.route.policies import Replay

    rng = np.random.default_rng(0)
    rows = [({"a": a}, (a > 0) != (i >= 1_500)) for i, a in enumerate(rng.normal(size=3_000).tolist())]
    found = hw.evaluate(hw.Classifier(seed=1), rows, watch=DriftWatch(), adapt=Replay(100))
    assert [event.kind for event in found.events][:2] == ["drift_detected", "replayed"]
    assert hw.Session.__name__ == "Session"
    assert all(callable(one) for one in (hw.diagnose.diagnose, hw.explain.explain_one, hw.plot.Report))
    with pytest.raises(AttributeError, match="module 'headwater' has no attribute 'nope'"):
        hw.nope  # noqa: B018


@pytest.mark.parametrize("error", [ValueError("of the caller's generator"), SystemExit(3), KeyError("x")])
def test_whatever_ends_a_generator_of_rows_what_was_learned_before_it_is_saved(error, tmp_path):
    def pairs():
        for i in range(2500):
            yield {"a": i % 7}, i % 7 > 3
        raise error

    session = Session(hw.Classifier(), keep=tmp_path / "m.hw", block=1000)
    with pytest.raises(type(error)) as raised:
        session.run(pairs())
    assert raised.value is error
    assert hw.load(tmp_path / "m.hw").n_learned == session.rows > 1000


def test_what_a_callback_raises_comes_out_after_the_save(tmp_path):
    def failing(record):
        raise ZeroDivisionError

    session = Session(hw.Classifier(), keep=tmp_path / "m.hw", every=100, on_record=failing)
    with pytest.raises(ZeroDivisionError):
        session.run([({"a": i % 7}, i % 7 > 3) for i in range(300)])
    assert hw.load(tmp_path / "m.hw").n_learned == session.rows > 0


def test_a_foreign_learner_that_fails_within_a_row_is_not_saved_halfway():
    class Failing(Counting):
        def step_many(self, X, y, w=None, ask=None):
            raise ZeroDivisionError

    learner = Failing()
    with pytest.raises(ZeroDivisionError):
        Session(learner, keep="m.hw").run([Block(*rows(3), range(1, 4))])
    assert getattr(learner, "saved", []) == []


def test_numbers_of_rows_may_be_numpys():
    session = Session(hw.Classifier(), window=np.int64(50), delay=np.int32(3), block=np.int8(10), every=np.uint8(7))
    record = session.run([({"a": i % 7}, i % 7 > 3) for i in range(100)])
    assert (record.rows, record.window, type(record.rows)) == (100, 50, int)


@pytest.mark.parametrize("count", [0, 2.5, "100", None, float("nan")])
def test_a_window_that_is_no_number_of_rows_is_refused(count):
    with pytest.raises(ConfigError, match="expected window of at least 1, got"):
        Session(hw.Classifier(), window=count)
