"""Find users and passwords in the address, a file, or the environment, in this order."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from headwater.errors import ConfigError
from headwater.streams.brokers.security.secret import Secret

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address

__all__ = ["Login", "check_encrypted", "is_here", "login", "secret_of"]

_MAX_BYTES = 1 << 16  # bounds reading, for example of /dev/zero
# Variables of the brokers' own tools. libpq reads PGUSER, PGPASSWORD and PGPASSFILE itself.
_USUAL = {("redis", "password"): "REDISCLI_AUTH", ("nats", "user"): "NATS_USER", ("nats", "password"): "NATS_PASSWORD"}


class Login(NamedTuple):
    """User and password, each optional."""

    user: str | None
    password: Secret | None


def login(address: Address) -> Login:
    """Return the user and password of an address, read again at each call so that changes take effect.

    Each is taken from the address, else from ``user_file=`` or ``password_file=``, else from ``HEADWATER_KAFKA_USER`` and
    ``HEADWATER_KAFKA_PASSWORD`` (or the file named by ``HEADWATER_KAFKA_PASSWORD_FILE``), else from the variables of the
    broker's own tools.

    Raises
    ------
    ConfigError
        If a file can't be read.

    Examples
    --------
    >>> from headwater.streams.brokers import read_address
    >>> login(read_address("redis://me:a%2Fb@localhost/orders"))
    Login(user='me', password=Secret(…))
    """
    user = None if address.user is not None else secret_of(address.scheme, "user", address.options, address.at)
    name = address.user if user is None else user.reveal()
    return Login(name, address.secret or secret_of(address.scheme, "password", address.options, address.at))


def secret_of(scheme: str, what: str, options: Mapping[str, str], at: str) -> Secret | None:
    """Return a secret from the option ``{what}_file=`` or the environment, or None.

    Parameters
    ----------
    scheme
        Broker's scheme, the middle of the variable's name.
    what
        ``user``, ``password`` or ``tls_key_password``.
    options
        Mapping that may have ``{what}_file``.
    at
        Location for error messages.

    Raises
    ------
    ConfigError
        If the file can't be read.
    """
    file = options.get(f"{what}_file")
    variable = f"HEADWATER_{scheme}_{what}".upper()
    if file is not None:
        return _from_file(file, f"{what}_file=", at)
    if variable in os.environ:
        return Secret(os.environ[variable])
    if f"{variable}_FILE" in os.environ:
        return _from_file(os.environ[f"{variable}_FILE"], f"{variable}_FILE", at)
    usual = os.environ.get(_USUAL.get((scheme, what), ""))
    return None if usual is None else Secret(usual)


def check_encrypted(address: Address, *, encrypted: bool) -> None:
    """Raise ConfigError if a password would be sent unencrypted to another machine without ``tls=``.

    Parameters
    ----------
    address
        The address.
    encrypted
        Whether the connection is encrypted.

    Raises
    ------
    ConfigError
        With instructions for encryption, or for a trusted network.
    """
    if encrypted or "tls" in address.options or all(is_here(server) for server in address.servers):
        return
    if login(address).password is None or (address.scheme == "postgresql" and "PGSSLMODE" in os.environ):
        return
    raise ConfigError(
        expected="tls=true where a password is sent to another machine",
        got="no tls=",
        at=address.at,
        help="Add tls=true, or tls=false if nobody else can listen on that network.",
    )


def is_here(server: str) -> bool:
    """Return whether ``host:port`` is this machine."""
    host = server.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _from_file(name: str, option: str, at: str) -> Secret:
    problem = "an empty file"
    try:
        with open(name, "rb") as file:
            text = file.read(_MAX_BYTES).decode()
    except OSError as error:
        problem = error.strerror or type(error).__name__
        text = ""
    except UnicodeDecodeError:
        text, problem = "", "text that is not UTF-8"
    text = text.removesuffix("\n").removesuffix("\r")  # editors add a newline, which no password has
    if not text:
        raise ConfigError(
            expected=f"{option} a file with the secret", got=f"{name}: {problem}", at=at, help="Check the path."
        )
    return Secret(text)
