"""Parse the addresses of brokers, such as ``kafka://host:9092/topic?answers=late&key=id&format=avro``."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from headwater.errors import ConfigError, did_you_mean
from headwater.types import Lazy

if TYPE_CHECKING:
    from headwater.streams.brokers.security.secret import Secret

__all__ = ["Address", "SCHEMES", "is_address", "read_address"]

_REDACT = Lazy("headwater.streams.brokers.security.redaction:redact")
_SECRET = Lazy("headwater.streams.brokers.security.secret:Secret")
PORTS = {"kafka": 9092, "nats": 4222, "redis": 6379, "postgresql": 5432, "mqtt": 1883}
_ALIASES = {"postgres": "postgresql", "rediss": "redis", "mqtts": "mqtt"}
_ENCRYPTED = {"rediss": 6379, "mqtts": 8883}  # default ports of the aliases with TLS
SCHEMES = (*PORTS, *_ALIASES)
"""Schemes of broker addresses."""
_SECURITY = ("tls", "tls_ca", "tls_cert", "tls_key", "tls_key_password_file", "user_file", "password_file")
_REGISTRY = (
    "registry",
    "registry_user_file",
    "registry_password_file",
    *map("registry_{}".format, _SECURITY[:5]),
)
_READING = (
    "answers",
    "key",
    "id",
    "wait",
    "format",
    "schema",
    "message",
    "envelope",
    "block",
    "idle",
    "from",
    "name",
    "accept_gap",
)
_ALL = (*_READING, *_SECURITY, *_REGISTRY)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TIMED = ("kafka", "nats", "redis")
"""Brokers that know when each message came."""
_OWN = {
    "kafka": ("group", "sasl", "partition"),
    "nats": ("stream",),
    "redis": ("db",),
    "postgresql": ("order",),
    "mqtt": ("client",),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Parsed address of a source or a sink.

    Parameters
    ----------
    scheme
        ``kafka``, ``nats``, ``redis``, ``postgresql`` or ``mqtt``.
    servers
        ``host:port`` of each server.
    topic
        Topic, subject, stream or table.
    user
        User in the address.
    database
        Database of PostgreSQL.
    options
        Options after the question mark.
    secret
        Password in the address, which is never shown.
    """

    scheme: str
    servers: tuple[str, ...]
    topic: str
    user: str | None = None
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    secret: Secret | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Key of the source's positions, independent of the broker's hosts."""
        chosen = self.options.get("partition")
        return self.options.get("name") or f"{self.scheme}:{self.topic}" + (f"#{chosen}" if chosen else "")

    @property
    def at(self) -> str:
        """Address without options, for messages."""
        path = f"{self.database}/{self.topic}" if self.database else self.topic
        return f"{self.scheme}://{','.join(self.servers)}/{path}"

    @property
    def host(self) -> str:
        """Host of the first server."""
        return self.servers[0].rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port of the first server."""
        return int(self.servers[0].rpartition(":")[2])

    @property
    def accepts_gap(self) -> bool:
        """Whether to continue after messages that were deleted before they were read."""
        return self.options.get("accept_gap", "false").lower() in ("true", "1", "yes")

    @property
    def begins(self) -> int | None:
        """Time from which a new reader reads, in milliseconds since 1970, or None to begin at the beginning or the end."""
        return _time_of(self.options.get("from", ""))

    @property
    def partitions(self) -> frozenset[int]:
        """Numbers of the partitions to read, none of them for all."""
        return frozenset(_number_of_partition(part) for part in self.options.get("partition", "").split(",") if part)

    def number(self, option: str, default: float) -> float:
        """Return a numeric option.

        Raises
        ------
        ConfigError
            Unless it is a number above 0.
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
        return Address(self.scheme, self.servers, topic, self.user, self.database, options, self.secret)


def is_address(source: Any) -> bool:
    """Return whether a source is a broker's address.

    Examples
    --------
    >>> is_address("redis://localhost/orders"), is_address("orders.csv"), is_address("http://x/")
    (True, False, False)
    """
    return isinstance(source, str) and source.partition("://")[0] in SCHEMES and "://" in source


def read_address(text: str) -> Address:
    """Parse an address.

    Raises
    ------
    ConfigError
        For a missing topic, an unknown option, or a password that is not percent-encoded. No error shows the password.

    Examples
    --------
    >>> address = read_address("kafka://a,b:9093/orders?answers=late&key=id")
    >>> address.servers, address.topic, address.options["answers"], address.name
    (('a:9092', 'b:9093'), 'orders', 'late', 'kafka:orders')
    >>> read_address("mqtt://house/rooms/+/heat").topic
    'rooms/+/heat'
    >>> address = read_address("redis://me:a%2Fb@host/orders")
    >>> address.user, address.secret, address.at
    ('me', Secret(…), 'redis://host:6379/orders')
    """
    begin, _, rest = text.partition("://")
    if begin not in SCHEMES:
        known = ", ".join(f"{one}://" for one in PORTS)
        raise _wrong(f"an address that begins with {known}", _REDACT(text), "Choose a broker.")
    scheme, port = _ALIASES.get(begin, begin), _ENCRYPTED.get(begin)
    _check_encoding(rest, text)
    rest, _, query = rest.partition("?")  # a # starts no fragment, since MQTT filters contain it
    hosts, _, path = rest.partition("/")
    user, _, hosts = hosts.rpartition("@")
    user, _, password = user.partition(":")
    shown = _REDACT(text)
    servers = tuple(_with_port(host, port or PORTS[scheme], shown) for host in hosts.split(","))
    database, topic = "", unquote(path)
    if scheme == "postgresql":
        database, _, topic = topic.partition("/")
    if not topic:
        form = "postgresql://host/database/table" if scheme == "postgresql" else f"{scheme}://host/topic"
        raise _wrong(f"an address such as {form}", shown, "Add the topic or table to read.")
    options = _options(scheme, query, shown)
    if begin in _ENCRYPTED:
        options.setdefault("tls", "true")
    secret = _SECRET(unquote(password)) if password else None
    return Address(scheme, servers, topic, unquote(user) or None, database, options, secret)


def _check_encoding(rest: str, text: str) -> None:
    """Raise ConfigError if unencoded characters make password and topic ambiguous."""
    login, at, _ = rest.partition("@")
    if rest.count("@") > 1 or (at and re.search(r"[/?]", login)):
        raise _wrong(
            "an address in which / ? @ and % of a user, a password or a topic are percent-encoded",
            _REDACT(text),
            "Write %2F for /, %3F for ?, %40 for @ and %25 for %, or give password_file=FILE.",
        )


def _options(scheme: str, query: str, shown: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = _ALL + _OWN[scheme]
    for name in options:
        if name == "password":  # options are shown in messages and stored
            raise _wrong(f"an option of {scheme}://", "password=", "Give password_file=FILE.", at=shown)
        if name not in known:
            raise _wrong(f"an option of {scheme}://", f"{name}=", did_you_mean(name, known), at=shown)
    _check_begin(scheme, options.get("from", "beginning"), shown)
    chosen = options.get("partition", "0").split(",")
    if any(_number_of_partition(part) < 0 for part in chosen):
        remedy = "Write, e.g., partition=0 or partition=0,2."
        raise _wrong("partition= the numbers of partitions", options["partition"], remedy, at=shown)
    return options


def _number_of_partition(text: str) -> int:
    """Return a partition's number, or -1 for another text."""
    return int(text) if text.isascii() and text.isdecimal() else -1


