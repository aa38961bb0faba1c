"""Optimizer declarations as frozen dataclasses, with the papers' defaults, computed in ``core/kernels/optimizers``.

An optimizer holds only its settings. Its state is part of the network, so one optimizer can be passed to any number of
networks.
"""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from .adam import Adam, AdamW, AMSGrad, NAdam
    from .adaptive import Adadelta, AdaGrad, RMSProp
    from .base import Optimizer
    from .momentum import Momentum, Nesterov
    from .names import OPTIMIZERS, as_optimizer, optimizer
    from .online import COCOB, FTRL
    from .sgd import SGD

__all__ = [
    "AMSGrad",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "COCOB",
    "FTRL",
    "Momentum",
    "NAdam",
    "Nesterov",
    "OPTIMIZERS",
    "Optimizer",
    "RMSProp",
    "SGD",
    "as_optimizer",
    "optimizer",
]

__getattr__ = lazily(
    __name__,
    {
        ".adam": "AMSGrad Adam AdamW NAdam",
        ".adaptive": "AdaGrad Adadelta RMSProp",
        ".base": "Optimizer",
        ".momentum": "Momentum Nesterov",
        ".names": "OPTIMIZERS as_optimizer optimizer",
        ".online": "COCOB FTRL",
        ".sgd": "SGD",
    },
)
