"""What a playground may be made of, and the net that follows from it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np

from headwater import nn
from headwater.errors import ConfigError
from headwater.nn.layers import Layer

from .play_data import DATA, DRIFTS

__all__ = ["FEATURES", "SUITS", "Play", "check", "network"]

_CSV = 1_000_000

FEATURES: dict[str, Any] = {
    "x1": lambda x: x[:, 0],
    "x2": lambda x: x[:, 1],
    "x1^2/3": lambda x: x[:, 0] ** 2 / 3,
    "x2^2/3": lambda x: x[:, 1] ** 2 / 3,
    "x1*x2/3": lambda x: x[:, 0] * x[:, 1] / 3,
    "sin x1": lambda x: np.sin(x[:, 0]),
    "sin x2": lambda x: np.sin(x[:, 1]),
}
"""What a net may be given of a point, by name."""

SUITS: dict[str, float] = {
    "sgd": 0.03,
    "momentum": 0.003,
    "nesterov": 0.003,
    "adagrad": 0.1,
    "rmsprop": 0.01,
    "adadelta": 1.0,
    "adam": 0.01,
    "adamw": 0.01,
    "amsgrad": 0.01,
    "nadam": 0.01,
    "ftrl": 0.1,
    "cocob": 1.0,
}
"""A learning rate that suits a net of a dozen units, by rule; larger than what suits the nets of the papers."""

_Name = Annotated[str, msgspec.Meta(max_length=40)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Play(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a playground is made of; ``csv`` is a file of one's own, and ``columns`` names its inputs and its answer."""

    data: _Name = "circles"
    noise: _Share = 0.15
    drift: _Name = "none"
    every: Annotated[int, msgspec.Meta(ge=50, le=100_000)] = 1000
    features: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1, max_length=len(FEATURES))] = ("x1", "x2")
    hidden: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=8)], ...], msgspec.Meta(max_length=6)] = (4, 3)
    activation: _Name = "tanh"
    optimizer: _Name = "sgd"
    lr: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.03
    l1: _Share = 0.0
    l2: _Share = 0.0
    dropout: Annotated[float, msgspec.Meta(ge=0, le=0.9)] = 0.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 1
    csv: Annotated[str, msgspec.Meta(max_length=_CSV)] | None = None
    columns: tuple[str, str, str] | None = None


def check(play: Play) -> None:
    """Refuse names that are unknown; numbers were checked as they were read.

    Raises
    ------
    ConfigError
        For the first of them.
    """
    for name, value, known in (("data", play.data, (*DATA, "csv")), ("drift", play.drift, DRIFTS)):
        if value not in known:
            raise _unknown(name, repr(value), known)
    for feature in play.features:
        if feature not in FEATURES:
            raise _unknown("features", repr(feature), FEATURES)
    if len({*play.features}) < len(play.features):
        raise _unknown("features", "one of them twice", FEATURES)


def network(play: Play, classes: int) -> nn.Network:
    """Return a net as wished for, for that many classes (0: regression)."""
    layers: list[Layer] = []
    for units in play.hidden:
        layers.append(nn.Dense(units, play.activation))
        if play.dropout:
            layers.append(nn.Dropout(play.dropout))
    return nn.Network(
        [*layers, nn.Dense(classes if classes > 2 else 1)],
        loss={0: "mse", 2: "binary_cross_entropy"}.get(classes, "cross_entropy"),
        optimizer=nn.optimizer(play.optimizer, play.lr),
        l1=play.l1,
        l2=play.l2,
        seed=play.seed,
        inputs=len(play.features),
    )


def _unknown(name: str, value: str, known: Any) -> ConfigError:
    return ConfigError(expected=f"one of {', '.join(known)}", got=value, at=name, help="Choose one of these.")
