"""The matrix of faults: each broker × each way in which the world around a learner fails.

Whatever happens, each row is learned once and in order, each prediction goes out, and what can't be done is said.
"""

from __future__ import annotations

import itertools
import json
import threading
import time

import pytest

import headwater as hw
from headwater.errors import StoreError
from headwater.store.journal.database import FULL
from headwater.store.learner_file import fingerprint
from headwater.streams.brokers import BrokerGone, TrimmedLog, read_address
from support.brokers.following import uninterrupted
from support.brokers.killing import built_killer, prove_kills
from support.brokers.kinds import BROKERS
from support.processes.following import learner, row

PATIENCE_S = 300
_numbers = itertools.count()


@pytest.fixture(scope="module", params=BROKERS, ids=lambda kind: kind.__name__)
def broker(request, tmp_path_factory):
    broker = request.param(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def sink(broker, tmp_path_factory):
    """A second broker of the same kind, for what goes out."""
    sink = type(broker)(tmp_path_factory.mktemp("sink"))
    yield sink
    sink.close()


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    return built_killer(tmp_path_factory.mktemp("killer"))


@pytest.fixture
def topic(broker):
    topic = f"rows{next(_numbers)}"
    broker.make(topic)
    return topic


@pytest.fixture
def said(sink):
    topic = f"said{next(_numbers)}"
    sink.watch(topic)
    return topic


def rows_of(broker, topic, **options):
    """Return the address of rows, with what tells repetitions where there may be some."""
    return broker.address(topic, **({"id": "id"} if broker.repeats else {}) | {"block": 20} | options)


def bodies(rows):
    return [json.dumps(row(i)).encode() for i in rows]


class Run(threading.Thread):
    """``learn_from`` in a thread, until it is told to end."""

    def __init__(self, model, address, **how):
        super().__init__(daemon=True)
        self.model, self.address, self.how = model, address, {"drop": ["id"]} | how
        self.ended, self.error, self.state = False, None, None

    def run(self):
        try:
            self.state = self.model.learn_from(self.address, "y", ends=lambda: self.ended, **self.how)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            self.error = error

    def until_learned(self, n):
        self.until(lambda: self.model.n_learned >= n)
        assert self.model.n_learned == n

    def until(self, condition):
        """Wait for something, unless the run ends with an error."""
        until = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            if self.error is not None:
                raise self.error
            assert time.monotonic() < until
            threading.Event().wait(0.01)
        return found

    def end(self):
        self.ended = True
        self.join(PATIENCE_S)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.state

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join(PATIENCE_S)


def test_a_source_that_goes_away_is_waited_for(broker, topic, tmp_path):
    broker.put(topic, bodies(range(30)))
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic)) as run:
        run.until_learned(30)
        broker.stop()
        threading.Event().wait(0.2)  # long enough that it asks in vain; nothing hangs on how often
        broker.start()
        broker.put(topic, bodies(range(30, 60)))
        run.until_learned(60)
        state = run.end()
        assert state.read - state.counts.pop("repeated", 0) == 60
        assert state.counts == {}
        assert fingerprint(model.learner) == fingerprint(uninterrupted(60))


def test_a_sink_that_is_away_is_waited_for_and_gets_every_prediction(broker, sink, topic, said, tmp_path, caplog):
    broker.put(topic, bodies(range(30)))
    how = {"predictions": sink.address(said)}
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic), **how) as run:
        run.until(lambda: len(sink.sent(said)) >= 30)
        sink.stop()
        broker.put(topic, bodies(range(30, 60)))
        run.until(lambda: "waiting for sink" in caplog.text)
        assert model.n_learned < 60  # what comes next waits in the source, and the store does not grow
        sink.start()
        run.until_learned(60)
        state = run.end()
        assert (state.predictions, state.unsent) == (60, 0)
        assert fingerprint(model.learner) == fingerprint(uninterrupted(60))
    assert_sent(sink, said, 60)
    assert [line for line in caplog.messages if "waiting" in line or "again" in line] == [
        line for line in caplog.messages if line.startswith(f"{state.source}: waiting for sink: expected")
    ] + [line for line in caplog.messages if line.startswith(f"{state.source}: followed again after")]
    assert len(caplog.messages) == 2


def assert_sent(sink, said, n):
    """Assert that n predictions are there, each once where the broker can tell."""
    sent = sink.sent(said)
    named = {(one["store"], one["partition"], one["position"]) for one in sent}
    assert len(named) == n or (not sink.once and len(named) >= n)  # a row that MQTT brings again has another position
    assert len(sent) == n or not sink.once


