"""Rolling aggregates: what happened before a row, by key, as columns more."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater import _core
from headwater.encode import values
from headwater.encode.durations import SECONDS
from headwater.encode.rolling import ROLLING_STATE, RollingReader
from headwater.errors import ConfigError

__all__ = ["ROLLING_STATE", "Aggregates", "Rolling", "rolling_of"]

_COUNT, _SINCE, _SUM, _MEAN, _DISTINCT = range(5)  # as in core/rows/rolling.h
_WHATS = {"count": _COUNT, "since": _SINCE, "sum": _SUM, "mean": _MEAN, "distinct": _DISTINCT}
_OF_ROWS = ("count", "since")
_OF_NUMBERS = ("sum", "mean")
_OF_NAMES = ("distinct", "since")
_WINDOW = re.compile(r"(\d+(?:\.\d+)?) ?([smhdw])")
_AGGREGATE = re.compile(r"([a-z]+)(?:\((.+)\))?")
_FORM = "KEY@TIME:WINDOWS:AGGREGATES"
_FORM_EXAMPLE = "card@at:1h,24h:sum(amount),distinct(shop)"
_MOST_SECONDS = 100 * 366 * 86_400
_MOST_WINDOWS, _MOST_COLUMNS, _MOST_ASKED, _MOST_EVENTS = 16, 64, 256, 1 << 24
_KEY_BYTES, _WORD = 80, 8  # core/rows/rolling.c
_COUNTS = ("keys", "events", "bytes", "keys_dropped", "events_dropped", "late", "unread")
_LOOK, _ENTER = range(2)
"""How a row is read that is to come, and one that enters."""


@dataclass(frozen=True)
class Rolling:
    """What happened in the last hour, as columns more of each row.

    A window of length w holds the key's rows in [t − w, t], with t the time of the row, which counts itself. These are the rows of
    SQL's ``PARTITION BY key ORDER BY time RANGE BETWEEN w PRECEDING AND CURRENT ROW`` over all rows that were learned before. A row
    enters when it is learned, and predicting changes nothing. A row that comes late is put where its time belongs.

    Parameters
    ----------
    key : hashable
        Column that names whose rows these are, such as a card. None for all rows together.
    time : hashable
        Column of times (date-times, ISO 8601 texts, or numbers of seconds), exact to the microsecond. A row without a time or a key
        gets no aggregates and doesn't enter.
    over : sequence of str or float
        Lengths of the windows, such as "90s", "30m", "1h", "7d", "2w", or seconds.
    of : mapping
        Aggregates of other columns by name, such as ``{"amount": ("count", "sum", "mean"), "merchant": ("distinct", "since")}``.
        "count" is of values that are not missing, "sum" and "mean" are of numbers, "distinct" counts different names, and "since" is
        the number of seconds since the key's last row with the same name.
    rows : sequence of str
        Aggregates of the rows themselves: "count", and "since" for the number of seconds since the key's last row.
    max_events : int
        Rows of one key that are kept. Beyond them its oldest one is dropped.
    max_bytes : int
        Memory of all keys together. Beyond it the key whose last row was learned longest ago is dropped, with all of its rows.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Notes
    -----
    A row is kept until one of its key is learned that is more than twice the longest window later, so that a row that comes late by
    at most the longest window sees all that its own windows hold. "since" reaches as far back as the longest window.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Regressor(seed=1, rolling=Rolling(key="card", time="at", over=("1h",), of={"amount": ("sum",)}))
    >>> for minute in (0, 20, 70):
    ...     row = {"card": "a", "at": 60 * minute, "amount": 5.0}
    ...     print(model.aggregates(row))
    ...     model.learn_one(row, 1.0)
    {'card count 1h': 1.0, 'card since': None, 'amount sum 1h': 5.0}
    {'card count 1h': 2.0, 'card since': 1200.0, 'amount sum 1h': 10.0}
    {'card count 1h': 2.0, 'card since': 3000.0, 'amount sum 1h': 10.0}
    """

    key: Hashable
    time: Hashable
    over: Sequence[str | float] = ("1h", "24h")
    of: Mapping[Any, str | Sequence[str]] = field(default_factory=dict)
    rows: Sequence[str] = _OF_ROWS
    max_events: int = 1000
    max_bytes: int = 64_000_000

    def __post_init__(self) -> None:
        for name in ("key", "time"):
            value = getattr(self, name)
            if value == "" or not isinstance(value, Hashable) or (name == "time" and value is None):
                raise _refused(name, "the name of a column", value, "Give e.g. 'card'.")
        seconds = [_seconds(one) for one in _several(self.over)]
        if not 1 <= len(seconds) <= _MOST_WINDOWS or len(set(seconds)) < len(seconds):
            raise _refused("over", f"1 to {_MOST_WINDOWS} different windows", self.over, "Give e.g. ('1h', '24h').")
        _check_named("rows", self.rows, _OF_ROWS)
        if not isinstance(self.of, Mapping):
            raise _refused("of", "aggregates by column", self.of, "Give e.g. {'amount': ('sum', 'mean')}.")
        for column, named in self.of.items():
            _check_named(f"of[{column!r}]", named, tuple(_WHATS))
        plan = self._plan()
        if not 1 <= len(plan.titles) <= _MOST_ASKED or len(plan.numbers) + len(plan.names) > _MOST_COLUMNS:
            raise _refused(
                "of",
                f"1 to {_MOST_ASKED} aggregates of at most {_MOST_COLUMNS} columns",
                f"{len(plan.titles)} of {len(plan.numbers) + len(plan.names)}",
                "Ask for fewer.",
            )
        _check_whole("max_events", self.max_events, 1, _MOST_EVENTS)
        _check_whole("max_bytes", self.max_bytes, self._cost(self.max_events), 1 << 46)

    @classmethod
    def parse(cls, text: str) -> Rolling:
        """Return what a text such as ``"card@at:1h,24h:sum(amount),distinct(shop)"`` says, as ``headwater learn --rolling`` reads it.

        Parameters
        ----------
        text : str
            Key and time, windows, and aggregates, separated by colons. Nothing before the @ takes all rows together. Windows and
            aggregates may be left out. ``count`` and ``since`` without a column are of the rows themselves.

        Raises
        ------
        ConfigError
            If the text, or a setting in it, is invalid.

        Examples
        --------
        >>> Rolling.parse("card@at:1h:sum(amount),mean(amount)").columns
        ('card count 1h', 'card since', 'amount sum 1h', 'amount mean 1h')
        """
        whose, *more = text.split(":")
        key, _, time = whose.rpartition("@")
        if not time or "@" not in whose or len(more) > 2:
            raise _refused("text", _FORM, text, f"Give e.g. {_FORM_EXAMPLE!r}.")
        own: dict[str, Any] = {"over": tuple(more[0].split(","))} if more and more[0] else {}
        of: dict[str, tuple[str, ...]] = {}
        rows: tuple[str, ...] = ()
        for part in more[1].split(",") if len(more) > 1 else ():
            found = _AGGREGATE.fullmatch(part.strip())
            if found is None:
                raise _refused("text", _FORM, text, f"Give e.g. {_FORM_EXAMPLE!r}.")
            if found[2] is None:
                rows += (found[1],)
            else:
                of[found[2]] = (*of.get(found[2], ()), found[1])
        if rows:
            own["rows"] = rows
        return cls(key or None, time, of=of, **own)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the aggregates."""
        return self._plan().titles

    def _plan(self) -> _Plan:
        """Return which numbers are asked for, in the core's form."""
        given = sorted((_seconds(one), _title(one)) for one in _several(self.over))
        wanted = {column: _several(named) for column, named in self.of.items()}
        numbers = [column for column, named in wanted.items() if set(named) & set(_OF_NUMBERS)]
        names = [c for c, named in wanted.items() if set(named) & set(_OF_NAMES) or c not in numbers]
        places = {what: {c: i for i, c in enumerate(numbers)} for what in (*_OF_NUMBERS, "count")}
        of_names = {c: len(numbers) + i for i, c in enumerate(names)}
        plan = _Plan(tuple(round(seconds * 1e6) for seconds, _ in given), tuple(numbers), tuple(names))
        whose = "rows" if self.key is None else str(self.key)
        for what in _several(self.rows):
            plan.ask(whose, what, -1, [title for _, title in given])
        for column, named in wanted.items():
            for what in named:
                plan.ask(
                    str(column), what, places.get(what, {}).get(column, of_names.get(column, -1)), [t for _, t in given]
                )
        return plan

    def _cost(self, events: int) -> int:
        """Return an upper bound of the bytes of a key with so many rows."""
        plan = self._plan()
        return _KEY_BYTES + (events + events // 2 + 4) * _WORD * (1 + len(plan.numbers) + len(plan.names))


@dataclass
class _Plan:
    """Windows in microseconds, columns of numbers and of names, and aggregates of them with their titles."""

    over: tuple[int, ...]
    numbers: tuple[Any, ...]
    names: tuple[Any, ...]
    asked: tuple[tuple[int, int, int], ...] = ()
    titles: tuple[str, ...] = ()

    def ask(self, whose: str, what: str, column: int, windows: Sequence[str]) -> None:
        """Add an aggregate over each window; a time since has only one."""
        since = what == "since"
        titles = [f"{whose} since"] if since else [f"{whose} {what} {title}" for title in windows]
        at = [len(windows) - 1] if since else range(len(windows))
        self.titles += tuple(titles)
        self.asked += tuple((_WHATS[what], column, i) for i in at)


def rolling_of(text: str, at: str) -> Rolling:
    """Return what ``Rolling.parse`` does, and say of a text that is none where it was given.

    Raises
    ------
    ConfigError
        If the text, or a setting in it, is invalid.
    """
    try:
        return Rolling.parse(text)
    except ConfigError as error:
        way_out = f"Give e.g. {_FORM_EXAMPLE!r}." if error.help.startswith("Give e.g.") else error.help
        raise ConfigError(expected=error.expected, got=error.got, at=at, help=way_out, code=error.code) from None


class Aggregates:
    """The rows that a learner's aggregates are made of, in the core.

    Parameters
    ----------
    rolling : Rolling
        The settings.
    state : mapping, optional
        Arrays of a saved learner, by name.

    Raises
    ------
    ConfigError
        If the settings are no `Rolling`.
    ValueError
        If the arrays don't fit the settings.
    """

    def __init__(self, rolling: Rolling, state: Mapping[str, NDArray[Any]] | None = None) -> None:
        if not isinstance(rolling, Rolling):
            raise ConfigError(
                expected="a Rolling, or None",
                got=repr(rolling),
                at="rolling",
                help="Give e.g. headwater.Rolling(key='card', time='at', over=('1h', '24h')).",
            )
        self.rolling = rolling
        self._make()
        if state is not None:
            self._load([state[name] for name in ROLLING_STATE])

    def _make(self) -> None:
        own, plan = self.rolling, self.rolling._plan()
        self.core = _core.Rolling(
            own.key, own.time, plan.over, plan.numbers, plan.names, plan.asked, plan.titles, own.max_events, own.max_bytes,
            RollingReader(values),
        )  # fmt: skip
        self.columns = plan.titles
        self._width = 1 + len(plan.numbers) + len(plan.names)

    def _load(self, arrays: Sequence[NDArray[Any]]) -> None:
        keys, ends, events, counts = arrays
        kinds = (np.uint64, np.int64, np.uint64, np.int64)
        shapes = ((len(ends), 2), (len(ends),), (len(events), self._width), (4,))
        for name, array, kind, shape in zip(ROLLING_STATE, arrays, kinds, shapes, strict=True):
            if array.dtype != kind or array.shape != shape:
                raise ValueError(
                    name, f"{np.dtype(kind).name} of shape {shape}", f"{array.dtype.name} of {array.shape}"
                )
        try:
            self.core.load(*(np.ascontiguousarray(array) for array in (keys, ends, events, counts)))
        except ValueError as error:
            raise ValueError("rolling_events", "rows in the order of their times, by key", "others") from error

    def look(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a row with its aggregates."""
        return self.core.row(dict(x), _LOOK)

    def enter(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Let a row enter, and return it with its aggregates."""
        return self.core.row(dict(x), _ENTER)

    def ahead(self, rows: Sequence[Mapping[Any, Any]]) -> list[dict[Any, Any]]:
        """Return rows with the aggregates that each has once those before it have entered. None of them enters."""
        return self.core.ahead([dict(x) for x in rows])

    def split(self, x: Mapping[Any, Any], read: Mapping[Any, Any]) -> dict[str, float | None]:
        """Return what was added to a row that was read."""
        return {name: read[name] for name in self.columns if name in read and name not in x}

    @property
    def has_any(self) -> bool:
        """Whether any row has entered, or was counted as none that can."""
        return any(self.core.size())

    def read_by(self, reader: Any) -> None:
        """Read texts from now on as a reader of values does that knows the formats of a file."""
        self.core.reader = RollingReader(reader)

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of the arrays that hold the state, except those in ``without``."""
        if set(ROLLING_STATE) <= set(without):
            return {}
        found = zip(ROLLING_STATE, map(np.asarray, self.core.state()), strict=True)
        return {name: array for name, array in found if name not in without}

    def counts(self) -> dict[str, int]:
        """Return how much is held, and what was dropped."""
        return dict(zip(_COUNTS, self.core.size(), strict=True))

    def __getstate__(self) -> dict[str, Any]:
        return {"rolling": self.rolling, "state": self.state()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.rolling = saved["rolling"]
        self._make()
        self._load([saved["state"][name] for name in ROLLING_STATE])


def _several(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, str | int | float) else tuple(given)


def _seconds(window: Any) -> float:
    """Return the length of a window in seconds.

    Raises
    ------
    ConfigError
        If it is none.
    """
    found = _WINDOW.fullmatch(window) if isinstance(window, str) else None
    number = float(found[1]) * SECONDS[found[2]] if found else window
    if isinstance(number, bool) or not isinstance(number, int | float) or not 1e-6 <= number <= _MOST_SECONDS:
        raise _refused(
            "over", "lengths of time such as '90s', '30m', '1h', '7d' or '2w'", window, "Give e.g. ('1h', '24h')."
        )
    return float(number)


def _title(window: str | float) -> str:
    return window if isinstance(window, str) else f"{window:g}s"


def _check_named(at: str, given: Any, known: tuple[str, ...]) -> None:
    named = () if given is None else _several(given)
    if not set(named) <= set(known) or len(set(named)) < len(named):
        raise _refused(at, f"some of {', '.join(known)}", given, "Name each once.")


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _refused(name, f"a whole number from {least:,} to {most:,}", value, f"Give e.g. {least}.")


def _refused(at: str, expected: str, got: Any, help: str) -> ConfigError:  # noqa: A002 - as in the errors
    return ConfigError(expected=expected, got=repr(got), at=f"{at} of Rolling", help=help)
