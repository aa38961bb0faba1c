"""State of a running server (store, writer, limits, counters, connections)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from headwater.serve.background.following import Following
from headwater.serve.background.history import Histories
from headwater.serve.background.reader import Reader
from headwater.serve.background.shared import Published
from headwater.serve.background.workers import Workers
from headwater.serve.background.writer import Writer
from headwater.serve.http.access.access import Access
from headwater.serve.http.access.client import Network, client_key
from headwater.serve.http.connections import Connections
from headwater.serve.http.errors import Busy
from headwater.serve.http.limits import ServerLimits
from headwater.serve.monitoring.guard import Guard
from headwater.serve.monitoring.measures import Measures
from headwater.store.service import Service
from headwater.store.service.model import Model

DRAIN_S = 30
"""Seconds that requests at work have at a stop, before a snapshot is written."""


class Predictors(Protocol):
    """Replicas in other processes that predict instead of the server."""

    age: float
    here: int
    oldest: float

    @property
    def newest_age(self) -> float:
        """Age in seconds of the replicas' newest state."""

    async def predict(self, X: list[Any]) -> tuple[list[tuple[Any, dict[Any, float] | None]], int] | None:
        """Return predictions of the default model and their sequence, or None if the server must predict."""

    def close(self) -> None:
        """Stop the replicas."""


@dataclass(slots=True)
class ServerState:
    """The state that every handler uses.

    Parameters
    ----------
    service : Service
        The open store.
    writer : Writer
        The writer of the store.
    access : Access
        The access rules.
    limits : ServerLimits
        The limits.
    proxies : tuple of networks
        Trusted proxies in front of the server.
    """

    service: Service
    writer: Writer
    access: Access = field(default_factory=Access)
    limits: ServerLimits = field(default_factory=ServerLimits)
    proxies: tuple[Network, ...] = ()
    measures: Measures = field(default_factory=Measures)
    histories: Histories = field(init=False)
    connections: Connections = field(init=False)
    workers: Workers = field(default_factory=lambda: Workers("requests", 2, 64))
    """Threads for large requests, which would block the event loop."""
    waiters: Workers = field(default_factory=lambda: Workers("waiting", 8, 256))
    """Threads for small requests that wait for a busy model."""
    exporters: Workers = field(default_factory=lambda: Workers("export", 1, 32))
    """A thread that waits for the process that reads large models."""
    lookers: Workers = field(default_factory=lambda: Workers("looks", 2, 128))
    """Threads that copy small models and read the copies."""
    snapshots: Workers = field(default_factory=lambda: Workers("snapshots", 1, 2))
    """A thread for requested snapshots."""
    published: Published = field(default_factory=Published)
    """Results about models, computed once for all requests."""
    reader: Reader = field(init=False)
    """A process that reads large models in their current state."""
    past: Reader = field(init=False)
    """A process that reads past states."""
    changers: Workers = field(default_factory=lambda: Workers("changes", 1, 32))
    """A thread for changes of the models, each of which waits for the current commit."""
    replayers: Workers = field(default_factory=lambda: Workers("replay", 1, 4))
    """A thread that waits for the replay of past states, which takes seconds or minutes."""
    backups: Workers = field(default_factory=lambda: Workers("backup", 1, 1))
    """A thread for copies of the whole store, one at a time."""
    started: float = field(default_factory=time.time)
    default: str = "default"
    demo: bool = False
    """Whether the demo's flights are replayed, which the page explains."""
    followings: tuple[Following, ...] = ()
    """The brokers that models follow."""
    guard: Guard | None = None
    """What acts on models that stay behind their baselines, if anything does."""
    replicas: Predictors | None = None
    """Replicas that predict with the default model instead of the server, if any."""
    rounds: str = ""
    """The cluster run that learns instead of the server and provides the default model's states, if any."""
    traces: Any = None
    """The OpenTelemetry provider that requests are traced with, if any."""
    grpc: Any = None
    """The gRPC server that answers beside HTTP, if any."""
    streams: Counter[str] = field(default_factory=Counter)
    """Number of open event streams by client."""
    bytes_at_work: int = 0
    """Bytes of all request bodies in progress."""
    work_s: float = 0.0
    """Estimated processor time of all requests in progress."""
    answer_bytes: Counter[str] = field(default_factory=Counter)
    """Bytes of large responses being sent, by client."""
    ends: Callable[[], bool] = lambda: False
    """Returns whether the process is stopping, when endless page streams must be closed."""

    def __post_init__(self) -> None:
        self.histories = Histories(self.service, self.measures)
        self.connections = Connections(self.limits, self.proxies)
        self.reader, self.past = Reader(self.service.path), Reader(self.service.path)

    def close(self) -> None:
        """Close the threads and the store."""
        if self.grpc is not None:
            self.grpc.close()
        if self.replicas is not None:
            self.replicas.close()
        self.stop_following()
        if self.guard is not None:
            self.guard.close()
        for reader in (self.reader, self.past):
            reader.close()
        own = self.workers, self.waiters, self.exporters, self.lookers, self.snapshots, self.changers, self.replayers
        for workers in (*own, self.backups):
            workers.close()
        self.service.close()

    def stop_following(self) -> None:
        """Finish the current commit of each source, all at once, and end their threads."""
        for following in self.followings:
            following.end()
        for following in self.followings:
            following.stop()

    def check_answer(self, size: int, host: str) -> None:
        """Raise Busy if too many large responses are being sent, except for a client's first one.

        The exception keeps clients from shutting out others.

        Raises
        ------
        Busy
            If the limit ``answer_bytes`` is exceeded.
        """
        most, own = self.limits.answer_bytes, self.answer_bytes[client_key(host)]
        if own and (own + size > most // 4 or self.answer_bytes.total() + size > most):
            raise Busy(
                expected=f"at most {most} bytes of large answers being sent, a quarter to one client (limit answer_bytes)",
                got="more",
                at="answer",
                help="Read those that are being sent first.",
            )

    def model(self, name: str = "") -> Model:
        """Return a model by name, or the default one."""
        return self.service.models.by_name[name or self.default]

    def learns_elsewhere(self, model: Model) -> bool:
        """Return whether a cluster run learns the model instead of this server."""
        return bool(self.rounds) and model.name == self.default


__all__ = ["DRAIN_S", "Predictors", "ServerState"]
