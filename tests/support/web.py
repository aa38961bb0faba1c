"""Servers of files on this machine: a web server with or without ranges, and as much of Google's storage as gcsfs asks for."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class _Files(BaseHTTPRequestHandler):
    files: dict[str, bytes]
    ranges: bool
    status: dict[str, int]

    def log_message(self, form: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        if path in self.status:
            self.send_error(self.status[path])
        elif path not in self.files:
            self.send_error(404)
        else:
            self._send(self.files[path], body=body)

    def _send(self, data: bytes, *, body: bool = True, kind: str = "application/octet-stream") -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if self.ranges else None
        whole = len(data)
        if wanted:
            start = int(wanted[1])
            data = data[start : int(wanted[2] or whole) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{whole}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if body:
            self.wfile.write(data)


class _Buckets(_Files):
    """The calls of the JSON API that read: an object's metadata, its content, and a list."""

    def _answer(self, *, body: bool) -> None:
        url = urlsplit(self.path)
        bucket, _, name = url.path.partition("/b/")[2].partition("/o")
        name = unquote(name.removeprefix("/"))
        mine = {key: value for key, value in self.files.items() if key.startswith(f"{bucket}/")}
        query = parse_qs(url.query)
        if f"{bucket}/{name}" in mine and (url.path.startswith("/download") or query.get("alt") == ["media"]):
            self._send(mine[f"{bucket}/{name}"])
        elif f"{bucket}/{name}" in mine:
            self._send_json(_entry(bucket, name, mine))
        elif not name:
            prefix = query.get("prefix", [""])[0]
            keys = [key.partition("/")[2] for key in mine]
            self._send_json({"items": [_entry(bucket, key, mine) for key in keys if key.startswith(prefix)]})
        else:
            self.send_error(404)

    def _send_json(self, data: Any) -> None:
        self._send(json.dumps(data).encode(), kind="application/json")


def _entry(bucket: str, name: str, files: dict[str, bytes]) -> dict[str, str]:
    return {"kind": "storage#object", "bucket": bucket, "name": name, "size": str(len(files[f"{bucket}/{name}"]))}


@contextmanager
def web_server(files: dict[str, bytes], *, ranges: bool = True, **status: int) -> Iterator[str]:
    """Serve files by their paths, and yield the address of the server."""
    paths = {f"/{name}": data for name, data in files.items()}
    attributes = {"files": paths, "ranges": ranges, "status": {f"/{path}": code for path, code in status.items()}}
    with _served(type("Handler", (_Files,), attributes)) as address:
        yield address


@contextmanager
def buckets(files: dict[str, bytes]) -> Iterator[str]:
    """Serve objects by ``bucket/name``, and yield the address for STORAGE_EMULATOR_HOST."""
    with _served(type("Handler", (_Buckets,), {"files": files, "ranges": True, "status": {}})) as address:
        yield address


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
