"""Workers as Ray actors and replicas by Ray Serve, the only file that imports Ray (the extra ``ray``).

Ray starts actors, detects dead ones, restarts them elsewhere, and transfers arrays. It has no influence on results: a block
lost with its worker is repeated by another one, with the same result.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import cycle
from typing import Any

from headwater.cluster.published.replicas import Replica
from headwater.errors import HeadwaterError, MissingExtra
from headwater.store.model_file import SavedModel

from .delta import size_of
from .merge import FAN_IN, in_tree
from .worker import Block, Outcome, Update, Worker, together

__all__ = ["INLINE", "RayWorkers", "ReplicaPool", "connect", "library"]

INLINE = 100_000
"""Maximum bytes of an argument sent with the call. Larger ones are put into the object store once for all workers."""
PATIENCE, SLOW = 1.0, 3.0
"""A block is repeated on an idle worker after PATIENCE seconds and SLOW times the duration of the round's first block."""


def library() -> Any:
    """Import and return the module ``ray``.

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
    """Join a Ray cluster or start one on this machine, or return False if this process has joined one already.

    Parameters
    ----------
    address : str, optional
        Address of a running cluster; "auto" finds one, None starts one on this machine.
    **options
        Further options of ``ray.init``.
    """
    ray = library()
    if ray.is_initialized():
        return False
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", **options}
    if address is None:
        settings = {"include_dashboard": False, "object_store_memory": 200_000_000, **settings}
    before = os.environ.get("PYTHONBREAKPOINT")
    ray.init(address=address or "local", **settings)
    if before is None:
        os.environ.pop(
            "PYTHONBREAKPOINT", None
        )  # Ray's debugger, in which a breakpoint() here would fail after shutdown
    return True


def leaving() -> frozenset[str]:
    """Return the draining nodes, which Ray stops at their deadline or once idle."""
    library()
    try:
        return frozenset(import_module("ray._private.state").state.get_draining_nodes())
    except (AttributeError, ImportError):  # Ray has no public API for this; without it a draining node is lost abruptly
        return frozenset()


class _Actor:
    """Worker in an actor."""

    def __init__(self) -> None:
        self._worker = Worker()

    def learn(self, update: Update, block: Block) -> Outcome | None:
        """Learn a block, as `Worker.learn` does."""
        return self._worker.learn(update, block)

    def learn_apart(self, update: Update, block: Block) -> tuple[Outcome | None, Outcome | None]:
        """Learn a block, and return what the coordinator reads apart from the state, which goes from worker to worker."""
        done = self._worker.learn(update, block)
        if done is None:
            return None, None
        return replace(done, header={}, delta={}), replace(done, y_pred=[], proba=[], found=None)

    def merge(self, version: int, *outcomes: Outcome) -> Outcome:
        """Merge the states of some blocks, as `Worker.merge` does."""
        return self._worker.merge(version, outcomes)

    def place(self) -> tuple[str, int]:
        """Return the node and process of this actor."""
        return str(library().get_runtime_context().get_node_id()), os.getpid()


class RayWorkers:
    """Learn the blocks of a round in Ray actors, one core each.

    Each block of a round has an actor, for which Ray finds room. Actors without room wait for new nodes, and take part once
    they run. Between rounds, actors leave draining nodes. If a node is lost, Ray restarts its actors elsewhere. Blocks are
    shared among running actors, so their number does not affect results.

    Parameters
    ----------
    count : int
        Maximum number of actors.
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
        self.homes: dict[int, _Seat] = {}
        """Worker that last read each source, which has it open."""
        self.learned: Counter[str] = Counter()
        """Number of blocks learned on each node."""

    @property
    def live(self) -> int:
        """Current number of workers."""
        self.seat_the_new()
        return sum(bool(seat.node) for seat in self._seats)

    @property
    def at_once(self) -> int:
        """Number of blocks learned at the same time."""
        return max(self.live, 1)

    @property
    def nodes(self) -> list[str]:
        """Node of each current worker."""
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
            Difference from the last state, and a function that returns the whole state for workers without it.
        blocks : sequence of Block
            Blocks to learn.
        deadline : float, optional
            Seconds after which unfinished blocks are left out; by default all are awaited.

        Returns
        -------
        list of Outcome
            Outcomes of the finished blocks.
        """
        self.let_go()
        return _Round(self, updates, blocks, deadline).run()

    def let_go(self) -> None:
        """Stop the actors on draining nodes, and queue replacements."""
        nodes = leaving()
        for i, seat in enumerate(self._seats):
            if seat.node in nodes:
                self.late = {call: late for call, late in self.late.items() if late is not seat}
                self._ray.kill(seat.actor)
                self._seats[i] = _Seat(self._actor.remote())
                self.left += 1

    def seat_the_new(self) -> None:
        """Find actors that have started or restarted."""
        asked = {seat.asked: seat for seat in self._seats if seat.asked is not None}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=0) if asked else ([], [])
        for call in ready:
            seat = asked[call]
            try:
                (seat.node, seat.pid), seat.asked = self._ray.get(call), None
            except self._ray.exceptions.RayError:
                time.sleep(0.02)  # a restarting actor rejects calls immediately
                seat.lose()

    def free_the_late(self) -> None:
        """Find finished calls of earlier rounds, and mark their slow workers as idle."""
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
        """Running actors without a block."""
        return [seat for seat in self._seats if seat.node and not seat.busy]

    @property
    def waited_for(self) -> list[Any]:
        """Calls that finish when an actor starts or a late one is done."""
        return [*(seat.asked for seat in self._seats if seat.asked is not None), *self.late]

    def seats_of(self, blocks: Sequence[Block]) -> dict[int, _Seat]:
        """Return a worker for each block of rows that workers read, the one that has the source open unless it has too many."""
        parts = {block.part.number: block.index for block in blocks if block.part is not None}
        live = [seat for seat in self._seats if seat.node]
        if not live or not parts:
            return {}
        most, shares, found = -(-len(parts) // len(live)), Counter[int](), dict[int, _Seat]()
        for number, index in parts.items():
            home = self.homes.get(number)
            if home in live and shares[id(home)] < most:
                found[index] = home
                shares[id(home)] += 1
        for index in parts.values():
            if index not in found:
                found[index] = min(live, key=lambda seat: shares[id(seat)])
                shares[id(found[index])] += 1
        return found

    def pids(self) -> list[int]:
        """Return the process id of each running actor."""
        return [seat.pid for seat in self._seats if seat.node]

    def close(self) -> None:
        """Stop the actors, and Ray if it was started here."""
        for seat in self._seats:
            self._ray.kill(seat.actor)
        self._seats = []
        if self._own:
            self._ray.shutdown()


class _Seat:
    """One actor and its known state."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.busy = False
        self.lose()

    def lose(self) -> None:
        """Forget the actor's node and state, and request its node, which it returns once it runs."""
        self.node, self.pid = "", 0
        self.version: int | None = None
        self.asked: Any = self.actor.place.remote()


