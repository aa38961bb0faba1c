"""Connections of gRPC clients, bounded in total and per client as those of HTTP, which they are counted with.

The gRPC library bounds its connections in total alone, and tells nobody of a new one. So a listener of the event loop takes them,
asks whether there is room, and joins each to the library's server, which listens where only this process looks. A connection's name
there says which client it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from headwater.serve.http.connections import Connections

__all__ = ["Client", "Clients"]

_NEVER = float("inf")
_LONGEST = 80
"""Letters of a folder for the names of sockets, which end at a hundred or so."""
_TURNS = 4
"""Turns of an event loop until the ends of connections that it closed have gone."""


class Clients:
    """The connected clients of a gRPC server, and the place where it listens for them.

    Parameters
    ----------
    sock : socket
        Where clients connect.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._folder = tempfile.TemporaryDirectory(prefix="headwater-", ignore_cleanup_errors=True)
        # A socket is a file there that nobody else may open, of a name that isn't too long.
        self._local = sys.platform != "win32" and len(self._folder.name) < _LONGEST
        self._named, self._inner = 0, ("127.0.0.1", 0)
        self._by_name: dict[str, Client] = {}
        self.ends: set[_End] = set()
        """Open ends of connections."""
        self.all: Connections
        self._server: asyncio.Server | None = None

    @property
    def place(self) -> str:
        """Where the gRPC server is to listen, in its words."""
        return f"unix:{self._folder.name}/server" if self._local else "127.0.0.1:0"

    async def accept(self, connections: Connections, port: int) -> None:
        """Begin to take clients, counted among the connections of a server, for the gRPC server at this port of its place."""
        self.all, self._inner = connections, ("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Client(self), sock=self._sock)

    async def inner(self, client: Client) -> tuple[str, socket.socket]:
        """Return a socket that is connected to the gRPC server, and the name by which that knows it."""
        self._named += 1
        own = socket.socket(socket.AF_UNIX if self._local else socket.AF_INET)
        try:
            own.setblocking(False)
            own.bind(f"{self._folder.name}/{self._named}" if self._local else ("127.0.0.1", 0))
            name = str(own.getsockname() if self._local else own.getsockname()[1])
            self._by_name[name] = client
            to = f"{self._folder.name}/server" if self._local else self._inner
            await asyncio.get_running_loop().sock_connect(own, to)
        except OSError:
            own.close()
            raise
        return name, own

    def named(self, peer: str) -> Client | None:
        """Return the client whom the gRPC server names so."""
        name = unquote(peer.partition(":")[2])
        return self._by_name.get(name if self._local else name.rpartition(":")[2])

    def forget(self, name: str) -> None:
        """Forget a client that has gone."""
        self._by_name.pop(name, None)
        if self._local:
            Path(name).unlink(missing_ok=True)

    def refuse(self) -> None:
        """Take no more clients."""
        if self._server is not None:
            self._server.close()

    async def leave(self) -> None:
        """Close what is open still, once the gRPC server has ended."""
        for end in self.ends:
            end.transport.abort()
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def close(self) -> None:
        """Close the listening socket and remove the folder, once the event loop has ended."""
        self._sock.close()
        self._folder.cleanup()


class _End(asyncio.Protocol):
    """An end of a connection, whose bytes go on to the other end as fast as that takes them."""

    transport: Any = None
    other: Any = None
    """The transport of the other end."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._clients.ends.add(self)

    def data_received(self, data: bytes) -> None:
        if not self.other.is_closing():
            self.other.write(data)

    def eof_received(self) -> bool:
        if not self.other.is_closing() and self.other.can_write_eof():
            self.other.write_eof()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        self.other.pause_reading()

    def resume_writing(self) -> None:
        self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.ends.discard(self)
        if self.other is not None:
            self.other.close()


class Client(_End):
    """The connection of a client, in the place of which another may come while no call is at work.

    Parameters
    ----------
    clients : Clients
        All of them.
    """

    deadline = _NEVER  # the gRPC server itself closes those that are silent or idle

    def __init__(self, clients: Clients) -> None:
        super().__init__(clients)
        self._name = ""
        self._joining: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        """What came before there was another end."""
        self._at_work = 0
        self.served, self.since = 0, 0.0
        """Number of calls, and when the last one ended, or the connection began."""
        self.address: tuple[str, int] | None = None

    @property
    def replaceable(self) -> bool:
        """Whether no call is at work."""
        return not self._at_work

    def connection_made(self, transport: Any) -> None:
        """Join the gRPC server, if there is room for one more connection."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        peer, self.since = transport.get_extra_info("peername"), loop.time()
        self.address = (str(peer[0]), int(peer[1])) if peer else None
        if not self._clients.all.add(self, self.address[0] if self.address else ""):
            transport.abort()
            return
        self._joining = loop.create_task(self._join(loop))

    async def _join(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._name, sock = await self._clients.inner(self)
        except OSError:  # the gRPC server has ended
            self.transport.abort()
            return
        inner = _End(self._clients)
        inner.other = self.transport
        self.other, _ = await loop.create_connection(lambda: inner, sock=sock)
        self.other.writelines(self._early)
        self._early = []
        if self.transport.is_closing():
            self.other.close()
        else:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Pass data on, or keep it until there is another end."""
        if self.other is not None:
            super().data_received(data)
            return
        self._early.append(data)
        self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Pass the end on. A client that ends before it said anything goes."""
        return self.other is not None and super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the room to others."""
        self._clients.all.remove(self)
        if self._name:
            self._clients.forget(self._name)
        super().connection_lost(exc)

    def expire(self) -> None:
        """Close the connection."""
        self.transport.abort()

    @contextlib.contextmanager
    def working(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Keep the connection while a call is at work."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self.served, self.since = self.served + 1, loop.time()
