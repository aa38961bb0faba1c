"""Say what is wrong with a command line in the words of every other error: expected, got, where, what to do."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from headwater.errors import ConfigError, HeadwaterError
from headwater.streams.files.open_file import is_model, no_rows

__all__ = ["usage_error"]

_WORDS: dict[Any, str] = {int: "a whole number", float: "a number", Path: "a path", bool: "yes or no", str: "a text"}
_SUGGESTION = re.compile(r'Did you mean "?(.+?)"?\?')


def usage_error(error: CycloptsError) -> HeadwaterError:
    """Return the mistake on a command line as an error of the package.

    Parameters
    ----------
    error
        What the parser of command lines raised.
    """
    command = " ".join(("headwater", *(error.command_chain or ())))
    model = _model_for_rows(error)
    if model is not None and error.argument is not None and error.argument.name == "--model":
        return ConfigError(
            expected="--model", got=f"{model} without it", at=command, help=f"Try: {command} FILE --model {model}"
        )
    if model is not None:
        return no_rows(model)
    # The parser knows the neighbours of an unknown name, and says them at the end of its own sentence.
    near = _SUGGESTION.search(str(error))
    suggestion = f"Did you mean {near[1]}? " if near else ""
    expected, got = _expected(error)
    return ConfigError(expected=expected, got=got, at=command, help=f"{suggestion}See: {command} --help")


def _expected(error: CycloptsError) -> tuple[str, str]:
    """Return what was expected, and what came."""
    match error:
        case MissingArgumentError():
            return _missing(error)
        case UnknownOptionError():
            return "an option of this command", error.token.keyword or error.token.value
        case UnknownCommandError():
            return "a command", (error.unused_tokens or ["none"])[0]
        case CoercionError() if error.msg is None and error.token is not None:
            return f"{_kind(error.target_type)} for {_name(error, error.token.keyword)}", error.token.value
        case RepeatArgumentError():
            return f"{error.token.keyword} once", "it several times"
        case UnusedCliTokensError():
            return "no more arguments", " ".join(error.unused_tokens or ())
        case ValidationError():
            return "values that go together", str(error).strip().rstrip(".")
    return "a command line that can be read", str(error).strip().rstrip(".")


def _model_for_rows(error: CycloptsError) -> str | None:
    """Return the saved model among the arguments of a command that wants rows and lacks an option."""
    if not isinstance(error, MissingArgumentError) or error.target is None or error.keyword is not None:
        return None  # a keyword that lacks its value
    if "source" not in signature(error.target).parameters:
        return None
    return next((token for token in error.root_input_tokens or () if is_model(token)), None)


def _missing(error: MissingArgumentError) -> tuple[str, str]:
    name = _name(error, error.keyword)
    if error.keyword is not None or (error.argument is not None and error.argument.tokens):
        return f"a value after {name}", "none"
    return name, "none"


def _name(error: CycloptsError, keyword: str | None) -> str:
    """Return an option as it was typed, or the name of an argument without one."""
    if keyword is not None:
        return keyword
    return "a value" if error.argument is None else error.argument.name


def _kind(hint: Any) -> str:
    """Return what a value must be, in words."""
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    return _WORDS.get(hint, str(getattr(hint, "__name__", hint)))
