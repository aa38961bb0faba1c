"""What is kept for a diagnosis: which rows, how few of them, and nothing at all where none is asked for."""

import math
import struct

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.learner.sampling.sample import DENSE, FRESH, LOG, SAMPLE, DiagnosisSample, probed_rows
from headwater.route.session import Session
from headwater.store.learner_file import to_bytes

MODELS = [
    lambda **settings: hw.Classifier((8,), seed=1, **settings),
    lambda **settings: hw.Classifier((8,), loss="binary_cross_entropy", seed=1, **settings),
    lambda **settings: hw.Regressor((8,), seed=1, **settings),
]


def patients(n=700):
    """Rows with a number each that no other row has, and that stands nowhere but in its row."""
    rng = np.random.default_rng(0)
    return [({"age": float(age), "sick": float(rng.integers(2))}, bool(age > 0)) for age in rng.normal(size=n)]


def dues(rows):
    sample = DiagnosisSample("classify")
    out = []
    while sample.due <= rows:
        out.append(sample.due)
        sample._next_due()
    return [*out, sample.due]


def probed(rows):
    found, start = [], 0
    for due in dues(rows):
        found += probed_rows(start, due, due)
        start = due
    return [row for row in found if row <= rows]


def in_file(data, rows):
    """The rows whose number stands in the bytes, in any of the forms in which it could."""
    forms = ("<d", ">d", "<f", ">f")
    return [x for x, _ in rows if any(struct.pack(form, x["age"]) in data for form in forms)]


def taught(model, rows, way):
    X, y = map(list, zip(*rows, strict=True))
    if way == "one by one":
        for x, label in rows:
            model.learn_one(x, label)
    elif way == "blocks":
        for i in range(0, len(y), 64):
            model.learn_many(X[i : i + 64], y[i : i + 64])
    elif way == "arrays":
        model.learn_many(np.array([list(x.values()) for x in X]), np.array(y))
    else:
        session = Session(model, delay=7 if way == "late" else 0)
        session.step(X, y)
        session.finish()
    return model


WAYS = ("one by one", "blocks", "arrays", "session", "late")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", MODELS, ids="abc")
def test_without_diagnosis_no_row_is_in_the_file_and_with_it_some_are(make, way):
    rows = patients()
    assert len(in_file(to_bytes(taught(make(), rows, way)), rows)) > 100
    assert in_file(to_bytes(taught(make(diagnosis=False), rows, way)), rows[1:]) == []


@pytest.mark.parametrize("make", MODELS, ids="abc")
def test_keeping_nothing_changes_no_prediction(make):
    rows = patients()
    one, other = (taught(make(diagnosis=keeps), rows, "blocks") for keeps in (True, False))
    assert [one.predict_one(x) for x, _ in rows[:50]] == [other.predict_one(x) for x, _ in rows[:50]]


def test_a_model_without_diagnosis_stays_so_in_its_file_and_says_why_it_can_tell_nothing(tmp_path):
    taught(hw.Classifier((8,), diagnosis=False), patients(), "one by one").save(tmp_path / "m.hw")
    model = taught(hw.load(tmp_path / "m.hw"), patients(), "blocks")
    for ask in (model.diagnose, model.importance):
        with pytest.raises(DataError, match="expected a model that keeps some rows for this, got diagnosis=False"):
            ask()
    assert model.sample is None
    with pytest.raises(ConfigError, match="expected True or False, got 'no' — at diagnosis of Classifier"):
        hw.Classifier(diagnosis="no")


def test_rows_are_probed_ever_more_rarely_and_measured_hardly_ever():
    counts = [len(probed(10**k)) for k in (2, 3, 4, 5, 6)]
    assert counts[0] == 100
    assert all(many < 5 * few for few, many in zip(counts, counts[1:], strict=False) if many < 1_500)
    assert counts[-1] < 1_000_000 / 200
    assert len(dues(1_000_000)) < 40
    for rows in probed(300_000)[-1], probed(5_000)[-1]:
        assert rows > 4_000


@pytest.mark.parametrize("step", [1, 7, 64, 1_000])
def test_which_rows_are_probed_does_not_hang_on_the_blocks(step):
    rows, sample = [], DiagnosisSample("classify")
    for start in range(0, 40_000, step):
        stop = min(start + step, 40_000)
        while start < stop:
            end = min(stop, sample.due)
            rows += probed_rows(start, end, sample.due)
            start = end
            if start == sample.due:
                sample._next_due()
    assert rows == probed(40_000)
    assert rows[:DENSE] == list(range(1, DENSE + 1))
    assert set(range(8192 - FRESH + 1, 8193)) <= set(rows)


def test_what_is_kept_stays_small_on_a_long_stream():
    X = np.random.default_rng(0).normal(size=(120_000, 2))
    model = hw.Classifier((2,), seed=1)
    model.learn_many(X, X[:, 0] > 0)
    sample = model.sample
    assert len(sample.rows) == SAMPLE
    assert len(sample.fresh) == FRESH
    assert len(sample.log) == LOG
    assert max(kept.row for kept in sample.rows) > 100_000
    assert not math.isnan(model.diagnose().measures.then)
