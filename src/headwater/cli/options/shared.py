"""Helpers that several commands use, for comma-separated lists and files to write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token

from headwater.errors import ConfigError, SourceError

__all__ = [
    "Names",
    "STDIN",
    "Source",
    "followed_how",
    "check_sources",
    "check_writable",
    "split_names",
    "split_sizes",
    "without_ids",
]


STDIN = "stdin:"  # replaces a lone hyphen while options are parsed, since it looks like an option


def _read_source(kind: type, tokens: Sequence[Token]) -> str:
    return "-" if tokens[0].value == STDIN else tokens[0].value


Source = Annotated[str, Parameter(converter=_read_source)]
Names = Annotated[str | None, Parameter(metavar="COLUMN,…")]


def split_names(names: str | None) -> tuple[str, ...]:
    """Return the names of a comma-separated list.

    Examples
    --------
    >>> split_names("year, day"), split_names(None)
    (('year', 'day'), ())
    """
    return () if names is None else tuple([name.strip() for name in names.split(",") if name.strip()])


def split_sizes(sizes: str) -> tuple[int, ...]:
    """Return the layer sizes of ``--hidden``, where ``0`` means no hidden layer.

    Raises
    ------
    ConfigError
        When one is not a positive whole number.

    Examples
    --------
    >>> split_sizes("64,32"), split_sizes("0")
    ((64, 32), ())
    """
    parts = [part.strip() for part in sizes.split(",")]
    if parts == ["0"]:
        return ()
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(
            expected="layer sizes such as 64,32",
            got=sizes,
            at="--hidden",
            help="Give whole numbers with commas between.",
        )
    return tuple(map(int, parts))


def check_sources(sources: Sequence[str], command: str) -> None:
    """Raise unless there is one source, or several files.

    Raises
    ------
    ConfigError
        Saying how to name it.
    """
    if not sources:
        raise ConfigError(
            expected="a source",
            got="none",
            at=f"headwater {command}",
            help=f"headwater {command} FILE, or - for a pipe.",
        )
    if len(sources) == 1:
        return
    from headwater.streams.brokers.address import is_address

    alone = [source for source in sources if source == "-" or source.startswith("dataset:") or is_address(source)]
    if alone:
        raise ConfigError(
            expected="several files, or one other source",
            got=f"{alone[0]} among {len(sources)} sources",
            at=f"headwater {command}",
            help="Give it alone.",
        )


def followed_how(source: str, *, accept_gap: bool, begin: str | None) -> str:
    """Return a broker's address that says as well what ``--accept-gap`` and ``--from`` say.

    Raises
    ------
    ConfigError
        If it is no broker's: a file has no gaps, and doesn't know when its rows came.
    """
    from urllib.parse import quote

    from headwater.streams.brokers.address import is_address

    given = {"accept_gap": "true"} if accept_gap else dict[str, str]()
    given |= {} if begin is None else {"from": begin}
    if given and not is_address(source):
        option = "--accept-gap" if accept_gap else "--from"
        raise ConfigError(
            expected=f"a broker's address with {option}", got=source, at=option, help="Leave it out for files."
        )
    more = "&".join(f"{name}={quote(value)}" for name, value in given.items())
    return f"{source}{'&' if '?' in source else '?'}{more}" if given else source


def without_ids(source: str) -> str:
    """Return a broker's address without ``id=``, to look at its first rows before there is a store.

    Examples
    --------
    >>> without_ids("redis://localhost/rows?id=id&idle=1"), without_ids("redis://localhost/rows?idle=1")
    ('redis://localhost/rows?idle=1', 'redis://localhost/rows?idle=1')
    """
    address, mark, query = source.partition("?")
    kept = [option for option in query.split("&") if not option.startswith("id=")]
    return address + mark + "&".join(kept)


def check_writable(path: Path, option: str, *, reads: Iterable[str | Path | None] = ()) -> None:
    """Raise unless a file can be written, to find out before an hour of learning.

    Parameters
    ----------
    path
        The file to write.
    option
        The option that names it.
    reads
        Sources and models that are read, which the file would replace.

    Raises
    ------
    ConfigError
        When it is a folder, or its folder is missing or can't be written to, or when it is read.
    """
    problem = ""
    if path.is_dir():
        problem = "a folder"
    elif not path.parent.is_dir():
        problem = f"no folder {path.parent}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = "no permission"
    if problem:
        raise ConfigError(
            expected="a file that can be written",
            got=problem,
            at=f"{option} {path}",
            help="Name a file in a folder of yours.",
        )
    if path.is_file() and any(_is_among(path, read) for read in reads if read is not None):
        raise ConfigError(
            expected="another file to write",
            got="one that is read, which would be lost",
            at=f"{option} {path}",
            help="Name another file.",
        )


def _is_among(path: Path, read: str | Path) -> bool:
    """Return whether a file is a source, or one of the files of a folder or a pattern."""
    from headwater.streams.files.paths import files_of

    with suppress(SourceError, OSError):  # a source that isn't there is refused where it is opened
        return any(Path(name).is_file() and path.samefile(name) for name in files_of(read))
    return False
