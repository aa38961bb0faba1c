"""The JavaScript module as a package for npm: a folder that ``npm pack`` makes a package of.

python -m tools.build.npm FOLDER && npm pack FOLDER
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
const model = new hw.Classifier();
model.learnOne({ size: 1.5, colour: "red" }, "apple");
model.predictOne({ size: 1.4, colour: "red" }); // "apple"
const bytes = model.save(); // a file that Python opens, and hw.load too
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
        "exports": {".": {"types": "./headwater.d.mts", "default": "./headwater.mjs"}, **cores},
        "types": "./headwater.d.mts",
        "files": [*web.FILES, "headwater.d.mts"],
        "engines": {"node": ">=20"},
        "sideEffects": False,
    }


def build(folder: Path) -> Path:
    """Write the package into a folder, and return it."""
    web.build(folder)
    for path in (web.JS / "headwater.d.mts", ROOT / "LICENSE"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text(json.dumps(description(), indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    return folder


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
