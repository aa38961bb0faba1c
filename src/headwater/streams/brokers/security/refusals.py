"""Translate clients' errors on passwords and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwater.streams.brokers.protocol import BrokerRefused
from headwater.streams.brokers.security.credentials import login
from headwater.streams.brokers.security.tls import tls_of

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address

__all__ = ["hide", "refusal"]

_MIN_HIDDEN = 4  # characters; hiding a shorter password would cut words and so reveal it


class _Reason(NamedTuple):
    words: tuple[str, ...]
    expected: str
    got: str
    help: str


_SERVER = "a broker with a trusted certificate"
_CLIENT = "a broker that accepts the login"
_UNTRUSTED = _Reason(
    ("verify failed", "self-signed certificate", "unable to get local issuer", "could not be verified"),
    _SERVER,
    "a certificate of an untrusted authority",
    "Give the authority's certificate as tls_ca=FILE.",
)
_PASSWORD = _Reason(
    (
        "wrongpass",
        "noauth",
        "authentication required",
        "invalid username-password",
        "authorization violation",
        "password authentication failed",
        "no password supplied",
        "not authorized",
        "bad user name or password",
        "authentication failed",
        "authentication error",
        "sasl",
    ),
    _CLIENT,
    "a wrong user or password",
    "Check both.",
)
# The order matters, since a message on a wrong host name also mentions the failed verification.
_REASONS = (
    _Reason(
        ("mismatch", "does not match host name", "doesn't match"),
        _SERVER,
        "a certificate for another host name",
        "Use the host name in its certificate.",
    ),
    _Reason(
        ("certificate has expired", "certificate expired"),
        _SERVER,
        "an expired certificate",
        "Renew it, and check this machine's clock.",
    ),
    _Reason(
        ("certificate required", "requires a valid client certificate", "peer did not return a certificate"),
        _CLIENT,
        "no client certificate, which it requires",
        "Give tls_cert=FILE and tls_key=FILE.",
    ),
    _Reason(
        ("alert unknown ca", "alert bad certificate", "alert certificate unknown", "alert unsupported certificate"),
        _CLIENT,
        "a rejected client certificate",
        "Give tls_cert= and tls_key= of an authority that the broker trusts.",
    ),
    _UNTRUSTED,
    _Reason(
        ("wrong version number", "record layer failure", "does not support ssl", "offers no tls", "http request"),
        "a broker with TLS at this port",
        "none",
        "Use its port for TLS.",
    ),
    _PASSWORD,
)


def refusal(address: Address, text: str) -> BrokerRefused | None:
    """Return the error for a client's message if it reports a refusal, else None.

    Parameters
    ----------
    address
        The client's address.
    text
        The client's message.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> error = refusal(read_address("redis://me:no@localhost/orders"), "WRONGPASS invalid username-password pair")
    >>> print(error)
    expected a broker that accepts the login, got a wrong user or password — at redis://localhost:6379/orders. Check both.
    """
    tls = tls_of(address)
    found = _reason(text)
    if tls is not None and (found is None or found is _UNTRUSTED):
        found = _reason(tls.handshake(address)) or found
    if found is None:
        return None
    got, remedy = found.got, found.help
    if found is _PASSWORD and login(address).password is None:
        variable = f"HEADWATER_{address.scheme.upper()}_PASSWORD"
        got, remedy = "no password, which it requires", f"Set {variable} in the environment, or give password_file=."
    return BrokerRefused(expected=found.expected, got=got, at=address.at, help=remedy)


def _reason(text: str) -> _Reason | None:
    lowered = text.lower().replace("_", " ")
    return next((reason for reason in _REASONS if any(word in lowered for word in reason.words)), None)


def hide(address: Address, text: str) -> str:
    """Return a client's message with the password hidden.

    Parameters
    ----------
    address
        Address with the password.
    text
        The client's message.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> hide(read_address("redis://me:hunter2@localhost/orders"), "no user with hunter2")
    'no user with …'
    """
    password = login(address).password
    word = "" if password is None else password.reveal()
    return text.replace(word, "…") if len(word) >= _MIN_HIDDEN else text
