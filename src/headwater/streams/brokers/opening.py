"""Open the source or sink of an address, importing only that broker's client."""

from __future__ import annotations

from contextlib import closing

from headwater.errors import ConfigError, MissingExtra
from headwater.streams.brokers.address import Address, read_address
from headwater.streams.brokers.protocol import Sink, Source

__all__ = ["each_partition", "open_sink", "open_source"]

_EXTRAS = {"postgresql": "postgres"}  # other extras are named like their scheme


def open_source(address: Address, reader: str = "") -> Source:
    """Return the source of an address, not yet opened at a position.

    Parameters
    ----------
    address
        The address.
    reader
        Unique name of the reader, for brokers that store messages per client.

    Raises
    ------
    MissingExtra
        If the broker's client is not installed.
    """
    try:
        return _source(address, reader)
    except ImportError as error:
        raise _missing(address, error) from error


def open_sink(address: Address) -> Sink:
    """Return the sink of an address.

    Raises
    ------
    MissingExtra
        If the broker's client is not installed.
    """
    try:
        return _sink(address)
    except ImportError as error:
        raise _missing(address, error) from error


def each_partition(text: str) -> list[str]:
    """Return the address of each partition of a topic, asking its broker for them.

    Raises
    ------
    ConfigError
        If the address names partitions already, or its broker has none.
    """
    address = read_address(text)
    if address.scheme != "kafka" or address.partitions:
        raise ConfigError(
            expected="a whole topic of a broker with partitions (kafka://)",
            got=f"partition={address.options['partition']}" if address.partitions else f"{address.scheme}://",
            at=address.at,
            help="Give a list of sources, one for each partition.",
        )
    try:
        from headwater.streams.brokers.kafka import KafkaSource
    except ImportError as error:
        raise _missing(address, error) from error
    with closing(KafkaSource(address)) as source:
        return [f"{text}{'&' if '?' in text else '?'}partition={part}" for part in source.partitions()]


def _source(address: Address, reader: str) -> Source:
    if address.scheme == "kafka":
        from headwater.streams.brokers.kafka import KafkaSource

        return KafkaSource(address)
    if address.scheme == "nats":
        from headwater.streams.brokers.nats import NatsSource

        return NatsSource(address)
    if address.scheme == "redis":
        from headwater.streams.brokers.redis import RedisSource

        return RedisSource(address)
    if address.scheme == "postgresql":
        from headwater.streams.brokers.postgres import PostgresSource

        return PostgresSource(address)
    from headwater.streams.brokers.mqtt import MqttSource

    return MqttSource(address, reader)


def _sink(address: Address) -> Sink:
    if address.scheme == "kafka":
        from headwater.streams.brokers.kafka import KafkaSink

        return KafkaSink(address)
    if address.scheme == "nats":
        from headwater.streams.brokers.nats import NatsSink

        return NatsSink(address)
    if address.scheme == "redis":
        from headwater.streams.brokers.redis import RedisSink

        return RedisSink(address)
    if address.scheme == "postgresql":
        from headwater.streams.brokers.postgres import PostgresSink

        return PostgresSink(address)
    from headwater.streams.brokers.mqtt import MqttSink

    return MqttSink(address)


def _missing(address: Address, error: ImportError) -> MissingExtra:
    extra = _EXTRAS.get(address.scheme, address.scheme)
    return MissingExtra(package=(error.name or extra).partition(".")[0], extra=extra, at=address.at)
