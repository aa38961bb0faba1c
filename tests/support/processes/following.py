"""Run learners that follow a broker and that a test kills: for each line ``source total`` on stdin, a fork that learns up to there, or a block farther.

A fork, since importing and warming up once is what makes many kills affordable. The fork says ``ack`` after its start and after each commit.
"""

import os
import sys
import traceback

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.store.service import RetentionPolicy
from headwater.streams.brokers import open_source, read_address


def row(i):
    return {"a": (i * 37 % 101) / 10, "c": "xyz"[i % 3], "y": "up" if i * 37 % 101 > 50 else "down", "id": i}


def learner():
    return hw.Classifier(hidden=(8,), seed=3)


def follow(path, source, total, predictions):
    policy = RetentionPolicy(snapshot_every=400)
    with hw.open(path, learner(), policy=policy) as model:

        def ends():
            return model.n_learned >= total

        os.write(1, b"ack\n")
        said = {"predictions": predictions, "on_commit": lambda n: os.write(1, b"ack\n")}
        model.learn_from(source, "y", drop=["id"], ends=ends, **said)


def live(path, source, total, predictions=None):
    try:
        follow(path, source, int(total), predictions)
        os.write(1, b"end\n")
    except BaseException:  # noqa: BLE001 - whatever it is, the test must hear of it
        traceback.print_exc()
        os.write(1, b"failed\n")
    finally:
        os._exit(0)


def main():
    path = sys.argv[1]
    warm = learner()
    for _ in range(20):
        warm.learn_one({"a": 1.0, "c": "x"}, "up")
    kind_with("classify").score(history=True)  # imports its detector
    for scheme in sys.argv[2:]:
        open_source(read_address(scheme)).close()  # imports the client
    os.write(1, b"ready\n")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            live(path, *line.split())
        os.write(1, b"pid %d\n" % pid)
        os.waitpid(pid, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
