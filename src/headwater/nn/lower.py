"""Lowering: from declared layers to the tables that the machine runs.

An expert is a stack of layers with its own loss, rule and penalties; a network is one expert, a pool is several over the
same input table. Lowering decides where everything lies: parameters in P, activations in A, an expert's columns in a row
of the table. It draws and copies no numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.kernels import _op as col
from headwater.kernels._op import OPS
from headwater.kernels.stack import CLASSES, HEDGED, NUMBERS

from .layers import Activation, BatchNorm, Dense, Dropout, Embedding, Layer, LayerNorm
from .losses import Loss
from .optimizers import SGD, Optimizer
from .schedules import as_schedule

ALIGN = 16
"""Everything begins at a multiple of 16 numbers (64 bytes of float32): a vector load then never straddles a cache line."""


GROWING = ("cross_entropy", "hinge")
"""Losses with an output a class, which may get more of them."""


@dataclass(frozen=True, slots=True)
class Expert:
    """A stack of layers that learns by itself: layers, loss, rule, penalties, clipping, replay.

    Parameters
    ----------
    layers : tuple of Layer
        The first is Dense or Embedding, the last gives the outputs. Given to a learner, only the hidden layers; () for a
        linear expert.
    loss : Loss
        What a wrong prediction costs. Given to a learner, the learner's own takes its place.
    optimizer : Optimizer
        The update rule.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights (not on biases).
    clip_norm, clip_value : float
        Bounds on the gradient of a sample: its norm, and each number; 0 for none.
    replays : int
        How many of the last samples are learned again after each row.

    Examples
    --------
    >>> Expert((Dense(32, "relu"),), optimizer=SGD(0.03)).replays
    0
    """

    layers: tuple[Layer, ...] = ()
    loss: Loss = Loss("mse")  # noqa: RUF009  a frozen value
    optimizer: Optimizer = SGD()  # noqa: RUF009  a frozen value
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    replays: int = 0

    def __post_init__(self) -> None:
        if self.layers and not isinstance(self.layers[0], Dense | Embedding):
            got = type(self.layers[0]).__name__
            raise ConfigError(
                expected="Dense or Embedding as first layer", got=got, at="layers", help="Put nn.Dense(units) first."
            )
        for layer in self.layers[1:]:
            if isinstance(layer, Embedding):
                raise ConfigError(
                    expected="Embedding as first layer only",
                    got="one further down",
                    at="layers",
                    help="Move it to the front.",
                )
        as_schedule(self.optimizer.lr, f"lr of {self.optimizer.rule.name}")
        self.optimizer.check()
        for name in ("l1", "l2", "clip_norm", "clip_value"):
            if not getattr(self, name) >= 0:
                raise ConfigError(expected="0 or more", got=repr(getattr(self, name)), at=name, help="Give 0 for none.")

    @property
    def outputs(self) -> int:
        """Width of the last layer that has units."""
        return [layer.units for layer in self.layers if isinstance(layer, Dense | Embedding)][-1]

    def with_outputs(self, k: int) -> Expert:
        """Return the expert with k outputs instead."""
        last = max(i for i, layer in enumerate(self.layers) if isinstance(layer, Dense | Embedding))
        layers = list(self.layers)
        head: Any = layers[last]
        layers[last] = replace(head, units=k)
        return replace(self, layers=tuple(layers))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parameters of a layer lie.

    In the table from column ``start`` on (row 0 is the bias), or in P from ``start`` on: n rows of m weights and then the
    bias, or with n = 0 the m gains and m shifts of a normalisation.
    """

    expert: int
    layer: int
    table: bool
    start: int
    n: int
    m: int
    bias: bool


@dataclass(slots=True)
class Tables:
    """What lowering gives: the machine's tables, sizes, and the place of every layer's parameters."""

    prog: NDArray[np.int64]
    opc: NDArray[np.float64]
    ex: NDArray[np.int64]
    xc: NDArray[np.float64]
    stride: int
    dense: int
    buffers: int
    length: int
    states: int
    places: list[Place]


