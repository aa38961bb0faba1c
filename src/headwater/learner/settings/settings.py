"""The settings of learners with defaults and descriptions, defined only here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import KW_ONLY, MISSING, Field, dataclass, is_dataclass
from dataclasses import fields as declared
from inspect import cleandoc
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.nn.expert import Expert
from headwater.nn.layers import Layer
from headwater.nn.losses import Loss
from headwater.nn.optimizers.base import Optimizer, Schedule

if TYPE_CHECKING:
    from .rolling import Rolling

__all__ = ["Settings", "documented", "params_of", "settings_of", "shown", "written_settings"]

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Settings:
    """Settings of a learner.

    Parameters
    ----------
    hidden : int or sequence of int, optional
        Units of each hidden layer of a single net, () for logistic or linear regression.
    activation : str, optional
        Activation of a single net's hidden layers, "relu" by default.
    optimizer : Optimizer or str, optional
        Optimizer of a single net, RMSProp(0.003, rho=0.999) by default.
    lr : float or Schedule, optional
        Step size that replaces the optimizer's own.
    loss : str or Loss
        The loss.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights.
    dropout : float
        Dropout rate after each hidden layer.
    norm : str, optional
        "layer" or "batch" normalization before each activation.
    clip_norm, clip_value : float
        Bounds on the gradient of a sample, 0 for none.
    scale : bool
        Whether to standardize numbers online.
    max_rows : int
        Maximum rows of the input table. Further names share rows, so memory stays bounded.
    layers : sequence of Layer, optional
        The hidden layers, instead of hidden, activation, dropout and norm.
    experts : sequence of Expert, optional
        A custom pool of ``nn.Expert(hidden layers, optimizer=…, replays=…)``.
    effort : str
        Effort of the default pool, "fast", "default" or "accurate".
    label_history : bool
        Use previous labels as features. For classes these are the frequencies of following the last class. For numbers these are
        the last three and an exponential mean as columns, and the last one as a prediction. Only for a live stream whose labels
        arrive at once and in order.
    text : str or dict, optional
        Text columns, split into words. "auto" infers columns whose first 16 values never repeat and average four words. "words" or
        "bigrams" (word pairs too) applies to all columns of texts, a dict sets either one by column, and None disables text.
        A new column whose first value is a list or an array of 64 to 4,096 numbers holds embeddings, scaled to length 1 and read
        as one dense block. A dict declares them as "cosine", or as "raw" to keep their lengths. None makes numbered columns of
        lists. Only a pool of experts supports text and embeddings.
    memory : int
        Size in complex numbers of a recurrent state (``nn.Recurrent``), 0 for none. It adds an expert to the pool, for labels that
        depend on earlier rows.
    by : hashable, optional
        Key column of the state, e.g. "machine_id". Without it all rows share one state.
    time : hashable, optional
        Column of times (numbers or date-times). The state decays by λ^Δt, with Δt the time since the key's previous row in units
        of the mean gap. Without it each row is one step.
    memory_keys : int
        Maximum number of keys with a state. Beyond it the least recently learned state is reset.
    rolling : Rolling, optional
        Counts, sums, means, distinct names and times since over the last hour or day, by key, as columns more (`Rolling`).
    diagnosis : bool
        Whether to sample data for ``diagnose``, including some 270 rows, and save it in the file.
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
    rolling: Rolling | None = None
    diagnosis: bool = True


def documented(cls: type[T]) -> type[T]:
    """Insert the descriptions of inherited settings into a class docstring in place of ``SETTINGS``.

    A setting that the class describes itself is skipped. Does nothing without docstrings (``python -OO``).
    """
    # The compiler strips indentation since Python 3.13, and cleandoc gives the same form in older versions.
    doc = cleandoc(cls.__doc__ or "")
    inherited = chain.from_iterable(map(_entries, filter(is_dataclass, reversed(cls.__mro__[1:]))))
    new = [entry for entry in inherited if f"\n{entry.partition(' :')[0]} :" not in doc]
    cls.__doc__ = doc.replace("SETTINGS\n", "".join(new))
    return cls


def _entries(cls: type) -> list[str]:
    """Return the descriptions of the settings in a class docstring, grouped as written."""
    entries: list[str] = []
    for line in cleandoc(cls.__doc__ or "").partition("----------\n")[2].splitlines():
        if line.startswith("    "):
            entries[-1] += line + "\n"
        else:
            entries.append(line + "\n")
    return entries


def settings_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings by name, as given."""
    return {field.name: getattr(learner, field.name) for field in declared(learner)}


def written_settings(learner: Any) -> dict[str, Any]:
    """Return a learner's settings by name, as a file has them."""
    later = learner.later
    return {name: value for name, value in settings_of(learner).items() if name not in later or value != later[name]}


def params_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings with [] for (), because River 0.26 reads the first item of any tuple."""
    return {name: [] if value == () else value for name, value in settings_of(learner).items()}


def replaced(learner: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a learner's settings with some replaced."""
    settings = settings_of(learner)
    # An empty list may come from an empty tuple via `params_of`.
    given = {k: v if v != [] else settings[k] if settings[k] == () else v for k, v in new.items()}
    return settings | given


def shown(learner: Any) -> str:
    """Return a learner's constructor call with the settings that differ from their defaults."""
    given = [(field.name, getattr(learner, field.name), _default(field)) for field in declared(learner)]
    differing = (f"{name}={value!r}" for name, value, default in given if not _same(value, default))
    return f"{type(learner).__name__}({', '.join(differing)})"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
