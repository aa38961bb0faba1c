"""Learners with rolling aggregates: the same bits by every way in, in files and stores, and what they refuse."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import io
import json
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater.cli import main
from headwater.cluster.fleet import ShardedFleet
from headwater.errors import ConfigError, ModelFileError
from headwater.interop.device import export_device
from headwater.learner.settings.rolling import ROLLING_STATE
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, to_bytes
from headwater.store.model_file import unseal
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check

START = dt.datetime(2026, 1, 1)
ROLLING = hw.Rolling(
    "card", "at", over=("1h", "24h"), of={"amount": ("sum", "mean"), "shop": ("distinct", "since")}, max_events=50
)
KINDS = [hw.Classifier, hw.Regressor, hw.Anomaly]


def rows(n, start=0):
    """Rows of eight cards, some of which come late, and whether each is the card's fourth or later within the hour."""
    at = [97 * i - (i % 11 == 5) * 4000 for i in range(start, start + n)]
    return [
        {
            "card": f"c{i * i % 8}",
            "at": START + dt.timedelta(seconds=at[i - start]),
            "amount": float(i % 23),
            "shop": "xyz"[i % 3],
        }
        for i in range(start, start + n)
    ]


def labels(kind, X):
    late = [i * i % 5 > 1 for i in range(len(X))]
    return ["ab"[one] for one in late] if kind is hw.Classifier else [3.0 * one for one in late]


def made(kind, **settings):
    return kind(seed=1, rolling=ROLLING, **settings)


def teach(model, X):
    if isinstance(model, hw.Anomaly):
        model.learn_many(X)
    else:
        model.learn_many(X, labels(type(model), X))
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_rows_one_by_one_in_blocks_and_in_frames_give_the_same_bits(kind):
    X = rows(700)
    y, one = labels(kind, X), made(kind)
    for x, label in zip(X, y, strict=True):
        if kind is hw.Anomaly:
            one.score_one(x)
            one.learn_one(x)
        else:
            one.predict_one(x)
            one.learn_one(x, label)
    whole, frame, parts = teach(made(kind), X), teach(made(kind), pd.DataFrame(X)), made(kind)
    for start in range(0, 700, 100):
        parts.step_many(X[start : start + 100], y[start : start + 100])
    assert len({fingerprint(model) for model in (one, whole, frame, parts)}) == 1
    assert whole.rolling_counts_["keys"] == 3


def test_a_prediction_reads_the_columns_that_learning_reads():
    X = rows(400)
    model = teach(made(hw.Classifier), X[:-1])
    full = {**X[-1], **model.aggregates(X[-1])}
    assert model.predict_proba_one(full) == model.predict_proba_one(X[-1])
    assert list(model.aggregates(X[-1])) == list(ROLLING.columns)
    before = fingerprint(model)
    model.predict_many(X)
    assert fingerprint(model) == before
    assert {*X[-1], *ROLLING.columns} == {feature["name"] for feature in model.describe()["features"]}


