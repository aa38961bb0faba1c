"""A server in this process with all that it can show: models, a source with rejects, and requests that were refused."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import headwater as hw
from headwater.serve.app import build
from headwater.serve.monitoring.guard import Guard
from headwater.serve.run import make_state
from headwater.store.sources.status import Followed, State, Status

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

SENT = 1000.0
"""How long before now the last message of the source was sent, in seconds."""


def following(state: State = State.RUNNING) -> Any:
    """Return a followed source as the server sees it, of which no broker is needed."""
    counts = {"not a row in json": 3}
    followed = Followed("kafka:rows", 100, 97, 2, 1, counts, predictions=97, dead_letters=3, unsent=5)
    status = Status(state, retries={"source": 1}, lag=12, newest=time.time() - SENT, followed=followed)
    parts: dict[str, Any] = {"start": bool, "stop": bool, "end": bool, "problem": lambda: None}
    return SimpleNamespace(name="kafka:rows", model="default", status=status, **parts)


@contextmanager
def served(path: Any, **how: Any) -> Iterator[tuple[Any, TestClient]]:
    """Serve a classifier that has learned 40 rows and refused a request, and follows a source."""
    state = make_state(path, **how)
    state.service.create("default", hw.Classifier(hidden=(4,), seed=1))
    state.followings = (following(),)
    state.guard = Guard(state.service, "warn")
    with TestClient(build(state)) as client:
        state.guard.look()
        client.post("/learn", json=[{"x": {"a": i % 7}, "y": ["no", "yes"][i % 7 > 3]} for i in range(40)])
        client.post("/learn", json={"y": 1})
        yield state, client
    state.close()
