"""The address of a source: ``kafka://host:9092/topic?answers=late&key=id&format=avro``. Passwords stay in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from headwater.errors import ConfigError, did_you_mean

__all__ = ["Address", "is_address", "read_address"]

PORTS = {"kafka": 9092, "nats": 4222, "redis": 6379, "postgresql": 5432, "mqtt": 1883}
PASSWORDS = {
    "kafka": "HEADWATER_KAFKA_PASSWORD",
    "nats": "HEADWATER_NATS_PASSWORD",
    "redis": "HEADWATER_REDIS_PASSWORD",
    "postgresql": "HEADWATER_POSTGRESQL_PASSWORD",
    "mqtt": "HEADWATER_MQTT_PASSWORD",
}
"""By scheme the variable of the environment that holds the password."""
_ALL = ("answers", "key", "id", "wait", "format", "schema", "message", "block", "idle", "from", "name", "tls")
_OWN = {
    "kafka": ("group", "sasl"),
    "nats": ("stream",),
    "redis": ("db",),
    "postgresql": ("order",),
    "mqtt": ("client",),
}


@dataclass(frozen=True, slots=True)
class Address:
    """A source or a sink, as its address names it.

    Parameters
    ----------
    scheme
        ``kafka``, ``nats``, ``redis``, ``postgresql`` or ``mqtt``.
    servers
        ``host:port`` of each server that is named.
    topic
        The topic, subject, stream or table.
    user
        Who asks; the password is the environment's ``HEADWATER_KAFKA_PASSWORD`` and so on.
    database
        Of PostgreSQL.
    options
        What stands behind the question mark.
    """

    scheme: str
    servers: tuple[str, ...]
    topic: str
    user: str | None = None
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What positions are kept under: the same whichever of the broker's machines is asked."""
        return self.options.get("name") or f"{self.scheme}:{self.topic}"

    @property
    def at(self) -> str:
        """The address without options, for messages."""
        path = f"{self.database}/{self.topic}" if self.database else self.topic
        return f"{self.scheme}://{','.join(self.servers)}/{path}"

    @property
    def host(self) -> str:
        """The first server's host."""
        return self.servers[0].rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The first server's port."""
        return int(self.servers[0].rpartition(":")[2])

    @property
    def password(self) -> str | None:
        """The password that the environment has for this kind of broker."""
        return os.environ.get(PASSWORDS[self.scheme])

    @property
    def tls(self) -> bool:
        """Whether the connection is to be encrypted."""
        return self.options.get("tls", "false").lower() in ("true", "1", "yes")

    def number(self, option: str, default: float) -> float:
        """Return an option that is a number above 0.

        Raises
        ------
        ConfigError
            If it is none.
        """
        text = self.options.get(option)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise ConfigError(
                expected=f"{option}= a number above 0", got=str(text), at=self.at, help=f"Try {option}={default:g}."
            )
        return value

    def elsewhere(self, topic: str) -> Address:
        """Return the address of another topic of the same broker."""
        options = {key: value for key, value in self.options.items() if key not in ("answers", "name", "stream")}
        if "name" in self.options:
            options["name"] = f"{self.options['name']}:{topic}"
        return Address(self.scheme, self.servers, topic, self.user, self.database, options)


def is_address(source: Any) -> bool:
    """Say whether a source is a broker's address.

    Examples
    --------
    >>> is_address("redis://localhost/orders"), is_address("orders.csv"), is_address("http://x/")
    (True, False, False)
    """
    return isinstance(source, str) and source.partition("://")[0] in PORTS and "://" in source


def read_address(text: str) -> Address:
    """Return the parts of an address.

    Raises
    ------
    ConfigError
        If it has no topic, an option that its scheme doesn't know, or a password.

    Examples
    --------
    >>> address = read_address("kafka://a,b:9093/orders?answers=late&key=id")
    >>> address.servers, address.topic, address.options["answers"], address.name
    (('a:9092', 'b:9093'), 'orders', 'late', 'kafka:orders')
    >>> read_address("mqtt://house/rooms/+/heat").topic
    'rooms/+/heat'
    """
    scheme, _, rest = text.partition("://")
    if scheme not in PORTS:
        raise _wrong(
            "an address that begins with " + ", ".join(f"{known}://" for known in PORTS), text, "Choose a broker."
        )
    rest, _, query = rest.partition("?")  # a # is no fragment: MQTT's filters have it
    hosts, _, path = rest.partition("/")
    user, _, hosts = hosts.rpartition("@")
    user, _, password = user.partition(":")
    if password:
        where = f"HEADWATER_{scheme.upper()}_PASSWORD"
        raise _wrong(
            "an address without a password", f"{scheme}://{user}:…@{hosts}", f"Set {where} in the environment."
        )
    servers = tuple(_with_port(host, scheme, text) for host in hosts.split(","))
    database, topic = "", unquote(path)
    if scheme == "postgresql":
        database, _, topic = topic.partition("/")
    if not topic:
        form = "postgresql://host/database/table" if scheme == "postgresql" else f"{scheme}://host/topic"
        raise _wrong(f"an address such as {form}", text, "Name what is to be read.")
    return Address(scheme, servers, topic, unquote(user) or None, database, _options(scheme, query, text))


def _options(scheme: str, query: str, text: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = _ALL + _OWN[scheme]
    for name in options:
        if name not in known:
            raise _wrong(f"an option of {scheme}://", f"{name}=", did_you_mean(name, known), at=text)
    return options


def _with_port(host: str, scheme: str, text: str) -> str:
    host, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        host, port = host or port, str(PORTS[scheme])
    if not host or not port.isdecimal():
        raise _wrong("host:port", host + colon + port or "nothing", f"Write {scheme}://localhost/topic.", at=text)
    return f"{host}:{port}"


def _wrong(expected: str, got: str, remedy: str, at: str = "source") -> ConfigError:
    return ConfigError(expected=expected, got=got, at=at, help=remedy)
