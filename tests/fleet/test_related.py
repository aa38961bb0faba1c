"""Related series: a new one begins with a past that the others suggest."""

import copy
import math
import pickle

import numpy as np
import polars as pl
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, ModelFileError, RefusedRow
from headwater.kinds.forecaster.related.prior import Common, errors, placed
from headwater.store.learner_file import fingerprint
from headwater.store.model_file import seal

WEEK = np.array([0.6, 0.8, 0.9, 1.0, 1.1, 1.6, 1.0])
DAYS, BEGINS = 56, 35
WEEKLY = {"horizon": 7, "season": 7}


def panel(shops, days=DAYS, seed=1):
    """Return sales (shops, days) of one week's shape, at levels from 20 to 2,000."""
    rng = np.random.default_rng(seed)
    level = 20 * 100 ** (np.arange(shops) / max(shops - 1, 1))
    growth = 1 + 0.004 * np.arange(days)
    return level[:, None] * growth * WEEK[np.arange(days) % 7] * (1 + 0.05 * rng.normal(size=(shops, days)))


def made(**settings):
    return hw.Forecaster(key="shop", low=0, **WEEKLY, **settings)


def teach(fleet, table, days, shops, *, one_by_one=False):
    for day in days:
        rows, y = [{"shop": f"s{shop}"} for shop in shops], table[list(shops), day].tolist()
        if one_by_one:
            for x, value in zip(rows, y, strict=True):
                fleet.learn_one(x, value)
        else:
            fleet.step_many(rows, y)
    return fleet


def taught(shops=4, days=BEGINS, **settings):
    return teach(made(**settings), panel(shops), range(days), range(shops))


def test_a_new_series_among_twenty_related_ones_is_forecast_four_times_better_in_its_first_season():
    table = panel(21)
    fleet, alone = made(), hw.Fleet(hw.Forecaster(horizon=7, season=7, low=0), "shop")
    wrong = {id(fleet): [], id(alone): []}
    for one in (fleet, alone):
        teach(one, table, range(BEGINS), range(20))
        for day in range(BEGINS, BEGINS + 7):
            teach(one, table, [day], range(21))
            came = table[20, day + 1 : day + 8]
            wrong[id(one)].append(np.abs(np.array(one.forecast("s20")) - came).mean())
    assert np.mean(wrong[id(fleet)]) < 0.25 * np.mean(wrong[id(alone)])


def test_series_that_were_there_before_keep_the_bits_of_a_forecaster_of_their_own():
    table, fleet = panel(4), taught()
    teach(fleet, table, range(BEGINS, DAYS), range(4))
    for shop in range(4):
        alone = hw.Forecaster(horizon=7, season=7, low=0)
        alone.learn_many(table[shop])
        assert fingerprint(fleet[f"s{shop}"]) == fingerprint(alone)


def test_a_key_never_seen_is_forecast_as_the_others_at_their_median_level():
    fleet, table = taught(5), panel(5, 70)
    said, ends = np.array(fleet.forecast("new")), np.array(fleet.forecast_interval("new"))
    middle = table[2, BEGINS : BEGINS + 7]
    assert np.abs(said / middle - 1).max() < 0.3
    assert ((ends[:, 0] < middle) & (middle < ends[:, 1])).all()
    asked = fleet.ask([{"shop": "new"}])
    assert (asked["shop"], asked["y_pred"]) == (["new"] * 7, said.tolist())
    assert fleet.predict_one({"shop": "new"}) == said[0]
    assert "new" not in fleet


def test_without_others_a_key_never_seen_is_refused_in_a_sentence():
    young = teach(made(), panel(2), range(6), range(2))
    for fleet in (made(), young):
        with pytest.raises(DataError, match="a key that the fleet knows, got 'new'"):
            fleet.forecast("new")


def test_series_that_began_less_than_a_season_before_suggest_nothing():
    table, fleet = panel(3), made()
    teach(fleet, table, range(5), range(2))
    teach(fleet, table, range(5, 40), range(3))
    alone = hw.Forecaster(horizon=7, season=7, low=0)
    alone.learn_many(table[2, 5:40])
    assert fingerprint(fleet["s2"]) == fingerprint(alone)


def test_the_levels_of_series_with_negative_values_are_added():
    rng = np.random.default_rng(2)
    table = 12 * np.sin(np.arange(60) * 2 * np.pi / 12) + np.array([[-8.0], [0.0], [5.0], [-3.0]])
    table += rng.normal(size=table.shape)
    fleet = hw.Forecaster(horizon=12, season=12, key="shop")
    teach(fleet, table, range(40), range(3))
    teach(fleet, table, range(40, 42), range(4))
    assert np.abs(np.array(fleet.forecast("s3")) - table[3, 42:54]).mean() < 3


def test_a_series_unlike_the_others_begins_without_them_in_the_end():
    table = panel(5)
    table[4] = 1000 * 0.8 ** (np.arange(DAYS) - BEGINS)
    fleet = teach(taught(), table, range(BEGINS, DAYS), range(5))
    alone = hw.Forecaster(horizon=7, season=7, low=0)
    alone.learn_many(table[4, BEGINS:])
    assert fingerprint(fleet["s4"]) == fingerprint(alone)


