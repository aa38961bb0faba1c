"""Layers, declared: frozen dataclasses without a number in them; ``core/declaration.py`` declares a stack of them to the core.

A neuron computes y = f(w·x + b). A ``Dense`` layer is ``units`` of them side by side, Y = f(W·X + b); a network is layers
one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from headwater.errors import ConfigError, choose
from headwater.plain.activations import ACTIVATIONS as _ROWS

from .initializers import Initializer, for_activation

ACTIVATIONS: tuple[str, ...] = tuple(_ROWS)
"""Every activation by its string name."""


@dataclass(frozen=True, slots=True)
class Activation:
    """f(x), unit by unit.

    Parameters
    ----------
    name : str
        A name in ``ACTIVATIONS``; softmax belongs to the loss and is not one of them.
    a : float, optional
        The slope of leaky_relu below zero, the α of elu.

    Raises
    ------
    ConfigError
        If there is no such activation.

    Examples
    --------
    >>> Activation("leaky_relu", 0.2)
    Activation(name='leaky_relu', a=0.2)
    """

    name: str
    a: float | None = None

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            hint = (
                "Softmax is the link of the loss 'cross_entropy'."
                if self.name == "softmax"
                else choose(self.name, ACTIVATIONS)
            )
            raise ConfigError(
                expected=f"one of {', '.join(ACTIVATIONS)}", got=repr(self.name), at="activation", help=hint
            )

    @property
    def number(self) -> float:
        """The activation's own constant, given or default."""
        return _ROWS[self.name].default if self.a is None else self.a


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer of neurons: Y = f(Wᵀ·X + b).

    Parameters
    ----------
    units : int
        How many neurons, m.
    activation : str
        f, a name in ``ACTIVATIONS``.
    bias : bool
        Whether there is a b.
    initializer : str or Initializer, optional
        Where W starts; He in front of the ReLU family, LeCun in front of SELU, else Glorot. b starts at 0.

    Raises
    ------
    ConfigError
        If units is not a whole number above 0, or a name is unknown.

    References
    ----------
    Rosenblatt 1958.

    Examples
    --------
    >>> Dense(32, "relu")
    Dense(units=32, activation='relu', bias=True, initializer=None)
    """

    units: int
    activation: str = "identity"
    bias: bool = True
    initializer: str | Initializer | None = None

    def __post_init__(self) -> None:
        whole(self.units, "units of nn.Dense")
        Activation(self.activation)
        self.start()

    def start(self) -> Initializer:
        """Return the initializer of W."""
        if self.initializer is None:
            return for_activation(self.activation)
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A table of rows: an id picks its row, several ids the sum of theirs. Only as first layer.

    Parameters
    ----------
    rows : int
        How many ids there are: 0 … rows − 1.
    units : int
        Width of a row.
    initializer : str or Initializer
        Where the rows start.

    References
    ----------
    Bengio et al. 2003. An embedding followed by a Dense layer on the same ids is the input table of a learner: there each
    category has its row without being declared.

    Examples
    --------
    >>> Embedding(100, 8).units
    8
    """

    rows: int
    units: int
    initializer: str | Initializer = "lecun"

    def __post_init__(self) -> None:
        whole(self.rows, "rows of nn.Embedding")
        whole(self.units, "units of nn.Embedding")
        self.start()

    def start(self) -> Initializer:
        """Return the initializer of the rows."""
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Recurrent:
    """A diagonal linear recurrence, h ← λ·h + γ·(U + iV)·x, a complex number a unit. Only as first layer.

    Its outputs are [Re h, Im h, D·x], 2·units + direct numbers, for the layers behind it; λ = exp(−e^ν + i·e^ϑ) and
    γ = √(1 − |λ|²) are learned with U, V and D. The state h is carried from row to row. Gradients are exact, those of
    backpropagation through the whole past, and are had by carrying sensitivities forward: a row costs the same whatever
    came before it, and nothing of the past is kept.

    Parameters
    ----------
    units : int
        Complex numbers of the state.
    direct : int
        Outputs that read the row itself, beside the state.
    r_min, r_max : float
        |λ| begins between these; 1 forgets nothing.
    max_angle : float
        The angle of λ begins between 0 and this, in radians.
    initializer : str or Initializer
        Where U, V and D start.

    Raises
    ------
    ConfigError
        For numbers out of range.

    Notes
    -----
    ``Network.learn_many`` moves the state row by row; ``predict`` and ``gradients`` read rows as a sequence that follows
    what was learned, and leave the state as it is; ``Network.reset`` lets it begin at 0. The gradient is exact while weights
    stand still: as they move, what is carried belongs to weights of a moment ago, so ν and ϑ take half the step.

    References
    ----------
    Orvieto et al. 2023 (linear recurrent units); Zucchet et al. 2023 (exact gradients online); Williams & Zipser 1989.

    Examples
    --------
    >>> Recurrent(8, direct=4).width
    20
    """

    units: int
    direct: int = 0
    r_min: float = 0.0
    r_max: float = 1.0
    max_angle: float = 6.28
    initializer: str | Initializer = "lecun"

    def __post_init__(self) -> None:
        whole(self.units, "units of nn.Recurrent")
        if self.direct != 0:
            whole(self.direct, "direct of nn.Recurrent")
        if not 0 <= self.r_min <= self.r_max <= 1 or self.r_max == 0:
            got = f"{self.r_min!r} and {self.r_max!r}"
            raise ConfigError(
                expected="0 ≤ r_min ≤ r_max ≤ 1, and r_max above 0",
                got=got,
                at="nn.Recurrent",
                help="Give e.g. 0.9 and 0.999.",
            )
        if not 0 < self.max_angle <= 6.3:
            raise ConfigError(
                expected="an angle above 0, at most 2π",
                got=repr(self.max_angle),
                at="max_angle of nn.Recurrent",
                help="Give e.g. 0.5 for slow swings.",
            )
        self.start()

    @property
    def width(self) -> int:
        """How many outputs it has."""
        return 2 * self.units + self.direct

    def start(self) -> Initializer:
        """Return the initializer of U, V and D."""
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Dropout:
    """While learning, silence each unit with probability ``rate`` and scale the others by 1/(1 − rate).

    Parameters
    ----------
    rate : float
        Share of silent units, from 0 up to but not 1.

    Raises
    ------
    ConfigError
        If the rate lies outside.

    References
    ----------
    Srivastava et al. 2014.

    Examples
    --------
    >>> Dropout(0.1).rate
    0.1
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigError(
                expected="a rate from 0 up to but not 1", got=repr(self.rate), at="nn.Dropout", help="Give e.g. 0.1."
            )


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """y = g·(x − mean x)/√(var x + ε) + b over the units of one sample: exact one sample at a time, no state.

    Parameters
    ----------
    affine : bool
        Whether g and b exist and are learned.
    eps : float
        ε, against division by zero.

    References
    ----------
    Ba, Kiros & Hinton 2016.

    Examples
    --------
    >>> LayerNorm().eps
    1e-05
    """

    affine: bool = True
    eps: float = 1e-5


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """y = g·(x − μ)/√(σ² + ε) + b, with μ and σ² of each unit.

    On a mini-batch μ and σ² are those of the batch while learning. One sample at a time there is no batch: the sample first
    moves the running μ and σ² (by at most momentum/100) and is normalised by them; the gradient takes them as constants.
    Predictions use the running ones always.

    Parameters
    ----------
    momentum : float
        How far a batch moves the running statistics.

    References
    ----------
    Ioffe & Szegedy 2015; one sample at a time: Chiley et al. 2019, without the control terms.

    Examples
    --------
    >>> BatchNorm().momentum
    0.1
    """

    momentum: float = 0.1


@dataclass(frozen=True, slots=True)
class Conv:
    """Neurons that see a window of an image each, and slide over it: one image in, ``channels`` images out.

    Y[o, i, j] = f(b[o] + Σ over c, u, v of W[o, c, u, v]·X[c, stride·i + u − padding, stride·j + v − padding]). Only in an
    ``nn.Network`` whose inputs are an image, ``inputs=(channels, height, width)``.

    Parameters
    ----------
    channels : int
        How many kernels, and so images that come out.
    kernel : int
        Rows and columns of the window.
    activation : str
        f, a name in ``ACTIVATIONS``.
    stride : int
        How many pixels further on the next window lies.
    padding : int
        Rows and columns of zeros around the image; less than ``kernel``.
    bias : bool
        Whether there is a b.
    initializer : str or Initializer, optional
        Where W starts, drawn as that of a Dense layer from a window to ``channels`` units.

    Raises
    ------
    ConfigError
        If a number is out of range, or a name is unknown.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner 1998.

    Examples
    --------
    >>> Conv(6, 5, "relu", padding=2)
    Conv(channels=6, kernel=5, activation='relu', stride=1, padding=2, bias=True, initializer=None)
    """

    channels: int
    kernel: int
    activation: str = "identity"
    stride: int = 1
    padding: int = 0
    bias: bool = True
    initializer: str | Initializer | None = None

    def __post_init__(self) -> None:
        whole(self.channels, "channels of nn.Conv")
        whole(self.kernel, "kernel of nn.Conv")
        whole(self.stride, "stride of nn.Conv")
        _padding(self.padding, self.kernel - 1, "padding of nn.Conv")
        Activation(self.activation)
        self.start()

    def start(self) -> Initializer:
        """Return the initializer of W."""
        if self.initializer is None:
            return for_activation(self.activation)
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Pool:
    """An image in fewer pixels: of each window, channel by channel, the largest number or the mean.

    Parameters
    ----------
    size : int
        Rows and columns of the window.
    stride : int, optional
        How many pixels further on the next window lies; ``size`` without it.
    padding : int
        Rows and columns around the image that are never the largest, and count as zeros for a mean; half of ``size`` at most.
    kind : str
        "max" or "mean".

    Raises
    ------
    ConfigError
        If a number is out of range, or the kind is unknown.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner 1998.

    Examples
    --------
    >>> Pool(2).step
    2
    """

    size: int = 2
    stride: int | None = None
    padding: int = 0
    kind: str = "max"

    def __post_init__(self) -> None:
        whole(self.size, "size of nn.Pool")
        whole(self.step, "stride of nn.Pool")
        _padding(self.padding, self.size // 2, "padding of nn.Pool")
        if self.kind not in ("max", "mean"):
            raise ConfigError(
                expected="'max' or 'mean'", got=repr(self.kind), at="kind of nn.Pool", help="Leave it out for 'max'."
            )

    @property
    def step(self) -> int:
        """How far the next window lies."""
        return self.size if self.stride is None else self.stride


@dataclass(frozen=True, slots=True)
class Flatten:
    """From an image to its numbers side by side, channel after channel, which a Dense layer can read.

    Examples
    --------
    >>> Flatten()
    Flatten()
    """


IMAGE_LAYERS = (Conv, Pool, Flatten)
"""Layers that read an image, and nothing else."""
Layer: TypeAlias = Dense | Embedding | Activation | Dropout | LayerNorm | BatchNorm | Conv | Pool | Flatten | Recurrent
LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (Dense, Embedding, Activation, Dropout, LayerNorm, BatchNorm, Conv, Pool, Flatten, Recurrent)
}
"""Every layer class by name."""


def whole(n: object, at: str) -> None:
    """Refuse what is not a whole number above 0."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ConfigError(expected="a whole number above 0", got=repr(n), at=at, help="Give e.g. 32.")


def _padding(n: object, most: int, at: str) -> None:
    """Refuse what is not a whole number from 0 to ``most``."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= most:
        raise ConfigError(expected=f"a whole number from 0 to {most}", got=repr(n), at=at, help="Give 0 for none.")
