"""Bandits in coba's four worlds and on two-armed files: ``python -m benchmarks.decisions.worlds`` prints the tables.

The worlds are known whole, so a figure is the share of the possible gain: the mean reward, as far as it lies from an even draw
(0 %) to the best action of every row (100 %). Everything runs in this process: install coba, vowpalwabbit and numpy beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.learners import VW, LinUCB

Vector = NDArray[np.float64]
WORLDS = ("Linear", "Neighbors", "Kernel", "MLP")
ACTIONS = (2, 5, 20)
LENGTHS = (500, 2_000)
BOTH, FIRST, SECOND = 0.472, 0.051, 0.218
"""Of the two-armed file: both actions are right, only the first, only the second; the means are those of two models on 809 prompts."""


class World(NamedTuple):
    """Rows, the features of each action where actions have some, and the reward of every action."""

    rows: list[dict[str, float]]
    features: list[list[dict[str, float]]]
    rewards: Vector

    def gain(self, earned: Sequence[float], first: int = 0) -> float:
        """Return the share of the possible gain from one row on, in percent."""
        rewards = self.rewards[first:]
        even = float(rewards.mean())
        return 100 * (float(np.mean(earned[first:])) - even) / (float(rewards.max(axis=1).mean()) - even)


Player = Callable[[World, int], list[float]]


def read(kind: str, actions: int, seed: int, n: int, featured: bool = False) -> World:
    """Return one of coba's worlds with ten features a row, and ten an action if it is featured."""
    from coba.environments import synthetics

    made = getattr(synthetics, f"{kind}SyntheticSimulation")(
        n, n_actions=actions, n_action_features=10 * featured, seed=seed
    )
    rows, features, rewards = [], [], []
    for one in made.read():
        rows.append({f"x{j}": float(v) for j, v in enumerate(one["context"])})
        features.append([{f"a{j}": float(v) for j, v in enumerate(a)} for a in one["actions"]] if featured else [])
        rewards.append(list(one["rewards"]))
    return World(rows, features, np.array(rewards))


def ours(world: World, seed: int) -> list[float]:
    """Play ``hw.Bandit()`` with its defaults."""
    import headwater as hw

    bandit, earned = hw.Bandit(seed=seed), []
    names = [str(a) for a in range(world.rewards.shape[1])]
    for i, (x, rewards) in enumerate(zip(world.rows, world.rewards.tolist(), strict=True)):
        offered: Any = dict(zip(names, world.features[i], strict=True)) if world.features[i] else names
        action, p = bandit.act(x, offered)
        earned.append(rewards[int(action)])
        bandit.learn(x, action, earned[-1], p, offered if world.features[i] else None)
    return earned


def linucb(alpha: float) -> Player:
    """Return a player of disjoint LinUCB."""

    def play(world: World, seed: int) -> list[float]:
        fit, earned, actions = LinUCB(alpha), [], range(world.rewards.shape[1])
        for x, rewards in zip(world.rows, world.rewards.tolist(), strict=True):
            row = list(x.values())
            action, p = fit.predict(row, actions)
            earned.append(rewards[action])
            fit.learn(row, action, earned[-1], p)
        return earned

    return play


def vowpal(options: str) -> Player:
    """Return a player of VW in coba's dress."""

    def play(world: World, seed: int) -> list[float]:
        from coba.learners import VowpalLearner

        learner, earned = VowpalLearner(f"{VW} {seed + 1} {options}"), []
        one_hot = [tuple(map(int, row)) for row in np.eye(world.rewards.shape[1])]
        for x, features, rewards in zip(world.rows, world.features, world.rewards.tolist(), strict=True):
            row, offered = tuple(x.values()), [tuple(a.values()) for a in features] or one_hot
            action, p, *rest = learner.predict(row, offered)
            earned.append(rewards[offered.index(tuple(action))])
            learner.learn(row, action, earned[-1], p, **(rest[0] if rest and isinstance(rest[0], dict) else {}))
        return earned

    return play


def thompson(world: World, seed: int) -> list[float]:
    """Play Thompson sampling on an even beta prior for each action, whatever the row; rewards are rounded by chance."""
    rng, earned = np.random.default_rng(seed), []
    won, lost = np.ones(world.rewards.shape[1]), np.ones(world.rewards.shape[1])
    for rewards in world.rewards.tolist():
        action = int(rng.beta(won, lost).argmax())
        earned.append(rewards[action])
        right = rng.random() < earned[-1]
        won[action], lost[action] = won[action] + right, lost[action] + (not right)
    return earned


