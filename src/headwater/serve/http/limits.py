"""Limits of a server (per connection, per request, in total)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.store.service.limits import Limits


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits that no client can exceed.

    Parameters
    ----------
    connections, connections_per_client
        Open connections in total and per address. Beyond, the longest idle one is closed.
    header_bytes, headers
        Size of the request line with its headers, and number of headers.
    header_s, idle_s
        Seconds until a request's headers are complete, and until the next request begins.
    body_bytes, body_s
        Size of a body, and seconds until it is complete.
    send_s
        Seconds a client may pause reading a response.
    bytes_at_work
        Total size of large bodies in progress.
    rows, cells
        Rows of one request, and their values.
    queue
        Events queued for a commit.
    work_s, work_waiting_s
        Estimated processor time of one request, and of all in progress.
    lock_s
        Estimated seconds that one row may hold its model's lock.
    memory, models
        Bytes of all models, and number of their learners.
    answer_bytes
        Total size of large responses being sent. One client may have a quarter of it.

    Raises
    ------
    ConfigError
        If a limit is not positive.

    Examples
    --------
    >>> ServerLimits(rows=10).rows
    10
    """

    connections: int = 1000
    connections_per_client: int = 250
    header_bytes: int = 32 << 10
    headers: int = 100
    header_s: float = 10.0
    idle_s: float = 30.0
    body_bytes: int = 8 << 20
    body_s: float = 20.0
    bytes_at_work: int = 32 << 20
    send_s: float = 30.0
    rows: int = 100_000
    cells: int = 1_000_000
    queue: int = 200_000
    work_s: float = 60.0
    work_waiting_s: float = 300.0
    lock_s: float = 0.25
    memory: int = 2_000_000_000
    models: int = 100
    answer_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(
                    expected="a positive number", got=str(value), at=f"limit {field.name}", help="Choose another."
                )


def read_limits(words: str) -> tuple[ServerLimits, Limits]:
    """Parse limits such as ``rows=1000,row_entries=500`` to those of the server and of the store.

    Raises
    ------
    ConfigError
        If a name or a value is invalid.

    Examples
    --------
    >>> server, store = read_limits("rows=1000,row_entries=500")
    >>> server.rows, store.row_entries
    (1000, 500)
    """
    kinds = {field.name: kind for kind in (ServerLimits, Limits) for field in dataclasses.fields(kind)}
    given: dict[Any, dict[str, float]] = {ServerLimits: {}, Limits: {}}
    for word in filter(None, (part.strip() for part in words.split(","))):
        name, _, value = word.partition("=")
        if name not in kinds:
            raise ConfigError(
                expected=f"limits among {', '.join(kinds)}", got=word, at="--limits", help="Write, e.g.: rows=1000"
            )
        try:
            given[kinds[name]][name] = float(value) if name.endswith("_s") else int(value)
        except ValueError as error:
            raise ConfigError(
                expected="a number", got=value or "nothing", at=f"--limits, {name}", help="Write, e.g.: rows=1000"
            ) from error
    return ServerLimits(**given[ServerLimits]), Limits(**given[Limits])  # type: ignore[arg-type]


def too_many(name: str, limits: ServerLimits, at: str) -> DataError:
    """Return the error for a request beyond a named limit."""
    most = getattr(limits, name)
    return DataError(
        expected=f"at most {most:,} {name} a request (limit {name})",
        got="more",
        at=at,
        help="Send it in parts. Nothing was learned.",
        code="limit",
    )


__all__ = ["ServerLimits", "read_limits", "too_many"]
