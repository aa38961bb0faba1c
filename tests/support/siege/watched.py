"""``headwater serve`` as ``python -m``, whose event loop notes callbacks that take it long, in seconds of its own processor time.

Other work on the machine makes any callback wait, but none takes more of the processor for it. Collections of garbage are left out, as
they may fall upon any callback. The loop is asyncio's own, since that of uvloop calls nothing that could be timed.
"""

import asyncio
import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

from headwater.cli import main

CALLBACKS = "HEADWATER_CALLBACKS"
"""Name of the variable with the file that is to hold a line of seconds and callback for each of them."""
LONG_S = 0.002


def watch(path):
    """Write down each callback that takes long. The event loop is to run in this thread."""
    loops = threading.get_ident()
    run, collecting = asyncio.events.Handle._run, 0.0

    def note(phase, _):
        nonlocal collecting
        if threading.get_ident() == loops:
            collecting += time.thread_time() * (1 if phase == "stop" else -1)

    def timed(handle):
        nonlocal collecting
        collecting, began = 0.0, time.thread_time()
        run(handle)
        took = time.thread_time() - began - collecting
        if took > LONG_S:
            print(json.dumps([took, repr(handle)]), file=file, flush=True)

    file = path.open("a", encoding="utf-8")
    gc.callbacks.append(note)
    asyncio.events.Handle._run = timed


if __name__ == "__main__":
    sys.modules["uvloop"] = None
    watch(Path(os.environ[CALLBACKS]))
    raise SystemExit(main())
