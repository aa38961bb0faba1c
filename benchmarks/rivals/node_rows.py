"""Libraries of JavaScript, and headwater's own module, in Node: ``python -m benchmarks.rivals.node_rows NAME``.

npm installs the pinned packages into ``benchmarks/.envs/node`` when they are missing. Node lives for all rounds, as a page
would: only the first pass finds its code not compiled yet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tools.build import web

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import initial, log_loss, teacher

HERE = Path(__file__).with_name("node")
ENV = HERE.parents[1] / ".envs" / "node"
LIBRARIES: dict[str, dict[str, Any]] = {
    "headwater-js": {"library": "headwater", "many": True},
    "headwater-js-one": {"library": "headwater", "many": False},
    "tfjs": {"library": "tfjs", "backend": "cpu"},
    "tfjs-wasm": {"library": "tfjs", "backend": "wasm"},
    "convnetjs": {"library": "convnetjs"},
}
PACKAGES = ("@tensorflow/tfjs", "convnetjs")


def install() -> dict[str, str]:
    """Install what ``package.json`` pins, unless it is there, and return the versions."""
    pins = HERE / "package.json"
    if not (ENV / "package.json").exists() or (ENV / "package.json").read_bytes() != pins.read_bytes():
        shutil.rmtree(ENV, ignore_errors=True)
        ENV.mkdir(parents=True)
        part = shutil.copy(pins, ENV / "package.json.part")
        subprocess.run(["npm", "install", "--prefix", ENV, "--silent", *pinned(pins)], check=True, stdout=sys.stderr)
        os.replace(part, ENV / "package.json")  # last, so that an installation cut short is done again
    found = {
        name: json.loads((ENV / "node_modules" / name / "package.json").read_text())["version"] for name in PACKAGES
    }
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return found | {"node": node.removeprefix("v")}


def pinned(pins: Path) -> list[str]:
    """Return the packages as npm's command line names them."""
    return [f"{name}@{version}" for name, version in json.loads(pins.read_text())["dependencies"].items()]


def prepare(spec: Spec) -> Run:
    """Return a run of one library over the rows of the teacher, strictly one after the other."""
    versions = install()
    options, folder = spec["options"], Path(tempfile.mkdtemp())
    sizes = options["sizes"]
    X, y = teacher(spec["rows"], sizes[0], spec["seed"])
    X.tofile(folder / "X")
    y.tofile(folder / "y")
    weights = [
        {"W": W.ravel().tolist(), "b": b.tolist(), "n": len(W), "m": len(b)} for W, b in initial(sizes, spec["seed"])
    ]
    files = {name: str(folder / name) for name in ("X", "y", "out")}
    module = {"module": str(web.build(ENV.with_name("headwater-js")) / "headwater.mjs")}
    task = files | module | {"weights": weights, "sizes": sizes, "lr": options["lr"], "seed": spec["seed"]}
    child = subprocess.Popen(
        ["node", str(HERE / "rows.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NODE_RIVALS": str(ENV)},
    )
    asked = [json.dumps(task | {"rows": spec["rows"]} | LIBRARIES[NAME]), json.dumps({"out": files["out"]})]

    def run() -> Pass:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write((asked.pop(0) if len(asked) > 1 else asked[0]) + "\n")
        child.stdin.flush()
        seconds = json.loads(child.stdout.readline())["seconds"]
        proba = np.fromfile(folder / "out")
        return Pass(seconds=seconds, rows=spec["rows"], score=log_loss(y, proba), detail=versions)

    return run


if __name__ == "__main__":
    NAME = sys.argv[1]
    serve(NAME, ["numpy"], {"node": prepare})
