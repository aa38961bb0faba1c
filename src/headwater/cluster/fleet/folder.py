"""Folder of a fleet over a cluster, with a store per shard and a file that lists the shards."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from headwater.errors import StoreError
from headwater.store.journal.database import sync_folder
from headwater.store.model_file import write

__all__ = ["Folder", "Noted"]

FILE = "shards.json"
NAME = re.compile(r"shard-\d{1,6}")


class Noted(NamedTuple):
    """Contents of the file."""

    shards: list[str]
    unfinished: bool
    """Whether a move was interrupted. Some members may then be in two shards, and only the one of their key counts."""
    partitions: tuple[str, ...] = ()
    """Names of the partitions that the shards read, in their order, or none of a fleet whose rows are dealt out."""


class Folder:
    """Folder with the shards' stores.

    Parameters
    ----------
    path : str or Path
        Path of the folder, which is created if needed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Folder(tempfile.mkdtemp())
    >>> folder.noted() is None
    True
    >>> folder.note(["shard-0"], unfinished=False)
    >>> folder.noted()
    Noted(shards=['shard-0'], unfinished=False, partitions=())
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def store(self, shard: str) -> str:
        """Return the path of a shard's store."""
        return str(self.path / f"{shard}.db")

    def forget(self, shard: str) -> None:
        """Remove the store of a shard that is not listed."""
        for end in ("", "-wal", "-shm"):
            Path(self.store(shard) + end).unlink(missing_ok=True)

    def forget_others(self, shards: Sequence[str]) -> None:
        """Remove the stores of all shards except these."""
        for found in self.path.glob("shard-*.db"):
            if found.stem not in shards:
                self.forget(found.stem)

    def noted(self) -> Noted | None:
        """Return the list last written, or None in a new folder.

        Raises
        ------
        StoreError
            If it can't be read, or there are stores without a list.
        """
        path = self.path / FILE
        if path.exists():
            return _read(path)
        if found := sorted(self.path.glob("shard-*.db")):
            raise StoreError(
                expected=f"{FILE} beside the stores of the shards",
                got=f"{found[0].name} alone",
                at=str(self.path),
                help="Restore the file, or use a new folder.",
            )
        return None

    def note(self, shards: Sequence[str], *, unfinished: bool, partitions: Sequence[str] = ()) -> None:
        """Write the list of shards durably, and that of the partitions that they read, if they do."""
        path = self.path / FILE
        noted = {"shards": list(shards), "unfinished": unfinished} | ({"partitions": partitions} if partitions else {})
        write(path, json.dumps(noted).encode())
        sync_folder(path)


def _read(path: Path) -> Noted:
    """Read and validate a list of shards, whose names become file names."""
    try:
        noted = Noted(**json.loads(path.read_text("utf-8")))
        noted = noted._replace(partitions=tuple(map(str, noted.partitions)))
        names = [NAME.fullmatch(name) is not None for name in noted.shards]
    except (ValueError, TypeError):
        names = []
    if (
        not names
        or not all(names)
        or len(set(noted.shards)) < len(names)
        or len(noted.partitions) not in (0, len(names))
        or type(noted.unfinished) is not bool
    ):
        raise StoreError(
            expected="a list of shards such as shard-0", got="something else", at=str(path), help="Restore a copy."
        )
    return noted
