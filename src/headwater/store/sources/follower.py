"""Follow a broker, journaling rows together with the read position before learning and acknowledging them.

Rows, positions, waiting rows and labels, outgoing predictions and rejected messages are one transaction of the store. So whatever
ends this process or the broker's, the next start continues exactly where the weights are. No row is lost or learned twice.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.learner.kind import check_can, kind_of
from headwater.store.journal.database import DAMAGED
from headwater.store.journal.events import Issued, JournalEvent
from headwater.store.journal.requests import Gap, SourceRequest
from headwater.store.journal.source_tables import DEAD_LETTERS, PREDICTIONS
from headwater.store.service.model import Model
from headwater.store.service.service import Service
from headwater.store.sources.outbox import Outbox
from headwater.store.sources.pairs import Pairs
from headwater.store.sources.retrying import PATIENCE, Patience, Retrying, Stopped
from headwater.store.sources.rows import Columns, Row, read_rows, refused
from headwater.store.sources.status import Followed, Monitor, State
from headwater.streams import Uninterrupted
from headwater.streams.brokers import (
    BEGUN,
    Address,
    BrokerGone,
    Decode,
    Message,
    Source,
    TrimmedLog,
    check_begin,
    decoder,
    open_source,
    read_address,
)

__all__ = ["Follower"]

_T = TypeVar("_T")
_BLOCK = 512  # messages per commit
_BLOCK_BYTES = 4_000_000
"""Bytes of messages per commit, which bounds what a commit adds to the store and its outbox."""
_ROW_TIMES = 16
"""Maximum message size in multiples of the row limit, because JSON is larger than the stored row."""
_WAIT_S = 0.5
_WAIT_JOINED_S = 0.05  # when two topics are read alternately
_PUBLISH_S = 1.0
_LAG_S = 5.0  # between two checks of the lag
_MARK_S = 60.0  # between two commits of the position of a silent source
_ANSWERS = "answers/"
_FORGOTTEN = "rows that are on the forget list"
_GONE = "messages that were gone before they were read"


@dataclass(slots=True)
class _Feed:
    """A topic that is read, with rows or with labels."""

    source: Source
    address: Address
    prefix: str
    reader: str
    marked_at: float = 0.0

    def close(self) -> None:
        """Close the current source, which may have been reopened."""
        with suppress(HeadwaterError, OSError):  # the broker may be gone
            self.source.close()

    def renew(self) -> None:
        """Replace a lost source with a new one."""
        self.close()
        self.source = open_source(self.address, self.reader)

    def marks(self) -> dict[str, str]:
        """Return the source's position marks for everything read so far."""
        return {self.prefix + part: at for part, at in self.source.marks().items()}

    def positions(self, all_: dict[str, str]) -> dict[str, str]:
        """Return the positions of this topic."""
        answers = self.prefix == _ANSWERS
        return {k.removeprefix(self.prefix): v for k, v in all_.items() if k.startswith(_ANSWERS) == answers}


