"""The engine of a learner, which passes rows to the core and returns predictions.

``Classifier`` and ``Regressor`` each hold an `Engine` and add the handling of labels. All learned state is in its core.
`BaseEngine` is the interface of every engine, used to copy, save, limit and describe learners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

import headwater.nn.core as _core
from headwater.encode.rows import as_dicts, as_rows
from headwater.encode.values import name_bytes, name_of
from headwater.encode.vocabulary import KINDS
from headwater.learner.settings.limits import USUAL, Growth, Limits
from headwater.learner.validation import Block
from headwater.nn.core import Core, weights
from headwater.nn.core.declaration import LEAN_NUMBERS
from headwater.nn.expert import Expert
from headwater.types import Lazy

if TYPE_CHECKING:
    from headwater.encode.seen import Column
    from headwater.learner.settings.rolling import Aggregates, Rolling
    from headwater.nn.core.views import Place

_PARAMETER_COPY = Lazy("headwater.nn.core.parameter_copy:ParameterCopy")
_COLUMNS_OF = Lazy("headwater.encode.seen:columns_of")
_READER = Lazy("headwater.encode.formats:FormattedReader")
AGGREGATES = Lazy("headwater.learner.settings.rolling:Aggregates")


class StateCopy(Protocol):
    """Copy of an engine's largest arrays made in short turns, between which the engine may learn."""

    def advance(self) -> bool:
        """Copy a part and return whether another call before `finish` is worthwhile."""

    def finish(self) -> dict[str, NDArray[Any]]:
        """Return the arrays in their current state."""


class BaseEngine(Protocol):
    """Interface of the engines of all kinds, which hold all learned state."""

    @property
    def learned(self) -> int:
        """Number of rows learned."""

    @property
    def columns(self) -> dict[Any, Column]:
        """Columns seen so far, by name."""

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of dropped values and undone steps, by reason (``validation.REASONS``)."""

    def knows(self, name: Any) -> bool:
        """Return whether there is a column with this name."""

    def set_limits(self, limits: Limits) -> None:
        """Make the core reject samples beyond these limits from now on. They are not saved."""

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        """Return what learning rows X and new classes would add, without changing anything."""

    def experts(self) -> list[dict[str, Any]]:
        """Return the state of each expert."""

    def held(self) -> AbstractContextManager[None]:
        """Return a context manager that excludes other threads, so that several calls see a consistent state."""

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of all learned arrays by name, except those in ``without``."""

    def counts(self) -> dict[str, int]:
        """Return counters kept outside the state, for a file's header."""

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        """Restore counters from ``counts``."""

    def begin_copy(self) -> StateCopy | None:
        """Begin a copy in turns, or return None if everything is copied at once."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Declaration of an engine.

    Parameters
    ----------
    experts : tuple of Expert
        Layers, loss, optimizer and penalties of each expert, all with the same outputs.
    seed, dtype, max_rows, scale
        As in the learners.
    targets : bool
        Whether targets are standardized online.
    knots : int
        Knots of each numeric column's curve, 0 for straight lines.
    ring : int
        Size of the replay buffer in samples.
    intervals : int
        Model of the targets' spread, one of ``nn.core.UNKNOWN`` … ``PEARSON``.
    history : bool
        Whether the label history takes part in the mixture.
    cells : (int, int)
        Tile tables, and the maximum number of tests per table.
    lean : tuple of float
        Smallest gradient of a step, smallest mixture weight of replays, and of numbers the factor on the mixture's steps
        along differences, of a pool that learns lean.
    forecast : tuple of float
        Horizon, season, lags and forgetting of a forecaster.
    bandit : tuple of float
        Exploration, its amount and power, lowest and highest reward, and inputs of least squares of a bandit, and whether
        its actions have features.
    text : tuple of float
        N-gram length, text column inference, and word rows of a learner with text features.
    text_columns : tuple of (name, kind)
        Declared text columns.
    memory : tuple of float
        Recurrence, from ``nn.core.declaration.memory_numbers``.
    agent : tuple of float
        Policy, gamma, trace, two kappas, entropy, explore, random, bootstrap, bounded and adaptive of an agent.
    rolling : Rolling, optional
        Aggregates of earlier rows, as columns more.
    outputs : int
        Initial number of outputs.
    """

    experts: tuple[Expert, ...]
    seed: int
    dtype: str
    max_rows: int
    scale: bool
    targets: bool
    knots: int = 0
    ring: int = 0
    intervals: int = 0
    history: bool = False
    cells: tuple[int, int] = (0, 0)
    lean: tuple[float, ...] = ()
    forecast: tuple[float, ...] = ()
    bandit: tuple[float, ...] = ()
    text: tuple[float, ...] = ()
    text_columns: tuple[tuple[Any, str], ...] = ()
    memory: tuple[float, ...] = ()
    agent: tuple[float, ...] = ()
    rolling: Rolling | None = None
    outputs: int = 1

    def known_to(self, version: int) -> Setup:
        """Return the declaration as a version of the core knew it, which may have known less of lean learning."""
        lean = self.lean[: LEAN_NUMBERS[version]]
        return self if lean == self.lean else replace(self, lean=lean)

    def growth_of(self, X: Any, new_classes: int, limits: Limits) -> Growth:
        """Return what rows X and new classes would add to a first engine, without making its hidden layers.

        New names add rows of the first layer, new classes rows of the last one. So each is measured with that layer alone.
        """
        growth = self._shallow(0, limits).growth_of(X)
        if not new_classes:
            return growth
        core = self._shallow(-1, limits).core
        more = core.learner.bytes_of_outputs(core.outputs + new_classes)
        return replace(growth, classes=new_classes, bytes=growth.bytes + more)

    def _shallow(self, kept: int, limits: Limits) -> Engine:
        experts = tuple(expert.without_depth(kept) for expert in self.experts)
        return Engine(replace(self, experts=experts, forecast=()), limits=limits)


