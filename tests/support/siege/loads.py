"""Those who attack, in a process of their own: ``python -m support.siege.loads LOAD PORT REQUESTS SEED SECONDS``. Prints what they got."""

import http.client
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter

from support.siege.hostile import hostile

PATIENCE_S = 20
FUZZERS = 8
LOWER = 10
"""Attackers sit on other machines: they need not take the server's processor."""
RESET = struct.pack("ii", 1, 0)
EMPTY = ([0, 1_000_000_000], [0, 1_000_000], [0, 999_999], [1_000_000_000, 0], [99_999, 0], [1, 999_999])
HUGE = ([4096, 4096], [4096] * 8, [4096, 4096, 4096], [2048, 2048, 1024], [4096], [1024] * 8)
_CODE = re.compile(rb'"code":\s*"(\w+)"')


def answered(status, text):
    """Return a status as it is counted: a 503 with its code, since some of them only ask to come back later."""
    code = _CODE.search(text) if status == 503 else None
    return f"503 {code[1].decode()}" if code else str(status)


class Attack:
    """One load: how many requests, or how long, and what was answered.

    Parameters
    ----------
    port
        Where the server is.
    requests
        How many there are to be, for loads that count them.
    seed
        Of what is random.
    seconds
        How long it lasts, for loads that loop.
    """

    def __init__(self, port, requests, seed, seconds):
        self.port, self.requests, self.seed, self.seconds = port, requests, seed, seconds
        self.statuses, self.examples, self.slowest = Counter(), {}, {}
        self.stop, self._lock = threading.Event(), threading.Lock()
        self.until, self.patience_s = time.monotonic() + seconds, 5.0

    @property
    def goes_on(self):
        return time.monotonic() < self.until and not self.stop.is_set()

    def count(self, status, example):
        """Note an answer; of a 5xx the first request that got it."""
        with self._lock:
            self.statuses[status] += 1
            if status.startswith("5"):
                self.examples.setdefault(status, example)

    def send(self, data):
        """Send bytes on a connection of their own, and read what comes."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=self.patience_s) as sock:
                sock.sendall(data)
                text = sock.recv(8192)
                words = text.split()
                status = int(words[1]) if len(words) > 1 else 0
        except OSError:
            status, text = 0, b""
        self.count(answered(status, text), repr(data[:300]))

    def ask(self, method, path, body=None):
        """Send one request, read its whole answer, count it; return the status."""
        connection, began = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S), time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.count("0", path)
            return 0
        finally:
            connection.close()
            took = round(time.monotonic() - began, 3)
            self.slowest[path] = max(took, self.slowest.get(path, 0.0))
        self.count(answered(answer.status, text), f"{method} {path}")
        return answer.status

    def by(self, threads, work):
        """Let threads do the same, each with its number."""
        all_ = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
        for thread in all_:
            thread.start()
        for thread in all_:
            thread.join()


def fuzz(attack):
    """So many hostile requests, each on a connection of its own, while 300 slow connections are held open."""
    attack.patience_s = 1.0  # many of them are never answered
    held = threading.Thread(target=slow, args=(attack, 300))
    held.start()

    def work(k):
        rng = random.Random(FUZZERS * attack.seed + k)
        for _ in range(-(-attack.requests // FUZZERS)):
            attack.send(hostile(rng))

    attack.by(FUZZERS, work)
    attack.stop.set()
    held.join()


def slow(attack, connections):
    """Hold connections open: silent ones, dripping heads, dripping bodies; open new ones as they are closed."""
    heads = [
        b"\r\n",
        b"GET /models HTTP/1.1\r\nhost: localhost\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999\r\n\r\n",
    ]
    drips, held = [b"", b"x: y\r\n", b" "], [None] * connections
    while not attack.stop.is_set():
        for i in range(connections):
            held[i] = drip(attack, held[i], heads[i % 3], drips[i % 3])
        attack.stop.wait(1.0)
    for sock in held:
        if sock is not None:
            sock.close()


def drip(attack, sock, head, more):
    """Send a little more on a slow connection, or open it; return it, None where the server has closed it."""
    try:
        if sock is None:
            sock = socket.create_connection(("127.0.0.1", attack.port), timeout=30)
            sock.setblocking(False)
            sock.send(head)
            attack.count("slow", "")
        elif more:
            sock.send(more)
        elif sock.recv(100) == b"":
            raise ConnectionError
    except BlockingIOError:
        return sock
    except OSError:
        if sock is not None:
            sock.close()
        return None
    return sock


def teach(attack):
    """Teach the default model row by row, a hundred a second."""
    rng = random.Random(attack.seed)
    while attack.goes_on:
        row = {"x": {f"x{j}": round(rng.gauss(0, 1), 4) for j in range(10)}, "y": rng.choice("ab")}
        attack.ask("POST", "/learn", row)
        time.sleep(0.01)


def reading(attack):
    """Loops of GET on every reading address of the default model, beside learning."""
    paths = reading_addresses(attack.port)

    def work(k):
        if k == 0:
            return teach(attack)
        at = k
        while attack.goes_on:
            path = paths[at % len(paths)]
            at += 1
            if path == "/events":
                attack.send(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
            else:
                attack.ask("GET", path)

    attack.by(9, work)


def reading_addresses(port):
    """Return every address that the document knows by GET, of the default model, and the stream of pages."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    connection.close()
    paths = [path for path, methods in document["paths"].items() if "get" in methods]
    return [path.replace("{model}", "default").replace("{version}", "1") for path in paths] + ["/events"]


