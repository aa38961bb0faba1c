"""The file of a ``Network``: what it was declared as, and everything that learning changes, the next shuffle too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.kernels import _op as col
from headwater.nn import Network
from headwater.nn.program import Program
from headwater.nn.room import keep_given, keep_samples

from .container import sealed
from .settings import as_json, from_json

__all__ = ["arrays_of", "fill", "network_bytes", "network_of"]

_RATES = ("l1", "l2", "clip_norm", "clip_value")


def network_bytes(net: Network) -> bytes:
    """Return the file of a network as bytes."""
    expert = net.expert
    settings = {name: getattr(expert, name) for name in ("loss", "optimizer", *_RATES)}
    settings |= {
        "layers": list(expert.layers),
        "seed": net.seed,
        "dtype": net.dtype.name,
        "inputs": net._inputs or None,
    }
    header = {
        "learner": "Network",
        "settings": {name: as_json(value) for name, value in settings.items()},
        "shuffle": net._shuffle.bit_generator.state,
    }
    return sealed(header, {} if net._program is None else arrays_of(net.program))


def network_of(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Network:
    """Build a network and put what was saved into it."""
    net = Network(**{name: from_json(value) for name, value in header["settings"].items()})
    net._shuffle.bit_generator.state = header["shuffle"]
    if net._program is not None:
        fill(net.program, net.program.rows, [], arrays)
    return net


def arrays_of(program: Program) -> dict[str, NDArray[Any]]:
    """Everything that learning changes, cut to what is used."""
    used = program.dense + program.rows * program.stride
    s = program.s.reshape(program.states, -1)[:, :used] if program.states else np.zeros((0, used), program.dtype)
    return {
        "p": program.p[:used],
        "s": s,
        "buf": program.buf,
        "stats": program.stats[: program.slots],
        "touched": program.touched[: program.rows],
        "ys": program.ys,
        "rng": program.rng,
        "running": program.running,
        "knots": program.knots[: program.slots],
        "past": program.past[: program.slots],
        "ring_rows": program.ring_rows,
        "ring_v": program.ring_v,
        "ring_n": program.ring_n,
        "ring_y": program.ring_y,
        "ring_w": program.ring_w,
        "scores": program.scores,
        "history": program.history,
        "given_keys": program.given_keys,
        "given": program.given,
    }


def fill(program: Program, rows: int, slot_rows: list[tuple[int, int]], arrays: dict[str, NDArray[Any]]) -> None:
    """Grow a fresh program to the saved size and copy the arrays in."""
    program.add_rows(rows - program.rows)
    for row, hat in slot_rows:
        program.add_slot(row, hat)
    used = program.dense + rows * program.stride
    program.p[:used] = arrays["p"]
    if program.states:
        program.s.reshape(program.states, -1)[:, :used] = arrays["s"]
    program.touched[:rows] = arrays["touched"]
    program.head[col.TOP] = np.flatnonzero(program.touched).max(initial=0)
    for name in ("stats", "knots", "past"):
        getattr(program, name)[: program.slots] = arrays[name]
    keep_samples(program, arrays["ring_rows"].shape[1])
    if len(arrays.get("given", ())):
        keep_given(program, program.outputs)
    for name in (
        "buf",
        "ys",
        "rng",
        "running",
        "ring_rows",
        "ring_v",
        "ring_n",
        "ring_y",
        "ring_w",
        "scores",
        "history",
        "given_keys",
        "given",
    ):
        if name in arrays:  # files of earlier days have no opinions that wait
            getattr(program, name)[...] = arrays[name]