class Engine:
    """The core of one learner, with conversion of rows and names.

    Parameters
    ----------
    setup : Setup
        The declaration.
    state : mapping, optional
        Arrays of a saved learner to continue from.
    limits : Limits
        Limits of a sample's size.
    rolling : Aggregates, optional
        Rows that were observed before the engine was made.
    """

    def __init__(
        self,
        setup: Setup,
        state: Mapping[str, NDArray[Any]] | None = None,
        *,
        limits: Limits = USUAL,
        rolling: Aggregates | None = None,
    ) -> None:
        self.setup = setup = setup if state is None else setup.known_to(int(state["declaration"][0]))
        self.core = Core(
            setup.experts,
            dtype=setup.dtype,
            seed=setup.seed,
            outputs=setup.outputs,
            standard=setup.scale,
            targets=setup.targets,
            knots=setup.knots,
            ring=setup.ring,
            intervals=setup.intervals,
            history=setup.history,
            cells=setup.cells,
            max_rows=setup.max_rows,
            lean=setup.lean,
            forecast=setup.forecast,
            bandit=setup.bandit,
            text=setup.text,
            memory=setup.memory,
            agent=setup.agent,
            state=state,
        )
        for name, kind in () if state is not None else setup.text_columns:
            self.core.learner.add_text_column(name_bytes(name), KINDS.index(kind))
        self.rolling = rolling
        if setup.rolling is not None and rolling is None:
            self.rolling = AGGREGATES(setup.rolling, state)
        self._connect()
        self.set_limits(limits)

    def read_as(self, notes: Mapping[str, Any]) -> None:
        """Read texts from now on in the formats of the file whose notes these are."""
        reader = _READER.value.of(notes)
        if reader is not None:
            self.core.learner.reader = reader
            if self.rolling is not None:
                self.rolling.read_by(reader)

    def _connect(self) -> None:
        """Bind the core's methods, to avoid an attribute lookup per row."""
        learner = self.core.learner
        if self.rolling is not None:
            learner.rolling = self.rolling.core
        self.predict_one, self.predict_value_one = learner.predict_one, learner.predict_value_one
        self.predict_label_one = learner.predict_label_one
        self.predict_proba_one, self.learn_one = learner.predict_proba_one, learner.learn_one
        self.last_prediction, self.learn_row = learner.last_prediction, learner.learn_row

    def with_core(self, core: Core) -> Engine:
        """Return an engine with the same setup and limits on another core."""
        other = object.__new__(type(self))
        other.__setstate__({"setup": self.setup, "core": core, "limits": self.limits, "rolling": self.rolling})
        return other

    @property
    def learned(self) -> int:
        """Number of rows learned."""
        return int(self.core.learner.learned)

    @property
    def columns(self) -> dict[Any, Column]:
        """Columns seen so far, by name."""
        found: dict[Any, Column] = _COLUMNS_OF(self.core.learner)
        return found

    def first_names(self, most: int) -> tuple[list[Any], int]:
        """Return the names of the first columns, and how many columns there are, which takes no time for the others."""
        names, count = self.core.learner.names(most)
        return list(map(name_of, names)), count

    def knows(self, name: Any) -> bool:
        """Return whether there is a column with this name."""
        return self.core.learner.column(name_bytes(name)) is not None

    # ---- rows -------------------------------------------------------------------------------------------------------

    def rows(self, X: Any, learn: NDArray[np.bool_] | None = None) -> Any:
        """Return rows in the core's form, where ``learn`` marks the rows that will be learned."""
        if self.rolling is not None:
            return list(as_dicts(X))  # the core reads keys and times of a row, and hands it back with its aggregates
        return as_rows(self.core.learner, X, np.zeros(len(X), bool) if learn is None else learn)

    def learn(self, block: Block, part: slice, y: NDArray[np.float64], *, alone: bool = False) -> NDArray[Any]:
        """Predict and learn the good rows of a part of a block in turn, and return predictions (n, k).

        If the block has ``ask``, those rows are predicted in lockstep instead, and wait for their labels.

        Parameters
        ----------
        block : Block
            Rows, weights, and which rows are good. They are converted once, at the first part.
        part : slice
            The rows to learn.
        y : ndarray (n,)
            Their labels as class indices or values.
        alone : bool
            Predict nothing, and let the mixture learn only from the predictions issued earlier.
        """
        learner = self.core.learner
        if block.rows is None:
            block.rolled = self.rolling is not None
            block.rows = self.rows(block.X) if block.rolled else as_rows(learner, block.X, block.good)
            block.asked = None if block.ask is None else self.rows(block.ask)
        out = np.zeros((part.stop - part.start, learner.outputs), self.core.dtype)
        ask = False if alone else block.asked
        learner.learn(block.rows, part.start, part.stop, y, block.w[part], block.good[part], out, ask)
        return out

    def predict(
        self, X: Any, part: slice | None = None, *, widths: NDArray[np.float64] | None = None, waiting: bool = False
    ) -> NDArray[Any]:
        """Return predictions (n, k) for a part of some rows.

        Nothing changes, except that ``waiting`` stores the experts' predictions until the labels arrive.
        """
        start, stop = (0, len(X)) if part is None else (part.start, part.stop)
        rows = self.rows(X)
        out = np.empty((stop - start, self.core.outputs), self.core.dtype)
        while (k := self.core.learner.predict(rows, start, stop, out, widths, waiting)) > out.shape[1]:
            out = np.empty((stop - start, k), self.core.dtype)  # another thread has added a class
        return out

    # ---- limits -----------------------------------------------------------------------------------------------------

    def set_limits(self, limits: Limits) -> None:
        """Make the core reject samples beyond these limits from now on. They are not saved."""
        self.limits = limits
        self.core.learner.set_limits(limits.entries, limits.names, limits.classes, limits.bytes)

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        """Return what learning rows X and new classes would add, without changing anything."""
        entries, names, rows, size = self.core.learner.measure(self.rows(X), 0, len(X))
        if new_classes:
            size += self.core.learner.bytes_of_outputs(self.core.outputs + new_classes)
        return Growth(entries, names, new_classes, rows, size)

    # ---- state ------------------------------------------------------------------------------------------------------

    def held(self) -> AbstractContextManager[None]:
        """Return a context manager that excludes other threads, so that several calls see a consistent state."""
        return self.core.held()

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of all learned arrays by name, except those in ``without``."""
        arrays = self.core.state(without)
        return arrays if self.rolling is None else arrays | self.rolling.state(without)

    def counts(self) -> dict[str, int]:
        """Return counters kept outside the core, for a file's header."""
        return {"unusable": self.core.learner.unusable}

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        """Restore counters from ``counts``."""
        self.core.learner.unusable = counts["unusable"]

    def begin_copy(self) -> StateCopy:
        """Begin a copy of the parameters in turns."""
        copy: StateCopy = _PARAMETER_COPY(self.core)
        return copy

    def __getstate__(self) -> dict[str, Any]:
        return {"setup": self.setup, "core": self.core, "limits": self.limits, "rolling": self.rolling}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"rolling": None} | state)
        self._connect()
        self.set_limits(self.limits)

    @property
    def step(self) -> float:
        """Factor on the declared step sizes."""
        return float(self.core.sizes()["step"])

    def set_step(self, factor: float, more: float = 1.0) -> None:
        """Set the factor on every expert's declared step size. It is saved with the model.

        Parameters
        ----------
        factor : float
            1 for the declared step size. A cosine schedule keeps its end, and COCOB has no step size.
        more : float
            An additional temporary factor.
        """
        self.core.learner.set_step(factor, more)

    def experts(self) -> list[dict[str, Any]]:
        """Return the state of each expert."""
        out: list[dict[str, Any]] = [
            {
                "expert": (" → ".join(repr(layer) for layer in expert.layers[:-1]) or "linear")
                + (", cells" if expert.cells and not expert.layers[:-1] else "")
                + (", log link" if expert.log_link else ""),
                "optimizer": repr(expert.optimizer),
                "replays": expert.replays,
                "weight": float(own[_core.WEIGHT]),
                "loss": float(own[_core.FADING_LOSS]),
                "steps": int(own[_core.STEPS]),
                "undone": int(own[_core.UNDONE]),
                "reinitialised": int(own[_core.REINITIALISED]),
            }
            for expert, own in zip(self.core.experts, self.core.running, strict=True)
        ]
        if self.setup.history:
            out.append({"expert": "label history", "weight": self.core.history_weight})
        return out

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of dropped values and undone steps, by reason (``validation.REASONS``)."""
        run = self.core.running
        counts = Counter(type=int(self.core.learner.unusable))
        counts["infinite"] += int(run[0, _core.INFINITE])
        counts["huge"] += int(run[0, _core.HUGE])
        counts["far"] += int(run[0, _core.FAR])
        counts["far_target"] += int(run[0, _core.FAR_TARGET])
        counts["overflow"] += int(run[:, _core.OVERFLOW].sum())
        counts["diverged"] += int(run[:, _core.UNDONE].sum())
        return {reason: count for reason, count in sorted(counts.items()) if count}


def describe(setup: Setup, engine: Engine | None) -> dict[str, Any]:
    """Return layers, features and counts of an engine, or of the one that would be built."""
    experts = engine.core.experts if engine else setup.experts
    out: dict[str, Any] = {
        "layers": [],
        "parameters": 0,
        "optimizer": "; ".join(repr(expert.optimizer) for expert in experts),
        "loss": experts[0].loss.name,
        "features": [],
        "n_learned": 0,
        "max_rows": setup.max_rows,
        "rows": 0,
        "shared_rows": 0,
        "shared_names": 0,
    }
    places: dict[tuple[int, int], list[Place]] = {}  # a recurrent layer has two, for its input and for its state
    for place in engine.core.places() if engine else ():
        places.setdefault((place.expert, place.layer), []).append(place)
    for e, expert in enumerate(experts):
        for i, layer in enumerate(expert.layers):
            own = places.get((e, i), [])
            shape: tuple[int, ...] = weights(engine.core, own[0]).shape if engine and own else ()
            count = sum(weights(engine.core, p).size + (p.m if p.bias else 0) for p in own) if engine else 0
            name = repr(layer) if len(experts) == 1 else f"{e + 1}: {layer!r}"
            out["layers"].append({"name": name, "shape": shape, "parameters": count})
            out["parameters"] += count
        cells = engine.core.cells(e) if engine and expert.cells else None
        if cells is not None:
            name = "cells" if len(experts) == 1 else f"{e + 1}: cells"
            out["layers"].append({"name": name, "shape": cells.shape, "parameters": cells.size})
            out["parameters"] += cells.size
    if engine:
        about = engine.core.sizes()
        out["features"] = [{"name": c.name, "kind": c.kind, "values": len(c.values)} for c in engine.columns.values()]
        out |= {"n_learned": engine.learned, "rows": about["rows"], "shared_names": about["shared_names"]}
        out["shared_rows"] = about["shared_rows"] if about["shared_from"] else 0
    return out