def _check_begin(scheme: str, begin: str, shown: str) -> None:
    """Raise ConfigError unless reading can begin at the beginning, at the end, or at a time that has passed."""
    if begin in ("beginning", "end"):
        return
    begins = _time_of(begin)
    if begins is None:
        wanted, remedy = "from= beginning, end, or a time with its zone", "Write, e.g., 2026-11-01T00:00Z."
    elif scheme not in _TIMED:
        wanted = f"from= a time for a broker that knows when messages came ({', '.join(f'{one}://' for one in _TIMED)})"
        remedy = "Leave it out: reading begins at the beginning, with from=end behind what is there."
    elif begins > time.time() * 1000:
        wanted, remedy = "from= a time that has passed", "Write from=end to read what comes from now on."
    else:
        return
    raise _wrong(wanted, begin if begins is None or scheme in _TIMED else f"{scheme}://", remedy, at=shown)


def _time_of(text: str) -> int | None:
    """Return a time with its zone in milliseconds since 1970, or None if it is none.

    Examples
    --------
    >>> _time_of("1970-01-01T00:00:02Z"), _time_of("1970-01-01T01:00 01:00"), _time_of("1970-01-01")
    (2000, 0, None)
    """
    for written in (text, "+".join(text.rsplit(" ", 1))):  # in a query an unencoded + is a space
        with contextlib.suppress(ValueError, TypeError):  # of a time without its zone, the difference is a TypeError
            when = dt.datetime.fromisoformat(written)
            return -((_EPOCH - when) // dt.timedelta(milliseconds=1))  # the next whole one
    return None


def _with_port(host: str, default: int, shown: str) -> str:
    host, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        host, port = host or port, str(default)
    if not host or not port.isdecimal():
        scheme = shown.partition("://")[0]
        # The text after the colon is not shown, since without an @ it may be a password.
        got = "no host" if not host else "a port that is no number"
        raise _wrong("host:port", got, f"Write {scheme}://localhost/topic.", at=f"{scheme}://{host}")
    return f"{host}:{port}"


def _wrong(expected: str, got: str, remedy: str, at: str = "source") -> ConfigError:
    return ConfigError(expected=expected, got=got, at=at, help=remedy)
