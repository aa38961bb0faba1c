"""Stores and model files that were changed at random go on with the same bits, or say in one sentence why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

import pytest

import headwater as hw
from headwater.errors import StoreError
from headwater.store.journal.requests import ExpiredId
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.maintenance.commands import check
from support.hostile.cases import CASES, follow, make_fleet, make_followed
from support.hostile.run import try_case

CHANGES = 8


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_was_changed_at_random_goes_on_with_the_same_bits_or_says_why_not(case, tmp_path):
    counts, wrong = try_case(case, tmp_path / "files", range(CHANGES))
    assert wrong == []
    assert counts.total() == CHANGES


def changed(path, line, *values):
    """Change a closed store behind its back."""
    with closing(sqlite3.connect(path)) as base, base:
        assert base.execute(line, values).rowcount >= 1


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "a.db"
    with hw.open(path, hw.Regressor(hidden=(4,), seed=1)) as model:
        for i in range(20):
            model.learn_one({"a": float(i)}, i / 2)
        for i in range(3):
            model.predict_with_id({"a": float(i)})
    return path


@pytest.mark.parametrize("body", [b"\x93", b"", b"\xc1" * 9, b"\x93\x81\xa1a\xcb@\x00\x00\x00\x00\x00\x00\x00\x80\x14"])
def test_a_prediction_that_was_damaged_while_it_waited_is_not_learned_and_the_others_are(asked, body):
    changed(asked, "UPDATE pending SET body = ? WHERE id = 2", body)
    [found] = check(asked, LEARNER_FORMAT).problems
    assert found.startswith("expected a sound prediction p2, got a damaged one")
    with hw.open(asked) as model:
        with pytest.raises(ExpiredId, match="got p2, which is damaged in the store"):
            model.label("p2", 1.0)
        assert model.label("p3", 1.0)["seq"] == 21


def test_each_problem_of_a_store_of_which_a_page_is_lost_is_one_line(asked):
    data, said = asked.read_bytes(), []
    for at in range(4096, len(data), 4096):
        asked.write_bytes(data[: at + 8] + bytes(400) + data[at + 408 :])
        with suppress(StoreError):  # of a page without which nothing can be read
            said += check(asked, LEARNER_FORMAT).problems
    assert sum(one.startswith("SQLite reports: ") for one in said) > 10
    assert all(len(one.splitlines()) == 1 and "***" not in one for one in said)


def test_a_prediction_of_an_earlier_version_has_no_checksum_and_is_labelled(asked):
    changed(asked, "UPDATE pending SET crc = NULL")
    with hw.open(asked) as model:
        assert model.label("p2", 1.0)["seq"] == 21


@pytest.mark.parametrize(
    "line",
    ["UPDATE models SET paused = 1", "INSERT INTO skipped VALUES (7, 0, 'x')", "UPDATE learners SET champion = 0"],
)
def test_a_flag_or_an_event_left_out_that_no_commit_sealed_is_refused(asked, line):
    changed(asked, line)
    with pytest.raises(StoreError, match="expected the tables that the last commit sealed"):
        hw.open(asked)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("positions", "UPDATE positions SET position = '3' WHERE part = '0'"),
        ("positions", "UPDATE positions SET part = '1' WHERE part = '0'"),
        ("joins", "UPDATE joins SET body = x'93' WHERE id = (SELECT min(id) FROM joins)"),
        ("joins", "UPDATE joins SET name = 'another' WHERE id = (SELECT min(id) FROM joins)"),
        ("outbox", "UPDATE outbox SET lane = 'nowhere'"),
    ],
)
def test_what_a_source_keeps_in_the_store_is_refused_once_it_is_damaged(tmp_path, table, line):
    path = tmp_path / "a.db"
    make_followed(path)
    changed(path, line)
    [found] = check(path, LEARNER_FORMAT).problems
    assert found.startswith(f"expected {table} of sources as they were stored, got a damaged row")
    with hw.open(path) as model:
        before = model.seq
        with pytest.raises(StoreError, match=f"expected {table} of sources as they were stored"):
            follow(model, 30, 10)
        assert model.seq == before


def test_positions_of_an_earlier_version_that_no_source_reads_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.db"
    make_followed(path)
    changed(path, "UPDATE positions SET position = 'nowhere', crc = NULL WHERE part = '0'")
    with (
        hw.open(path) as model,
        pytest.raises(StoreError, match="expected positions of redis:rows as they were stored"),
    ):
        follow(model, 30, 10)


@pytest.mark.parametrize(
    "line",
    [
        "UPDATE about SET value = '1' WHERE name = 'members'",
        "UPDATE about SET value = '0' WHERE name = 'version'",
        "UPDATE about SET name = 'another' WHERE name = 'fleet'",
        "UPDATE record SET number = 99 WHERE number = 0",
        "UPDATE record SET version = 99 WHERE number = 0",
    ],
)
def test_a_fleet_whose_header_or_numbers_changed_is_refused_before_any_member_is_deleted(tmp_path, line):
    path = tmp_path / "a.db"
    make_fleet("fleet-classifier")(path)
    changed(path, line)
    with closing(sqlite3.connect(path)) as base:
        before = base.execute("SELECT number, version, key FROM record").fetchall()
    for _ in range(2):
        with pytest.raises(StoreError, match="expected a sound store of a fleet"):
            hw.Fleet(hw.Classifier(hidden=(6,), seed=3), key="machine", store=path)
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT number, version, key FROM record").fetchall() == before


def test_a_fleet_whose_schema_is_no_text_any_more_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.db"
    make_fleet("fleet-classifier")(path)
    data = path.read_bytes()
    at = data.index(b"key TEXT NOT NULL, record BLOB NOT NULL") + 13
    path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    with pytest.raises(StoreError, match="expected a store of a fleet that can be used") as caught:
        hw.Fleet(hw.Classifier(hidden=(6,), seed=3), key="machine", store=path)
    assert len(str(caught.value).splitlines()) == 1
