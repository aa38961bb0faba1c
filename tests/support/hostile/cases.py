"""Stores and model files that are changed at random, and what is done with them afterwards."""

from __future__ import annotations

import random
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import numpy as np

import headwater as hw
from headwater.cluster.fleet.shard import Part, Shard
from headwater.store.journal import seal
from headwater.store.journal.entries import crc
from headwater.store.journal.snapshots import _sha
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, to_bytes
from headwater.store.model_file import SavedModel, unseal
from headwater.store.model_file import seal as sealed
from headwater.store.service.maintenance.commands import check, export
from headwater.store.sources import follower, outbox
from headwater.streams.brokers import Message
from headwater.streams.brokers.protocol import Log
from support.frozen.cases import LEARNERS, NETWORKS, rows_of
from support.frozen.using import teach
from support.hostile.mutations import change_bytes, change_file, change_row, change_tree

__all__ = ["CASES", "Case", "Outcome"]

UNGUARDED = ("seen", "joins: without")
"""What no checksum covers: ids that were learned, and whether a waiting row was taken out by hand."""

ROWS, MORE = 40, 6
KINDS = (
    "classifier-net",
    "regressor-net",
    "regressor-memory",
    "forecaster",
    "anomaly",
    "bandit",
    "agent",
    "multi-output",
    "fleet-classifier",
)


