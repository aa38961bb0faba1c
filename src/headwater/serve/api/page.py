"""The pages' files: ES modules and the learner as WebAssembly from the package, Plotly's script from its own; nothing from elsewhere.

The playground is files only: the site of the documents has the same ones.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request as StarletteRequest
from starlette.responses import RedirectResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import BaseRoute, Route

from headwater.errors import ModelFileError
from headwater.serve.endpoint import error_response
from headwater.serve.http.errors import NotFound
from headwater.store.web import module_folder

_FOLDER = Path(__file__).parent.parent / "web"
_PLAYGROUND = "/page/playground/index.html"
_KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
# Plotly writes styles into the document; nothing else may come from anywhere but this server.
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_SAFE = {"x-content-type-options": "nosniff", "content-security-policy": _POLICY, "referrer-policy": "no-referrer"}


def routes(static: Path | None = None) -> list[BaseRoute]:
    """Return the routes of the page; ``static`` is another folder of files."""
    file = _files(_listed(static or _FOLDER) | _module())
    pages = [Route(path, file) for path in ("/", "/index.html", "/page/{name:path}")]
    return [Route("/playground", _to_playground), Route("/page/plotly.js", _plotly), *pages]


def _listed(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _KINDS}


def _module() -> dict[str, Path]:
    """Return the learner in JavaScript; a build may lack it, and then only the playground does not work."""
    try:
        return {f"js/{name}": path for name, path in _listed(module_folder()).items()}
    except ModelFileError:
        return {}


def _files(files: Mapping[str, Path]) -> Callable[[StarletteRequest], Awaitable[StarletteResponse]]:
    # Listed once: what is asked for is looked up by name, so no path leads out of the folders.

    async def file(request: StarletteRequest) -> StarletteResponse:
        name = request.path_params.get("name", "index.html")
        if name not in files:
            return _error(NotFound(expected="a file of the page", got="another name", at=name[:200], help=""))
        headers = {**_SAFE, "cache-control": "no-cache"}
        return StarletteResponse(files[name].read_bytes(), headers=headers, media_type=_KINDS[files[name].suffix])

    return file


async def _to_playground(request: StarletteRequest) -> StarletteResponse:
    return RedirectResponse(_PLAYGROUND)  # a browser keeps what stands behind the #


async def _plotly(request: StarletteRequest) -> StarletteResponse:
    script = await asyncio.to_thread(_packed)
    if script is None:
        error = NotFound(
            expected="the package plotly",
            got="none",
            at="/page/plotly.js",
            help="Run: pip install 'headwater[serve]'",
            code="missing_extra",
        )
        return _error(error)
    headers = {**_SAFE, "cache-control": "max-age=86400", "content-encoding": "gzip"}
    return StarletteResponse(script, headers=headers, media_type="text/javascript")


def _error(error: NotFound) -> StarletteResponse:
    response = error_response(error)
    return StarletteResponse(response.body, response.status, media_type="application/json")


@cache
def _packed() -> bytes | None:
    """Compress Plotly's script once: 1.4 MB in place of 4.8."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), 6) if path.is_file() else None


__all__ = ["routes"]
