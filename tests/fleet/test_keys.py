"""What a key is: the same at every door, and only what files and stores give back."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections import namedtuple
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cluster.fleet import ShardedFleet
from headwater.errors import DataError, RefusedRow
from headwater.kinds.fleet.keys import shown

ROWS, LABELS, _ = stream(120, keys=12, seed=7)
NO_KEYS = {
    "a UUID": uuid.UUID(int=5),
    "a date": dt.date(2026, 1, 1),
    "a date-time": dt.datetime(2026, 1, 1),
    "a Decimal": Decimal("5"),
    "an object": object(),
    "a frozen set": frozenset("a"),
    "a list": [1],
    "a tuple with a date": ("a", dt.date(2026, 1, 1)),
    "a tuple with NaN": ("a", float("nan")),
    "tuples in each other without end": eval("(" * 40 + "1" + ",)" * 40),
    "a number of thousands of digits": 10**5000,
    "a date of NumPy's": np.datetime64("2026-01-01", "ns"),
    "a time span of NumPy's": np.timedelta64(5, "s"),
    "a complex number": 1j,
    "None": None,
    "NaN": float("nan"),
}
Pair = namedtuple("Pair", "shop till")


class Colour(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is another text
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


KEYS = {
    "a text": ("text", "text"),
    "half of a surrogate pair": ("\ud800", "\ud800"),
    "a text of NumPy's": (np.str_("a"), "a"),
    "a text of an enumeration": (Colour.RED, "red"),
    "a whole number": (7, 7),
    "a number of an enumeration": (Number.ONE, 1),
    "a number of 128 bits": (uuid.UUID(int=2**127).int, 2**127),
    "a number of NumPy's": (np.int8(3), 3),
    "a float": (2.5, 2.5),
    "a float of NumPy's": (np.float32(0.1), float(np.float32(0.1))),
    "infinity": (float("inf"), float("inf")),
    "a boolean": (True, True),
    "a boolean of NumPy's": (np.bool_(True), True),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "a tuple": (("a", 3, None, (b"b", 1.5)), ("a", 3, None, (b"b", 1.5))),
    "a named tuple": (Pair("a", np.int64(3)), ("a", 3)),
}


def make():
    return hw.Classifier(hidden=(8,), seed=3)


def fleet(**settings):
    return hw.Fleet(make, "machine", **settings)


def row(key):
    return {"machine": key, "a": 1.0}


@pytest.mark.parametrize("what", NO_KEYS)
def test_what_no_store_gives_back_is_no_key_and_nothing_is_lost_with_it(what, tmp_path):
    key = NO_KEYS[what]
    with fleet(store=tmp_path / "fleet.db", resident=3) as kept:
        kept.learn_many([*ROWS, row(5)], [*LABELS, "p"])
        kept.commit()
        with pytest.warns(RefusedRow, match="str\\(key\\) makes one") as said:
            kept.learn_one(row(key), "p")
        assert shown(key) in str(said[0].message)
        before, keys = kept.fingerprint(), kept.keys()
        kept.learn_many([row(key)] * 3, ["p"] * 3)
        kept.commit()
        assert kept.rejected["key"] == 4
        assert (kept.fingerprint(), kept.keys()) == (before, keys)
    with fleet(store=tmp_path / "fleet.db") as again:
        assert (again.fingerprint(), again.keys()) == (before, keys)


@pytest.mark.parametrize("what", KEYS)
def test_a_key_is_kept_in_one_form_and_found_again(what, tmp_path):
    key, plain = KEYS[what]
    with fleet(store=tmp_path / "fleet.db") as kept:
        kept.learn_many([row("other"), row(key)], ["p", "q"])
        kept.save(tmp_path / "fleet.hw")
        before = kept.fingerprint()
    for again in (fleet(store=tmp_path / "fleet.db"), hw.load(tmp_path / "fleet.hw")):
        assert again.keys() == ["other", plain]
        assert type(again.keys()[1]) is type(plain)
        assert again.fingerprint() == before
        assert again.predict_one(row(key)) == "q"
        again.learn_one(row(key), "q")
        assert len(again) == 2
        again.close()


@pytest.mark.parametrize("what", [*KEYS, *NO_KEYS])
def test_shards_and_one_fleet_have_the_same_keys(what, tmp_path):
    key = KEYS[what][0] if what in KEYS else NO_KEYS[what]
    rows = [*ROWS[:20], row(5), row(key)]
    labels = [*LABELS[:20], "p", "q"]
    alone = fleet()
    alone.learn_many(rows, labels)
    with ShardedFleet(make, "machine", tmp_path, shards=3, address=False) as sharded:
        sharded.learn_many(rows, labels)
        assert set(sharded.keys()) == set(alone.keys())
        assert sharded.rejected == alone.rejected
        for each in (sharded, alone):
            if what in KEYS:
                assert each.score(key)["rows"] == 0
            else:
                with pytest.raises(KeyError):
                    each.score(object() if key is None else key)


@pytest.mark.parametrize("what", ["a UUID", "a date", "a list", "a tuple with a date", "None"])
def test_a_durable_fleet_refuses_them_before_they_are_journaled(what, tmp_path):
    with hw.open(tmp_path / "fleet.db", fleet()) as durable:
        durable.learn_many(ROWS, LABELS)
        seq = durable.seq
        for refused in (
            lambda: durable.learn_one(row(NO_KEYS[what]), "p"),
            lambda: durable.learn_many([ROWS[0], row(NO_KEYS[what])], ["p", "p"]),
            lambda: durable.predict_with_id(row(NO_KEYS[what])),
        ):
            with pytest.raises(DataError):
                refused()
        assert durable.seq == seq
        assert durable.rejected == {}


def test_a_column_of_dates_makes_no_members():
    dates = fleet()
    with pytest.warns(RefusedRow, match="got datetime.date\\(2026, 1, 1\\)"):
        dates.learn_many(pl.DataFrame({"machine": [dt.date(2026, 1, 1)] * 3, "a": [1.0] * 3}), ["p"] * 3)
    assert (len(dates), dates.rejected) == (0, {"key": 3})


def test_a_class_that_no_store_gives_back_is_refused_and_the_others_are_kept(tmp_path):
    with fleet(store=tmp_path / "fleet.db") as kept:
        with pytest.warns(RefusedRow, match="can't be a class"):
            kept.learn_many([row(1), row(1), row(2)], ["p", dt.date(2026, 1, 1), Decimal(2)])
        kept.learn_many([row(1), row(2)], [dt.date(2026, 1, 1), "q"])
        assert (kept.classes, kept.keys(), kept.rejected) == (["p", "q"], [1, 2], {"target": 3})
    with fleet(store=tmp_path / "fleet.db") as again:
        assert again.classes == ["p", "q"]


@pytest.mark.parametrize("template", [hw.Regressor((4,)), hw.Forecaster(horizon=2)], ids=["core", "members"])
def test_a_refused_answer_is_told_by_what_the_members_take(template):
    with pytest.warns(RefusedRow) as said:
        hw.Fleet(template, key="k").learn_one({"k": "a"}, "soon")
    assert "the answer is missing, is not a number" in str(said[0].message)
    assert "classes are" not in str(said[0].message)
