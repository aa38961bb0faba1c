"""Ask the shards of a fleet for predictions, keys and scores, as one fleet is asked."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import warnings
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_key
from headwater.errors import ConfigError, LostMembers, counted
from headwater.kinds.fleet import Fleet
from headwater.kinds.fleet.members.members import MemberFleet
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import check_can, has_classes, kind_of, named_able
from headwater.learner.schema.labels import as_labels
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Predictions

from .actors import ActorShards, LocalShards, Shards
from .folder import NO_COUNTS
from .shard import Moved, Reply, from_bytes

__all__ = ["ShardClient"]

AT_ONCE = 10_000
"""Keys per request when members are copied."""


class ShardClient(ABC):
    """What every fleet over a cluster answers, whoever teaches its shards.

    Parameters
    ----------
    make, key, max_keys
        As in `headwater.Fleet`.
    address : str, optional
        Address of a Ray cluster. None starts one on this machine, and False runs the shards in this process without Ray.
    """

    def __init__(self, make: Any, key: str, *, max_keys: int, address: str | bool | None) -> None:
        empty = _template(make, key, max_keys)
        self.task, self.key, self.classes = empty.task, key, list(empty.classes)
        self._score_name = next(name for name in empty.score() if name != "rows")
        self._first = empty.to_bytes()
        self.template = empty
        """A fleet of one process without members, as each shard begins."""
        self._lock = threading.RLock()
        self._gone: Mapping[str, Mapping[str, int]] = NO_COUNTS
        self.lost: Counter[str] = Counter()
        """Number of ``keys`` lost with shards without a store, and of their scored ``rows``."""
        self.shards: Shards = LocalShards() if address is False else ActorShards(address or None)  # type: ignore[arg-type]

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """Names of the shards."""

    @abstractmethod
    def home(self, key: Hashable) -> str:
        """Return the shard of a key. Of an unknown or invalid key it is the first."""

    @abstractmethod
    def follow_nodes(self) -> None:
        """Adapt the shards to the nodes before they are asked."""

    # ---- predictions ------------------------------------------------------------------------------------------------

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without learning them."""
        rows = as_list(X)
        with self._lock:
            self.follow_nodes()
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
            self.follow_nodes()
            name = self.home(row.get(self.key))
            return cast("str", self._call(question, {name: (row,)})[name])

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        return np.asarray(forecast.y_pred) if not has_classes(self.task) else as_labels(list(forecast.y_pred))

    def _parts(self, rows: Sequence[Any]) -> dict[str, list[int]]:
        """Return the indices of the rows of each shard."""
        parts: dict[str, list[int]] = defaultdict(list)
        place, key = self.home, self.key
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

    # ---- status -----------------------------------------------------------------------------------------------------

    def keys(self) -> list[Any]:
        """Return all keys."""
        with self._lock:
            self.follow_nodes()
            return [from_json(json.loads(key)) for keys in self._keys_by_shard().values() for key in keys]

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return the prequential score of all members, or of one key.

        Raises
        ------
        KeyError
            For an unknown key.
        """
        with self._lock:
            self.follow_nodes()
            if key is None:
                found = self._call("scores", dict.fromkeys(self.names, (None,)))
            elif (own := as_key(key)) is ...:
                raise KeyError(key)
            else:
                found = self._call("scores", {self.home(own): ([json.dumps(as_json(own))],)})
        rows, total = sum(n for n, _ in found.values()), math.fsum(x for _, x in found.values())
        return {"rows": rows, self._score_name: total / rows if rows else math.nan}

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps by reason."""
        counts = sum(self.counts().values(), Counter[str]())
        return {reason: count for reason, count in sorted(counts.items()) if count and reason != "learned"}

    def counts(self) -> dict[str, Counter[str]]:
        """Return the counts of ``refused`` rows, and ``counts`` of what all members dropped, undid and learned."""
        found = {name: Counter(own) for name, own in self._gone.items()}
        with self._lock:
            for counted_there in self._call("counts", dict.fromkeys(self.names, ())).values():
                for name, own in counted_there.items():
                    found.setdefault(name, Counter()).update(own)
        return found

    def fingerprint(self) -> str:
        """Return a hash of the learned state of all members, independent of their shards."""
        lines = []
        with self._lock:
            self.follow_nodes()
            for name, keys in self._keys_by_shard().items():
                for members in self._given(name, keys):
                    lines += [
                        (key, hashlib.sha256(record).hexdigest(), labels) for key, record, labels, _, _ in members
                    ]
        return hashlib.sha256(json.dumps(sorted(lines)).encode()).hexdigest()

    def _call(self, method: str, arguments: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Call a method of some shards, and warn of members lost with shards that have no store."""
        answers = self.shards.call(method, arguments)
        while self.shards.forgotten:
            one = self.shards.forgotten.pop()
            self.lost += Counter(keys=one.members, rows=one.scored)
            lost = f"a shard without a store died: {counted(one.members, 'key')}, scored on {counted(one.scored, 'row')}, were lost"
            warnings.warn(f"{lost}. Pass a folder to keep them on disk", LostMembers, stacklevel=4)
        return answers

    def _given(self, name: str, keys: Sequence[str]) -> Iterator[list[Moved]]:
        """Yield the members of some keys in chunks."""
        at = 0
        while at < len(keys):
            members: list[Moved] = self._call("give", {name: (keys[at : at + AT_ONCE],)})[name]
            yield members
            at += len(members)

    def _keys_by_shard(self) -> dict[str, list[str]]:
        return self._call("keys", dict.fromkeys(self.names, ()))

    def close(self) -> None:
        """Commit and stop the shards."""
        with self._lock:
            for name in self.names:
                self.shards.stop(name)
            self.shards.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


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
    if "seat" in kind_of(empty.first).can:
        check_can(empty.first, "seat", at="make of a fleet over a cluster")  # which says what to do without the setting
    raise ConfigError(
        expected="members that the core can hold, whose states move from one process to another",
        got=repr(empty.first),
        at="make of a fleet over a cluster",
        help=f"Give {named_able('seat')} without memory, rolling and text, or start one process for each share of the keys.",
        code="kind",
    )
