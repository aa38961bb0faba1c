"""Recompute a net's layer values and derivatives in NumPy, for explanations and diagnosis.

The core keeps only what the next step needs. Explanations and the diagnosis of layers need every value for a few samples, so
the same operations are computed here in float64 over arrays (samples, units), without changing the net or drawing random
numbers. The core itself encodes the samples. Results are tested against the core and against finite differences. A value is
the input or output of an operation, a delta the derivative by it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_text, name_of
from headwater.plain.activations import ACTIVATIONS
from headwater.plain.images import ConvolutionLayer, PoolLayer
from headwater.plain.inputs.answers import COLUMNS, AnswerHistory
from headwater.plain.layers import BatchNormalisation
from headwater.plain.losses import LINKS, LOSSES
from headwater.plain.mixture import FARTHEST, log_link, log_link_gradient

from .core import Core, bias, weights
from .core.views import Operation

__all__ = [
    "Entries",
    "answer_history",
    "answer_units",
    "answers_before",
    "backward",
    "entries",
    "forward",
    "link",
    "link_backward",
    "logits",
    "loss_delta",
    "mix",
    "mix_backward",
    "predict",
    "read",
    "Word",
    "texts",
    "mix_slope",
    "history_logits",
    "mixture_weights",
]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Entries:
    """Encoded entries of some samples, as the core reads them without learning.

    Parameters
    ----------
    rows : ndarray (n,)
        Embedding row of each entry, without the bias.
    values : ndarray (n,)
        Factor on the row: a standardized number, a basis value, or 1 for a category.
    owner : ndarray (n,)
        Index of its sample.
    count : int
        Number of samples.
    cells : ndarray (samples, tables), optional
        Cell in each table, with tile coding.
    text : ndarray (samples, outputs), optional
        Contribution of words to the mixture, with text.
    carried : ndarray (samples, 2·units), optional
        Contribution [Re, Im] of λ^Δt·h of a recurrent state to each sample.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    owner: NDArray[np.int64]
    count: int
    cells: NDArray[np.int64] | None = None
    text: Array | None = None
    carried: Array | None = None


def entries(core: Core, rows: Any, count: int, *, baseline: bool = False) -> Entries:
    """Return the entries of ``count`` rows (``encode.as_rows``) that are present and were learned at least once.

    With ``baseline``, every number is at its running mean (at 0 where numbers aren't standardized), and there are no
    categories.
    """
    found, values, ends = core.learner.pairs(rows, 0, count, baseline)
    where, x = np.frombuffer(found, np.int32).astype(np.int64), np.frombuffer(values)
    last = np.frombuffer(ends, np.int64)
    owner = np.repeat(np.arange(count), last[1:] - last[:-1])
    keep = where > 0
    carried = None if baseline else carried_of(core, rows, count)
    return Entries(
        where[keep], x[keep], owner[keep], count, cells_of(core, rows, count, baseline=baseline), carried=carried
    )


def carried_of(core: Core, rows: Any, count: int) -> Array | None:
    """Return the carried state [Re, Im] of λ^Δt·h for each row's key (count, 2·units), or None without a state."""
    found = [(e, layer) for e, expert in enumerate(core.experts) if (layer := expert.recurrent) is not None]
    if not found:
        return None
    e, layer = found[0]
    units = layer.units
    read = np.frombuffer(core.learner.memory(rows, 0, count, units)).reshape(count, 2 * units + 1)
    h, gap = read[:, :units] + 1j * read[:, units:-1], read[:, -1:]
    decay, angle, _ = _recurrence(next(one for one in core.operations(e) if one.name == "recurrent"), units)
    moved = np.exp((1j * angle - decay) * gap) * h
    return np.hstack([moved.real, moved.imag])


def recurrent_units(core: Core, e: int) -> int:
    """Return the number of complex state units of expert e, or 0."""
    layer = core.experts[e].recurrent
    return layer.units if layer else 0


