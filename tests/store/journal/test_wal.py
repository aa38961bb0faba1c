"""The write-ahead log stays short, whatever is written, removed and read beside the commits."""

from __future__ import annotations

import threading

import headwater as hw
from headwater.store.learner_file import fingerprint
from headwater.store.service import RetentionPolicy

MOST = 16_800_000
"""Bytes: 16 MB, by which the log may have grown."""


def rows(first, n):
    return [{"user": f"u{i}", "a": float(i % 7)} for i in range(first, first + n)], [
        i % 3 for i in range(first, first + n)
    ]


def longest(path, work):
    """Do some work, and return how long the log was at most."""
    wal, seen, done = path.with_name(f"{path.name}-wal"), [0], threading.Event()

    def look():
        while not done.wait(0.002):
            seen.append(wal.stat().st_size if wal.exists() else 0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        work()
    finally:
        done.set()
        thread.join()
    return max(seen)


def test_large_snapshots_and_what_is_pruned_behind_them_keep_the_log_short(tmp_path):
    path = tmp_path / "a.db"
    with hw.open(path, hw.Classifier(seed=1), policy=RetentionPolicy(snapshot_every=10**9, keep_events=1)) as model:
        model.learn_many(*rows(0, 15_000))

        def work():
            for i in range(10):  # a generation of snapshots and more: what they had is swept
                model.learn_many(*rows(15_000 + 500 * i, 500))
                model.snapshot()
                assert model.service.snapshot_failure is None

        assert longest(path, work) < MOST
        assert path.stat().st_size > 2 * MOST


def test_a_reader_of_a_past_state_holds_nothing_back(tmp_path):
    path, past = tmp_path / "a.db", []
    with hw.open(path, hw.Classifier(hidden=(4,), seed=1)) as model:
        model.learn_many(*rows(0, 4_000))
        bits = fingerprint(model.learner)

        def write():
            wide = [{"user": f"u{i % 50}", "text": "x" * 4000} for i in range(2_000)]
            for _ in range(5):
                model.learn_many(wide, [i % 3 for i in range(2_000)])

        with model.service._reading() as models:  # as somebody who is slow
            assert longest(path, write) < MOST + 9_000_000  # a single request is larger than what is left
            model.snapshot()
            past.append(models.as_of(model.service.models.named("default"), 4_000, None))
        assert fingerprint(past[0]) == bits
        assert fingerprint(model.as_of(4_000)) == bits


def test_many_small_commits_keep_the_log_short_though_nothing_works_beside_them(tmp_path):
    path = tmp_path / "a.db"
    with hw.open(path, hw.Classifier(hidden=(4,), seed=1)) as model:
        model.service._background.end()

        def write():
            for i in range(900):
                model.learn_one({"user": f"u{i % 50}", "text": "x" * 50_000}, i % 3, id=f"id {i * 7919 % 900}")

        assert longest(path, write) < MOST
        assert path.stat().st_size > 2 * MOST
