"""Costs of mistakes in JavaScript: each class is decided as Python decides it, by a build that predicts as by the whole one."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from tools.build import web
from tools.build.core import BUILD
from tools.build.targets import NODE, wasm

import headwater as hw

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
SCRIPT = """
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
const [folder, cores] = argv.slice(2);
const { load, open } = await import(`${folder}/headwater.mjs`);
const { openKind } = await import(`${folder}/learners/kinds/kinds.mjs`);
const core = (name) => readFile(`${cores}/${name}.wasm`);
const builds = { predict: await core("predict"), lean: await core("lean"), whole: await core("headwater") };
const hw = await load(builds.whole);
const said = [];
for (const { file, rows, costs, memory } of JSON.parse(await readFile("tasks.json", "utf8"))) {
  const bytes = await readFile(file);
  const options = costs === undefined ? undefined : { costs };
  if (memory) {
    const model = await openKind(bytes, { core: await core("kinds") });
    said.push([rows.map((x) => model.predictOne(x, options))]);
    continue;
  }
  const model = hw.load(bytes);
  const before = model.digest();
  const mapped = { costs: costs && new Map(Object.entries(costs)) };
  const ways = [model.predictMany(rows, options), rows.map((x) => model.predictOne(x, options)), model.predictMany(rows, mapped)];
  const opened = await open(bytes, { builds });
  const small = [];
  for (const x of rows) small.push(await opened.predictOne(x, options));
  said.push([...ways, small, opened.build, before === model.digest()]);
}
console.log(JSON.stringify(said));
"""


def run(tmp_path, script, tasks):
    for name in ("predict.wasm", "lean.wasm", "headwater.wasm", "kinds.wasm"):
        cores = wasm(BUILD / "js", name).parent
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    (tmp_path / "script.mjs").write_text(script)
    command = [*NODE, "script.mjs", web.JS, cores]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stream(classes, n=600):
    draw = random.Random(7)
    rows = [{"a": draw.gauss(0, 1), "b": f"w{draw.randrange(5)}"} for _ in range(n)]
    return rows, [classes[int((x["a"] + draw.gauss(0, 1)) * 1.5) % len(classes)] for x in rows]


THREE = ["ok", "fraud", "review"]
COSTS = {
    "none": (THREE, None),
    "a number a class": (THREE, {"fraud": 500, "ok": 5}),
    "a matrix": (THREE, {"fraud": {"ok": 50, "review": 2}, "ok": {"fraud": 5, "review": 0.25}}),
    "both": (THREE, {"fraud": {"ok": 50}, "review": 3, "ok": {"ok": 0.5}}),
    "nothing": (THREE, {}),
    "a class to come": (THREE, {"fraud": 9, "never seen": 1}),
    "all for nothing": (THREE, {"fraud": 0, "ok": 0, "review": 0}),
    "two classes": (["no", "yes"], {"yes": 20}),
    "true and false": ([False, True], {"true": 20}),
    "whole numbers": ([1, 2, 3], {"1": 7, "3": {"2": 4}}),
}


def python(model, rows, costs):
    said = model.predict_many(rows, costs=costs)
    return [one.item() if hasattr(one, "item") else one for one in said]


def test_each_class_is_decided_as_in_python(tmp_path):
    tasks, expected = [], []
    for i, (classes, costs) in enumerate(COSTS.values()):
        binary = {"hidden": (8,), "loss": "binary_cross_entropy"} if len(classes) == 2 else {}
        model = hw.Classifier(seed=i, **binary)
        rows, labels = stream(classes)
        model.learn_many(rows, labels)
        model.save(tmp_path / f"{i}.hw")
        tasks.append({"file": f"{i}.hw", "rows": rows[:200]} | ({} if costs is None else {"costs": costs}))
        expected.append(python(model, rows[:200], costs))
    for name, said, wanted in zip(COSTS, run(tmp_path, SCRIPT, tasks), expected, strict=True):
        *ways, build, unchanged = said
        assert ways == [wanted] * 4, name
        assert build == ("predict" if name == "none" else "whole"), name
        assert unchanged
    changed = [a != b for a, b in zip(expected[0], expected[1], strict=True)]
    assert sum(changed) > 20


def test_a_classifier_with_a_memory_decides_as_in_python(tmp_path):
    model = hw.Classifier(memory=8, by="b", seed=1)
    rows, labels = stream(THREE)
    model.learn_many(rows, labels)
    model.save(tmp_path / "m.hw")
    costs = [None, {"fraud": 500, "ok": 5}, {"fraud": {"ok": 50}}]
    tasks = [{"file": "m.hw", "rows": rows[:100], "memory": True, "costs": one} for one in costs]
    for one, (said,) in zip(costs, run(tmp_path, SCRIPT, tasks), strict=True):
        assert said == python(model, rows[:100], one)


REFUSED = """
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
const [folder, cores] = argv.slice(2);
const { HeadwaterError, load } = await import(`${folder}/headwater.mjs`);
const hw = await load(await readFile(`${cores}/headwater.wasm`));
const said = [];
for (const { file, costs, odd } of JSON.parse(await readFile("tasks.json", "utf8"))) {
  const model = file ? hw.load(await readFile(file)) : new hw.Classifier();
  try {
    said.push(model.predictOne({ a: 1 }, { costs: odd ? { fraud: Infinity } : costs }));
  } catch (error) {
    said.push([error instanceof HeadwaterError, error.message]);
  }
}
console.log(JSON.stringify(said));
"""
BAD = {
    "a number": (5, "expected costs of ['ok', 'fraud', 'review'], got 5 — at costs."),
    "a text": ("fraud=5", "expected costs of ['ok', 'fraud', 'review'], got 'fraud=5' — at costs."),
    "no class that is known": ({"frod": 5}, "expected costs of ['ok', 'fraud', 'review'], got "),
    "below 0": ({"fraud": -1}, "expected 0 or more, got -1 — at costs.fraud."),
    "no number": ({"fraud": "500"}, "expected 0 or more, got '500' — at costs.fraud."),
    "nothing": ({"fraud": None}, "expected 0 or more, got null — at costs.fraud."),
    "below 0 in a matrix": ({"fraud": {"ok": -1}}, "expected 0 or more, got -1 — at costs.fraud.ok."),
    "no class in a matrix": ({"fraud": {"okay": 1}}, "— at costs.fraud. Give e.g. {ok: 5}."),
}


def test_costs_that_can_not_be_are_refused_in_a_sentence(tmp_path):
    model, hinge = hw.Classifier(hidden=(4,), seed=1), hw.Classifier(hidden=(4,), seed=1, loss="hinge")
    rows, labels = stream(THREE)
    for one, name in ((model, "m.hw"), (hinge, "hinge.hw")):
        one.learn_many(rows, labels)
        one.save(tmp_path / name)
    tasks = [{"file": "m.hw", "costs": costs} for costs, _ in BAD.values()]
    tasks += [{"file": "m.hw", "odd": True}, {"file": "hinge.hw", "costs": {"ok": 5}}, {"costs": {"ok": 5}}]
    *said, endless, scores, new = run(tmp_path, REFUSED, tasks)
    order = str(model.known_classes)
    for (name, (_, message)), (ours, found) in zip(BAD.items(), said, strict=True):
        assert ours, name
        assert message.replace("['ok', 'fraud', 'review']", order) in found, name
    assert endless[1].startswith("expected 0 or more, got NaN — at costs.fraud.")
    assert scores[1] == "expected a loss with probabilities, got hinge — at costs. Give e.g. cross_entropy."
    assert new is None
