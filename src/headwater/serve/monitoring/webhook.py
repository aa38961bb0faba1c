"""Tell another system of an event, as a POST of JSON."""

from __future__ import annotations

import json
import logging
import threading
import urllib.request
from typing import Any

from headwater.errors import ConfigError

__all__ = ["Webhook"]

_TIMEOUT_S = 5.0
_WAITS_S = (1.0, 10.0, 60.0)
"""Seconds before each further try."""
_log = logging.getLogger("headwater.serve")


class Webhook:
    """An address that is told of events, each by a thread of its own, and tried again while it fails.

    Parameters
    ----------
    address : str
        Where to POST to, "" for nowhere.
    waits : tuple of float
        Seconds before each further try.
    """

    def __init__(self, address: str = "", waits: tuple[float, ...] = _WAITS_S) -> None:
        if address and not address.startswith(("http://", "https://")):
            raise ConfigError(
                expected="http:// or https://",
                got=address[:100],
                at="--webhook",
                help="Name an address that takes a POST.",
            )
        self._address, self._waits, self._ended = address, waits, threading.Event()

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event, without waiting for it."""
        if self._address:
            threading.Thread(target=self._send, args=(event,), name="headwater-webhook", daemon=True).start()

    def close(self) -> None:
        """Give up what isn't sent yet."""
        self._ended.set()

    def _send(self, event: dict[str, Any]) -> None:
        body, kind = json.dumps(event).encode(), {"content-type": "application/json"}
        for wait_s in (*self._waits, None):
            try:
                request = urllib.request.Request(self._address, body, kind)
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
                    return
            except OSError as error:  # of a refusal too
                _log.warning(
                    "the webhook can't be told", extra={"fields": {"event": event["event"], "why": str(error)}}
                )
            if wait_s is None or self._ended.wait(wait_s):
                return
