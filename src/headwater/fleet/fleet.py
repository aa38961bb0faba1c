"""The fleet: one small model a key behind one face."""

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
from headwater.errors import ConfigError, DataError, RefusedRow, StoreError
from headwater.kinds.classifier_regressor.classifier import RARE
from headwater.learner.engine import Engine
from headwater.learner.kind import Kind, check_can, kind_of
from headwater.learner.limits import Growth, Limits
from headwater.learner.supervised import SupervisedLearner, joined
from headwater.learner.validation import HEAVIEST, REASONS, Block, check_block, check_rows
from headwater.store.members import undisturbed
from headwater.store.model_file import SavedModel, seal, unseal, write
from headwater.streams import PIECE, in_pieces
from headwater.types import Predictions

from .file import fill, fingerprint, pack, settings_in
from .idle import Idle, read_about
from .keys import KEY_REASONS, NO_KEY, TOO_MANY, shown, unknown_key
from .rows import as_list
from .texts import without_text

__all__ = ["Fleet"]


class Fleet:
    """One small model a key (a machine, a shop, a user), each of which learns from the rows of its own key alone.

    Members share declaration and working memory, and the names that they have all seen: 100,000 nets of 8 units take 0.25 GB.
    Each predicts to the bit what a learner of its own would that had been taught the same rows without the column of the key.

    Where keys are alike, one model with the key as a category is better: what it learns from one key serves all others, and a
    new key is known at once. Take a fleet where keys truly differ, or where they may know nothing of each other.

    Parameters
    ----------
    make : learner or callable
        What each member begins as: a `Classifier` or a `Regressor`, or a function that makes one. If it has learned, members
        begin with what it knows.
    key : str
        The column that holds the key. Keys are texts, numbers, booleans, bytes, or tuples of these; rows with another kind of key
        (a UUID, a date) are refused and counted: give ``str(key)``.
    max_keys : int
        Keys there may be; rows of further ones are refused and counted.
    resident : int, optional
        Members that are kept in memory; the others lie in ``store``. Without it all are.
    store : path, optional
        A file for the members (SQLite). If it is there, the fleet goes on from what was committed last.

    Raises
    ------
    ConfigError
        If make gives no learner, or a setting can't be.
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

    task: ClassVar[str]
    _span: tuple[float, float] | None
    """The least and the largest answer that can be; None for classes."""

    def __new__(cls, make: Any = None, *args: Any, **settings: Any) -> Self:
        """Choose the fleet of classifiers or of regressors."""
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
        """What members had dropped, clipped, undone and ``learned`` before the fleet was loaded, by reason."""
        self.notes: dict[str, Any] = {}
        """How the command line read the rows; kept in the file."""
        self._warned = False
        self.first = made(make)
        """What members begin as."""
        self._dtype = np.dtype(self.first.dtype)
        self.classes: list[Any] = list(self.first.known_classes)
        """All classes that any member knows."""
        self._index: dict[Any, int] = {label: i for i, label in enumerate(self.classes)}
        self._core = self._made_core()
        self._limits = self.first.limits
        self._idle = None if store is None else Idle(store, self)

    def _made_core(self) -> Any:
        engine = self.first.engine or Engine(self.first.setup, limits=self.first.limits)
        classify, binary = self.task == "classify", self.first.task == "classify" and self.first.one_output
        labels = list(range(len(self.classes)))
        return _core.Fleet(engine.core.learner, self.key, classify, binary, RARE, self.max_keys, labels)

    # ---- what classifiers and regressors do in ways of their own -----------------------------------------------------

    def _answers(self, block: Block) -> NDArray[np.float64]:
        """Return answers as the core takes them: numbers of classes, or numbers."""
        raise NotImplementedError

    def _given(self, out: NDArray[Any], said: NDArray[np.int32]) -> Predictions:
        """Return what the core predicted as a forecast."""
        raise NotImplementedError

    def _score_name(self) -> str:
        """Return the name of the score."""
        raise NotImplementedError

    # ---- many rows --------------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn, those of one key in their order.

        Row i of ``ask`` (of X without it) is predicted, then row i of X is learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples with their keys.
        y : sequence (n,)
            Their answers.
        w : sequence (n,), optional
            Weights.
        ask : like X, optional
            As many rows (any number, if none are learned), to be predicted in lock-step: how late answers are learned.

        Returns
        -------
        Predictions
            For each row what its member predicted before it learned anything later.
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
        """Learn the rows of a piece: the members that are away are fetched for all of them together."""
        answers = self._answers(block)
        block.count(self.refused)
        members = self._place(keys, block.good, learn=True)
        asked, asked_members = block.ask, None if block.ask is None else self._place(asked_keys, None)
        out, said = self._room(len(keys) if asked is None else len(asked))
        self._core.step(block.X, members, answers, block.w, block.good, out, said, asked, asked_members, out.shape[1])
        self.let_rest()
        return self._given(out, said)

    def _check_new(self, block: Block) -> None:
        """Refuse a block whose rows would bring too many classes, before any of it is learned; regressors have none."""

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows strictly one by one, those of one key in their order, and return the prediction made before each was learned.

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
        """Predict rows; nothing is changed. A row whose key is not known is predicted by what members begin as."""
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
        """Predict the answer of each row, shape (n,); nothing is changed."""
        return self._array(self.predict_batch(X))

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        """Return predictions as an array (n,)."""
        raise NotImplementedError

    def _split(self, X: Any) -> tuple[list[Any], list[dict[Any, Any]]]:
        """Return keys, and rows without them."""
        keys, rows = self._core.split(as_list(X))
        return keys, rows

    def _room(self, n: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
        width = len(self.classes) if self.task == "classify" else 1
        return np.zeros((n, width), self._dtype), np.full(n, -1, np.int32)

    def _place(self, keys: list[Any], good: NDArray[np.bool_] | None, *, learn: bool = False) -> NDArray[np.int64]:
        """Return the members of keys, all of them in memory; learning makes new ones, and refuses rows that get none."""
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
        """Predict the answer of a sample with its key."""
        raise NotImplementedError

    def _outputs(self, x: Mapping[Any, Any]) -> tuple[int, list[float]]:
        """Return the member of a row's key, -1 or below for none, and its outputs."""
        if type(x) is not dict:
            check_rows([x])
        with self.lock:
            answer = self._core.predict_one(x)
            if answer is None:  # its member is away
                self._place([x[self.key]], None)
                answer = self._core.predict_one(x)
                self.let_rest()
            return answer  # type: ignore[no-any-return]

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample; it is ``learn_many`` of one row.

        Parameters
        ----------
        x : dict
            The sample with its key.
        y
            Its answer.
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
        """Return an answer as the core takes it, if it needs no second look."""
        raise NotImplementedError

    def _warn(self, before: Mapping[str, int], X: Any) -> None:
        """Warn once that a row of X was not learned."""
        for reason, count in self.refused.items():
            if count > before.get(reason, 0) and not self._warned:
                self._warned = True
                meaning = KEY_REASONS.get(reason) or REASONS[reason]
                got = f", got {shown(self._first_refused(X))}" if reason == "key" else ""
                said = f"a row was not learned: {meaning}{got}. fleet.rejected counts such rows; this is said once"
                warnings.warn(said, RefusedRow, stacklevel=3)

    def _first_refused(self, X: Any) -> Any:
        """Return the first value in the column of the key that can't be one."""
        return next((key for key in self._split(X)[0] if as_key(key) is ...), None)

    # ---- how it stands ----------------------------------------------------------------------------------------------

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return how good the predictions were that were made right before their rows were learned.

        Parameters
        ----------
        key : hashable, optional
            Of that key alone.

        Returns
        -------
        dict
            ``"rows"``, and ``"accuracy"`` (share of correct ones) or ``"mae"`` (mean of |y − y_pred|); NaN without rows.

        Raises
        ------
        KeyError
            If there is no such key.
        """
        member = -1 if key is None else self._member(key)
        rows, total = self._core.scores(member)
        return {"rows": rows, self._score_name(): total / rows if rows else float("nan")}

    def ranking(self, least: int = 1) -> list[tuple[Any, dict[str, float]]]:
        """Return each key with its `score`, the worst first; equal ones in the order in which they came.

        Parameters
        ----------
        least : int
            Rows that a key must have been scored on to be in the list: of few rows a score says little.
        """
        with self.lock:
            found = [(key, *self._core.scores(member)) for member, key in enumerate(self._core.keys)]
        name, worst_first = self._score_name(), 1 if self.task == "classify" else -1
        scored = [(key, {"rows": rows, name: total / rows}) for key, rows, total in found if rows >= max(least, 1)]
        return sorted(scored, key=lambda one: worst_first * one[1][name])

    def counts(self) -> Counter[str]:
        """Return what members have dropped, clipped, undone and ``learned`` so far, by reason."""
        names = ("infinite", "huge", "far", "far_target", "overflow", "diverged", "learned")
        now = Counter({name: int(n) for name, n in zip(names, self._core.counts(), strict=True)})
        return self.before + now + Counter({"type": self._core.unusable})

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps of all members so far, by reason."""
        counts = self.refused + self.counts()
        return {reason: count for reason, count in sorted(counts.items()) if count and reason != "learned"}

    @property
    def n_learned(self) -> int:
        """How many rows all members together have learned."""
        return self.counts()["learned"]

    @property
    def limits(self) -> Limits:
        """What a sample may ask for."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._core.set_limits(limits.entries, limits.names, limits.classes, limits.bytes)

    # ---- what stores and servers ask of a learner -----------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """What can be done with it: `headwater.learner.kind`."""
        of = kind_of(self.first)
        able = of.can & {"answers", "classes", "late", "weights"} | {"keys"}
        return replace(of, name="Fleet", noun=f"fleet of {of.noun}s", can=frozenset(able))

    @property
    def engine(self) -> None:
        """None: each member has its own."""
        return None

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """None: those of a member are its own."""
        return []

    @property
    def known_classes(self) -> list[Any]:
        """All classes that any member knows; a regressor has none."""
        return self.classes

    @property
    def loss(self) -> str:
        """The loss that members are taught by."""
        return str(self.first.setup.experts[0].loss.name)

    def check_keys(self, X: Sequence[Mapping[Any, Any]], *, learning: bool) -> None:
        """Refuse rows that no member can predict or learn.

        Parameters
        ----------
        X : list of dict
            The rows.
        learning : bool
            Whether a new key would make a new member.

        Raises
        ------
        DataError
            If one has no key that can be one, or there would be more keys than ``max_keys``.
        """
        keys = [row.get(self.key) for row in X]
        members = np.full(len(keys), -1, np.int64)
        with self.lock:
            self._core.place(keys, False, np.zeros(len(keys), bool), members)
            room = self.max_keys - len(self)
        for i in np.flatnonzero(members == NO_KEY)[:1].tolist():
            raise DataError(
                expected=f"a text, a number or a boolean in {self.key}, the fleet's key",
                got=shown(keys[i]),
                at=f"row {i + 1}",
                help="Send such a key with each row, str(key) of another kind; nothing was learned.",
                code="no_key",
            )
        if learning and len({keys[i] for i in np.flatnonzero(members == -1).tolist()}) > room:
            raise DataError(
                expected=f"at most {self.max_keys:,} keys",
                got="one more",
                at=self.key,
                help="Make the fleet with a larger max_keys; nothing was learned.",
                code="too_many_keys",
            )

    def explain_one(self, x: Mapping[Any, Any], **how: Any) -> Any:
        """Say how much each feature moved the prediction for a sample, as the member of its key does: `Classifier.explain_one`.

        Raises
        ------
        DataError
            If there is no such key.
        """
        keys, rows = self._split([x])
        if keys[0] not in self:
            raise unknown_key(self.key, keys[0])
        return self[keys[0]].explain_one(rows[0], **how)

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Say by how much learning rows would make the fleet grow, at most: as if each key's member learned all of them.

        Raises
        ------
        LimitError
            If a row is beyond the limits of what members begin as.
        """
        keys, rows = self._split(X)
        growth = self.first.check_limits(rows, y)
        return replace(growth, bytes=growth.bytes * len(set(map(str, keys))))

    def held(self) -> AbstractContextManager[object]:
        """Keep other threads from changing the fleet until the block ends."""
        return self.lock

    def saved(self) -> SavedModel:
        """Return settings and arrays, as they stand at one moment."""
        with self.lock:
            return pack(self)

    def describe(self) -> dict[str, Any]:
        """Say how many members there are, how many of them are in memory, what each is made as, and what they have learned."""
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
        """Return the key whose member has been scored on most rows; None where there is none."""
        with self.lock:
            rows = [self._core.scores(member)[0] for member in range(len(self))]
            return self._core.keys[rows.index(max(rows))] if rows else None

    def __repr__(self) -> str:
        return f"Fleet({self.first!r}, key={self.key!r})"

    __str__ = __repr__  # in place of River's, which is the class's name

    # ---- members ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._core.count)

    def __contains__(self, key: Hashable) -> bool:
        return self._core.find(key) is not None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._core.keys)

    def keys(self) -> list[Any]:
        """Return all keys, in the order in which they came."""
        return list(self._core.keys)

    def __getitem__(self, key: Hashable) -> Any:
        """Return a copy of a member, a `Classifier` or a `Regressor` that goes on by itself.

        It explains, saves and exports as any other; what ``diagnose`` needs it keeps of the rows that it is taught from then on.
        """
        with self.lock:
            member = self._member(key)
            if self._idle is not None:
                self._idle.fetch(self._core.away(np.array([member], np.int64), 1))
            labels = [self.classes[i] for i in self._core.labels(member)]
            state = {name: np.asarray(array) for name, _, _, array in self._core.copy(member).state(())}
            copy = self.first.clone()
            engine = None if self.task == "classify" and not labels else Engine(copy.setup, state, limits=self._limits)
            copy.resume(engine=engine, classes=labels, refused=Counter(), notes={}, sample=None)
            self.let_rest()
            return copy

    def remove(self, *keys: Hashable) -> None:
        """Forget keys with all that their members have learned; in a store they are gone with the next commit.

        A row with such a key that comes later makes a new member. What the member was scored no longer counts in `score`.

        Parameters
        ----------
        *keys : hashable
            Which.

        Raises
        ------
        KeyError
            If there is no such key; then none is forgotten.
        """
        with self.lock:
            for key in keys:
                self._member(key)
            for key in dict.fromkeys(keys):
                member, last = self._member(key), len(self) - 1
                if self._idle is not None:
                    self._idle.remove(member, last)
                self._core.remove(member)

    def _member(self, key: Hashable) -> int:
        member = self._core.find(key)
        if member is None:
            raise KeyError(key)
        return int(member)

    # ---- keeping ----------------------------------------------------------------------------------------------------

    def save(self, path: Any) -> None:
        """Write the whole fleet to one file, all or nothing; ``headwater.load`` reads it.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        write(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the file of the fleet as bytes."""
        return seal(self.saved())

    @classmethod
    def from_bytes(cls, data: bytes, at: str = "bytes") -> Fleet:
        """Return the fleet whose file these bytes are.

        Raises
        ------
        ModelFileError
            If they are not those that were saved.
        """
        return cls.from_saved(unseal(data, at), at)

    @classmethod
    def from_saved(cls, saved: SavedModel, at: str) -> Fleet:
        """Return the fleet of a file's header and arrays; the core checks each member."""
        learner, settings = settings_in(saved, at)
        kind = _kind_for(learner)
        fleet: Fleet = kind(learner, **settings)
        fill(fleet, saved, at)
        return fleet

    @classmethod
    def from_store(cls, path: str | Path) -> Fleet:
        """Return a fleet in memory with the members of a store, as they were at its last commit; the store stays as it is.

        Raises
        ------
        StoreError
            If it can't be used, or holds no fleet.
        """
        with undisturbed(path) as store:
            learner, settings = settings_in(SavedModel(read_about(store), {}), str(path))
            with _kind_for(learner)(learner, **settings, store=store) as held:
                return cls.from_bytes(held.to_bytes(), str(path))

    def fingerprint(self) -> str:
        """Return a hash of what all members have learned, in whatever order their keys came: equal only if they go on alike.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        with self.lock:
            return fingerprint(self)

    def commit(self) -> None:
        """Write what was learned since the last commit to the store, all or nothing: a crash leaves the fleet as it was then.

        Raises
        ------
        ConfigError
            If the fleet has no store.
        StoreError
            If it can't be written, such as on a full disk: the store stays as it was, and it can be tried again.
        """
        if self._idle is None:
            raise ConfigError(
                expected="a fleet with a store", got="none", at="commit", help="Give store=, or use save."
            )
        with self.lock:
            self._idle.commit()

    def close(self) -> None:
        """Commit, and close the store. A fleet without one needs no closing."""
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

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:  # of pickle and copy: what the file holds, all of it in memory
        return Fleet.from_bytes, (self.to_bytes(),)

    # ---- what the file, the store and a shard need -----------------------------------------------------------------

    @property
    def core(self) -> Any:
        """What holds the members: ``headwater._core.Fleet``."""
        return self._core

    @property
    def idle(self) -> Idle | None:
        """What holds the members that are away."""
        return self._idle

    def let_rest(self) -> None:
        """Send members away if there are more in memory than may be.

        Those that can't be written, such as on a full disk, stay: what was just done is done. The next call that learns says so
        before it learns anything.
        """
        with suppress(StoreError):
            self._make_room()

    def _make_room(self) -> None:
        if self._idle is not None and self.resident is not None and self._core.present > self.resident:
            self._idle.let_rest(self.resident)

    def take_classes(self, classes: Sequence[Any]) -> None:
        """Know these classes, in this order: those that a file or a store names."""
        self.classes[:] = classes
        self._index = {label: i for i, label in enumerate(self.classes)}

    def numbers_of(self, labels: Sequence[Any]) -> list[int]:
        """Return the numbers of classes; those that are not known yet are from now on."""
        for label in labels:
            if label not in self._index:
                self._index[label] = len(self.classes)
                self.classes.append(label)
        return [self._index[label] for label in labels]

    def _get_params(self) -> dict[str, Any]:  # of River
        own = {"key": self.key, "max_keys": self.max_keys, "resident": self.resident, "store": self.store}
        return {"make": self.first, **own}


def _kind_for(learner: SupervisedLearner) -> Any:
    """Return the fleet of classifiers or of regressors: ``kinds`` has both, and imports this file."""
    return next(kind for kind in Fleet.__subclasses__() if kind.task == learner.task)


def made(make: Any) -> SupervisedLearner:
    """Return the learner that a fleet's members begin as."""
    learner = make if isinstance(make, SupervisedLearner) or not callable(make) else make()
    check_can(learner, "fleet", at="make of Fleet")
    if isinstance(learner, SupervisedLearner):
        return without_text(learner)
    raise ConfigError(
        expected="a Classifier, a Regressor, or a function that makes one",
        got=type(learner).__name__,
        at="make of Fleet",
        help="Give e.g. lambda: hw.Classifier(hidden=(8,)).",
    )


def _check(key: Any, max_keys: Any, resident: Any, store: Any) -> None:
    """Refuse settings of a fleet that can't be."""
    if not isinstance(key, str) or not key:
        raise ConfigError(
            expected="the name of a column", got=repr(key), at="key of Fleet", help="Give e.g. key='machine_id'."
        )
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
