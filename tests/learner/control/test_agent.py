"""hw.Agent: it learns to act, goes on to the bit in the middle of an episode, and what can't be does no harm."""

import math

import gymnasium
import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, RefusedRow
from headwater.store.learner_file import fingerprint


def corridor(agent, steps, rooms=5, seed=0):
    """Walk a corridor whose last room pays; returns how many steps an episode took at the end."""
    rng, room, length, lengths = np.random.default_rng(seed), 0, 0, []
    for _ in range(steps):
        x = {"room": str(room), "noise": float(rng.normal())}
        action = agent.act(x)
        then = min(room + 1, rooms - 1) if action == "right" else max(room - 1, 0)
        ends, length = then == rooms - 1, length + 1
        agent.learn(
            x, action, float(ends), {"room": str(then), "noise": float(rng.normal())}, ends, length >= 50 and not ends
        )
        if ends or length >= 50:
            lengths.append(length)
            room, length = 0, 0
        else:
            room = then
    return float(np.mean(lengths[-20:]))


SETTINGS = {"q": {"explore": 1_000}, "ac": {"method": "ac"}, "adaptive": {"explore": 1_000, "adaptive": True}}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_method_learns_a_corridor_of_categories(name, dtype):
    agent = hw.Agent(("left", "right"), hidden=16, seed=1, dtype=dtype, **SETTINGS[name])
    assert corridor(agent, 6_000) < 6
    assert agent.act({"room": "0"}, explore=False) == "right"
    assert agent.policy({"room": "2"})["right"] > 0.9


def test_numbers_as_actions_are_learned_within_their_bounds():
    space = gymnasium.spaces.Box(-2.0, 2.0, (1,))
    agent = hw.Agent(space, hidden=16, seed=1)
    rng = np.random.default_rng(0)
    missed = []
    for _ in range(8_000):
        target = float(rng.uniform(-1, 1))
        action = agent.act([target])
        assert action.dtype == np.float32
        assert space.contains(action)
        missed.append(abs(float(action[0]) - target))
        agent.learn([target], action, -missed[-1], None, terminated=True)
    assert np.mean(missed[-500:]) < 0.5 * np.mean(missed[:500])
    mean, deviation = agent.policy([0.5])
    assert mean.shape == deviation.shape == (1,)
    assert deviation[0] > 0


def test_an_agent_learns_to_balance_a_pole():
    env = gymnasium.make("CartPole-v1")
    agent = hw.Agent(env.action_space, explore=5_000, seed=1)
    observation, _ = env.reset(seed=1)
    lengths, length = [], 0
    for _ in range(60_000):
        action = agent.act(observation)
        following, reward, terminated, truncated, _ = env.step(action)
        agent.learn(observation, action, reward, following, terminated, truncated)
        observation, length = following, length + 1
        if terminated or truncated:
            lengths.append(length)
            length = 0
            observation, _ = env.reset()
    assert np.mean(lengths[-20:]) > 5 * np.mean(lengths[:50])
    assert agent.episodes == len(lengths)
    assert agent.returns.tolist() == lengths[-200:]
    assert agent.lengths.tolist() == lengths[-200:]


@pytest.mark.parametrize("name", SETTINGS)
def test_an_agent_goes_on_to_the_bit_in_the_middle_of_an_episode(name, tmp_path):
    agent = hw.Agent(("left", "right"), hidden=8, seed=3, **SETTINGS[name])
    for i in range(237):  # the last end was at 230
        agent.learn(
            {"a": float(i % 11), "b": str(i % 5)},
            ("left", "right")[i % 3 == 0],
            float(i % 2),
            {"a": 1.0},
            i % 10 == 0,
            False,
        )
    agent.save(tmp_path / "a.hw")
    other = hw.load(tmp_path / "a.hw", hw.Agent)
    for i in range(300):
        x = {"a": float(i % 7), "b": str(i % 6), "new": i} if i > 100 else {"a": float(i % 7)}
        action = agent.act(x)
        assert other.act(x) == action
        for one in (agent, other):
            one.learn(x, action, float(i % 3), {"a": 2.0, "b": "1"}, i % 17 == 16, i % 23 == 22)
    assert fingerprint(agent) == fingerprint(other)


