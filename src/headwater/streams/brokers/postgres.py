"""PostgreSQL source and sink, the only file that imports psycopg.

An append-only table is read in the order of its transactions. Sequence numbers are assigned before their transactions
commit, so reading by id alone skips rows that commit late. Each row therefore has its transaction id, an ``xid8``, and only
rows of transactions before the oldest running one are read, since none can be added before them. A position is ``tx id`` of
the last stored row.

A recreated table has another oid, but if the last row is present, it has the same rows, restored or moved. PostgreSQL has no
record of deleted rows. If the last row is gone too, a missing number after it may be an unread row, or one of a transaction
that was rolled back.

Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from headwater.errors import ConfigError, SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Log, Message, Outgoing, Positions, TrimmedLog, lost
from headwater.streams.brokers.security import Tls, authorities, check_encrypted, hide, login, refusal, tls_of

__all__ = ["PostgresSink", "PostgresSource"]

_ONLY = "0"  # a table is read as one
_FIRST, _LAST = -(2**63), 2**63 - 1
_POLL_S = 0.1

_ROWS = sql.SQL(
    "WITH log AS (SELECT to_regclass(%(name)s)::oid::text AS oid, "
    "EXISTS (SELECT FROM {table} t WHERE (t.{tx}, t.{id}) = (%(tx)s::xid8, %(id)s)) AS kept), "
    "rows AS (SELECT t.{tx} AS tx, t.{id} AS id, (to_jsonb(t) - %(drop)s::text[])::text AS body FROM {table} t "
    "WHERE t.{tx} < pg_snapshot_xmin(pg_current_snapshot()) AND (t.{tx}, t.{id}) > (%(tx)s::xid8, %(id)s) "
    "ORDER BY t.{tx}, t.{id} LIMIT %(most)s) "
    "SELECT log.oid, log.kept, rows.tx::text, rows.id::text, rows.body FROM log LEFT JOIN rows ON true ORDER BY rows.tx, rows.id"
)

_COUNTED = 100_000
"""Maximum number of rows counted for the lag, which bounds the cost of the query."""
_LAG = "SELECT count(*) FROM (SELECT 1 FROM {table} t WHERE (t.{tx}, t.{id}) > (%s::xid8, %s) LIMIT %s) behind"


def _connect(address: Address) -> psycopg.Connection[Any]:
    tls = tls_of(address)
    check_encrypted(address, encrypted=tls is not None)
    user, password = login(address)
    try:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=address.database,
            user=user,
            password=None if password is None else password.reveal(),  # for None libpq reads PGPASSWORD and PGPASSFILE
            connect_timeout=5,
            autocommit=True,
            **_encryption(address, tls),
        )
    except psycopg.Error as error:
        raise _meaning(address, error) from error


def _encryption(address: Address, tls: Tls | None) -> dict[str, Any]:
    """Return libpq's TLS settings. Without ``tls=`` it reads PGSSLMODE and related variables."""
    if tls is None:
        return {"sslmode": "disable"} if "tls" in address.options else {}
    settings: dict[str, Any] = {"sslmode": "verify-full" if tls.verify else "require"}
    if tls.verify and (roots := tls.ca or _roots()):
        settings["sslrootcert"] = roots
    if tls.cert:
        settings |= {"sslcert": tls.cert, "sslkey": tls.key or tls.cert}
        # Without a password, OpenSSL would prompt at the terminal.
        settings["sslpassword"] = "" if tls.key_password is None else tls.key_password.reveal()
    return settings


def _roots() -> str | None:
    """Return the system's certificate authorities, unless libpq has its own."""
    own = "PGSSLROOTCERT" in os.environ or (Path.home() / ".postgresql" / "root.crt").exists()
    return None if own else authorities()


