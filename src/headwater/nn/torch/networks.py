"""Convert networks to PyTorch modules and back, with equal weights.

PyTorch is imported only when needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, MissingExtra
from headwater.nn.core.views import Operation
from headwater.nn.layers import Activation, BatchNorm, Dense, Dropout, Embedding, Layer, LayerNorm
from headwater.nn.losses import Loss, as_loss
from headwater.nn.network import Network, Parameters, check_no_state
from headwater.nn.optimizers import Optimizer
from headwater.nn.shapes import Shape, image_of, reads_image, shapes
from headwater.nn.torch.images import IMAGE_MODULES, check_images, image_layer, is_of_images
from headwater.plain import ACTIVATIONS, LINKS, ActivationRow, TorchModule
from headwater.plain.layers import BatchNormalisation
from headwater.plain.losses import LIMIT


def load_torch(at: str) -> Any:
    """Import torch, or raise MissingExtra."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(package="torch", extra="torch", at=at) from error
    return torch


# ---- to PyTorch -----------------------------------------------------------------------------------------------------


def to_torch(net: Network, *, logits: bool = False) -> Any:
    """Return the network as a ``torch.nn.Sequential`` in evaluation mode, with copies of its parameters.

    Parameters
    ----------
    net : Network
        The network, which is not changed.
    logits : bool
        Leave out the link (sigmoid, softmax, exp), as PyTorch's losses expect.

    Returns
    -------
    torch.nn.Sequential
        ``module(x)`` equals ``net.forward(x)``. It takes ids (int64) if the first layer is an Embedding, and images
        (samples, channels, height, width) if it reads them. NaN stays NaN, while the network reads it as 0.

    Raises
    ------
    MissingExtra
        Without PyTorch.
    ConfigError
        Before the number of inputs is known.
    """
    check_no_state(net.expert, "Network.to_torch")
    operations = net.core.operations(0)  # checks the engine first, with or without PyTorch
    torch = load_torch("Network.to_torch")
    kind = torch.float64 if net.dtype == np.float64 else torch.float32
    with torch.no_grad():
        modules = [] if reads_image(net.expert.layers) else [_first(torch, net, kind)]
        others = [operation for operation in operations if operation.name != "identity"]
        modules += [MODULES[operation.name](torch, operation, kind) for operation in others]
        if not logits:
            modules += _link(torch, net.expert.loss.row.link)
    return torch.nn.Sequential(*modules).eval()


def _first(torch: Any, net: Network, kind: Any) -> Any:
    """Return the input table's columns as a linear layer or an embedding bag."""
    w, b = net.core.table(0)
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


def _dense(torch: Any, dense: Operation, kind: Any) -> Any:
    return _linear(torch, np.asarray(dense.weights), dense.bias, kind)


def _layer_norm(torch: Any, own: Operation, kind: Any) -> Any:
    norm = torch.nn.LayerNorm(
        own.image or own.m, eps=own.constant, elementwise_affine=own.weights is not None, dtype=kind
    )
    if own.weights is not None:
        _set(torch, norm.weight, own.weights)
        _set(torch, norm.bias, own.bias)
    return norm


def _batch_norm(torch: Any, own: Operation, kind: Any) -> Any:
    m = len(np.asarray(own.weights))
    of = torch.nn.BatchNorm1d if own.image is None else torch.nn.BatchNorm2d
    norm = of(m, eps=BatchNormalisation.EPS, momentum=own.constant, dtype=kind)
    running = np.asarray(own.running)
    _set(torch, norm.weight, own.weights)
    _set(torch, norm.bias, own.bias)
    _set(torch, norm.running_mean, running[:m])
    _set(torch, norm.running_var, running[m : 2 * m])
    norm.num_batches_tracked.fill_(int(running[-1]))
    return norm


def _dropout(torch: Any, own: Operation, kind: Any) -> Any:
    return torch.nn.Dropout(own.constant)


def _activation(row: ActivationRow, torch: Any, own: Operation, kind: Any) -> Any:
    return _module(torch, row.torch, own.constant)


def _module(torch: Any, row: TorchModule, a: float = 0.0) -> Any:
    """Create the module that a row names, with the operation's constant a."""
    own = {row.constant: a} if row.constant else {}
    return getattr(torch.nn, row.name)(**row.required, **row.written, **own)


def _set(torch: Any, target: Any, source: Any) -> None:
    target.copy_(torch.from_numpy(np.array(source)))  # a copy, since a view may be strided


