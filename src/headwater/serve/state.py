"""The state of a running server: its store and writer, its limits, what it measures and who listens."""

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
from headwater.serve.http.access import Access
from headwater.serve.http.client import Network, client_key
from headwater.serve.http.connections import Connections
from headwater.serve.http.errors import Busy, LearnsElsewhere, Paused
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.measures import Measures
from headwater.store.service import Service
from headwater.store.service.model import Model


class Predictors(Protocol):
    """Who predicts in the server's place: replicas, in other processes."""

    age: float
    here: int
    oldest: float

    @property
    def newest_age(self) -> float:
        """Seconds: how old their newest state is."""

    async def predict(self, X: list[Any]) -> tuple[list[tuple[Any, dict[Any, float] | None]], int] | None:
        """Return predictions of the default model and the sequence that it stood at; None where the server must predict."""

    def close(self) -> None:
        """End them."""


@dataclass(slots=True)
class ServerState:
    """What every handler reaches.

    Parameters
    ----------
    service : Service
        The open store.
    writer : Writer
        Who changes it.
    access : Access
        Who may do what.
    limits : ServerLimits
        What it accepts at most.
    proxies : tuple of networks
        The proxies in front of it.
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
    """Threads for large requests, which would hold up the event loop."""
    waiters: Workers = field(default_factory=lambda: Workers("waiting", 8, 256))
    """Threads for small requests that wait for a model which is at work for somebody else."""
    exporters: Workers = field(default_factory=lambda: Workers("export", 1, 32))
    """A thread that waits for the process that looks at large models."""
    lookers: Workers = field(default_factory=lambda: Workers("looks", 2, 128))
    """Threads that copy small models, and say something of the copies."""
    snapshots: Workers = field(default_factory=lambda: Workers("snapshots", 1, 2))
    """A thread for snapshots that are asked for."""
    published: Published = field(default_factory=Published)
    """What is said of models, made once for all who ask."""
    reader: Reader = field(init=False)
    """A process that says something of large models as they are now."""
    past: Reader = field(init=False)
    """A process for states of the past."""
    changers: Workers = field(default_factory=lambda: Workers("changes", 1, 32))
    """A thread for changes of the models: each waits for the commit under way."""
    replayers: Workers = field(default_factory=lambda: Workers("replay", 1, 4))
    """A thread that waits for the process that replays states of the past: seconds, or minutes."""
    backups: Workers = field(default_factory=lambda: Workers("backup", 1, 1))
    """A thread for copies of the whole store, one at a time."""
    started: float = field(default_factory=time.time)
    default: str = "default"
    demo: bool = False
    """Whether the flights are replayed, whose task the page tells in words."""
    following: Following | None = None
    """The broker that the default model follows, if any."""
    replicas: Predictors | None = None
    """Who predicts with the default model in the server's place, if anybody."""
    rounds: str = ""
    """The cluster run that learns in the server's place, and whose states the default model has, if any."""
    streams: Counter[str] = field(default_factory=Counter)
    """Open streams of events, by client."""
    bytes_at_work: int = 0
    """Of the bodies of all requests that are at work."""
    work_s: float = 0.0
    """Processor time that all requests at work take, as it was estimated."""
    answer_bytes: Counter[str] = field(default_factory=Counter)
    """Of the large answers that are being sent, by client."""
    ends: Callable[[], bool] = lambda: False
    """Whether the process was told to stop: pages are let go then, since their streams never end by themselves."""

    def __post_init__(self) -> None:
        self.histories = Histories(self.service, self.measures)
        self.connections = Connections(self.limits, self.proxies)
        self.reader, self.past = Reader(self.service.path), Reader(self.service.path)

    def close(self) -> None:
        """Let the threads and the store go."""
        if self.replicas is not None:
            self.replicas.close()
        if self.following is not None:
            self.following.stop()
        for reader in (self.reader, self.past):
            reader.close()
        own = self.workers, self.waiters, self.exporters, self.lookers, self.snapshots, self.changers, self.replayers
        for workers in (*own, self.backups):
            workers.close()
        self.service.close()

    def check_answer(self, size: int, host: str) -> None:
        """Refuse one more large answer where too many are being sent; a client's first one never, so that none shuts out others.

        Raises
        ------
        Busy
            Beyond the limit ``answer_bytes``.
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
        return self.service.models.named(name or self.default)

    def learns_elsewhere(self, model: Model) -> bool:
        """Whether a cluster run learns a model, and not this server."""
        return bool(self.rounds) and model.name == self.default

    def learning(self, name: str) -> Model:
        """Return a model that takes examples.

        Raises
        ------
        Paused
            If it does not, for now.
        LearnsElsewhere
            If a cluster run learns in its place.
        """
        model = self.model(name)
        if self.learns_elsewhere(model):
            raise LearnsElsewhere(
                expected="a model that learns here",
                got="one that a cluster run learns",
                at=model.name,
                help=f"Nothing was learned; add the examples to what the run of {self.rounds} reads.",
            )
        if model.paused:
            raise Paused(
                expected="a model that learns",
                got="a paused one",
                at=model.name,
                help="Nothing was learned; send it again when it goes on.",
            )
        return model


__all__ = ["Predictors", "ServerState"]
