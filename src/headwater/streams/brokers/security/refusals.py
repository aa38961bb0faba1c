"""What a broker's refusal means: a wrong password, an authority, a host name, a certificate that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwater.streams.brokers.protocol import BrokerRefused
from headwater.streams.brokers.security.login import login
from headwater.streams.brokers.security.tls import tls_of

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address

__all__ = ["hide", "refusal"]

_MIN_HIDDEN = 4  # characters; hiding a shorter one would cut up words and so tell it


class _Reason(NamedTuple):
    words: tuple[str, ...]
    expected: str
    got: str
    help: str


_SERVER = "a broker that proves who it is"
_CLIENT = "a broker that lets us in"
_UNTRUSTED = _Reason(
    ("verify failed", "self-signed certificate", "unable to get local issuer", "could not be verified"),
    _SERVER,
    "a certificate of an authority that is not trusted here",
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
    "a refusal of the user or the password",
    "Check both.",
)
# In this order: a text on a wrong host name also says that the certificate couldn't be verified.
_REASONS = (
    _Reason(
        ("mismatch", "does not match host name", "doesn't match"),
        _SERVER,
        "a certificate for another host name",
        "Write the name that its certificate has.",
    ),
    _Reason(
        ("certificate has expired", "certificate expired"),
        _SERVER,
        "a certificate that has expired",
        "Renew it, and look at this machine's clock.",
    ),
    _Reason(
        ("certificate required", "requires a valid client certificate", "peer did not return a certificate"),
        _CLIENT,
        "a demand for a client certificate",
        "Give tls_cert=FILE and tls_key=FILE.",
    ),
    _Reason(
        ("alert unknown ca", "alert bad certificate", "alert certificate unknown", "alert unsupported certificate"),
        _CLIENT,
        "a refusal of our certificate",
        "Give tls_cert= and tls_key= of an authority that the broker trusts.",
    ),
    _UNTRUSTED,
    _Reason(
        ("wrong version number", "record layer failure", "does not support ssl", "offers no tls", "http request"),
        "a broker that encrypts",
        "one that does not at this port",
        "Use its port for TLS.",
    ),
    _PASSWORD,
)


def refusal(address: Address, text: str) -> BrokerRefused | None:
    """Return the error for what a client reports, None where it speaks of no refusal.

    Parameters
    ----------
    address
        Whose client.
    text
        What it reports.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> error = refusal(read_address("redis://me:no@localhost/orders"), "WRONGPASS invalid username-password pair")
    >>> print(error)
    expected a broker that lets us in, got a refusal of the user or the password — at redis://localhost:6379/orders. Check both.
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
        got, remedy = "a demand for a password", f"Set {variable} in the environment, or give password_file=FILE."
    return BrokerRefused(expected=found.expected, got=got, at=address.at, help=remedy)


def _reason(text: str) -> _Reason | None:
    lowered = text.lower().replace("_", " ")
    return next((reason for reason in _REASONS if any(word in lowered for word in reason.words)), None)


def hide(address: Address, text: str) -> str:
    """Return a client's text without the password, should it be in there.

    Parameters
    ----------
    address
        Whose password.
    text
        What a client says.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> hide(read_address("redis://me:hunter2@localhost/orders"), "no user with hunter2")
    'no user with …'
    """
    password = login(address).password
    word = "" if password is None else password.reveal()
    return text.replace(word, "…") if len(word) >= _MIN_HIDDEN else text
