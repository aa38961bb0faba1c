"""What a page needs that doesn't go on learning: small files, which predict what Python predicts to the digits shown."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import subprocess
from importlib.util import find_spec

import numpy as np
import pytest
from tools.build import web
from tools.build.core import BUILD
from tools.build.targets import NODE, wasm

import headwater as hw
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.web import reduced

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs")
needs_zig = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
)
SCRIPT = """
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
const [module, folder, file, rows] = argv.slice(2);
const { open, load } = await import(module);
const at = (name) => readFile(`${folder}/${name}.wasm`);
const builds = { predict: await at("predict"), lean: await at("lean"), whole: await at("headwater") };
const model = await open(await readFile(file), { builds });
const said = [];
for (const x of JSON.parse(await readFile(rows, "utf8"))) {
  said.push(model.classes ? [...(await model.predictProbaOne(x)).values()] : await model.predictOne(x));
}
const tried = async (act) => act().then(() => null, (error) => error.message);
const x = JSON.parse(await readFile(rows, "utf8"))[0];
const refused = [await tried(() => model.learnOne(x, 1)), await tried(() => model.save())];
const { build, learns } = model;
const why = build === "whole" ? null : await model.explainOne(x);
const hw = await load(builds.whole);
const bytes = new Response(new Blob([await readFile(file)]).stream().pipeThrough(new DecompressionStream("gzip")));
const whole = await bytes.arrayBuffer();
refused.push(await tried(async () => hw.load(whole)));
console.log(JSON.stringify({ said, build, learns, refused, later: model.build, why: why && why.prediction }));
"""
REDUCED = "expected a model as save() writes it, got one that headwater export has reduced to what predicts — at load."
ALONE = "expected a model that learns, got one exported to predict — at {}. Export it without --no-learning."


def numbers(i, draw):
    return {"a": draw.random() * 10, "b": f"c{i % 5}", "d": draw.random(), "e": f"x{draw.randint(0, 40)}"}


def notes(i, draw):
    return {"a": i % 7, "note": " ".join(f"w{draw.randint(0, 300)}" for _ in range(8))}


def two_columns(i, draw):
    return {"a": draw.random() * 10, "b": f"c{i % 5}"}


MODELS = {
    "two classes": (lambda: hw.Classifier(seed=1), numbers, lambda x: "hi" if x["a"] > 5 else "lo"),
    "numbers": (lambda: hw.Regressor(seed=1), numbers, lambda x: 50 + x["a"] * 3 + x["d"]),
    "counts": (lambda: hw.Regressor(loss="poisson", seed=1), numbers, lambda x: int(x["a"])),
    "text": (lambda: hw.Classifier(text={"note": "words"}, seed=1), notes, lambda x: "w1" in x["note"]),
    "other layers": (lambda: hw.Regressor(hidden=8, activation="tanh", optimizer="adam"), numbers, lambda x: x["a"]),
    "64 bits": (lambda: hw.Classifier(dtype="float64"), numbers, lambda x: "hi" if x["a"] > 5 else "lo"),
    "no kept rows": (lambda: hw.Classifier(diagnosis=False), numbers, lambda x: "hi" if x["a"] > 5 else "lo"),
}


def learned(make, row_of, label_of, n=1_200):
    model, draw = make(), random.Random(7)
    for i in range(n):
        x = row_of(i, draw)
        model.learn_one(x, label_of(x))
    return model, [row_of(i, draw) for i in range(100)]


def two_hundred_classes():
    model, draw = hw.Classifier(seed=1), random.Random(1)
    for i in range(3_000):
        x = two_columns(i, draw)
        model.learn_one(x, f"class {int(20 * x['a'])}")
    return model


def header(data):
    size = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["headwater"])


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (two_hundred_classes, 1_000_000),
        (lambda: learned(*MODELS["two classes"])[0], 55_000),
        (lambda: learned(*MODELS["numbers"])[0], 110_000),
        (lambda: learned(*MODELS["text"])[0], 40_000),
    ],
    ids=["200 classes", "two classes", "numbers", "text"],
)
def test_a_model_that_only_predicts_weighs_a_third_to_two_thirds_of_one_that_learns(make, most):
    model = make()
    whole, small = len(gzip.compress(to_bytes(model))), len(gzip.compress(reduced(model)))
    assert small < most
    assert small < 0.67 * whole


def test_what_learning_alone_needs_is_left_out():
    data = reduced(learned(*MODELS["two classes"])[0])
    left_out = header(data)["packed"]
    assert {"state_0", "slot_reservoir", "sample_y"} <= set(left_out)
    assert left_out["state_0"]["shape"][0] > 10_000
    assert b'"sample"' not in data[: int.from_bytes(data[:8], "little") + 8]
    assert left_out["weights"]["bits"] >= 8


def test_weights_stay_exact_where_no_rows_were_kept_to_compare_predictions_on():
    assert "weights" not in header(reduced(learned(*MODELS["no kept rows"])[0]))["packed"]


def test_a_model_that_knows_nothing_is_reduced_too():
    assert header(reduced(hw.Classifier()))["packed"] == {}


def test_python_refuses_to_load_what_was_reduced():
    with pytest.raises(hw.errors.ModelFileError, match="got one that was reduced to predict on a page"):
        from_bytes(reduced(learned(*MODELS["numbers"])[0]), "model.hw")


@pytest.fixture(scope="module")
def cores():
    """A folder with the three builds, and the whole one in 64 bits."""
    for name in ("predict.wasm", "lean.wasm", "headwater.wasm", "headwater64.wasm"):
        built = wasm(BUILD / "js", name)
    return built.parent


def shown_alike(before, after, classes):
    """Whether predictions differ by less than half of the last digit that a page shows: 0.1 %, or the fourth one."""
    before, after = np.array(before), np.array(after)
    unit = 0.001 if classes else 10.0 ** (np.floor(np.log10(np.abs(before))) - 3)
    return bool((np.abs(before - after) <= 0.5 * unit).all())


@needs_node
@needs_zig
@pytest.mark.parametrize("name", MODELS)
def test_it_predicts_what_python_predicts_and_says_that_it_does_not_learn(name, cores, tmp_path):
    model, rows = learned(*MODELS[name])
    (tmp_path / "m.hw.z").write_bytes(gzip.compress(reduced(model)))
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    script = SCRIPT.replace('at("headwater")', 'at("headwater64")') if name == "64 bits" else SCRIPT
    (tmp_path / "open.mjs").write_text(script)
    command = [*NODE, "open.mjs", web.JS / "headwater.mjs", cores, "m.hw.z", "rows.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    classes = isinstance(model, hw.Classifier)
    wanted = [list(model.predict_proba_one(x).values()) if classes else model.predict_one(x) for x in rows]
    assert shown_alike(wanted, found["said"], classes)
    assert found["learns"] is False
    assert found["refused"][:2] == [ALONE.format("learnOne"), ALONE.format("save")]
    assert found["refused"][2].startswith(REDUCED)
    small = name in ("two classes", "numbers", "counts", "no kept rows")
    assert found["build"] == ("predict" if small else "whole")
    if small:
        assert found["later"] == "whole"
        first = found["said"][0]
        assert found["why"] == pytest.approx(max(first) if classes else first, abs=1e-6, rel=1e-6)
    if name == "no kept rows":
        assert found["said"] == wanted