@dataclass(slots=True)
class Outcome:
    """What was found: states, by where they were looked at, and errors of headwater."""

    states: dict[str, Any] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    set_aside: bool = False
    looked: list[str] = field(default_factory=list)
    """What a check and an export said."""
    certain: list[str] = field(default_factory=list)
    """Where the state must be that of the sound file, since nothing was refused before."""

    def see(self, where: str, state: Any) -> None:
        """Note a state."""
        self.states[where] = state
        self.certain += [] if self.errors else [where]

    @contextmanager
    def may_refuse(self) -> Iterator[None]:
        """Note an error of headwater."""
        try:
            yield
        except hw.errors.HeadwaterError as error:
            self.errors.append(error)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of file.

    Parameters
    ----------
    name
        What it is called.
    make
        Writes a sound one to a path.
    use
        Opens it and goes on, as its owner would.
    change
        Changes it; returns what was done, and whether its checksums were made to fit again, so that any state may come out.
    """

    name: str
    make: Callable[[Path], None]
    use: Callable[[Path, Outcome], None]
    change: Callable[[random.Random, Path], tuple[str, bool]]


# ---- stores of learners -------------------------------------------------------------------------------------------------


def make_store(name: str) -> Callable[[Path], None]:
    """Return what writes a store with snapshots, a journal behind them, pending predictions, ids and a challenger."""
    make, answers = LEARNERS[name]

    def fill(path: Path) -> None:
        with hw.open(path.with_name("grown.db"), make()) as model:
            X, y = rows_of(model.learner, 0, ROWS), [answers(i) for i in range(ROWS)]
            _learn(model, X[:20], y[:20])
            model.snapshot()
            if model.task == "regress":
                model.service.change(model.service.models.add, model._model, "other", make())
            _learn(model, X[20:30], y[20:30])
            if model.task in ("classify", "regress", "decide"):
                asked = model.act_with_id if model.task == "decide" else model.predict_with_id
                for x in X[30:33]:
                    asked(x)
            if model.task == "regress":
                model.set_step(0.5)
                model.learn_one(X[30], y[30], id="thirty")
            _learn(model, X[33:], y[33:])
            model.service.store_history({1: b"a history"})
            model.backup(path)

    return fill


def _learn(model: Any, X: list[Any], y: list[Any]) -> None:
    for at in range(0, len(X), 4):
        model.teach(X[at : at + 4], None if model.task == "anomaly" else y[at : at + 4])


def use_store(name: str) -> Callable[[Path, Outcome], None]:
    """Return what opens a store, learns, labels what waits, asks for a past state, takes a snapshot and opens it again."""
    make, answers = LEARNERS[name]

    def use(path: Path, found: Outcome) -> None:
        _look(path, found)
        with hw.open(path, make()) as model:
            found.see("open", (fingerprint(model.learner), model.seq, model.n_learned))
            found.set_aside = bool(model.service.cut)
            with found.may_refuse():
                X, y = rows_of(model.learner, ROWS, MORE), [answers(i) for i in range(ROWS, ROWS + MORE)]
                _learn(model, X, y)
                if model.task in ("classify", "regress"):
                    for i in (1, 2):
                        model.label(f"p{i}", answers(i))
                if model.task == "decide":
                    model.reward("p1", 1.0)
                if model.task == "regress":
                    model.learn_one(rows_of(model.learner, 30, 1)[0], answers(30), id="thirty")
                found.see("next", fingerprint(model.learner))
            with found.may_refuse():
                found.see("past", fingerprint(model.as_of(25)))
            with found.may_refuse():
                model.service.history(1)
            with found.may_refuse():
                model.snapshot()
            found.errors += [model.service.snapshot_failure] if model.service.snapshot_failure is not None else []
        with found.may_refuse(), hw.open(path, make()) as model:
            found.see("again", fingerprint(model.learner))

    return use


def _look(path: Path, found: Outcome) -> None:
    """Check and export a store, as the command does; what they refuse says nothing of an opening."""
    aside = Outcome()
    with aside.may_refuse():
        found.looked += check(path, LEARNER_FORMAT).problems
    with aside.may_refuse():
        list(export(path))
    found.looked += map(str, aside.errors)


def reseal_store(path: Path) -> None:
    """Make all checksums of a store fit what it holds, as far as that can be read."""
    with closing(sqlite3.connect(path)) as base, base:
        for seq, n, model, t, body in base.execute("SELECT seq, n, model, t, body FROM journal").fetchall():
            base.execute("UPDATE journal SET crc = ? WHERE seq = ?", (_tried(crc, seq, n, model, t, body), seq))
        query = "SELECT learner, seq, generation, body FROM snapshots"
        for learner, seq, generation, body in base.execute(query).fetchall():
            base.execute(
                "UPDATE snapshots SET sha = ? WHERE learner = ? AND seq = ?",
                (_tried(_sha, learner, seq, generation, body) or b"", learner, seq),
            )
        row = base.execute("SELECT value FROM meta WHERE key = 'seal'").fetchone()
        text, _, crc_ = str(row and row[0]).rpartition(" ")
        if crc_ != f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}":  # changed itself
            base.execute("UPDATE meta SET value = ? WHERE key = 'seal'", (f"{text} {zlib.crc32(text.encode()):08x}",))
        else:
            _tried(seal.write_seal, base)


def _tried(what: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return what(*arguments)
    except Exception:  # noqa: BLE001 - a value of which there is no checksum
        return 0


def change_store(rng: random.Random, path: Path) -> tuple[str, bool]:
    """Change rows of a store, with checksums that fit or not, or its bytes."""
    if rng.random() < 0.2:
        return change_file(rng, path), False
    done = [change_row(rng, path) for _ in range(rng.choice([1, 1, 1, 3]))]
    fits = rng.random() < 0.5
    if fits:
        try:
            reseal_store(path)
        except (sqlite3.Error, UnicodeError, OverflowError):  # nobody could make them fit
            fits = False
    any_state = fits or any(one.startswith(UNGUARDED) for one in done)
    return "; ".join(filter(None, done)) + (" (fitting)" if fits else ""), any_state


# ---- stores that follow a source ---------------------------------------------------------------------------------------

LOG_OF_ROWS = [{"id": i, "a": i % 7 / 3, "b": (i * 37 % 11) / 5} for i in range(30)]
LOG_OF_ANSWERS = [{"id": i, "y": "yes" if i % 3 else "no"} for i in range(30) if i % 4] + [{"id": 90, "y": "no"}]


class FakeSource:
    """A topic in memory: positions are numbers."""

    replays = True

    def __init__(self, rows: list[Any]) -> None:
        self._rows, self._at = rows, 0

    def open(self, positions: Any) -> dict[str, str]:
        Log.read(positions)
        self._at = int(positions["0"]) if "0" in positions else 0
        return {} if "0" in positions else {"0": "0"}

    def read(self, most: int, wait_s: float) -> list[Message]:
        some = self._rows[self._at : self._at + most] if self._at >= 0 else []
        begin, self._at = self._at, self._at + len(some)
        return [Message("0", str(begin + i + 1), msgspec.json.encode(row)) for i, row in enumerate(some)]

    def marks(self) -> dict[str, str]:
        return Log(id="one").write()

    def committed(self, positions: Any) -> None: ...

    def lag(self) -> int | None:
        return None

    def close(self) -> None: ...


class FakeSink:
    """Takes messages, until it is told to be away."""

    def __init__(self, address: Any) -> None:
        self.sent: list[Any] = []

    def send(self, source: str, messages: Any) -> None:
        self.sent += messages

    def close(self) -> None: ...


ADDRESS = "redis://127.0.0.1/rows?answers=late&key=id&id=id&idle=0.001&block=7"


def follow(model: Any, rows: int, answers: int) -> Any:
    """Follow two topics in memory, of which there are so many messages by now."""
    topics = {"rows": [*LOG_OF_ROWS[:rows], {"id": rows}], "late": LOG_OF_ANSWERS[:answers]}
    with (
        mock.patch.object(follower, "open_source", lambda address, reader="": FakeSource(topics[address.topic])),
        mock.patch.object(outbox, "open_sink", FakeSink),
        mock.patch.object(follower, "_WAIT_JOINED_S", 0.0),
    ):
        return model.learn_from(
            ADDRESS, "y", predictions="redis://127.0.0.1/said", dead_letters="redis://127.0.0.1/dead"
        )


def make_followed(path: Path) -> None:
    """Write a store with rows that wait for their answer, answers that wait for their row, and messages not yet sent."""
    with hw.open(path.with_name("grown.db"), hw.Classifier(hidden=(4,), seed=1)) as model:
        follow(model, 20, 12)
        with mock.patch.object(outbox.Outbox, "send"):
            follow(model, 24, 14)
        model.backup(path)


def use_followed(path: Path, found: Outcome) -> None:
    """Open such a store and follow on."""
    with hw.open(path) as model:
        found.see("open", (fingerprint(model.learner), model.seq, model.n_learned))
        found.set_aside = bool(model.service.cut)
        with found.may_refuse():
            state = follow(model, 30, len(LOG_OF_ANSWERS))
            found.see("next", (fingerprint(model.learner), model.seq, model.n_learned))
            found.see("unsent", state.unsent)
        name = "redis:rows"
        for ask in (model.gaps, model.rejects, lambda name: model.service.sources.tallies(1, name)):
            with found.may_refuse():
                ask(name)


def change_followed(rng: random.Random, path: Path) -> tuple[str, bool]:
    """Change a row of the tables of sources, mostly."""
    own = ("positions", "joins", "outbox", "gaps", "rejects", "tallies", "seen")
    done = change_row(rng, path, lambda name: name in own)
    return done, done.startswith(UNGUARDED)


# ---- stores of fleets ----------------------------------------------------------------------------------------------------


def make_fleet(name: str) -> Callable[[Path], None]:
    """Return what writes a fleet's store."""
    make, answers = LEARNERS[name]

    def fill(path: Path) -> None:
        whole = make()
        with hw.Fleet(whole.first, key=whole.key, store=path, resident=2) as fleet:
            teach(fleet, answers, 0, ROWS)
            fleet.commit()
            teach(fleet, answers, ROWS, MORE)

    return fill