def cells_of(core: Core, rows: Any, count: int, *, baseline: bool = False) -> NDArray[np.int64] | None:
    """Return each row's cell in each table (count, tables), or None without tile coding."""
    if not core.about["tables"]:
        return None
    found = core.learner.cells(rows, 0, count, baseline)
    return np.frombuffer(found, np.int32).astype(np.int64).reshape(count, int(core.about["tables"]))


def entries_of_array(x: Array) -> Entries:
    """Return the entries of rows x (n, inputs) of a net with fixed inputs, where input j is row j + 1."""
    owner, place = np.nonzero(np.isfinite(x))
    return Entries(place + 1, np.clip(x[owner, place].astype(np.float64), -1e30, 1e30), owner, len(x))


def read(core: Core, e: int, taken: Entries) -> Array:
    """Return the first layer of expert e before its activation, z = b + Σ value·W[row], shape (samples, units)."""
    if core.image is not None:
        image = np.zeros((taken.count, math.prod(core.image)))
        image[taken.owner, taken.rows - 1] = taken.values
        return image
    place = next(place for place in core.places() if place.expert == e and place.table)
    b = bias(core, place)
    z = np.zeros((taken.count, place.m))
    if b is not None:
        z += b
    add_rows(z, weights(core, place), taken)
    return np.asarray(z + added_by_cells(core, e, taken.cells).sum(1))


def add_rows(z: Array, table: Array, taken: Entries) -> None:
    """Add Σ value·W[row] of each sample to z (samples, units), a few samples at a time, whose terms stay in the cache."""
    rows, values, owner = taken.rows - 1, taken.values, taken.owner
    if (owner[1:] < owner[:-1]).any():
        order = np.argsort(owner, kind="stable")
        rows, values, owner = rows[order], values[order], owner[order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))  # start of each sample's entries
    ends = np.append(first[1:], len(owner))
    at = 0
    while at < len(first):
        start = first[at]
        stop = max(at + 1, int(np.searchsorted(ends, start + TOGETHER, "right")))
        terms = table[rows[start : ends[stop - 1]]].astype(np.float64)
        terms *= values[start : ends[stop - 1], None]
        z[owner[first[at:stop]]] += np.add.reduceat(terms, first[at:stop] - start)
        at = stop


def added_by_cells(core: Core, e: int, cells: NDArray[np.int64] | None) -> Array:
    """Return what each tile-coding table adds to the first layer of expert e, shape (samples, tables, units)."""
    tables = core.cells(e)
    if tables is None or cells is None:
        return np.zeros((1, 1, 1))
    weights = tables[np.arange(len(tables)), cells].astype(np.float64)
    return np.asarray(np.sqrt(20 / len(tables)) * weights)


def forward(core: Core, e: int, z: Array, carried: Array | None = None) -> list[Array]:
    """Return the values before each operation of expert e, starting with z (samples, units), and finally its logits.

    ``carried`` is the recurrent state's contribution to each sample, 0 by default.
    """
    values, units = [z], recurrent_units(core, e)
    for operation in core.operations(e):
        if operation.name == "recurrent":
            y = values[-1].copy()
            y[:, : 2 * units] *= np.tile(_recurrence(operation, units)[2], 2)
            y[:, : 2 * units] += 0 if carried is None else carried
            values.append(y)
        else:
            values.append(_forward(operation, values[-1]))
    return values


def _recurrence(operation: Operation, units: int) -> tuple[Array, Array, Array]:
    """Return e^ν, θ and γ of each unit."""
    own = (operation.weights, operation.bias)
    decay, angle = (np.exp(np.asarray(part, np.float64)[:units]) for part in own)
    return decay, angle, np.sqrt(1 - np.exp(-2 * decay))


