"""From a learner's settings to what its engine is made of."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from .auto import KNOTS, pool, with_heads
from .encode.vocabulary import LEAST_ROWS
from .engine import Setup
from .errors import ConfigError
from .kernels.spread import PLAIN, SCALED, UNKNOWN
from .nn import BatchNorm, Dense, Dropout, LayerNorm, Loss, Optimizer, RMSProp
from .nn.layers import Activation, Layer
from .nn.losses import as_loss
from .nn.lower import Expert, lower
from .nn.optimizers import as_optimizer

T = TypeVar("T")

RING = 1000
"""How many of the last samples are kept for replay."""
DEFAULT_OPTIMIZER = RMSProp(0.003, rho=0.999)
"""The rule of a single net: of eight tried on eleven streams the one that was nowhere far behind (benchmarks/NOTES.md)."""


def make_setup(learner: Any, losses: tuple[str, ...], *, targets: bool = False, spreads: int = UNKNOWN) -> Setup:
    """Check a learner's settings and turn them into a setup.

    Parameters
    ----------
    learner : Classifier or Regressor
        Whose settings to read.
    losses : tuple of str
        Losses that fit the task.
    targets : bool
        Whether answers are standardised as they stream.
    spreads : int
        How wide answers spread: one of ``kernels.spread``.

    Returns
    -------
    Setup

    Raises
    ------
    ConfigError
        For settings that can't be.
    """
    _check_kinds(learner)
    loss = as_loss(learner.loss)
    if loss.name not in losses:
        at = f"loss of {type(learner).__name__}"
        raise ConfigError(
            expected=f"one of {', '.join(losses)}", got=repr(loss.name), at=at, help="Choose one of these names."
        )
    bounds = {name: getattr(learner, name) for name in ("l1", "l2", "clip_norm", "clip_value")}
    alone = any(given is not None for given in (learner.hidden, learner.layers, learner.optimizer, learner.norm))
    alone = (alone or learner.dropout > 0) and learner.experts is None
    if alone:
        rule = DEFAULT_OPTIMIZER if learner.optimizer is None else as_optimizer(learner.optimizer)
        experts = with_heads([Expert(tuple(_hidden(learner)), loss, rule)], {"loss": loss, **bounds})
    else:
        given = pool(learner.effort) if learner.experts is None else learner.experts
        experts = with_heads(given, {"loss": loss, **bounds})
    _try(experts)
    knots = 0 if alone or not learner.scale else KNOTS
    ring = RING if any(expert.replays for expert in experts) else 0
    history = bool(learner.label_history)
    if history and not targets and loss.name != "cross_entropy":
        raise ConfigError(
            expected="'cross_entropy', or numbers that are standardised, with label_history",
            got=repr(loss.name),
            at=f"loss of {type(learner).__name__}",
            help="Leave label_history off, or choose another loss.",
        )
    if spreads == SCALED and len(experts) == 1:
        spreads = PLAIN
    sizes = (learner.max_rows, learner.scale, targets, knots, ring)
    return Setup(experts, learner.seed, learner.dtype, *sizes, spreads, history)


def _try(experts: tuple[Expert, ...]) -> None:
    """Build and draw nothing much, so that what can't be is said now and not at the first sample."""
    lower(experts, 1)
    for expert in experts:
        if isinstance(expert.layers[0], Dense):
            expert.layers[0].start().rows(np.zeros(0, np.uint64), 1, 1)


