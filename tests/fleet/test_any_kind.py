"""A fleet of learners that the core can't hold: any kind, any setting, anybody's model; each member as one of its own."""

import copy
import json
import pickle

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, DataError
from headwater.kinds import KINDS
from headwater.kinds.fleet.members.members import MemberFleet
from headwater.learner.schema import Wide
from headwater.store.learner_file import fingerprint
from learner.test_kinds import ROWS, answers

OBJECTS = [kind for kind in KINDS if "seat" not in kind.can and "fleet" in kind.can]
EVERY = pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.task)


class Mean:
    """Somebody's model: the mean so far."""

    def __init__(self):
        self.n, self.mean = 0, 0.0

    def learn_one(self, x, y):
        self.n += 1
        self.mean += (y - self.mean) / self.n

    def predict_one(self, x):
        return self.mean


def taught(kind, rows=ROWS[:120]):
    fleet = hw.Fleet(lambda: kind.make({"seed": 1}), key="c")
    fleet.step_many(rows, answers(kind, rows))
    return fleet


@EVERY
def test_each_member_is_to_the_bit_a_learner_of_its_own(kind):
    fleet = taught(kind)
    assert isinstance(fleet, MemberFleet)
    assert (len(fleet), fleet.n_learned, fleet.task) == (3, 120, kind.task)
    y = answers(kind, ROWS[:120])
    for key in fleet:
        own = [i for i in range(120) if ROWS[i]["c"] == key]
        rows = [{name: value for name, value in ROWS[i].items() if name != "c"} for i in own]
        alone = kind.make({"seed": 1})
        alone.step_many(rows, None if y is None else [y[i] for i in own])
        assert fingerprint(fleet[key]) == fingerprint(alone)


@EVERY
def test_asking_goes_to_the_member_of_the_key_and_changes_nothing(kind):
    fleet = taught(kind)
    before = [fingerprint(fleet[key]) for key in fleet]
    response = fleet.ask(ROWS[:1])
    own = fleet[ROWS[0]["c"]].ask([{name: value for name, value in ROWS[0].items() if name != "c"}])
    named = {"c": ROWS[0]["c"]} if kind.question.ahead else {}
    assert response.rows() == [named | row for row in own.rows()]
    assert not any(isinstance(column, Wide) for column in response.columns.values())
    assert [fingerprint(fleet[key]) for key in fleet] == before


@EVERY
def test_a_session_scores_a_fleet_as_its_kind(kind):
    session = hw.Session(hw.Fleet(lambda: kind.make({"seed": 1}), key="c"))
    y = answers(kind, ROWS)
    if y is None:
        session.step(ROWS)
    else:
        session.step(ROWS, y)
    record = session.finish()
    assert record.scored + record.unscored == 400
    alone = hw.Session(kind.make({"seed": 1}))
    alone.step(ROWS, *([] if y is None else [y]))
    assert record.names == alone.record().names


def test_members_may_have_a_memory_or_read_words():
    for settings in ({"memory": 4}, {"text": "words"}):
        fleet = hw.Fleet(hw.Regressor(seed=1, **settings), key="c")
        fleet.step_many(ROWS[:60], [row["a"] for row in ROWS[:60]])
        assert (len(fleet), fleet.n_learned) == (3, 60)


def test_anybodys_model_may_be_a_member():
    fleet = hw.Fleet(Mean, key="c")
    found = hw.evaluate(fleet, [(row, float("xyz".index(row["c"]))) for row in ROWS])
    assert found.record.scores["mae"] < 0.02
    assert fleet["z"].model.mean == 2.0
    with pytest.raises(ConfigError, match="learn_one takes w"):
        fleet.step_many(ROWS[:1], [1.0], [2.0])


