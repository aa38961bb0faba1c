"""The engine of a learner: vocabulary, encoder and program, and the one route from rows to predictions and back.

``Classifier`` and ``Regressor`` hold one each and add what an answer is. Everything that learning changes is in here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from .encode import Encoder, Vocabulary
from .encode.frames import encode_frame
from .encode.sparse import SparseRows, encode_sparse
from .event import Event
from .kernels import _op as col
from .nn import Dense, Initializer
from .nn.lower import Expert, Place
from .nn.program import Block, Program, weights
from .nn.renew import renew_hopeless
from .nn.schedules import as_schedule


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine is made from.

    Parameters
    ----------
    experts : tuple of Expert
        Layers, loss, rule, penalties of each; all have the same outputs.
    seed, dtype, max_rows, scale
        As in the learners.
    targets : bool
        Whether answers are standardised as they stream.
    hats : int
        Knots of the curve of each numeric column; 0 for straight lines.
    ring : int
        How many of the last samples are kept for replay.
    spreads : int
        How wide answers spread: one of ``kernels.spread``.
    history : bool
        Whether the label history takes part in the mixture.
    """

    experts: tuple[Expert, ...]
    seed: int
    dtype: str
    max_rows: int
    scale: bool
    targets: bool
    hats: int = 0
    ring: int = 0
    spreads: int = 0
    history: bool = False


