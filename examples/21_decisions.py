"""Which of seven kinds of surface is this? A bandit is told only whether its own guess was right, and is judged by its own log."""

from river import datasets

import headwater as hw

ROWS = [(dict(x), y) for x, y in datasets.ImageSegments()]
ACTIONS = sorted({y for _, y in ROWS})

agent, log, rewards = hw.Bandit(seed=1), [], []
for x, y in ROWS:
    action, p = agent.act(x, ACTIONS)
    reward = float(action == y)
    agent.learn(x, action, reward, p)
    log.append((x, (action, reward, p, ACTIONS)))
    rewards.append(reward)

for n in (250, 1_000, len(rewards)):
    print(f"first {n}: {sum(rewards[:n]) / n:.1%} right, chance is {1 / len(ACTIONS):.1%}")

EXPLORING = hw.Bandit(
    explore="softmax", amount=3.0, seed=1
)  # draws more evenly, so that its log says more of other policies
for x, y in ROWS:
    action, p = EXPLORING.act(x, ACTIONS)
    EXPLORING.learn(x, action, float(action == y), p)
    log.append((x, (action, float(action == y), p, ACTIONS)))
always, evenly = log[0][1][0], dict.fromkeys(ACTIONS, 1 / len(ACTIONS))
for name, policy in {"an even draw": lambda x, a: evenly, f"always {always}": lambda x, a: always}.items():
    value = agent.value(policy, log[len(ROWS) :])
    print(f"{name}: {value.dr}, truly {1 / len(ACTIONS):.3f}")
