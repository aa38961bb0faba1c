"""Pictures of the chapters 12, 15 and 21 to 23: streams, drift, explanation, cost, privacy."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import headwater as hw
from headwater import nn
from headwater.explain import Importance
from headwater.plot.paper import axes, figure
from headwater.route.drift import DriftWatch
from headwater.route.session import Session

from .nets import drawing
from .palette import BLUE, GREEN, INK, ORANGE, PALE, PINK, VIOLET

Row = tuple[dict[str, Any], Any]


def rolling(right: list[bool], window: int) -> NDArray[Any]:
    """Return the share of right ones over the last rows, from the row at which the window is full."""
    sums = np.cumsum([0, *right])
    return (sums[window:] - sums[:-window]) / window


def asked_and_taught(model: Any, rows: Iterator[Row], until: int | None = None) -> list[bool]:
    """Predict each row, then learn it, up to a row after which nothing is learned."""
    right = []
    for i, (x, y) in enumerate(rows):
        right.append(model.predict_one(x) == y)
        if until is None or i < until:
            model.learn_one(x, y)
    return right


def pointer(ax: Any, y: float, start: float, end: float, colour: str) -> None:
    """Draw a level arrow."""
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end, y), (start, y), arrowprops=style)


def streams_timeline() -> Figure:
    """Chapter 12: four rows on a line of time, each predicted, then answered two rows later, then learned."""
    fig = figure(8.0, 2.6)
    ax = drawing(fig, (1, 1, 1), 12.4, 4.0)
    pointer(ax, 0.5, 0.2, 12.2, INK)
    ax.text(12.1, 0.1, "$t$", fontsize=11, color=INK)
    for i, y in enumerate((3.4, 2.7, 2.0, 1.3)):
        asked, told = 0.8 + 2.0 * i, 4.6 + 2.0 * i
        ax.plot([asked, told], [y, y], color=PALE, linewidth=1.0, linestyle=":")
        for x, text, colour in (
            (asked, f"$x_{i + 1}$", INK),
            (asked + 0.8, rf"$\hat y_{i + 1}$", BLUE),
            (told, f"$y_{i + 1}$", ORANGE),
            (told + 0.95, f"$w_{i + 1}$", GREEN),
        ):
            ax.text(x, y, text, ha="center", va="center", fontsize=11, color=colour, backgroundcolor="white")
        pointer(ax, y, asked + 0.27, asked + 0.53, BLUE)
        pointer(ax, y, told + 0.28, told + 0.67, GREEN)
        ax.plot([asked, asked], [0.42, 0.58], color=INK, linewidth=1.2)
        ax.plot([told, told], [0.42, 0.58], color=ORANGE, linewidth=1.2)
    return fig


def weather(n: int) -> Iterator[Row]:
    """Yield the days of chapter 12."""
    rng, rain = random.Random(2), False
    for _ in range(n):
        rain = rain if rng.random() < 0.9 else rng.random() < 0.5
        yield {"pressure": rng.gauss(1_005 if rain else 1_015, 4), "wind": rng.gauss(10, 3)}, "rain" if rain else "dry"


def streams_weather() -> Figure:
    """Chapter 12: accuracy over a window, of a net without and with yesterday, and of no-change."""
    fig = figure(7.6, 3.0)
    ax = axes(fig, title="accuracy, last 500 rows", x="t", y="accuracy")
    rows = list(weather(5_000))
    days = [y for _, y in rows]
    before = [None, *days[:-1]]
    remembering = [({**x, "yesterday": last}, y) for (x, y), last in zip(rows, before, strict=True)]
    for name, colour, right in (
        ("$x$ + $y_{t-1}$", GREEN, asked_and_taught(hw.Classifier(seed=1, dtype="float64"), iter(remembering))),
        ("no-change", PALE, [a == b for a, b in zip(days, before, strict=True)]),
        ("$x$", BLUE, asked_and_taught(hw.Classifier(seed=1, dtype="float64"), iter(rows))),
    ):
        ax.plot(range(500, 5_001), rolling(right, 500), color=colour, linewidth=1.8, label=name)
    ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


def parcels(n: int, change: int = 2_000) -> Iterator[Row]:
    """Yield the parcels of chapter 15."""
    rng = random.Random(1)
    for i in range(n):
        x: dict[str, Any] = {"by": rng.choice(["bike", "van", "truck"])}
        x["to"] = rng.choice(["harbour", "hills", "old town"])
        x["kilos"] = rng.uniform(0, 10)
        slow, far = ("bike", "hills") if i < change else ("truck", "old town")
        late = (x["by"] == slow) * x["kilos"] + 6 * (x["to"] == far) > 5
        yield x, late if rng.random() < 0.95 else not late


def drift_recovery() -> Figure:
    """Chapter 15: a net that stopped learning and one that goes on, over an abrupt drift, with the alarm."""
    fig = figure(7.6, 3.0)
    ax = axes(fig, title="accuracy, last 200 rows", x="t", y="accuracy")
    for name, colour, until in (("learning", BLUE, None), ("frozen", ORANGE, 2_000)):
        right = asked_and_taught(hw.Classifier(seed=1, dtype="float64"), parcels(4_000), until)
        ax.plot(range(200, 4_001), rolling(right, 200), color=colour, linewidth=1.8, label=name)
    events: list[Any] = []
    session = Session(
        hw.Classifier(seed=1, dtype="float64"),
        watch=DriftWatch(),
        on_record=lambda record: events.extend(record.events),
    )
    session.run(parcels(4_000))
    ax.axvline(2_000, color=INK, linewidth=1.0, linestyle=":", label="drift")
    for event in events:
        ax.axvline(event.row, color=VIOLET, linewidth=1.4, label="ADWIN")
    ax.set_ylim(0, 1.02)
    ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


def flats(n: int, change: int | None = None) -> Iterator[Row]:
    """Yield the flats of chapter 21; from a row on the city counts for more, the area for less."""
    rng = np.random.default_rng(0)
    for i in range(n):
        x = {"area": rng.uniform(20, 120), "city": ["Rome", "Oslo"][rng.integers(2)], "door": rng.normal()}
        a, b = (12, 300) if change is None or i < change else (3, 900)
        yield x, a * x["area"] + b * (x["city"] == "Oslo") + 20 * rng.normal()


def explanation() -> Figure:
    """Chapter 21: the contributions to one rent as a staircase, and importance over a drift."""
    fig = figure(9.0, 3.1)
    model = hw.Regressor((32,), seed=1, dtype="float64")
    model.learn_many(*map(list, zip(*flats(5_000), strict=True)))
    why = model.explain_one({"area": 100.0, "city": "Oslo", "door": 0.1})
    ax = axes(fig, title="$F(x′) + \\sum c_i = F(x)$", x="$F$", y="", place=(1, 2, 1))
    names = [f"{name} = {why.values[name]}" for name in why.contributions]
    at = why.baseline
    for i, part in enumerate(why.contributions.values()):
        ax.barh(i + 1, part, left=at, height=0.55, color=BLUE if part > 0 else ORANGE)
        at += part
        ax.plot([at, at], [i + 0.7, i + 2.3], color=PALE, linewidth=1.0, linestyle=":")
    ax.set_xlim(930, 1_560)
    ax.plot([why.baseline], [0], "o", color=INK)
    ax.plot([why.prediction], [len(names) + 1], "o", color=INK)
    ax.set_yticks(range(len(names) + 2), ["$F(x′)$", *names, "$F(x)$"])
    ax.invert_yaxis()
    ax.grid(visible=False)
    watch = Importance(every=8, a=0.01)
    Session(hw.Regressor(seed=1, dtype="float64"), watch=watch).run(flats(9_000, change=5_000))
    ax = axes(fig, title="PFI", x="t", y=r"$\Delta L$", place=(1, 2, 2))
    for name, colour in (("area", BLUE), ("city", ORANGE), ("door", PALE)):
        ax.plot(
            [t for t, _ in watch.history], [v.get(name, np.nan) for _, v in watch.history], color=colour, label=name
        )
    ax.axvline(5_000, color=INK, linewidth=1.0, linestyle=":")
    ax.legend(fontsize=9, frameon=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


def cost() -> Figure:
    """Chapter 22: the multiply-adds of a net, and numbers kept against numbers touched."""
    fig = figure(8.6, 2.9)
    ax = axes(fig, title="20-64-64-1", x="multiply-adds", y="", place=(1, 2, 1))
    layers = {"20 → 64": 20 * 64, "64 → 64": 64 * 64, "64 → 1": 64}
    for i, work in enumerate(layers.values()):
        for k, (name, colour) in enumerate((("forward", PINK), (r"$\delta$", BLUE), (r"$\Delta w$", GREEN))):
            ax.barh(i, work, left=k * work, height=0.55, color=colour, label=name if i == 0 else None)
    ax.set_yticks(range(3), layers)
    ax.invert_yaxis()
    ax.legend(fontsize=9, frameon=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax = axes(fig, title="$N$", x="users", y="", place=(1, 2, 2))
    users = np.array([10, 100, 1_000, 10_000, 100_000])
    ax.loglog(users, (users + 10 + 2) * 32 + 66, "o-", color=BLUE, label="all")
    ax.loglog(users, np.full(5, 4 * 32 + 66), "o-", color=ORANGE, label="one row")
    ax.legend(fontsize=9, frameon=False)
    return fig


def patients(rng: Any, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw the patients of chapter 23."""
    X = rng.normal(size=(n, 20))
    return X, (X[:, 0] + rng.normal(size=n) > 0).astype(float)


