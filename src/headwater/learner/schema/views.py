"""What a page shows of a kind, drawn by one renderer for all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Column", "Views"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column in the table of the latest rows.

    Parameters
    ----------
    name
        Its heading, by a key of the page's texts.
    of
        "said" for the prediction, "answer" for the label.
    part
        Which part of it, by name or position; all of it without one.
    mark
        Whether it is a tick where it is true, and else empty.
    """

    name: str
    of: str
    part: str | int | None = None
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Views:
    """The words and pictures of a kind.

    Parameters
    ----------
    curve
        Names of the values in a point of the score's history, behind the number of rows. One without a name is not drawn.
    lead
        Which of them is the model's score.
    percent
        Whether these are shares.
    right
        Those that are shares and have an axis of their own, at the right.
    along
        What the curve runs along: "rows", "values", "decisions" or "episodes".
    latest
        Columns of the latest rows.
    marked
        Whether the first of these columns is right where it equals the second.
    panels
        Other parts of the page: "calibration", "loss", "classes", "series", "scores", "alarms", "actions", "routes", "outputs",
        "layers".
    words
        For each language its ``question``, ``about`` and ``curve``, with {name} for the name of the model.

    Examples
    --------
    >>> Views(curve=("model", "mean")).as_dict()["along"]
    'rows'
    """

    curve: tuple[str, ...] = ()
    lead: str = "model"
    percent: bool = False
    right: tuple[str, ...] = ()
    along: str = "rows"
    latest: tuple[Column, ...] = (Column("predicted", "said"), Column("answer", "answer"))
    marked: bool = False
    panels: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the views as plain values, for a page."""
        return asdict(self)
