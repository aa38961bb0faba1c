"""Pictures of the chapters 25 to 27: words, a shop that explores, the values of a corridor, halves of a curve that take turns."""

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


def halves(*, kept: int, turns: int, part: int = 50) -> tuple[nn.Network, list[list[float]]]:
    """Return the net of chapter 27 after some turns of the two halves of a sine, and its losses on both along the way."""
    net = nn.Network([nn.Dense(32, "tanh"), nn.Dense(1)], optimizer=nn.SGD(0.1), inputs=1, seed=1)
    draw, old, losses = np.random.default_rng(2), np.zeros((0, 1)), []
    fresh = [side * np.linspace(0.01, 3, 200)[:, None] for side in (-1, 1)]
    for turn in range(turns):
        x = (-1, 1)[turn % 2] * np.random.default_rng(turn).uniform(0, 3, (1_000, 1))
        for start in range(0, 1_000, part):
            for row in x[start : start + part]:
                net.learn_many(row[None], np.sin(row))
                if kept and turn:
                    again = old[draw.integers(len(old))]
                    net.learn_many(again[None], np.sin(again))
            losses.append([float(np.mean((net.predict(half) - np.sin(half[:, 0])) ** 2)) for half in fresh])
        old = x[:kept]
    return net, losses


def forgetting() -> Figure:
    """Chapter 27: the halves of a sine one after the other, without and with rows that are kept, and both losses."""
    fig = figure(9.0, 3.1)
    at = np.linspace(-3, 3, 60)[:, None]
    ax = axes(fig, title="$f(x)$", x="$x$", y="$y$", place=(1, 2, 1))
    ax.plot(at, np.sin(at), "--", color=PALE, linewidth=1.2)
    for kept, colour in ((0, ORANGE), (50, BLUE)):
        net, _ = halves(kept=kept, turns=2)
        ax.plot(at, net.predict(at), color=colour, linewidth=1.8, label="50 kept rows" if kept else "no kept rows")
    ax.axvline(0, color=PALE, linewidth=1.0)
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    ax = axes(fig, title="$L$", x="rows", y="", place=(1, 2, 2))
    _, losses = halves(kept=0, turns=4)
    for j, (colour, name) in enumerate(((BLUE, "left half"), (ORANGE, "right half"))):
        ax.plot(range(100, 4_001, 100), [one[j] for one in losses[1::2]], color=colour, linewidth=1.6, label=name)
    for turn in (1_000, 2_000, 3_000):
        ax.axvline(turn, color=PALE, linewidth=1.0)
    ax.set_ylim(0, 1.6)
    ax.legend(fontsize=8, frameon=False, loc="upper right")
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {"text": text, "acting": acting, "forgetting": forgetting}
