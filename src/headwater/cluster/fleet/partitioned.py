"""Fleet over a cluster whose shards read the rows themselves, each its own partition of the stream."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from headwater.encode.values import as_key
from headwater.errors import ConfigError, DataError, SourceError, StoreError
from headwater.learner.kind import has_classes
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file.settings import as_json, from_json
from headwater.streams import read
from headwater.streams.brokers import each_partition, is_address

from .client import ShardClient
from .folder import Folder, Noted
from .partition import Followed, Partition

__all__ = ["PartitionedFleet", "Progress"]

SLICE = 0.25
"""Seconds that a shard reads for before it tells how far it is."""
EVERY = 10.0
"""Seconds between a shard's commits."""
LOOK = 30.0
"""Seconds between checks of a topic for partitions that were added."""
AWAY = 120.0
"""Seconds for which a source may be away."""


class Progress(NamedTuple):
    """How far the shards have read."""

    rows: int
    """Rows read of all partitions, in this and earlier runs."""
    partitions: dict[str, int]
    """Rows read of each partition."""
    waiting: dict[str, str]
    """Partitions whose source is away, and why."""
    rejected: dict[str, int]
    """Rows that could not be read since the shards were started, by reason."""


class PartitionedFleet(ShardClient):
    r"""One small model per key, taught by shards that each read a partition of the stream, so no row passes this process.

    All rows of a key must be in one partition, as a topic has them that is keyed by it. A shard owns its partition: it reads,
    learns, and commits its members together with its position, in one transaction. A shard that dies is restarted by Ray from
    its store, if necessary on another node, and reads on from there, to the same bits as if nothing had happened.

    Parameters
    ----------
    make : learner or callable
        As in `headwater.Fleet`.
    key : str
        Column with the key.
    partitions : str or sequence
        Address of a topic of Kafka, whose partitions are read, or a list of sources, one a partition: files that all nodes
        reach, or addresses of brokers.
    target : str
        Column of the labels.
    folder : path
        Folder of the shards' stores, which all nodes must reach. A fleet in it goes on where it stands.
    drop : sequence of str
        Columns that are not features.
    every : float
        Seconds between a shard's commits, the most that is read again after a crash.
    address : str, optional
        Address of a Ray cluster. None starts one on this machine, and False runs the shards in this process without Ray, one
        after the other.
    max_keys, resident : int, optional
        Limits per shard, as in `headwater.Fleet`.

    Raises
    ------
    MissingExtra
        If Ray is needed and not installed.
    SourceError
        If a partition can't be read.
    StoreError
        If the folder can't be used, or holds a fleet of other partitions.

    Examples
    --------
    >>> import headwater as hw, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for part in (0, 1):
    ...     lines = [f"{2 * (i % 9) + part},{i % 3},{float(i % 3)}" for i in range(600)]
    ...     _ = (folder / f"{part}.csv").write_text("\n".join(["shop,x,y", *lines]))
    >>> files = sorted(folder.glob("*.csv"))
    >>> with PartitionedFleet(hw.Regressor, "shop", files, "y", folder / "stores", address=False) as fleet:
    ...     progress = fleet.run()
    ...     progress.rows, len(fleet.keys()), fleet.score()["rows"]
    (1200, 18, 1200)
    """

    def __init__(
        self,
        make: SupervisedLearner | Callable[[], SupervisedLearner],
        key: str,
        partitions: str | Path | Sequence[str | Path],
        target: str,
        folder: str | Path,
        *,
        drop: Sequence[str] = (),
        every: float = EVERY,
        address: str | bool | None = None,
        max_keys: int = 1_000_000,
        resident: int | None = None,
    ) -> None:
        _check(key, target, drop, every)
        self._topic = partitions if isinstance(partitions, str) and is_address(partitions) else ""
        self.sources = each_partition(self._topic) if self._topic else _listed(partitions)
        """Sources of the partitions."""
        super().__init__(make, key, max_keys=max_keys, address=address)
        self._every, self._homes, self._looked = every, dict[Any, str](), time.monotonic()
        try:
            self._open(Folder(folder), tuple(drop), target, resident)
        except BaseException:
            self.shards.close()
            raise

    def _open(self, folder: Folder, drop: tuple[str, ...], target: str, resident: int | None) -> None:
        with folder.made_once() as noted:
            self._list(noted, folder, drop, target)
        for name in self._shards:
            self.shards.start(name, None, self._first, folder.store(name), resident)
        self._call("pid", dict.fromkeys(self._shards, ()))  # a store that can't be opened is said now

    def _list(self, noted: Noted | None, folder: Folder, drop: tuple[str, ...], target: str) -> None:
        """List the shards durably, each with the partition that it reads."""
        names = [_name(source) for source in self.sources]
        if noted is not None and list(noted.partitions) != names:
            had = f"{len(noted.partitions)} ({', '.join(noted.partitions)})" if noted.partitions else "none"
            raise StoreError(
                expected=f"a fleet of {len(names):,} partitions ({', '.join(names)})",
                got=f"one of {had}",
                at=str(folder.path),
                help="Give the same partitions in the same order, since keys belong to them, or another folder.",
            )
        self._shards = tuple(f"shard-{i}" for i in range(len(names)))
        classes, known = self._look_first(target, drop)
        parts = [Partition(source, target, drop, classes, known) for source in self.sources]
        self._parts_read = dict(zip(self._shards, parts, strict=True))
        folder.note(self._shards, unfinished=False, partitions=names)

    def _look_first(self, target: str, drop: tuple[str, ...]) -> tuple[tuple[Any, ...], dict[str, dict[str, object]]]:
        """Return labels and column types of the first partition's first rows, by which all partitions are read."""
        if is_address(self.sources[0]):
            return (), {}
        with read(self.sources[0], target=target, task=self.task, drop=drop) as stream:
            if self.key not in stream.columns:
                raise DataError(
                    expected=f"the key's column {self.key}",
                    got=f"the columns {', '.join(stream.columns)}",
                    at=self.sources[0],
                    help="Check key=.",
                )
            (head, *_) = stream.look()
            labels = dict.fromkeys(y for y in head.y if y is not None)
            return tuple(map(as_json, labels)) if has_classes(self.task) else (), stream.reading()

    @property
    def names(self) -> Sequence[str]:
        """Names of the shards, one a partition."""
        return self._shards

    def follow_nodes(self) -> None:
        """Leave placing to Ray, which restarts shards of a lost node on another one."""

    def home(self, key: Hashable) -> str:
        """Return the shard that has a key, or the first one for an unknown key."""
        own = as_key(key)
        if own is ...:
            return self._shards[0]
        if own not in self._homes:
            asked = json.dumps(as_json(own))
            found = [
                name for name, (has,) in self._call("homes", dict.fromkeys(self._shards, ([asked],))).items() if has
            ]
            if len(found) > 1:
                raise self._divided(own, *found[:2])
            if not found:
                return self._shards[0]
            self._homes[own] = found[0]
        return self._homes[own]

    # ---- reading ----------------------------------------------------------------------------------------------------

    def run(self, on_progress: Callable[[Progress], bool | None] = lambda _: None) -> Progress:
        """Let every shard read and learn its partition, until all have ended.

        Files end. A topic ends once it was silent for the ``idle=`` seconds of its address, and is read for ever without.

        Parameters
        ----------
        on_progress : callable
            Called with the `Progress` several times a second. If it returns False, the shards commit and stop.

        Returns
        -------
        Progress
            At the end.

        Raises
        ------
        SourceError, DataError
            If a partition can't be read, or a key is in two of them. Shards keep what they learned of rows before.
        """
        told: dict[str, Followed] = {}
        sketch: dict[tuple[int, str], str] = {}
        away: dict[str, float] = {}
        stopped = False

        def take(name: str, followed: Followed) -> bool:
            nonlocal stopped
            told[name] = followed
            self._check_keys(name, followed.sketch, sketch)
            self._check_away(name, followed.away, away)
            self._check_topic()
            stopped = on_progress(self._progress(told)) is False or stopped
            return not followed.ended and not stopped

        arguments = {name: (part, SLICE, self._every) for name, part in self._parts_read.items()}
        self.shards.keep_calling("follow", arguments, take)
        self._call("commit", dict.fromkeys(self._shards, ()))
        return self._progress(told)

    def _progress(self, told: dict[str, Followed]) -> Progress:
        rejected: Counter[str] = Counter()
        for one in told.values():
            rejected.update(one.rejected)
        rows = {self._source_of(name): one.rows for name, one in told.items()}
        waiting = {self._source_of(name): one.away for name, one in told.items() if one.away}
        return Progress(sum(rows.values()), rows, waiting, dict(sorted(rejected.items())))

    def _source_of(self, name: str) -> str:
        return _name(self._parts_read[name].source)

    def _check_keys(self, name: str, sketch: list[tuple[int, str]], known: dict[tuple[int, str], str]) -> None:
        """Raise DataError for a key that two shards have."""
        for one in sketch:
            other = known.setdefault(one, name)
            if other != name:
                raise self._divided(from_json(json.loads(one[1])), other, name)

    def _divided(self, key: Any, one: str, other: str) -> DataError:
        return DataError(
            expected=f"all rows of a key in one partition, since its model is in that partition's shard ({self.key})",
            got=f"{key!r} in {self._source_of(one)} and in {self._source_of(other)}",
            at="partitions",
            help="Partition the stream by this column, or use ShardedFleet, which routes rows by their key.",
        )

    def _check_away(self, name: str, why: str, since: dict[str, float]) -> None:
        """Raise SourceError once a source was away for too long."""
        if not why:
            since.pop(name, None)
        elif time.monotonic() - since.setdefault(name, time.monotonic()) > AWAY:
            raise SourceError(
                expected=f"a source that is away for at most {AWAY:.0f} seconds",
                got=why,
                at=self._parts_read[name].source,
                help="What was learned is committed. Run again once it is back.",
            )

    def _check_topic(self) -> None:
        """Raise SourceError if the topic has got partitions that nobody reads."""
        if not self._topic or time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        if (now := each_partition(self._topic)) != self.sources:
            raise SourceError(
                expected=f"the {len(self.sources):,} partitions that the fleet began with",
                got=f"{len(now):,}",
                at=self._topic.partition("?")[0],
                help="Keys move when a topic is divided anew. Learn it from its beginning into another folder.",
            )


def _check(key: str, target: str, drop: Sequence[str], every: float) -> None:
    """Validate the settings."""
    if isinstance(drop, str) or key in drop or key == target or target in drop:
        raise ConfigError(
            expected="three different things as key, target and columns to drop",
            got=f"{key!r}, {target!r} and {drop!r}",
            at="PartitionedFleet",
            help="Give, e.g., key='shop', target='late', drop=['id'].",
        )
    if not 0 <= every < float("inf"):
        raise ConfigError(expected="seconds, 0 or more", got=repr(every), at="every", help="Give e.g. 10.")


def _listed(partitions: str | Path | Sequence[str | Path]) -> list[str]:
    """Return sources given one a partition."""
    sources = [str(partitions)] if isinstance(partitions, str | Path) else [str(one) for one in partitions]
    names = [_name(source) for source in sources]
    if not names or len(set(names)) < len(names):
        twice = next((name for name in names if names.count(name) > 1), "none")
        raise ConfigError(
            expected="partitions of different names", got=twice, at="partitions", help="Give each partition once."
        )
    return sources


def _name(source: str) -> str:
    """Return what a partition is known by, wherever its file or broker is."""
    if is_address(source):
        from headwater.streams.brokers import read_address

        return read_address(source).name
    return Path(source).name