class PostgresSource:
    """Source of an append-only PostgreSQL table.

    Parameters
    ----------
    address
        ``postgresql://user@host:5432/database/table``. ``order=tx,id`` names the two columns that order it:
        ``tx xid8 NOT NULL DEFAULT pg_current_xact_id()`` and a bigint, best with an index over both.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._base: psycopg.Connection[Any] | None = None
        names = address.options.get("order", "tx,id").split(",")
        if len(names) != 2 or not all(names):
            raise ConfigError(
                expected="order= two columns, the transaction id and the row id",
                got=address.options["order"],
                at=address.at,
                help="Write order=tx,id.",
            )
        self._order = [name.strip() for name in names]
        # These two columns are no features. One that is also key= or id= stays, since the caller needs it.
        named = {address.options.get("key"), address.options.get("id")}
        self._left_out = [name for name in self._order if name not in named]
        self._last, self._cluster, self._log = ("0", _FIRST), "", Log()
        self._nap = threading.Event()

    def open(self, positions: Positions) -> Positions:
        self._base = base = _connect(self._address)
        self._cluster, self._log = self._named(base), Log.read(positions) or Log()
        if _ONLY in positions:
            tx, _, number = positions[_ONLY].partition(" ")
            self._last = (tx, int(number))
            self._check_server(base)
            self._rows(1)
        elif self._address.options.get("from") == "end":
            (horizon,) = self._one(base, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            self._last = (str(int(horizon) - 1), _LAST)
        elif rows := self._rows(1):
            self._last = (rows[0][0], rows[0][1] - 1)
        else:
            self._last = ("0", _FIRST)
        return {_ONLY: f"{self._last[0]} {self._last[1]}"}

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        rows = self._rows(most)
        if not rows and wait_s > 0:
            self._nap.wait(min(wait_s, _POLL_S))
            rows = self._rows(most)
        out = []
        for tx, number, body in rows:
            self._last = (tx, number)
            out.append(Message(_ONLY, f"{tx} {number}", body.encode(), str(number)))
        return out

    def marks(self) -> Positions:
        return self._log.write()

    def committed(self, positions: Positions) -> None:
        """Do nothing, since the table belongs to the user."""

    def lag(self) -> int | None:
        if self._base is None:
            return None
        tx, number = map(sql.Identifier, self._order)
        query = sql.SQL(_LAG).format(tx=tx, id=number, table=_table(self._address))
        (n,) = self._one(self._base, query, (*self._last, _COUNTED))
        return int(n)

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None

    def _rows(self, most: int) -> list[tuple[str, int, str]]:
        """Return the rows after the last one, and check in the same snapshot that the table is unchanged."""
        if self._base is None:
            raise BrokerGone(expected="a PostgreSQL server that responds", got="no connection", at=self._address.at)
        tx, number = map(sql.Identifier, self._order)
        table = _table(self._address)
        query = _ROWS.format(tx=tx, id=number, table=table)
        how = {"name": table.as_string(self._base), "drop": self._left_out, "most": most}
        try:
            found = self._base.execute(query, how | {"tx": self._last[0], "id": self._last[1]}).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise (self._replaced("no table", "") if self._log.id else _meaning(self._address, error)) from error
        except psycopg.Error as error:
            raise _meaning(self._address, error) from error
        oid, kept = found[0][:2]
        rows = [(tx, int(number), body) for _, _, tx, number, body in found if tx is not None]
        self._check(oid, kept, rows)
        return rows

    # ---- check that the table is the same and complete ---------------------------------------------------------------

    def _named(self, base: psycopg.Connection[Any]) -> str:
        """Return an identifier of cluster and database."""
        try:
            (system,) = base.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone() or ("",)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction):
            system = ""  # the server doesn't expose it
        except psycopg.Error as error:
            raise _meaning(self._address, error) from error
        (oid,) = self._one(base, "SELECT oid::text FROM pg_database WHERE datname = current_database()")
        return f"{system}/{oid}"

    def _check_server(self, base: psycopg.Connection[Any]) -> None:
        tx = self._last[0]
        (end,) = self._one(base, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        if int(tx) >= int(end):
            raise TrimmedLog(
                expected=f"a server past transaction {tx}",
                got=f"one at transaction {end}; {lost(0, None)}",
                at=self._address.at,
                go_on=self._begin(""),
            )

    def _check(self, oid: str, kept: bool, rows: list[tuple[str, int, str]]) -> None:
        """Raise TrimmedLog if the table was replaced, or rows may be missing between the last one and the next."""
        id_ = f"{self._cluster}/{oid}"
        number = self._last[1]
        if kept or not self._log.id or number in (_FIRST, _LAST):
            self._log = Log(id_)
        elif id_ != self._log.id:
            raise self._replaced("a recreated table of that name", id_)
        if rows and not kept and number not in (_FIRST, _LAST) and (missing := rows[0][1] - number - 1) > 0:
            raise TrimmedLog(
                expected=f"the row after {number:,} of transaction {self._last[0]}",
                got=f"row {rows[0][1]:,}, while row {number:,} is missing too; {lost(0, missing)}",
                at=self._address.at,
                most=missing,
                go_on={_ONLY: f"{rows[0][0]} {rows[0][1] - 1}"},
            )

    def _replaced(self, got: str, id_: str) -> TrimmedLog:
        return TrimmedLog(
            expected=f"the table whose row {self._last[1]:,} was learned",
            got=f"{got}; {lost(0, None)}",
            at=self._address.at,
            go_on=self._begin(id_),
        )

    def _begin(self, id_: str) -> Positions:
        """Return the positions at the start of a table."""
        return {_ONLY: f"0 {_FIRST}", **Log(id_).write()}

    def _one(self, base: psycopg.Connection[Any], query: Any, values: Sequence[Any] = ()) -> Any:
        try:
            return base.execute(query, values).fetchone()
        except psycopg.Error as error:
            raise _meaning(self._address, error) from error


class PostgresSink:
    """Sink to a PostgreSQL table with the key ``(source, name)``, created if missing. Each prediction is added once.

    Parameters
    ----------
    address
        ``postgresql://user@host:5432/database/table``.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._base: psycopg.Connection[Any] | None = None

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        table = _table(self._address)
        new = "INSERT INTO {table} (source, name, number, body) VALUES (%s, %s, %s, %s::jsonb) ON CONFLICT DO NOTHING"
        rows = [(source, message.key, message.number, _without_nul(message.value.decode())) for message in messages]
        try:
            if self._base is None or self._base.closed:
                self._base = _connect(self._address)
                self._base.execute(sql.SQL(_TABLE).format(table=table))
            with self._base.transaction(), self._base.cursor() as cursor:
                cursor.executemany(sql.SQL(new).format(table=table), rows)
        except psycopg.Error as error:
            self.close()
            raise _meaning(self._address, error) from error

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None


_TABLE = """CREATE TABLE IF NOT EXISTS {table} (
    source text NOT NULL, name text NOT NULL, number bigint NOT NULL, body jsonb NOT NULL, PRIMARY KEY (source, name))"""


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _without_nul(text: str) -> str:
    r"""Replace the NUL character, which jsonb can't store, by the replacement character.

    Examples
    --------
    >>> _without_nul(r'{"y_pred": "a\u0000b"}'), _without_nul(r'{"y_pred": "a\\u0000b"}')
    ('{"y_pred": "a\\ufffdb"}', '{"y_pred": "a\\\\u0000b"}')
    """
    return _NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


def _table(address: Address) -> sql.Identifier:
    return sql.Identifier(*address.topic.split("."))


def _meaning(address: Address, error: psycopg.Error) -> SourceError:
    text = str(error).strip()
    gone = isinstance(error, psycopg.OperationalError)
    if gone and (refused := refusal(address, text)):
        return refused
    kind = BrokerGone if gone else SourceError
    got = hide(address, (text.splitlines() or [type(error).__name__])[0])
    return kind(expected="a usable PostgreSQL table", got=got, at=address.at, help="Check the address.")
