"""Redis streams source and sink, the only file that imports redis.

Streams are read by entry id, so the server stores nothing for the reader. A position is ``id n``, the last stored entry and
the number of entries added up to it. Redis counts the entries ever added and those present, and the difference gives the
number trimmed or deleted before they were read. A recreated stream is detected by the contents of the last entry if it
exists, else by the counts.

Source: https://redis.io/docs/latest/develop/data-types/streams/.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from headwater.errors import SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Log, Message, Outgoing, Positions, TrimmedLog, lost
from headwater.streams.brokers.security import Tls, check_encrypted, hide, login, refusal, tls_of

__all__ = ["RedisSink", "RedisSource"]

_ONLY = "0"  # a stream has no partitions
_PAGE = 10_000  # entries per request when counting
_Entry: TypeAlias = tuple[bytes, dict[bytes, bytes]]
# The last number sent is stored beside the stream, and both are updated atomically.
_SEND = """
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
for i = 2, #ARGV, 3 do
  local number = tonumber(ARGV[i])
  if number > last then
    redis.call('XADD', KEYS[1], '*', 'key', ARGV[i + 1], 'value', ARGV[i + 2])
    last = number
  end
end
redis.call('HSET', KEYS[2], ARGV[1], last)
return last
"""


def _client(address: Address) -> Any:
    tls = tls_of(address)
    check_encrypted(address, encrypted=tls is not None)
    user, password = login(address)
    return redis.Redis(
        host=address.host,
        port=address.port,
        db=int(address.options.get("db", "0")),
        username=user,
        password=None if password is None else password.reveal(),
        socket_connect_timeout=5,
        socket_timeout=30,
        protocol=2,
        retry=Retry(NoBackoff(), 0),  # the caller retries from the stored position
        **({} if tls is None else _encryption(tls)),
    )


def _encryption(tls: Tls) -> dict[str, Any]:
    return {
        "ssl": True,
        "ssl_cert_reqs": "required" if tls.verify else "none",
        "ssl_check_hostname": tls.verify,
        "ssl_ca_certs": tls.ca or None,
        "ssl_certfile": tls.cert or None,
        "ssl_keyfile": tls.key or tls.cert or None,
        # Without a password, OpenSSL would prompt at the terminal.
        "ssl_password": "" if tls.key_password is None else tls.key_password.reveal(),
    }


class RedisSource:
    """Source of a Redis stream.

    Parameters
    ----------
    address
        ``redis://host:6379/stream``; ``db=`` chooses a database.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address, self._base = address, _client(address)
        self._last, self._count = "0-0", 0
        self._witness = ""
        """Id and checksum of the last entry, or "" if it was not read."""
        self._unread = 0
        self._deleted = ""
        """Last deleted entry that is known not to be an unread one."""

    def open(self, positions: Positions) -> Positions:
        if _ONLY in positions:
            self._last, _, count = positions[_ONLY].partition(" ")
            self._count, log = int(count), Log.read(positions) or Log()
            self._witness, self._unread, self._deleted = log.id, log.unread, ""
            self._asked(lambda: self._take(0))
        else:
            info = self._asked(self._info)
            at_end = self._address.options.get("from") == "end"
            self._last = _text(info.get("last-generated-id", "0-0")) if at_end else "0-0"
            self._count = int(info.get("entries-added", 0)) if at_end else _removed(info)
            if (begins := self._address.begins) is not None:
                self._asked(lambda: self._begin_at(begins, info))
        return {_ONLY: f"{self._last} {self._count}"}

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        found = self._asked(lambda: self._take(most))
        if not found and wait_s > 0:
            name, wait_ms = self._address.topic, max(int(wait_s * 1000), 1)
            if self._asked(lambda: self._base.xread({name: self._last}, 1, wait_ms)):
                found = self._asked(lambda: self._take(most))
        out = []
        for entry, fields in found:
            self._last, self._count = entry.decode(), self._count + 1
            key = fields.get(b"key")
            text = None if key is None else key.decode("utf-8", "replace")
            sent = int(self._last.partition("-")[0]) / 1000  # an entry's id begins with the time of its XADD
            out.append(Message(_ONLY, f"{self._last} {self._count}", _value(fields), text, sent=sent))
        if found:
            self._witness, self._unread = _witness(*found[-1]), self._unread - len(found)
        return out

    def marks(self) -> Positions:
        return Log(id=self._witness, unread=max(self._unread, 0)).write()

    def committed(self, positions: Positions) -> None:
        """Do nothing, since XRANGE leaves no state on the server."""

    def lag(self) -> int | None:
        return max(int(self._asked(self._info).get("entries-added", 0)) - self._count, 0)

    def close(self) -> None:
        self._base.close()

    def _take(self, most: int) -> list[_Entry]:
        """Return the entries after the last one, and check in the same transaction that none is missing."""
        both = self._base.pipeline(transaction=True)
        both.xinfo_stream(self._address.topic)
        both.xrange(self._address.topic, self._last, "+", most + 1)
        info, found = both.execute(raise_on_error=False)
        if isinstance(info, redis.ResponseError):  # no such stream
            info = self._none(info)
        if isinstance(found, Exception):
            raise found
        known = bool(found) and found[0][0].decode() == self._last
        self._check(info, found[0] if known else None)
        self._unread = int(info.get("entries-added", 0)) - self._count
        return list(found[1:] if known else found[:most])

    def _info(self) -> dict[str, Any]:
        try:
            return dict(self._base.xinfo_stream(self._address.topic))
        except redis.ResponseError as error:
            return self._none(error)

    def _none(self, error: redis.ResponseError) -> dict[str, Any]:
        """Return the information on a stream that doesn't exist yet."""
        if "no such key" not in str(error):
            raise error
        return {}

    # ---- check that the stream is the same and complete --------------------------------------------------------------

    def _check(self, info: Mapping[str, Any], last: _Entry | None) -> None:
        """Raise TrimmedLog unless all entries after the last one exist. ``last`` is that entry, if it exists."""
        if not info:
            if self._count or self._last != "0-0":
                raise self._replaced("a deleted stream", info)
        elif last is not None and self._witness.startswith(f"{self._last} ") and _witness(*last) != self._witness:
            raise self._replaced("another stream of that name", info)
        elif last is None:
            self._check_counts(info)
        else:
            deleted = _text(info.get("max-deleted-entry-id", "0-0"))
            if deleted != self._deleted and _order(deleted) > _order(self._last):
                self._check_counts(info)
            self._deleted = deleted

    def _check_counts(self, info: Mapping[str, Any]) -> None:
        """Compare the number of entries ever added after the last one with those present."""
        first = info.get("first-entry")
        if "entries-added" not in info:  # before Redis 7
            if self._last == "0-0":
                return
            raise self._replaced("no such entry, and a server older than Redis 7, which has no counts", info)
        every = first is None or _order(_text(first[0])) > _order(self._last)
        behind = int(info["length"]) if every else self._behind(_text(info["last-generated-id"]))
        gone = int(info["entries-added"]) - self._count - behind
        if gone < 0:
            raise self._replaced("a recreated stream of that name", info)
        if gone > 0:
            raise TrimmedLog(
                expected=f"every entry after {self._last}",
                got=f"{gone:,} entries after it that were trimmed or deleted",
                at=self._address.at,
                gone=gone,
                most=gone,
                go_on={_ONLY: f"{self._last} {self._count + gone}", **self.marks()},
            )

    def _begin_at(self, begins: int, info: Mapping[str, Any]) -> None:
        """Begin after the last entry before a time in milliseconds, with which an entry's id begins."""
        before = self._base.xrevrange(self._address.topic, max(begins - 1, 0), "-", 1)
        if before:
            self._last = _text(before[0][0])
            self._count = int(info.get("entries-added", 0)) - self._behind(_text(info["last-generated-id"]))

    def _behind(self, end: str) -> int:
        """Count the entries after the last one, up to another."""
        n, last = 0, self._last
        while some := self._base.xrange(self._address.topic, f"({last}", end, _PAGE):
            n, last = n + len(some), some[-1][0].decode()
        return n

    def _replaced(self, got: str, info: Mapping[str, Any]) -> TrimmedLog:
        least = max(self._unread, 0)
        return TrimmedLog(
            expected=f"the stream that was read up to {self._last}",
            got=f"{got}; {lost(least, None)}",
            at=self._address.at,
            gone=least,
            go_on={_ONLY: f"0-0 {_removed(info)}", **Log(unread=int(info.get("length", 0))).write()},
        )

    def _asked(self, what: Any) -> Any:
        try:
            return what()
        except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError) as error:
            raise _gone(self._address, error) from error
        except redis.RedisError as error:
            raise refusal(self._address, str(error)) or SourceError(
                expected="a stream that can be read",
                got=hide(self._address, str(error)),
                at=self._address.at,
                help="Check the address.",
            ) from error


