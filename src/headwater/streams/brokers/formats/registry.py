"""Schemas by the id that a message names, from a registry that speaks Confluent's protocol.

A message begins with a zero byte and the number of its writer's schema. Since a number never means another schema, what was
fetched stays true; it is kept within bounds all the same, as messages may name any number.

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
_KNOWN, _UNKNOWN = 256, 4096  # schemas and refused ids that are kept
_UNKNOWN_S = 30.0  # after which an id that was unknown is asked for again
_TIMEOUT_S = 5.0
_AWAY = (408, 429, 500, 502, 503, 504)  # statuses of a registry that may answer later


class Registry:
    """A registry of schemas.

    Parameters
    ----------
    address
        Its ``registry=`` is the registry's URL; the options that begin with ``registry_`` say who asks and what to trust.

    Raises
    ------
    ConfigError
        If the URL or a file can't be used.
    MissingExtra
        If its client is not installed.
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
                help="The user stands in HEADWATER_REGISTRY_USER or registry_user_file=.",
            )
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError as error:
            raise MissingExtra(package="confluent-kafka[schemaregistry]", extra="registry", at=address.at) from error
        self._client: Any = SchemaRegistryClient(_settings(address, parts.scheme == "https", f"{parts.hostname}:0"))

    def schema(self, number: int | str, form: str | None = None) -> Any:
        """Return the schema with a number, or with a GUID.

        Raises
        ------
        DataError
            If the registry has none.
        BrokerGone
            If the registry can't be reached, or lets nobody in.
        """
        if isinstance(number, str):
            return self._asked(f"schema {number}", lambda: self._client.get_schema_by_guid(number, form))
        return self._asked(f"schema {number}", lambda: self._client.get_schema(number, fmt=form))

    def reference(self, reference: Any, form: str | None = None) -> Any:
        """Return a schema that another refers to."""
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
            # Whatever its HTTP client raises, no answer came: that is no reason to leave a message out.
            raise self._away(str(error) or type(error).__name__) from error
        finally:
            self._client.clear_caches()  # they have no bounds; what is made of a schema is kept in `Schemas`

    def _meaning(self, what: str, error: Any) -> DataError:
        status = error.http_status_code
        if status in (401, 403):
            return BrokerRefused(
                expected="a schema registry that lets us in",
                got=f"status {status}",
                at=self.url,
                help="Check HEADWATER_REGISTRY_USER and HEADWATER_REGISTRY_PASSWORD, or registry_password_file=.",
            )
        if status in _AWAY:
            return self._away(f"status {status}")
        return DataError(
            expected="a message whose schema the registry has", got=f"{what}: status {status}", at=self.url
        )

    def _away(self, got: str) -> BrokerGone:
        if "certificate" in got.lower():
            return BrokerRefused(
                expected="a schema registry that proves who it is",
                got=got[:200],
                at=self.url,
                help="Give its authority's certificate as registry_tls_ca=FILE.",
            )
        return BrokerGone(
            expected="a schema registry that answers",
            got=got[:200],
            at=self.url,
            help="Start it, or check registry=. Messages wait for it.",
        )


class Schemas(Generic[_T]):
    """What was made of each schema, by its number: the last used ones, and the numbers that can't be used.

    Parameters
    ----------
    make
        Makes it; a DataError means that messages of this number can't be read.
    """

    def __init__(self, make: Callable[[int | str], _T]) -> None:
        self._make = make
        self._known: OrderedDict[int | str, _T] = OrderedDict()
        self._refused: OrderedDict[int | str, tuple[float, DataError]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known) + len(self._refused)

    def of(self, number: int | str) -> _T:
        """Return what was made of a schema.

        Raises
        ------
        DataError
            If messages of this number can't be read.
        BrokerGone
            If the registry can't be reached.
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
    """Return the schema's number or GUID that a message names, its message indexes, and what follows.

    Parameters
    ----------
    value
        The message.
    kind
        ``AVRO`` or ``PROTOBUF``, whose messages say which type of their schema they are.
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
        # Without a password given here, OpenSSL would ask for it at the terminal.
        settings["ssl.key.password"] = "" if tls.key_password is None else tls.key_password.reveal()
    return settings
