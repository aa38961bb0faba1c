"""Local web page with a run's progress, which polls its status file each second."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError
from headwater.store.web import WORDS, shared_folder

from .status import read_status

__all__ = ["show"]

HERE = Path(__file__).with_name("web")
SERVER = Path(__file__).parents[2] / "serve" / "web"
"""Source of shared styles, languages and themes."""
FILES: dict[str, Path] = {
    "/": HERE / "index.html",
    "/icon.svg": SERVER / "icon.svg",
    **{f"/cluster/{name}": HERE / name for name in ("cluster.css", "main.js", "texts.js")},
    **{
        f"/shared/{name}": SERVER / "shared" / name
        for name in ("style.css", "dom.js", "language.js", "texts.js", "theme.js")
    },
    **{f"/words/{name}": shared_folder() / name for name in WORDS},
}
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
LOCKED = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'"


@contextmanager
def show(manifest: str | Path, port: int) -> Iterator[str]:
    """Serve the page within the context, and yield its address.

    Parameters
    ----------
    manifest : str or Path
        The manifest of the run.
    port : int
        Port; 0 for a free one.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/status":
                self._answer(200, "application/json", json.dumps(_status(manifest)).encode())
            elif self.path in FILES:
                file = FILES[self.path]
                self._answer(200, KINDS[file.suffix], file.read_bytes())
            else:
                self._answer(404, "text/plain", b"There is / and /status.")

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
            headers |= {"Content-Security-Policy": LOCKED, "X-Content-Type-Options": "nosniff"}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *parts: object) -> None:
            """Disable logging to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, name="headwater-cluster-page", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _status(manifest: str | Path) -> dict[str, Any]:
    """Return the run's status, or the error before its first round."""
    try:
        return read_status(manifest)
    except HeadwaterError as error:
        return error.as_dict()
