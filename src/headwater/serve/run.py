"""Run a server until it is told to stop: then drain the queue, write a snapshot, and end with 0."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

from headwater.errors import ConfigError
from headwater.store.service import Rules, Service

from .access import Access, check_bind
from .app import build
from .hub import Hub
from .writer import Writer

_SWITCH_S = 0.0005  # Python's 5 ms would make a prediction wait that long for the learner's thread
_DRAIN_S = 30


def make_hub(
    store: str | Path, *, tokens: dict[str, str] | None = None, rules: Rules | None = None, **limits: Any
) -> Hub:
    """Open a store and return the state of a server on it.

    Parameters
    ----------
    store : str or Path
        The file.
    tokens : dict, optional
        Scope by token.
    rules : Rules, optional
        What is kept.
    **limits
        ``body_limit``, ``body_s``, ``most_rows``, ``queue``, ``rate``.
    """
    service = Service(store, rules)
    writer = Writer(service, limit=limits.pop("queue", 200_000))
    return Hub(service, writer, Access(tokens or {}, limits.pop("rate", 0.0)), **limits)


def run(hub: Hub, *, host: str, port: int, sock: socket.socket | None = None, ready: Any = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted.

    Parameters
    ----------
    hub : Hub
        What to serve.
    host, port
        Where to listen; a ``sock`` that listens already goes before.
    ready : callable, optional
        What to call with the address once it answers.

    Raises
    ------
    ConfigError
        If the address is taken, or others could reach it without a token.
    """
    check_bind(host, hub.access.tokens)
    listening = sock or listen(host, port)
    sys.setswitchinterval(_SWITCH_S)
    config = uvicorn.Config(
        build(hub),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_DRAIN_S,
        server_header=False,
        proxy_headers=bool(hub.access.rate),  # only a limit for each client asks who it is
        h11_max_incomplete_event_size=64 << 10,
    )
    # uvicorn raises the signal again once it has stopped; by then all is done, and the end is a good one.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    server = uvicorn.Server(config)
    hub.ends = lambda: server.should_exit
    try:
        if ready is not None:
            ready(f"http://{host}:{listening.getsockname()[1]}")
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        hub.service.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    ConfigError
        If it can't.
    """
    sock = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise ConfigError(
            expected="an address to listen at",
            got=error.strerror or str(error),
            at=f"{host}:{port}",
            help="Choose another --port.",
        ) from error
    return sock


class JsonLines(logging.Formatter):
    """Write log records as JSON lines."""

    def format(self, record: logging.LogRecord) -> str:
        fields = record.__dict__.get("fields", {})
        line = {"t": round(time.time(), 3), "level": record.levelname.lower(), "say": record.getMessage(), **fields}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_lines(level: str) -> None:
    """Send the log to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def tokens_of_environment() -> dict[str, str]:
    """Return the token of ``HEADWATER_TOKEN``, which may do everything, if there is one.

    Raises
    ------
    ConfigError
        If it can be guessed.
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


__all__ = ["JsonLines", "Rules", "check_bind", "listen", "log_lines", "make_hub", "run", "tokens_of_environment"]
