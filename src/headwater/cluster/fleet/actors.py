"""Where shards are: in this process, or one Ray actor each, which Ray starts again when it dies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headwater.cluster.ray import connect, library
from headwater.errors import HeadwaterError

from .shard import Shard, Standing

__all__ = ["ActorShards", "LocalShards", "Shards"]

PATIENCE = 120.0
"""Seconds to wait for a shard that died to be back: Ray itself takes up to a minute to find that a node is gone."""


class Shards(Protocol):
    """The shards by name."""

    homes: dict[str, str]
    """The node of each."""
    repeated: int
    """How many calls were lost with their shard, and made again."""
    forgotten: list[Standing]
    """What shards without a store had when they died, and nobody has now."""

    def nodes(self) -> dict[str, int]:
        """Return the nodes that are there now, and how many shards each has room for."""

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start one, on a node."""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards with the arguments of each, and return what each answers."""

    def stop(self, name: str) -> None:
        """End one; it has committed."""

    def abandon(self, name: str) -> None:
        """End one whose node is gone: what it has committed is in its store."""

    def drop(self, name: str) -> None:
        """End one whose members are all elsewhere."""

    def close(self) -> None:
        """End what is left, and what the shards stand on."""


class LocalShards:
    """Shards in this process."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self.homes: dict[str, str] = {}
        self.repeated, self.forgotten = 0, list[Standing]()

    def nodes(self) -> dict[str, int]:
        """Return none: this process has room for any number."""
        return {}

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start one."""
        self._shards[name] = Shard(first, path, resident)
        self.homes[name] = home or ""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards, one after the other."""
        return {name: getattr(self._shards[name], method)(*given) for name, given in arguments.items()}

    def stop(self, name: str) -> None:
        """End one."""
        self._shards.pop(name).close()
        del self.homes[name]

    abandon = drop = stop

    def close(self) -> None:
        """Let go of those that were not stopped."""
        self._shards.clear()


class _Seat:
    """A shard in its actor. Why it can't be opened is said to whoever calls it: Ray would only tell that it died."""

    def __init__(self, first: bytes, path: str | None, resident: int | None) -> None:
        self._problem: HeadwaterError | None = None
        try:
            self._shard = Shard(first, path, resident)
        except HeadwaterError as error:
            self._problem = error

    def answer(self, method: str, arguments: Sequence[Any]) -> tuple[Standing, Any]:
        """Call a method; return how the shard stands afterwards, and what the method returned."""
        if self._problem is not None:
            raise self._problem
        value = getattr(self._shard, method)(*arguments)
        return self._shard.standing(), value


class ActorShards:
    """Shards as Ray actors. What is asked of one that dies is asked again once it is back: nothing is learned twice.

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
        """Return the nodes that are there now, and how many cores each has."""
        return {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]}

    def start(self, name: str, home: str | None, first: bytes, path: str | None, resident: int | None) -> None:
        """Start one; where its node dies, Ray starts it again on another."""
        strategies = self._ray.util.scheduling_strategies
        where = strategies.NodeAffinitySchedulingStrategy(home, soft=True) if home else "SPREAD"
        # no core is asked for: there may be more shards than cores, and an actor that waits for one would wait for ever
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 0, "scheduling_strategy": where}
        self._actors[name] = self._ray.remote(**options)(_Seat).remote(first, path, resident)
        self.homes[name] = home or ""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards at once, and return what each answers."""
        answers: dict[str, Any] = {}
        ends = time.monotonic() + PATIENCE
        while open_ := [name for name in arguments if name not in answers]:
            calls = {name: self._actors[name].answer.remote(method, arguments[name]) for name in open_}
            for name, call in calls.items():
                self._take(name, call, answers, ends)
        return answers

    def _take(self, name: str, call: Any, answers: dict[str, Any], ends: float) -> None:
        """Take what a shard answers; nothing if it is lost, as long as there is time to ask again."""
        try:
            standing, answers[name] = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # the rows are at fault
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError:
            self.repeated += 1
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)  # an actor that is being started again refuses calls at once
            return
        before = self._standing.get(name, standing)
        if before.life != standing.life and before.members and not standing.stored:
            self.forgotten.append(before)
        self._standing[name] = standing

    def stop(self, name: str) -> None:
        """End one."""
        self.call("close", {name: ()})
        self.drop(name)

    def drop(self, name: str) -> None:
        """End one whose members are all elsewhere."""
        self._standing.pop(name, None)
        self.abandon(name)

    def abandon(self, name: str) -> None:
        """End one as it is."""
        self._ray.kill(self._actors.pop(name))
        del self.homes[name]

    def pids(self) -> dict[str, int]:
        """Return the process of each shard."""
        answers: dict[str, int] = self.call("pid", dict.fromkeys(self._actors, ()))
        return answers

    def close(self) -> None:
        """End those that were not stopped, and Ray if it was started here."""
        for name in list(self._actors):
            self.abandon(name)
        if self._own:
            self._ray.shutdown()
