"""Static files of the pages, all served from installed packages.

The pages are ES modules and the learner as WebAssembly, and Plotly's script comes from its own package. The playground consists of
files only, and the documentation site has the same ones.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from headwater.errors import ModelFileError
from headwater.serve.endpoint import Handler, Request, Response
from headwater.serve.http.address import Address
from headwater.serve.http.costs import AT_HAND
from headwater.serve.http.errors import NotFound
from headwater.store.web import WORDS, module_folder, shared_folder

_FOLDER = Path(__file__).parent.parent / "web"
_PLAYGROUND = b"/page/playground/index.html"
_KINDS = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".mjs": b"text/javascript; charset=utf-8",
    ".wasm": b"application/wasm",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
}
# Plotly writes inline styles. Everything else must come from this server.
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
]


def addresses(static: Path | None = None) -> tuple[Address, ...]:
    """Return the addresses of the pages, served from ``static`` if given."""
    words = {f"words/{name}": shared_folder() / name for name in WORDS}
    file = _files(_listed(static or _FOLDER) | words | _module())
    handlers: dict[str, Handler] = dict.fromkeys(("/", "/index.html", "/page/{name:path}"), file)
    handlers = {"/playground": _to_playground, "/page/plotly.js": _plotly, **handlers}
    return tuple(Address("GET", path, handler, AT_HAND, None) for path, handler in handlers.items())


def _listed(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _KINDS}


def _module() -> dict[str, Path]:
    """Return the learner in JavaScript, or {} if this build lacks it, which disables only the playground."""
    try:
        return {f"js/{name}": path for name, path in _listed(module_folder()).items()}
    except ModelFileError:
        return {}


def _files(files: Mapping[str, Path]) -> Handler:
    # Requests are looked up in a fixed list of names, so no path can escape the folders.

    async def file(request: Request) -> Response:
        name = request.path.get("name", "index.html")
        if name not in files:
            raise NotFound(expected="a file of the page", got="another name", at=name[:200], help="")
        return _fixed(files[name].read_bytes(), _KINDS[files[name].suffix], (b"cache-control", b"no-cache"))

    return file


def _fixed(body: bytes, kind: bytes, *headers: tuple[bytes, bytes]) -> Response:
    return Response(body, kind=kind, headers=list(headers), fixed=_SAFE)


async def _to_playground(request: Request) -> Response:
    return Response(b"", 307, headers=[(b"location", _PLAYGROUND)])  # a browser keeps the fragment after the #


async def _plotly(request: Request) -> Response:
    script = await asyncio.to_thread(_packed)
    if script is None:
        raise NotFound(
            expected="the package plotly",
            got="none",
            at="/page/plotly.js",
            help="Run: pip install 'headwater[serve]'",
            code="missing_extra",
        )
    headers = [(b"cache-control", b"max-age=86400"), (b"content-encoding", b"gzip")]
    return _fixed(script, _KINDS[".js"], *headers)


@cache
def _packed() -> bytes | None:
    """Compress Plotly's script once, from 4.8 to 1.4 MB."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), 6) if path.is_file() else None


__all__ = ["addresses"]
