"""What a broker has to be able to do: open at a position, read, and hear how far its messages are kept.

The position of a source belongs to whoever learns from it, never to the broker: it is kept beside the weights, in the same
transaction as the rows. So a crash on either side loses nothing and learns nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from headwater.errors import SourceError

__all__ = [
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
    "lost",
]

Positions = Mapping[str, str]
"""By partition the position of the last message that is kept; reading goes on behind it. Only its source can read it.

Under `LOG` stands which log they belong to.
"""

LOG = "log"


class Log(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which log positions belong to: one that was deleted and made anew has the same name and is another.

    Parameters
    ----------
    id
        What the broker calls it; empty where it doesn't say.
    unread
        How many messages were known to follow the position, when it was kept.
    first
        The end of the log when it was first met. What was deleted inside before that is nobody's loss.
    seen
        How far it was looked through without finding a message; 0 where that is the position itself.
    lost
        Whether the broker let messages go, which it would not say a second time.
    """

    id: str = ""
    unread: int = 0
    first: int = 0
    seen: int = 0
    lost: bool = False

    @classmethod
    def read(cls, positions: Positions) -> Log | None:
        """Return the log that positions belong to; None where they were kept by a version that didn't say."""
        return msgspec.json.decode(positions[LOG], type=cls) if LOG in positions else None

    def write(self) -> dict[str, str]:
        """Return it as `Positions` hold it."""
        return {LOG: msgspec.json.encode(self).decode()}


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
    passed
        Why it is passed over and only counted; empty for a row.
    """

    partition: str
    position: str
    value: bytes
    key: str | None = None
    passed: str = ""


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
        """Return the next messages, ``most`` at most; nothing if none comes within ``wait_s`` seconds.

        Raises
        ------
        TrimmedLog
            If messages before them are there no longer.
        BrokerGone
            If the broker can't be reached.
        """
        ...

    def marks(self) -> Positions:
        """Return what belongs to the positions of the messages read so far: the log, and where new partitions begin."""
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
    """Report a log that no longer has, or does not yet have, what follows the position that was learned.

    Parameters
    ----------
    gone
        How many messages are gone at least.
    most
        How many at most, which is the same number where the broker can tell; None where nothing bounds it.
    go_on
        The positions to go on from without them; nothing where there are none. A partition that is there no longer has "".
    keep
        What is kept also where nobody accepts the gap, since the broker would not say it again.
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


def lost(least: int, most: int | None) -> str:
    """Say how many messages are gone.

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


_ACCEPT = "Restore them, or go on without them: --accept-gap, in Python accept_gap=True. The store notes how many."
