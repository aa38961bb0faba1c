"""What a version keeps beside single learners: manifests and shards of a cluster, and stores that followed a broker."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import headwater as hw
from headwater.cluster import Cluster
from headwater.cluster.fleet import ShardedFleet
from headwater.cluster.published.manifest import read_manifest
from support.brokers.kinds import BROKERS
from support.frozen.cases import GOES_ON, LEARNED, LEARNERS, label, rows_of
from support.frozen.using import state

BROKER_NAMES = tuple(kind.__name__.lower() for kind in BROKERS)
ROWS, ANSWERED, EARLY = 30, 24, 3
"""Rows that came, how many of them got their answer, and answers whose rows never came."""


def run_cluster(path: Path, rows: int) -> dict[str, Any]:
    """Learn rows 0 to rows − 1 of a stream over two workers, on from what the manifest says; return what stands there then."""
    make, answers = LEARNERS["classifier-net"]
    stream = [(x, answers(i)) for i, x in enumerate(rows_of(make(), 0, rows))]
    with Cluster(make(), workers=2, block=10, engine="local", warm_up=0, manifest=path) as cluster:
        cluster.run(iter(stream))
    return of_manifest(path)


def of_manifest(path: Path) -> dict[str, Any]:
    """The learner and the position of a manifest."""
    found = read_manifest(path)
    assert found is not None
    return state(found[0]) | {"row": found[1].row, "round": found[1].round}


def teach_shards(folder: Path, first: int, n: int) -> dict[str, Any]:
    """Teach a fleet of two shards in a folder, and let it crash; return what each member was."""
    make, answers = LEARNERS["fleet-classifier"]
    whole = make()
    fleet = ShardedFleet(whole.first, whole.key, folder, shards=2, address=False)
    for at in range(first, first + n, 10):
        X, y = rows_of(whole.first, at, 10), [answers(i) for i in range(at, at + 10)]
        fleet.step_many(X, y, block=("stream", at))
    found = of_shards(fleet)
    for shard in fleet.shards._shards.values():  # type: ignore[attr-defined]
        shard.fleet.idle.close()
    return found


def of_shards(fleet: ShardedFleet) -> dict[str, Any]:
    """How far a stream was learned, the scores, and what is predicted for a block."""
    said = fleet.predict_batch(rows_of(fleet, LEARNED, 6))
    shares = [] if said.proba is None else said.proba.tolist()
    proba = [{str(name): p.hex() for name, p in zip(said.classes, one, strict=True)} for one in shares]
    return {"done": fleet.done("stream"), "score": fleet.score(), "proba": proba}


def make_cluster(folder: Path) -> dict[str, Any]:
    """A manifest half way through a stream, and the folder of shards that died with their last blocks in the journal."""
    folder.mkdir()
    manifest, shards = folder / "manifest.hw", folder / "shards"
    now = run_cluster(manifest, LEARNED), teach_shards(shards, 0, LEARNED)
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(shutil.copy(manifest, scratch)), Path(shutil.copytree(shards, Path(scratch) / "shards"))
        then = run_cluster(again[0], LEARNED + GOES_ON), teach_shards(again[1], LEARNED, GOES_ON)
    return {name: {"now": now[i], "then": then[i]} for i, name in enumerate(("manifest", "shards"))}


def make_followed(folder: Path) -> dict[str, Any]:
    """A store for each broker: rows that were learned, that wait, and that were refused; and a model file with a position."""
    folder.mkdir()
    found = {}
    for kind in BROKERS:
        with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            broker = kind(Path(scratch))
            try:
                found[kind.__name__.lower()] = _follow(broker, folder)
            finally:
                broker.close()
    return found


def _follow(broker: Any, folder: Path) -> dict[str, Any]:
    name, columns = type(broker).__name__.lower(), ("a", "c")
    bodies = [{**{c: x[c] for c in columns}, "id": i} for i, x in enumerate(rows_of(None, 0, ROWS))]
    answered = [*range(ANSWERED), *range(100, 100 + EARLY)]
    for topic in ("orders", "late", "whole"):
        broker.make(topic)
    broker.watch("said")
    path = folder / f"{name}.db"
    how = {"answers": "late", "key": "id", "idle": 1, "block": 8, "name": f"{name}:orders"}
    broker.put("orders", [b'["no row"]', *(json.dumps(body).encode() for body in bodies)])
    broker.put("late", [json.dumps({"id": i, "y": label(i)}).encode() for i in answered])
    with hw.open(path, LEARNERS["classifier-net"][0]()) as model:
        model.learn_from(broker.address("orders", **how), "y", predictions=broker.address("said"))
        now = of_followed(model, name)
    if name == "mqtt":  # a model file keeps no position of it
        return {"now": now}
    broker.put("whole", [json.dumps(body | {"y": label(i)}).encode() for i, body in enumerate(bodies)])
    kept = folder / f"{name}.hw"
    session = hw.Session(LEARNERS["classifier-net"][0](), keep=kept)
    session.run(broker.address("whole", idle=1, name=f"{name}:whole"), target="y")
    return {"now": now, "kept": of_kept(kept)}


def of_followed(model: Any, name: str) -> dict[str, Any]:
    """What a store knows of a source that it followed, and its learner."""
    sources, of = model.service.sources, (1, f"{name}:orders")
    said = {"positions": sources.positions(*of), "tallies": sources.tallies(*of)}
    said |= {what: sources.waiting(*of, what) for what in ("row", "answer")}
    refused = [[part, reason, len(body)] for part, _, reason, body in sources.rejects(*of)]
    return said | {"rejects": refused} | state(model.learner)


def of_kept(path: Path) -> dict[str, Any]:
    """The learner and the notes of a model file that was kept while a broker was followed."""
    model = hw.load(path)
    return state(model) | {"notes": model.notes}
