"""Summary table of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.nn.expert import Expert

from .parameters import Parameters

__all__ = ["Summary", "summary_of"]


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """Table of a network's layers with their shapes and numbers of parameters.

    Parameters
    ----------
    rows : tuple of (str, str, int)
        Declaration, shape of the weights and number of parameters of each layer.
    rest : str
        Loss and optimizer.

    Examples
    --------
    >>> from headwater import nn
    >>> nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], inputs=3).summary()
    layer                   weights  parameters
    Dense(4, 'relu')        3 × 4            16
    Dense(1, 'identity')    4 × 1             5
    total                                    21
    loss mse, optimizer SGD(lr=0.01)
    """

    rows: tuple[tuple[str, str, int], ...]
    rest: str

    @property
    def parameters(self) -> int:
        """Total number of parameters."""
        return sum(count for *_, count in self.rows)

    def __repr__(self) -> str:
        lines = [("layer", "weights", "parameters"), *((a, b, f"{c:,}") for a, b, c in self.rows)]
        lines.append(("total", "", f"{self.parameters:,}"))
        widths = [max(len(line[i]) for line in lines) for i in range(3)]
        table = [f"{a:<{widths[0]}}    {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in lines]
        return "\n".join([*table, self.rest])


def summary_of(expert: Expert, layers: Sequence[Parameters]) -> Summary:
    """Return the summary of an expert, given the parameters of its layers."""
    own = iter(layers)
    rows = []
    for layer in expert.layers:
        name = type(layer).__name__
        has = name in LEARNED and _has_numbers(layer)
        parts = [next(own) for _ in range(2 if name == "Recurrent" else 1)] if has else []  # U, V, D, then ν and ϑ
        shape = " × ".join(map(str, parts[0].weights.shape)) if parts else ""
        count = sum(part.weights.size + (0 if part.bias is None else part.bias.size) for part in parts)
        rows.append((_declared(layer), shape, count))
    return Summary(tuple(rows), f"loss {expert.loss.name}, optimizer {expert.optimizer!r}")


LEARNED = ("Dense", "Embedding", "LayerNorm", "BatchNorm", "Conv", "Recurrent")
"""Layers with parameters."""


def _has_numbers(layer: object) -> bool:
    return getattr(layer, "affine", True) is True


def _declared(layer: object) -> str:
    """Return a layer as it is declared, by its class, units and activation."""
    given = [
        getattr(layer, name, None)
        for name in ("units", "rows", "name", "rate", "channels", "kernel", "size", "kind", "activation")
    ]
    return f"{type(layer).__name__}({', '.join(repr(value) for value in given if value is not None)})"
