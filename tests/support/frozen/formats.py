"""Freeze a file of each version of a format that is written now and has none:  PYTHONPATH=tests:src:. python -m support.frozen.formats

A version gets one archive under ``tests/compatibility/formats``, which is never made again. ``test_formats.py`` loads it for ever.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import headwater as hw
from headwater._core import APART_VERSION, FIRST_VERSION, LEAN_VERSION, VERSION
from headwater.store import members
from headwater.store.journal import checkpoint_mark, database
from headwater.store.model_file import FORMAT
from support.frozen.archive import SAFELY, unpack
from support.frozen.archive import versions as kept
from support.frozen.cases import LEARNED, LEARNERS
from support.frozen.using import learned, predicted, teach

FOLDER = Path(__file__).parents[2] / "compatibility" / "formats"
PAGE = Path(__file__).parents[3] / "docs" / "formats" / "README.md"

WRITTEN = {
    "model file": {str(FORMAT)},
    "core": {str(VERSION)},
    "declaration": {str(VERSION)},
    "store": {str(database.FORMAT)},
    "store of a fleet": {members.FORMAT},
    "mark": {checkpoint_mark.MAGIC.decode()},
}
READ_TOO = {
    "core": {str(FIRST_VERSION), str(LEAN_VERSION), str(APART_VERSION)},
    "declaration": {str(FIRST_VERSION), str(LEAN_VERSION), str(APART_VERSION)},
    "store": {str(database._UNSEALED)},
    "store of a fleet": {members.READ_TOO},
}


MODELS = {"model.hw": "classifier", "numbers.hw": "regressor"}
"""Model files by the case that each is of. An archive has that whose rules its version was the first to follow, the last here."""


def listed() -> dict[str, tuple[set[str], set[str]]]:
    """The versions that the page of formats names: written, and read too."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[1].startswith("`"):
            found[cells[0]] = tuple({one.strip(" `") for one in cell.split(",")} - {"–"} for cell in cells[1:3])
    return found


def versions_of(path: Path) -> set[tuple[str, str]]:
    """The formats and versions of a file, by its bytes."""
    data = path.read_bytes()
    if data[:16] == b"SQLite format 3\0":
        if data[68:72] != bytes(4):
            return {("store of a fleet", data[68:72].decode())}
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as base:
            return {("store", str(*base.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()))}
    if path.name.endswith("-mark"):
        return {("mark", data[:8].decode())}
    if path.suffix != ".hw":
        return set()
    size = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + size])
    head = json.loads(entries["__metadata__"]["headwater"])
    found = {("model file", str(head["format"])), ("core", str(head.get("core", 2)))}
    if "declaration" in entries:
        at = 8 + size + entries["declaration"]["data_offsets"][0]
        found.add(("declaration", f"{memoryview(data[at : at + 8]).cast('d')[0]:g}"))
    return found


def frozen(folder: Path) -> set[tuple[str, str]]:
    """The formats and versions of which there are frozen files, of releases and of single versions."""
    for version in kept():
        unpack(folder, version)
    for archive in sorted(FOLDER.glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            tar.extractall(folder / archive.stem, **SAFELY)
    return {one for path in folder.rglob("*") if path.is_file() for one in versions_of(path)}


def lacking(versions: dict[str, tuple[set[str], set[str]]], found: set[tuple[str, str]]) -> list[str]:
    """A sentence for each version that is written or read and of which no file is frozen."""
    wanted = [(name, one) for name, pair in versions.items() for part in pair for one in sorted(part)]
    return [
        f"{name} {one} has no frozen file: run `PYTHONPATH=tests:src:. python -m support.frozen.formats`, and keep what was "
        "written before readable, or give headwater migrate a step"
        for name, one in wanted
        if (name, one) not in found
    ]


def make(folder: Path) -> dict[str, Any]:
    """Write a model file, a store that is open, and a fleet's store; return what each says."""
    file, case = list(MODELS.items())[-1]
    make_model, answers = LEARNERS[case]
    model = make_model()
    teach(model, answers, 0, LEARNED)
    model.save(folder / file)
    said = {file: {"learned": learned(model), "predicted": predicted(model)}}
    make_one, answers_one = LEARNERS["classifier-net"]
    with hw.open(folder / "store.db", make_one()) as store:
        teach(store.learner, answers_one, 0, 0)
        rows = [{"a": i % 7, "c": "xyz"[i % 3]} for i in range(12)]
        store.learn_many(rows, [answers_one(i) for i in range(12)])
        waiting = store.predict_with_id(rows[0])[0]
        said["store.db"] = {"seq": store.seq, "waiting": waiting, "predicted": predicted(store.learner)}
    whole, fleet_answers = LEARNERS["fleet-classifier"]
    first = whole()
    with hw.Fleet(first.first, key=first.key, store=folder / "fleet.db") as fleet:
        teach(fleet, fleet_answers, 0, LEARNED)
        fleet.commit()
        said["fleet.db"] = {"predicted": predicted(fleet)}
    return said


def main() -> None:
    """Make an archive if any version lacks a file."""
    with tempfile.TemporaryDirectory() as scratch:
        found = frozen(Path(scratch))
    written = {name: (versions, set()) for name, versions in WRITTEN.items()}
    if not lacking(written, found):
        print("every version that is written has a frozen file")
        return
    name = "-".join(
        f"{'-'.join(one.split())}-{min(versions)}" for one, versions in WRITTEN.items() if one != "declaration"
    )
    folder = Path(tempfile.mkdtemp())
    said = {"format": name, **make(folder)}
    for path in folder.glob("*-[lsw]*"):  # the lock and SQLite's own are another process's
        path.unlink()
    FOLDER.mkdir(exist_ok=True)
    shutil.make_archive(str(FOLDER / name), "xztar", folder)
    lines = ",\n".join(f'"{file}": {json.dumps(one, sort_keys=True)}' for file, one in said.items())
    (FOLDER / f"{name}.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    shutil.rmtree(folder)
    print(FOLDER / f"{name}.tar.xz")


if __name__ == "__main__":
    main()