class Engine:
    """Names and numbers of one learner.

    Parameters
    ----------
    setup : Setup
        What to build.
    outputs : int
        Outputs to begin with.
    """

    def __init__(self, setup: Setup, outputs: int) -> None:
        self.setup = setup
        self.words = Vocabulary(seed=setup.seed, max_rows=setup.max_rows, hats=setup.hats)
        self.encoder = Encoder(self.words)
        self.learned = 0
        self.refused: Counter[str] = Counter()
        self.step = 1.0
        self.program = Program(
            [expert.with_outputs(outputs) for expert in setup.experts],
            rows=1,
            dtype=setup.dtype,
            seed=setup.seed,
            growing=True,
            standard=setup.scale,
            targets=setup.targets,
            hats=setup.hats,
            ring=setup.ring,
            spreads=setup.spreads,
            history=setup.history,
        )
        self._draw_dense()
        self.event = Event(self.words)

    @property
    def fan_in(self) -> int:
        """Entries of the first row taught: the scale of all rows ever drawn."""
        return self.program.fan_in

    @fan_in.setter
    def fan_in(self, entries: int) -> None:
        self.program.fan_in = entries

    # ---- rows to entries --------------------------------------------------------------------------------------------

    def encode(self, X: Any, learn: NDArray[np.bool_]) -> Block:
        """Turn rows into entries; the names of rows with ``learn`` are added to the vocabulary."""
        if isinstance(X, np.ndarray) and X.ndim == 2:
            return self.encoder.array(X, learn)
        if isinstance(X, SparseRows):
            return encode_sparse(self.encoder, X, learn)
        if isinstance(X, Sequence):
            return self.encoder.samples(X, learn.tolist())
        return encode_frame(self.encoder, X, learn)

    def _settle(self, block: Block, teach: NDArray[np.bool_]) -> None:
        """Give what is new its place, and draw it once a row was taught.

        How many entries the first row taught has sets the scale of all rows, now and later. Until then nothing takes part
        that is not drawn yet.
        """
        if self.words.rows > self.program.rows:
            self.program.add_rows(self.words.rows - self.program.rows)
        start = self.program.slots
        for row, hat in zip(self.words.slot_rows[start:], self.words.slot_hats[start:], strict=True):
            self.program.add_slot(row, hat)
        if self.fan_in == 0 and teach.any():
            i = int(np.argmax(teach))
            entries = int(np.isfinite(block.x[block.ends[i] : block.ends[i + 1]]).sum())
            self.fan_in = entries * (3 if self.setup.hats else 1)
        if self.fan_in and self.words.new:
            self._draw_rows()

    def _draw_rows(self) -> None:
        """Draw the vocabulary's new rows, each from its own key."""
        rows, keys = self.words.take_new()
        program = self.program
        alike: dict[
            tuple[Initializer, int], list[Place]
        ] = {}  # most experts differ in their rule only: one draw for all
        for place in program.places:
            if place.table:
                layer = program.experts[place.expert].layers[0]
                start = layer.start() if isinstance(layer, Dense) else Initializer("he")
                alike.setdefault((start, place.m), []).append(place)
        for (start, m), places in alike.items():
            own = np.bitwise_xor(
                keys, np.array([[place.expert] for place in places], np.uint64)
            )  # experts of one shape start apart
            drawn = start.rows(own.reshape(-1), self.fan_in, m).reshape(len(places), len(rows), m)
            for place, numbers in zip(places, drawn, strict=True):
                weights(program, place)[rows - 1] = numbers

    def _draw_dense(self) -> None:
        """Draw the layers behind the table."""
        rng = np.random.default_rng([self.setup.seed, 0])
        for place in self.program.places:
            layer = self.program.experts[place.expert].layers[place.layer]
            if not place.table and isinstance(layer, Dense):
                weights(self.program, place)[:] = layer.start().matrix(rng, place.n, place.m)

    # ---- many rows --------------------------------------------------------------------------------------------------

    def learn(
        self,
        X: Any,
        y: NDArray[np.float64],
        w: NDArray[np.float64],
        good: NDArray[np.bool_],
        ask: Any,
        unheard: bool = False,
    ) -> NDArray[Any]:
        """Predict each row (or the row of ``ask``) and then learn it, where ``good``; returns predictions (n, k)."""
        block = self.encode(X, good)
        wanted = good & (w > 0)
        teach = wanted & _filled(block)
        self.refused["empty"] += int((wanted & ~teach).sum())
        self._settle(block, teach)
        self.words.shared_names += self._shared(block, teach)
        asked = None if ask is None else self.encode(ask, np.zeros(len(y), bool))
        out = self.program.learn(block, y, np.where(teach, w, 0.0), asked, unheard)
        self.learned += int(teach.sum())
        return out

    def _shared(self, block: Block, teach: NDArray[np.bool_]) -> int:
        """Count the entries to be learned whose rows are shared."""
        if not self.words.shared_from:
            return 0
        slots = np.tile(block.slots, len(block)) if block.dense else block.slots
        rows = np.where(slots < 0, -slots - 1, np.array([*self.words.slot_rows, 0])[np.maximum(slots, 0)])
        learned = np.repeat(teach, np.diff(block.ends)) & ~np.isnan(block.x)
        return int((learned & (rows >= self.words.shared_from)).sum())

    def ask(self, X: Any) -> NDArray[Any]:
        """Predictions (n, k) for rows whose answers will come: what the experts say is kept until then."""
        return self.program.ask(self.encode(X, np.zeros(len(X), bool)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predictions (n, k) for rows; nothing is changed."""
        return self.program.predict(self.encode(X, np.zeros(len(X), bool)))

    # ---- one row ----------------------------------------------------------------------------------------------------

    def predict_event(self, x: Mapping[Any, Any]) -> list[float] | None:
        """Predict one sample by the short way; None if it needs the long way."""
        if not self.event.write(x):
            return None
        program = self.program
        if program.shown is not self.event.block:
            program.show_event(self.event.block)
        program.predict_event(program.address)
        out: list[float] = program.event_out.tolist()
        return out

    def learn_event(self, x: Mapping[Any, Any], y: float, w: float) -> bool:
        """Learn one sample by the short way; False if it needs the long way."""
        # where the first entry is no number, the long way sees if anything is left to learn from
        if not self.event.write(x) or not self.event.begins_well():
            return False
        program = self.program
        block = self.event.block
        if program.shown is not block:
            program.show_event(block)
        if program.roomy is not block:
            program.make_room(block)
        if program.learn_event(program.address, y, w) < 0:
            renew_hopeless(program)
        self.learned += 1
        return True

    # ---- state ------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the event's buffers: a copy makes its own."""
        return {name: value for name, value in self.__dict__.items() if name != "event"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make buffers of this copy's own."""
        self.__dict__.update(state)
        self.event = Event(self.words)

    def grow_outputs(self, k: int, bias: float) -> None:
        """Give the net k outputs; new ones start at zero with that bias."""
        self.program.set_outputs(k, bias)
        self.set_step(self.step)

    def set_step(self, factor: float, more: float = 1.0) -> None:
        """Let every expert step ``factor`` times as far as it was declared to, from now on; it is saved with the model.

        Parameters
        ----------
        factor : float
            1 for the declared step size. Of a cosine schedule the end stays; COCOB has no step size.
        more : float
            A factor besides, for a while: it is not saved.
        """
        self.step = factor
        for e, expert in enumerate(self.program.experts):
            lr = as_schedule(expert.optimizer.lr, "lr").numbers()[1]
            self.program.xc[e * col.CONSTANT_WIDTH + col.LR] = lr * factor * more

    def experts(self) -> list[dict[str, Any]]:
        """Say what each expert is and how it stands."""
        run = self.program.run.reshape(-1, col.RUNNING_WIDTH)
        out: list[dict[str, Any]] = [
            {
                "expert": " → ".join(repr(layer) for layer in expert.layers[:-1]) or "linear",
                "optimizer": repr(expert.optimizer),
                "replays": expert.replays,
                "weight": float(own[col.WEIGHT]),
                "loss": float(own[col.FADING]),
                "steps": int(own[col.T]),
                "undone": int(own[col.DIVERGED]),
                "renewed": int(own[col.RENEWED]),
            }
            for expert, own in zip(self.program.experts, run, strict=True)
        ]
        if self.setup.history:
            weight = float(self.program.running[-col.RUNNING_WIDTH + col.WEIGHT])
            out.append({"expert": "label history", "weight": weight})
        return out

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason; see ``guards.REASONS``."""
        run = self.program.run
        counts = Counter(self.refused)
        counts["type"] += self.encoder.unusable
        counts["infinite"] += int(run[col.INFINITE])
        counts["huge"] += int(run[col.HUGE_VALUES])
        counts["far"] += int(run[col.FAR])
        counts["far_target"] += int(run[col.FAR_TARGET])
        counts["overflow"] += int(run[col.OVERFLOW :: col.RUNNING_WIDTH].sum())
        counts["diverged"] += int(run[col.DIVERGED :: col.RUNNING_WIDTH].sum())
        return {reason: count for reason, count in sorted(counts.items()) if count}


def _filled(block: Block) -> NDArray[np.bool_]:
    """Say which samples have an entry that is a finite number."""
    finite = np.isfinite(block.x)
    if block.dense and block.width and finite.all():
        return np.ones(len(block), bool)
    present = np.concatenate([[0], np.cumsum(finite)])
    return np.asarray(present[block.ends[1:]] > present[block.ends[:-1]])


def rows_of(X: Any, part: slice) -> Any:
    """Return rows of a list, an array or a data frame."""
    if isinstance(X, np.ndarray | Sequence):
        return X[part]
    if part.start == 0 and part.stop == len(X):
        return X
    return nw.from_native(X, eager_only=True)[part].to_native()


def merged(refused: Counter[str], engine: Engine | None) -> dict[str, int]:
    """Return what the learner refused and what its engine did, by reason."""
    counts = Counter(refused) + Counter(engine.rejected if engine else {})
    return {reason: count for reason, count in sorted(counts.items()) if count}


def describe(setup: Setup, engine: Engine | None) -> dict[str, Any]:
    """Return layers, features and counts of an engine, or of the one that would be built."""
    experts = engine.program.experts if engine else setup.experts
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
    places = {(place.expert, place.layer): place for place in engine.program.places} if engine else {}
    for e, expert in enumerate(experts):
        for i, layer in enumerate(expert.layers):
            place = places.get((e, i))
            shape: tuple[int, ...] = ()
            count = 0
            if engine and place is not None:
                block = weights(engine.program, place)
                shape = block.shape
                count = block.size + (place.m if place.bias else 0)
            name = repr(layer) if len(experts) == 1 else f"{e + 1}: {layer!r}"
            out["layers"].append({"name": name, "shape": shape, "parameters": count})
            out["parameters"] += count
    if engine:
        words = engine.words
        out["features"] = [{"name": c.name, "kind": c.kind, "values": len(c.values)} for c in words.columns.values()]
        out |= {"n_learned": engine.learned, "rows": words.rows, "shared_names": words.shared_names}
        out["shared_rows"] = words.shared if words.shared_from else 0
    return out