def _check_kinds(learner: Any) -> None:
    """Say which setting is of the wrong kind."""
    number = "a number of 0 or more"
    kinds: dict[str, tuple[str, str, bool]] = {
        "hidden": ("whole numbers in a tuple", "Give e.g. (64, 32).", _list(learner.hidden)),
        "layers": ("layers in a list", "Give e.g. [nn.Dense(64, 'relu')].", _list(learner.layers)),
        "experts": ("experts in a list", "Give e.g. [nn.Expert(optimizer=nn.SGD(0.1))].", _list(learner.experts)),
        "optimizer": (
            "an optimizer or its name",
            "Give e.g. nn.Adam(0.001) or 'adam'.",
            learner.optimizer is None or isinstance(learner.optimizer, str | Optimizer),
        ),
        "loss": ("a name or nn.Loss", "Give e.g. nn.Loss('huber', 0.5).", isinstance(learner.loss, str | Loss)),
        "norm": ("None, 'layer' or 'batch'", "Choose one of these.", learner.norm in (None, "layer", "batch")),
        "scale": ("True or False", "Choose one of the two.", isinstance(learner.scale, bool)),
        "label_history": ("True or False", "Choose one of the two.", isinstance(learner.label_history, bool)),
        "diagnosis": ("True or False", "Choose one of the two.", isinstance(learner.diagnosis, bool)),
        "seed": ("a whole number of 0 or more", "Give e.g. seed=1.", _whole(learner.seed, 0)),
        "max_rows": ("max_rows of 16 or more", "Give e.g. 200_000.", _whole(learner.max_rows, LEAST_ROWS)),
        "dtype": (
            "'float32' or 'float64'",
            "Choose one of the two.",
            isinstance(learner.dtype, str) and learner.dtype in ("float32", "float64"),
        ),
    }
    for name in ("l1", "l2", "clip_norm", "clip_value", "dropout"):
        value = getattr(learner, name)
        kinds[name] = (number, "Give 0 for none.", isinstance(value, int | float) and value >= 0)
    for name, (expected, remedy, good) in kinds.items():
        if not good:
            got = repr(getattr(learner, name))
            raise ConfigError(expected=expected, got=got, at=f"{name} of {type(learner).__name__}", help=remedy)


def _list(value: Any) -> bool:
    return value is None or (isinstance(value, Sequence) and not isinstance(value, str | bytes))


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _hidden(learner: Any) -> list[Layer]:
    """Return the layers in front of the output layer."""
    if learner.layers is not None:
        return list(learner.layers)
    norms = {None: None, "layer": LayerNorm(affine=False), "batch": BatchNorm()}
    norm = norms[learner.norm]
    out: list[Layer] = []
    for units in (64,) if learner.hidden is None else learner.hidden:
        start = "lecun" if norm else None
        if norm is None:
            out.append(Dense(units, learner.activation))
        else:
            out += [Dense(units, initializer=start), norm, Activation(learner.activation)]
        if learner.dropout:
            out.append(Dropout(learner.dropout))
    return out


# ---- settings, as River asks for them -------------------------------------------------------------------------------


def settings_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings by name, as they were given."""
    return {
        name: getattr(learner, name) for name in inspect.signature(type(learner).__init__).parameters if name != "self"
    }


def params_of(learner: Any) -> dict[str, Any]:
    """Return a learner's settings with lists for empty tuples: River 0.26 looks at the first item of any tuple."""
    return {name: [] if value == () else value for name, value in settings_of(learner).items()}


def cloned(learner: T, new_params: Mapping[str, Any] | None, include_attributes: bool) -> T:
    """Return a learner with the same settings, some of them replaced, and with what was learned if that is asked for."""
    settings = settings_of(learner)
    # An empty list may be the empty tuple that `params_of` has turned.
    given = {k: v if v != [] else settings[k] if settings[k] == () else v for k, v in dict(new_params or {}).items()}
    params = settings | given
    clone = type(learner)(**copy.deepcopy(params))
    if include_attributes:
        learned = {name: value for name, value in vars(learner).items() if name not in settings}
        vars(clone).update(copy.deepcopy(learned))
    return clone


def shown(learner: Any) -> str:
    """Return the constructor call of a learner: the settings that differ from the default."""
    defaults = inspect.signature(type(learner).__init__).parameters
    given = {name: value for name, value in settings_of(learner).items() if not _same(value, defaults[name].default)}
    return f"{type(learner).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