def test_acting_changes_nothing_and_asking_twice_gives_the_same_action():
    agent = hw.Agent(4, seed=1, explore=10_000)
    rng = np.random.default_rng(0)
    for i in range(200):
        agent.learn(rng.normal(size=3), i % 4, float(i % 5), rng.normal(size=3), i % 40 == 39, False)
    before, x = fingerprint(agent), rng.normal(size=3)
    assert len({agent.act(x) for _ in range(20)}) == 1
    agent.values(x), agent.value(x), agent.policy(x)
    assert fingerprint(agent) == before
    drawn = set()
    for _ in range(60):  # but other actions are drawn as it learns
        drawn.add(agent.act(x))
        agent.learn(x, 0, 0.0, x)
    assert drawn == {0, 1, 2, 3}


def test_names_that_appear_later_move_no_old_output():
    agent = hw.Agent(3, seed=1)
    for i in range(100):
        agent.learn({"a": float(i % 7)}, i % 3, float(i % 2), {"a": 1.0})
    before = agent.values({"a": 2.0})
    agent.values({"a": 2.0, "new": 5.0, "word": "x"})
    assert agent.values({"a": 2.0, "new": 5.0, "word": "x"}) == before
    agent.learn({"a": 2.0, "new": 5.0, "word": "x"}, 0, 1.0, {"a": 2.0}, terminated=True)
    again = hw.Agent(3, seed=1)
    for i in range(100):
        again.learn({"a": float(i % 7)}, i % 3, float(i % 2), {"a": 1.0})
    assert again.values({"a": 2.0}) == before


@pytest.mark.parametrize("reward", [math.nan, math.inf, 1e31, None, "much", object()])
@pytest.mark.filterwarnings("ignore:a row was not learned")
def test_a_reward_that_is_no_number_is_counted_and_teaches_nothing_and_time_goes_on(reward):
    agent, clean = (hw.Agent(2, seed=1) for _ in range(2))
    for one in (agent, clean):
        for i in range(50):
            one.learn([float(i % 3)], i % 2, 1.0, [1.0], i % 10 == 9, False)
    agent.learn([1.0], 1, reward, [2.0], True, False)
    assert (agent.rejected, agent.n_learned, agent.episodes) == ({"target": 1}, 50, 6)
    assert agent.values([1.0]) == pytest.approx(clean.values([1.0]), abs=0.5)
    agent.learn([1.0], 7, 1.0, [2.0])
    assert agent.rejected == {"target": 2}


def test_poisoned_states_do_no_harm():
    agent = hw.Agent(("left", "right"), hidden=16, seed=1, explore=1_000)
    corridor(agent, 3_000)
    poison = [
        {"room": math.nan},
        {"room": "0", "noise": math.inf},
        {"noise": 1e300},
        {"noise": object()},
        {"room": "x" * 9999},
        {},
    ]
    for x in poison:
        agent.learn(x, "left", 1e29, x)
    assert all(map(math.isfinite, agent.values({"room": "1"}).values()))
    assert corridor(agent, 3_000) < 8


@pytest.mark.parametrize(
    ("space", "setting", "actions"),
    [
        (gymnasium.spaces.Discrete(3), 3, {0, 1, 2}),
        (gymnasium.spaces.Discrete(2, start=5), (5, 6), {5, 6}),
        (["up", "down"], ("up", "down"), {"up", "down"}),
        (np.int64(2), 2, {0, 1}),
    ],
)
def test_spaces_and_names_become_settings_that_print_and_are_saved(space, setting, actions, tmp_path):
    agent = hw.Agent(space, explore=10**6)
    assert agent.actions == setting
    assert eval(repr(agent), {"Agent": hw.Agent}).actions == setting
    drawn = set()
    for _ in range(40):
        drawn.add(agent.act([0.5]))
        agent.learn([0.5], agent.act([0.5]), 1.0, [0.5])
    assert drawn == actions
    agent.save(tmp_path / "a.hw")
    assert hw.load(tmp_path / "a.hw").actions == setting


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"actions": 0}, "actions: a number of them"),
        ({"actions": "left"}, "actions: a number of them"),
        ({"actions": ("a", "a")}, "actions: a number of them"),
        ({"actions": ((1.0, -1.0),)}, "actions: a number of them"),
        ({"method": "sarsa"}, "None, 'q' or 'ac'"),
        ({"actions": ((-1.0, 1.0),), "method": "q"}, "method 'ac' where an action consists of numbers"),
        ({"gamma": 2}, "a number from 0 to 1"),
        ({"hidden": 0}, "a whole number from 1 to 4,096"),
        ({"kappa": (1.0,)}, "two numbers above 0"),
        ({"adaptive": 1}, "True or False"),
        ({"dtype": "float16"}, "'float32' or 'float64'"),
    ],
)
def test_settings_that_can_not_be_are_refused_in_one_sentence(settings, said):
    with pytest.raises(ConfigError, match=said):
        hw.Agent(**settings)


def test_what_an_agent_can_not_say_or_see_is_refused():
    with pytest.raises(ConfigError, match="an agent with action values"):
        hw.Agent(2, method="ac").values([1.0])
    with pytest.raises(DataError, match="an observation, which is an array of numbers or values by name, got set"):
        hw.Agent(2).act({1, 2})
    with pytest.raises(DataError, match=r"as many transitions as states \(1\), got 2"):
        hw.Agent(2).learn_many([{"a": 1}], [{}, {}])
    with pytest.raises(ConfigError, match="transitions in order of time"):
        hw.Agent(2).step_many([], [], ask=[{"a": 1}])


def test_truncation_bootstraps_unless_it_counts_as_the_end():
    worth = {}
    for bootstrap in (True, False):
        agent = hw.Agent(1, seed=1, explore=0, epsilon=0.0, bootstrap=bootstrap, hidden=8, gamma=0.9)
        for i in range(3_000):  # one reward a step, cut off every fifth
            agent.learn({"a": 1}, 0, 1.0, {"a": 1}, False, i % 5 == 4)
        worth[bootstrap] = agent.value({"a": 1})
    assert worth[True] > 1.3 * worth[False] > 0


def test_a_diagnosis_names_what_is_wrong_and_an_explanation_what_matters():
    agent = hw.Agent(2, seed=1, explore=100)
    with pytest.raises(DataError, match="an agent that has learned"):
        agent.diagnose()
    with pytest.raises(DataError, match="an agent that has learned"):
        agent.explain_one({"hint": 1})
    for i in range(12_000):
        agent.learn({"hint": str(i * 7 % 2), "noise": float(i % 5)}, i % 2, 0.0, {"hint": "1"})
    assert {"constant_rewards", "no_episodes"} <= set(agent.diagnose().names)
    agent = hw.Agent(2, seed=1, explore=10**9)
    rng = np.random.default_rng(0)
    for _ in range(4_000):
        hint, action = int(rng.integers(2)), int(rng.integers(2))
        agent.learn(
            {"hint": str(hint), "noise": float(rng.normal())}, action, float(hint == action), None, terminated=True
        )
    assert "mostly_random" in agent.diagnose().names
    why = agent.explain_one({"hint": "1", "noise": 0.3}, action=1)
    assert next(iter(why.contributions)) == "hint"
    assert why.contributions["hint"] > 0.2
    with pytest.raises(ConfigError, match="an action of the agent"):
        agent.explain_one({"hint": "1"}, action=9)


def test_returns_that_fell_are_told():
    agent = hw.Agent(2, seed=1, explore=0)
    for i in range(400):
        agent.learn([1.0], 0, 10.0 + i % 3 if i < 250 else 1.0 + i % 3, None, terminated=True)
    assert "returns_fell" in agent.diagnose().names


@pytest.mark.filterwarnings("ignore:a row was not learned")
def test_refused_transitions_are_told():
    agent = hw.Agent(2, seed=1, explore=0)
    for i in range(100):
        agent.learn([1.0], 0, math.nan if i % 5 == 0 else float(i % 2), [1.0])
    assert "refused_transitions" in agent.diagnose().names


def test_a_durable_agent_comes_back_to_the_bit_and_acts(tmp_path):
    plain = hw.Agent(2, seed=1, hidden=8, explore=50)
    with hw.open(tmp_path / "a.db", hw.Agent(2, seed=1, hidden=8, explore=50)) as model:
        for i in range(60):
            x, then = np.array([i % 7, 1.0]), np.array([i % 5, 2.0])
            assert model.act(x) == plain.act(x)
            assert model.learn(x, i % 2, np.float64(i % 3), then, i % 11 == 10, False) == i + 1
            plain.learn(x, i % 2, float(i % 3), then, i % 11 == 10, False)
        scores = model.scores
        model.service._shut()  # as a killed process ends: no snapshot
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
        assert again.scores == scores
        assert scores["episodes"] == 5
    with (
        hw.open(tmp_path / "b.db", hw.Classifier()) as other,
        pytest.raises(AttributeError, match=r"DurableNet has no 'act'\. It has "),
    ):
        other.act({"a": 1})


SAVED = hw.Agent(2, seed=1, hidden=4, explore=10)
for _i in range(60):
    SAVED.learn({"a": float(_i % 3), "b": "xyz"[_i % 3]}, _i % 2, float(_i % 4), {"a": 1.0}, _i % 15 == 14, False)


@pytest.mark.parametrize("name", sorted(name for name in SAVED.new_engine().state() if name.startswith("agent_")))
def test_any_bytes_in_an_array_are_refused_or_harmless(name):
    rng = np.random.default_rng(len(name))
    taken = 0
    for _ in range(60):
        state = SAVED.engine.state()
        state[name].reshape(-1)[rng.integers(state[name].size)] = rng.choice(
            [np.nan, np.inf, -1.0, 1e300, 0.5, 2.0**60]
        )
        agent = hw.Agent(2, seed=1, hidden=4, explore=10)
        try:
            agent._engine = agent.new_engine(state)
        except ValueError:
            continue
        taken += 1
        for i in range(20):
            agent.act({"a": 1.0})
            agent.learn({"a": float(i), "b": f"w{i}"}, i % 2, 1.0, {"a": 2.0}, i % 7 == 6, False)
    assert taken


def test_a_file_notes_the_state_that_was_learned_last_as_json_holds_it(tmp_path):
    agent = hw.Agent(("left", "right"), hidden=8, seed=1)
    agent.learn({"room": "3", "x": np.float32(0.75), "lit": True, "gap": None}, "left", 0.0, {"room": "2", "x": 0.5})
    assert agent.notes == {}
    agent.save(tmp_path / "m.hw")
    loaded = hw.load(tmp_path / "m.hw")
    assert loaded.notes == {}
    assert loaded.written_notes == {"seen": {"room": "3", "x": 0.75, "lit": 1}}
    loaded.learn([0.5, 1.0], "left", float("nan"), [0.5, 1.0])  # a reward that can't be; its time step counts
    loaded.save(tmp_path / "m.hw")
    assert hw.load(tmp_path / "m.hw").written_notes == {"seen": {"x0": 0.5, "x1": 1.0}}
    loaded.learn({7: 1.0, "when": b"bytes"}, "left", 1.0, None, terminated=True)
    assert loaded.written_notes == {}


# ---- weights --------------------------------------------------------------------------------------------------------------


def walked(agent, n, weight, start=0):
    """Teach n transitions of a corridor, each with its weight."""
    for i in range(start, start + n):
        room, action = i % 5, ("right", "left")[i % 7 == 0]
        then = min(room + 1, 4) if action == "right" else max(room - 1, 0)
        agent.learn({"n": float(room)}, action, float(then == 4), {"n": float(then)}, then == 4, False, weight(i))
    return agent


def agent_of(**settings):
    return hw.Agent(("left", "right"), seed=1, hidden=8, explore=50, **settings)


