"""Forget in forks that a test kills: for each line ``path`` on stdin, a fork opens that store and forgets a person's rows.

The fork says ``pid`` before and ``done`` after. A fork, since importing once is what makes two hundred kills affordable.
"""

import os
import signal
import sys

import headwater as hw

WHO = {"mail": "jane@example.org"}
ALL = 240


def row(i):
    return {"a": i * 37 % 101 / 10, "user": f"u{i % 9}", **(WHO if i in (50, 51, 130) else {})}


def label(i):
    return "yes" if i * 37 % 101 > 50 else "no"


def make():
    return hw.Classifier(hidden=(4,), seed=3)


def main():
    make().learn_many([row(i) for i in range(20)], [label(i) for i in range(20)])
    os.write(1, b"ready\n")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(1, b"pid %d\n" % os.getpid())
            with hw.open(line.strip()) as store:
                os.write(1, b"open\n")
                store.forget(where=WHO, reason="killed")
                os.write(1, b"done\n")
                while True:
                    signal.pause()
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
