"""Workers as Ray actors, and replicas by Ray Serve: the only file that imports Ray (the extra ``ray``).

Ray starts the actors, finds out who died, starts them again elsewhere, and carries arrays. Nothing is asked of it that would
change a result: a block that is lost with its worker goes to another one at once, and comes out the same.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from headwater.errors import MissingExtra
from headwater.store.model_file import SavedModel

from .delta import size_of
from .replicas import Replica
from .worker import Block, Outcome, Update, Worker

__all__ = ["INLINE", "RayWorkers", "ReplicaPool", "connect", "library"]

INLINE = 100_000
"""Bytes up to which Ray sends an argument with the call; a larger one is put into the object store once for all workers."""
PATIENCE, SLOW = 1.0, 3.0
"""A block is given to an idle worker too after this many seconds, and this many times what the round's first block took."""


def library() -> Any:
    """Return the module ``ray``, which is imported when a cluster is first used.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra(package="ray", extra="ray", at="headwater.cluster") from error
    return ray


def connect(address: str | None = None, **options: Any) -> bool:
    """Join a Ray cluster, or start one on this machine; False where this process had joined one before.

    Parameters
    ----------
    address : str, optional
        Of a cluster that runs already; "auto" finds one; None starts one on this machine.
    **options
        Further ones of ``ray.init``.
    """
    ray = library()
    if ray.is_initialized():
        return False
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", **options}
    if address is None:
        settings = {"include_dashboard": False, "object_store_memory": 200_000_000, **settings}
    ray.init(address=address or "local", **settings)
    return True


def leaving() -> frozenset[str]:
    """Return the nodes that are told to leave: Ray starts nothing on them any more, and ends them at their deadline or once idle."""
    library()
    try:
        return frozenset(import_module("ray._private.state").state.get_draining_nodes())
    except (AttributeError, ImportError):  # no public call of Ray's tells; without it a node is lost when it goes
        return frozenset()


class _Actor:
    """What runs in an actor."""

    def __init__(self) -> None:
        self._worker = Worker()

    def learn(self, update: Update, block: Block) -> Outcome | None:
        """Learn a block; see `Worker.learn`."""
        return self._worker.learn(update, block)

    def place(self) -> tuple[str, int]:
        """Return the node and the process that this runs in."""
        return str(library().get_runtime_context().get_node_id()), os.getpid()


class RayWorkers:
    """Learn the blocks of a round in Ray actors, one core each.

    Each block of a round has an actor, and Ray looks for room for them: those that it finds none for wait for a node that
    joins, and take part from when they run. Between rounds, actors leave nodes that are to go. Where a node vanishes, Ray starts
    its actors elsewhere. The blocks are shared out among those that are there, so who is there changes no bit.

    Parameters
    ----------
    count : int
        How many actors there are at most.
    address : str, optional
        As in `connect`.
    """

    def __init__(self, count: int, *, address: str | None = None) -> None:
        self._own = connect(address)
        self._ray = library()
        options = {"num_cpus": 1, "max_restarts": -1, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        self._actor = self._ray.remote(**options)(_Actor)
        self._seats = [_Seat(self._actor.remote()) for _ in range(count)]
        self.sent = self.lost = self.left = self.repeated = 0
        self.late: dict[Any, _Seat] = {}
        self.learned: Counter[str] = Counter()
        """Blocks that were learned on each node."""

    @property
    def live(self) -> int:
        """How many workers there are now."""
        self.seat_the_new()
        return sum(bool(seat.node) for seat in self._seats)

    @property
    def at_once(self) -> int:
        """How many blocks are learned at the same time."""
        return max(self.live, 1)

    @property
    def nodes(self) -> list[str]:
        """The node of each worker that is there."""
        return [seat.node for seat in self._seats if seat.node]

    def learn(
        self,
        updates: tuple[Update | None, Callable[[], Update]],
        blocks: Sequence[Block],
        deadline: float | None,
    ) -> list[Outcome]:
        """Learn blocks from a state.

        Parameters
        ----------
        updates : (Update or None, callable)
            What has changed since the last state; and a function that returns all of it, for whom has not that one.
        blocks : sequence of Block
            What is to be learned.
        deadline : float, optional
            Seconds after which blocks that are not done are left out; without it all are waited for.

        Returns
        -------
        list of Outcome
            Of the blocks that are done.
        """
        self.let_go()
        return _Round(self, updates, blocks, deadline).run()

    def let_go(self) -> None:
        """End the actors on nodes that are to leave; others in their place wait until there is room."""
        nodes = leaving()
        for i, seat in enumerate(self._seats):
            if seat.node in nodes:
                self.late = {call: late for call, late in self.late.items() if late is not seat}
                self._ray.kill(seat.actor)
                self._seats[i] = _Seat(self._actor.remote())
                self.left += 1

    def seat_the_new(self) -> None:
        """Look which actors have begun to run, for the first time or again."""
        asked = {seat.asked: seat for seat in self._seats if seat.asked is not None}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=0) if asked else ([], [])
        for call in ready:
            seat = asked[call]
            try:
                (seat.node, seat.pid), seat.asked = self._ray.get(call), None
            except self._ray.exceptions.RayError:
                time.sleep(0.02)  # an actor that is being started again refuses calls at once
                seat.lose()

    def free_the_late(self) -> None:
        """Look for calls of earlier rounds that have ended, whose workers were given up for slow: these are free again."""
        ready, _ = self._ray.wait(list(self.late), num_returns=len(self.late), timeout=0) if self.late else ([], [])
        for call in ready:
            seat = self.late.pop(call)
            seat.busy, seat.version = False, None
            try:
                self._ray.get(call)
            except self._ray.exceptions.RayError:
                seat.lose()
                self.lost += 1

    @property
    def idle(self) -> list[_Seat]:
        """The actors that run and have nothing to do."""
        return [seat for seat in self._seats if seat.node and not seat.busy]

    @property
    def waited_for(self) -> list[Any]:
        """The calls that end when an actor begins to run, or when a late one is done."""
        return [*(seat.asked for seat in self._seats if seat.asked is not None), *self.late]

    def pids(self) -> list[int]:
        """Return the process of each actor that runs."""
        return [seat.pid for seat in self._seats if seat.node]

    def close(self) -> None:
        """End the actors, and Ray if it was started here."""
        for seat in self._seats:
            self._ray.kill(seat.actor)
        self._seats = []
        if self._own:
            self._ray.shutdown()


class _Seat:
    """One actor, and what is known of it."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.busy = False
        self.lose()

    def lose(self) -> None:
        """Know no more where it runs and which state it has, and ask; the answer comes once it runs, maybe elsewhere."""
        self.node, self.pid = "", 0
        self.version: int | None = None
        self.asked: Any = self.actor.place.remote()


