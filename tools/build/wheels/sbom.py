"""What a wheel is made of, as CycloneDX: it goes into ``*.dist-info/sboms`` (PEP 770), where scanners look for it.

Packages that pip installs beside the wheel are not part of it: these are named in its metadata. Here stands what is inside the files.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from tools.build.compiler import Compiler
from tools.build.core import ROOT, SOURCES

NAME = "headwater.cdx.json"
UNICODE = SOURCES / "parts" / "text" / "unicode.h"


def written(compiler: Compiler, folder: Path) -> Path:
    """Write the list of a wheel into a folder, and return its path. The same sources and compiler give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_text(json.dumps(listed(compiler), indent=2) + "\n", encoding="utf-8")
    return path


def listed(compiler: Compiler) -> dict[str, Any]:
    """Return what a wheel is made of by a compiler."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    purl = f"pkg:pypi/{name}@{version}"
    parts = [*inside(project["license"]), *(linked(compiler) if compiler.zig else [])]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [built_by(compiler)]},
            "component": {"bom-ref": purl, "purl": purl, "type": "library"}
            | {"name": name, "version": version, "licenses": [{"license": {"id": project["license"]}}]},
        },
        "components": parts,
        "dependencies": [{"ref": purl, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def inside(license_: str) -> list[dict[str, Any]]:
    """Return the parts that come out of this repository: the core, and the table that was made of Unicode's data."""
    found = re.search(r"Unicode (\d+\.\d+\.\d+)", UNICODE.read_text(encoding="utf-8"))
    core = component("headwater-core", "the sources of the core, in C", license_)
    core["hashes"] = [{"alg": "SHA-256", "content": digest()}]
    data = component("unicode-character-database", "which characters are letters", "Unicode-3.0")
    return [core, data | ({"version": found[1]} if found else {})]


def linked(compiler: Compiler) -> list[dict[str, Any]]:
    """Return what Zig's linker adds of its own."""
    runtime = component(
        "compiler-rt", "functions that the compiler calls, linked by Zig", "Apache-2.0 WITH LLVM-exception"
    )
    start = component("mingw-w64", "how a DLL starts, linked by Zig", "ZPL-2.1")
    return [runtime, start] if compiler.system == "windows" else [runtime]


def component(name: str, description: str, license_: str) -> dict[str, Any]:
    """Return one part."""
    said: dict[str, Any] = {"expression": license_} if " " in license_ else {"license": {"id": license_}}
    return {"bom-ref": name, "type": "library", "name": name, "description": description, "licenses": [said]}


def built_by(compiler: Compiler) -> dict[str, Any]:
    """Return the compiler as a tool: its name, and its version as it says it itself."""
    words = " ".join(compiler.run("--version").split("\n")[0].split())
    found = re.search(r"\d+(\.\d+)+", words)
    return {"type": "application", "name": "ziglang" if compiler.zig else words.split()[0], "description": words} | (
        {"version": found[0]} if found else {}
    )


def digest() -> str:
    """Return the SHA-256 of the core's files in the order of their names, each after its name and a zero byte."""
    whole = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*.[ch]"), key=lambda path: path.relative_to(SOURCES).as_posix()):
        whole.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()
