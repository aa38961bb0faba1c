"""The settings of a learner, each with its default and its description: this is the one list of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, is_dataclass
from dataclasses import fields as declared
from inspect import cleandoc
from typing import Any, TypeVar

from headwater.nn import Loss, Optimizer
from headwater.nn.expert import Expert
from headwater.nn.layers import Layer
from headwater.nn.optimizers.schedules import Schedule

__all__ = ["Settings", "documented", "params_of", "settings_of", "shown"]

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Settings:
    """What a learner is made from.

    Parameters
    ----------
    hidden : int or sequence of int, optional
        Units of each hidden layer of a single net; () for logistic or linear regression.
    activation : str, optional
        Of the hidden layers of a single net; "relu" without it.
    optimizer : Optimizer or str, optional
        The update rule of a single net; RMSProp(0.003, rho=0.999) without it.
    lr : float or Schedule, optional
        The step size of that rule, in place of its own.
    loss : str or Loss
        What a wrong prediction costs.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights.
    dropout : float
        Share of silent units behind each hidden layer while learning.
    norm : str, optional
        "layer" or "batch" normalisation in front of each activation.
    clip_norm, clip_value : float
        Bounds on the gradient of a sample; 0 for none.
    scale : bool
        Whether numbers are standardised as they stream.
    max_rows : int
        Rows the input table may have; beyond it new names share rows, so memory stays bounded.
    layers : sequence of Layer, optional
        The hidden layers themselves, in place of hidden, activation, dropout and norm.
    experts : sequence of Expert, optional
        A pool of one's own: ``nn.Expert(hidden layers, optimizer=…, replays=…)``.
    effort : str
        Of the default pool: "fast", "default" or "accurate".
    label_history : bool
        Let the answers before take part: how often each class follows the last one; of numbers the last three and a fading
        mean, as columns of their own, and the last one repeated. Right for a live stream whose answers come at once and in
        order only.
    text : str or dict, optional
        Which columns are text, read as words: "auto" those whose first 16 values never repeat and have four words on average,
        "words" or "bigrams" (pairs of words too) all whose values are texts, or a dict with one of the two for each of some
        columns; None for none. Only a pool of experts reads words.
    memory : int
        Complex numbers of a state that is carried from row to row (``nn.Recurrent``); 0 for none. It joins the pool as an
        expert more: for answers that follow from rows before.
    by : hashable, optional
        The column that says whose state a row reads and moves, e.g. "machine_id"; without it all rows share one.
    time : hashable, optional
        The column of times, numbers or date-times: a state fades by λ^Δt, Δt the gap to the key's row before in mean gaps.
        Without it each row is one step.
    memory_keys : int
        Keys that have a state; beyond it the one that was learned least recently begins anew.
    diagnosis : bool
        Keep what ``diagnose`` needs, some 270 rows among it, and write it into the file; False leaves no row for it there.
    """

    hidden: int | Sequence[int] | None = None
    _: KW_ONLY
    activation: str | None = None
    optimizer: str | Optimizer | None = None
    lr: float | Schedule | None = None
    loss: str | Loss = "mse"
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    norm: str | None = None
    clip_norm: float = 0.0
    clip_value: float = 0.0
    scale: bool = True
    max_rows: int = 200_000
    layers: Sequence[Layer] | None = None
    experts: Sequence[Expert] | None = None
    effort: str = "default"
    label_history: bool = False
    text: str | Mapping[Any, str] | None = "auto"
    memory: int = 0
    by: Hashable = None
    time: Hashable = None
    memory_keys: int = 10_000
    diagnosis: bool = True


def documented(cls: type[T]) -> type[T]:
    """Put the descriptions of the settings that a class inherits into its docstring, where it says ``SETTINGS``.

    A setting that the class describes itself is left out. Without docstrings (``python -OO``) there is nothing to put.
    """
    # The compiler strips indentation since Python 3.13; cleandoc makes both forms alike.
    doc = cleandoc(cls.__doc__ or "")
    inherited = [entry for base in reversed(cls.__mro__[1:]) if is_dataclass(base) for entry in _entries(base)]
    new = [entry for entry in inherited if f"\n{entry.partition(' :')[0]} :" not in doc]
    cls.__doc__ = doc.replace("SETTINGS\n", "".join(new))
    return cls


def _entries(cls: type) -> list[str]:
    """Return the description of each setting in a class's docstring (of two that have one together, of both)."""
    entries: list[str] = []
    for line in cleandoc(cls.__doc__ or "").partition("----------\n")[2].splitlines():
        if line.startswith("    "):
            entries[-1] += line + "\n"
        else:
            entries.append(line + "\n")
    return entries


def settings_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings by name, as they were given."""
    return {field.name: getattr(learner, field.name) for field in declared(learner)}


def params_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings with lists for empty tuples: River 0.26 looks at the first item of any tuple."""
    return {name: [] if value == () else value for name, value in settings_of(learner).items()}


def replaced(learner: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a learner's settings, some of them replaced."""
    settings = settings_of(learner)
    # An empty list may be the empty tuple that `params_of` has turned.
    given = {k: v if v != [] else settings[k] if settings[k] == () else v for k, v in new.items()}
    return settings | given


def shown(learner: Any) -> str:
    """Return the constructor call of a learner: the settings that differ from the default."""
    given = [(field.name, getattr(learner, field.name), field.default) for field in declared(learner)]
    differing = (f"{name}={value!r}" for name, value, default in given if not _same(value, default))
    return f"{type(learner).__name__}({', '.join(differing)})"


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