class _Round:
    """The calls of one round."""

    def __init__(
        self,
        workers: RayWorkers,
        updates: tuple[Update | None, Callable[[], Update]],
        blocks: Sequence[Block],
        deadline: float | None,
    ) -> None:
        self._ray, self._workers, self._blocks = library(), workers, blocks
        self._delta, self._whole = updates
        self._sent: dict[bool, Any] = {}  # the updates as they are given to Ray: whole or not
        self._open = list(blocks)  # not given to anybody, or lost
        self._calls: dict[Any, tuple[_Seat, Block]] = {}
        self._done: dict[int, Outcome] = {}
        self._started = time.perf_counter()
        self._first = 0.0
        self._deadline = deadline

    def run(self) -> list[Outcome]:
        while len(self._done) < len(self._blocks):
            self._hand_out()
            calls = [*self._calls, *self._workers.waited_for]
            ready, _ = self._ray.wait(calls, num_returns=1, timeout=self._patience())
            for call in filter(self._calls.__contains__, ready):
                self._take(call)
            if self._is_late():
                break
        self._workers.late.update({call: seat for call, (seat, _) in self._calls.items()})
        return list(self._done.values())

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    def _is_late(self) -> bool:
        return self._deadline is not None and bool(self._done) and self._elapsed() > self._deadline

    def _patience(self) -> float:
        left = PATIENCE if self._deadline is None else max(self._deadline - self._elapsed(), 0.01)
        return min(left, 0.1)

    def _hand_out(self) -> None:
        """Give open blocks to idle workers; where there are none, and time has passed, blocks that others still have."""
        self._workers.free_the_late()
        self._workers.seat_the_new()
        idle = self._workers.idle
        while self._open and idle:
            self._call(idle.pop(0), self._open.pop(0))
        if idle and self._done and self._elapsed() > max(SLOW * self._first, PATIENCE):
            asked = [block.index for _, block in self._calls.values()]
            slow = [block for _, block in self._calls.values() if asked.count(block.index) == 1]
            for seat, block in zip(idle, slow, strict=False):
                self._workers.repeated += 1
                self._call(seat, block)

    def _call(self, seat: _Seat, block: Block) -> None:
        whole = self._delta is None or seat.version not in (self._delta.since, self._delta.version)
        if whole not in self._sent:
            self._sent[whole] = self._put(self._whole() if whole or self._delta is None else self._delta)
        seat.busy = True
        self._calls[seat.actor.learn.remote(self._sent[whole], block)] = seat, block

    def _put(self, update: Update) -> Any:
        size = size_of(update.arrays) if update.since is not None else sum(a.nbytes for a in update.arrays.values())
        self._workers.sent += size
        return update if size < INLINE else self._ray.put(update)

    def _take(self, call: Any) -> None:
        """Take what a call has brought: an outcome, the wish for the whole state, or the news that its worker is lost."""
        seat, block = self._calls.pop(call)
        seat.busy = False
        try:
            outcome = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # the rows are at fault, and nobody else would do better
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError:
            seat.lose()
            self._workers.lost += 1
        else:
            seat.version = None if outcome is None else self._whole().version
            if outcome is not None and block.index not in self._done:
                self._first = self._first or self._elapsed()
                self._done[block.index] = outcome
                self._workers.learned[seat.node] += 1
                return
        held = {other.index for _, other in self._calls.values()} | {other.index for other in self._open}
        if block.index not in self._done and block.index not in held:
            self._open.append(block)


