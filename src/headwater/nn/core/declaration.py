"""Serialize the declaration of experts to the list of numbers that the core reads.

``core/headwater.h`` documents the numbers. The core lowers them to operations and lays out the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.errors import ConfigError
from headwater.nn.expert import Expert
from headwater.nn.layers import (
    IMAGE_LAYERS,
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Pool,
    Recurrent,
)
from headwater.nn.optimizers.base import CONSTANT

if TYPE_CHECKING:
    from headwater.nn.shapes import Shape

T = TypeVar("T")
LEAN_NUMBERS = {_core.FIRST_VERSION: 0, _core.LEAN_VERSION: 2, _core.APART_VERSION: 3, _core.VERSION: 3}
"""How many numbers of lean learning a version of the core knows."""
_UNTAGGED = {0: _core.FIRST_VERSION, 2: _core.LEAN_VERSION, 3: _core.APART_VERSION}
"""The version of a declaration without tags, by its numbers of lean learning."""
LAYER_KINDS: dict[type, int] = {
    Dense: 0,
    Embedding: 1,
    Activation: 2,
    Dropout: 3,
    LayerNorm: 4,
    BatchNorm: 5,
    Conv: 9,
    Pool: 10,
    Flatten: 11,
    Recurrent: 12,
}
"""Layer codes of the core."""
CELLS = 6
"""Code of the operation that adds tile coding to a first layer."""
IMAGE, KERNEL = 7, 8
"""Codes of an image as input, and of the window of the following Conv or Pool."""


def declaration(
    experts: Sequence[Expert],
    *,
    dtype: np.dtype[Any],
    seed: int,
    outputs: int,
    inputs: int | Shape | None,
    switches: tuple[int, ...],
    max_rows: int,
    lean: tuple[float, ...] = (),
    forecast: tuple[float, ...] = (),
    bandit: tuple[float, ...] = (),
    text: tuple[float, ...] = (),
    memory: tuple[float, ...] = (),
    agent: tuple[float, ...] = (),
    tagged: bool = True,
) -> NDArray[np.float64]:
    """Return the numbers that declare experts to the core, in the order of ``core/headwater.h``.

    Parameters
    ----------
    experts : sequence of Expert
        Experts on the same embedding rows, with separate columns.
    dtype, seed, outputs, inputs, max_rows
        As in ``Core``.
    switches : tuple of int
        standard, targets, knots, ring, intervals, history, tables, tests.
    lean : tuple of float
        Lean learning: smallest gradient of a step, smallest mixture weight of replays, and of numbers a factor on the mixture's
        steps along differences.
    forecast : tuple of float
        Forecaster: horizon, season, lags, forgetting.
    bandit : tuple of float
        Bandit: exploration, its amount and power, lowest and highest reward, inputs of least squares, and whether
        actions have features, which an older bandit lacks.
    text : tuple of float
        Text: words per n-gram, detection of text columns, rows of words.
    memory : tuple of float
        Recurrence: result of ``memory_numbers``.
    agent : tuple of float
        Agent: policy, gamma, trace, two kappas, entropy, explore, random, bootstrap, bounded, adaptive, and the numbers of a
        table.
    tagged : bool
        False to declare as the core did before version 5, without blocks.

    Returns
    -------
    ndarray
    """
    *switched, history, tables, tests = map(float, switches)
    size = 0
    if inputs:  # names that grow, the default, need no shapes
        from headwater.nn.shapes import size_of

        size = size_of(inputs)
    embedding, image = isinstance(experts[0].layers[0], Embedding), inputs if isinstance(inputs, tuple) else None
    numbers = [_core.VERSION if tagged else _UNTAGGED[len(lean)], dtype == np.float64, inputs is None, size, *switched]
    numbers += [history, seed % (1 << 32), (seed >> 32) % (1 << 32), max_rows, outputs, embedding, tables, tests]
    numbers += [len(experts), *remembered(_experts, tuple(experts), outputs, image)]
    if not tagged:
        return np.array([*numbers, *lean, *forecast, *text, *bandit, *memory, *agent], np.float64)
    left = dict(lean=lean, text=text, memory=memory, forecast=forecast, bandit=bandit, agent=agent)  # noqa: C408  # parameters
    for name, tag, count in _core.BLOCKS:  # two blocks may share a name, in the core's order
        own, left[name] = (left[name][:count], left[name][count:]) if count else (left[name], ())
        if own:
            numbers += (tag, len(own), *own)
    return np.array(numbers, np.float64)


def is_tagged(state: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether a state's declaration consists of blocks, as from version 5 on."""
    return bool(state["declaration"][0] >= _core.VERSION)


def without_last(state: Mapping[str, NDArray[Any]], count: int) -> NDArray[np.float64]:
    """Return a state's declaration without its last block, which has ``count`` numbers."""
    return state["declaration"][: -count - 2 * is_tagged(state)]


def memory_numbers(
    layer: Recurrent, *, keys: int, blocks: int, traced: int, by: bytes = b"", time: bytes = b""
) -> tuple[float, ...]:
    """Return the numbers that declare the state of a recurrence.

    Parameters
    ----------
    layer : Recurrent
        The layer, with its units and the initial range of λ.
    keys, blocks, traced : int
        Maximum number of states, of keys with sensitivities, and of embedding rows with sensitivities per key.
    by, time : bytes
        Names of the key and time columns; empty for none.

    Returns
    -------
    tuple of float
    """
    own = (layer.units, keys, blocks, traced, layer.r_min, layer.r_max, layer.max_angle, len(by), len(time))
    return (*map(float, own), *map(float, by), *map(float, time))


