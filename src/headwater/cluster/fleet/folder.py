"""Folder of a fleet over a cluster, with a store per shard and a file that lists the shards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import msgspec

from headwater.errors import StoreError
from headwater.store.journal.database import sync_folder
from headwater.store.model_file import write
from headwater.store.ownership import LockFile

__all__ = ["BLOCK", "Folder", "Noted", "Standing"]

FILE, RUN = "shards.json", "run.json"
NO_COUNTS: Mapping[str, Mapping[str, int]] = MappingProxyType({})
NAME = re.compile(r"shard-\d{1,6}")


class Noted(NamedTuple):
    """Contents of the file."""

    shards: list[str]
    unfinished: bool
    """Whether a move was interrupted. Some members may then be in two shards, and only the one of their key counts."""
    partitions: tuple[str, ...] = ()
    """Names of the partitions that the shards read, in their order, or none of a fleet whose rows are dealt out."""
    gone: Mapping[str, Mapping[str, int]] = NO_COUNTS
    """What shards that were dropped had counted (`shard.Shard.counts`), their members having moved."""


BLOCK = 10_000
"""Rows of a run that are dealt to the shards at once."""


Count = Annotated[int, msgspec.Meta(ge=0)]
"""A number of rows."""


class Standing(msgspec.Struct, frozen=True):
    """How far a run is, as its folder has it."""

    number: Annotated[int, msgspec.Meta(ge=-1)] = -1
    """Number of the last block learned."""
    size: Annotated[int, msgspec.Meta(ge=1)] = BLOCK
    """Rows of the next block, which the shards may have learned already."""
    row: Count = 0
    """Last row of the stream that was dealt."""
    rows: Count = 0
    score: bytes = b""
    rejected: dict[str, Count] = {}
    """What the shards had rejected before the run, by reason."""
    began: dict[str, dict[str, Count]] = {}
    """What the fleet that began the run had counted, whose members the shards took."""


class Folder:
    """Folder with the shards' stores.

    Parameters
    ----------
    path : str or Path
        Path of the folder, which is created if needed.

    Raises
    ------
    StoreError
        If there can't be such a folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Folder(tempfile.mkdtemp())
    >>> folder.noted() is None
    True
    >>> folder.note(["shard-0"], unfinished=False)
    >>> folder.noted().shards, folder.noted().unfinished
    (['shard-0'], False)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                expected="a folder for the stores of the shards",
                got=error.strerror or "none",
                at=str(path),
                help="Give the path of a folder, not of a file.",
            ) from error

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
            If it can't be read, or if a part of the folder is missing without which rows would be taken for learned.
        """
        path = self.path / FILE
        if path.exists():
            noted = _read(path)
            self._check_stores(noted.shards)
            return noted
        if found := sorted([*self.path.glob("shard-*.db"), *self.path.glob(RUN)]):
            raise StoreError(
                expected=f"{FILE} beside the stores of the shards",
                got=f"{found[0].name} alone",
                at=str(self.path),
                help="Restore the file, or use a new folder.",
            )
        return None

    @contextmanager
    def made_once(self) -> Iterator[Noted | None]:
        """Yield the list last written, while no other process can write the first one.

        Two coordinators that begin in a new folder would otherwise both list their shards, and members of the first be lost.

        Raises
        ------
        StoreError
            If another process is beginning in this folder, or as `noted` says.
        """
        lock = LockFile(self.path / ".shards.lock")
        if not lock.take():
            raise StoreError(
                expected="a folder that one process begins in",
                got="another process that is beginning",
                at=str(self.path),
                help="Use one coordinator a folder, or give each its own.",
            )
        try:
            yield self.noted()
        finally:
            lock.release()

    def _check_stores(self, shards: Sequence[str]) -> None:
        """Raise StoreError if a run has begun and a shard's store is gone, with the rows that it had learned."""
        lost = [name for name in shards if not Path(self.store(name)).exists()]
        if lost and (self.path / RUN).exists():
            raise StoreError(
                expected="the store of each shard of a run that has begun",
                got=f"no {lost[0]}.db",
                at=str(self.path),
                help="Restore the whole folder, or use a new one.",
            )

    def run(self) -> Standing | None:
        """Return how far the run that writes into this folder is, or None before its first block.

        Raises
        ------
        StoreError
            If it can't be read.
        """
        path = self.path / RUN
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Standing)
        except msgspec.MsgspecError as error:
            raise StoreError(
                expected="how far a run is", got=str(error), at=str(path), help="Restore a copy, or use a new folder."
            ) from error

    def note_run(self, standing: Standing) -> None:
        """Write how far a run is."""
        write(self.path / RUN, msgspec.json.encode(standing))

    def note(
        self,
        shards: Sequence[str],
        *,
        unfinished: bool,
        partitions: Sequence[str] = (),
        gone: Mapping[str, Mapping[str, int]] = NO_COUNTS,
    ) -> None:
        """Write the list of shards durably, that of the partitions that they read, if they do, and counts of dropped shards."""
        path = self.path / FILE
        noted: dict[str, Any] = {"shards": list(shards), "unfinished": unfinished}
        noted |= ({"partitions": partitions} if partitions else {}) | ({"gone": gone} if any(gone.values()) else {})
        write(path, json.dumps(noted).encode())
        sync_folder(path)


def _read(path: Path) -> Noted:
    """Read and validate a list of shards, whose names become file names."""
    try:
        noted = Noted(**json.loads(path.read_text("utf-8")))
        noted = noted._replace(partitions=tuple(map(str, noted.partitions)))
        names = [NAME.fullmatch(name) is not None for name in noted.shards]
        names = names if all(type(n) is int and n >= 0 for own in noted.gone.values() for n in own.values()) else []
    except (ValueError, TypeError, AttributeError):
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