@pytest.mark.parametrize("settings", [{}, {"method": "ac"}, {"adaptive": True, "table": False}])
def test_weight_one_keeps_every_bit_and_weight_0_moves_no_weight_and_no_value(settings):
    plain, n = agent_of(**settings), 120
    for i in range(n):
        room, action = i % 5, ("right", "left")[i % 7 == 0]
        then = min(room + 1, 4) if action == "right" else max(room - 1, 0)
        plain.learn({"n": float(room)}, action, float(then == 4), {"n": float(then)}, then == 4)
    ones = walked(agent_of(**settings), n, lambda i: 1 if i % 2 else 1.0)
    assert fingerprint(ones) == fingerprint(plain)
    assert fingerprint(walked(agent_of(**settings), n, lambda i: 1 + i % 2)) != fingerprint(plain)
    names = (
        ("tile_values", "tile_counts", "slot_mean", "weights")
        if not settings.get("adaptive")
        else ("weights", "state_1")
    )
    ended = walked(agent_of(**settings), 4, lambda i: 1.0, 1)  # an episode ends there: no row owes a step
    before = {name: np.array(ended.engine.core.array(name)) for name in names}
    walked(ended, 3, lambda i: 0.0, 15)
    for name, array in before.items():
        assert np.array_equal(np.array(ended.engine.core.array(name))[: len(array)], array), name
    assert len(ended.returns) == ended.episodes > 1


def test_a_value_becomes_the_weighted_mean_of_what_an_action_brought():
    def value(heavy):
        agent = hw.Agent(2, seed=1, gamma=0.0, hidden=4)
        for i in range(4_000):
            agent.learn({"room": "a"}, 0, float(i % 2), {"room": "a"}, True, False, heavy if i % 2 else 1.0)
        return agent.values({"room": "a"})[0]

    light, even, heavy = map(value, (0.25, 1.0, 4.0))
    assert light == pytest.approx(0.4 * even, rel=0.25)  # a fifth in the place of a half
    assert heavy == pytest.approx(1.6 * even, rel=0.25)  # four fifths


@pytest.mark.parametrize("w", [-1.0, math.nan, math.inf, 1e16, "2"])
def test_a_weight_that_is_none_is_refused_in_a_sentence_counted_and_nothing_is_learned(w):
    agent, twin = walked(agent_of(), 60, lambda i: 1.0), walked(agent_of(), 60, lambda i: 1.0)
    with pytest.warns(RefusedRow, match="the weight of the sample is negative, beyond 1e15, or not a number"):
        walked(agent, 1, lambda i: w, 60)
    walked(twin, 1, lambda i: 0.0, 60)
    assert agent.rejected["weight"] == 1
    assert agent.values({"n": 1.0}) == twin.values({"n": 1.0})


@pytest.mark.parametrize("settings", [{}, {"method": "ac"}, {"adaptive": True}])
def test_the_heaviest_and_the_lightest_transitions_leave_numbers_that_a_file_holds(settings, tmp_path):
    agent = walked(agent_of(**settings), 300, lambda i: (1e15, 5e-324, 1.0)[i % 3])
    agent.save(tmp_path / "a.hw")
    assert fingerprint(hw.load(tmp_path / "a.hw")) == fingerprint(agent)
    assert abs(agent.value({"n": 1.0})) < 100


def test_a_session_a_store_and_a_fleet_weigh_transitions_as_the_agent_does(tmp_path):
    rows = [{"n": float(i % 5)} for i in range(60)]
    y = [
        {"action": "right", "reward": float(i % 5 == 3), "next": {"n": float(i % 5 + 1)}, "terminated": i % 5 == 3}
        for i in range(60)
    ]
    w = [(1.0, 0.5, 0.0, 3.0)[i % 4] for i in range(60)]
    plain = agent_of()
    plain.learn_many(rows, y, w)
    session = hw.Session(agent_of())
    session.step(rows, y, w)
    assert fingerprint(session.learner) == fingerprint(plain)
    fleet = hw.Fleet(agent_of, key="maze")
    fleet.learn_many([{**x, "maze": "a"} for x in rows], y, w)
    assert fingerprint(fleet["a"]) == fingerprint(plain)
    with hw.open(tmp_path / "a.db", agent_of()) as store:
        store.learn_many(rows[:40], y[:40], w[:40])
        for x, one, weight in zip(rows[40:], y[40:], w[40:], strict=True):
            store.learn(x, one["action"], one["reward"], one["next"], one["terminated"], False, weight)
        store.service._shut()  # without a last snapshot, as if killed
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
