"""Agents in Gymnasium's environments: one transition at a time, nothing replayed.

    python -m benchmarks.control run CartPole-v1 q        # five seeds; also Acrobot-v1, LunarLander-v3 (needs box2d); ac, random, …
    python -m benchmarks.control small                    # worlds of ids and of few numbers, 100,000 steps: printed
    python -m benchmarks.control speed                    # what a learning step costs
    python -m benchmarks.control table                    # writes the table into benchmarks/README.md

Settings are headwater's defaults but for the method, the same in all environments; they were chosen on other seeds. What counts is
the mean return of the episodes that end in the last tenth of a million steps, exploration among it. Results go into
``results/control.json``. One process on one core.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.report import write
from benchmarks.results import lines, machine

RESULTS = Path(__file__).parent / "results" / "control.json"
STEPS, PARTS, SEEDS = 1_000_000, 10, (1, 2, 3, 4, 5)
BARS = {"CartPole-v1": 475.0, "Acrobot-v1": -100.0, "LunarLander-v3": 200.0}
AGENTS: dict[str, Callable[[Any, int], Any]] = {
    "q": lambda space, seed: hw.Agent(space, seed=seed),
    "q adaptive": lambda space, seed: hw.Agent(space, seed=seed, adaptive=True),
    "q, hidden=32": lambda space, seed: hw.Agent(space, seed=seed, hidden=32),
    "ac": lambda space, seed: hw.Agent(space, seed=seed, method="ac"),
    "random": lambda space, seed: hw.Agent(space, seed=seed, explore=0, epsilon=1.0),
}


def run_one(environment: str, agent: Any, seed: int, steps: int = STEPS) -> tuple[list[float], float]:
    """Return the mean return of the episodes that ended in each tenth of the steps, and the seconds that the agent took."""
    import gymnasium

    env = gymnasium.make(environment)
    observation, _ = env.reset(seed=seed)
    ended: list[list[float]] = [[] for _ in range(PARTS)]
    total, spent, clock = 0.0, 0.0, time.process_time
    for step in range(steps):
        began = clock() if step % 16 == 0 else 0.0
        action = agent.act(observation)
        if began:
            spent += clock() - began
        following, reward, terminated, truncated, _ = env.step(action)
        began = clock() if step % 16 == 0 else 0.0
        agent.learn(observation, action, float(reward), following, terminated, truncated)
        if began:
            spent += clock() - began
        total += float(reward)
        observation = following
        if terminated or truncated:
            ended[step * PARTS // steps].append(total)
            total = 0.0
            observation, _ = env.reset()
    return [float(np.mean(part)) if part else float("nan") for part in ended], 16 * spent / steps * 1e6


def run(environment: str, name: str) -> None:
    """Measure an agent with five seeds; each result is written as soon as it is there."""
    import gymnasium

    warnings.simplefilter("ignore")
    space = gymnasium.make(environment).action_space
    for seed in SEEDS:
        curve, micros = run_one(environment, AGENTS[name](space, seed), seed)
        print(environment, name, seed, [round(value, 1) for value in curve], f"{micros:.2f} µs", flush=True)
        save(
            lambda run: run.setdefault("returns", {}).setdefault(environment, {}).setdefault(name, {}),
            seed,
            curve,
            micros,
        )


def save(place: Callable[[dict[str, Any]], dict[str, Any]], seed: int, curve: list[float], micros: float) -> None:
    """Put one result into the file, under the version of headwater."""
    import gymnasium

    whole: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    run = whole.setdefault(version("headwater"), {})
    run |= {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "gymnasium": gymnasium.__version__}
    place(run)[str(seed)] = {"curve": [round(value, 3) for value in curve], "us": round(micros, 2)}
    RESULTS.write_text(lines(whole))


# ---- small worlds -------------------------------------------------------------------------------------------------------

SMALL = ("Taxi-v4", "CliffWalking-v1", "FrozenLake-v1", "MountainCar-v0", "CartPole-v1")


def small(*names: str) -> None:
    """Print the mean of the last 100 training episodes in 100,000 steps, of five seeds, and what act and learn take."""
    import gymnasium

    for name in names or SMALL:
        space = gymnasium.make(name).action_space
        for table in (True, False):
            agents = [hw.Agent(space, seed=seed, table=table) for seed in SEEDS]
            micros = [run_one(name, agent, seed, 100_000)[1] for agent, seed in zip(agents, SEEDS, strict=True)]
            last = [float(agent.returns[-100:].mean()) if agent.episodes else float("nan") for agent in agents]
            print(name, f"{table=}", [round(value, 1) for value in last], f"{min(micros):.1f} µs", flush=True)


# ---- what a step costs --------------------------------------------------------------------------------------------------


def speed() -> None:
    """Measure a learning step of the core, and one with act and Python around it, at 32 and at 64 units."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8)).astype(np.float32)
    rows = [dict(zip("abcdefgh", x, strict=True)) for x in X.tolist()]
    whole = json.loads(RESULTS.read_text())
    out = whole.setdefault(version("headwater"), {}).setdefault("speed", {})
    for units in (32, 64):
        agent = hw.Agent(4, hidden=units, explore=0)
        agent.learn(X[0], 0, 1.0, X[1])
        core = hw.Agent(4, hidden=units, explore=0).new_engine().core.learner

        def in_core(i: int, core: Any = core) -> None:
            core.learn_transition(rows[i % 999], i % 4, 1.0, rows[i % 999 + 1], i % 50 == 49, False)

        def whole_step(i: int, agent: Any = agent) -> None:
            agent.learn(X[i % 999], agent.act(X[i % 999]), 1.0, X[i % 999 + 1], i % 50 == 49, False)

        out[str(units)] = {"core": _micros(in_core), "act and learn": _micros(whole_step)}
        print(units, out[str(units)])
    RESULTS.write_text(lines(whole))


