"""What one renderer draws of the pictures that kinds declare: bars, lines and histograms, with their numbers."""

import io

import pytest

import headwater as hw
from headwater.errors import DataError
from headwater.interop.notebook import representation
from headwater.learner.schema.pictures import Bars, Histogram, Line, Lines
from headwater.plot.pictures import drawn
from headwater.route.curve import POINTS


def test_bars_have_their_numbers_beside_them_and_two_sets_share_a_row():
    fig = drawn(
        [Bars("a", {"x": 0.5, "y": -2.0}, beside={"x": "3 times"}), Bars("b", {"z": 0.25}, percent=True)], "head"
    )
    left, right = fig.axes
    assert [bar.get_width() for bar in left.patches] == [-2.0, 0.5]  # the first on top
    assert [text.get_text() for ax in fig.axes for text in ax.texts] == ["-2", "0.5 · 3 times", "25.0 %"]
    fig.savefig(io.BytesIO())
    assert left.get_position().y1 == pytest.approx(right.get_position().y1, abs=0.02)


def test_lines_with_an_axis_at_the_right_are_named_together():
    fig = drawn(
        [Lines("t", "rows", "", (Line("a", [1, 2], [3.0, 4.0]), Line("b", [1, 2], [0.1, 0.2], right=True)), right="b")]
    )
    ax, beside = fig.axes
    assert [line.get_ydata().tolist() for line in (*ax.lines, *beside.lines)] == [[3.0, 4.0], [0.1, 0.2]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_a_picture_of_nothing_says_so():
    fig = drawn([Histogram("scores", "score", ()), Lines("t", "x", "y", ()), Bars("b", {}, empty="No rows kept yet.")])
    assert [ax.texts[0].get_text() for ax in fig.axes] == [
        "Nothing learned yet.",
        "Nothing learned yet.",
        "No rows kept yet.",
    ]


def test_a_forecaster_draws_what_it_forecasts_and_the_bounds():
    model = hw.Forecaster(horizon=3, season=4)
    model.learn_many([float(i % 4) for i in range(100)])
    ax = model.plot().axes[0]
    past, ahead = ax.lines
    assert past.get_ydata()[-1] == 3.0
    assert ahead.get_ydata().tolist() == pytest.approx(model.forecast())
    assert len(ax.collections) == 2
    with pytest.raises(DataError, match="a list of a dict a time"):
        model.plot({"a": 1.0})


def test_an_anomaly_model_draws_the_score_above_which_an_alarm_is_given():
    model = hw.Anomaly(seed=1)
    model.learn_many([{"x": float(i % 97)} for i in range(1_500)])
    fig = model.plot({"x": 5_000.0})
    alarm, row = (line.get_xdata()[0] for line in fig.axes[1].lines)
    assert row == pytest.approx(model.explain_one({"x": 5_000.0}).prediction)
    assert row > alarm
    assert model.is_anomaly_one({"x": 5_000.0})


def test_a_session_keeps_no_more_points_than_a_curve_has():
    session = hw.Session(hw.Regressor((4,), seed=1), every=1)
    session.run(({"a": i % 7}, float(i % 7)) for i in range(POINTS + 50))
    assert session.curve[-1].rows == POINTS + 50
    assert len(session.curve) <= POINTS
    assert f"{POINTS + 50} rows predicted" in session._repr_html_()


def test_without_matplotlib_bars_are_tables(monkeypatch):
    model = hw.Bandit(seed=1)
    for i in range(40):
        model.learn({"a": 1.0}, "left", float(i % 2), 1.0)
    monkeypatch.setattr(representation, "find_spec", lambda name: None)
    page = model._repr_html_()
    assert "<svg" not in page
    assert "<td>left</td><td>0.5000</td><td>40 times</td>" in page


def test_a_fleet_draws_its_worst_key_first_and_a_member_by_its_key():
    fleet = hw.Fleet(lambda: hw.Regressor((4,), seed=1), key="k")
    fleet.learn_many(
        [{"k": i % 2, "a": i % 5} for i in range(400)], [float((i % 5) * (1 + 50 * (i % 2))) for i in range(400)]
    )
    ax = fleet.plot().axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1"]  # from below, so the worst is on top
    assert fleet.plot({"k": 1}).axes[0].get_title(loc="left") == "what matters"
    with pytest.raises(DataError, match="a key that the fleet knows"):
        fleet.plot({"k": 7})
