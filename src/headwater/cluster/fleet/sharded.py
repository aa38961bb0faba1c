"""The face of a fleet over a cluster: rows go to the shards of their keys, and what these say comes back in the rows' order."""

from __future__ import annotations

import hashlib
import json
import math
import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.fleet import Fleet
from headwater.fleet.rows import as_list
from headwater.learner.base import Learner
from headwater.learner.labels import as_labels
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Forecast

from .actors import ActorShards, LocalShards, Shards
from .places import Places
from .shard import from_bytes

__all__ = ["ShardedFleet"]

SHARDS_FILE = "shards.json"


class ShardedFleet:
    """One small model a key, spread over the shards of a cluster: the face of `headwater.Fleet`, and of a `Session`'s learner.

    A key belongs to one shard (`places`), so its rows keep their order. A block is acknowledged once it is in the stores of its
    shards; a shard that dies is started again from there.

    Parameters
    ----------
    make : learner or callable
        As in `headwater.Fleet`.
    key : str
        The column that holds the key.
    folder : path
        Where the stores of the shards lie. A shard that is started again elsewhere must reach it. What lies there goes on.
    shards : int
        How many shards there are, if the folder is new.
    address : str, optional
        Of a Ray cluster; None starts one on this machine, and False has the shards in this process, without Ray.
    max_keys, resident : int, optional
        Of each shard, as in `headwater.Fleet`.

    Raises
    ------
    MissingExtra
        If Ray is asked for and not installed.

    Examples
    --------
    >>> import headwater as hw, tempfile
    >>> with ShardedFleet(hw.Regressor, "shop", tempfile.mkdtemp(), address=False) as fleet:
    ...     _ = fleet.learn_many([{"shop": i % 99, "x": i % 3} for i in range(300)], [float(i % 3) for i in range(300)])
    ...     moved = fleet.resize(3)
    ...     20 < moved < 46, len(fleet.keys()), fleet.score()["rows"]
    (True, 99, 300)
    """

    def __init__(
        self,
        make: Learner | Callable[[], Learner],
        key: str,
        folder: str | Path,
        *,
        shards: int = 2,
        address: str | bool | None = None,
        max_keys: int = 1_000_000,
        resident: int | None = None,
    ) -> None:
        if type(shards) is not int or shards < 1:
            raise ConfigError(expected="a whole number above 0", got=repr(shards), at="shards", help="Give e.g. 2.")
        empty = Fleet(make, key, max_keys=max_keys)
        self.task, self.key, self.classes = empty.task, key, list(empty.classes)
        self._score_name = next(name for name in empty.score() if name != "rows")
        self._first, self._resident = empty.to_bytes(), resident
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.shards: Shards = LocalShards() if address is False else ActorShards(address or None)  # type: ignore[arg-type]
        self._places = Places(self._noted() or [f"shard-{i}" for i in range(shards)])
        for name in self._places.shards:
            self._start(name)
        self._note()
        self._source, self._number = uuid.uuid4().hex, 0

    # ---- rows -------------------------------------------------------------------------------------------------------

    def step_many(
        self, X: Any, y: Any, w: Any = None, ask: Any = None, *, block: tuple[str, int] | None = None
    ) -> Forecast:
        """Predict and learn rows in turn, those of one key in their order; durable when it returns.

        Parameters
        ----------
        X, y, w
            As in `headwater.Fleet`.
        ask
            Must be None: late answers need a fleet in one process.
        block : (str, int), optional
            Source and number of the block, such as a partition and an offset. One that was learned before is not learned again,
            but answered as it was then, as long as it was the last of its source.

        Returns
        -------
        Forecast
            In the order of the rows.
        """
        if ask is not None:
            raise ConfigError(
                expected="answers that come with their rows",
                got="rows that are asked first",
                at="ask of ShardedFleet",
                help="Use headwater.Fleet where answers come late.",
            )
        rows, answers = as_list(X), y.tolist() if isinstance(y, np.ndarray) else list(y)
        weights = None if w is None else [float(one) for one in w]
        if len(answers) != len(rows) or (weights is not None and len(weights) != len(rows)):
            raise ConfigError(
                expected=f"{len(rows)} answers and weights", got=str(len(answers)), at="y", help="Give one a row."
            )
        if block is None:
            self._number += 1
        source, number = block or (self._source, self._number)
        parts = self._parts(rows)
        given = {
            name: (
                source,
                number,
                [rows[i] for i in own],
                [answers[i] for i in own],
                None if weights is None else [weights[i] for i in own],
            )
            for name, own in parts.items()
        }
        return self._joined(len(rows), parts, self.shards.call("step", given))

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows, and return the prediction made before each was learned, shape (n,)."""
        return self._array(self.step_many(X, y, w))

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample. Each is a round trip and a commit: blocks are far cheaper."""
        self.step_many([x], [y], [w])

    def forecast(self, X: Any) -> Forecast:
        """Predict rows; nothing is changed."""
        rows = as_list(X)
        parts = self._parts(rows)
        given = {name: ([rows[i] for i in own],) for name, own in parts.items()}
        return self._joined(len(rows), parts, self.shards.call("predict", given))

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Predict the answer of each row, shape (n,); nothing is changed."""
        return self._array(self.forecast(X))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer of a sample with its key."""
        return self.forecast([x]).y_pred[0]

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class that any member knows; 0 for those that the key's member doesn't."""
        forecast = self.forecast([x])
        p = [] if forecast.proba is None else forecast.proba[0].tolist()
        return dict(zip(forecast.classes, p, strict=True))

    def _array(self, forecast: Forecast) -> NDArray[Any]:
        return np.asarray(forecast.y_pred) if self.task == "regress" else as_labels(list(forecast.y_pred))

    def _parts(self, rows: Sequence[Any]) -> dict[str, list[int]]:
        """Return which rows go to which shard."""
        parts: dict[str, list[int]] = defaultdict(list)
        place, key = self._places.of, self.key
        for i, row in enumerate(rows):
            parts[place(row.get(key))].append(i)
        return dict(parts)

    def _joined(self, n: int, parts: Mapping[str, list[int]], replies: Mapping[str, bytes]) -> Forecast:
        """Put what the shards say into the order of the rows."""
        forecasts = {name: from_bytes(replies[name]) for name in parts}
        if self.task == "regress":
            out = np.zeros(n)
            for name, own in parts.items():
                out[own] = forecasts[name].y_pred
            return Forecast(out)
        new = dict.fromkeys(label for one in forecasts.values() for label in one.classes)
        self.classes += [label for label in new if label not in self.classes]
        place = {label: i for i, label in enumerate(self.classes)}
        y_pred: list[Any] = [None] * n
        proba = np.zeros((n, len(self.classes)))
        for name, own in parts.items():
            for i, label in zip(own, forecasts[name].y_pred, strict=True):
                y_pred[i] = label
            columns = [place[label] for label in forecasts[name].classes]
            proba[np.ix_(own, columns)] = forecasts[name].proba
        return Forecast(y_pred, proba, tuple(self.classes))

    # ---- shards -----------------------------------------------------------------------------------------------------

    def resize(self, shards: int | None = None) -> int:
        """Have so many shards from now on, and move the members whose place has changed.

        Members are copied and committed at their new place before the list of shards is written: a crash in between leaves all
        where they were.

        Parameters
        ----------
        shards : int, optional
            How many; without it one for each core that the cluster has now.

        Returns
        -------
        int
            How many members were moved.
        """
        if shards is None:
            shards = self.shards.cores if isinstance(self.shards, ActorShards) else len(self._places.shards)
        old, new = self._places, Places([f"shard-{i}" for i in range(max(1, shards))])
        for name in new.shards:
            if name not in old.shards:
                self._start(name)
        moved = 0
        for name, keys in self._keys_by_shard().items():
            going: dict[str, list[str]] = defaultdict(list)
            for key in keys:
                if (place := new.of(from_json(json.loads(key)))) != name:
                    going[place].append(key)
            for place, some in going.items():
                members = self.shards.call("give", {name: (some,)})[name]
                self.shards.call("accept", {place: (members,)})
                moved += len(some)
        self._places = new
        self._note()
        for name in old.shards:
            if name not in new.shards:
                self.shards.stop(name)
        return moved

    def _keys_by_shard(self) -> dict[str, list[str]]:
        """Return the keys that belong to each shard; members that moved away from one lie there still, unused."""
        known = self.shards.call("keys", dict.fromkeys(self._places.shards, ()))
        return {
            name: [key for key in keys if self._places.of(from_json(json.loads(key))) == name]
            for name, keys in known.items()
        }

    def _start(self, name: str) -> None:
        self.shards.start(name, self._first, str(self._folder / f"{name}.db"), self._resident)

    def _noted(self) -> list[str]:
        path = self._folder / SHARDS_FILE
        return list(json.loads(path.read_text("utf-8"))) if path.exists() else []

    def _note(self) -> None:
        path, beside = self._folder / SHARDS_FILE, self._folder / f".{SHARDS_FILE}.part"
        with open(beside, "w", encoding="utf-8") as handle:
            json.dump(list(self._places.shards), handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, path)

    # ---- how it stands ----------------------------------------------------------------------------------------------

    def keys(self) -> list[Any]:
        """Return all keys."""
        return [from_json(json.loads(key)) for keys in self._keys_by_shard().values() for key in keys]

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return how good the predictions were that were made right before their rows were learned; with a key, its own."""
        by_shard = self._keys_by_shard() if key is None else {self._places.of(key): [json.dumps(as_json(key))]}
        found = self.shards.call("scores", {name: (keys,) for name, keys in by_shard.items()}).values()
        rows, total = sum(n for n, _ in found), math.fsum(x for _, x in found)
        return {"rows": rows, self._score_name: total / rows if rows else math.nan}

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps, by reason, as far as shards that were started again know."""
        counts: Counter[str] = Counter()
        for own in self.shards.call("rejected", dict.fromkeys(self._places.shards, ())).values():
            counts.update(own)
        return dict(sorted(counts.items()))

    def done(self, source: str) -> int:
        """Return the number of the last block of a source that a shard has learned; -1 for none."""
        numbers: list[int] = list(self.shards.call("done", dict.fromkeys(self._places.shards, (source,))).values())
        return max(numbers)

    def fingerprint(self) -> str:
        """Return a hash of what all members have learned, wherever they are."""
        lines = []
        for name, keys in self._keys_by_shard().items():
            for key, record, labels, _, _ in self.shards.call("give", {name: (keys,)})[name]:
                lines.append((key, hashlib.sha256(record).hexdigest(), labels))
        return hashlib.sha256(json.dumps(sorted(lines)).encode()).hexdigest()

    def save(self, path: Any) -> None:
        """Say that the stores in the folder are what is kept."""
        raise ConfigError(
            expected="no file to keep",
            got=repr(path),
            at="keep",
            help="The stores in the folder hold all that was learned.",
        )

    def close(self) -> None:
        """End the shards; all that was learned is in the folder."""
        for name in self._places.shards:
            self.shards.stop(name)
        if isinstance(self.shards, ActorShards):
            self.shards.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