def losses(net: nn.Network, X: Any, y: Any) -> NDArray[Any]:
    """Return the loss of each row."""
    p = np.clip(net.predict(X), 1e-9, 1 - 1e-9)
    return -np.log(np.where(y > 0.5, p, 1 - p))


def private(learned: Any, sigma: float) -> nn.Network:
    """Learn by DP-SGD, as in chapter 23."""
    layers = [nn.Dense(64, "tanh"), nn.Dense(1)]
    net = nn.Network(
        layers, loss="binary_cross_entropy", optimizer=nn.SGD(0.5), dtype="float64", seed=1, inputs=20, clip_norm=0.0
    )
    X, y = learned
    noise = np.random.default_rng(1)
    for _ in range(len(y)):
        some = noise.choice(len(y), 20, replace=False)
        total = np.zeros_like(net.parameters)
        for i in some:
            g = net.gradients(X[i : i + 1], y[i : i + 1])
            total += g * min(1.0, 0.5 / float(np.linalg.norm(g)))
        net.update((total + sigma * 0.5 * noise.normal(size=total.shape)) / 20)
    return net


def privacy() -> Figure:
    """Chapter 23: the losses of learned and of fresh rows, learned by heart and learned by DP-SGD."""
    rng = np.random.default_rng(0)
    learned, fresh = patients(rng, 200), patients(rng, 200)
    heart = nn.Network(
        [nn.Dense(64, "tanh"), nn.Dense(1)],
        loss="binary_cross_entropy",
        optimizer=nn.Adam(0.01),
        dtype="float64",
        seed=1,
    )
    heart.fit(*learned, epochs=300, batch_size=20)
    fig = figure(8.6, 2.9)
    for i, (name, net) in enumerate((("Adam", heart), (r"DP-SGD, $\sigma = 4$", private(learned, 4.0)))):
        ax = axes(fig, title=name, x="$-\\ln p(y)$", y="", place=(1, 2, i + 1))
        bins = np.linspace(0, 3, 25).tolist()
        both = [np.minimum(losses(net, *rows), 2.99) for rows in (learned, fresh)]
        ax.hist(both[0], bins, color=BLUE, alpha=0.6, label="learned")
        ax.hist(both[1], bins, color=ORANGE, alpha=0.6, label="fresh")
        ax.legend(fontsize=9, frameon=False)
    return fig


