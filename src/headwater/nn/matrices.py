"""Views of one layer's numbers, by its place in the flat vectors."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from .lower import Place


class Vectors(Protocol):
    """What is read of a program."""

    p: NDArray[Any]
    s: NDArray[Any]
    states: int
    dense: int
    stride: int
    rows: int


def matrix_of(p: NDArray[Any], place: Place, dense: int, stride: int, rows: int) -> NDArray[Any]:
    """View all numbers of a layer as rows of its width.

    Bias row and weights of the table, weights and bias row of a dense layer, gains and shifts of a normalisation.
    """
    if place.table:
        return p[dense : dense + rows * stride].reshape(rows, stride)[:, place.start : place.start + place.m]
    count = (place.n + place.bias) if place.n else 2
    return p[place.start : place.start + count * place.m].reshape(count, place.m)


def weights(program: Vectors, place: Place, vector: NDArray[Any] | None = None) -> NDArray[Any]:
    """View of a layer's weights (n, m) in P, or in another vector of that layout; gains (m,) of a normalisation."""
    block = matrix_of(program.p if vector is None else vector, place, program.dense, program.stride, program.rows)
    if place.table:
        return block[1:]
    return block[: place.n] if place.n else block[0]


def bias(program: Vectors, place: Place) -> NDArray[Any] | None:
    """View of a layer's bias (m,) in P, or None; shifts of a normalisation."""
    if not place.bias:
        return None
    block = matrix_of(program.p, place, program.dense, program.stride, program.rows)
    row: NDArray[Any] = block[0] if place.table else block[-1]
    return row


def move(program: Vectors, old: dict[str, Any], was: Place, place: Place, stride: int, dense: int, bias: float) -> None:
    """Copy one layer's parameters and states to their new place; added outputs get the bias."""
    for k in range(-1, program.states):
        source = old["p"] if k < 0 else old["s"][k * old["size"] : (k + 1) * old["size"]]
        target = program.p if k < 0 else program.s[k * len(program.p) : (k + 1) * len(program.p)]
        there = matrix_of(target, place, program.dense, program.stride, program.rows)
        there[:, : was.m] = matrix_of(source, was, dense, stride, program.rows)
        if k < 0 and place.m > was.m and place.bias:
            there[0 if place.table else -1, was.m :] = bias
