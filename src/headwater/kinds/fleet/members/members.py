"""A fleet of any learners, each an object of its own in this process."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_key
from headwater.errors import DataError, RefusedRow
from headwater.kinds.fleet.base import AnyFleet, fleet_kind
from headwater.kinds.fleet.keys import KEY_REASONS, no_key, shown, too_many_keys, unknown_key
from headwater.kinds.fleet.members.member_file import (
    BESIDE,
    MembersCopy,
    arrays_beside,
    pack_members,
    settings_of_members,
    unpack_members,
)
from headwater.kinds.fleet.rows import as_list
from headwater.learner.expiring import Expiring
from headwater.learner.kind import HasKind, Kind, kind_of
from headwater.learner.schema import Field, Question, Response
from headwater.learner.schema.labels import as_labels, values_of
from headwater.learner.settings.limits import Growth, Limits
from headwater.learner.validation import as_answers, check_pairs, check_sample, not_as_many
from headwater.store.learner_file import fingerprint
from headwater.store.model_file import SavedModel, seal, write
from headwater.types import Lazy, Predictions, join

__all__ = ["MemberFleet"]

_AS_LEARNER = Lazy("headwater.interop.anybody:as_learner")
_AHEAD = Lazy("headwater.kinds.fleet.looks.ahead:ask_ahead")
_DURABLE = Lazy("headwater.store.service.durable_learner:DurableLearner")
_DURABLE_SERIES = Lazy("headwater.kinds.fleet.members.durable:DurableSeries")
_ABLE = frozenset(("answers", "classes", "scores", "weights", "late", "delay", "coverage", "challenge"))
"""Abilities of its members that a fleet has too."""


class MemberFleet(AnyFleet):
    """One learner a key, of any kind, or anybody's object with ``learn_one``.

    ``hw.Fleet`` makes one where the core can't hold the members.

    Members share nothing. A row goes to the member of its key, without the column of the key; what one member does never
    changes another. A file or a store holds it whole, members that are anybody's objects excepted.

    Parameters
    ----------
    make : learner or callable
        What each member begins as, or a function that makes one.
    key : str
        The column that holds the key.
    max_keys : int
        Keys there may be; rows of further ones are refused and counted.

    Examples
    --------
    >>> import headwater as hw
    >>> fleet = hw.Fleet(lambda: hw.Anomaly(seed=1), key="machine")
    >>> for i in range(300):
    ...     _ = fleet.step_many([{"machine": "ab"[i % 2], "heat": float(i % 7)}])
    >>> len(fleet), fleet["a"].n_learned, fleet.ask([{"machine": "a", "heat": 99.0}])["score"][0] > 0.99
    (2, 150, True)
    """

    def __init__(self, make: Any, key: str, *, max_keys: int = 1_000_000) -> None:
        self.key, self.max_keys = key, max_keys
        self._make: Callable[[], Any] = make if callable(make) and not isinstance(make, HasKind) else _copies(make)
        self.first = _AS_LEARNER(self._make())
        """What members begin as."""
        self.lock = threading.RLock()
        self.refused: Counter[str] = Counter()
        self.notes: dict[str, Any] = {}
        """How the command line read the rows."""
        self._members: dict[Any, Any] = {}
        self.touched: set[Any] = set()
        """Keys whose members have learned since a copy took them."""
        self._warned = False
        self._limits: Limits = getattr(self.first, "limits", Limits())

    # ---- its kind ------------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """The kind of its members, with what a fleet of objects can do."""
        of = kind_of(self.first)
        question = Question(of.question.name, of.question.fields, ahead=of.question.ahead, keyed=True)
        more: dict[str, Any] = {}
        if of.question.ahead:
            more = {"respond": _AHEAD, "response": (*of.response, Field(self.key, "label", "The key of the series."))}
        return fleet_kind(of, _ABLE, question, durable=_DURABLE_SERIES if of.question.ahead else _DURABLE, **more)

    @property
    def task(self) -> str:
        """The task of its members."""
        return str(self.first.task)

    # ---- rows ------------------------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any = None, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn, those of one key in their order.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows with their keys.
        y : sequence (n,), optional
            What the kind learns beside each.
        w : float or sequence (n,), optional
            Weights.
        ask : like X, optional
            Rows to predict in their place: how late labels are learned.

        Returns
        -------
        Predictions
        """
        rows = as_list(X)
        if y is not None:
            check_pairs(rows, y := as_answers(y), None)
        if w is not None:
            w = [w] * len(rows) if isinstance(w, int | float) else as_answers(w)
            if len(w) != len(rows):
                raise not_as_many(w, len(rows), "weights", at="w")
        asked = None if ask is None else as_list(ask)
        with self.lock:
            said = []
            for i in range(max(len(rows), len(asked or ()))):
                said.append(self._step(i, rows, y, w, asked))
        return _joined(said)

    def _step(self, i: int, rows: list[Any], y: Any, w: Any, asked: list[Any] | None) -> Predictions:
        """Learn row i, and predict it or the row that is asked in its place."""
        if i >= len(rows):
            return self._one(rows=None, ask=(asked or [])[i])
        member, x = self._placed(rows[i])
        labels = None if y is None else [y[i]]
        if asked is None:
            if member is None:
                return self._predicted(self.first, x)
            return member.step_many([x], labels, None if w is None else [w[i]])  # type: ignore[no-any-return]
        said = self._one(rows=None, ask=asked[i])
        if member is not None:
            member.step_many([x], labels, None if w is None else [w[i]])
        return said

    def _one(self, *, rows: None, ask: Any) -> Predictions:
        member, x = self._known(ask)
        return self._predicted(member, x)

    @staticmethod
    def _predicted(member: Any, x: Any) -> Predictions:
        said: Predictions = member.predict_batch([x])
        return said

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the fleet. A row with an unknown key is predicted by the template."""
        with self.lock:
            return _joined([self._predicted(*self._known(row)) for row in as_list(X)])

    def ask(self, X: Any = None, **question: Any) -> Response:
        """Ask the member of each row's key, without changing it.

        Returns
        -------
        Response
            Named columns, one value a row. Of forecasters one value a key and time ahead, where a key needs a single row.
        """
        if self.kind.question.ahead:
            return self.kind.ask(self, X, **question)
        with self.lock:
            found = [kind_of(member).ask(member, [x], **question) for member, x in map(self._known, as_list(X))]
        names = dict.fromkeys(name for one in found for name in one)
        rows = [one.rows()[0] for one in found]
        return Response({name: [row.get(name) for row in rows] for name in names})

    @property
    def horizon(self) -> int:
        """How many times ahead its forecasters can forecast. Other members have none."""
        own: int = self.first.horizon
        return own

    # ---- aggregates of earlier rows -------------------------------------------------------------------------------------

    def as_read(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a row with all columns that its key's member reads."""
        return self.as_observed([x])[0]

    def as_observed(self, X: Sequence[Mapping[Any, Any]]) -> list[dict[Any, Any]]:
        """Return rows with all columns that each is read with once those before it were observed. Nothing changes."""
        with self.lock:
            placed = [self._known(row) for row in X]
            by_key: dict[Any, list[int]] = {}
            for i, row in enumerate(X):
                by_key.setdefault(as_key(row.get(self.key)), []).append(i)
            out = [dict(row) for row in X]
            for rows in by_key.values():
                member = placed[rows[0]][0]
                for i, read in zip(rows, member.as_observed([placed[i][1] for i in rows]), strict=True):
                    out[i] |= read
        return out

    def aggregates_in(self, x: Mapping[Any, Any], read: Mapping[Any, Any]) -> dict[str, float | None]:
        """Return the aggregates that a row was read with."""
        own: dict[str, float | None] = self.first.aggregates_in(x, read)
        return own

    def observe(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Let a row whose label comes late count among the earlier rows of its key at once, and return it with its aggregates."""
        check_sample(x)
        with self.lock:
            member, row = self._placed(x)
            return dict(x) if member is None else {**x, **member.observe(row)}

    def learn_one(self, x: Mapping[Any, Any], y: Any = None, w: float = 1.0) -> None:
        """Learn one row with its key, and its answer where the kind learns one. Of a series an answer of None is a gap.

        Raises
        ------
        DataError
            If it is no row, or has no answer where one is needed.
        """
        if isinstance(y, Mapping) and not isinstance(x, Mapping):
            raise DataError(
                expected="a row with its key, then its answer",
                got=f"{shown(x)}, then a row",
                at="x",
                help="Call learn_one(x, y).",
            )
        self._teach([x], None if y is None and not kind_of(self.first).answer.gaps else [y], None if w == 1.0 else [w])

    def learn_many(self, X: Any, y: Any = None, w: Any = None) -> NDArray[Any]:
        """Learn rows one by one, as ``step_many`` does, and return the prediction made before each was learned."""
        return as_labels(values_of(self._teach(as_list(X), y, w)))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict one row with its key."""
        return values_of(self.predict_batch([x]))[0]

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Predict each row, shape (n,), without changing the fleet."""
        return as_labels(values_of(self.predict_batch(X)))

    def _teach(self, rows: list[Any], y: Any, w: Any) -> Predictions:
        """Learn rows, and warn once of one that was not learned."""
        before = self._refused_of(rows)
        said = self.step_many(rows, y, w)
        for reason, count in self._refused_of(rows).items():
            if count > before[reason] and not self._warned:
                self._warned = True
                meaning, got = (
                    KEY_REASONS.get(reason) or self.kind.refusal(reason),
                    self._refused_value(reason, rows, y),
                )
                what = f"a row was not learned: {meaning}{got}. fleet.rejected counts all such rows. Warned once"
                warnings.warn(what, RefusedRow, stacklevel=3)
        return said

    def _refused_value(self, reason: str, rows: list[Any], y: Any) -> str:
        """Return the end of a warning that names what was refused, where that is known."""
        if reason == "key":
            return f", got {shown(next(row.get(self.key) for row in rows if as_key(row.get(self.key)) is ...))}"
        return f", got {shown(y[0])}" if reason == "target" and len(rows) == 1 else ""

    def _refused_of(self, rows: Sequence[Any]) -> Counter[str]:
        """Return how many rows were refused, by the fleet and by the members of these."""
        keys = {as_key(row.get(self.key)) for row in rows if isinstance(row, Mapping)}
        members = (self._members.get(key) for key in keys)
        return sum((Counter(getattr(one, "refused", {})) for one in members), Counter(self.refused))

    def _known(self, row: Mapping[Any, Any]) -> tuple[Any, dict[Any, Any]]:
        """Return the member of a row, or the template, and the row without its key."""
        x = dict(row)
        key = as_key(x.pop(self.key, None))
        return (self.first if key is ... else self._members.get(key, self.first)), x

    def _placed(self, row: Mapping[Any, Any]) -> tuple[Any, dict[Any, Any]]:
        """Return the member that learns a row, or None for a row that is rejected."""
        x = dict(row)
        key = as_key(x.pop(self.key, None))
        if key is ...:
            self.refused["key"] += 1
            return None, x
        if key not in self._members:
            if len(self._members) >= self.max_keys:
                self.refused["keys"] += 1
                return None, x
            self._members[key] = member = _AS_LEARNER(self._make())
            member.limits = self._limits
        self.touched.add(key)
        return self._members[key], x

    # ---- how it stands -----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._members))

    def __contains__(self, key: Any) -> bool:
        return as_key(key) in self._members

    def keys(self) -> list[Any]:
        """Return all keys in order of arrival."""
        return list(self._members)

    def __getitem__(self, key: Any) -> Any:
        """Return the learner of a key.

        Raises
        ------
        DataError
            If there is none.
        """
        if key not in self:
            raise unknown_key(self.key, key)
        return self._members[as_key(key)]

    def check_keys(self, X: Sequence[Mapping[Any, Any]], *, learning: bool) -> None:
        """Raise DataError if any row has no usable key, or there would be too many.

        Raises
        ------
        DataError
            Naming the row.
        """
        keys = [as_key(row.get(self.key)) for row in X]
        for i, key in enumerate(keys):
            if key is ...:
                raise no_key(self.key, X[i].get(self.key), i)
        if learning and len(set(keys) - self._members.keys()) > self.max_keys - len(self):
            raise too_many_keys(self.key, self.max_keys)

    def check_values(self, X: Sequence[Mapping[Any, Any]]) -> None:
        """Raise DataError for rows without the time that members expire by. A wrong embedding is missing to a member, which counts it.

        Raises
        ------
        DataError
            Naming the value.
        """
        if not isinstance(self.first, Expiring):
            return
        by_member: dict[int, tuple[Any, list[dict[Any, Any]]]] = {}
        with self.lock:
            for member, x in map(self._known, X):
                by_member.setdefault(id(member), (member, []))[1].append(x)
            for member, rows in by_member.values():
                member.check_values(rows)

    def held(self) -> AbstractContextManager[Any]:
        """Keep other threads from changing the fleet until the block ends."""
        return self.lock

    @property
    def rejected(self) -> dict[str, int]:
        """Rows and values that were refused so far, by reason, of all members together."""
        counts = Counter(self.refused)
        for member in self._members.values():
            counts.update(member.rejected)
        return dict(sorted(counts.items()))

    @property
    def n_learned(self) -> int:
        """How many rows all members together have learned."""
        return sum(map(self.learned, self._members))

    @property
    def known_classes(self) -> list[Any]:
        """All classes that any member knows."""
        return list(
            dict.fromkeys(label for one in self._members.values() for label in getattr(one, "known_classes", ()))
        )

    def save(self, path: Any) -> None:
        """Write the whole fleet to one file atomically. ``headwater.load`` reads it.

        Raises
        ------
        ConfigError
            If its members are somebody's own objects.
        """
        write(path, seal(self.saved(str(path))))

    def saved(self, at: str = "store") -> SavedModel:
        """Return a consistent snapshot of settings and members.

        Raises
        ------
        ConfigError
            If its members are somebody's own objects.
        """
        with self.lock:
            return pack_members(self, at)

    def begin_copy(self) -> MembersCopy:
        """Begin a copy in turns, between which the fleet may go on learning."""
        with self.lock:
            return MembersCopy(self, "store")

    @classmethod
    def from_saved(cls, saved: SavedModel, at: str) -> MemberFleet:
        """Load a fleet from a header and arrays."""
        settings = settings_of_members(saved.header)
        (first,), members, refused = unpack_members(saved, at)
        beside = saved.header.get(BESIDE)
        made: Any = MemberFleet if beside is None else kind_of(first).adapters["key"]
        fleet: MemberFleet = made(first, **settings)
        fleet._members, fleet.refused, fleet.notes = members, refused, dict(saved.header["notes"])
        if beside is not None:
            fleet.take_beside(beside, arrays_beside(saved))
        return fleet

    def beside(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what a file holds beside the members, a header and arrays. Nothing here."""
        return {}, {}

    def take_beside(self, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Read what a file holds beside the members.

        Raises
        ------
        ValueError
            If there is any, since such members share nothing.
        """
        raise ValueError(BESIDE, "nothing", about)

    def __deepcopy__(self, memo: dict[int, Any]) -> MemberFleet:
        return self._like(self.saved("copy"))

    def _like(self, saved: SavedModel) -> MemberFleet:
        copy = type(self).from_saved(saved, "copy")
        copy.limits = self._limits
        return copy

    def __reduce__(self) -> tuple[Any, tuple[SavedModel, str]]:
        return MemberFleet.from_saved, (self.saved("pickle"), "pickle")

    # ---- the interface that stores and servers use ----------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """Limits of a sample's size."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        for member in (self.first, *self._members.values()):
            member.limits = limits

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Return an upper bound of the growth that learning rows would cause, as if each key's member learned all of them.

        Raises
        ------
        LimitError
            If a row exceeds the limits of the members.
        """
        rows = [dict(row) for row in as_list(X)]
        keys = {str(row.pop(self.key, None)) for row in rows}
        growth: Growth = self.first.check_limits(rows, y)
        return replace(growth, bytes=growth.bytes * max(len(keys), 1))

    @property
    def loss(self) -> str:
        """Name of the members' loss."""
        return str(getattr(self.first, "loss", ""))

    def describe(self) -> dict[str, Any]:
        """Return a summary (members, their template, rows learned)."""
        busiest = self.busiest()
        own = [] if busiest is None else self[busiest].describe()["features"]
        return {
            "task": self.task,
            "key": self.key,
            "members": len(self),
            "member": repr(self.first),
            "classes": self.known_classes,
            "n_learned": self.n_learned,
            "rejected": self.rejected,
            "score": self.score(),
            "features": [{"name": self.key, "kind": "category", "values": len(self)}, *own],
        }

    def busiest(self) -> Any:
        """Return the key whose member has learned most, or None without members."""
        return max(self._members, key=lambda key: self.score(key)["rows"], default=None)

    def score(self, key: Hashable = None) -> dict[str, float]:
        """Return how many rows a key's member, or all of them, have learned."""
        return {"rows": self.n_learned if key is None else self.learned(key)}

    def learned(self, key: Hashable) -> int:
        """Return how many rows of a key were learned."""
        return int(getattr(self[key], "n_learned", 0))

    def ranking(self, least: int = 1) -> list[tuple[Any, dict[str, float]]]:
        """Return each key with the rows that its member has learned, the fewest first."""
        found = [(key, self.score(key)) for key in self]
        return sorted((one for one in found if one[1]["rows"] >= least), key=lambda one: one[1]["rows"])

    def fingerprint(self) -> str:
        """Return a hash of the learned state of all members, independent of the order of keys."""
        with self.lock:
            own = sorted((repr(key), fingerprint(member)) for key, member in self._members.items())
        return hashlib.sha256(repr((fingerprint(self.first), own)).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Fleet({self.first!r}, key={self.key!r})"


def _joined(said: Sequence[Predictions]) -> Predictions:
    """Return the predictions of several members as one, with the classes of all of them in the order of their appearance."""
    classes = tuple(dict.fromkeys(label for one in said for label in one.classes))
    if all(one.classes == classes for one in said) or all(one.proba is None for one in said):
        return join(said)
    place = {label: i for i, label in enumerate(classes)}
    return join([_spread(one, classes, place) for one in said])


def _spread(said: Predictions, classes: tuple[Any, ...], place: Mapping[Any, int]) -> Predictions:
    """Return predictions with a column for each of some classes, 0 for those that the member does not know."""
    columns = [place[label] for label in said.classes]

    def wide(values: Any) -> Any:
        out = np.zeros((len(said), len(classes)))
        if values is not None:
            out[:, columns] = values
        return out

    rewards = None if said.rewards is None and said.classes else wide(said.rewards)
    return replace(said, classes=classes, proba=wide(said.proba), rewards=rewards)


def _copies(learner: Any) -> Callable[[], Any]:
    """Return what makes learners that begin as this one."""
    import copy

    return lambda: copy.deepcopy(learner)
