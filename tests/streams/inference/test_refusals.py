"""Sources and stores that don't fit are refused in a sentence that names the way out."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, HeadwaterError, TargetError, UnlikelyData

DATA = {"size": [1.0, 2.0, 3.0], "late": [True, False, True]}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_frame_without_a_target_is_refused_with_its_columns(frame):
    with pytest.raises(TargetError, match=r"expected a column to predict, got a data frame alone .* Known: size, late"):
        hw.evaluate(hw.Classifier(), frame(DATA))
    with pytest.raises(TargetError, match=r"expected the column lat, got 2 others .* Did you mean late"):
        hw.evaluate(hw.Classifier(), frame(DATA), "lat")
    assert hw.evaluate(hw.Classifier(), frame(DATA), "late").record.rows == 3


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ([[1, 2], [3, 4]], None),
        ([[1, 2], [3, 4]], "y"),
        (([[1, 2]], [0]), None),
        ((np.ones((2, 2)), 5), None),
        ((np.ones((2, 2)), "ab"), None),
        ((iter([{"a": 1}]), [0]), None),
        (([{"a": 1}], [0, 1]), None),
        (5, None),
        (None, None),
    ],
)
def test_sources_of_other_shapes_are_refused_in_a_sentence(source, target):
    with pytest.raises(HeadwaterError, match=r"^expected .*, got .* — at "):
        hw.evaluate(hw.Classifier(), source, target)


@pytest.mark.parametrize("X", [[[1, 2]], 5, None, "abc", [1.0], np.ones(3), {"a": 1}], ids=str)
@pytest.mark.parametrize("method", ["learn_many", "predict_many", "learn_one", "predict_one"])
def test_rows_of_other_shapes_are_refused_in_a_sentence(X, method):
    model = hw.Regressor()
    model.learn_one({"a": 1.0}, 1.0)
    if method.endswith("one") and isinstance(X, dict):
        return
    with pytest.raises(DataError, match=r"^expected .*, got .* — at "):
        getattr(model, method)(
            X, *([1.0] if "learn" in method and method.endswith("one") else [[1.0]] if "learn" in method else [])
        )


def test_a_file_of_one_row_is_learned(tmp_path, capsys):
    from headwater.cli import main

    path = tmp_path / "one.csv"
    path.write_text("a,y\n1,2.5\n")
    assert main(["learn", str(path), "--target", "y"]) == 0
    assert "1 row" in capsys.readouterr().out


def test_a_store_of_another_kind_is_refused_and_stays_as_it_is(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Regressor()) as model:
        model.learn_one({"a": 1.0}, 1.0)
    with pytest.raises(ConfigError, match="expected a regressor, which the store holds, got a classifier"):
        hw.open(tmp_path / "a.db", hw.Classifier())
    with pytest.warns(UnlikelyData, match="goes on"), hw.open(tmp_path / "a.db", hw.Regressor(hidden=(4,))) as model:
        assert model.n_learned == 1


def test_a_new_store_without_a_learner_is_told(tmp_path):
    with pytest.warns(UnlikelyData, match=r"typo.db was not there: a new store with a Classifier was made"):
        hw.open(tmp_path / "typo.db").close()
    hw.open(tmp_path / "typo.db").close()


def test_a_store_that_goes_on_with_other_settings_than_those_given_says_which(tmp_path):
    path = tmp_path / "orders.db"
    hw.open(path, hw.Regressor(hidden=(8,))).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hw.open(path, hw.Regressor(hidden=(8,))).close()
        hw.open(path).close()
    with pytest.warns(
        UnlikelyData, match=r"its own learner, which has hidden=\(8,\), not \(16,\), seed=0, not 2\. Leave"
    ):
        hw.open(path, hw.Regressor(hidden=(16,), seed=2)).close()