def backward(core: Core, e: int, values: list[Array], delta: Array) -> list[Array]:
    """Return the derivative by each of those values, given delta (samples, outputs) by the logits."""
    deltas = [delta]
    operations = core.operations(e)
    for i in range(len(operations) - 1, -1, -1):
        if operations[i].name == "recurrent":
            delta, units = deltas[-1].copy(), recurrent_units(core, e)
            delta[:, : 2 * units] *= np.tile(_recurrence(operations[i], units)[2], 2)
            deltas.append(delta)
            continue
        deltas.append(_backward(operations[i], values[i], values[i + 1], deltas[-1]))
    return deltas[::-1]


def logits(core: Core, e: int, taken: Entries) -> Array:
    """Return the logits of expert e, shape (samples, outputs)."""
    return forward(core, e, read(core, e, taken), taken.carried)[-1]


def mixture_weights(core: Core) -> Array:
    """Return the weight of each expert in the mixture, shape (experts,)."""
    return np.asarray(core.mixture_weights.copy())


def predict(core: Core, taken: Entries) -> Array:
    """Return the mixture's prediction (samples, outputs), in the units that the experts learn in."""
    return mix(core, [logits(core, e, taken) for e in range(len(core.experts))], taken.text)


@dataclass(frozen=True, slots=True)
class Word:
    """A word or word pair of a text, or a whole embedding.

    Parameters
    ----------
    column : hashable
        Column of the text or the embedding.
    text : str
        The word or the pair, empty for an embedding.
    times : int
        Number of occurrences, 0 for an embedding.
    """

    column: Hashable
    text: str
    times: int

    @property
    def name(self) -> Hashable:
        """Name in an explanation, which for an embedding is that of its column."""
        return f"{self.column}: {self.text}" if self.times else self.column


def texts(core: Core, x: Mapping[Any, Any]) -> tuple[list[Word], Array]:
    """Return the words, word pairs and embeddings of a sample, and what each adds to the mixture (words, outputs)."""
    found = core.learner.texts(dict(x)) if core.about["text"] else []
    rows = np.array([row for *_, row in found], np.int64)
    values = np.array([value for *_, value, _ in found], np.float64)
    added = np.zeros((len(found), core.outputs))
    known = rows >= 0
    if known.any():
        weights = core.array("text_weights")[rows[known], : core.outputs].astype(np.float64)
        added[known] = values[known, None] * weights
    own = {name: as_text(value).encode("utf-8", "surrogatepass") for name, value in x.items() if isinstance(value, str)}
    words = []
    for name, start, end, times, *_ in found:
        column = name_of(name)
        part = own.get(column, b"")[start:end].decode("utf-8", "replace")
        words.append(Word(column, " ".join(part.split()), times))
    return _joined(words, added)


def _joined(words: list[Word], added: Array) -> tuple[list[Word], Array]:
    """Join the numbers of each embedding to one entry."""
    places: dict[Word | int, int] = {}
    place = [places.setdefault(i if word.times else word, len(places)) for i, word in enumerate(words)]
    joined = np.zeros((len(places), added.shape[1]))
    np.add.at(joined, place, added)
    return [words[place.index(i)] for i in range(len(places))], joined


def mix(core: Core, z: list[Array], text: Array | None = None) -> Array:
    """Mix the experts' logits (samples, outputs) as link(Σ wₑ·zₑ) for classes, else as Σ wₑ·link(zₑ).

    ``text`` is the contribution of words to the sum.
    """
    classes = core.about["mixture"] == CLASSES
    outs = [
        w * (own if classes else link(core, e, own))
        for e, (w, own) in enumerate(zip(mixture_weights(core), z, strict=True))
    ]
    total = np.asarray(sum(outs) + history_logits(core) + (0.0 if text is None else text))
    return link(core, 0, total) if classes else total


def mix_backward(core: Core, z: list[Array], p: Array, delta: Array) -> list[Array]:
    """Return the derivative by each expert's logits z, given the mixture p and the derivative delta by it."""
    if core.about["mixture"] == CLASSES:
        common = link_backward(core, 0, p, delta)
        return [w * common for w in mixture_weights(core)]
    return [link_backward(core, e, link(core, e, own), mixture_weights(core)[e] * delta) for e, own in enumerate(z)]


