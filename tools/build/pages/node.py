"""The tools from npm that make smaller what pages load: terser for JavaScript, binaryen's wasm-opt for the core.

Where npm is not there, or not within reach of its packages, the files are a tenth larger and do the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tools.build.core import BUILD

PACKAGES = {"binaryen": "132.0.0", "terser": "5.44.0"}
FOLDER = BUILD.with_name("node")
OPTIMIZED = BUILD.with_name("optimized")
MODULE = ("--module", "--compress", "passes=3,ecma=2022", "--mangle", "--format", "ascii_only=false")
HAD = (
    "simd",
    "bulk-memory",
    "bulk-memory-opt",
    "sign-ext",
    "nontrapping-float-to-int",
    "mutable-globals",
    "multivalue",
    "reference-types",
)
"""What of WebAssembly every browser of 2023 has; wasm-opt may use no more."""
CORE = (
    *(f"--enable-{one}" for one in HAD),
    "--low-memory-unused",  # the deepest end of the stack, which lies before all data
    *("-Oz", "--flatten", "--rereloop", "-Oz", "--converge"),
    *("--generate-global-effects", "-Oz", "--converge", "-Oz", "--converge"),  # .3 % less yet
    *("--strip-producers", "--strip-target-features"),
)


@cache
def tool(name: str) -> str | None:
    """Return the path of a tool, which is installed at its first use; None where it can't be had."""
    asked = json.dumps({"private": True, "dependencies": PACKAGES})
    installed = FOLDER / "package.json"
    if not installed.exists() or installed.read_text(encoding="utf-8") != asked:
        npm = shutil.which("npm")
        if npm is None:
            missing("no npm")
            return None
        FOLDER.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(FOLDER / "node_modules", ignore_errors=True)
        installed.write_text(asked, encoding="utf-8")
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        if done.returncode:
            installed.unlink()
            missing("its packages are not within reach")
            return None
    return str(FOLDER / "node_modules" / ".bin" / name)


def missing(why: str) -> None:
    """Say that the files will be larger."""
    print(f"NOTE: {', '.join(PACKAGES)} can't be had from npm ({why}): what pages load is a tenth larger.")


def minified(text: str) -> str | None:
    """Return a module with short names; None without the tool."""
    terser = tool("terser")
    if terser is None:
        return None
    done = subprocess.run([terser, *MODULE], input=text, capture_output=True, text=True, check=True)
    return done.stdout.rstrip() + "\n"


def optimized(core: Path) -> Path:
    """Make a build of the core smaller, in place, at the same bits.

    It takes up to minutes, so what was made of the same bytes is kept.
    """
    wasm_opt = tool("wasm-opt")
    if wasm_opt is None:
        return core
    asked = " ".join((PACKAGES["binaryen"], *CORE)).encode() + core.read_bytes()
    kept = OPTIMIZED / f"{hashlib.sha256(asked).hexdigest()}.wasm"
    if not kept.exists():
        OPTIMIZED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=OPTIMIZED) as folder:
            made = Path(folder) / kept.name
            subprocess.run([wasm_opt, *CORE, str(core), "-o", str(made)], check=True)
            made.replace(kept)  # another process may be at it, too
    shutil.copyfile(kept, core)
    return core
