"""What a single row costs at each door, in µs of the processor, by turns with other commits.

python -m benchmarks.trials.doors                          # this source
python -m benchmarks.trials.doors ../before/src src        # two, in turn, in one run
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS, ROWS = 5, 4000
HTTP = ("learn", "predict", "ndjson")


def doors() -> dict[str, Callable[[int], object]]:
    """Return what each door does with row i, after it has learned so many that whatever happens at first has happened."""
    import headwater as hw

    draw = random.Random(1)
    rows = [{f"c{j}": draw.gauss(0, 1) for j in range(20)} for _ in range(ROWS)]
    labels, numbers = ["ab"[x["c0"] + x["c1"] > 0] for x in rows], [2 * x["c0"] + x["c1"] for x in rows]
    several = [{"a": label, "b": number, "c": label} for label, number in zip(labels, numbers, strict=True)]
    pool, linear, regressor = (
        hw.Session(m) for m in (hw.Classifier(seed=1), hw.Classifier((), seed=1), hw.Regressor(seed=1))
    )
    for session, y in ((pool, labels), (linear, labels), (regressor, numbers)):
        session.step(rows, y)
    outputs = hw.MultiOutput(seed=1)
    outputs.learn_many(rows[:2000], several[:2000])
    store = hw.open(Path(tempfile.mkdtemp()) / "a.db", hw.Classifier(seed=1))
    store.teach(rows[:1000], labels[:1000])
    return {
        "session, pool": lambda i: pool.step([rows[i]], [labels[i]]),
        "session, linear": lambda i: linear.step([rows[i]], [labels[i]]),
        "session, regressor": lambda i: regressor.step([rows[i]], [numbers[i]]),
        "three outputs": lambda i: outputs.learn_one(rows[i], several[i]),
        "durable": lambda i: store.learn_one(rows[i], labels[i]),
    }


def answer() -> None:
    """Measure the door that each line of standard input names, as a process of its own source."""
    found = doors()
    print(json.dumps(list(found)), flush=True)
    for at, line in enumerate(sys.stdin):
        do, n = found[line.strip()], 200
        began = time.thread_time()
        for i in range(n):
            do((at * n + i) % ROWS)
        print((time.thread_time() - began) / n * 1e6, flush=True)


def body(i: int) -> dict[str, object]:
    """Return an example of ten numbers and a category."""
    x: dict[str, object] = {f"x{j}": (i * (j + 7)) % 997 / 100 for j in range(10)}
    return {"x": x | {"c": ("red", "green", "blue")[i % 3]}, "y": (i * 8) % 997 > (i * 9) % 997}


def request(kind: str, i: int) -> bytes:
    """Return the bytes of a request; of NDJSON 2,000 rows."""
    if kind == "ndjson":
        data = b"\n".join(json.dumps(body(i + n)).encode() for n in range(2000))
    else:
        data = json.dumps(body(i) if kind == "learn" else {"x": body(i)["x"], "keep": False}).encode()
    form = "application/x-ndjson" if kind == "ndjson" else "application/json"
    path = "predict" if kind == "predict" else "learn"
    head = f"POST /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def send(port: int, kind: str, n: int, connections: int) -> None:
    """Send requests one after the other on each of some connections."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for i in range(n // connections):
            writer.write(request(kind, i))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert b" 200 " in head[:20], head
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
        writer.close()

    await asyncio.gather(*[one() for _ in range(connections)])


def processor_us(pid: int) -> float:
    """Return the processor's time of all threads of a process so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e3


def started(source: str) -> tuple[subprocess.Popen[str], subprocess.Popen[str], int]:
    """Start a process for the doors in Python, and a server, on one source."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(Path(__file__).parents[2])])}
    how = {"stdout": subprocess.PIPE, "text": True, "env": environment}
    here = subprocess.Popen([sys.executable, "-W", "ignore", __file__, "answer"], stdin=subprocess.PIPE, **how)
    store = f"{tempfile.mkdtemp()}/a.db"
    server = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "benchmarks.serve.start", store], **how)
    port = next(int(found[1]) for line in server.stdout if (found := re.search(r":(\d+)\s*$", line)))
    for kind, n in (("ndjson", 2), ("learn", 200), ("predict", 200)):
        asyncio.run(send(port, kind, n, 1))
    return here, server, port


def main(sources: list[str]) -> None:
    running = {source: started(source) for source in sources}
    names, *_ = [json.loads(here.stdout.readline()) for here, _, _ in running.values()]
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for source, (here, server, port) in running.items():
            for name in names:
                print(name, file=here.stdin, flush=True)
                times.setdefault(name, {}).setdefault(source, []).append(float(here.stdout.readline()))
            for kind in HTTP:
                for connections in (1,) if kind == "ndjson" else (1, 16):
                    n, before = (3 if kind == "ndjson" else 800), processor_us(server.pid)
                    asyncio.run(send(port, kind, n, connections))
                    cost = (processor_us(server.pid) - before) / n / (2000 if kind == "ndjson" else 1)
                    times.setdefault(f"HTTP {kind}, {connections}", {}).setdefault(source, []).append(cost)
    for name, by_source in times.items():
        print(name, *(f"{statistics.median(own):.1f}" for own in by_source.values()), sep="\t")
    for here, server, _ in running.values():
        here.stdin.close()
        server.send_signal(signal.SIGTERM)
        here.wait(), server.wait()


if __name__ == "__main__":
    answer() if sys.argv[1:] == ["answer"] else main(sys.argv[1:] or ["src"])
