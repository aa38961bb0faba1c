"""What a model makes of a stream: answers that come elsewhere, predictions that go out, messages that can't be used, logs that were cut."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import headwater as hw
from headwater.errors import ConfigError, SourceError
from headwater.store.learner_file import fingerprint
from headwater.streams.brokers import BrokerGone, TrimmedLog
from support.brokers.following import follow_through_kills
from support.brokers.servers import free_port
from support.processes.following import learner, row

pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")


def add(base, name, rows):
    pipe = base.pipeline(transaction=False)
    for one in rows:
        pipe.xadd(name, {"value": one if isinstance(one, bytes) else json.dumps(one)})
    pipe.execute()


def address(server, rest):
    return f"redis://127.0.0.1:{server.port}/{rest}"


def asked(i):
    return {"a": row(i)["a"], "c": row(i)["c"], "id": i}


def answered(i):
    return {"id": i, "y": row(i)["y"]}


def predictions(base, name="said"):
    return [json.loads(fields[b"value"]) for _, fields in base.xrange(name)]


def test_answers_of_another_stream_are_joined_by_key_whether_they_come_late_or_early(base, server, tmp_path):
    late, early, never = range(30), range(30, 50), range(50, 60)
    add(base, "rows", [asked(i) for i in [*late, *never]])
    where = address(server, "rows?answers=late&key=id&idle=0.2")
    with hw.open(tmp_path / "a.db", learner()) as model:
        first = model.learn_from(where, "y")
        assert (first.read, first.learned, first.waiting, first.early) == (40, 0, 40, 0)
        add(base, "late", [answered(i) for i in [*late, *early]])
        second = model.learn_from(where, "y")
        assert (second.learned, second.waiting, second.early) == (30, 10, 20)
        add(base, "rows", [asked(i) for i in early])
        third = model.learn_from(where, "y")
        assert (third.read, third.learned, third.waiting, third.early) == (60, 50, 10, 0)
        assert third.counts == {}
        expected = learner()
        expected.step_many([{"a": row(i)["a"], "c": row(i)["c"]} for i in range(50)], [row(i)["y"] for i in range(50)])
        assert fingerprint(model.learner) == fingerprint(expected)


def test_a_forecaster_follows_a_series_with_its_gaps_and_takes_no_answers_that_come_elsewhere(base, server, tmp_path):
    answers = [None if i % 9 == 4 else float(i % 7) for i in range(60)]
    add(base, "rows", [{"warm": i % 5, "y": y} for i, y in enumerate(answers)])
    with hw.open(tmp_path / "a.db", hw.Forecaster(horizon=2, season=7, seed=1)) as model:
        state = model.learn_from(address(server, "rows?idle=0.1"), "y")
        assert (state.read, state.learned, state.counts) == (60, 60, {})
        expected = hw.Forecaster(horizon=2, season=7, seed=1)
        expected.learn_many(answers, [{"warm": i % 5} for i in range(60)])
        assert fingerprint(model.learner) == fingerprint(expected)
        with pytest.raises(ConfigError, match="a model that learns in order"):
            model.learn_from(address(server, "rows?answers=late&key=id"), "y")
        with pytest.raises(ConfigError, match="a model that learns in order"):
            model.learn_from(address(server, "rows"), "y", predictions=address(server, "said"))


def test_rows_that_wait_are_bounded_and_those_whose_answer_never_came_are_counted(base, server, tmp_path):
    add(base, "rows", [asked(i) for i in range(50)])
    add(base, "late", [answered(i) for i in [3, 45, 1000, *range(2000, 2030)]])
    with hw.open(tmp_path / "a.db", learner()) as model:
        state = model.learn_from(address(server, "rows?answers=late&key=id&wait=10&idle=0.2"), "y")
        assert (state.learned, state.waiting, state.early) == (1, 9, 10)
        gone = {"rows whose answer never came": 40, "answers whose row never came": 22}
        assert state.counts == gone


def test_rows_and_answers_that_wait_survive_kills_and_each_row_is_learned_once(base, server, tmp_path):
    add(base, "rows", [asked(i) for i in range(1000)])
    add(base, "late", [answered(i) for i in reversed(range(1000))])
    where = address(server, "rows?answers=late&key=id&block=20")
    kills = {"learner": 8}
    done = follow_through_kills(tmp_path / "a.db", where, 1000, kills=kills, seed=3, kill_broker=lambda: None)
    assert done == kills
    with hw.open(tmp_path / "a.db") as model:
        state = model.learn_from(where + "&idle=0.1", "y")
        assert (state.read, state.learned, state.waiting, state.early) == (1000, 1000, 0, 0)
        assert model.n_learned == 1000


def test_predictions_go_out_once_each_with_partition_and_position_whatever_is_killed(base, server, tmp_path):
    add(base, "rows", [row(i) for i in range(1000)])
    said, kills = address(server, "said"), {"learner": 8}
    where = address(server, "rows?block=20")
    follow_through_kills(
        tmp_path / "a.db", where, 1000, kills=kills, seed=5, kill_broker=lambda: None, predictions=said
    )
    with hw.open(tmp_path / "a.db") as model:  # what the last life had journaled and not yet sent
        model.learn_from(where + "&idle=0.1", "y", drop=["id"], predictions=said)
        assert model.n_learned == 1000
    out = predictions(base)
    assert Counter((one["partition"], one["position"]) for one in out).most_common(1)[0][1] == 1
    assert [one["position"].partition(" ")[2] for one in out] == [str(i + 1) for i in range(1000)]
    assert {one["y_pred"] for one in out[20:]} <= {"up", "down"}
    assert out[0]["y_pred"] is None  # nothing was known yet


def test_rows_without_an_answer_are_predicted_where_predictions_go_out(base, server, tmp_path):
    add(base, "rows", [{"a": 1.0, "y": "up"}, {"a": 1.0}])
    with hw.open(tmp_path / "a.db", learner()) as model:
        model.learn_one({"a": 1.0}, "up")
        state = model.learn_from(address(server, "rows?idle=0.1"), "y", predictions=address(server, "said"))
        assert (state.read, state.learned, state.counts) == (2, 1, {})
    assert [(one["source"], one["y_pred"]) for one in predictions(base)] == [("redis:rows", "up")] * 2


def test_messages_that_cannot_be_used_are_counted_and_kept_and_the_stream_goes_on(base, server, tmp_path):
    bad = [b"{", b"[1]", {"a": 1.0}, {"a": 2.0, "y": [1]}, {f"n{i}": 1.0 for i in range(20)} | {"y": "up"}]
    add(base, "rows", [row(0), *bad, row(1)])
    limits = hw.store.service.Limits(row_entries=10)
    with hw.open(tmp_path / "a.db", learner(), limits=limits) as model:
        state = model.learn_from(address(server, "rows?idle=0.1"), "y")
        assert (state.read, state.learned) == (7, 2)
        assert state.counts == {
            "not a class": 1,
            "not a row in json": 1,
            "not a row: names and values": 1,
            "not at most 10 entries a row": 1,
            "the answer is missing": 1,
        }
        kept = model.rejects("redis:rows")
        assert [position.partition(" ")[2] for _, position, _, _ in kept] == ["2", "3", "4", "5", "6"]
        assert kept[0][3] == b"{"
        assert kept[0][2].startswith("expected a row in json, got DecodeError")


def test_a_regressor_refuses_answers_that_are_no_numbers(base, server, tmp_path):
    add(base, "rows", [{"a": 1.0, "y": 2}, {"a": 1.0, "y": "two"}])
    with hw.open(tmp_path / "a.db", hw.Regressor(hidden=(4,))) as model:
        state = model.learn_from(address(server, "rows?idle=0.1"), "y")
        assert (state.learned, state.counts) == (1, {"not a number within ±1e+30": 1})


def test_an_example_with_an_id_is_learned_once_however_often_it_comes(base, server, tmp_path):
    add(base, "rows", [row(0), row(1), row(0), row(0) | {"y": "other"}])
    with hw.open(tmp_path / "a.db", learner()) as model:
        state = model.learn_from(address(server, "rows?id=id&idle=0.1"), "y")
        assert (state.read, state.learned, model.n_learned) == (4, 2, 2)
        assert state.counts == {
            "not the same example as before under a repeated id": 1,
            "repeated": 1,
        }


def test_entries_that_were_trimmed_before_they_were_read_are_an_error_and_not_a_jump(base, server, tmp_path):
    add(base, "rows", [row(i) for i in range(10)])
    where = address(server, "rows?idle=0.1")
    with hw.open(tmp_path / "a.db", learner()) as model:
        model.learn_from(where, "y")
        base.xtrim("rows", maxlen=0, approximate=False)  # of what is learned, nothing is missed
        assert model.learn_from(where, "y").read == 10
        add(base, "rows", [row(i) for i in range(10, 20)])
        base.xtrim("rows", maxlen=4, approximate=False)
        with pytest.raises(TrimmedLog, match="6 entries after it that were trimmed or deleted"):
            model.learn_from(where, "y")
        assert model.n_learned == 10


def test_a_stream_is_read_from_its_end_where_that_is_asked_for(base, server, tmp_path):
    add(base, "rows", [row(i) for i in range(10)])
    where = address(server, "rows?from=end&idle=0.1")
    with hw.open(tmp_path / "a.db", learner()) as model:
        assert model.learn_from(where, "y").read == 0
        add(base, "rows", [row(i) for i in range(3)])
    with hw.open(tmp_path / "a.db") as model:
        assert model.learn_from(where, "y").read == 3


def test_an_address_that_cannot_be_is_one_sentence(server, tmp_path):
    with hw.open(tmp_path / "a.db", learner()) as model:
        for wrong, sentence in [
            ("redis://localhost", "expected an address such as redis://host/topic"),
            ("redis://localhost/rows?kye=id", "Did you mean key?"),
            ("redis://me:sec/secret@localhost/rows", "Write %2F for /"),
            ("amqp://localhost/rows", "expected an address that begins with kafka://"),
            (address(server, "rows?wait=none"), "expected wait= a number above 0, got none"),
            (address(server, "rows?format=xml"), "format= one of json, msgpack, avro, protobuf, got xml"),
        ]:
            with pytest.raises(ConfigError) as caught:
                model.learn_from(wrong, "y")
            assert sentence in str(caught.value)
            assert "secret" not in str(caught.value)


def test_a_broker_that_was_never_there_is_an_error_at_once(tmp_path):
    with hw.open(tmp_path / "a.db", learner()) as model:
        where = f"redis://127.0.0.1:{free_port()}/rows"
        with pytest.raises(BrokerGone, match="expected a Redis server that responds"):
            model.learn_from(where, "y")
        assert issubclass(BrokerGone, SourceError)
