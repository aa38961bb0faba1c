"""Deno and Bun run the package as Node does: it learns Python's bits, saves, and opens what it saved in the smallest build."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from tools.build.pages import npm

import headwater as hw

NPM = shutil.which("npm")
pytestmark = [
    pytest.mark.skipif(NPM is None, reason="no npm, which installs Deno and Bun; apt-get install npm"),
    pytest.mark.skipif(find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly"),
]
RUNTIMES = {"deno": ("run", "--allow-read"), "bun": ("run",)}
PROGRAM = """
import { load, open } from "headwater";
const hw = await load();
const model = new hw.Classifier({ seed: 4 });
const row = (i) => [{ a: i % 7, b: `word ${i % 3}`, c: i % 2 ? null : i }, i % 7 > 2 ? "yes" : "no"];
for (let i = 0; i < 300; i++) model.learnOne(...row(i));
const again = await open(model.save());
const said = [again.build, String(model), (await again.predictProbaOne(row(5)[0])).get("yes")];
for (let i = 300; i < 320; i++) await again.learnOne(...row(i));
said.push(again.build, String(await again.digest()));
let refused = null;
try { new hw.Classifier({ seed: "x" }); } catch (error) { refused = error.message; }
console.log(JSON.stringify([...said, refused]));
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package as npm packs it."""
    folder = tmp_path_factory.mktemp("npm")
    built = npm.build(folder / "package")
    packed = subprocess.run([NPM, "pack", "--silent", built], cwd=folder, capture_output=True, text=True, check=True)
    return folder / packed.stdout.split()[-1]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_another_runtime_learns_saves_and_opens_as_python_does(runtime, package, tmp_path):
    (tmp_path / "package.json").write_text('{"name": "project", "private": true, "type": "module"}')
    (tmp_path / "main.mjs").write_text(PROGRAM)
    command = [NPM, "install", "--no-audit", "--no-fund", "--prefer-offline", runtime, str(package)]
    if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=600).returncode:
        pytest.skip(f"{runtime} can't be had from npm")
    program = str(tmp_path / "node_modules" / ".bin" / runtime)
    if subprocess.run([program, "--version"], cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip(f"{runtime} doesn't run on this machine")
    command = [program, *RUNTIMES[runtime], "main.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    *said, refused = json.loads(done.stdout)
    model = hw.Classifier(seed=4)
    rows = [
        ({"a": i % 7, "b": f"word {i % 3}", "c": None if i % 2 else i}, "yes" if i % 7 > 2 else "no")
        for i in range(320)
    ]
    for x, y in rows[:300]:
        model.learn_one(x, y)
    share = model.predict_proba_one(rows[5][0])["yes"]
    for x, y in rows[300:]:
        model.learn_one(x, y)
    shown = "Classifier(rows learned: 300, columns: 3, classes: 2)"
    assert said == ["predict", shown, share, "lean", str(model._engine.core.digest())]
    assert refused.startswith("expected a whole number")
