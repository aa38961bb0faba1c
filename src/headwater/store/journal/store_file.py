"""An open store's file: its owner, its connection, who writes when, and the high-water mark beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from headwater.errors import StoreError
from headwater.store.ownership import OwnedFile

from .database import FAILING, MS_TO_WAIT, connect, ends_where_it_should, meaning, sound, transaction
from .high_water import HighWater
from .seal import Seal, read_seal, tables_of, write_seal

__all__ = ["StoreFile"]

_PAGE = 4096
_PAGES_A_COMMIT = 7
"""About how many pages a small commit changes: the journal's, the indices' and the seal's."""
_CHECKPOINT_NOW = 1 << 20
"""Pages of WAL that are more than a checkpoint waits for."""
_WAL_PAGES = 2048
"""Pages (8 MB) of WAL, about, from which on it is brought into the main file beside the requests."""
_WAL_FULL = 3072
"""Pages (12 MB) from which on who writes does it first: so it stays below 16 MB, but for a single request that is larger."""
_PAGES_BETWEEN = 256
"""Pages (1 MB) that are written before it is tried again, where somebody still reads what the WAL holds."""


class StoreFile:
    """The SQLite file of a store, open for writing by this process alone.

    Parameters
    ----------
    path : Path
        The file.
    create : bool
        Whether a missing file is made.
    accept : bool
        Whether it is opened although its journal ends before what was acknowledged; ``sound_before`` says if it does.

    Raises
    ------
    StoreError
        If it is in use, damaged, emptied, or no store.
    """

    def __init__(self, path: Path, *, create: bool = True, accept: bool = False) -> None:
        self.at = str(path)
        self._owned = OwnedFile(path, create=create)
        self.mutex = self._owned.mutex
        """Who holds it may use the connection: requests, and what is kept in the background, take turns."""
        self.path = self._owned.path
        self.wal_pages = 0
        """About how many pages the WAL holds since it began anew."""
        self._tried_at = 0  # pages that it held when it could not begin anew
        try:
            self.sound_before = not accept or ends_where_it_should(self.path)
            self.base = self._owned.connection = connect(self._owned, create=create, accept=accept)
            self._owned.watch()
            with sound(self.at):
                self.sealed = None if accept else read_seal(self.base)
                """What the last commit sealed; None before the first seal of a store of version 0.2."""
                self._mark = HighWater(self.path)
            if self.sealed is not None:
                self._seal_as_open()
        except BaseException:
            self._owned.close()
            raise

    def _seal_as_open(self) -> None:
        """Say in the file itself that it is open, so that a plain copy of it can't be taken for a whole one."""
        before = self.sealed
        with self.transaction():
            pass  # it seals
        if self.sealed != before:
            self.checkpoint()

    def _seal(self, *, is_open: bool = True) -> Seal | None:
        """Write what the tables hold now, inside the transaction that changed them; return it, or None where it is written."""
        seal = tables_of(self.base, is_open=is_open)
        if seal == self.sealed:
            return None
        write_seal(self.base, seal)
        return seal

    @property
    def is_forked(self) -> bool:
        """Whether this process was forked from the one that opened the file."""
        return self._owned.is_forked

    def check(self) -> None:
        """Raise unless what this process writes is in the file that stands at the path.

        Raises
        ------
        StoreError
            If the file or its WAL was removed or replaced, or the process is a forked one.
        """
        self._owned.check()

    def is_lost(self) -> bool:
        """Whether the file or its WAL was removed or replaced, so that only this process still has what was written."""
        try:
            self.check()
        except StoreError:
            return True
        return False

    def check_process(self) -> None:
        """Raise in a forked process; asked before the mutex, which a thread of the parent may have had.

        Raises
        ------
        StoreError
            Then.
        """
        self._owned.check_process()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the body writes as one, synced, or nothing of it.

        Raises
        ------
        StoreError
            If it could not be written, or not where the file stands; nothing was, as far as this process is concerned.
        """
        with self._sealed_transaction():
            yield
        self.wal_pages += _PAGES_A_COMMIT

    @contextmanager
    def _sealed_transaction(self) -> Iterator[None]:
        self.check_process()
        with self.mutex:
            with transaction(self.base, self.at):
                yield
                seal = self._seal()
            if seal is not None:
                # the first one goes into the file soon, so that a plain copy of it is known for what it is
                self.wal_pages += _CHECKPOINT_NOW if self.sealed is None else 0
                self.sealed = seal
            self._owned.check()

    @contextmanager
    def short_transaction(self, pages: int = 64) -> Iterator[None]:
        """Commit as `transaction` does but without a sync of its own: the next commit's sync brings it to the disk.

        It is for what can be made again from the journal. The order of the WAL holds: after a power cut what is there has
        everything before it too. ``pages``: about how many it changes.
        """
        self.check_process()
        with self.mutex:
            self.base.execute("PRAGMA synchronous=NORMAL")
            try:
                with self._sealed_transaction():
                    yield
            finally:
                self.base.execute("PRAGMA synchronous=FULL")
        self.wal_pages += pages

    def grow(self, size: int) -> None:
        """Count what a commit writes beside its usual pages."""
        self.wal_pages += size // _PAGE

    def acknowledge(self, seq: int, last_id: int) -> None:
        """Note outside of SQLite's files what has been given out so far."""
        self._mark.write(seq, last_id)

    @property
    def wants_checkpoint(self) -> bool:
        """Whether the WAL is long enough to be brought into the main file, beside the requests."""
        return self.wal_pages >= max(_WAL_PAGES, self._tried_at + _PAGES_BETWEEN)

    @property
    def needs_checkpoint(self) -> bool:
        """Whether the WAL is so long that who writes has to bring it into the main file first."""
        return self.wal_pages >= max(_WAL_FULL, self._tried_at + _PAGES_BETWEEN)

    def checkpoint(self, *, truncate: bool = False) -> None:
        """Bring the WAL into the main file, most of it while requests go on, and begin the WAL anew.

        Where another connection still reads what the WAL holds, it begins anew at a later time.

        Raises
        ------
        StoreError
            If it could not be written; the WAL then goes on growing, and nothing is lost.
        """
        self._owned.check()
        try:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
                other.execute("PRAGMA synchronous=FULL")
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with self.mutex:
                self._begin_anew("TRUNCATE" if truncate else "RESTART")
            self._mark.sync()
        except sqlite3.Error as error:
            raise meaning(error, self.at) from error
        except OSError as error:
            raise StoreError(expected="a disk that can be written", got=str(error), at=self.at, help=FAILING) from error

    def _begin_anew(self, how: str) -> None:
        wait = MS_TO_WAIT if how == "TRUNCATE" else 0  # a reader, such as a backup, must not hold learning up
        self.base.execute(f"PRAGMA busy_timeout={wait}")
        try:
            busy, pages, _ = self.base.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        finally:
            self.base.execute(f"PRAGMA busy_timeout={MS_TO_WAIT}")
        self.wal_pages = self._tried_at = pages if busy and pages > 0 else 0

    def used(self) -> int:
        """Return how many bytes of the file are in use."""
        with self.mutex:
            pages, free, size = (self.base.execute(f"PRAGMA {name}").fetchone()[0] for name in _SIZES)
        return int((pages - free) * size)

    def vacuum(self) -> None:
        """Give space that is no longer used back to the disk."""
        with self.mutex:
            self.base.execute("VACUUM")
            with self.transaction():
                pass  # it seals SQLite's new schema version
            self.checkpoint(truncate=True)

    def close(self, *, clean: bool = True) -> None:
        """Let the file go; in a forked process it stays as it is.

        Parameters
        ----------
        clean : bool
            Whether all went well, so that the seal may say that the store was closed.
        """
        if self.is_forked:
            return
        with self.mutex:
            if clean and self.sealed is not None:
                with suppress(StoreError):  # a store that was not closed opens as one that was killed
                    self._seal_as_closed()
            self._mark.close()
            self._owned.close()

    def _seal_as_closed(self) -> None:
        self._owned.check()
        with transaction(self.base, self.at):
            self._seal(is_open=False)


_SIZES = ("page_count", "freelist_count", "page_size")