def test_two_stores_with_one_sink_hide_nothing_of_each_other(broker, sink, topic, said, tmp_path):
    wheres = [rows_of(broker, topic, **broker.reader(topic, name)) for name in "ab"]
    broker.put(topic, bodies(range(40)))
    stores = set()
    for where in wheres:
        path = tmp_path / f"{len(stores)}.db"
        with hw.open(path, learner()) as model, Run(model, where, predictions=sink.address(said)) as run:
            run.until_learned(40)
            run.end()
            stores.add(model.service.id)
    assert len(stores) == 2
    assert {one["store"] for one in sink.sent(said)} == stores
    assert_sent(sink, said, 80)


def test_a_poison_message_is_left_out_and_goes_to_the_dead_letters(broker, sink, topic, said, tmp_path):
    poison = [
        b"{",
        b"[1]",
        b"\xff\xfe",
        {},
        {"a": 1.0},
        {"y": [1]},
        {"y": {"up": 1}},
        {"y": "x" * 2_000},
        {"y": "up", "c": "x" * 900_000},
    ]
    poison += [{"y": "up", "a": [0.0] * 20_000}, {"y": 10**30}]
    rows = [
        json.dumps(one | {"id": f"poison {i}"}).encode() if isinstance(one, dict) else one
        for i, one in enumerate(poison)
    ]
    broker.put(topic, [one for i, bad in enumerate(rows) for one in (*bodies([i]), bad)])
    limits = hw.store.service.Limits(row_bytes=100_000)
    with hw.open(tmp_path / "a.db", learner(), limits=limits) as model:
        with Run(model, rows_of(broker, topic), dead_letters=sink.address(said)) as run:
            run.until_learned(len(rows))
            run.until(lambda: len(sink.sent(said)) >= len(rows))
            state = run.end()
        assert (state.dead_letters, state.unsent, sum(state.counts.values())) == (len(rows), 0, len(rows))
        assert fingerprint(model.learner) == fingerprint(uninterrupted(len(rows)))
    letters = sink.sent(said)
    assert len({one["position"] for one in letters}) == len(rows)
    assert {one["reason"] for one in letters} == set(state.counts)
    assert {"not a class", "the answer is missing", "not at most 100,000 bytes a row"} <= set(state.counts)


def test_a_full_disk_loses_nothing_and_sends_nothing_twice(broker, sink, topic, said, tmp_path):
    broker.put(topic, bodies(range(20)))
    where, how = rows_of(broker, topic, block=100), {"predictions": sink.address(said)}
    with hw.open(tmp_path / "a.db", learner()) as model:
        with Run(model, where, **how) as run:
            run.until_learned(20)
            run.end()
        base = model.service._file.base
        pages = base.execute("PRAGMA page_count").fetchone()[0]
        base.execute(f"PRAGMA max_page_count = {pages}")
        broker.put(topic, bodies(range(20, 400)))
        with Run(model, where, **how) as run:
            run.join(PATIENCE_S)
            assert isinstance(run.error, StoreError)
            assert (run.error.got, run.error.help) == ("a full disk", FULL)
        assert model.n_learned < 400
        base.execute("PRAGMA max_page_count = 1000000")
        with Run(model, where, **how) as run:
            run.until_learned(400)
            run.until(lambda: len(sink.sent(said)) >= 400)
            run.end()
        assert fingerprint(model.learner) == fingerprint(uninterrupted(400))
    assert_sent(sink, said, 400)


def test_a_learner_that_is_killed_at_system_calls_goes_on_where_it_was(broker, killer, tmp_path):
    hit = prove_kills(broker, tmp_path, f"rows{next(_numbers)}", kills=4, seed=5, killer=killer)
    assert hit.total == 4


def test_a_broker_that_is_killed_is_waited_for(broker, topic, tmp_path):
    if not broker.keeps:
        pytest.skip("this broker keeps its messages in memory")
    broker.put(topic, bodies(range(60)))
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic, block=7)) as run:
        run.until(lambda: model.n_learned >= 7)
        for _ in range(2):
            broker.kill()
        broker.put(topic, bodies(range(60, 100)))
        run.until_learned(100)
        run.end()
        assert fingerprint(model.learner) == fingerprint(uninterrupted(100))


