"""Make the frozen files of a version, once, with the version itself:  PYTHONPATH=tests:src:. python -m support.frozen.make 0.2

The version then has a file of each kind, stores that were closed and stores whose process was killed, fleets, networks, the
model of exported pages, and what the JavaScript module saved; ``expected.json.xz`` says what the version predicted of fixed rows with
each, and after it had learned on; ``digests.json`` holds the core's digests apart, as a later version may count them otherwise.
A folder is never made again: later versions load what is there. The files lie in the archive of all versions (``archive``), since a
store that is opened where it lies is another one afterwards.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.build.targets import NODE, wasm

import headwater as hw
from headwater.cli import main as command
from headwater.store.web import export
from support.frozen import archive
from support.frozen.around import make_cluster, make_followed
from support.frozen.cases import FLEETS, GOES_ON, LEARNED, LEARNERS, NETWORKS, STORES, WEB, rows_of
from support.frozen.using import as_text, digest, state, teach

TESTS = Path(__file__).parents[2]
SHORT = 12
"""Rows that a store's learner has learned, so that its files stay small."""


def store_rows(model: Any, answers: Any) -> tuple[list[Any], list[Any]]:
    """The rows and answers that a store begins with."""
    return rows_of(model, 0, SHORT), [answers(i) for i in range(SHORT)]


def fill_store(path: str, name: str) -> None:
    """Fill a store and say what was acknowledged; without "close" wait for the kill."""
    make, answers = LEARNERS[name]
    model = hw.open(path, make())
    X, y = store_rows(model.learner, answers)
    model.teach(X, y)
    waiting = None
    if model.task in ("classify", "regress"):
        waiting = model.predict_with_id(rows_of(model.learner, SHORT, 1)[0])
    elif model.task == "decide":
        waiting = model.act_with_id(rows_of(model.learner, SHORT, 1)[0])
    about = {"waiting": None if waiting is None else waiting[0], "seq": model.seq}
    print(json.dumps(about | {"now": state(model.learner), "digest": digest(model.learner)}), flush=True)
    if sys.stdin.readline() == "close\n":
        model.close()


def fill_fleet(path: str, name: str) -> None:
    """Fill a fleet's store, commit, and learn some more rows that a kill then loses."""
    make, answers = LEARNERS[name]
    whole = make()
    fleet = hw.Fleet(whole.first, key=whole.key, store=path, resident=2)
    teach(fleet, answers, 0, LEARNED)
    fleet.commit()
    print(json.dumps({"now": state(hw_copy(fleet)), "digest": []}), flush=True)
    if sys.stdin.readline() == "close\n":
        fleet.close()
    else:  # pragma: no cover - killed
        teach(fleet, answers, LEARNED, GOES_ON)
        print(flush=True)
        sys.stdin.readline()


def hw_copy(fleet: Any) -> Any:
    """A fleet in memory with the same members."""
    return hw.Fleet.from_bytes(fleet.to_bytes())