@dataclass(slots=True)
class _Draft:
    """The program being written."""

    ops: list[list[int]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    dense: int = 0
    length: int = ALIGN
    buffers: int = 0

    def parameters(self, count: int) -> int:
        """Reserve room in P."""
        start = self.dense
        self.dense += _up(count)
        return start

    def activations(self, count: int) -> int:
        """Reserve room in A, with two numbers more behind the vector: the constant 1 of a bias, and a list's length."""
        start = self.length
        self.length += _up(count + 2)
        return start

    def emit(
        self, code: int, n: int, m: int, src: int, dst: int, expert: int, constant: float = 0.0, **more: int
    ) -> None:
        """Write one operation."""
        row = [0] * col.PROGRAM_WIDTH
        row[col.OP], row[col.N], row[col.M], row[col.SRC], row[col.DST], row[col.EXPERT] = code, n, m, src, dst, expert
        row[col.PAR], row[col.BUFFER] = more.get("par", -1), more.get("buf", -1)
        row[col.BIAS], row[col.SPARSE] = more.get("bias", 0), more.get("sparse", 0)
        row[col.GROWS] = more.get("grows", 0)
        self.ops.append(row)
        self.constants.append(constant)


def lower(experts: Sequence[Expert], rows: int) -> Tables:
    """Lay out the experts' layers over one input table of ``rows`` rows.

    Parameters
    ----------
    experts : sequence of Expert
        All read the same rows; each has its own columns in a row.
    rows : int
        Rows of the table now, the bias row 0 included.

    Returns
    -------
    Tables
    """
    draft = _Draft()
    widths = [expert.layers[0].units for expert in experts]  # type: ignore[union-attr]
    columns, stride = _columns(widths)
    kinds = {type(expert.layers[0]) for expert in experts}
    embedding = kinds == {Embedding}
    bias = all(isinstance(e.layers[0], Dense) and e.layers[0].bias for e in experts)
    dst = draft.activations(stride)
    code = OPS["embedding" if embedding else "rows"].code
    draft.emit(code, rows, stride, -1, dst, -1, bias=int(bias))
    ex = np.zeros((len(experts), col.EXPERT_WIDTH), np.int64)
    xc = np.zeros(len(experts) * col.CONSTANT_WIDTH)
    for e, expert in enumerate(experts):
        draft.places.append(Place(e, 0, True, columns[e], 0, widths[e], bias))
        ex[e, col.FIRST] = len(draft.ops)
        logits, two_pass = _stack(draft, e, expert, dst + columns[e], widths[e])
        ex[e, col.LAST] = len(draft.ops)
        ex[e, col.LOGITS], ex[e, col.OUTPUTS], ex[e, col.TWO_PASS] = logits, expert.outputs, two_pass
        ex[e, col.COLUMN], ex[e, col.WIDTH] = columns[e], widths[e]
        _learning(ex[e], xc[e * col.CONSTANT_WIDTH : (e + 1) * col.CONSTANT_WIDTH], expert)
    return Tables(
        np.array(draft.ops, np.int64),
        np.array(draft.constants),
        ex,
        xc,
        stride,
        draft.dense,
        draft.buffers,
        draft.length,
        max(expert.optimizer.rule.states for expert in experts),
        draft.places,
    )


def _stack(draft: _Draft, e: int, expert: Expert, src: int, n: int) -> tuple[int, int]:
    """Emit the layers of expert e behind its columns; return where the logits lie, and whether it needs two passes."""
    sparse, fresh = 0, True  # fresh: src lies among the columns of a row, where there is no room for a list of inputs
    two_pass = 0
    first = expert.layers[0]
    todo: list[tuple[int, Layer]] = list(enumerate(expert.layers))[1:]
    if isinstance(first, Dense) and first.activation != "identity":
        todo.insert(0, (0, Activation(first.activation)))
    for i, layer in todo:
        if isinstance(layer, Dense):
            if fresh:
                src = _activation(draft, Activation("identity"), e, src, n)
            dst = draft.activations(layer.units)
            par = draft.parameters(n * layer.units + layer.units)
            code = OPS["dense"].code
            grows = int(i == len(expert.layers) - 1 and expert.loss.name in GROWING)
            draft.emit(code, n, layer.units, src, dst, e, par=par, bias=int(layer.bias), sparse=sparse, grows=grows)
            draft.places.append(Place(e, i, False, par, n, layer.units, layer.bias))
            src, n, sparse = dst, layer.units, 0
            if layer.activation != "identity":
                src = _activation(draft, Activation(layer.activation), e, src, n)
                sparse = int(layer.activation == "relu")
        elif isinstance(layer, Activation):
            src = _activation(draft, layer, e, src, n)
            sparse = int(layer.name == "relu")
        elif isinstance(layer, Dropout):
            dst = draft.activations(2 * n)
            draft.emit(OPS["dropout"].code, n, n, src, dst, e, layer.rate)
            src, two_pass = dst, 1
        else:
            src = _norm(draft, layer, e, i, src, n)
            sparse, two_pass = 0, two_pass | int(isinstance(layer, BatchNorm))
        fresh = False
    return src, two_pass


def _activation(draft: _Draft, layer: Activation, e: int, src: int, n: int) -> int:
    row = OPS[layer.name]
    dst = draft.activations(n)
    draft.emit(row.code, n, n, src, dst, e, row.default if layer.a is None else layer.a)
    return dst


def _norm(draft: _Draft, layer: Layer, e: int, i: int, src: int, n: int) -> int:
    dst = draft.activations(n + 2)
    if isinstance(layer, LayerNorm):
        par = draft.parameters(2 * n) if layer.affine else -1
        draft.emit(OPS["layer_norm"].code, n, n, src, dst, e, layer.eps, par=par)
    elif isinstance(layer, BatchNorm):
        par = draft.parameters(2 * n)
        draft.emit(OPS["batch_norm"].code, n, n, src, dst, e, layer.momentum, par=par, buf=draft.buffers)
        draft.buffers += _up(2 * n + 1)
    else:
        raise ConfigError(
            expected="a layer of headwater.nn", got=repr(layer), at="layers", help="See headwater.nn.LAYERS."
        )
    if par >= 0:
        draft.places.append(Place(e, i, False, par, 0, n, True))
    return dst


def _learning(ex: NDArray[np.int64], xc: NDArray[np.float64], expert: Expert) -> None:
    """Fill the learning half of an expert's row: loss, rule, schedule, penalties."""
    rule = expert.optimizer.rule
    kind, lr, a, b = as_schedule(expert.optimizer.lr, f"lr of {rule.name}").numbers()
    ex[col.LOSS], ex[col.RULE], ex[col.SCHEDULE] = expert.loss.row.code, rule.code, kind
    ex[col.EXACT_LAZY], ex[col.REPLAYS] = int(rule.exact_lazy), expert.replays
    xc[col.LR], xc[col.SCHED], xc[col.SCHED + 1] = lr, a, b
    numbers = expert.optimizer.numbers()
    xc[col.HYPER : col.HYPER + len(numbers)] = numbers
    xc[col.L1], xc[col.L2] = expert.l1, expert.l2
    xc[col.CLIP_NORM], xc[col.CLIP_VALUE] = expert.clip_norm, expert.clip_value
    xc[col.LOSS_A] = expert.loss.number


def _columns(widths: list[int]) -> tuple[list[int], int]:
    """Columns of each expert in a row, and the numbers in a row.

    Experts begin on a cache line, but for those of one column, which go into what is left of the last line.
    """
    columns, at, left = [], 0, 0
    for width in widths:
        single = width == 1 and left > 0
        columns.append(at - left if single else at)
        if single:
            left -= 1
        else:
            at += _up(width) if len(widths) > 1 else width
            left = _up(width) - width if len(widths) > 1 else 0
    small = 1 << max(at - 1, 0).bit_length()
    return columns, small if at < ALIGN else _up(at)


def _up(count: int) -> int:
    return -(-count // ALIGN) * ALIGN


def aligned(count: int, dtype: Any) -> NDArray[Any]:
    """Return zeros that begin on a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count * size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * size].view(dtype)


def mixture(experts: Sequence[Expert], opinions: int, targets: bool) -> int:
    """Return how so many opinions are mixed: one of ``kernels.stack``."""
    if opinions == 1:
        return HEDGED
    if all(expert.loss.name == "cross_entropy" for expert in experts):
        return CLASSES
    return NUMBERS if targets else HEDGED
