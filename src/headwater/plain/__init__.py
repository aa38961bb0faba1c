"""Reference implementation of headwater in plain NumPy, short enough to read and to step through.

It computes the arithmetic of the core in C from the published formulas, without regard for speed. Each optimizer, loss and
activation is declared here once, in a row with its formula and its source, and the rest of headwater reads these rows. The
core is tested against this package, and ``nn.Network(…, engine="plain")`` trains with it.

Read it in this order: activations, losses, layers, gradients, rules, schedules, guard, network; then input, mixture,
answers, intervals; and random, which draws the initial weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.plain.network.exchange import OnnxNode, TorchModule
    from headwater.plain.network.network import LayerParameters, PlainNetwork
    from headwater.plain.network.random import INITIALIZERS

    from .activations import ACTIVATIONS, ActivationRow
    from .losses import LINKS, LOSSES, LinkRow, LossRow
    from .optimizers.rules import RULES, RuleRow, StepInfo
    from .optimizers.schedules import SCHEDULES, ScheduleRow

__all__ = [
    "ACTIVATIONS",
    "ActivationRow",
    "INITIALIZERS",
    "LINKS",
    "LOSSES",
    "LayerParameters",
    "LinkRow",
    "LossRow",
    "OnnxNode",
    "PlainNetwork",
    "RULES",
    "RuleRow",
    "SCHEDULES",
    "ScheduleRow",
    "StepInfo",
    "TorchModule",
]

__getattr__ = lazily(
    __name__,
    {
        ".activations": "ACTIVATIONS ActivationRow",
        ".network.exchange": "OnnxNode TorchModule",
        ".losses": "LINKS LOSSES LinkRow LossRow",
        ".network.network": "LayerParameters PlainNetwork",
        ".optimizers.rules": "RULES RuleRow StepInfo",
        ".optimizers.schedules": "SCHEDULES ScheduleRow",
        ".network.random": "INITIALIZERS",
    },
)
