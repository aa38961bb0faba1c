"""Structured logs, one JSON object a line on stderr, with the request, model, source and position that a line is about."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["JsonLines", "log_lines", "request_id", "trace_id"]

_ID = re.compile(rb"[A-Za-z0-9_.:/+=-]{1,128}")
_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class JsonLines(logging.Formatter):
    """Write log records as JSON lines."""

    def format(self, record: logging.LogRecord) -> str:
        fields = record.__dict__.get("fields", {})
        line = {"t": round(time.time(), 3), "level": record.levelname.lower(), "say": record.getMessage(), **fields}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_lines(level: str) -> None:
    """Send the log to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    if level != "debug":  # logging every malformed request would let anyone fill the log
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def request_id(headers: Mapping[bytes, Any]) -> str:
    """Return the id that a client or a proxy gave a request as ``x-request-id``, or a new one.

    Examples
    --------
    >>> request_id({b"x-request-id": b"order-7"})
    'order-7'
    >>> len(request_id({b"x-request-id": b"two words"}))
    16
    """
    given = headers.get(b"x-request-id", b"")
    return str(given.decode()) if _ID.fullmatch(given) else secrets.token_hex(8)


def trace_id(headers: Mapping[bytes, Any]) -> str:
    """Return the trace that a request's ``traceparent`` names (W3C Trace Context), or "".

    Examples
    --------
    >>> trace_id({b"traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    '0af7651916cd43dd8448eb211c80319c'
    """
    found = _PARENT.fullmatch(headers.get(b"traceparent", b""))
    return found[1].decode() if found else ""
