"""Follow a broker through SIGKILLs of the learner and of the broker, and compare with a learner that was never ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from support.processes.following import learner, row

CHILD = Path(__file__).parents[1] / "processes" / "following.py"


def uninterrupted(n: int) -> Any:
    """Return the learner that learned rows 0 to n − 1 in one go."""
    model = learner()
    rows = [{name: value for name, value in row(i).items() if name in ("a", "c")} for i in range(n)]
    model.step_many(rows, [row(i)["y"] for i in range(n)])
    return model


def follow_through_kills(
    path: Path,
    source: str,
    total: int,
    *,
    kills: Mapping[str, int],
    seed: int,
    kill_broker: Callable[[], object],
    predictions: str = "",
) -> dict[str, int]:
    """Learn ``total`` rows of a source through SIGKILLs, each at a random moment behind a start or a commit.

    Parameters
    ----------
    path, source, total
        The store, the address, and how many rows it brings.
    kills, seed
        How often the ``learner``, the ``broker`` under a learner that lives, and ``both`` are killed; what the moments and their
        order are drawn from.
    kill_broker
        Kills the broker and starts it again.
    predictions
        Where predictions go.

    Returns
    -------
    dict
        The kills that hit.
    """
    rng, hit = random.Random(seed), Counter[str]()
    due = [who for who, n in kills.items() for _ in range(n)]
    rng.shuffle(due)
    with Host(path, source) as host:
        while True:
            # A life can't reach the end before all kills are done: it is let read a share of the rows only.
            most = total * (hit.total() + 1) // (len(due) + 1)
            host.start(source, most, {"predictions": predictions or None})
            commits = rng.randrange(0, 9)
            for word in host.words():
                commits -= word == "ack"
                if word == "end" and most == total:
                    return dict(hit)
                if commits > 0 or hit.total() == len(due):
                    continue
                who = due[hit.total()]
                threading.Event().wait(rng.random() * 0.02)
                if who == "broker" or host.kill():
                    hit[who] += 1
                if who != "learner":
                    kill_broker()
                commits = rng.randrange(1, 9) if who == "broker" else 1 << 30


class Host:
    """The process that forks learners, of which one lives at a time."""

    def __init__(self, path: Path, source: str) -> None:
        words = [sys.executable, "-W", "ignore", str(CHILD), str(path), source]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._in, self._out = self._process.stdin, self._process.stdout
        assert self._out.readline() == "ready\n"
        self._pid = 0

    def start(self, source: str, total: int, how: Mapping[str, Any], **more: Any) -> None:
        """Fork a learner that learns up to a row; ``how``: what `learn_from` takes besides."""
        self._in.write(json.dumps({"source": source, "total": total, "how": how, **more}) + "\n")
        self._in.flush()
        while not (line := self._out.readline()).startswith("pid "):
            assert line, "the host of the learners ended"
        self._pid = int(line.split()[1])

    def words(self) -> Iterator[str]:
        """Yield the first word of what it says, until it is gone."""
        return (line.split()[0] for line in self.lines())

    def lines(self) -> Iterator[str]:
        """Yield what it says, until it is gone."""
        while (line := self._out.readline()) != "gone\n":
            assert line, "the host of the learners ended"
            assert line != "failed\n", "a learner raised: its trace is in stderr"
            yield line

    def kill(self) -> bool:
        """Kill it; return whether it was still there."""
        try:
            os.kill(self._pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: object, error: object, tb: object) -> None:
        if error is not None:
            self.kill()
        self._in.close()
        self._process.wait(timeout=900)
        self._out.close()
