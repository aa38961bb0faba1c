"""``hw.open``: the durable learner inside a process, and ``headwater store`` on its file."""

import copy
import datetime as dt
import json
import pickle
import sqlite3
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headwater as hw
from headwater import _core
from headwater.cli import main
from headwater.errors import ConfigError, DataError, StoreError, TargetError
from headwater.store.journal.events import JournalEvent
from headwater.store.journal.requests import (
    ConflictingId,
    ExpiredId,
    LabelRequest,
    LearnRequest,
    StepRequest,
    UnknownId,
)
from headwater.store.journal.snapshots import kept
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check, export
from headwater.store.service.models import UnknownModel

SMALL = {"hidden": (4,), "seed": 1}


def rows(n, start=0):
    return [{"a": (i * 7 % 13) / 3, "c": "xyz"[i % 3]} for i in range(start, start + n)], [
        "up" if i * 7 % 13 > 6 else "down" for i in range(start, start + n)
    ]


def dropped(model):
    """End as a killed process does: no snapshot, no goodbye."""
    model.service._shut()


def test_a_learner_that_was_dropped_comes_back_to_the_bit_with_its_scores(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    plain = hw.Classifier(**SMALL)
    X, y = rows(30)
    for x, label in zip(X, y, strict=True):
        model.learn_one(x, label)
        plain.learn_one(x, label)
    model.learn_many(*rows(50, 30), w=np.linspace(0, 2, 50))
    plain.learn_many(*rows(50, 30), w=np.linspace(0, 2, 50))
    scores = model.scores
    dropped(model)
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
        assert again.scores == scores
        assert again.predict_proba_one(X[0]) == plain.predict_proba_one(X[0])
        assert again.describe()["n_learned"] == again.n_learned == plain.n_learned


def test_a_journal_written_at_one_level_of_a_processor_is_recovered_at_another_to_the_bit(tmp_path, monkeypatch):
    levels = sorted({_core.level(wanted) for wanted in (1, 3, 4)})
    for i, (written, read) in enumerate([(levels[0], levels[-1]), (levels[-1], levels[0])]):
        path = tmp_path / f"{i}.db"
        monkeypatch.setenv("HEADWATER_LEVEL", str(written))
        model = hw.open(path, hw.Classifier(seed=1))
        model.learn_many(*rows(300))
        expected, scores = fingerprint(model.learner), model.scores
        dropped(model)
        monkeypatch.setenv("HEADWATER_LEVEL", str(read))
        with hw.open(path) as again:
            assert fingerprint(again.learner) == expected
            assert again.scores == scores


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    x=st.dictionaries(
        st.text(max_size=5) | st.integers(-9, 9) | st.tuples(st.text(max_size=2), st.integers(0, 3)),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.text(max_size=5),
            st.binary(max_size=3),
            st.lists(st.floats() | st.text(max_size=3), max_size=3),
            st.datetimes(),
            st.dates(),
            st.floats(width=32).map(np.float32),
            st.integers(0, 255).map(np.uint8),
        ),
        max_size=5,
    ),
    y=st.none() | st.text(max_size=2) | st.integers(0, 3) | st.floats(),
    w=st.floats(),
)
def test_whatever_is_learned_is_what_a_replay_learns(tmp_path_factory, x, y, w):
    path = tmp_path_factory.mktemp("any") / "a.db"
    model = hw.open(path, hw.Classifier(**SMALL))
    model.learn_many(*rows(5))
    model.learn_one(x, y, w)
    model.learn_one(x, "up")
    expected = fingerprint(model.learner)
    dropped(model)
    with hw.open(path) as again:
        assert fingerprint(again.learner) == expected


