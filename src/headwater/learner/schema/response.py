"""Response as named columns, with one value for each row or time ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.types import Predictions

__all__ = ["Response", "Wide"]


@dataclass(frozen=True, slots=True)
class Wide:
    """A column whose values are maps with the same names, such as the probability of each class.

    Parameters
    ----------
    names : tuple
        The names, one for each part.
    values : ndarray (n, k) or list of rows
        The parts.
    """

    names: tuple[Any, ...]
    values: Any

    def __len__(self) -> int:
        return len(self.values)

    def maps(self) -> list[dict[Any, Any]]:
        """Return a dict a row."""
        return [dict(zip(self.names, row, strict=True)) for row in _plain(self.values)]


@dataclass(frozen=True, slots=True)
class Response:
    """What a learner says to a question, as named columns.

    Parameters
    ----------
    columns : dict of str to sequence, ndarray or Wide
        Columns of equal length, in the order that the kind declares.

    Examples
    --------
    >>> response = Response({"y_pred": ["a"], "proba": Wide(("a", "b"), np.array([[0.75, 0.25]]))})
    >>> response.rows()
    [{'y_pred': 'a', 'proba': {'a': 0.75, 'b': 0.25}}]
    >>> response.flat()
    {'y_pred': ['a'], 'proba_a': [0.75], 'proba_b': [0.25]}
    """

    columns: Mapping[str, Sequence[Any] | NDArray[Any] | Wide]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict for each row, with a nested dict for a wide column."""
        columns = [column.maps() if isinstance(column, Wide) else _plain(column) for column in self.columns.values()]
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*columns, strict=True)]

    def flat(self) -> dict[str, list[Any]]:
        """Return plain columns, with a wide column split by name."""
        found: dict[str, list[Any]] = {}
        for name, column in self.columns.items():
            if not isinstance(column, Wide):
                found[name] = _plain(column)
                continue
            rows = _plain(column.values)
            found |= {f"{name}_{part}": [row[i] for row in rows] for i, part in enumerate(column.names)}
        return found

    @classmethod
    def of(cls, predictions: Predictions, name: str = "y_pred") -> Response:
        """Return predictions as columns, with ``name`` for the prediction itself.

        Examples
        --------
        >>> Response.of(Predictions([0.5]), "score").flat()
        {'score': [0.5]}
        """
        said = predictions.y_pred
        if isinstance(said, list) and said and isinstance(said[0], Mapping):
            names = tuple(dict.fromkeys(part for row in said for part in row))
            columns: dict[str, Any] = {name: Wide(names, [[row.get(part) for part in names] for row in said])}
        else:
            columns = {name: said}
        for other, values in (("proba", predictions.proba), ("expected", predictions.rewards)):
            if values is not None and predictions.classes:
                columns[other] = Wide(tuple(predictions.classes), values)
        ends = {"low": predictions.lower, "high": predictions.upper}
        return cls(columns | {end: values for end, values in ends.items() if values is not None})


def _plain(values: Any) -> list[Any]:
    found: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return found
