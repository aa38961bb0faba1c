"""Servers on one store, one after the other, each a fork of a process that has imported everything."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

CHILD = Path(__file__).with_name("processes") / "serving.py"
PATIENCE_S = 900  # for what takes a moment; pytest ends what hangs


def held_port():
    """Return a socket that holds a free port and does not listen: a server may listen there, and no connection takes it meanwhile."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


class Host:
    """The process that forks servers, and the client's way to the one that lives."""

    def __init__(self, path):
        self.held = held_port()
        self.port = self.held.getsockname()[1]
        words = [sys.executable, "-W", "ignore", str(CHILD), str(path)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def start(self):
        self.process.stdin.write(b"%d\n" % self.port)
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                self.call("GET", "/health/ready")
                return pid
            except OSError:
                threading.Event().wait(0.005)
        raise AssertionError("the server did not start")

    def end(self, pid, number):
        os.kill(pid, number)
        return self.gone()

    def gone(self):
        return int(self.process.stdout.readline().split()[1])

    def call(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, None if value is None else json.dumps(value))
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if body.strip() else None
        finally:
            connection.close()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        self.held.close()
