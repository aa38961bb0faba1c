"""Brokers that demand encryption, a certificate and a password: what is right works, and what is wrong is one sentence without the secret."""

from __future__ import annotations

import asyncio
import json
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
from support.processes.following import learner, row

ROWS = 12
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


WRONG = {
    "password": ("a broker that lets us in, got a refusal of the user or the password", {"login": "me:wr0ng-secret"}),
    "no password": ("a broker that lets us in, got a demand for a password", {"login": "me"}),
    "authority": ("a broker that proves who it is, got a certificate of an authority that is not trusted", {}),
    "host name": ("a broker that proves who it is, got a certificate for another host name", {"host": "127.0.0.1"}),
    "no certificate": ("a broker that lets us in, got a demand for a client certificate", {}),
    "a stranger's certificate": ("a broker that lets us in, got a refusal of our certificate", {}),
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
        assert all(secret not in trace for secret in (PASSWORD, WRITTEN, "wr0ng-secret"))
    out = "".join(capfd.readouterr())
    assert all(secret not in out for secret in (PASSWORD, WRITTEN, "wr0ng-secret"))


def send(address):
    with closing(open_sink(address)) as sink:
        sink.send("test", [Outgoing(1, "1", b"{}")])