def test_what_kafkas_client_says_of_a_broker_that_left_is_waited_for_and_what_it_refuses_is_not():
    pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
    from confluent_kafka import KafkaError as Said

    from headwater.streams.brokers.kafka import KafkaSource

    source = KafkaSource(read_address("kafka://127.0.0.1:9/rows"))
    left = [Said._TRANSPORT, Said._TIMED_OUT, Said._WAIT_COORD, -137]
    assert [type(source._meaning(Said(code))) for code in left] == [BrokerGone] * len(left)
    refused = source._meaning(Said(Said._UNKNOWN_TOPIC))
    assert not isinstance(refused, BrokerGone)
    assert "a topic that can be read" in str(refused)


def test_a_message_that_comes_twice_is_learned_once_by_its_id(broker, topic, tmp_path):
    broker.put(topic, bodies([*range(20), *range(20), *range(10, 30)]))
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic, id="id")) as run:
        run.until_learned(30)
        broker.put(topic, bodies([5, 30]))
        run.until_learned(31)
        assert run.end().counts["repeated"] >= 31
        assert fingerprint(model.learner) == fingerprint(uninterrupted(31))


@pytest.mark.parametrize("ids", ["", "&id=id", "&id=c"])
def test_rows_and_their_answers_in_another_topic_that_come_twice_are_learned_once(broker, topic, ids, tmp_path):
    """Also where only rows have ids, where a pair is known by its key, and across a restart."""
    late = f"{topic}late"
    broker.make(late)
    asked = [{"a": row(i)["a"], "c": i, "id": i} for i in range(30)]
    answers = [{"y": row(i)["y"], "id": i} | ({"c": f"a{i}"} if i % 2 else {}) for i in range(30)]
    where = broker.address(topic, answers=late, key="id", block=20, idle=1) + ids

    def put(there, some):
        broker.put(there, [json.dumps(one).encode() for one in some])

    put(topic, asked[:20] + asked[:10])
    put(late, answers[5:30] + answers[10:30])
    with hw.open(tmp_path / "a.db", learner()) as model:
        assert model.learn_from(where, "y", drop=["c"]).learned == 15
        put(topic, asked + asked)
        put(late, answers + answers[::-1])
        state = model.learn_from(where, "y", drop=["c"])
        assert (state.learned, model.n_learned) == (30, 30)
        assert state.counts["repeated"] > 0
    with hw.open(tmp_path / "a.db") as model:
        put(late, answers)
        put(topic, asked)
        assert (model.learn_from(where, "y", drop=["c"]).learned, model.n_learned) == (30, 30)


# ---- the log itself --------------------------------------------------------------------------------------------------

LIVE = [kind for kind in BROKERS if kind.__name__ != "Kafka"]
"""Kafka's client ends the process at what Tansu answers whoever reads a topic that is gone, so there only a stopped reader is tried."""
LOGS = [kind for kind in LIVE if kind.__name__ != "Mqtt"]
CAN_CUT = [kind for kind in BROKERS if kind.__name__ in ("Redis", "Nats", "Postgres")]
"""MQTT has no log, and Tansu deletes no records: Kafka's cut log is in test_positions.py, on another broker."""


def assert_anew(broker, gap, unread):
    """Check what is said of a log that was made anew, with so many messages that nobody had read."""
    said = f"at least {unread} messages are gone" if broker.counts else "how many messages are gone is unknown"
    assert said in str(gap)
    assert (gap.gone, gap.most) == (unread if broker.counts else 0, None)
    assert "accept_gap=True" in gap.help


def test_a_log_that_was_made_anew_while_nobody_read_it_is_an_error_until_that_is_accepted(broker, topic, tmp_path):
    broker.put(topic, bodies(range(50)))
    where, path = rows_of(broker, topic), tmp_path / "a.db"
    with hw.open(path, learner()) as model:
        assert model.learn_from(where, "y", drop=["id"], limit=30).learned == 30
    broker.remake(topic)
    for _ in range(2):  # however often it is tried
        with hw.open(path) as model, pytest.raises(TrimmedLog) as caught:
            model.learn_from(where, "y", drop=["id"], limit=1)
        assert_anew(broker, caught.value, 20)
    broker.put(topic, bodies(range(100, 160)))
    with hw.open(path) as model:
        if broker.counts:  # others may not be able to tell before there are rows again
            with pytest.raises(TrimmedLog):
                model.learn_from(where, "y", drop=["id"], limit=1)
        assert model.n_learned == 30
        more = 60 if broker.scheme != "mqtt://" else 0  # what nobody subscribed to is not kept
        state = model.learn_from(where + "&idle=1", "y", drop=["id"], accept_gap=True)
        assert (state.learned, model.n_learned) == (30 + more, 30 + more)
    with hw.open(path) as model:
        (gap,) = model.gaps(state.source)
        assert (gap.least, gap.most) == (20 if broker.counts else 0, None)
        assert "expected" in gap.words
        broker.put(topic, bodies(range(200, 210)))
        assert model.learn_from(where, "y", drop=["id"], limit=10).learned == 40 + more
        assert len(model.gaps(state.source)) == 1