def use_fleet(name: str) -> Callable[[Path, Outcome], None]:
    """Return what opens a fleet's store, learns, commits, forgets a key, and opens it again."""
    make, answers = LEARNERS[name]

    def use(path: Path, found: Outcome) -> None:
        whole = make()
        with found.may_refuse():
            found.see("load", hw.load(path).fingerprint())
        with hw.Fleet(whole.first, key=whole.key, store=path, resident=2) as fleet:
            found.see("open", (fleet.fingerprint(), len(fleet)))
            with found.may_refuse():
                teach(fleet, answers, ROWS + MORE, MORE)
                fleet.commit()
                fleet.remove(fleet.keys()[0])
                found.see("next", fleet.fingerprint())
        with found.may_refuse(), hw.Fleet(whole.first, key=whole.key, store=path) as fleet:
            found.see("again", fleet.fingerprint())

    return use


def _shard(path: Path) -> Shard:
    make, _ = LEARNERS["fleet-classifier"]
    return Shard(hw.Fleet(make().first, key="machine").to_bytes(), str(path), 2)


def _step(shard: Shard, number: int) -> None:
    first = number * 5
    rows, y = (
        rows_of(shard.fleet.first, first, 5),
        [LEARNERS["fleet-classifier"][1](i) for i in range(first, first + 5)],
    )
    shard.step("one", number, Part(list(range(5)), rows, y, None))


