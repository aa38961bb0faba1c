"""Columns that only tell the time are not blamed for drift."""

import numpy as np

from headwater.route.drift import DriftWatch
from headwater.route.drift.clocks import ClockColumns
from headwater.types import ScoredRows


def rows(n, seed=0):
    """A stream of days with a counter, a clock, what follows the clock, and two columns that do neither."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        hour = i % 1000 / 1000 * 24
        yield {
            "order": 7 + i,
            "left": n - i,
            "clock": hour,
            "arrives": hour + rng.normal(),
            "start_month": 1 + i // 2000,
            "size": rng.normal(),
            "walk": i % 7,
            "sky": "xyz"[i % 3],
        }


def test_counters_clocks_and_what_follows_them_are_found():
    clocks, stream = ClockColumns(), list(rows(3000))
    for before, row in zip(stream, stream[1:], strict=False):
        clocks.update(before, row)
    assert clocks.among(stream[:300]) == {"order", "left", "clock", "arrives", "start_month"}


def test_a_column_with_gaps_is_no_clock():
    clocks, stream = ClockColumns(), [{"gaps": float("nan") if i % 3 else 1.0, "n": i} for i in range(2000)]
    for before, row in zip(stream, stream[1:], strict=False):
        clocks.update(before, row)
    assert clocks.among(stream[:300]) == {"n"}


def test_a_drift_is_explained_by_what_changed_and_not_by_the_calendar():
    stream = list(rows(4000))
    for i, row in enumerate(stream):
        row["size"] += 4 * (i >= 3000)
    p = [0.9] * 3000 + [0.1] * 1000
    (event,) = DriftWatch().see(ScoredRows(1, stream, ["a"] * 4000, ["a"] * 4000, p, "classify"), None)
    assert 3000 < event.row < 3200
    assert "most changed: size (mean" in event.text
    assert not any(name in event.text for name in ("order", "left", "clock", "arrives", "month"))
    assert 0.2 < event.size < 0.8


def test_a_clock_among_the_inputs_is_no_drift_of_them():
    watch, stream = DriftWatch("page_hinkley", on="inputs", every=1), list(rows(3000))
    events = watch.see(ScoredRows(1, stream, ["a"] * 3000, ["a"] * 3000, [0.9] * 3000, "classify"), None)
    assert [event.text for event in events if any(name in event.text.split(";")[0] for name in ("order", "left"))] == []
