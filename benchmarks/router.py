"""Routing between language models: quality within a budget, what a new model takes, what a decision takes.

    python -m benchmarks.router [seeds]
    python -m benchmarks.router times

Made-up prompts of six topics with their length and an embedding of 384 numbers; three models whose skill differs by topic, and whose
cost follows price, tokens and luck. 1,824 prompts, at seven budgets between the mean cost of the cheapest and of the dearest model.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import headwater as hw

PRICES = {"small": 0.1, "middle": 0.6, "large": 5.0}
SKILLS = {
    "small": (0.85, 0.75, 0.55, 0.4, 0.3, 0.2),
    "middle": (0.88, 0.82, 0.75, 0.6, 0.5, 0.35),
    "large": (0.9, 0.88, 0.85, 0.8, 0.75, 0.7),
}
N = 1_824
CEILINGS = 7


class World(NamedTuple):
    """Prompts, and what each model's answer would be worth and cost."""

    topics: np.ndarray
    embeddings: np.ndarray
    tokens: np.ndarray
    quality: dict[str, np.ndarray]
    cost: dict[str, np.ndarray]


def world(seed: int, n: int = N) -> World:
    """Return prompts and outcomes of a seed."""
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, 6, n)
    embeddings = rng.normal(0, 1, (6, 384))[topics] + rng.normal(0, 1.5, (n, 384))
    tokens = np.exp(rng.normal(6, 0.8, n))
    quality = {name: (rng.random(n) < np.array(skills)[topics]).astype(float) for name, skills in SKILLS.items()}
    cost = {name: price * tokens / 1e6 * np.exp(rng.normal(0.4, 0.3, n)) for name, price in PRICES.items()}
    return World(topics, embeddings, tokens, quality, cost)


def budgets(found: World) -> list[float]:
    """Return seven mean costs, evenly apart in their logarithm."""
    low, high = (float(found.cost[name].mean()) for name in ("small", "large"))
    return np.geomspace(1.3 * low, 0.8 * high, CEILINGS).tolist()


def prompt_of(found: World, i: int, how: str) -> object:
    """Return what the router is shown of a prompt."""
    return {"topic": f"t{found.topics[i]}"} if how == "topic" else found.embeddings[i] if how == "embedding" else None


def routed(found: World, budget: float, seed: int, how: str) -> tuple[float, float]:
    """Return mean quality, and the mean cost in units of the budget."""
    router = hw.Router(PRICES, budget=budget, seed=seed)
    quality = cost = 0.0
    for i in range(len(found.tokens)):
        choice = router.choose(prompt_of(found, i, how), tokens=float(found.tokens[i]))
        q, c = float(found.quality[choice.model][i]), float(found.cost[choice.model][i])
        router.reward(choice.id, quality=q, cost=c)
        quality, cost = quality + q, cost + c
    return quality / len(found.tokens), cost / len(found.tokens) / budget


def drawn(found: World, budget: float) -> float:
    """Return the quality of the best random mixture of two models that costs as much, which needs all outcomes."""
    at = sorted((float(found.cost[name].mean()), float(found.quality[name].mean())) for name in PRICES)
    best = 0.0
    for c, q in at:
        if c <= budget:
            best = max(best, q)
        for d, r in at:
            if c < budget < d:
                share = (budget - c) / (d - c)
                best = max(best, (1 - share) * q + share * r)
    return best


def ideal(found: World, budget: float) -> float:
    """Return the quality of the best policy that knows each topic's skills and each prompt's tokens, and keeps to the budget."""
    q = np.array([np.array(SKILLS[name])[found.topics] for name in PRICES])
    c = np.array([price * found.tokens / 1e6 * np.exp(0.4 + 0.045) for price in PRICES.values()])
    low, high = 1e-6, 1e4
    for _ in range(100):
        toll = (low * high) ** 0.5
        taken = (q - toll * c / budget).argmax(0)
        low, high = (toll, high) if c[taken, np.arange(len(taken))].mean() > budget else (low, toll)
    taken = (q - high * c / budget).argmax(0)
    return float(q[taken, np.arange(len(taken))].mean())