class _Round:
    """Calls of one round.

    Of more than eight blocks the states stay in the object store, where workers merge them by eights, so that the coordinator
    gets at most eight. Should a worker or a state be lost meanwhile, the coordinator merges what is there, with the same bits.
    """

    def __init__(
        self,
        workers: RayWorkers,
        updates: tuple[Update | None, Callable[[], Update]],
        blocks: Sequence[Block],
        deadline: float | None,
    ) -> None:
        self._ray, self._workers, self._blocks = library(), workers, blocks
        self._delta, self._whole = updates
        self._sent: dict[bool, Any] = {}  # updates as passed to Ray, by whether they are whole states
        self._open = list(blocks)  # unassigned or lost
        self._seats: dict[int, _Seat] | None = None  # of blocks whose rows the workers read
        self._calls: dict[Any, tuple[_Seat, Block]] = {}
        self._done: dict[int, Outcome] = {}
        self._refs: dict[Any, Any] = {}  # states by the calls that learn them
        self._apart, self._states, self._tree = len(blocks) > FAN_IN, dict[Any, Any](), True
        self._started = time.perf_counter()
        self._first = 0.0
        self._deadline = deadline

    def run(self) -> list[Outcome]:
        while True:
            self._learn()
            try:
                return self._collected()
            except self._ray.exceptions.RayError as error:
                if isinstance(cause := getattr(error, "cause", None), HeadwaterError):
                    raise cause from error
                self._tree = False
                self._forget_lost()

    def _collected(self) -> list[Outcome]:
        """Return the outcomes, of which some have the merged states of the others."""
        if not self._apart:
            return list(self._done.values())
        finished = together(self._done.values())
        tops = [(done.index, self._states[done.index]) for done in finished if len(done.y_pred)]
        version = self._whole().version
        seats = [seat for seat in self._workers.idle if seat.version == version]
        if self._tree and seats:
            turns = cycle(seats)
            tops = in_tree(tops, lambda refs: next(turns).actor.merge.remote(version, *refs))
        states = dict(zip((i for i, _ in tops), self._ray.get([ref for _, ref in tops]), strict=True))
        return [
            replace(done, header=states[i].header, delta=states[i].delta) if (i := done.index) in states else done
            for done in finished
        ]

    def _forget_lost(self) -> None:
        """Learn those blocks again whose states went with their node."""
        for block in self._blocks:
            if block.index in self._done:
                try:
                    self._ray.get(self._states[block.index])
                except self._ray.exceptions.RayError:
                    del self._done[block.index]
                    self._workers.lost += 1
                    self._open.append(block)

    def _learn(self) -> None:
        while len(self._done) < len(self._blocks):
            self._hand_out()
            calls = [*self._calls, *self._workers.waited_for]
            ready, _ = self._ray.wait(calls, num_returns=1, timeout=self._patience())
            for call in filter(self._calls.__contains__, ready):
                self._take(call)
            if self._is_late():
                break
        self._workers.late.update({call: seat for call, (seat, _) in self._calls.items()})
        self._calls = {}

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    def _is_late(self) -> bool:
        return self._deadline is not None and bool(self._done) and self._elapsed() > self._deadline

    def _patience(self) -> float:
        left = PATIENCE if self._deadline is None else max(self._deadline - self._elapsed(), 0.01)
        return min(left, 0.1)

    def _hand_out(self) -> None:
        """Give open blocks to idle workers, or after some time repeat slow blocks on them."""
        self._workers.free_the_late()
        self._workers.seat_the_new()
        if self._seats is None and self._workers.idle:
            self._seats = self._workers.seats_of(self._blocks)
        idle = []
        for seat in self._workers.idle:
            block = self._next_for(seat)
            if block is None:
                idle.append(seat)
            else:
                self._open = [other for other in self._open if other is not block]
                self._call(seat, block)
        if idle and self._done and self._is_slow():
            asked = [block.index for _, block in self._calls.values()]
            slow = [block for _, block in self._calls.values() if asked.count(block.index) == 1]
            for seat, block in zip(idle, slow, strict=False):
                self._workers.repeated += 1
                self._call(seat, block)

    def _is_slow(self) -> bool:
        return self._elapsed() > max(SLOW * self._first, PATIENCE)

    def _next_for(self, seat: _Seat) -> Block | None:
        """Return an open block for an idle worker, its own before those whose worker is gone or slow."""
        seats = self._seats or {}
        own = [block for block in self._open if seats.get(block.index, seat) is seat]
        others = [block for block in self._open if self._is_slow() or not seats.get(block.index, seat).node]
        return next(iter([*own, *others]), None)

    def _call(self, seat: _Seat, block: Block) -> None:
        whole = self._delta is None or seat.version not in (self._delta.since, self._delta.version)
        if whole not in self._sent:
            self._sent[whole] = self._put(self._whole() if whole or self._delta is None else self._delta)
        seat.busy = True
        if block.part is not None:
            self._workers.homes[block.part.number] = seat
        if self._apart:
            call, state = seat.actor.learn_apart.options(num_returns=2).remote(self._sent[whole], block)
            self._refs[call] = state
        else:
            call = seat.actor.learn.remote(self._sent[whole], block)
        self._calls[call] = seat, block

    def _put(self, update: Update) -> Any:
        size = size_of(update.arrays) if update.since is not None else sum(a.nbytes for a in update.arrays.values())
        self._workers.sent += size
        return update if size < INLINE else self._ray.put(update)

    def _take(self, call: Any) -> None:
        """Handle a finished call, which returns an outcome or None for a missing state, or fails with its worker."""
        seat, block = self._calls.pop(call)
        seat.busy = False
        try:
            outcome = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:  # raised by the rows, so repeating won't help
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError:
            seat.lose()
            self._workers.lost += 1
        else:
            seat.version = None if outcome is None else self._whole().version
            if outcome is not None and block.index not in self._done:
                self._first = self._first or self._elapsed()
                self._done[block.index] = outcome
                self._states[block.index] = self._refs.get(call)
                self._workers.learned[seat.node] += 1
                return
        held = {other.index for _, other in self._calls.values()} | {other.index for other in self._open}
        if block.index not in self._done and block.index not in held:
            self._open.append(block)


