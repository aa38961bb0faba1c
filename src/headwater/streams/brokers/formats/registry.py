"""Client of a schema registry with Confluent's protocol.

A message starts with a zero byte and the id of its writer's schema. Ids are immutable, so schemas are cached, within bounds,
as messages may contain any id.

Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format.
"""

from __future__ import annotations

import io
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from headwater.errors import ConfigError, DataError, MissingExtra
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, BrokerRefused
from headwater.streams.brokers.security import Tls, authorities, is_here, secret_of, tls_of

__all__ = ["Registry", "Schemas", "framed"]

_T = TypeVar("_T")
_KNOWN, _UNKNOWN = 256, 4096  # maximum numbers of cached schemas and failed ids
_UNKNOWN_S = 30.0  # seconds before a failed id is requested again
_TIMEOUT_S = 5.0
_AWAY = (408, 429, 500, 502, 503, 504)  # temporary HTTP errors


class Registry:
    """Client of a schema registry.

    Parameters
    ----------
    address
        Address whose ``registry=`` is the URL, with login and TLS in the options that begin with ``registry_``.

    Raises
    ------
    ConfigError
        If the URL or a file can't be used.
    MissingExtra
        If the client is not installed.
    """

    def __init__(self, address: Address) -> None:
        self.url = address.options["registry"]
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            raise ConfigError(
                expected="registry= an address such as https://host:8081, without a user",
                got=shown,
                at=address.at,
                help="Set the user in HEADWATER_REGISTRY_USER or registry_user_file=.",
            )
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError as error:
            raise MissingExtra(package="confluent-kafka[schemaregistry]", extra="registry", at=address.at) from error
        self._client: Any = SchemaRegistryClient(_settings(address, parts.scheme == "https", f"{parts.hostname}:0"))

    def schema(self, number: int | str, form: str | None = None) -> Any:
        """Return the schema with a number or a GUID.

        Raises
        ------
        DataError
            For an unknown schema.
        BrokerGone
            If the registry is unavailable, or rejects the login.
        """
        if isinstance(number, str):
            return self._asked(f"schema {number}", lambda: self._client.get_schema_by_guid(number, form))
        return self._asked(f"schema {number}", lambda: self._client.get_schema(number, fmt=form))

    def reference(self, reference: Any, form: str | None = None) -> Any:
        """Return a referenced schema."""
        name = f"{reference.subject} version {reference.version}"
        found = self._asked(name, lambda: self._client.get_version(reference.subject, reference.version, fmt=form))
        return found.schema

    def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        from confluent_kafka.schema_registry import SchemaRegistryError

        try:
            return ask()
        except SchemaRegistryError as error:
            raise self._meaning(what, error) from error
        except Exception as error:
            # Any error of the HTTP client means no reply, which is no reason to reject a message.
            raise self._away(str(error) or type(error).__name__) from error
        finally:
            self._client.clear_caches()  # they are unbounded, and `Schemas` caches already

    def _meaning(self, what: str, error: Any) -> DataError:
        status = error.http_status_code
        if status in (401, 403):
            return BrokerRefused(
                expected="a schema registry that accepts the login",
                got=f"status {status}",
                at=self.url,
                help="Check HEADWATER_REGISTRY_USER and HEADWATER_REGISTRY_PASSWORD, or registry_password_file=.",
            )
        if status in _AWAY:
            return self._away(f"status {status}")
        return DataError(
            expected="a message whose schema is in the registry", got=f"{what}: status {status}", at=self.url
        )

    def _away(self, got: str) -> BrokerGone:
        if "certificate" in got.lower():
            return BrokerRefused(
                expected="a schema registry with a trusted certificate",
                got=got[:200],
                at=self.url,
                help="Give its authority's certificate as registry_tls_ca=FILE.",
            )
        return BrokerGone(
            expected="a schema registry that responds",
            got=got[:200],
            at=self.url,
            help="Start it, or check registry=. Messages wait for it.",
        )


class Schemas(Generic[_T]):
    """Cache of objects made from schemas by id, including the ids that failed.

    Parameters
    ----------
    make
        Makes the object, or raises DataError if messages with the schema can't be read.
    """

    def __init__(self, make: Callable[[int | str], _T]) -> None:
        self._make = make
        self._known: OrderedDict[int | str, _T] = OrderedDict()
        self._refused: OrderedDict[int | str, tuple[float, DataError]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known) + len(self._refused)

    def of(self, number: int | str) -> _T:
        """Return the object for a schema.

        Raises
        ------
        DataError
            If messages with this schema can't be read.
        BrokerGone
            If the registry is unavailable.
        """
        if number in self._known:
            self._known.move_to_end(number)
            return self._known[number]
        until, refusal = self._refused.get(number, (0.0, None))
        if refusal is not None and time.monotonic() < until:
            raise refusal
        try:
            made = self._known[number] = self._make(number)
        except BrokerGone:
            raise
        except DataError as error:
            self._refused[number] = (time.monotonic() + _UNKNOWN_S, error)
            _shorten(self._refused, _UNKNOWN)
            raise
        _shorten(self._known, _KNOWN)
        return made


def framed(value: bytes, kind: str) -> tuple[int | str, list[int], io.BytesIO]:
    """Split a message into its schema's number or GUID, its message indexes and its body.

    Parameters
    ----------
    value
        The message.
    kind
        ``AVRO`` or ``PROTOBUF``, whose messages include the index of their type.
    """
    from confluent_kafka.schema_registry.serde import SchemaId

    named = SchemaId(kind)
    body = named.from_bytes(io.BytesIO(value))
    number = named.id if named.id is not None else str(named.guid)
    return number, list(named.message_indexes or [0]), body


def _shorten(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


def _settings(address: Address, https: bool, place: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"url": address.options["registry"], "timeout": _TIMEOUT_S, "max.retries": 0}
    own = {name.removeprefix("registry_"): value for name, value in address.options.items()}
    user, password = (secret_of("registry", what, own, address.at) for what in ("user", "password"))
    if user is not None and password is not None:
        settings["basic.auth.user.info"] = f"{user.reveal()}:{password.reveal()}"
        if not https and not is_here(place) and address.options.get("registry_tls") != "false":
            raise ConfigError(
                expected="https:// where a password is sent to another machine",
                got="http://",
                at=address.at,
                help="Write registry=https://…, or registry_tls=false if nobody else can listen on that network.",
            )
    tls = tls_of(address, "registry_tls", implied=True) if https else None
    return settings if tls is None else settings | _encryption(tls)


def _encryption(tls: Tls) -> dict[str, Any]:
    roots = tls.ca or authorities()
    settings: dict[str, Any] = {"ssl.ca.location": roots} if tls.verify and roots else {}
    if not tls.verify:
        settings["ssl.ca.location"] = False
    if tls.cert:
        settings |= {"ssl.certificate.location": tls.cert, "ssl.key.location": tls.key or tls.cert}
        # Without a password, OpenSSL would prompt at the terminal.
        settings["ssl.key.password"] = "" if tls.key_password is None else tls.key_password.reveal()
    return settings
