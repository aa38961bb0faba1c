"""Each number of a file is within what it may be: one that is not is refused in a sentence, or the learner predicts finite numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import headwater as hw
from core.hostile.hostile_state import SUBJECTS, learned, row
from headwater import nn
from headwater.errors import ModelFileError
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import SavedModel, seal, unseal

NUMBERS = (math.nan, math.inf, -1e300, 1e300, -1.0)
WHOLE = (-1, 1 << 20, (1 << 31) - 1, 1 << 53, -(1 << 63))
KINDS = {name: SUBJECTS[name] for name in SUBJECTS if name not in ("many_classes", "image", "full", "late")}
KINDS["text"] = lambda: learned(hw.Classifier(text={"colour": "bigrams"}, diagnosis=False), 90, lambda i: i % 3)


def said(model: Any) -> list[float]:
    """Numbers that a learner predicts."""
    if isinstance(model, nn.Network):
        return [float(y) for y in np.ravel(model.predict(np.linspace(-1, 1, 12).reshape(3, 4)))]
    rows, out = [row(i, spread=30) for i in (1, 50, 999)], []
    for x in rows:
        if isinstance(model, hw.Anomaly):
            out.append(model.score_one(x))
        elif isinstance(model, hw.Forecaster):
            out += model.forecast(model.horizon, [x] * model.horizon)
        elif isinstance(model, hw.Agent):
            out += [float(model.value(x)), *np.ravel(model.act(x, False)).tolist()]
        elif isinstance(model, hw.Bandit):
            out += model.probabilities(x, ["a", "new"]).values()
        else:
            out += [model.predict_one(x)] if model.task == "regress" else model.predict_proba_one(x).values()
    return out


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize("kind", KINDS)
def test_a_number_out_of_range_is_refused_or_harmless(kind):
    saved, rng, refused = unseal(to_bytes(KINDS[kind]()), "memory"), np.random.default_rng(len(kind)), 0
    header = {name: value for name, value in saved.header.items() if name != "sha256"}
    for name, array in saved.arrays.items():
        if name in ("sample", "names_bytes") or not array.size:
            continue
        for value in NUMBERS if array.dtype.kind == "f" else WHOLE:
            changed = array.copy()
            limits = None if array.dtype.kind == "f" else np.iinfo(array.dtype)
            with np.errstate(over="ignore"):
                changed.flat[rng.integers(array.size)] = (
                    value if limits is None else min(max(value, limits.min), limits.max)
                )
            data = seal(SavedModel(dict(header), {**saved.arrays, name: changed}))
            try:
                model = from_bytes(data, "memory")
            except ModelFileError:
                refused += 1
                continue
            assert all(map(math.isfinite, said(model))), (name, value)
    assert refused > 30


PINNED = {
    "answers before of -1e300": ("regressor", "answers", 0, -1e300, "answers"),
    "a mean of an answer that is none": ("regressor", "answers", 0, math.nan, "answers"),
    "a variance below 0": ("regressor", "answers", 1, -1.0, "answers"),
    "an infinite weight": ("pool", "weights", 3, math.inf, "weights"),
    "a weight that is none": ("pool", "weights", 3, math.nan, "weights"),
    "a mean of a number that is none": ("pool", "slot_mean", 0, math.nan, "slot_mean"),
    "a negative variance of a number": ("pool", "slot_variance", 0, -1.0, "slot_variance"),
    "a moment that is none": ("hidden", "state_1", 5, math.nan, "state_1"),
    "a weight of a kept sample below 0": ("pool", "sample_w", 0, -1.0, "sample_w"),
    "a row behind the table": ("pool", "names_value", -1, 1 << 20, "names_value"),
    "a slot behind all": ("pool", "column_slot", 0, 1 << 20, "column_slot"),
    "an expert's weight that is none": ("pool", "running", 10, math.nan, "running"),
    "a state of a memory": ("memory", "memory_states", 0, math.inf, "memory_states"),
    "an error of a forecaster": ("forecaster", "forecast_errors", 1, math.nan, "forecast_errors"),
    "what a forecaster said": ("forecaster", "forecast_given", 0, math.inf, "forecast_given"),
    "an inverse of a bandit": ("bandit", "bandit_inverse", 0, 1e300, "bandit_inverse"),
    "a return of an agent": ("agent", "agent_returns", 0, math.nan, "agent_returns"),
    "a score of an anomaly model": ("anomaly", "scores", 3, math.nan, "scores"),
}


@pytest.mark.parametrize("what", PINNED)
def test_what_no_learner_can_reach_is_refused_and_named(what):
    kind, name, place, value, named = PINNED[what]
    saved = unseal(to_bytes(KINDS[kind]()), "memory")
    header = {key: other for key, other in saved.header.items() if key != "sha256"}
    changed = saved.arrays[name].copy()
    changed.flat[place] = value
    with pytest.raises(ModelFileError, match=named):
        from_bytes(seal(SavedModel(header, {**saved.arrays, name: changed})), "memory")
