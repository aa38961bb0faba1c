"""Sockets that a server listens at."""

from __future__ import annotations

import socket

from headwater.errors import ConfigError

__all__ = ["listen"]


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    ConfigError
        If the address can't be used.
    """
    _check_port(port, option)
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
            help=f"Choose another {option}.",
        ) from error
    return sock


def _check_port(port: int, at: str) -> None:
    if not 0 <= port <= 65535:
        raise ConfigError(expected="a port from 0 to 65535", got=str(port), at=at, help="0 selects a free one.")
