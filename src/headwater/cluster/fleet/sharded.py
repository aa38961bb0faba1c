"""Public interface of a fleet over a cluster, which routes rows to the shards of their keys."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_key
from headwater.errors import ConfigError, LostMembers
from headwater.kinds.fleet import Fleet
from headwater.kinds.fleet.members.members import MemberFleet
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import check_can, has_classes
from headwater.learner.schema.labels import as_labels
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Predictions

from .actors import ActorShards, LocalShards, Shards
from .folder import Folder
from .nodes import assigned
from .places import Places
from .shard import Moved, Part, Reply, from_bytes

__all__ = ["ShardedFleet"]

LOOK = 1.0
"""Minimum seconds between checks for changed nodes."""
AT_ONCE = 10_000
"""Keys per request when members are copied."""
OWN = ""
"""Source of blocks without one."""


class ShardedFleet:
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
        empty = _template(make, key, max_keys)
        self.task, self.key, self.classes = empty.task, key, list(empty.classes)
        self._score_name = next(name for name in empty.score() if name != "rows")
        self._first, self._resident = empty.to_bytes(), resident
        self._folder = None if folder is None else Folder(folder)
        self._lock = threading.RLock()
        self._left = False  # whether a move was interrupted, so that some members may be in two shards
        self.moved = 0
        """Number of members moved since the fleet was opened."""
        self.lost: Counter[str] = Counter()
        """Number of ``keys`` lost with shards without a store, and of their scored ``rows``."""
        self.shards: Shards = LocalShards() if address is False else ActorShards(address or None)  # type: ignore[arg-type]
        self._follows, self._looked, self._repeated = shards is None, time.monotonic(), 0
        try:
            self._open(shards)
            self._number = self.done(OWN)
        except BaseException:
            self.shards.close()
            raise

    def _open(self, shards: int | None) -> None:
        """Start the shards listed in the folder, or new ones, and complete an interrupted move."""
        noted = None if self._folder is None else self._folder.noted()
        names = noted.shards if noted else [f"shard-{i}" for i in range(shards or 0)]
        homes = assigned(names, {}, self.shards.nodes()) if self._follows else {}
        self._places = Places(names or list(homes) or ["shard-0"])
        self._left = noted is not None and noted.unfinished
        self._note(self._places, unfinished=self._left)
        for name in self._places.shards:
            self._start(name, homes.get(name))
        if self._left:
            self._sweep()

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
        if len(answers) != len(rows) or (weights is not None and len(weights) != len(rows)):
            raise ConfigError(
                expected=f"{len(rows)} labels and weights", got=str(len(answers)), at="y", help="Give one per row."
            )
        with self._lock:
            self._follow()
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

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without learning them."""
        rows = as_list(X)
        with self._lock:
            self._follow()
            parts = self._parts(rows)
            predicted = self._call("predict", {name: ([rows[i] for i in own],) for name, own in parts.items()})
            places = {name: np.array(own, np.int32).tobytes() for name, own in parts.items()}
            return self._joined(len(rows), [(places[name], predicted[name]) for name in parts])

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Predict the label of each row, shape (n,), without learning."""
        return self._array(self.predict_batch(X))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the label of a sample with its key, as a fleet in one process does."""
        return from_json(json.loads(self._answer("predict_one", x)))

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class that the key's member has seen, as a fleet in one process does."""
        labels, p = json.loads(self._answer("predict_proba_one", x))
        return dict(zip(map(from_json, labels), p, strict=True))

    def _answer(self, question: str, x: Mapping[Any, Any]) -> str:
        """Ask the shard of a row's key."""
        (row,) = as_list([x])
        with self._lock:
            self._follow()
            name = self._places.of(row.get(self.key))
            return cast("str", self._call(question, {name: (row,)})[name])

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        return np.asarray(forecast.y_pred) if not has_classes(self.task) else as_labels(list(forecast.y_pred))

    def _parts(self, rows: Sequence[Any]) -> dict[str, list[int]]:
        """Return the indices of the rows of each shard."""
        parts: dict[str, list[int]] = defaultdict(list)
        place, key = self._places.of, self.key
        for i, row in enumerate(rows):
            parts[place(row.get(key))].append(i)
        return dict(parts)

    def _joined(self, n: int, replies: Sequence[Reply]) -> Predictions:
        """Join the shards' predictions in the order of the rows."""
        parts = [(np.frombuffer(places, np.int32), from_bytes(data)) for places, data in replies]
        if not has_classes(self.task):
            out = np.zeros(n)
            for places, forecast in parts:
                out[places] = forecast.y_pred
            return Predictions(out)
        new = dict.fromkeys(label for _, forecast in parts for label in forecast.classes)
        self.classes += [label for label in new if label not in self.classes]
        column = {label: i for i, label in enumerate(self.classes)}
        y_pred: list[Any] = [None] * n
        proba = np.zeros((n, len(self.classes)))
        for places, forecast in parts:
            for i, label in zip(places.tolist(), forecast.y_pred, strict=True):
                y_pred[i] = label
            columns = np.array([column[label] for label in forecast.classes], np.int64)
            proba[places[:, None], columns] = forecast.proba
        return Predictions(y_pred, proba, tuple(self.classes))

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

    def _follow(self) -> None:
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
        self._places = new
        self._note(new, unfinished=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove members that have moved, and shards that are no longer listed."""
        for name in set(self.shards.homes) - set(self._places.shards):
            self.shards.drop(name)
        if self._folder is not None:
            self._folder.forget_others(self._places.shards)
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

    def _given(self, name: str, keys: Sequence[str]) -> Iterator[list[Moved]]:
        """Yield the members of some keys in chunks."""
        at = 0
        while at < len(keys):
            members: list[Moved] = self._call("give", {name: (keys[at : at + AT_ONCE],)})[name]
            yield members
            at += len(members)

    def _keys_by_shard(self) -> dict[str, list[str]]:
        return self._call("keys", dict.fromkeys(self._places.shards, ()))

    def _start(self, name: str, home: str | None) -> None:
        path = None if self._folder is None else self._folder.store(name)
        self.shards.start(name, home, self._first, path, self._resident)

    def _start_empty(self, name: str, home: str | None) -> None:
        """Start an empty shard, discarding what an interrupted move left of it."""
        if name in self.shards.homes:
            self.shards.drop(name)
        if self._folder is not None:
            self._folder.forget(name)
        self._start(name, home)

    def _note(self, places: Places, *, unfinished: bool) -> None:
        if self._folder is not None:
            self._folder.note(places.shards, unfinished=unfinished)

    def _call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards, and warn of members lost with shards that have no store."""
        answers = self.shards.call(method, arguments)
        while self.shards.forgotten:
            one = self.shards.forgotten.pop()
            self.lost += Counter(keys=one.members, rows=one.scored)
            lost = f"a shard without a store died: {one.members:,} keys, scored on {one.scored:,} rows, were lost"
            warnings.warn(f"{lost}. Pass a folder to keep them on disk", LostMembers, stacklevel=4)
        return answers

    # ---- status -----------------------------------------------------------------------------------------------------

    def keys(self) -> list[Any]:
        """Return all keys."""
        with self._lock:
            self._follow()
            return [from_json(json.loads(key)) for keys in self._keys_by_shard().values() for key in keys]

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return the prequential score of all members, or of one key.

        Raises
        ------
        KeyError
            For an unknown key.
        """
        with self._lock:
            self._follow()
            if key is None:
                found = self._call("scores", dict.fromkeys(self._places.shards, (None,)))
            elif (own := as_key(key)) is ...:
                raise KeyError(key)
            else:
                found = self._call("scores", {self._places.of(own): ([json.dumps(as_json(own))],)})
        rows, total = sum(n for n, _ in found.values()), math.fsum(x for _, x in found.values())
        return {"rows": rows, self._score_name: total / rows if rows else math.nan}

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps by reason, since each shard's last start."""
        counts: Counter[str] = Counter()
        with self._lock:
            for own in self._call("rejected", dict.fromkeys(self._places.shards, ())).values():
                counts.update(own)
        return dict(sorted(counts.items()))

    def done(self, source: str) -> int:
        """Return the number of the last block learned of a source by any shard, or −1.

        A process that resumes from the folder must repeat that block, for shards that have not learned it.
        """
        with self._lock:
            numbers: list[int] = list(self._call("done", dict.fromkeys(self._places.shards, (source,))).values())
        return max(numbers)

    def fingerprint(self) -> str:
        """Return a hash of the learned state of all members, independent of their shards."""
        lines = []
        with self._lock:
            self._follow()
            for name, keys in self._keys_by_shard().items():
                for members in self._given(name, keys):
                    lines += [
                        (key, hashlib.sha256(record).hexdigest(), labels) for key, record, labels, _, _ in members
                    ]
        return hashlib.sha256(json.dumps(sorted(lines)).encode()).hexdigest()

    def save(self, path: Any) -> None:
        """Raise ConfigError, since the folder's stores already hold everything."""
        raise ConfigError(
            expected="no file to keep",
            got=repr(path),
            at="keep",
            help="The stores in the folder hold all that was learned.",
        )

    def close(self) -> None:
        """Commit and stop the shards."""
        with self._lock:
            for name in self._places.shards:
                self.shards.stop(name)
            self.shards.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def place_of(places: Places, key: str) -> str:
    """Return the shard of a key given as JSON."""
    return places.of(from_json(json.loads(key)))


def _template(make: Any, key: str, max_keys: int) -> Fleet:
    """Return an empty fleet in the core, as each shard begins.

    Raises
    ------
    ConfigError
        If the core can't hold its members.
    """
    empty: Any = Fleet(make, key, max_keys=max_keys)
    if not isinstance(empty, MemberFleet):
        return cast("Fleet", empty)
    check_can(empty.first, "seat", at="make of ShardedFleet")
    raise ConfigError(
        expected="members that the core can hold",
        got=repr(empty.first),
        at="make of ShardedFleet",
        help="Give a Classifier or a Regressor with text='auto' or None.",
        code="kind",
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
