"""The decorator of what will go and what takes its place, and the warning of what was renamed."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

Named = TypeVar("Named", bound=Callable[..., Any])

_WARNED: set[str] = set()


def deprecated(successor: str, *, since: str, gone_in: str) -> Callable[[Named], Named]:
    """Mark a function, a method or a class that a later version leaves out.

    The first use warns with a `DeprecationWarning`, later ones don't. The docstring says so too, and ``__deprecated__`` holds the
    sentence for type checkers (PEP 702). `tests/packaging/test_deprecation.py` fails once the version in which it goes has come.

    Parameters
    ----------
    successor
        What to use instead, as code.
    since
        The version that first warns.
    gone_in
        The major version that has it no more.

    Examples
    --------
    >>> @deprecated("score_one(x)", since="1.2", gone_in="2.0")
    ... def score(x):
    ...     '''Return the score of a row.'''
    ...     return 1.0
    >>> score.__deprecated__
    'score is deprecated since version 1.2 and goes in version 2.0. Use score_one(x).'
    """

    def mark(thing: Named) -> Named:
        name = thing.__qualname__.removeprefix("<locals>.")
        sentence = _sentence(name, successor, since, gone_in)
        if inspect.isclass(thing):
            marked: Any = thing
            marked.__init__ = _warning(marked.__init__, sentence)
        else:
            marked = _warning(thing, sentence)
        marked.__deprecated__, marked.__gone_in__ = sentence, gone_in
        note = f".. deprecated:: {since}\n   Use {successor}. It goes in version {gone_in}."
        first, _, rest = (inspect.getdoc(thing) or "").partition("\n\n")
        marked.__doc__ = "\n\n".join(filter(None, [first, note, rest]))
        return cast(Named, marked)

    return mark


def warn_renamed(old: str, new: str, *, since: str, gone_in: str) -> None:
    """Warn once that something of a module is asked for by a name that it had earlier.

    The property of the module's class that returns it calls this function (`headwater.types.Record`).

    Parameters
    ----------
    old, new
        Both names, each with its module.
    since, gone_in
        The version that first warns, and the major version that has the old name no more.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     warn_renamed("shapes.Square", "shapes.Box", since="1.2", gone_in="2.0")
    >>> print(said[0].message)
    shapes.Square is deprecated since version 1.2 and goes in version 2.0. Use shapes.Box.
    """
    if old not in _WARNED:
        _WARNED.add(old)  # before the warning, which may be an error
        warnings.warn(_sentence(old, new, since, gone_in), DeprecationWarning, stacklevel=3)


def _sentence(name: str, successor: str, since: str, gone_in: str) -> str:
    return f"{name} is deprecated since version {since} and goes in version {gone_in}. Use {successor}."


def _warning(function: Callable[..., Any], sentence: str) -> Callable[..., Any]:
    """Return the function, which warns when it is first called."""
    warned = False

    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        nonlocal warned
        if not warned:
            warned = True  # before the warning, which may be an error
            warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        return function(*args, **settings)

    return call