def test_rows_without_a_key_or_beyond_the_most_keys_are_refused_and_counted():
    fleet = hw.Fleet(Mean, key="c", max_keys=2)
    fleet.step_many([{"c": "a"}, {"c": None}, {"a": 1}, {"c": "b"}, {"c": "d"}, {"c": [1]}], [1.0] * 6)
    assert (len(fleet), fleet.n_learned, fleet.rejected) == (2, 2, {"key": 3, "keys": 1})
    assert fleet.predict_one({"c": "d"}) == 0.0


@EVERY
def test_a_file_a_copy_and_a_store_go_on_to_the_bit(kind, tmp_path):
    fleet, y = taught(kind), answers(kind, ROWS)
    fleet.save(tmp_path / "f.hw")
    again = hw.load(tmp_path / "f.hw", hw.Fleet)
    assert isinstance(fleet, hw.Fleet)
    assert (type(again), again.key, len(again), again.rejected) == (MemberFleet, "c", 3, fleet.rejected)
    for other in (again, copy.deepcopy(fleet), pickle.loads(pickle.dumps(fleet))):
        assert fingerprint(other) == fingerprint(fleet)
        other.step_many(ROWS[120:150], None if y is None else y[120:150])
        assert other.n_learned == 150
    assert fleet.n_learned == 120
    with hw.open(tmp_path / "f.db", hw.Fleet(lambda: kind.make({"seed": 1}), key="c")) as store:
        store.teach(ROWS[:60], None if y is None else y[:60])
        store.service._shut()  # as a killed process ends: no snapshot
    with hw.open(tmp_path / "f.db") as store:
        store.teach(ROWS[60:120], None if y is None else y[60:120])
        assert [fingerprint(store.learner[key]) for key in "xyz"] == [fingerprint(fleet[key]) for key in "xyz"]


@EVERY
def test_it_is_explained_measured_and_diagnosed_through_its_members(kind):
    fleet, row = taught(kind), {name: value for name, value in ROWS[1].items() if name != "c"}
    assert str(fleet.explain_one(ROWS[1])) == str(fleet[ROWS[1]["c"]].explain_one(row))
    found = fleet.importance()
    own = [fleet[key].importance() for key in fleet]
    name, most = next(iter(found.items()))
    shares = [fleet[key].n_learned / 120 for key in fleet]
    assert most == pytest.approx(sum(one.get(name, 0.0) * share for one, share in zip(own, shares, strict=True)))
    assert fleet.diagnose().measures.members == 3
    with pytest.raises(DataError, match="a key that the fleet knows"):
        fleet.explain_one({"c": "never"})


def test_a_fleet_tells_of_the_key_that_is_far_behind_and_of_keys_with_few_rows():
    fleet = hw.Fleet(lambda: hw.Regressor(hidden=(4,), seed=1), key="c")
    rng = np.random.default_rng(1)
    noise = rng.normal(size=600) * 50
    rows = [{"c": "abcd"[i % 4], "x": float(i % 7)} for i in range(600)]
    fleet.learn_many(rows, [row["x"] + (noise[i] if row["c"] == "b" else 0.0) for i, row in enumerate(rows)])
    (finding,) = fleet.diagnose()
    assert (finding.name, finding.text.startswith("c b has an error of")) == ("key_far_behind", True)
    few = hw.Fleet(lambda: hw.Regressor(hidden=(4,), seed=1), key="c")
    few.learn_many([{"c": i, "x": 1.0} for i in range(20)], [1.0] * 20)
    assert few.diagnose().names == ["few_rows_a_key"]


def test_what_it_can_not_do_is_refused_in_one_sentence(tmp_path):
    fleet, anybodys = hw.Fleet(hw.Anomaly(seed=1), key="c"), hw.Fleet(Mean, key="c")
    for refused, said in (
        (lambda: anybodys.save(tmp_path / "f.hw"), "as their library does"),
        (lambda: hw.open(tmp_path / "f.db", anybodys), "as their library does"),
        (lambda: hw.Fleet(hw.Anomaly(), key="c", store=tmp_path / "f.db"), "expected no store"),
        (lambda: hw.Fleet(hw.Anomaly(), key=""), "the name of a column"),
        (lambda: hw.Fleet(fleet, key="d"), "Make one fleet, whose key"),
        (lambda: hw.Session(fleet, delay=3), "no delay"),
        (lambda: hw.Session(hw.Fleet(hw.Forecaster(), key="c"), delay=3), "Teach each value when its time comes"),
        (lambda: fleet.export_onnx(tmp_path / "f.onnx"), r"fleet\[key\].export_onnx"),
    ):
        with pytest.raises(ConfigError, match=said):
            refused()
    with pytest.raises(DataError, match="a key that the fleet knows"):
        fleet["never"]
    with pytest.raises(DataError, match="a fleet that has learned"):
        fleet.importance()


