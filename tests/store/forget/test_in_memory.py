"""In memory two learners take turns, so that nothing in the one that predicts is older than so many rows."""

import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.store.learner_file import fingerprint
from kinds.matrix import cases

CASES = {
    case.name: case for case in cases() if "routes" not in case.kind.can and not getattr(case.kind.cls, "secret", ())
}
"""All learners but private ones, of which two may not learn the same rows (tests/kinds/test_private.py)."""


def row(i):
    return {"a": i % 7 / 3, "b": f"day{i // 10}"}


def label(i):
    return "yes" if i % 7 > 3 else "no"


def small():
    return hw.Classifier(hidden=(4,), seed=1)


@pytest.mark.parametrize("block", [1, 7, 333, 1500])
def test_what_predicts_equals_a_learner_that_saw_the_last_rows_alone_however_they_are_cut(block):
    model, oldest = hw.Expiring(small(), max_age=400), []
    for start in range(0, 1500, block):
        rows = range(start, min(start + block, 1500))
        model.step_many([row(i) for i in rows], [label(i) for i in rows])
        oldest.append(model.oldest_row)
    alone = small()
    since = 1500 - model.oldest_row
    alone.learn_many([row(i) for i in range(since, 1500)], [label(i) for i in range(since, 1500)])
    assert fingerprint(model.learner) == fingerprint(alone)
    assert (max(oldest) <= 400, model.oldest_row, model.n_learned) == (True, 300, 300)


def test_rows_one_by_one_take_turns_too():
    single, many = hw.Expiring(small(), max_age=200), hw.Expiring(small(), max_age=200)
    for i in range(777):
        single.learn_one(row(i), label(i))
    many.learn_many([row(i) for i in range(777)], [label(i) for i in range(777)])
    assert fingerprint(single.learner) == fingerprint(many.learner)
    assert (single.oldest_row, single.predict_one(row(5))) == (many.oldest_row, many.predict_one(row(5)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_kind_takes_turns_and_is_evaluated(name):
    case = CASES[name]
    model = hw.Expiring(case.make(), max_age=200)
    for _ in range(3):
        model.step_many(list(case.rows), case.labels)
    assert 0 < model.oldest_row <= 200
    assert model.kind.task == case.kind.task


def test_a_session_and_an_evaluation_take_it_as_any_learner():
    rows = [(row(i), label(i)) for i in range(1000)]
    report = hw.evaluate(hw.Expiring(small(), max_age=400), rows)
    assert report.record.scores["accuracy"] > 0.8
    session = hw.Session(hw.Expiring(small(), max_age=400), delay=10)
    assert session.run(rows).scores["accuracy"] > 0.7


def test_what_would_not_expire_is_refused():
    model = hw.Expiring(small(), max_age=400)
    model.learn_one(row(1), "yes")
    with pytest.raises(ConfigError, match="a learner whose copies expire too, got resume"):
        model.resume()
    with pytest.raises(ConfigError, match="got one of 1 row,"):
        hw.Expiring(model.learner, max_age=400)
    with pytest.raises(ConfigError, match="200 or more"):
        hw.Expiring(small(), max_age=100)


def test_a_class_that_the_next_learner_never_saw_has_no_share_from_its_turn_on():
    model = hw.Expiring(hw.Classifier(hidden=(4,), seed=1), max_age=200)
    labels = ["a" if i < 50 else "bc"[i % 2] for i in range(900)]
    said = model.step_many([{"x": float(i % 9)} for i in range(900)], labels)
    assert said.classes == ("a", "b", "c")
    assert said.proba[100, 0] > 0 == said.proba[400, 0] == said.proba[-1, 0]
    assert said.proba[400:].sum(1) == pytest.approx(1)
