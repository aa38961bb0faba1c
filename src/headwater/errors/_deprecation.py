"""The decorator of what will go and what takes its place, and old names of what was renamed."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

Named = TypeVar("Named", bound=Callable[..., Any])


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
        sentence = f"{name} is deprecated since version {since} and goes in version {gone_in}. Use {successor}."
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


def renamed(module: str, names: Mapping[str, Any], *, since: str, gone_in: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module that still knows what was renamed by its old name (PEP 562).

    The first use of an old name warns with a `DeprecationWarning`, later ones don't.

    Parameters
    ----------
    module
        Name of the module.
    names
        What was renamed, by its old name.
    since, gone_in
        The version that first warns, and the major version that has the old names no more.

    Examples
    --------
    >>> renamed("collections.abc", {"Dictionary": Mapping}, since="1.2", gone_in="2.0").__gone_in__
    '2.0'
    """
    warned: set[str] = set()

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if name not in warned:
            warned.add(name)  # before the warning, which may be an error
            new = f"{module}.{names[name].__qualname__}"
            sentence = f"{module}.{name} is deprecated since version {since} and goes in version {gone_in}. Use {new}."
            warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        return names[name]

    find.__gone_in__ = gone_in  # type: ignore[attr-defined]
    return find


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
