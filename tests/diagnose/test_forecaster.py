"""A diagnosis of a forecaster says what its state shows, and nothing of an ordinary series."""

import json
import math

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.diagnose import diagnose
from headwater.errors import DataError
from headwater.store.learner_file import fingerprint


def series(n, season=24, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(2 * np.pi * np.arange(n) / season) + noise * rng.normal(size=n)


def taught(answers, **settings):
    model = hw.Forecaster(horizon=4, **{"season": 24, **settings})
    model.learn_many(answers)
    return model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [120, 700, 2_500])
@pytest.mark.parametrize("trend", [0.0, 0.01])
def test_a_series_with_its_season_has_no_findings(n, seed, trend):
    found = diagnose(taught(series(n, seed=seed) + trend * np.arange(n)))
    assert found.names == []
    assert str(found) == f"Nothing found over {n:,} rows."


def cases():
    rng = np.random.default_rng(1)
    yield "constant_series", np.full(300, 7.0), {}, "last 177 answers"
    yield "season_without_use", rng.normal(size=1_000), {}, "differ as much as others"
    yield "season_without_use", series(1_000, season=30), {}, "Answers 30 times apart are much more alike"
    yield "season_without_use", series(1_000, season=7), {}, "Answers 7 times apart"
    yield "gaps", np.where(rng.random(1_000) < 0.2, np.nan, series(1_000)), {}, "198 of 999 times had no answer"
    yield "far_answers", np.where(np.arange(1_000) % 50 == 49, 1e4, series(1_000)), {}, "of 1,000 answers"
    yield "few_answers", series(47), {}, "two seasons are 48"


@pytest.mark.parametrize(("name", "answers", "settings", "said"), list(cases()))
def test_what_is_wrong_is_named_with_its_numbers(name, answers, settings, said):
    model = taught(answers, **settings)
    before = fingerprint(model)
    found = {finding.name: finding for finding in diagnose(model)}
    assert name in found, list(found)
    assert said in found[name].text
    assert all(math.isfinite(value) for value in found[name].evidence.values())
    assert fingerprint(model) == before


def test_a_forecaster_without_a_season_is_not_told_of_its_season():
    assert diagnose(taught(np.random.default_rng(0).normal(size=1_000), season=1)).names == []


def test_a_forecaster_that_learned_nothing_is_refused():
    with pytest.raises(DataError, match="a forecaster that has learned"):
        diagnose(hw.Forecaster())


def test_a_saved_forecaster_is_diagnosed_on_the_command_line(tmp_path, capsys):
    taught(series(1_000, season=7)).save(tmp_path / "a.hw")
    assert main(["diagnose", str(tmp_path / "a.hw"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["findings"]] == ["season_without_use"]
    assert found["findings"][0]["remedy"] == "Try Forecaster(season=7)."
