"""Load on a server, on loopback: durable learn, bulk learn, predictions while learning, memory over millions of events.

python -m benchmarks.serve.load                     # wrk must be installed; prints one JSON line a figure
python -m benchmarks.serve.load --net 64            # one net of 64 units in place of the default pool
python -m benchmarks.serve.load --only bulk --events 5000000
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
LINES = {"content-type": "application/x-ndjson"}
RIVAL = "fastapi_river"


@contextmanager
def server(net: str | None, command: list[str] | None = None) -> Iterator[tuple[int, int]]:
    """Start a server on a store of its own; yield its port and process id, then stop it and check that it ended well."""
    with tempfile.TemporaryDirectory() as folder:
        words = command or [sys.executable, "-W", "ignore", "-m", "benchmarks.serve.start"]
        words = [*words, f"{folder}/load.db", *(["--hidden", net] if net and command is None else [])]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            port = int(re.search(r":(\d+)\s*$", process.stdout.readline())[1])
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=60)
        assert status == 0, status


def wrk(port: int, path: str, script: str, seconds: int, connections: int, **environment: str) -> dict:
    """Run wrk; return requests a second, latencies in ms, and how many answers were no 2xx."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / script)]
    out = subprocess.run(
        [*words, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    found = {p: float(v) * units[u] for p, v, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", out)}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return {"per_s": round(rate), "p50_ms": found["50"], "p99_ms": found["99"], "bad": int(bad[1]) if bad else 0}


def lines(n: int, start: int) -> bytes:
    """Return n examples as NDJSON, like those of learn.lua."""
    rows = []
    for i in range(start, start + n):
        x = ",".join(f'"x{j}":{(i * (j + 7)) % 997 / 100:.3f}' for j in range(10))
        y = "true" if (i * 8) % 997 > (i * 9) % 997 else "false"
        rows.append(f'{{"x":{{{x},"c":"{("red", "green", "blue")[i % 3]}"}},"y":{y}}}')
    return "\n".join(rows).encode()


def bulk(port: int, events: int, clients: int = 2, size: int = 2000) -> float:
    """Learn events in bodies of NDJSON from a few clients; return events a second."""
    bodies = [lines(size, k * size) for k in range(8)]
    share = events // clients // size

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for k in range(share):
            connection.request("POST", "/learn", bodies[(k + number) % len(bodies)], LINES)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
        connection.close()

    threads = [threading.Thread(target=send, args=(i,)) for i in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return share * size * clients / (time.perf_counter() - began)


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    words = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", words)[1]) / 1024


def told(figure: str, **values: object) -> None:
    print(json.dumps({"figure": figure, **values}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", help="hidden sizes of one net; without it the default pool")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--only", nargs="*", default=["learn", "bulk", "predict", RIVAL])
    parser.add_argument(
        "--rival-python", help="an interpreter that has requirements.txt; without it no rival is measured"
    )
    wish = parser.parse_args()
    net = wish.net or "default"
    if "learn" in wish.only:
        with server(wish.net) as (port, _):
            wrk(port, "/learn", "learn.lua", 2, 32)
            told("learn, 32 connections", net=net, **wrk(port, "/learn", "learn.lua", wish.seconds, 32))
            told("learn, 1 connection", net=net, **wrk(port, "/learn", "learn.lua", wish.seconds, 1))
    if "bulk" in wish.only:
        with server(wish.net) as (port, pid):
            bulk(port, 20_000)
            sizes = [memory_mb(pid)]
            rates = []
            for _ in range(5):
                rates.append(bulk(port, wish.events // 5))
                sizes.append(memory_mb(pid))
            told("bulk NDJSON", net=net, events_per_s=round(sorted(rates)[2]), memory_mb=[round(s, 1) for s in sizes])
    if "predict" in wish.only:
        with server(wish.net) as (port, _):
            bulk(port, 20_000)
            told("predict alone", net=net, **wrk(port, "/predict", "predict.lua", wish.seconds, 16))
            for keep in ("0", "1"):
                pace = threading.Thread(
                    target=lambda: wrk(port, "/learn", "paced.lua", wish.seconds + 2, 16, RATE="4000", CONNECTIONS="16")
                )
                pace.start()
                found = wrk(port, "/predict", "predict.lua", wish.seconds, 4, KEEP=keep)
                pace.join()
                told(f"predict while learning, keep={keep}", net=net, **found)
    if RIVAL in wish.only and wish.rival_python:
        command = [wish.rival_python, "-W", "ignore", str(HERE / f"{RIVAL}.py")]
        with server(None, command) as (port, _):
            wrk(port, "/learn", "learn.lua", 2, 32)
            told("FastAPI + River: learn, 32 connections", **wrk(port, "/learn", "learn.lua", wish.seconds, 32))
            told("FastAPI + River: bulk", events_per_s=round(bulk(port, 20_000)))


if __name__ == "__main__":
    main()