def in_a_process(what: str, path: Path, name: str, *, kill: bool) -> dict[str, Any]:
    """Run one of the two functions above in a process, and end it one way or the other."""
    child = subprocess.Popen(
        [sys.executable, "-m", "support.frozen.make", what, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    said = json.loads(child.stdout.readline())
    if kill and what == "fleet":
        child.stdin.write("on\n")
        child.stdin.flush()
        child.stdout.readline()
    if kill:
        os.kill(child.pid, signal.SIGKILL)
    child.communicate(None if kill else "close\n")
    return dict(said)


def after(model: Any, answers: Any, shape: tuple[int, ...] = ()) -> dict[str, Any]:
    """The state now, and the state after learning on."""
    now, digests = state(model, shape), [digest(model)]
    teach(model, answers, shape=shape)
    return {"now": now, "then": state(model, shape), "digests": [*digests, digest(model)]}


def make_models(folder: Path) -> dict[str, Any]:
    """A file of each kind of learner."""
    folder.mkdir()
    found = {}
    for name, (make, answers) in LEARNERS.items():
        model = make()
        teach(model, answers, 0, LEARNED)
        model.save(folder / f"{name}.hw")
        found[name] = after(model, answers)
    return found


def make_networks(folder: Path) -> dict[str, Any]:
    """A file of each network."""
    folder.mkdir()
    found = {}
    for name, (make, shape) in NETWORKS.items():
        net = make()
        teach(net, None, 0, LEARNED, shape)
        net.save(folder / f"{name}.hw")
        found[name] = after(net, None, shape)
    return found


def make_stores(folder: Path) -> dict[str, Any]:
    """Stores that were closed, and stores whose process was killed with all its commits in the log."""
    folder.mkdir()
    found = {}
    for name in STORES:
        for end in ("closed", "killed"):
            said = in_a_process("store", folder / f"{name}-{end}.db", name, kill=end == "killed")
            make, answers = LEARNERS[name]
            twin = make()
            twin.step_many(*store_rows(twin, answers), None)
            assert state(twin) == said["now"], name
            teach(twin, answers)
            found[f"{name}-{end}"] = said | {"then": state(twin), "digests": [said.pop("digest"), digest(twin)]}
    return found


def make_fleets(folder: Path) -> dict[str, Any]:
    """Stores of fleets, closed and killed."""
    folder.mkdir()
    found = {}
    for name in FLEETS:
        for end in ("closed", "killed"):
            path = folder / f"{name}-{end}.db"
            said = in_a_process("fleet", path, name, kill=end == "killed")
            twin = LEARNERS[name][0]()
            teach(twin, LEARNERS[name][1], 0, LEARNED)
            teach(twin, LEARNERS[name][1])
            found[path.stem] = {"now": said["now"], "then": state(twin), "digests": [[], []]}
    return found


def make_pages(folder: Path, models: Path) -> dict[str, Any]:
    """The model of each page, and the names of the page's files."""
    folder.mkdir()
    names = {}
    for name in WEB:
        with tempfile.TemporaryDirectory() as page:
            command(["export", "--web", str(models / f"{name}.hw"), page])
            names[name] = sorted(path.name for path in Path(page).iterdir())
            (folder / f"{name}.hw").write_bytes(gzip.decompress((Path(page) / export.MODEL).read_bytes()))
    return names


def make_javascript(folder: Path) -> dict[str, Any]:
    """What the JavaScript module saved."""
    folder.mkdir()
    script = TESTS / "js" / "tasks.mjs"
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        built = wasm(Path(scratch), "headwater64.wasm")
        rows = Path(scratch) / "rows.jsonl"
        for kind, answers in (("Classifier", "classifier"), ("Regressor", "regressor")):
            make, answer = LEARNERS[f"{answers}-net"]
            lines = [{"x": x, "y": answer(i)} for i, x in enumerate(rows_of(make(), 0, LEARNED))]
            rows.write_text("\n".join(map(json.dumps, lines)) + "\n")
            for dtype in ("float32", "float64"):
                path = folder / f"{answers}-{dtype}.hw"
                task = {"do": "learn", "kind": kind, "settings": {"hidden": [6], "seed": 3, "dtype": dtype}}
                task |= {"rows": str(rows), "start": 0, "stop": LEARNED, "to": str(path)}
                subprocess.run(
                    [*NODE, script, built], input=json.dumps([task]), text=True, check=True, stdout=subprocess.DEVNULL
                )
                found[path.stem] = after(hw.load(path), answer)
    return found


def make_all(version: str) -> None:
    """Make the folder of a version."""
    target, folder = archive.FOLDER / version, Path(tempfile.mkdtemp())
    expected: dict[str, Any] = {
        "models": make_models(folder / "models"),
        "networks": make_networks(folder / "networks"),
        "stores": make_stores(folder / "stores"),
        "fleets": make_fleets(folder / "fleets"),
        "javascript": make_javascript(folder / "javascript"),
    }
    digests = {
        part: {name: one.pop("digests") for name, one in sorted(found.items())} for part, found in expected.items()
    }
    expected["cluster"] = make_cluster(folder / "cluster")
    expected["followed"] = make_followed(folder / "followed")
    expected["pages"] = make_pages(folder / "pages", folder / "models")
    target.mkdir()
    archive.add(version, folder)
    archive.write(version, "expected.json", as_text(expected))
    (target / "digests.json").write_text(as_text(digests), encoding="utf-8")
    shutil.rmtree(folder)


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    {"store": fill_store, "fleet": fill_fleet}.get(what, lambda *_: make_all(what))(*given)
