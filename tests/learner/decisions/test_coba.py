"""coba's evaluation of contextual bandits: its experiments run ``hw.Bandit`` by its own protocol of learners."""

from __future__ import annotations

import coba
import pytest

import headwater as hw

WORLDS = ("linear", "kernel", "neighbors", "mlp")


class Learner(coba.Learner):
    """``hw.Bandit`` with the words of coba: a context is a sequence of numbers, an action a one-hot sequence."""

    def __init__(self, seed: int) -> None:
        self._bandit, self._seed = hw.Bandit(seed=seed), seed

    @property
    def params(self) -> dict[str, object]:
        return {"family": "headwater", "seed": self._seed}

    def predict(self, context, actions):
        by_name = {str(action): action for action in actions}
        name, probability = self._bandit.act(row(context), list(by_name))
        return by_name[name], probability

    def learn(self, context, action, reward, probability):
        self._bandit.learn(row(context), str(action), float(reward), probability)


def row(context) -> dict[str, float]:
    return {f"x{j}": float(value) for j, value in enumerate(context)}


def rewards_of(environments, learner) -> float:
    """The mean reward that an experiment of coba's finds."""
    result = coba.Experiment(environments, learner).run(quiet=True)
    found = list(result.interactions.to_dicts())
    assert len(found) == 1000
    return sum(one["reward"] for one in found) / len(found)


def worlds(name: str) -> coba.Environments:
    make = getattr(coba.Environments, f"from_{name}_synthetic")
    return make(1000, n_actions=5, n_action_features=0, seed=1)


@pytest.mark.parametrize("name", WORLDS)
def test_in_the_worlds_of_coba_a_bandit_earns_more_than_an_even_draw(name):
    ours, even = (rewards_of(worlds(name), learner) for learner in (Learner(1), coba.RandomLearner()))
    assert ours > even + 0.02
