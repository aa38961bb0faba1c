"""The tuning-free default, a pool of small experts over one input table with learned mixture weights.

On a stream the step size can't be tuned in advance, so several are tried at once:

- Step sizes of 0.03 and 0.1, and RMSProp, follow drift fast.
- A linear expert wins early and on linear data. A slower one wins with many names and mostly random labels.
- Experts with a replay buffer learn more from a slow stream but are wrong on a fast one, so only some have one.
- Tile coding learns local structure (``plain/inputs/cells.py``).
- For numeric targets a further expert has a log link.

The experts' logits or predictions are summed with weights that minimize the loss of the sum (``plain/mixture.py``). Every numeric
column enters as a number and as a curve through 16 knots (``plain/inputs/input.py``). benchmarks/NOTES.md records what was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from itertools import compress
from operator import attrgetter
from typing import Any

from headwater.errors import ConfigError
from headwater.nn.core.declaration import remembered
from headwater.nn.expert import Expert
from headwater.nn.layers import Activation, Dense, LayerNorm, Recurrent
from headwater.nn.losses import Loss
from headwater.nn.optimizers.adaptive import AdaGrad, RMSProp
from headwater.nn.optimizers.sgd import SGD

KNOTS = 16
"""Knots of each numeric column's curve. 32 knots cost 0.4 points over eleven streams."""
FIRST_REPLAYS = 32
"""Replays after each of the first 500 rows, then 500·32/t. They gain 0.2 points over 28 streams at a cost that soon vanishes."""
EFFORTS = ("fast", "default", "accurate")
"""Efforts that take about 3, 7 and 30 µs per row of eight numbers and two classes."""
LEAN = {"classes": (0.01, 0.25), "numbers": (0.001, 0.25, 5.0)}
"""An expert takes no step where no derivative of the loss by its logits reaches the first number, and no replays where its
mixture weight is below the second times the heaviest (``plain/optimizers/lean.py``). Weights of experts of numbers also learn
along the experts' differences, by the third times their rate (``plain/mixture.py``)."""
CELLS = {"fast": (64, 8), "default": (64, 8), "accurate": (256, 10)}
"""Tile tables and tests per table by effort, for the experts with tile coding."""
_BOUNDS = ("l1", "l2", "clip_norm", "clip_value")
HEAD = Dense(1, initializer="zeros")
"""The output layer, whose units are set by the number of outputs."""
OF_MEANS = Loss("poisson")
"""The loss of an expert with a log link."""


@lru_cache(maxsize=64)
def pool(
    effort: str, *, numbers: bool = False, loss: Loss | None = None, bounds: tuple[float, ...] = ()
) -> tuple[Expert, ...]:
    """Return the experts of an effort.

    Parameters
    ----------
    effort : str
        "fast", "default" or "accurate".
    numbers : bool
        Whether targets are numbers with a mean, which adds an expert with a log link except for "fast".
    loss : Loss, optional
        The learner's loss. With it, experts have what ``with_heads`` gives them; else they have no output layers.
    bounds : tuple of float
        As in ``with_heads``.

    Returns
    -------
    tuple of Expert

    Raises
    ------
    ConfigError
        If the effort is unknown.

    Examples
    --------
    >>> [expert.optimizer for expert in pool("fast")]
    [SGD(lr=0.03), SGD(lr=0.1), AdaGrad(lr=0.1, eps=1e-10)]
    >>> pool("fast", loss=Loss("huber")) == with_heads(pool("fast"), Loss("huber"))
    True
    """
    if effort not in EFFORTS:
        raise ConfigError(
            expected=f"one of {', '.join(EFFORTS)}", got=repr(effort), at="effort", help="Choose one of these."
        )
    units, more = (64, 8) if effort == "accurate" else (32, 2)
    made: Callable[..., Expert] = Expert if loss is None else partial(Expert, **_of_learner(loss, bounds))
    head = () if loss is None else (HEAD,)
    # One hidden layer, normalized before its ReLU to keep large steps stable.
    hidden = (Dense(units, initializer="lecun"), LayerNorm(affine=False), Activation("relu"), *head)
    adagrad = AdaGrad(0.1)
    linear = made(head, optimizer=adagrad)
    fast = made(hidden, optimizer=SGD(0.03)), made(hidden, optimizer=SGD(0.1))
    if effort == "fast":
        return *fast, linear
    slow = (made(hidden, optimizer=RMSProp(0.0005, rho=0.9999), replays=4),) if effort == "accurate" else ()
    steady = made(hidden, optimizer=RMSProp(0.003, rho=0.999), replays=more, first_replays=FIRST_REPLAYS)
    return (
        *fast,
        made(hidden, optimizer=RMSProp(0.01, rho=0.999)),
        linear,
        replace(steady, optimizer=adagrad),
        steady,
        made(head, optimizer=AdaGrad(0.02)),
        made(head, optimizer=adagrad, cells=True),
        *slow,
        *((replace(steady, log_link=True, loss=steady.loss if loss is None else OF_MEANS),) if numbers else ()),
    )


@cache
def recurrent_expert(units: int) -> Expert:
    """Return the recurrent expert, which reads state and row side by side.

    Parameters
    ----------
    units : int
        Size of the state in complex numbers.

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


def with_heads(
    experts: Sequence[Any], loss: Loss, bounds: tuple[float, ...] = (), *, numbers: bool = False
) -> tuple[Expert, ...]:
    """Add a zero-initialized output layer and the learner's loss, penalties and gradient bounds to each expert.

    Parameters
    ----------
    experts : sequence of Expert
        Experts with hidden layers, optimizers and replays.
    loss : Loss
        The learner's loss.
    bounds : tuple of float
        l1, l2, clip_norm and clip_value, of which 0 keeps the expert's own.
    numbers : bool
        As in ``pool``.

    Returns
    -------
    tuple of Expert

    Raises
    ------
    ConfigError
        If there are no experts, one is not an Expert, one starts with a layer that can't grow row by row, or one has a log link
        although targets have no mean.
    """
    made = remembered(_with_heads, tuple(experts), loss, bounds)
    if not numbers and any(map(attrgetter("log_link"), made)):
        raise ConfigError(
            expected="a regressor that standardizes targets, without label history",
            got="another learner",
            at="log_link of an expert",
            help="Leave log_link off, because a log link needs targets with a mean.",
        )
    return made


@lru_cache(maxsize=16)  # builds and validates the default pool only once
def _with_heads(experts: tuple[Any, ...], loss: Loss, bounds: tuple[float, ...]) -> tuple[Expert, ...]:
    own = _of_learner(loss, bounds)
    of_means = own | {"loss": OF_MEANS}
    for expert in experts:
        if not isinstance(expert, Expert):
            raise ConfigError(
                expected="experts of nn.Expert",
                got=repr(expert),
                at="experts",
                help="Give e.g. nn.Expert((nn.Dense(32, 'relu'),)).",
            )
    if not experts:
        raise ConfigError(
            expected="at least one expert", got="none", at="experts", help="Leave experts out for the default pool."
        )
    for first in {expert.layers[0] for expert in experts if expert.layers}:
        if isinstance(first, Dense | Recurrent):  # raise here, not at a sample
            first.start().check_rows()
    return tuple(
        [replace(expert, layers=(*expert.layers, HEAD), **(of_means if expert.log_link else own)) for expert in experts]
    )


def _of_learner(loss: Loss, bounds: tuple[float, ...]) -> dict[str, Any]:
    """Return what a learner's experts have of the learner, which are its loss and the bounds that are not 0."""
    return {"loss": loss, **dict(compress(zip(_BOUNDS, bounds, strict=False), bounds))}
