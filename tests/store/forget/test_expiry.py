"""With a retention nothing older is in what a store holds or serves: learners take turns, and the rest is cut."""

import time
from contextlib import closing

import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.store.forget.verify import search
from headwater.store.journal import database
from headwater.store.journal.requests import ExpiredId
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check
from kinds.matrix import cases

CASES = {
    case.name: case for case in cases() if "routes" not in case.kind.can and not getattr(case.kind.cls, "secret", ())
}
"""All learners but private ones, of which two may not learn the same rows (tests/kinds/test_private.py)."""
DAY = 86_400


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def row(i, **more):
    return {"a": i % 7 / 3, "b": f"day{i // 10}", **more}


def label(i):
    return "yes" if i % 7 > 3 else "no"


def hits(path, *texts):
    with closing(database.read_only(path)) as base:
        return search(base, path, texts)


def small():
    return hw.Classifier(hidden=(4,), seed=1)


def test_by_rows_the_learner_that_predicts_has_seen_the_last_rows_only(tmp_path):
    with hw.open(tmp_path / "a.db", small(), retention=hw.Retention(max_age=400)) as store:
        oldest = []
        for i in range(1500):
            store.learn_one(row(i, first="only once" if i == 5 else None), label(i))
            oldest.append(store.oldest.rows)
        assert max(oldest) <= 400
        assert min(oldest[400:]) >= 150
        since = store.oldest.after
        alone = small()
        alone.learn_many([row(i, first=None) for i in range(since, 1500)], [label(i) for i in range(since, 1500)])
        assert fingerprint(store.learner) == fingerprint(alone)
        assert store.scores["n"] <= 400
        store.service.expiry.look()
        assert store.service.journal.first() > 1100
        with pytest.raises(ConfigError, match="a sequence from"):
            store.as_of(1000)
    assert hits(tmp_path / "a.db", "only once", "day50") == {}
    assert check(tmp_path / "a.db", LEARNER_FORMAT).problems == []
    with hw.open(tmp_path / "a.db") as again:  # the store keeps its retention
        assert (again.seq, again.oldest.after, str(again.service.expiry.retention)) == (1500, since, "400 rows")


def test_by_time_nothing_is_older_than_the_age(tmp_path, clock):
    with hw.open(tmp_path / "a.db", small(), retention=hw.Retention("30 days")) as store:
        kept, _ = store.predict_with_id({"b": "waits"})
        for i in range(1000):
            store.learn_one(row(i), label(i))
            clock.now += DAY / 10
            store.service.expiry.look()
            assert clock.now - store.oldest.since / 1000 <= 30 * DAY
        assert clock.now - store.oldest.since / 1000 >= 14 * DAY
        assert store.service.journal.at_time(int((clock.now - 30 * DAY) * 1000)) == 0
        assert store.describe()["max_age"] == "30 days"
        with pytest.raises(ExpiredId, match="no longer kept"):
            store.label(kept, "yes")
    assert hits(tmp_path / "a.db", "waits", "day60") == {}
    assert hits(tmp_path / "a.db", "day95") != {}


def test_a_store_that_was_closed_for_long_starts_with_what_is_young_enough(tmp_path, clock):
    with hw.open(tmp_path / "a.db", small(), retention=hw.Retention("10 days")) as store:
        for i in range(100):
            store.learn_one(row(i), label(i))
            clock.now += DAY / 20
    clock.now += 7 * DAY
    with hw.open(tmp_path / "a.db") as again:
        assert 0 < again.n_learned < 100
        assert clock.now - again.oldest.since / 1000 <= 10 * DAY
    clock.now += 100 * DAY
    with hw.open(tmp_path / "a.db") as empty:
        assert (empty.n_learned, empty.predict_one(row(1))) == (0, None)
        assert empty.learn_one(row(1), "yes") == 101
    assert hits(tmp_path / "a.db", "day5", "day9") == {}


def test_a_retention_that_comes_late_begins_with_the_rows_of_the_journal(tmp_path):
    with hw.open(tmp_path / "a.db", small()) as store:
        store.learn_many([row(i) for i in range(1000)], [label(i) for i in range(1000)])
    with hw.open(tmp_path / "a.db", retention=hw.Retention(400)) as store:
        alone = small()
        alone.learn_many([row(i) for i in range(700, 1000)], [label(i) for i in range(700, 1000)])
        assert fingerprint(store.learner) == fingerprint(alone)
        assert (store.oldest.after, store.n_learned) == (700, 300)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_kind_takes_turns(tmp_path, name):
    case = CASES[name]
    with hw.open(tmp_path / "a.db", case.make(), retention=hw.Retention(200)) as store:
        for _ in range(3):
            for start in range(0, 200, 20):
                rows, labels = list(case.rows[start : start + 20]), case.labels
                store.teach(rows, None if labels is None else labels[start : start + 20])
        assert 0 < store.oldest.rows <= 200
        assert 0 < store.n_learned <= 200


def test_a_person_is_forgotten_by_all_who_take_turns(tmp_path):
    with hw.open(tmp_path / "a.db", small(), retention=hw.Retention(400)) as store:
        for i in range(900):
            store.learn_one(row(i, user=f"u{i % 40}"), label(i))
        done = store.forget(where={"user": "u17"})
        assert (done.rows > 0, done.cannot) == (True, [])
        assert store.forget(where={"user": "u17"}, dry_run=True).rows == 0
        assert hits(tmp_path / "a.db", "u17") == {}
        for i in range(900, 1400):
            store.learn_one(row(i), label(i))
        assert store.oldest.rows <= 400


def test_what_has_no_known_age_is_refused(tmp_path):
    taught = small()
    taught.learn_one({"a": 1.0}, "yes")
    with pytest.raises(ConfigError, match="one of 1 row, of which nobody knows how old they are"):
        hw.open(tmp_path / "a.db", taught, retention=hw.Retention("30 days"))
    for age in ("3 seconds", 50, "tomorrow", "", -1, True):
        with pytest.raises(ConfigError, match="an age such as"):
            hw.Retention(age)
