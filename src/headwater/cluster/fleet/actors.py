"""Run shards in this process, or as Ray actors that are restarted when they die."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from headwater.cluster.ray import connect, library
from headwater.errors import HeadwaterError

from .shard import Shard, Standing

__all__ = ["ActorShards", "LocalShards", "Shards"]

PATIENCE = 120.0
"""Seconds to wait for the restart of a shard. Ray takes up to a minute to detect a lost node."""


class Shards(Protocol):
    """Shards by name."""

    homes: dict[str, str]
    """Node of each shard."""
    repeated: int
    """Number of calls repeated after a shard died."""
    forgotten: list[Standing]
    """Last status of shards without a store that died, whose members are lost."""

    def nodes(self) -> dict[str, int]:
        """Return the current nodes and the number of shards that each can run."""

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start a shard on a node."""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards with their arguments, and return the results."""

    def keep_calling(
        self, method: str, arguments: Mapping[str, tuple[Any, ...]], take: Callable[[str, Any], bool]
    ) -> None:
        """Call a method of each shard again and again, without one waiting for another, until ``take(name, result)`` is false."""

    def stop(self, name: str) -> None:
        """Stop a shard that has committed."""

    def abandon(self, name: str) -> None:
        """Stop a shard whose node is gone. Its commits are in its store."""

    def drop(self, name: str) -> None:
        """Stop a shard whose members have all moved."""

    def close(self) -> None:
        """Stop the remaining shards and the executor."""


class LocalShards:
    """Shards in this process."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self.homes: dict[str, str] = {}
        self.repeated, self.forgotten = 0, list[Standing]()

    def nodes(self) -> dict[str, int]:
        """Return no nodes, since this process runs any number of shards."""
        return {}

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start a shard."""
        self._shards[name] = Shard(first, path, resident)
        self.homes[name] = home or ""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards, one after the other."""
        return {name: getattr(self._shards[name], method)(*given) for name, given in arguments.items()}

    def keep_calling(
        self, method: str, arguments: Mapping[str, tuple[Any, ...]], take: Callable[[str, Any], bool]
    ) -> None:
        """Call a method of each shard in turn, until ``take(name, result)`` is false."""
        names = list(arguments)
        while names:
            names = [name for name in names if take(name, getattr(self._shards[name], method)(*arguments[name]))]

    def stop(self, name: str) -> None:
        """Stop a shard."""
        self._shards.pop(name).close()
        del self.homes[name]

    abandon = drop = stop

    def close(self) -> None:
        """Drop the shards that were not stopped."""
        self._shards.clear()


_ASKS = frozenset(("predict", "predict_one", "predict_proba_one", "homes", "pid"))
"""Methods that change nothing, so that they are answered while a shard learns its partition."""


class _Seat:
    """A shard in its actor. Errors on opening are raised in calls, since Ray would only report a dead actor."""

    def __init__(self, first: bytes, path: str | None, resident: int | None) -> None:
        self._problem: HeadwaterError | None = None
        self._changes = threading.Lock()
        try:
            self._shard = Shard(first, path, resident)
        except HeadwaterError as error:
            self._problem = error

    def answer(self, method: str, arguments: Sequence[Any]) -> tuple[Standing, Any]:
        """Call a method, and return the shard's status and the result."""
        if self._problem is not None:
            raise self._problem
        with nullcontext() if method in _ASKS else self._changes:
            value = getattr(self._shard, method)(*arguments)
        return self._shard.standing(), value


class ActorShards:
    """Shards as Ray actors. Calls to a shard that died are repeated after its restart, and nothing is learned twice.

    Parameters
    ----------
    address : str, optional
        As in ``cluster.ray.connect``.
    """

    def __init__(self, address: str | None = None) -> None:
        self._own = connect(address)
        self._ray = library()
        self._actors: dict[str, Any] = {}
        self._standing: dict[str, Standing] = {}
        self.homes: dict[str, str] = {}
        self.repeated, self.forgotten = 0, list[Standing]()

    def nodes(self) -> dict[str, int]:
        """Return the current nodes and their numbers of cores."""
        return {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]}

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start a shard, which Ray restarts on another node if its node dies."""
        strategies = self._ray.util.scheduling_strategies
        where = strategies.NodeAffinitySchedulingStrategy(home, soft=True) if home else "SPREAD"
        # no core is reserved, since there may be more shards than cores and an actor would wait forever
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 0, "scheduling_strategy": where}
        options["max_concurrency"] = 2  # one call learns a partition while another predicts
        self._actors[name] = self._ray.remote(**options)(_Seat).remote(first, path, resident)
        self.homes[name] = home or ""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards in parallel, and return the results."""
        answers: dict[str, Any] = {}
        ends = time.monotonic() + PATIENCE
        while open_ := [name for name in arguments if name not in answers]:
            calls = {name: self._actors[name].answer.remote(method, arguments[name]) for name in open_}
            for name, call in calls.items():
                self._take(name, call, answers, ends)
        return answers

    def keep_calling(
        self, method: str, arguments: Mapping[str, tuple[Any, ...]], take: Callable[[str, Any], bool]
    ) -> None:
        """Call a method of each shard again and again, without one waiting for another, until ``take(name, result)`` is false."""

        def call(name: str) -> Any:
            return self._actors[name].answer.remote(method, arguments[name])

        calls = {call(name): name for name in arguments}
        ends = dict.fromkeys(arguments, time.monotonic() + PATIENCE)
        while calls:
            ready, _ = self._ray.wait(list(calls), num_returns=1)
            for done in ready:
                name, answers = calls.pop(done), dict[str, Any]()
                self._take(name, done, answers, ends[name])
                if name in answers:
                    ends[name] = time.monotonic() + PATIENCE
                if name not in answers or take(name, answers[name]):
                    calls[call(name)] = name

    def _take(self, name: str, call: Any, answers: dict[str, Any], ends: float) -> None:
        """Collect the result of a shard, or nothing if the shard is lost and there is time to repeat the call."""
        try:
            standing, answers[name] = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # raised by the method, so repeating won't help
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError:
            self.repeated += 1
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)  # a restarting actor rejects calls immediately
            return
        before = self._standing.get(name, standing)
        if before.life != standing.life and before.members and not standing.stored:
            self.forgotten.append(before)
        self._standing[name] = standing

    def stop(self, name: str) -> None:
        """Stop a shard."""
        self.call("close", {name: ()})
        self.drop(name)

    def drop(self, name: str) -> None:
        """Stop a shard whose members have all moved."""
        self._standing.pop(name, None)
        self.abandon(name)

    def abandon(self, name: str) -> None:
        """Kill a shard."""
        self._ray.kill(self._actors.pop(name))
        del self.homes[name]

    def pids(self) -> dict[str, int]:
        """Return the process id of each shard."""
        answers: dict[str, int] = self.call("pid", dict.fromkeys(self._actors, ()))
        return answers

    def close(self) -> None:
        """Kill the shards that were not stopped, and stop Ray if it was started here."""
        for name in list(self._actors):
            self.abandon(name)
        if self._own:
            self._ray.shutdown()
