"""The JavaScript module as a package for npm: a folder that ``npm pack`` makes a package of.

python -m tools.build.pages.npm FOLDER && npm pack FOLDER
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

from tools.build import web
from tools.build.core import ROOT

README = """# headwater

Neural networks that learn online: predict, see the answer, learn, one example at a time, for ever. This is the JavaScript
module of the Python library headwater, for browsers, workers and Node: the same core as WebAssembly, the same bits, the same
files.

```js
import { load } from "headwater";

const hw = await load();
const model = new hw.Classifier({ seed: 1 });
model.learnOne({ size: 1.5, colour: "red" }, "apple");
console.log(model.predictOne({ size: 1.4, colour: "red" })); // apple
console.log(model); // Classifier(rows learned: 1, columns: 2, classes: 1)
const bytes = model.save(); // a file that Python opens, and hw.load too
```

## A page

`npm install headwater`, put this into `index.html` beside `node_modules`, and serve the folder, for example with `npx serve .`:

```html
<!doctype html>
<meta charset="utf-8">
<title>headwater</title>
<p id="said"></p>
<script type="module">
  import { load } from "./node_modules/headwater/headwater.mjs";

  const hw = await load();
  const model = new hw.Classifier({ seed: 1 });
  for (let i = 0; i < 200; i++) model.learnOne({ size: i % 10 }, i % 10 > 5 ? "large" : "small");
  document.getElementById("said").textContent = `9 is ${model.predictOne({ size: 9 })}.`;
</script>
```

## Bundlers

The module finds `headwater.wasm` beside itself, by `new URL("./headwater.wasm", import.meta.url)`. webpack 5 and vite see that
and bring the file along: nothing is to be done. With esbuild and Rollup, copy `node_modules/headwater/headwater.wasm` beside the
bundle, or hand it over: `load(fetch("/headwater.wasm"))`; Rollup writes several files, into a folder (`-d`). A page that begins with
a saved model loads a third of all with `open("model.hw.z")`, from `predict.wasm` and `lean.wasm` beside it. Node 20.16 or newer,
Deno 2 and Bun read them from disk.

## Other kinds

A forecaster, an anomaly model, a bandit, an agent, a learner of several outputs, or one with a memory, learned and saved in Python,
goes on here to the same bits, in the questions of its kind:

```js
import { openKind } from "headwater/kinds";

const model = await openKind("model.hw"); // with kinds.wasm beside the module
console.log(model.forecast(12));
model.learnOne(42.5);
```
"""


def semver(version: str) -> str:
    """Return Python's version in npm's words: 0.2.0.dev1 is 0.2.0-dev.1.

    >>> semver("0.2.0"), semver("0.2.0.dev1"), semver("1.0.0rc2")
    ('0.2.0', '0.2.0-dev.1', '1.0.0-rc.2')
    """
    return re.sub(r"^(\d+\.\d+\.\d+)\.?([a-z]+)(\d+)$", r"\1-\2.\3", version)


def description() -> dict[str, object]:
    """Return what the package says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cores = {f"./{name}": f"./{name}" for name in web.FILES if name.endswith(".wasm")}
    return {
        "name": project["name"],
        "version": semver(project["version"]),
        "description": project["description"],
        "keywords": project["keywords"],
        "license": project["license"],
        "type": "module",
        "exports": {
            ".": {"types": "./headwater.d.mts", "default": "./headwater.mjs"},
            "./kinds": {"types": "./kinds.d.mts", "default": "./kinds.mjs"},
            **cores,
            "./package.json": "./package.json",
        },
        "types": "./headwater.d.mts",
        "files": [*web.FILES, "headwater.d.mts", "kinds.d.mts"],
        "engines": {"node": ">=20.16"},
        "sideEffects": False,
    }


def build(folder: Path) -> Path:
    """Write the package into a folder, and return it."""
    web.build(folder)
    for path in (web.JS / "headwater.d.mts", web.JS / "declare" / "kinds.d.mts", ROOT / "LICENSE"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text(json.dumps(description(), indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)  # npm packs the modes that it finds, and they would be the umask's
    return folder


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
