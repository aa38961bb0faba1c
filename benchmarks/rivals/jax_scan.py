"""JAX: the whole stream inside one compiled ``jax.lax.scan``, which returns the predictions made before each update.

Compiled ahead of time, so compilation isn't counted. ``unroll=4`` is a second column, since it helps
SGD by a quarter and few users know it. Adam is written in the order of Kingma and Ba's section 2 (bias corrections
folded into the step), which XLA runs a fifth faster than the textbook line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contract import Pass, Run, Spec, serve
from benchmarks.data import initial, log_loss, teacher
from benchmarks.rivals.fresh import prepare_start

UNROLL = int(sys.argv[1]) if len(sys.argv) > 1 else 1
tree_map = jax.tree_util.tree_map
Step = Callable[[Any, tuple[jax.Array, jax.Array]], tuple[Any, jax.Array]]


def loss(layers: list[tuple[jax.Array, jax.Array]], x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the logistic loss of one row, and its logit."""
    for W, b in layers[:-1]:
        x = jax.nn.relu(x @ W + b)
    W, b = layers[-1]
    logit = (x @ W + b)[0]
    return jnp.logaddexp(0.0, logit) - y * logit, logit


gradient = jax.grad(loss, has_aux=True)


def sgd(lr: float) -> Step:
    """Return one predict-then-learn step of stochastic gradient descent."""

    def step(layers: Any, row: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        gradients, logit = gradient(layers, *row)
        return tree_map(lambda w, g: w - lr * g, layers, gradients), jax.nn.sigmoid(logit)

    return step


def adam(lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Step:
    """Return one predict-then-learn step of Adam."""

    def step(state: Any, row: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        layers, m, v, t = state
        gradients, logit = gradient(layers, *row)
        t = t + 1.0
        m = tree_map(lambda m, g: beta1 * m + (1.0 - beta1) * g, m, gradients)
        v = tree_map(lambda v, g: beta2 * v + (1.0 - beta2) * g * g, v, gradients)
        root = jnp.sqrt(1.0 - beta2**t)
        rate = lr * root / (1.0 - beta1**t)
        layers = tree_map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + eps * root), layers, m, v)
        return (layers, m, v, t), jax.nn.sigmoid(logit)

    return step


def prepare_arrays(spec: Spec) -> Run:
    """Return a run of the compiled scan over the whole array."""
    options = spec["options"]
    X, y = (jnp.asarray(array) for array in teacher(spec["rows"], options["sizes"][0], spec["seed"]))
    layers = [(jnp.asarray(W), jnp.asarray(b)) for W, b in initial(options["sizes"], spec["seed"])]
    state: Any = layers
    step = sgd(options["lr"])
    if options["rule"] == "adam":
        zeros = tree_map(jnp.zeros_like, layers)
        state, step = (layers, zeros, zeros, jnp.float32(0.0)), adam(options["lr"])

    start = time.perf_counter()
    learn = jax.jit(lambda s, X, y: jax.lax.scan(step, s, (X, y), unroll=UNROLL)).lower(state, X, y).compile()
    compile_s = time.perf_counter() - start

    def run() -> Pass:
        start = time.perf_counter()
        proba = jax.block_until_ready(learn(state, X, y))[1]
        seconds = time.perf_counter() - start
        score = log_loss(np.asarray(y), np.asarray(proba))
        return Pass(seconds=seconds, rows=len(y), score=score, detail={"compile_s": compile_s, "unroll": UNROLL})

    run()
    return run


if __name__ == "__main__":
    kinds = {"arrays": prepare_arrays, "start": lambda spec: prepare_start("import jax, jax.numpy", spec)}
    serve("jax" if UNROLL == 1 else f"jax-unroll{UNROLL}", ["jax", "jaxlib", "numpy"], kinds)
