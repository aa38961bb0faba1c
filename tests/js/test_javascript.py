"""The core as WebAssembly with its JavaScript module: what is learned, saved and refused there is what Python's would be, to the bit."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import shutil
import subprocess
from dataclasses import MISSING, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.build import web
from tools.build.core import BUILD, ROOT
from tools.build.targets import NODE, wasm

import headwater as hw
from headwater import nn
from headwater.encode.values import as_number, as_text, parts_of
from headwater.errors import ModelFileError, UnlikelyData
from headwater.plain import ACTIVATIONS, LOSSES
from headwater.store.learner_file import to_bytes
from headwater.store.model_file import unseal
from headwater.store.model_file.settings import CLASSES
from support.frozen.reading import resealed

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
ROWS = 10_000
UTC = dt.UTC
WORDS = (
    "red",
    "green",
    "blue",
    "3",
    "4.5",
    "",
    "été",
    "日本",
    "𝒳",
    "2024-03-01",
    "a rather long word that is not short",
)


@pytest.fixture(scope="module")
def javascript():
    """A function that does tasks in one run of Node."""
    built = wasm(BUILD / "js", "headwater64.wasm")

    def run(*tasks: dict[str, Any]) -> list[Any]:
        asked = json.dumps(tasks)
        script = Path(__file__).with_name("tasks.mjs")
        done = subprocess.run(
            [*NODE, script, built], input=asked, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


# ---- streams -----------------------------------------------------------------------------------------------------------


def stream(n: int, seed: int) -> list[dict[str, Any]]:
    """Rows with numbers, texts, gaps, date-times, nested values, odd values, and names and classes that keep appearing."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        a, b = float(rng.normal()), float(rng.normal(3, 2))
        word = WORDS[rng.integers(len(WORDS))]
        x: dict[str, Any] = {
            "size": a,
            "b": b,
            "colour": word,
            "flag": bool(rng.integers(2)),
            "n": int(rng.integers(9)),
        }
        if rng.random() < 0.2:
            x["b"] = None
        if rng.random() < 0.2:
            del x["colour"]
        if rng.random() < 0.1:
            x["n"] = ("7", " 8.5 ", "1_0", "nine", "inf", "nan")[rng.integers(6)]
        if rng.random() < 0.1:
            x["colour"] = (3, 4.5, 1e-7, True, 12345678901234567890, -0.0)[rng.integers(6)]
        if rng.random() < 0.3:
            when = dt.datetime(2020, 1, 1, tzinfo=UTC) + dt.timedelta(milliseconds=int(rng.integers(10**11)))
            x["when"] = (
                when if rng.random() < 0.3 else when.isoformat() if rng.random() < 0.5 else f"{when:%Y-%m-%d %H:%M}"
            )
        if rng.random() < 0.1:
            x["place"] = {"at": [a, word, None], "deep": {"er": b, "none": [[], {}]}}
        if rng.random() < 0.05:
            x[f"late {i % 40 if i % 3 else i}"] = a if i % 2 else word
        if rng.random() < 0.02:
            x["odd"] = object()
        if rng.random() < 0.02:
            x["size"] = (1e300, -1e31, 1e9)[rng.integers(3)]
        late = i // (n // 3)
        y = ("no", "yes", 7)[min(late, int(a + (word == "red") > 0.3) + int(i > n // 2 and b > 4))]
        rows.append({"x": x, "y": y, "w": 1.0 if i % 50 else (0.0, 2.5)[i % 2]})
    rng.shuffle(rows[: n // 3])
    return rows


def numeric(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with numbers as answers, and a few that are none."""
    out = []
    for i, row in enumerate(rows):
        size, b = row["x"].get("size", 0.0), row["x"].get("b") or 0.0
        y: Any = 100 + 5 * min(abs(size), 50.0) + b + 10 * (row["x"].get("colour") == "red")
        out.append({**row, "y": ("none", None)[i % 2] if i % 500 == 7 else y})
    return out


def plain(value: Any) -> Any:
    """What JSON can't say, as tasks.mjs reads it."""
    if isinstance(value, dt.datetime):
        return {"$moment": round(value.timestamp() * 1000)}
    return {"$odd": True}


def written(rows: list[dict[str, Any]], path: Path) -> str:
    path.write_text("".join(json.dumps(row, default=plain) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def learned(model: Any, rows: list[dict[str, Any]]) -> tuple[Any, list[Any]]:
    """The model, and what it predicted before each row."""
    predicted = []
    for row in rows:
        predicted.append(model.predict_one(row["x"]))
        model.learn_one(row["x"], row["y"], row["w"])
    return model, predicted


def digest(model: Any) -> str:
    core = model.core if isinstance(model, nn.Network) else model._engine.core
    return str(core.digest())


def data_of(model: Any) -> bytes:
    return to_bytes(model)


# ---- the same learner ---------------------------------------------------------------------------------------------------

LEARNERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "default pool": (hw.Classifier(seed=3, diagnosis=False), {"seed": 3, "diagnosis": False}),
    "regressor with dates": (hw.Regressor(seed=4, diagnosis=False), {"seed": 4, "diagnosis": False}),
    "single net with Adam": (
        hw.Classifier((32, 16), optimizer=nn.Adam(0.01), norm="layer", dropout=0.1, diagnosis=False, seed=1 << 40),
        {
            "hidden": [32, 16],
            "optimizer": {"name": "adam", "lr": 0.01},
            "norm": "layer",
            "dropout": 0.1,
            "diagnosis": False,
            "seed": 1 << 40,
        },
    ),
}
MORE: dict[str, tuple[Any, dict[str, Any]]] = {
    "label history": (hw.Classifier(label_history=True, effort="fast", diagnosis=False),
                      {"labelHistory": True, "effort": "fast", "diagnosis": False}),
    "hinge, double": (hw.Classifier((8,), loss="hinge", dtype="float64", norm="batch", clip_norm=1.0, diagnosis=False),
                      {"hidden": [8], "loss": "hinge", "dtype": "float64", "norm": "batch", "clipNorm": 1, "diagnosis": False}),
    "text": (hw.Classifier(text="bigrams", diagnosis=False), {"text": "bigrams", "diagnosis": False}),
    "words of some columns": (hw.Regressor(text={"colour": "words"}, diagnosis=False),
                              {"text": {"colour": "words"}, "diagnosis": False}),
    "no text": (hw.Classifier(text=None, diagnosis=False), {"text": None, "diagnosis": False}),
    "few rows": (hw.Classifier(max_rows=64, diagnosis=False), {"max_rows": 64, "diagnosis": False}),
    "unscaled, penalised": (hw.Classifier((), scale=False, l1=1e-4, l2=1e-3, optimizer="ftrl", diagnosis=False),
                            {"hidden": [], "scale": False, "l1": 1e-4, "l2": 1e-3, "optimizer": "ftrl", "diagnosis": False}),
    "quantile": (hw.Regressor(loss=nn.Loss("quantile", 0.9), effort="accurate", diagnosis=False),
                 {"loss": {"name": "quantile", "a": 0.9}, "effort": "accurate", "diagnosis": False}),
    "poisson": (hw.Regressor(loss="poisson", label_history=False, diagnosis=False), {"loss": "poisson", "diagnosis": False}),
    "own pool": (
        hw.Regressor(
            experts=[
                nn.Expert((nn.Dense(8, initializer=nn.Initializer("uniform", 0.1)), nn.LayerNorm(), nn.Activation("elu", 0.5)),
                          optimizer=nn.NAdam(nn.Cosine(0.01, 1000, 0.001)), replays=3),
                nn.Expert(optimizer=nn.SGD(nn.InverseScaling(0.1)), clip_value=0.5),
            ],
            label_history=True, dtype="float64", diagnosis=False,
        ),
        {
            "experts": [
                {
                    "layers": [
                        {"name": "dense", "units": 8, "initializer": {"name": "uniform", "scale": 0.1}},
                        {"name": "layer_norm"},
                        {"name": "elu", "a": 0.5},
                    ],
                    "optimizer": {"name": "nadam", "lr": {"name": "cosine", "lr": 0.01, "steps": 1000, "floor": 0.001}},
                    "replays": 3,
                },
                {"optimizer": {"name": "sgd", "lr": {"name": "inverse_scaling", "lr": 0.1}}, "clipValue": 0.5},
            ],
            "labelHistory": True, "dtype": "float64", "diagnosis": False,
        },
    ),
}  # fmt: skip


def compare(javascript: Any, tmp_path: Path, model: Any, settings: dict[str, Any], n: int, *, many: bool) -> None:
    kind, to = type(model).__name__, tmp_path / "js.hw"
    rows = stream(n, 5)
    if kind == "Regressor":
        rows = numeric(rows)
    path = written(rows, tmp_path / "rows.jsonl")
    task = {"do": "learn", "kind": kind, "settings": settings, "rows": path, "many": many, "to": str(to)}
    (theirs,) = javascript(task)
    model, ours = learned(model.clone(), rows)
    assert theirs["predicted"] == ours
    assert theirs["digest"] == digest(model)
    assert theirs["learned"] == model.n_learned
    assert theirs["rejected"] == model.rejected
    if kind == "Classifier":
        assert theirs["proba"] == [[label, p] for label, p in model.predict_proba_one(rows[-1]["x"]).items()]
    else:
        assert theirs["proba"] == list(model.predict_interval_one(rows[-1]["x"]))
    assert unseal(to.read_bytes(), "js").header == unseal(data_of(model), "python").header
    assert to.read_bytes() == data_of(model)
    assert digest(hw.load(to)) == theirs["digest"]


@pytest.mark.parametrize("name", LEARNERS)
def test_ten_thousand_rows_are_learned_to_the_bit_as_in_python(javascript, tmp_path, name):
    compare(javascript, tmp_path, *LEARNERS[name], ROWS, many=False)


@pytest.mark.parametrize("name", MORE)
def test_every_kind_of_learner_is_the_one_of_python(javascript, tmp_path, name):
    compare(javascript, tmp_path, *MORE[name], 1500, many=True)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_two_classes_are_told_apart_as_in_python(javascript, tmp_path, loss):
    rows = [row for row in stream(1500, 6) if row["y"] != 7]
    path = written(rows, tmp_path / "rows.jsonl")
    model, ours = learned(hw.Classifier((8,), loss=loss), rows)
    (theirs,) = javascript(
        {"do": "learn", "kind": "Classifier", "settings": {"hidden": [8], "loss": loss}, "rows": path}
    )
    assert theirs["predicted"] == ours
    assert theirs["digest"] == digest(model)
    assert theirs["proba"] == [[label, p] for label, p in model.predict_proba_one(rows[-1]["x"]).items()]


def test_rows_of_texts_alone_are_read_as_in_python(javascript, tmp_path):
    odd = [
        "?",
        "NA",
        "",
        " 3 ",
        "0042",
        "01067",
        "true",
        "unknown",
        "1_000",
        "٣",
        "nan",
        "x\u3000",
        "北京",
        "-1.5",
        "inf",
    ]
    rows = [
        {
            "x": {"a": f"{i % 7}.5", "b": odd[i % len(odd)], "c": odd[(i * 4) % len(odd)], "d": str(i)},
            "y": i % 5,
            "w": 1.0,
        }
        for i in range(300)
    ]
    rows += [{"x": {"a": "3", "e": "19.90", "f": "7", "g": 1.0}, "y": i % 5, "w": 1.0} for i in range(30)]
    path = written(rows, tmp_path / "rows.jsonl")
    with pytest.warns(UnlikelyData, match="all values are texts: those of a, d are read as numbers"):
        model, ours = learned(hw.Classifier((8,)), rows)
    (theirs,) = javascript({"do": "learn", "kind": "Classifier", "settings": {"hidden": [8]}, "rows": path})
    assert theirs["predicted"] == ours
    assert theirs["digest"] == digest(model)


def test_names_that_are_no_text_are_those_of_python(javascript, tmp_path):
    rows = [({1: i % 3, 2.5: "a", True + 5: [1, 2], "1": i % 2, -7: {"z": i}}, i % 2) for i in range(50)]
    model = hw.Classifier()
    for x, y in rows:
        model.learn_one(x, y)
    lines = [{"x": {"$names": [*x.items()]}, "y": y, "w": 1} for x, y in rows]
    path = written(lines, tmp_path / "rows.jsonl")
    (theirs,) = javascript({"do": "learn", "kind": "Classifier", "settings": {}, "rows": path})
    assert theirs["digest"] == digest(model)


# ---- explanations ------------------------------------------------------------------------------------------------------

ACTIVATIONS_OF_POOL = [nn.Expert((nn.Dense(6), nn.Activation(name))) for name in ACTIVATIONS]
EXPLAINED: dict[str, Any] = {
    "default pool": hw.Classifier(seed=3),
    "regressor": hw.Regressor(seed=4),
    "label history": hw.Classifier(label_history=True, effort="fast"),
    "history of numbers": hw.Regressor(label_history=True, effort="fast"),
    "hinge, batch norm, double": hw.Classifier((8,), loss="hinge", dtype="float64", norm="batch"),
    "poisson, dropout": hw.Regressor((8, 4), loss="poisson", dropout=0.1),
    "two classes in one output": hw.Classifier((8,), norm="layer", loss="binary_cross_entropy"),
    "gains of a layer norm": hw.Classifier(layers=[nn.Dense(8), nn.LayerNorm(), nn.Activation("tanh")]),
    "every activation": hw.Classifier(experts=ACTIVATIONS_OF_POOL),
}


def rows_for(model: Any, name: str) -> list[dict[str, Any]]:
    rows = stream(900, 5)
    if isinstance(model, hw.Regressor):
        return [row for row in numeric(rows) if isinstance(row["y"], float)]
    return [row for row in rows if row["y"] != 7] if "two classes" in name else rows


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_prediction_is_explained_as_in_python(javascript, tmp_path, name):
    model = EXPLAINED[name].clone()
    rows = rows_for(model, name)
    learned(model, rows)
    model.save(tmp_path / "m.hw")
    samples: list[dict[str, Any]] = [{"x": row["x"]} for row in rows[-3:]]
    samples += [{"x": rows[-1]["x"], "method": "gradient_x_input"}, {"x": {"never seen": 1.0}}]
    if isinstance(model, hw.Classifier):
        kinds = ["proba"] if "hinge" in name else ["proba", "log_odds"]
        samples += [{"x": rows[-2]["x"], "target": label, "of": of} for label in model.classes for of in kinds]
    asked = json.loads(json.dumps(samples, default=plain))
    (theirs,) = javascript({"do": "explain", "from": str(tmp_path / "m.hw"), "samples": asked})
    assert theirs["unchanged"]
    for sample, said in zip(samples, theirs["why"], strict=True):
        x, options = sample["x"], {key: value for key, value in sample.items() if key != "x"}
        why = model.explain_one(x, **options)
        size = max(abs(why.prediction - why.baseline), 1e-6)
        assert (said["target"], said["method"], said["of"]) == (why.target, why.method, why.of)
        assert [said["prediction"], said["baseline"]] == pytest.approx(
            [why.prediction, why.baseline], rel=1e-9, abs=1e-12
        )
        assert dict(said["contributions"]) == pytest.approx(why.contributions, rel=1e-6, abs=1e-7 * size)
        assert said["rest"] == pytest.approx(why.rest, abs=1e-6 * size)


def test_a_model_says_which_columns_and_categories_it_knows(javascript, tmp_path):
    model = hw.Classifier()
    for i in range(20):
        model.learn_one(
            {"größe": i, "colour": ("red", "日本")[i % 2], "when": dt.datetime(2025, 1, 1 + i, tzinfo=UTC)}, i % 2
        )
    model.save(tmp_path / "m.hw")
    (theirs,) = javascript({"do": "explain", "from": str(tmp_path / "m.hw"), "samples": []})
    seconds = theirs["columns"][0].pop("mean")
    assert dt.datetime.fromtimestamp(seconds, UTC).month == 1
    assert theirs["columns"] == [
        {"name": "when", "kind": "time", "categories": []},
        {"name": "colour", "kind": "category", "mean": None, "categories": ["red", "日本"]},
        {"name": "größe", "kind": "number", "mean": pytest.approx(9.5), "categories": []},
    ]


# ---- arrays -------------------------------------------------------------------------------------------------------------

NETWORKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "regression": (
        nn.Network([nn.Dense(20, "relu"), nn.Dense(1)], optimizer=nn.SGD(0.01), seed=3),
        {"layers": [{"name": "dense", "units": 20, "activation": "relu"}, {"name": "dense", "units": 1}],
         "optimizer": {"name": "sgd", "lr": 0.01}, "seed": 3},
    ),
    "classes, double": (
        nn.Network([nn.Dense(20), nn.BatchNorm(), nn.Activation("tanh"), nn.Dropout(0.2), nn.Dense(4)], loss="cross_entropy",
                   optimizer=nn.Adam(), dtype="float64", l2=1e-4, inputs=6),
        {"layers": [{"name": "dense", "units": 20}, {"name": "batch_norm"}, {"name": "tanh"}, {"name": "dropout", "rate": 0.2},
                    {"name": "dense", "units": 4}],
         "loss": "cross_entropy", "optimizer": "adam", "dtype": "float64", "l2": 1e-4, "inputs": 6},
    ),
    "embedding": (
        nn.Network([nn.Embedding(30, 5), nn.Dense(3, "silu")], loss="cross_entropy", seed=2),
        {"layers": [{"name": "embedding", "rows": 30, "units": 5}, {"name": "dense", "units": 3, "activation": "silu"}],
         "loss": "cross_entropy", "seed": 2},
    ),
    "image": (
        nn.Network([nn.Conv(5, 2, "relu", padding=1), nn.BatchNorm(), nn.Pool(2, 1, kind="mean"), nn.Conv(3, 2), nn.Flatten(),
                    nn.Dense(4)], loss="cross_entropy", optimizer=nn.Adam(), inputs=(1, 2, 3), seed=2),
        {"layers": [{"name": "conv", "channels": 5, "kernel": 2, "activation": "relu", "padding": 1}, {"name": "batch_norm"},
                    {"name": "pool", "stride": 1, "kind": "mean"}, {"name": "conv", "channels": 3, "kernel": 2},
                    {"name": "flatten"}, {"name": "dense", "units": 4}],
         "loss": "cross_entropy", "optimizer": "adam", "inputs": [1, 2, 3], "seed": 2},
    ),
}  # fmt: skip


def arrays(net: Any, tmp_path: Path) -> tuple[Any, Any, dict[str, Any]]:
    rng = np.random.default_rng(8)
    ids = isinstance(net.expert.layers[0], nn.Embedding)
    X = rng.integers(0, 30, (ROWS, 6)).astype(float) if ids else rng.normal(size=(ROWS, 6))
    y = rng.integers(0, net.outputs, ROWS).astype(float) if net.outputs > 1 else X @ np.arange(6.0)
    X.tofile(tmp_path / "X")
    y.tofile(tmp_path / "y")
    return X, y, {"do": "arrays", "X": str(tmp_path / "X"), "y": str(tmp_path / "y"), "shape": [ROWS, 6]}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_learns_arrays_to_the_bit_as_in_python(javascript, tmp_path, name):
    declared, settings = NETWORKS[name]
    net = hw.load(saved(declared, tmp_path / "new.hw"))
    X, y, task = arrays(net, tmp_path)
    to = tmp_path / "js.hw"
    (theirs,) = javascript({**task, "kind": "Network", "settings": settings, "to": str(to)})
    assert np.array_equal(np.reshape(theirs["early"], (ROWS, -1)), np.reshape(net.learn_many(X, y), (ROWS, -1)))
    assert np.array_equal(theirs["again"], net.predict(X))
    assert theirs["digest"] == digest(net)
    assert to.read_bytes() == data_of(net)


@pytest.mark.parametrize("norm", [None, "batch_norm"])
def test_a_batch_is_descended_on_to_the_bit_as_in_python(javascript, norm):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] * X[:, 1] > 0).astype(float)
    between = [] if norm is None else [{"name": norm}]
    layers = [{"name": "dense", "units": 5, "activation": "tanh"}, *between, {"name": "dense", "units": 1}]
    settings = {
        "layers": layers,
        "loss": "binary_cross_entropy",
        "optimizer": "adam",
        "l1": 1e-3,
        "l2": 0.01,
        "inputs": 3,
    }
    (theirs,) = javascript({"do": "descend", "settings": settings, "X": X.tolist(), "y": y.tolist(), "batch": 300})
    ours = [nn.Dense(5, "tanh"), *([] if norm is None else [nn.BatchNorm()]), nn.Dense(1)]
    net = nn.Network(ours, loss="binary_cross_entropy", optimizer="adam", l1=1e-3, l2=0.01, inputs=3)
    gradients = net.gradients(X, y)
    assert theirs["gradients"] == pytest.approx(gradients.tolist(), rel=1e-5, abs=1e-7)
    assert theirs["first"]["weights"] == pytest.approx(net.layer_gradients(X, y)[0].weights.ravel(), rel=1e-5, abs=1e-7)
    assert theirs["losses"][0] == pytest.approx(net.loss(X, y), rel=1e-6)
    net.fit(X, y, batch_size=300, shuffle=False)
    net.update(np.array(theirs["gradients"], np.float32))
    net.layers[0].weights[0, 1] = 0.5
    net.layers[-1].bias[0] = -2
    for layer, own in zip(theirs["layers"], net.layers, strict=True):
        assert layer["name"] == own.name
        assert np.array_equal(np.reshape(layer["weights"], layer["shape"]), own.weights)
        assert layer["bias"] == own.bias.tolist()
    assert theirs["digest"] == digest(net)


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_given_one_by_one_are_learned_as_those_of_an_array(javascript, tmp_path, name):
    declared, settings = NETWORKS[name]
    net = hw.load(saved(declared, tmp_path / "new.hw"))
    X, y, task = arrays(net, tmp_path)
    (theirs,) = javascript({**task, "kind": "Network", "settings": settings, "single": True})
    assert np.array_equal(np.reshape(theirs["early"], (ROWS, -1)), np.reshape(net.learn_many(X, y), (ROWS, -1)))
    assert theirs["digest"] == digest(net)


def test_a_matrix_is_learned_as_its_rows_are(javascript, tmp_path):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(500, 12)), rng.normal(size=500)
    X[rng.random(X.shape) < 0.1] = np.nan
    X.tofile(tmp_path / "X")
    y.tofile(tmp_path / "y")
    task = {"do": "arrays", "kind": "Regressor", "settings": {}, "X": str(tmp_path / "X"), "y": str(tmp_path / "y")}
    (theirs,) = javascript({**task, "shape": [500, 12]})
    model = hw.Regressor()
    assert theirs["learned"] == 500
    model.learn_many(X, y)
    assert theirs["again"] == model.predict_many(X).tolist()
    assert theirs["digest"] == digest(model)


# ---- files --------------------------------------------------------------------------------------------------------------


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_what_one_has_begun_the_other_ends_to_the_bit(javascript, tmp_path, kind):
    rows, half = stream(3000, 9), 1500
    if kind == "Regressor":
        rows = numeric(rows)
    path = written(rows, tmp_path / "rows.jsonl")
    begun, whole = tmp_path / "begun.hw", digest(learned(getattr(hw, kind)(seed=2), rows)[0])
    saved(learned(getattr(hw, kind)(seed=2), rows[:half])[0], begun)
    both = {"do": "learn", "kind": kind, "rows": path}
    ended, opening = javascript(
        {**both, "from": str(begun), "start": half, "to": str(tmp_path / "ended.hw")},
        {**both, "settings": {"seed": 2}, "stop": half, "to": str(tmp_path / "opening.hw")},
    )
    assert ended["digest"] == whole
    assert ended["learned"] == hw.load(tmp_path / "ended.hw").n_learned
    assert digest(hw.load(tmp_path / "ended.hw")) == whole
    assert digest(learned(hw.load(tmp_path / "opening.hw"), rows[half:])[0]) == whole
    assert opening["digest"] == digest(hw.load(tmp_path / "opening.hw"))


def test_two_learners_compete_after_a_sudden_change_to_the_bit_as_in_python(javascript, tmp_path):
    rng = np.random.default_rng(5)
    X = rng.normal(0, 1, (3000, 4))
    y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).tolist()
    X[1200:] = X[1200:, [3, 2, 0, 1]]
    rows = [
        {"x": dict(zip("abcd", x, strict=True)), "y": f"it is {label}", "w": 1.0}
        for x, label in zip(X.tolist(), y, strict=True)
    ]
    path, begun, model = written(rows, tmp_path / "rows.jsonl"), tmp_path / "begun.hw", hw.Classifier(seed=2)
    saved(learned(model, rows[:1500])[0], begun)
    assert len(model.engine.core.state()["successor"]) > 0
    both = {"do": "learn", "kind": "Classifier", "rows": path}
    ended, whole = javascript({**both, "from": str(begun), "start": 1500}, {**both, "settings": {"seed": 2}})
    learned(model, rows[1500:])
    assert model.successions_[0].number == 1
    assert ended["digest"] == whole["digest"] == digest(model)


def test_a_file_passes_through_javascript_unchanged(javascript, tmp_path):
    rows = stream(400, 3)
    labelled = [{**row, "y": ((1, "a"), b"\0\xff", 2**70, "é", -3)[i % 5]} for i, row in enumerate(rows)]
    models = {
        "learned": learned(hw.Classifier(seed=1 << 60), rows)[0],
        "empty": hw.Regressor(hidden=(4,), optimizer=nn.AdamW(weight_decay=0.1)),
        "labels": learned(hw.Classifier(), labelled)[0],
        "network": nn.Network(
            [nn.Dense(3), nn.LayerNorm(), nn.Dense(2)], loss=nn.Loss("huber", 2.0), inputs=4, seed=1 << 33
        ),
        "later": nn.Network([nn.Dense(1)], optimizer=nn.Momentum(nn.Step(0.1, 10))),
        "image": nn.Network(
            [nn.Conv(3, 3, "relu", padding=1), nn.BatchNorm(), nn.Pool(2), nn.Flatten(), nn.Dense(2)], inputs=(2, 6, 5)
        ),
    }
    models["image"].fit(np.ones((8, 2, 6, 5)), np.ones((8, 2)), batch_size=3)
    models["network"].fit(np.ones((8, 4)), np.ones((8, 2)), batch_size=3)
    models["learned"]._notes = {"format": {"delimiter": ";", "share": 0.25, "none": None}}
    for name, model in models.items():
        model.save(tmp_path / f"{name}.hw")
    javascript(
        *({"do": "make", "from": str(tmp_path / f"{name}.hw"), "to": str(tmp_path / f"{name}.js")} for name in models)
    )
    for name in models:
        assert (tmp_path / f"{name}.js").read_bytes() == (tmp_path / f"{name}.hw").read_bytes(), name


def test_a_diagnosis_goes_on_after_rows_that_javascript_learned(javascript, tmp_path):
    rows = stream(900, 4)
    saved(learned(hw.Classifier(), rows[:300])[0], tmp_path / "a.hw")
    path = written(rows, tmp_path / "rows.jsonl")
    javascript(
        {
            "do": "learn",
            "rows": path,
            "from": str(tmp_path / "a.hw"),
            "start": 300,
            "stop": 600,
            "to": str(tmp_path / "b.hw"),
        }
    )
    model, _ = learned(hw.load(tmp_path / "b.hw"), rows[600:])
    assert model.n_learned == learned(hw.Classifier(), rows)[0].n_learned
    assert str(model.diagnose())


# ---- files that are not what they seem ------------------------------------------------------------------------------------


def mended(data: bytes) -> bytes:
    """A file that was altered, with the digest that it needs to be believed."""
    mark = re.search(rb'\\"sha256\\": \\"([0-9a-f]{64})', data)
    if mark is None:
        return data
    blank = data[: mark.start(1)] + b"0" * 64 + data[mark.end(1) :]
    return data[: mark.start(1)] + hashlib.sha256(blank).hexdigest().encode() + data[mark.end(1) :]


def altered(data: bytes, rng: np.random.Generator) -> bytes:
    """A few numbers changed: bytes, words, a stretch; in the header or behind it."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(8, len(out) - 8))
        kind = rng.integers(4)
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            at -= at % 4
            out[at : at + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000])).to_bytes(
                4, "little"
            )
        elif kind == 2:
            at -= at % 8
            out[at : at + 8] = np.array([rng.choice([0.0, -1.0, np.nan, np.inf, 1e300, 2.0**53])]).tobytes()
        else:
            digits = [i for i in range(max(at - 200, 8), min(at + 200, len(out))) if 48 <= out[i] <= 57]
            if digits:
                out[int(rng.choice(digits))] = int(rng.integers(48, 58))
    return bytes(out)


def test_broken_files_are_refused_with_a_sentence_and_never_crash(javascript, tmp_path):
    rng = np.random.default_rng(2)
    rows = stream(300, 2)
    net = nn.Network([nn.Dense(4, "relu"), nn.BatchNorm(), nn.Dense(2)], inputs=2, optimizer="adam")
    whole = [
        data_of(learned(hw.Classifier(effort="fast", max_rows=64), rows)[0]),
        data_of(learned(hw.Classifier(label_history=True), rows)[0]),
        data_of(learned(hw.Regressor(), numeric(rows))[0]),
        data_of(net),
    ]
    files = []
    for i in range(600):
        data = whole[i % len(whole)]
        broken = (
            data[: rng.integers(len(data))]
            if i % 20 == 0
            else mended(altered(data, rng))
            if i % 10
            else altered(data, rng)
        )
        files.append(str(tmp_path / f"{i}.hw"))
        Path(files[-1]).write_bytes(broken)
    (answers,) = javascript({"do": "hostile", "files": files})
    refused = [answer for answer in answers if answer["name"]]
    assert {answer["name"] for answer in refused} == {"ModelFileError"}, [
        a for a in refused if a["name"] != "ModelFileError"
    ][:3]
    assert all(re.fullmatch(r"expected .+, got .+ — at .+\. .+", answer["message"], re.DOTALL) for answer in refused)
    assert 200 < len(refused) < 600


def test_files_of_other_formats_are_refused_in_the_words_of_python(javascript, tmp_path):
    data, files = data_of(learned(hw.Classifier(effort="fast"), stream(20, 2))[0]), []
    for format_ in (1, 3):
        files.append(str(tmp_path / f"{format_}.hw"))
        Path(files[-1]).write_bytes(resealed(data, {"format": format_}))
    (answers,) = javascript({"do": "hostile", "files": files})
    for path, answer in zip(files, answers, strict=True):
        with pytest.raises(ModelFileError) as refused:
            hw.load(path)
        own, at = str(refused.value), f" — at {answer['message'].partition(' — at ')[2].partition('. ')[0]}"
        assert answer["message"].replace(at, "") == re.sub(r" — at \S+(?=\. )", "", own)
    assert "headwater 0.1 reads it" in answers[0]["message"]
    assert "Update headwater." in answers[1]["message"]


SETTINGS_TOO_LARGE = [
    {"kind": "Classifier", "settings": {"hidden": [1 << 16, 1 << 16]}, "calls": [["learnOne", {"a": 1}, 1]]},
    {"kind": "Network", "settings": {"layers": [{"name": "dense", "units": 1 << 20}] * 2, "inputs": 1 << 20}},
    {
        "kind": "Network",
        "settings": {"layers": [{"name": "embedding", "rows": 1 << 24, "units": 1 << 20}], "inputs": 1},
    },
    {
        "kind": "Network",
        "settings": {"layers": [{"name": "dense", "units": 1 << 20}] + [{"name": "relu"}] * 999, "inputs": 1},
    },
    {
        "kind": "Classifier",
        "settings": {"layers": [{"name": "dense", "units": 1 << 19}] * 8},
        "calls": [["learnOne", {"a": 1}, 1]],
    },
]


@pytest.mark.parametrize("task", SETTINGS_TOO_LARGE, ids=range(len(SETTINGS_TOO_LARGE)))
def test_more_than_memory_holds_is_refused_with_a_sentence(javascript, task):
    (error,) = javascript({"do": "mistake", **task})
    assert error["is"], error
    assert error["message"].startswith("expected "), error


# ---- mistakes -----------------------------------------------------------------------------------------------------------

MISTAKES = [
    (("Classifier", {"loss": "mse"}), "expected one of cross_entropy, binary_cross_entropy, hinge, got 'mse' — at loss of Classifier. "),
    (("Classifier", {"optimizer": "adm"}), "expected one of sgd, momentum, "),
    (("Classifier", {"optimizer": {"name": "adam", "lr": -1}}), "expected a step size above 0 or a schedule, got -1 — at lr of adam. "),
    (("Classifier", {"optimizer": {"name": "adam", "beta1": 1}}), "expected a share of at least 0 and below 1, got 1 — at beta1 of adam. "),
    (("Classifier", {"units": 3}), "expected one of hidden, activation, optimizer, "),
    (("Classifier", {"hidden": [0]}), "expected a whole number above 0, got 0 — at units of dense. "),
    (("Classifier", {"hidden": 0}), "expected a whole number, or several in a list, got 0 — at hidden of Classifier. "),
    (("Classifier", {"maxRows": 3}), "expected maxRows of 16 or more, got 3 — at maxRows of Classifier. "),
    (("Classifier", {"activation": "softmax", "hidden": [3]}), "expected one of identity, relu, "),
    (("Classifier", {"effort": "most"}), "expected one of fast, default, accurate, got 'most' — at effort. "),
    (("Classifier", {"experts": []}), "expected at least one expert, got none — at experts. "),
    (("Classifier", {"loss": "hinge", "labelHistory": True}), "expected 'cross_entropy', or numbers that are standardised, with "),
    (("Classifier", {"layers": [{"name": "dense", "units": 4, "initializer": "orthogonal"}]}), "expected an initializer that draws "),
    (("Classifier", {"hidden": [1 << 21]}, ["learnOne", {"a": 1}, 1]), "expected a whole number from 1 to 1048576, got 2.09715e+06 — at "),
    (("Classifier", {}, ["learnOne", 3, 1]), "expected a mapping of names to values, got number — at sample 0. "),
    (("Classifier", {}, ["learnOne", [1], 1]), "expected a mapping of names to values, got Array — at sample 0. "),
    (("Classifier", {}, ["learnMany", [{}], [1, 2]]), "expected as many answers as rows (1), got 2 — at y. "),
    (("Classifier", {}, ["learnMany", {"data": [1, 2], "shape": [3, 2]}, [1]]), "expected an array of objects, or a matrix whose "),
    (
        ("Classifier", {"loss": "binary_cross_entropy"}, *(["learnOne", {"a": 1}, y] for y in "abc")),
        "expected one of the two classes ['a', 'b'], got 'c' — at y. ",
    ),
    (("Regressor", {}, ["predictIntervalOne", {"a": 1}, 1]), "expected a share between 0 and 1, got 1 — at coverage. "),
    (("Regressor", {}, ["learnOne", {"a": 1}, 1], ["free"], ["predictOne", {"a": 1}]), "expected a learner, got one that was freed. "),
    (("Network", {"layers": []}), "expected dense, embedding or conv as first layer, got no layer — at layers. "),
    (("Network", {"layers": [{"name": "relu"}]}), "expected dense, embedding or conv as first layer, got activation — at layers. "),
    (("Network", {"layers": [{"name": "dense", "units": 1}], "loss": "cross_entropy"}), "expected an output for each class, so 2 or more"),
    (("Network", {"layers": [{"name": "dense", "units": 1}], "inputs": 2}, ["predictOne", [1]]), "expected 2 inputs, got 1 — at X. "),
    (("Network", {"layers": [{"name": "dense", "units": 1}]}, ["learnMany", [[1], [2]], [1]]), "expected 2 answers of 1 number(s), got "),
    (("Network", {"layers": [{"name": "dense", "units": 1}]}, ["learnMany", [["a"]], [1]]), "expected an array of numbers, got other "),
    (("Network", {"layers": [{"name": "dense", "units": 1}]}, ["loss", [[1]], [1]], ["update", [1]]), "expected 8 numbers, got 1 — at"),
    (("Network", {"layers": [{"name": "dense", "units": 1}]}, ["setLayers", []]), "expected a net whose inputs are known, got none "),
    (("Network", {"layers": [{"name": "dense", "units": 1}], "inputs": 2}, ["setLayers", []]), "expected 1 layers, got 0 — at set"),
    (("Network", {"layers": [{"name": "dense", "units": 1}], "inputs": 2}, ["write", "none", []]), "expected numbers for none: no such"),
    (("load", [1, 2, 3]), "expected a safetensors file, got something else — at load. "),
]  # fmt: skip


def test_mistakes_are_said_in_sentences(javascript):
    tasks = [
        {"do": "mistake", "kind": kind, "settings": given, "calls": calls} for (kind, given, *calls), _ in MISTAKES
    ]
    for (given, sentence), error in zip(MISTAKES, javascript(*tasks), strict=True):
        assert error is not None, given
        assert error["is"], error
        assert error["message"].startswith(sentence), given


# ---- the parts ------------------------------------------------------------------------------------------------------------


def test_what_is_declared_has_the_fields_and_defaults_of_python(javascript):
    (tables,) = javascript({"do": "tables"})
    assert tables["activations"] == {name: [row.default, row.initializer] for name, row in ACTIVATIONS.items()}
    assert tables["losses"] == {name: row.default for name, row in LOSSES.items()}
    assert [*tables["fields"]] == [*CLASSES]
    for name, cls in CLASSES.items():
        defaults = {one.name: one.default for one in fields(cls) if one.default is not MISSING}
        theirs = {key: value for key, value in tables["fields"][name].items() if key in defaults}
        if name == "Expert":
            defaults |= {"layers": [], "loss": "mse", "optimizer": "sgd"}
        assert theirs == defaults, name
        known = [one.name for one in fields(cls)]
        assert [key for key in known if key in tables["fields"][name]] == [*tables["fields"][name]], name


KINDS: list[tuple[Any, dict[str, Any]]] = [
    *((cls(), {"name": name}) for name, cls in nn.OPTIMIZERS.items()),
    (nn.SGD(nn.Constant(0.1)), {"name": "sgd", "lr": {"name": "constant", "lr": 0.1}}),
    (nn.SGD(nn.Step(0.1, 7)), {"name": "sgd", "lr": {"name": "step", "lr": 0.1, "every": 7}}),
    (nn.SGD(nn.WarmUp(0.1, 9)), {"name": "sgd", "lr": {"name": "warm_up", "lr": 0.1, "steps": 9}}),
]


def test_every_rule_activation_loss_and_initializer_makes_the_network_of_python(javascript, tmp_path):
    nets = [
        (nn.Network([nn.Dense(3), nn.Dense(1)], optimizer=rule, inputs=2), {"optimizer": given})
        for rule, given in KINDS
    ]
    dense = [{"name": "dense", "units": 3}, {"name": "dense", "units": 1}]
    settings = [{"layers": dense, "inputs": 2, **given} for _, given in nets]
    nets = [net for net, _ in nets]
    for name in ACTIVATIONS:
        nets.append(nn.Network([nn.Dense(3, name), nn.Activation(name), nn.Dense(2)], inputs=2))
        layers = [{"name": "Dense", "units": 3, "activation": name}, {"name": name}, {"name": "dense", "units": 2}]
        settings.append({"layers": layers, "inputs": 2})
    for name in LOSSES:
        nets.append(nn.Network([nn.Dense(2)], loss=name, inputs=3))
        settings.append({"layers": [{"name": "dense", "units": 2}], "loss": name, "inputs": 3})
    for name in nn.INITIALIZERS:
        nets.append(nn.Network([nn.Dense(5, initializer=name), nn.Dense(4, initializer=name, bias=False)], inputs=3))
        layers = [
            {"name": "dense", "units": 5, "initializer": name},
            {"name": "dense", "units": 4, "initializer": name, "bias": False},
        ]
        settings.append({"layers": layers, "inputs": 3})
    paths = [tmp_path / str(i) for i in range(len(nets))]
    javascript(
        *({"do": "make", "kind": "Network", "settings": s, "to": str(p)} for s, p in zip(settings, paths, strict=True))
    )
    for net, given, path in zip(nets, settings, paths, strict=True):
        assert path.read_bytes() == data_of(net), given


TEXTS = [
    *("1_0", "1__0", "_1", "1_", "1._5", "1.5_5", "1e1_0", " 1 ", "\x1c1", "\u20031\u2003", "１２", "1e999", "-inf", "Infinity", "nan"),
    *("+nan", "0x10", "1e", "1.e5", ".5", "5.", ".", "1 2", "\x851", "٢.5", "1\0", "٣_٤", "infinit", "1e-400", " ", "", "-", "+.5e-3"),
    *("𝟙𝟚", "0.1", "123456789.123456789e-5", "1d", "1e5 ", "\n7\t"),
    *("2020-01-01", "2020-01-01Z", "2020-01-01+0130", "2020-01-01-01:00", "2020-01-01T10:00", "2020-01-01 10:00:01.5"),
    *("2020-01-01T10:00:00.123456789Z", "2020-01-01T24:00", "2020-01-01T10:00+25:00", "2020-01-01T10:00+23:59", "2020-02-30"),
    *("2020-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "0001-01-01", "9999-12-31T23:59:59.999999", "2020-01-01\n"),
    *("2020-01-01T10:00:60", "2020-01-01T10:00:00,5", "2020-01-01T1000", "1600-02-29T01:02:03.000001", "2020-13-01", "2020-00-10"),
    *("2020-01-01+2500", "0001-01-01T00:00+01:00", "2020-01-01T10:00:00.1234567Z", "1969-12-31T23:59:59.999999", "1066-10-14 09:00"),
    *("2020-01-01T10:00-00:00", "2020-04-31", "20200101", "2020-W01-1", "2020-01-01t10:00", "2020-01-01T10:00z"),
]  # fmt: skip
NUMBERS = [
    1e22,
    12345678901234567890.0,
    -0.0,
    0.1,
    1e-5,
    1.5e-7,
    123456.789,
    1e300,
    math.inf,
    -math.inf,
    5,
    1e16,
    1e-4,
    2.5e15,
    1e21,
    5e-324,
    -1234.5e-9,
]


def test_texts_numbers_and_times_are_read_as_in_python(javascript):
    (said,) = javascript(
        {"do": "values", "texts": TEXTS, "numbers": [repr(x).replace("inf", "Infinity") for x in NUMBERS]}
    )
    for text, number, elapsed in zip(TEXTS, said["numbers"], said["elapsed"], strict=True):
        ours, parts = as_number(text), parts_of(text)
        assert (ours is None) == (number == "null"), text
        assert ours is None or float(number.replace("Infinity", "inf")) == ours or ours != ours, text
        assert elapsed == (parts and parts[0]), text
    assert said["texts"] == [as_text(x) for x in NUMBERS]


def test_the_circles_of_times_are_those_of_python(javascript, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for i in range(300):
        micro = int(rng.integers(-62 * 10**15, 253 * 10**15))
        when = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micro)
        zone = f"{'+-'[i % 2]}{rng.integers(24):02d}:{rng.integers(60):02d}" if i % 3 else ""
        rows.append({"x": {"when": when.isoformat() + zone}, "y": i % 2, "w": 1})
    model, _ = learned(hw.Classifier(scale=False), rows)
    task = {
        "do": "learn",
        "kind": "Classifier",
        "settings": {"scale": False},
        "rows": written(rows, tmp_path / "rows.jsonl"),
    }
    assert javascript(task)[0]["digest"] == digest(model)


def test_sha_256_is_that_of_hashlib(javascript):
    sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000]
    ours = [hashlib.sha256(bytes(i * 7 % 256 for i in range(n))).hexdigest() for n in sizes]
    assert javascript(*({"do": "sha", "size": n} for n in sizes)) == ours


def test_memory_is_given_back(javascript):
    (memory,) = javascript({"do": "leak", "kind": "Classifier", "settings": {}, "rounds": 60})
    assert memory["last"] == memory["half"]


def test_memory_stays_flat_over_a_million_rows(javascript):
    (((early, early_resident), (late, late_resident)),) = javascript(
        {"do": "flat", "settings": {"hidden": []}, "rows": 1_000_000}
    )
    assert late == early
    assert late_resident - early_resident < 40e6


def test_the_page_says_what_is_so(tmp_path):
    page = (ROOT / "docs" / "how-to" / "javascript.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```js\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    folder = web.build(tmp_path / "js")
    (folder / "page.mjs").write_text(blocks[0], encoding="utf-8")
    done = subprocess.run([*NODE, folder / "page.mjs"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    said = re.findall(r"// → (.+)$", blocks[0], re.MULTILINE)
    assert done.stdout.splitlines() == said
