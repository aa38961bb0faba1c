"""The accuracy benchmark measures what it says: every learner meets the same rows, and no answer before it is due."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest
from benchmarks import report
from benchmarks.accuracy import kept, run, table
from benchmarks.accuracy.conditions import CONDITIONS, applies
from benchmarks.accuracy.learners import guess, ours
from benchmarks.accuracy.plan import ENTRANTS, entries
from benchmarks.accuracy.scores import calibration_error, scores
from benchmarks.accuracy.streams import SOURCES, Stream, read
from benchmarks.accuracy.walk import Walk, walk
from sklearn.metrics import cohen_kappa_score, log_loss

import headwater as hw
from headwater.route.session import Session

FLIGHTS = (
    "month,day,sched_dep_time,sched_arr_time,carrier,flight,tailnum,origin,dest,distance,hour,minute,target\n"
    "1,1,600,700,UA,1,N1,EWR,BOS,75,6,0,1\n"  # lands at 6:40
    "1,1,630,900,B6,2,N2,JFK,IAH,1500,6,30,0\n"  # lands at 10:20
    "1,1,620,700,UA,1,,EWR,BOS,75,6,20,1\n"  # left after the second one, so at 6:30 at the soonest: lands at 7:10
    "1,1,645,800,UA,3,N1,EWR,BOS,75,6,45,0\n"
    "1,1,720,800,UA,3,N1,EWR,BOS,75,7,20,0\n"
    "1,2,600,800,UA,3,N1,EWR,BOS,75,6,0,1\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with tiny streams under the names of the real ones."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 8)).round(3)
    answers = np.where(X[:, 0] + X[:, 1] > 0, "UP", "DOWN")
    lines = [",".join([*map(str, x), y]) for x, y in zip(X.tolist(), answers, strict=True)]
    head = "date,day,period,nswprice,nswdemand,vicprice,vicdemand,transfer,target"
    lines[4] = lines[4].replace(lines[4].split(",")[1], "?", 1)
    texts = {
        "elec2": "\n".join([head, *lines]) + "\n",
        "nycflights13_delayed": FLIGHTS,
        "metro_traffic": "holiday,temp,date_time,weather_main,weather_description,target\n"
        "None,288.5,2012-10-02 09:00:00,Clouds,few,5545\nNone,,2012-10-07 10:00:00,Rain,few,10\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("HEADWATER_DATA", str(tmp_path))
    return tmp_path


def stream_of(n=400, k=3, d=5, seed=0, due=None, task="classify") -> Stream:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, -1] = rng.integers(0, 4, n)
    y = rng.integers(0, k, n) if task == "classify" else X[:, 0] * 3 + rng.normal(size=n)
    due = np.arange(n) if due is None else due
    classes = tuple("abcdefg"[:k]) if task == "classify" else ()
    return Stream(task, tuple(f"c{j}" for j in range(d)), X, {d - 1: ("p", "q", "r", "s")}, y, y, classes, due)


class Diary:
    """A learner that writes down what happens to it."""

    def __init__(self):
        self.days = []

    def predict(self, i):
        self.days.append(("predict", i))

    def learn(self, i):
        self.days.append(("learn", i))

    def step(self, i):
        self.predict(i)
        self.learn(i)


def test_rows_are_read_with_names_as_codes_and_gaps_as_nan(folder):
    elec, metro = read("elec2"), read("metro_traffic")

    assert elec.X.shape == (300, 8)
    assert np.argwhere(np.isnan(elec.X)).tolist() == [[4, 1]]
    lines = gzip.decompress((folder / "elec2.csv.gz").read_bytes()).decode().split()
    assert [elec.classes[code] for code in elec.y] == [line.split(",")[-1] for line in lines[1:]]
    words = {"holiday": "None", "weather_main": "Rain", "weather_description": "few"}  # and no temp
    assert metro.dicts()[1] == words | {"year": 2012.0, "month": 10.0, "day": 7.0, "weekday": 6.0, "hour": 10.0}
    assert metro.y.tolist() == [5545.0, 10.0]


def test_a_flight_is_answered_once_it_has_landed(folder):
    # row 3 departs at 6:45, so the first flight has landed before it; row 4 at 7:20, after the third one has
    assert read("nycflights13_delayed").due.tolist() == [2, 4, 3, 4, 4, 5]


@pytest.mark.parametrize("limit", [1, 7, 300])
def test_a_limit_takes_the_first_rows(folder, limit):
    assert np.array_equal(read("elec2", limit).X, read("elec2").X[:limit], equal_nan=True)


def test_harm_is_the_same_for_everyone_and_spares_names():
    stream = stream_of(4000)
    for name in ("scaled", "missing", "outliers", "noise"):
        first, second = (CONDITIONS[name](stream) for _ in range(2))
        assert np.array_equal(first.X, second.X, equal_nan=True), name
        assert np.array_equal(first.y, second.y), name
        assert np.array_equal(first.truth, stream.truth), name
        if name != "missing":
            assert np.array_equal(first.X[:, -1], stream.X[:, -1]), name
    assert np.isnan(CONDITIONS["missing"](stream).X).mean() == pytest.approx(0.01, abs=0.003)
    wild = CONDITIONS["outliers"](stream).X[:, :-1] / stream.X[:, :-1]
    assert set(np.unique(wild.round(3))) == {1.0, 1e6}
    assert (wild > 2).mean() == pytest.approx(0.01, abs=0.003)
    factors = CONDITIONS["scaled"](stream).X[:, :-1] / stream.X[:, :-1]
    assert np.ptp(factors, axis=0) == pytest.approx(0, abs=1e-6 * factors.max())
    assert np.ptp(np.log10(factors[0])) > 1


def test_noise_changes_a_tenth_of_what_is_learned_to_something_else():
    stream = stream_of(4000)
    noisy = CONDITIONS["noise"](stream)
    assert (noisy.y != stream.y).mean() == pytest.approx(0.1, abs=0.02)
    assert noisy.y.max() < 3
    assert (CONDITIONS["noise"](stream_of(4000, task="regress")).y != stream_of(4000, task="regress").y).any()


def test_a_late_class_is_unseen_in_the_first_half():
    stream = stream_of(1000, due=np.arange(1000) + 7)
    late = CONDITIONS["late-class"](stream)
    second = np.argsort(-np.bincount(stream.y))[1]
    first_seen = np.flatnonzero(late.y == second)[0]
    assert len(late.y) == 1000 - np.sum(stream.y[:500] == second)
    assert np.array_equal(late.X[first_seen:], stream.X[-(len(late.y) - first_seen) :])
    assert (late.due >= np.arange(len(late.y))).all()
    assert (late.due[-7:] >= len(late.y) - 7).all()
    assert not applies("late-class", "classify", 2)
    assert not applies("late-class", "regress", 3)


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_a_walk_learns_each_answer_right_after_it_is_due(rows):
    stream = stream_of(150)
    stream = CONDITIONS[f"delay{rows}"](stream) if rows else stream
    diary = Diary()
    assert walk(diary, stream, 60).rows == 150
    assert [i for what, i in diary.days if what == "predict"] == list(range(150))
    assert [i for what, i in diary.days if what == "learn"] == list(range(150 - rows))
    for i in range(150 - rows):
        assert diary.days.index(("learn", i)) == diary.days.index(("predict", i + rows)) + 1


def test_a_walk_ends_at_its_cap():
    class Slow(Diary):
        def step(self, i):
            total = sum(range(20_000))
            assert total

    done = walk(Slow(), stream_of(100_000), 0.05)
    assert 0 < done.rows < 100_000
    assert done.rows % 32 == 1


@pytest.mark.parametrize("kind", ["at once", "late", "uneven"])
def test_headwaters_calls_are_the_same_walk(kind):
    rng = np.random.default_rng(5)
    late = {"at once": 0, "late": 40, "uneven": rng.integers(0, 30, 500)}[kind]
    stream = stream_of(500, due=np.arange(500) + late)
    wanted = Diary()
    walk(wanted, stream, 60)
    days = []
    for learned, asked in ours.jobs(stream.due):
        assert not learned or not asked or len(learned) == len(asked)
        for j in range(max(len(learned), len(asked))):
            days += [("predict", asked[j])] if asked else []
            days += [("learn", learned[j])] if learned else []
    assert days == wanted.days


@pytest.mark.parametrize("delay", [0, 30])
def test_headwaters_walk_scores_what_its_session_scores(delay):
    X = np.random.default_rng(1).normal(size=(600, 4))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 1)
    stream = Stream("classify", tuple("abcd"), X, {}, y, y, ("0", "1", "2"), np.arange(600) + delay)
    got = scores(stream, ours.make("headwater", stream, 2).walk(60))
    record = Session(hw.Classifier(seed=2), delay=delay).run((X, y))
    # The benchmark counts a row without a prediction as wrong; a session doesn't score what was asked before any class was known.
    assert got["accuracy"] * len(y) == pytest.approx(record.scores["accuracy"] * record.scored, abs=1e-3)


def test_headwaters_walk_over_names_gives_numbers_for_a_regression():
    stream = stream_of(300, task="regress")
    done = ours.make("headwater-fast", stream, 1).walk(60)
    assert np.isfinite(done.out).all()
    assert scores(stream, done)["mae"] < np.abs(stream.y).mean()


def test_scores_are_the_fields():
    stream = stream_of(500)
    rng = np.random.default_rng(2)
    proba = rng.dirichlet([1, 1, 1], 500)
    got = scores(stream, Walk(proba, 500, 1.0, 1.0))
    y_pred = proba.argmax(axis=1)
    assert got["accuracy"] == np.mean(y_pred == stream.y)
    assert got["kappa"] == pytest.approx(cohen_kappa_score(stream.y, y_pred))
    assert got["log_loss"] == pytest.approx(log_loss(stream.y, proba))
    again = np.mean(np.r_[False, stream.y[1:] == stream.y[:-1]])
    assert got["kappa_temporal"] == pytest.approx((got["accuracy"] - again) / (1 - again))


def test_a_row_without_an_opinion_is_wrong():
    stream = stream_of(10)
    proba = np.eye(3)[stream.y]
    proba[:4] = np.nan
    assert scores(stream, Walk(proba, 10, 1.0, 1.0))["accuracy"] == 0.6


@pytest.mark.parametrize("condition", ["plain", "delay1", "delay100"])
def test_guessing_the_last_answer_is_no_better_than_itself(condition):
    stream = CONDITIONS[condition](stream_of(400))
    got = scores(stream, walk(guess.make("no-change", stream, 1), stream, 60))
    assert got["kappa_temporal"] == pytest.approx(0.0)


def test_calibration_error_is_the_gap_between_saying_and_being_right():
    assert calibration_error(np.full(100, 0.9), np.arange(100) < 90) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.9), np.arange(100) < 50) == pytest.approx(0.4)
    mixed = np.r_[np.full(50, 0.5), np.full(50, 1.0)]
    assert calibration_error(mixed, np.arange(100) < 25) == pytest.approx((25 - 25 + 50) / 100)


def test_intervals_are_scored_where_there_are_some():
    stream = stream_of(10, task="regress")
    done = Walk(stream.y + 1, 10, 1.0, 1.0, lower=stream.y - 1, upper=np.r_[stream.y[:7] + 3, stream.y[7:] - 0.5])
    got = scores(stream, done)
    assert got["mae"] == pytest.approx(1.0)
    assert got["coverage"] == pytest.approx(0.7)
    assert "coverage" not in scores(stream, Walk(stream.y, 10, 1.0, 1.0))


def test_every_entry_of_the_plan_can_be_named_and_none_comes_twice():
    ids = [entry.id for entry in entries()]
    assert len(ids) == len(set(ids))
    assert {id_.split("/")[0] for id_ in ids} == set(SOURCES)
    assert {id_.split("/")[2] for id_ in ids} == set(ENTRANTS)
    assert len([i for i in ids if i.startswith("elec2/plain/headwater/")]) == 5
    assert [e.id for e in entries(["elec2/plain/vw*/1"], ["*-nn/*"])] == ["elec2/plain/vw/1"]


def test_a_run_goes_on_where_the_last_one_stopped(folder, capsys):
    out = folder / "accuracy-test.json"
    asked = ["--out", str(out), "--rows", "250", "--cap", "100", "--only"]
    assert run.main([*asked, "elec2/plain/no-change/1", "elec2/delay100/average/1"]) == 0
    first = kept.load(out)["entries"]
    capsys.readouterr()
    assert run.main([*asked, "elec2/plain/no-change/1", "elec2/plain/headwater/1"]) == 0
    entries_now = kept.load(out)["entries"]

    assert re.findall(r"^\S+", capsys.readouterr().out, re.MULTILINE) == ["elec2/plain/headwater/1"]
    assert {id_: entries_now[id_] for id_ in first} == first
    own = entries_now["elec2/plain/headwater/1"]
    assert own["rows"] == own["of"] == 250
    assert own["scores"]["accuracy"] > 0.75
    assert own["us_per_row"] > 0
    assert own["versions"]["headwater"] == hw.__version__


def test_a_learner_that_dies_or_dawdles_has_an_entry_that_says_so(folder, monkeypatch):
    out = folder / "accuracy-test.json"
    monkeypatch.setitem(SOURCES, "elec2", SOURCES["outdoor"])  # a file that isn't there, for the runner only
    (folder / "outdoor.csv.gz").write_bytes(b"")
    (folder / "elec2.csv.gz").write_bytes(b"no table")
    assert run.main(["--out", str(out), "--rows", "9", "--only", "elec2/plain/no-change/1"]) == 1
    assert "gzip" in kept.load(out)["entries"]["elec2/plain/no-change/1"]["error"]


def test_missing_data_and_short_runs_without_a_file_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEADWATER_DATA", str(tmp_path))
    assert run.main(["--only", "elec2/plain/no-change/1", "--out", str(tmp_path / "r.json")]) == 2
    assert "expected elec2.csv.gz in the folder that HEADWATER_DATA names" in capsys.readouterr().err
    assert run.main(["--rows", "5"]) == 2
    assert "expected --out with --rows" in capsys.readouterr().err


def results() -> dict:
    """A result file by hand."""

    def entry(us=10.0, **found):
        package = {"headwater": "0.9"}
        return {
            "rows": 45312,
            "of": 45312,
            "us_per_row": us,
            "versions": package,
            "scores": found,
            "date": "2026-01-01",
        }

    own = {f"elec2/plain/headwater/{s}": entry(accuracy=0.92 + s / 100, ece=0.01) for s in (1, 2, 3)}
    return {
        "machine": {"cpu": "a processor"},
        "entries": own
        | {
            "elec2/plain/no-change/1": entry(0.5, accuracy=0.853),
            "elec2/plain/moa-arf/1": entry(1000.0, accuracy=0.9),
            "elec2/plain/vw/1": entry(30.0, accuracy=0.905),
            "elec2/plain/moa-srp/1": {"unfinished": "not finished within 5 s", "date": "2026-01-01"},
            "elec2/outliers/headwater/1": entry(accuracy=0.935),
            "metro_traffic/plain/headwater/1": entry(mae=200.0, coverage=0.9),
            "metro_traffic/plain/moa-arf/1": entry(100.0, mae=400.0),
        },
    }


def test_the_tables_say_what_the_results_say():
    text = table.render("0.9", results())
    assert "| elec2 | 85.3 | 90.0 | 90.5 (VW) | **94.0** ± 1.0 | +3.5 |" in text
    assert "| headwater against it (streams) | +8.7 (1) | +4.0 (1) |" in text
    assert "| mean rank among all | 4.0 | 3.0 | | **1.0** | |" in text
    assert re.search(r"\| time a row, × headwater's \| 0\.05× \| 100× \|", text)
    assert "| metro_traffic | 400 | – | **200** | 0.50 |" in text
    assert "| outliers | +0.5, worst +0.5 (1) | – | – |" in text
    assert "SRP (not finished within 5 s)" in text
    assert "Expected calibration error of headwater: elec2 0.010." in text
    assert "metro_traffic 90.0%" in text


def test_a_file_of_results_has_the_versions_once_and_gives_back_what_was_kept(tmp_path):
    one, other = {"python": "3.11", "river": "1"}, {"python": "3.12"}
    entries_ = {
        "a": {"rows": 1, "versions": one},
        "b": {"error": "no"},
        "c": {"versions": other},
        "d": {"versions": one},
    }
    whole = {"machine": {"cpu": "x"}, "entries": entries_}
    kept.save(tmp_path / "a.json", whole)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert kept.load(tmp_path / "a.json") == whole
    assert text.count("river") == 1
    assert '  "a": {"rows":1,"versions":0},\n  "b": {"error":"no"},\n' in text


def test_ranks_share_the_places_of_equals():
    assert table.rank("classify", {"a": 0.9, "b": 0.8, "c": 0.9}) == {"a": 1.5, "b": 3.0, "c": 1.5}
    assert table.rank("regress", {"a": 9, "b": 8}) == {"a": 2.0, "b": 1.0}


def test_the_report_writes_between_its_markers_only(tmp_path, capsys):
    page, found = tmp_path / "README.md", tmp_path / "accuracy-0.9.json"
    kept.save(found, results())
    page.write_text("before\n<!-- bench:accuracy -->\nold\n<!-- /bench:accuracy -->\nafter\n")
    assert report.main(["--only", "accuracy", "--accuracy", str(found), str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- bench:accuracy -->\n**Accuracy in percent, answers at once**")
    assert text.endswith("<!-- /bench:accuracy -->\nafter\n")
    assert "old" not in text
    assert table.latest(tmp_path) == found
    page.write_text("no markers")
    assert report.main(["--only", "accuracy", "--accuracy", str(found), str(page)]) == 2
    assert "expected the markers" in capsys.readouterr().err
