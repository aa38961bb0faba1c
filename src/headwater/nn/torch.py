"""To PyTorch and back: the same numbers as an ``nn.Module``, and a stack of PyTorch's layers as a ``Network``.

PyTorch is imported when it is asked for, never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, MissingExtra
from ..kernels import loss as _loss
from ..kernels import norm as _norm
from ..kernels._op import OPS
from .layers import Activation, BatchNorm, Dense, Dropout, Embedding, Layer, LayerNorm
from .losses import Loss, as_loss
from .lower import Place
from .network import Network
from .optimizers import Optimizer
from .steps import Step, steps, table

FAR = 50.0
"""Beyond it ln(1 + eˣ) is x to the last bit; PyTorch's own bound of 20 would cost 2·10⁻⁹."""


def load_torch(at: str) -> Any:
    """Import torch, or say what to install."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(package="torch", extra="torch", at=at) from error
    return torch


# ---- to PyTorch -----------------------------------------------------------------------------------------------------


def to_torch(net: Network, *, logits: bool = False) -> Any:
    """Return the network as a ``torch.nn.Sequential`` in evaluation mode, with copies of its numbers.

    Parameters
    ----------
    net : Network
        What to convert; it is not changed.
    logits : bool
        Leave out the link of the loss (sigmoid, softmax, exp): what PyTorch's own losses expect.

    Returns
    -------
    torch.nn.Sequential
        ``module(x)`` equals ``net.forward(x)``; of row numbers (int64) where the first layer is an Embedding. A missing
        value (NaN) stays NaN there; it is the network that reads it as 0.

    Raises
    ------
    MissingExtra
        Without PyTorch.
    ConfigError
        Before the number of inputs is known.
    """
    torch = load_torch("Network.to_torch")
    program = net.program
    kind = torch.float64 if net.dtype == np.float64 else torch.float32
    with torch.no_grad():
        modules = [_first(torch, net, kind)]
        modules += [MODULES[step.name](torch, step, kind) for step in steps(program, 0) if step.name != "identity"]
        if not logits:
            modules += LINKS[net.expert.loss.row.link](torch)
    return torch.nn.Sequential(*modules).eval()


def _first(torch: Any, net: Network, kind: Any) -> Any:
    """The columns of the input table: a linear layer, or a bag of rows."""
    w, b = table(net.program, 0)
    if not isinstance(net.expert.layers[0], Embedding):
        return _linear(torch, w, b, kind)
    bag = torch.nn.EmbeddingBag(*w.shape, mode="sum", dtype=kind)
    _set(torch, bag.weight, w)
    return bag


def _linear(torch: Any, w: NDArray[Any], b: NDArray[Any] | None, kind: Any) -> Any:
    linear = torch.nn.Linear(*w.shape, bias=b is not None, dtype=kind)
    _set(torch, linear.weight, w.T)
    if b is not None:
        _set(torch, linear.bias, b)
    return linear


def _dense(torch: Any, step: Step, kind: Any) -> Any:
    return _linear(torch, np.asarray(step.weights), step.bias, kind)


def _layer_norm(torch: Any, step: Step, kind: Any) -> Any:
    norm = torch.nn.LayerNorm(
        step.m, eps=step.constant, elementwise_affine=step.weights is not None, dtype=kind
    )
    if step.weights is not None:
        _set(torch, norm.weight, step.weights)
        _set(torch, norm.bias, step.bias)
    return norm


def _batch_norm(torch: Any, step: Step, kind: Any) -> Any:
    norm = torch.nn.BatchNorm1d(step.m, eps=_norm.EPS, momentum=step.constant, dtype=kind)
    for target, source in (
        (norm.weight, step.weights),
        (norm.bias, step.bias),
        (norm.running_mean, step.mean),
        (norm.running_var, step.variance),
    ):
        _set(torch, target, source)
    return norm


def _set(torch: Any, target: Any, source: Any) -> None:
    target.copy_(torch.from_numpy(np.array(source)))  # an array of its own: views may be read-only or strided


def _exp(torch: Any) -> Any:
    """PyTorch has no module for eˣ."""

    def forward(self: Any, x: Any) -> Any:
        return x.exp()

    return type("Exp", (torch.nn.Module,), {"forward": forward, "__doc__": "eˣ"})()


def _limit(torch: Any) -> Any:
    return torch.nn.Hardtanh(-_loss.LIMIT, _loss.LIMIT)


MODULES: dict[str, Callable[[Any, Step, Any], Any]] = {
    "dense": _dense,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "dropout": lambda torch, step, kind: torch.nn.Dropout(step.constant),
    "identity": lambda torch, step, kind: torch.nn.Identity(),
    "relu": lambda torch, step, kind: torch.nn.ReLU(),
    "leaky_relu": lambda torch, step, kind: torch.nn.LeakyReLU(step.constant),
    "sigmoid": lambda torch, step, kind: torch.nn.Sigmoid(),
    "tanh": lambda torch, step, kind: torch.nn.Tanh(),
    "elu": lambda torch, step, kind: torch.nn.ELU(step.constant),
    "selu": lambda torch, step, kind: torch.nn.SELU(),
    "gelu": lambda torch, step, kind: torch.nn.GELU(),
    "silu": lambda torch, step, kind: torch.nn.SiLU(),
    "softplus": lambda torch, step, kind: torch.nn.Softplus(threshold=FAR),
    "hard_tanh": lambda torch, step, kind: torch.nn.Hardtanh(),
}
"""What makes a module of each operation behind the input table."""

LINKS: dict[str, Callable[[Any], list[Any]]] = {
    "identity": lambda torch: [],
    "sigmoid": lambda torch: [_limit(torch), torch.nn.Sigmoid()],
    "exp": lambda torch: [_limit(torch), _exp(torch)],
    "softmax": lambda torch: [torch.nn.Softmax(dim=1)],
}
"""What makes modules of each link."""


# ---- from PyTorch ---------------------------------------------------------------------------------------------------


def from_torch(module: Any, *, loss: str | Loss, optimizer: Optimizer | None = None, **settings: Any) -> Network:
    """Return a stack of PyTorch's layers as a network with copies of their numbers, ready to learn row by row.

    Parameters
    ----------
    module : torch.nn.Module
        A ``Sequential`` (in others too) of Linear, activations, LayerNorm, BatchNorm1d and Dropout; Linear or a summing
        EmbeddingBag first. A last Softmax or Sigmoid that is the link of the loss belongs to the loss and is left out.
    loss : str or Loss
        What a wrong prediction costs.
    optimizer : Optimizer, optional
        The update rule; SGD(0.01) without it.
    **settings
        l1, l2, clip_norm, clip_value, seed of ``Network``.

    Returns
    -------
    Network
        Its dtype is that of the module's parameters.

    Raises
    ------
    ConfigError
        For a module that is none of these, with its place in the stack.
    MissingExtra
        Without PyTorch.
    """
    torch = load_torch("nn.from_torch")
    stack = _without_link(torch, list(_flat(torch, module, "module")), as_loss(loss))
    if not stack or not isinstance(stack[0][1], torch.nn.Linear | torch.nn.EmbeddingBag):
        got = type(stack[0][1]).__name__ if stack else "nothing"
        raise ConfigError(
            expected="Linear or EmbeddingBag first", got=got, at="module", help="Put torch.nn.Linear first."
        )
    layers = [_layer(torch, at, part) for at, part in stack]
    dtype = str(next(module.parameters()).dtype).removeprefix("torch.")
    first = stack[0][1]
    inputs = first.in_features if isinstance(first, torch.nn.Linear) else 1
    net = Network(layers, loss=loss, optimizer=optimizer, dtype=dtype, inputs=inputs, **settings)
    for place in net.program.places:
        _fill(net, place, stack[place.layer][1])
    return net


def _flat(torch: Any, module: Any, at: str) -> Iterable[tuple[str, Any]]:
    """Modules in their order with their places, without containers and what changes nothing in a row of numbers."""
    if isinstance(module, torch.nn.Sequential):
        for name, part in module.named_children():
            yield from _flat(torch, part, f"{at}[{name}]")
    elif not isinstance(module, torch.nn.Identity | torch.nn.Flatten):
        yield at, module


def _without_link(torch: Any, stack: list[tuple[str, Any]], loss: Loss) -> list[tuple[str, Any]]:
    """The stack without a last module that is the link of the loss."""
    links = {"softmax": torch.nn.Softmax, "sigmoid": torch.nn.Sigmoid}
    link = links.get(loss.row.link)
    return stack[:-1] if stack and link is not None and isinstance(stack[-1][1], link) else stack


def _layer(torch: Any, at: str, module: Any) -> Layer:
    """The layer that a module is."""
    nn = torch.nn
    if isinstance(module, nn.Linear):
        return Dense(module.out_features, bias=module.bias is not None)
    if isinstance(module, nn.EmbeddingBag):
        _need(module.mode == "sum", "mode='sum'", repr(module.mode), at)
        return Embedding(module.num_embeddings, module.embedding_dim)
    if isinstance(module, nn.Dropout):
        return Dropout(module.p)
    if isinstance(module, nn.LayerNorm):
        _need(len(module.normalized_shape) == 1, "a normalized_shape of one number", str(module.normalized_shape), at)
        _need(module.weight is None or module.bias is not None, "gain and shift, or neither", "bias=False", at)
        return LayerNorm(affine=module.weight is not None, eps=module.eps)
    if isinstance(module, nn.BatchNorm1d):
        _need(module.eps == _norm.EPS, f"eps={_norm.EPS}", f"{module.eps}", at)
        _need(module.affine, "affine=True", "affine=False", at)
        _need(module.momentum is not None, "a momentum", "None", at)
        _need(module.track_running_stats, "running statistics", "track_running_stats=False", at)
        return BatchNorm(module.momentum)
    return _activation(nn, at, module)


def _activation(nn: Any, at: str, module: Any) -> Activation:
    """The activation that a module is."""
    if isinstance(module, nn.GELU):
        _need(module.approximate == "none", "GELU(approximate='none')", repr(module.approximate), at)
    if isinstance(module, nn.Softplus):
        _need(module.beta == 1, "Softplus(beta=1)", f"beta={module.beta}", at)
    if isinstance(module, nn.Hardtanh):
        bounds = (module.min_val, module.max_val)
        _need(bounds == (-1, 1), "Hardtanh(-1, 1)", str(bounds), at)
    for cls, name, constant in (
        (nn.ReLU, "relu", ""),
        (nn.LeakyReLU, "leaky_relu", "negative_slope"),
        (nn.Sigmoid, "sigmoid", ""),
        (nn.Tanh, "tanh", ""),
        (nn.ELU, "elu", "alpha"),
        (nn.SELU, "selu", ""),
        (nn.GELU, "gelu", ""),
        (nn.SiLU, "silu", ""),
        (nn.Softplus, "softplus", ""),
        (nn.Hardtanh, "hard_tanh", ""),
    ):
        if isinstance(module, cls):
            a = float(getattr(module, constant)) if constant else OPS[name].default
            return Activation(name, None if a == OPS[name].default else a)
    softmax = isinstance(module, nn.Softmax | nn.LogSoftmax)
    raise ConfigError(
        expected="Linear, EmbeddingBag, LayerNorm, BatchNorm1d, Dropout or an activation of headwater.nn.ACTIVATIONS",
        got=repr(module),
        at=at,
        help="A last softmax belongs to loss='cross_entropy'." if softmax else "Leave it out, or rebuild it from these.",
    )


def _need(holds: bool, expected: str, got: str, at: str) -> None:
    if not holds:
        raise ConfigError(expected=expected, got=got, at=at, help="headwater.nn has no other; change the module.")


def _fill(net: Network, place: Place, module: Any) -> None:
    """Copy a module's numbers to their place, and the running statistics of batch norm beside them."""
    part = net.layers[net.program.places.index(place)]
    w = module.weight.detach().cpu().numpy()
    part.weights[:] = w.T if isinstance(net.expert.layers[place.layer], Dense) else w
    if part.bias is not None:
        part.bias[:] = module.bias.detach().cpu().numpy()
    if isinstance(net.expert.layers[place.layer], BatchNorm):
        step = next(step for step in steps(net.program, 0) if step.weights is not None and _same(step.weights, part.weights))
        np.asarray(step.mean)[:] = module.running_mean.cpu().numpy()
        np.asarray(step.variance)[:] = module.running_var.cpu().numpy()


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two views begin at the same number."""
    return bool(a.__array_interface__["data"][0] == b.__array_interface__["data"][0])
