"""Nothing of a forgotten row is left: in the store, its log, its past states, and a backup that is restored later."""

import shutil
from contextlib import closing
from unittest import mock

import msgspec
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, StoreError
from headwater.store.forget.verify import search
from headwater.store.journal import database
from headwater.store.journal.requests import SourceRequest
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, to_bytes
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import restore, verify_forgotten
from headwater.store.sources import follower, outbox
from support.hostile.cases import FakeSink, FakeSource

TOKEN = "jane.doe@example.org"


def row(i):
    return {"a": i % 7 / 3, "user": f"u{i % 20}", "mail": TOKEN if i == 30 else f"m{i % 3}"}


def label(i):
    return "yes" if i % 7 > 3 else "no"


def learned(path, n=200, left_out=(), **how):
    store = hw.open(path, hw.Classifier(hidden=(4,), seed=1), policy=RetentionPolicy(snapshot_every=40, **how))
    for i in range(n):
        if i not in left_out:
            store.learn_one(row(i), label(i), id=f"order-{i}")
            if i % 50 == 0:
                store.snapshot()
    return store


def hits(path, *texts):
    with closing(database.read_only(path)) as base:
        return search(base, path, texts or (TOKEN,))


def test_a_text_of_one_row_is_nowhere_while_the_store_is_open_and_after(tmp_path):
    with learned(tmp_path / "a.db") as store:
        store.predict_with_id(row(30))
        kept, _ = store.predict_with_id(row(31))
        before = hits(tmp_path / "a.db")
        assert {"journal.body", "chunks.body", "pending.body", "a.db-wal"} <= set(before)
        done = store.forget(where={"mail": TOKEN})
        assert (done.rows, done.cleared) == (1, {"pending": 1})
        assert hits(tmp_path / "a.db") == {}
        assert TOKEN.encode() not in to_bytes(store.learner)
        store.save(tmp_path / "m.hw")
        assert TOKEN.encode() not in (tmp_path / "m.hw").read_bytes()
        assert store.label(kept, "yes")["seq"] == 202
    assert hits(tmp_path / "a.db") == {}


def test_a_class_that_only_the_forgotten_row_had_leaves_the_probabilities_issued_for_others(tmp_path):
    with learned(tmp_path / "a.db", 40) as store:
        store.learn_one({"a": 1.0}, "secret class")
        waiting, _ = store.predict_with_id({"a": 0.5})
        answered, _ = store.predict_with_id({"a": 0.7})
        store.label(answered, "yes")
        assert {"journal.body", "pending.body"} <= set(hits(tmp_path / "a.db", "secret class"))
        store.forget(rows=[41])
        assert hits(tmp_path / "a.db", "secret class") == {}
        assert store.classes == ["no", "yes"]
        store.label(waiting, "no")
        assert (store.scores["n"], store.n_learned) == (41, 42)


def test_waiting_rejected_and_outgoing_messages_are_cleared(tmp_path):
    with learned(tmp_path / "a.db", 20) as store:
        store.service.make_source_tables()
        request = SourceRequest(1, "kafka:orders", {"0": "5"})
        waiting = msgspec.msgpack.encode([row(30), {}, 3]), msgspec.msgpack.encode([row(31), {}, 3])
        request.waiting = [
            ("row", "k1", waiting[0], None),
            ("row", "k2", waiting[1], None),
            ("answer", TOKEN, b"\xa1a", None),
        ]
        request.rejects = [
            ("0", "3", "not a number", msgspec.json.encode(row(30))),
            ("0", "4", f"got {TOKEN!r}", b"\xff\x00"),
            ("0", "5", "not a number", msgspec.json.encode(row(31))),
        ]
        letter = msgspec.json.encode({"reason": "x", "value": msgspec.json.encode(row(30)).decode()})
        request.outgoing = [("dead letters", "n1", letter), ("predictions", "n2", b'{"key":"k2","y_pred":"yes"}')]
        assert store.service.commit([request]) == [None]
        plan = store.forget(where={"mail": TOKEN}, dry_run=True)
        assert (plan.rows, plan.cleared) == (0, {"joins": 2, "rejects": 2, "outbox": 1})
        assert store.forget(where={"mail": TOKEN}).cleared == plan.cleared
        assert hits(tmp_path / "a.db") == {}
        assert [position for _, position, _, _ in store.rejects("kafka:orders")] == ["5"]
        assert store.service.sources.waiting(1, "kafka:orders", "row") == 1
        assert store.service.sources.unsent(1, "kafka:orders") == 1


