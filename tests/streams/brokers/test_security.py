"""Brokers that demand encryption, a certificate and a password: what is right works, and what is wrong is one sentence without the secret."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing

import pytest

import headwater as hw
from headwater.streams.brokers import BrokerRefused, Outgoing, open_sink, open_source, read_address
from headwater.streams.brokers.security import tls_of
from support.brokers.secure import (
    PASSWORD,
    WRITTEN,
    Certificates,
    guarded_kafka,
    secure_mosquitto,
    secure_nats,
    secure_postgres,
    secure_redis,
)
from support.brokers.servers import free_port
from support.processes.following import learner, row

ROWS = 12
PATIENCE_S = 300
SECRETS = (PASSWORD, WRITTEN, "wr0ng-secret")
CLIENTS = {"kafka": "confluent_kafka", "nats": "nats", "redis": "redis", "postgresql": "psycopg", "mqtt": "paho.mqtt"}


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=CLIENTS)
def secured(request, certs, tmp_path_factory):
    pytest.importorskip(CLIENTS[request.param], reason=f"no client of {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    makers = {"kafka": guarded_kafka, "nats": secure_nats, "redis": secure_redis, "mqtt": secure_mosquitto}
    broker = secure_postgres(certs) if request.param == "postgresql" else makers[request.param](folder, certs)
    broker.server.start()
    prepare(broker, certs)
    yield broker
    (broker.server.remove if request.param == "postgresql" else broker.server.kill)()


def prepare(broker, certs):
    """Make what rows are written to."""
    if broker.scheme == "nats":
        asyncio.run(make_stream(broker, certs))
    if broker.scheme == "postgresql":
        make_table(broker)
    if broker.scheme == "mqtt":  # what is published is kept for a client that is known
        source = open_source(read_address(broker.address(options=files(certs))))
        source.open({})
        source.close()


async def make_stream(broker, certs):
    import nats

    context = tls_of(read_address(broker.address(options=files(certs)))).context()
    client = await nats.connect(f"tls://localhost:{broker.server.port}", tls=context, user="me", password=PASSWORD)
    await client.jetstream(timeout=60).add_stream(name="ROWS", subjects=["rows", "said"])
    await client.close()


def make_table(broker):
    import psycopg

    with psycopg.connect(broker.server.database) as base:
        base.execute(psycopg.sql.SQL("CREATE ROLE me LOGIN PASSWORD {}").format(PASSWORD))
        base.execute("GRANT CREATE ON SCHEMA public TO me")
        base.execute(
            "CREATE TABLE rows (tx xid8 NOT NULL DEFAULT pg_current_xact_id(), "
            "id bigint GENERATED ALWAYS AS IDENTITY, a float8, c text, y text)"
        )
        base.execute("GRANT SELECT ON rows TO me")


def files(certs, authority="ca.pem", client="client"):
    words = f"tls_ca={certs.folder / authority}"
    return words + (f"&tls_cert={certs.folder / client}.pem&tls_key={certs.folder / client}.key" if client else "")


def fill(broker, address):
    rows = [row(i) for i in range(ROWS)]
    if broker.scheme == "postgresql":
        import psycopg

        with psycopg.connect(broker.server.database) as base, base.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO rows (a, c, y) VALUES (%s, %s, %s)", [(one["a"], one["c"], one["y"]) for one in rows]
            )
        return
    sink = open_sink(read_address(address))
    sink.send("test", [Outgoing(i + 1, str(i), json.dumps(one).encode()) for i, one in enumerate(rows)])
    sink.close()


def test_a_broker_that_demands_everything_is_read_and_written_with_what_it_demands(secured, certs, tmp_path):
    where = secured.address(options=files(certs))
    fill(secured, where)
    said = where.replace("/rows?", "/said?").replace("&idle=1", "").replace("?idle=1&", "?")
    with hw.open(tmp_path / "a.db", learner()) as model:
        followed = model.learn_from(where, "y", drop=["id"], limit=ROWS, predictions=said)
        assert (followed.read, followed.learned, followed.counts) == (ROWS, ROWS, {})
        assert shown_in(tmp_path) == []
    assert shown_in(tmp_path) == []


def shown_in(folder):
    """Return the files of a folder that hold a secret."""
    secrets = [secret.encode() for secret in SECRETS]
    return [
        file.name for file in folder.rglob("*") if file.is_file() and any(one in file.read_bytes() for one in secrets)
    ]


WRONG = {
    "password": ("a broker that accepts the login, got a wrong user or password", {"login": "me:wr0ng-secret"}),
    "no password": ("a broker that accepts the login, got no password, which it requires", {"login": "me"}),
    "authority": ("a broker with a trusted certificate, got a certificate of an untrusted authority", {}),
    "host name": (
        "a broker with a trusted certificate, got a certificate for another host name",
        {"host": "127.0.0.1"},
    ),
    "no certificate": ("a broker that accepts the login, got no client certificate, which it requires", {}),
    "a stranger's certificate": ("a broker that accepts the login, got a rejected client certificate", {}),
}
FILES = {
    "authority": {"authority": "stranger.pem"},
    "no certificate": {"client": ""},
    "a stranger's certificate": {"client": "unknown"},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_sentence_that_says_which(secured, certs, what, tmp_path, capfd):
    sentence, parts = WRONG[what]
    where = secured.address(options=files(certs, **FILES.get(what, {})), **parts)
    with hw.open(tmp_path / "a.db", learner()) as model, pytest.raises(BrokerRefused) as unread:
        model.learn_from(where, "y")
    with pytest.raises(BrokerRefused) as unsent:
        send(read_address(where.replace("/rows?", "/said?")))
    for error in (unread.value, unsent.value):
        assert f"expected {sentence}" in str(error)
        trace = "".join(traceback.format_exception(error))
        assert all(secret not in trace for secret in SECRETS)
    out = "".join(capfd.readouterr())
    assert all(secret not in out for secret in SECRETS)


def send(address):
    with closing(open_sink(address)) as sink:
        sink.send("test", [Outgoing(1, "1", b"{}")])


def begin_at(secured, certs, options):
    """Open a source and let it go; return its address."""
    address = read_address(secured.address(login="me", options=f"{files(certs)}&{options}".strip("&")))
    with closing(open_source(address)) as source:
        source.open({})
    return address


def test_user_and_password_may_come_from_files_and_from_the_environment(secured, certs, tmp_path, monkeypatch):
    (tmp_path / "word").write_text(PASSWORD + "\n")
    begin_at(secured, certs, f"password_file={tmp_path}/word")
    variable = f"HEADWATER_{secured.scheme.upper()}_PASSWORD"
    monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / "word"))
    begin_at(secured, certs, "")
    monkeypatch.setenv(variable, "wr0ng-secret")
    with pytest.raises(BrokerRefused):
        begin_at(secured, certs, "")
    (tmp_path / "word").write_text("wr0ng-secret")
    monkeypatch.setenv(variable, PASSWORD)
    begin_at(secured, certs, "")


def test_the_word_that_turns_verifying_off_takes_any_certificate_for_any_host(secured, certs):
    client = f"tls_cert={certs.client_pem}&tls_key={certs.client_key}"
    for word, host in (("unverified", "127.0.0.1"), ("true", "localhost")):
        address = read_address(secured.address(host=host, options=f"{client}&tls={word}"))
        with closing(open_source(address)) as source:
            if word == "true":  # the authorities of the machine don't vouch for it
                with pytest.raises(BrokerRefused, match="a broker with a trusted certificate"):
                    source.open({})
            else:
                source.open({})


@pytest.mark.parametrize("secured", ["postgresql"], indirect=True)
def test_what_libpq_is_told_by_its_environment_holds_where_the_address_says_nothing(secured, certs, monkeypatch):
    where = read_address(secured.address(login="me"))
    for variable, value in {
        "PGPASSWORD": PASSWORD,
        "PGSSLMODE": "verify-full",
        "PGSSLCERT": certs.client_pem,
        "PGSSLKEY": certs.client_key,
        "PGSSLROOTCERT": certs.ca_pem,
    }.items():
        monkeypatch.setenv(variable, value)
    with closing(open_source(where)) as source:
        source.open({})
        monkeypatch.setenv("PGSSLROOTCERT", certs.stranger_pem)
        with pytest.raises(BrokerRefused, match="a certificate of an untrusted authority"):
            source.open({})


@pytest.mark.parametrize("secured", ["kafka"], indirect=True)
def test_kafka_takes_a_plain_password_over_an_encrypted_connection(secured, certs):
    where = secured.address(options=files(certs)).replace("sasl=SCRAM-SHA-256", "sasl=PLAIN")
    for text, right in ((where, True), (where.replace(WRITTEN, "wr0ng-secret"), False)):
        with closing(open_source(read_address(text))) as source:
            if right:
                source.open({})
                continue
            with pytest.raises(BrokerRefused, match="a wrong user or password"):
                source.open({})


@pytest.mark.parametrize("secured", ["redis"], indirect=True)
@pytest.mark.parametrize("word", [PASSWORD, "wr0ng-secret"])
def test_a_server_shows_no_secret_in_files_logs_pages_metrics_or_arguments(secured, certs, tmp_path, word):
    fill(secured, secured.address(options=files(certs)))
    port = free_port()
    source = secured.address(login="me", options=files(certs)).replace("idle=1&", "")
    words = [sys.executable, "-m", "headwater", "serve", "--store", str(tmp_path / "a.db"), "--port", str(port)]
    words += ["--log", "debug", "--hidden", "8", "--source", source, "--target", "y"]
    with (tmp_path / "log").open("wb") as log:
        environment = os.environ | {"HEADWATER_REDIS_PASSWORD": word}
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
        try:
            until = time.monotonic() + PATIENCE_S
            said = ""
            while time.monotonic() < until and process.poll() is None:
                said = pages(port)
                if '"n_learned":12' in said or "a wrong user or password" in (tmp_path / "log").read_text():
                    break
                threading.Event().wait(0.05)
            arguments = subprocess.run(
                ["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True, check=True
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
    assert ('"n_learned":12' in said) == (word == PASSWORD)
    assert str(tmp_path / "a.db") in arguments.stdout
    assert all(secret not in said + arguments.stdout for secret in SECRETS)
    assert shown_in(tmp_path) == []


def pages(port):
    """Return what a server shows at its addresses; nothing while it doesn't listen."""
    out = ""
    for path in ("/models", "/models/default", "/metrics", "/health/ready", "/"):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            connection.request("GET", path)
            out += connection.getresponse().read().decode()
            connection.close()
        except OSError:
            return ""
    return out
