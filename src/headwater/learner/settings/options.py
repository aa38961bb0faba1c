"""The settings that a command or a request may give a new learner of any kind, each declared once.

What only one kind has stands in its declaration (``Kind.settings``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, did_you_mean
from headwater.learner.schema import Field
from headwater.types import Lazy

if TYPE_CHECKING:
    from headwater.learner.kind import Kind

__all__ = ["OPTIONS", "columns_of_text", "offered", "read_settings", "settings_from"]

OPTIONS = (
    Field("hidden", "sizes", "Sizes of the hidden layers of a single net, such as 64,32; 0 for none.", None),
    Field("optimizer", "text", "The update rule of a single net, such as sgd; adam if only lr is given.", None),
    Field("lr", "number", "The learning rate of a single net.", None, 0, 1000),
    Field("loss", "text", "The loss, such as cross_entropy, mse or huber.", None),
    Field("seed", "seed", "What the first weights are drawn from.", None, 0),
    Field(
        "text",
        "words",
        "Which columns of texts are read as words: auto, words, bigrams, none, or some of them, such as "
        "title=words,body=bigrams.",
        None,
        word="words",
    ),
    Field(
        "memory",
        "whole",
        "Complex numbers of a state that is carried from row to row, such as 32; 0 for none.",
        None,
        least=0,
        most=1024,
    ),
    Field("by", "column", "The column that says whose state a row reads, such as machine_id.", None),
    Field(
        "time",
        "column",
        "The column of times by which a state fades. With --task forecast: the column of times in whose order rows have to come.",
        None,
    ),
    Field(
        "rolling",
        "rolling",
        "What happened before each row, as columns more: KEY@TIME:WINDOWS:AGGREGATES, such as "
        "card@at:1h,24h:sum(amount),distinct(shop).",
        None,
    ),
    Field("diagnosis", "boolean", "Whether some 270 rows are kept for headwater diagnose, in the file too.", None),
)
"""None where the kind decides. Kinds may have only some of them."""
_OPTIMIZER = Lazy("headwater.nn.optimizers.names:optimizer")
_ROLLING = Lazy("headwater.learner.settings.rolling:rolling_of")


def offered(kind: Kind) -> tuple[Field, ...]:
    """Return the settings that a command or a request may give a new learner of a kind.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> [field.name for field in offered(kind_with("forecast"))]
    ['seed', 'horizon', 'season', 'low', 'high', 'key']
    """
    has = kind.cls.__dataclass_fields__
    return (*(field for field in OPTIONS if field.name in has), *kind.settings)


def read_settings(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a new learner of a kind, from plain values such as those of JSON, where None is left out.

    Raises
    ------
    ConfigError
        If the kind has no such setting.
    DataError
        If a value can't be.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> read_settings(kind_with("classify"), {"hidden": [8], "optimizer": "sgd", "lr": 0.1, "seed": None})
    {'hidden': (8,), 'optimizer': SGD(lr=0.1)}
    """
    fields = {field.name: field for field in offered(kind)}
    for name in given:
        if name not in fields:
            close = did_you_mean(name, list(fields))
            raise ConfigError(
                expected=f"settings of {kind.name}: {', '.join(fields)}",
                got=f"{name}={given[name]!r:.60}",
                at=name,
                help=kind.instead.get(name) or (close if close.startswith("Did") else "Leave it out."),
            )
    found = {name: fields[name].read(value) for name, value in given.items() if value is not None}
    return settings_from(found)


def settings_from(given: Mapping[str, Any], *, rolling_at: str = "rolling") -> dict[str, Any]:
    """Return what a learner's class takes for plain values of ``OPTIONS`` and of a kind's own settings.

    Raises
    ------
    ConfigError
        If there is no such optimizer, or no such aggregate.
    """
    made = dict(given)
    if "hidden" in made:
        made["hidden"] = tuple(made["hidden"])
    if "optimizer" in made or "lr" in made:
        made["optimizer"] = _OPTIMIZER(made.get("optimizer", "adam"), made.pop("lr", None))
    if isinstance(made.get("text"), str):
        made["text"] = columns_of_text(made["text"])
    if isinstance(made.get("rolling"), str):
        made["rolling"] = _ROLLING(made["rolling"], rolling_at)
    return made


def columns_of_text(option: str) -> str | dict[str, str] | None:
    """Return the ``text`` setting that a text stands for.

    Examples
    --------
    >>> columns_of_text("none"), columns_of_text("words"), columns_of_text("title=words,body=bigrams")
    (None, 'words', {'title': 'words', 'body': 'bigrams'})
    """
    if option == "none":
        return None
    if "=" not in option:
        return option
    return {name: kind for name, _, kind in (part.rpartition("=") for part in option.split(","))}
