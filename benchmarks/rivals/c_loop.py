"""The C kernel for 20-64-1, built when the benchmark runs, because ``-march=native`` means this machine."""

from __future__ import annotations

import ctypes
import subprocess
import time
from pathlib import Path

import numpy as np

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import Floats, initial, log_loss, teacher
from benchmarks.rivals.fresh import CACHE

SOURCE = Path(__file__).with_name("c_loop.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-std=c11")


def build() -> ctypes.CDLL:
    """Compile the kernel and load it."""
    library = CACHE / "c_loop.so"
    library.parent.mkdir(exist_ok=True)
    subprocess.run(["gcc", *FLAGS, "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


def aligned(array: Floats) -> Floats:
    """Return a copy that starts on a cache line, as a C program's own arrays would; else its time wavers by 15 %."""
    room = np.empty(array.size + 16, np.float32)
    first = -room.ctypes.data % 64 // room.itemsize
    copy = room[first : first + array.size].reshape(array.shape)
    copy[...] = array
    return copy


def pointer(array: Floats) -> ctypes.c_void_p:
    """Return the address of a C-contiguous array."""
    return ctypes.c_void_p(array.ctypes.data)


def prepare_arrays(spec: Spec) -> Run:
    """Return a run of the one shape that the kernel knows."""
    options = spec["options"]
    if options["sizes"] != [20, 64, 1] or options["rule"] != "sgd":
        raise ValueError(f"expected 20-64-1 with sgd, got {options}")
    kernel = build().learn_rows
    X, y = teacher(spec["rows"], 20, spec["seed"])
    (W0, b0), (v0, c0) = initial(options["sizes"], spec["seed"])

    def learn(rows: int) -> tuple[float, Floats]:
        W, b, v, c = (aligned(array) for array in (W0, b0, v0, c0))
        proba = np.empty(rows, np.float32)
        arrays = [pointer(array) for array in (X, y, W, b, v, c, proba)]
        start = time.perf_counter()
        kernel(ctypes.c_long(rows), ctypes.c_float(options["lr"]), *arrays)
        return time.perf_counter() - start, proba

    def run() -> Pass:
        seconds, proba = learn(len(X))
        return Pass(seconds=seconds, rows=len(X), score=log_loss(y, proba), detail={"gcc": gcc, "flags": FLAGS})

    gcc = subprocess.run(["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()
    learn(1000)
    return run


if __name__ == "__main__":
    serve("c", ["numpy"], {"arrays": prepare_arrays})
