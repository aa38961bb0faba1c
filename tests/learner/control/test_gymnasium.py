"""Environments of Gymnasium, with its own checks of actions and observations switched on, run ``hw.Agent`` without a warning."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import headwater as hw

WORLDS = (
    "CartPole-v1",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
    "Acrobot-v1",
    "Blackjack-v1",
    "CliffWalking-v1",
    "FrozenLake-v1",
    "Taxi-v4",
)
"""All environments that come with Gymnasium alone: discrete and continuous actions, observations of numbers, ids and tuples."""


@pytest.mark.parametrize("name", WORLDS)
def test_an_agent_plays_each_environment_as_gymnasium_checks_it(name):
    world = gymnasium.make(name, max_episode_steps=100)  # wrapped in PassiveEnvChecker and OrderEnforcing
    agent = hw.Agent(world.action_space, seed=1)
    observation, _ = world.reset(seed=1)
    for _ in range(500):
        action = agent.act(observation)
        assert world.action_space.contains(action)
        following, reward, terminated, truncated, _ = world.step(action)
        agent.learn(observation, action, float(reward), following, terminated, truncated)
        observation = world.reset()[0] if terminated or truncated else following
    assert agent.episodes > 3
    assert np.isfinite(agent.returns).all()
    world.close()


def test_none_of_the_environments_that_gymnasium_brings_is_left_out():
    """But for those that need another library, and older versions of the same."""
    own = {
        name.rpartition("-")[0]
        for name, spec in gymnasium.registry.items()
        if str(spec.entry_point).startswith(("gymnasium.envs.classic_control", "gymnasium.envs.toy_text"))
    }
    assert own - {"FrozenLake8x8", "CliffWalkingSlippery"} == {name.rpartition("-")[0] for name in WORLDS}
