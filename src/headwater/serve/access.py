"""Who may do what: bearer tokens with scopes, the page's cookie, where browsers may come from, and how often."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from headwater.errors import ConfigError, HeadwaterError

SCOPES = ("read", "learn", "admin")
"""Each includes those before it."""
COOKIE = "headwater"
_SESSION_S = 12 * 3600
_SESSIONS = 1000
_CLIENTS = 10_000
_LOCAL = {"localhost", "127.0.0.1", "::1", "testserver"}


class Unauthorized(HeadwaterError):
    """Report a request without a token that counts."""

    code = "token"


class Forbidden(HeadwaterError):
    """Report a request that its token, or its origin, does not allow."""

    code = "forbidden"


class TooFast(HeadwaterError):
    """Report a client that sends faster than it may."""

    code = "too_fast"


@dataclass(slots=True)
class Access:
    """The rules of one server.

    Parameters
    ----------
    tokens : dict
        Scope by token; none means that everyone who reaches the (loopback) address may do everything.
    rate : float
        Requests a second that one client may send, on average; 0 for no limit.
    """

    tokens: dict[str, str] = field(default_factory=dict)
    rate: float = 0.0
    _sessions: dict[str, tuple[str, float]] = field(default_factory=dict)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def check(self, needed: str, method: str, headers: dict[bytes, bytes], client: str) -> None:
        """Let a request pass, or say why not.

        Raises
        ------
        Unauthorized, Forbidden, TooFast
            If it may not pass.
        """
        if self.rate:
            self._count(client)
        by_cookie = b"authorization" not in headers
        if method != "GET" and by_cookie:
            _check_origin(headers)
        if not self.tokens:
            _check_host(headers)
            return
        scope = self._scope(headers)
        if scope is None:
            raise Unauthorized(
                expected="a token", got="none that counts", at="Authorization", help="Send: Authorization: Bearer TOKEN"
            )
        if SCOPES.index(scope) < SCOPES.index(needed):
            raise Forbidden(
                expected=f"a token of scope {needed}", got=scope, at="Authorization", help="Use another token."
            )

    def login(self, token: str) -> str:
        """Return a cookie for a token.

        Raises
        ------
        Unauthorized
            If it is none.
        """
        scope = self._token_scope(token)
        if scope is None:
            raise Unauthorized(expected="a token", got="none that counts", at="token", help="Use one of the server's.")
        now = time.time()
        self._sessions = {key: value for key, value in self._sessions.items() if value[1] > now}
        while len(self._sessions) >= _SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        session = secrets.token_urlsafe(32)
        self._sessions[_hash(session)] = scope, now + _SESSION_S
        return f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={_SESSION_S}"

    def _scope(self, headers: dict[bytes, bytes]) -> str | None:
        sent = headers.get(b"authorization", b"").decode("latin-1")
        if sent:
            kind, _, token = sent.partition(" ")
            return self._token_scope(token.strip()) if kind.lower() == "bearer" else None
        for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE:
                scope, until = self._sessions.get(_hash(value), ("", 0.0))
                return scope if until > time.time() else None
        return None

    def _token_scope(self, token: str) -> str | None:
        # Every token is compared, each in constant time: how long it takes tells nothing.
        found, sent = None, _hash(token)
        for known, scope in self.tokens.items():
            if hmac.compare_digest(_hash(known), sent):
                found = scope
        return found

    def _count(self, client: str) -> None:
        now = time.monotonic()
        left, before = self._buckets.get(client, (2 * self.rate, now))
        left = min(2 * self.rate, left + (now - before) * self.rate)
        if left < 1:
            raise TooFast(expected=f"at most {self.rate:g} requests a second", got="more", at=client, help="Slow down.")
        if len(self._buckets) > _CLIENTS:
            self._buckets.clear()
        self._buckets[client] = left - 1, now


def read_tokens(text: str, at: str) -> dict[str, str]:
    r"""Return scope by token from lines of ``scope token``.

    Raises
    ------
    ConfigError
        For a line that is none, or a token that can be guessed.

    Examples
    --------
    >>> read_tokens("read 0123456789abcdef\n# a comment\n", "tokens.txt")
    {'0123456789abcdef': 'read'}
    """
    tokens = {}
    for i, line in enumerate(text.splitlines()):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0] not in SCOPES or len(words[1]) < 16:
            raise ConfigError(
                expected="a scope (read, learn or admin) and a token of 16 characters or more",
                got=f"{len(words)} words" if len(words) != 2 else f"scope {words[0]!r}, {len(words[1])} characters",
                at=f"{at}, line {i + 1}",
                help="Write, e.g.: learn " + "x" * 16,
            )
        tokens[words[1]] = words[0]
    return tokens


def check_bind(host: str, tokens: dict[str, str]) -> None:
    """Refuse to listen beyond this machine without a token.

    Raises
    ------
    ConfigError
        If anyone could come in.
    """
    if not tokens and not is_local(host):
        raise ConfigError(
            expected="a token for an address that others can reach",
            got="none",
            at=f"--host {host}",
            help="Name a file of tokens with --tokens, or set HEADWATER_TOKEN.",
        )


def is_local(host: str) -> bool:
    """Say whether an address is this machine's own.

    Examples
    --------
    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, False)
    """
    if host in _LOCAL:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_origin(headers: dict[bytes, bytes]) -> None:
    """Refuse what a browser says does not come from our own page."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and urlsplit(origin).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Forbidden(
            expected="a request from this server's own page", got="another origin", at="Origin", help="", code="origin"
        )


def _check_host(headers: dict[bytes, bytes]) -> None:
    """Without tokens, a name that a stranger's DNS points here must not open the door to a browser."""
    name = _name(headers.get(b"host", b"localhost"))
    if not is_local(name):
        raise Forbidden(
            expected="a local host name, since there are no tokens",
            got=f"{name!r:.80}",
            at="Host",
            help="Use localhost.",
            code="host",
        )


@lru_cache(maxsize=256)
def _name(host: bytes) -> str:
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


__all__ = [
    "COOKIE",
    "SCOPES",
    "Access",
    "Forbidden",
    "TooFast",
    "Unauthorized",
    "check_bind",
    "is_local",
    "read_tokens",
]
