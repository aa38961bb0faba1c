"""Send predictions and rejected messages (dead letters) from the store's outbox.

Both are written in the transaction of their rows, sent afterwards, and deleted with the next commit. So none is lost in a crash,
and a message sent twice has the same name both times.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from headwater.errors import HeadwaterError
from headwater.store.journal.events import Issued
from headwater.store.journal.source_tables import DEAD_LETTERS, PREDICTIONS
from headwater.store.service.model import Model
from headwater.store.service.service import Service
from headwater.store.sources.retrying import Retrying
from headwater.store.sources.rows import Row
from headwater.store.sources.status import State
from headwater.streams.brokers import MessageTooLarge, Outgoing, Sink, open_sink, read_address

__all__ = ["Outbox"]

LETTER_BYTES = 700_000
"""Maximum bytes of a rejected message in a dead letter, which in base64 stays below the 1 MB default of NATS and Kafka."""
_SENT_BYTES = 900_000
"""Maximum bytes of a prediction with probabilities, for the same reason. Larger ones are sent without."""
_AT_ONCE = 512


@dataclass(slots=True)
class _Lane:
    """A sink for one sort of messages, and the number of the last message sent."""

    sink: Sink
    sender: str
    sent: int = 0


class Outbox:
    """Outgoing messages of a followed source.

    Parameters
    ----------
    service, model, source
        The open store, the model in it, and the name of the source.
    predictions, dead_letters : str, optional
        The addresses of both sinks.
    retrying : Retrying
        Retries unavailable sinks.
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
        """Number of accepted gaps. A log after a gap may reuse the positions of the log before."""
        sender = f"{service.id}.{model.id}"
        self._lanes: dict[str, _Lane] = {}
        if predictions is not None:
            self._lanes[PREDICTIONS] = _Lane(open_sink(read_address(predictions)), sender)
        if dead_letters is not None:
            self._lanes[DEAD_LETTERS] = _Lane(open_sink(read_address(dead_letters)), f"{sender}.dead")

    @property
    def predicts(self) -> bool:
        """Whether predictions are sent."""
        return PREDICTIONS in self._lanes

    @property
    def takes_dead_letters(self) -> bool:
        """Whether rejected messages are sent."""
        return DEAD_LETTERS in self._lanes

    # ---- messages ----------------------------------------------------------------------------------------------------

    def prediction(self, row: Row, guess: Issued) -> tuple[str, str, bytes]:
        """Return a prediction as an outbox entry (lane, name, message)."""
        said, proba = guess[self._model.champion.name]
        part = row.message.partition
        body = self._place(part, row) | ({"key": row.key} if row.key else {}) | {"y_pred": said}
        shares = {} if proba is None else {"proba": {str(label): p for label, p in proba.items()}}
        message = _encoded(body | shares)
        if len(message) > _SENT_BYTES:
            message = _encoded(body)
        return PREDICTIONS, self._name(PREDICTIONS, part, row), message

    def dead_letter(self, part: str, row: Row) -> tuple[str, str, bytes]:
        """Return a rejected message as an outbox entry."""
        body = self._place(part, row) | {"reason": row.reason, "detail": row.detail or row.reason}
        key = row.message.key
        body |= ({} if key is None else {"key": key[:_KEY_CHARACTERS]}) | _value(row.message.value)
        return DEAD_LETTERS, self._name(DEAD_LETTERS, part, row), _encoded(body)

    def _place(self, part: str, row: Row) -> dict[str, Any]:
        """Return the permanent identity of a message (source, partition, position, store and model)."""
        where = {"source": self._source, "partition": part, "position": row.message.position}
        again = {"gap": self.gaps} if self.gaps else {}
        return where | again | {"store": self._service.id, "model": self._model.name}

    def _name(self, lane: str, part: str, row: Row) -> str:
        again = f"@{self.gaps}" if self.gaps else ""
        return f"{self._lanes[lane].sender}:{part}:{row.message.position}{again}"

    # ---- sending -----------------------------------------------------------------------------------------------------

    def sent(self) -> dict[str, int]:
        """Return the last sent number by lane, as far as the store doesn't know it yet."""
        return {name: lane.sent for name, lane in self._lanes.items() if lane.sent}

    def forgotten(self, sent: dict[str, int]) -> None:
        """Note that the store has deleted everything up to these numbers."""
        for name, number in sent.items():
            if self._lanes[name].sent == number:
                self._lanes[name].sent = 0

    def send(self) -> None:
        """Send all entries of the outbox, waiting for unavailable sinks.

        Raises
        ------
        SourceError
            If a sink rejects messages, or stays unavailable.
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
            lane.sink.close()  # the next attempt opens a new connection
            raise

    def _deliver(self, lane: _Lane, rows: list[Outgoing]) -> None:
        try:
            lane.sink.send(self._source, rows)
        except MessageTooLarge:
            lane.sink.close()  # drops what it has not sent yet
            for row in rows:  # one by one, since the sink recognizes repeated names
                self._send_cut(lane, row)

    def _send_cut(self, lane: _Lane, row: Outgoing) -> None:
        """Send a message, dropping its largest part if it is too large for the sink."""
        try:
            lane.sink.send(self._source, [row])
        except MessageTooLarge:
            lane.sink.close()
            body = {name: value for name, value in msgspec.json.decode(row.value).items() if name not in _LARGE}
            lane.sink.send(self._source, [row._replace(value=_encoded(body | {"cut": True}))])

    def close(self) -> None:
        """Close the sinks."""
        for lane in self._lanes.values():
            lane.sink.close()


_KEY_CHARACTERS = 1000
_LARGE = ("value", "encoding", "proba")


def _encoded(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body, enc_hook=str)


def _value(value: bytes) -> dict[str, Any]:
    """Return a message as JSON fields, as text if possible, else base64, cut if too large."""
    kept = value[:LETTER_BYTES]
    size = {} if len(kept) == len(value) else {"size": len(value), "cut": True}
    try:
        text = kept.decode()
    except UnicodeDecodeError:
        text = "\0"
    # PostgreSQL's JSON can't hold a NUL character.
    if "\0" not in text and len(_encoded({"value": text})) <= LETTER_BYTES * 4 // 3 + 64:
        return {"value": text} | size
    return {"value": base64.b64encode(kept).decode(), "encoding": "base64"} | size
