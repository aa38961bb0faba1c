"""Layer declarations as frozen dataclasses without parameters.

``core/declaration.py`` declares a stack of them to the core. A neuron computes y = f(w·x + b). A ``Dense`` layer is ``units``
neurons in parallel, Y = f(W·X + b), and a network is a sequence of layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

from headwater.errors import ConfigError, choose
from headwater.plain.activations import ACTIVATIONS as _ROWS
from headwater.types import own_numbers, with_own_numbers

from .initializers import Initializer, for_activation, named

ACTIVATIONS: tuple[str, ...] = tuple(_ROWS)
"""Every activation by its string name."""


@dataclass(frozen=True, slots=True)
class Activation:
    """Activation layer f(x), applied elementwise.

    Parameters
    ----------
    name : str
        A name in ``ACTIVATIONS``. Softmax is not one of them, since it belongs to the loss.
    a : float, optional
        The slope of leaky_relu below zero, the α of elu.

    Raises
    ------
    ConfigError
        For an unknown activation.

    Examples
    --------
    >>> Activation("leaky_relu", 0.2)
    Activation(name='leaky_relu', a=0.2)
    """

    name: str
    a: float | None = None

    def __post_init__(self) -> None:
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
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
        """The activation's constant, given or default."""
        return _ROWS[self.name].default if self.a is None else self.a


@dataclass(frozen=True, slots=True)
class Dense:
    """Dense layer, Y = f(Wᵀ·X + b).

    Parameters
    ----------
    units : int
        Number of units m.
    activation : str
        f, a name in ``ACTIVATIONS``.
    bias : bool
        Whether there is a bias b.
    initializer : str or Initializer, optional
        Initializer of W; by default He before the ReLU family, LeCun before SELU, else Glorot. b starts at 0.

    Raises
    ------
    ConfigError
        If units is not a positive integer, or a name is unknown.

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
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
        whole(self.units, "units of nn.Dense")
        if self.activation not in _ROWS:
            Activation(self.activation)  # says what is expected
        self.start()

    def start(self) -> Initializer:
        """Return the initializer of W."""
        if self.initializer is None:
            return for_activation(self.activation)
        return self.initializer if isinstance(self.initializer, Initializer) else named(self.initializer)


@dataclass(frozen=True, slots=True)
class Embedding:
    """Embedding layer, which sums the rows of a sample's ids. Only as first layer.

    Parameters
    ----------
    rows : int
        Number of ids 0 … rows − 1.
    units : int
        Width of a row.
    initializer : str or Initializer
        Initializer of the rows.

    References
    ----------
    Bengio et al. 2003. The input table of a learner works like an embedding, with a row for each category that appears.

    Examples
    --------
    >>> Embedding(100, 8).units
    8
    """

    rows: int
    units: int
    initializer: str | Initializer = "lecun"

    def __post_init__(self) -> None:
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
        whole(self.rows, "rows of nn.Embedding")
        whole(self.units, "units of nn.Embedding")
        self.start()

    def start(self) -> Initializer:
        """Return the initializer of the rows."""
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Recurrent:
    """Diagonal linear recurrence, h ← λ·h + γ·(U + iV)·x, with complex units. Only as first layer.

    Its outputs are [Re h, Im h, D·x], 2·units + direct numbers. λ = exp(−e^ν + i·e^ϑ) and γ = √(1 − |λ|²) are learned with
    U, V and D. The state h is carried from row to row. Gradients equal those of backpropagation through the whole past,
    computed by carrying sensitivities forward (real-time recurrent learning), so a row's cost is constant and no past is
    stored.

    Parameters
    ----------
    units : int
        Number of complex state units.
    direct : int
        Number of outputs that read the row itself.
    r_min, r_max : float
        Initial range of |λ|; 1 forgets nothing.
    max_angle : float
        Upper bound of the initial angle of λ, in radians.
    initializer : str or Initializer
        Initializer of U, V and D.

    Raises
    ------
    ConfigError
        For numbers out of range.

    Notes
    -----
    ``Network.learn_many`` updates the state row by row. ``predict`` and ``gradients`` read rows as a sequence that follows the
    learned rows, without changing the state. ``Network.reset`` sets the state to 0. The gradient is exact for constant weights.
    While weights change, the carried sensitivities belong to slightly older weights, so ν and ϑ take half the step.

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
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
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
        """Number of outputs."""
        return 2 * self.units + self.direct

    def start(self) -> Initializer:
        """Return the initializer of U, V and D."""
        return self.initializer if isinstance(self.initializer, Initializer) else Initializer(self.initializer)


