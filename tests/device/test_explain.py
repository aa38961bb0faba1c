"""``model_explain``: a device says why, in the numbers of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from tools.build.compiler import find

import headwater as hw
from headwater import nn
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.interop.device import columns_of, digest, export_device

COMPILER = find()
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
TAUGHT, ROWS = 600, 60
UNITS = [nn.Dense(6, "selu"), nn.Dense(3)]
MODELS = {
    "net": lambda: hw.Classifier(hidden=16, seed=1),
    "linear": lambda: hw.Classifier(layers=[], seed=1),
    "two classes": lambda: hw.Classifier(hidden=8, loss="binary_cross_entropy", activation="gelu", seed=1),
    "deep": lambda: hw.Classifier(hidden=(16, 8), activation="tanh", optimizer="adam", seed=1),
    "unscaled": lambda: hw.Classifier(layers=UNITS, scale=False, optimizer=nn.SGD(nn.InverseScaling(0.05)), seed=5),
    "number": lambda: hw.Regressor(hidden=16, seed=1),
    "squared": lambda: hw.Regressor(hidden=(8, 8), loss="mse", activation="silu", seed=1),
    "counts": lambda: hw.Regressor(hidden=8, loss="poisson", seed=1),
    "layer norm": lambda: hw.Regressor(hidden=(8, 8), norm="layer", dropout=0.1, l2=0.01, seed=8),
    "batch norm": lambda: hw.Regressor(hidden=(8, 8), norm="batch", seed=8),
    "anomalies": lambda: hw.Anomaly(neighbours=32, seed=9),
}


def stream(model):
    """Return rows, of which some lack a number, and labels of the model's kind."""
    drawn = np.random.default_rng(3)
    z = drawn.normal(size=(TAUGHT + ROWS, 5))
    x = z * [1, 10, 0.1, 3, 1] + [0, 5, 0, -2, 1]
    rows = [{f"c{j}": v for j, v in enumerate(row) if i % 7 or j != 2} for i, row in enumerate(x.tolist())]
    number = np.abs(2 * z[:, 0] + z[:, 1] ** 2 - z[:, 2] * z[:, 3] + 3)
    classes = np.argmax(np.stack([z[:, 0] + z[:, 1], z[:, 2] ** 2, z[:, 3]], 1), 1)
    if isinstance(model, hw.Regressor):
        return rows, number.tolist()
    two = isinstance(model, hw.Classifier) and model.loss == "binary_cross_entropy"
    return rows, (classes > 0).tolist() if two else classes.tolist()


def learn(model, x, y):
    for row, label in zip(x, y, strict=True):
        model.learn_one(row, *([] if isinstance(model, hw.Anomaly) else [label]))


def as_bytes(model, x, y):
    """Return rows as doubles, each with its label behind it."""
    label = model.classes.index if isinstance(model, hw.Classifier) else float
    named = columns_of(model)
    return np.array([[*(row.get(c, np.nan) for c in named), label(v)] for row, v in zip(x, y, strict=True)]).tobytes()


def explained_on_a_device(model, folder, data, optimised="-Os"):
    sources = [Path(__file__).with_name("explain.c"), folder / "headwater.c", folder / "model.c"]
    COMPILER.run(
        "-std=c11", optimised, "-Wall", "-Wextra", "-Werror", f"-I{folder}", *sources, "-lm", "-o", folder / "explain"
    )
    said = subprocess.run([folder / "explain"], input=data, capture_output=True, check=True).stdout
    return np.frombuffer(said, "<f4").reshape(ROWS, -1).astype(float)


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_a_device_explains_as_python_does_and_learns_on_to_the_same_bits(name, tmp_path):
    model = MODELS[name]()
    x, y = stream(model)
    learn(model, x[:TAUGHT], y[:TAUGHT])
    export_device(model, tmp_path, explain=True)
    x, y = x[TAUGHT:], y[TAUGHT:]
    said, columns = explained_on_a_device(model, tmp_path, as_bytes(model, x, y)), columns_of(model)
    unit = 3.0 if isinstance(model, hw.Regressor) else 1.0
    misses = []
    for row, label, own in zip(x, y, said, strict=True):
        why = model.explain_one(row)
        parts = np.array([why.contributions.get(column, 0.0) for column in columns])
        assert own[0] == pytest.approx(why.baseline, abs=1e-6 * unit)
        misses.append(np.abs(own[1:] - parts).max())
        assert misses[-1] <= 5e-3 * np.abs(parts).sum() + 1e-5 * unit
        learn(model, [row], [label])
    assert np.quantile(misses, 0.8) <= 1e-5 * unit
    assert name != "anomalies" or max(misses) < 1e-6


MOVED = {
    "pool": lambda: hw.Classifier(seed=1),
    "pool of numbers": lambda: hw.Regressor(seed=1),
    "two classes in a pool": lambda: hw.Classifier(loss="binary_cross_entropy", seed=1),
}


def moved(value, base, x, columns):
    """Return what each column changes as it moves from the baseline to the row, half in their order and half in the reverse one."""
    parts = dict.fromkeys(columns, 0.0)
    for order in (columns, columns[::-1]):
        row = dict(base)
        before = value(row)
        for name in order:
            if name in x:
                row[name] = x[name]
                after = value(row)
                parts[name] += (after - before) / 2
                before = after
    return list(parts.values())