def _micros(step: Callable[[int], None], n: int = 40_000) -> float:
    """Return the processor time of a step in µs: the least of five runs."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for i in range(n):
            step(i)
        best = min(best, (time.process_time() - began) / n * 1e6)
    return round(best, 2)


# ---- the table ----------------------------------------------------------------------------------------------------------


def table() -> str:
    """Return the results of the version measured last as Markdown, with the newest times that there are."""
    whole = json.loads(RESULTS.read_text())
    name, run = list(whole.items())[-1]
    timed = [of for of in whole if "speed" in whole[of]][-1]
    shown = [who for who in AGENTS if any(who in measured for measured in run["returns"].values())]
    rows = [
        "| last tenth of a million steps | bar | " + " | ".join(shown) + " |",
        "|---|---|" + "---|" * len(shown),
    ]
    for environment, bar in BARS.items():
        measured = run["returns"].get(environment, {})
        means = {
            who: np.array([one["curve"][-1] for one in measured[who].values()]) for who in AGENTS if who in measured
        }
        best = max((float(values.mean()) for values in means.values()), default=0.0)
        cells = [_cell(means[who], best) if who in means else "–" for who in shown]
        rows.append(f"| {environment} | {bar:g} | " + " | ".join(cells) + " |")
    rows += ["", "| µs of processor time | core, one learning step | act and learn, with Python |", "|---|---|---|"]
    for units, row in whole[timed]["speed"].items():
        rows.append(f"| {units} units, 8 inputs, 4 actions | {row['core']:.2f} | {row['act and learn']:.2f} |")
    about = f"{run['date']}, one core of {run['machine']['cpu']}; headwater {name}, gymnasium {run['gymnasium']}"
    about += ". Mean of five seeds (worst, best)."
    if timed != name:
        about += f" Times are those of {timed}, {whole[timed]['date']}."
    return "\n".join([*rows, "", f"Written by `python -m benchmarks.control`: {about}"])


def _cell(values: Any, best: float) -> str:
    mean = float(values.mean())
    text = f"**{mean:.1f}**" if mean == best else f"{mean:.1f}"
    return f"{text} ({values.min():.0f}, {values.max():.0f})" + (
        "" if len(values) == len(SEEDS) else f" {len(values)} seeds"
    )


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "run":
        run(*sys.argv[2:4])
    elif what == "small":
        small(*sys.argv[2:])
    elif what == "speed":
        speed()
    elif what == "table":
        write(Path(__file__).parent / "README.md", "control", table())
    else:
        sys.exit(__doc__)
