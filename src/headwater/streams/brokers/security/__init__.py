"""Login, encryption and refusals of broker connections."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.streams.brokers.security.credentials import Login, check_encrypted, is_here, login, secret_of
    from headwater.streams.brokers.security.redaction import check_arguments, redact
    from headwater.streams.brokers.security.refusals import hide, refusal
    from headwater.streams.brokers.security.secret import Secret
    from headwater.streams.brokers.security.tls import Tls, TlsContext, authorities, tls_of

__all__ = [
    "Login",
    "Secret",
    "Tls",
    "TlsContext",
    "authorities",
    "check_arguments",
    "check_encrypted",
    "hide",
    "is_here",
    "login",
    "redact",
    "refusal",
    "secret_of",
    "tls_of",
]

__getattr__ = lazily(
    __name__,
    {
        ".credentials": "Login check_encrypted is_here login secret_of",
        ".redaction": "check_arguments redact",
        ".refusals": "hide refusal",
        ".secret": "Secret",
        ".tls": "Tls TlsContext authorities tls_of",
    },
)
