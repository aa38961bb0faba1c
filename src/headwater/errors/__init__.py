"""The errors and warnings of headwater, as a tree.

Each error says what was expected, what came, where, and what to do.

::

    HeadwaterError                    everything below; catch this one to catch all
    ├── ConfigError      (ValueError)   an argument or option that is not valid: a layer, a loss, a step size
    ├── DataError        (ValueError)   input that cannot be used
    │   ├── SourceError                 a stream that cannot be opened, or holds no rows
    │   ├── TargetError                 an answer `y` that is missing, or of the wrong kind
    │   └── LimitError                  a sample, or a request, that asks for more than a limit allows
    ├── ModelFileError   (ValueError)   a saved model that is missing, truncated, altered or from another version
    ├── StoreError       (OSError)      the file of a durable learner that is damaged, in use, or can't be written
    └── MissingExtra     (ImportError)  a package of an optional extra that is not installed

The same sentence appears in Python, on the command line (on stderr, exit 2, no traceback) and over HTTP
(`as_dict`): ``expected X, got Y — at PATH. What to do.`` Sentences may change between versions. The ``code`` of an error
never changes, for programs and for translations.
"""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "ConfigError",
    "DataError",
    "HeadwaterError",
    "LimitError",
    "LostMembers",
    "MissingExtra",
    "ModelFileError",
    "RefusedRow",
    "SourceError",
    "StoreError",
    "TargetError",
    "UnlikelyData",
    "choose",
    "counted",
    "did_you_mean",
    "shown",
    "writing_folder",
]


_SHOWN = 60
"""Maximum characters of a value in a message."""


def shown(value: Any) -> str:
    """Return a value's repr for a message, whatever its type.

    Examples
    --------
    >>> shown("a"), shown(10**5000)
    ("'a'", 'an int that has no text')
    """
    try:
        return repr(value)[:_SHOWN]
    except Exception:  # noqa: BLE001 - a number of thousands of digits, or what a class of the caller's raises
        return f"an {type(value).__name__} that has no text"


def counted(n: float, noun: str) -> str:
    """Return a number with its noun, which is singular for one.

    Examples
    --------
    >>> counted(1, "row"), counted(2000, "row"), counted(2, "class")
    ('1 row', '2,000 rows', '2 classes')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}{'es' if noun.endswith('s') else 's'}"


class HeadwaterError(Exception):
    """Base class of all errors, which say what was expected, what came, where, and what to do.

    Parameters
    ----------
    expected, got
        What was needed and what came instead, as noun phrases without a full stop.
    at
        Where: a file and line, a column, an option, an argument. Left out of the sentence when empty.
    help
        What to do next, as one sentence.
    code
        A short name of this case, where the code of the class is too broad.

    Examples
    --------
    >>> print(HeadwaterError(expected="a number", got="'ten'", at="flights.csv, line 7", help="Drop the column."))
    expected a number, got 'ten' — at flights.csv, line 7. Drop the column.
    """

    code = "error"

    def __init__(self, *, expected: str, got: str, at: str = "", help: str = "", code: str = "") -> None:  # noqa: A002 - the field's name
        self.expected, self.got, self.at, self.help = expected, got, at, help
        self.code = code or type(self).code
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f" — at {self.at}" if self.at else ""
        return f"expected {self.expected}, got {self.got}{place}. {self.help}".rstrip()

    def __reduce__(self) -> tuple[Callable[..., HeadwaterError], tuple[Any, ...]]:
        # Workers pickle errors, and Exception's own __reduce__ doesn't pass keyword-only arguments.
        return _rebuild, (type(self), self.expected, self.got, self.at, self.help, self.code)

    def as_dict(self) -> dict[str, str]:
        """Return the error as HTTP sends it, a dict of the error, its place, the help and its code.

        Examples
        --------
        >>> ConfigError(expected="a positive lr", got="-1", at="lr", help="Try 0.001.").as_dict()
        {'error': 'expected a positive lr, got -1', 'at': 'lr', 'help': 'Try 0.001.', 'code': 'config'}
        """
        error = f"expected {self.expected}, got {self.got}"
        return {"error": error, "at": self.at, "help": self.help, "code": self.code}


class ConfigError(HeadwaterError, ValueError):
    """Raised for an argument or an option that is not valid."""

    code = "config"


class DataError(HeadwaterError, ValueError):
    """Raised for input that cannot be used."""

    code = "data"


class SourceError(DataError):
    """Raised for a stream that cannot be opened, or holds no rows."""

    code = "source"


class TargetError(DataError):
    """Raised for an answer that is missing, or of the wrong kind."""

    code = "target"


class LimitError(DataError):
    """Raised for a sample that asks for more than a limit allows. Nothing is learned from it.

    Parameters
    ----------
    limit
        The limit's name in ``headwater.Limits``.
    most
        Its value.
    got
        What the sample asked for.

    Examples
    --------
    >>> print(LimitError(limit="names", most=100, got=2500))
    expected at most 100 new names in a sample, got 2,500 — at limits.names. Send less at once, or raise the limit.
    """

    code = "limit"

    def __init__(self, *, limit: str, most: float, got: float) -> None:
        self.limit, self.most, self.number = limit, most, got
        what = {
            "entries": "entries in a sample",
            "names": "new names in a sample",
            "classes": "classes",
            "outputs": "classes",
            "bytes": "bytes by which a sample makes the learner grow",
            "max_rows": "rows of words and numbers of embeddings",
        }.get(limit, limit)
        super().__init__(
            expected=f"at most {most:,.0f} {what}",
            got=f"{got:,.0f}",
            at=f"limits.{limit}",
            help="Send less at once, or raise the limit.",
        )

    def __reduce__(self) -> tuple[Callable[..., HeadwaterError], tuple[Any, ...]]:
        return _rebuild_limit, (self.limit, self.most, self.number)


class ModelFileError(HeadwaterError, ValueError):
    """Raised for a saved model that is missing, truncated, altered or from another version."""

    code = "model_file"


class StoreError(HeadwaterError, OSError):
    """Raised for a store that is damaged, in use by another process, or can't be written."""

    code = "store"


