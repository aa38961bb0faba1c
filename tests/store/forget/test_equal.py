"""After forgetting, a learner of any kind has the bits of one that never saw the rows."""

import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.store.forget.record import digest_of
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service import RetentionPolicy
from kinds.matrix import cases

CASES = {case.name: case for case in cases()}
FORGOTTEN = (40, 41, 97)
POLICY = RetentionPolicy(snapshot_every=30)


def state_of(store):
    champion = store._model.champion
    return digest_of(LEARNER_FORMAT.pack(champion.learner), champion.scores.to_bytes())


def taught(path, case, left_out=(), policy=POLICY):
    """Return an open store that has learned a case's rows in blocks of seven, with snapshots on the way."""
    store = hw.open(path, case.make(), policy=policy)
    rows = [dict(row) for row in case.rows]
    for i in FORGOTTEN:
        rows[i]["mail"] = "jane@example.org"
    for start in range(0, len(rows), 7):
        block = [i for i in range(start, min(start + 7, len(rows))) if i not in left_out]
        store.teach([rows[i] for i in block], None if case.labels is None else [case.labels[i] for i in block])
        if start % 35 == 0:
            store.snapshot()
    return store


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_kind_has_the_bits_of_a_learner_that_never_saw_the_rows(tmp_path, name):
    case = CASES[name]
    with taught(tmp_path / "never.db", case, FORGOTTEN) as never, taught(tmp_path / "a.db", case) as store:
        expected, before = state_of(never), state_of(store)
        found = store.forget(where={"mail": "jane@example.org"}, dry_run=True)
        assert (found.rows, found.first, found.last, found.cannot) == (3, 41, 98, [])
        assert state_of(store) == before != expected
        done = store.forget(where={"mail": "jane@example.org"}, reason="test")
        assert (done.number, done.rows) == (1, 3)
        assert state_of(store) == expected
        assert store.n_learned == never.n_learned
    with hw.open(tmp_path / "a.db") as again:
        assert state_of(again) == expected
        more = [dict(row) for row in case.rows[:20]]
        again.teach(more, None if case.labels is None else case.labels[:20])
        with hw.open(tmp_path / "never.db") as never:
            never.teach(more, None if case.labels is None else case.labels[:20])
            assert state_of(again) == state_of(never)


@pytest.mark.filterwarnings("ignore")
def test_past_states_are_those_of_a_learner_that_never_saw_the_rows(tmp_path):
    case = CASES["classify"]
    with taught(tmp_path / "a.db", case) as store:
        snapshots = store.service.snapshots.sequences(1)
        store.forget(rows=[41, 42, 98])
        assert set(snapshots) < set(store.service.snapshots.sequences(1))
        for seq in (40, 41, 43, 98, 120, 200):
            never = hw.Classifier(seed=1)
            kept = [i for i in range(seq) if i not in FORGOTTEN]
            never.learn_many([store_row(case, i) for i in kept], [case.labels[i] for i in kept])
            assert store.as_of(seq).predict_proba_one(case.rows[5]) == never.predict_proba_one(case.rows[5])


def store_row(case, i):
    return dict(case.rows[i])


@pytest.mark.filterwarnings("ignore")
def test_forgetting_twice_equals_forgetting_at_once(tmp_path):
    case = CASES["regress"]
    with taught(tmp_path / "a.db", case) as once, taught(tmp_path / "b.db", case) as twice:
        once.forget(rows=[41, 42, 98])
        twice.forget(rows=[98])
        assert twice.forget(rows=[41, 42]).number == 2
        assert state_of(once) == state_of(twice)
        again = twice.forget(rows=[41], dry_run=True)
        assert (again.rows, again.absent) == (0, ["event 41"])


@pytest.mark.filterwarnings("ignore")
def test_challengers_forget_what_they_have_seen(tmp_path):
    case = CASES["classify"]
    with taught(tmp_path / "a.db", case) as store, taught(tmp_path / "never.db", case, FORGOTTEN) as never:
        for one in (store, never):
            models = one.service.models
            one.service.change(models.add, models.named("default"), "other", hw.Classifier(hidden=(4,), seed=2))
            one.teach(
                [dict(case.rows[3], mail="jane@example.org")] if one is store else [],
                case.labels[:1] if one is store else [],
            )
            one.teach([dict(row) for row in case.rows[:50]], case.labels[:50])
        store.forget(where={"mail": "jane@example.org"})
        for left, right in zip(store._model.learners, never._model.learners, strict=True):
            assert LEARNER_FORMAT.pack(left.learner).arrays.keys() == LEARNER_FORMAT.pack(right.learner).arrays.keys()
            assert store.service.models.digest(left) == never.service.models.digest(right)


@pytest.mark.filterwarnings("ignore")
def test_rows_learned_while_others_are_forgotten_are_in_the_learner(tmp_path):
    case = CASES["classify"]
    with taught(tmp_path / "a.db", case) as store, taught(tmp_path / "never.db", case, FORGOTTEN) as never:
        forgetter, extra = store.service._forgetter, [dict(row) for row in case.rows[:30]]
        relearn = forgetter._relearn

        def meanwhile(*arguments):
            done = relearn(*arguments)
            store.teach(extra, case.labels[:30])
            store.learn_one({"mail": "jane@example.org"}, case.labels[0])
            store.snapshot()
            return done

        forgetter._relearn = meanwhile
        done = store.forget(where={"mail": "jane@example.org"})
        never.teach(extra, case.labels[:30])
        assert (done.rows, state_of(store)) == (4, state_of(never))


@pytest.mark.filterwarnings("ignore")
def test_a_row_before_the_kept_journal_is_refused_and_the_dry_run_says_so_beforehand(tmp_path):
    case = CASES["classify"]
    with taught(tmp_path / "a.db", case, policy=RetentionPolicy(snapshot_every=30, keep_events=50)) as store:
        store.snapshot()
        first = store.service.journal.first()
        assert first > 42
        plan = store.forget(rows=[41, 150], dry_run=True)
        assert plan.cannot == [f"Event 41 lies before the kept journal, which begins at event {first}."]
        before = state_of(store)
        with pytest.raises(ConfigError, match="Event 41 lies before the kept journal"):
            store.forget(rows=[41, 150])
        assert (state_of(store), store.forgotten()) == (before, [])
        assert store.forget(where={"mail": "jane@example.org"}, dry_run=True).unsearched == first - 1
        assert store.forget(rows=[150]).rows == 1


@pytest.mark.filterwarnings("ignore")
def test_what_is_selected_must_be_said_and_be_there(tmp_path):
    with taught(tmp_path / "a.db", CASES["classify"]) as store:
        for how, said in [
            ({}, "rows=, ids= or where="),
            ({"rows": [0]}, "from 1 on"),
            ({"rows": [10_000]}, "up to 200"),
        ]:
            with pytest.raises(ConfigError, match=said):
                store.forget(**how)
        nobody = store.forget(where={"mail": "nobody@example.org"})
        assert (nobody.rows, store.seq) == (0, 200)
