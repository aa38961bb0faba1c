"""Send what the store has to send: predictions, and messages that could not be used (dead letters).

Both are written in the transaction of the rows that they come from, sent afterwards, and forgotten with the next commit. So none is
missing after a crash, and one that was sent twice has the same name both times.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from headwater.errors import HeadwaterError
from headwater.store.journal.events import Predictions
from headwater.store.journal.source_tables import DEAD_LETTERS, PREDICTIONS
from headwater.store.service.model import Model
from headwater.store.service.service import Service
from headwater.store.sources.retrying import Retrying
from headwater.store.sources.rows import Row
from headwater.store.sources.status import State
from headwater.streams.brokers import MessageTooLarge, Outgoing, Sink, open_sink, read_address

__all__ = ["Outbox"]

LETTER_BYTES = 700_000
"""Bytes of a refused message that a dead letter holds: in base64 still below the 1 MB that NATS and Kafka take by default."""
_SENT_BYTES = 900_000
"""Bytes of a prediction beyond which its probabilities are left out, for the same reason."""
_AT_ONCE = 512


@dataclass(slots=True)
class _Lane:
    """Where messages of one sort go, and the number of the last one that is there."""

    sink: Sink
    sender: str
    sent: int = 0


class Outbox:
    """What goes out of a followed source.

    Parameters
    ----------
    service, model, source
        The open store, the model in it, and the name of the source.
    predictions, dead_letters : str, optional
        The addresses that both go to.
    retrying : Retrying
        What waits for sinks that are away.
    """

    def __init__(
        self,
        service: Service,
        model: Model,
        source: str,
        *,
        predictions: str | None,
        dead_letters: str | None,
        retrying: Retrying,
    ) -> None:
        self._service, self._model, self._source, self._retrying = service, model, source, retrying
        self.gaps = len(service.sources.gaps(model.id, source))
        """How many gaps were accepted: the log behind one may have the positions of the log before again."""
        sender = f"{service.id}.{model.id}"
        self._lanes: dict[str, _Lane] = {}
        if predictions is not None:
            self._lanes[PREDICTIONS] = _Lane(open_sink(read_address(predictions)), sender)
        if dead_letters is not None:
            self._lanes[DEAD_LETTERS] = _Lane(open_sink(read_address(dead_letters)), f"{sender}.dead")

    @property
    def predicts(self) -> bool:
        """Whether predictions go out."""
        return PREDICTIONS in self._lanes

    @property
    def takes_dead_letters(self) -> bool:
        """Whether refused messages go out."""
        return DEAD_LETTERS in self._lanes

    # ---- what is to be sent ------------------------------------------------------------------------------------------

    def prediction(self, row: Row, guess: Predictions) -> tuple[str, str, bytes]:
        """Return a prediction as the store keeps it until it is sent: its lane, its name, the message."""
        said, proba = guess[self._model.champion.name]
        part = row.message.partition
        body = self._place(part, row) | ({"key": row.key} if row.key else {}) | {"y_pred": said}
        shares = {} if proba is None else {"proba": {str(label): p for label, p in proba.items()}}
        message = _encoded(body | shares)
        if len(message) > _SENT_BYTES:
            message = _encoded(body)
        return PREDICTIONS, self._name(PREDICTIONS, part, row), message

    def dead_letter(self, part: str, row: Row) -> tuple[str, str, bytes]:
        """Return a refused message as the store keeps it until it is sent."""
        body = self._place(part, row) | {"reason": row.reason, "detail": row.detail or row.reason}
        key = row.message.key
        body |= ({} if key is None else {"key": key[:_KEY_CHARACTERS]}) | _value(row.message.value)
        return DEAD_LETTERS, self._name(DEAD_LETTERS, part, row), _encoded(body)

    def _place(self, part: str, row: Row) -> dict[str, Any]:
        """Return what names a message for ever: where it stood in which source, and the model of which store read it."""
        where = {"source": self._source, "partition": part, "position": row.message.position}
        again = {"gap": self.gaps} if self.gaps else {}
        return where | again | {"store": self._service.id, "model": self._model.name}

    def _name(self, lane: str, part: str, row: Row) -> str:
        again = f"@{self.gaps}" if self.gaps else ""
        return f"{self._lanes[lane].sender}:{part}:{row.message.position}{again}"

    # ---- sending -----------------------------------------------------------------------------------------------------

    def sent(self) -> dict[str, int]:
        """Return by lane the number of the last message that its broker has, where the store does not know of it yet."""
        return {name: lane.sent for name, lane in self._lanes.items() if lane.sent}

    def forgotten(self, sent: dict[str, int]) -> None:
        """Hear that the store has forgotten everything up to these numbers."""
        for name, number in sent.items():
            if self._lanes[name].sent == number:
                self._lanes[name].sent = 0

    def send(self) -> None:
        """Send what the store has to send, and wait for sinks that are away.

        Raises
        ------
        SourceError
            If a sink takes nothing, or stays away.
        """
        for name, lane in self._lanes.items():
            while rows := self._waiting(name, lane):
                self._retrying.run(State.WAITING_FOR_SINK, lambda lane=lane, rows=rows: self._send(lane, rows))  # type: ignore[misc]
                lane.sent = rows[-1].number

    def _waiting(self, name: str, lane: _Lane) -> list[Outgoing]:
        rows = self._service.sources.outbox(self._model.id, self._source, name, lane.sent, _AT_ONCE)
        return [Outgoing(*row, lane.sender) for row in rows]

    def _send(self, lane: _Lane, rows: list[Outgoing]) -> None:
        try:
            self._deliver(lane, rows)
        except HeadwaterError:
            lane.sink.close()  # the next attempt begins with a new connection
            raise

    def _deliver(self, lane: _Lane, rows: list[Outgoing]) -> None:
        try:
            lane.sink.send(self._source, rows)
        except MessageTooLarge:
            lane.sink.close()  # with what it has not sent yet
            for row in rows:  # each alone; what was there before the large one is known by its name
                self._send_cut(lane, row)

    def _send_cut(self, lane: _Lane, row: Outgoing) -> None:
        """Send a message; where it is too large for the sink, without its largest part."""
        try:
            lane.sink.send(self._source, [row])
        except MessageTooLarge:
            lane.sink.close()
            body = {name: value for name, value in msgspec.json.decode(row.value).items() if name not in _LARGE}
            lane.sink.send(self._source, [row._replace(value=_encoded(body | {"cut": True}))])

    def close(self) -> None:
        """Let the connections go."""
        for lane in self._lanes.values():
            lane.sink.close()


_KEY_CHARACTERS = 1000
_LARGE = ("value", "encoding", "proba")


def _encoded(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body, enc_hook=str)


def _value(value: bytes) -> dict[str, Any]:
    """Return a message as JSON holds it: as text where it is one, else in base64, and cut where it is too large."""
    kept = value[:LETTER_BYTES]
    size = {} if len(kept) == len(value) else {"size": len(value), "cut": True}
    try:
        text = kept.decode()
    except UnicodeDecodeError:
        text = "\0"
    # PostgreSQL's JSON has no word for a NUL.
    if "\0" not in text and len(_encoded({"value": text})) <= LETTER_BYTES * 4 // 3 + 64:
        return {"value": text} | size
    return {"value": base64.b64encode(kept).decode(), "encoding": "base64"} | size
