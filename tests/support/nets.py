"""Nets, data and plain twins that tests share."""

from __future__ import annotations

import numpy as np

from headwater import nn
from headwater.nn import core as running
from headwater.plain import LOSSES, PlainNetwork
from headwater.plain.layers import BatchNormalisation, DropoutLayer

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
"""Rounding of a few hundred operations: 2⁻⁵³ and 2⁻²⁴ a piece, sums of mixed signs included."""

OUTPUTS = {name: 3 if row.classes else 2 for name, row in LOSSES.items()}
NUMBERS = {"mse": 0.7, "huber": 0.4, "quantile": 0.3}
"""The losses' own numbers, away from their defaults."""


def answers(loss: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Answers of the kind that the loss takes: classes, zeros and ones, counts or numbers."""
    if loss in ("cross_entropy", "hinge"):
        return rng.integers(0, 3, n).astype(float)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, (n, 2)).astype(float)
    return rng.poisson(2.0, (n, 2)).astype(float) if loss == "poisson" else rng.normal(size=(n, 2))


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


def twin(net: nn.Network, inputs: int | tuple[int, int, int] = 0) -> PlainNetwork:
    """The same net in plain NumPy and float64, with copies of its parameters; it must not have learned yet."""
    e, core = net.expert, net.core
    other = PlainNetwork(
        e.layers,
        e.loss,
        e.optimizer,
        inputs=inputs or core.rows - 1,
        l1=e.l1,
        l2=e.l2,
        clip_norm=e.clip_norm,
        clip_value=e.clip_value,
        dtype="float64",
        seed=net.seed,
    )
    for theirs, own in zip(other.parameters, net.layers, strict=True):
        theirs.weights[:] = own.weights
        if theirs.bias is not None:
            theirs.bias[:] = own.bias
    drawn, key = core.array("random").tolist()
    for layer in other.layers:
        if isinstance(layer, DropoutLayer):
            assert (layer.draws.key, layer.draws.drawn) == (key, drawn), "dropout draws from the seed"
    return other


def standing_loss(other: PlainNetwork, X: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> float:
    """Loss of a plain net as it stands, penalty included."""
    return other.gradient(X, y, w, learn=False)[0] + other.penalty()


def plain_arrays(other: PlainNetwork) -> list[np.ndarray]:
    """Copies of a plain net's parameters: weights and bias of each layer in turn."""
    return [array.copy() for part in other.parameters for array in (part.weights, part.bias) if array is not None]


def arrays_of(net: nn.Network, vector: np.ndarray | None = None) -> list[np.ndarray]:
    """Copies of the parameters (or of a gradient of their layout) in the twin's order."""
    keep = net.parameters.copy()
    if vector is not None:
        net.parameters[:] = vector
    out = [np.array(a, np.float64) for part in net.layers for a in (part.weights, part.bias) if a is not None]
    net.parameters[:] = keep
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


def check_learned(net: nn.Network, other: PlainNetwork, tolerance: float, what: str = "") -> None:
    """Compare all that learning has changed: parameters, running statistics, draws, and how the steps went."""
    check(arrays_of(net), plain_arrays(other), tolerance, what)
    norms = [layer for layer in other.layers if isinstance(layer, BatchNormalisation)]
    kept = [operation.running for operation in net.core.operations(0) if operation.running is not None]
    check(kept, [np.r_[norm.mean, norm.variance, norm.count] for norm in norms], tolerance, f"{what}, statistics")
    drawn = {layer.draws.drawn for layer in other.layers if isinstance(layer, DropoutLayer)}
    assert drawn <= {int(net.core.array("random")[0])}, what
    own, progress = net.core.running[0], other.progress
    assert own[running.STEPS] == progress.steps, what
    assert own[running.UNDONE] == progress.undone, what
    assert own[running.OVERFLOW] == progress.overflow, what
    check(own[running.STEP_SCALE], progress.step_scale, 1e-12, f"{what}, factor on the step")
    check(own[running.FADING_LOSS], progress.fading_loss, 10 * tolerance, f"{what}, fading loss")
    check(own[running.PRODUCT], progress.product, 1e-12, f"{what}, product of momenta")


def gradient(
    net: nn.Network, X: np.ndarray, y: np.ndarray, w: np.ndarray | None = None, *, learn: bool
) -> tuple[float, np.ndarray]:
    """Loss and gradient of one batch without the penalty, learning or not; random state and statistics stay."""
    core = net.core
    random, buffer = core.array("random").copy(), core.array("buffer").copy()
    x = np.ascontiguousarray(X, net.dtype)
    target = np.ascontiguousarray(y.reshape(len(x), -1), net.dtype)
    weights = np.ones(len(x), net.dtype) if w is None else np.asarray(w, net.dtype)
    g = np.zeros_like(net.parameters)
    value = core.gradient(x, target, weights, float(weights.sum()), learn, g)
    core.array("random")[:], core.array("buffer")[:] = random, buffer
    return value, g
