"""Access control by tokens, cookies, origins and rate limits."""

from __future__ import annotations

import hmac
import ipaddress
from base64 import b64decode
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from headwater.errors import ConfigError, counted
from headwater.serve.http.access.buckets import Buckets
from headwater.serve.http.access.sessions import SESSION_S, Sessions, digest
from headwater.serve.http.errors import Forbidden, RateLimited, Unauthorized

SCOPES = ("label", "read", "learn", "admin")
"""Each includes those before it. The first is told predicted classes alone, without a probability."""
COOKIE = "headwater"
_LOGINS_PER_S = 1.0
_LOCAL = {"localhost", "127.0.0.1", "::1", "testserver"}


@dataclass(slots=True)
class Access:
    """Access rules of one server.

    Parameters
    ----------
    tokens : dict
        Scope by token. Without tokens everyone who reaches the (loopback) address may do everything.
    rate : float
        Maximum average requests per second of one client, 0 for no limit.
    """

    tokens: dict[str, str] = field(default_factory=dict)
    rate: float = 0.0
    _sessions: Sessions = field(default_factory=Sessions)
    _requests: Buckets = field(init=False)
    _logins: Buckets = field(default_factory=lambda: Buckets(_LOGINS_PER_S, burst=10))

    def __post_init__(self) -> None:
        self._requests = Buckets(self.rate, burst=2 * self.rate)

    def check(self, needed: str, method: str, headers: dict[bytes, bytes], client: str) -> str:
        """Check that a request is allowed, and return the scope of its sender.

        Raises
        ------
        Unauthorized, Forbidden, RateLimited
            If it is not allowed.
        """
        if self.rate:
            self.count(client)
        if b"origin" in headers and method not in ("GET", "HEAD") and b"authorization" not in headers:
            check_origin(headers)
        if not self.tokens:
            if not _is_local_name(headers.get(b"host", b"localhost")):
                raise _foreign(headers)
            return SCOPES[-1]
        scope = self._scope(headers)
        if scope is None:
            raise Unauthorized(
                expected="a token",
                got="none that is valid",
                at="Authorization",
                help="Send: Authorization: Bearer TOKEN",
            )
        if SCOPES.index(scope) < SCOPES.index(needed):
            raise Forbidden(
                expected=f"a token of scope {needed}", got=scope, at="Authorization", help="Use another token."
            )
        return scope

    def count(self, client: str) -> None:
        """Count a client's request against its rate limit.

        Raises
        ------
        RateLimited
            If the client exceeds its rate.
        """
        if self.rate and not self._requests.take(client):
            raise _rate_limited(self.rate, client)

    def login(self, token: str, headers: dict[bytes, bytes], client: str, *, secure: bool) -> str:
        """Return a session cookie for a token.

        Parameters
        ----------
        token : str
            The token sent by the browser.
        headers : dict
            The request headers, checked so that another site can't log a browser in.
        client : str
            The client's address.
        secure : bool
            Whether the browser used https, and must send the cookie only by https.

        Raises
        ------
        Unauthorized, Forbidden, RateLimited
            If the token is invalid, the origin is another site, or the client tries too often.
        """
        self.count(client)
        check_origin(headers)
        if not self._logins.take(client):
            raise _rate_limited(_LOGINS_PER_S, client)
        scope = self._token_scope(token)
        if scope is None:
            raise Unauthorized(
                expected="a token", got="none that is valid", at="token", help="Use one of the server's."
            )
        return _cookie(self._sessions.add(scope, client), SESSION_S, secure=secure)

    def logout(self, headers: dict[bytes, bytes], client: str, *, secure: bool) -> str:
        """End a cookie's session and return a cookie that deletes it.

        Raises
        ------
        Forbidden, RateLimited
            If the origin is another site, or the client exceeds its rate.
        """
        self.count(client)
        check_origin(headers)
        for value in _cookies(headers):
            self._sessions.remove(value)
        return _cookie("", 0, secure=secure)

    def _scope(self, headers: dict[bytes, bytes]) -> str | None:
        sent = headers.get(b"authorization", b"").decode("latin-1")
        if sent:
            kind, _, own = sent.partition(" ")
            token = own.strip() if kind.lower() == "bearer" else _password(own) if kind.lower() == "basic" else None
            return None if token is None else self._token_scope(token)
        return next(filter(None, map(self._sessions.scope, _cookies(headers))), None)

    def _token_scope(self, token: str) -> str | None:
        # Compare every token in constant time, so that timing reveals nothing.
        found, sent = None, digest(token)
        for known, scope in self.tokens.items():
            if hmac.compare_digest(digest(known), sent):
                found = scope
        return found


def _password(credentials: str) -> str | None:
    """Return the password of basic credentials, for clients such as Label Studio that send no other, or None."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return None


def read_tokens(text: str, at: str) -> dict[str, str]:
    r"""Parse lines of ``scope token`` to scopes by token.

    Raises
    ------
    ConfigError
        If a line is malformed, or a token is too short.

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
                expected="a scope (label, read, learn or admin) and a token of 16 characters or more",
                got=counted(len(words), "word")
                if len(words) != 2
                else f"scope {words[0]!r}, {len(words[1])} characters",
                at=f"{at}, line {i + 1}",
                help="Write, e.g.: learn " + "x" * 16,
            )
        tokens[words[1]] = words[0]
    return tokens


def check_bind(host: str, tokens: dict[str, str]) -> None:
    """Raise ConfigError for a public address without tokens.

    Raises
    ------
    ConfigError
        If others could reach the server without a token.
    """
    if not tokens and not is_local(host):
        raise ConfigError(
            expected="a token for an address that others can reach",
            got="none",
            at=f"--host {host}",
            help="Name a file of tokens with --tokens, or set HEADWATER_TOKEN.",
        )


def is_local(host: str) -> bool:
    """Return whether an address is a loopback address.

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


def check_origin(headers: dict[bytes, bytes]) -> None:
    """Raise Forbidden for a browser request from another origin."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and urlsplit(origin).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Forbidden(
            expected="a request from this server's own page", got="another origin", at="Origin", help="", code="origin"
        )


def _foreign(headers: dict[bytes, bytes]) -> Forbidden:
    """Return the error for a foreign host name without tokens, which prevents DNS rebinding."""
    return Forbidden(
        expected="a local host name, since there are no tokens",
        got=f"{_name(headers.get(b'host', b'localhost'))!r:.80}",
        at="Host",
        help="Use localhost.",
        code="host",
    )


@lru_cache(maxsize=256)
def _is_local_name(host: bytes) -> bool:
    return is_local(_name(host))


def _name(host: bytes) -> str:
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _cookies(headers: dict[bytes, bytes]) -> list[str]:
    parts = headers.get(b"cookie", b"").decode("latin-1").split(";")
    pairs = [part.strip().partition("=") for part in parts]
    return [value for name, _, value in pairs if name == COOKIE]


def _cookie(value: str, seconds: int, *, secure: bool) -> str:
    words = f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"
    return f"{words}; Secure" if secure else words


def _rate_limited(rate: float, client: str) -> RateLimited:
    return RateLimited(expected=f"at most {rate:g} requests a second", got="more", at=client, help="Slow down.")


__all__ = ["COOKIE", "SCOPES", "Access", "check_bind", "check_origin", "is_local", "read_tokens"]
