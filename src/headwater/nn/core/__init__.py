"""Declare nets to the C core, and view their state as named NumPy arrays.

All that learning changes is held by one ``_core.Learner``. Python declares it and views its arrays, and does no arithmetic on
samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

import headwater._core as _core
from headwater.encode import values as _reader
from headwater.errors import ConfigError, ModelFileError
from headwater.nn.expert import Expert
from headwater.nn.layers import BatchNorm, Conv, Dense, Dropout, Flatten, LayerNorm, Pool, Recurrent

from .declaration import CELLS, LAYER_KINDS, declaration, is_tagged
from .running import (
    ANOMALY,
    ANOMALY_FADING,
    CLASSES,
    ERROR,
    FADING_LOSS,
    FAILING,
    FAR,
    FAR_TARGET,
    HEDGED,
    HUGE,
    INFINITE,
    MIXED,
    NUMBERS,
    OVERFLOW,
    PEARSON,
    PLAIN,
    PRODUCT,
    REINITIALISED,
    SCALED,
    STEP_SCALE,
    STEPS,
    UNDONE,
    UNKNOWN,
    WEIGHT,
    WINDOW,
)

if TYPE_CHECKING:
    from headwater.nn.shapes import Shape

    from .views import Operation, Place, Statistics

PICKLED = 2
"""Version of the pickle format. Other versions are rejected, since a pickle holds internal state, not a stable file format."""


class Core:
    """One or several experts on a common input table, in the C core.

    Parameters
    ----------
    experts : sequence of Expert
        Layers, loss and optimizer of each. All have the same outputs.
    dtype : str
        "float32" or "float64".
    seed : int
        Seed of all random numbers.
    outputs : int
        Initial number of outputs.
    inputs : int or tuple of int, optional
        Fixed number of inputs (ids, for an Embedding) or shape of an image. Without it, inputs are added as names appear.
    standard, targets : bool
        Whether inputs and labels are standardized online.
    knots, ring, intervals, history, cells, max_rows
        Knots per spline basis · size of the replay buffer · one of UNKNOWN … PEARSON · whether the label history takes
        part · tables and tests of the tile coding · maximum rows of the input table.
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
        Recurrence: result of ``declaration.memory_numbers``.
    agent : tuple of float
        Agent: policy, gamma, trace, two kappas, entropy, explore, random, bootstrap, bounded, adaptive.
    state : mapping, optional
        Arrays of a saved state, by name, to start from.

    Raises
    ------
    ValueError
        If the state does not fit, with arguments (where, expected, got).
    """

    def __init__(
        self,
        experts: Sequence[Expert],
        *,
        dtype: str,
        seed: int,
        outputs: int,
        inputs: int | Shape | None = None,
        standard: bool = False,
        targets: bool = False,
        knots: int = 0,
        ring: int = 0,
        intervals: int = UNKNOWN,
        history: bool = False,
        cells: tuple[int, int] = (0, 0),
        max_rows: int = 1 << 20,
        lean: tuple[float, ...] = (),
        forecast: tuple[float, ...] = (),
        bandit: tuple[float, ...] = (),
        text: tuple[float, ...] = (),
        memory: tuple[float, ...] = (),
        agent: tuple[float, ...] = (),
        state: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._experts, self.dtype = tuple(experts), np.dtype(dtype)
        self.image = inputs if isinstance(inputs, tuple) else None
        self.declaration = declaration(
            self._experts, dtype=self.dtype, seed=seed, outputs=outputs, inputs=inputs, max_rows=max_rows, lean=lean,
            switches=(standard, targets, knots, ring, intervals, history, *cells), forecast=forecast, bandit=bandit,
            text=text, memory=memory, agent=agent, tagged=state is None or is_tagged(state),
        )  # fmt: skip
        if state is None:
            try:
                self.learner = _core.Learner(self.declaration, _reader, level(), table_key())
            except ValueError as error:
                at, expected, got = error.args
                raise ConfigError(expected=expected, got=f"{got:g}", at=at, help="Give such a number.") from error
        else:
            self.learner = _restored(state, self.declaration)
        self.about: dict[str, Any] = self.learner.describe()

    # ---- description --------------------------------------------------------------------------------------------------

    @property
    def experts(self) -> tuple[Expert, ...]:
        """The experts, with the current number of outputs."""
        k = self.outputs
        if k != self._experts[0].outputs:
            self._experts = tuple(expert.with_outputs(k) for expert in self._experts)
        return self._experts

    @property
    def outputs(self) -> int:
        """Current number of outputs."""
        return int(self.learner.outputs)

    def sizes(self) -> dict[str, Any]:
        """Return the current sizes and switches."""
        self.about = self.learner.describe()
        return self.about

    @property
    def rows(self) -> int:
        """Rows of the input table, including the bias."""
        return int(self.sizes()["rows"])

    # ---- views --------------------------------------------------------------------------------------------------------

    def array(self, name: str) -> NDArray[Any]:
        """Return a view of one array of the state."""
        return np.asarray(self.learner.array(name))

    @property
    def parameters(self) -> NDArray[Any]:
        """Flat vector of all parameters, dense layers first, then the rows of the table."""
        return self.array("weights")

    @property
    def touched(self) -> NDArray[np.int64]:
        """Number of updates of each row of the table."""
        return self.array("touched")

    @property
    def running(self) -> NDArray[np.float64]:
        """Running numbers of the experts, (experts, 15)."""
        return self.array("running")[: len(self._experts)]

    @property
    def answers(self) -> NDArray[np.float64]:
        """Mean, variance and count of the labels, (outputs, 3)."""
        return self.array("answers")

    @property
    def statistics(self) -> Statistics:
        """Statistics of the numeric inputs, by feature index."""
        from .views import Statistics

        names = ("row", "basis", "mean", "variance", "seen", "knot_count", "knots")
        return Statistics(*(self.array(f"slot_{name}") for name in names))

    @property
    def relevance(self) -> NDArray[np.float64]:
        """Factors of the numeric inputs by feature index, 1 where a column isn't judged (``plain/inputs/relevance.py``)."""
        own = self.array("relevance_slots")
        out = np.ones(self.sizes()["slots"])
        out[: len(own)] -= own[:, 0] if own.size else 0.0
        return out

    @property
    def mixture_weights(self) -> NDArray[np.float64]:
        """View of the experts' weights in the mixture."""
        return self.running[:, WEIGHT]

    @property
    def history_weight(self) -> float:
        """Weight of the label history in the mixture."""
        return float(self.array("running")[-1, WEIGHT])

    # ---- layers -------------------------------------------------------------------------------------------------------

    def places(self) -> list[Place]:
        """Return the location of each layer's parameters, by expert and layer."""
        from .views import Place

        about, out = self.sizes(), []
        for e in range(len(self.experts)):
            first, width = self.learner.columns_of(e)
            if self.image is None:
                at, shift = about["dense"] + first, bool(about["bias"])
                out.append(Place(e, 0, True, about["rows"] - 1, width, at, about["stride"], shift))
            for kind, _, layer, n, m, at, stride, bias, _, _ in self.learner.operations(e):
                if at >= 0 and kind != CELLS:
                    rows = n if kind in (LAYER_KINDS[Dense], LAYER_KINDS[Conv]) else 0
                    units, shape = self._shape(e, kind, layer, m)
                    out.append(Place(e, layer, False, rows, units, at, stride, bias >= 0, bias, shape))
        return out

    def _shape(self, e: int, kind: int, layer: int, m: int) -> tuple[int, tuple[int, ...]]:
        """Return the units of a layer with parameters and, if it reads an image, the shape of its weights."""
        recurrent, read = self.experts[e].recurrent, self._reads(e, layer)
        if recurrent is not None and kind == LAYER_KINDS[Recurrent]:
            return recurrent.units, ()  # ν, and ϑ in place of a bias
        if read is None:
            return m, ()
        own = self.experts[e].layers[layer]
        if isinstance(own, Conv):
            return own.channels, (own.channels, read[0], own.kernel, own.kernel)
        return (m, read) if kind == LAYER_KINDS[LayerNorm] else (read[0], ())

    def _reads(self, e: int, layer: int) -> Shape | None:
        """Return the shape of the image that a layer of expert e reads, or None."""
        if self.image is None:
            return None
        from headwater.nn.shapes import shapes

        found = shapes(self.experts[e].layers, self.image)[layer]
        return found if isinstance(found, tuple) else None

    def operations(self, e: int) -> list[Operation]:
        """Return the operations of expert e after the input table, in order.

        Examples
        --------
        >>> from headwater import nn
        >>> net = nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], inputs=2)
        >>> [operation.name for operation in net.core.operations(0)]
        ['relu', 'dense']
        """
        from .views import Operation

        own = {place.at: place for place in self.places() if place.expert == e}
        out = []
        for kind, code, layer, n, m, at, _, bias_at, buffer, constant in self.learner.operations(e):
            if kind == CELLS:
                continue
            name, image = _name(kind, code), self._reads(e, layer)
            place = own.get(at)
            w = None if place is None else weights(self, place)
            b = None if place is None or bias_at < 0 else bias(self, place)
            running = self.array("buffer")[buffer : buffer + 2 * place.m + 1] if buffer >= 0 and place else None
            out.append(Operation(name, layer, n, m, constant, w, b, running, image, self._seen(e, layer)))
        return out

    def _seen(self, e: int, layer: int) -> tuple[int, int, int]:
        """Return window size, stride and padding of a layer of expert e, or zeros without a window."""
        own = self.experts[e].layers[layer]
        if isinstance(own, Conv):
            return own.kernel, own.stride, own.padding
        return (own.size, own.step, own.padding) if isinstance(own, Pool) else (0, 0, 0)

    def table(self, e: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return views of expert e's columns of the input table (rows − 1, m) without the bias, and its bias (m,)."""
        place = next(place for place in self.places() if place.table and place.expert == e)
        return weights(self, place), bias(self, place)

    def cells(self, e: int) -> NDArray[Any] | None:
        """Return a view of expert e's tile coding (tables, cells, m), or None without it or without tests.

        It adds √(20/tables) times the sum of one row per table to the expert's first layer.
        """
        tables, tests = self.sizes()["tables"], self.about["tests"]
        for kind, _, _, n, m, at, stride, *_ in self.learner.operations(e):
            if kind == CELLS and tests:
                return _matrix(self.parameters, at, n, m, stride)[: tables << tests].reshape(tables, -1, m)
        return None

    # ---- a fixed number of inputs --------------------------------------------------------------------------------------

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the predictions (n, k) of a mini-batch x (n, inputs)."""
        out = np.empty((len(x), self.outputs), self.dtype)
        self.learner.forward(x, len(x), out, x.shape[1])
        return out

    def gradient(
        self, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any], total: float, learn: bool, g: NDArray[Any]
    ) -> float:
        """Return the loss of a mini-batch over ``total``, and add its gradient to g (all parameters)."""
        answers, mass = y.astype(np.float64), w.astype(np.float64)
        loss: float = self.learner.gradient(x, answers, mass, y.shape[1], len(x), total, learn, g, x.shape[1])
        return loss

    def apply(self, g: NDArray[Any], *, penalise: bool) -> None:
        """Take one optimizer step along the gradient g, which clipping may overwrite."""
        self.learner.apply(g, penalise)

    def learn(self, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
        """Predict each row of x (n, inputs) before learning it, and return the predictions (n, k)."""
        out = np.empty((len(x), self.outputs), self.dtype)
        answers, mass = np.ascontiguousarray(y, np.float64), np.ascontiguousarray(w, np.float64)
        self.learner.learn_array(x, answers, mass, y.shape[1], len(x), out, x.shape[1])
        return out

    # ---- state --------------------------------------------------------------------------------------------------------

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of all state arrays by name, except those in ``without``."""
        return {name: np.asarray(array) for name, _, _, array in self.learner.state(without)}

    def ring_rows(self) -> NDArray[np.int32]:
        """Return the embedding rows used by samples in the replay buffer, with repetitions."""
        return self.state(tuple(name for name in blank_state() if name != "pair_rows"))["pair_rows"]

    def merge(
        self, workers: Sequence[Core], outputs: Sequence[Sequence[int] | None] | None = None, bias: float = 0.0
    ) -> Core:
        """Merge workers into a new core, which adds what each has learned since it was copied from this one.

        ``outputs[i][j]`` is the new core's output for output j of worker i, where they differ. ``bias`` is the initial bias
        of an output that this core doesn't have. ``core/learners/merge.c`` has the formulas and sources.
        """
        places = [None if own is None else np.array(own, np.int32) for own in outputs or [None] * len(workers)]
        merged = Core.__new__(Core)
        merged._experts, merged.dtype, merged.declaration = self._experts, self.dtype, self.declaration
        merged.image = self.image
        merged.learner = self.learner.merge([worker.learner for worker in workers], places, bias)
        merged.about = merged.learner.describe()
        return merged

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock out other threads until the block ends, so that several calls see one state."""
        self.learner.hold()
        try:
            yield
        finally:
            self.learner.release()

    def digest(self) -> int:
        """Return a digest of the whole state, which is equal for equal states on every machine."""
        return int(self.learner.digest())

    def __getstate__(self) -> dict[str, Any]:
        saved = {
            "format": PICKLED,
            "experts": self._experts,
            "dtype": self.dtype,
            "image": self.image,
            "state": self.state(),
        }
        return saved | {"unusable": self.learner.unusable}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        if saved.get("format") != PICKLED:
            raise ModelFileError(
                expected=f"a pickle of a version of headwater with format {PICKLED}",
                got=f"format {saved.get('format', 1)}",
                at="pickle or joblib",
                help="Pickle it again with this version. To store a model, use model.save and headwater.load.",
            )
        self._experts, self.dtype, self.image = saved["experts"], saved["dtype"], saved.get("image")
        self.declaration = saved["state"]["declaration"]
        self.learner = _restored(saved["state"], self.declaration)
        self.learner.unusable = saved["unusable"]
        self.about = self.learner.describe()


def weights(core: Core, place: Place, vector: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return a view of a layer's weights (n, m), or gains (m,) of a normalization, in the parameters or ``vector``."""
    p = core.parameters if vector is None else vector
    if place.table:
        return _matrix(p, place.at + place.stride, place.n, place.m, place.stride)
    if place.shape:
        return _kernels(p, place) if place.n else _of_image(p[place.at : place.at + place.m], place.shape)
    return _matrix(p, place.at, place.n, place.m, place.stride) if place.n else p[place.at : place.at + place.m]


def bias(core: Core, place: Place, vector: NDArray[Any] | None = None) -> NDArray[Any] | None:
    """Return a view of a layer's bias (m,), or shifts of a normalization, or None."""
    if not place.bias:
        return None
    p = core.parameters if vector is None else vector
    at = place.at if place.table else place.bias_at
    found = p[at : at + place.m]
    return found if place.n or not place.shape else _of_image(found, place.shape)


def _matrix(p: NDArray[Any], at: int, n: int, m: int, stride: int) -> NDArray[Any]:
    size = p.itemsize
    return as_strided(p[at:], (n, m), (stride * size, size)) if n else p[:0].reshape(0, m)


def _kernels(p: NDArray[Any], place: Place) -> NDArray[Any]:
    """Return a view of kernels (channels out, channels in, size, size), stored with channels innermost."""
    _, channels, size, _ = place.shape
    step = place.stride * p.itemsize
    return as_strided(p[place.at :], place.shape, (p.itemsize, step, size * channels * step, channels * step))


def _of_image(p: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a view of an image (channels, height, width), stored pixel by pixel."""
    channels, height, width = shape
    return p.reshape(height, width, channels).transpose(2, 0, 1)


def _name(kind: int, code: int) -> str:
    """Return the name of an operation."""
    if kind == LAYER_KINDS[Pool]:
        return ("max_pool", "mean_pool")[code]
    return _NAMES.get(kind) or str(_core.ACTIVATIONS[code])


_NAMES = {LAYER_KINDS[Dense]: "dense", LAYER_KINDS[Dropout]: "dropout", LAYER_KINDS[LayerNorm]: "layer_norm"}
_NAMES |= {LAYER_KINDS[BatchNorm]: "batch_norm", LAYER_KINDS[Conv]: "conv", LAYER_KINDS[Flatten]: "flatten"}
_NAMES |= {LAYER_KINDS[Recurrent]: "recurrent"}


def _restored(state: Mapping[str, NDArray[Any]], declaration: NDArray[np.float64]) -> Any:
    if not np.array_equal(state["declaration"], declaration):
        raise ValueError("declaration", "the one that the settings state", 0.0)
    arrays = []
    for name, blank in blank_state().items():
        array = np.ascontiguousarray(state.get(name, blank if name.startswith(_LATER) else None))
        if name == "pending_shown" and name not in state:  # its type is that of the weights
            array = array.astype(state["weights"].dtype)
        kind = _TYPES.get(array.dtype.str, -1)
        arrays.append((name, kind, array.shape[0], array.shape[1] if array.ndim == 2 else -1, array))
    return _core.Learner.restore(arrays, _reader, level(), table_key())


def level() -> int:
    """Return the SIMD level of the kernels, 0 for the best available, or HEADWATER_LEVEL. Results are the same."""
    return int(os.environ.get("HEADWATER_LEVEL", "0"))


def table_key() -> int:
    """Return a random seed for hash tables, which prevents chosen collisions and does not affect results."""
    return int.from_bytes(os.urandom(8), "little")


_TYPES = {np.dtype(name).str: i for i, name in enumerate(("uint8", "int32", "int64", "uint64", "float32", "float64"))}


@cache
def blank_state() -> dict[str, NDArray[Any]]:
    """Return the arrays of the smallest net by name, in the order in which they are saved, as in ``core/state/arrays.c``."""
    return Core([Expert((Dense(1),))], dtype="float32", seed=0, outputs=1, inputs=1).state()


_LATER = (
    "forecast_",
    "bandit_",
    "text_",
    "coverage",
    "pending_ends",
    "pending_shown",
    "memory_",
    "agent_",
    "unit",
    "tile_",
    "succes",
    "relevance",
)
"""How names of arrays begin that files of early versions lack, which then are those of the smallest net."""

__all__ = [
    "ANOMALY",
    "ANOMALY_FADING",
    "CLASSES",
    "ERROR",
    "FADING_LOSS",
    "FAILING",
    "FAR",
    "FAR_TARGET",
    "HEDGED",
    "HUGE",
    "INFINITE",
    "MIXED",
    "NUMBERS",
    "OVERFLOW",
    "PEARSON",
    "PLAIN",
    "PRODUCT",
    "REINITIALISED",
    "SCALED",
    "STEPS",
    "STEP_SCALE",
    "UNDONE",
    "UNKNOWN",
    "WEIGHT",
    "WINDOW",
    "Core",
    "bias",
    "blank_state",
    "weights",
]