@dataclass(frozen=True, slots=True)
class Dropout:
    """While learning, drop each unit with probability ``rate`` and scale the others by 1/(1 − rate).

    Parameters
    ----------
    rate : float
        Share of units dropped, in [0, 1).

    Raises
    ------
    ConfigError
        For a rate outside this range.

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
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
        if not 0 <= self.rate < 1:
            raise ConfigError(
                expected="a rate from 0 up to but not 1", got=repr(self.rate), at="nn.Dropout", help="Give e.g. 0.1."
            )


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Layer normalization, y = g·(x − mean x)/√(var x + ε) + b over the units of one sample.

    It has no running statistics, so learning one sample at a time is exact.

    Parameters
    ----------
    affine : bool
        Whether g and b exist and are learned.
    eps : float
        ε, which avoids division by zero.

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
    """Batch normalization, y = g·(x − μ)/√(σ² + ε) + b with μ and σ² per unit.

    When learning a mini-batch, μ and σ² are the batch's. When learning one sample at a time, the sample first updates the
    running μ and σ² (by at most momentum/100) and is normalized by them, and the gradient treats them as constants.
    Predictions always use the running statistics.

    Parameters
    ----------
    momentum : float
        Rate at which a batch updates the running statistics.

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
    """Convolution layer with ``channels`` kernels over an image.

    Y[o, i, j] = f(b[o] + Σ over c, u, v of W[o, c, u, v]·X[c, stride·i + u − padding, stride·j + v − padding]). Only in an
    ``nn.Network`` with ``inputs=(channels, height, width)``.

    Parameters
    ----------
    channels : int
        Number of kernels, and of output channels.
    kernel : int
        Rows and columns of the window.
    activation : str
        f, a name in ``ACTIVATIONS``.
    stride : int
        Distance between windows, in pixels.
    padding : int
        Rows and columns of zeros around the image, fewer than ``kernel``.
    bias : bool
        Whether there is a bias b.
    initializer : str or Initializer, optional
        Initializer of W, drawn like a Dense layer from a window to ``channels`` units.

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
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
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
    """Pooling layer, the maximum or mean of each window per channel.

    Parameters
    ----------
    size : int
        Rows and columns of the window.
    stride : int, optional
        Distance between windows, in pixels; ``size`` by default.
    padding : int
        Rows and columns around the image, at most half of ``size``. They are never the maximum, and count as zeros in a
        mean.
    kind : str
        "max" or "mean".

    Raises
    ------
    ConfigError
        If a number is out of range or the kind is unknown.

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
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
        whole(self.size, "size of nn.Pool")
        whole(self.step, "stride of nn.Pool")
        _padding(self.padding, self.size // 2, "padding of nn.Pool")
        if self.kind not in ("max", "mean"):
            raise ConfigError(
                expected="'max' or 'mean'", got=repr(self.kind), at="kind of nn.Pool", help="Leave it out for 'max'."
            )

    @property
    def step(self) -> int:
        """Distance between windows."""
        return self.size if self.stride is None else self.stride


@dataclass(frozen=True, slots=True)
class Flatten:
    """Flatten an image, channel after channel, for a Dense layer.

    Examples
    --------
    >>> Flatten()
    Flatten()
    """


IMAGE_LAYERS = (Conv, Pool, Flatten)
"""Layers that read only images."""
Layer: TypeAlias = Dense | Embedding | Activation | Dropout | LayerNorm | BatchNorm | Conv | Pool | Flatten | Recurrent
LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (Dense, Embedding, Activation, Dropout, LayerNorm, BatchNorm, Conv, Pool, Flatten, Recurrent)
}
"""Every layer class by name."""


def whole(n: object, at: str) -> None:
    """Raise ConfigError unless n is a positive integer."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ConfigError(expected="a whole number above 0", got=repr(n), at=at, help="Give e.g. 32.")


def _padding(n: object, most: int, at: str) -> None:
    """Raise ConfigError unless n is an integer from 0 to ``most``."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= most:
        raise ConfigError(expected=f"a whole number from 0 to {most}", got=repr(n), at=at, help="Give 0 for none.")
