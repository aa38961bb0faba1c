"""A program read back: what one expert computes behind the input table, operation by operation, with its numbers.

The exporters (``torch.py``, ``store/onnx_layers.py``) read a net from here, from the same table as the machine, so they
can't disagree with it about what stands where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.kernels import _op as col
from headwater.kernels._op import OPS

from .program import Program, bias, weights


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the activations of a sample.

    Parameters
    ----------
    name : str
        In ``kernels._op.OPS``.
    n, m : int
        Numbers in, numbers out.
    constant : float
        The operation's own constant: slope, rate, ε, momentum.
    weights : ndarray (n, m) or (m,), optional
        W of a dense layer, gains of a normalisation.
    bias : ndarray (m,), optional
        b of a dense layer, shifts of a normalisation.
    running : ndarray (2m + 1,), optional
        Means, variances and count of batch norm.
    """

    name: str
    n: int
    m: int
    constant: float
    weights: NDArray[Any] | None = None
    bias: NDArray[Any] | None = None
    running: NDArray[Any] | None = None


_NAMES = {row.code: row.name for row in OPS.values()}


def steps(program: Program, e: int) -> list[Step]:
    """Read the operations of expert e behind its columns of the input table, in their order.

    Parameters
    ----------
    program : Program
        Whose tables to read.
    e : int
        Number of the expert.

    Returns
    -------
    list of Step
        Their arrays are views of the program's vectors.

    Examples
    --------
    >>> from headwater import nn
    >>> net = nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], inputs=2)
    >>> [step.name for step in steps(net.program, 0)]
    ['relu', 'dense']
    """
    first, last = int(program.ex[e, col.FIRST]), int(program.ex[e, col.LAST])
    return [_step(program, program.prog[o], float(program.opc[o])) for o in range(first, last)]


def _step(program: Program, op: NDArray[np.int64], constant: float) -> Step:
    name, n, m = _NAMES[int(op[col.OP])], int(op[col.N]), int(op[col.M])
    at, buffer = int(op[col.PAR]), int(op[col.BUFFER])
    p = program.p
    if name == "dense":
        b = p[at + n * m : at + (n + 1) * m] if op[col.BIAS] else None
        return Step(name, n, m, constant, p[at : at + n * m].reshape(n, m), b)
    if at < 0:
        return Step(name, n, m, constant)
    gains, shifts = p[at : at + m], p[at + m : at + 2 * m]
    if buffer < 0:
        return Step(name, n, m, constant, gains, shifts)
    return Step(name, n, m, constant, gains, shifts, program.buf[buffer : buffer + 2 * m + 1])


def table(program: Program, e: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return views of expert e's columns of the input table: rows (rows − 1, m) without row 0, and its bias (m,)."""
    place = next(place for place in program.places if place.table and place.expert == e)
    return weights(program, place), bias(program, place)
