"""A learner that has seen nothing older than a number of rows, or than a time by the rows' own clock."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from headwater.encode import values
from headwater.encode.durations import read_duration
from headwater.encode.rolling import RollingReader
from headwater.encode.rows import as_dicts
from headwater.errors import ConfigError, DataError, counted, shown
from headwater.types import Lazy, Predictions

from .kind import Kind, kind_of
from .settings.limits import Growth, Limits
from .supervised import joined

__all__ = ["Expiring"]

LEAST_ROWS = 200
_READER = RollingReader(values)
_NEVER = -(1 << 63)
"""A time in microseconds before all others."""
_TEACHING = ("learn", "learn_one")
_WHOLE = ("resume", "merge")
"""Methods that would make a learner of it that never expires."""
_SAVE = Lazy("headwater.store.learner_file:save")


def check_turns(learner: Any) -> None:
    """Raise ConfigError for a learner of which there can't be two: a private one, or one that counts what it spends.

    Raises
    ------
    ConfigError
        If its class says so.
    """
    if why := getattr(learner, "single", ""):
        one, at = kind_of(learner).one, "learners that take turns"
        raise ConfigError(expected="a learner of which there can be two", got=one, at=at, help=why, code="kind")


class Expiring:
    """Let two learners take turns, so that what predicts has seen nothing older than ``max_age`` rows, hours or days.

    Both learn each row. The older one predicts and answers every other question, and is dropped when it has reached ``max_age``.
    So no weight, name, statistic, knot or kept row is older. It takes twice the time and memory.

    With ``time`` the rows' own clock counts, however irregularly they come. A learner begins with a row, and is dropped before a row
    is learned that is more than ``max_age`` later. Another one begins each half of ``max_age``. If nothing came for so long, the next
    row meets a new learner. What predicts knows all rows of the last half of ``max_age``. A row that comes late is learned by those
    that began at its time or before. If it is older than all of them, none learns it, and it counts in ``late``.

    Parameters
    ----------
    learner : learner of any kind
        A new learner, from copies of which the two are made.
    max_age : int, str or timedelta
        Rows that a learner may see before it is dropped, at least 200. With ``time`` an age such as ``"36 hours"``, ``"30d"`` or a
        timedelta. How long a store keeps what arrived, by the time of arrival, says ``hw.Retention``.
    time : hashable, optional
        The column of times: date-times, ISO 8601 texts, or numbers of seconds. It stays a column of the learner's too.

    Raises
    ------
    ConfigError
        If the learner has learned already, or ``max_age`` is too small, or no age where there is a ``time``.
    DataError
        If a row that is learned has no time. Nothing is learned then.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Expiring(hw.Classifier(hidden=(4,), seed=1), max_age=400)
    >>> for i in range(1_000):
    ...     model.learn_one({"name": f"n{i // 100}", "a": i % 7}, i % 7 > 3)
    >>> model.predict_one({"a": 6}), model.oldest_row
    (True, 400)
    >>> model = hw.Expiring(hw.Regressor(seed=1), max_age="24 hours", time="at")
    >>> for hour in (0, 1, 2, 40):
    ...     model.learn_one({"at": 3600 * hour, "a": hour % 2}, 1.0)
    >>> model.n_learned
    1
    """

    def __init__(self, learner: Any, max_age: int | str | dt.timedelta, time: Hashable = None) -> None:
        self.time = time
        """Column of times, None where rows count."""
        self._life = _life(max_age, timed=time is not None)
        if learner.n_learned:
            raise ConfigError(
                expected="a learner that has learned nothing",
                got=f"one of {counted(learner.n_learned, 'row')}, of which nobody knows how old they are",
                at="learner",
                help="Give a new one.",
            )
        check_turns(learner)
        self.max_age = max_age
        self._template = copy.deepcopy(learner)
        self._learners, self._ages = [copy.deepcopy(learner)], [0]
        self._births: list[int] = []  # with a column of times, when each learner began, in microseconds
        self._now = _NEVER
        self.late = 0
        """Rows that were older than every learner, so that none learned them."""

    def __repr__(self) -> str:
        timed = "" if self.time is None else f", time={self.time!r}"
        return f"Expiring({self._template!r}, max_age={self.max_age!r}{timed})"

    @property
    def kind(self) -> Kind:
        """The kind of the learners."""
        return kind_of(self._template)

    @property
    def learner(self) -> Any:
        """The learner that predicts. Never train it directly, because the other would miss that."""
        return self._learners[0]

    @property
    def oldest_row(self) -> int:
        """How many rows ago the oldest row was learned that is within the learner that predicts."""
        return self._ages[0]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_learners", "_ages", "_births"):
            raise AttributeError(name)
        if name in _WHOLE:
            raise ConfigError(
                expected="a learner whose copies expire too",
                got=name,
                at="Expiring",
                help="Make a new one, and let it learn the rows that are young enough.",
            )
        return self._teaching(name) if name in _TEACHING else getattr(self.learner, name)

    # ---- what a file, a store and a server ask of any learner --------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """Limits of a sample's size."""
        limits: Limits = self._template.limits
        return limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        for one in self._all():
            one.limits = limits

    @property
    def notes(self) -> dict[str, Any]:
        """Input options of a command, saved in the file."""
        notes: dict[str, Any] = self.learner.notes
        return notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        for one in self._all():
            one.notes = copy.deepcopy(notes)

    def note_reading(self, columns: Mapping[str, Any]) -> None:
        """Remember how the columns of a file were read, for later learners too."""
        for one in self._all():
            one.note_reading(columns)

    def _all(self) -> list[Any]:
        """Return the learners that take turns, and the one that later ones are made from."""
        return [*self._learners, self._template]

    def check_values(self, X: Sequence[Mapping[Any, Any]]) -> None:
        """Raise DataError for rows that can't be learned, before they are written anywhere.

        Raises
        ------
        DataError
            If a row has no time, or a learner that will see it can't take a value.
        """
        staying = [one for one, age in zip(self._learners, self._ages, strict=True) if age < self._life]
        if self.time is not None and len(X):
            now = max(self._now, self._times(X)[0])
            staying = [
                one for one, birth in zip(self._learners, self._births, strict=False) if now - birth <= self._life
            ]
        for one in staying or [self._template]:
            one.check_values(X)

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Return an upper bound of the growth that learning rows would cause in both learners.

        Raises
        ------
        LimitError
            If a row exceeds a limit.
        """
        growth: Growth = self.learner.check_limits(X, y)
        return replace(growth, bytes=2 * growth.bytes)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the learners against other threads, so that everything read is consistent."""
        with ExitStack() as stack:
            for one in self._learners:
                stack.enter_context(one.held())
            yield

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Expiring:
        """Return one with the same settings, some of its learners' replaced, and on request with what was learned."""
        if include_attributes:
            return copy.deepcopy(self)
        return Expiring(self._template.clone(new_params), self.max_age, self.time)

    def describe(self) -> dict[str, Any]:
        """Return a summary of the learner that predicts, with its age."""
        about: dict[str, Any] = self.learner.describe()
        timed = {} if self.time is None else {"time": self.time, "late": self.late}
        return {**about, "expires": {"max_age": str(self.max_age), "oldest_row": self.oldest_row, **timed}}

    def expires_as(self, other: Any) -> bool:
        """Return whether another one forgets by the same column at the same age."""
        return type(other) is Expiring and (self._life, self.time) == (other._life, other.time)

    def save(self, path: Any) -> None:
        """Write both learners with their ages to a file atomically. ``headwater.load`` reads it.

        Parameters
        ----------
        path : str or Path
            The file. Its contents are replaced.
        """
        _SAVE(self, path)

    def turns(self) -> tuple[list[Any], dict[str, Any]]:
        """Return the learners, the last of which is the one that later ones are made from, and a copy of the counts beside them."""
        counts = {"ages": [*self._ages], "births": [*self._births], "now": self._now, "late": self.late}
        return self._all(), counts

    def resume_turns(self, learners: Sequence[Any], counts: Mapping[str, Any]) -> None:
        """Restore what ``turns`` returned.

        Raises
        ------
        ValueError
            If counts don't belong to these learners.
        """
        ages, births = list(counts["ages"]), list(counts["births"])
        numbers = [*ages, *births, counts["now"], counts["late"]]
        timed = self.time is not None and counts["now"] != _NEVER
        fit = len(learners) == len(ages) and len(births) == (len(ages) if timed else 0)
        if not (learners and fit and all(type(one) is int for one in numbers) and min(*ages, counts["late"]) >= 0):
            raise ValueError("turns", f"counts of {len(learners)} learners", counts)
        self._learners, self._ages, self._births = list(learners), ages, births
        self._now, self.late = counts["now"], counts["late"]

    # ---- learning ----------------------------------------------------------------------------------------------------------

    def observe(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Let a row count in the windows of all learners before its label comes, as ``observe`` of a learner with ``rolling``.

        It is returned with the numbers of the learner that predicts, and learned with them.
        """
        taking = len(self._learners)
        if self.has_rolling and self.time is not None:
            taking = self._turn(self._times([x])[0])
        said: list[dict[Any, Any]] = [one.observe(x) for one in self._learners[:taking]]
        return said[0] if said else dict(self.learner.as_read(x))

    def observed(self, X: Any) -> Any:
        """Return rows to predict now and to learn later, each observed."""
        return [self.observe(x) for x in as_dicts(X)] if self.has_rolling else X

    def _teaching(self, name: str) -> Callable[..., Any]:
        """Return a method that lets all learners learn one row."""

        def learn(*arguments: Any, **named: Any) -> Any:
            taking = self._taking_turns(arguments, named)
            said = [getattr(one, name)(*arguments, **named) for one in self._learners[:taking]]
            self._ages[:taking] = [age + 1 for age in self._ages[:taking]]
            return said[0] if said else None

        return learn

    def learn_many(self, X: Any, y: Any = None, w: Any = None) -> None:
        """Learn rows one by one, of a series values and their features."""
        if not self.kind.question.needs_rows:
            X, y = ([{}] * len(X) if y is None else y), X
        self.step_many(X, y, w)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn."""
        if ask is not None:  # as many rows or any number, so that only whole calls can be cut
            if self.time is None:
                self._take_turns(len(X))
            elif len(X):
                times = self._times(X)
                self._turn(max(times))
                self._births = [min(birth, *times) for birth in self._births]
            said: list[Predictions] = [one.step_many(X, y, w, ask=ask) for one in self._learners]
            self._ages = [age + len(X) for age in self._ages]
            return said[0]
        return joined(list(self._steps(X, y, w) if self.time is None or not len(X) else self._timed_steps(X, y, w)))

    def _steps(self, X: Any, y: Any, w: Any) -> Iterator[Predictions]:
        begin, n = 0, len(X)
        while begin < n or not n:
            room = self._take_turns()
            part = slice(begin, min(n, begin + room))
            rows, labels = X[part], None if y is None else y[part]
            said = [one.step_many(rows, labels, None if w is None else w[part]) for one in self._learners]
            self._ages = [age + len(rows) for age in self._ages]
            begin += room
            yield said[0]
            if not n:
                return

    def _timed_steps(self, X: Any, y: Any, w: Any) -> Iterator[Predictions]:
        times, begin, n = self._times(X), 0, len(X)
        while begin < n:
            taking, end = self._turn(times[begin]), begin + 1
            self.late += not taking
            while taking == len(self._births) and end < n and self._stays(times[end]):
                end += 1
            self._now = max(self._now, *times[begin:end])
            part = slice(begin, end)
            rows, labels, weights = X[part], None if y is None else y[part], None if w is None else w[part]
            said = [one.step_many(rows, labels, weights) for one in self._learners[:taking]]
            self._ages[:taking] = [age + end - begin for age in self._ages[:taking]]
            yield said[0] if said else self._said_of_late(rows, labels, weights)
            begin = end

    def _said_of_late(self, X: Any, y: Any, w: Any) -> Predictions:
        """Return what is said of rows that none learns."""
        if not self.kind.answer.compound:
            said: Predictions = self.learner.predict_batch(X)
            return said
        new: Predictions = copy.deepcopy(self._template).step_many(X, y, w)  # a choice may be new to the learners
        return new

    def _stays(self, time: int) -> bool:
        """Return whether a row is learned by all learners, and nobody is dropped or begins before it."""
        return self._births[-1] <= time < self._births[-1] + self._life // 2 and time <= self._births[0] + self._life

    def _turn(self, time: int) -> int:
        """Drop what is too old at a row's time, let the next learner begin if it is due, and return how many learn the row."""
        now = self._now = max(self._now, time)
        while self._births and now - self._births[0] > self._life:
            del self._learners[0], self._ages[0], self._births[0]
        if not self._births:
            self._learners, self._ages, self._births = [copy.deepcopy(self._template)], [0], [now]
        elif now - self._births[-1] >= self._life // 2:
            self._learners.append(copy.deepcopy(self._template))
            self._ages.append(0)
            self._births.append(now)
        return sum(birth <= time for birth in self._births)

    def _taking_turns(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> int:
        """Let learners take turns at one row, and return how many learn it."""
        if self.time is None:
            self._take_turns()
            return len(self._learners)
        row = next((one for one in (*arguments, *named.values()) if isinstance(one, Mapping)), {})
        taking = self._turn(self._times([row])[0])
        self.late += not taking
        return taking

    def _times(self, X: Any) -> list[int]:
        """Return the time of each row in microseconds.

        Raises
        ------
        DataError
            If a row has none.
        """
        rows = as_dicts(X)
        found = [_READER.time(self.time, row.get(self.time)) for row in rows]
        for i, time in enumerate(found):
            if time is None:
                raise DataError(
                    expected=f"a time in {self.time!r}",
                    got=shown(rows[i].get(self.time)),
                    at="time of Expiring" if len(found) == 1 else f"row {i + 1} of {len(found):,}",
                    help="Give a date-time, an ISO 8601 text, or seconds, or leave the row out.",
                )
        return [time for time in found if time is not None]

    def _take_turns(self, rows: int = 1) -> int:
        """Drop the older learner if it is too old for some more rows, let the next begin, and return the rows until then."""
        if self._ages[0] + rows > self._life and self._ages[0]:
            del self._learners[0], self._ages[0]
        half = self._life // 2
        if not self._ages or self._ages[-1] >= half:
            self._learners.append(copy.deepcopy(self._template))
            self._ages.append(0)
        return min(self._life - self._ages[0], half - self._ages[-1])


def _life(max_age: Any, *, timed: bool) -> int:
    """Return the age in rows, or in microseconds.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not timed:
        if type(max_age) is int and max_age >= LEAST_ROWS:
            return max_age
        raise ConfigError(
            expected=f"a number of rows, {LEAST_ROWS} or more",
            got=repr(max_age),
            at="max_age",
            help="Let it live longer." if type(max_age) is int else "Name the column of times, as in time='at'.",
        )
    seconds, unit = read_duration(max_age) if isinstance(max_age, str) else (0.0, "")
    if isinstance(max_age, dt.timedelta):
        seconds = max_age.total_seconds()
    if unit or not 1 <= seconds <= 1e10:
        raise ConfigError(
            expected="an age of at least a second, such as '36 hours', '30d' or a timedelta",
            got=repr(max_age),
            at="max_age",
            help="Write it as '30 days'; without time= it is a number of rows.",
        )
    return round(seconds * 1e6)