def make_shard(path: Path) -> None:
    """Write the store of a shard, with blocks in its journal."""
    shard = _shard(path)
    for number in range(8):
        _step(shard, number)
        if number == 4:
            shard.commit()
    shard.fleet.idle.close()


def use_shard(path: Path, found: Outcome) -> None:
    """Open a shard, which learns its journal again, and give it the last block once more and another."""
    shard = _shard(path)
    try:
        found.see("open", (shard.fleet.fingerprint(), len(shard.fleet)))
        with found.may_refuse():
            for number in (7, 8):
                _step(shard, number)
            shard.commit()
            found.see("next", shard.fleet.fingerprint())
    finally:
        shard.fleet.idle.close()


def change_fleet(rng: random.Random, path: Path) -> tuple[str, bool]:
    """Change rows or bytes of a fleet's store."""
    if rng.random() < 0.25:
        return change_file(rng, path), False
    return "; ".join(filter(None, (change_row(rng, path) for _ in range(rng.choice([1, 1, 3]))))), False


# ---- model files ---------------------------------------------------------------------------------------------------------


def make_file(name: str) -> Callable[[Path], None]:
    """Return what writes a model's file."""

    def fill(path: Path) -> None:
        make, answers = LEARNERS[name] if name in LEARNERS else NETWORKS[name]
        model = make()
        teach(model, answers, 0, ROWS) if name in LEARNERS else teach(model, None, 0, ROWS, answers)
        path.write_bytes(to_bytes(model) if not hasattr(model, "to_bytes") else model.to_bytes())

    return fill


def use_file(name: str) -> Callable[[Path, Outcome], None]:
    """Return what loads a model and goes on."""

    def use(path: Path, found: Outcome) -> None:
        answers = (LEARNERS[name] if name in LEARNERS else NETWORKS[name])[1]
        model = hw.load(path)
        found.see("load", fingerprint(model) if not hasattr(model, "to_bytes") else model.fingerprint())
        with found.may_refuse():
            teach(model, answers, ROWS, MORE) if name in LEARNERS else teach(model, None, ROWS, MORE, answers)

    return use


def change_model(rng: random.Random, path: Path) -> tuple[str, bool]:
    """Change a model's header or arrays, with a digest that fits, or its bytes."""
    if rng.random() < 0.15:
        return change_file(rng, path), False
    saved = unseal(path.read_bytes(), str(path))
    header = {name: value for name, value in saved.header.items() if name not in ("sha256", "format")}
    arrays = dict(saved.arrays)
    if rng.random() < 0.7:
        header = change_tree(rng, header)
        if not isinstance(header, dict):
            header = {"learner": header}
    else:
        name = rng.choice(sorted(arrays))
        array = arrays[name]
        data = change_bytes(rng, array.tobytes())
        if len(data) != array.nbytes:
            data = data[: len(data) // array.itemsize * array.itemsize]
            arrays[name] = np.frombuffer(data, array.dtype)
        else:
            arrays[name] = np.frombuffer(data, array.dtype).reshape(array.shape)
    try:
        path.write_bytes(sealed(SavedModel(header, arrays)))
    except (ValueError, RecursionError, UnicodeError):
        return "", True
    return "header or arrays", True


CASES = [
    *(Case(f"store of a {name}", make_store(name), use_store(name), change_store) for name in KINDS),
    Case("store that follows a source", make_followed, use_followed, change_followed),
    *(
        Case(f"fleet in a store: {name}", make_fleet(name), use_fleet(name), change_fleet)
        for name in ("fleet-classifier", "fleet-regressor")
    ),
    Case("shard of a cluster", make_shard, use_shard, change_fleet),
    *(Case(f"file of a {name}", make_file(name), use_file(name), change_model) for name in (*LEARNERS, *NETWORKS)),
]
