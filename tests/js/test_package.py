"""The package for npm: what ``npm pack`` makes of it is installed into an empty folder, imported, and learns Python's bits."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest
from tools.build import web
from tools.build.pages import npm, sizes
from tools.build.targets import NODE

import headwater as hw
from headwater import nn
from headwater.plain import ACTIVATIONS, LOSSES

MOST = {
    "predicts": (32_768, ("headwater.mjs", "predict.wasm")),
    "predicts and learns": (61_440, ("headwater.mjs", "learn.mjs", "lean.wasm")),
    "has all": (110_000, ("headwater.mjs", "learn.mjs", "whole.mjs", "headwater.wasm")),
    "opens any kind": (131_600, ("kinds.mjs", "kinds.wasm")),
}
"""Bytes that what a page loads may have together, as gzip sends them: 32 and 60 times 1,024 of what predicts, and learns, and 131.6 kB
of what has the parts of every kind."""
PYTHON_ALONE = {"memory", "memoryKeys", "by", "time", "rolling"}
"""Settings that JavaScript does not have."""
BOTH = "Load the core that has both: load(new URL('headwater64.wasm', import.meta.url))."
NPM = shutil.which("npm")
TYPES = (web.JS / "headwater.d.mts").read_text(encoding="utf-8")
needs_zig = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
)
PROGRAM = """
import { ConfigError, load } from "headwater";
const hw = await load();
const model = new hw.Regressor({ seed: 2 });
for (let i = 0; i < 300; i++) model.learnOne({ a: i % 7, b: `word ${i % 3}`, c: i % 2 ? null : i }, i % 7);
let refused = null;
try { new hw.Regressor({ dtype: "float64" }).learnOne({ a: 1 }, 1); } catch (error) { refused = [error instanceof ConfigError, error.message]; }
const wide = await load(new URL(import.meta.resolve("headwater/headwater64.wasm")));
const double = new wide.Regressor({ seed: 2, dtype: "float64" });
for (let i = 0; i < 300; i++) double.learnOne({ a: i % 7 }, i % 7);
console.log(JSON.stringify({ digest: String(model.digest()), double: String(double.digest()), refused }));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    before = os.umask(0o077)
    try:
        return npm.build(tmp_path_factory.mktemp("npm") / "package")
    finally:
        os.umask(before)


@needs_zig
@pytest.mark.skipif(NPM is None, reason="no npm, which packs and installs; apt-get install npm")
def test_the_package_is_installed_into_an_empty_folder_and_learns_pythons_bits(folder, tmp_path):
    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    packed = run(NPM, "pack", "--offline", "--silent", folder).split()[-1]
    run(NPM, "install", "--offline", "--no-audit", "--no-fund", f"./{packed}")
    (tmp_path / "program.mjs").write_text(PROGRAM)
    said = json.loads(run(*NODE, "program.mjs"))
    model, double = hw.Regressor(seed=2), hw.Regressor(seed=2, dtype="float64")
    for i in range(300):
        model.learn_one({"a": i % 7, "b": f"word {i % 3}", "c": None if i % 2 else i}, i % 7)
        double.learn_one({"a": i % 7}, i % 7)
    assert said["digest"] == str(model._engine.core.digest())
    assert said["double"] == str(double._engine.core.digest())
    assert said["refused"] == [
        True,
        f"expected 'float32', as headwater.wasm has it, got 'float64' — at dtype. {BOTH}",
    ]
    installed = {path.name for path in (tmp_path / "node_modules" / "headwater").iterdir()}
    assert installed == {*web.FILES, "headwater.d.mts", "kinds.d.mts", "package.json", "README.md", "LICENSE"}


PRINTED = """
import { ConfigError, HeadwaterError, load } from "./headwater.mjs";
const hw = await load();
const model = new hw.Classifier({ seed: 1 }), net = new hw.Network({ layers: [{ name: "dense", units: 1 }], inputs: 2 });
model.learnOne({ a: 1, b: "x" }, "y");
console.log(model);
console.log(String(model), net);
model.free();
net.free();
console.log(model, net);
const tries = [() => model.save(), () => model.digest(), () => model.columns, () => net.save(), () => new hw.Classifier({ lr: "x" })];
for (const one of tries) try { one(); console.log("no error"); } catch (error) { console.log(error instanceof HeadwaterError, error.message); }
"""


