"""Command-line options derived from the fields that kinds declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter

from headwater.errors import ConfigError
from headwater.learner.kind import Kind, known_kinds
from headwater.learner.schema import Field

__all__ = [
    "KindOptions",
    "columns_in",
    "parts_of",
    "LabelColumns",
    "SettingOptions",
    "given_in",
    "label_columns",
    "options_of",
    "parsed",
    "settings_of",
]

_METAVARS = {"list": "A,B", "map": "NAME=NUMBER,...", "boolean": "yes|no"}
_COLUMN_TYPES = ("label", "number", "boolean", "any")
"""Types of fields that a column of a file can hold."""


def options_of(name: str, own: Mapping[str, Sequence[Field]], *, metavar: str = "") -> type[Any]:
    """Return a dataclass with one option for each field, shared by the kinds that declare it, given by their nouns."""
    words: dict[str, Field] = {}
    nouns: dict[str, dict[str, list[str]]] = {}  # by name, what it means, and the kinds of which it means that
    for noun, declared in own.items():
        for field in declared:
            words.setdefault(field.name, field)
            nouns.setdefault(field.name, {}).setdefault(field.doc, []).append(noun)
    entries = []
    for key, docs in nouns.items():
        shown = metavar or _METAVARS.get(words[key].type, words[key].type.upper())
        said = [doc.rstrip(".") + " (" + ", ".join(names) + ")." for doc, names in docs.items()]
        about = Parameter(name=words[key].option, metavar=shown, help=" ".join(said))
        entries.append((key, Annotated[str | None, about], None))
    made = make_dataclass(name, entries, frozen=True)
    made.__module__ = __name__  # what the command line reads a class of ours by
    return made


def _columns_of(kind: Kind) -> list[Field]:
    return [one for one in kind.answer.fields if kind.answer.table is not None and one.type in _COLUMN_TYPES]


if TYPE_CHECKING:
    LabelColumns: TypeAlias = Any
    SettingOptions: TypeAlias = Any
    KindOptions: TypeAlias = Any
else:
    _KINDS = known_kinds()
    LabelColumns = options_of(
        "LabelColumns",
        {kind.noun: _columns_of(kind) for kind in _KINDS if kind.answer.table is not None},
        metavar="COLUMN",
    )
    SettingOptions = options_of("SettingOptions", {kind.noun: kind.settings for kind in _KINDS})
    KindOptions = make_dataclass(
        "KindOptions",
        [(one.name, one.type, None) for part in (SettingOptions, LabelColumns) for one in fields(part)],
        frozen=True,
        namespace={"__module__": __name__},
    )


def given_in(options: Any) -> dict[str, str]:
    """Return the options that were given, by name."""
    return {} if options is None else {name: value for name, value in asdict(options).items() if value is not None}


def columns_in(options: Any) -> list[str]:
    """Return the parts of a label whose column was given."""
    return [name for name in given_in(options) if name in LabelColumns.__dataclass_fields__]


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