@needs_compiler
@pytest.mark.parametrize("name", MOVED)
def test_a_pool_on_a_device_attributes_what_moving_each_column_changes(name, tmp_path):
    model = MOVED[name]()
    x, y = stream(model if name != "two classes in a pool" else hw.Classifier(loss="binary_cross_entropy"))
    learn(model, x[:TAUGHT], y[:TAUGHT])
    export_device(model, tmp_path, explain=True)
    x, y = x[TAUGHT:], y[TAUGHT:]
    optimised = "-Os" if name == "pool" else "-O0"  # a half of the time to compile
    said, columns = explained_on_a_device(model, tmp_path, as_bytes(model, x, y), optimised), columns_of(model)
    unit = float(np.std(y)) if isinstance(model, hw.Regressor) else 1.0
    statistics = model.engine.core.statistics
    means = {c: float(statistics.mean[model.engine.columns[c].slot]) for c in columns}
    for row, label, own in list(zip(x, y, said, strict=True))[:6]:
        why = model.explain_one(row)

        def value(at, target=why.target):
            return model.predict_one(at) if target is None else model.predict_proba_one(at)[target]

        base = {c: v for c, v in means.items() if c in row}
        assert own[0] == pytest.approx(why.baseline, abs=2e-5 * unit)
        assert own.sum() == pytest.approx(value(row), abs=2e-5 * unit)
        assert list(own[1:]) == pytest.approx(moved(value, base, row, columns), abs=2e-5 * unit)
        learn(model, [row], [label])
        means = {c: float(statistics.mean[model.engine.columns[c].slot]) for c in columns}


@needs_compiler
def test_a_forecaster_on_a_device_attributes_to_columns_what_python_does(tmp_path):
    model = hw.Forecaster(horizon=2, season=4, seed=1)
    drawn = np.random.default_rng(4)
    x = [{"a": a, "b": b} for a, b in drawn.normal(size=(TAUGHT + ROWS, 2)).tolist()]
    y = [float(2 * row["a"] + row["b"] + i % 4) for i, row in enumerate(x)]
    for row, value in zip(x[:TAUGHT], y[:TAUGHT], strict=True):
        model.learn_one(value, row)
    export_device(model, tmp_path, explain=True)
    rows = np.array([[row["a"], row["b"], value] for row, value in zip(x[TAUGHT:], y[TAUGHT:], strict=True)])
    said = explained_on_a_device(model, tmp_path, rows.tobytes())
    for row, value, own in zip(x[TAUGHT:], y[TAUGHT:], said, strict=True):
        why = model.explain_one(row)
        assert list(own[1:]) == pytest.approx([why.contributions["a"], why.contributions["b"]], abs=1e-5)
        assert own.sum() == pytest.approx(why.prediction, abs=1e-5)
        model.learn_one(value, row)


def test_a_series_alone_has_nothing_to_attribute_to(tmp_path):
    model = hw.Forecaster(horizon=1, season=1)
    for i in range(50):
        model.learn_one(float(i % 5))
    with pytest.raises(ConfigError, match="expected a forecaster with columns, got a series alone"):
        export_device(model, tmp_path, explain=True)


@needs_compiler
def test_contributions_and_baseline_add_up_to_the_prediction(tmp_path):
    model = MODELS["net"]()
    x, y = stream(model)
    learn(model, x[:TAUGHT], y[:TAUGHT])
    export_device(model, tmp_path, explain=True)
    said = explained_on_a_device(model, tmp_path, as_bytes(model, x[TAUGHT:], y[TAUGHT:]))
    for row, label, own in zip(x[TAUGHT:], y[TAUGHT:], said, strict=True):
        assert own.sum() == pytest.approx(max(model.predict_proba_one(row).values()), abs=1e-3)
        model.learn_one(row, label)


def test_only_who_asks_for_explanations_gets_their_code(tmp_path):
    model = MODELS["net"]()
    learn(model, *stream(model))
    before, state = export_device(model, tmp_path / "a"), digest(model)
    after = export_device(model, tmp_path / "b", explain=True)
    assert after["ram"] == before["ram"] + 3 * 4 * 16
    assert "EXPLAINED_UNITS" not in (tmp_path / "a" / "headwater.c").read_text("utf-8")
    assert "MODEL_EXPLAINS 1" in (tmp_path / "b" / "headwater.h").read_text("utf-8")
    assert digest(model) == state


def test_the_command_explains_on_devices_alone(tmp_path, capsys):
    model = MODELS["linear"]()
    learn(model, *stream(model))
    model.save(tmp_path / "model.hw")
    assert main(["export", "--c", "--explain", str(tmp_path / "model.hw"), str(tmp_path / "out")]) == 0
    assert "model_explain" in (tmp_path / "out" / "headwater.c").read_text("utf-8")
    assert main(["export", "--web", "--explain", str(tmp_path / "model.hw"), str(tmp_path / "page")]) == 2
    assert "expected --c with --explain, got --web" in capsys.readouterr().err
