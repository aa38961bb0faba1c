"""A server forgets at an administrator's request, everywhere where it shows a model, and lists who fetched it before."""

import asyncio
import hashlib
import threading
import warnings
from types import SimpleNamespace

import pytest

import headwater as hw
from headwater.serve.api.events import frame
from headwater.serve.api.maintenance import forgetting
from headwater.serve.app import build
from headwater.serve.background import shared
from headwater.serve.background.shared import View
from headwater.serve.background.workers import Workers
from headwater.serve.http.access.access import Access
from headwater.serve.http.errors import Busy
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint
from support.packages.openapi import problems_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

TOKEN = "jane.doe@example.org"


def example(i):
    return {"x": {"a": i % 7, "mail": TOKEN if i == 30 else f"m{i % 3}"}, "y": ["no", "yes"][i % 7 > 3]}


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


@pytest.fixture
def client(state):
    with TestClient(build(state), raise_server_exceptions=True) as client:
        client.post("/learn", json=[example(i) for i in range(40)])
        yield client


def forget(client, **body):
    return client.request("DELETE", "/models/default/rows", json=body)


def test_a_dry_run_says_what_would_be_done_and_forgetting_does_it(client, state):
    file = client.get("/models/default/file").content
    assert TOKEN.encode() in file
    plan = forget(client, where={"mail": TOKEN}, dry_run=True).json()
    assert (plan["number"], plan["rows"], plan["first"], plan["last"], plan["cannot"]) == (0, 1, 31, 31, [])
    assert [(one["what"], one["sha"]) for one in plan["exports"]] == [("model file", hashlib.sha256(file).hexdigest())]
    done = forget(client, where={"mail": TOKEN}, reason="art17").json()
    assert (done["number"], done["rows"]) == (1, 1)
    never = hw.Classifier(hidden=(4,), seed=1)
    kept = [example(i) for i in range(40) if i != 30]
    never.learn_many([one["x"] for one in kept], [one["y"] for one in kept])
    assert client.get("/models/default").json()["state"] == fingerprint(never)
    assert TOKEN.encode() not in client.get("/models/default/file").content
    assert TOKEN.encode() not in client.get("/models/default/file?seq=35").content
    told = client.get("/forgotten").json()
    assert [(one["rows"], one["reason"], one["ranges"]) for one in told["forgotten"]] == [(1, "art17", [[31, 31]])]
    assert [one["recalled"] for one in told["exports"]] == [1, 0, 0]
    assert problems_of(client.get("/openapi.json").json(), "/forgotten", told) == []


def test_a_state_is_digested_once_a_client_and_never_on_the_event_loop(client, state, monkeypatch):
    """Thirty clients at once, each with a hundred megabytes, kept every other request waiting for seconds."""
    threads = []

    def sha256(data):
        threads.append(threading.current_thread().name)
        return hashlib.sha256(data)

    monkeypatch.setattr(shared, "hashlib", SimpleNamespace(sha256=sha256))
    files = {client.get("/models/default/file").content for _ in range(5)}
    assert [name.rpartition("_")[0] for name in threads] == ["headwater-looks"]
    assert [one.sha for one in state.service.exports()] == [hashlib.sha256(file).hexdigest() for file in files]
    client.post("/learn", json=example(1))
    client.get("/models/default/file")
    assert len(threads) == 2
    threads.clear()

    async def together():
        view = View(bytes(10_000_000), 40)
        handed = [forgetting.handed_out(state, state.model(), view, "model file", f"10.0.0.{i}") for i in range(20)]
        await asyncio.gather(*handed)

    asyncio.run(together())
    assert (len(threads), len({one.sha for one in state.service.exports() if "10.0.0." in one.place})) == (1, 1)


def test_a_digest_that_failed_is_made_at_the_next_call():
    async def called():
        view, workers = View(b"abc", 3), Workers("looks", 1, 0)
        with pytest.raises(Busy):
            await view.digest(workers)
        workers.most = 1
        return await view.digest(workers)

    assert asyncio.run(called()) == hashlib.sha256(b"abc").hexdigest()


def test_the_last_rows_of_the_page_and_its_importances_begin_anew(client, state):
    state.histories.record()
    model = state.model()
    assert any(TOKEN in str(item) for item in model.recent)
    forget(client, where={"mail": TOKEN})
    state.histories.record()
    assert (list(model.recent), state.histories.of(model).importance()) == ([], [])


def test_only_an_administrator_forgets(state):
    state.access = Access({"reader" * 4: "read", "admins" * 4: "admin"})
    with TestClient(build(state)) as client:
        for token, status in (("reader" * 4, 403), ("admins" * 4, 200)):
            client.headers["authorization"] = f"Bearer {token}"
            assert forget(client, where={"mail": TOKEN}).status_code == status
            assert client.get("/forgotten").status_code == status


def test_a_request_that_selects_nothing_is_refused(client):
    refused = forget(client, reason="art17")
    assert (refused.status_code, refused.json()["at"]) == (400, "forget")
    assert forget(client, rows=[999]).status_code == 400


def test_the_page_says_how_old_anything_in_the_model_can_be(tmp_path):
    state = make_state(tmp_path / "b.db", max_age="30 days")
    with TestClient(build(state), raise_server_exceptions=True) as client:
        assert client.post("/models", json={"name": "default", "task": "classify"}).status_code == 201
        client.post("/learn", json=[example(i) for i in range(40)])
        oldest = frame(state, state.model(), past=False)["oldest"]
        assert (oldest["max_age"], oldest["rows"], oldest["age_s"] < 600) == ("30 days", 40, True)
