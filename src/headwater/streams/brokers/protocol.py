"""What a broker has to be able to do: open at a position, read, and hear how far its messages are kept.

The position of a source belongs to whoever learns from it, never to the broker: it is kept beside the weights, in the same
transaction as the rows. So a crash on either side loses nothing and learns nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from headwater.errors import SourceError

__all__ = [
    "BrokerGone",
    "BrokerRefused",
    "Message",
    "MessageTooLarge",
    "Outgoing",
    "Positions",
    "Sink",
    "Source",
    "TrimmedLog",
]

Positions = Mapping[str, str]
"""By partition the position of the last message that is kept; reading goes on behind it. Only its source can read it."""


class Message(NamedTuple):
    """One message of a broker.

    Parameters
    ----------
    partition
        Which of the source's sequences it belongs to; order holds within one.
    position
        Where it stands there: opened at it, a source goes on behind it.
    value
        What it says, as bytes.
    key
        The broker's own key of it, where there is one.
    """

    partition: str
    position: str
    value: bytes
    key: str | None = None


class Outgoing(NamedTuple):
    """A message to send.

    Parameters
    ----------
    number
        It grows from each message of a sender to the next.
    key
        What names the message among those of its source: the same whenever it is sent again, and no other message's.
    value
        What it says.
    sender
        Who numbers it: two stores that follow the same source are two senders.
    """

    number: int
    key: str
    value: bytes
    sender: str = ""


class Source(Protocol):
    """A topic, stream or table that is read in order.

    Attributes
    ----------
    replays : bool
        Whether a message that was read can be read again. Where it can't, `committed` is what lets the broker forget it.
    """

    replays: bool

    def open(self, positions: Positions) -> Positions:
        """Go on behind these positions; return where each partition is begun.

        Raises
        ------
        TrimmedLog
            If messages behind a position are there no longer.
        BrokerGone
            If the broker can't be reached.
        """
        ...

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return the next messages, ``most`` at most; nothing if none comes within ``wait_s`` seconds."""
        ...

    def committed(self, positions: Positions) -> None:
        """Hear that everything up to these positions is on the disk."""
        ...

    def lag(self) -> int | None:
        """Return how many messages there are behind the last one that was read; None where the broker can't tell."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class Sink(Protocol):
    """A topic, stream or table that predictions go to."""

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        """Send messages of a source and of one sender; return once the broker has all. It opens a connection where there is none.

        Those that the broker has already are not added again where it can tell.

        Raises
        ------
        BrokerGone
            If the broker can't be reached, or did not take them.
        MessageTooLarge
            If it takes no message as large as one of them; those before it may be there.
        """
        ...

    def close(self) -> None:
        """Let the connection go; ``send`` opens another one."""
        ...


class BrokerGone(SourceError):
    """Report a broker that can't be reached now; it may come back."""

    code = "broker_gone"


class BrokerRefused(BrokerGone):
    """Report a broker that doesn't let us in, or doesn't prove who it is.

    Users, passwords and certificates are read anew at each connection, so a later try may succeed.
    """

    code = "broker_refused"


class MessageTooLarge(SourceError):
    """Report a message that a sink takes at no time, since it is too large; a smaller one may do."""

    code = "message_too_large"


class TrimmedLog(SourceError):
    """Report a log that no longer has, or does not yet have, what comes behind the position that was learned."""

    code = "trimmed_log"
