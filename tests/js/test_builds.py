"""The core in three sizes: a saved model goes from one to the next with all that it has learned, and each refuses what it lacks."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from tools.build import web
from tools.build.core import BUILD
from tools.build.targets import NODE, wasm

import headwater as hw
from headwater import nn
from headwater.store.learner_file import save

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
SCRIPT = """
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
const [module, folder, file, rows, texts] = argv.slice(2);
const { open } = await import(module);
const at = (name) => readFile(`${folder}/${name}.wasm`);
const builds = { predict: await at("predict"), lean: await at("lean"), whole: await at("headwater") };
const model = await open(await readFile(file), { builds });
const said = [[model.build]];
const lines = JSON.parse(await readFile(rows, "utf8"));
for (const [i, [x, y]] of lines.entries()) {
  const predicted = await model.predictOne(x);
  if (i % 100 === 0) said.push([model.build, predicted]);
  await model.learnOne(x, y);
  if (i === 1400 && texts === "explained") await model.explainOne(x);
}
said.push([model.build, String(await model.digest())]);
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def cores():
    """A folder with the three builds."""
    for name in ("predict.wasm", "lean.wasm", "headwater.wasm"):
        built = wasm(BUILD / "js", name)
    return built.parent


def stream(n, sort):
    """Rows of numbers, words and gaps. changed: from some row on the answer is another one; text: sentences appear."""
    for i in range(n):
        x = {"a": (i * 7919) % 1000 / 100, "b": f"word {i % 7}", "c": None if i % 11 == 0 else i % 13}
        if sort == "text" and i >= 800:
            x["note"] = f"a sentence of several words, number {i * 31 % 997}, came today"
        if sort == "units" and i >= 900:
            x["a"] *= 1000
        turned = sort == "changed" and i >= 1000
        yield (
            x,
            ("high" if (x["a"] > 5) != turned else "low")
            if sort != "units"
            else ("high" if i * 7919 % 1000 > 500 else "low"),
        )


@pytest.mark.parametrize(
    ("sort", "last"),
    [("plain", "lean"), ("explained", "whole"), ("text", "whole"), ("changed", "whole"), ("units", "whole")],
)
def test_a_model_that_goes_from_build_to_build_has_the_bits_of_one_that_stayed(sort, last, cores, tmp_path):
    rows = list(stream(2_000, sort))
    model = hw.Classifier(seed=5)
    for x, y in rows[:300]:
        model.learn_one(x, y)
    model.save(tmp_path / "m.hw")
    (tmp_path / "rows.json").write_text(json.dumps(rows[300:]))
    (tmp_path / "open.mjs").write_text(SCRIPT)
    command = [*NODE, "open.mjs", web.JS / "headwater.mjs", cores, "m.hw", "rows.json", sort]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said[:2] == [["predict"], ["predict", model.predict_one(rows[300][0])]]
    predicted = []
    for i, (x, y) in enumerate(rows[300:]):
        if i % 100 == 0:
            predicted.append(model.predict_one(x))
        model.learn_one(x, y)
    assert [line[1] for line in said[1:-1]] == predicted
    assert said[2][0] == "lean"
    assert said[-1] == [last, str(model._engine.core.digest())]


LACKED = {
    "another rule": hw.Classifier(optimizer="adam"),
    "another activation": hw.Regressor(hidden=8, activation="tanh"),
    "batch norm": hw.Classifier(hidden=8, norm="batch"),
    "layers of its own": hw.Classifier(layers=[nn.Dense(4), nn.Activation("relu"), nn.Dropout(0.1)]),
    "penalties": hw.Classifier(l2=0.1),
    "another loss": hw.Regressor(loss="mae"),
    "a column of text": hw.Classifier(text={"b": "words"}),
    "label history": hw.Classifier(label_history=True),
    "64 bits": hw.Regressor(dtype="float64"),
}


@pytest.mark.parametrize("what", LACKED)
def test_what_a_small_build_lacks_it_refuses_and_the_whole_one_is_taken(what, cores, tmp_path):
    model = LACKED[what]
    numbers = isinstance(model, hw.Regressor)
    rows = [({"a": i % 9, "b": f"some words and {i % 4}"}, float(i % 9) if numbers else str(i % 2)) for i in range(120)]
    for x, y in rows[:60]:
        model.learn_one(x, y)
    model.save(tmp_path / "m.hw")
    (tmp_path / "rows.json").write_text(json.dumps(rows[60:]))
    (tmp_path / "open.mjs").write_text(
        SCRIPT.replace('"headwater")', '"headwater64")') if what == "64 bits" else SCRIPT
    )
    if what == "64 bits":
        wasm(BUILD / "js", "headwater64.wasm")
    command = [*NODE, "open.mjs", web.JS / "headwater.mjs", cores, "m.hw", "rows.json", "plain"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for x, y in rows[60:]:
        model.predict_one(x)
        model.learn_one(x, y)
    assert said[0] == ["whole"]
    assert said[-1] == ["whole", str(model._engine.core.digest())]


OTHERS = {
    "forecaster": hw.Forecaster(horizon=2),
    "detector": hw.Anomaly(),
    "bandit": hw.Bandit(),
    "agent": hw.Agent(actions=2),
    "several outputs": hw.MultiOutput(),
    "fleet": hw.Fleet(hw.Regressor, key="a"),
}
REFUSED = """
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
const [module, folder, file] = argv.slice(2);
const { load, open } = await import(module);
const at = (name) => readFile(`${folder}/${name}.wasm`);
const builds = { predict: await at("predict"), lean: await at("lean"), whole: await at("headwater") };
const bytes = await readFile(file);
const hw = await load(builds.whole);
const tries = [() => hw.load(bytes), () => open(bytes, { builds })];
for (const one of tries) try { await one(); console.log("no error"); } catch (error) { console.log(error.message); }
"""


@pytest.mark.parametrize("what", OTHERS)
def test_a_kind_of_another_module_is_refused_with_a_sentence_that_names_it_or_what_python_declares(
    what, cores, tmp_path
):
    model = OTHERS[what]
    save(model, tmp_path / "m.hw")
    (tmp_path / "refused.mjs").write_text(REFUSED)
    command = [*NODE, "refused.mjs", web.JS / "headwater.mjs", cores, "m.hw"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    expected = "expected a classifier, a regressor or a network"
    name = type(model).__name__ if what != "fleet" else "Fleet"
    help_ = model.kind.cannot("web") or "Open it with openKind of kinds.mjs."
    said = f"{expected}, got '{name}' — at the file. {help_}"
    assert done.stdout.splitlines() == [said, said]