def remembered(function: Callable[..., T], *arguments: Any) -> T:
    """Call a cached function, bypassing the cache for unhashable arguments such as lists of layers."""
    try:
        hash(arguments)
    except TypeError:
        uncached: Callable[..., T] = function.__wrapped__  # type: ignore[attr-defined]
        return uncached(*arguments)
    return function(*arguments)


@lru_cache(maxsize=16)  # experts are hashable values, and most learners share the default pool's
def _experts(experts: tuple[Expert, ...], outputs: int, image: Shape | None) -> tuple[float, ...]:
    """Return, expert by expert, loss, optimizer, schedule, penalties and replays, whether it has tile coding, and its layers."""
    numbers: list[float] = []
    shared: dict[int, tuple[float, ...]] = {}  # what several experts of a pool have is written once
    for expert in experts:
        loss, rule, lr, layers = expert.loss, expert.optimizer, expert.optimizer.lr, expert.layers
        if id(loss) not in shared:
            shared[id(loss)] = _core.LOSSES.index(loss.name), loss.number
        if id(rule) not in shared:
            own = (*rule.numbers(), 0.0, 0.0, 0.0, 0.0)[:4]
            rate = (CONSTANT, float(lr), 0.0, 0.0) if isinstance(lr, int | float) else lr.numbers()
            shared[id(rule)] = _core.RULES.index(rule.rule.name), *own, *rate
        if id(layers) not in shared:
            shared[id(layers)] = _layers(layers, outputs, image)
        numbers += (*shared[id(loss)], *shared[id(rule)], expert.l1, expert.l2, expert.clip_norm, expert.clip_value)
        numbers += (expert.replays, expert.first_replays, expert.cells, *shared[id(layers)])
    return tuple(numbers)


def _layers(layers: Sequence[Layer], outputs: int, image: Shape | None) -> tuple[float, ...]:
    """Return the number of rows that declare a stack of layers, and the rows."""
    rows: list[list[float]] = [] if image is None else [[IMAGE, 0, image[0], image[1], 0, 0, image[2], 0]]
    for i, layer in enumerate(layers):
        if image is None and isinstance(layer, IMAGE_LAYERS):
            raise ConfigError(
                expected="layers that read named values, which are no image",
                got=f"nn.{type(layer).__name__}",
                at="layers",
                help="Use nn.Network([nn.Conv(…), …], inputs=(channels, height, width)) for images.",
            )
        if isinstance(layer, Dense | Embedding):
            last = len(rows)
        rows += _layer(i, layer)
    rows[last][2] = outputs
    return (len(rows), *chain.from_iterable(rows))


def _layer(index: int, layer: Layer) -> list[list[float]]:
    """Return the rows of a declared layer. A dense layer with an activation has two."""
    kind = LAYER_KINDS.get(type(layer), -1)
    if isinstance(layer, Dense | Embedding):
        start = layer.start()
        code = _core.INITIALIZERS.index(start.kind)
        own = [kind, 0, layer.units, 0, float(isinstance(layer, Dense) and layer.bias), code, start.scale, index]
        if isinstance(layer, Embedding) or layer.activation == "identity":
            return [own]
        return [own, *_layer(index, Activation(layer.activation))]
    if isinstance(layer, Recurrent):
        start = layer.start()
        code = _core.INITIALIZERS.index(start.kind)
        return [
            [LAYER_KINDS[Dense], 0, layer.width, 0, 1.0, code, start.scale, index],
            [kind, 0, 0, 0, 0, 0, 0, index],
        ]
    if isinstance(layer, Activation):
        return [[kind, _core.ACTIVATIONS.index(layer.name), 0, layer.number, 0, 0, 0, index]]
    if isinstance(layer, Dropout):
        return [[kind, 0, 0, layer.rate, 0, 0, 0, index]]
    if isinstance(layer, LayerNorm):
        return [[kind, 0, 0, layer.eps, float(layer.affine), 0, 0, index]]
    if isinstance(layer, BatchNorm):
        return [[kind, 0, 0, layer.momentum, 1, 0, 0, index]]
    if isinstance(layer, IMAGE_LAYERS):
        return _image_layer(index, kind, layer)
    raise ConfigError(expected="a layer of headwater.nn", got=repr(layer), at="layers", help="See headwater.nn.LAYERS.")


def _image_layer(index: int, kind: int, layer: Conv | Pool | Flatten) -> list[list[float]]:
    """Return the rows of an image layer, which are its window and the layer itself."""
    if isinstance(layer, Flatten):
        return [[kind, 0, 0, 0, 0, 0, 0, index]]
    if isinstance(layer, Pool):
        seen: list[float] = [KERNEL, 0, layer.size, layer.step, 0, 0, layer.padding, index]
        return [seen, [kind, float(layer.kind == "mean"), 0, 0, 0, 0, 0, index]]
    start = layer.start()
    seen = [KERNEL, 0, layer.kernel, layer.stride, 0, 0, layer.padding, index]
    code = _core.INITIALIZERS.index(start.kind)
    own = [kind, 0, layer.channels, 0, float(layer.bias), code, start.scale, index]
    activation = [] if layer.activation == "identity" else _layer(index, Activation(layer.activation))
    return [seen, own, *activation]
