"""Where shards are: in this process, or one Ray actor each, which Ray starts again when it dies."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from headwater.cluster.ray import connect, library

from .shard import Shard

__all__ = ["ActorShards", "LocalShards", "Shards"]

PATIENCE = 60.0
"""Seconds to wait for a shard that died to be back."""


class Shards(Protocol):
    """The shards by name."""

    def start(self, name: str, first: bytes, path: str, resident: int | None) -> None:
        """Start one."""

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards with the arguments of each, and return what each answers."""

    def stop(self, name: str) -> None:
        """End one; it has committed."""


class LocalShards:
    """Shards in this process."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}

    def start(self, name: str, first: bytes, path: str, resident: int | None) -> None:
        """Start one."""
        self._shards[name] = Shard(first, path, resident)

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards, one after the other."""
        return {name: getattr(self._shards[name], method)(*given) for name, given in arguments.items()}

    def stop(self, name: str) -> None:
        """End one."""
        self._shards.pop(name).close()


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
        self.lost = 0
        """How many calls were lost with their actor, and made again."""

    def start(self, name: str, first: bytes, path: str, resident: int | None) -> None:
        """Start one."""
        # no core is asked for: there may be more shards than cores, and an actor that waits for one would wait for ever
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        self._actors[name] = self._ray.remote(**options)(Shard).remote(first, path, resident)

    def call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards at once, and return what each answers."""
        answers: dict[str, Any] = {}
        ends = time.monotonic() + PATIENCE
        while open_ := [name for name in arguments if name not in answers]:
            calls = {name: getattr(self._actors[name], method).remote(*arguments[name]) for name in open_}
            for name, call in calls.items():
                self._take(name, call, answers, ends)
        return answers

    def _take(self, name: str, call: Any, answers: dict[str, Any], ends: float) -> None:
        """Take what a shard answers; nothing if it is lost, as long as there is time to ask again."""
        try:
            answers[name] = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # the rows are at fault
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError:
            self.lost += 1
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)  # an actor that is being started again refuses calls at once

    def stop(self, name: str) -> None:
        """End one."""
        actor = self._actors.pop(name)
        self._ray.get(actor.close.remote())
        self._ray.kill(actor)

    def pids(self) -> dict[str, int]:
        """Return the process of each shard."""
        answers: dict[str, int] = self.call("pid", dict.fromkeys(self._actors, ()))
        return answers

    @property
    def cores(self) -> int:
        """How many cores the cluster has now."""
        return int(self._ray.cluster_resources().get("CPU", 1))

    def close(self) -> None:
        """End Ray if it was started here."""
        if self._own:
            self._ray.shutdown()