@needs_zig
@pytest.mark.skipif(NODE is None, reason="no Node")
def test_a_model_is_printed_as_one_line_and_one_that_was_freed_says_so(folder, tmp_path):
    (folder / "printed.mjs").write_text(PRINTED)
    done = subprocess.run([*NODE, "printed.mjs"], cwd=folder, capture_output=True, text=True, check=True, timeout=300)
    (folder / "printed.mjs").unlink()
    line, freed = (
        "Classifier(rows learned: 1, columns: 2, classes: 1)",
        "true expected a learner, got one that was freed.",
    )
    lines = done.stdout.splitlines()
    assert lines[:3] == [line, f"{line} Network(layers: 1, inputs: 2)", "Classifier(freed) Network(freed)"]
    assert lines[3:7] == [f"{freed} Make another one."] * 4
    assert lines[7].startswith("true expected a step size above 0 or a schedule, got 'x' — at lr.")


@needs_zig
def test_what_is_packed_has_the_same_modes_whatever_the_umask(folder):
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


@needs_zig
@pytest.mark.skipif(NPM is None, reason="no npm, which minifies")
@pytest.mark.parametrize("what", MOST)
def test_what_a_page_loads_stays_small(what, folder):
    most, names = MOST[what]
    assert sum(sizes.size_of(folder / name) for name in names) < most, {n: sizes.size_of(folder / n) for n in names}


# ---- types --------------------------------------------------------------------------------------------------------------


def camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def members(interface: str) -> set[str]:
    """The names of an interface, those that it extends among them."""
    found = re.search(rf"interface {interface}(?: extends (\w+))? \{{(.*?)\n\}}", TYPES, re.DOTALL)
    own = set(re.findall(r"^  (?:readonly )?(\w+)[?(:]", found[2], re.MULTILINE))
    return own | (members(found[1]) if found[1] else set())


def union(name: str) -> list[str]:
    return re.findall('"(\\w+)"', re.search(rf"type {name}\b[^=]*=(.*?);", TYPES, re.DOTALL)[1])


def test_types_name_the_settings_that_python_declares():
    for cls in (hw.Classifier, hw.Regressor):
        declared = {camel(field.name) for field in fields(cls) if field.init}
        assert members(f"{cls.__name__}Settings") == declared - PYTHON_ALONE
    declared = {camel(field.name) for field in fields(nn.Expert) if field.init}
    assert members("Expert") == declared - {"loss", "outputs"}  # the learner's own


def test_types_name_the_activations_losses_rules_and_schedules_that_python_declares():
    assert union("ActivationName") == list(ACTIVATIONS)
    assert union("LossName") == list(LOSSES)
    assert union("InitializerName") == list(nn.INITIALIZERS)
    assert union("OptimizerName") == [rule.rule.name for rule in nn.OPTIMIZERS.values()]
    numbers = {camel(field.name) for rule in nn.OPTIMIZERS.values() for field in fields(rule) if field.init}
    written = re.search(r"type Optimizer =(.*?)\n    \};", TYPES, re.DOTALL)[1]
    assert set(re.findall(r"^      (\w+)\??:", written, re.MULTILINE)) == numbers | {"name"}
    schedules = re.search(r"type Schedule =(.*?);\nexport", TYPES, re.DOTALL)[1]
    for cls in nn.SCHEDULES:
        own = {camel(field.name) for field in fields(cls) if field.init}
        name = re.sub("(?<=[a-z])([A-Z])", r"_\1", cls.__name__).lower()
        line = re.search(rf'name: "{name}"; (.*?) \}}', schedules)[1]
        assert {re.match(r"\w+", part)[0] for part in line.split("; ")} == own
