"""Nets, data and twins that the tests of the kernels share."""

from __future__ import annotations

import numpy as np

import reference as ref
from headwater import nn
from headwater.kernels._op import OPS

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
"""Rounding of a few hundred operations: 2⁻⁵³ and 2⁻²⁴ a piece, sums of mixed signs included."""

OUTPUTS = {name: 3 if name in ("cross_entropy", "hinge") else 2 for name in ref.LOSSES}
NUMBERS = {"mse": 0.7, "huber": 0.4, "quantile": 0.3}
"""The losses' own numbers, away from their defaults."""


def answers(loss: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Answers of the kind that the loss takes: classes, zeros and ones, counts or numbers."""
    if loss in ("cross_entropy", "hinge"):
        return rng.integers(0, 3, n).astype(float)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, (n, 2)).astype(float)
    return rng.poisson(2.0, (n, 2)).astype(float) if loss == "poisson" else rng.normal(size=(n, 2))


def as_matrix(loss: str, y: np.ndarray) -> np.ndarray:
    """Answers as the twin takes them: (n, k)."""
    return (
        ref.one_hot(y, OUTPUTS[loss]) if y.ndim == 1 and loss in ("cross_entropy", "hinge") else y.reshape(len(y), -1)
    )


def loss_of(name: str) -> nn.Loss:
    """The loss with a number that is not its default."""
    return nn.Loss(name, NUMBERS.get(name))


def unsettle(net: nn.Network, rng: np.random.Generator) -> nn.Network:
    """Move every parameter off its neat start: biases off 0, gains off 1."""
    for part in net.layers:
        part.weights[:] += 0.3 * rng.normal(size=part.weights.shape)
        if part.bias is not None:
            part.bias[:] += 0.3 * rng.normal(size=part.bias.shape)
    return net


def twin(net: nn.Network) -> ref.Net:
    """The same net in plain NumPy, with copies of its parameters in float64."""
    places = {place.layer: part for place, part in zip(net.program.places, net.layers, strict=True)}
    layers: list[ref.Layer] = []
    for i, layer in enumerate(net.expert.layers):
        arrays = (
            [np.array(a, np.float64) for a in (places[i].weights, places[i].bias) if a is not None]
            if i in places
            else []
        )
        if isinstance(layer, nn.Dense):
            layers += [ref.Dense(*arrays), ref.Activation(layer.activation, OPS[layer.activation].default)]
        elif isinstance(layer, nn.Embedding):
            layers.append(ref.Embedding(*arrays))
        elif isinstance(layer, nn.Activation):
            layers.append(ref.Activation(layer.name, OPS[layer.name].default if layer.a is None else layer.a))
        elif isinstance(layer, nn.Dropout):
            layers.append(ref.Dropout(layer.rate, [int(net.program.rng[0])]))
        elif isinstance(layer, nn.LayerNorm):
            layers.append(ref.LayerNorm(*arrays, eps=layer.eps))
        else:
            layers.append(ref.BatchNorm(*arrays, momentum=layer.momentum))
    e = net.expert
    return ref.Net(layers, e.loss.name, e.loss.number, e.l1, e.l2)


def descent(net: nn.Network) -> ref.Descent:
    """The twin with the net's rule, schedule and clipping."""
    e = net.expert
    rate = e.optimizer.lr if hasattr(e.optimizer.lr, "at") else nn.Constant(e.optimizer.lr)
    numbers = [getattr(rate, name) for name in type(rate).__dataclass_fields__]
    formula = ref.SCHEDULES[type(rate).__name__]
    return ref.Descent(
        twin(net),
        e.optimizer.rule.name,
        e.optimizer.numbers(),
        lambda t: formula(t, *numbers),
        e.clip_norm,
        e.clip_value,
    )


def arrays_of(net: nn.Network, vector: np.ndarray | None = None) -> list[np.ndarray]:
    """Copies of the parameters (or of a gradient of their layout) in the twin's order."""
    keep = net.program.p.copy()
    if vector is not None:
        net.program.p[:] = vector
    out = [np.array(a, np.float64) for part in net.layers for a in (part.weights, part.bias) if a is not None]
    net.program.p[:] = keep
    return out


def check(got: object, wanted: object, tolerance: float, what: str = "") -> None:
    """Compare lists of arrays, each measured by its own largest number or 1."""
    got, wanted = (x if isinstance(x, list) else [x] for x in (got, wanted))
    assert len(got) == len(wanted), what
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert a.shape == b.shape, f"{what} {k}: {a.shape} and {b.shape}"
        error = np.abs(a - b).max(initial=0.0) / max(1.0, np.abs(b).max(initial=0.0))
        assert error <= tolerance, f"{what} {k}: relative error {error:.2e}, at most {tolerance:.0e}"


def gradient(
    net: nn.Network, X: np.ndarray, y: np.ndarray, w: np.ndarray | None = None, *, learn: bool
) -> tuple[float, np.ndarray]:
    """Loss and gradient of one batch without the penalty, learning or not; random state and statistics stay."""
    program, rng, buf = net.program, net.program.rng.copy(), net.program.buf.copy()
    x = np.ascontiguousarray(X, net.dtype)
    target = np.ascontiguousarray(y.reshape(len(x), -1), net.dtype)
    weights = np.ones(len(x), net.dtype) if w is None else np.asarray(w, net.dtype)
    g = np.zeros_like(program.p)
    value = program.gradient(x, target, weights, float(weights.sum()), learn, g)
    program.rng[:], program.buf[:] = rng, buf
    return value, g
