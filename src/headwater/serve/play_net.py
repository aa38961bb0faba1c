"""A playground: one small net, the stream it learns, and all that a page shows of them. Nothing here knows HTTP."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headwater import nn
from headwater.errors import DataError
from headwater.kernels import _op as col
from headwater.kernels._op import OPS
from headwater.nn import trace
from headwater.nn.arrays import block_of
from headwater.nn.program import bias, weights

from .play_csv import BOX, Table, read_table
from .play_data import DATA, DRIFTS, Stream
from .play_score import Scores
from .play_wish import FEATURES, SUITS, Play, check, network

__all__ = ["MOST_ROWS", "Ground", "choices"]

Array = NDArray[Any]
MOST_ROWS = 2000
"""Rows that one request may let a net learn."""
_SURFACE, _UNIT = 64, 24  # cells of a side
_SHOWN = 200  # points
_THUMBNAIL = 120


class Ground:
    """One playground.

    Parameters
    ----------
    play : Play
        What it is made of.

    Raises
    ------
    ConfigError, DataError
        For what can't be.

    Examples
    --------
    >>> ground = Ground(Play(data="xor", hidden=(4,)))
    >>> ground.run(500)
    >>> ground.frame()["n"]
    500
    """

    play: Play
    net: nn.Network
    stream: Stream
    classes: tuple[str, ...]
    n: int
    points: deque[tuple[float, float, float]]
    marks: list[int]
    scores: Scores
    _angle: float
    _fresh: bool

    def __init__(self, play: Play) -> None:
        self._csv = ""
        self._set(play, None)
        self._begin()

    def change(self, play: Play) -> None:
        """Go on with other settings: a net of the same shape keeps its weights, and under the same rule its state.

        Raises
        ------
        ConfigError, DataError
            For what can't be; all is then as it was.
        """
        old, source, shape = self.net, self.stream.source, self._shape()
        self._set(play, self.play)
        if self._shape() != shape:
            self._begin()
            return
        _carry(old, self.net)
        if self.stream.source is not source:
            self.marks.append(self.n)

    def reset(self) -> None:
        """Begin again, with the same first weights and the same points."""
        self._set(self.play, None)
        self._begin()

    def run(self, rows: int) -> None:
        """Predict and learn that many rows, one after the other."""
        angle = self.stream.angles(rows)
        jumps = np.flatnonzero(np.abs(np.diff(angle, prepend=self._angle)) > 0.5)
        self.marks += [self.n + int(i) for i in jumps]
        self._angle = float(angle[-1])
        self._learn(*self.stream.take(rows, self.play.noise))

    def step(self) -> dict[str, Any]:
        """Learn one row, and return the four steps with their numbers: forward pass, loss, gradient, update."""
        ahead = self.stream.angles(1)
        if abs(float(ahead[0]) - self._angle) > 0.5:
            self.marks.append(self.n)
        self._angle = float(ahead[0])
        x, y = self.stream.take(1, self.play.noise)
        f, program = self._features(x), self.net.program
        with np.errstate(all="ignore"):
            values = self._values(f)
            deltas = trace.backward(program, 0, values, trace.loss_delta(program, 0, values[-1], y))
        gradient = self.net.gradients(f, y)
        before = {
            "x": _round(x[0]),
            "features": _round(f[0]),
            "y": float(y[0]),
            "prediction": _round(self.net.forward(f)[0]),
            "loss": _round(self.net.loss(f, y)),
        }
        layers = self._layers(values, deltas, gradient)
        undone = program.run[col.DIVERGED]
        self._learn(x, y)
        for layer, place in zip(layers, program.places, strict=True):
            layer |= {"w_after": _round(weights(program, place)), "b_after": _round(bias(program, place))}
        return {
            **before,
            "layers": layers,
            "prediction_after": _round(self.net.forward(f)[0]),
            "loss_after": _round(self.net.loss(f, y)),
            "undone": bool(program.run[col.DIVERGED] > undone),
            "formulas": self._formulas(),
        }

    def frame(self) -> dict[str, Any]:
        """Return what the page shows now; points, curve and marks only as far as they are new."""
        with np.errstate(all="ignore"):  # a net that ran away is shown as it is
            surface, units = self._maps()
        program = self.net.program
        frame = {
            "n": self.n,
            "fresh": self._fresh,
            "task": "classify" if self.classes else "regress",
            "classes": list(self.classes),
            "angle": round(float(self.stream.angles(1)[0]), 4),
            "surface": surface,
            "units": units,
            "layers": [
                {"w": _round(weights(program, place), 4), "b": _round(bias(program, place), 4)}
                for place in program.places
            ],
            "points": [[_round(a, 4), _round(b, 4), _round(y, 4)] for a, b, y in self.points],
            "curve": self.scores.curve,
            "marks": self.marks,
            "scores": self.scores.now(),
            "table": self._about_table(),
        }
        self.points.clear()
        self.scores.curve, self.marks, self._fresh = [], [], False
        return frame

    # ---- settings ---------------------------------------------------------------------------------------------------

    def _set(self, play: Play, old: Play | None) -> None:
        """Make net and stream of some settings, which follow old ones; nothing is changed until both are there."""
        check(play)
        text = play.csv if play.csv is not None else self._csv
        stream = self._stream(play, old, text)
        classes = stream.source.classes
        net = network(play, len(classes))
        self.play, self.net, self.classes, self._csv = msgspec.structs.replace(play, csv=None), net, classes, text
        self.stream = stream
        stream.turn(play.drift, play.every)

    def _stream(self, play: Play, old: Play | None, text: str) -> Stream:
        """Return the stream that goes on, or a new one if it is another."""
        same = old is not None and (play.data, play.columns, play.seed) == (old.data, old.columns, old.seed)
        if same and (play.data != "csv" or play.csv is None):
            return self.stream
        if play.data != "csv":
            return Stream(DATA[play.data], play.seed)
        if not text:
            raise DataError(expected="a CSV", got="none", at="csv", help="Send the text of a file.", code="csv_text")
        return Stream(read_table(text, play.columns or ()), play.seed)

    def _begin(self) -> None:
        """Forget what was scored and shown."""
        self.n, self._fresh, self._angle = 0, True, float(self.stream.angles(1)[0])
        self.points, self.marks = deque(maxlen=_SHOWN), []
        self.scores = Scores(len(self.classes))

    def _shape(self) -> tuple[Any, ...]:
        """Return what two nets must share for one to go on with the other's weights, and its scores."""
        play = self.play
        return play.features, play.hidden, play.activation, play.seed, len(self.classes)

    def _about_table(self) -> dict[str, Any] | None:
        table = self.stream.source
        if not isinstance(table, Table):
            return None
        return {
            "columns": list(table.columns),
            "chosen": list(table.chosen),
            "low": _round(np.array(table.low), 4),
            "high": _round(np.array(table.high), 4),
            "answers": _round(np.array(table.answers), 4),
            "rows": len(table.x),
            "skipped": table.skipped,
        }

    # ---- the net ----------------------------------------------------------------------------------------------------

    def _learn(self, x: Array, y: Array) -> None:
        said = self.net.learn_many(self._features(x), y)
        self.scores.take(np.asarray(said, float).reshape(len(y), -1), y)
        self.n += len(y)
        self.points.extend(zip(x[:, 0].tolist(), x[:, 1].tolist(), y.tolist(), strict=True))

    def _features(self, x: Array) -> Array:
        return np.stack([FEATURES[name](x) for name in self.play.features], 1)

    def _values(self, f: Array) -> list[Array]:
        """Return the values before each operation of the net, and last its logits."""
        program = self.net.program
        taken = trace.entries(program, block_of(f.astype(self.net.dtype), self.net.expert))
        return trace.forward(program, 0, trace.read(program, 0, taken))

    def _layers(self, values: list[Array], deltas: list[Array], gradient: Array) -> list[dict[str, Any]]:
        """Return, for each layer, sums and outputs of one sample, deltas, weights and the gradient by them."""
        program = self.net.program
        return [
            {
                "z": _round(values[z][0]),
                "a": _round(values[a][0]),
                "delta": _round(deltas[z][0]),
                "w": _round(weights(program, place)),
                "b": _round(bias(program, place)),
                "gw": _round(weights(program, place, gradient)),
            }
            for place, (z, a) in zip(program.places, self._ends(), strict=True)
        ]

    def _ends(self) -> list[tuple[int, int]]:
        """Where, in those values, each layer's sums z and its outputs a stand."""
        program = self.net.program
        last = int(program.ex[0, col.LAST])
        steps = program.prog[int(program.ex[0, col.FIRST]) : last, col.OP]
        dense = [i for i, op in enumerate(steps.tolist()) if op == OPS["dense"].code]
        return list(zip([0, *(i + 1 for i in dense)], [*dense, len(steps)], strict=True))

    def _maps(self) -> tuple[list[bytes], list[list[bytes]]]:
        """Return the net's output, and that of each unit, over the plane, as cells of one byte."""
        out = self.net.forward(self._features(_grid(_SURFACE)))
        if len(self.classes) > 2:
            surface = [_bytes(255 * out[:, k]) for k in range(out.shape[1])]
        else:
            surface = [_bytes(127.5 + 127.5 * (2 * out[:, 0] - 1 if self.classes else out[:, 0]))]
        values = self._values(self._features(_grid(_UNIT)))
        hidden = [values[a] for _, a in self._ends()[:-1]]
        return surface, [[_signed(layer[:, j]) for j in range(layer.shape[1])] for layer in hidden]

    def _formulas(self) -> dict[str, str]:
        expert = self.net.expert
        return {
            "activation": OPS[self.play.activation].formula,
            "loss": expert.loss.row.formula,
            "optimizer": expert.optimizer.rule.formula,
        }


