"""Messages as rows: JSON, MessagePack, Avro and Protobuf, each decoded by a well-kept library."""

from headwater.streams.brokers.formats.decoding import FORMATS, Decode, decoder

__all__ = ["Decode", "FORMATS", "decoder"]
