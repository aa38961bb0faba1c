"""Remove from a state what a copy does not need: replay buffer, pending predictions, watched units and losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["added_samples", "cleared"]

_FIXED = ("sample_start", "sample_count", "sample_y", "sample_w")
_WATCHED = ("units", "unit_slots", "succession")
_PAIRS = ("pair_rows", "pair_values")
_GROWING = (
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
_SAMPLES, _PAIR_COUNT = 12, 13
_PENDING = (15, 16, 18)
"""Indices in ``sizes`` of the counts of samples, pairs and pending predictions, as in ``core/learner.h``."""


def cleared(state: Mapping[str, NDArray[Any]], *, samples: bool = True) -> dict[str, NDArray[Any]]:
    """Return a state's arrays without pending predictions, watched units and losses, as in a merged copy.

    Parameters
    ----------
    state : mapping
        Arrays of a learner.
    samples : bool
        Whether the replay buffer goes too.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Classifier()
    >>> model.learn_one({"a": 1.0}, "x")
    >>> core = model.engine.core
    >>> trimmed, merged = cleared(core.state(), samples=False), core.merge([]).state()
    >>> len(core.state()["pair_rows"]), len(cleared(core.state())["pair_rows"])
    (2, 0)
    >>> all(np.array_equal(trimmed[name], merged[name]) for name in merged)
    True
    """
    sizes = state["sizes"].copy()
    sizes.reshape(-1)[[*_PENDING, *((_SAMPLES, _PAIR_COUNT) if samples else ())]] = 0
    fixed, growing = ((*_FIXED, *_WATCHED), (*_PAIRS, *_GROWING)) if samples else (_WATCHED, _GROWING)
    return {
        **state,
        **{name: np.zeros_like(state[name]) for name in fixed},
        **{name: state[name][:0] for name in growing},
        "sizes": sizes,
    }


def added_samples(before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a state's arrays with only those samples in its replay buffer that an earlier state did not have.

    The places of the others stay, without values, so that samples keep their numbers.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Classifier()
    >>> model.learn_one({"a": 1.0}, "x")
    >>> before = model.engine.core.state()
    >>> model.learn_one({"a": 2.0}, "x")
    >>> after = model.engine.core.state()
    >>> len(after["pair_rows"]), len(added_samples(before, after)["pair_rows"])
    (4, 2)
    """
    sizes, ring = after["sizes"].copy(), len(after["sample_count"])
    first, last = (int(state["sizes"].reshape(-1)[_SAMPLES]) for state in (before, after))
    places = np.arange(max(first, last - ring), last) % max(ring, 1)
    counts = after["sample_count"][places]
    starts = np.cumsum(counts) - counts
    sizes.reshape(-1)[_PAIR_COUNT] = counts.sum()
    pairs = np.repeat(after["sample_start"][places] - starts, counts) + np.arange(counts.sum())
    only = {name: np.zeros_like(after[name]) for name in ("sample_start", "sample_count")}
    only["sample_start"][places], only["sample_count"][places] = starts, counts
    return {**after, **only, **{name: after[name][pairs] for name in _PAIRS}, "sizes": sizes}
