"""Schema of the question that a learner answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.errors import ConfigError, did_you_mean

from .field import Field

__all__ = ["COSTS", "Question"]

COSTS = Field(
    "costs",
    "map",
    "What it costs to miss each true class, such as fraud=500,ok=5; 1 where it is not named.",
    default=None,
)
"""The field of a question about classes by whose costs the class is chosen."""


@dataclass(frozen=True, slots=True)
class Question:
    """Declare what a learner of a kind is asked.

    Parameters
    ----------
    name : str
        The verb.
    fields : tuple of Field
        What may be said beside the rows.
    ahead : bool
        Whether rows are the times that come next, in order; without it each row is asked on its own.
    keyed : bool
        Whether each row of a question ahead names its series, as those of a fleet do. Else rows may be left out.

    Examples
    --------
    >>> Question("score", (Field("rate", "number", "The share of alarms.", default=0.001),)).read({})
    {'rate': 0.001}
    """

    name: str
    fields: tuple[Field, ...] = ()
    ahead: bool = False
    keyed: bool = False

    @property
    def needs_rows(self) -> bool:
        """Whether it can't be asked without rows."""
        return self.keyed or not self.ahead

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every field, with defaults for those left out.

        Raises
        ------
        ConfigError
            For a field that the question does not have.
        DataError
            For a value that can't be.
        """
        names = [field.name for field in self.fields]
        for name in given:
            if name not in names:
                raise ConfigError(
                    expected=f"a question with {', '.join(names)}" if names else "a question without settings",
                    got=f"{name}={given[name]!r:.60}",
                    at=name,
                    help=did_you_mean(name, names) or "Leave it out.",
                )
        return {field.name: field.read(given.get(field.name)) for field in self.fields}