class _Published:
    """The state that replicas predict from, where all of them find it: an actor."""

    def __init__(self) -> None:
        self._now: tuple[int, float, list[Any]] = (-1, 0.0, [])

    def put(self, seq: int, as_of: float, state: list[Any]) -> None:
        """Take the number of a state, when it was the newest, and where Ray keeps it."""
        self._now = seq, as_of, state

    def get(self) -> tuple[int, float, list[Any]]:
        """Return what was put last."""
        return self._now


class _Predictor:
    """A replica as Ray Serve runs it; it looks for a newer state when it is asked, at most five times a second."""

    LOOK = 0.2

    def __init__(self, published: Any) -> None:
        self._published, self._replica, self._looked = published, Replica(), 0.0

    async def predict(self, X: list[Any]) -> Any:
        now = time.monotonic()
        if now - self._looked > self.LOOK:
            self._looked = now
            await self._look()
        return self._replica.predict(X)

    async def _look(self) -> None:
        seq, as_of, state = await self._published.get.remote()
        if state:
            self._replica.take(seq, as_of, await state[0] if seq != self._replica.seq else None)

    async def pid(self) -> int:
        return os.getpid()


class ReplicaPool:
    """Replicas as a deployment of Ray Serve, which starts again those that die.

    Parameters
    ----------
    count : int
        How many there are.
    address : str, optional
        As in `connect`.
    """

    NAME = "headwater"
    TRIES = 5
    SECONDS = 10.0

    def __init__(self, count: int, *, address: str | None = None) -> None:
        self._own = connect(address)
        self._ray = library()
        serve: Any = import_module("ray.serve")
        self._serve = serve
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
        self._published = self._ray.remote(**options)(_Published).remote()
        serve.start(proxy_location="Disabled", logging_config={"log_level": "ERROR", "enable_access_log": False})
        deployed = serve.deployment(
            _Predictor,
            num_replicas=count,
            ray_actor_options={"num_cpus": 0.1},
            health_check_period_s=1,
            health_check_timeout_s=5,
        )
        self._handle = serve.run(deployed.bind(self._published), name=self.NAME, route_prefix=None)
        self._state: list[Any] = []

    def publish(self, seq: int, as_of: float, saved: SavedModel | None) -> None:
        """Hand on a state; see `replicas.Pool`."""
        if saved is not None:
            self._state = [self._ray.put(saved)]
        self._published.put.remote(seq, as_of, self._state)

    async def predict(self, X: list[Any]) -> Any:
        """Let a replica predict, and another one where it died meanwhile."""
        for _ in range(self.TRIES):
            try:
                return await asyncio.wait_for(self._handle.predict.remote(X), self.SECONDS)
            except self._ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, Exception) else error) from error
            except (self._ray.exceptions.RayError, TimeoutError):
                await asyncio.sleep(0.01)
        return None

    async def pid(self) -> int:
        """Return the process of some replica."""
        return int(await self._handle.pid.remote())

    def close(self) -> None:
        """End the replicas, and Ray if it was started here."""
        self._serve.delete(self.NAME)
        self._ray.kill(self._published)
        if self._own:
            self._serve.shutdown()
            self._ray.shutdown()
