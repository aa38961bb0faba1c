"""What a router knows of a prompt, as a row of numbers."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from headwater._core import project
from headwater.errors import DataError

__all__ = ["row_of"]

_WIDTH = 32
"""Numbers that are kept of an embedding. Least squares of a bandit read 64 inputs, and a decision's time follows the number."""
_CODE = ("```", "def ", "class ", "SELECT ", "function ", "#include", "import ")


def row_of(prompt: Any, tokens: Any) -> dict[Any, Any]:
    """Return the features of a prompt (a text, an embedding, a mapping of features, or None) and of its tokens.

    An embedding is scaled to length 1 and projected on 32 random directions, which keeps angles up to chance (Johnson &
    Lindenstrauss 1984). Of a text only its form is read.

    Raises
    ------
    DataError
        If the prompt is none of these, or the tokens are negative.

    Examples
    --------
    >>> row_of({"task": "math"}, 100)
    {'task': 'math', 'tokens': 4.61512051684126}
    >>> len(row_of([1.0] * 384, None))
    32
    """
    if tokens is not None and not (isinstance(tokens, numbers.Real) and 0 <= float(tokens) < math.inf):
        raise DataError(expected="tokens of at least 0", got=f"{tokens!r:.60}", at="tokens", help="Leave them out.")
    row = _features(prompt)
    if tokens is not None:
        row["tokens"] = math.log1p(tokens)
    return row


def _features(prompt: Any) -> dict[Any, Any]:
    if prompt is None:
        return {}
    if type(prompt) is list or (type(prompt) is np.ndarray and prompt.ndim == 1):
        row = project(prompt, *_directions(len(prompt)))
        if row is not None:
            return row
    if type(prompt) is dict or isinstance(prompt, Mapping):
        return dict(prompt)
    if isinstance(prompt, str):
        return _form(prompt)
    if isinstance(prompt, np.ndarray | list | tuple):
        return _projected(prompt)
    raise DataError(
        expected="a text, an embedding, or features by name",
        got=type(prompt).__name__,
        at="prompt",
        help="Give e.g. router.choose({'task': 'math'}, tokens=200).",
    )


def _form(text: str) -> dict[Any, Any]:
    """Return numbers about the form of a text."""
    n = max(len(text), 1)
    return {
        "characters": math.log1p(len(text)),
        "lines": math.log1p(text.count("\n")),
        "digits": sum(map(str.isdigit, text)) / n,
        "letters": sum(map(str.isalpha, text)) / n,
        "question": "?" in text or "？" in text,
        "code": any(mark in text for mark in _CODE),
    }


def _projected(prompt: Any) -> dict[Any, Any]:
    """Return the features of an embedding of any shape and type, or say what is wrong with it."""
    try:
        embedding = np.asarray(prompt, np.float64).ravel()
    except (TypeError, ValueError) as error:  # texts, lists of several lengths
        raise _refused(f"{prompt!r:.60}") from error
    row = project(embedding, *_directions(len(embedding)))
    if row is None:
        raise _refused(f"length {float(np.sqrt(embedding @ embedding))}")
    return row


def _refused(got: str) -> DataError:
    return DataError(expected="an embedding of finite numbers", got=got, at="prompt", help="Leave it out instead.")


@lru_cache(16)
def _directions(d: int) -> tuple[bytes | None, dict[str, float]]:
    """Return random directions by column, None for embeddings short enough to be read as they are, and their names."""
    if d <= _WIDTH:
        return None, dict.fromkeys((f"e{i}" for i in range(d)), 0.0)
    directions = np.random.default_rng(d).normal(0, 1 / math.sqrt(_WIDTH), (_WIDTH, d))
    return directions.T.tobytes(), _directions(_WIDTH)[1]
