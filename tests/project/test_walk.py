"""Data flows forward: a row passes few files, and enters none of them twice."""

import asyncio
import json
import subprocess
import sys

import pytest

import headwater as hw
from headwater.cli import main
from support.brokers.kinds import BROKERS
from support.brokers.walks import Topic, assert_few_a_row, calls_to_follow
from support.walks import Recorder, Walk, walked


def warm(model, answer):
    """A session that has taken so many rows that whatever happens at first has happened."""
    session = hw.Session(model)
    for i in range(3_000):
        session.step([{"size": float(i % 7), "colour": "red" if i % 2 else "blue"}], [answer(i)])
    return session


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda: hw.Classifier(seed=1), lambda i: "ab"[i % 2]),
        (lambda: hw.Classifier((8,), loss="binary_cross_entropy"), lambda i: i % 2 == 0),
        (lambda: hw.Regressor(seed=1), lambda i: float(i % 5)),
    ],
    ids=["classifier", "binary", "regressor"],
)
def test_a_row_takes_few_calls_in_eight_files_and_enters_none_of_them_twice(make, answer):
    session = warm(make(), answer)
    walk = walked(lambda: session.step([{"size": 1.0, "colour": "red"}], [answer(0)]))
    assert len(walk.calls) <= 17, walk.calls
    assert len(walk.files) <= 8, walk.files
    assert walk.entered_again == {}


def test_a_block_takes_at_most_forty_calls():
    session = warm(hw.Classifier(seed=1), lambda i: "ab"[i % 2])
    row = {"size": 1.0, "colour": "red"}
    walk = walked(lambda: session.step([row, row], ["a", "b"]))
    assert len(walk.calls) <= 40, walk.calls
    assert len(walk.files) <= 13, walk.files
    assert len(walk.entered_again) <= 4, walk.entered_again  # among them the files between which Ctrl-C waits
    assert {"route/session.py", "learner/supervised.py", "learner/validation.py", "learner/engine.py"} < set(walk.files)


def test_before_the_first_row_of_a_file_is_learned_little_is_called(tmp_path, monkeypatch, capsys):
    """The experts of the default pool, and what declares them to the core, are made and checked once a process."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(
        f"{i % 24},{'JFK' if i % 5 else 'LGA'},{i % 7 / 2},{'yes' if i % 24 > 12 else 'no'}\n" for i in range(300)
    )
    (tmp_path / "a.csv").write_text(f"hour,origin,size,late\n{rows}")
    command = ["learn", "a.csv", "--target", "late"]
    assert main(command) == 0  # whatever happens at first has happened
    walk = walked(lambda: main(command), until="Engine.learn")
    reading = [call for call in walk.calls if call[0].startswith(("cli/", "streams/"))]
    assert capsys.readouterr().out.count("\n300 rows at ") == 2
    assert len(reading) <= 153, reading
    assert len({file for file, _, _ in reading}) <= 27
    assert len(walk.calls) <= 217
    assert len(walk.files) <= 45, walk.files


COLD = """
import json, sys
from pathlib import Path

import headwater

PACKAGE = f"{Path(headwater.__file__).parent}/"
NEEDLESS = "narwhals", "rich.console", "_hashlib"  # 60, 25 and 3 ms
bodies, calls = [], []


class Learned(BaseException):
    pass


