"""Back up the store over HTTP, made and verified while the server continues, and streamed."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

from headwater.serve.endpoint import Request, Response
from headwater.store.service import Service

__all__ = ["backup"]

_PIECE = 1 << 20
"""Bytes of the copy in memory at once."""


async def backup(request: Request) -> Response:
    """Send a complete copy of the store that can be opened directly."""
    if request.scope["method"] == "HEAD":
        return Response(b"", kind=b"application/octet-stream")
    service = request.state.service
    request.state.check_answer(service.path.stat().st_size, request.client)  # the copy uses disk space until it is sent
    file = await request.state.backups.run(lambda: _copied(service))
    disposition = (b"content-disposition", f'attachment; filename="{service.path.name}"'.encode("ascii", "replace"))
    kind = b"application/octet-stream"
    return Response(b"", kind=kind, headers=[disposition], length=os.fstat(file.fileno()).st_size, pieces=_pieces(file))


def _copied(service: Service) -> BinaryIO:
    """Return an unlinked copy, which disappears however the request ends."""
    to = Path(service.path).resolve().with_name(f".{service.path.name}.{secrets.token_hex(8)}.sent")
    service.backup(to)
    try:
        return open(to, "rb")
    finally:
        to.unlink()


async def _pieces(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