def looks(attack):
    """Loops that explain, and that ask for importance, weights and activations, beside learning."""
    x = {f"x{j}": 1.0 for j in range(10)}
    asked = [("POST", "/explain", {"x": x})]
    asked += [("GET", f"/models/default/{of}", None) for of in ("importance", "activations", "weights", "importance")]
    asked += [("POST", "/models/regress/explain", {"x": {"a": 1}}), ("GET", "/models/regress/importance", None)]

    def work(k):
        if k == 0:
            return teach(attack)
        at = k
        while attack.goes_on:
            attack.ask(*asked[at % len(asked)])
            at += 1

    attack.by(7, work)


def snapshots(attack):
    """Twenty clients that ask for a snapshot at once, again and again, beside learning."""

    def work(k):
        if k == 0:
            return teach(attack)
        while attack.goes_on:
            attack.ask("POST", "/snapshot")

    attack.by(21, work)


def pipelines(attack):
    """Connections that send requests ahead of the answers: as many as are taken, and more."""
    predict = b'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 26\r\n\r\n{"x":{"a":1},"keep":false}'
    about = b"GET /models/default HTTP/1.1\r\nhost: localhost\r\n\r\n"
    learn = b'POST /learn HTTP/1.1\r\nhost: localhost\r\ncontent-length: 21\r\n\r\n{"x":{"a":1},"y":"b"}'

    def work(k):
        rng = random.Random(attack.seed + k)
        while attack.goes_on:
            few = [rng.choice((predict, about, learn)) for _ in range(rng.choice((16, 16, 60)))]
            attack.send(b"".join(few))

    attack.by(8, work)


def tensors(attack):
    """Loops of tensors of no rows, of no columns, and of shapes that no data fill."""

    def work(k):
        at = k
        while attack.goes_on:
            kind = ("BYTES", "FP32", "BOOL")[at % 3]
            tensor = {"name": "a", "datatype": kind, "shape": EMPTY[at % len(EMPTY)], "data": []}
            attack.ask("POST", "/v2/models/default/infer", {"inputs": [tensor]})
            at += 1

    attack.by(6, work)


def models(attack):
    """Huge models: made, taught and asked where the server takes them."""

    def work(k):
        at = k
        while attack.goes_on:
            name = f"huge{at}"
            made = {"name": name, "hidden": HUGE[at % len(HUGE)], "optimizer": ("adam", "sgd")[at % 2]}
            if attack.ask("POST", "/models", made) == 201:
                for _ in range(5):
                    attack.ask("POST", f"/models/{name}/learn", {"x": {"a": 1.0, "b": "c"}, "y": "a"})
                    attack.ask("POST", f"/models/{name}/predict", {"x": {"a": 1.0}, "keep": False})
                attack.ask("GET", f"/models/{name}")
            at += 4

    attack.by(4, work)


def leavers(attack):
    """Clients that leave: in the head, in the body, before the answer, within it."""
    rows = json.dumps([{"x": {f"k{i}": 1.0 for i in range(50)}, "keep": False}] * 200).encode()
    large = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s" % (len(rows), rows)
    heads = [
        b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % path
        for path in (b"/models/default/file", b"/events", b"/metrics")
    ]

    def work(k):
        rng = random.Random(attack.seed + k)
        while attack.goes_on:
            data = rng.choice([large, large * 3, large[: rng.randrange(len(large))], *heads])
            try:
                with socket.create_connection(("127.0.0.1", attack.port), timeout=5) as sock:
                    sock.sendall(data)
                    if rng.random() < 0.5 and data[-1:] != b",":
                        sock.settimeout(0.2)
                        sock.recv(100)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            except OSError:
                pass
            attack.count("left", "")

    attack.by(6, work)


LOADS = {one.__name__: one for one in (fuzz, reading, looks, snapshots, pipelines, tensors, leavers, models)}
"""Each load by its name; ``contract`` is another one, which needs schemathesis."""


def main():
    name, port, requests, seed = sys.argv[1], *map(int, sys.argv[2:5])
    if hasattr(os, "nice"):
        os.nice(LOWER)
    if name == "contract":
        from support.siege.contract import contract as load
    else:
        load = LOADS[name]
    print("ready", flush=True)
    attack = Attack(port, requests, seed, float(sys.argv[5]))
    began = time.monotonic()
    load(attack)
    found = {"statuses": attack.statuses, "examples": attack.examples, "seconds": time.monotonic() - began}
    found["slowest"] = dict(sorted(attack.slowest.items(), key=lambda one: -one[1])[:8])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