@pytest.mark.parametrize("broker", LIVE, ids=lambda kind: kind.__name__, indirect=True)
def test_a_log_that_is_made_anew_while_it_is_read_is_an_error(broker, topic, tmp_path):
    broker.put(topic, bodies(range(50)))
    with hw.open(tmp_path / "a.db", learner()) as model:
        with pytest.raises(TrimmedLog) as caught:
            model.learn_from(rows_of(broker, topic), "y", drop=["id"], on_commit=lambda _: broker.remake(topic))
        assert_anew(broker, caught.value, 30)
        assert model.n_learned == 20 or broker.repeats  # what a client of MQTT has already is learned


@pytest.mark.parametrize("broker", LOGS, ids=lambda kind: kind.__name__, indirect=True)
def test_a_log_that_is_made_anew_while_it_is_read_is_read_on_where_that_is_accepted(broker, topic, tmp_path):
    broker.put(topic, bodies(range(50)))
    due = [20, 30]

    def remake(_):
        if due and model.n_learned == due[0]:
            broker.remake(topic)
            del due[0]

    with (
        hw.open(tmp_path / "a.db", learner()) as model,
        Run(model, rows_of(broker, topic), accept_gap=True, on_commit=remake) as run,
    ):
        name = run.until(lambda: model.service.sources.names(1))[0]
        run.until(lambda: len(model.gaps(name)) == 1)
        broker.put(topic, bodies(range(50, 60)))
        run.until(lambda: len(model.gaps(name)) == 2)
        broker.put(topic, bodies(range(60, 90)))
        run.until_learned(20 + 10 + 30)
        assert [gap.least for gap in model.gaps(name)] == ([30, 0] if broker.counts else [0, 0])


@pytest.mark.parametrize("broker", CAN_CUT, ids=lambda kind: kind.__name__, indirect=True)
def test_messages_that_are_deleted_before_they_are_read_are_counted_whether_anyone_reads_or_not(
    broker, topic, tmp_path
):
    broker.put(topic, bodies(range(100)))
    where = rows_of(broker, topic)
    cuts = [40, 10]  # messages that are left

    def cut(_):
        if len(cuts) == 2:
            broker.cut(topic, cuts.pop(0))

    with hw.open(tmp_path / "a.db", learner()) as model:
        for gone in (40, 70):
            with pytest.raises(TrimmedLog) as caught:
                model.learn_from(where, "y", drop=["id"], on_commit=cut)
            assert caught.value.most == gone
            assert caught.value.gone == (gone if broker.counts else 0)
            assert f"{gone} " in str(caught.value)
            assert model.n_learned == 20
            if cuts:
                broker.cut(topic, cuts.pop())
        state = model.learn_from(where + "&idle=0.5", "y", drop=["id"], accept_gap=True)
        assert (state.learned, state.read) == (30, 30)
        assert [(gap.least, gap.most) for gap in model.gaps(state.source)] == [(70 if broker.counts else 0, 70)]
        broker.put(topic, bodies(range(100, 105)))
        assert model.learn_from(where, "y", drop=["id"], limit=5).learned == 35


def test_a_position_of_a_version_that_knew_no_logs_is_adopted(broker, topic, tmp_path):
    broker.put(topic, bodies(range(30)))
    where, path = rows_of(broker, topic), tmp_path / "a.db"
    with hw.open(path, learner()) as model:
        model.learn_from(where, "y", drop=["id"], limit=20)
        with model.service._file.transaction():
            model.service._file.base.execute("DELETE FROM positions WHERE part = 'log'")
        assert "log" not in model.service.sources.known(1, model.service.sources.names(1)[0])
        assert model.learn_from(where + "&idle=0.5", "y", drop=["id"]).learned == 30
        assert "log" in model.service.sources.known(1, model.service.sources.names(1)[0])
