"""From a learner's settings to what its engine is made of."""

from __future__ import annotations

from typing import Any

from .auto import KNOTS, pool, with_heads
from .engine import Setup
from .errors import ConfigError
from .nn import BatchNorm, Dense, Dropout, LayerNorm, RMSProp
from .nn.layers import Activation, Layer
from .nn.lower import Expert
from .nn.losses import as_loss

RING = 1000
"""How many of the last samples are kept for replay."""
DEFAULT_OPTIMIZER = RMSProp(0.003, rho=0.999)
"""The rule of a single net: of eight tried on eleven streams the one that was nowhere far behind (benchmarks/NOTES.md)."""


def make_setup(learner: Any, losses: tuple[str, ...], *, targets: bool) -> Setup:
    """Check a learner's settings and turn them into a setup.

    Parameters
    ----------
    learner : Classifier or Regressor
        Whose settings to read.
    losses : tuple of str
        Losses that fit the task.
    targets : bool
        Whether answers are standardised as they stream.

    Returns
    -------
    Setup

    Raises
    ------
    ConfigError
        For settings that can't be.
    """
    loss = as_loss(learner.loss)
    name = type(learner).__name__
    if loss.name not in losses:
        raise ConfigError(expected=f"one of {', '.join(losses)}", got=repr(loss.name), at=f"loss of {name}", help="Choose one of these names.")
    if learner.dtype not in ("float32", "float64"):
        raise ConfigError(expected="'float32' or 'float64'", got=repr(learner.dtype), at=f"dtype of {name}", help="Choose one of the two.")
    if isinstance(learner.seed, bool) or not isinstance(learner.seed, int):
        raise ConfigError(expected="a whole number", got=repr(learner.seed), at=f"seed of {name}", help="Give e.g. seed=1.")
    bounds = {name: getattr(learner, name) for name in ("l1", "l2", "clip_norm", "clip_value")}
    alone = any(given is not None for given in (learner.hidden, learner.layers, learner.optimizer, learner.norm))
    alone = (alone or learner.dropout > 0) and learner.experts is None
    if alone:
        rule = DEFAULT_OPTIMIZER if learner.optimizer is None else learner.optimizer
        experts = with_heads([Expert(tuple(_hidden(learner)), loss, rule)], {"loss": loss, **bounds})
    else:
        experts = with_heads(pool(learner.effort) if learner.experts is None else learner.experts, {"loss": loss, **bounds})
    knots = 0 if alone or not learner.scale else KNOTS
    ring = RING if any(expert.replays for expert in experts) else 0
    return Setup(experts, learner.seed, learner.dtype, learner.max_rows, learner.scale, targets, knots, ring)


def _hidden(learner: Any) -> list[Layer]:
    """The layers in front of the output layer."""
    if learner.layers is not None:
        return list(learner.layers)
    norms = {None: None, "layer": LayerNorm(affine=False), "batch": BatchNorm()}
    if learner.norm not in norms:
        raise ConfigError(expected="None, 'layer' or 'batch'", got=repr(learner.norm), at="norm", help="Choose one of these.")
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
