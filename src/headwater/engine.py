"""The engine of a learner: vocabulary, encoder and program, and the one route from rows to predictions and back.

``Classifier`` and ``Regressor`` hold one each and add what an answer is. Everything that learning changes is in here.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from .encode import Encoder, Vocabulary
from .encode.frames import encode_frame, is_frame
from .encode.vocabulary import NUMBER
from .errors import DataError
from .kernels import _op as col
from .nn import Dense, Initializer
from .nn.lower import Expert
from .nn.program import Block, Program, weights


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
    """

    experts: tuple[Expert, ...]
    seed: int
    dtype: str
    max_rows: int
    scale: bool
    targets: bool
    hats: int = 0
    ring: int = 0


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
        self.fan_in = 0
        self.learned = 0
        self.refused: Counter[str] = Counter()
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
        )
        self._draw_dense()
        self._names: tuple[Any, ...] = ()

    # ---- rows to entries --------------------------------------------------------------------------------------------

    def encode(self, X: Any, learn: NDArray[np.bool_]) -> Block:
        """Turn rows into entries; the names of rows with ``learn`` are added and their weights drawn."""
        if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fiub":
            block = self.encoder.array(X, bool(learn.any()))
        elif isinstance(X, np.ndarray) and X.ndim == 2:
            names = [f"x{j}" for j in range(X.shape[1])]
            block = self.encoder.samples([dict(zip(names, row, strict=True)) for row in X.tolist()], learn.tolist())
        elif isinstance(X, Sequence):
            block = self.encoder.samples(X, learn.tolist())
        elif is_frame(X):
            block = encode_frame(self.encoder, X, learn)
        else:
            raise DataError(
                expected="a list of dicts, a 2-d array or a data frame", got=type(X).__name__, at="X", help="For one sample use learn_one."
            )
        self._settle(block, learn)
        return block

    def _settle(self, block: Block, learn: NDArray[np.bool_]) -> None:
        """Draw what is new. How many entries the first learned row has sets the scale of all rows, now and later."""
        if self.fan_in == 0 and learn.any():
            i = int(np.argmax(learn))
            entries = block.x[block.ends[i] : block.ends[i + 1]]
            self.fan_in = max(int((~np.isnan(entries)).sum()), 1) * (3 if self.setup.hats else 1)
        if self.words.rows > self.program.rows:
            self._draw_rows()
        start = self.program.slots
        for row, hat in zip(self.words.slot_rows[start:], self.words.slot_hats[start:], strict=True):
            self.program.add_slot(row, hat)

    def _draw_rows(self) -> None:
        """Append the vocabulary's new rows, each drawn from its own key."""
        rows, keys = self.words.take_new()
        program = self.program
        program.add_rows(self.words.rows - program.rows)
        for place in program.places:
            if place.table:
                layer = program.experts[place.expert].layers[0]
                start = layer.start() if isinstance(layer, Dense) else Initializer("he")
                own = keys ^ np.uint64(place.expert)  # experts of one shape start apart
                weights(program, place)[rows - 1] = start.rows(own, max(self.fan_in, 1), place.m)

    def _draw_dense(self) -> None:
        """Draw the layers behind the table."""
        rng = np.random.default_rng([self.setup.seed, 0])
        for place in self.program.places:
            layer = self.program.experts[place.expert].layers[place.layer]
            if not place.table and isinstance(layer, Dense):
                weights(self.program, place)[:] = layer.start().matrix(rng, place.n, place.m)

    # ---- many rows --------------------------------------------------------------------------------------------------

    def learn(self, X: Any, y: NDArray[np.float64], w: NDArray[np.float64], good: NDArray[np.bool_], ask: Any) -> NDArray[Any]:
        """Predict each row (or the row of ``ask``) and then learn it, where ``good``; returns predictions (n, k)."""
        block = self.encode(X, good)
        filled = _filled(block)
        self.refused["empty"] += int((good & ~filled).sum())
        teach = np.where(good & filled, w, 0.0)
        asked = None if ask is None else self.encode(ask, np.zeros(len(y), bool))
        out = self.program.learn(block, y, teach, asked)
        self.learned += int((teach > 0).sum())
        return out

    def predict(self, X: Any) -> NDArray[Any]:
        """Predictions (n, k) for rows; nothing is changed."""
        return self.program.predict(self.encode(X, np.zeros(len(X), bool)))

    # ---- one row ----------------------------------------------------------------------------------------------------

    def predict_event(self, x: Mapping[Any, Any]) -> list[float] | None:
        """Predict one sample of numbers only by the short way; None if it needs the long way."""
        if tuple(x) != self._names and not self._prepare(tuple(x)):
            return None
        try:
            self._pack(self._buffer, 0, *x.values())
        except (struct.error, TypeError):
            return None
        program = self.program
        if program.shown is not self._event:
            program.show_event(self._event)
        program.predict_event(program.address)
        out: list[float] = program.event_out.tolist()
        return out

    def learn_event(self, x: Mapping[Any, Any], y: float, w: float) -> bool:
        """Learn one sample of numbers only by the short way; False if it needs the long way."""
        if tuple(x) != self._names and not self._prepare(tuple(x)):
            return False
        try:
            self._pack(self._buffer, 0, *x.values())
        except (struct.error, TypeError):
            return False
        program = self.program
        if program.shown is not self._event:
            program.show_event(self._event)
        program.learn_event(program.address, y, w)
        self.learned += 1
        return True

    def _prepare(self, names: tuple[Any, ...]) -> bool:
        """Make the event's buffers for samples of these names, if all are known numeric columns."""
        self._names = ()
        columns = [self.words.columns.get(name) for name in names]
        if not names or any(column is None or column.kind != NUMBER for column in columns):
            return False
        slots = np.array([column.slot for column in columns if column is not None], np.int64)
        x = np.zeros(len(names))
        self._event = Block(slots, np.array([0, len(names)], np.int64), x, True, len(names))
        self._pack = struct.Struct(f"{len(names)}d").pack_into
        self._buffer = memoryview(x).cast("B")
        self._names = names
        return True

    # ---- state ------------------------------------------------------------------------------------------------------

    def grow_outputs(self, k: int, bias: float) -> None:
        """Give the net k outputs; new ones start at zero with that bias."""
        self.program.set_outputs(k, bias)

    def experts(self) -> list[dict[str, Any]]:
        """What each expert is and how it stands."""
        run = self.program.run.reshape(-1, col.RUNNING_WIDTH)
        return [
            {
                "expert": " → ".join(repr(layer) for layer in expert.layers[:-1]) or "linear",
                "optimizer": repr(expert.optimizer),
                "replays": expert.replays,
                "weight": float(own[col.WEIGHT]),
                "loss": float(own[col.FADING]),
                "steps": int(own[col.T]),
                "undone": int(own[col.DIVERGED]),
            }
            for expert, own in zip(self.program.experts, run, strict=True)
        ]

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason; see ``guards.REASONS``."""
        run = self.program.run
        counts = Counter(self.refused)
        counts["type"] += self.encoder.unusable
        counts["infinite"] += int(run[col.INFINITE])
        counts["huge"] += int(run[col.HUGE_VALUES])
        counts["overflow"] += int(run[col.OVERFLOW :: col.RUNNING_WIDTH].sum())
        counts["diverged"] += int(run[col.DIVERGED :: col.RUNNING_WIDTH].sum())
        return {reason: count for reason, count in sorted(counts.items()) if count}


def _filled(block: Block) -> NDArray[np.bool_]:
    """Which samples have an entry that is a number."""
    if block.dense and block.width and not np.isnan(block.x).any():
        return np.ones(len(block), bool)
    present = np.concatenate([[0], np.cumsum(~np.isnan(block.x))])
    return np.asarray(present[block.ends[1:]] > present[block.ends[:-1]])


def rows_of(X: Any, part: slice) -> Any:
    """Rows of a list, an array or a data frame."""
    if isinstance(X, np.ndarray | list | tuple):
        return X[part]
    if part.start == 0 and part.stop == len(X):
        return X
    return nw.from_native(X, eager_only=True)[part].to_native()


def merged(refused: Counter[str], engine: Engine | None) -> dict[str, int]:
    """What the learner refused and what its engine did, by reason."""
    counts = Counter(refused) + Counter(engine.rejected if engine else {})
    return {reason: count for reason, count in sorted(counts.items()) if count}


def describe(setup: Setup, engine: Engine | None) -> dict[str, Any]:
    """Layers, features and counts of an engine, or of the one that would be built."""
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