class Follower:
    """Train a model from a broker's topic.

    Parameters
    ----------
    service, model
        The open store, and the model in it.
    source : str
        Address of the source.
    target : str, optional
        The label column. Anomaly models need none.
    predictions : str, optional
        Address for predictions, each made before its row was learned.
    dead_letters : str, optional
        Address for rejected messages, each with its reason.
    decode : callable, optional
        Decodes a message's bytes to a row, instead of the address' ``format=``. Returns None to skip a message.
    drop : collection of str
        Columns that are not features.
    accept_gap : bool
        Whether to continue when messages were deleted before they were read. The store records their number.
    patience : Patience
        Retry policy for unavailable brokers, both source and sinks.
    monitor : Monitor, optional
        Publishes the status.
    pauses : callable
        Says whether nothing is to be read for now, asked before each commit.
    """

    def __init__(
        self,
        service: Service,
        model: Model,
        source: str,
        *,
        target: str | None,
        predictions: str | None = None,
        dead_letters: str | None = None,
        decode: Decode | None = None,
        drop: Collection[str] = (),
        accept_gap: bool = False,
        patience: Patience = PATIENCE,
        monitor: Monitor | None = None,
        pauses: Callable[[], bool] = lambda: False,
    ) -> None:
        address = read_address(source)
        self.service, self.model, self.name = service, model, address.name
        options = address.options
        self._columns = _columns(address, target, drop, model)
        self._decode = decode or decoder(address, None if predictions is not None else _taught(address, self._columns))
        self._most, self._block = int(address.number("wait", 100_000)), int(address.number("block", _BLOCK))
        self._idle_s = address.number("idle", 1e9) if "idle" in options else None
        self._accepts = accept_gap or address.accepts_gap
        reader = f"{service.id}/{model.id}"
        self._feeds = [_Feed(open_source(address, reader), address, "", reader)]
        if "answers" in options:
            answers = address.elsewhere(options["answers"])
            self._feeds.append(_Feed(open_source(answers, reader), answers, _ANSWERS, reader))
        self._joins = len(self._feeds) > 1
        if self._joins or predictions is not None:
            _check_late(model, address.name)
        pairs = {"joins": self._joins, "answers": self._columns.answers, "observes": model.observes}
        self._pairs = Pairs(service.sources, model.id, self.name, **pairs)
        self.monitor = monitor or Monitor(self.name, model.name)
        self._patience, self._retrying = patience, Retrying(patience, self.monitor)
        sinks = {"predictions": predictions, "dead_letters": dead_letters}
        self._outbox = Outbox(service, model, self.name, **sinks, retrying=self._retrying)
        self._nap, self._pauses, self._publish_at, self._lag_at = threading.Event(), pauses, 0.0, 0.0
        check_begin(address, service.sources.known(model.id, self.name))

    def run(
        self,
        *,
        limit: int | None = None,
        ends: Callable[[], bool] = lambda: False,
        on_commit: Callable[[int], object] | None = None,
    ) -> Followed:
        """Follow until ``limit`` messages were read, the source was silent for ``idle=`` seconds, or ``ends()`` holds.

        Raises
        ------
        SourceError
            If the source can't be read, no longer has the messages after the learned position, or it or a sink stays unavailable.
        StoreError
            If writing to the store fails.
        """
        self._retrying.ends = ends
        with ExitStack() as stack:
            self._claim(stack)
            stack.callback(self._outbox.close)
            for feed in self._feeds:
                stack.callback(feed.close)
            with suppress(Stopped):
                for feed in self._feeds:
                    self._open(feed)
                self._outbox.send()
                self.monitor.running()
                self._follow(limit, ends, on_commit)
                for feed in self._feeds:
                    self._mark(feed)
            self._forget()
        return self.state()

    def _follow(self, limit: int | None, ends: Callable[[], bool], on_commit: Callable[[int], object] | None) -> None:
        read, heard = 0, time.monotonic()
        while not ends() and (limit is None or read < limit):
            self._publish()
            n = 0
            if self._is_paused():
                self._nap.wait(_WAIT_S)
                continue
            for feed in self._feeds:
                most = self._block if limit is None or feed.prefix else min(self._block, limit - read)
                messages = self._read(feed, most)
                for part in _parts(messages):
                    self._take(feed, part, whole=part[-1] is messages[-1])
                if not messages and time.monotonic() - feed.marked_at >= _MARK_S:
                    self._mark(feed)
                n += len(messages)
                read += 0 if feed.prefix else len(messages)
            if n:
                heard = time.monotonic()
                if on_commit is not None:
                    on_commit(n)
                continue
            self._forget()
            if self._idle_s is not None and time.monotonic() - heard >= self._idle_s:
                return

    def _is_paused(self) -> bool:
        """Return whether nothing is to be read, since the model or the source is paused."""
        if self._pauses():
            self.monitor.paused()
            return True
        if self.monitor.status.state is State.PAUSED:
            self.monitor.running()
        return self.model.paused

    def _forget(self) -> None:
        """Delete sent messages from the store while the source is silent."""
        if sent := self._outbox.sent():
            self._commit(SourceRequest(self.model.id, self.name, {}, sent=sent))

    def state(self) -> Followed:
        """Return the store's counts of the source."""
        tables, of = self.service.sources, (self.model.id, self.name)
        counts = tables.tallies(*of)
        read, learned = counts.pop("read", 0), counts.pop("learned", 0)
        waiting = (tables.waiting(*of, "row"), tables.waiting(*of, "answer"))
        predictions, letters = (counts.pop(lane, 0) for lane in (PREDICTIONS, DEAD_LETTERS))
        return Followed(self.name, read, learned, *waiting, counts, predictions, letters, tables.unsent(*of))

    def _publish(self) -> None:
        """Publish the status at intervals."""
        now = time.monotonic()
        if now < self._publish_at:
            return
        self._publish_at = now + _PUBLISH_S
        lag = self.monitor.status.lag
        if now >= self._lag_at:
            self._lag_at, lag = now + _LAG_S, self._lag()
        self.monitor.publish(self.state(), lag)

    def _lag(self) -> int | None:
        try:
            behind = [feed.source.lag() for feed in self._feeds]
        except HeadwaterError:  # the next read will raise the same error
            return None
        known = [n for n in behind if n is not None]
        return sum(known) if known else None

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _claim(self, stack: ExitStack) -> None:
        of = (self.model.id, self.name)
        if of in self.service.sources.followed:
            raise ConfigError(
                expected="a source that this model doesn't follow yet",
                got=self.name,
                at=self._feeds[0].address.at,
                help="Follow it once. Use name= to distinguish two sources of the same topic.",
            )
        self.service.make_source_tables()
        self.service.sources.followed.add(of)
        stack.callback(self.service.sources.followed.discard, of)

    def _read(self, feed: _Feed, most: int) -> Sequence[Message]:
        wait_s = _WAIT_JOINED_S if self._joins else min(_WAIT_S, self._idle_s or _WAIT_S)
        try:
            with suppress(BrokerGone):
                return feed.source.read(most, wait_s)
        except TrimmedLog as gap:
            self._skip(feed, gap)
        return self._again(feed, lambda: feed.source.read(most, wait_s))

    def _open(self, feed: _Feed) -> None:
        """Open a source at the store's position."""
        if self._known(feed) or self._patience.from_the_start:
            self._again(feed, lambda: None)
        else:  # a source never reached before is more likely a wrong address than a starting broker
            self._begin(feed)

    def _again(self, feed: _Feed, what: Callable[[], _T]) -> _T:
        """Open a source at the store's position, retrying while the broker is away, then call ``what``."""

        def attempt() -> _T:
            feed.renew()
            try:
                self._begin(feed)
                return what()
            except BrokerGone:
                feed.close()
                raise

        while True:
            try:
                return self._retrying.run(State.WAITING_FOR_SOURCE, attempt)
            except TrimmedLog as gap:
                self._skip(feed, gap)

    def _skip(self, feed: _Feed, gap: TrimmedLog) -> None:
        """Continue after lost messages if that was requested, and record their number.

        Raises
        ------
        TrimmedLog
            If that was not requested, or makes no progress.
        """
        if gap.keep:
            kept = {feed.prefix + part: at for part, at in gap.keep.items()}
            self._commit(SourceRequest(self.model.id, self.name, kept))
        known = self._known(feed)
        if not self._accepts or {part: at for part, at in (known | gap.go_on).items() if at} == known:
            raise gap
        positions = {feed.prefix + part: at for part, at in gap.go_on.items()}
        gone = Gap(int(time.time() * 1000), gap.gone, gap.most, str(gap), positions)
        self._commit(SourceRequest(self.model.id, self.name, positions, gaps=[gone], counts={_GONE: gap.gone}))
        self._outbox.gaps += 1

    def _known(self, feed: _Feed) -> dict[str, str]:
        known = feed.positions(self.service.sources.known(self.model.id, self.name))
        return {part: at for part, at in known.items() if part != BEGUN}

    def _begin(self, feed: _Feed) -> None:
        known = self._known(feed)
        begun = {feed.prefix + part: at for part, at in self._opened(feed, known).items()} | feed.marks()
        if not known and feed.address.begins is not None:
            begun[feed.prefix + BEGUN] = str(feed.address.begins)
        new = {part: at for part, at in begun.items() if part.removeprefix(feed.prefix) not in known}
        if new:  # commit the starting position before reading anything
            self._commit(SourceRequest(self.model.id, self.name, new))

    def _opened(self, feed: _Feed, known: dict[str, str]) -> Mapping[str, str]:
        """Open a source at stored positions.

        Raises
        ------
        StoreError
            If they are not positions of such a source.
        """
        try:
            return feed.source.open(known)
        except HeadwaterError:
            raise
        except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
            if not known:
                raise
            got = f"{', '.join(f'{part}={at}' for part, at in known.items())[:200]!r}"
            raise StoreError(
                expected=f"positions of {self.name} as they were stored",
                got=got,
                at=str(self.service.path),
                help=DAMAGED,
            ) from error

    # ---- committing --------------------------------------------------------------------------------------------------

    def _take(self, feed: _Feed, messages: Sequence[Message], *, whole: bool) -> None:
        """Journal and learn messages, bisecting on an error so that only the offending message is rejected.

        ``whole`` tells whether they end with the last message read, so that the source's marks apply.
        """
        refusal = self._try(feed, messages, whole=whole)
        if refusal is not None and len(messages) > 1:
            half = len(messages) // 2
            self._take(feed, messages[:half], whole=False)
            self._take(feed, messages[half:], whole=whole)
            return
        if refusal is not None:
            left_out = self._commit(self._request(feed, messages, [refused(messages[0], refusal)], whole=whole))
            if left_out is not None:
                raise left_out
        feed.marked_at = time.monotonic()
        positions = {message.partition: message.position for message in messages}
        feed.source.committed(positions)
        self.monitor.committed(messages[-1].sent, positions, len(messages))
        self._outbox.send()

    def _try(self, feed: _Feed, messages: Sequence[Message], *, whole: bool) -> Exception | None:
        """Commit messages, or return the error if nothing was committed."""
        rows = self._rows(feed, messages)
        try:
            return self._commit(self._request(feed, messages, rows, whole=whole))
        except StoreError:
            raise
        except Exception as error:
            if self._has(feed, messages[-1]):  # already committed, so a retry would learn it twice
                raise
            return error

    def _rows(self, feed: _Feed, messages: Sequence[Message]) -> list[Row]:
        """Decode messages, retrying while a schema registry is away, because their content is unknown until then."""
        most = _ROW_TIMES * self.service.limits.row_bytes
        how: dict[str, Any] = {"joins": self._joins, "needs_id": not feed.prefix, "most_bytes": most}

        def attempt() -> list[Row]:
            return read_rows(messages, self._decode, self._columns, self.model.champion.learner, **how)

        return self._retrying.run(State.WAITING_FOR_SOURCE, attempt)

    def _has(self, feed: _Feed, message: Message) -> bool:
        """Return whether the store has committed a message."""
        known = self.service.sources.positions(self.model.id, self.name)
        return known.get(feed.prefix + message.partition) == message.position

    def _commit(self, request: SourceRequest) -> HeadwaterError | None:
        with Uninterrupted():
            refusal = self.service.commit([request])[0]
        if isinstance(refusal, StoreError):
            raise refusal
        if refusal is None and request.sent:
            self._outbox.forgotten(request.sent)
        return refusal

    def _mark(self, feed: _Feed) -> None:
        """Commit the position of a silent source."""
        feed.marked_at = time.monotonic()
        known, new = self.service.sources.known(self.model.id, self.name), feed.marks()
        if new != {part: known.get(part) for part in new}:
            self._commit(SourceRequest(self.model.id, self.name, new))

    def _request(self, feed: _Feed, messages: Sequence[Message], rows: list[Row], *, whole: bool) -> SourceRequest:
        positions = feed.marks() if whole else {}
        positions |= {feed.prefix + message.partition: message.position for message in messages}
        request = SourceRequest(self.model.id, self.name, positions, most_waiting=self._most, sent=self._outbox.sent())
        request.counts |= Counter(message.passed for message in messages if message.passed)
        good = self._without_forgotten(request, [row for row in rows if not row.reason])
        self._check_keys(good)
        if feed.prefix:
            self._pairs.add_answers(request, good)
        else:
            request.counts["read"] = len(messages)
            self._add_rows(request, good)
        for row in rows:
            if row.reason:
                self._refuse(request, feed, row)
        return request

    def _without_forgotten(self, request: SourceRequest, rows: list[Row]) -> list[Row]:
        """Leave out rows that the store's forget list names, which a broker that is read again still has."""
        if not self.service.forgotten.entries:
            return rows
        kept = [row for row in rows if not self._is_forgotten(row)]
        if len(kept) < len(rows):
            request.counts[_FORGOTTEN] = len(rows) - len(kept)
        return kept

    def _is_forgotten(self, row: Row) -> bool:
        names = {self._columns.key: row.key, self._columns.id: row.id}
        x = {**row.x, **{column: name for column, name in names.items() if column and name is not None}}
        ids = [f"{of}{self.name}:{row.id}" for of in ("", "e:", "a:") if row.id is not None]
        listed = self.service.forgotten
        return listed.names(JournalEvent(x, row.y)) or listed.names(JournalEvent(row.x, row.y), row.id, *ids)

    def _refuse(self, request: SourceRequest, feed: _Feed, row: Row) -> None:
        where = (feed.prefix + row.message.partition, row.message.position)
        request.rejects.append((*where, row.detail or row.reason, row.message.value))
        request.counts[row.reason] = request.counts.get(row.reason, 0) + 1
        self.monitor.rejected(f"{where[0]} {where[1]}", row.reason)
        if self._outbox.takes_dead_letters:
            request.outgoing.append(self._outbox.dead_letter(where[0], row))

    def _check_keys(self, rows: list[Row]) -> None:
        """Raise DataError for rows of a fleet without a valid key, or with too many keys."""
        learner = self.model.champion.learner
        if "keys" in kind_of(learner).can:
            learner.check_keys([row.x for row in rows], learning=True)

    def _add_rows(self, request: SourceRequest, rows: list[Row]) -> None:
        """Learn rows or store them until their labels arrive, and queue their predictions."""
        guesses: list[Issued | None] = [None] * len(rows)
        seq, predicts = 0, self._outbox.predicts
        if rows and self._joins:
            guesses[:], seq = self.model.predict_kept([row.x for row in rows])
        elif rows and predicts:
            guesses[:], seq, _ = self.model.predict([row.x for row in rows], shadows=True)
        self._pairs.add_rows(request, rows, guesses, seq)
        for row, guess in zip(rows, guesses, strict=True):
            if not predicts and not self._joins and row.y is None and self._columns.answers:
                row.reason = "the answer is missing"
            if predicts and guess is not None and not row.reason and not row.repeated:
                request.outgoing.append(self._outbox.prediction(row, guess))


