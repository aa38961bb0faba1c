"""Validate and convert the inputs of a network of a fixed shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.errors import ConfigError, DataError, counted
from headwater.nn.expert import Expert
from headwater.nn.layers import Activation, Dense, Embedding
from headwater.nn.shapes import Shape, reads_image, size_of

HEAVIEST = 1e15
"""Maximum weight of a sample in the core, which keeps its product with a squared gradient finite in float32."""


def table_of(
    X: ArrayLike, dtype: np.dtype[Any], expert: Expert, known: int | Shape
) -> tuple[NDArray[Any], int | Shape]:
    """Return X as numbers (n, inputs), and the number of inputs or the shape of an image.

    ``known`` is the number or shape if it is known already, else 0.

    Raises
    ------
    DataError
        If X is not an array of numbers, or has too many dimensions.
    """
    x = _numbers(X, "X", "For dicts, names and strings use hw.Classifier or hw.Regressor.", dtype)
    if reads_image(expert.layers) and x.ndim != 2:
        return _images(x, known)
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2:
        raise DataError(expected="X of shape (samples, inputs)", got=str(x.shape), at="X", help="Reshape it.")
    return x, known or x.shape[1]


def _images(x: NDArray[Any], known: int | Shape) -> tuple[NDArray[Any], Shape]:
    """Flatten images (n, channels, height, width), or (n, height, width) with one channel."""
    found: Any = x.shape[1:] if x.ndim == 4 else (1, *x.shape[1:])
    if x.ndim not in (3, 4) or (known and found != known):
        shape = known if isinstance(known, tuple) else ("channels", "height", "width")
        expected = f"X of shape (samples, {', '.join(map(str, shape))})"
        raise DataError(expected=expected, got=str(x.shape), at="X", help="Reshape it; channels come first.")
    return x.reshape(len(x), size_of(found)), found


def check_no_state(expert: Expert, at: str) -> None:
    """Raise ConfigError if a network has a recurrent state.

    Raises
    ------
    ConfigError
        If it has a recurrence.
    """
    if expert.recurrent:
        raise ConfigError(
            expected="a network without a state, since this form has none",
            got="one with nn.Recurrent",
            at=at,
            help="Keep it with save and headwater.load.",
        )


def check_expert(expert: Expert, dtype: str) -> None:
    """Validate the expert and dtype of a network of a fixed shape.

    Raises
    ------
    ConfigError
        For an unknown number type, no layer at all, cross-entropy over a single output, or a link that is applied twice.
    """
    if dtype not in ("float32", "float64"):
        raise ConfigError(expected="'float32' or 'float64'", got=repr(dtype), at="dtype", help="Choose one of the two.")
    if not expert.layers:
        raise ConfigError(
            expected="Dense, Embedding or Conv as first layer",
            got="no layer",
            at="layers",
            help="Put nn.Dense(units) first.",
        )
    if expert.recurrent and not any(isinstance(layer, Dense) for layer in expert.layers):
        raise ConfigError(
            expected="a Dense layer after Recurrent, for the outputs",
            got="none",
            at="layers",
            help="Put nn.Dense(1) at the end.",
        )
    if expert.loss.name == "cross_entropy" and expert.outputs == 1:
        raise ConfigError(
            expected="an output for each class, so 2 or more, for cross_entropy",
            got="1",
            at="layers",
            help="Use binary_cross_entropy for one output of yes or no.",
        )
    last = expert.layers[-1]
    named = last.activation if isinstance(last, Dense) else last.name if isinstance(last, Activation) else ""
    if expert.loss.name == "binary_cross_entropy" and named == "sigmoid":
        raise ConfigError(
            expected="a last layer without an activation, since binary_cross_entropy applies the sigmoid itself",
            got="'sigmoid', so it would be applied twice",
            at="layers",
            help="Make the last layer nn.Dense(1). The prediction is still a probability.",
        )


def check_inputs(x: NDArray[Any], expert: Expert, inputs: int) -> None:
    """Raise DataError for a wrong number of inputs, or ids that the Embedding lacks."""
    if x.shape[1] != inputs:
        raise DataError(
            expected=f"{inputs} inputs",
            got=str(x.shape[1]),
            at="X",
            help="A Network has a fixed shape; hw.Classifier grows.",
        )
    first = expert.layers[0]
    if isinstance(first, Embedding) and len(x) and not (x.min() >= 0 and x.max() < first.rows):
        raise DataError(
            expected=f"ids from 0 to {first.rows - 1}",
            got=f"{x.min():g} … {x.max():g}",
            at="X",
            help="Give Embedding more rows.",
        )
    if isinstance(first, Embedding) and (x % 1).any():
        raise DataError(
            expected="whole numbers as ids",
            got=f"{x[x % 1 != 0][0]:g}",
            at="X",
            help="An Embedding selects rows by id. Pass quantities to a Dense layer.",
        )


def answers_of(y: ArrayLike, n: int, expert: Expert, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return y as class indices (n, 1) or values (n, outputs).

    Raises
    ------
    DataError
        If the shape doesn't fit, or a label is not finite or outside the domain of the loss.
    """
    answers = _numbers(y, "y", "Number the classes from 0, or use hw.Classifier.", dtype)
    if answers.ndim == 1:
        answers = answers[:, None]
    outputs, row = expert.outputs, expert.loss.row
    widths = (1, outputs) if row.classes else (outputs,)
    if answers.ndim != 2 or answers.shape[0] != n or answers.shape[1] not in widths:
        raise DataError(
            expected=f"{counted(n, 'answer')} of {' or '.join(map(str, dict.fromkeys(widths)))} number(s)",
            got=f"shape {answers.shape}",
            at="y",
            help="Give one answer a row of X.",
        )
    if not np.isfinite(answers).all():
        raise DataError(expected="finite answers", got="nan or inf", at="y", help="Drop these rows.")
    numbered = row.classes and answers.shape[1] == 1 and outputs > 1
    low, high = (0.0, outputs - 1.0) if numbered else row.answers
    if n and not (answers.min() >= low and answers.max() <= high and not (numbered and (answers % 1).any())):
        span = f"from {low:g} to {high:g}" if high < np.inf else f"of {low:g} or more"
        raise DataError(
            expected=f"{'classes' if numbered else 'answers'} {span}",
            got=f"{answers.min():g} … {answers.max():g}",
            at="y",
            help="Number the classes from 0." if numbered else f"The loss {row.name} has no minimum outside.",
        )
    return answers


def weights_of(w: ArrayLike | None, n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the weights of n samples, 1 by default.

    Raises
    ------
    DataError
        Unless there is one weight from 0 to 1e15 per sample.
    """
    if w is None:
        return np.ones(n, dtype)
    out = _numbers(w, "w", "Give one weight a row.", dtype)
    if out.shape != (n,) or not ((out >= 0) & (out <= HEAVIEST)).all():
        got = f"shape {out.shape}" if out.shape != (n,) else f"{out.min():g} … {out.max():g}"
        raise DataError(expected=f"{n} weights from 0 to {HEAVIEST:g}", got=got, at="w", help="Give one weight a row.")
    return out


def _numbers(values: ArrayLike, at: str, remedy: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.ascontiguousarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(expected="an array of numbers", got=type(values).__name__, at=at, help=remedy) from error
