"""Decode messages in JSON, MessagePack, Avro or Protobuf to rows."""

from headwater.streams.brokers.formats.decoding import FORMATS, Decode, decoder

__all__ = ["Decode", "FORMATS", "decoder"]
