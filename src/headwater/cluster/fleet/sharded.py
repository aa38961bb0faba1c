"""Public interface of a fleet over a cluster, which routes rows to the shards of their keys."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, StoreError, counted
from headwater.kinds.fleet import Fleet
from headwater.kinds.fleet.rows import as_list
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import not_as_many
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Metrics, Predictions

from .client import AT_ONCE, ShardClient
from .folder import BLOCK, NO_COUNTS, Folder, Noted
from .nodes import assigned
from .places import Places
from .run import FleetRun
from .shard import Moved, Part, members_of, put_members

__all__ = ["ShardedFleet"]

LOOK = 1.0
"""Minimum seconds between checks for changed nodes."""
OWN = ""
"""Source of blocks without one."""


class ShardedFleet(ShardClient):
    """One small model per key, spread over the shards of a cluster, with the interface of `headwater.Fleet`.

    A key belongs to one shard (`places`), so its rows keep their order. Shards follow the nodes of the cluster: calls check
    from time to time for new and lost nodes, and move only the members whose shard has changed.

    With a folder, a block is acknowledged once it is in the stores of its shards. A shard that dies is restarted from its
    store, if necessary on another node, and no acknowledged row is lost. Without a folder, members are in memory alone:
    those of a shard that dies are lost and restart from scratch, with a warning (`LostMembers`), and `lost` counts them.

    Parameters
    ----------
    make : learner or callable
        As in `headwater.Fleet`.
    key : str
        Column with the key.
    folder : path, optional
        Folder of the shards' stores, which all nodes must reach. An existing fleet in it is resumed.
    shards : int, optional
        Fixed number of shards; by default one for each core of each node. In an existing folder, use `resize` to change it.
    address : str, optional
        Address of a Ray cluster. None starts one on this machine, and False runs the shards in this process without Ray.
    max_keys, resident : int, optional
        Limits per shard, as in `headwater.Fleet`. ``resident`` needs a folder.

    Raises
    ------
    MissingExtra
        If Ray is needed and not installed.
    StoreError
        If the folder can't be used, or holds another fleet.

    Examples
    --------
    >>> import headwater as hw, tempfile
    >>> with ShardedFleet(hw.Regressor, "shop", tempfile.mkdtemp(), shards=2, address=False) as fleet:
    ...     _ = fleet.learn_many([{"shop": i % 99, "x": i % 3} for i in range(300)], [float(i % 3) for i in range(300)])
    ...     moved = fleet.resize(3)
    ...     20 < moved < 46, len(fleet.keys()), fleet.score()["rows"]
    (True, 99, 300)
    """

    def __init__(
        self,
        make: SupervisedLearner | Callable[[], SupervisedLearner],
        key: str,
        folder: str | Path | None = None,
        *,
        shards: int | None = None,
        address: str | bool | None = None,
        max_keys: int = 1_000_000,
        resident: int | None = None,
    ) -> None:
        _check(shards, folder, resident)
        super().__init__(make, key, max_keys=max_keys, address=address)
        self._resident = resident
        self._left = False  # whether a move was interrupted, so that some members may be in two shards
        self.moved = 0
        """Number of members moved since the fleet was opened."""
        self._follows, self._looked, self._repeated = shards is None, time.monotonic(), 0
        try:
            self.folder = None if folder is None else Folder(folder)
            """Folder of the stores, and of how far a run is."""
            self._open(shards)
            self._number = self.done(OWN)
        except BaseException:
            self.shards.close()
            raise

    def _open(self, shards: int | None) -> None:
        """Start the shards listed in the folder, or new ones, and complete an interrupted move."""
        with nullcontext() if self.folder is None else self.folder.made_once() as noted:
            homes = self._list(noted, shards)
        for name in self._places.shards:
            self._start(name, homes.get(name))
        if self._left:
            self._sweep()

    def _list(self, noted: Noted | None, shards: int | None) -> dict[str, str]:
        """List the shards, durably if they are new, and return the nodes of those that follow nodes."""
        if self.folder is not None and noted is not None and noted.partitions:
            raise StoreError(
                expected="a fleet whose rows are dealt out",
                got="one whose shards read partitions of their own",
                at=str(self.folder.path),
                help="Open it with PartitionedFleet, or give another folder.",
            )
        names = noted.shards if noted else [f"shard-{i}" for i in range(shards or 0)]
        homes = assigned(names, {}, self.shards.nodes()) if self._follows else {}
        self._places = Places(names or list(homes) or ["shard-0"])
        self._left = noted is not None and noted.unfinished
        self._gone = NO_COUNTS if noted is None else noted.gone
        if noted is None:
            self._note(self._places, unfinished=False)
        return homes

    @property
    def names(self) -> Sequence[str]:
        """Names of the shards."""
        return self._places.shards

    def home(self, key: Hashable) -> str:
        """Return the shard of a key. That of an invalid key is the first."""
        return self._places.of(key)

    # ---- rows -------------------------------------------------------------------------------------------------------

    def step_many(
        self, X: Any, y: Any, w: Any = None, ask: Any = None, *, block: tuple[str, int] | None = None
    ) -> Predictions:
        """Predict and learn rows durably, those of one key in order.

        Parameters
        ----------
        X, y, w
            As in `headwater.Fleet`.
        ask
            Must be None, since delayed labels need a fleet in one process.
        block : (str, int), optional
            Source and number of the block, such as a partition and an offset. A repeat of the last block of its source is not
            learned again, and gets the same predictions.

        Returns
        -------
        Predictions
            In the order of the rows.
        """
        if ask is not None:
            raise ConfigError(
                expected="labels that arrive with their rows",
                got="delayed labels",
                at="ask of ShardedFleet",
                help="Use headwater.Fleet for delayed labels.",
            )
        rows, answers = as_list(X), y.tolist() if isinstance(y, np.ndarray) else list(y)
        weights = None if w is None else [float(one) for one in w]
        if len(answers) != len(rows):
            raise not_as_many(answers, len(rows))
        if weights is not None and len(weights) != len(rows):
            raise not_as_many(weights, len(rows), "weights", at="w")
        with self._lock:
            self.follow_nodes()
            self._number += block is None
            source, number = block or (OWN, self._number)
            whole = Part(list(range(len(rows))), rows, answers, weights)
            given = {name: (source, number, whole.of(own)) for name, own in self._parts(rows).items()}
            replies = self._call("step", given)
            return self._joined(len(rows), [reply for own in replies.values() for reply in own])

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows, and return the prediction made before each was learned, shape (n,)."""
        return self._array(self.step_many(X, y, w))

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample. Each call is a round trip and a commit, so blocks are far cheaper."""
        self.step_many([x], [y], [w])

    def run(
        self,
        stream: Any,
        target: str | None = None,
        *,
        block: int = BLOCK,
        window: int = 1000,
        every: int | None = None,
        on_record: Callable[[Metrics], object] | Sequence[Callable[[Metrics], object]] = (),
    ) -> Metrics:
        """Learn a whole stream, resuming from the folder's position.

        Parameters
        ----------
        stream, target
            As in ``Session.run``. After a crash it must give the same rows.
        block : int
            Rows dealt to the shards at once.
        window : int
            Rows of the window scores.
        every : int, optional
            Make `Metrics` every ``every`` rows, after the block that reaches them.
        on_record : callable or sequence of them
            Called with each record.

        Returns
        -------
        Metrics
            Metrics at the end, over all rows of the run, also those before the process was restarted.
        """
        calls = (on_record,) if callable(on_record) else tuple(on_record)
        return FleetRun(self, block=block, window=window).learn(stream, target, every, calls)

    # ---- members ----------------------------------------------------------------------------------------------------

    def take_members(self, fleet: Fleet) -> None:
        """Copy the members of a fleet of one process to their shards."""
        with self._lock:
            keys = [json.dumps(as_json(key)) for key in fleet]
            while keys:
                members = members_of(fleet, keys[:AT_ONCE])
                given: dict[str, list[Moved]] = defaultdict(list)
                for member in members:
                    given[place_of(self._places, member[0])].append(member)
                self._call("accept", {name: (own, {}) for name, own in given.items()})
                keys = keys[len(members) :]

    def fill(
        self,
        fleet: Fleet,
        keys: Iterable[Hashable] = (),
        labels: Iterable[Any] = (),
        *,
        began: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """Put copies of all members into a fleet of one process, replacing those of the same keys, and add what was counted.

        Parameters
        ----------
        fleet : Fleet
            With the same members to begin with.
        keys, labels : iterable
            The order of keys and classes. Others follow, by their shards.
        began : mapping, optional
            What the fleet had counted when the shards took its members, by default what it has counted now.

        Raises
        ------
        ConfigError
            If there are more keys than the fleet takes.

        Examples
        --------
        >>> import headwater as hw
        >>> one = hw.Fleet(hw.Regressor, "shop")
        >>> with ShardedFleet(hw.Regressor, "shop", shards=2, address=False) as fleet:
        ...     _ = fleet.learn_many(
        ...         [{"shop": i % 9, "x": i % 3} for i in range(90)], [float(i % 3) for i in range(90)]
        ...     )
        ...     fleet.fill(one)
        >>> len(one), one.n_learned
        (9, 90)
        """
        with self._lock:
            homes = {key: name for name, own in self._keys_by_shard().items() for key in own}
            _check_room(fleet, len(homes))
            first = dict.fromkeys(json.dumps(as_json(key)) for key in keys if key is not ...)
            ordered = [*(key for key in first if key in homes), *(key for key in homes if key not in first)]
            named = {json.dumps(as_json(label)): label for label in labels}
            for at in range(0, len(ordered), AT_ONCE):
                self._copy(ordered[at : at + AT_ONCE], homes, fleet, named)
            counts = self.counts()
            with fleet.lock:
                now = {"refused": fleet.refused, "counts": fleet.counts()}
                for name, own in (("refused", fleet.refused), ("counts", fleet.before)):
                    before = now[name] if began is None else began.get(name, {})
                    change = Counter(counts[name])
                    change.update(before)
                    change.subtract(now[name])
                    own.update(change)

    def _copy(self, keys: Sequence[str], homes: Mapping[str, str], fleet: Fleet, labels: Mapping[str, Any]) -> None:
        """Copy the members of some keys from their shards to a fleet, whose new classes are numbered in the given order."""
        asked: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            asked[homes[key]].append(key)
        found = {one[0]: one for name, own in asked.items() for members in self._given(name, own) for one in members}
        known = {name for one in found.values() for name in one[2]}
        with fleet.lock:
            fleet.numbers_of([label for name, label in labels.items() if name in known])
            put_members(fleet, [found[key] for key in keys])

    # ---- shards -----------------------------------------------------------------------------------------------------

    def resize(self, shards: int | None = None) -> int:
        """Set a fixed number of shards, and move the members whose shard changes.

        Parameters
        ----------
        shards : int, optional
            Number of shards; by default one for each core of each node, following the nodes.

        Returns
        -------
        int
            Number of members moved.
        """
        _check(shards)
        with self._lock:
            before = self.moved
            if self._left:
                self._sweep()
            self._follows = shards is None
            if shards is None:
                self._look()
            else:
                have = self._places.shards
                new = [name for name in (f"shard-{i}" for i in range(shards + len(have))) if name not in have]
                self._move(dict.fromkeys([*have, *new][:shards]))
            return self.moved - before

    def follow_nodes(self) -> None:
        """Check for changed nodes if it is time or a shard died, and complete an interrupted move."""
        if self._left:
            self._sweep()
        died = self.shards.repeated > self._repeated
        if self._follows and (died or time.monotonic() - self._looked > LOOK):
            self._look()

    def _look(self) -> None:
        """Adjust the shards to the current nodes."""
        self._looked, self._repeated = time.monotonic(), self.shards.repeated
        homes = assigned(self._places.shards, self.shards.homes, self.shards.nodes())
        for name in self._places.shards:
            before = self.shards.homes[name]
            if not before:  # Ray chose the node
                self.shards.homes[name] = homes.get(name, "")
            elif name in homes and homes[name] != before:
                self.shards.abandon(name)
                self._start(name, homes[name])
        if set(homes) != set(self._places.shards):
            self._move(homes)

    def _move(self, homes: Mapping[str, str | None]) -> None:
        """Change the set of shards, and move the members whose shard changes.

        Members are written to their new shard before the list of shards changes, and removed from the old one afterwards.
        After a crash in between, each member is in the shard that the list implies, and other copies are removed at the next
        start.
        """
        old, new = self._places, Places(list(homes))
        self._left = True
        self._note(old, unfinished=True)
        for name in new.shards:
            if name not in old.shards:
                self._start_empty(name, homes[name])
        for name, keys in self._keys_by_shard().items():
            self._hand_over(name, new, keys)
        self._gone = self._counted_by([name for name in old.shards if name not in new.shards])
        self._places = new
        self._note(new, unfinished=True)
        self._sweep()

    def _counted_by(self, leaving: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return what shards that leave have counted, with those that have left before."""
        counts = [self._gone, *self._call("counts", dict.fromkeys(leaving, ())).values()]
        names = dict.fromkeys(name for own in counts for name in own)
        return {name: dict(sum((Counter(own.get(name, {})) for own in counts), Counter())) for name in names}

    def _sweep(self) -> None:
        """Remove members that have moved, and shards that are no longer listed."""
        for name in set(self.shards.homes) - set(self._places.shards):
            self.shards.drop(name)
        if self.folder is not None:
            self.folder.forget_others(self._places.shards)
        known = self._keys_by_shard()
        gone = {name: [key for key in keys if place_of(self._places, key) != name] for name, keys in known.items()}
        self._call("remove", {name: (keys,) for name, keys in gone.items() if keys})
        self._note(self._places, unfinished=False)
        self._left = False

    def _hand_over(self, name: str, new: Places, keys: Sequence[str]) -> None:
        """Copy members to their new shards, with the replies to the last blocks."""
        going: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            going[place_of(new, key)].append(key)
        going.pop(name, None)
        replies = self._call("replies", {name: ()})[name] if going else {}
        for target, some in going.items():
            self._call("accept", {target: ([], replies)})
            for members in self._given(name, some):
                self._call("accept", {target: (members, {})})
                self.moved += len(members)

    def _start(self, name: str, home: str | None) -> None:
        path = None if self.folder is None else self.folder.store(name)
        self.shards.start(name, home, self._first, path, self._resident)

    def _start_empty(self, name: str, home: str | None) -> None:
        """Start an empty shard, discarding what an interrupted move left of it."""
        if name in self.shards.homes:
            self.shards.drop(name)
        if self.folder is not None:
            self.folder.forget(name)
        self._start(name, home)

    def _note(self, places: Places, *, unfinished: bool) -> None:
        if self.folder is not None:
            self.folder.note(places.shards, unfinished=unfinished, gone=self._gone)

    # ---- status -----------------------------------------------------------------------------------------------------

    def done(self, source: str) -> int:
        """Return the number of the last block learned of a source by any shard, or −1.

        A process that resumes from the folder must repeat that block, for shards that have not learned it.
        """
        with self._lock:
            numbers: list[int] = list(self._call("done", dict.fromkeys(self._places.shards, (source,))).values())
        return max(numbers)

    def save(self, path: Any) -> None:
        """Raise ConfigError, since the folder's stores already hold everything."""
        raise ConfigError(
            expected="no file to keep",
            got=repr(path),
            at="keep",
            help="The stores in the folder hold all that was learned, and fill(fleet) copies it into a Fleet to save.",
        )


def place_of(places: Places, key: str) -> str:
    """Return the shard of a key given as JSON."""
    return places.of(from_json(json.loads(key)))


def _check_room(fleet: Fleet, count: int) -> None:
    if count > fleet.max_keys:
        raise ConfigError(
            expected=f"at most {counted(fleet.max_keys, 'key')}",
            got=counted(count, "key"),
            at="max_keys of Fleet",
            help="Make the fleet with more. The folder has all members.",
        )


def _check(shards: Any, folder: Any = "", resident: Any = None) -> None:
    """Validate the settings."""
    if shards is not None and (type(shards) is not int or shards < 1):
        raise ConfigError(expected="a whole number above 0", got=repr(shards), at="shards", help="Give e.g. 2.")
    if resident is not None and folder is None:
        raise ConfigError(
            expected="a folder for members that are not resident",
            got="none",
            at="folder of ShardedFleet",
            help="Give a folder, or leave resident out.",
        )
