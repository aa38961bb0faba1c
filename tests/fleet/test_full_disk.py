"""A fleet whose disk is full: nothing that was learned or committed is lost, and it goes on once there is space."""

from __future__ import annotations

import subprocess

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.errors import StoreError
from support.processes.full_disk import small_disk

ROWS, LABELS, _ = stream(1200, keys=60, seed=8)
BLOCKS = [slice(at, at + 60) for at in range(0, 1200, 60)]


def fleet(**settings):
    return hw.Fleet(lambda: hw.Classifier(hidden=(8,), seed=3), "machine", **settings)


@pytest.fixture(scope="module")
def undisturbed():
    """What a fleet without a store knows after each block."""
    alone, known = fleet(), []
    for block in BLOCKS:
        alone.learn_many(ROWS[block], LABELS[block])
        known.append(alone.fingerprint())
    return known


def works(what):
    """Say whether something can be done; if not, the disk is full."""
    try:
        what()
    except StoreError as error:
        return error.got != "a full disk"
    return True


def committed(path, folder):
    """Return what the last commit holds, of a copy that another process makes: the store is open."""
    subprocess.run(["cp", path, f"{path}-wal", folder], check=True)
    with fleet(store=folder / path.name) as opened:
        return opened.fingerprint()


@pytest.mark.parametrize("resident", [7, None])
def test_a_full_disk_loses_nothing_and_learning_goes_on_once_there_is_space(resident, tmp_path, undisturbed):
    full = 0
    with (
        small_disk(tmp_path / "disk", size=16_000_000) as disk,
        fleet(store=disk.path / "fleet.db", resident=resident) as kept,
    ):
        for i, block in enumerate(BLOCKS):
            if i % 3 == 2:
                disk.fill(left=4096 * i)
            done = False
            while not done:
                before = kept.n_learned
                done = works(lambda: kept.learn_many(ROWS[block], LABELS[block]))  # noqa: B023 - called at once
                if not done:
                    assert kept.n_learned == before
                    assert kept.predict_one(ROWS[0]) is not None
                    full += 1
                    disk.empty()
            assert kept.fingerprint() == undisturbed[i]
            if not works(kept.commit):
                assert not works(kept.commit)
                assert kept.fingerprint() == undisturbed[i]
                full += 1
                disk.empty()
                assert committed(disk.path / "fleet.db", tmp_path) == undisturbed[i - 1]
                kept.commit()
            disk.empty()
            assert committed(disk.path / "fleet.db", tmp_path) == undisturbed[i]
    assert full >= 3


def test_a_commit_that_fails_anywhere_can_be_tried_again(tmp_path, undisturbed):
    path, copies = tmp_path / "fleet.db", tmp_path / "copies"
    copies.mkdir()
    kept = fleet(store=path, resident=20)
    run = kept.idle.members._connection.execute
    failed = 0
    for i, block in enumerate(BLOCKS):
        kept.learn_many(ROWS[block], LABELS[block])
        most = run("PRAGMA page_count").fetchone()[0]
        while True:
            run(f"PRAGMA max_page_count = {most}")
            if works(kept.commit):
                break
            assert committed(path, copies) == (undisturbed[i - 1] if i else fleet().fingerprint())
            failed += 1
            most += 1
        run("PRAGMA max_page_count = 1000000")
        assert committed(path, copies) == undisturbed[i]
    assert failed > 10
    kept.close()


def test_a_key_can_be_removed_once_there_is_space(tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    kept = fleet(store=tmp_path / "fleet.db", resident=7)
    kept.learn_many(ROWS, LABELS)
    kept.commit()
    run, before = kept.idle.members._connection.execute, kept.fingerprint()
    run(f"PRAGMA max_page_count = {run('PRAGMA page_count').fetchone()[0]}")
    keys, removed = kept.keys(), []
    while works(lambda: kept.remove(keys[len(removed)])):
        removed.append(keys[len(removed)])
    assert len(removed) < 30
    assert set(kept.keys()) == set(keys) - set(removed)
    assert kept.predict_many(ROWS).tolist()
    run("PRAGMA max_page_count = 1000000")
    assert committed(tmp_path / "fleet.db", copies) == before
    kept.remove(*keys[len(removed) : 30])
    after = kept.fingerprint()
    kept.close()
    with fleet(store=tmp_path / "fleet.db") as again:
        assert (again.fingerprint(), set(again.keys())) == (after, set(keys[30:]))
