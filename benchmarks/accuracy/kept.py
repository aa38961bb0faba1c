"""A file of results: a line an entry, and the versions that it was measured with once for all entries that share them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.results import machine


def load(path: Path) -> dict[str, Any]:
    """Return the results so far: the machine, and the entries by id."""
    if not path.is_file():
        return {"machine": machine(), "entries": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    named = found.pop("versions", [])
    for entry in found["entries"].values():
        if isinstance(entry.get("versions"), int):
            entry["versions"] = named[entry["versions"]]
    return found


def save(path: Path, whole: dict[str, Any]) -> None:
    """Replace a file as a whole, so that a kill leaves the old one."""
    named: list[Any] = []
    lines = []
    for name, entry in sorted(whole["entries"].items()):
        if "versions" in entry:
            if entry["versions"] not in named:
                named.append(entry["versions"])
            entry = entry | {"versions": named.index(entry["versions"])}
        lines.append(f"  {json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}")
    head = json.dumps({key: value for key, value in whole.items() if key != "entries"} | {"versions": named})
    fresh = path.with_suffix(".part")
    entries = ",\n".join(lines)
    fresh.write_text(f'{head[:-1]},\n "entries": {{\n{entries}\n }}\n}}\n', encoding="utf-8")
    fresh.replace(path)
