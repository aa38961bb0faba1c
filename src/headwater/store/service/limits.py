"""Limits of one request, checked before journaling because journaled events must always be learnable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import methodcaller
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.store.journal.events import JournalEvent, PendingPrediction, packed_size

__all__ = ["Limits", "OverLimit"]


_VALUES = methodcaller("values")
_NESTED = {list, dict}
"""Types of values that hold more than one entry."""


class OverLimit(DataError):
    """Raised for a request that exceeds one of the `Limits`. Nothing of it was journaled."""

    code = "limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request.

    A larger request is rejected whole before it is journaled, and the error names the limit.

    Parameters
    ----------
    row_entries
        Names and list items in one row, including nested ones.
    row_bytes
        Size of one row in the journal (MessagePack).
    request_names
        Distinct names, and texts under them, in one request.
    classes
        Classes of one model, because a classifier's cost grows with them.
    fractions
        Classes that are numbers with a fraction. More of them look like the targets of a regression.
    request_memory
        Estimated bytes of memory by which one request may grow the learners of a model.

    Examples
    --------
    >>> Limits(classes=20)
    Limits(row_entries=10000, row_bytes=1000000, request_names=200000, classes=20, fractions=100, request_memory=1000000000)
    """

    row_entries: int = 10_000
    row_bytes: int = 1_000_000
    request_names: int = 200_000
    classes: int = 1_000
    fractions: int = 100
    request_memory: int = 1_000_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(
                    expected="a whole number of 1 or more",
                    got=repr(value),
                    at=f"{field.name} of Limits",
                    help="Give a larger one for no limit in practice.",
                )

    def check_rows(self, examples: Sequence[JournalEvent | PendingPrediction], packed: int) -> None:
        """Raise OverLimit for rows that are too large.

        Parameters
        ----------
        examples
            The samples of one request, with what else is journaled.
        packed
            Their total size in the journal, in bytes.

        Raises
        ------
        OverLimit
            If a row exceeds a limit.
        """
        # Every name, text and entry takes at least a byte, so small requests can skip the row checks, and a service the call.
        if packed > min(self.row_bytes, self.row_entries):
            small = packed <= self.row_bytes
            for i, example in enumerate(examples):
                x = example.x
                if not small or len(x) > self.row_entries or not _NESTED.isdisjoint(map(type, x.values())):
                    self._check_row(x, f"row {i}")
        if packed > self.request_names:
            self._check_names([example.x for example in examples])

    def _check_row(self, x: Mapping[Any, Any], at: str) -> None:
        size = packed_size(x)
        if size > self.row_bytes:
            raise self._over("row_bytes", f"at most {self.row_bytes:,} bytes a row", f"{size:,}", at)
        if size > self.row_entries and (count := entries_of(x)) > self.row_entries:
            raise self._over("row_entries", f"at most {self.row_entries:,} entries a row", f"{count:,}", at)

    def check_classes(self, known: Collection[Any], new: Collection[Any]) -> None:
        """Raise OverLimit if adding ``new`` to the ``known`` classes exceeds the limit.

        Raises
        ------
        OverLimit
            If there are too many classes, or they look like the targets of a regression.
        """
        count = len(known) + len(new)
        if count > self.classes:
            raise self._over("classes", f"at most {self.classes:,} classes", f"{count:,}", "y")
        if any(map(_is_fraction, new)):
            count = sum(map(_is_fraction, known)) + sum(map(_is_fraction, new))
            if count > self.fractions:
                limit = f"classes of which at most {self.fractions:,} are numbers with a fraction"
                remedy = "This looks like a regression: use a Regressor. "
                raise self._over("fractions", limit, f"{count:,}", "y", remedy)

    def check_memory(self, needed: int) -> None:
        """Raise OverLimit for a request that needs too much memory.

        Raises
        ------
        OverLimit
            If the estimate exceeds the limit.
        """
        if needed > self.request_memory:
            limit = f"a request that needs at most {self.request_memory:,} bytes of memory"
            raise self._over("request_memory", limit, f"about {needed:,}", "request")

    def _check_names(self, rows: Sequence[Mapping[Any, Any]]) -> None:
        names: set[Any] = set(chain.from_iterable(rows))
        kinds = Counter(map(type, chain.from_iterable(map(_VALUES, rows))))
        texts = sum(count for kind, count in kinds.items() if issubclass(kind, str))
        if kinds.keys().isdisjoint(_NESTED) and len(names) + texts <= self.request_names:
            return  # even if every text is another one
        names = set()
        for x in rows:
            for name, value in x.items():
                names.add(name)
                if isinstance(value, str):
                    names.add((name, value))
                elif isinstance(value, list | dict):
                    names.update((name, i) for i in range(entries_of(value)))
            if len(names) > self.request_names:
                limit = f"at most {self.request_names:,} different names and texts a request"
                raise self._over("request_names", limit, "more", "request", "Send it in parts. ")

    def _over(self, limit: str, expected: str, got: str, at: str, remedy: str = "") -> OverLimit:
        return OverLimit(expected=expected, got=got, at=at, help=f"{remedy}The limit {limit} can be set.")


def _is_fraction(label: Any) -> bool:
    return isinstance(label, float) and not label.is_integer()


def entries_of(value: Any) -> int:
    """Return the number of entries of a value, counting nested mappings and lists.

    Examples
    --------
    >>> entries_of({"a": 1.0, "b": {"c": 2.0, "d": [1.0, 2.0]}})
    4
    """
    count, waiting = 0, [value]
    while waiting:  # iterative, because input may be deeply nested
        one = waiting.pop()
        inner = one.values() if isinstance(one, Mapping) else one if isinstance(one, list | tuple) else ()
        waiting.extend(inner)
        count += not inner
    return count
