"""Map operations to ONNX nodes and PyTorch modules.

The rows of activations and links carry these mappings, so an exporter is a loop over rows without a table of its own. In both,
the text ``"x"`` is the operation's input and ``"a"`` its constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One node of an ONNX graph, with its input nodes.

    Parameters
    ----------
    operator : str
        Name of the ONNX operator.
    inputs : tuple
        Inputs in order: ``"x"``, ``"a"``, a number, or another node.
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
        Class name.
    constant : str
        Name of the argument and attribute for the constant a, or "".
    required : mapping
        Arguments that make the module compute the same formula. Imported modules must have these values.
    written : mapping
        Further arguments set on export. Imported modules may have any value.

    Examples
    --------
    >>> TorchModule("LeakyReLU", constant="negative_slope").constant
    'negative_slope'
    """

    name: str
    constant: str = ""
    required: Mapping[str, float | str] = field(default_factory=dict)
    written: Mapping[str, float | str] = field(default_factory=dict)
