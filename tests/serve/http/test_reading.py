"""Addresses that read answer from what a model has published: they neither wait for learning nor hold it up."""

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

import headwater as hw
from headwater.serve.api import predicting
from headwater.serve.api.looks import looking
from headwater.serve.background.reader import Asked, Reader
from headwater.serve.background.shared import Published, Shared
from headwater.serve.http.errors import Busy
from headwater.serve.run import make_state
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, to_bytes
from headwater.store.service.model import TicketLock

PATIENCE_S = 900
LOOKS = (
    "GET /models/default",
    "GET /v2/models/default",
    "GET /models/default/file",
    "GET /models/default/onnx",
    "GET /models/default/weights",
    "GET /models/default/activations",
    "POST /explain",
)
BRIEF = ("GET /models", "GET /score", "GET /metrics", "GET /models/default/importance")


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    for name in ("default", "other"):
        state.service.change(state.service.models.create, name, hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


def learned(client, n, name="default"):
    rows = [{"x": {"a": i % 7, "c": "xyz"[i % 3]}, "y": ["no", "yes"][i % 7 > 3]} for i in range(n)]
    assert client.post(f"/models/{name}/learn", json=rows).status_code == 200


def asked(client, words):
    method, path = words.split()
    body = {"x": {"a": 6, "c": "x"}} if method == "POST" else None
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


@contextmanager
def at_work(model):
    """A model that somebody else has: nobody gets its lock meanwhile."""
    with model.lock:
        yield


# ---- small models: a copy ------------------------------------------------------------------------------------------


def test_what_is_published_is_read_while_the_model_is_at_work(client, state):
    learned(client, 60)
    before = {words: asked(client, words) for words in LOOKS}
    with at_work(state.model()):
        assert {words: asked(client, words) for words in LOOKS} == before


def test_what_is_published_is_that_of_the_last_example(client, state):
    for i in range(1, 4):
        learned(client, 20)
        about = json.loads(asked(client, "GET /models/default"))
        assert about["seq"] == about["learners"][0]["n_learned"] == about["describe"]["n_learned"] == 20 * i
        assert about["state"] == fingerprint(state.model().champion.learner)
        assert asked(client, "GET /models/default/file") == to_bytes(state.model().champion.learner)
        assert json.loads(asked(client, "POST /explain"))["seq"] == 20 * i
    client.post("/models/default/pause")
    assert json.loads(asked(client, "GET /models/default"))["paused"] is True


def test_a_prediction_of_a_model_at_work_waits_and_holds_up_nobody(client, state):
    learned(client, 20)
    learned(client, 20, "other")
    body = {"x": {"a": 1}, "keep": False}
    with ThreadPoolExecutor(8) as threads:
        with at_work(state.model()):
            waiting = [threads.submit(client.post, "/predict", json=body) for _ in range(4)]
            waiting += [threads.submit(client.get, path) for path in ("/score", "/metrics", "/models")]
            for _ in range(20):
                assert client.get("/health/live").status_code == 200
                assert client.post("/models/other/predict", json=body).status_code == 200
            assert not any(one.done() for one in waiting[:4])
        assert [one.result(PATIENCE_S).status_code for one in waiting] == [200] * len(waiting)


def test_rows_that_are_few_but_wide_do_not_stop_the_event_loop(client, monkeypatch):
    learned(client, 20)
    measured, threads = predicting.size_of, []

    def noted(X):
        threads.append(threading.current_thread().name)
        return measured(X)

    monkeypatch.setattr(predicting, "size_of", noted)
    for n, width in ((1, 3), (5, 9000), (1000, 1)):
        rows = [{"x": {f"k{j}": 1.0 for j in range(width)}, "keep": False}] * n
        assert client.post("/predict", json=rows).status_code == 200
    assert ["requests" in name for name in threads] == [False, True, True]


def test_one_copy_serves_all_who_ask_at_the_same_time(client, state, monkeypatch):
    learned(client, 20)
    made, gate, copy = [], threading.Event(), looking._copy

    def slow(model):
        made.append(model.name)
        assert gate.wait(PATIENCE_S)
        return copy(model)

    monkeypatch.setattr(looking, "_copy", slow)
    with ThreadPoolExecutor(24) as threads:
        waiting = [threads.submit(asked, client, words) for words in LOOKS * 3]
        while not made:
            time.sleep(0)
        gate.set()
        found = [one.result(PATIENCE_S) for one in waiting]
    assert found[:7] == found[7:14] == found[14:]
    assert len(made) <= 2


# ---- large models: a process ---------------------------------------------------------------------------------------


def test_a_large_model_is_looked_at_by_a_process_that_says_the_same(client, state, monkeypatch):
    learned(client, 60)
    wanted = {words: asked(client, words) for words in LOOKS}
    state.published = Published()
    monkeypatch.setattr(looking, "_SMALL_BYTES", -1)
    monkeypatch.setattr(looking, "_copy", None)  # which is not called
    summary = asked(client, "GET /models/default")
    with at_work(state.model()):
        assert {words: asked(client, words) for words in LOOKS} == wanted
    assert summary == wanted["GET /models/default"]
    learned(client, 10)  # it follows the journal
    about = json.loads(asked(client, "GET /models/default"))
    assert (about["describe"]["n_learned"], about["state"]) == (70, fingerprint(state.model().champion.learner))
    assert asked(client, "GET /models/default/file") == to_bytes(state.model().champion.learner)
    refused = client.get("/models/other/onnx")
    assert (refused.status_code, refused.json()["code"]) == (400, "not_learned")


def test_what_the_process_refuses_has_the_status_that_it_has_without_a_process(client, state, monkeypatch):
    learned(client, 20)
    bodies = ({"x": {"a": 1}, "target": 2.5e157}, {"x": {"a": 1}, "target": "none"}, {"x": {"a": 1}, "horizon": 3})
    wanted = [client.post("/explain", json=body) for body in bodies]
    state.published = Published()
    monkeypatch.setattr(looking, "_SMALL_BYTES", -1)
    for body, answer in zip(bodies, wanted, strict=True):
        assert answer.status_code == 400
        found = client.post("/explain", json=body)
        assert (found.status_code, found.json()) == (400, answer.json())


def question(state, look, seq=None, **options):
    model = state.model()
    champion = model.champion
    seq = model.seq if seq is None else seq
    return Asked(model.id, model.name, model.task, champion.id, champion.name, seq, look, options)


def test_a_process_that_was_killed_starts_again(client, state):
    learned(client, 20)
    reader = Reader(state.service.path)
    wanted = to_bytes(state.model().champion.learner)
    assert reader.ask(question(state, "file")) == wanted
    reader._process.kill()
    reader._process.wait()
    assert bytes(reader.ask(question(state, "file"))) == wanted
    past = reader.ask(question(state, "file", seq=7))
    assert bytes(past) == to_bytes(state.service.as_of("default", 7))
    assert bytes(reader.ask(question(state, "file"))) == wanted
    reader.close()
    with pytest.raises(Busy):
        reader.ask(question(state, "file"))


def test_a_learner_that_the_process_cannot_read_is_copied(client, state, monkeypatch):
    learned(client, 20)
    monkeypatch.setattr(looking, "_SMALL_BYTES", -1)
    monkeypatch.setattr(state.reader, "ask", lambda asked: None)
    assert asked(client, "GET /models/default/file") == to_bytes(state.model().champion.learner)


def test_a_copy_is_of_one_moment_whatever_is_learned_before_it_is_written(client, state):
    learned(client, 500)
    learner = state.model().champion.learner
    wanted, copy = LEARNER_FORMAT.pack(learner), LEARNER_FORMAT.copy(learner)
    while copy.advance():
        pass
    copy.stop()
    learned(client, 500)
    found = copy.finish()
    assert found.header == wanted.header
    assert found.arrays.keys() == wanted.arrays.keys()
    assert {name for name, array in found.arrays.items() if array.tobytes() != wanted.arrays[name].tobytes()} == set()


# ---- one for all ---------------------------------------------------------------------------------------------------


def test_one_snapshot_serves_all_who_ask_meanwhile(client, state, monkeypatch):
    learned(client, 20)
    made, gate, snapshot = [], threading.Event(), state.service.snapshot

    def slow():
        made.append(threading.get_ident())
        assert gate.wait(PATIENCE_S)
        return snapshot()

    monkeypatch.setattr(state.service, "snapshot", slow)
    with ThreadPoolExecutor(20) as threads:
        first = threads.submit(client.post, "/snapshot")
        while not made:
            time.sleep(0)
        others = [threads.submit(client.post, "/snapshot") for _ in range(19)]
        while state.published._runs["snapshot"]._next is None:
            time.sleep(0)
        gate.set()
        answers = [one.result(PATIENCE_S) for one in (first, *others)]
    assert [answer.status_code for answer in answers] == [200] * 20
    assert {answer.json()["seq"] for answer in answers} == {20}
    assert len(made) <= 3


def test_whoever_asks_gets_a_run_that_began_after_the_asking():
    async def run():
        begun, gates = [], [asyncio.Event() for _ in range(3)]

        async def work():
            begun.append(len(begun))
            number = begun[-1]
            await gates[number].wait()
            if number == 1:
                raise ValueError("the second")
            return number

        shared = Shared(work)
        first = asyncio.ensure_future(shared.get())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(shared.get()) for _ in range(10)]
        left = asyncio.ensure_future(shared.get())
        await asyncio.sleep(0)
        left.cancel()  # a client that leaves takes nothing from the others
        assert begun == [0]
        gates[0].set()
        assert await first == 0
        gates[1].set()
        failed = await asyncio.gather(*others, return_exceptions=True)
        assert [str(error) for error in failed] == ["the second"] * 10
        gates[2].set()
        assert await shared.get() == 2
        await asyncio.sleep(0)
        return begun, shared.idle

    assert asyncio.run(run()) == ([0, 1, 2], True)


def test_what_is_kept_has_a_bound(state, monkeypatch):
    monkeypatch.setattr("headwater.serve.background.shared._KEPT_BYTES", 10_000)
    published, calls = Published(), []

    def maker(key, size):
        async def work():
            calls.append(key)
            return b"x" * size

        return work

    async def run():
        for key, size in (("a", 2000), ("b", 2000), ("a", 2000), ("large", 5000), ("large", 5000)):
            await published.of(key, state.model(), maker(key, size))
        for i in range(10):
            await published.of(i, state.model(), maker(i, 2000))
        await published.of("a", state.model(), maker("a", 2000))

    asyncio.run(run())
    assert calls == ["a", "b", "large", "large", *range(10), "a"]
    assert published._bytes <= 10_000


def test_a_lock_is_taken_at_once_only_where_nobody_has_it_or_waits():
    lock = TicketLock()
    assert lock.take_now()
    assert not lock.take_now()
    waiting = threading.Thread(target=lock.__enter__)
    waiting.start()
    assert not lock.take_now()
    lock.release()
    waiting.join()
    assert not lock.take_now()
    lock.release()
    assert lock.take_now()
