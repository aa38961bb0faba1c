"""Layers, losses, optimizers, schedules, initializers, and networks of a fixed shape."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.nn.torch.networks import from_torch

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
        Recurrent,
    )
    from .losses import Loss
    from .network import EarlyStopping, History, Network, Parameters
    from .network.python_loss import PythonLoss
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
    "PythonLoss",
    "RMSProp",
    "Recurrent",
    "SCHEDULES",
    "SGD",
    "Step",
    "WarmUp",
    "from_torch",
    "optimizer",
]

__getattr__ = lazily(
    __name__,
    {
        ".autoencoder": "Autoencoder",
        ".expert": "Expert",
        ".initializers": "INITIALIZERS Initializer",
        ".layers": "ACTIVATIONS Activation BatchNorm Conv Dense Dropout Embedding Flatten LAYERS "
        "LayerNorm Pool Recurrent",
        ".losses": "Loss",
        ".network": "EarlyStopping History Network Parameters",
        ".network.python_loss": "PythonLoss",
        ".optimizers": "AMSGrad AdaGrad Adadelta Adam AdamW COCOB FTRL Momentum NAdam "
        "Nesterov OPTIMIZERS Optimizer RMSProp SGD optimizer",
        ".optimizers.schedules": "Constant Cosine InverseScaling SCHEDULES Step WarmUp",
        ".torch.networks": "from_torch",
    },
)
