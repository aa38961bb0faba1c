"""A client that only wants its answers: ``bystander.py PORT PACE_S``. It asks until a line comes on stdin, then prints how long each took.

It asks ``/predict`` and ``/health/live`` in turns over one connection, as a process of its own, so that nothing else keeps it waiting.
"""

import http.client
import json
import random
import select
import sys
import time

PATIENCE_S = 900


def row(rng):
    return {f"x{j}": round(rng.gauss(0, 1), 4) for j in range(10)}


def asked(port, pace_s, goes_on):
    """Return by address the seconds of each answer, and the statuses that were no 200."""
    rng = random.Random(1)
    times, others = {"/predict": [], "/health/live": []}, []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    while goes_on():
        for path in times:
            body = json.dumps({"x": row(rng), "keep": False}) if path == "/predict" else None
            began = time.perf_counter()
            try:
                connection.request("GET" if body is None else "POST", path, body)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                others.append(f"{path} {type(error).__name__}")
                connection.close()
                continue
            took = time.perf_counter() - began
            times[path].append(took)
            if answer.status != 200:
                others.append(f"{path} {answer.status}")
            time.sleep(max(pace_s - took, 0))
    connection.close()
    return {"times": times, "others": others}


def main():
    print("ready", flush=True)
    port, pace_s = int(sys.argv[1]), float(sys.argv[2])
    print(json.dumps(asked(port, pace_s, lambda: not select.select([sys.stdin], [], [], 0)[0])))


if __name__ == "__main__":
    main()
