"""A store whose disk is full, truly: what was not acknowledged is not in it, and it goes on by itself once there is space."""

from __future__ import annotations

import subprocess

import pytest

import headwater as hw
from headwater.errors import StoreError
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check
from support.processes.full_disk import small_disk

SMALL = {"hidden": (4,), "seed": 1}
OFTEN = RetentionPolicy(snapshot_every=150, keep_events=400)


def example(i):
    return {"user": f"u{i % 50}", "text": "x" * (i % 400), "a": float(i % 7)}, "abc"[i % 3]


def at_once(model, i):
    model.learn_one(*example(i))


def later(model, i):
    x, y = example(i)
    model.label(model.predict_with_id(x)[0], y)


def acknowledged(how, model, i):
    """Say whether an example was acknowledged; if not, the disk is full."""
    try:
        how(model, i)
    except StoreError as error:
        if error.got != "a full disk":
            raise
        return False
    return True


@pytest.mark.parametrize("how", [at_once, later])
def test_what_a_full_disk_refused_is_not_in_and_learning_goes_on_when_there_is_space(how, tmp_path):
    alone, refused, known = hw.Classifier(**SMALL), 0, 0
    with small_disk(tmp_path / "disk", size=24_000_000) as disk:
        path = disk.path / "m.db"
        with hw.open(path, hw.Classifier(**SMALL), policy=OFTEN) as model:
            for i in range(1500):
                if i % 300 == 299:
                    disk.fill(left=4096 * (i % 17))
                if acknowledged(how, model, i):
                    alone.learn_one(*example(i))
                    known += 1
                    continue
                refused += 1
                assert (model.seq, fingerprint(model.learner)) == (known, fingerprint(alone))
                assert model.predict_one(example(i)[0]) is not None
                if refused % 20 == 0:
                    subprocess.run(["sh", "-c", f"cp {path} {path}-wal {path}-mark {tmp_path}"], check=True)
                    with hw.open(tmp_path / "m.db") as copy:  # as after a SIGKILL at this moment
                        assert (copy.seq, fingerprint(copy.learner)) == (known, fingerprint(alone))
                    disk.empty()
            disk.empty()
            assert (model.seq, fingerprint(model.learner)) == (known, fingerprint(alone))
            model.snapshot()
            assert model.service.snapshot_failure is None
        report = check(path, LEARNER_FORMAT)
        assert (report.problems, report.last) == ([], known)
        with hw.open(path) as again:
            assert (again.seq, fingerprint(again.learner)) == (known, fingerprint(alone))
    assert refused >= 20