class MissingExtra(HeadwaterError, ImportError):
    """Raised when a package of an optional extra is not installed.

    Parameters
    ----------
    package
        The package that could not be imported.
    extra
        The extra of headwater that brings it.
    at
        What asked for it.

    Examples
    --------
    >>> print(MissingExtra(package="pyarrow", extra="frames", at="flights.parquet"))
    expected the package pyarrow, got none — at flights.parquet. Run: pip install 'headwater[frames]'
    """

    code = "missing_extra"

    def __init__(self, *, package: str, extra: str, at: str = "") -> None:
        self.package, self.extra = package, extra
        super().__init__(
            expected=f"the package {package}", got="none", at=at, help=f"Run: pip install 'headwater[{extra}]'"
        )

    def __reduce__(self) -> tuple[Callable[..., HeadwaterError], tuple[Any, ...]]:
        return _rebuild_missing, (self.package, self.extra, self.at)


class RefusedRow(UserWarning):
    """Warning that a row was not learned, and why.

    `model.rejected` counts all such rows.

    Examples
    --------
    >>> issubclass(RefusedRow, UserWarning)
    True
    """


class LostMembers(UserWarning):
    """Warning that members of a fleet are lost because their process died and had no store.

    Examples
    --------
    >>> issubclass(LostMembers, UserWarning)
    True
    """


class UnlikelyData(UserWarning):
    """Warning that rows or answers look like those of another data set.

    Examples are columns that the model doesn't know, and other kinds of classes.

    Examples
    --------
    >>> issubclass(UnlikelyData, UserWarning)
    True
    """


@contextmanager
def writing_folder(folder: object) -> Iterator[None]:
    """Say in a sentence what stops files from being written into a folder.

    Raises
    ------
    ModelFileError
        In place of an OSError of the body.
    """
    try:
        yield
    except OSError as error:
        raise ModelFileError(
            expected="a folder that can be written",
            got=error.strerror or str(error),
            at=str(folder),
            help="Name another one.",
        ) from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the closest known names, or with all of them when none is close.

    Examples
    --------
    >>> did_you_mean("lable", ["label", "age"])
    'Did you mean label?'
    >>> did_you_mean("zzz", ["label", "age"])
    'Known: label, age.'
    """
    names = list(known)
    lowered = {n.lower(): n for n in names}
    close = [lowered[n] for n in get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"Known: {shown}." if names else ""


def choose(name: object, known: Iterable[str]) -> str:
    """Return a sentence with the closest of the names that an error lists, or one that points to the list.

    Examples
    --------
    >>> choose("adm", ["adam", "sgd"]), choose("zzz", ["adam", "sgd"])
    ('Did you mean adam?', 'Choose one of these names.')
    """
    close = did_you_mean(str(name), known)
    return close if close.startswith("Did") else "Choose one of these names."


def _rebuild(kind: type[HeadwaterError], expected: str, got: str, at: str, remedy: str, code: str) -> HeadwaterError:
    return kind(expected=expected, got=got, at=at, help=remedy, code=code)


def _rebuild_limit(limit: str, most: float, got: float) -> LimitError:
    return LimitError(limit=limit, most=most, got=got)


def _rebuild_missing(package: str, extra: str, at: str) -> HeadwaterError:
    return MissingExtra(package=package, extra=extra, at=at)
