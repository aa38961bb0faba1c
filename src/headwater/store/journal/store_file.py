"""An open store's file: its owner, its connection, who writes when, and the high-water mark beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from headwater.errors import StoreError
from headwater.store.ownership import OwnedFile

from .database import FAILING, connect, ends_where_it_should, meaning, sound, transaction
from .high_water import HighWater

__all__ = ["StoreFile"]

_PAGE = 4096
_PAGES_A_COMMIT = 6
"""About how many pages a small commit changes: the journal's and the indices'."""


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
        """About how many pages the WAL has grown by since the last checkpoint."""
        try:
            self.sound_before = not accept or ends_where_it_should(self.path)
            self.base = self._owned.connection = connect(self._owned, create=create, accept=accept)
            self._owned.watch()
            with sound(self.at):
                self._mark = HighWater(self.path)
        except BaseException:
            self._owned.close()
            raise

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
        self.check_process()
        with self.mutex:
            with transaction(self.base, self.at):
                yield
            self._owned.check()
        self.wal_pages += _PAGES_A_COMMIT

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
                with transaction(self.base, self.at):
                    yield
            finally:
                self.base.execute("PRAGMA synchronous=FULL")
            self._owned.check()
        self.wal_pages += pages

    def grow(self, size: int) -> None:
        """Count what a commit writes beside its usual pages."""
        self.wal_pages += size // _PAGE

    def acknowledge(self, seq: int, last_id: int) -> None:
        """Note outside of SQLite's files what has been given out so far."""
        self._mark.write(seq, last_id)

    def checkpoint(self, *, truncate: bool = False) -> None:
        """Bring the WAL into the main file, most of it while requests go on, and begin the WAL anew.

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
                self.base.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if truncate else 'RESTART'})")
                self.wal_pages = 0
            self._mark.sync()
        except sqlite3.Error as error:
            raise meaning(error, self.at) from error
        except OSError as error:
            raise StoreError(expected="a disk that can be written", got=str(error), at=self.at, help=FAILING) from error

    def used(self) -> int:
        """Return how many bytes of the file are in use."""
        with self.mutex:
            pages, free, size = (self.base.execute(f"PRAGMA {name}").fetchone()[0] for name in _SIZES)
        return int((pages - free) * size)

    def close(self) -> None:
        """Let the file go; in a forked process it stays as it is."""
        if self.is_forked:
            return
        with self.mutex:
            self._mark.close()
            self._owned.close()


_SIZES = ("page_count", "freelist_count", "page_size")
