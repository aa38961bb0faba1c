"""Who may do what: sessions of browsers, how often a client may come, and what a mistake of the server looks like."""

import sys
import warnings
from types import SimpleNamespace

import pytest

import headwater as hw
from headwater.serve.api import models
from headwater.serve.app import build
from headwater.serve.http.access import buckets
from headwater.serve.http.access.access import Access
from headwater.serve.http.access.buckets import Buckets
from headwater.serve.http.access.sessions import Sessions
from headwater.serve.run import make_state

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

TOKEN = "r" * 20


@pytest.fixture
def state(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    yield state
    state.close()


def test_one_client_never_ends_the_session_of_another(monkeypatch):
    sessions = Sessions()
    mine = sessions.add("read", "192.0.2.1")
    theirs = [sessions.add("admin", f"2001:db8::{i}") for i in range(100)]  # one /64: one client
    assert sessions.scope(mine) == "read"
    assert [sessions.scope(cookie) is not None for cookie in theirs] == [False] * 84 + [True] * 16
    monkeypatch.setattr("headwater.serve.http.access.sessions._MOST", 17)
    other = sessions.add("learn", "198.51.100.1")  # full: whoever has most gives way
    assert (sessions.scope(mine), sessions.scope(other)) == ("read", "learn")
    assert sum(sessions.scope(cookie) is not None for cookie in theirs) == 15


def test_a_logout_ends_the_session_and_the_cookie(state, client):
    state.access = Access({TOKEN: "read"})
    given = client.post("/login", json={"token": TOKEN}).headers["set-cookie"]
    assert "Secure" not in given
    assert client.get("/models").status_code == 200
    stolen = given.split(";")[0]
    gone = client.post("/logout")
    assert (gone.status_code, "Max-Age=0" in gone.headers["set-cookie"]) == (200, True)
    client.cookies.clear()
    assert client.get("/models", headers={"cookie": stolen}).status_code == 401
    for path in ("/login", "/logout"):
        answer = client.post(path, json={"token": TOKEN}, headers={"origin": "http://evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "origin")


def test_by_https_the_cookie_is_for_https_only(state):
    state.access = Access({TOKEN: "read"})
    with TestClient(build(state), base_url="https://testserver") as client:
        assert client.post("/login", json={"token": TOKEN}).headers["set-cookie"].endswith("; Secure")
        assert client.post("/logout").headers["set-cookie"].endswith("; Secure")


def test_logins_are_counted_even_where_requests_are_not(state, client, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: now[0]))
    state.access = Access({TOKEN: "read"})
    statuses = [client.post("/login", json={"token": "wrong"}).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert client.post("/login", json={"token": TOKEN}).status_code == 429
    now[0] += 1.1
    assert client.post("/login", json={"token": TOKEN}).status_code == 200
    state.access = Access({TOKEN: "read"}, rate=1)
    assert [client.post("/logout").status_code for _ in range(3)] == [200, 200, 429]


def test_a_flood_of_addresses_does_not_give_a_client_a_full_bucket(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(buckets, "_CLIENTS", 100)
    limit = Buckets(rate=1, burst=2)
    for i in range(200):
        limit.take(f"192.0.2.{i}")
        taken = limit.take("198.51.100.1")
        assert taken is (i < 2)
    assert len(limit._left) <= 100


def test_a_missing_extra_is_told_as_such(client, monkeypatch):
    client.post("/learn", json=[{"x": {"a": i}, "y": "ab"[i % 2]} for i in range(10)])
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "headwater.store.onnx.export", raising=False)
    answer = client.get("/models/default/onnx")
    assert (answer.status_code, answer.json()["code"]) == (404, "missing_extra")


def test_a_mistake_of_ours_is_an_answer_in_the_same_form_and_a_trace_in_the_log(client, monkeypatch, caplog):
    monkeypatch.setattr(models, "summary", lambda model: 1 / 0)
    answer = client.get("/models")
    assert (answer.status_code, set(answer.json())) == (500, {"error", "at", "help", "code"})
    assert "ZeroDivisionError" in caplog.text