def on_call(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(PACKAGE):
        (bodies if code.co_name == "<module>" else calls).append(code.co_filename)
        if code.co_qualname == "Engine.learn":
            raise Learned


sys.setprofile(on_call)
try:
    from headwater.cli import main

    main(["learn", "a.csv", "--target", "late"])
except Learned:
    sys.setprofile(None)
modules = [name for name in sys.modules if name.partition(".")[0] == "headwater"]
kinds = [name.split(".")[2] for name in modules if name.endswith(".kind") and name.startswith("headwater.kinds.")]
print(json.dumps([len(calls), len(set(calls)), len(bodies), kinds, [name for name in NEEDLESS if name in sys.modules]]))
"""


def test_a_new_process_comes_to_the_first_row_of_a_file_soon(tmp_path):
    """Bodies of classes count as calls, those of modules as imports. Frames and kinds that are not asked for are not met."""
    rows = "".join(
        f"{i % 24},{'JFK' if i % 5 else 'LGA'},{i % 7 / 2},{'yes' if i % 24 > 12 else 'no'}\n" for i in range(300)
    )
    (tmp_path / "a.csv").write_text(f"hour,origin,size,late\n{rows}")
    done = subprocess.run([sys.executable, "-c", COLD], cwd=tmp_path, capture_output=True, text=True, check=True)
    calls, files, bodies, kinds, needless = json.loads(done.stdout.splitlines()[-1])
    assert calls <= 450
    assert files <= 70
    assert bodies <= 110
    assert sorted(kinds) == [
        "anomaly",
        "classifier_regressor",
    ]  # of which anomaly says what rows without labels are for
    assert needless == []


def test_saving_reopening_and_a_durable_row_take_few_calls(tmp_path):
    """A call for each value of the rows that are kept for a diagnosis was most of it; comprehensions count as calls on Python 3.11."""
    rows = [{"size": float(i % 7), "colour": "red" if i % 2 else "blue"} for i in range(300)]
    model = hw.Classifier(seed=1)
    model.learn_many(rows, ["ab"[i % 2] for i in range(300)])
    model.save(tmp_path / "m.hw")  # whatever happens at first has happened
    assert len(walked(lambda: model.save(tmp_path / "m.hw")).calls) <= 102
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as store:
        store.teach(rows[:50], ["ab"[i % 2] for i in range(50)])
    opened = []
    assert len(walked(lambda: opened.append(hw.open(tmp_path / "a.db"))).calls) <= 200
    (again,) = opened
    again.teach(rows, ["ab"[i % 2] for i in range(300)])
    walks = [walked(lambda: again.learn_one({"size": 1.0, "colour": "red"}, "a")) for _ in range(5)]
    again.close()
    assert min(len(walk.calls) for walk in walks) <= 42


def test_a_row_of_several_outputs_is_learned_in_one_call_of_the_core():
    model = hw.MultiOutput(seed=1)
    rows = [({"size": float(i % 7), "colour": "red"}, {"a": "xy"[i % 2], "b": float(i % 5)}) for i in range(400)]
    for x, y in rows:
        model.learn_one(x, y)
    walks = [walked(lambda own=own: model.learn_one(*own)) for own in rows[:5]]
    assert min(len(walk.calls) for walk in walks) <= 2
    assert max(len(walk.calls) for walk in walks) <= 12, walks


def post(path, body):
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def requests_walked(path, recorder):
    """Walk requests of one row through a server that has had so many that whatever happens at first has happened."""
    import uvicorn

    from headwater.serve.run import configured, listen, make_state

    state = make_state(path)
    state.service.change(state.service.models.create, "default", hw.Classifier(seed=1))
    server, listening = uvicorn.Server(configured(state)), listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listening.getsockname())

    async def answer(request):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200")
        return json.loads(await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0])))

    x = {"size": 1.0, "colour": "red"}
    learn, predict = post("/learn", {"x": x, "y": "a"}), post("/predict", {"x": x, "keep": False})
    for i in range(450):
        await answer(post("/learn", {"x": {"size": float(i % 7), "colour": "red"}, "y": "ab"[i % 2]}))
        await answer(predict)
    walks = {}
    for name, request in (("learn", learn), ("predict", predict)):
        found = []
        for _ in range(5):
            with recorder as calls:
                await answer(request)
            found.append(Walk(tuple(calls)))
        walks[name] = min(found, key=lambda walk: len(walk.calls))
    writer.close()
    server.should_exit = True
    await serving
    return walks


def test_a_row_over_http_takes_few_calls_from_its_socket_to_its_answer(tmp_path):
    """All threads count: the event loop's, and the writer's, which commits and learns."""
    pytest.importorskip("uvicorn")
    recorder = Recorder()
    try:
        walks = asyncio.run(requests_walked(tmp_path / "a.db", recorder))
    finally:
        recorder.close()
    assert len(walks["learn"].calls) <= 55, walks["learn"].calls
    assert len(walks["learn"].files) <= 16, walks["learn"].files
    assert len(walks["learn"].entered_again) <= 3, walks["learn"].entered_again
    assert len(walks["predict"].calls) <= 40, walks["predict"].calls
    assert len(walks["predict"].files) <= 10, walks["predict"].files


def test_the_next_row_of_a_broker_takes_few_calls(tmp_path, monkeypatch):
    topic = Topic()
    monkeypatch.setattr("headwater.store.sources.follower.open_source", lambda address, reader: topic)
    assert_few_a_row(calls_to_follow("redis://127.0.0.1/rows", topic.put, tmp_path / "a.db"))


def test_a_row_of_a_broker_that_comes_alone_takes_few_calls(tmp_path, monkeypatch):
    """It takes what a durable row does, and its message is decoded and its position, counts and reading's end are kept with it."""
    topic, walks = Topic(most=1), []
    monkeypatch.setattr("headwater.store.sources.follower.open_source", lambda address, reader: topic)
    topic.put(
        "rows", [json.dumps({"size": float(i % 7), "colour": "red", "y": "ab"[i % 2]}).encode() for i in range(320)]
    )
    recorder = Recorder()
    try:
        with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as store:
            store.learn_from("redis://127.0.0.1/rows", "y", limit=300)

            def committed(n):
                walks.append(len(recorder.calls))
                recorder.calls.clear()

            with recorder:
                store.learn_from("redis://127.0.0.1/rows", "y", limit=20, on_commit=committed)
    finally:
        recorder.close()
    assert len(walks) == 20
    assert min(walks) <= 85, walks


CLIENT = {"Redis": 1, "Nats": 2, "Postgres": 0, "Mqtt": 6, "Kafka": 4}
"""Calls that a client's messages take by themselves: those of MQTT are told to our log, too."""


@pytest.mark.slow
@pytest.mark.parametrize("make", BROKERS, ids=lambda make: make.__name__)
def test_the_next_row_takes_few_calls_whichever_broker_sends_it(make, tmp_path):
    """All threads count, those in which a client reads among them."""
    broker = make(tmp_path)
    try:
        broker.make("rows")
        where = broker.address("rows", idle=1, **broker.reader("rows", "walk"))
        with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as store:
            store.learn_from(where, "y")  # a broker that keeps nothing for strangers knows this reader now
        assert_few_a_row(calls_to_follow(where, broker.put, tmp_path / "a.db"), client=CLIENT[make.__name__])
    finally:
        broker.close()
