"""Model files with something wrong in them and a digest that is right: load each, and use what was loaded.

``python hostile_state.py FOLDER FIRST STOP`` tries files FIRST to STOP - 1; it prints the number of each before it begins and
what became of it. A crash ends it, so the last number is the file that did it.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import headwater as hw
from headwater import nn
from headwater.errors import HeadwaterError, ModelFileError
from headwater.store.model_file import SavedModel, seal, unseal

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MOST_MEMORY = 4 << 30
MOST_GROWTH = 256 << 20  # bytes by which one file may raise the memory of the process; all are smaller than 1 MB
Arrays = dict[str, np.ndarray]
Row = dict[Any, Any]

HARD: tuple[Any, ...] = (
    -1,
    -2,
    0,
    1,
    2,
    15,
    16,
    17,
    255,
    1 << 15,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 31,
    1 << 53,
    (1 << 63) - 1,
)
FLOATS = (np.nan, np.inf, -np.inf, 1e300, -1e300, -1.0, 0.5, 1e-320, 2.0**53, 2.0**63, 1e19, 3e38)
TYPES = ("uint8", "int8", "int32", "int64", "uint64", "float16", "float32", "float64", "bool")


def row(i: int, *, spread: int = 9) -> Row:
    """A row of numbers, texts, a date and gaps."""
    x: Row = {
        "a": (i * 7 % 11) / 3,
        "b": float(i * i % 17) - 8,
        "colour": f"c{i % spread}",
        "when": dt.datetime(2020, 1, 1 + i % 28),
    }
    if i % 3:
        x["gap"] = float(i % 5)
    if i % 4 == 0:
        x["word"] = f"w{i}"
    return x


def learned(model: Any, rows: int, answer: Callable[[int], Any], **given: Any) -> Any:
    for i in range(rows):
        model.learn_one(row(i, **given), answer(i))
    return model


def _late() -> Any:
    model = learned(hw.Classifier(seed=3, diagnosis=False), 80, lambda i: i % 3)
    model.step_many([], [], ask=[row(i) for i in range(80, 140)])
    return model


def _forecaster() -> Any:
    model = hw.Forecaster(horizon=3, season=4, lags=5)
    for i in range(80):
        model.learn_one(None if i % 9 == 4 else float(i * i % 13), row(i))
    return model


def _bandit() -> Any:
    model = hw.Bandit(hidden=6)
    for i in range(90):
        action, p = model.act(row(i), list("abcde"[: 1 + i // 20]))
        model.learn(row(i), action, float(i * i % 3 == 0), p)
    return model


def acted(agent: Any, steps: int) -> Any:
    for i in range(steps):
        x, following = row(i), row(i + 1)
        agent.learn(x, agent.act(x), float(i % 7), following, terminated=i % 40 == 39, truncated=i % 25 == 24)
    return agent


def acted_on_ids(agent: Any, steps: int, read: Callable[[int], Any] = int) -> Any:
    for i in range(steps):
        x = read(i * i % 17)
        agent.learn(x, agent.act(x), float(i % 7), read((i + 1) ** 2 % 17), i % 40 == 39, i % 25 == 24)
    return agent


def _network() -> Any:
    layers = [
        nn.Dense(7),
        nn.LayerNorm(),
        nn.Activation("relu"),
        nn.Dropout(0.1),
        nn.Dense(5),
        nn.BatchNorm(),
        nn.Dense(2),
    ]
    net = nn.Network(layers, loss="mse", optimizer=nn.Adam(0.01), inputs=4, seed=1)
    rng = np.random.default_rng(0)
    net.learn_many(rng.normal(size=(60, 4)), rng.normal(size=(60, 2)))
    return net


def _image() -> Any:
    layers = [nn.Conv(5, 3, "relu", padding=1), nn.BatchNorm(), nn.Pool(2), nn.Conv(3, 2), nn.Flatten(), nn.Dense(2)]
    net = nn.Network(layers, optimizer=nn.Adam(0.01), inputs=(2, 5, 6), seed=1)
    rng = np.random.default_rng(0)
    net.learn_many(rng.normal(size=(60, 2, 5, 6)), rng.normal(size=(60, 2)))
    return net


SUBJECTS: dict[str, Callable[[], Any]] = {
    "pool": lambda: learned(hw.Classifier(seed=1), 150, lambda i: "abcd"[i * i % 4]),
    "hidden": lambda: learned(hw.Classifier(hidden=(8, 5), optimizer=nn.Adam(0.01), dropout=0.1), 90, lambda i: i % 3),
    "history": lambda: learned(hw.Classifier(effort="fast", label_history=True, diagnosis=False), 90, lambda i: i % 5),
    "many_classes": lambda: learned(hw.Classifier(effort="fast", diagnosis=False), 120, lambda i: i % 70),
    "regressor": lambda: learned(hw.Regressor(seed=2, label_history=True), 150, lambda i: 5.0 * (i % 9)),
    "counts": lambda: learned(
        hw.Regressor(loss="poisson", hidden=(4,), norm="batch", diagnosis=False), 60, lambda i: i % 4
    ),
    "late": _late,
    "full": lambda: learned(hw.Classifier(max_rows=40, diagnosis=False), 120, lambda i: i % 2, spread=60),
    "cells": lambda: learned(
        hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], diagnosis=False), 90, lambda i: i % 4
    ),
    "network": _network,
    "image": _image,
    "anomaly": lambda: learned(hw.Anomaly(neighbours=20, hidden=3), 120, lambda i: 1.0),
    "forecaster": _forecaster,
    "bandit": _bandit,
    "agent": lambda: acted(hw.Agent(3, hidden=6, explore=50), 90),
    "agent_of_ids": lambda: acted_on_ids(hw.Agent(3, hidden=6, explore=50), 90),
    "agent_of_tiles": lambda: acted_on_ids(hw.Agent(3, hidden=6, explore=50), 90, float),
    "agent_of_numbers": lambda: acted(hw.Agent(((-1.0, 2.0), (0.0, 1.0)), hidden=5, adaptive=True, max_rows=40), 90),
    "memory": lambda: learned(
        hw.Classifier(
            memory=3,
            by="colour",
            time="when",
            memory_keys=5,
            experts=[nn.Expert(optimizer=nn.SGD(0.1))],
            diagnosis=False,
        ),
        120,
        lambda i: i % 3,
        spread=9,
    ),
}


# ---- what is done to a file -----------------------------------------------------------------------------------------------


def hard(rng: np.random.Generator, array: np.ndarray) -> Any:
    """A value that does harm, of the array's kind."""
    if array.dtype.kind == "f":
        return rng.choice(FLOATS)
    if array.dtype.kind == "b":
        return rng.random() < 0.5
    limits = np.iinfo(array.dtype)
    near = int(array.flat[rng.integers(array.size)]) + int(rng.integers(-3, 4)) if array.size else 0
    value = near if rng.random() < 0.3 else int(HARD[rng.integers(len(HARD))])
    return array.dtype.type(min(max(value, limits.min), limits.max))


