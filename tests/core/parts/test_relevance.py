"""Relevance of columns: what says nothing of the label is read smaller."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.plain.inputs.relevance import Relevance, codes_of

Rows = list[dict[str, float]]


def numbers(noise: int, rows: int = 3000) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(rows, 3 + noise))


def dicts(X: np.ndarray) -> Rows:
    names = [f"x{j}" for j in range(X.shape[1])]
    return [dict(zip(names, row, strict=True)) for row in X.tolist()]


def classes(X: np.ndarray) -> list[int]:
    return (np.digitize(X[:, 0] + 0.5 * X[:, 1], [-1, 1]) + 3 * (X[:, 2] > 0)).tolist()


def shrunk(model: Any) -> np.ndarray:
    return 1 - model.engine.core.relevance


def learned(model: Any, X: np.ndarray, y: list[Any]) -> Any:
    model.learn_many(dicts(X), y)
    return model


def errors(X: np.ndarray, y: list[Any]) -> float:
    said = hw.Classifier(seed=1).step_many(dicts(X), y).y_pred
    return float(np.mean([a != b for a, b in zip(said, y, strict=True)][1000:]))


def test_columns_of_noise_are_shrunk_and_relevant_ones_are_not() -> None:
    model = learned(hw.Classifier(seed=1), X := numbers(40), classes(X))
    assert shrunk(model)[:3].max() < 0.01
    assert shrunk(model)[3:].mean() > 0.8


def test_three_columns_of_noise_are_read_as_they_are() -> None:
    model = learned(hw.Classifier(seed=1), X := numbers(3), classes(X))
    assert shrunk(model).max() < 0.05


def test_where_no_column_says_anything_by_itself_none_is_shrunk() -> None:
    X = numbers(10)
    model = learned(hw.Classifier(seed=1), X, (X[:, 0] * X[:, 1] > 0).tolist())
    assert shrunk(model).max() < 0.3


def test_forty_columns_of_noise_cost_little() -> None:
    X = numbers(40)
    y = classes(X)
    assert errors(X, y) < errors(X[:, :3], y) + 0.06


def test_a_regressor_shrinks_columns_of_noise_too() -> None:
    X = numbers(40)
    model = learned(hw.Regressor(seed=1), X, (X[:, 0] ** 2 + X[:, 1] + X[:, 2]).tolist())
    assert shrunk(model)[:3].max() < 0.01
    assert shrunk(model)[3:].mean() > 0.8


def test_cell_tables_exchange_tests_that_ask_columns_of_noise() -> None:
    model = learned(hw.Classifier(seed=1), X := numbers(40), classes(X))
    codes = model.engine.core.array("cell_code")[: 64 * 8]
    assert np.mean(codes < 3) > 0.9


@pytest.mark.parametrize("count", [2, 6])
def test_the_core_computes_what_plain_says(count: int) -> None:
    X = numbers(8, 700)
    y = [label % count for label in classes(X)]
    seen = list(dict.fromkeys(y))
    model, plain = hw.Classifier(seed=1), Relevance(11, 1 if count == 2 else 4)
    for row, x, label in zip(dicts(X), X, y, strict=True):
        model.learn_one(row, label)
        known = model.engine.core.statistics
        spread = np.sqrt(known.variance)
        z = np.divide(x - known.mean, spread, out=np.full(11, np.nan), where=spread > 0)
        plain.learn(z, [float(code) for code in codes_of(seen.index(label))][: plain.means.size])
    assert shrunk(model) == pytest.approx(1 - plain.factor, abs=1e-9)


def test_shrunk_columns_survive_saving_and_go_on_to_the_same_bits(tmp_path: Path) -> None:
    X = numbers(40, 2000)
    rows, y = dicts(X), classes(X)
    model = hw.Classifier(seed=1)
    model.learn_many(rows[:1500], y[:1500])
    model.save(tmp_path / "model.hw")
    loaded = hw.load(tmp_path / "model.hw")
    for one in (model, loaded):
        one.learn_many(rows[1500:], y[1500:])
    assert loaded.engine.core.digest() == model.engine.core.digest()
    assert shrunk(loaded)[3:].mean() > 0.7


def test_a_merged_learner_has_the_factors_of_its_only_worker() -> None:
    X = numbers(40, 2000)
    base = learned(hw.Classifier(seed=1), X[:1000], classes(X[:1000]))
    worker = learned(copy.deepcopy(base), X[1000:], classes(X[1000:]))
    merged = base.engine.core.merge([worker.engine.core])
    assert np.array_equal(merged.relevance, worker.engine.core.relevance)
    assert np.array_equal(merged.array("cell_code"), worker.engine.core.array("cell_code"))


def test_an_exported_graph_reads_columns_of_noise_smaller_too(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    X = numbers(40, 2000)
    model = learned(hw.Classifier(seed=1), X, classes(X))
    model.export_onnx(tmp_path / "m.onnx", array=True)
    _, said = runtime.InferenceSession(tmp_path / "m.onnx").run(None, {"X": X[:50]})
    assert shrunk(model)[3:].mean() > 0.7
    assert np.abs(said - model.predict_batch(dicts(X[:50])).proba).max() < 1e-4