def _taught(address: Address, columns: Columns) -> str | None:
    """Return the column without which a row teaches nothing; None where labels come by themselves, or aren't needed."""
    return columns.target if columns.answers and "answers" not in address.options else None


def _check_late(model: Model, at: str) -> None:
    """Raise ConfigError for a model that can't predict rows before their answers come, in any order.

    Raises
    ------
    ConfigError
        Says what to do instead.
    """
    check_can(model.champion.learner, "late", at=at)
    if model.in_order:
        raise ConfigError(
            expected="answers beside their rows, and no topic for predictions, of a model that learns in order",
            got="answers that come in any order, or predictions of rows without them",
            at=at,
            help="Send each value when its time comes, or teach late ones by the ids of POST /ask with keep.",
            code="kind",
        )


def _columns(address: Address, target: str | None, drop: Collection[str], model: Model) -> Columns:
    options, answers = address.options, "answers" in kind_of(model.champion.learner).can
    if target is None and answers:
        raise ConfigError(
            expected="the column of the answers",
            got="none",
            at=address.at,
            help="Name it: target=, or --target COLUMN.",
        )
    return Columns(target, options.get("key", ""), options.get("id", ""), drop, answers)


def _parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Split messages into parts that fit one commit."""
    begin = size = 0
    for i, message in enumerate(messages):
        size += len(message.value)
        if size > _BLOCK_BYTES and i > begin:
            yield messages[begin:i]
            begin, size = i, len(message.value)
    if begin < len(messages):
        yield messages[begin:]
