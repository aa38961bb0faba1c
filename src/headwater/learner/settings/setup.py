"""Convert a learner's settings to the declaration of its engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError
from headwater.learner.engine import Setup
from headwater.learner.settings.default_pool import CELLS, KNOTS, LEAN, pool, recurrent_expert, with_heads
from headwater.nn.core import PLAIN, SCALED, UNKNOWN
from headwater.nn.expert import Expert
from headwater.nn.layers import IMAGE_LAYERS, Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from headwater.nn.losses import Loss, as_loss
from headwater.nn.optimizers.adaptive import RMSProp
from headwater.nn.optimizers.base import Optimizer, Schedule
from headwater.types import Lazy

from .settings import Settings
from .text import text_of

MOST_UNITS, MOST_KEYS = 1024, 1_000_000
"""Largest state of a recurrence, and how many keys may have one."""
_MEMORY = Lazy("headwater.learner.settings.memory:make_memory")
RING = 1000
"""Size of the replay buffer in samples."""
DEFAULT_OPTIMIZER = RMSProp(0.003, rho=0.999)
"""Optimizer of a single net, the only one of eight that was never far from the best on eleven streams (benchmarks/NOTES.md)."""


SINGLE = ("hidden", "activation", "optimizer", "lr", "layers", "norm", "dropout")
"""Any of these settings makes a learner a single net."""


def make_setup(learner: Any, losses: tuple[str, ...], *, targets: bool = False, intervals: int = UNKNOWN) -> Setup:
    """Validate a learner's settings and convert them to a `Setup`.

    Parameters
    ----------
    learner : Classifier or Regressor
        The learner.
    losses : tuple of str
        Losses that fit the task.
    targets : bool
        Whether targets are standardized online.
    intervals : int
        Model of the targets' spread, one of ``nn.core.UNKNOWN`` … ``PEARSON``.

    Returns
    -------
    Setup

    Raises
    ------
    ConfigError
        If a setting is invalid.
    """
    _check_kinds(learner)
    loss = as_loss(learner.loss)
    if loss.name not in losses:
        at = f"loss of {type(learner).__name__}"
        raise ConfigError(
            expected=f"one of {', '.join(losses)}", got=repr(loss.name), at=at, help="Choose one of these names."
        )
    alone = _is_single(learner)
    experts = _experts_of(learner, loss, targets=targets, alone=alone)
    knots = 0 if alone or not learner.scale else KNOTS
    ring = RING if any(map(any, map(attrgetter("replays", "first_replays"), experts))) else 0
    history = bool(learner.label_history)
    if history and not targets and loss.name != "cross_entropy":
        raise ConfigError(
            expected="'cross_entropy', or numbers that are standardised, with label_history",
            got=repr(loss.name),
            at=f"loss of {type(learner).__name__}",
            help="Leave label_history off, or choose another loss.",
        )
    if intervals == SCALED and len(experts) == 1:
        intervals = PLAIN
    sizes = (learner.max_rows, learner.scale, targets, knots, ring)
    cells = _cells_of(learner, experts)
    given = learner.memory, learner.by, learner.time, learner.experts, learner.layers
    memory = () if given == (0, None, None, None, None) else _MEMORY(learner, experts)
    mixed = len(experts) + history > 1 and (targets or loss.name == "cross_entropy")
    text, columns = text_of(learner, mixed=mixed)
    return Setup(
        experts,
        learner.seed,
        learner.dtype,
        *sizes,
        intervals,
        history,
        cells,
        () if alone or learner.experts is not None else LEAN["numbers" if targets else "classes"],
        text=text, text_columns=columns, memory=memory, rolling=learner.rolling,
    )  # fmt: skip


def _experts_of(learner: Any, loss: Loss, *, targets: bool, alone: bool) -> tuple[Expert, ...]:
    """Return the experts declared by a learner's settings, with their output layers."""
    bounds = learner.l1, learner.l2, learner.clip_norm, learner.clip_value
    if alone:
        return with_heads([Expert(tuple(_hidden(learner)), loss, _rule(learner))], loss, bounds)
    numbers = targets and not learner.label_history  # with label history experts learn differences, which have no mean
    of_means = numbers and loss.name in ("huber", "mse")
    effort = (
        learner.effort if type(learner.effort) is str else repr(learner.effort)
    )  # anything else has no hash, or no sense
    if learner.experts is None and not learner.memory:
        return pool(effort, numbers=of_means, loss=loss, bounds=bounds)
    given = pool(effort, numbers=of_means) if learner.experts is None else learner.experts
    given = (*given, recurrent_expert(learner.memory)) if learner.memory else given
    return with_heads(given, loss, bounds, numbers=numbers)


def _cells_of(learner: Any, experts: Sequence[Expert]) -> tuple[int, int]:
    """Return the number of tile tables and the maximum tests per table."""
    effort = learner.effort if learner.experts is None else "default"
    return CELLS[effort] if any(map(attrgetter("cells"), experts)) else (0, 0)


