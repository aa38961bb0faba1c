"""A server under siege: hostile requests and slow connections without end, beside a client that only wants its predictions.

What is measured: the statuses of all answers, the memory of the server, and the waiting times of the client, quiet and besieged in turns.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

CODE = "from headwater.cli import main; raise SystemExit(main())"
PATIENCE_S = 900
THREADS = 4
SURROGATE = b'{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","data":["\\ud800"]}]}'


def keys(n):
    return b",".join(b'"k%d":1' % i for i in range(n))


def hostile(rng):
    """Return the bytes of a request that no one should send."""
    kind = rng.choices(list(KINDS), KINDS.values())[0]
    path, body, head = kind(rng)
    method = rng.choice([b"POST"] * 8 + [b"PUT", b"HEAD", b"PURGE"])
    length = b"" if b"transfer-encoding" in head else b"content-length: %d\r\n" % len(body)
    return b"%s %s HTTP/1.1\r\nhost: localhost\r\n%s%s\r\n%s" % (method, path, head, length, body)


def paths(rng, *words):
    return rng.choice([word.encode() for word in words])


def noise(rng):
    at = paths(rng, "/learn", "/predict", "/label", "/invocations", "/v2/models/default/infer", "/models")
    return at, rng.randbytes(rng.randrange(2000)), b""


def deep(rng):
    return paths(rng, "/learn", "/predict"), rng.choice([b"[", b'{"x":']) * rng.randrange(1, 20_000), b""


def wide(rng):
    """One row with far more names than a row may have."""
    body = b'{"x":{%s},"y":"a"}' % keys(rng.choice([10_500, 30_000, 100_000]))
    return paths(rng, "/learn", "/models/default/learn"), body, b""


def shapes(rng):
    """Tensors that say they are huge."""
    shape = rng.choice([b"[100000,10000]", b"[99999,1]", b"[1000000000]", b"[1,999999999999]"])
    data = rng.choice([b'"data":[]', b'"parameters":{"binary_data_size":4}'])
    body = b'{"inputs":[{"name":"a","datatype":"BYTES","shape":%s,%s}]}' % (shape, data)
    return b"/v2/models/default/infer", body + b"\0\0\0\0", b"inference-header-content-length: %d\r\n" % len(body)


def surrogates(rng):
    return paths(rng, "/v2/models/default/infer", "/v2/models/default/learn"), SURROGATE, b""


def many(rng):
    """Rows without end, of nothing."""
    return paths(rng, "/learn", "/predict"), b"[" + b'{"x":{}},' * rng.randrange(110_000, 130_000) + b"7]", b""


def heads(rng):
    return b"/models", b"", rng.choice([b"x: %s\r\n" % (b"y" * 60_000), b"x: y\r\n" * 500])


def names(rng):
    at = rng.choice([b"/page/" + b"a" * 300, b"/models/" + b"%f0%28", b"/nowhere/" + b"b" * 2000, b"/models/none/onnx"])
    return at, b"", b""


def chunks(rng):
    body = rng.choice([b"5;" + b"e" * 70_000, b"zz\r\n", b"ffffffffffffffffff\r\n", b"0\r\n" + b"x: y\r\n" * 9000])
    return b"/predict", body, b"transfer-encoding: chunked\r\n"


def zeroes(rng):
    """Tensors of no rows and of columns without end."""
    shape = rng.choice([b"[0,1000000000]", b"[0,1000000]", b"[0,4611686018427387904]"])
    return (
        b"/v2/models/default/infer",
        b'{"inputs":[{"name":"a","datatype":"BYTES","shape":%s,"data":[]}]}' % shape,
        b"",
    )


def mistakes(rng):
    """What was once a 500, or led to another host."""
    digits = b"inference-header-content-length: %s\r\n" % (b"9" * 5000)
    return rng.choice(
        [
            (b"/v2/models/default/infer", b"{}", digits),
            (b"/explain", b'{"x":{}}', b""),
            (b"/predict?" + b"&".join([b"a=1"] * 200), b'{"x":{}}', b""),
            (b"/models/", b"", b""),
        ]
    )


def models(rng):
    """Models far too large."""
    return b"/models", b'{"name":"big","hidden":[4096,4096,4096,4096,4096,4096,4096,4096],"optimizer":"adam"}', b""


KINDS = {
    noise: 30,
    deep: 10,
    shapes: 10,
    surrogates: 10,
    heads: 10,
    names: 10,
    chunks: 10,
    zeroes: 10,
    mistakes: 10,
    models: 5,
    wide: 1,
    many: 1,
}
"""Each kind, and how often it comes."""


@dataclass
class Found:
    """What came of a siege."""

    statuses: Counter = field(default_factory=Counter)
    quiet: list = field(default_factory=list)
    besieged: list = field(default_factory=list)
    memory: list = field(default_factory=list)
    slow_opened: int = 0

    @property
    def failures(self):
        return sum(count for status, count in self.statuses.items() if status >= 500)


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


class Attackers:
    """Those who attack, in a process of their own: ``siege.py PORT REQUESTS CONNECTIONS SEED SECONDS``. Prints the statuses they got."""

    def __init__(self, port):
        self.port, self.statuses, self.slow_opened = port, Counter(), 0
        self._stop, self._lock = threading.Event(), threading.Lock()

    def attack(self, n, seed, every_s):
        """Send hostile requests, each on a connection of its own."""
        rng = random.Random(seed)
        for _ in range(n):
            kind = hostile(rng)
            began = time.perf_counter()
            status = self.send(kind)
            with self._lock:
                self.statuses[status] += 1
            self._stop.wait(max(every_s - (time.perf_counter() - began), 0))

    def send(self, data):
        """Send bytes; return the status of the answer, 0 if the server closed without one."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as sock:
                sock.sendall(data)
                words = sock.recv(4096).split()
                return int(words[1]) if len(words) > 1 else 0
        except OSError:
            return 0

    def slow(self, connections):
        """Hold so many slow connections open, until the end: silent ones, dripping heads, dripping bodies; open new ones as they are closed."""
        heads = [
            b"",
            b"GET /models HTTP/1.1\r\nhost: localhost\r\n",
            b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999\r\n\r\n",
        ]
        drips = [b"", b"x: y\r\n", b" "]
        held = [None] * connections
        while not self._stop.is_set():
            for i, sock in enumerate(held):
                try:
                    if sock is None:
                        sock = socket.create_connection(("127.0.0.1", self.port), timeout=30)
                        sock.setblocking(False)
                        sock.send(heads[i % 3] or b"\r\n")
                        held[i] = sock
                        self.slow_opened += 1
                    elif drips[i % 3]:
                        sock.send(drips[i % 3])
                    else:
                        if sock.recv(100) == b"":
                            raise ConnectionError
                except BlockingIOError:
                    continue
                except OSError:
                    if held[i] is not None:
                        held[i].close()
                    held[i] = None
            self._stop.wait(1.0)
        for sock in held:
            if sock is not None:
                sock.close()

    def run(self, requests, connections, seed, seconds):
        """Send so many hostile requests within a time, beside slow connections."""
        slow = threading.Thread(target=self.slow, args=(connections,))
        each = requests // THREADS
        words = [(each, THREADS * seed + k, seconds / each) for k in range(THREADS)]
        threads = [threading.Thread(target=self.attack, args=one) for one in words]
        for thread in (slow, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        self._stop.set()
        slow.join()
        return {"statuses": self.statuses, "slow_opened": self.slow_opened}


class Siege:
    """A server of its own process, one that asks it, and those who attack.

    Parameters
    ----------
    folder
        Where the store is.
    options
        Options of ``headwater serve``.
    """

    def __init__(self, folder, *options):
        words = [sys.executable, "-W", "ignore", "-c", CODE, "serve", "--port", "0", "--seed", "1", *options]
        self.process = subprocess.Popen(
            [*words, "--store", str(Path(folder) / "a.db")], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.found, self._pause = Found(), threading.Event()
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        rng = random.Random(0)
        rows = [{"x": self.sample(rng), "y": rng.choice("ab")} for _ in range(2000)]
        client.request("POST", "/learn", json.dumps(rows))
        assert client.getresponse().read()
        client.close()

    @staticmethod
    def sample(rng):
        return {f"x{j}": round(rng.gauss(0, 1), 4) for j in range(10)}

    def memory(self):
        """Return the resident memory of the server, now and at its peak, in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return [int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024 for name in ("VmRSS", "VmHWM")]

    def ask(self, requests, every_s, times):
        """Predict and learn at an even pace, as a client does; note how long each took."""
        rng = random.Random(1)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        for i in range(requests):
            learns = i % 5 == 4
            value = {"x": self.sample(rng), **({"y": rng.choice("ab")} if learns else {"keep": False})}
            began = time.perf_counter()
            connection.request("POST", "/learn" if learns else "/predict", json.dumps(value))
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - began)
            self.found.statuses[answer.status] += 1
            self._pause.wait(max(every_s - times[-1], 0))
        connection.close()

    def run(self, *, hostile_requests, slow_connections, rounds, asked=300, every_s=0.02):
        """Measure quiet and besieged in turns; return what was found."""
        self.ask(asked, every_s, [])
        self.found.memory.append(self.memory())
        for turn in range(rounds):
            self.ask(asked, every_s, self.found.quiet)
            words = [self.port, hostile_requests // rounds, slow_connections, turn, asked * every_s]
            attackers = subprocess.Popen(
                [sys.executable, __file__, *map(str, words)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
            )
            assert attackers.stdout.readline() == b"ready\n"
            while attackers.poll() is None:
                self.ask(20, every_s, self.found.besieged)
            told = json.loads(attackers.stdout.read())
            attackers.stdout.close()
            self.found.statuses.update({int(status): count for status, count in told["statuses"].items()})
            self.found.slow_opened += told["slow_opened"]
            self.found.memory.append(self.memory())
        return self.found

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode


if __name__ == "__main__":
    port, requests, connections, seed = map(int, sys.argv[1:5])
    os.nice(10)  # attackers sit on other machines: they need not take the server's processor
    print("ready", flush=True)
    print(json.dumps(Attackers(port).run(requests, connections, seed, float(sys.argv[5]))))
