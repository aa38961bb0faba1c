"""``headwater decide`` as a user meets it: a table or JSON lines, a model that goes on, and what can't be."""

import csv
import json

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a command line in a folder with a log of 400 decisions: "news" earns 0.8, "music" 0.3."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    rng = np.random.default_rng(0)
    with open("log.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["hour", "shown", "clicked", "p"])
        for i in range(400):
            news = rng.random() < 0.25
            reward = int(rng.random() < (0.8 if news else 0.3))
            writer.writerow([i % 24, "news" if news else "music", reward, 0.25 if news else 0.75])

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


OPTIONS = ("--action", "shown", "--reward", "clicked", "--probability", "p")


def test_it_says_what_single_actions_and_an_even_draw_would_have_earned(run):
    status, out, err = run("decide", "log.csv", *OPTIONS, "--json")
    assert (status, err) == (0, "")
    said = {row["policy"]: row for row in map(json.loads, out.splitlines())}
    assert set(said) == {"logged", "even draw", "always news", "always music"}
    for name, truth in {"always news": 0.8, "always music": 0.3, "even draw": 0.55}.items():
        assert said[name]["low"] < truth < said[name]["high"]
        assert said[name]["value"] == pytest.approx(truth, abs=0.1)


def test_a_table_is_printed_and_a_model_goes_on(run):
    for _ in range(2):
        status, out, err = run("decide", "log.csv", *OPTIONS, "--model", "agent.hw")
        assert (status, err) == (0, "")
        assert "always news" in out
        assert "400 decisions" in out
    model = hw.load("agent.hw", hw.Bandit)
    assert (model.n_learned, sorted(model.actions)) == (800, ["music", "news"])
    assert model.predict_one({"hour": 5.0}) == "news"
    assert "a bandit that has learned 800 rows" in run("show", "agent.hw")[1]
    assert "Nothing found" in run("diagnose", "agent.hw")[1]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("--action", "show", "--reward", "clicked"), "a column show"),
        (("--action", "shown", "--reward", "click"), "click"),
        (("--action", "shown", "--reward", "clicked", "--probability", "hour"), "hour is not above 0 and at most 1"),
        (("--action", "shown", "--reward", "clicked", "--low", "2", "--high", "1"), "the lower one first"),
        (("--action", "shown", "--reward", "clicked", "--explore", "most"), "one of squarecb"),
    ],
)
def test_what_can_not_be_is_one_sentence(run, tokens, said):
    status, _, err = run("decide", "log.csv", *tokens)
    assert status == 2
    assert said in err
