"""Challengers of a durable bandit: who leads is said with an interval, alike in Python, over HTTP and by the command."""

import json
import random

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, HeadwaterError

NAMES = ["a", "b", "c"]


def taught(path, n, *, explore=0.6, champion=None):
    """Fill a store whose champion takes a without context, while the challenger learns that b is right in the evening."""
    draw = random.Random(4)
    with hw.open(path, champion or hw.Bandit(seed=1, explore="epsilon", amount=explore)) as store:
        store.challenge("small", hw.Bandit(seed=2, hidden=8))
        rows, decisions = [], []
        for i in range(n):
            varied = draw.random() < explore
            action = draw.choice(NAMES) if varied else "a"
            p = explore / 3 + (1 - explore) * (action == "a")
            mean = 0.8 if action == "ab"[i % 2] else 0.2
            rows.append({"evening": float(i % 2)})
            decisions.append([action, float(draw.random() < mean), p, NAMES])
        store.learn_many(rows, decisions)
    return path


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("explored") / "shop.db", 1_200)


@pytest.fixture(scope="module")
def unexplored(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("unexplored") / "shop.db", 300, explore=0.01)


def test_the_lead_is_the_mean_of_the_differences_row_by_row_with_their_standard_error(explored):
    with hw.open(explored) as store:
        about = store.challengers["small"]
        window = list(store._model.live[1].scores._window)
        assert store.scores["interval"][0] < store.scores["model"]["mean_reward"] < store.scores["interval"][1]
    assert about["n_learned"] == 1_200
    assert about["scores"]["window"]["n"] == len(window) == 1_000
    gains = [
        row.expected + row.share / row.p * (row.reward - row.rewards.get(row.action, row.reward)) - row.reward
        for row in window
    ]
    error = 1.96 * np.std(gains, ddof=1) / 1_000**0.5
    lead = about["lead"]["recent"]
    assert lead["interval"] == pytest.approx([np.mean(gains) - error, np.mean(gains) + error])
    assert (lead["state"], lead["n"], lead["explored"], lead["wait"]) == ("better", 1_000, True, None)
    assert about["lead"]["overall"]["n"] == 1_200
    recent, overall = about["said"]["en"]
    assert recent.startswith("Last 1,000 decisions: better than “champion” by 0.")
    assert overall.startswith("All 1,200 decisions: better than “champion” by 0.")
    assert about["said"]["zh"][0].startswith("最近 1,000 次决策：比“champion”好 0.")


def test_the_command_says_the_same_in_both_languages_and_changes_nothing(explored, capsys):
    before = explored.read_bytes()
    with hw.open(explored) as store:
        about = store.challengers["small"]
    assert main(["store", "challengers", str(explored)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "default: 1 challenger."
    assert said.splitlines()[1].startswith("  small: 1,200 rows learned; mean reward 0.")
    assert [line.strip() for line in said.splitlines()[2:]] == about["said"]["en"]
    assert main(["store", "challengers", str(explored), "--language", "zh"]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[2:]] == about["said"]["zh"]
    assert main(["store", "challengers", str(explored), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"default": [{"name": "small", **json.loads(json.dumps(about))}]}
    assert main(["store", "challengers", str(explored), "--model", "other"]) == 2
    assert "expected a model" in capsys.readouterr().err
    assert explored.read_bytes() == before


def test_the_dossier_says_of_each_challenger_whether_it_leads(explored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for language, words in (("en", "better than “champion” by 0."), ("zh", "比“champion”好 0.")):
        assert main(["dossier", str(explored), "--out", "d.html", "--language", language]) == 0
        assert words in (tmp_path / "d.html").read_text(encoding="utf-8")


def test_where_the_champion_explored_too_little_nobody_is_better_and_it_is_said_what_to_do(unexplored, capsys):
    assert main(["store", "challengers", str(unexplored)]) == 0
    said = capsys.readouterr().out
    assert "“champion” explored too little to tell" in said
    assert 'Let it explore more, for example with explore="epsilon", amount=0.2' in said
    assert "better than “champion”" not in said
    with hw.open(unexplored) as store:
        lead = store.challengers["small"]["lead"]["overall"]
    assert lead["state"] == "unexplored"
    assert lead["interval"][0] < 0 < lead["interval"][1]


def test_a_challenger_is_promoted_and_dropped_in_python_and_of_other_kinds_no_lead_is_said(tmp_path):
    with hw.open(tmp_path / "m.db", hw.Classifier(seed=1)) as store:
        store.challenge("wide", hw.Classifier(seed=2, hidden=[32]))
        for i in range(40):
            store.learn_one({"a": float(i % 5)}, "xy"[i % 2])
        about = store.challengers["wide"]
        assert (about["n_learned"], about["lead"], about["said"]) == (40, None, {"en": [], "zh": []})
        assert "interval" not in about["scores"]
        store.promote("wide")
        assert list(store.challengers) == ["champion"]
        assert list(store.learner.hidden) == [32]
        store.drop("champion")
        assert store.challengers == {}
        with pytest.raises(HeadwaterError, match="a learner of model default"):
            store.promote("gone")
        with pytest.raises(ConfigError, match="a challenger that can classify"):
            store.challenge("other", hw.Regressor())


def test_a_store_that_ends_goes_on_with_the_same_leads(tmp_path):
    path = taught(tmp_path / "a.db", 120)
    with hw.open(path) as store:
        before = store.challengers
        store.learn({"evening": 1.0}, "b", 1.0, 0.2, NAMES)
        after = store.challengers
    with hw.open(path) as store:
        assert store.challengers == after != before