def between() -> Figure:
    """Chapter 23: how many labels are guessed from the answers before and after a row, by how often the model is published."""
    rng = np.random.default_rng(1)
    rows = [{"age": int(age), "clinic": "ABC"[i % 3]} for i, age in enumerate(rng.integers(18, 90, 1_200))]
    ill = ["yes" if rng.random() < row["age"] / 120 else "no" for row in rows]
    fig = figure(6.4, 2.6)
    ax = axes(fig, title="label of a row guessed", x="rows", y="", place=(1, 1, 1))
    for every, colour in ((1, ORANGE), (10, BLUE), (100, GREEN)):
        model, right = hw.Classifier(seed=1), []
        for at in range(0, len(rows), every):
            part, labels = rows[at : at + every], ill[at : at + every]
            before = [model.predict_proba_one(x).get("yes", 0.5) for x in part]
            model.learn_many(part, labels)
            after = [model.predict_proba_one(x).get("yes", 0.5) for x in part]
            right += [(b > a) == (y == "yes") for a, b, y in zip(before, after, labels, strict=True)]
        shares = rolling(right, 200)[::20]
        ax.plot(200 + 20 * np.arange(len(shares)), shares, color=colour, label=f"published every {every}")
    ax.set_ylim(0.4, 1.02)
    ax.legend(fontsize=9, frameon=False, loc="lower left", ncol=3)
    return fig


PICTURES: dict[str, Callable[[], Figure]] = {
    "streams-timeline": streams_timeline,
    "streams-weather": streams_weather,
    "drift-recovery": drift_recovery,
    "explanation": explanation,
    "cost": cost,
    "privacy": privacy,
    "between": between,
}
