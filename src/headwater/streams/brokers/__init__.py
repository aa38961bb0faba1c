"""Brokers as sources of rows and sinks of predictions, for Kafka, NATS, Redis, PostgreSQL and MQTT."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address, is_address, read_address
    from headwater.streams.brokers.formats import FORMATS, Decode, decoder
    from headwater.streams.brokers.opening import open_sink, open_source
    from headwater.streams.brokers.protocol import (
        BEGUN,
        BrokerGone,
        BrokerRefused,
        Message,
        MessageTooLarge,
        Outgoing,
        Positions,
        Sink,
        Source,
        TrimmedLog,
        check_begin,
    )

__all__ = [
    "Address",
    "BEGUN",
    "BrokerGone",
    "BrokerRefused",
    "Decode",
    "FORMATS",
    "Message",
    "MessageTooLarge",
    "Outgoing",
    "Positions",
    "Sink",
    "Source",
    "TrimmedLog",
    "check_begin",
    "decoder",
    "each_partition",
    "is_address",
    "open_sink",
    "open_source",
    "read_address",
]

__getattr__ = lazily(
    __name__,
    {
        ".address": "Address is_address read_address",
        ".formats": "Decode FORMATS decoder",
        ".opening": "each_partition open_sink open_source",
        ".protocol": "BEGUN BrokerGone BrokerRefused Message MessageTooLarge Outgoing Positions Sink Source TrimmedLog check_begin",
    },
)