def _exp(torch: Any) -> Any:
    """Create the exponential link, for which PyTorch has no module."""

    def forward(self: Any, x: Any) -> Any:
        return x.clamp(-LIMIT, LIMIT).exp()

    return type(EXP, (torch.nn.Module,), {"forward": forward, "__doc__": "eˣ, x within ±30."})()


def _link(torch: Any, name: str) -> list[Any]:
    """Create the modules of a link, without clipping logits to ±30, which changes a sigmoid by at most 10⁻¹³."""
    row = LINKS[name].torch
    if name == "exp":
        return [_exp(torch)]
    return [] if row is None else [_module(torch, row)]


EXP = "Exp"
MODULES: dict[str, Callable[[Any, Operation, Any], Any]] = {
    "dense": _dense,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    **IMAGE_MODULES,
    **{row.name: partial(_activation, row) for row in ACTIVATIONS.values()},
}
"""Creates the module of each operation after the input table."""


# ---- from PyTorch ---------------------------------------------------------------------------------------------------


def from_torch(
    module: Any,
    *,
    loss: str | Loss,
    optimizer: Optimizer | None = None,
    inputs: int | Shape | None = None,
    **settings: Any,
) -> Network:
    """Convert a stack of PyTorch layers to a network with copies of their parameters, ready for online learning.

    Parameters
    ----------
    module : torch.nn.Module
        A ``Sequential``, possibly nested, of Linear, activations, LayerNorm, BatchNorm1d and Dropout, with Linear or a
        summing EmbeddingBag first. With ``inputs=(channels, height, width)`` also Conv2d, MaxPool2d, AvgPool2d, BatchNorm2d
        and Flatten. A last Softmax or Sigmoid that is the link of the loss is left out.
    loss : str or Loss
        The loss.
    optimizer : Optimizer, optional
        The optimizer; SGD(0.01) by default.
    inputs : int or tuple of int, optional
        Number of ids per sample of an EmbeddingBag, 1 by default; or channels, height and width of images.
    **settings
        l1, l2, clip_norm, clip_value and seed of ``Network``.

    Returns
    -------
    Network
        A network with the dtype of the module's parameters.

    Raises
    ------
    ConfigError
        For an unsupported module, with its path in the stack.
    MissingExtra
        Without PyTorch.
    """
    torch = load_torch("nn.from_torch")
    stack = _without_link(torch, list(_flat(torch, module, "module")), as_loss(loss))
    of_images = isinstance(inputs, tuple) or any(is_of_images(torch, part) for _, part in stack)
    if not of_images:
        stack = [(at, part) for at, part in stack if not isinstance(part, torch.nn.Flatten)]
    layers = [_layer(torch, at, part) for at, part in stack]
    width = _image_width(torch, stack, layers, inputs) if of_images else _width(torch, stack, inputs)
    dtype = next(str(part.weight.dtype) for _, part in stack if getattr(part, "weight", None) is not None)
    dtype = dtype.removeprefix("torch.")
    net = Network(layers, loss=loss, optimizer=optimizer, dtype=dtype, inputs=width, **settings)
    for place, own in zip(net.core.places(), net.layers, strict=True):
        _fill(own, stack[place.layer][1], isinstance(layers[place.layer], Dense))
    norms = [part for _, part in stack if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    running = [operation.running for operation in net.core.operations(0) if operation.running is not None]
    for target, norm in zip(running, norms, strict=True):
        known = SETTLED if norm.num_batches_tracked > 0 else 0
        target[:] = np.concatenate([_array(norm.running_mean), _array(norm.running_var), [known]])
    return net


def _width(torch: Any, stack: list[tuple[str, Any]], inputs: Any) -> int:
    """Return the number of inputs of the first module, or raise ConfigError for unsupported modules and widths."""
    if not stack or not isinstance(stack[0][1], torch.nn.Linear | torch.nn.EmbeddingBag):
        got = type(stack[0][1]).__name__ if stack else "nothing"
        raise ConfigError(
            expected="Linear or EmbeddingBag first", got=got, at="module", help="Put torch.nn.Linear first."
        )
    _check_widths(torch, stack)
    first = stack[0][1]
    return int(first.in_features) if isinstance(first, torch.nn.Linear) else (inputs or 1)


def _image_width(torch: Any, stack: list[tuple[str, Any]], layers: list[Layer], inputs: Any) -> Shape:
    """Return the shape of the images that a stack reads, or raise ConfigError where its modules don't fit them."""
    shape = image_of(inputs)
    check_images(torch, stack, shapes(layers, shape))
    return shape


def _flat(torch: Any, module: Any, at: str) -> Iterable[tuple[str, Any]]:
    """Yield modules in order with their paths, without containers and identities."""
    if isinstance(module, torch.nn.Sequential):
        for name, part in module.named_children():
            yield from _flat(torch, part, f"{at}[{name}]")
    elif not isinstance(module, torch.nn.Identity):
        yield at, module


def _without_link(torch: Any, stack: list[tuple[str, Any]], loss: Loss) -> list[tuple[str, Any]]:
    """Return the stack without a last module that is the link of the loss."""
    last = type(stack[-1][1]).__name__ if stack else ""
    row = LINKS[loss.row.link].torch
    own = EXP if loss.row.link == "exp" else row.name if row else None
    return stack[:-1] if last == own else stack


def _check_widths(torch: Any, stack: list[tuple[str, Any]]) -> None:
    """Raise ConfigError where a module's inputs don't match the outputs before it."""
    width = 0
    for at, module in stack:
        taken = width
        if isinstance(module, torch.nn.Linear):
            taken, after = module.in_features, module.out_features
        elif isinstance(module, torch.nn.EmbeddingBag):
            after = module.embedding_dim
        elif isinstance(module, torch.nn.BatchNorm1d):
            taken = after = module.num_features
        elif isinstance(module, torch.nn.LayerNorm):
            taken = after = module.normalized_shape[-1]
        else:
            after = width
        if width and taken != width:
            raise ConfigError(expected=f"{width} inputs", got=f"{taken}", at=at, help="Make the widths fit.")
        width = after


def _layer(torch: Any, at: str, module: Any) -> Layer:
    """Return the layer for a module."""
    nn = torch.nn
    if isinstance(module, nn.Linear):
        return Dense(module.out_features, bias=module.bias is not None)
    if isinstance(module, nn.EmbeddingBag):
        _need(module.mode == "sum", "mode='sum'", repr(module.mode), at)
        return Embedding(module.num_embeddings, module.embedding_dim)
    if isinstance(module, nn.Dropout):
        return Dropout(module.p)
    if isinstance(module, nn.LayerNorm):
        shape = tuple(module.normalized_shape)
        _need(len(shape) in (1, 3), "a normalized_shape of one number, or of a whole image", str(shape), at)
        _need(module.weight is None or module.bias is not None, "gain and shift, or neither", "bias=False", at)
        return LayerNorm(affine=module.weight is not None, eps=module.eps)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        _need(module.eps == BatchNormalisation.EPS, f"eps={BatchNormalisation.EPS}", f"{module.eps}", at)
        _need(module.affine, "affine=True", "affine=False", at)
        _need(module.momentum is not None, "a momentum", "None", at)
        _need(module.track_running_stats, "running statistics", "track_running_stats=False", at)
        return BatchNorm(module.momentum)
    return image_layer(torch, at, module) or _activation_of(at, module)


def _activation_of(at: str, module: Any) -> Activation:
    """Return the activation for a module."""
    kind = type(module).__name__
    row = NAMES.get(kind)
    if row is None:
        last = kind in ("Softmax", "LogSoftmax")
        raise ConfigError(
            expected="a layer or an activation that headwater.nn has, such as Linear, Conv2d, LayerNorm, BatchNorm1d, Dropout",
            got=repr(module),
            at=at,
            help="A last softmax belongs to loss='cross_entropy'."
            if last
            else "Leave it out, or rebuild it from these.",
        )
    required = dict(row.torch.required)
    found = {name: getattr(module, name) for name in required}
    _need(found == required, f"{kind}({_arguments(required)})", _arguments(found), at)
    constant = row.torch.constant
    return Activation(row.name, float(getattr(module, constant)) if constant else None)


def _arguments(values: dict[str, Any]) -> str:
    shown = {name: repr(value) if isinstance(value, str) else f"{value:g}" for name, value in values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


NAMES = {row.torch.name: row for row in ACTIVATIONS.values() if row.name != "identity"}
"""Activations by PyTorch's class names."""
SETTLED = 1000
"""Row count assigned to an imported batch norm with statistics, so that they change at the slowest rate."""


def _need(holds: bool, expected: str, got: str, at: str) -> None:
    if not holds:
        raise ConfigError(expected=expected, got=got, at=at, help="headwater.nn has no other; change the module.")


def _fill(part: Parameters, module: Any, turned: bool) -> None:
    """Copy a module's parameters. PyTorch's Linear stores its weights transposed."""
    w = _array(module.weight)
    part.weights[:] = w.T if turned else w
    if part.bias is not None:
        part.bias[:] = _array(module.bias)


def _array(tensor: Any) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy())
