"""TLS settings of connections, with verified certificate and host name by default."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, did_you_mean
from headwater.streams.brokers.security.credentials import secret_of
from headwater.streams.brokers.security.secret import Secret

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address

__all__ = ["Tls", "TlsContext", "authorities", "tls_of"]

_ON, _OFF, _UNVERIFIED = ("true", "yes", "on", "1"), ("false", "no", "off", "0"), "unverified"
_HANDSHAKE_S = 2.0
_FILES = ("tls_ca", "tls_cert", "tls_key", "tls_key_password_file")
# Certificate authorities of Debian, Red Hat, Alpine and macOS.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates of an encrypted connection.

    Parameters
    ----------
    verify
        Whether the broker's certificate and host name are checked.
    ca
        File of certificate authorities for the broker; empty for the system's.
    cert, key
        Files of the client's certificate and of its private key; ``key`` is empty where ``cert`` holds both.
    key_password
        Password of the encrypted key.
    """

    verify: bool = True
    ca: str = ""
    cert: str = ""
    key: str = ""
    key_password: Secret | None = None

    def context(self, at: str = "tls") -> TlsContext:
        """Return a context for clients that use Python's ``ssl``, reading the files again.

        Raises
        ------
        ConfigError
            If a file is missing or invalid.
        """
        context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.verify
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        if self.ca:
            _load(lambda: context.load_verify_locations(self.ca), "tls_ca= a file of certificates", self.ca, at)
        elif self.verify:
            context.load_default_certs()
        if self.cert:
            password = "" if self.key_password is None else self.key_password.reveal()
            # Without a password, OpenSSL would prompt at the terminal.
            chain = lambda: context.load_cert_chain(self.cert, self.key or None, password=lambda: password)  # noqa: E731
            what = "tls_cert= and tls_key= a certificate and its private key"
            _load(chain, what, f"{self.cert} {self.key}".strip(), at)
        return context

    def handshake(self, address: Address) -> str:
        """Return the error of a bare handshake, for clients that report only a lost connection.

        Parameters
        ----------
        address
            Address of the broker, whose first server is used.

        Returns
        -------
        str
            OpenSSL's text, empty where the handshake succeeds or the broker can't be reached.
        """
        if address.scheme == "postgresql":
            return ""  # libpq reports it, and the protocol starts unencrypted
        try:
            with socket.create_connection((address.host, address.port), timeout=_HANDSHAKE_S) as plain:
                if address.scheme == "nats":
                    plain.recv(1 << 16)  # the server speaks first, unencrypted
                with self.context().wrap_socket(plain, server_hostname=address.host) as encrypted:
                    encrypted.recv(1)  # since TLS 1.3 the server reports a refusal after the handshake
        except ssl.SSLError as error:
            return str(error)
        except OSError:
            return ""
        return ""


class _Socket(ssl.SSLSocket):
    """Socket that closes when its handshake fails, which paho doesn't do."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise  # the handshake continues later
        except ssl.SSLError:
            self.close()
            raise


class TlsContext(ssl.SSLContext):
    """Context that records its use, to detect clients that fall back to plain text."""

    used = False
    sslsocket_class = _Socket

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self.used = True
        return super().wrap_bio(*args, **kwargs)


def tls_of(address: Address, prefix: str = "tls", *, implied: bool = False) -> Tls | None:
    """Return the encryption of an address's connection, or None.

    Parameters
    ----------
    address
        Address with the options ``tls=``, ``tls_ca=``, ``tls_cert=``, ``tls_key=`` and ``tls_key_password_file=``.
    prefix
        Prefix of these options.
    implied
        Whether to encrypt by default.

    Raises
    ------
    ConfigError
        If the options contradict each other, or a file can't be used.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> tls_of(read_address("redis://localhost/orders?tls=true"))
    Tls(verify=True, ca='', cert='', key='', key_password=None)
    >>> tls_of(read_address("redis://localhost/orders?tls=unverified")).verify
    False
    """
    options = address.options
    files = [name for name in _FILES if name.replace("tls", prefix, 1) in options]
    word = options.get(prefix, "true" if files or implied else "false").lower()
    if word not in (*_ON, *_OFF, _UNVERIFIED):
        known = ("true", "false", _UNVERIFIED)
        raise _wrong(address, f"{prefix}= one of {', '.join(known)}", word, did_you_mean(word, known))
    if word in _OFF:
        if files:
            raise _wrong(address, f"{prefix}=true with {prefix}_… options", f"{prefix}={word}", "Remove one of them.")
        return None
    ca, cert, key = (options.get(f"{prefix}_{what}", "") for what in ("ca", "cert", "key"))
    if key and not cert:
        raise _wrong(address, f"{prefix}_cert= with {prefix}_key=", "none", "Name the certificate.")
    if ca and word == _UNVERIFIED:
        raise _wrong(address, f"{prefix}=true with {prefix}_ca=", word, "Remove one of them.")
    whose = address.scheme if prefix == "tls" else prefix.removesuffix("_tls")
    password = secret_of(whose, "tls_key_password", _renamed(options, prefix), address.at) if cert else None
    tls = Tls(word != _UNVERIFIED, ca, cert, key, password)
    tls.context(address.at)  # reports invalid files here, with the same message for every client
    return tls


def authorities() -> str | None:
    """Return the system's file of certificate authorities, for clients that don't find it."""
    paths = [os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES]
    return next((path for path in paths if path and Path(path).is_file()), None)


def _renamed(options: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.replace(f"{prefix}_key", "tls_key", 1): value for name, value in options.items()}


def _load(what: Any, expected: str, got: str, at: str) -> None:
    try:
        what()
    except (OSError, ValueError) as error:  # SSLError is an OSError
        why = _why(error)
        raise ConfigError(expected=expected, got=f"{got}: {why}", at=at, help="Check the files.") from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        return {"": "no PEM file", "bad decrypt": "an encrypted key without its password"}.get(reason, reason)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _wrong(address: Address, expected: str, got: str, remedy: str) -> ConfigError:
    return ConfigError(expected=expected, got=got, at=address.at, help=remedy)
