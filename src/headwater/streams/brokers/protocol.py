"""Protocols of broker sources and sinks.

The learner owns a source's position, never the broker. It is stored beside the weights, in the same transaction as the rows,
so a crash on either side loses no message and learns none twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from headwater.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from headwater.streams.brokers.address import Address

__all__ = [
    "BEGUN",
    "LOG",
    "BrokerGone",
    "BrokerRefused",
    "Log",
    "Message",
    "MessageTooLarge",
    "Outgoing",
    "Positions",
    "Sink",
    "Source",
    "TrimmedLog",
    "check_begin",
    "lost",
]

Positions = Mapping[str, str]
"""Position of the last stored message by partition, after which reading continues. Its format is private to the source.

The entry `LOG` identifies the log.
"""

LOG = "log"
BEGUN = "begun"
"""Entry of a store's positions with the time that reading began at, in milliseconds since 1970, if one was asked for."""


class Log(msgspec.Struct, frozen=True, omit_defaults=True):
    """Identity of the log that positions belong to, as a recreated log has the same name.

    Parameters
    ----------
    id
        The broker's id of the log, or "" if it has none.
    unread
        Number of messages known to follow the position when it was stored.
    first
        End of the log when it was first opened. Messages deleted before it don't count as lost.
    seen
        End of the part checked without finding a message; 0 if that is the position itself.
    lost
        Whether the broker reported lost messages, which it does only once.
    """

    id: str = ""
    unread: int = 0
    first: int = 0
    seen: int = 0
    lost: bool = False

    @classmethod
    def read(cls, positions: Positions) -> Log | None:
        """Return the log of some positions, or None if an early version stored them."""
        return msgspec.json.decode(positions[LOG], type=cls) if LOG in positions else None

    def write(self) -> dict[str, str]:
        """Return the log as an entry of `Positions`."""
        return {LOG: msgspec.json.encode(self).decode()}


class Message(NamedTuple):
    """Message from a broker.

    Parameters
    ----------
    partition
        Partition, within which messages are ordered.
    position
        Position in the partition. A source opened at it continues after it.
    value
        Contents.
    key
        The broker's key, if any.
    passed
        Reason for counting the message without learning it; empty for a row.
    sent
        When it was sent, in seconds since 1970 by the broker's clock, 0 if the broker doesn't say.
    """

    partition: str
    position: str
    value: bytes
    key: str | None = None
    passed: str = ""
    sent: float = 0.0


class Outgoing(NamedTuple):
    """Message to send.

    Parameters
    ----------
    number
        Increasing number per sender.
    key
        Unique key of the message within its source, the same whenever it is sent again.
    value
        Contents.
    sender
        Issuer of the numbers. Two stores that follow the same source are two senders.
    """

    number: int
    key: str
    value: bytes
    sender: str = ""


class Source(Protocol):
    """Topic, stream or table that is read in order.

    Attributes
    ----------
    replays : bool
        Whether messages can be read again. If not, `committed` acknowledges them.
    """

    replays: bool

    def open(self, positions: Positions) -> Positions:
        """Open the source after these positions, and return the start position of each partition.

        Raises
        ------
        TrimmedLog
            If messages after a position no longer exist.
        BrokerGone
            If the broker is unavailable.
        """
        ...

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return up to ``most`` next messages, or none if none arrives within ``wait_s`` seconds.

        Raises
        ------
        TrimmedLog
            If messages before them no longer exist.
        BrokerGone
            If the broker is unavailable.
        """
        ...

    def marks(self) -> Positions:
        """Return entries to add to the positions read so far, which are the log and the start of new partitions."""
        ...

    def committed(self, positions: Positions) -> None:
        """Record that everything up to these positions is durable."""
        ...

    def lag(self) -> int | None:
        """Return the number of messages after the last one read, or None if the broker doesn't report it."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Sink(Protocol):
    """Topic, stream or table for predictions."""

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        """Send messages of one source and one sender, connecting if needed, and return once the broker has all.

        Messages that the broker has already are not added again, if it can detect them.

        Raises
        ------
        BrokerGone
            If the broker is unavailable, or did not accept them.
        MessageTooLarge
            If a message exceeds the size limit. Messages before it may have been added.
        """
        ...

    def close(self) -> None:
        """Close the connection, which ``send`` reopens."""
        ...


class BrokerGone(SourceError):
    """Raised if a broker is unavailable. It may return."""

    code = "broker_gone"


class BrokerRefused(BrokerGone):
    """Raised if a broker rejects the login, or has no trusted certificate.

    Users, passwords and certificates are read again at each connection, so a later try may succeed.
    """

    code = "broker_refused"


class MessageTooLarge(SourceError):
    """Raised if a message exceeds a sink's size limit."""

    code = "message_too_large"


class TrimmedLog(SourceError):
    """Raised if a log lacks messages that follow the learned position.

    Parameters
    ----------
    gone
        Minimum number of lost messages.
    most
        Maximum number, which equals the minimum if the broker reports it; None if unbounded.
    go_on
        Positions to continue from without them, or nothing if there are none. A removed partition has "".
    keep
        Entries to store even if the gap is not accepted, since the broker reports it only once.
    """

    code = "trimmed_log"

    def __init__(
        self,
        *,
        expected: str,
        got: str,
        at: str = "",
        help: str = "",  # noqa: A002 - as its base has it
        code: str = "",
        gone: int = 0,
        most: int | None = None,
        go_on: Positions | None = None,
        keep: Positions | None = None,
    ) -> None:
        super().__init__(expected=expected, got=got, at=at, help=help or _ACCEPT, code=code)
        self.gone, self.most, self.go_on = gone, most, dict(go_on or {})
        self.keep = dict(keep or {})


def check_begin(address: Address, known: Positions) -> None:
    """Check that a time to begin at is the one that the known positions began at, if there are any.

    Raises
    ------
    ConfigError
        If it is another, since messages would be learned twice or left out.
    """
    if address.begins is not None and known and known.get(BEGUN) != str(address.begins):
        raise ConfigError(
            expected="a source that isn't followed yet",
            got=f"from={address.options['from']} of one with a position that did not begin there",
            at=address.at,
            help="Leave it out to go on where the model stands. To learn from that time, begin with a new store or model.",
        )


def lost(least: int, most: int | None) -> str:
    """Describe the number of lost messages.

    Examples
    --------
    >>> lost(7, 7), lost(7, None), lost(0, 7), lost(0, None)
    ('7 messages are gone', 'at least 7 messages are gone', 'up to 7 messages are gone', 'how many messages are gone is unknown')
    """
    if least == most:
        return f"{least:,} messages are gone"
    if most is None:
        return f"at least {least:,} messages are gone" if least else "how many messages are gone is unknown"
    return f"{least:,} to {most:,} messages are gone" if least else f"up to {most:,} messages are gone"


_ACCEPT = "Restore them, or continue without them: --accept-gap, in Python accept_gap=True. The store records how many."