def test_a_repeated_id_of_a_forgotten_row_is_still_known_and_its_name_is_not_kept(tmp_path):
    with learned(tmp_path / "a.db") as store:
        store.forget(ids=["order-30"])
        assert hits(tmp_path / "a.db", "order-30") == {}
        assert hits(tmp_path / "a.db", "order-31") != {}
        before = fingerprint(store.learner)
        assert store.learn_one(row(30), label(30), id="order-30") == 31
        assert store.learn_one({"a": 9.0}, "no", id="order-30") == 31
        assert (fingerprint(store.learner), store.n_learned) == (before, 199)


def test_a_labeled_prediction_is_forgotten_by_its_id(tmp_path):
    with learned(tmp_path / "a.db", 40) as store:
        before = fingerprint(store.learner)
        asked, _ = store.predict_with_id(row(30))
        other, _ = store.predict_with_id(row(31))
        store.label(asked, "yes")
        done = store.forget(ids=[asked, other])
        assert (done.rows, done.cleared, fingerprint(store.learner)) == (1, {"pending": 1}, before)
        assert store.label(asked, "yes")["repeated"]


# ---- the forget list -------------------------------------------------------------------------------------------------


def test_a_backup_from_before_forgets_when_it_is_opened(tmp_path):
    with learned(tmp_path / "a.db", 120) as store:
        store.backup(tmp_path / "b.bak")
        store.forget(where={"mail": TOKEN}, reason="art17")
        listed = (tmp_path / "a.db-forgotten").read_bytes()
    assert TOKEN.encode() not in listed
    assert b"u17" not in listed
    for name in ("a.db", "a.db-mark"):
        (tmp_path / name).unlink()
    shutil.copy(tmp_path / "b.bak", tmp_path / "a.db")
    assert hits(tmp_path / "a.db") != {}
    with pytest.raises(StoreError, match="still has to forget 1 requests, such as a restored backup"):
        restore(tmp_path / "a.db", LEARNER_FORMAT, model="default")
    with hw.open(tmp_path / "a.db") as again, learned(tmp_path / "never.db", 120, [30]) as never:
        assert fingerprint(again.learner) == fingerprint(never.learner)
        assert [(one.rows, one.reason) for one in again.forgotten()] == [(1, "on the forget list")]
    assert hits(tmp_path / "a.db") == {}
    with hw.open(tmp_path / "a.db") as again:
        assert len(again.forgotten()) == 1


def test_rows_forgotten_by_number_are_found_in_a_backup_by_their_content(tmp_path):
    with learned(tmp_path / "a.db", 120) as store:
        store.backup(tmp_path / "b.bak")
        store.forget(rows=[31, 32])
    (tmp_path / "a.db-mark").unlink()
    shutil.copy(tmp_path / "b.bak", tmp_path / "a.db")
    with hw.open(tmp_path / "a.db") as again, learned(tmp_path / "never.db", 120, [30, 31]) as never:
        assert fingerprint(again.learner) == fingerprint(never.learner)


def test_a_restored_backup_is_not_served_without_the_key_or_with_another(tmp_path, monkeypatch):
    with learned(tmp_path / "a.db", 60) as store:
        store.backup(tmp_path / "b.bak")
        store.forget(where={"mail": TOKEN})
    (tmp_path / "a.db-mark").unlink()
    shutil.copy(tmp_path / "b.bak", tmp_path / "a.db")
    monkeypatch.setenv("HEADWATER_FORGET_KEY", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match=r"the key of a\.db-forgotten, got No such file"):
        hw.open(tmp_path / "a.db")
    (tmp_path / "nowhere").write_bytes(b"x" * 32)
    with pytest.raises(StoreError, match=r"the key of a\.db-forgotten, got another one"):
        hw.open(tmp_path / "a.db")


def test_a_backup_whose_journal_no_longer_has_the_row_is_refused(tmp_path):
    with learned(tmp_path / "a.db", 100) as store:
        # The journal since the newest snapshot before the last 2 events, which is event 102, is kept.
        for i in range(100, 104):
            store.learn_one(row(i), label(i))
            store.snapshot()
        store.backup(tmp_path / "b.bak")
        store.forget(where={"mail": TOKEN})
    assert main(["store", "compact", str(tmp_path / "b.bak"), "--keep", "2"]) == 0
    for name in ("a.db-mark", "b.bak-mark"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "b.bak", tmp_path / "a.db")
    with pytest.raises(StoreError, match="a backup whose journal still has event 31"):
        hw.open(tmp_path / "a.db")


