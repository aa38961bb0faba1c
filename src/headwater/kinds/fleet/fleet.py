"""A fleet of one small model per key."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.encode.values import as_key
from headwater.errors import ConfigError, RefusedRow, StoreError
from headwater.kinds.fleet.base import AnyFleet, fleet_kind
from headwater.kinds.fleet.file import CoreCopy, fill, fingerprint, pack, settings_in
from headwater.kinds.fleet.idle import Idle, read_about
from headwater.kinds.fleet.keys import KEY_REASONS, NO_KEY, TOO_MANY, check_key, no_key, shown, too_many_keys
from headwater.kinds.fleet.members.member_file import holds_objects
from headwater.kinds.fleet.members.members import MemberFleet
from headwater.kinds.fleet.rows import as_list
from headwater.kinds.fleet.texts import without_text
from headwater.learner.engine import Engine
from headwater.learner.kind import HasKind, Kind, check_can, has_classes, kind_of
from headwater.learner.schema.labels import RARE
from headwater.learner.settings.limits import Growth, Limits
from headwater.learner.supervised import SupervisedLearner, joined
from headwater.learner.validation import HEAVIEST, Block, check_block, check_rows
from headwater.store.members import undisturbed
from headwater.store.model_file import SavedModel, seal, unseal, write
from headwater.streams import PIECE, in_pieces
from headwater.types import Lazy, Predictions, public_names

__all__ = ["Fleet"]

_ASK = Lazy("headwater.kinds.fleet.looks.asking:ask_fleet")
_ADVISE = Lazy("headwater.kinds.fleet.looks.advice:advise")
_ABLE = frozenset(("answers", "classes", "late", "delay", "weights", "coverage", "challenge"))
"""Abilities of its members that a fleet in the core has too."""
_SEAMS = frozenset([
    "answering", "before", "begin_copy", "busiest", "check_keys", "check_limits", "clone", "core", "engine", "fingerprint", "first",
    "from_bytes", "from_saved", "from_store", "held", "idle", "let_rest", "lock", "mutate", "numbers_of",
    "refused", "saved", "take_classes", "to_bytes", "fit", "partial_fit", "predict", "predict_proba", "decision_function",
])  # fmt: skip
"""Members for other rooms, which completion and the list of public names leave out."""


class Fleet(AnyFleet):
    """Train one small model per key (a machine, a shop, a user), each on the rows of its own key only.

    Members share the declaration, the working memory and the feature names that all have seen, so 100,000 nets of 8 units
    take 0.25 GB. Each predicts bit for bit like a separate learner trained on the same rows without the key column.

    Where keys are alike, one model with the key as a category is better, because all keys then share what is learned and a
    new key gets useful predictions at once. Use a fleet where keys truly differ, or must not share data.

    Parameters
    ----------
    make : learner or callable
        The template of each member, a `Classifier`, a `Regressor` or a function that returns one. If it is trained, members
        start from its state. Learners of other kinds, those with a memory or text, and anybody's models are held as objects
        (`fleet.members.MemberFleet`), without ``store=``.
    key : str
        The key column. Keys are texts, numbers, booleans, bytes, or tuples of these. Rows with a key of another type (a UUID,
        a date) are rejected and counted. Pass ``str(key)`` for those.
    max_keys : int
        Maximum number of keys. Rows of further keys are rejected and counted.
    resident : int, optional
        Maximum number of members in memory, the others being kept in ``store``. By default all stay in memory.
    store : path, optional
        SQLite file for the members. If it exists, the fleet continues from the last commit.

    Raises
    ------
    ConfigError
        If make returns no learner, or a setting is invalid.
    StoreError
        If the store can't be used.

    Examples
    --------
    >>> import headwater as hw
    >>> fleet = hw.Fleet(lambda: hw.Classifier(hidden=(8,), seed=1), key="machine")
    >>> for i in range(400):
    ...     hot = i % 7 > 3
    ...     fleet.learn_one({"machine": "a", "heat": i % 7}, "stop" if hot else "go")
    ...     fleet.learn_one({"machine": "b", "heat": i % 7}, "go" if hot else "stop")
    >>> fleet.predict_one({"machine": "a", "heat": 6}), fleet.predict_one({"machine": "b", "heat": 6})
    ('stop', 'go')
    >>> len(fleet), fleet.score("a")["rows"]
    (2, 399)
    """

    _seams: ClassVar[frozenset[str]] = _SEAMS

    task: ClassVar[str]
    first: SupervisedLearner
    _span: tuple[float, float] | None
    """Smallest and largest valid target, or None for classes."""

    def __new__(cls, make: Any = None, *args: Any, **settings: Any) -> Any:
        """Create the fleet of classifiers or of regressors, or a fleet of objects for other learners."""
        if cls is Fleet and not _in_core(make):
            return _of_objects(make, *args, **settings)
        if cls is Fleet:
            cls = _kind_for(made(make))  # noqa: PLW0642
        return super().__new__(cls)

    def __init__(
        self,
        make: SupervisedLearner | Callable[[], SupervisedLearner],
        key: str,
        *,
        max_keys: int = 1_000_000,
        resident: int | None = None,
        store: str | Path | None = None,
    ) -> None:
        _check(key, max_keys, resident, store)
        self.key, self.max_keys, self.resident, self.store = key, max_keys, resident, store
        self.lock = threading.RLock()
        self.refused: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        """Counts by reason (dropped, clipped, undone, ``learned``) from before the fleet was loaded."""
        self.notes: dict[str, Any] = {}
        """Input options of the command line, saved in the file."""
        self._warned = False
        self.first = made(make)
        """The template of new members."""
        self._of_classes = has_classes(self.first)
        self._dtype = np.dtype(self.first.dtype)
        self.classes: list[Any] = list(self.first.known_classes)
        """All classes that any member has seen."""
        self._index: dict[Any, int] = {label: i for i, label in enumerate(self.classes)}
        self._core = self._made_core()
        self._limits = self.first.limits
        self._idle = None if store is None else Idle(store, self)

    def _made_core(self) -> Any:
        engine = self.first.engine or Engine(self.first.setup, limits=self.first.limits)
        classify, binary = self._of_classes, self._of_classes and self.first.one_output
        labels = list(range(len(self.classes)))
        return _core.Fleet(engine.core.learner, self.key, classify, binary, RARE, self.max_keys, labels)

    @staticmethod
    def advise(make: Any, key: str, X: Any, y: Sequence[Any]) -> Any:
        """Compare one model for all rows with one a key on first rows, each predicted before it is learned.

        Compared are one model that doesn't read the key, one that reads it as a category, and a fleet, which needs 30 rows a key.
        Scored is the later half of the rows. A form wins over a simpler one if it is better by more than two standard errors.

        Parameters
        ----------
        make : learner or callable
            What each of them begins as, a `Classifier` or a `Regressor` or a function that returns one.
        key : str
            The key column.
        X : list of dict, array (n, d) or data frame
            The first rows, 200 or more, of which some thousand tell more.
        y : sequence (n,)
            Their labels.

        Returns
        -------
        Advice
            ``form`` (``"pooled"``, ``"category"`` or ``"fleet"``), ``scores`` by form, ``metric``, ``keys`` and the ``reason``.
            Printed, it is a table.

        Examples
        --------
        >>> import headwater as hw
        >>> X = [{"machine": f"m{i % 2}", "heat": i % 7} for i in range(2_000)]
        >>> y = [(x["heat"] > 3) == (x["machine"] == "m0") for x in X]
        >>> advice = hw.Fleet.advise(lambda: hw.Classifier(hidden=(8,), seed=1), "machine", X, y)
        >>> advice.form, advice.keys, advice.scores["pooled"] < advice.scores["category"]
        ('category', 2, True)
        """
        return _ADVISE(make, key, X, y)

    # ---- overridden by the fleets of classifiers and of regressors ---------------------------------------------------

    def _answers(self, block: Block) -> NDArray[np.float64]:
        """Return labels as the core takes them (class indices or numbers)."""
        raise NotImplementedError

    def _given(self, out: NDArray[Any], said: NDArray[np.int32]) -> Predictions:
        """Return the core's output as `Predictions`."""
        raise NotImplementedError

    def _score_name(self) -> str:
        """Return the name of the metric."""
        raise NotImplementedError

    # ---- many rows --------------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn, keeping the order within each key.

        Row i of ``ask`` (of X without it) is predicted, then row i of X is learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples with their keys.
        y : sequence (n,)
            Their labels.
        w : sequence (n,), optional
            Weights.
        ask : like X, optional
            Rows to predict in lockstep with learning, as delayed labels need it. As many as rows of X, or any number if X is
            empty.

        Returns
        -------
        Predictions
            Each row's prediction, made before its member learned that row.
        """
        with self.lock:
            self._make_room()
            keys, rows = self._split(X)
            asked_keys, asked = ([], None) if ask is None else self._split(ask)
            block = check_block(rows, y, w, asked, self._span, self._index)
            self._check_new(block)
            n = max(len(rows), len(asked or ()))
            return joined(in_pieces(n, lambda part: self._step(block.part(part), keys[part], asked_keys[part])))

    def _step(self, block: Block, keys: list[Any], asked_keys: list[Any]) -> Predictions:
        """Predict and learn one piece of rows, fetching all stored members it needs at once."""
        answers = self._answers(block)
        block.count(self.refused)
        good = block.good.copy()  # without the rows for which no member can be made
        members = self._place(keys, good, learn=True)
        asked, asked_members = block.ask, None if block.ask is None else self._place(asked_keys, None)
        out, said = self._room(len(keys) if asked is None else len(asked))
        self._core.step(block.X, members, answers, block.w, good, out, said, asked, asked_members, out.shape[1])
        self.let_rest()
        return self._given(out, said)

    def _check_new(self, block: Block) -> None:
        """Reject a block that would add too many classes, before any of it is learned. Regressors have no classes."""

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows one by one and return the prediction made before each was learned.

        The order within each key is kept.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples with their keys.
        y : sequence (n,)
            Their answers.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        ndarray (n,)
        """
        before = dict(self.refused)
        forecast = self.step_many(X, y, w)
        self._warn(before, X)
        return self._array(forecast)

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the fleet.

        A row with an unknown key is predicted by the template of new members.
        """
        with self.lock:
            keys, rows = self._split(X)
            forecasts = []
            for at in range(0, max(len(rows), 1), PIECE):
                part = rows[at : at + PIECE]
                members = self._place(keys[at : at + PIECE], None)
                out, said = self._room(len(part))
                self._core.predict(part, members, out, said, out.shape[1])
                forecasts.append(self._given(out, said))
                self.let_rest()
            return joined(forecasts)

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Predict the label of each row, shape (n,), without changing the fleet."""
        return self._array(self.predict_batch(X))

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        """Return predictions as an array (n,)."""
        raise NotImplementedError

    def _split(self, X: Any) -> tuple[list[Any], list[dict[Any, Any]]]:
        """Split rows into keys and rows without the key column."""
        keys, rows = self._core.split(as_list(X))
        return keys, rows

    def _room(self, n: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
        width = len(self.classes) if self._of_classes else 1
        return np.zeros((n, width), self._dtype), np.full(n, -1, np.int32)

    def _place(self, keys: list[Any], good: NDArray[np.bool_] | None, *, learn: bool = False) -> NDArray[np.int64]:
        """Return the members of keys, all loaded into memory.

        Learning creates new members, and marks rows that get none as rejected.
        """
        members = np.full(len(keys), -1, np.int64)
        may = np.zeros(len(keys), bool) if good is None else good
        self._core.place(keys, learn, may, members)
        if learn and good is not None:
            for reason, code in (("key", NO_KEY), ("keys", TOO_MANY)):
                self.refused[reason] += int((good & (members == code)).sum())
            good &= members >= 0
        if self._idle is not None and self._core.present < self._core.count:
            self._idle.fetch(self._core.away(members, len(members)))
        return members

    # ---- one row ----------------------------------------------------------------------------------------------------

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the label of a sample that includes its key."""
        raise NotImplementedError

    def _outputs(self, x: Mapping[Any, Any]) -> tuple[int, list[float]]:
        """Return the member of a row's key (negative for none) and its outputs."""
        if type(x) is not dict:
            check_rows([x])
        with self.lock:
            answer = self._core.predict_one(x)
            if answer is None:  # its member is in the store only
                self._place([x[self.key]], None)
                answer = self._core.predict_one(x)
                self.let_rest()
            return answer  # type: ignore[no-any-return]

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample.

        Equivalent to ``learn_many`` with one row.

        Parameters
        ----------
        x : dict
            The sample with its key.
        y
            Its label.
        w : float
            Its weight.
        """
        answer = self._plain_answer(y)
        plain = answer is not None and type(x) is dict and (type(w) is float or type(w) is int) and 0 < w <= HEAVIEST
        with self.lock:
            if not plain or self._core.learn_one(x, answer, w) is None:
                before = dict(self.refused)
                self.step_many([x], [y], [w])
                self._warn(before, [x])

    def _plain_answer(self, y: Any) -> float | None:
        """Return a label as the core takes it, or None if it needs validation."""
        raise NotImplementedError

    def _warn(self, before: Mapping[str, int], X: Any) -> None:
        """Warn once that a row of X was not learned."""
        for reason, count in self.refused.items():
            if count > before.get(reason, 0) and not self._warned:
                self._warned = True
                meaning = KEY_REASONS.get(reason) or self.kind.refusal(reason)
                got = f", got {shown(self._first_refused(X))}" if reason == "key" else ""
                said = f"a row was not learned: {meaning}{got}. fleet.rejected counts all such rows. Warned once"
                warnings.warn(said, RefusedRow, stacklevel=3)

    def _first_refused(self, X: Any) -> Any:
        """Return the first invalid key."""
        return next((key for key in self._split(X)[0] if as_key(key) is ...), None)

    # ---- metrics ----------------------------------------------------------------------------------------------------

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return the metric of the predictions made before their rows were learned.

        Parameters
        ----------
        key : hashable, optional
            Restrict the metric to this key.

        Returns
        -------
        dict
            ``"rows"``, and ``"accuracy"`` (share of correct predictions) or ``"mae"`` (mean of |y − y_pred|). NaN without rows.

        Raises
        ------
        KeyError
            If there is no such key.
        """
        member = -1 if key is None else self._member(key)
        rows, total = self._core.scores(member)
        return {"rows": rows, self._score_name(): total / rows if rows else float("nan")}

    def ranking(self, least: int = 1) -> list[tuple[Any, dict[str, float]]]:
        """Return each key with its `score`, worst first, ties in order of arrival.

        Parameters
        ----------
        least : int
            Minimum scored rows of a listed key. A score of few rows means little.
        """
        with self.lock:
            found = [(key, *self._core.scores(member)) for member, key in enumerate(self._core.keys)]
        name, worst_first = self._score_name(), 1 if self._of_classes else -1
        scored = [(key, {"rows": rows, name: total / rows}) for key, rows, total in found if rows >= max(least, 1)]
        return sorted(scored, key=lambda one: worst_first * one[1][name])

    def counts(self) -> Counter[str]:
        """Return counts by reason (dropped, clipped, undone, ``learned``) over all members."""
        names = ("infinite", "huge", "far", "far_target", "overflow", "diverged", "learned")
        now = Counter({name: int(n) for name, n in zip(names, self._core.counts(), strict=True)})
        return self.before + now + Counter({"type": self._core.unusable})

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps of all members, by reason."""
        counts = self.refused + self.counts()
        return {reason: count for reason, count in sorted(counts.items()) if count and reason != "learned"}

    @property
    def n_learned(self) -> int:
        """Number of rows learned by all members together."""
        return self.counts()["learned"]

    @property
    def limits(self) -> Limits:
        """Limits of a sample's size."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._core.set_limits(limits.entries, limits.names, limits.classes, limits.bytes)

    # ---- the interface that stores and servers use ----------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """The fleet's kind of learner, as in `headwater.learner.kind`."""
        of = kind_of(self.first)
        return fleet_kind(of, _ABLE, of.question, respond=_ASK)

    @property
    def known_classes(self) -> list[Any]:
        """All classes that any member has seen, empty for regressors."""
        return self.classes

    @property
    def loss(self) -> str:
        """Name of the members' loss."""
        return str(self.first.setup.experts[0].loss.name)

    def check_keys(self, X: Sequence[Mapping[Any, Any]], *, learning: bool) -> None:
        """Raise DataError if any row has no usable key.

        Parameters
        ----------
        X : list of dict
            The rows.
        learning : bool
            Whether a new key would create a new member.

        Raises
        ------
        DataError
            If a row has an invalid key, or there would be more keys than ``max_keys``.
        """
        keys = [row.get(self.key) for row in X]
        members = np.full(len(keys), -1, np.int64)
        with self.lock:
            self._core.place(keys, False, np.zeros(len(keys), bool), members)
            room = self.max_keys - len(self)
        for i in np.flatnonzero(members == NO_KEY)[:1].tolist():
            raise no_key(self.key, keys[i], i)
        if learning and len({keys[i] for i in np.flatnonzero(members == -1).tolist()}) > room:
            raise too_many_keys(self.key, self.max_keys)

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Return an upper bound of the growth that learning rows would cause.

        Assumes that each key's member learns all of the rows.

        Raises
        ------
        LimitError
            If a row exceeds the limits of the members' template.
        """
        keys, rows = self._split(X)
        growth = self.first.check_limits(rows, y)
        return replace(growth, bytes=growth.bytes * len(set(map(str, keys))))

    def held(self) -> AbstractContextManager[object]:
        """Return a context manager that locks the fleet against other threads."""
        return self.lock

    def saved(self) -> SavedModel:
        """Return a consistent snapshot of settings and arrays."""
        with self.lock:
            return pack(self)

    def begin_copy(self) -> CoreCopy:
        """Begin a copy in turns, between which the fleet may go on learning."""
        with self.lock:
            return CoreCopy(self)

    def describe(self) -> dict[str, Any]:
        """Return a summary (members, how many are in memory, their template, rows learned, score)."""
        members = {"members": len(self), "in_memory": self._core.present, "vocabularies": self._core.vocabularies}
        about = {
            "task": self.task,
            "key": self.key,
            **members,
            "member": repr(self.first),
            "classes": list(self.classes),
        }
        learned = {"n_learned": self.n_learned, "rejected": self.rejected, "score": self.score()}
        busiest = self.busiest()
        own = [] if busiest is None else self[busiest].describe()["features"]
        return {**about, **learned, "features": [{"name": self.key, "kind": "category", "values": len(self)}, *own]}

    def busiest(self) -> Any:
        """Return the key with the most scored rows, or None without members."""
        with self.lock:
            rows = [self._core.scores(member)[0] for member in range(len(self))]
            return self._core.keys[rows.index(max(rows))] if rows else None

    def __dir__(self) -> list[str]:
        return public_names(super().__dir__(), self._seams)

    def __repr__(self) -> str:
        return f"Fleet({self.first!r}, key={self.key!r})"

    __str__ = __repr__  # River's __str__ is only the class name

    # ---- members ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._core.count)

    def __contains__(self, key: Hashable) -> bool:
        return self._core.find(key) is not None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._core.keys)

    def keys(self) -> list[Any]:
        """Return all keys in order of arrival."""
        return list(self._core.keys)

    def __getitem__(self, key: Hashable) -> Any:
        """Return a copy of a member as an independent `Classifier` or `Regressor`.

        It explains, saves and exports as any other. For ``diagnose`` it samples only the rows that it learns from now on.
        """
        with self.lock:
            member = self._member(key)
            if self._idle is not None:
                self._idle.fetch(self._core.away(np.array([member], np.int64), 1))
            labels = [self.classes[i] for i in self._core.labels(member)]
            state = {name: np.asarray(array) for name, _, _, array in self._core.copy(member).state(())}
            copy = self.first.clone()
            engine = None if self._of_classes and not labels else Engine(copy.setup, state, limits=self._limits)
            copy.resume(engine=engine, classes=labels, refused=Counter(), notes={}, sample=None)
            self.let_rest()
            return copy

    def remove(self, *keys: Hashable) -> None:
        """Delete keys together with the state of their members.

        A store deletes them with the next commit.

        A later row with such a key creates a new member. The scores of a removed member no longer count in `score`.

        Parameters
        ----------
        *keys : hashable
            The keys to delete.

        Raises
        ------
        KeyError
            If there is no such key. Nothing is deleted then.
        """
        with self.lock:
            for key in keys:
                self._member(key)
            for key in dict.fromkeys(keys):
                member = self._member(key)
                if self._idle is None:
                    self._core.remove(member)
                else:
                    self._idle.remove(member, len(self) - 1)

    def _member(self, key: Hashable) -> int:
        member = self._core.find(key)
        if member is None:
            raise KeyError(key)
        return int(member)

    # ---- files and stores -------------------------------------------------------------------------------------------

    def save(self, path: Any) -> None:
        """Write the whole fleet to one file atomically. ``headwater.load`` reads it.

        Parameters
        ----------
        path : str or Path
            The file. Its contents are replaced.
        """
        write(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Serialize the fleet to bytes in the file format."""
        return seal(self.saved())

    @classmethod
    def from_bytes(cls, data: bytes, at: str = "bytes") -> Any:
        """Load a fleet from the bytes of its file.

        Raises
        ------
        ModelFileError
            If the bytes are damaged or not a fleet.
        """
        return cls.from_saved(unseal(data, at), at)

    @classmethod
    def from_saved(cls, saved: SavedModel, at: str) -> Any:
        """Load a fleet from a header and arrays. The core validates each member."""
        if holds_objects(saved.header):
            return MemberFleet.from_saved(saved, at)
        learner, settings = settings_in(saved, at)
        kind = _kind_for(learner)
        fleet: Fleet = kind(learner, **settings)
        fill(fleet, saved, at)
        return fleet

    @classmethod
    def from_store(cls, path: str | Path) -> Fleet:
        """Load the last commit of a store as a fleet in memory, leaving the store unchanged.

        Raises
        ------
        StoreError
            If the store can't be used, or holds no fleet.
        """
        with undisturbed(path) as store:
            learner, settings = settings_in(SavedModel(read_about(store), {}), str(path))
            with _kind_for(learner)(learner, **settings, store=store) as held:
                fleet: Fleet = cls.from_bytes(held.to_bytes(), str(path))
                return fleet

    def fingerprint(self) -> str:
        """Return a hash of the learned state of all members, independent of the order of keys.

        Fleets with equal fingerprints behave alike from here on.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        with self.lock:
            return fingerprint(self)

    def commit(self) -> None:
        """Write all changes since the last commit to the store atomically.

        After a crash the fleet is as it was at its last commit. Other threads predict and learn meanwhile. What they learn after
        the moment that is committed, late in the call, belongs to the next commit.

        Raises
        ------
        ConfigError
            If the fleet has no store.
        StoreError
            If writing fails, such as on a full disk. The store is unchanged, and the call may be retried.
        """
        if self._idle is None:
            raise ConfigError(
                expected="a fleet with a store", got="none", at="commit", help="Give store=, or use save."
            )
        self._idle.commit()

    def close(self) -> None:
        """Commit and close the store, if there is one."""
        with self.lock:
            if self._idle is not None:
                self._idle.commit()
                self._idle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.close()
        elif self._idle is not None:
            self._idle.close()

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:  # pickle and copy use the file format and load all members
        return Fleet.from_bytes, (self.to_bytes(),)

    # ---- the interface of the file, the store and a shard ----------------------------------------------------------

    @property
    def core(self) -> Any:
        """The ``headwater._core.Fleet`` that holds the members."""
        return self._core

    @property
    def idle(self) -> Idle | None:
        """The store of evicted members, or None."""
        return self._idle

    def let_rest(self) -> None:
        """Evict members while more than ``resident`` are in memory.

        Members that can't be written, such as on a full disk, stay in memory, because the call that caused this has succeeded.
        The next call that learns raises the error before it learns anything.
        """
        with suppress(StoreError):
            self._make_room()

    def _make_room(self) -> None:
        if self._idle is not None and self.resident is not None and self._core.present > self.resident:
            self._idle.let_rest(self.resident)

    def take_classes(self, classes: Sequence[Any]) -> None:
        """Set the known classes, in the given order, from a file or a store."""
        self.classes[:] = classes
        self._index = {label: i for i, label in enumerate(self.classes)}

    def numbers_of(self, labels: Sequence[Any]) -> list[int]:
        """Return the indices of classes, adding those that are new."""
        for label in labels:
            if label not in self._index:
                self._index[label] = len(self.classes)
                self.classes.append(label)
        return [self._index[label] for label in labels]

    def _get_params(self) -> dict[str, Any]:  # of River
        own = {"key": self.key, "max_keys": self.max_keys, "resident": self.resident, "store": self.store}
        return {"make": self.first, **own}


Fleet.register(MemberFleet)  # hw.Fleet makes both, and hw.load(path, hw.Fleet) takes both


def _kind_for(learner: SupervisedLearner) -> Any:
    """Return the fleet class for a learner's task.

    Looks it up among the subclasses, because ``kinds`` imports this file.
    """
    return next(kind for kind in Fleet.__subclasses__() if kind.task == learner.task)


def _in_core(make: Any) -> bool:
    """Return whether the core can hold such members, which are nets of this package without memory and word features."""
    learner = make() if callable(make) and not isinstance(make, HasKind) else make
    if not isinstance(learner, SupervisedLearner):
        return learner is None or isinstance(learner, int | str | float | list | dict)
    own = learner.kind.cls is type(learner) and learner.kind.cannot("seat", learner) is None
    return own and learner.text in ("auto", None)


def _of_objects(make: Any, key: str, *, max_keys: int = 1_000_000, **more: Any) -> MemberFleet:
    first = make() if callable(make) and not isinstance(make, HasKind) else make
    for name, value in more.items():
        if value is not None:
            if getattr(first, "has_rolling", False):
                check_can(first, "seat", at=f"{name} of Fleet")
            raise ConfigError(
                expected=f"no {name} for a fleet of such members",
                got=repr(value),
                at=f"{name} of Fleet",
                help="Leave it out: only nets without memory and texts can lie in a store.",
                code="kind",
            )
    _check(key, max_keys, None, None)
    if isinstance(first, AnyFleet) or (isinstance(first, HasKind) and "fleet" in first.kind.instead):
        check_can(first, "fleet", at="make of Fleet")
    return MemberFleet(make, key, max_keys=max_keys)


def made(make: Any) -> SupervisedLearner:
    """Return the template learner of a fleet."""
    learner = make if isinstance(make, SupervisedLearner) or not callable(make) else make()
    check_can(learner, "seat", at="make of Fleet")
    if isinstance(learner, SupervisedLearner):
        return without_text(learner)
    raise ConfigError(
        expected="a Classifier, a Regressor, or a function that makes one",
        got=type(learner).__name__,
        at="make of Fleet",
        help="Give e.g. lambda: hw.Classifier(hidden=(8,)).",
    )


def _check(key: Any, max_keys: Any, resident: Any, store: Any) -> None:
    """Raise ConfigError if a setting of a fleet is invalid."""
    check_key(key)
    for name, value in (("max_keys", max_keys), ("resident", resident)):
        if value is not None and (type(value) is not int or value < 1):
            raise ConfigError(
                expected="a whole number above 0", got=repr(value), at=f"{name} of Fleet", help="Leave it out."
            )
    if resident is not None and store is None:
        raise ConfigError(
            expected="a store for members that are not resident",
            got="none",
            at="store of Fleet",
            help="Give store='fleet.db', or leave resident out.",
        )