def _is_single(learner: Settings) -> bool:
    """Return whether the settings declare a single net instead of a pool."""
    given = [name for name in SINGLE if getattr(learner, name) not in (None, 0.0)]
    if given and learner.experts is not None:
        raise ConfigError(
            expected=f"experts without {' and '.join(given)}",
            got="both",
            at=f"settings of {type(learner).__name__}",
            help="Set it in each nn.Expert, which has its own layers and optimizer.",
        )
    return bool(given)


def _rule(learner: Settings) -> Optimizer:
    """Return the optimizer of a single net."""
    from headwater.nn.optimizers.names import as_optimizer

    rule = DEFAULT_OPTIMIZER if learner.optimizer is None else as_optimizer(learner.optimizer)
    return rule if learner.lr is None else replace(rule, lr=learner.lr)


def _check_kinds(learner: Any) -> None:
    """Raise ConfigError for a setting of the wrong type. What is left as it is by default needs no look."""
    for name, (fits, expected, remedy) in _FITTING.items():
        value, usual = getattr(learner, name), learner.__dataclass_fields__[name].default
        if not ((type(value) is type(usual) and value == usual) or fits(value)):
            at = f"{name} of {type(learner).__name__}"
            raise ConfigError(expected=expected, got=repr(value), at=at, help=remedy)


def _list(value: Any) -> bool:
    return value is None or (isinstance(value, Sequence) and not isinstance(value, str | bytes))


def _step(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or isinstance(value, Schedule) or (number and value > 0)


def _whole(value: Any, least: int = 0, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _amount(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


_FITTING: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "hidden": (
        lambda value: _whole(value, 1) or _list(value),
        "a whole number, or several in a tuple",
        "Give e.g. 64 or (64, 32).",
    ),
    "activation": (lambda value: isinstance(value, str), "the name of an activation", "Give e.g. 'tanh'."),
    "lr": (_step, "a positive number or a schedule", "Give e.g. 0.01 or nn.Cosine(0.1, 10_000)."),
    "layers": (_list, "layers in a list", "Give e.g. [nn.Dense(64, 'relu')]."),
    "experts": (_list, "experts in a list", "Give e.g. [nn.Expert(optimizer=nn.SGD(0.1))]."),
    "optimizer": (
        lambda value: isinstance(value, str | Optimizer),
        "an optimizer or its name",
        "Give e.g. nn.Adam(0.001) or 'adam'.",
    ),
    "loss": (
        lambda value: isinstance(value, str | Loss),
        "a name or nn.Loss",
        "A loss in Python is for nn.Network.",
    ),
    "norm": (lambda value: value in ("layer", "batch"), "None, 'layer' or 'batch'", "Choose one of these."),
    "seed": (_whole, "a whole number of 0 or more", "Give e.g. seed=1."),
    "max_rows": (
        lambda value: _whole(value, LEAST_ROWS),
        "max_rows of 16 or more",
        "Give e.g. 200_000.",
    ),
    "dtype": (
        lambda value: isinstance(value, str) and value in ("float32", "float64"),
        "'float32' or 'float64'",
        "Choose one of the two.",
    ),
    "memory": (
        lambda value: _whole(value, 0, MOST_UNITS),
        f"a whole number from 0 to {MOST_UNITS}",
        "Give e.g. 32.",
    ),
    "memory_keys": (
        lambda value: _whole(value, 1, MOST_KEYS),
        f"a whole number from 1 to {MOST_KEYS}",
        "Give e.g. 10_000.",
    ),
    **dict.fromkeys(
        ("by", "time"),
        (
            lambda value: isinstance(value, Hashable) and value != "",
            "the name of a column",
            "Give e.g. 'machine_id'.",
        ),
    ),
    **dict.fromkeys(("scale", "label_history", "diagnosis"), (_truth, "True or False", "Choose one of the two.")),
    **dict.fromkeys(
        ("l1", "l2", "clip_norm", "clip_value", "dropout"), (_amount, "a number of 0 or more", "Give 0 for none.")
    ),
}
"""By setting, what says whether another value than the usual one fits, what is expected, and what to do."""


def _hidden(learner: Settings) -> list[Layer]:
    """Return the hidden layers."""
    if learner.layers is not None:
        return list(learner.layers)
    norms = {None: None, "layer": LayerNorm(affine=False), "batch": BatchNorm()}
    norm = norms[learner.norm]
    out: list[Layer] = []
    hidden = (learner.hidden,) if isinstance(learner.hidden, int) else learner.hidden
    activation = learner.activation or "relu"
    for layer in hidden if isinstance(hidden, tuple | list) else (hidden,):
        if isinstance(layer, IMAGE_LAYERS):
            raise ConfigError(
                expected="numbers of units, since rows of named values are not images",
                got=f"nn.{type(layer).__name__}",
                at="hidden",
                help="Use nn.Network([nn.Conv(…), …], inputs=(channels, height, width)) for images.",
            )
    for units in (64,) if hidden is None else hidden:
        start = "lecun" if norm else None
        if norm is None:
            out.append(Dense(units, activation))
        else:
            out += [Dense(units, initializer=start), norm, Activation(activation)]
        if learner.dropout:
            out.append(Dropout(learner.dropout))
    return out
