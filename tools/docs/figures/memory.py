"""Pictures of the chapters 13 and 14: what a state keeps, a forecast, how unusual a row is, and how often sets hold the answer."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.figure import Figure

import headwater as hw
from headwater.plain.outputs.coverage import SetThreshold
from headwater.plot.paper import axes, figure

from .palette import BLUE, GREEN, INK, ORANGE, PALE
from .streams import rolling

ROWS, CHANGE, WINDOW, EVERY = 10_000, 5_000, 500, 50


def load(n: int) -> Iterator[float]:
    """Yield the bikes that are out, as chapter 13 does."""
    rng, lasting = random.Random(1), 0.0
    for i in range(n):
        lasting = 0.9 * lasting + rng.gauss(0, 2)
        yield 60 - 30 * math.cos(i % 24 * math.pi / 12) * (0.4 if i // 24 % 7 > 4 else 1) + lasting


def memory() -> Figure:
    """Chapter 13: what is left of a row in a state, and a forecast of one day behind two."""
    fig = figure(8.6, 2.9)
    ax = axes(fig, title=r"$\lambda^n$", x="$n$", y="", place=(1, 2, 1))
    n = np.arange(0, 61, 2)
    for value, colour in ((0.99, GREEN), (0.9, BLUE), (0.5, ORANGE)):
        ax.plot(n, value**n, color=colour, linewidth=1.8, label=rf"$\lambda = {value}$")
    ax.legend(fontsize=9, frameon=False)
    ax = axes(fig, title="", x="$t$", y="bikes", place=(1, 2, 2))
    answers = list(load(3_000))
    model = hw.Forecaster(horizon=24, season=24, seed=1, dtype="float64")
    model.learn_many(answers)
    low, high = np.array(model.forecast_interval(coverage=0.9)).T
    ax.plot(range(-47, 1), answers[-48:], color=INK, linewidth=1.4, label="answer")
    ax.fill_between(range(1, 25), low, high, color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(range(1, 25), model.forecast(), color=BLUE, linewidth=1.8, label="forecast")
    ax.axvline(0, color=PALE, linewidth=1.0, linestyle=":")
    ax.legend(fontsize=9, frameon=False, loc="lower left")
    return fig


def held() -> dict[str, list[bool]]:
    """Return whether each set held the answer, of a threshold that was right before the change and of one that follows."""
    rng, follows, fixed = random.Random(1), SetThreshold(0.9), 0.1**0.2
    found: dict[str, list[bool]] = {"fixed": [], "following": []}
    for i in range(ROWS):
        p = rng.random() ** (0.2 if i < CHANGE else 1.0)
        found["fixed"].append(p >= fixed)
        found["following"].append(p >= follows.least)
        follows.follow(p, follows.least)
    return found


def certainty() -> Figure:
    """Chapter 14: p-values of ordinary rows, and how many sets held the answer over a change."""
    fig = figure(8.6, 2.9)
    rng, model = random.Random(1), hw.Anomaly(seed=1, dtype="float64")
    rows = [
        {"hour": i % 24, "rain": rng.random() < 0.2, "day": "weekend" if i // 24 % 7 > 4 else "work day"}
        for i in range(3_000)
    ]
    p = 1 - np.array(model.learn_many(rows))[1_000:]
    ax = axes(fig, title="$p$", x="$p$", y="", place=(1, 2, 1))
    ax.hist(p, np.linspace(0, 1, 11).tolist(), weights=np.full(len(p), 1 / len(p)), color=BLUE, alpha=0.6)
    ax.axhline(0.1, color=INK, linewidth=1.0, linestyle=":")
    ax = axes(fig, title="coverage, last 500 rows", x="t", y="", place=(1, 2, 2))
    for (name, right), colour in zip(held().items(), (ORANGE, BLUE), strict=True):
        ax.plot(
            range(WINDOW, ROWS + 1, EVERY), rolling(right, WINDOW)[::EVERY], color=colour, linewidth=1.8, label=name
        )
    ax.axhline(0.9, color=INK, linewidth=1.0, linestyle=":")
    ax.axvline(CHANGE, color=PALE, linewidth=1.0, linestyle=":")
    ax.set_ylim(0.3, 1)
    ax.legend(fontsize=9, frameon=False, loc="lower left")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {"memory": memory, "certainty": certainty}
