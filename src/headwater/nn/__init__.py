"""Declare networks: layers, losses, optimizers, schedules, initializers, and the network of a fixed shape."""

from .autoencoder import Autoencoder
from .expert import Expert
from .initializers import INITIALIZERS, Initializer
from .layers import (
    ACTIVATIONS,
    LAYERS,
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    Pool,
)
from .losses import Loss
from .network import EarlyStopping, History, Network, Parameters
from .optimizers import (
    COCOB,
    FTRL,
    OPTIMIZERS,
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSProp,
    optimizer,
)
from .optimizers.schedules import SCHEDULES, Constant, Cosine, InverseScaling, Step, WarmUp
from .torch import from_torch

__all__ = [
    "ACTIVATIONS",
    "AMSGrad",
    "Activation",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Autoencoder",
    "BatchNorm",
    "COCOB",
    "Constant",
    "Conv",
    "Cosine",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Expert",
    "FTRL",
    "Flatten",
    "History",
    "INITIALIZERS",
    "InverseScaling",
    "Initializer",
    "LAYERS",
    "LayerNorm",
    "Loss",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Network",
    "OPTIMIZERS",
    "Optimizer",
    "Parameters",
    "Pool",
    "RMSProp",
    "SCHEDULES",
    "SGD",
    "Step",
    "WarmUp",
    "from_torch",
    "optimizer",
]
