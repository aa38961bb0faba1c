"""Decode messages in JSON, MessagePack, Avro or Protobuf to rows."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.streams.brokers.formats.decoding import FORMATS, Decode, decoder

__all__ = ["Decode", "FORMATS", "decoder"]

__getattr__ = lazily(
    __name__,
    {
        ".decoding": "Decode FORMATS decoder",
    },
)
