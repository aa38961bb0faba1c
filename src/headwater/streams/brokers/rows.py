"""A broker's messages as blocks of rows, for a session that keeps its positions in the file of its model."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.streams.block import Block
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.formats import decoder
from headwater.streams.brokers.opening import open_source
from headwater.streams.brokers.protocol import BrokerGone, Message, TrimmedLog
from headwater.streams.rejects import Rejects

__all__ = ["BrokerRows"]

_BLOCK = 512
_WAIT_S = 0.5
_GAPS = "gaps"
"""What the notes have beside a source's positions: a line for each gap that was accepted."""


class BrokerRows:
    """The rows of a broker's topic behind a position, block by block, each with the position that it ends at.

    Parameters
    ----------
    address
        The topic's.
    positions
        How far each source was read before, by its name.
    rejects
        Where messages that can't be decoded are counted.
    target
        The column of the answers; None leaves rows whole.
    drop
        Columns to leave out.

    Raises
    ------
    ConfigError
        If this source needs a store: answers of another topic, or a broker that can't send a message again.
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
        self._source, self._decode = open_source(address), decoder(address)
        needs = "answers= of another topic" if "answers" in address.options else ""
        needs = needs or ("" if self._source.replays else f"{address.scheme}://, which sends nothing again")
        if needs:
            raise ConfigError(
                expected="a store for " + needs,
                got="none",
                at=address.at,
                help="Give --store FILE, or use hw.open(FILE).learn_from(…).",
                code="needs_store",
            )
        self._address, self._target = address, target
        self._positions = dict(positions.get(address.name, {}))
        self._gaps = self._positions.pop(_GAPS, "")
        own = (address.options.get("key"), address.options.get("id"))
        self._drop = [*drop, *(name for name in own if name)]
        self._rejects, self._number = rejects, 0

    def blocks(self) -> Iterator[Block]:
        """Yield rows as they come, for ever, or until none came for ``idle=`` seconds."""
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
                continue
            self._positions |= dict(self._source.marks())
            self._positions |= {message.partition: message.position for message in messages}
            yield self._block([row for message in messages if (row := self._row(message)) is not None])
            heard = time.monotonic()

    def _skip(self, gap: TrimmedLog) -> None:
        """Go on without messages that are gone, where the address asks for it, and note it beside the position."""
        new = {part: at for part, at in (self._positions | gap.go_on).items() if at}
        if not self._address.accepts_gap or new == self._positions:
            raise gap
        self._source.close()
        self._positions, self._gaps = new, f"{self._gaps}{gap}\n"

    def _block(self, rows: list[tuple[int, dict[str, Any]]]) -> Block:
        target = self._target
        y = [None if target is None else x.pop(target, None) for _, x in rows]
        position = (self._address.name, self._positions | ({_GAPS: self._gaps} if self._gaps else {}))
        return Block([x for _, x in rows], y, [number for number, _ in rows], position=position)

    def _row(self, message: Message) -> tuple[int, dict[str, Any]] | None:
        self._number += 1
        try:
            x = self._decode(message.value)
        except BrokerGone:  # a registry's: nobody knows yet what the message says
            raise
        except DataError as error:
            self._rejects.add(f"not {error.expected}", line=self._number, row=message.value.decode("utf-8", "replace"))
            return None
        return None if x is None else (self._number, {name: x[name] for name in x if name not in self._drop})

    def close(self) -> None:
        """Let the connection go."""
        self._source.close()
