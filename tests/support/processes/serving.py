"""Run servers that a test kills: for each line ``port`` on stdin, a fork that serves, so that importing is paid for once."""

import os
import sys

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.serve.run import listen, make_state, run
from headwater.store.service import RetentionPolicy


def serve(path, port):
    state = make_state(path, policy=RetentionPolicy(snapshot_every=150))
    if not state.service.models.by_name:
        state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(8,), seed=3))
    run(state, host="127.0.0.1", port=port, sock=listen("127.0.0.1", port))


def main():
    path = sys.argv[1]
    warm = hw.Classifier(hidden=(8,))
    for i in range(20):
        warm.step_many([{"a": float(i)}, {"a": 1.0}], ["a", "b"])
        warm.predict_one({"a": 1.0})
    kind_with("classify").score(history=True)  # imports its detector
    os.write(1, b"ready\n")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            serve(path, int(line))
            os._exit(0)
        os.write(1, b"pid %d\n" % pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(1, b"gone %d\n" % status)


if __name__ == "__main__":
    main()
