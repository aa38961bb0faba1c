"""A server under siege: a process that serves every kind of model, a bystander, and those who attack, one load after another.

Measured are the statuses of all answers, how long the bystander waits, the server's memory, and what it writes into its log.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.serve.run import make_state

from .watched import CALLBACKS

TESTS = Path(__file__).parents[2]
PATIENCE_S = 3600
BACK_PRESSURE = {"503 paused", "503 stopping"}
"""The answers of 503 that the deploy guide tells clients to come back after."""
ROWS = 40


@dataclass
class Found:
    """What came of one load."""

    statuses: Counter = field(default_factory=Counter)
    examples: dict = field(default_factory=dict)
    times: dict = field(default_factory=dict)
    others: list = field(default_factory=list)
    slowest: dict = field(default_factory=dict)
    memory: tuple = ()
    callbacks: list = field(default_factory=list)
    """The callbacks of the event loop that took long, each with its seconds of processor time."""
    seconds: float = 0.0

    @property
    def failures(self):
        return {one: n for one, n in self.statuses.items() if one.startswith("5") and one not in BACK_PRESSURE}

    @property
    def requests(self):
        return sum(n for one, n in self.statuses.items() if one != "slow")


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def made():
    """Return a learner of each kind that is served, by its model's name."""
    small = {"seed": 1}
    return {
        "default": hw.Classifier(**small),
        "regress": hw.Regressor(**small),
        "forecast": kind_with("forecast").make({"horizon": 12, "season": 12, **small}),
        "anomaly": hw.Anomaly(**small),
        "decide": hw.Bandit(**small),
        "control": kind_with("control").make({"actions": ("left", "right"), "hidden": 8, **small}),
        "multioutput": hw.MultiOutput(**small),
        "fleet": hw.Fleet(hw.Classifier(hidden=(8,), seed=1), "k"),
    }


def taught():
    """Return the requests that teach each model some rows."""
    answers = {
        "regress": lambda i: {"y": i % 7},
        "forecast": lambda i: {"y": i % 12},
        "anomaly": lambda i: {},
        "decide": lambda i: {"y": ["ab"[i % 2], i % 3, 0.5]},
        "multioutput": lambda i: {"y": {"a": "xy"[i % 2], "b": i % 5}},
        "fleet": lambda i: {"y": "ab"[i % 2]},
    }
    for name, answer in answers.items():
        yield f"/models/{name}/learn", [{"x": {"a": i % 7, "k": f"m{i % 3}"}, **answer(i)} for i in range(ROWS)]
    steps = [
        {"x": {"n": i % 5}, "action": ("left", "right")[i % 2], "reward": 1.0, "next": {"n": (i + 1) % 5}, "terminated": i % 5 == 4}
        for i in range(ROWS)
    ]  # fmt: skip
    yield "/models/control/transition", steps


def _with_tests():
    """Return this process's environment, in which modules of the tests can be run."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)])}


class Siege:
    """A server of its own process, and who comes to it.

    Parameters
    ----------
    folder
        Where the store and the log are.
    names
        How many names the default model has learned.
    options
        Options of ``headwater serve``.
    watched
        Whether callbacks of its event loop that take long are noted in the findings.
    """

    def __init__(self, folder, names, *options, watched=False):
        self.log, store = Path(folder) / "log", Path(folder) / "a.db"
        state = make_state(store)
        for name, learner in made().items():
            state.service.change(state.service.models.create, name, learner)
        state.close()
        self._callbacks = Path(folder) / "callbacks"
        words = [sys.executable, "-W", "ignore", "-m", "support.siege.watched" if watched else "headwater"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*words, "serve", "--port", "0", *options, "--store", str(store)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_with_tests() | {CALLBACKS: str(self._callbacks)},
            )
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        for path, rows in taught():
            self.post(path, rows)
        self.known = 0
        self.widen(names)

    def widen(self, names):
        """Teach the default model names, until it has so many."""
        for start in range(self.known, names, 1000):
            x = {f"n{i}": 1.0 for i in range(start, min(start + 1000, names))}
            self.post("/learn", [{"x": {"x1": 1.0, **x}, "y": "ab"[start // 1000 % 2]}])
        self.known = max(self.known, names)

    def post(self, path, body):
        """Send what must be taken."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        client.request("POST", path, json.dumps(body))
        answer = client.getresponse()
        text = answer.read()
        client.close()
        if answer.status not in (200, 201):
            raise ValueError(f"{path}: {answer.status} {text[:300]}")

    def callbacks(self):
        """Return the callbacks of the event loop that took long so far, each with its seconds of processor time."""
        if not self._callbacks.exists():
            return []
        return [tuple(json.loads(line)) for line in self._callbacks.read_text(encoding="utf-8").splitlines()]

    def memory(self):
        """Return the resident memory of the server, now and at its peak, in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return tuple(int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def run(self, load, *, requests=0, seconds=0.0, pace_s=0.005, seed=1):
        """Let those of one load come, beside the bystander; without a load the bystander is alone."""
        bystander, earlier = self._process("bystander", self.port, pace_s), len(self.callbacks())
        found = Found()
        if load is None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        else:
            attackers = self._process("loads", load, self.port, requests, seed, seconds)
            told = json.loads(attackers.communicate(timeout=PATIENCE_S)[0])
            found.statuses, found.examples, found.seconds = Counter(told["statuses"]), told["examples"], told["seconds"]
            found.slowest = told["slowest"]
        told = json.loads(bystander.communicate("\n", timeout=PATIENCE_S)[0])
        found.times, found.others, found.memory = told["times"], told["others"], self.memory()
        found.callbacks = self.callbacks()[earlier:]
        if load == "contract":  # which pauses models, as it may
            for name in made():
                self.post(f"/models/{name}/resume", None)
        return found

    def _process(self, name, *words):
        started = subprocess.Popen(
            [sys.executable, "-m", f"support.siege.{name}", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_with_tests(),
        )
        if started.stdout.readline() != "ready\n":
            raise ValueError(f"{name} did not start")
        return started

    def errors(self):
        """Return the lines of the log at level error and above, and all that are no lines of the log."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                if json.loads(line)["level"] in ("error", "critical"):
                    found.append(line)
            except (ValueError, KeyError, TypeError):
                found.append(line)
        return found

    def end(self):
        """Stop the server; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode
