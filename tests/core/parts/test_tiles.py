"""The table beside an agent's net does what headwater.plain.kinds.tiles says, and takes the actions where it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.plain.kinds.agent import RewardScale
from headwater.plain.kinds.tiles import TABLE, PlainTable, PlainTrials

TILE_ROWS, TILE_TRACES, READER, HANDED, SETTLED, RETURN, TRIALS = 0, 1, 3, 4, 5, 6, 8


def numbers(agent: hw.Agent) -> np.ndarray:
    return np.array(agent.engine.core.array("tile_numbers"))


def ids(rng: np.random.Generator) -> dict[str, Any]:
    return {"room": f"r{rng.integers(9)}", "door": ("open", "shut")[rng.integers(2)]}


def places(rng: np.random.Generator) -> dict[str, Any]:
    x = {"x": float(rng.normal()), "y": float(rng.uniform(-2, 3)), "door": ("open", "shut")[rng.integers(2)]}
    return x if rng.random() < 0.9 else {"x": x["x"], "door": x["door"]}


@pytest.mark.parametrize("state", [ids, places])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.2, 0.0, 1.0, 5.0]], ids=["unweighted", "weighted"])
def test_the_table_equals_the_plain_one(state, weights) -> None:
    rng, agent = np.random.default_rng(4), hw.Agent(3, hidden=4, explore=300, epsilon=0.1, seed=8)
    table, scale = PlainTable(3, epsilon=0.1), RewardScale(0.99)
    x, trials = state(rng), PlainTrials()
    for i in range(900):
        w = weights[i % len(weights)]
        action, reward, following = agent.act(x), float(rng.normal() - 1), state(rng)
        acting = trials.acting
        terminated, truncated = bool(rng.random() < 0.05), bool(rng.random() < 0.02)
        agent.learn(x, action, reward, following, terminated, truncated, w)
        table.see(x)
        bounded = scale.scale(reward, w > 0) * unit(scale)
        if not table.columns or acting == TABLE:
            table.learn(x, action, bounded, 0.0 if terminated else following, terminated or truncated, w)
        if w > 0:
            table.count(x)
        if terminated or truncated:
            scale.sum = 0.0
        random = agent.share_of_random
        trials.follow(reward, random, terminated or truncated, 0.0 if numbers(agent)[READER] == TABLE else 1.0)
        x = following
    assert sorted_values(agent) == pytest.approx(
        np.sort(np.concatenate(list(table.values.values()))), rel=1e-9, abs=1e-12
    )
    assert numbers(agent)[TILE_TRACES] == len(table.traces)
    if table.columns:
        expected = [trials.reader, float(trials.handed), float(trials.settled), trials.total]
        assert numbers(agent)[READER : RETURN + 1] == pytest.approx(expected)
        assert numbers(agent)[TRIALS:] == pytest.approx([*trials.counts, *trials.means, *trials.variances])
    else:
        assert list(agent.values(x).values()) == pytest.approx(table.look(x) / unit(scale), rel=1e-9)


def unit(scale: RewardScale) -> float:
    m = scale.moments
    return float(np.sqrt((m.variance * m.seen / (m.seen - 1) if m.seen > 1 else 1.0) + 1e-8))


def sorted_values(agent: hw.Agent) -> np.ndarray:
    return np.sort(np.array(agent.engine.core.array("tile_values")).ravel())


def walked(agent: hw.Agent, observe: Any, steps: int, seed: int = 0) -> list[float]:
    """Returns of episodes along a cliff of ten places: forward, back, or down into it, which costs 20 and begins anew."""
    place, total, returns, since = 0, 0.0, [], 0
    for _ in range(steps):
        action = agent.act(observe(place))
        then = 0 if action == 2 else min(max(place + (1, -1)[action], 0), 9)
        reward, ends, since = -20.0 if action == 2 else -1.0, then == 9, since + 1
        agent.learn(observe(place), action, reward, observe(then), ends, since >= 200 and not ends)
        place, total = then, total + reward
        if ends or since >= 200:
            returns.append(total)
            place, total, since = 0, 0.0, 0
    return returns


def test_of_ids_the_table_takes_all_actions_and_the_net_takes_no_step() -> None:
    agent = hw.Agent(3, explore=2_000, epsilon=0.0, seed=1)
    returns = walked(agent, int, 4_000)
    assert returns[-50:] == [-9.0] * 50
    assert [expert["steps"] for expert in agent.experts_] == [0, 4_000]
    assert max(agent.values(8), key=agent.values(8).get) == 0
    assert agent.values(8)[2] < agent.values(8)[0] < 0


def test_of_tuples_and_arrays_of_whole_numbers_each_state_has_its_own_row() -> None:
    for observe in (lambda place: (place // 5, place % 5), lambda place: np.array([place // 5, place % 5])):
        agent = hw.Agent(3, explore=2_000, epsilon=0.0, seed=1)
        assert walked(agent, observe, 4_000)[-50:] == [-9.0] * 50
        assert numbers(agent)[TILE_ROWS] == 9


def test_of_numbers_the_better_of_table_and_net_gets_most_episodes() -> None:
    agent = hw.Agent(3, explore=4_000, seed=1, hidden=8)
    returns = walked(agent, lambda place: [place / 3.0], 12_000)
    assert np.mean(returns[-100:]) > -11
    assert agent.act([0.0], explore=False) == 0
    assert numbers(agent)[SETTLED] == 1
    assert numbers(agent)[TRIALS : TRIALS + 2].min() > 3


def test_where_no_episode_ends_trials_last_500_steps() -> None:
    agent = hw.Agent(2, explore=0, hidden=4)
    for i in range(2_600):
        agent.learn([float(i % 5)], agent.act([float(i % 5)]), float(i % 2), [float((i + 1) % 5)])
    assert numbers(agent)[TRIALS : TRIALS + 2].sum() == 4  # the first one ends before returns are kept
    assert agent.episodes == 0


def test_of_more_than_four_numbers_an_agent_is_the_one_without_a_table() -> None:
    rng, agents = np.random.default_rng(0), [hw.Agent(3, explore=200, hidden=6, table=table) for table in (True, False)]
    X = rng.normal(size=(600, 5))
    actions = [
        [(agent.act(x), agent.learn(x, agent.act(x), float(x[0]), then, i % 50 == 49))[0] for i, (x, then) in rows]
        for agent in agents
        for rows in [list(enumerate(zip(X[:-1], X[1:], strict=True)))]
    ]
    assert actions[0] == actions[1]
    states = [agent.engine.core.state() for agent in agents]
    assert np.array_equal(states[0]["weights"], states[1]["weights"])
    assert numbers(agents[0])[TILE_ROWS] == len(numbers(agents[1])) == 0


@pytest.mark.parametrize("observe", [int, float])
def test_a_loaded_agent_with_a_table_goes_on_to_the_same_bits(tmp_path, observe) -> None:
    agent = hw.Agent(3, explore=1_000, seed=2, hidden=6)
    walked(agent, observe, 1_500)
    agent.save(tmp_path / "agent.hw")
    loaded = hw.load(tmp_path / "agent.hw")
    assert walked(loaded, observe, 1_500) == walked(agent, observe, 1_500)
    assert loaded.engine.core.digest() == agent.engine.core.digest()


def test_a_table_that_is_full_lets_new_states_share_rows() -> None:
    agent = hw.Agent(2, explore=100, hidden=4, max_rows=64)
    for i in range(3_000):
        agent.learn(i % 500, agent.act(i % 500), 1.0, (i + 1) % 500)
    assert numbers(agent)[TILE_ROWS] <= 64


def test_one_reward_out_of_all_measure_does_not_spoil_the_table() -> None:
    agent = hw.Agent(3, explore=2_000, epsilon=0.0, seed=1)
    walked(agent, int, 2_000)
    agent.learn(3, 2, 1e30, 4)
    assert walked(agent, int, 2_000)[-20:] == [-9.0] * 20