class RedisSink:
    """Sink to a Redis stream, which adds each prediction once.

    Parameters
    ----------
    address
        ``redis://host:6379/stream``.
    """

    def __init__(self, address: Address) -> None:
        self._address, self._base = address, _client(address)
        self._send = self._base.register_script(_SEND)

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        sender = messages[0].sender
        words: list[Any] = [f"{source}@{sender}" if sender else source]
        for message in messages:
            words += [message.number, message.key, message.value]
        try:
            self._send([self._address.topic, f"{self._address.topic}:sent"], words)
        except redis.RedisError as error:
            raise _gone(self._address, error) from error

    def close(self) -> None:
        self._base.close()


def _value(fields: Mapping[bytes, bytes]) -> bytes:
    """Return an entry's field ``value``, or all its fields as JSON, parsed as numbers where possible."""
    if b"value" in fields:
        return fields[b"value"]
    return msgspec.json.encode({name.decode("utf-8", "replace"): _cell(cell) for name, cell in fields.items()})


def _cell(cell: bytes) -> Any:
    try:
        return msgspec.json.decode(cell)
    except msgspec.DecodeError:
        return cell.decode("utf-8", "replace")


def _witness(entry: bytes, fields: Mapping[bytes, bytes]) -> str:
    """Return an entry's id and a checksum of its fields."""
    crc = 0
    for pair in sorted(fields.items()):
        crc = zlib.crc32(repr(pair).encode(), crc)
    return f"{entry.decode()} {crc:08x}"


def _removed(info: Mapping[str, Any]) -> int:
    return int(info.get("entries-added", 0)) - int(info.get("length", 0))


def _order(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second or 0)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _gone(address: Address, error: Exception) -> BrokerGone:
    return refusal(address, str(error)) or BrokerGone(
        expected="a Redis server that responds",
        got=hide(address, str(error))[:200],
        at=address.at,
        help="Start it, or check the address.",
    )
