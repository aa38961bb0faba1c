"""A learner that expires is held by a store and a file whole, so it is recovered to the bit and goes on expiring."""

import dataclasses
import signal
import subprocess
import sys

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, DataError, HeadwaterError, StoreError
from headwater.interop.device import export_device
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, from_bytes, to_bytes
from headwater.store.model_file import SavedModel
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check
from headwater.store.service.price import bytes_declared, bytes_held, price_of
from kinds.matrix import DOORS, cases

HOUR = 3600.0
ROLLING = hw.Rolling(key="b", time="at", over="2h", of={"a": "sum"})


def row(i):
    """Rows ten minutes apart, with a gap of 40 hours after each 400, and each 13th nine hours late."""
    at = 600.0 * i + 40 * HOUR * (i // 400) - (9 * HOUR if i % 13 == 12 else 0)
    return {"at": at, "a": i % 7 / 3, "b": f"key{i % 5}"}


def label(i):
    return "yes" if i % 7 > 3 else "no"


def small(**settings):
    return hw.Classifier(hidden=(4,), seed=1, **settings)


FORMS = {
    "clock": lambda: hw.Expiring(small(), "24 hours", time="at"),
    "rows": lambda: hw.Expiring(small(), 200),
    "windows": lambda: hw.Expiring(small(rolling=ROLLING), "24 hours", time="at"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_store_learns_what_the_learner_learns_in_memory(tmp_path, form):
    alone = FORMS[form]()
    with hw.open(tmp_path / "s.db", FORMS[form]()) as store:
        for i in range(0, 900, 9):
            rows, labels = [row(j) for j in range(i, i + 9)], [label(j) for j in range(i, i + 9)]
            if i % 2:
                store.learn_many(rows, labels)
            else:
                for x, y in zip(rows, labels, strict=True):
                    store.learn_one(x, y)
            alone.learn_many(rows, labels)
        assert fingerprint(store.learner) == fingerprint(alone)
        assert store.n_learned < 900
        assert store.predict_one(row(900)) == alone.predict_one(row(900))
        assert store.describe()["expires"]["oldest_row"] == alone.oldest_row
        then = store.as_of(450)
    assert fingerprint(hw.load(tmp_path / "s.db")) == fingerprint(alone)
    part = FORMS[form]()
    part.learn_many([row(i) for i in range(450)], [label(i) for i in range(450)])
    assert fingerprint(then) == fingerprint(part)
    assert check(tmp_path / "s.db", LEARNER_FORMAT).problems == []


CHILD = """
import itertools, sys
import headwater as hw
sys.path.insert(0, sys.argv[2])
from store.forget.test_in_store import FORMS, RetentionPolicy, label, row
store = hw.open(sys.argv[1], FORMS[sys.argv[3]](), policy=RetentionPolicy(snapshot_every=150))
for i in itertools.count(store.seq):
    print(store.learn_one(row(i), label(i)), flush=True)
"""


@pytest.mark.parametrize("form", FORMS)
def test_whatever_row_a_kill_comes_after_the_next_process_goes_on_to_the_same_bits(tmp_path, form, request):
    root, path, alone, learned = str(request.config.rootpath / "tests"), tmp_path / "s.db", FORMS[form](), 0
    for rows in (37, 390):
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(path), root, form]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            for _ in range(rows):
                last = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
        with hw.open(path) as store:
            assert store.seq >= last
            alone.learn_many([row(i) for i in range(learned, store.seq)], [label(i) for i in range(learned, store.seq)])
            learned = store.seq
            assert fingerprint(store.learner) == fingerprint(alone)
    assert learned >= 427


def test_a_second_process_is_refused_while_the_store_is_open(tmp_path):
    with hw.open(tmp_path / "s.db", FORMS["clock"]()) as store:
        store.learn_one(row(0), "yes")
        script = f"import headwater as hw; hw.open({str(tmp_path / 's.db')!r})"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "StoreError" in done.stderr
        assert store.learn_one(row(1), "no") == 2


@pytest.mark.parametrize("form", FORMS)
def test_labels_that_come_late_are_learned_alike_after_the_process_was_lost(tmp_path, form):
    path, ids = tmp_path / "s.db", {}
    with hw.open(path, FORMS[form](), policy=RetentionPolicy(snapshot_every=100)) as store:
        for i in range(500):
            ids[i], _ = store.predict_with_id(row(i))
            if i >= 30 and i % 3:
                store.label(ids.pop(i - 30), label(i - 30))
        store.service.backup(tmp_path / "lost.db")
        expected = fingerprint(store.learner)
        assert store.n_learned < 330
    with hw.open(tmp_path / "lost.db") as again:
        assert fingerprint(again.learner) == expected
        again.label(ids.pop(490), label(490))


def test_an_observed_row_counts_in_the_windows_of_both_learners():
    model = FORMS["windows"]()
    for i in range(100):
        model.learn_one(row(i), label(i))
    learners, _ = model.turns()
    assert len(learners) == 3  # two and the one that others are made from
    before = [one.rolling_counts_["events"] for one in learners]
    model.observe({"at": row(99)["at"] + 1, "a": 1.0, "b": "key1"})
    assert [one.rolling_counts_["events"] - n for one, n in zip(learners, before, strict=True)] == [1, 1, 0]


def test_a_row_without_a_time_is_refused_before_it_is_written(tmp_path):
    with hw.open(tmp_path / "s.db", FORMS["clock"]()) as store:
        store.learn_one(row(0), "yes")
        for attempt in (
            lambda: store.learn_one({"a": 1.0}, "yes"),
            lambda: store.learn_many([row(1), {"at": "soon"}], ["no", "no"]),
            lambda: store.predict_with_id({"a": 1.0}),
        ):
            with pytest.raises(DataError, match="expected a time in 'at'"):
                attempt()
        assert (store.seq, store.learn_one(row(1), "no")) == (1, 2)


def test_rows_older_than_every_learner_are_written_and_not_learned(tmp_path):
    with hw.open(tmp_path / "s.db", FORMS["clock"]()) as store:
        store.learn_one({"at": 100 * HOUR, "a": 1.0}, "yes")
        assert store.learn_one({"at": 10 * HOUR, "a": 1.0}, "never seen") == 2
        assert (store.classes, store.learner.late, store.n_learned) == (["yes"], 1, 1)
    with hw.open(tmp_path / "s.db") as again:
        assert (again.classes, again.learner.late) == (["yes"], 1)


def test_forgetting_leaves_a_learner_that_never_saw_the_rows(tmp_path):
    left = [row(i) for i in range(500) if i % 5 != 3]
    alone = FORMS["clock"]()
    alone.learn_many(left, [label(i) for i in range(500) if i % 5 != 3])
    with hw.open(tmp_path / "s.db", FORMS["clock"]()) as store:
        store.learn_many([row(i) for i in range(500)], [label(i) for i in range(500)])
        assert store.forget(where={"b": "key3"}).rows == 100
        assert fingerprint(store.learner) == fingerprint(alone)


def test_a_store_goes_on_only_with_a_learner_that_forgets_alike(tmp_path):
    hw.open(tmp_path / "s.db", FORMS["clock"]()).close()
    hw.open(tmp_path / "s.db", hw.Expiring(hw.Classifier(), "1 day", time="at")).close()
    for other in (hw.Classifier(), FORMS["rows"](), hw.Expiring(hw.Classifier(), "25 hours", time="at")):
        with pytest.raises(ConfigError, match=r"expected Expiring\(max_age='24 hours', time='at'\), as the store"):
            hw.open(tmp_path / "s.db", other)
    hw.open(tmp_path / "plain.db", hw.Classifier()).close()
    with pytest.raises(ConfigError, match="expected a learner that never expires, as the store's learner is"):
        hw.open(tmp_path / "plain.db", FORMS["clock"]())
    with hw.open(tmp_path / "s.db") as store:
        store.learn_one(row(0), "yes")
        with pytest.raises(ConfigError, match="a learner whose step size can be changed for good"):
            store.set_step(0.5)


def test_published_late_it_expires_too(tmp_path):
    alone = FORMS["clock"]()
    with hw.open(tmp_path / "s.db", FORMS["clock"](), publish_every=100) as store:
        for i in range(800):
            store.learn_one(row(i), label(i))
        alone.learn_many([row(i) for i in range(800)], [label(i) for i in range(800)])
        assert fingerprint(store.learner) == fingerprint(alone)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_holds_both_learners_with_their_ages(tmp_path, form):
    model = FORMS[form]()
    for i in range(700):
        model.learn_one(row(i), label(i))
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw", hw.Expiring)
    assert repr(again) == repr(model)
    for i in range(700, 1_300):
        model.learn_one(row(i), label(i))
        again.learn_one(row(i), label(i))
    assert fingerprint(again) == fingerprint(model)
    assert (again.oldest_row, again.late) == (model.oldest_row, model.late)


def test_a_file_whose_ages_are_not_of_its_learners_is_refused():
    model = FORMS["clock"]()
    model.learn_many([row(i) for i in range(100)], [label(i) for i in range(100)])
    saved = LEARNER_FORMAT.pack(model)
    for wrong in (
        {"ages": [1]},
        {"births": []},
        {"late": -1},
        {"now": "soon"},
        {"learners": saved.header["learners"][:1]},
    ):
        with pytest.raises(HeadwaterError, match="header does not fit"):
            LEARNER_FORMAT.unpack(SavedModel({**saved.header, **wrong}, saved.arrays), "m.hw")
    for name in ("-1.weights", "9.weights", "weights"):
        with pytest.raises(HeadwaterError, match="header does not fit"):
            LEARNER_FORMAT.unpack(SavedModel(saved.header, {**saved.arrays, name: saved.arrays["0.weights"]}), "m.hw")
    for missing in ("settings", "learners", "ages", "now"):
        header = {name: value for name, value in saved.header.items() if name != missing}
        with pytest.raises(HeadwaterError, match="header does not fit"):
            LEARNER_FORMAT.unpack(SavedModel(header, saved.arrays), "m.hw")
    assert fingerprint(from_bytes(to_bytes(model), "m.hw")) == fingerprint(model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "case",
    [one for one in cases() if "routes" not in one.kind.can and not getattr(one.kind.cls, "secret", ())],
    ids=lambda one: one.name,
)
def test_every_kind_expires_in_a_store(tmp_path, case):
    if "keys" in case.make().kind.can:
        with pytest.raises(ConfigError, match=r"Let each member expire: hw.Fleet\(lambda: hw.Expiring"):
            hw.open(tmp_path / "s.db", hw.Expiring(case.make(), 200))
        return
    if case.kind.question.ahead:
        made, rows = hw.Expiring(case.make(), 200), list(case.rows)
    else:
        made, rows = (
            hw.Expiring(case.make(), "3 hours", time="at"),
            [{**x, "at": 60 * i} for i, x in enumerate(case.rows)],
        )
    with hw.open(tmp_path / "s.db", made) as store:
        for _ in range(2):
            store.teach(rows, case.labels)
        store.service.backup(tmp_path / "lost.db")
        expected, learned = fingerprint(store.learner), store.n_learned
        assert learned < 2 * len(rows)
    with hw.open(tmp_path / "lost.db") as again:
        assert (fingerprint(again.learner), again.n_learned) == (expected, learned)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "door",
    ["predict", "show", "diagnose FILE", "explain FILE", "ask, teach", "late", "POST explain", "challengers", "onnx"],
)
def test_commands_and_servers_take_it_where_they_take_its_learner(tmp_path, door):
    (plain,) = [one for one in cases() if one.name == "classify"]
    rows = [{**x, "at": 60 * i} for i, x in enumerate(plain.rows)]
    case = dataclasses.replace(plain, rows=rows, make=lambda: hw.Expiring(plain.make(), "3 hours", time="at"))
    DOORS[door](case, case.taught(), tmp_path)


def test_a_late_choice_that_no_learner_knows_is_scored_and_not_learned(tmp_path):
    with hw.open(tmp_path / "s.db", hw.Expiring(hw.Bandit(seed=1), "1h", time="at")) as store:
        store.learn_one({"at": 100 * HOUR, "a": 1.0}, ["left", 1.0, 1.0])
        store.learn_one({"at": 0.0, "a": 1.0}, ["never tried", 1.0, 0.5])
        assert (store.seq, store.n_learned, store.learner.late) == (2, 1, 1)


def test_each_member_of_a_fleet_expires_by_its_own_rows(tmp_path):
    def fleet():
        return hw.Fleet(lambda: hw.Expiring(small(), "24 hours", time="at"), key="b")

    alone = fleet()
    with hw.open(tmp_path / "s.db", fleet()) as store:
        store.learn_many([row(i) for i in range(600)], [label(i) for i in range(600)])
        alone.step_many([row(i) for i in range(600)], [label(i) for i in range(600)])
        with pytest.raises(DataError, match="expected a time in 'at'"):
            store.learn_one({"b": "key1", "a": 1.0}, "yes")
        assert store.learner.fingerprint() == alone.fingerprint()
    with hw.open(tmp_path / "s.db") as again:
        assert again.learner.fingerprint() == alone.fingerprint()
        assert again.learner["key1"].n_learned < 40


def test_pages_take_what_predicts_now_and_devices_none(tmp_path, capsys):
    model = FORMS["clock"]()
    model.learn_many([row(i) for i in range(300)], [label(i) for i in range(300)])
    model.save(tmp_path / "m.hw")
    assert main(["export", str(tmp_path / "m.hw"), str(tmp_path / "page"), "--web"]) == 2
    assert "Add --no-learning: the page has what predicts now, and does not learn." in capsys.readouterr().err
    assert main(["export", str(tmp_path / "m.hw"), str(tmp_path / "page"), "--web", "--no-learning"]) == 0
    with pytest.raises(ConfigError, match="expected a learner that may keep what it learns"):
        export_device(model, tmp_path / "c")


def test_a_server_counts_time_and_memory_of_both_learners():
    model, one = FORMS["clock"](), small()
    for i in range(100):
        model.learn_one(row(i), label(i))
    one.learn_one(row(0), "yes")
    alone = model.turns()[0][:2]
    assert price_of([model]) == price_of(alone)
    assert price_of([model]).dense == 2 * price_of([one]).dense > 0
    assert bytes_held(model) == sum(map(bytes_held, alone)) > 0
    assert bytes_declared(FORMS["clock"]()) == bytes_declared(small()) > 0 == bytes_declared(model)


def test_show_says_what_expires(tmp_path, capsys):
    for name, form in (("clock", "24 hours by at"), ("rows", "200 rows")):
        model = FORMS[name]()
        model.learn_many([row(i) for i in range(100)], [label(i) for i in range(100)])
        model.save(tmp_path / "m.hw")
        assert main(["show", str(tmp_path / "m.hw")]) == 0
        assert f"Expires: {form}; the oldest row was learned {model.oldest_row} rows ago" in capsys.readouterr().out


def test_closing_without_a_row_keeps_the_age(tmp_path):
    hw.open(tmp_path / "s.db", FORMS["clock"]()).close()
    with hw.open(tmp_path / "s.db") as store, pytest.raises(StoreError):
        hw.open(tmp_path / "s.db")
    assert dataclasses.is_dataclass(store.learner.learner)
    assert store.learner.expires_as(FORMS["clock"]())
