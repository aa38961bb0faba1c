"""What an operation is called elsewhere: the nodes of an ONNX graph, the modules of PyTorch.

The rows of activations and links carry these, so an exporter is a loop over rows and holds no table of its own. In both,
the text ``"x"`` stands for the operation's input and ``"a"`` for its own constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One node of an ONNX graph, with the nodes that it reads.

    Parameters
    ----------
    operator : str
        Name of the ONNX operator.
    inputs : tuple
        What it reads, in order: ``"x"``, ``"a"``, a number, or another node.
    attributes : mapping
        The operator's attributes: a number, or ``"a"``.

    Examples
    --------
    x · sigmoid(x) is two nodes:

    >>> OnnxNode("Mul", ("x", OnnxNode("Sigmoid"))).inputs[1].operator
    'Sigmoid'
    """

    operator: str
    inputs: tuple[OnnxNode | float | str, ...] = ("x",)
    attributes: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TorchModule:
    """One module of ``torch.nn``.

    Parameters
    ----------
    name : str
        Its class.
    constant : str
        The argument, and attribute, that holds the constant a; "" if there is none.
    required : mapping
        Arguments with which the module computes the same formula. A module that is read must have these values.
    written : mapping
        More arguments with which the module is made. A module that is read may have any values there.

    Examples
    --------
    >>> TorchModule("LeakyReLU", constant="negative_slope").constant
    'negative_slope'
    """

    name: str
    constant: str = ""
    required: Mapping[str, float | str] = field(default_factory=dict)
    written: Mapping[str, float | str] = field(default_factory=dict)
