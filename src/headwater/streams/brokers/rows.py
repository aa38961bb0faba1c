"""Read a broker's messages as blocks of rows, for a session that stores positions in its model file."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.streams.block import Block
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.formats import decoder
from headwater.streams.brokers.opening import open_source
from headwater.streams.brokers.protocol import BEGUN, BrokerGone, Message, TrimmedLog, check_begin
from headwater.streams.files.rejects import Rejects

__all__ = ["BrokerRows"]

_BLOCK = 512
_WAIT_S = 0.5
_NEEDS_STORE = {"answers": "answers= of another topic", "id": "id=, because a model file remembers no ids"}
_GAPS = "gaps"
"""Key of the accepted gaps, one per line, beside a source's positions."""


class BrokerRows:
    """Rows of a broker's topic after a position, in blocks that carry their end position.

    Parameters
    ----------
    address
        Address of the topic.
    positions
        Positions read so far, by source name.
    rejects
        Counts messages that can't be decoded.
    target
        Column of the labels; None leaves rows whole.
    drop
        Columns to leave out.

    Raises
    ------
    ConfigError
        If this source needs a store, for labels of another topic, ids of examples or a broker that can't repeat messages.
    MissingExtra
        If the broker's client is not installed.
    """

    def __init__(
        self,
        address: Address,
        positions: Mapping[str, Mapping[str, str]],
        rejects: Rejects,
        *,
        target: str | None,
        drop: Collection[str] = (),
    ) -> None:
        self._source, self._decode = open_source(address), decoder(address, target)
        needs = [
            *(_NEEDS_STORE[option] for option in _NEEDS_STORE if option in address.options),
            *([] if self._source.replays else [f"{address.scheme}://, which can't repeat messages"]),
        ]
        if needs:
            raise ConfigError(
                expected="a store for " + " and ".join(needs),
                got="none",
                at=address.at,
                help="Give --store FILE, or use hw.open(FILE).learn_from(…).",
                code="needs_store",
            )
        self._address, self._target = address, target
        self._positions = dict(positions.get(address.name, {}))
        check_begin(address, self._positions)
        self._gaps, begun = self._positions.pop(_GAPS, ""), self._positions.pop(BEGUN, None)
        self._begun = begun if self._positions or address.begins is None else str(address.begins)
        own = (address.options.get("key"), address.options.get("id"))
        self._drop = [*drop, *(name for name in own if name)]
        self._rejects, self._number = rejects, 0

    def blocks(self) -> Iterator[Block]:
        """Yield rows as they arrive, and an empty block after half a second without any, until ``idle=`` seconds without."""
        most = int(self._address.number("block", _BLOCK))
        idle_s = self._address.number("idle", 1e9)
        wait_s = min(_WAIT_S, idle_s)
        heard, opened = time.monotonic(), False
        while time.monotonic() - heard < idle_s:
            try:
                if not opened:
                    self._positions |= dict(self._source.open(self._positions))
                    self._positions |= dict(self._source.marks())
                    opened = True
                messages = self._source.read(most, wait_s)
            except TrimmedLog as gap:
                self._skip(gap)
                opened = False
                continue
            if not messages:
                yield self._block([])
                continue
            self._positions |= dict(self._source.marks())
            self._positions |= {message.partition: message.position for message in messages}
            yield self._block([row for message in messages if (row := self._row(message)) is not None])
            heard = time.monotonic()

    def _skip(self, gap: TrimmedLog) -> None:
        """Skip messages that no longer exist if the address allows it, and record the gap beside the position."""
        new = {part: at for part, at in (self._positions | gap.go_on).items() if at}
        if not self._address.accepts_gap or new == self._positions:
            raise gap
        self._source.close()
        self._positions, self._gaps = new, f"{self._gaps}{gap}\n"

    def _block(self, rows: list[tuple[int, dict[str, Any]]]) -> Block:
        target = self._target
        y = [None if target is None else x.pop(target, None) for _, x in rows]
        begun = {} if self._begun is None else {BEGUN: self._begun}
        position = (self._address.name, self._positions | begun | ({_GAPS: self._gaps} if self._gaps else {}))
        return Block([x for _, x in rows], y, [number for number, _ in rows], position=position)

    def _row(self, message: Message) -> tuple[int, dict[str, Any]] | None:
        self._number += 1
        try:
            x = self._decode(message.value)
        except BrokerGone:  # from a registry, so the schema is unknown for now
            raise
        except DataError as error:
            self._rejects.add(f"not {error.expected}", line=self._number, row=message.value.decode("utf-8", "replace"))
            return None
        return None if x is None else (self._number, {name: x[name] for name in x if name not in self._drop})

    def close(self) -> None:
        """Close the connection."""
        self._source.close()
