"""The principles of headwater in plain NumPy: one idea a screen, to be read and stepped through.

This is the arithmetic of the core in C, written from its formulas. Nothing here is fast. A rule, a loss, an activation is
declared here once, in a row with its formula and its source; the rest of headwater reads these rows. The core is tested
against what they compute, and ``nn.Network(…, engine="plain")`` learns by it.

Read it in this order: activations, losses, layers, gradients, rules, schedules, guard, network; then input, mixture,
answers, intervals; and random, where weights start.
"""

from __future__ import annotations

from .activations import ACTIVATIONS, ActivationRow
from .exchange import OnnxNode, TorchModule
from .losses import LINKS, LOSSES, LinkRow, LossRow
from .network import LayerParameters, PlainNetwork
from .optimizers.rules import RULES, RuleRow, StepInfo
from .optimizers.schedules import SCHEDULES, ScheduleRow
from .random import INITIALIZERS

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
