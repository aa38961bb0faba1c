"""Shards that each read a partition of their own learn to the bit what one fleet does that is taught all rows."""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
import time

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cli import main
from headwater.cluster.fleet import PartitionedFleet, ShardedFleet
from headwater.cluster.fleet.shard import Shard
from headwater.errors import ConfigError, DataError, SourceError, StoreError
from headwater.streams.brokers import BrokerGone
from support.packages.imports import when_used
from support.processes.nodes import ray_nodes

ROWS, LABELS, NUMBERS = stream(12_000, keys=40, seed=7)
COLUMNS = sorted({name for row in ROWS for name in row})
PARTS = 4


def make():
    return hw.Classifier(hidden=(8,), seed=3)


def part_of(row):
    return int(row["machine"][1:]) % PARTS


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of one partition each, with all rows of a machine in one of them."""
    folder = tmp_path_factory.mktemp("partitions")
    paths = [folder / f"{i}.jsonl" for i in range(PARTS)]
    outs = [path.open("w") for path in paths]
    for row, label in zip(ROWS, LABELS, strict=True):
        outs[part_of(row)].write(json.dumps(row | {"state": label}) + "\n")
    for out in outs:
        out.close()
    return paths


@pytest.fixture(scope="module")
def whole(files):
    """A fleet in this process that has learned all rows: a hash of the members, and the score."""
    with ShardedFleet(make, "machine", shards=1, address=False) as fleet:
        for path in files:
            with hw.read(path, target="state") as rows:
                for block in rows.blocks():
                    fleet.learn_many(block.X, block.y)
        return fleet.fingerprint(), fleet.score()


def opened(files, folder, **options):
    return PartitionedFleet(make, "machine", files, "state", folder, **{"address": False} | options)


def test_shards_learn_their_partitions_to_the_bits_of_one_fleet_and_answer_as_it_does(files, whole, tmp_path):
    alone = hw.Fleet(make, key="machine")
    alone.learn_many(ROWS, LABELS)
    with opened(files, tmp_path) as fleet:
        progress = fleet.run()
        assert progress.rows == len(ROWS)
        assert progress.partitions == {
            path.name: sum(part_of(row) == i for row in ROWS) for i, path in enumerate(files)
        }
        assert (fleet.fingerprint(), fleet.score()) == whole
        assert set(fleet.keys()) == set(alone.keys())
        for row in ROWS[-30:]:
            assert fleet.predict_proba_one(row) == alone.predict_proba_one(row)
        assert fleet.predict_many(ROWS[:200]).tolist() == alone.predict_many(ROWS[:200]).tolist()
        assert fleet.score("m7") == alone.score("m7")
        assert fleet.predict_one({"machine": "unknown"}) is None or fleet.home("unknown") == "shard-0"
    with opened(files, tmp_path) as again:
        assert (again.fingerprint(), again.score()) == whole
        assert again.run().rows == len(ROWS), "nothing is read twice"
        assert again.fingerprint() == whole[0]


class Crash(Exception):
    pass


def leave(fleet):
    """Leave the stores as a crash does: what was not committed is gone."""
    for shard in fleet.shards._shards.values():
        shard.fleet.idle.close()
        if shard._reading is not None:
            shard._reading.close()


def test_a_fleet_that_crashed_goes_on_from_its_last_commit_wherever_that_was(files, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.0)  # a block a call
    stood = set()
    for calls in (2, 5, 7, 9, 3, 11, 40):
        fleet, left = opened(files, tmp_path, every=0.0 if calls % 2 else 1000.0), iter(range(calls))

        def crash(progress, left=left):
            stood.add(progress.rows)
            if next(left, None) is None:
                raise Crash

        try:
            fleet.run(crash)
            break
        except Crash:
            leave(fleet)
    assert (fleet.fingerprint(), fleet.score()) == whole
    fleet.close()
    assert len(stood) > 8
    with opened(files, tmp_path) as again:
        assert (again.fingerprint(), again.score()) == whole


def test_members_and_position_are_one_commit(files, whole, tmp_path, monkeypatch):
    commits = []
    real = Shard._commit_read

    def dies(self, mark):
        commits.append(mark.rows)
        if len(commits) == 3:
            raise KeyboardInterrupt
        real(self, mark)

    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.0)
    monkeypatch.setattr(Shard, "_commit_read", dies)
    fleet = opened(files, tmp_path, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        fleet.run()
    monkeypatch.setattr(Shard, "_commit_read", real)
    leave(fleet)
    with opened(files, tmp_path) as again:
        again.run()
        assert (again.fingerprint(), again.score()) == whole


def test_a_key_in_two_partitions_is_refused_with_both(files, tmp_path):
    both = tmp_path / "9.jsonl"
    both.write_text("".join(json.dumps(row | {"state": "p"}) + "\n" for row in ROWS[:100]))
    with (
        opened([files[0], both], tmp_path / "fleet") as fleet,
        pytest.raises(DataError, match=r"all rows of a key in one partition.*got 'm\d+' in .*\.jsonl and in .*\.jsonl"),
    ):
        fleet.run()


def test_other_partitions_another_kind_of_fleet_and_a_wrong_key_are_refused_in_a_sentence(files, tmp_path):
    opened(files, tmp_path / "a").close()
    with pytest.raises(StoreError, match=r"expected a fleet of 2 partitions \(0.jsonl, 1.jsonl\), got one of 4 \("):
        opened(files[:2], tmp_path / "a")
    with pytest.raises(StoreError, match="got one of 4"):
        opened(files[::-1], tmp_path / "a")
    with pytest.raises(StoreError, match=r"got one whose shards read partitions of their own"):
        ShardedFleet(make, "machine", tmp_path / "a", address=False)
    ShardedFleet(make, "machine", tmp_path / "b", shards=1, address=False).close()
    with pytest.raises(StoreError, match="got one of none"):
        opened(files, tmp_path / "b")
    with pytest.raises(DataError, match="the key's column maschine"):
        PartitionedFleet(make, "maschine", files, "state", tmp_path / "c", address=False)
    with pytest.raises(ConfigError, match=r"partitions of different names, got 0\.jsonl"):
        opened([files[0], files[0]], tmp_path / "d")
    with pytest.raises(SourceError, match=r"missing\.csv"):
        opened([tmp_path / "missing.csv"], tmp_path / "e")
    with pytest.raises(ConfigError, match="key, target and columns to drop"):
        PartitionedFleet(make, "state", files, "state", tmp_path / "f", address=False)


def test_columns_and_labels_are_read_alike_in_all_partitions(tmp_path):
    for name, code in (("0.csv", "7"), ("1.csv", "007")):
        lines = [f"{name[0]}-{i % 4},{code},{i % 2}" for i in range(400)]
        (tmp_path / name).write_text("\n".join(["shop,code,y", *lines]))
    paths = [tmp_path / "0.csv", tmp_path / "1.csv"]
    with PartitionedFleet(make, "shop", paths, "y", tmp_path / "fleet", address=False) as fleet:
        assert fleet.run().rows == 800
        assert set(fleet.predict_proba_one({"shop": "1-1", "code": 7.0})) == set(
            fleet.predict_proba_one({"shop": "0-1", "code": 7.0})
        )


def test_rows_that_cannot_be_read_are_counted_and_an_error_keeps_what_was_learned_before(files, tmp_path):
    bad = tmp_path / "bad.csv"
    with bad.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["machine", "a", "state"])
        table.writerows([f"b{i % 5}", i / 10, "p" if i % 2 else "q"] for i in range(2000))
        out.write("b1,1,p,surplus\n" * 20)
    with opened([bad], tmp_path / "fleet") as fleet:
        progress = fleet.run()
        assert sum(progress.rejected.values()) == 20
        assert fleet.score()["rows"] > 1900


def test_an_error_in_the_middle_of_a_block_leaves_the_store_at_its_last_commit(files, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.0)
    real, calls = Shard._learn_next, []

    def fails(self, reading):
        calls.append(reading)
        if len(calls) == 6:
            learn = self.fleet.step_many
            self.fleet.step_many = lambda X, y: (learn(X[:100], y[:100]), 1 / 0)
        return real(self, reading)

    monkeypatch.setattr(Shard, "_learn_next", fails)
    with opened(files, tmp_path, every=0.0) as fleet:
        with pytest.raises(ZeroDivisionError):
            fleet.run()
        with pytest.raises(StoreError, match="some rows unlearned"):
            fleet.run()
    with opened(files, tmp_path) as again:
        again.run()
        assert (again.fingerprint(), again.score()) == whole


def test_ctrl_c_waits_for_the_block_and_what_was_learned_is_committed(files, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.0)
    real, calls = Shard._learn_next, []

    def presses(self, reading):
        calls.append(reading)
        if len(calls) == 6:
            learn = self.fleet.step_many
            self.fleet.step_many = lambda X, y: (
                learn(X[:100], y[:100]),
                signal.raise_signal(signal.SIGINT),
                learn(X[100:], y[100:]),
            )
        return real(self, reading)

    monkeypatch.setattr(Shard, "_learn_next", presses)
    with opened(files, tmp_path, every=1000.0) as fleet:
        with pytest.raises(KeyboardInterrupt):
            fleet.run()
        learned = fleet.score()["rows"]
    monkeypatch.setattr(Shard, "_learn_next", real)
    with opened(files, tmp_path) as again:
        assert again.score()["rows"] == learned
        again.run()
        assert (again.fingerprint(), again.score()) == whole


def test_a_source_that_is_away_is_waited_for_and_read_on_where_it_was(files, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.0)
    monkeypatch.setattr("headwater.cluster.fleet.shard.NAP", 0.01)
    real, calls, waited = Shard._learn_next, [], []

    def goes(self, reading):
        calls.append(reading)
        if len(calls) in (3, 4, 9):
            raise BrokerGone(expected="a broker", got="none", at="kafka://host/rows")
        return real(self, reading)

    monkeypatch.setattr(Shard, "_learn_next", goes)
    with opened(files, tmp_path, every=1000.0) as fleet:
        fleet.run(lambda progress: waited.append(list(progress.waiting.values())))
        assert (fleet.fingerprint(), fleet.score()) == whole
    assert any("expected a broker" in why for said in waited for why in said)
    assert waited[-1] == []


# ---- on Ray ----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_killed_shards_and_a_lost_node_read_on_from_their_stores_to_the_same_bits(files, whole, tmp_path, monkeypatch):
    when_used("ray", reason="the extra ray is not installed: pip install headwater[ray]")
    monkeypatch.setattr("headwater.cluster.fleet.partitioned.SLICE", 0.01)
    with ray_nodes(2) as nodes, opened(files, tmp_path, every=0.0, address=nodes.address) as fleet:
        pids = list(fleet.shards.pids().values())
        seen = []

        def disturb(progress):
            seen.append(progress.rows)
            if len(seen) == 2:
                os.kill(pids[0], signal.SIGKILL)
            elif len(seen) == 4:
                os.kill(pids[2], signal.SIGKILL)
            elif len(seen) == 5:
                last = max(nodes.worker_nodes, key=lambda node: node.node_id)
                threading.Thread(target=nodes.remove_node, args=(last,), kwargs={"allow_graceful": False}).start()

        fleet.run(disturb)
        assert fleet.shards.repeated >= 2
        assert (fleet.fingerprint(), fleet.score()) == whole
        assert sum(fleet.shards.homes[name] != "" for name in fleet.names) == 0, "Ray places them"


# ---- from Kafka ------------------------------------------------------------------------------------------------------


@pytest.fixture
def topic():
    """A topic of four partitions on the mock cluster of librdkafka, and how rows come into it."""
    kafka = pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
    producer = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    brokers = producer.list_topics(timeout=60).brokers.values()

    def send(rows, labels):
        for row, label in zip(rows, labels, strict=True):
            producer.produce("rows", json.dumps(row | {"state": label}).encode(), partition=part_of(row))
        assert producer.flush(60) == 0

    yield "kafka://" + ",".join(f"{one.host}:{one.port}" for one in brokers) + "/rows", send
    producer.flush(0)


def test_each_partition_of_a_topic_has_a_shard_that_follows_it(topic, whole, tmp_path):
    address, send = topic
    send(ROWS[:2500], LABELS[:2500])
    with opened(address + "?idle=0.5", tmp_path) as fleet:
        assert [source.rpartition("=")[2] for source in fleet.sources] == ["0", "1", "2", "3"]
        assert fleet.run().partitions == {
            f"kafka:rows#{i}": sum(part_of(row) == i for row in ROWS[:2500]) for i in range(PARTS)
        }
    send(ROWS[2500:], LABELS[2500:])
    with opened(address + "?idle=0.5", tmp_path) as fleet:
        assert fleet.run().rows == len(ROWS)
        assert (fleet.fingerprint(), fleet.score()) == whole


def test_a_silent_topic_holds_nobody_up(topic, tmp_path):
    address, send = topic
    send(ROWS[:500], LABELS[:500])
    begun = time.monotonic()
    with opened(address, tmp_path) as fleet:  # for ever: only being told so ends it
        fleet.run(lambda progress: time.monotonic() - begun < 20 and progress.rows < 500)
        assert fleet.score()["rows"] > 400
    with opened(address, tmp_path) as fleet:
        assert fleet.score()["rows"] > 400
    assert time.monotonic() - begun < 30


def test_one_partition_of_a_topic_is_a_source_for_everybody(topic, tmp_path):
    address, send = topic
    send(ROWS[:500], LABELS[:500])
    of_two = [row for row in ROWS[:500] if part_of(row) == 2]
    with hw.read(f"{address}?partition=2&idle=0.3", target="state", task="classify") as stream_:
        assert [x["machine"] for x, _ in stream_] == [row["machine"] for row in of_two]
    with hw.read(f"{address}?partition=1,2&idle=0.3", target="state", task="classify") as stream_:
        assert sum(1 for _ in stream_) == sum(part_of(row) in (1, 2) for row in ROWS[:500])
    with (
        pytest.raises(SourceError, match=r"one of the partitions 0, 1, 2, 3, got partition=8"),
        hw.read(f"{address}?partition=8", target="state", task="classify") as stream_,
    ):
        next(iter(stream_))
    with pytest.raises(ConfigError, match=r"partition= the numbers of partitions, got first"):
        hw.read(f"{address}?partition=first", target="state", task="classify")
    with pytest.raises(ConfigError, match=r"a whole topic .*got partition=1"):
        opened(f"{address}?partition=1", tmp_path)
    with pytest.raises(ConfigError, match=r"a whole topic .*got redis://"):
        opened("redis://localhost/rows", tmp_path)


# ---- headwater cluster fleet -----------------------------------------------------------------------------------------


def command(files, folder, *more):
    shape = ["--key", "machine", "--target", "state", "--folder", str(folder), "--engine", "local", "--hidden", "8"]
    return main(["cluster", "fleet", *map(str, files), *shape, *more])


def test_the_command_learns_partitions_goes_on_and_says_how_it_stands(files, tmp_path, capsys):
    assert command(files, tmp_path / "d") == 0
    said = capsys.readouterr().out
    assert said.startswith("12,000 rows of 4 partitions, 40 keys: accuracy 0.")
    assert command(files, tmp_path / "d", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["keys"], told["score"]["rows"], told["unread"]) == (12_000, 40, 11_960, {})


def test_mistakes_with_the_command_are_said_in_a_sentence(files, tmp_path, capsys):
    command(files, tmp_path / "d")
    for mistake, said in (
        (files[:2], "expected a fleet of 2 partitions"),
        ([], "expected partitions to read, got none"),
        (["kafka://host/rows"], "expected the task, which a topic doesn't tell before it is read, got auto"),
    ):
        capsys.readouterr()
        assert command(mistake, tmp_path / "d") == 2
        assert said in capsys.readouterr().err
    assert command(files, tmp_path / "d", "--seed", "9") == 2
    assert "got one with seed=0 — at " in capsys.readouterr().err
    shape = ["--key", "machine", "--target", "state", "--folder", str(tmp_path / "e")]
    assert main(["cluster", "fleet", str(files[0]), *shape, "--engine", "dask"]) == 2
    assert "expected ray or local, got dask" in capsys.readouterr().err