class _Published:
    """Actor that holds the published state for all replicas."""

    def __init__(self) -> None:
        self._now: tuple[int, float, list[Any]] = (-1, 0.0, [])

    def put(self, seq: int, as_of: float, state: list[Any]) -> None:
        """Store the number of a state, the time when it was the newest, and its Ray reference."""
        self._now = seq, as_of, state

    def get(self) -> tuple[int, float, list[Any]]:
        """Return the stored state."""
        return self._now


class _Predictor:
    """Replica run by Ray Serve, which checks for a newer state at most five times a second on requests."""

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
    """Replicas as a deployment of Ray Serve, which restarts those that die.

    Parameters
    ----------
    count : int
        Number of replicas.
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
        """Publish a state, as `replicas.Pool` does."""
        if saved is not None:
            self._state = [self._ray.put(saved)]
        self._published.put.remote(seq, as_of, self._state)

    async def predict(self, X: list[Any]) -> Any:
        """Predict with a replica, and retry with another if it died."""
        for _ in range(self.TRIES):
            try:
                return await asyncio.wait_for(self._handle.predict.remote(X), self.SECONDS)
            except self._ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, Exception) else error) from error
            except (self._ray.exceptions.RayError, TimeoutError):
                await asyncio.sleep(0.01)
        return None

    async def pid(self) -> int:
        """Return the process id of some replica."""
        return int(await self._handle.pid.remote())

    def close(self) -> None:
        """Stop the replicas, and Ray if it was started here."""
        self._serve.delete(self.NAME)
        self._ray.kill(self._published)
        if self._own:
            self._serve.shutdown()
            self._ray.shutdown()