def test_one_row_at_a_time_and_many_are_the_same_bits():
    table = panel(6)
    many = teach(taught(), table, range(BEGINS, DAYS), range(6))
    one = teach(taught(), table, range(BEGINS, DAYS), range(6), one_by_one=True)
    whole, order = taught(), [(shop, day) for day in range(BEGINS, DAYS) for shop in range(6)]
    whole.step_many([{"shop": f"s{shop}"} for shop, _ in order], [table[shop, day] for shop, day in order])
    assert many.fingerprint() == one.fingerprint() == whole.fingerprint()


@pytest.mark.parametrize("days", [BEGINS, BEGINS + 3, BEGINS + 9, DAYS - 1])
def test_a_file_a_copy_and_a_pickle_go_on_to_the_bit(tmp_path, days):
    table, new = panel(6), range(6)
    fleet = teach(taught(), table, range(BEGINS, days), new)
    fleet.save(tmp_path / "f.hw")
    others = [hw.load(tmp_path / "f.hw"), copy.deepcopy(fleet), pickle.loads(pickle.dumps(fleet))]
    teach(fleet, table, range(days, DAYS), new)
    for other in others:
        assert repr(other) == "Forecaster(horizon=7, season=7, low=0, key='shop')"
        assert isinstance(other, hw.Fleet)
        assert teach(other, table, range(days, DAYS), new).fingerprint() == fleet.fingerprint()
        assert other.forecast("new") == fleet.forecast("new")
        assert (other.n_learned, other.score("s5")) == (fleet.n_learned, {"rows": DAYS - BEGINS})


def test_a_store_that_is_killed_goes_on_to_the_bit(tmp_path):
    table = panel(6)
    expected = teach(taught(), table, range(BEGINS, DAYS), range(6))
    at, model = tmp_path / "shops.db", taught()
    for days in (range(BEGINS, BEGINS + 5), range(BEGINS + 5, BEGINS + 10), range(BEGINS + 10, DAYS)):
        with hw.open(at, model) as store:
            for day in days:
                store.teach([{"shop": f"s{shop}"} for shop in range(6)], table[:, day].tolist())
            store.service._shut()  # as a killed process ends: no snapshot
        model = None
    with hw.open(at) as store:
        assert store.learner.fingerprint() == expected.fingerprint()
        assert store.ask([{"shop": "new"}], horizon=2)["y_pred"] == expected.forecast("new", 2)


def test_gaps_refused_values_and_keys_are_counted_and_time_goes_on():
    fleet = taught()
    fleet.step_many([{"shop": "new"}] * 4, [None, math.inf, 50.0, None])
    fleet.step_many([{"shop": None}], [1.0])
    assert (fleet.rejected["key"], fleet["new"].rejected, fleet.score("new")) == (1, {"target": 1}, {"rows": 4})
    assert all(math.isfinite(y) for y in fleet.forecast("new"))
    few = hw.Forecaster(horizon=2, season=4, key="shop")
    few.step_many([{"shop": "a"}] * 30, [None] * 30)
    few.step_many([{"shop": "b"}] * 3, [1.0, 2.0, 3.0])
    assert len(few) == 2


def test_counts_get_whole_bounds_and_bounds_of_what_can_be_hold():
    table = np.round(panel(5))
    fleet = teach(made(high=500), table, range(BEGINS), range(4))
    teach(fleet, table, range(BEGINS, BEGINS + 2), range(5))
    ends = np.array(fleet.forecast_interval("s4"))
    assert (ends == np.round(ends)).all()
    assert ends.max() <= 500
    assert max(fleet.forecast("s4")) <= 500


def test_columns_of_the_times_ahead_are_taken():
    fleet = hw.Forecaster(horizon=2, season=4, key="shop")
    for i in range(80):
        open_ = float(i % 3 > 0)
        fleet.step_many([{"shop": "a", "open": open_}, {"shop": "b", "open": open_}], [10 * open_, 30 * open_])
    assert fleet.forecast("a", 2, [{"open": 1.0}, {"open": 0.0}]) != fleet.forecast("a", 2, [{}, {}])
    fleet.learn_one({"shop": "c", "open": 1.0}, 20.0)
    assert len(fleet.forecast("c", 2, [{"open": 1.0}, {"open": 0.0}])) == 2


