"""The demo, which replays flights of 2013 over HTTP with delayed labels."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from headwater.errors import HeadwaterError
from headwater.streams.datasets.flights import read_flights

_PER_S = 1000  # flights per second, a month in half a minute
_GROUP = 50  # flights in one request
_DELAY = 100  # flights between a prediction and its label, about two hours of traffic
_log = logging.getLogger("headwater.serve")


def start(address: str, token: str, ends: Callable[[], bool]) -> threading.Thread:
    """Start the replay in a daemon thread.

    Parameters
    ----------
    address : str
        Address of the server, such as http://127.0.0.1:8080.
    token : str
        A token with scope learn, or "" if none is needed.
    ends : callable
        Returns whether the server is stopping, so that the end of the replay is not reported.
    """
    thread = threading.Thread(target=_replay, args=(address, token, ends), name="headwater-demo", daemon=True)
    thread.start()
    return thread


def _replay(address: str, token: str, ends: Callable[[], bool]) -> None:
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    waiting: deque[tuple[str, Any]] = deque()
    try:
        skip = _learned(connection, headers)
        for group in _groups(skip):
            began = time.perf_counter()
            predictions = _post(connection, headers, "/predict", [{"x": x} for x, _ in group])
            waiting.extend((row["id"], y) for row, (_, y) in zip(predictions, group, strict=True))
            late = [waiting.popleft() for _ in range(max(len(waiting) - _DELAY, 0))]
            if late:
                _post(connection, headers, "/label", [{"id": name, "y": y} for name, y in late])
            time.sleep(max(_GROUP / _PER_S - (time.perf_counter() - began), 0))
    except (OSError, HeadwaterError, http.client.HTTPException, KeyError, ValueError) as error:
        if not ends():
            _log.warning("the demo's replay ended", extra={"fields": {"why": str(error)}})
    finally:
        connection.close()


def _groups(skip: int) -> Iterator[list[tuple[dict[str, Any], bool]]]:
    """Yield groups of labeled flights after the first ``skip``."""
    group: list[tuple[dict[str, Any], bool]] = []
    for block in read_flights("late"):
        for x, y in zip(block.X, block.y, strict=True):
            if y is None:
                continue
            if skip:
                skip -= 1
                continue
            group.append((dict(x), bool(y)))
            if len(group) == _GROUP:
                yield group
                group = []


def _learned(connection: http.client.HTTPConnection, headers: dict[str, str]) -> int:
    """Return how many flights the model has learned in earlier runs."""
    connection.request("GET", "/models", headers=headers)
    models = json.loads(connection.getresponse().read())
    return int(models[0]["learners"][0]["n_learned"]) if models else 0


def _post(connection: http.client.HTTPConnection, headers: dict[str, str], path: str, rows: list[Any]) -> Any:
    connection.request("POST", path, json.dumps(rows), headers)
    answer = connection.getresponse()
    body = answer.read()
    while answer.status in (429, 503):  # paused or busy, so wait
        time.sleep(1)
        connection.request("POST", path, json.dumps(rows), headers)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 200:
        raise ValueError(body.decode(errors="replace")[:300])
    return json.loads(body)


__all__ = ["start"]
