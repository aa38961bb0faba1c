"""Follow a broker: read, journal the rows together with how far was read, learn, and only then let the broker know.

Rows, positions, what waits for its answer, predictions to send and messages that can't be used are one transaction of the store.
So whatever ends the process, or the broker's, the next start goes on where the weights stand: no row is lost and none is learned
twice, to the bit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.learner.kinds import check_can
from headwater.store.journal.events import JournalEvent, PendingPrediction, Predictions, pack_pending, unpack_pending
from headwater.store.journal.requests import SourceRequest
from headwater.store.service.model import Model
from headwater.store.service.service import Service
from headwater.store.sources.rows import Columns, Row, read_rows, refused
from headwater.streams.brokers import (
    Address,
    BrokerGone,
    Decode,
    Message,
    Outgoing,
    Sink,
    Source,
    decoder,
    open_sink,
    open_source,
    read_address,
)

__all__ = ["Followed", "Follower"]

_T = TypeVar("_T")
_BLOCK = 512  # messages journaled as one
_WAIT_S = 0.5
_WAIT_JOINED_S = 0.05  # where two topics are read in turns
_PATIENCE_S = 300.0  # for a broker that is gone
_SLEEPS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ANSWERS = "answers/"


@dataclass(frozen=True, slots=True)
class Followed:
    """How a followed source stands.

    Parameters
    ----------
    source
        Its name in the store.
    read, learned
        Messages that were read, and rows that were learned, since the store first followed it.
    waiting
        Rows that wait for their answer.
    early
        Answers that wait for their row.
    counts
        What else was counted: refused messages by reason, repeated ones, and rows whose answer never came.
    """

    source: str
    read: int
    learned: int
    waiting: int = 0
    early: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Feed:
    """One topic that is read: of rows, or of answers."""

    source: Source
    address: Address
    prefix: str

    def close(self) -> None:
        """Let go of the source that is open now, which may be another than the first."""
        self.source.close()

    def positions(self, all_: dict[str, str]) -> dict[str, str]:
        """Return those of this topic."""
        answers = self.prefix == _ANSWERS
        return {k.removeprefix(self.prefix): v for k, v in all_.items() if k.startswith(_ANSWERS) == answers}


class Follower:
    """A model that learns from a broker's topic.

    Parameters
    ----------
    service, model
        The open store, and the model in it.
    source : str
        The address.
    target : str
        The column of the answers.
    predictions : str, optional
        The address that predictions go to, each made before its row was learned.
    decode : callable, optional
        What makes a row of a message's bytes, in place of the address' ``format=``; None passes a message over.
    drop : collection of str
        Columns that are no features.
    """

    def __init__(
        self,
        service: Service,
        model: Model,
        source: str,
        *,
        target: str,
        predictions: str | None = None,
        decode: Decode | None = None,
        drop: Collection[str] = (),
    ) -> None:
        address = read_address(source)
        self.service, self.model, self.name = service, model, address.name
        self._decode = decode or decoder(address)
        options = address.options
        self._columns = Columns(target, options.get("key", ""), options.get("id", ""), drop)
        self._most, self._block = int(address.number("wait", 100_000)), int(address.number("block", _BLOCK))
        self._idle_s = address.number("idle", 1e9) if "idle" in options else None
        self._feeds = [_Feed(open_source(address), address, "")]
        if "answers" in options:
            answers = address.elsewhere(options["answers"])
            self._feeds.append(_Feed(open_source(answers), answers, _ANSWERS))
        self._joins = len(self._feeds) > 1
        if self._joins or predictions is not None:
            check_can(model.champion.learner, "late", at=address.name)
        self._sink: Sink | None = None if predictions is None else open_sink(read_address(predictions))
        self._sent = 0
        self._nap = threading.Event()
        self.patience_s = _PATIENCE_S

    def run(
        self,
        *,
        limit: int | None = None,
        ends: Callable[[], bool] = lambda: False,
        on_commit: Callable[[int], object] | None = None,
    ) -> Followed:
        """Follow until ``limit`` messages were read, the source was silent for ``idle=`` seconds, or ``ends()``.

        Raises
        ------
        SourceError
            If the source can't be read, or no longer has what comes behind the position that was learned.
        StoreError
            If the store can't be written.
        """
        with ExitStack() as stack:
            self._claim(stack)
            for feed in self._feeds:
                stack.callback(feed.close)
                self._again(feed, lambda: None)
            if self._sink is not None:
                stack.callback(self._sink.close)
                self._send()
            self._follow(limit, ends, on_commit)
            if self._sent:
                self._commit(SourceRequest(self.model.id, self.name, {}, sent=self._sent))
        return self.state()

    def _follow(self, limit: int | None, ends: Callable[[], bool], on_commit: Callable[[int], object] | None) -> None:
        read, heard = 0, time.monotonic()
        while not ends() and (limit is None or read < limit):
            n = 0
            if self.model.paused:
                self._nap.wait(_WAIT_S)
                continue
            for feed in self._feeds:
                most = self._block if limit is None or feed.prefix else min(self._block, limit - read)
                messages = self._read(feed, most)
                self._take(feed, messages)
                n += len(messages)
                read += 0 if feed.prefix else len(messages)
            if n:
                heard = time.monotonic()
                if on_commit is not None:
                    on_commit(n)
            elif self._idle_s is not None and time.monotonic() - heard >= self._idle_s:
                return

    def state(self) -> Followed:
        """Return how the source stands."""
        tables, of = self.service.sources, (self.model.id, self.name)
        counts = tables.tallies(*of)
        read, learned = counts.pop("read", 0), counts.pop("learned", 0)
        waiting = (tables.waiting(*of, "row"), tables.waiting(*of, "answer"))
        return Followed(self.name, read, learned, *waiting, counts)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _claim(self, stack: ExitStack) -> None:
        of = (self.model.id, self.name)
        if of in self.service.sources.followed:
            raise ConfigError(
                expected="a source that this model doesn't follow yet",
                got=self.name,
                at=self._feeds[0].address.at,
                help="Follow it once; name= tells two sources of the same topic apart.",
            )
        self.service.make_source_tables()
        self.service.sources.followed.add(of)
        stack.callback(self.service.sources.followed.discard, of)

    def _read(self, feed: _Feed, most: int) -> Sequence[Message]:
        wait_s = _WAIT_JOINED_S if self._joins else min(_WAIT_S, self._idle_s or _WAIT_S)
        try:
            return feed.source.read(most, wait_s)
        except BrokerGone:
            return self._again(feed, lambda: feed.source.read(most, wait_s))

    def _again(self, feed: _Feed, what: Callable[[], _T]) -> _T:
        """Open a source where the store stands, however often the broker goes, and do something with it."""
        since, tries = time.monotonic(), 0
        while True:
            known = feed.positions(self.service.sources.positions(self.model.id, self.name))
            try:
                begun = feed.source.open(known)
                new = {feed.prefix + part: at for part, at in begun.items() if part not in known}
                if new:  # where it begins is kept before anything is read
                    self._commit(SourceRequest(self.model.id, self.name, new))
                return what()
            except BrokerGone:
                with suppress(HeadwaterError, OSError):
                    feed.source.close()
                # One that was never there is a wrong address rather than a broker that is starting.
                if not known or time.monotonic() - since >= self.patience_s:
                    raise
                self._nap.wait(_SLEEPS_S[min(tries, len(_SLEEPS_S) - 1)])
                tries += 1
                feed.source = open_source(feed.address)

    # ---- committing --------------------------------------------------------------------------------------------------

    def _take(self, feed: _Feed, messages: Sequence[Message]) -> None:
        """Journal and learn messages; where the store refuses something, each alone, so that only that one is left out."""
        if not messages:
            return
        rows = read_rows(messages, self._decode, self._columns, self.model.task, joins=self._joins)
        request = self._request(feed, messages, rows)
        refusal = self._commit(request)
        if refusal is not None and len(messages) > 1:
            for message in messages:
                self._take(feed, [message])
            return
        if refusal is not None:
            self._commit(self._request(feed, messages, [refused(messages[0], refusal)]))
        positions = {message.partition: message.position for message in messages}
        feed.source.committed(positions)
        if self._sink is not None and request.outgoing:
            self._send()

    def _commit(self, request: SourceRequest) -> HeadwaterError | None:
        refusal = self.service.commit([request])[0]
        if isinstance(refusal, StoreError):
            raise refusal
        if refusal is None and request.sent == self._sent:
            self._sent = 0
        return refusal

    def _request(self, feed: _Feed, messages: Sequence[Message], rows: list[Row]) -> SourceRequest:
        positions = {feed.prefix + message.partition: message.position for message in messages}
        request = SourceRequest(self.model.id, self.name, positions, most_waiting=self._most, sent=self._sent)
        for row in rows:
            if row.reason:
                self._refuse(request, feed, row)
        good = [row for row in rows if not row.reason]
        if feed.prefix:
            self._join_answers(request, feed, good)
        else:
            request.counts["read"] = len(messages)
            self._join_rows(request, feed, good)
        return request

    def _refuse(self, request: SourceRequest, feed: _Feed, row: Row) -> None:
        where = (feed.prefix + row.message.partition, row.message.position)
        request.rejects.append((*where, row.detail or row.reason, row.message.value))
        request.counts[row.reason] = request.counts.get(row.reason, 0) + 1

    def _join_rows(self, request: SourceRequest, feed: _Feed, rows: list[Row]) -> None:
        """Learn rows whose answer is known, and let the others wait for theirs."""
        early = self._found("answer", rows)
        waiting = self._found("row", rows)
        guesses: list[Predictions | None] = [None] * len(rows)
        if self._sink is not None or self._joins:
            guesses[:], seq, _ = self.model.predict([row.x for row in rows], shadows=True) if rows else ([], 0, {})
        for row, guess in zip(rows, guesses, strict=True):
            if row.y is None and row.key in early:
                number, body = early.pop(row.key)
                request.joined.append(number)
                row.y = msgspec.msgpack.decode(body)
            if row.y is not None:
                request.events.append(self._event(row, guess))
            elif self._joins and row.key in waiting:
                row.reason = "its key waits for an answer already"
                self._refuse(request, feed, row)
                continue
            elif self._joins and guess is not None:
                waiting[row.key] = (0, b"")
                request.waiting.append(("row", row.key, pack_pending(PendingPrediction(row.x, guess, seq))))
            elif self._sink is None:
                row.reason = "the answer is missing"
                self._refuse(request, feed, row)
            if self._sink is not None and guess is not None:
                request.outgoing.append(self._outgoing(row, guess))

    def _join_answers(self, request: SourceRequest, feed: _Feed, rows: list[Row]) -> None:
        """Learn the rows that these are the answers of; an answer that comes before its row waits for it."""
        waiting = self._found("row", rows)
        early = self._found("answer", rows)
        for row in rows:
            if row.y is None:
                row.reason = "the answer is missing"
            elif row.key in early:
                row.reason = "an answer of this key waits already"
            elif row.key in waiting:
                number, body = waiting.pop(row.key)
                pending = unpack_pending(body)
                request.joined.append(number)
                request.events.append(JournalEvent(pending.x, row.y, predicted=pending.predicted))
            else:
                early[row.key] = (0, b"")
                request.waiting.append(("answer", row.key, msgspec.msgpack.encode(row.y)))
            if row.reason:
                self._refuse(request, feed, row)

    def _found(self, what: str, rows: list[Row]) -> dict[str, tuple[int, bytes]]:
        if not self._joins:
            return {}
        return self.service.sources.found(self.model.id, self.name, what, [row.key for row in rows])

    def _event(self, row: Row, guess: Predictions | None) -> JournalEvent:
        name = None if row.id is None else f"{self.name}:{row.id}"
        return JournalEvent(row.x, row.y, None, name, guess)

    # ---- sending -----------------------------------------------------------------------------------------------------

    def _outgoing(self, row: Row, guess: Predictions) -> tuple[str, bytes]:
        said, proba = guess[self.model.champion.name]
        where = {"source": self.name, "partition": row.message.partition, "position": row.message.position}
        body: dict[str, Any] = where | ({"key": row.key} if row.key else {}) | {"y_pred": said}
        if proba is not None:
            body["proba"] = {str(label): p for label, p in proba.items()}
        return f"{row.message.partition}:{row.message.position}", msgspec.json.encode(body, enc_hook=str)

    def _send(self) -> None:
        """Send what the store has to send; it is forgotten with the next commit."""
        if self._sink is None:
            return
        of = (self.model.id, self.name)
        while rows := self.service.sources.outbox(*of, self._sent, _BLOCK):
            self._sink.send(self.name, [Outgoing(*row) for row in rows])
            self._sent = rows[-1][0]