def test_dates_keep_their_type_and_strange_values_are_refused_before_they_are_journaled(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one({"at": dt.datetime(2026, 1, 2, 3, 4), "day": dt.date(2026, 1, 2)}, "up")
        before = model.describe()["features"]
        with pytest.raises(DataError, match="text, numbers"):
            model.learn_one({"a": object()}, "up")
        with pytest.raises(DataError, match="64 bits"):
            model.learn_one({"a": 2**70}, "up")
        with pytest.raises(DataError, match="a class"):
            model.learn_one({"a": 1}, ["up"])
        assert model.seq == 1
    with hw.open(tmp_path / "a.db") as model:
        assert model.describe()["features"] == before


def test_a_third_class_for_a_two_class_loss_is_refused_before_it_is_journaled(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(loss="binary_cross_entropy", **SMALL)) as model:
        model.learn_many([{"a": 1.0}, {"a": 2.0}], ["x", "y"])
        with pytest.raises(TargetError, match="one of two classes"):
            model.learn_one({"a": 1.0}, "z")
        assert model.seq == 2


def test_an_id_is_learned_once_and_another_example_under_it_is_refused(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        assert model.learn_one({"a": 1.0}, "x", id="k") == 1
        assert model.learn_one({"a": 1.0}, "x", id="k") == 1
        with pytest.raises(ConflictingId, match="id k"):
            model.learn_one({"a": 2.0}, "x", id="k")
        assert model.n_learned == 1
    with hw.open(tmp_path / "a.db") as model:
        assert model.learn_one({"a": 1.0}, "x", id="k") == 1


def test_late_answers_are_scored_with_the_prediction_that_was_given_out(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), policy=RetentionPolicy(late_s=-1))
    model.learn_many(*rows(3))
    name, said = model.predict_with_id({"a": 0.0, "c": "x"})
    model.learn_many([{"a": 0.0, "c": "x"}] * 200, ["other"] * 200)
    right = model.scores["n"] * (model.scores["model"]["accuracy"] or 0)
    dropped(model)
    with hw.open(tmp_path / "a.db", policy=RetentionPolicy(late_s=-1)) as again:
        answer = again.label(name, said)
        assert (answer["seq"], answer["y_pred"], answer["late"]) == (204, said, True)
        assert again.predict_one({"a": 0.0, "c": "x"}) == "other"
        assert again.scores["n"] * again.scores["model"]["accuracy"] == pytest.approx(right + 1)
        assert again.label(name, said) == {"id": name, "repeated": True, "seq": 204}
        with pytest.raises(ConflictingId):
            again.label(name, "other")
        with pytest.raises(UnknownId):
            again.label("p77", "x")


def test_predictions_that_are_kept_no_longer_have_expired(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), policy=RetentionPolicy(keep_pending=2)) as model:
        names = [model.predict_with_id({"a": float(i)})[0] for i in range(4)]
        model.snapshot()
        with pytest.raises(ExpiredId):
            model.label(names[1], "x")
        assert model.label(names[2], "x")["seq"] == 1
    with hw.open(tmp_path / "a.db") as model:
        assert model.predict_with_id({"a": 1.0})[0] == "p5"


def test_any_state_within_the_kept_journal_can_be_restored_and_older_ones_are_pruned(tmp_path):
    policy = RetentionPolicy(snapshot_every=10, keep_events=60)
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), policy=policy) as model:
        states = {0: fingerprint(model.learner)}
        for x, y in zip(*rows(200), strict=True):
            model.learn_one(x, y)
            states[model.seq] = fingerprint(model.learner)
            if model.seq % 10 == 0:
                model.snapshot()  # the thread that takes them may be behind, and what is pruned goes by what was taken
        for seq in (140, 141, 155, 199, 200):
            assert fingerprint(model.as_of(seq)) == states[seq]
        with pytest.raises(ConfigError, match="Older states are pruned"):
            model.as_of(20)
        with pytest.raises(ConfigError, match="from 0 to 200"):
            model.as_of(201)
        assert 100 <= model.service.journal.first() <= 141
        assert fingerprint(model.learner) == states[200]


def test_the_rule_of_snapshots_keeps_a_bounded_number_whatever_comes():
    seqs = []
    for last in range(0, 5000, 7):
        seqs = sorted(kept([*seqs, last], last, 400))
        assert len(seqs) <= 14
        assert last < 400 or seqs[0] <= last - 400 + 50


