"""A gRPC server in front of the endpoints, which run on the event loop of the HTTP server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from headwater.serve.endpoint import Endpoint
from headwater.serve.http.address import Address
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.listening import listen
from headwater.serve.monitoring.traces import Traced
from headwater.serve.protocols.grpc_connections import Clients
from headwater.serve.protocols.grpc_inference import CALLS
from headwater.serve.protocols.grpc_messages import SERVICE
from headwater.serve.state import ServerState

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors are told in sentences of our own
import grpc

_THREADS = 16
"""Calls at work at once, each of which waits on a thread for the event loop."""
_HEADERS = {b"x-request-id", b"retry-after", b"traceparent"}
"""Headers of a response that a client gets as trailing metadata."""
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


class GrpcServer:
    """A gRPC server of the Open Inference Protocol, which listens once it is made and answers once it is started.

    Parameters
    ----------
    host, port
        Where to listen; 0 takes a free port.
    limits : ServerLimits
        The limits of requests.

    Raises
    ------
    ConfigError
        If the address can't be used.
    """

    def __init__(self, host: str, port: int, limits: ServerLimits) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "headwater-grpc"),
            options=[
                ("grpc.so_reuseport", 0),  # a second server on the port is refused
                ("grpc.max_receive_message_length", limits.body_bytes),
                ("grpc.max_metadata_size", limits.header_bytes),
                ("grpc.max_concurrent_streams", _THREADS),
                ("grpc.max_connection_idle_ms", int(limits.idle_s * 1000)),
                ("grpc.server_handshake_timeout_ms", int(limits.header_s * 1000)),
            ],
            maximum_concurrent_rpcs=limits.connections_per_client,
        )
        sock = listen(host, port, "--grpc-port")
        own = f"[{host}]" if ":" in host else host
        self.address = f"{own}:{sock.getsockname()[1]}"
        self._clients = Clients(sock)
        self._port = self._server.add_insecure_port(self._clients.place)

    async def start(self, state: ServerState) -> None:
        """Begin to answer, with endpoints that run on this event loop."""
        loop = asyncio.get_running_loop()
        handlers = {
            address.path.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(self._handler(state, loop, address))
            for address in CALLS
        }
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
        self._server.start()
        await self._clients.accept(state.connections, self._port)

    async def stop(self, seconds: float) -> None:
        """Accept no more calls, and wait so long for those at work."""
        self._clients.refuse()
        await asyncio.to_thread(self._server.stop(seconds).wait)
        await self._clients.leave()

    def close(self) -> None:
        """Free the address, once the event loop has ended."""
        self._server.stop(0).wait()
        self._clients.close()

    def _handler(
        self, state: ServerState, loop: asyncio.AbstractEventLoop, address: Address
    ) -> Callable[[bytes, Any], bytes]:
        """Return a function that calls an address's endpoint, for a client whose connection stays meanwhile."""
        called = _handler(state, loop, address)

        def call(body: bytes, context: Any) -> bytes:
            client = self._clients.named(context.peer())
            if client is not None:
                with client.working(loop):
                    return called(body, context, client.address)
            context.abort(grpc.StatusCode.UNAVAILABLE, "expected an open connection, got one that was closed.")
            return b""  # which nobody hears

        return call


def _handler(
    state: ServerState, loop: asyncio.AbstractEventLoop, address: Address
) -> Callable[[bytes, Any, tuple[str, int] | None], bytes]:
    """Return a function that calls an address's endpoint on the event loop."""
    app: Any = Endpoint(state, address.handler, address.cost, address.scope)
    if state.traces is not None:
        app = Traced(app, state.traces)
    if state.proxies:
        app = ProxyHeadersMiddleware(app, [str(network) for network in state.proxies])

    def call(body: bytes, context: Any, client: tuple[str, int] | None) -> bytes:
        asked = _asked(app, _scope(address.path, context, client), body)
        status, headers, reply = asyncio.run_coroutine_threadsafe(asked, loop).result()
        context.set_trailing_metadata([(k.decode(), v.decode("latin-1")) for k, v in headers if k in _HEADERS])
        if status != 200:
            context.abort(_CODES.get(status, grpc.StatusCode.INTERNAL), _sentence(reply))
        return reply

    return call


def _scope(path: str, context: Any, client: tuple[str, int] | None) -> dict[str, Any]:
    """Return a call as ASGI describes a request."""
    headers = [
        (name.encode(), value if isinstance(value, bytes) else value.encode("latin-1"))
        for name, value in context.invocation_metadata()
    ]
    return {"type": "http", "method": "POST", "path": path, "scheme": "http", "headers": headers, "client": client}


async def _asked(app: Any, scope: dict[str, Any], body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Call an ASGI application, and return the status, headers and body of its response."""
    begun: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            begun.update(message)
        else:
            parts.append(bytes(message.get("body", b"")))

    await app(scope, receive, send)
    return begun["status"], begun["headers"], b"".join(parts)


def _sentence(document: bytes) -> str:
    """Return the sentence of an error that an endpoint sent as JSON."""
    error = msgspec.json.decode(document)
    return " ".join([error["error"] + (f" — at {error['at']}." if error["at"] else "."), error["help"]]).rstrip()


__all__ = ["GrpcServer"]
