"""Pictures of the chapters 25 and 26: what words move, a shop that explores, and the values of a corridor."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

import headwater as hw
from headwater import nn
from headwater.plot.paper import axes, figure

from .palette import BLUE, INK, ORANGE, PALE
from .streams import rolling

GOOD, BAD = ["love", "great", "fine", "works"], ["broken", "slow", "awful", "refund"]
FILLER = ["the", "parcel", "came", "today", "and", "it", "is", "phone", "my"]


def bites(text: str) -> list[bool]:
    """Return whether each of the sentences of chapter 25 was told right."""
    draw, right = random.Random(2), []
    model = hw.Classifier(seed=1, dtype="float64", text=text)
    for _ in range(600):
        who, whom = draw.sample(["dog", "man"], 2)
        x = {"news": f"{draw.choice(FILLER)} the {who} bites the {whom} {draw.choice(FILLER)}"}
        right.append(model.predict_one(x) == who)
        model.learn_one(x, who)
    return right


def text() -> Figure:
    """Chapter 25: single words against pairs of neighbours, and what each word of a review moves."""
    fig = figure(8.6, 2.9)
    ax = axes(fig, title="accuracy, last 100 rows", x="t", y="", place=(1, 2, 1))
    for name, colour in (("words", ORANGE), ("pairs", BLUE)):
        right = rolling(bites("bigrams" if name == "pairs" else name), 100)[::10]
        ax.plot(range(100, 601, 10), right, color=colour, linewidth=1.8, label=name)
    ax.set_ylim(0, 1.05)
    ax.legend(fontsize=9, frameon=False, loc="lower right")
    rng, model = random.Random(1), hw.Classifier(seed=1, dtype="float64", text="words")
    for _ in range(2_000):
        content = rng.random() < 0.5
        words = [*rng.choices(FILLER, k=5), rng.choice(GOOD if content else BAD)]
        model.learn_one({"review": " ".join(words)}, content)
    shown = [*GOOD[:2], "the", "parcel", *BAD[:2]]
    why = model.explain_one({"review": " ".join(shown)}, target=True).contributions
    parts = {name.split(": ")[1].split(" = ")[0]: value for name, value in why.items()}
    ax = axes(fig, title="", x="$c_w$", y="", place=(1, 2, 2))
    values = [parts.get(word, 0.0) for word in shown]
    ax.barh(range(len(shown)), values, height=0.55, color=[BLUE if it > 0 else ORANGE for it in values])
    ax.set_yticks(range(len(shown)), [f"“{word}”" for word in shown])
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=1.0)
    return fig


def shop(agent: hw.Bandit) -> list[float]:
    """Return what each visit of chapter 26 earned."""
    chance, earned = np.random.default_rng(1), []
    best = {"morning": "coffee", "noon": "juice", "night": "tea"}
    for _ in range(900):
        x = {"time": str(chance.choice(list(best))), "age": float(chance.integers(18, 80))}
        action, p = agent.act(x, ["tea", "coffee", "juice"])
        earned.append(float(chance.random() < (0.8 if action == best[x["time"]] else 0.2)))
        agent.learn(x, action, earned[-1], p)
    return earned


def acting() -> Figure:
    """Chapter 26: a shop that learns what to offer and one that draws evenly, and the values of a corridor on the way."""
    fig = figure(8.6, 2.9)
    ax = axes(fig, title="reward, last 100 rows", x="t", y="", place=(1, 2, 1))
    evenly = hw.Bandit(seed=1, explore="epsilon", amount=1.0)
    for name, agent, colour in (("squarecb", hw.Bandit(seed=1), BLUE), ("even draw", evenly, ORANGE)):
        right = rolling([it > 0 for it in shop(agent)], 100)[::10]
        ax.plot(range(100, 901, 10), right, color=colour, linewidth=1.8, label=name)
    ax.set_ylim(0, 1)
    ax.legend(fontsize=9, frameon=False, loc="lower right")
    ax = axes(fig, title="$V(s)$", x="$s$", y="", place=(1, 2, 2))
    for walks, values in corridor().items():
        shade = {10: 0.3, 100: 0.6, 1_000: 1.0}[walks]
        ax.plot(range(1, 6), values, "o-", color=BLUE, alpha=shade, label=f"{walks:,}")
    ax.plot(range(1, 6), np.arange(1, 6) / 6, "--", color=PALE, linewidth=1.2, label="$i/6$")
    ax.legend(fontsize=8, frameon=False)
    return fig


def corridor() -> dict[int, list[float]]:
    """Return the values of the five places, by how many walks they were learned from."""
    places, rng, found = np.eye(5), random.Random(1), {}
    one = nn.Dense(1, bias=False, initializer="zeros")
    value = nn.Network([one], loss=nn.Loss("mse", 0.5), optimizer=nn.SGD(0.02), inputs=5, dtype="float64")
    for walk in range(1, 1_001):
        at = 2
        while 0 <= at < 5:
            to = at + rng.choice([-1, 1])
            target = value.predict(places[to : to + 1])[0] if 0 <= to < 5 else float(to == 5)
            value.learn_many(places[at : at + 1], [target])
            at = to
        if walk in (10, 100, 1_000):
            found[walk] = value.predict(places).tolist()
    return found


PICTURES: dict[str, Callable[[], Figure]] = {"text": text, "acting": acting}
