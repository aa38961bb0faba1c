"""Metrics of forecasts: every series of a fleet is compared with its own past."""

import math

import msgspec
import numpy as np
import polars as pl
import pytest

import headwater as hw
from headwater.kinds.forecaster.score import ForecastScore
from headwater.route.score import score_of

SHOPS, WEEK = ("north", "south", ("east", 2)), (4.0, 5.0, 6.0, 7.0, 9.0, 14.0, 5.0)
SETTINGS = {"horizon": 2, "season": 7, "lags": 4, "seed": 1}


def value(shop, day):
    if (shop, day) == ("south", 15):
        return None
    return 10 ** (SHOPS.index(shop) + 1) * (WEEK[day % 7] + day % 3 / 10)


def panel(days=30):
    rows = [(shop, day) for day in range(days) for shop in SHOPS if day >= 3 or shop == "north"]
    return [{"shop": shop} for shop, _ in rows], [value(*row) for row in rows]


def related():
    return hw.Forecaster(**SETTINGS, key="shop")


def strangers():
    return hw.Fleet(hw.Forecaster(**SETTINGS), "shop")


def errors(table):
    """Return the mean absolute errors of the baselines, each series beside its own past."""
    off, newest, past = {"no-change": [], "season": []}, 0.0, {}
    for row, y in zip(*table, strict=True):
        own = past.setdefault(row["shop"], [])
        last = own[-1] if own else newest
        before = own[-7] if len(own) > 6 else last
        if y is not None:
            off["no-change"].append(abs(y - last))
            off["season"].append(abs(y - before))
            newest = y
        own.append(before if y is None else y)
    return {name: pytest.approx(np.mean(own)) for name, own in off.items()}


@pytest.mark.parametrize("make", [related, strangers])
def test_the_baselines_of_a_series_are_its_own_last_value_and_its_own_season_before(make):
    found = hw.evaluate(make(), zip(*panel(), strict=True)).record
    assert {name: own["mae"] for name, own in found.baselines.items()} == errors(panel())
    one = [y for row, y in zip(*panel(), strict=True) if row["shop"] == "north"]
    alone = hw.evaluate(hw.Forecaster(**SETTINGS), ([{}] * len(one), one)).record
    north = [(row, y) for row, y in zip(*panel(), strict=True) if row["shop"] == "north"]
    assert hw.evaluate(make(), north).record.baselines == alone.baselines


def test_rows_of_a_frame_and_rows_one_at_a_time_are_scored_alike():
    rows, y = panel()
    rows = [{"shop": str(row["shop"])} for row in rows]
    frame = hw.evaluate(related(), pl.DataFrame(rows).with_columns(y=pl.Series(y)), "y").record
    known = [(row, value) for row, value in zip(rows, y, strict=True) if value is not None]
    session = hw.Session(related())
    for row, value in known:
        session.step([row], [value])
    whole = hw.Session(related())
    whole.step(rows, y)
    assert frame.baselines == whole.record().baselines
    gapless = hw.Session(related())
    gapless.step([row for row, _ in known], [value for _, value in known])
    assert session.record().baselines == gapless.record().baselines


def test_a_row_without_a_key_or_beyond_the_keys_there_may_be_is_not_scored():
    session = hw.Session(hw.Fleet(hw.Forecaster(**SETTINGS), "shop", max_keys=2))
    for day in range(20):
        session.step(
            [{"shop": "a"}, {}, {"shop": "b"}, {"shop": math.nan}, {"shop": f"new {day}"}], [5.0, 1e6, 7.0, 1e6, 1e6]
        )
    record = session.record()
    assert (record.scored, record.unscored, record.rejected) == (40, 60, {"key": 40, "keys": 20})
    assert record.baselines["no-change"]["mae"] == pytest.approx((5.0 + 2.0) / 40)
    assert len(msgspec.msgpack.decode(session._score.to_bytes())["series"]) == 2


def test_baselines_of_keys_go_on_from_what_was_saved():
    rows, y = panel()
    learner = related()
    whole, half = (score_of(learner, history=True) for _ in range(2))
    for score, parts in ((whole, (slice(None),)), (half, (slice(40), slice(40, None)))):
        for part in parts:
            score.update(y[part], [1.0] * len(y[part]), X=rows[part])
            if score is half and part == slice(40):
                score = half = score_of(learner, saved=score.to_bytes())
    assert half.scores() == whole.scores()
    assert half.repeatable() == half.to_bytes() == score_of(learner, saved=whole.to_bytes()).to_bytes()


def test_scores_of_a_fleet_that_mixed_its_keys_go_on_with_baselines_of_each_key():
    _, y = panel()
    learner, mixed = related(), ForecastScore(learner=hw.Forecaster(**SETTINGS), history=True)
    mixed.update(y, [1.0] * len(y))
    score = score_of(learner, saved=mixed.to_bytes())
    assert score.scores() == mixed.scores()
    score.update([value("north", day) for day in range(30, 33)], [1.0] * 3, X=[{"shop": "north"}] * 3)
    (*_, last, before) = msgspec.msgpack.decode(score.to_bytes())["window"][-1]
    assert (last, before) == (value("north", 31), value("north", 31))
    for one in (score, score_of(learner, saved=score.to_bytes())):
        assert (
            one.repeatable() == b""
        )  # a store's journal learned again gives other sums, and is no worse proof of the states
