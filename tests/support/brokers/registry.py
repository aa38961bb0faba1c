"""A schema registry over HTTP: Confluent's own registry for tests, which gives out ids and versions, behind the four addresses that clients ask.

A server that stores schemas in Kafka is a Java program, or a Python one that no package registry has. The rules of this one are
Confluent's, only what carries them over HTTP is the tests'.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest


class RegistryServer:
    """A registry on a free port of this machine.

    Parameters
    ----------
    certs : Certificates, optional
        Encrypt, and ask for a client's certificate.
    login : str, optional
        ``user:password`` that is asked for.
    """

    def __init__(self, certs=None, login=None) -> None:
        pytest.importorskip("authlib", reason="no client: pip install 'headwater[registry]' brings it")
        from confluent_kafka.schema_registry._sync.mock_schema_registry_client import MockSchemaRegistryClient

        self.store = MockSchemaRegistryClient({"url": "mock://tests"})
        self.login, self.failing, self.asked = login, 0, []
        self._certs, self.port = certs, 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self._certs else 'http'}://localhost:{self.port}"

    def start(self) -> None:
        """Answer, at the same port as before."""
        self._server = server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        if self._certs is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certs.server_pem, self._certs.server_key)
            context.load_verify_locations(self._certs.ca_pem)
            context.verify_mode = ssl.CERT_REQUIRED
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, path: str, body: dict) -> object:
        """Return what a client asks for."""
        from confluent_kafka.schema_registry import Schema, SchemaRegistryError

        where = urlsplit(path)
        parts = [unquote(part) for part in where.path.strip("/").split("/")]
        form = parse_qs(where.query).get("format", [None])[0]
        if parts[:2] == ["schemas", "ids"]:
            return _as_form(self.store.get_schema(int(parts[2])), form)
        if parts[:2] == ["schemas", "guids"]:
            return _as_form(self.store.get_schema_by_guid(parts[2]), form)
        if parts[0] != "subjects":
            raise SchemaRegistryError(404, 40400, "Not Found")
        if method == "GET":
            return self.store.get_version(parts[1], int(parts[3])).to_dict()
        schema = Schema.from_dict(dict(body))
        if len(parts) == 2:
            return self.store.lookup_schema(parts[1], schema).to_dict()
        return self.store.register_schema_full_response(parts[1], schema).to_dict()


def _as_form(schema, form):
    # Python's serializer registers a Protobuf schema in this form already.
    assert form in (None, "serialized")
    return schema.to_dict()


def _handler(registry: RegistryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            from confluent_kafka.schema_registry import SchemaRegistryError

            registry.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                self._check()
                status, said = 200, registry.answer(self.command, self.path, json.loads(body or b"{}"))
            except SchemaRegistryError as error:
                status, said = error.http_status_code, {"error_code": error.error_code, "message": error.error_message}
            out = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_POST = do_GET  # noqa: N815 - the base class asks for it by this name

        def _check(self) -> None:
            from confluent_kafka.schema_registry import SchemaRegistryError

            if registry.failing:
                raise SchemaRegistryError(registry.failing, 50001, "not now")
            login = registry.login
            if login and self.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
                raise SchemaRegistryError(401, 40101, "Unauthorized")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