def test_counts_of_the_last_hour_tell_what_the_row_alone_does_not():
    rng = np.random.default_rng(0)
    X = [{"card": int(card), "at": 60.0 * i} for i, card in enumerate(rng.integers(0, 20, 3000))]
    counts: dict[int, list[float]] = {}
    y = []
    for x in X:
        seen = counts.setdefault(x["card"], [])
        seen.append(x["at"])
        y.append(sum(x["at"] - at <= 3600 for at in seen) > 3)
    plain, rolling = (
        np.mean(hw.Classifier(seed=1, rolling=how).learn_many(X, y)[1000:] == np.array(y[1000:]))
        for how in (None, hw.Rolling("card", "at", over="1h"))
    )
    assert plain < 0.75
    assert rolling > 0.98


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("through", ["file", "pickle", "copy"])
def test_a_saved_learner_goes_on_to_the_same_bits(kind, through, tmp_path):
    X = rows(500)
    model = teach(made(kind), X[:300])
    if through == "file":
        model.save(tmp_path / "m.hw")
        other = hw.load(tmp_path / "m.hw")
    else:
        other = pickle.loads(pickle.dumps(model)) if through == "pickle" else copy.deepcopy(model)
    assert fingerprint(other) == fingerprint(model)
    assert repr(other) == repr(model)
    assert fingerprint(teach(other, X[300:])) == fingerprint(teach(model, X[300:]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_recovers_the_same_bits_from_its_journal(kind, tmp_path):
    X, alone = rows(400), made(kind)
    with hw.open(tmp_path / "m.db", made(kind), policy=RetentionPolicy(snapshot_every=150, keep_events=1000)) as model:
        teach(alone, X[:370])
        model.learn_many(X[:370], *([] if kind is hw.Anomaly else [labels(kind, X[:370])]))
        assert fingerprint(model.learner) == fingerprint(alone)
    with hw.open(tmp_path / "m.db") as model:
        assert fingerprint(model.learner) == fingerprint(alone)
    assert check(tmp_path / "m.db", LEARNER_FORMAT).problems == []


CHILD = """
import datetime as dt, sys
sys.path[:0] = sys.argv[2:]
import headwater as hw
from test_learners import made, rows
X = rows(300)
with hw.open(sys.argv[1], made(hw.Regressor)) as model:
    for i in range(model.seq, 300):
        model.learn_one(X[i], float(i % 5))
        print(i + 1, flush=True)
"""


def test_every_acknowledged_row_is_in_after_each_kill_and_the_aggregates_are_those_that_never_stopped(tmp_path):
    path, X = tmp_path / "m.db", rows(300)
    for die in (40, 150, 151, 260, 300):
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CHILD, str(path), str(__file__).rpartition("/")[0], *sys.path],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        acknowledged = next((int(line) for line in child.stdout if int(line) >= die), die)  # it learns on meanwhile
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=300)
        child.stdout.close()
        with hw.open(path) as model:
            alone = made(hw.Regressor)
            for i in range(model.seq):
                alone.learn_one(X[i], float(i % 5))
            assert model.seq >= acknowledged >= die
            assert fingerprint(model.learner) == fingerprint(alone)


def test_a_row_whose_label_is_late_counts_from_when_it_was_observed():
    X = rows(40)
    model = made(hw.Regressor)
    seen = [model.observe(x) for x in X]
    assert seen[-1]["card count 1h"] == sum(
        x["card"] == X[-1]["card"] and 0 <= (X[-1]["at"] - x["at"]).total_seconds() <= 3600 for x in X
    )
    for x, label in zip(seen, labels(hw.Regressor, X), strict=True):
        model.learn_one(x, label)
    assert model.rolling_counts_["events"] == 40
    assert model.aggregates(X[-1])["card count 1h"] == seen[-1]["card count 1h"] + 1


def test_a_session_with_delayed_labels_counts_rows_when_they_come():
    X = rows(300)
    model, prompt = made(hw.Classifier), made(hw.Classifier)
    for x, y in zip(X, labels(hw.Classifier, X), strict=True):
        prompt.learn_one(x, y)
    hw.Session(model, delay=100).run(zip(X, labels(hw.Classifier, X), strict=True))
    assert model.rolling_counts_ == prompt.rolling_counts_
    assert model.aggregates(X[-1]) == prompt.aggregates(X[-1])


def test_rows_that_are_refused_do_not_enter():
    model = made(hw.Regressor)
    with pytest.warns(hw.errors.RefusedRow):
        model.learn_many(rows(3), [1.0, None, 2.0])
    assert model.rolling_counts_["events"] == 2


def test_explanations_and_the_sample_of_the_diagnosis_have_the_columns_that_the_learner_read():
    X = rows(400)
    model = teach(made(hw.Classifier), X)
    why = model.explain_one(X[-1])
    assert why.values["amount sum 24h"] == model.aggregates(X[-1])["amount sum 24h"]
    assert set(ROLLING.columns) <= set(model.importance())
    kept = model.sample.rows[-1]
    again = teach(made(hw.Classifier), X[: kept.row - 1])
    assert {name: kept.x[name] for name in ROLLING.columns} == again.aggregates(X[kept.row - 1])
    score = teach(made(hw.Anomaly), X).explain_one(X[-1])
    assert "amount mean 1h" in score.values