def mix_slope(core: Core, p: Array, delta: Array) -> Array:
    """Return the derivative by a term added to the mixture's logits or number, given that by the mixture p."""
    return link_backward(core, 0, p, delta) if core.about["mixture"] == CLASSES else delta


def history_logits(core: Core) -> Array:
    """Return the current contribution of the label history to the mixture, shape (outputs,)."""
    k = core.outputs
    if not core.about["history"]:
        return np.zeros(k)
    past, room = core.array("label_history"), int(core.array("sizes")[OUTPUT_CAPACITY])
    z = np.zeros(k)
    answers = answer_history(core)
    if answers is not None:
        mean, var, _ = core.answers[0]
        z[0] = np.clip((answers.miss - mean) / np.sqrt(var), -10, 10) if var > 1e-300 else 0.0
    elif past[LAST] >= 0:
        last = int(past[LAST])
        counts = past[FOLLOWERS:].reshape(-1, room)[last, :k] if len(past) > FOLLOWERS and k <= COUNTED else z
        prior = np.full(k, (1 - past[STAY]) / max(k - 1, 1))
        prior[last] = past[STAY]
        z = np.log((TRUST * prior + counts) / (TRUST + counts.sum()))
    return np.asarray(core.history_weight * z)


def answer_history(core: Core) -> AnswerHistory | None:
    """Return a regressor's label statistics if it has a label history, else None."""
    if not (core.about["history"] and core.about["targets"]):
        return None
    answers, one, two, three, *rest = core.array("label_history").tolist()
    return AnswerHistory(int(answers), [one, two, three], *rest)


def answers_before(core: Core) -> dict[Hashable, float]:
    """Return the current values of the lag columns by name, with NaN where not yet known."""
    history = answer_history(core)
    return {} if history is None else dict(zip(COLUMNS, history.inputs(), strict=True))


def answer_units(core: Core, *, at_mean: bool = False) -> tuple[float, float]:
    """Return a and b of a regressor's prediction a + b·output. ``at_mean`` sets the last label to the mean."""
    if not core.about["targets"]:
        return 0.0, 1.0
    mean, variance, _ = core.answers[0]
    scale, history = float(np.sqrt(variance)), answer_history(core)
    if history is None:
        return float(mean), scale
    if not history.answers:
        return 0.0, scale
    share = history.repeats if variance > 1e-300 else 0.0
    base, again = (history.mean, history.mean) if at_mean else (history.base(), history.repetition())
    return float((1 - share) * (base + mean) + share * again), (1 - share) * scale


def _forward(operation: Operation, x: Array) -> Array:
    if operation.name == "dense":
        w = np.asarray(operation.weights, np.float64)
        return x @ w + (0 if operation.bias is None else operation.bias.astype(np.float64))
    if operation.name in ("layer_norm", "batch_norm"):
        centre, scale, gain, shift = _norm(operation, x)
        return np.asarray((x - centre) * scale * gain + shift)
    if operation.name in WINDOWED:
        return _window(operation).forward(x)
    return x if operation.name in ("dropout", "flatten") else ACTIVATIONS[operation.name].value(x, operation.constant)


def _backward(operation: Operation, x: Array, y: Array, dy: Array) -> Array:
    if operation.name == "dense":
        return dy @ np.asarray(operation.weights, np.float64).T
    if operation.name in ("dropout", "flatten"):
        return dy
    if operation.name in WINDOWED:
        layer = _window(operation)
        layer.forward(x)
        return layer.backward(dy)
    if operation.name in ("layer_norm", "batch_norm"):
        centre, scale, gain, _ = _norm(operation, x)
        u = dy * gain
        if operation.name == "layer_norm":
            scaled = (x - centre) * scale
            u = u - u.mean(1, keepdims=True) - scaled * (u * scaled).mean(1, keepdims=True)
        return np.asarray(u * scale)
    return np.asarray(dy * ACTIVATIONS[operation.name].derivative(x, y, operation.constant))


