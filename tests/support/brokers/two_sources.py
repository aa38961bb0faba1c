"""Follow two sources into one store and end by SIGKILL at a commit: each line on stdin, an object in JSON, is a fork.

``kill`` counts commits of either source until the end, and ``where`` says at which moment of it: in its transaction, or behind it, before
its rows are learned. Without ``kill`` a fork follows until all ``total`` rows are learned.
"""

import json
import os
import signal
import sys
import threading

from headwater.serve.background.following import Following
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service import RetentionPolicy, Service
from headwater.streams.brokers import open_source, read_address
from support.processes.following import learner


def end_at(service, kill, where):
    """End the process at a commit that has rows, counted from now on."""
    at = [kill]
    write, learn = service.sources.write, service._teach

    def counted(moment, rows):
        if moment == where and rows:
            at[0] -= 1
            if at[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def writing(request, **counts):
        write(request, **counts)
        counted("in its transaction", request.events)

    def teaching(journaled):
        counted("before it is learned", journaled)
        learn(journaled)

    service.sources.write, service._teach = writing, teaching


def follow(path, sources, total, kill=0, where=""):
    service = Service(path, LEARNER_FORMAT, RetentionPolicy(snapshot_every=100))
    if "default" not in service.models.by_name:
        service.create("default", learner())
    model = service.models.named("default")
    end_at(service, kill, where)
    followings = [Following(service, model, source, target="y", drop=["id"]) for source in sources]
    for following in followings:
        following.start()
    while model.champion.learner.n_learned < total:
        threading.Event().wait(0.002)
    for following in followings:
        following.stop()
    service.close()


def main():
    path, *sources = sys.argv[1:]
    for source in sources:  # imports the client
        open_source(read_address(source)).close()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                follow(path, sources, **json.loads(line))
            except BaseException as error:  # noqa: BLE001 - the test must hear of it
                sys.stderr.write(repr(error))
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