@pytest.mark.parametrize("how", [{"where": {"mail": TOKEN}}, {"rows": [31]}, {"ids": ["redis:rows:30"]}])
def test_a_broker_that_is_read_again_is_filtered(tmp_path, how):
    rows = [{**row(i), "id": i, "y": label(i)} for i in range(60)]

    def follow(store):
        with (
            mock.patch.object(follower, "open_source", return_value=FakeSource(rows)),
            mock.patch.object(outbox, "open_sink", FakeSink),
        ):
            return store.learn_from("redis://127.0.0.1/rows?id=id&idle=0.001", "y")

    with hw.open(tmp_path / "a.db", hw.Classifier(hidden=(4,), seed=1)) as store:
        assert follow(store).learned == 60
        assert store.forget(**how).rows == 1
        expected = fingerprint(store.learner)
    for name in ("a.db", "a.db-mark"):
        (tmp_path / name).unlink()
    with hw.open(tmp_path / "a.db", hw.Classifier(hidden=(4,), seed=1)) as anew:
        state = follow(anew)
        assert (state.learned, state.counts["rows that are on the forget list"]) == (59, 1)
        assert fingerprint(anew.learner) == expected
        assert hits(tmp_path / "a.db") == {}


def test_a_person_may_come_back(tmp_path):
    with learned(tmp_path / "a.db", 60) as store:
        store.forget(where={"mail": TOKEN})
        assert store.learn_one(row(30), "yes") == 62
    with hw.open(tmp_path / "a.db") as again:
        assert again.n_learned == 60


# ---- exports, proofs and commands --------------------------------------------------------------------------------------


def test_copies_that_hold_the_row_are_named_and_those_from_before_are_not(tmp_path):
    with learned(tmp_path / "a.db", 25) as store:
        store.save(tmp_path / "early.hw")
        for i in range(25, 60):
            store.learn_one(row(i), label(i))
        store.save(tmp_path / "late.hw")
        done = store.forget(where={"mail": TOKEN})
        assert [(one.what, one.place) for one in done.exports] == [("model file", str(tmp_path / "late.hw"))]
        assert [(one.seq, one.recalled) for one in store.exports()] == [(25, 0), (60, 1)]
        assert store.forget(rows=[40], dry_run=True).exports == []


def test_a_forgetting_is_proved_by_learning_again_and_a_state_that_differs_is_found(tmp_path):
    with learned(tmp_path / "a.db") as store:
        store.forget(where={"user": "u17"})
        store.snapshot()
    found = verify_forgotten(tmp_path / "a.db", LEARNER_FORMAT, 1, (TOKEN, "u17"))
    assert (found.tombstones, found.states >= 2, set(found.hits)) == (10, True, {"a.db", "journal.body", "chunks.body"})
    assert verify_forgotten(tmp_path / "a.db", LEARNER_FORMAT, 1, ("u17",)).problems == []
    with learned(tmp_path / "b.db") as other:
        other.forget(rows=[90])
        with mock.patch("headwater.store.forget.forgetter.strip_classes"):
            other.service._forgetter._relearn = lambda *arguments: []
            other.service._forgetter._late_learners = lambda *arguments: []
            other.forget(rows=[31])
    assert "differs from what its journal teaches" in verify_forgotten(tmp_path / "b.db", LEARNER_FORMAT, 2).problems[0]
    with pytest.raises(ConfigError, match="the number of a forgetting"):
        verify_forgotten(tmp_path / "b.db", LEARNER_FORMAT, 9)


def test_the_commands_forget_list_and_prove(tmp_path, capsys):
    learned(tmp_path / "a.db", 100).close()
    file = str(tmp_path / "a.db")
    assert main(["store", "forget", file, "--where", f"mail={TOKEN}", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("1 row found, events 31 to 31.\n")
    assert main(["store", "forget", file, "--where", f"mail={TOKEN}", "--id", "order-50", "--reason", "art17"]) == 0
    assert "Forgetting 1." in capsys.readouterr().out
    assert main(["store", "forgotten", file]) == 0
    assert capsys.readouterr().out.endswith("UTC, art17.\n")
    assert main(["store", "verify-forgotten", file, "1", "--text", TOKEN]) == 0
    assert capsys.readouterr().out.endswith("Forgotten.\n")
    assert main(["store", "check", file]) == 0
    assert main(["store", "forget", file, "--where", "mail"]) == 2
    assert main(["store", "verify-forgotten", file, "1", "--text", "u17"]) == 1