def test_threads_may_share_a_durable_learner(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        problems = []

        def work(start):
            for x, y in zip(*rows(40, start), strict=True):
                model.learn_one(x, y)
                p = model.predict_proba_one(x)
                if abs(sum(p.values()) - 1) > 1e-5:
                    problems.append(p)

        threads = [threading.Thread(target=work, args=(i * 100,)) for i in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert (problems, model.n_learned) == ([], 160)
        state = fingerprint(model.learner)
        dropped(model)
    with hw.open(tmp_path / "a.db") as model:
        assert fingerprint(model.learner) == state


def test_requests_of_one_commit_are_learned_in_order_and_a_refused_one_leaves_no_trace(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        event = JournalEvent
        good, bad = LearnRequest(1, [event({"a": 1.0}, "x"), event({"a": 2.0}, "y")]), LabelRequest(1, "p9", "x")
        last = LearnRequest(1, [event({"a": 3.0}, "x", None, "i"), event({"a": 3.0}, "x", None, "i")])
        outcomes = model.service.commit([good, bad, last])
        assert outcomes[0] is outcomes[2] is None
        assert isinstance(outcomes[1], UnknownId)
        assert [answer["seq"] for answer in good.answers + last.answers] == [1, 2, 3, 3]
        assert model.n_learned == 3


def test_challengers_learn_beside_the_champion_and_can_be_promoted(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    service, name = model.service, "default"
    model.learn_many(*rows(20))
    service.change(service.models.add, service.models.named(name), "wide", hw.Classifier(hidden=(16,)))
    model.learn_many(*rows(30, 20))
    asked, _ = model.predict_with_id({"a": 1.0, "c": "x"})
    model.label(asked, "up")
    inside = service.models.named(name)
    # The first row of each was predicted before it knew a class, and is not scored.
    assert [(m.name, m.learner.n_learned, m.scores.report()["n"]) for m in inside.learners] == [
        ("champion", 51, 50),
        ("wide", 31, 30),
    ]
    service.change(service.models.promote, inside, "wide")
    states = {m.name: fingerprint(m.learner) for m in inside.learners}
    dropped(model)
    with hw.open(tmp_path / "a.db") as again:
        inside = again.service.models.named(name)
        assert inside.champion.name == "wide"
        assert {m.name: fingerprint(m.learner) for m in inside.learners} == states
        again.service.change(again.service.models.remove, inside, "champion")
        assert [m.name for m in again.service.models.named(name).learners] == ["wide"]
        with pytest.raises(ConfigError, match="a challenger"):
            again.service.change(again.service.models.remove, inside, "wide")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with hw.open("a.db", hw.Classifier(**SMALL)) as model:
        model.learn_many(*rows(40))
        model.learn_one({"a": 1.0}, "up", id="last")
    return tmp_path


def test_store_check_says_that_a_store_is_sound(store, capsys):
    assert main(["store", "check", "a.db"]) == 0
    assert "a.db: 41 events, 1 to 41; 0 pending." in (out := capsys.readouterr().out)
    assert "Sound." in out
    assert main(["store", "check", "a.db", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["snapshots"] == {"default/champion": [0, 41]}


def test_store_export_writes_every_event(store, capsys):
    assert main(["store", "export", "a.db"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 42))
    assert lines[-1]["id"] == "last"
    assert lines[-1]["x"] == {"a": 1.0}


def test_store_restore_saves_the_model_as_of_a_sequence_or_a_time(store, capsys):
    assert main(["store", "restore", "a.db", "past.hw", "--seq", "17"]) == 0
    assert hw.load("past.hw").n_learned == 17
    assert main(["store", "restore", "a.db", "past.hw", "--time", "2001-01-01T00:00:00+00:00"]) == 0
    assert hw.load("past.hw").n_learned == 0
    assert main(["store", "restore", "a.db", "past.hw", "--time", "soon"]) == 2
    assert "--time" in capsys.readouterr().err


def test_store_compact_prunes_and_shrinks(store, capsys):
    assert main(["store", "compact", "a.db", "--keep", "5"]) == 0
    with hw.open("a.db") as model:
        assert model.n_learned == 41
        assert main(["store", "compact", "a.db"]) == 2
        assert "got one that this process has open" in capsys.readouterr().err
        assert main(["store", "check", "a.db"]) == 0
    assert main(["store", "check", "nothing.db"]) == 2


def test_a_change_of_the_step_is_journaled_at_its_place_and_a_replay_makes_it_there(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    with pytest.raises(ConfigError, match="has learned"):
        model.set_step(2.0)
    model.learn_many(*rows(20))
    states = {model.seq: fingerprint(model.learner)}
    assert model.set_step(0.25) == 21
    with pytest.raises(ConfigError, match="above 0"):
        model.set_step(0.0)
    model.learn_many(*rows(20, 20))
    model.learn_one({"a": 1.0}, "a third class lays the heads anew")
    model.learn_many(*rows(20, 40))
    model.set_step(3.0)
    model.learn_many(*rows(5, 60))
    states |= {model.seq: fingerprint(model.learner)}
    dropped(model)

    plain = hw.Classifier(**SMALL)
    plain.learn_many(*rows(20))
    plain._engine.set_step(0.25)
    plain.learn_many(*rows(20, 20))
    plain.learn_one({"a": 1.0}, "a third class lays the heads anew")
    plain.learn_many(*rows(20, 40))
    plain._engine.set_step(3.0)
    plain.learn_many(*rows(5, 60))
    never = hw.Classifier(**SMALL)
    never.learn_many(*rows(20))
    never.learn_many(*rows(20, 20))
    never.learn_one({"a": 1.0}, "a third class lays the heads anew")
    never.learn_many(*rows(20, 40))
    never.learn_many(*rows(5, 60))
    assert plain.predict_proba_one({"a": 1.0}) != never.predict_proba_one({"a": 1.0})
    with hw.open(tmp_path / "a.db") as again:
        assert again.seq == 68
        assert fingerprint(again.learner) == states[68] == fingerprint(plain)
        assert fingerprint(again.as_of(20)) == states[20]
        assert again.scores["n"] + again.scores["unscored"] == again.n_learned == 66
        again.save(tmp_path / "m.hw")
    with hw.open(tmp_path / "a.db") as again:  # from the snapshot now, with nothing to replay
        again.learn_many(*rows(5, 65))
        plain.learn_many(*rows(5, 65))
        assert fingerprint(again.learner) == fingerprint(plain)
    loaded = hw.load(tmp_path / "m.hw")
    loaded.learn_many(*rows(5, 65))
    assert fingerprint(loaded) == fingerprint(plain)
    steps = [row for row in export(tmp_path / "a.db") if "step" in row]
    assert [(row["seq"], row["step"], "x" in row) for row in steps] == [(21, (1, 0.25), False), (63, (1, 3.0), False)]


def test_a_change_of_the_step_is_of_one_learner_and_the_others_stay(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    service = model.service
    model.learn_many(*rows(20))
    inside = service.models.named("default")
    service.change(service.models.add, inside, "twin", hw.load(saved(model, tmp_path)))
    assert service.commit([StepRequest(1, "twin", 0.5)]) == [None]
    assert isinstance(service.commit([StepRequest(1, "nobody", 0.5)])[0], UnknownModel)
    model.learn_many(*rows(20, 20))
    states = [fingerprint(state.learner) for state in inside.learners]
    assert [state.learner._engine.step for state in inside.learners] == [1.0, 0.5]
    assert states[0] != states[1]
    dropped(model)
    with hw.open(tmp_path / "a.db") as again:
        assert [fingerprint(m.learner) for m in again.service.models.named("default").learners] == states


def saved(model, folder):
    model.save(folder / "saved.hw")
    return folder / "saved.hw"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(99, "Update headwater."), (2, "Export it with the version that wrote it"), ("x", "Export it")],
)
def test_a_store_of_another_format_is_refused(tmp_path, number, remedy):
    hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)).close()
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("UPDATE meta SET value = ? WHERE key = 'format'", (number,))
    base.commit()
    base.close()
    for use in (hw.open, lambda path: check(path, LEARNER_FORMAT), lambda path: list(export(path))):
        with pytest.raises(StoreError, match=f"expected a store of format 4, got format {number} — at .*{remedy}"):
            use(tmp_path / "a.db")


@pytest.mark.parametrize("x", [5.0, None, [1, 2], "abc"])
def test_a_sample_that_is_no_mapping_is_one_sentence_at_every_door_of_a_store(tmp_path, x):
    with hw.open(tmp_path / "a.db", hw.Classifier()) as store:
        doors = (
            lambda: store.learn_one(x, "a"),
            lambda: store.learn_many([x], ["a"]),
            lambda: store.teach([x], ["a"]),
            lambda: store.predict_with_id(x),
        )
        for door in doors:
            with pytest.raises(hw.errors.DataError, match="expected a mapping of names to values, got "):
                door()
        with pytest.raises(
            hw.errors.DataError, match="expected a list of dicts, a 2-d array or a data frame, got NoneType"
        ):
            store.learn_many(None, ["a"])
        assert (store.seq, store.n_learned) == (0, 0)


def test_a_durable_forecasters_value_comes_before_its_features(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Forecaster(horizon=2)) as store:
        for door in (lambda: store.learn_one({"a": 1.0}, 2.0), lambda: store.learn_many([{"a": 1.0}], [2.0])):
            with pytest.raises(hw.errors.DataError, match=r"expected a value, then its features, got a dict"):
                door()
        store.learn_many([1.0, 2.0], [{"a": 1.0}, {"a": 2.0}])
        assert store.n_learned == 2


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy, copy.copy])
def test_an_open_store_is_not_copied_and_says_what_to_copy(tmp_path, way):
    x, y = rows(5)
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_many(x, y)
        with pytest.raises(
            StoreError, match=r"expected a learner that can be copied, got one whose store .*headwater\.load"
        ):
            way(model)
        said = model.predict_proba_one(x[0])
    assert way(hw.load(tmp_path / "a.db")) is not None
    assert hw.load(tmp_path / "a.db").predict_proba_one(x[0]) == said


def test_a_saved_model_or_a_text_in_the_place_of_a_store_is_named_and_stays_as_it_is(tmp_path):
    hw.Classifier(**SMALL).save(tmp_path / "m.hw")
    (tmp_path / "a.csv").write_text("a,y\n" + "1,2\n" * 100)
    for name in ("m.hw", "a.csv"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreError, match=r"got a file of another kind — at .*headwater\.load"):
            hw.open(tmp_path / name, hw.Classifier(**SMALL))
        assert (tmp_path / name).read_bytes() == before
