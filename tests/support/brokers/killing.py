"""Kill a learner that follows a broker at random system calls, and know for each kill whether a transaction was open."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check
from support.brokers.following import Host, uninterrupted
from support.brokers.kinds import Broker
from support.processes.following import row

__all__ = ["Kills", "built_killer", "follow_through_system_calls", "prove_kills"]

SOURCE = Path(__file__).parents[1] / "processes" / "killer.c"
INSIDE = 0.55
"""Below this share of kills inside a transaction, the next one waits for an open one; else it is any system call's."""
ROWS = 600
POISON_EVERY = 25


@dataclass
class Kills:
    """What was hit, and what was found afterwards.

    Parameters
    ----------
    inside, outside
        Kills while a transaction was open, and others.
    calls
        By system call, as its number, how often a thread of the process stood at one.
    lives
        Processes, also those that reached their end before they were hit.
    stores, rows
        Of how many stores every state was equal, and how many rows they had learned together.
    again
        Predictions and dead letters that a sink got a second time.
    """

    inside: int = 0
    outside: int = 0
    calls: Counter[int] = field(default_factory=Counter)
    lives: int = 0
    stores: int = 0
    rows: int = 0
    again: int = 0

    @property
    def total(self) -> int:
        return self.inside + self.outside

    def add(self, other: Kills) -> None:
        """Count those of another run too."""
        self.inside, self.outside = self.inside + other.inside, self.outside + other.outside
        self.lives, self.stores, self.rows = (
            self.lives + other.lives,
            self.stores + other.stores,
            self.rows + other.rows,
        )
        self.again += other.again
        self.calls.update(other.calls)


def built_killer(folder: Path) -> Path:
    """Build the tracer, or skip the test where there is no compiler or nothing to build it for."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    killer = folder / "killer"
    words = [compiler, "-O2", "-o", str(killer), str(SOURCE)]
    built = subprocess.run(words, check=False, capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"no ptrace with PTRACE_GET_SYSCALL_INFO: {built.stderr[:200]}")
    return killer


def follow_through_system_calls(
    path: Path, source: str, total: int, *, how: Mapping[str, Any], kills: int, seed: int, killer: Path
) -> Kills:
    """Learn ``total`` rows of a source through SIGKILLs at random system calls, then to the end.

    Parameters
    ----------
    path, source, total, how
        The store, the address, how many rows it brings, and what `learn_from` takes besides.
    kills, seed
        How many, and what their places are drawn from.
    killer
        The tracer, as `built_killer` builds it.
    """
    rng, hit = random.Random(seed), Kills()
    most_stops = {True: 400, False: 4000}  # of a life, in a transaction or at all: learned from lives that ended
    with Host(path, source) as host:
        while hit.total < kills:
            inside = hit.inside < INSIDE * (hit.total + 1)
            at = {"killer": str(killer), "inside": inside, "stop": rng.randint(1, most_stops[inside])}
            # A life can't reach the end before all kills are done: it is let read a share of the rows only.
            host.start(source, total * (hit.total + 1) // (kills + 1), how, at=at)
            hit.lives += 1
            for line in host.lines():
                words = line.split()
                if words[:2] == ["at", "killed"]:
                    call, _, was_open = map(int, words[2:])
                    hit.calls[call] += 1
                    hit.inside, hit.outside = hit.inside + was_open, hit.outside + 1 - was_open
                    most_stops[inside] += most_stops[inside] // 20
                elif words[:2] == ["at", "ended"]:
                    most_stops[inside] = max(int(words[2]), 20)
        host.start(source, total, how)
        list(host.lines())
    return hit


def prove_kills(broker: Broker, folder: Path, name: str, *, kills: int, seed: int, killer: Path) -> Kills:
    """Follow rows and poison through kills; assert that all was learned, predicted and refused once, and is equal to the bit.

    Parameters
    ----------
    broker, name
        Whose topics, and what they are called.
    folder
        Where the store is.
    kills, seed, killer
        As `follow_through_system_calls` takes them.
    """
    rows, said, dead = name, f"{name}said", f"{name}dead"
    broker.make(rows)
    broker.watch(said)
    broker.watch(dead)
    broker.put(rows, _bodies())
    path, source = folder / f"{name}.db", broker.address(rows, block=20, **({"id": "id"} if broker.repeats else {}))
    how = {"predictions": broker.address(said), "dead_letters": broker.address(dead)}
    hit = follow_through_system_calls(path, source, ROWS, how=how, kills=kills, seed=seed, killer=killer)
    with hw.open(path) as model:  # what the last life had not sent yet
        state = model.learn_from(f"{source}&idle=0.2", "y", drop=["id"], **how)
        assert (model.n_learned, model.seq, state.unsent) == (ROWS, ROWS, 0), (model.n_learned, model.seq, state)
        assert fingerprint(model.learner) == fingerprint(uninterrupted(ROWS))
    assert check(path, LEARNER_FORMAT).problems == []
    poisons = ROWS // POISON_EVERY
    assert state.counts.pop("not a class") - (state.dead_letters - poisons) == poisons
    hit.again = _repeated(broker, said, ROWS, state.predictions) + _repeated(broker, dead, poisons, state.dead_letters)
    hit.stores, hit.rows = 1, ROWS
    return hit


def _bodies() -> Iterator[bytes]:
    for i in range(ROWS):
        yield json.dumps(row(i)).encode()
        if i % POISON_EVERY == 0:
            yield json.dumps({"a": 1.0, "c": "x", "y": ["neither"], "id": f"poison {i}"}).encode()


def _repeated(broker: Broker, topic: str, distinct: int, written: int) -> int:
    """Return how many messages of a topic came again; assert that none is missing, and that none did where a broker can tell."""
    sent = broker.sent(topic)
    places = {(one["partition"], one["position"]) for one in sent}
    assert len(places) == written, (
        f"{len(sent)} sent, {len(places)} of them different, {written} written: {sorted(places)[:40]}"
    )
    assert written == distinct or broker.repeats, f"{written} written of {distinct}"
    assert len(sent) == len(places) or not broker.once, f"{len(sent)} sent, {len(places)} of them different"
    return len(sent) - distinct
