"""With a column of times two learners take turns by the rows' own clock, however irregularly rows come."""

import datetime as dt
import random

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.store.learner_file import fingerprint
from kinds.matrix import cases

HOUR = 3600.0
CASES = {
    case.name: case
    for case in cases()
    if "routes" not in case.kind.can and not getattr(case.kind.cls, "secret", ()) and not case.kind.question.ahead
}


def small():
    return hw.Classifier(hidden=(4,), seed=1)


def irregular(n, seed=1):
    """Rows in bursts, with gaps of up to thirty hours between some, and labels."""
    rng, at, rows = random.Random(seed), 0.0, []
    for i in range(n):
        at += rng.uniform(0, 30 * HOUR) if rng.random() < 0.03 else rng.uniform(0, 600)
        rows.append({"at": at, "a": i % 7 / 3, "b": f"day{i // 10}"})
    return rows, ["yes" if i % 7 > 3 else "no" for i in range(n)]


@pytest.mark.parametrize("block", [1, 7, 333, 1200])
def test_what_predicts_equals_a_learner_that_saw_the_last_hours_alone_however_rows_are_cut(block):
    rows, labels = irregular(1_200)
    model, whole = hw.Expiring(small(), "24 hours", time="at"), hw.Expiring(small(), "24 hours", time="at")
    for start in range(0, 1_200, block):
        model.step_many(rows[start : start + block], labels[start : start + block])
    whole.learn_many(rows, labels)
    since = 1_200 - model.oldest_row
    assert rows[-1]["at"] - rows[since]["at"] <= 24 * HOUR
    alone = small()
    alone.learn_many(rows[since:], labels[since:])
    assert fingerprint(model.learner) == fingerprint(alone) == fingerprint(whole.learner)
    assert (model.n_learned, model.late) == (model.oldest_row, 0)


def test_what_predicts_knows_no_row_beyond_the_age_and_each_within_its_half():
    rows, labels = irregular(800)
    model = hw.Expiring(small(), dt.timedelta(hours=24), time="at")
    for i, (x, y) in enumerate(zip(rows, labels, strict=True)):
        model.learn_one(x, y)
        since = i + 1 - model.oldest_row
        assert x["at"] - rows[since]["at"] <= 24 * HOUR
        assert since == 0 or x["at"] - rows[since - 1]["at"] > 12 * HOUR


def test_after_a_gap_longer_than_the_age_the_next_row_meets_a_new_learner():
    model = hw.Expiring(small(), "1h", time="at")
    rows = [{"at": 60 * i, "a": 1} for i in range(30)]
    model.learn_many(rows, ["x", "y"] * 15)
    said = model.step_many([{"at": 30_000, "a": 1}], ["x"])
    assert said.y_pred == [None]
    assert model.known_classes == ["x"]


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t,
        lambda t: dt.datetime.fromtimestamp(t, dt.UTC),
        lambda t: f"1970-01-01T00:{int(t) // 60:02d}:{int(t) % 60:02d}",
    ],
)
def test_times_are_seconds_date_times_and_texts(form):
    model = hw.Expiring(hw.Regressor(hidden=(4,), seed=1), "10 minutes", time="at")
    for t in range(0, 2_400, 30):
        model.learn_one({"at": form(t), "a": t % 4}, 1.0)
    assert 10 <= model.n_learned <= 20


def test_frames_and_arrays_have_times_too():
    pd = pytest.importorskip("pandas")
    rows, labels = irregular(300)
    model, framed = (hw.Expiring(small(), "24 hours", time="at") for _ in range(2))
    model.learn_many(rows, labels)
    framed.learn_many(pd.DataFrame(rows), labels)
    assert framed.n_learned == model.n_learned < 300
    named = hw.Expiring(small(), "24 hours", time="x0")
    named.learn_many(np.array([[row["at"], row["a"]] for row in rows]), labels)
    assert named.n_learned == model.n_learned


def test_late_rows_are_learned_by_those_that_began_before_them():
    model = hw.Expiring(small(), "10h", time="at")
    for hour in range(9):  # the second learner begins at hour 5
        model.learn_one({"at": hour * HOUR, "a": 1}, "x")
    model.learn_one({"at": 3 * HOUR, "a": 2}, "y")
    assert (model.n_learned, model.late) == (10, 0)
    model.learn_one({"at": 11 * HOUR, "a": 1}, "x")  # the first is dropped, and with it the late row
    assert (model.n_learned, model.known_classes) == (5, ["x"])
    said = model.step_many([{"at": 2 * HOUR, "a": 2}], ["y"])
    assert (said.y_pred, model.n_learned, model.late, model.known_classes) == (["x"], 5, 1, ["x"])


def test_a_row_without_a_time_is_refused_before_anything_is_learned():
    model = hw.Expiring(small(), "1h", time="at")
    model.learn_one({"at": 0, "a": 1}, "x")
    for value in (None, "soon", float("nan"), [1]):
        with pytest.raises(
            DataError, match=r"expected a time in 'at', got .* — at time of Expiring\. Give a date-time"
        ):
            model.learn_one({"at": value, "a": 1}, "x")
    with pytest.raises(DataError, match="at row 2 of 2"):
        model.learn_many([{"at": 1, "a": 1}, {"a": 1}], ["x", "x"])
    assert model.n_learned == 1
    assert model.predict_one({"a": 1}) == "x"


@pytest.mark.parametrize("age", [0, "0 days", "soon", 300, "1.2.3h", dt.timedelta(0), None])
def test_what_is_no_age_is_refused(age):
    with pytest.raises(ConfigError, match=r"an age of at least a second, such as '36 hours'"):
        hw.Expiring(small(), age, time="at")


def test_an_age_without_a_column_says_so():
    with pytest.raises(ConfigError, match="Name the column of times, as in time='at'"):
        hw.Expiring(small(), "36 hours")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_rows_takes_turns(name):
    case = CASES[name]
    model = hw.Expiring(case.make(), max_age="1h", time="at")
    for turn in range(4):
        rows = [{**row, "at": 3_000 * turn + i} for i, row in enumerate(case.rows)]
        model.step_many(rows, case.labels)
    assert 0 < model.oldest_row <= 2 * len(case.rows)


def test_a_session_with_late_labels_takes_it():
    rows, labels = irregular(600)
    model = hw.Expiring(small(), "24 hours", time="at")
    record = hw.evaluate(model, list(zip(rows, labels, strict=True)), delay=20).record
    assert record.rows == 600
    assert model.n_learned < 600


@pytest.mark.parametrize("text", ["1.2.3 days", "5 dour", "3 months", "soon", "", "-1 days", "1,000 rows"])
def test_a_text_that_is_no_length_of_time_is_refused_in_a_sentence(text):
    with pytest.raises(ConfigError, match="expected an age"):
        hw.Expiring(hw.Regressor(), text, time="at")
    if "rows" not in text:
        with pytest.raises(ConfigError, match="expected an age"):
            hw.Retention(text)


@pytest.mark.parametrize("text", ["36 hours", "36h", "1.5 days", "1.5d", "2,160 minutes"])
def test_an_age_is_read_alike_in_memory_and_in_a_store(text):
    assert hw.Retention(text).seconds == 36 * 3_600
    model = hw.Expiring(hw.Regressor(seed=1), text, time="at")
    for at in (0, 36 * 3_600):
        model.learn_one({"at": at}, 1.0)
    assert model.n_learned == 2
    model.learn_one({"at": 36 * 3_600 + 1}, 1.0)
    assert model.n_learned == 2  # of the second learner, which began with the second row
