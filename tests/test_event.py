"""The short way for one sample gives the entries of the long way, or leaves the sample to it."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.encode import Encoder, Vocabulary
from headwater.event import Event

FIRST = {"price": 2.0, "carrier": "AA", "when": dt.datetime(2024, 5, 1, 7), "seats": 3, "late": True, "7": "x"}
VALUES = {
    "price": st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.just("3.5"), st.just(10**400)),
    "carrier": st.sampled_from(["AA", "UA", "new", None, 5, math.nan]),
    "when": st.sampled_from([dt.datetime(2023, 1, 9), "2024-02-03", "soon", None, dt.date(2020, 2, 29), 5.0]),
    "seats": st.sampled_from([1, 2.5, None, [1, 2], np.float32(3), np.int64(4)]),
    "late": st.sampled_from([True, False, None, np.bool_(True)]),
    "7": st.sampled_from(["x", "y", None, {"a": 1}]),
}


def taught() -> Encoder:
    encoder = Encoder(Vocabulary(seed=0, max_rows=1000))
    encoder.samples([FIRST, FIRST | {"carrier": "UA"}], [True, True])
    return encoder


@settings(max_examples=300, deadline=None)
@given(samples=st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=5))
def test_the_short_way_writes_what_the_long_way_does(samples: list[dict]) -> None:
    encoder = taught()
    event = Event(encoder.words)
    for x in samples:
        long = encoder.samples([x], [False])
        if event.write(x):
            n = event.block.ends[1]
            assert event.block.slots[:n].tolist() == long.slots.tolist()
            assert event.block.x[:n].tobytes() == long.x.tobytes()


@pytest.mark.parametrize(
    "x",
    [FIRST, FIRST | {"price": None}, {"carrier": "UA"}, {"seats": 2, "price": 3.0}, {"seats": None, "price": 3.0}],
)
def test_what_is_known_goes_the_short_way(x: dict) -> None:
    assert Event(taught().words).write(x)


@pytest.mark.parametrize(
    "x", [{}, FIRST | {"carrier": "new"}, FIRST | {"more": 1.0}, {"price": [1.0]}, {"price": None}, [1], 5]
)
def test_what_is_new_or_empty_goes_the_long_way(x: object) -> None:
    assert not Event(taught().words).write(x)  # type: ignore[arg-type]


def test_gaps_leave_nothing_behind() -> None:
    event = Event(taught().words)
    assert event.write({"price": 1.0, "seats": 2.0})
    assert event.write({"price": None, "seats": 3.0})
    assert event.block.x[: event.block.ends[1]].tolist() == [3.0]
    assert event.write({"price": 4.0, "seats": 5.0})
    assert event.block.x[: event.block.ends[1]].tolist() == [4.0, 5.0]
    assert event.block.slots.tolist() == [8, 9]
