"""The program: lowered tables, the flat vectors they work on, and the calls into the machine.

Everything that learning changes is an array here, so saving, copying, averaging and hashing a net are loops over arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError
from headwater.kernels import _op as col
from headwater.kernels import batch as _batch
from headwater.kernels import stream as _stream
from headwater.kernels._jit import JIT, addresses, compiling
from headwater.kernels.rows import PAST
from headwater.kernels.spread import SCALED, UNKNOWN, WINDOW

from .block import Block as Block
from .layers import Dense
from .losses import Loss
from .lower import Expert, Place, aligned, lower, mixture
from .matrices import bias as bias
from .matrices import move
from .matrices import weights as weights
from .optimizers import RMSProp
from .renew import renew_hopeless, wider
from .room import keep_given, keep_nothing, keep_samples, longer

STATE = (
    "p", "s", "buf", "stats", "touched", "ys", "rng", "running", "knots", "past", "ring_rows", "ring_v", "ring_n",
    "ring_y", "ring_w", "scores", "history", "given_keys", "given",
)  # fmt: skip
"""The arrays that learning changes, in the order in which they are saved."""
SCALE = Expert((Dense(1, initializer="zeros"),), Loss("poisson"), RMSProp(0.003, rho=0.999))
"""The expert that learns how far answers lie from what is predicted."""
_PASSING = frozenset(
    ("context", "_held", "_pairs", "_samples", "shown", "roomy", "event_out", "predict_event", "learn_event", "address")
)
"""What a copy makes anew: the context, and the buffers and routines behind it."""


class Program:
    """Tables and vectors of one or several experts over one input table.

    Parameters
    ----------
    experts : sequence of Expert
        What to lower.
    rows : int
        Rows of the input table now.
    dtype : dtype
        float32 or float64.
    seed : int
        Of the random numbers drawn while learning (dropout).
    growing : bool
        Rows take part from their second sight (a vocabulary that grows) instead of from the first.
    standard, targets : bool
        Whether inputs, and answers, are standardised as they stream.
    spreads : int
        How wide answers spread: one of ``kernels.spread``; with SCALED an expert learns it, over the same table, behind the
        others and hidden from who looks at them.
    history : bool
        Whether the label history takes part in the mixture.
    """

    ring_rows: NDArray[Any]
    ring_v: NDArray[Any]
    ring_n: NDArray[Any]
    ring_y: NDArray[Any]
    ring_w: NDArray[Any]
    given_keys: NDArray[Any]
    given: NDArray[Any]

    def __init__(
        self,
        experts: Sequence[Expert],
        *,
        rows: int,
        dtype: Any,
        seed: int,
        growing: bool,
        standard: bool,
        targets: bool,
        hats: int = 0,
        ring: int = 0,
        spreads: int = UNKNOWN,
        history: bool = False,
    ) -> None:
        self.experts = tuple(experts)
        self.dtype = np.dtype(dtype)
        self.rows = 0
        self.slots = 0
        self.rng = np.array([(seed * 2654435761 + 88172645463325252) % (1 << 60) + 1, 0], np.int64)
        self._connect()
        self.head = np.zeros(col.HEADER_WIDTH, np.int64)
        self.head[[col.GROWING, col.STANDARD, col.TARGETS]] = growing, standard, targets
        self.head[[col.EXPERTS, col.HATS, col.RING]] = len(self.experts), hats, ring
        self.head[col.COUNTED] = growing or any(not expert.optimizer.rule.exact_lazy for expert in self.experts)
        opinions = len(self.experts) + history
        self.head[[col.MIXTURE, col.SPREADS, col.HISTORY]] = mixture(self.experts, opinions, targets), spreads, history
        self.hats, self.ring, self.fan_in = hats, ring, 0
        self.knots, self.past = np.zeros((0, hats)), np.zeros((0, PAST if hats else 0))
        self.stats = np.zeros((0, col.STATISTIC_WIDTH))
        self.touched = np.zeros(0, np.int64)
        self.running = np.zeros((len(self.experts) + 2) * col.RUNNING_WIDTH)
        self.running[col.SCALE :: col.RUNNING_WIDTH] = 1
        self.running[col.PRODUCT :: col.RUNNING_WIDTH] = 1
        self.running[col.WEIGHT :: col.RUNNING_WIDTH] = 1 / opinions
        self.scores, self.history = np.zeros(1 + WINDOW if spreads else 0), np.full(int(history), -1.0)
        self.bind(KNOTS=self.knots, RESERVOIR=self.past, SCORES=self.scores)
        keep_nothing(self)
        self._lay(0)
        self.add_rows(rows)

    def _connect(self) -> None:
        """Make an empty context and put the routines into it."""
        self.context: Any = np.zeros(col.CONTEXT_WIDTH, np.int64) if JIT else [None] * col.CONTEXT_WIDTH
        self._held: dict[int, NDArray[Any]] = {}
        with compiling(("routines", self.dtype.name)):
            for place, address in addresses(self.dtype).items():
                self.context[place] = address

    def bind(self, **arrays: NDArray[Any]) -> None:
        """Put arrays into the context under their names in ``kernels._op``, and keep them alive."""
        for name, array in arrays.items():
            place = getattr(col, name)
            self._held[place] = array
            self.context[place] = array.ctypes.data if JIT else array.reshape(-1)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the context, which holds addresses, and the scratch it points to."""
        return {name: value for name, value in self.__dict__.items() if name not in _PASSING}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Build a context of this program's own: a copy must not write into the memory of what it was copied from."""
        for name, value in state.items():  # joblib hands over arrays that lie in a file, and may not be written to
            locked = isinstance(value, np.ndarray) and not value.flags.writeable
            self.__dict__[name] = np.array(value) if locked else value
        for name in ("p", "s", "buf"):  # copies don't begin on a cache line by themselves
            array = aligned(len(state[name]), self.dtype)
            array[:] = state[name]
            setattr(self, name, array)
        self._connect()
        self._pairs = self._samples = 0
        self.shown: Block | None = None
        self.roomy: Block | None = None
        self.bind(PROG=self.prog, OPC=self.opc, EX=self.ex, XC=self.xc, RUN=self.running, HEAD=self.head, RNG=self.rng)
        self.bind(BUF=self.buf, YS=self.ys, S=self.s, P=self.p, TOUCHED=self.touched, STATS=self.stats)
        self.bind(COSTS=np.zeros(len(self.experts) + 1), KNOTS=self.knots, RESERVOIR=self.past)
        self.bind(RING_ROWS=self.ring_rows, RING_V=self.ring_v, RING_N=self.ring_n, RING_Y=self.ring_y)
        self.bind(RING_W=self.ring_w, SCORES=self.scores, PAST_ANSWERS=self.history)
        self.bind(GIVEN=self.given, GIVEN_KEYS=self.given_keys)

    @property
    def run(self) -> NDArray[np.float64]:
        """The running numbers of the experts that are mixed."""
        return self.running[: len(self.experts) * col.RUNNING_WIDTH]

    def _lay(self, room: int) -> None:
        """Lower the experts and make fresh vectors with room for that many rows."""
        scale = [SCALE] if self.head[col.SPREADS] == SCALED else []
        tables = lower([*self.experts, *scale], max(self.rows, 1))
        self.prog, self.opc, self.ex, self.xc = tables.prog, tables.opc, tables.ex, tables.xc
        self.places: list[Place] = [place for place in tables.places if place.expert < len(self.experts)]
        self.dense, self.stride, self.states = tables.dense, tables.stride, tables.states
        self.outputs = int(self.ex[0, col.OUTPUTS])
        self._length = tables.length
        self.buf = aligned(tables.buffers, self.dtype)
        for op in self.prog[self.prog[:, col.BUFFER] >= 0]:  # the variance of a unit never seen is 1
            m, at = int(op[col.M]), int(op[col.BUFFER])
            self.buf[at + m : at + 2 * m] = 1
        self.ys = np.zeros((self.outputs, col.STATISTIC_WIDTH))
        self._vectors(room)
        for place in self.places:
            if not place.table and place.n == 0:  # gains start at 1
                self.p[place.start : place.start + place.m] = 1
        self.history = wider(self.history, self.outputs, targets=bool(self.head[col.TARGETS]))
        self.bind(PROG=self.prog, OPC=self.opc, EX=self.ex, XC=self.xc, RUN=self.running, HEAD=self.head, RNG=self.rng)
        self.bind(BUF=self.buf, YS=self.ys, COSTS=np.zeros(len(self.experts) + 1), PAST_ANSWERS=self.history)

    def _vectors(self, room: int) -> None:
        """Make P and S with room for that many rows, and say so in the header."""
        self.room = room
        size = self.dense + room * self.stride
        self.p = aligned(size, self.dtype)
        self.s = aligned(size * self.states, self.dtype)
        self.head[[col.TABLE, col.STRIDE, col.CAPACITY, col.STATES]] = self.dense, self.stride, size, self.states
        self._pairs = self._samples = 0
        self.shown = self.roomy = None
        self.bind(S=self.s, P=self.p)

    def _scratch(self, pairs: int, samples: int = 1) -> None:
        """Make the working arrays: activations, deltas, lists, for that many pairs a sample and samples at once."""
        if pairs <= self._pairs and samples <= self._samples:
            return
        self._pairs, self._samples = max(pairs, self._pairs), max(samples, self._samples)
        start = self._length + 1
        length = -(-(start + 2 * (self._pairs + 1) + 16) // 16) * 16
        self.head[[col.LENGTH, col.PAIRS]] = length, start
        whole = length * self._samples
        a, vw = aligned(whole, self.dtype), aligned(whole, self.dtype)
        vw[0] = 1
        for op in self.prog:  # the constant input of the next layer's bias
            a[op[col.DST] + op[col.M] :: length] = 1
        widest = int(max(self.prog[:, col.M].max(), self.prog[1:, col.N].max(initial=0))) + 1
        widest += (len(self.experts) + 4) * self.outputs
        big = len(self.p) if self._samples > 1 else 0
        undo = (1 + self.states) * (self.dense + (self._pairs + 1) * self.stride)
        self.bind(A=a, D=aligned(whole, self.dtype), IW=np.zeros(whole, np.int64), VW=vw)
        self.bind(SCRATCH=aligned(3 * widest + big + 64, self.dtype), IOTA=np.arange(widest + 1, dtype=np.int64))
        self.bind(UNDO=aligned(undo, self.dtype), MO=aligned(4 * len(self.buf), self.dtype))

    def make_room(self, block: Block) -> None:
        """Let the ring have room for the samples of a block that is about to be learned: a prediction changes nothing."""
        pairs = self._width(block.width) + 1
        if self.ring and pairs > self.ring_rows.shape[1]:
            keep_samples(self, pairs)
        self.roomy = block

    def _width(self, entries: int) -> int:
        """Pairs that a sample of so many entries can have."""
        return entries * (3 if self.hats else 1)

    # ---- growth -----------------------------------------------------------------------------------------------------

    def add_rows(self, count: int) -> int:
        """Append rows of zeros to the table, doubling the room when it is full. Returns the number of the first."""
        first = self.rows
        if first + count > self.room:
            p, s, size, room = self.p, self.s, len(self.p), max(2 * self.room, first + count, 16)
            keep = self.dense + first * self.stride
            self._vectors(room)
            self.p[:keep] = p[:keep]
            for k in range(self.states):
                self.s[k * len(self.p) : k * len(self.p) + keep] = s[k * size : k * size + keep]
        self.rows += count
        self.prog[0, col.N] = self.rows
        if self.rows > len(self.touched):
            grown = np.zeros(max(self.room, self.rows), np.int64)
            grown[: len(self.touched)] = self.touched
            self.touched = grown
            self.bind(TOUCHED=grown)
        return first

    def add_slot(self, row: int, hat: int = 0) -> int:
        """Append a numeric input that scales that row, and the first row of its hats. Returns its slot."""
        if self.slots == len(self.stats):
            room = max(2 * self.slots, 16)
            self.stats, self.knots, self.past = (longer(x, room) for x in (self.stats, self.knots, self.past))
            self.bind(STATS=self.stats, KNOTS=self.knots, RESERVOIR=self.past)
        self.stats[self.slots, [col.ROW, col.HAT]] = row, hat
        self.slots += 1
        return self.slots - 1

    def set_outputs(self, k: int, bias: float) -> None:
        """Give every expert k outputs; what was learned stays to the bit, new outputs start at 0 with that bias."""
        old: dict[str, Any] = {"p": self.p, "s": self.s, "ys": self.ys, "buf": self.buf}
        old |= {"size": len(self.p), "places": self.places}
        stride, dense, before = self.stride, self.dense, self.outputs
        self.experts = tuple(expert.with_outputs(k) for expert in self.experts)
        self._lay(self.room)
        for o, place in enumerate(self.places):
            was = old["places"][o]
            move(self, old, was, place, stride, dense, bias)
        self.buf[:] = old["buf"]
        if len(self.given):
            keep_given(self, k, bias)
        self.ys[:before] = old["ys"]

    # ---- the machine ------------------------------------------------------------------------------------------------

    def _show(self, block: Block) -> None:
        """Put a block into the context."""
        self.shown = self.roomy = None
        self.head[col.DENSE_ROWS] = block.form(self.dtype)
        self.bind(SLOTS=block.slots, ENDS=block.ends, X=block.x)

    def learn(
        self,
        block: Block,
        y: NDArray[np.float64],
        w: NDArray[np.float64],
        asked: Block | None = None,
        unheard: bool = False,
    ) -> NDArray[Any]:
        """Predict row by row and learn row by row; y (n, targets) is overwritten. Returns the predictions, (n, k).

        The mixture learns nothing from answers that were unheard of when they were asked for.
        """
        if self.ring and y.shape[1] > 1:
            raise DataError(
                expected="one answer a sample where samples are replayed",
                got=str(y.shape[1]),
                at="y",
                help="Use experts without replays.",
            )
        if asked is not None:  # the machine knows one kind of block at a time
            block, asked = block.wide(), asked.wide()
        self._scratch(self._width(block.width if asked is None else max(block.width, asked.width)))
        out = np.empty((len(block), self.outputs), self.dtype)
        self._show(block)
        if asked is not None:
            self._ask(asked)
        self.bind(Y=y, W=w, OUT=out)
        self.make_room(block)
        self.head[[col.ANSWERS, col.UNHEARD]] = y.shape[1], unheard
        with compiling(("learn", self.dtype.name)):
            done = _stream.learn_rows(self.context, self.p, 0, len(block), asked is None)
        while done < 0:  # stopped there
            renew_hopeless(self)
            done = _stream.learn_rows(self.context, self.p, -done, len(block), asked is None)
        self.head[col.UNHEARD] = 0
        return out

    def _ask(self, asked: Block) -> None:
        """Put rows whose answers will come into the context, and make room for what is said of them."""
        self.bind(ASKED_SLOTS=asked.slots, ASKED_ENDS=asked.ends, ASKED_X=asked.x)
        if not len(self.given) and self.head[col.MIXTURE]:
            keep_given(self, self.outputs)

    def ask(self, asked: Block) -> NDArray[Any]:
        """Predictions (n, k) of rows whose answers will come: what is said of them is kept."""
        asked = asked.wide()
        self._scratch(self._width(asked.width))
        self._show(asked)
        self._ask(asked)
        out = np.empty((len(asked), self.outputs), self.dtype)
        self.bind(OUT=out)
        with compiling(("ask", self.dtype.name)):
            _stream.ask_rows(self.context, self.p, len(asked))
        return out

    def predict(self, block: Block) -> NDArray[Any]:
        """Predictions (n, k); changes nothing that learning reads."""
        self._scratch(self._width(block.width))
        n, size = len(block), len(block) * self.outputs
        out = np.empty(size + n * bool(self.head[col.SPREADS]), self.dtype)
        self._show(block)
        self.bind(OUT=out)
        with compiling(("predict", self.dtype.name)):
            _stream.predict_rows(self.context, self.p, n)
        self.widths = out[size:]
        return out[:size].reshape(n, self.outputs)

    def show_event(self, event: Block) -> None:
        """Put a block of one sample into the context, until another block takes its place.

        Then ``predict_event(address)`` predicts it into ``event_out`` (k,), and ``learn_event(address, y, w)`` learns it, as
        often as new values are written into the block.
        """
        self._scratch(self._width(event.width))
        self.event_out = np.empty(self.outputs + bool(self.head[col.SPREADS]), self.dtype)
        self._show(event)
        self.bind(Y=np.zeros(1), W=np.zeros(1), OUT=self.event_out)
        self.head[col.ANSWERS] = 1
        narrow = self.dtype == np.float32
        self.predict_event = _stream.predict_event32 if narrow else _stream.predict_event64
        self.learn_event = _stream.learn_event32 if narrow else _stream.learn_event64
        self.address = self.context.ctypes.data if JIT else self.context
        with compiling(("event", self.dtype.name)):  # a weight of 0 teaches nothing
            self.predict_event(self.address)
            self.learn_event(self.address, 0.0, 0.0)
        self.shown = event

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """Predictions (n, k) of a mini-batch x (n, inputs)."""
        self._scratch(x.shape[1], len(x))
        out = np.empty((len(x), self.outputs), self.dtype)
        self.bind(OUT=out)
        with compiling(("forward", self.dtype.name)):
            _batch.forward_batch(self.context, self.p, x.reshape(-1), len(x))
        return out

    def gradient(
        self, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any], total: float, learn: bool, g: NDArray[Any]
    ) -> float:
        """Loss of a mini-batch over ``total``; its gradient is added to g (all parameters)."""
        self._scratch(x.shape[1], len(x))
        with compiling(("gradient", self.dtype.name)):
            value = _batch.gradient_batch(
                self.context, self.p, x.reshape(-1), len(x), y.reshape(-1), w, total, learn, g
            )
        return float(value)

    def apply(self, g: NDArray[Any], penalise: bool) -> None:
        """One step of the rule from the whole gradient g, which clipping may change."""
        self._scratch(1, 2)
        with compiling(("apply", self.dtype.name)):
            _batch.apply_batch(self.context, self.p, g, penalise)
        self.touched[: self.rows] += 1