WINDOWED = ("conv", "max_pool", "mean_pool")
"""Operations with a window over an image."""


def _window(operation: Operation) -> ConvolutionLayer | PoolLayer:
    """Return a convolution or pooling operation as a NumPy layer."""
    image: Any = operation.image
    size, stride, padding = operation.seen
    if operation.name != "conv":
        return PoolLayer(image, size, stride, padding, operation.name.removesuffix("_pool"))
    b = None if operation.bias is None else operation.bias.astype(np.float64)
    return ConvolutionLayer(np.asarray(operation.weights, np.float64), b, image, stride, padding)


def _norm(operation: Operation, x: Array) -> tuple[Array, Array, Array, Array]:
    """Return center, scale, gain and shift of a normalization."""
    m, plain = operation.m, operation.weights is None
    gain = np.ones(m) if plain else np.asarray(operation.weights, np.float64).ravel()
    shift = np.zeros(m) if plain else np.asarray(operation.bias, np.float64).ravel()
    if operation.running is None:
        centre = x.mean(1, keepdims=True)
        return centre, 1 / np.sqrt(x.var(1, keepdims=True) + operation.constant), gain, shift
    m, running = len(gain), operation.running.astype(np.float64)
    if operation.image is not None:  # pixels share their channel's parameters
        pixels = operation.image[1] * operation.image[2]
        running, gain, shift = np.repeat(running, pixels), np.repeat(gain, pixels), np.repeat(shift, pixels)
        m *= pixels
    return running[:m], 1 / np.sqrt(running[m : 2 * m] + BatchNormalisation.EPS), gain, shift


CLASSES = 1
"""The kind of mixture that sums logits."""
LAST, STAY, MOVES, FOLLOWERS = range(4)
"""Indices in the label history: last class, share of repeats, number of labels, transition counts."""
TOGETHER = 512
"""Entries whose rows of the table are summed at once."""
TRUST = 5.0
"""Prior weight of the share of repeats, in labels."""
COUNTED = 1000
"""Maximum number of classes with transition counts."""
OUTPUT_CAPACITY = 17
"""Index in ``sizes`` of the number of outputs that fit the current layout."""


def link(core: Core, e: int, z: Array) -> Array:
    """Return the predictions (samples, outputs) for logits z."""
    if core.experts[e].log_link:
        return log_link(z, mean_in_deviations(core))
    return LINKS[core.experts[e].loss.row.link].value(z)


def mean_in_deviations(core: Core) -> float:
    """Return the labels' mean in standard deviations, at least 0, which is the base of a log link."""
    mean, variance, _ = core.answers[0]
    return float(max(mean, 0.0) / np.sqrt(variance)) if variance > 1e-300 else 0.0


def link_backward(core: Core, e: int, p: Array, delta: Array) -> Array:
    """Return the derivative by the logits, given that by the predictions p, all (samples, outputs)."""
    if core.experts[e].log_link:
        mean = mean_in_deviations(core)
        return np.asarray(np.where(np.abs(p) < FARTHEST, (p + mean) / max(mean / 2, 1.0), 0.0) * delta)
    return LINKS[core.experts[e].loss.row.link].backward(p, delta)


def loss_delta(core: Core, e: int, z: Array, y: Array) -> Array:
    """Return the derivative of expert e's loss by its logits z (samples, k).

    ``y`` (samples,) holds class indices for cross_entropy and hinge, 0 or 1 for binary_cross_entropy, else labels in the units
    that the expert learns in.
    """
    loss = core.experts[e].loss
    if core.experts[e].log_link:
        return log_link_gradient(z, y[:, None], mean_in_deviations(core))
    return np.asarray(LOSSES[loss.name].gradient(z, y[:, None], loss.number))
