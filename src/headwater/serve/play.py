"""The playground over HTTP: each page has a small net of its own, which is forgotten when others need the room."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from .endpoint import Answer, Call, Missing, ok
from .play_net import MOST_ROWS, Ground, choices
from .play_wish import Play
from .wire import decoded
from .writer import Busy

_GROUNDS = 32  # each holds at most a file of 1 MB
_IDLE_S = 3600.0
_WAITING = 64  # requests at once; two of them work
_WORKING = 2


class Rows(msgspec.Struct, forbid_unknown_fields=True):
    """How many rows a playground's net is to learn."""

    rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)]


@dataclass(slots=True)
class _Held:
    ground: Ground
    seen: float
    turn: threading.Lock = field(default_factory=threading.Lock)


class Playgrounds:
    """The playgrounds of one server, by a name that can't be guessed; the one that was unused longest goes first."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_WORKING, "headwater-play")
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, ground: Ground) -> str:
        """Keep a playground and return its name."""
        name, now = secrets.token_urlsafe(16), time.monotonic()
        with self._lock:
            live = {key: held for key, held in self._held.items() if now - held.seen < _IDLE_S}
            while len(live) >= _GROUNDS:
                del live[min(live, key=lambda key: live[key].seen)]
            self._held = {**live, name: _Held(ground, now)}
        return name

    def remove(self, name: str) -> None:
        """Forget a playground.

        Raises
        ------
        Missing
            If there is none of that name.
        """
        self._find(name)
        with self._lock:
            self._held.pop(name, None)

    async def work(self, name: str, does: Callable[[Ground], Any]) -> Any:
        """Do something with a playground, off the event loop, and return what comes of it.

        Raises
        ------
        Missing
            If there is none of that name.
        Busy
            If too many wait for theirs.
        """
        held = self._find(name)

        def turn() -> Any:
            with held.turn:
                return does(held.ground)

        return await self.queue(turn)

    async def queue(self, does: Callable[[], Any]) -> Any:
        """Do something off the event loop, few at a time: predictions for others must not wait for play.

        Raises
        ------
        Busy
            If too many wait.
        """
        if self._waiting >= _WAITING:
            raise Busy(expected=f"at most {_WAITING} at play", got="more", at="/play", help="Try again a little later.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, does)
        finally:
            self._waiting -= 1

    def _find(self, name: str) -> _Held:
        held = self._held.get(name)
        if held is None:
            raise Missing(
                expected="a playground",
                got=f"{name!r:.80}",
                at="/play",
                help="Begin a new one: POST /play.",
                code="unknown_playground",
            )
        held.seen = time.monotonic()
        return held


async def begin(call: Call) -> Answer:
    """Make a playground: a small net, and a stream that it learns."""
    wish = decoded(_play.decode, await call.body(), "body")
    grounds = call.hub.playgrounds

    def make() -> tuple[Ground, dict[str, Any]]:
        ground = Ground(wish)
        return ground, {"choices": choices(), **ground.frame()}

    ground, frame = await grounds.queue(make)
    return ok({"id": grounds.add(ground), **frame}, 201)


async def change(call: Call) -> Answer:
    """Go on with other settings; a net of the same shape keeps its weights."""
    wish = decoded(_play.decode, await call.body(), "body")

    def does(ground: Ground) -> dict[str, Any]:
        ground.change(wish)
        return ground.frame()

    return await _answer(call, does)


async def run(call: Call) -> Answer:
    """Let a playground's net predict and learn some rows."""
    rows = decoded(_rows.decode, await call.body(), "body").rows

    def does(ground: Ground) -> dict[str, Any]:
        ground.run(rows)
        return ground.frame()

    return await _answer(call, does)


async def step(call: Call) -> Answer:
    """Let a playground's net learn one row, and show the four steps with their numbers."""
    return await _answer(call, lambda ground: {"steps": ground.step(), **ground.frame()})


async def reset(call: Call) -> Answer:
    """Begin again with the first weights and the first points."""

    def does(ground: Ground) -> dict[str, Any]:
        ground.reset()
        return ground.frame()

    return await _answer(call, does)


async def end(call: Call) -> Answer:
    """Forget a playground."""
    call.hub.playgrounds.remove(call.path["play"])
    return ok({"ok": True})


async def _answer(call: Call, does: Callable[[Ground], dict[str, Any]]) -> Answer:
    return ok(await call.hub.playgrounds.work(call.path["play"], does))


_play = msgspec.json.Decoder(Play)
_rows = msgspec.json.Decoder(Rows)

__all__ = ["Playgrounds", "Rows", "begin", "change", "end", "reset", "run", "step"]
