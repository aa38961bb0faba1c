"""Remove from a state what a merge leaves empty: replay buffer, pending predictions, watched units and losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cleared", "with_samples"]

_FIXED = ("sample_start", "sample_count", "sample_y", "sample_w")
_WATCHED = ("units", "unit_slots", "succession")
_PAIRS = ("pair_rows", "pair_values")
_GROWING = (
    *_PAIRS,
    "pending_key",
    "pending_highest_row",
    "pending",
    "pending_answers",
    "pending_ends",
    "pending_shown",
    "succession_rows",
    "succession_slots",
    "succession_x",
    "successor",
)
_OF_SAMPLES = [12, 13]
_COUNTS = [*_OF_SAMPLES, 15, 16, 18]
"""Indices in ``sizes`` of the counts of samples, pairs and pending predictions, as in ``core/learner.h``."""


def cleared(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a state's arrays without replay buffer, pending predictions, watched units and losses, as in a merged copy.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Classifier()
    >>> model.learn_one({"a": 1.0}, "x")
    >>> core = model.engine.core
    >>> trimmed, merged = cleared(core.state()), core.merge([]).state()
    >>> len(core.state()["pair_rows"]), len(trimmed["pair_rows"])
    (2, 0)
    >>> all(np.array_equal(trimmed[name], merged[name]) for name in merged)
    True
    """
    sizes = state["sizes"].copy()
    sizes.reshape(-1)[_COUNTS] = 0
    return {
        **state,
        **{name: np.zeros_like(state[name]) for name in (*_FIXED, *_WATCHED)},
        **{name: state[name][:0] for name in _GROWING},
        "sizes": sizes,
    }


def with_samples(state: Mapping[str, NDArray[Any]], samples: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a state's arrays with the replay buffer of another state that has the same rows and knots.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Classifier()
    >>> model.learn_one({"a": 1.0}, "x")
    >>> state = model.engine.core.state()
    >>> again = with_samples(cleared(state), state)
    >>> [name for name in state if not np.array_equal(again[name], state[name])]  # what is watched begins anew
    ['units', 'unit_slots', 'succession']
    """
    sizes = state["sizes"].copy()
    sizes.reshape(-1)[_OF_SAMPLES] = samples["sizes"].reshape(-1)[_OF_SAMPLES]
    return {**state, **{name: samples[name] for name in (*_FIXED, *_PAIRS)}, "sizes": sizes}