def changed(state, name, array):
    return state | {name: array}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: changed(s, "rolling_events", s["rolling_events"][::-1].copy()),
        lambda s: changed(s, "rolling_events", s["rolling_events"][:, :2].copy()),
        lambda s: changed(s, "rolling_ends", s["rolling_ends"] - 1),
        lambda s: changed(s, "rolling_ends", s["rolling_ends"].astype(np.float64)),
        lambda s: changed(s, "rolling_keys", np.zeros_like(s["rolling_keys"])),
        lambda s: changed(s, "rolling_counts", -1 - s["rolling_counts"]),
        lambda s: changed(s, "rolling_counts", s["rolling_counts"][:2]),
        lambda s: {name: array for name, array in s.items() if name != "rolling_keys"},
    ],
)
def test_a_state_that_can_not_be_is_refused(change):
    model = teach(made(hw.Regressor), rows(100))
    with pytest.raises((ValueError, KeyError)):
        model.new_engine(change(model.engine.state()))
    assert set(ROLLING_STATE) <= set(model.engine.state())


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, monkeypatch):
    model = teach(made(hw.Regressor), rows(100))
    state = model.engine.state()
    monkeypatch.setattr(
        type(model.engine), "state", lambda self, without=(): changed(state, "rolling_ends", state["rolling_ends"] - 1)
    )
    model.save(tmp_path / "m.hw")
    with pytest.raises(ModelFileError, match="rolling_events"):
        hw.load(tmp_path / "m.hw")


def export(model, path, *forms):
    model.save(path / "m.hw")
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert main(["export", str(path / "m.hw"), str(path / "out"), *forms]) == 2
    raise ConfigError(expected=said.getvalue(), got="", at="", help="")


DOORS = {
    "onnx": lambda model, path: model.export_onnx(path / "m.onnx"),
    "device": lambda model, path: export_device(model, path / "c"),
    "export --c": lambda model, path: export(model, path, "--c"),
    "export --web": lambda model, path: export(model, path, "--web"),
    "export --web --no-learning": lambda model, path: export(model, path, "--web", "--no-learning"),
    "Fleet(store=)": lambda model, path: hw.Fleet(model, key="card", store=path / "f.db"),
    "Fleet(resident=)": lambda model, path: hw.Fleet(model, key="card", store=path / "f.db", resident=2),
    "ShardedFleet": lambda model, path: ShardedFleet(model, "card", path / "f", shards=2, address=False),
}


@pytest.mark.parametrize("door", DOORS)
def test_doors_that_take_the_net_alone_say_what_to_do_instead(door, tmp_path):
    model = teach(made(hw.Classifier), rows(100))
    with pytest.raises(ConfigError, match=r"without rolling, and give the aggregates as columns of the rows") as said:
        DOORS[door](model, tmp_path)
    assert ("hw.open(path, hw.Fleet(make, key))" in str(said.value)) == ("Fleet" in door)
    assert [name for name in tmp_path.iterdir() if name.name != "m.hw"] == []


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs")
def test_javascript_refuses_a_model_whose_columns_are_made_of_earlier_rows(tmp_path):
    model = teach(made(hw.Classifier), rows(100))
    header = json.dumps(unseal(to_bytes(model), "m.hw").header)
    module = Path(__file__).parents[3] / "js" / "file" / "model.mjs"
    script = f'import {{ modelParts }} from "{module.as_uri()}"; modelParts({header}, new Map(), {{ arrays: [] }});'
    done = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "expected a model without rolling, got rolling — at settings. Use headwater serve." in done.stderr


def test_a_file_of_a_learner_without_rolling_is_the_one_of_before():
    assert "rolling" not in unseal(to_bytes(hw.Classifier()), "m.hw").header["settings"]


def test_a_learner_without_rolling_says_how_to_make_one_with_it():
    for ask in (hw.Regressor().aggregates, hw.Regressor().observe, hw.Forecaster().aggregates):
        with pytest.raises(ConfigError, match=r"expected a learner with rolling, got \w+ without it"):
            ask({"card": "a"})
    with pytest.raises(ConfigError, match="a Rolling, or None"):
        hw.Classifier(rolling="1h")
    assert hw.Regressor().rolling_counts_ == {}


def test_members_of_a_fleet_each_have_their_own():
    fleet = hw.Fleet(lambda: hw.Regressor(seed=1, rolling=hw.Rolling(None, "at", over="24h")), key="card")
    for x in rows(60):
        fleet.learn_one(x, 1.0)
    own = fleet["c1"]
    assert own.rolling_counts_["events"] == sum(x["card"] == "c1" for x in rows(60))
