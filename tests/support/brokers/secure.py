"""Brokers that let nobody in without encryption, a client certificate, a user and a password."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.brokers.gate import KafkaGate
from support.brokers.servers import PostgresServer, Server, free_port, needed, tansu

USER, PASSWORD = "me", "s3cret/?@:%#word"
WRITTEN = "s3cret%2F%3F%40%3A%25%23word"
"""The password as an address holds it."""


@dataclass(frozen=True)
class Certificates:
    """Files of an authority, of a server called ``localhost``, of a client, and of an authority that nobody trusts."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Issue them all."""
        trustme = pytest.importorskip("trustme", reason="no trustme: pip install trustme brings it")
        authority, stranger = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        stranger.cert_pem.write_to_path(folder / "stranger.pem")
        for name, one in {
            "server": authority.issue_cert("localhost"),
            "client": authority.issue_cert("client"),
            "unknown": stranger.issue_cert("client"),
        }.items():
            (folder / f"{name}.pem").write_bytes(b"".join(part.bytes() for part in one.cert_chain_pems))
            one.private_key_pem.write_to_path(folder / f"{name}.key")
            (folder / f"{name}.key").chmod(0o600)
        return cls(folder)

    def __getattr__(self, name: str) -> str:
        return str(self.folder / name.replace("_", "."))


@dataclass
class Secured:
    """A broker that demands everything: how to stop it, and what an address of it looks like."""

    server: Any
    scheme: str
    topic: str
    extra: str = ""

    def address(self, *, host: str = "localhost", login: str = f"{USER}:{WRITTEN}", options: str = "") -> str:
        """Return an address, right or wrong in one thing."""
        words = "&".join(word for word in (self.extra, "idle=1", options) if word)
        return f"{self.scheme}://{login + '@' if login else ''}{host}:{self.server.port}/{self.topic}?{words}"


def secure_redis(folder: Path, certs: Certificates) -> Secured:
    """Redis with TLS alone, a client's certificate, and an ACL without a default user."""
    port, conf = free_port(), folder / "redis.conf"
    (folder / "users.acl").write_text(f"user default off\nuser {USER} on >{PASSWORD} ~* &* +@all\n")
    lines = [f"port 0\ntls-port {port}\nbind 127.0.0.1\nsave ''\ndir {folder}\naclfile {folder}/users.acl"]
    lines += [f"tls-cert-file {certs.server_pem}\ntls-key-file {certs.server_key}\ntls-ca-cert-file {certs.ca_pem}"]
    conf.write_text("\n".join([*lines, "tls-auth-clients yes\n"]))
    return Secured(Server([needed("redis-server"), str(conf)], port, log=folder / "redis.log"), "redis", "rows")


def secure_nats(folder: Path, certs: Certificates) -> Secured:
    """NATS with TLS, a client's certificate, a user and a password."""
    port, conf = free_port(), folder / "nats.conf"
    conf.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}/js" }}\n'
        f'tls {{ cert_file: "{certs.server_pem}", key_file: "{certs.server_key}", ca_file: "{certs.ca_pem}", verify: true }}\n'
        f'authorization {{ user: {USER}, password: "{PASSWORD}" }}\n'
    )
    return Secured(Server([needed("nats-server"), "-c", str(conf)], port, log=folder / "nats.log"), "nats", "rows")


def secure_mosquitto(folder: Path, certs: Certificates) -> Secured:
    """Mosquitto with TLS, a client's certificate, and a file of passwords."""
    port, conf, users = free_port(), folder / "mosquitto.conf", folder / "users"
    subprocess.run(
        [needed("mosquitto_passwd"), "-c", "-b", str(users), USER, PASSWORD], check=True, capture_output=True
    )
    lines = [f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\nrequire_certificate true"]
    lines += [f"cafile {certs.ca_pem}\ncertfile {certs.server_pem}\nkeyfile {certs.server_key}"]
    lines += ["user root"] if os.getuid() == 0 else []
    conf.write_text("\n".join(lines) + "\n")
    server = Server([needed("mosquitto"), "-c", str(conf)], port, log=folder / "mosquitto.log")
    return Secured(server, "mqtt", "rows", "client=tests")  # whom the broker keeps messages for


class SecurePostgres(PostgresServer):
    """PostgreSQL that lets its superuser in, and the user only encrypted, with a certificate and a password."""

    def __init__(self, certs: Certificates) -> None:
        super().__init__()
        data = self.folder / "data"
        for name in ("ca.pem", "server.pem", "server.key"):
            shutil.copy(certs.folder / name, data / name)
            if self._user is not None:
                shutil.chown(data / name, self._user)
        (data / "server.key").chmod(0o600)
        (data / "pg_hba.conf").write_text(
            "hostnossl all postgres 127.0.0.1/32 trust\nhostssl all me all scram-sha-256 clientcert=verify-ca\n"
        )
        files = ["ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key", "ssl_ca_file=ca.pem"]
        self.words += [word for one in files for word in ("-c", one)]

    @property
    def database(self) -> str:
        return super().database + " sslmode=disable"


def secure_postgres(certs: Certificates) -> Secured:
    """PostgreSQL that demands everything of its user."""
    return Secured(SecurePostgres(certs), "postgresql", "postgres/rows")


class GuardedKafka:
    """Tansu behind a gate that demands TLS, a client's certificate and SASL; its own can't be used together."""

    def __init__(self, folder: Path, certs: Certificates) -> None:
        self.gate = KafkaGate(
            certs.server_pem, certs.server_key, certs.ca_pem, user=USER, password=PASSWORD, behind=free_port()
        )
        self.port = self.gate.port
        self._broker = tansu(folder, port=self.gate.behind, advertised=self.port, host="localhost")

    def start(self) -> None:
        """Start both."""
        self._broker.start()
        self.gate.start()

    def kill(self) -> None:
        """End both."""
        self.gate.stop()
        self._broker.kill()


def guarded_kafka(folder: Path, certs: Certificates) -> Secured:
    """Kafka behind the gate."""
    return Secured(GuardedKafka(folder, certs), "kafka", "rows", "sasl=SCRAM-SHA-256")