def test_late_labels_reach_the_member_that_was_asked():
    rows = [{"c": "ab"[i % 2], "x": float(i)} for i in range(40)]
    fleet = hw.Fleet(hw.Regressor(memory=2, seed=1), key="c")
    session = hw.Session(fleet, delay=4)
    session.step(rows, [float(i % 2) for i in range(40)])
    assert session.finish().scored == 40
    assert np.isfinite(fleet.predict_batch(rows).y_pred).all()


SEASON = [0.0, 3.0, 1.0, 5.0]


def shops(**settings):
    """Return a fleet of two series, one of which a column moves."""
    fleet = hw.Fleet(lambda: hw.Forecaster(horizon=4, season=4, **settings), "shop")
    for i in range(200):
        open_ = float(i % 3 > 0)
        rows = [{"shop": "a"}, {"shop": "b", "open": open_}]
        fleet.step_many(rows, [SEASON[i % 4], 10.0 * open_ + SEASON[i % 4]])
    return fleet


def test_each_key_of_a_fleet_of_forecasters_is_forecast_by_its_own_member():
    fleet = shops()
    ahead = [{"open": 1.0}, {"open": 0.0}]
    assert fleet.forecast("a", 3) == fleet["a"].forecast(3)
    assert fleet.forecast("b", 2, ahead) == fleet["b"].forecast(2, ahead)
    assert fleet.forecast_interval("a", 2, coverage=0.5) == fleet["a"].forecast_interval(2, coverage=0.5)
    assert np.allclose(fleet.forecast("a", 4), SEASON, atol=1e-6)


def test_one_question_forecasts_many_keys_and_names_each():
    fleet = shops()
    asked = fleet.ask([{"shop": "b", "open": 1.0}, {"shop": "a"}, {"shop": "b", "open": 0.0}], coverage=0.8)
    assert asked["shop"] == ["b"] * 2 + ["a"] * 4
    assert asked["ahead"] == [1, 2, 1, 2, 3, 4]
    assert asked["y_pred"] == fleet.forecast("b", 2, [{"open": 1.0}, {"open": 0.0}]) + fleet.forecast("a")
    assert list(zip(asked["low"], asked["high"], strict=True))[2:] == fleet.forecast_interval("a", coverage=0.8)
    assert (
        fleet.ask([{"shop": "a"}, {"shop": "a"}])["ahead"] == fleet.ask([{"shop": "a"}], horizon=2)["ahead"] == [1, 2]
    )


def test_times_ahead_of_several_keys_are_answered_where_their_rows_are():
    fleet = shops()
    rows = [{"shop": "b", "open": 1.0}, {"shop": "a"}, {"shop": "b", "open": 0.0}, {"shop": "a"}]
    asked = fleet.ask(rows)
    (a, b), (c, d) = fleet.forecast("a", 2), fleet.forecast("b", 2, [{"open": 1.0}, {"open": 0.0}])
    assert asked["shop"] == ["b", "a", "b", "a"]
    assert asked["ahead"] == [1, 1, 2, 2]
    assert asked["y_pred"] == [c, a, d, b]


