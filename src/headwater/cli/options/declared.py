"""Command-line options derived from the fields that kinds declare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, make_dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.errors import ConfigError
from headwater.learner.kind import Kind, known_kinds
from headwater.learner.schema import Field

__all__ = [
    "columns_in",
    "parts_of",
    "given_in",
    "kinds_columns",
    "kinds_settings",
    "label_columns",
    "options_of",
    "parsed",
    "settings_of",
]

_METAVARS = {"list": "A,B", "map": "NAME=NUMBER,...", "boolean": "yes|no"}
_COLUMN_TYPES = ("label", "number", "boolean", "any")
"""Types of fields that a column of a file can hold."""


def options_of(name: str, own: Iterable[tuple[str, Field]], *, columns: Collection[str] = ()) -> type[Any]:
    """Return a dataclass with one option for each field, which kinds declare that are given by their nouns.

    Parameters
    ----------
    name : str
        The name of the class.
    own : iterable of (str, Field)
        The noun of a kind and a field that it declares.
    columns : collection of str
        Names of the fields that take the name of a column.
    """
    first: dict[str, Field] = {}
    nouns: dict[tuple[str, str], str] = {}  # by name and meaning
    for noun, field in own:
        meaning = first.setdefault(field.name, field).name, field.doc.rstrip(".")
        nouns[meaning] = f"{nouns[meaning]}, {noun}" if meaning in nouns else noun
    said = dict.fromkeys(first, "")
    for (key, doc), kinds in nouns.items():
        said[key] += f"{doc} ({kinds}). "
    entries = []
    for key, field in first.items():
        shown = "COLUMN" if key in columns else _METAVARS.get(field.type, field.type.upper())
        about = Parameter(name=field.option, metavar=shown, help=said[key].rstrip())
        entries.append((key, Annotated[str | None, about], None))
    made = make_dataclass(name, entries, frozen=True)
    made.__module__ = __name__  # what the command line reads a class of ours by
    return made


def _columns_of(kind: Kind) -> list[Field]:
    return [one for one in kind.answer.fields if kind.answer.table is not None and one.type in _COLUMN_TYPES]


def kinds_settings() -> list[tuple[str, Field]]:
    """Return the settings that only some kinds have, each with the noun of its kind."""
    return [(kind.noun, field) for kind in known_kinds() for field in kind.settings]


def kinds_columns() -> list[tuple[str, Field]]:
    """Return the parts of a label that have a column of their own, each with the noun of its kind."""
    return [(kind.noun, field) for kind in known_kinds() for field in _columns_of(kind)]


def given_in(options: Any) -> dict[str, str]:
    """Return the options that were given, by name."""
    return {} if options is None else {name: value for name, value in asdict(options).items() if value is not None}


def columns_in(options: Any) -> list[str]:
    """Return the parts of a label whose column was given."""
    columns = {field.name for _, field in kinds_columns()}
    return [name for name in given_in(options) if name in columns]


def settings_of(kind: Kind, options: Any) -> dict[str, Any]:
    """Return settings of a new learner, as ``question_of`` does."""
    if options is None:
        return {}
    columns = {} if kind.answer.table is None else {field.name for field in _columns_of(kind)}
    given = {name: value for name, value in given_in(options).items() if name not in columns}
    return parsed(kind, kind.settings, given, "setting")


def label_columns(kind: Kind, options: Any) -> dict[str, str]:
    """Return the column of each part of a label.

    Raises
    ------
    ConfigError
        If a part that is needed has none, or the kind has no such part.
    """
    own = _columns_of(kind)
    settings = {field.name for field in kind.settings}
    given = {name: value for name, value in given_in(options).items() if name not in settings}
    _check_known(kind, own, given, "part of a label")
    for field in own:
        if field.required and field.name not in given:
            raise ConfigError(
                expected=f"{field.option} COLUMN with --task {kind.word}",
                got="none",
                at=field.option,
                help=f"Name the column: {field.doc}",
            )
    return given


def parts_of(kind: Kind, targets: Sequence[str], columns: Any, known: Any) -> dict[str, Any]:
    """Return the columns of a compound label from the options or a saved model.

    Raises
    ------
    ConfigError
        If neither says.
    """
    if targets:
        return {"y": list(targets)}
    if set(given_in(columns)) - {field.name for field in kind.settings}:
        return label_columns(kind, columns)
    noted = {} if known is None else known.notes
    if noted.get("labels"):
        return dict(noted["labels"])
    if _columns_of(kind):
        return label_columns(kind, columns)
    if noted.get("targets"):
        return {"y": list(noted["targets"])}
    raise ConfigError(
        expected=f"--targets A,B with --task {kind.word}",
        got="none",
        at="--targets",
        help="Name the columns to predict.",
    )


def parsed(kind: Kind, own: Sequence[Field], given: dict[str, str], what: str) -> dict[str, Any]:
    """Return options as a kind's fields read them.

    Raises
    ------
    ConfigError, DataError
        If the kind has no such field, or a text is no value of it.
    """
    _check_known(kind, own, given, what)
    return {field.name: field.parse(given[field.name], at=field.option) for field in own if field.name in given}


def _check_known(kind: Kind, own: Sequence[Field], given: dict[str, str], what: str) -> None:
    names = {field.name: field.option for field in own}
    for name in given:
        if name not in names:
            option = "--" + name.replace("_", "-")
            able = [one.word for one in known_kinds() if name in [field.name for field in one.settings]]
            raise ConfigError(
                expected=f"a {what} that {kind.one} has: {' or '.join(names.values()) or 'none'}",
                got=option,
                at=option,
                help=f"Leave it out, or give --task {' or '.join(able)}." if able else "Leave it out.",
                code="kind",
            )
