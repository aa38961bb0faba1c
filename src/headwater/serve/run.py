"""Run a server until it is told to stop, then drain the queue, write a snapshot and exit with 0."""

from __future__ import annotations

import gc
import math
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from headwater.errors import ConfigError, MissingExtra
from headwater.route.score import Score
from headwater.serve.app import build
from headwater.serve.background.writer import Writer
from headwater.serve.http.access.access import Access, check_bind
from headwater.serve.http.access.client import read_proxies
from headwater.serve.http.connections import Connection
from headwater.serve.http.limits import ServerLimits, read_limits
from headwater.serve.http.listening import listen
from headwater.serve.monitoring.guard import Guard
from headwater.serve.monitoring.logs import JsonLines, log_lines
from headwater.serve.monitoring.traces import Traced, provider_for
from headwater.serve.monitoring.webhook import Webhook
from headwater.serve.state import DRAIN_S, ServerState
from headwater.store.forget.retention import Retention
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service import Limits, RetentionPolicy, Service

_SWITCH_S = 0.0005  # shorter than Python's 5 ms, which a prediction would wait for the learner's thread


def make_state(
    store: str | Path,
    *,
    tokens: dict[str, str] | None = None,
    policy: RetentionPolicy | None = None,
    limits: ServerLimits | None = None,
    store_limits: Limits | None = None,
    rate: float = 0.0,
    proxies: str = "",
    max_age: str = "",
    publish_every: str = "",
) -> ServerState:
    """Open a store and return a server state for it.

    Parameters
    ----------
    store : str or Path
        The file.
    tokens : dict, optional
        Scope by token.
    policy : RetentionPolicy, optional
        The retention policy.
    limits : ServerLimits, optional
        Limits of connections and requests.
    store_limits : Limits, optional
        Limits of what is journaled.
    rate : float
        Maximum average requests per second of one client, 0 for no limit.
    proxies : str
        Comma-separated addresses or networks of trusted proxies, which report the client's address and https.
    max_age : str
        How old anything may be in the store and its models, "" as at the last opening.
    publish_every : str
        After how many rows or how much time models show what they have learned, "" for at once.
    """
    trusted, bounds = read_proxies(proxies), limits or ServerLimits()
    retention = Retention(max_age) if max_age else None
    how: dict[str, Any] = {"retention": retention, "publish_every": publish_every or None}
    service = Service(store, LEARNER_FORMAT, policy, limits=store_limits, **how)
    service.memory.most = bounds.memory
    writer = Writer(service, limit=bounds.queue)
    return ServerState(service, writer, Access(tokens or {}, rate), bounds, trusted)


def guarded(state: ServerState, action: str, rows: int, webhook: str) -> Guard | None:
    """Return a guard of a server's models, or None without an action.

    Raises
    ------
    ConfigError
        If the action can't be, or another process predicts.
    """
    if not action:
        return None
    if state.rounds:
        raise ConfigError(
            expected="a model that learns here", got="--rounds", at="--guard", help="Guard the server that learns."
        )
    model = state.model()
    if type(model.champion.scores).margins is Score.margins:
        raise ConfigError(
            expected="a model whose rows are compared with a baseline one by one: classify, regress, forecast",
            got=model.task,
            at="--guard",
            help="Leave it out, and watch headwater_standing.",
        )
    return Guard(state.service, action, rows, Webhook(webhook))


def run(state: ServerState, *, host: str, port: int, sock: socket.socket | None = None, ready: Any = None) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, then finish what was accepted.

    Parameters
    ----------
    state : ServerState
        The server's state.
    host, port
        Where to listen, unless ``sock`` is already listening.
    ready : callable, optional
        Called with the address once the server responds.

    Raises
    ------
    ConfigError
        If the address is in use, or is public without a token.
    """
    check_bind(host, state.access.tokens)
    listening = sock or listen(host, port)
    sys.setswitchinterval(_SWITCH_S)
    server = uvicorn.Server(configured(state))
    # A full collection holds up every thread. What was imported and read until here stays, so collections need not look through it.
    gc.collect()
    gc.freeze()
    state.ends = lambda: server.should_exit

    def stop(*_: Any) -> None:
        server.should_exit = True

    # uvicorn handles SIGTERM and SIGINT only while it runs, and raises them again afterwards. Earlier ones must not be lost. It
    # ignores SIGHUP, so a closing terminal would kill the process in the middle of its work.
    numbers = [signal.SIGTERM, signal.SIGINT]
    if sys.platform != "win32":
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        if ready is not None:
            ready(f"http://{host}:{listening.getsockname()[1]}")
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        state.close()


def listen_by_grpc(host: str, port: int | None, limits: ServerLimits) -> Any:
    """Return a gRPC server that listens, or None without a port.

    Raises
    ------
    MissingExtra
        If grpcio is not installed.
    ConfigError
        If the address can't be used.
    """
    if port is None:
        return None
    try:
        from headwater.serve.protocols.grpc_server import GrpcServer
    except ImportError as error:
        raise MissingExtra(package="grpcio", extra="grpc", at="--grpc-port") from error
    return GrpcServer(host, port, limits)


def configured(state: ServerState) -> uvicorn.Config:
    """Return uvicorn's configuration with connection limits."""
    app = build(state)
    return uvicorn.Config(
        app if state.traces is None else Traced(app, state.traces),
        log_config=None,
        access_log=False,
        lifespan="on",
        http=partial(Connection, state.connections),  # type: ignore[arg-type]  # called as a class would be
        ws="none",
        timeout_keep_alive=math.ceil(state.limits.idle_s),
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=bool(state.proxies),
        forwarded_allow_ips=[str(network) for network in state.proxies],
    )


def tokens_of_environment() -> dict[str, str]:
    """Return the admin token from ``HEADWATER_TOKEN``, if set.

    Raises
    ------
    ConfigError
        If the token is too short.
    """
    token = os.environ.get("HEADWATER_TOKEN", "")
    if token and len(token) < 16:
        raise ConfigError(
            expected="a token of 16 characters or more",
            got=str(len(token)),
            at="HEADWATER_TOKEN",
            help="Choose a longer one.",
        )
    return {token: "admin"} if token else {}


__all__ = [
    "configured",
    "JsonLines",
    "RetentionPolicy",
    "check_bind",
    "listen",
    "listen_by_grpc",
    "log_lines",
    "guarded",
    "make_state",
    "provider_for",
    "read_limits",
    "run",
    "tokens_of_environment",
]
