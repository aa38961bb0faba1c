"""Who takes part: one adapter each, and the environment that it runs in.

An adapter module is started as ``python -m benchmarks.rivals.NAME`` by the interpreter of its environment and
speaks ``benchmarks.contract``. It imports its library and nothing of the other rivals'.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rival:
    """One column of the tables: a name, its title, its adapter module and its environment."""

    name: str
    title: str
    module: str
    env: str | None  # None: the interpreter that runs the benchmark, where headwater itself is installed
    package: str  # the package whose version the tables state
    arguments: tuple[str, ...] = ()


RIVALS = {
    rival.name: rival
    for rival in (
        Rival("headwater", "headwater", "headwater_net", None, "headwater"),
        Rival("c", "C for this one shape", "c_loop", "c", "gcc"),
        Rival("jax", "JAX `lax.scan`", "jax_scan", "jax", "jax", ("1",)),
        Rival("jax-unroll4", "JAX `lax.scan`, `unroll=4`", "jax_scan", "jax", "jax", ("4",)),
        Rival("torch", "PyTorch, eager", "torch_eager", "torch", "torch"),
        Rival("sklearn", "scikit-learn `MLPClassifier`", "sklearn_mlp", "sklearn", "scikit-learn"),
        Rival("river", "River `StandardScaler \\| LogisticRegression`", "river_logistic", "river", "river"),
        Rival("vw", "VW `--nn 10`", "vw_nn", "vw", "vowpalwabbit"),
        Rival("headwater-js", "headwater.mjs, `learnMany`", "node_rows", None, "node", ("headwater-js",)),
        Rival("headwater-js-one", "headwater.mjs, a call a row", "node_rows", None, "node", ("headwater-js-one",)),
        Rival("tfjs", "TensorFlow.js, CPU", "node_rows", None, "@tensorflow/tfjs", ("tfjs",)),
        Rival("tfjs-wasm", "TensorFlow.js, WebAssembly", "node_rows", None, "@tensorflow/tfjs", ("tfjs-wasm",)),
        Rival("convnetjs", "ConvNetJS", "node_rows", None, "convnetjs", ("convnetjs",)),
    )
}