def adopted(seed: int) -> float:
    """Return after how many decisions a new model, as good as the large one at a tenth of its price, has half of the last 50."""
    found = world(seed)
    router = hw.Router(PRICES, budget=budgets(found)[3], seed=seed)
    last: list[bool] = []
    for i in range(N):
        if i == 1_000:
            router.models["new"] = PRICES["large"] / 10
        choice = router.choose(prompt_of(found, i, "topic"), tokens=float(found.tokens[i]))
        name, factor = ("large", 0.1) if choice.model == "new" else (choice.model, 1.0)
        router.reward(choice.id, quality=float(found.quality[name][i]), cost=factor * float(found.cost[name][i]))
        last.append(choice.model == "new")
        if i > 1_000 and sum(last[-50:]) >= 25:
            return i - 1_000
    return float("inf")


def cut(seed: int) -> float:
    """Return the gain in quality over 600 decisions after the dearest model's price falls to a tenth, over those before."""
    found = world(seed)
    router = hw.Router(PRICES, budget=budgets(found)[3], seed=seed)
    quality = []
    for i in range(N):
        factor = 1.0
        if i >= N // 2:
            router.models["large"] = PRICES["large"] / 10
            factor = 0.1
        choice = router.choose(prompt_of(found, i, "topic"), tokens=float(found.tokens[i]))
        cost = float(found.cost[choice.model][i]) * (factor if choice.model == "large" else 1.0)
        quality.append(float(found.quality[choice.model][i]))
        router.reward(choice.id, quality=quality[-1], cost=cost)
    return float(np.mean(quality[N // 2 + 100 :]) - np.mean(quality[200 : N // 2]))


def shown(found: World, i: int, how: str) -> object:
    """Return a prompt as ``prompt_of`` does, or its embedding as a list or of float32."""
    if how == "list":
        return found.embeddings[i].tolist()
    return found.embeddings[i].astype(np.float32) if how == "float32" else prompt_of(found, i, how)


def medians_us(how: str, durable: bool) -> tuple[float, float]:
    """Return microseconds of the processor for a decision and for a reward, medians of rounds after a third of the rows."""
    found, n, rows = world(1), *((10, 600) if durable else (20, N))
    learner = hw.Router(PRICES, budget=budgets(found)[3], seed=1)
    prompts, decided, rewarded = [shown(found, i, how) for i in range(rows)], [], []
    with tempfile.TemporaryDirectory() as folder:
        router = hw.open(Path(folder, "router.db"), learner) if durable else learner
        for start in range(0, rows - n + 1, n):
            begin = time.process_time()
            choices = [router.choose(prompt, tokens=300.0) for prompt in prompts[start : start + n]]
            between = time.process_time()
            for i, choice in enumerate(choices, start):
                router.reward(choice.id, quality=float(found.quality[choice.model][i]))
            decided.append((between - begin) / n)
            rewarded.append((time.process_time() - between) / n)
        if durable:
            router.close()
    later = len(decided) // 3
    return 1e6 * float(np.median(decided[later:])), 1e6 * float(np.median(rewarded[later:]))


def print_times() -> None:
    """Print what a decision and a reward take of the processor."""
    print("µs of the processor, medians", "decision", "reward", sep=" | ")
    for how in ("tokens", "topic", "embedding", "float32", "list"):
        print(how, *(f"{took:.1f}" for took in medians_us(how, durable=False)), sep=" | ", flush=True)
    for how in ("topic", "embedding"):
        print(f"{how}, in a store", *(f"{took:.0f}" for took in medians_us(how, durable=True)), sep=" | ", flush=True)


def main(seeds: int) -> None:
    """Print the tables."""
    for how in ("topic", "embedding"):
        print(
            f"shown: {how}", "budget", "quality", "cost / budget, mean and largest", "drawn mixture", "ideal", sep=" | "
        )
        for k in range(CEILINGS):
            rows = []
            for seed in range(1, seeds + 1):
                found = world(seed)
                budget = budgets(found)[k]
                rows.append((budget, *routed(found, budget, seed, how), drawn(found, budget), ideal(found, budget)))
            b, q, c, d, e = np.array(rows).mean(0)
            print(
                k,
                f"{b:.6f}",
                f"{q:.3f}",
                f"{c:.4f} {max(row[2] for row in rows):.4f}",
                f"{d:.3f}",
                f"{e:.3f}",
                sep=" | ",
                flush=True,
            )
    print("new model adopted after", [adopted(seed) for seed in range(1, 2 * seeds + 1)])
    print("gain after a price cut to a tenth", f"{np.mean([cut(seed) for seed in range(1, seeds + 1)]):+.3f}")
    print_times()


if __name__ == "__main__":
    if sys.argv[1:] == ["times"]:
        print_times()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
