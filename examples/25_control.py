"""An agent that balances a pole: it acts, sees what follows, learns from it at once, and forgets it.

Each transition is seen once and nothing is replayed. The agent is saved in the middle of an episode and goes on as if nothing
had happened.

    pip install "headwater[rl]"
    python examples/25_control.py
"""

import tempfile
from pathlib import Path

import gymnasium

import headwater as hw

STEPS, EVERY = 80_000, 10_000

env = gymnasium.make("CartPole-v1")
agent = hw.Agent(env.action_space, explore=5_000, seed=1)
file = Path(tempfile.mkdtemp()) / "agent.hw"

observation, _ = env.reset(seed=1)
total, ended = 0.0, []
for step in range(1, STEPS + 1):
    action = agent.act(observation)
    following, reward, terminated, truncated, _ = env.step(action)
    agent.learn(observation, action, float(reward), following, terminated, truncated)
    total += float(reward)
    observation = following
    if terminated or truncated:
        ended.append(total)
        total = 0.0
        observation, _ = env.reset()
    if step == STEPS // 2:  # the pole is in the air
        agent.save(file)
        agent = hw.load(file, hw.Agent)
    if step % EVERY == 0:
        print(f"{step:6,} steps: {sum(ended) / max(len(ended), 1):5.1f} steps an episode, as the mean of {len(ended)}")
        ended = []

print("worth of each action:", {name: round(worth, 1) for name, worth in agent.values(observation).items()})
print("what moves it most:", agent.explain_one(observation).top(2))
print("diagnosis:", agent.diagnose())