def choices() -> dict[str, Any]:
    """Return what a page can offer: data with some points of each, features over the plane, and names."""
    plane = _grid(_UNIT)
    points = {name: Stream(source, 1).take(_THUMBNAIL, 0.15) for name, source in DATA.items()}
    return {
        "data": {
            name: {"classes": len(DATA[name].classes), "points": _round(np.column_stack([x, y]), 3)}
            for name, (x, y) in points.items()
        },
        "drifts": list(DRIFTS),
        "features": {name: _signed(make(plane)) for name, make in FEATURES.items()},
        "activations": list(nn.ACTIVATIONS),
        "optimizers": SUITS,
        "box": BOX,
    }


def _carry(old: nn.Network, new: nn.Network) -> None:
    """Give a net the weights of another of its shape and, under the same rule, its state."""
    for target, source in zip(new.layers, old.layers, strict=True):
        target.weights[:] = source.weights
        if target.bias is not None:
            target.bias[:] = source.bias
    same = type(old.expert.optimizer) is type(new.expert.optimizer) and len(old.program.p) == len(new.program.p)
    if same:
        for name in ("s", "run", "touched"):
            getattr(new.program, name)[:] = getattr(old.program, name)


def _grid(side: int) -> Array:
    """Centres of side² cells of the box, from the top left."""
    at = BOX * ((2 * np.arange(side) + 1) / side - 1)
    return np.stack([np.tile(at, side), np.repeat(-at, side)], 1)


def _signed(v: Array) -> bytes:
    """Return values as bytes, 0 in the middle, scaled by the farthest (but not by less than ½)."""
    return _bytes(127.5 + 127.5 * v / max(float(np.abs(v).max()), 0.5))


def _bytes(v: Array) -> bytes:
    return bytes(np.clip(np.nan_to_num(v, nan=127.5), 0, 255).round().astype(np.uint8).tobytes())


def _round(value: Any, digits: int = 6) -> Any:
    """Return a number, or an array of them, with so many digits; None for what is not finite."""
    if isinstance(value, np.ndarray):
        return [_round(part, digits) for part in value]
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None
