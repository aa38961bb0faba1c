"""Redis streams: read by entry id, so that the server keeps nothing for us. The only file that imports redis.

A position is ``id n``: the last entry that was kept, and how many entries the stream had had up to it. Redis counts what it ever
added and what it has, so the difference tells whether entries that were not read yet have been trimmed.

Source: https://redis.io/docs/latest/develop/data-types/streams/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from headwater.errors import SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Message, Outgoing, Positions, TrimmedLog
from headwater.streams.brokers.security import Tls, check_encrypted, hide, login, refusal, tls_of

__all__ = ["RedisSink", "RedisSource"]

_ONLY = "0"  # a stream has no partitions
# What was sent up to which number is kept beside the stream, and both change as one.
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
        retry=Retry(NoBackoff(), 0),  # whoever follows tries again, from where the store stands
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
        # Without a password given here, OpenSSL would ask for it at the terminal.
        "ssl_password": "" if tls.key_password is None else tls.key_password.reveal(),
    }


class RedisSource:
    """A stream of Redis.

    Parameters
    ----------
    address
        ``redis://host:6379/stream``; ``db=`` chooses a database.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address, self._base = address, _client(address)
        self._last, self._count = "0-0", 0

    def open(self, positions: Positions) -> Positions:
        info = self._asked(self._info)
        if _ONLY in positions:
            self._last, _, count = positions[_ONLY].partition(" ")
            self._count = int(count)
            self._check(info)
            if _order(self._last) > _order(_text(info.get("last-generated-id", "0-0"))):
                raise self._trimmed(f"a stream that ends at {_text(info.get('last-generated-id', '0-0'))}")
        elif self._address.options.get("from") == "end":
            self._last = _text(info.get("last-generated-id", "0-0"))
            self._count = int(info.get("entries-added", 0))
        else:
            self._count = _removed(info)
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
            out.append(
                Message(
                    _ONLY,
                    f"{self._last} {self._count}",
                    _value(fields),
                    None if key is None else key.decode("utf-8", "replace"),
                )
            )
        return out

    def committed(self, positions: Positions) -> None:
        """Nothing to tell: XREAD leaves no trace in the server."""

    def lag(self) -> int | None:
        return max(int(self._asked(self._info).get("entries-added", 0)) - self._count, 0)

    def close(self) -> None:
        self._base.close()

    def _take(self, most: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Read, and look in the same moment at what has been trimmed."""
        both = self._base.pipeline(transaction=True)
        both.xinfo_stream(self._address.topic)
        both.xread({self._address.topic: self._last}, most)
        info, found = both.execute(raise_on_error=False)
        if isinstance(info, redis.ResponseError):  # no such stream
            info = self._none(info)
        if isinstance(found, Exception):
            raise found
        self._check(info)
        return list(found[0][1]) if found else []

    def _info(self) -> dict[str, Any]:
        try:
            return dict(self._base.xinfo_stream(self._address.topic))
        except redis.ResponseError as error:
            return self._none(error)

    def _none(self, error: redis.ResponseError) -> dict[str, Any]:
        """Return what is known of a stream that is not there yet."""
        if "no such key" not in str(error):
            raise error
        return {}

    def _check(self, info: Mapping[str, Any]) -> None:
        gone = _removed(info)
        if gone > self._count:
            raise self._trimmed(f"{gone - self._count:,} entries behind it that were trimmed or deleted")

    def _trimmed(self, got: str) -> TrimmedLog:
        return TrimmedLog(
            expected=f"every entry behind {self._last}",
            got=got,
            at=self._address.at,
            help="Restore the stream, or go on without them under another name=.",
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
    """A stream of Redis that predictions are added to, each once.

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
    """Return the row of an entry: its field ``value``, or all its fields as JSON, numbers where they look like some."""
    if b"value" in fields:
        return fields[b"value"]
    return msgspec.json.encode({name.decode("utf-8", "replace"): _cell(cell) for name, cell in fields.items()})


def _cell(cell: bytes) -> Any:
    try:
        return msgspec.json.decode(cell)
    except msgspec.DecodeError:
        return cell.decode("utf-8", "replace")


def _removed(info: Mapping[str, Any]) -> int:
    return int(info.get("entries-added", 0)) - int(info.get("length", 0))


def _order(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second or 0)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _gone(address: Address, error: Exception) -> BrokerGone:
    return refusal(address, str(error)) or BrokerGone(
        expected="a Redis server that answers",
        got=hide(address, str(error))[:200],
        at=address.at,
        help="Start it, or check the address.",
    )
