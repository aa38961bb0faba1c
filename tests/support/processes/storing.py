"""Run durable learners that a test kills: for each line ``start most`` on stdin, a fork that learns from example ``start`` on.

A fork, since importing and warming up once is what makes fifty kills affordable. The fork says ``ack i`` after each answer, and
after ``most`` answers waits to be killed: so far and no farther, however late a busy machine lets the killer be.
"""

import os
import signal
import sys

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.store.service import RetentionPolicy

ALL = 5000
LEARNERS = {
    "classify": lambda: hw.Classifier(hidden=(8,), seed=3),
    "anomaly": lambda: hw.Anomaly(seed=3),
    "forecast": lambda: hw.Forecaster(horizon=4, season=7, seed=3),
    "decide": lambda: hw.Bandit(hidden=8, seed=3),
    "control": lambda: hw.Agent(("left", "right"), hidden=8, explore=500, seed=3),
}
"""A learner of each kind, by its task."""


def sample(i):
    return {"a": (i * 37 % 101) / 10, "b": (i * 53 % 97) / 7, "c": "xyz"[i % 3], "late": None if i % 11 == 0 else i % 5}


def answer(i, task="classify"):
    if task == "forecast":  # one of 29 is a gap
        return float("nan") if i % 29 == 17 else float(i % 7) + (i * 37 % 101) / 50
    if task == "decide":
        return ["abc"[i % 3], float(i * 37 % 101 > 50), 0.25 + i % 4 / 8]
    if task == "control":  # what was done, what it brought, and the state that followed
        then = {"next": sample(i + 1), "terminated": i % 90 == 89, "truncated": i % 70 == 69}
        return {"action": ("left", "right")[i * 53 % 7 > 3], "reward": float(i * 37 % 101 > 50), **then}
    if task == "anomaly":  # for its scores alone
        return int(i % 13 == 0)
    return "yes" if (i * 37 % 101) > 50 else "no" if i % 13 else "maybe"


def weight(i):
    return 1.0 if i % 4 else 2.0


def steps():
    """Yield the requests as (first example, one behind the last): singles, and now and then a block."""
    i = 0
    while i < ALL:
        n = 17 if i % 6 == 5 else 1
        yield i, min(i + n, ALL)
        i += n


def learn(model, i, stop):
    """Let a durable learner learn examples i to stop − 1 as one request."""
    if stop == i + 1 and model.task == "anomaly":
        model.learn_one(sample(i), id=f"k{i}")
    elif stop == i + 1 and model.task == "forecast":
        model.learn_one(answer(i, model.task), sample(i), weight(i), id=f"k{i}")
    elif stop == i + 1:
        model.learn_one(sample(i), answer(i, model.task), weight(i), id=f"k{i}")
    else:
        model._commit([model._event(sample(j), answer(j, model.task), None, f"k{j}") for j in range(i, stop)])


def uninterrupted(task):
    """The learner of a task that has learned all requests without a kill."""
    learner = LEARNERS[task]()
    for i, stop in steps():
        X, y = [sample(j) for j in range(i, stop)], [answer(j, task) for j in range(i, stop)]
        w = None if stop > i + 1 else [weight(i)]
        learner.step_many(X) if task == "anomaly" else learner.step_many(X, y, w)
    return learner


def run(path, task, start, most):
    policy = RetentionPolicy(snapshot_every=200)
    with hw.open(path, LEARNERS[task](), policy=policy) as model:
        for i, stop in steps():
            if i < start:
                continue
            learn(model, i, stop)
            os.write(1, b"ack %d\n" % stop)
            most -= 1
            while most == 0:
                signal.pause()


def main():
    path, task = sys.argv[1:]
    warm = LEARNERS[task]()
    for i in range(20):
        warm.step_many([sample(i)], [answer(i, task)])
    kind_with(task).score(history=True)  # imports its detector
    os.write(1, b"ready\n")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(path, task, *map(int, line.split()))
            os.write(1, b"end\n")
            os._exit(0)
        os.write(1, b"pid %d\n" % pid)
        os.waitpid(pid, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
