"""``headwater serve``: what it refuses before it starts, and the clients of others that work as they are."""

import gc
import socket

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.serve import run as server
from headwater.serve.http.access.access import check_bind, read_tokens


def test_an_address_that_others_can_reach_needs_a_token(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--host", "0.0.0.0"]) == 2
    assert "--tokens" in capsys.readouterr().err
    check_bind("0.0.0.0", {"t" * 16: "read"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--task", "cluster"], "--task"),
        (["--log", "loud"], "--log"),
        (["--tokens", "none"], "--tokens none"),
        (["--store", "no/such/folder.db"], "--store"),
        (["--port", "99999"], "expected a port from 0 to 65535, got 99999 — at --port"),
        (["--port", "-1"], "expected a port from 0 to 65535, got -1 — at --port"),
        (["--rolling", "card"], "got 'card' — at --rolling"),
        (["--task", "forecast", "--horizon", "0"], "horizon"),
        (["no-such-model.hw"], "no-such-model.hw"),
        (["none.db"], "For a new store of this name: headwater serve --store none.db"),
    ],
)
def test_options_that_cannot_be_are_told_before_anything_starts(tmp_path, monkeypatch, capsys, options, word):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *options]) == 2
    assert word in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_how_much_is_kept_may_be_said(tmp_path, monkeypatch):
    kept = []

    def run(state, *, sock, **_):
        kept.append(state.service.policy)
        state.service.close()
        sock.close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "run", run)
    assert main(["serve", "--port", "0", "--keep-bytes", "5000000", "--snapshot-every", "100"]) == 0
    assert (kept[0].keep_bytes, kept[0].snapshot_every) == (5_000_000, 100)
    assert main(["serve", "--port", "0"]) == 0
    assert kept[1] == server.RetentionPolicy()


def test_a_store_in_the_place_of_a_model_is_served_as_it_is(tmp_path, monkeypatch):
    """It was taken for a saved model before, and what was learned from then on went to another store, headwater.db."""
    served = []

    def run(state, *, sock, **_):
        served.append((state.service.path.name, state.service.models.by_name["default"].seq))
        state.service.close()
        sock.close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "run", run)
    with hw.open("mine.db", hw.Classifier(hidden=(4,), seed=1)) as model:
        model.learn_one({"a": 1.0}, "x")
    assert main(["serve", "mine.db", "--port", "0"]) == 0
    assert main(["serve", "mine.db", "--port", "0", "--store", "copy.db"]) == 0
    assert served == [("mine.db", 1), ("copy.db", 0)]


def test_collections_leave_out_what_was_there_at_the_start(tmp_path, monkeypatch):
    """A full collection holds up every thread, for 60 ms when it looked through all modules."""
    frozen = []

    def end(_, sockets):
        frozen.append(gc.get_freeze_count())
        sockets[0].close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server.uvicorn.Server, "run", end)
    before = gc.get_freeze_count()
    assert main(["serve", "--port", "0"]) == 0
    assert frozen[0] > before


def test_a_port_that_is_taken_and_a_short_token_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        assert main(["serve", "--port", str(sock.getsockname()[1])]) == 2
    assert "another --port" in capsys.readouterr().err
    monkeypatch.setenv("HEADWATER_TOKEN", "short")
    assert main(["serve"]) == 2
    with pytest.raises(ConfigError, match="line 2"):
        read_tokens("read " + "x" * 20 + "\nroot " + "x" * 20, "tokens")
