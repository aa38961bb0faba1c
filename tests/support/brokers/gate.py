"""A gate before a Kafka broker: it ends TLS, asks for a client's certificate and a SASL login, then passes everything on.

The broker of the tests has no TLS and no users of its own that a test could use. The gate speaks Kafka's protocol as far as the
login goes (SaslHandshake v0 and v1, SaslAuthenticate v0 and v1); SCRAM is the library scramp's.

Source: https://kafka.apache.org/protocol.html#sasl_handshake.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import threading
from typing import Any

import pytest

_API_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_REFUSED = 58  # SASL_AUTHENTICATION_FAILED
MECHANISMS = ("PLAIN", "SCRAM-SHA-256")


class KafkaGate:
    """A gate on a free port of this machine.

    Parameters
    ----------
    cert, key, authority : str
        Files of its certificate, and of the authority that vouches for clients.
    user, password : str
        Who is let in.
    behind : int
        The broker's port.
    """

    def __init__(self, cert: str, key: str, authority: str, *, user: str, password: str, behind: int) -> None:
        self.behind, self.user, self.password = behind, user, password
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert, key)
        self._context.load_verify_locations(authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._ended = False
        self.scramp = pytest.importorskip("scramp", reason="no scramp: pip install scramp brings it")

    def start(self) -> None:
        """Take connections."""
        self._spawn(self._accept)

    def stop(self) -> None:
        """Let everything go."""
        self._ended = True
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _spawn(self, what: Any, *args: Any) -> None:
        thread = threading.Thread(target=what, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended:
            with contextlib.suppress(OSError):
                self._spawn(self._serve, self._listener.accept()[0])

    def _serve(self, raw: socket.socket) -> None:
        # A client that is refused ends here, as it does at a broker: its connection breaks.
        with (
            contextlib.suppress(OSError, EOFError),
            raw,
            self._context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self.behind)) as broker,
        ):
            self._open |= {client, broker}
            try:
                if _Login(client, broker, self).succeeds():
                    _relay(client, broker)
            finally:
                self._open -= {client, broker}


class _Login:
    """The beginning of a connection, up to the end of its login."""

    def __init__(self, client: socket.socket, broker: socket.socket, gate: KafkaGate) -> None:
        self._client, self._broker, self._gate = client, broker, gate
        self._mechanism, self._scram = "", None

    def succeeds(self) -> bool:
        """Answer requests until the client is logged in or refused."""
        while True:
            frame = _frame(self._client)
            kind, version, number = struct.unpack(">hhi", frame[:8])
            if kind == _API_VERSIONS:
                self._broker.sendall(struct.pack(">i", len(frame)) + frame)
                answer = _frame(self._broker)
                self._client.sendall(struct.pack(">i", len(answer)) + answer)
                continue
            body = frame[10 + struct.unpack(">h", frame[8:10])[0] :]
            if kind == _HANDSHAKE:
                self._mechanism = body[2:].decode()
                names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in MECHANISMS)
                wrong = 0 if self._mechanism in MECHANISMS else 33
                self._answer(number, struct.pack(">hi", wrong, len(MECHANISMS)) + names)
            elif kind == _AUTHENTICATE:
                done, said = self._step(body[4:])
                error = _REFUSED if said is None else 0
                answer = struct.pack(">hh", error, -1) + struct.pack(">i", len(said or b"")) + (said or b"")
                self._answer(number, answer + (struct.pack(">q", 0) if version else b""))
                if done:
                    return said is not None
            else:
                return False  # nothing else before the login

    def _answer(self, number: int, body: bytes) -> None:
        self._client.sendall(struct.pack(">ii", len(body) + 4, number) + body)

    def _step(self, said: bytes) -> tuple[bool, bytes | None]:
        """Return whether the login is over, and what to say; None refuses."""
        user, password, scramp = self._gate.user, self._gate.password, self._gate.scramp
        if self._mechanism == "PLAIN":
            return True, b"" if said == b"\0".join([b"", user.encode(), password.encode()]) else None
        try:
            if self._scram is None:
                mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
                known = {user: mechanism.make_auth_info(password)}
                self._scram = mechanism.make_server(known.__getitem__)
                self._scram.set_client_first(said.decode())
                return False, self._scram.get_server_first().encode()
            self._scram.set_client_final(said.decode())
            return True, self._scram.get_server_final().encode()
        except (scramp.ScramException, KeyError):
            return True, None


def _frame(sock: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", _exactly(sock, 4))
    return _exactly(sock, size)


def _exactly(sock: socket.socket, n: int) -> bytes:
    out = b""
    while len(out) < n:
        part = sock.recv(n - len(out))
        if not part:
            raise EOFError
        out += part
    return out


def _relay(client: ssl.SSLSocket, broker: socket.socket) -> None:
    """Copy both ways until one side ends, in one thread: an encrypted socket is not for two."""
    other = {client: broker, broker: client}
    with selectors.DefaultSelector() as ready:
        for sock in other:
            ready.register(sock, selectors.EVENT_READ)
        while True:
            # What TLS has decrypted already is not seen by select.
            for sock in [client] if client.pending() else [key.fileobj for key, _ in ready.select()]:
                part = sock.recv(1 << 16)
                if not part:
                    return
                other[sock].sendall(part)
