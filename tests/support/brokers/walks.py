"""How many calls one more row of a broker takes: what a store that follows it calls for so many rows, and for one more."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest import mock

import headwater as hw
from headwater.streams.brokers import Message
from support.walks import Recorder

__all__ = ["Topic", "assert_few_a_row", "calls_to_follow"]


class Topic:
    """A broker without a network: a source as `headwater.streams.brokers.protocol` declares it, over a list."""

    replays = True

    def __init__(self, most: int = 1000) -> None:
        self.values: list[bytes] = []
        self.at, self._most = 0, most

    def open(self, positions: Mapping[str, str]) -> Mapping[str, str]:
        self.at = int(positions.get("0", self.at))
        return {"0": str(self.at)}

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        found = self.values[self.at : self.at + min(most, self._most)]
        out = [Message("0", str(self.at + i + 1), value) for i, value in enumerate(found)]
        self.at += len(found)
        return out

    def marks(self) -> Mapping[str, str]:
        return {}

    def committed(self, positions: Mapping[str, str]) -> None: ...

    def lag(self) -> int | None:
        return len(self.values) - self.at

    def close(self) -> None: ...

    def put(self, topic: str, bodies: Sequence[bytes]) -> None:
        self.values += bodies


def calls_to_follow(where: str, put: Callable[[str, list[bytes]], None], path: Path) -> dict[int, int]:
    """Return the fewest calls of following a broker that has so many more rows, by how many.

    A store learns what was read in turns of some milliseconds. Here a turn has no end, or a busy machine would take more turns, and more calls.
    """
    bodies = [
        json.dumps({"size": float(i % 7), "colour": "red" if i % 2 else "blue", "y": "ab"[i % 2]}).encode()
        for i in range(448)
    ]
    recorder, found = Recorder(), {}
    try:
        with (
            mock.patch("headwater.store.service.model._TURN_S", math.inf),
            hw.open(path, hw.Classifier(seed=1)) as store,
        ):
            put("rows", bodies)
            store.learn_from(where, "y", limit=len(bodies))  # whatever happens at first has happened
            for n in (1, 2, 102):
                walks = []
                for _ in range(6):
                    put("rows", bodies[:n])
                    with recorder as calls:
                        assert store.learn_from(where, "y", limit=n).read
                    walks.append(len(calls))
                found[n] = min(walks)
            assert store.n_learned == len(bodies) + 6 * 105
    finally:
        recorder.close()
    return found


def assert_few_a_row(calls: dict[int, int], *, client: int = 0) -> None:
    """Check that the next row takes at most 45 calls, and each after it 17 beside those of the broker's client.

    The second row of a read pays for the way of a block, which one alone doesn't take, those after it only for what is done row by row.
    """
    assert calls[2] - calls[1] <= 45, calls
    assert (calls[102] - calls[2]) / 100 <= 17 + client, calls