def test_rows_are_learned_one_by_one_or_many_with_gaps_and_asked_by_key():
    one, many = made(), made()
    rows, y = [{"shop": f"s{i % 2}"} for i in range(60)], [float(i // 2 % 7) for i in range(60)]
    y[20:22] = [None, None]
    said = many.learn_many(rows, y)
    for x, value in zip(rows, y, strict=True):
        one.learn_one(x, value)
    assert fingerprint(one["s0"]) == fingerprint(many["s0"])
    assert (said.dtype, said.shape) == (np.float64, (60,))
    assert one.keys() == ["s0", "s1"]
    assert ("s0" in one, ["s0"] in one) == (True, False)
    assert type(one.predict_one({"shop": "s0"})) is float
    assert one.predict_many(rows[:2]).tolist() == [one.forecast("s0", 1)[0], one.forecast("s1", 1)[0]]
    frame = pl.DataFrame({"price": [1.0, 2.0]})
    assert one.forecast("s0", 2, frame) == one.forecast("s0", 2, [{"price": 1.0}, {"price": 2.0}])


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ({"shop": "s0"}, "much", "got 'much'"),
        ({"shop": None}, 3.0, "the key is missing, None or NaN.*got None"),
        ({"price": 3.0}, 3.0, "the key is missing, None or NaN.*got None"),
        ({"shop": ["s0"]}, 3.0, r"got \['s0'\]"),
    ],
)
def test_a_row_that_is_not_learned_is_warned_of_once(x, y, said):
    fleet = taught()
    with pytest.warns(RefusedRow, match=said):
        fleet.learn_one(x, y)
    fleet.learn_many([x, x], [y, y])  # warnings are errors here
    assert sum(fleet.rejected.values()) == 3


def test_a_horizon_or_another_type_in_the_place_of_a_key_is_no_new_series():
    fleet = taught()
    assert fleet.forecast("new") != fleet.forecast("s0")
    for key in (7, None, ["s0"], {"shop": "s0"}):
        with pytest.raises(DataError, match="expected a key that the fleet knows"):
            fleet.forecast(key)
    with pytest.raises(DataError, match="expected a key that the fleet knows, got 's9'"):
        fleet.score("s9")


def test_an_evaluation_says_which_rows_were_left_out_and_why():
    rows = [({"shop": "a"}, float(i % 7)) for i in range(30)]
    found = hw.evaluate(hw.Forecaster(key="shp", **WEEKLY), rows)
    assert str(found).endswith("No row was scored; left out: 30 × key.")
    assert str(hw.evaluate(hw.Fleet(hw.Regressor(hidden=()), "shp"), rows)).endswith("\nLeft out: 30 × key.")
    some = hw.evaluate(hw.Forecaster(key="shop", **WEEKLY), [*rows, ({"shop": None}, 1.0), ({"shop": "a"}, "much")])
    assert str(some).endswith("\nLeft out: 1 × answer is no finite number, 1 × key.")
    assert "Left out" not in str(hw.evaluate(hw.Forecaster(key="shop", **WEEKLY), rows))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: hw.Forecaster(key=""), "the name of a column"),
        (lambda: hw.Forecaster(key=3), "the name of a column"),
        (lambda: hw.Forecaster(key="shop", base=lambda history, horizon: [0.0] * horizon), "a base or a key, got both"),
        (lambda: hw.Fleet(made(), key="region"), "Make one fleet, whose key"),
        (lambda: made().export_onnx("f.onnx"), r"fleet\[key\].export_onnx"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, said):
    with pytest.raises(ConfigError, match=said):
        call()


@pytest.mark.parametrize(
    "harm",
    [
        lambda about, arrays: about["rows"].pop(),
        lambda about, arrays: about["first"].__setitem__(0, -5),
        lambda about, arrays: about["young"].__setitem__(0, 3),
        lambda about, arrays: about.pop("clock"),
        lambda about, arrays: arrays.pop("beside.values"),
        lambda about, arrays: arrays.update({"beside.values": np.zeros(1)}),
    ],
)
def test_a_file_whose_counts_cannot_be_is_refused(tmp_path, harm):
    saved = taught().saved()
    harm(saved.header["beside"], saved.arrays)
    (tmp_path / "f.hw").write_bytes(seal(saved))
    with pytest.raises(ModelFileError):
        hw.load(tmp_path / "f.hw")


def test_the_invented_past_lies_at_the_level_of_the_first_values():
    weekend = Common(np.array([0.0, -1.0, 0.5, 0.5, -1.0]), 40.0, multiplied=True, sizes=np.array([0.1]), whole=True)
    assert placed(weekend, [30.0, 30.0]).round(1)[:3].tolist() == [20.0, 0.0, 30.0]
    closed = placed(weekend, [0.0])
    assert np.allclose(closed, [40.0, 0.0, 60.0, 60.0, 6.0], atol=0.1)
    assert errors([[1.0, 2.0], [4.0, 5.0], [0.0, 0.0]], [0.0, 2.0, math.nan], last=3) == 1.0
    assert errors([[1.0]], [0.0], last=3) == 0.0


def test_what_answers_for_new_keys_is_made_once_until_a_row_is_learned(monkeypatch):
    fleet = hw.Forecaster(horizon=2, season=4, key="k")
    for t in range(40):
        for key in "abc":
            fleet.learn_one({"k": key}, float(t % 4))
    made = []
    inner = type(fleet)._made
    monkeypatch.setattr(type(fleet), "_made", lambda self, series: made.append(1) or inner(self, series))
    said = fleet.ask([{"k": f"new {i}"} for i in range(50)], horizon=2)
    assert len(made) == 1
    assert len(set(said["y_pred"])) <= 2
    fleet.learn_one({"k": "a"}, 0.0)
    fleet.forecast("new 1")
    assert len(made) == 2
