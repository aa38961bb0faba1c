"""``GET /backup`` sends a whole copy of the store, to who may do everything, and leaves nothing behind."""

import threading

import pytest

import headwater as hw
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.maintenance.commands import check

testclient = pytest.importorskip("starlette.testclient")


def test_a_backup_is_sent_while_the_server_learns_and_opens_as_a_store(tmp_path):
    state = make_state(tmp_path / "a.db", tokens={"r" * 16: "read", "a" * 16: "admin"})
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    with testclient.TestClient(build(state)) as client:
        admin, ends = {"authorization": f"Bearer {'a' * 16}"}, threading.Event()

        def learns():
            i = 0
            while not ends.is_set():
                assert client.post("/learn", json={"x": {"a": i}, "y": "ab"[i % 2]}, headers=admin).status_code == 200
                i += 1

        thread = threading.Thread(target=learns)
        thread.start()
        try:
            for who in ({}, {"authorization": f"Bearer {'r' * 16}"}):
                assert client.get("/backup", headers=who).status_code in (401, 403)
            assert client.head("/backup", headers=admin).content == b""
            seq = client.get("/models/default", headers=admin).json()["seq"]
            sent = client.get("/backup", headers=admin)
        finally:
            ends.set()
            thread.join()
        assert sent.status_code == 200
        assert sent.headers["content-disposition"] == 'attachment; filename="a.db"'
        assert int(sent.headers["content-length"]) == len(sent.content)
        assert not [file.name for file in tmp_path.iterdir() if "sent" in file.name or "part" in file.name]
    (tmp_path / "b.db").write_bytes(sent.content)
    assert check(tmp_path / "b.db", LEARNER_FORMAT).problems == []
    with hw.open(tmp_path / "b.db") as model:
        assert model.n_learned == model.seq >= seq
