"""A fleet with a store that one thread teaches and another commits, until it is killed at a statement of a commit.

With a path, it forks beside both. Else each line of standard input is a path, the number of commits before and that of the statement; a process for it is forked, which tells on standard output
how far it had come before each commit that succeeded, and dies. ``gone`` ends what it tells.
"""

import itertools
import os
import signal
import sys
import threading
from contextlib import suppress

import headwater as hw
from headwater.errors import StoreError
from headwater.kinds.fleet import copying

KEYS = 60


def fleet(**settings):
    """Return a fleet of small nets."""
    return hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=3), "machine", **settings)


def operate(on, n, *, removes=True):
    """Learn row n, or now and then remove a key instead, and note how far it came, which a commit holds too."""
    with on.held():
        if removes and n % 41 == 40:
            on.remove(on.keys()[n % len(on)])
        else:
            on.learn_one({"machine": f"m{n * 7 % KEYS + n % 5}", "a": n % 11 - 5.0, "b": n % 3}, "pq"[n % 11 > 5])
        on.notes["done"] = n + 1


def state(of):
    """Return all that a commit holds."""
    return of.fingerprint(), of.keys(), of.n_learned, repr(of.score()), of.rejected


def short_turns():
    """Let a commit take few members in a turn."""
    copying._TURN_S, copying._PIECE, copying._FEW = 0, 4, 3


def teach(on, ends):
    """Operate until the event, whether there is space or not."""
    while not ends.is_set():
        with suppress(StoreError):
            operate(on, on.notes["done"])
            on.predict_one({"machine": "m1", "a": 1.0})


def commit_until_killed(path, commits, statement):
    """Commit so many times beside the rows of another thread, then until so many statements began."""
    short_turns()
    on = fleet(store=path, resident=20 if statement % 2 else None)
    for n in range(100):
        operate(on, n)
    left = [statement]

    def count(_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=teach, args=(on, threading.Event()), daemon=True).start()
    for done in itertools.count():
        if done == commits:
            on.idle.members._connection.set_trace_callback(count)
        before = on.notes["done"]
        on.commit()
        print("committed", before, flush=True)


def host():
    """Fork a process for each line."""
    for line in sys.stdin:
        path, commits, statement = line.split()
        child = os.fork()
        if child == 0:
            commit_until_killed(path, int(commits), int(statement))
        _, status = os.waitpid(child, 0)
        print("gone", status, flush=True)


def fork(path):
    """Fork beside commits and rows, and tell what each child predicts and why it can't commit."""
    short_turns()
    on, ends = fleet(store=path), threading.Event()
    for n in range(100):
        operate(on, n)
    committer = threading.Thread(target=lambda: [on.commit() for _ in iter(ends.is_set, True)], daemon=True)
    others = [committer, threading.Thread(target=teach, args=(on, ends), daemon=True)]
    for other in others:
        other.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            try:
                on.predict_one({"machine": "m1", "a": 5.0})
                print("predicted", end=" ")
                on.commit()
            except StoreError as error:
                print(str(error).split(" — ")[0], flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    ends.set()
    for other in others:
        other.join()


if __name__ == "__main__":
    fork(sys.argv[1]) if sys.argv[1:] else host()
