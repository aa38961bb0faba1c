"""The default that needs no tuning: a few small experts over one table, mixed by weights that are learned as well.

On a stream nobody can choose a step size first, so several are tried at once. Steps of 0.03 and 0.1 and a rule that divides
by the recent size of the gradient follow drift fast; a linear expert wins early and where the world is linear, a slower one
where names are many and answers mostly chance; experts that learn some of the last thousand samples again get more out of a
slow stream, and are wrong for a fast one, so only some do; cell tables learn what happens in one corner of the inputs
(``plain/cells.py``); where answers are numbers, one expert more has a log link. Their logits, or numbers, are added up with
weights that follow the loss of the sum
(``plain/mixture.py``), and every numeric column is read as a number and as a curve through 16 knots (``plain/input.py``).
What was tried and what it gave stands in benchmarks/NOTES.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from headwater.errors import ConfigError
from headwater.nn import SGD, Activation, AdaGrad, Dense, LayerNorm, Loss, Recurrent, RMSProp
from headwater.nn.core.declaration import remembered
from headwater.nn.expert import Expert

KNOTS = 16
"""Knots of the curve of each numeric column: 32 cost 0.4 points over eleven streams."""
FIRST_REPLAYS = 32
"""Replays after each of the first 500 rows, then 500·32/t: worth 0.2 points over 28 streams, and soon they cost nothing."""
EFFORTS = ("fast", "default", "accurate")
"""About 3, 7 and 30 µs a row of eight numbers and an answer of two classes."""
CELLS = {"fast": (64, 8), "default": (64, 8), "accurate": (256, 10)}
"""Cell tables and the tests of each by effort, for the experts that have them."""


@cache
def pool(effort: str, *, numbers: bool = False) -> tuple[Expert, ...]:
    """Return the experts of that effort, without their output layers.

    Parameters
    ----------
    effort : str
        "fast", "default" or "accurate".
    numbers : bool
        Whether answers are numbers with a mean: then there is one with a log link, but for "fast".

    Returns
    -------
    tuple of Expert

    Raises
    ------
    ConfigError
        If there is no such effort.

    Examples
    --------
    >>> [expert.optimizer for expert in pool("fast")]
    [SGD(lr=0.03), SGD(lr=0.1), AdaGrad(lr=0.1, eps=1e-10)]
    """
    if effort not in EFFORTS:
        raise ConfigError(
            expected=f"one of {', '.join(EFFORTS)}", got=repr(effort), at="effort", help="Choose one of these."
        )
    linear = Expert(optimizer=AdaGrad(0.1))
    if effort == "fast":
        return _net(SGD(0.03)), _net(SGD(0.1)), linear
    units, more = (32, 2) if effort == "default" else (64, 8)
    slow = (_net(RMSProp(0.0005, rho=0.9999), units, replays=4),) if effort == "accurate" else ()
    steady = _net(RMSProp(0.003, rho=0.999), units, replays=more, first_replays=FIRST_REPLAYS)
    return (
        _net(SGD(0.03), units),
        _net(SGD(0.1), units),
        _net(RMSProp(0.01, rho=0.999), units),
        linear,
        _net(AdaGrad(0.1), units, replays=more, first_replays=FIRST_REPLAYS),
        steady,
        Expert(optimizer=AdaGrad(0.02)),
        Expert(optimizer=AdaGrad(0.1), cells=True),
        *slow,
        *((replace(steady, log_link=True),) if numbers else ()),
    )


@cache
def recurrent_expert(units: int) -> Expert:
    """Return the expert with a state: it reads state and row side by side.

    Parameters
    ----------
    units : int
        Complex numbers of its state.

    Returns
    -------
    Expert
        Without its output layer.

    Examples
    --------
    >>> recurrent_expert(8).recurrent.units
    8
    """
    layers = (
        Recurrent(units, direct=32, r_max=0.999),
        Dense(64, initializer="lecun"),
        LayerNorm(affine=False),
        Activation("relu"),
    )
    return Expert(layers, optimizer=RMSProp(0.003, rho=0.999))


def with_heads(experts: Sequence[Any], settings: dict[str, Any]) -> tuple[Expert, ...]:
    """Give each expert its output layer (zeros: no opinion at first) and the learner's loss, penalties and bounds.

    Parameters
    ----------
    experts : sequence of Expert
        Hidden layers, rules, replays.
    settings : dict
        loss, l1, l2, clip_norm, clip_value: what is 0 here leaves the expert's own. numbers: as in ``pool``.

    Returns
    -------
    tuple of Expert

    Raises
    ------
    ConfigError
        If there is none, one is something else, one begins with a layer that can't be drawn row by row, or one has a log
        link where answers have no mean.
    """
    given = tuple([(name, value) for name, value in settings.items() if value and name != "numbers"])
    made = remembered(_with_heads, tuple(experts), given)
    if not settings.get("numbers") and any(map(attrgetter("log_link"), made)):
        raise ConfigError(
            expected="a regressor that standardises answers, without label history",
            got="another learner",
            at="log_link of an expert",
            help="Leave log_link off: a log link needs answers with a mean.",
        )
    return made


@lru_cache(maxsize=16)  # those of the default pool are made, and checked, once
def _with_heads(experts: tuple[Any, ...], given: tuple[tuple[str, Any], ...]) -> tuple[Expert, ...]:
    out = []
    for expert in experts:
        if not isinstance(expert, Expert):
            raise ConfigError(
                expected="experts of nn.Expert",
                got=repr(expert),
                at="experts",
                help="Give e.g. nn.Expert((nn.Dense(32, 'relu'),)).",
            )
        if expert.layers and isinstance(expert.layers[0], Dense | Recurrent):  # said now, and not at the first sample
            expert.layers[0].start().check_rows()
        own = dict(given) | ({"loss": Loss("poisson")} if expert.log_link else {})
        out.append(replace(expert, layers=(*expert.layers, Dense(1, initializer="zeros")), **own))
    if not out:
        raise ConfigError(
            expected="at least one expert", got="none", at="experts", help="Leave experts out for the default pool."
        )
    return tuple(out)


def _net(rule: Any, units: int = 32, *, replays: int = 0, first_replays: int = 0) -> Expert:
    """One hidden layer, measured against itself before its ReLU: that keeps large steps stable."""
    layers = (Dense(units, initializer="lecun"), LayerNorm(affine=False), Activation("relu"))
    return Expert(layers, optimizer=rule, replays=replays, first_replays=first_replays)
