"""Who may do what: bearer tokens with scopes, the page's cookie, where browsers may come from, and how often."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from headwater.errors import ConfigError
from headwater.serve.http.buckets import Buckets
from headwater.serve.http.errors import Forbidden, RateLimited, Unauthorized
from headwater.serve.http.sessions import SESSION_S, Sessions, digest

SCOPES = ("read", "learn", "admin")
"""Each includes those before it."""
COOKIE = "headwater"
_LOGINS_PER_S = 1.0
_LOCAL = {"localhost", "127.0.0.1", "::1", "testserver"}


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
    _sessions: Sessions = field(default_factory=Sessions)
    _requests: Buckets = field(init=False)
    _logins: Buckets = field(default_factory=lambda: Buckets(_LOGINS_PER_S, burst=10))

    def __post_init__(self) -> None:
        self._requests = Buckets(self.rate, burst=2 * self.rate)

    def check(self, needed: str, method: str, headers: dict[bytes, bytes], client: str) -> None:
        """Let a request pass, or say why not.

        Raises
        ------
        Unauthorized, Forbidden, RateLimited
            If it may not pass.
        """
        self.count(client)
        if method not in ("GET", "HEAD") and b"authorization" not in headers:
            check_origin(headers)
        if not self.tokens:
            _check_host(headers)
            return
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

    def count(self, client: str) -> None:
        """Count a request of a client.

        Raises
        ------
        RateLimited
            If it sends more than it may.
        """
        if self.rate and not self._requests.take(client):
            raise _rate_limited(self.rate, client)

    def login(self, token: str, headers: dict[bytes, bytes], client: str, *, secure: bool) -> str:
        """Return a cookie for a token.

        Parameters
        ----------
        token : str
            What the browser sent.
        headers : dict
            The request's headers: a page of another site may not log a browser in.
        client : str
            The client's address.
        secure : bool
            Whether the browser came by https, and is to send the cookie by https only.

        Raises
        ------
        Unauthorized, Forbidden, RateLimited
            If the token is none, the page another's, or the client tries too often.
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
        """End the session of a cookie, and return the cookie that takes its place in the browser.

        Raises
        ------
        Forbidden, RateLimited
            If the page is another's, or the client sends too often.
        """
        self.count(client)
        check_origin(headers)
        for value in _cookies(headers):
            self._sessions.remove(value)
        return _cookie("", 0, secure=secure)

    def _scope(self, headers: dict[bytes, bytes]) -> str | None:
        sent = headers.get(b"authorization", b"").decode("latin-1")
        if sent:
            kind, _, token = sent.partition(" ")
            return self._token_scope(token.strip()) if kind.lower() == "bearer" else None
        return next(filter(None, map(self._sessions.scope, _cookies(headers))), None)

    def _token_scope(self, token: str) -> str | None:
        # Every token is compared, each in constant time: how long it takes tells nothing.
        found, sent = None, digest(token)
        for known, scope in self.tokens.items():
            if hmac.compare_digest(digest(known), sent):
                found = scope
        return found


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


def check_origin(headers: dict[bytes, bytes]) -> None:
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