def test_the_command_forecasts_the_keys_of_a_table_row_by_row(tmp_path, capsys):
    shops().save(tmp_path / "shops.hw")
    (tmp_path / "next.csv").write_text("shop,open\nb,1\na,\nb,0\na,\n")
    command = ["predict", str(tmp_path / "next.csv"), "--model", str(tmp_path / "shops.hw"), "--json"]
    assert main(command) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["row"], row["shop"], row["ahead"]) for row in said] == [
        (1, "b", 1),
        (2, "a", 1),
        (3, "b", 2),
        (4, "a", 2),
    ]
    expected = shops().ask([{"shop": "b", "open": 1.0}, {"shop": "a"}, {"shop": "b", "open": 0.0}, {"shop": "a"}])
    assert [row["y_pred"] for row in said] == expected["y_pred"]
    assert main([*command, "--horizon", "3"]) == 2
    said = "expected 3 rows of shop b, one for each time ahead, got 2 — at horizon. Leave the horizon out: each series"
    assert capsys.readouterr().err.startswith(said)
    (tmp_path / "next.csv").write_text("shop\nb\na\n")
    assert main([*command, "--horizon", "3"]) == 2
    assert "expected a row for each of 6 times ahead, got 2 rows" in capsys.readouterr().err
    assert main(["predict", "--model", str(tmp_path / "shops.hw"), "--horizon", "3", "--json"]) == 0  # all keys
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["shop"], row["ahead"]) for row in said] == [(shop, i) for shop in "ab" for i in (1, 2, 3)]


def test_a_store_asks_a_fleet_of_forecasters_alike(tmp_path):
    with hw.open(tmp_path / "shops.db", shops()) as model:
        assert model.ask([{"shop": "a"}], horizon=3)["y_pred"] == model.forecast("a", 3) == shops().forecast("a", 3)
        assert model.forecast_interval("b", 2, [{"open": 1.0}] * 2) == shops().forecast_interval(
            "b", 2, [{"open": 1.0}] * 2
        )


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: shops().forecast("c"), DataError, "expected a key that the fleet knows, got 'c'"),
        (lambda: shops().forecast(["a"]), DataError, r"expected a key that the fleet knows, got \['a'\]"),
        (lambda: shops().forecast({"shop": "a"}), DataError, "expected a key that the fleet knows, got {'shop': 'a'}"),
        (lambda: shops()[["a"]], DataError, r"expected a key that the fleet knows, got \['a'\]"),
        (lambda: shops().score("c"), DataError, "expected a key that the fleet knows, got 'c'"),
        (lambda: shops().forecast("a", -1), ConfigError, "a whole number from 1 to 4, got -1"),
        (lambda: shops().forecast("a", 1, {"open": 1.0}), DataError, "a list with a dict for each time, got a dict"),
        (lambda: shops().ask([{"shop": "a"}, {}]), DataError, "in shop, the fleet's key, got None — at row 2"),
        (
            lambda: shops().learn_one(3.0, {"shop": "a"}),
            DataError,
            r"got 3.0, then a row — at x. Call learn_one\(x, y\)",
        ),
        (
            lambda: shops().step_many([{"shop": "a"}], [1.0, 2.0]),
            DataError,
            r"expected as many answers as rows \(1\), got 2",
        ),
        (lambda: shops().forecast("a", 5), ConfigError, "a horizon of at most 4"),
        (lambda: shops().ask(horizon=2), DataError, "expected rows, got none"),
        (lambda: hw.Fleet(hw.Classifier, "shop").forecast("a"), ConfigError, "forecasts a series"),
        (lambda: hw.Fleet(hw.Anomaly, "shop").forecast_interval("a"), ConfigError, "forecasts a series"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused_in_a_sentence(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_a_fleet_of_forecasters_that_forgets_learns_rows_and_their_values():
    fleet = hw.Expiring(hw.Fleet(lambda: hw.Forecaster(horizon=2, season=4), "shop"), 400)
    fleet.learn_many([{"shop": "a"}] * 40, SEASON * 10)
    assert fleet.n_learned == 40
    assert np.allclose(fleet.ask([{"shop": "a"}])["y_pred"], SEASON[:2], atol=1e-3)