PLAYERS: dict[str, Player] = {
    "`hw.Bandit()`": ours,
    "LinUCB α 0.3": linucb(0.3),
    "LinUCB α 1": linucb(1.0),
    "VW `--squarecb`": vowpal("--squarecb"),
    "VW `--epsilon 0.05`": vowpal("--epsilon 0.05"),
    "Thompson without context": thompson,
}


def two_armed(seed: int, n: int = 800) -> World:
    """Return decisions between two actions in which the row says nothing."""
    rng = np.random.default_rng(seed)
    which = rng.choice(4, n, p=[BOTH, FIRST, SECOND, 1 - BOTH - FIRST - SECOND])
    rewards = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], np.float64)[which]
    tasks, lengths = rng.integers(0, 8, n).tolist(), rng.lognormal(4, 1, n).tolist()
    rows = [
        {"length": length, **{f"task {j}": float(j == task) for j in range(8)}}
        for task, length in zip(tasks, lengths, strict=True)
    ]
    return World(rows, [[] for _ in rows], rewards)


def joined(a: World, b: World) -> World:
    """Return one world and then another, as after a sudden drift."""
    return World(a.rows + b.rows, a.features + b.features, np.concatenate([a.rewards, b.rewards]))


def in_worlds(player: Player, seeds: range, n: int) -> list[float]:
    """Return the gain in each world with each number of actions."""
    return [
        float(np.mean([world.gain(player(world, seed)) for seed in seeds for world in [read(kind, k, seed + 1, n)]]))
        for kind in WORLDS
        for k in ACTIONS
    ]


def after_drift(player: Player, seeds: range, n: int = 2_000) -> list[float]:
    """Return the gain over the second half, which is another world of the same kind."""
    found = []
    for kind in WORLDS:
        worlds = [(joined(read(kind, k, s + 1, n), read(kind, k, s + 101, n)), s) for k in ACTIONS[:2] for s in seeds]
        found.append(float(np.mean([world.gain(player(world, seed), n) for world, seed in worlds])))
    return found


def with_features(player: Player, seeds: range, n: int = 2_000) -> list[float]:
    """Return the gain where five new actions come with every row."""
    return [
        float(np.mean([world.gain(player(world, s)) for s in seeds for world in [read(kind, 5, s + 1, n, True)]]))
        for kind in WORLDS
    ]


def on_two_arms(player: Player, seeds: range) -> list[float]:
    """Return the mean reward of the first 200 and of all 800 decisions, in percent."""
    earned = np.array([player(two_armed(seed), seed) for seed in seeds])
    return [100 * float(earned[:, :200].mean()), 100 * float(earned.mean())]


def _line(name: str, figures: list[float], *, mean: bool = True) -> str:
    shown = [*figures, *([float(np.mean(figures))] if mean else [])]
    return f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in shown) + " |"


def tables(seeds: range) -> Iterator[str]:
    """Yield the lines of all tables in Markdown as soon as they are known."""
    heads = [f"{kind} {k}" for kind in WORLDS for k in ACTIONS]
    for n in LENGTHS:
        yield f"| {n:,} rows, share of the possible gain, % | " + " | ".join(heads) + " | mean |"
        yield "|---" * (len(heads) + 2) + "|"
        yield from (_line(name, in_worlds(player, seeds, n)) for name, player in PLAYERS.items())
        yield ""
    for title, measured, left_out in (
        ("after a sudden drift", after_drift, ()),
        (
            "actions with features, new each row",
            with_features,
            ("LinUCB α 0.3", "LinUCB α 1", "Thompson without context"),
        ),
    ):
        yield f"| {title} | " + " | ".join(WORLDS) + " | mean |"
        yield "|---" * (len(WORLDS) + 2) + "|"
        yield from (_line(name, measured(one, seeds)) for name, one in PLAYERS.items() if name not in left_out)
        yield ""
    yield "| two arms, mean reward, % | first 200 | 800 |"
    yield "|---|---|---|"
    yield from (_line(name, on_two_arms(one, range(8 * len(seeds))), mean=False) for name, one in PLAYERS.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; return 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions.worlds", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="worlds of each kind; by default 3")
    for line in tables(range(parser.parse_args(argv).seeds)):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