def number(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    """One number, a few, or all become hard ones."""
    array = arrays[name] = arrays[name].copy()
    if not array.size:
        return
    share = rng.random()
    where = rng.integers(array.size, size=1 if share < 0.7 else 5 if share < 0.9 else array.size)
    value = hard(rng, array)
    for i in where:
        array.flat[i] = value if share > 0.9 else hard(rng, array)


def shape(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    array = arrays[name]
    way = rng.integers(6)
    if way == 0:
        arrays[name] = array[:-1]
    elif way == 1:
        arrays[name] = np.concatenate([array, array[:1]])
    elif way == 2:
        arrays[name] = array.reshape(-1, 1) if array.ndim == 1 else array.reshape(-1)
    elif way == 3:
        arrays[name] = array[:0]
    elif way == 4:
        arrays[name] = array.reshape(1, *array.shape)
    else:
        arrays[name] = array.reshape(-1)[:1].reshape(()) if array.size else array


def kind(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    with np.errstate(all="ignore"):
        arrays[name] = arrays[name].astype(TYPES[rng.integers(len(TYPES))])


def missing(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    if rng.random() < 0.5:
        del arrays[name]
    else:
        other = list(arrays)[rng.integers(len(arrays))]
        arrays[name], arrays[other] = arrays[other], arrays[name]


LENGTHS = {  # which arrays are as long as which of the sizes says
    0: ("row_keys", "touched"),
    2: ("slot_row", "slot_basis", "slot_mean", "slot_variance", "slot_seen", "slot_knot_count", "slot_knots"),
    3: ("names_owner", "names_value", "names_end"),
    4: ("column_name", "column_kind", "column_slot"),
    5: ("names_bytes",),
    13: ("pair_rows", "pair_values"),
    14: ("slot_reservoir",),
}


def size(rng: np.random.Generator, arrays: Arrays, _: str) -> None:
    """A size of the state, and the arrays that follow from it."""
    if "sizes" not in arrays or arrays["sizes"].shape != (22,) or arrays["sizes"].dtype != np.int64:
        return
    sizes = arrays["sizes"] = arrays["sizes"].copy()
    which = int(rng.choice([*LENGTHS, *range(len(sizes))]))
    old = int(sizes[which])
    new = max(old + int(rng.integers(-3, 4)), 0) if rng.random() < 0.7 else int(hard(rng, sizes))
    sizes[which] = new
    if not 0 <= new <= min(4 * old + 100, 100_000):
        return
    stride = (len(arrays["weights"]) // max(old, 1)) if which == 0 else 0
    for name in LENGTHS.get(which, ()):
        if name in arrays:
            arrays[name] = np.resize(arrays[name], (new, *arrays[name].shape[1:]))
    for name in ("weights", *(f"state_{k}" for k in range(5))):
        if stride and name in arrays and arrays[name].size:  # whole rows more or less
            columns = hw_stride(arrays, old) or stride
            arrays[name] = np.resize(arrays[name], max(len(arrays[name]) + (new - old) * columns, 0))


def hw_stride(arrays: Arrays, rows: int) -> int:
    """How many numbers a row of the table has, tried out: the largest that leaves a whole number of dense ones."""
    length = len(arrays["weights"])
    return next(
        (width for width in (512, 256, 208, 160, 128, 96, 80, 64, 48, 32, 16, 8, 4) if width * rows <= length), 0
    )


def header_number(rng: np.random.Generator, header: Any) -> None:
    """Something of the header becomes something else."""
    values: tuple[Any, ...] = (
        None,
        -1,
        0,
        1 << 40,
        1e300,
        "x",
        [],
        {},
        True,
        {"float": "nan"},
        {"tuple": []},
        {"class": "SGD"},
    )
    while isinstance(header, dict | list) and header:
        keys = list(header) if isinstance(header, dict) else range(len(header))
        key = list(keys)[rng.integers(len(keys))]
        if not isinstance(header[key], dict | list) or not header[key] or rng.random() < 0.15:
            if rng.random() < 0.1:
                del header[key]
            else:
                header[key] = values[rng.integers(len(values))]
            return
        header = header[key]


OFTEN = ("sizes", "declaration", "names_value", "names_owner", "names_end", "slot_row", "slot_basis", "slot_knot_count",
         "shared_slots", "sample_start", "sample_count", "pair_rows", "column_slot", "column_kind", "column_name", "slot_seen",
         "pending_highest_row", "label_history", "cell_code", "cell_threshold", "running", "touched", "sample_y", "slot_knots",
         "forecast_counts", "forecast_numbers", "forecast_errors", "forecast_column_start", "forecast_column_slots",
         "forecast_levels", "bandit_counts", "bandit_shares", "bandit_actions", "bandit_ring", "bandit_weights",
         "bandit_stack", "bandit_means", "coverage", "pending_ends", "pending_shown", "answers", "weights", "state_0", "slot_mean", "slot_variance", "sample",
         "forecast_weights", "forecast_inverse", "bandit_inverse", "text_weights", "memory_states", "memory_traces",
         "agent_numbers", "agent_rows", "agent_returns", "agent_lengths", "memory_numbers", "memory_keys", "memory_blocks",
         "units", "unit_slots", "relevance", "relevance_slots", "tile_numbers", "tile_ranges", "tile_keys", "tile_values", "tile_traces",
         "succession", "succession_rows", "succession_slots", "succession_x", "successor",
         "forecast_bank_numbers", "forecast_bank_indices", "forecast_bank_states", "forecast_bank_losses", "forecast_pool_losses",
         "forecast_pool_given", "forecast_width_sizes", "forecast_width_visits", "forecast_width_shapes")  # fmt: skip


def of_sample(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    """Something of what is kept for a diagnosis becomes something else."""
    state = msgspec.msgpack.decode(arrays[name].tobytes())
    header_number(rng, state)
    arrays[name] = np.frombuffer(msgspec.msgpack.encode(state), np.uint8)


def spoil(rng: np.random.Generator, header: dict[str, Any], arrays: Arrays) -> None:
    """Do one thing to a header or to an array."""
    some = [name for name in OFTEN if name in arrays and arrays[name].size]
    name = str(rng.choice(some if some and rng.random() < 0.6 else list(arrays)))
    share = rng.random()
    if share < 0.12:
        header_number(rng, header)
    else:
        way = number if share < 0.65 else size if share < 0.8 else (shape, kind, missing)[rng.integers(3)]
        if name == "sample" and share < 0.8:
            way = of_sample
        way(rng, arrays, name)


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """The file with something wrong in it, and a digest that is right."""
    saved = unseal(data, "memory")
    header, arrays = saved.header, saved.arrays
    del header["sha256"]
    try:
        for _ in range(1 if rng.random() < 0.8 else 3):
            spoil(rng, header, arrays)
        return seal(SavedModel(header, arrays))
    except (
        ValueError,
        OverflowError,
        TypeError,
        IndexError,
        msgspec.MsgspecError,
    ):  # no array can be so, or no file holds it: left as it is
        return data


# ---- what is done with what was loaded ------------------------------------------------------------------------------------


def use(model: Any, at: Path) -> None:
    """Predict and learn 20 rows, look at all there is, save, load and predict again."""
    if isinstance(model, nn.Network):
        inputs = int(np.prod(model.core.image or model.core.rows - 1))
        X = np.linspace(-1, 1, 20 * (inputs + 1))[: 20 * inputs].reshape(20, -1)
        model.predict(X)
        model.learn_many(X, np.zeros((20, model.core.outputs)))
        model.fit(X, np.zeros((20, model.core.outputs)), epochs=1, batch_size=8)
        model.core.digest()
    elif isinstance(model, hw.Anomaly):
        for i in range(20):
            x = row(i, spread=30)
            model.score_one(x)
            model.learn_one(x)
        model.learn_many([row(i) for i in range(100, 110)])
        model.step_many([], ask=[row(i) for i in range(5)])
        str(model.rejected), str(model.describe()), str(model.explain_one(row(1))), str(model.diagnose())
    elif isinstance(model, hw.Forecaster):
        for i in range(20):
            model.forecast(model.horizon, [row(i + h, spread=30) for h in range(model.horizon)])
            model.learn_one(None if i % 7 == 3 else 1.5 * i, row(i, spread=30))
        model.learn_many([2.0] * 10, [row(i) for i in range(100, 110)])
        model.forecast_interval(coverage=0.5)
        (
            str(model.rejected),
            str(model.describe()),
            str(model.experts_),
            str(model.explain_one(row(1))),
            str(model.diagnose()),
        )
    elif isinstance(model, hw.Agent):
        acted(model, 20)
        model.learn(row(3, spread=30), model.act(row(3), False), float("nan"), row(4))
        model.value(row(5)), model.policy(row(5)), model.returns, model.lengths
        str(model.rejected), str(model.describe()), str(model.experts_), str(model.explain_one(row(1)))
        str(model.diagnose())
    elif isinstance(model, hw.Bandit):
        for i in range(20):
            x = row(i, spread=30)
            action, p = model.act(x, ["a", "new"])
            model.learn(x, action, i % 2, p)
        model.learn_many([row(i) for i in range(100, 110)], [("b", 1.0, 0.5)] * 10)
        str(model.rejected), str(model.describe()), str(model.experts_), str(model.taken)
        str(model.explain_one(row(1))), str(model.diagnose())
    else:
        for i in range(20):
            x = row(i, spread=30)
            model.predict_one(x)
            model.learn_one(
                x, (model.classes[i % len(model.classes)] if model.classes else 1) if model.task == "classify" else 1.5
            )
        model.learn_many(
            [row(i) for i in range(100, 110)],
            ["new"] * 10 if model.task == "classify" and model._multiclass else [1] * 10,
        )
        model.step_many([], [], ask=[row(i) for i in range(5)])
        str(model.rejected), str(model.describe()), str(model.experts_)
        if model.task == "regress":
            model.predict_interval_one(row(3))
        model.explain_one(row(1))
        if model.diagnosis:
            model.importance()
            str(model.diagnose())
    model.save(at)
    hw.load(at)


def attempt(data: bytes, at: Path) -> tuple[str, str]:
    """What became of a file, and what went wrong, if anything did."""
    at.write_bytes(data)
    try:
        model = hw.load(at)
    except ModelFileError:
        return "refused", ""
    except Exception:  # noqa: BLE001  what is looked for
        return "raw", traceback.format_exc(limit=-4)
    try:
        with np.errstate(all="ignore"):
            use(model, at)
    except HeadwaterError:  # said in a sentence: numbers that are no longer finite, a learner too small for this
        return "used", ""
    except Exception:  # noqa: BLE001
        return "raw", traceback.format_exc(limit=-4)
    return "used", ""


def peak() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    return 0 if resource is None else int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


def main(folder: Path, first: int, stop: int) -> None:
    warnings.simplefilter("ignore")
    if resource is not None:  # a file must not make a learner larger than the file
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    whole: dict[str, bytes] = {}
    for i in range(first, stop):
        print(i, flush=True)
        name = list(SUBJECTS)[i % len(SUBJECTS)]
        if name not in whole:
            model, at = SUBJECTS[name](), folder / f"{name} {stop}.hw"
            model.save(at)
            whole[name] = at.read_bytes()
            use(hw.load(at), at)
        data = mutated(np.random.default_rng(i), whole[name])
        before = peak()
        became, wrong = attempt(data, folder / f"tried {stop}.hw")
        if peak() - before > MOST_GROWTH:
            became, wrong = "raw", f"a file of {len(data):,} bytes took {peak() - before:,} more"
        print(json.dumps([i, name, "same" if data == whole[name] else became, wrong]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
