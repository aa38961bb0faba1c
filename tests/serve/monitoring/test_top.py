"""``headwater top`` shows in the terminal what ``/metrics`` holds."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from headwater.cli import main
from headwater.cli.service.top import Sample, drawn
from headwater.serve.http.access.access import Access
from support.processes.served import served


class Listening(BaseHTTPRequestHandler):
    """Hands requests from a socket to the application of a test."""

    client: object

    def do_GET(self):
        given = self.headers.get("authorization")
        answer = self.client.get(self.path, headers={"authorization": given} if given else {})
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address(tmp_path):
    with served(tmp_path / "a.db") as (state, client):
        state.access = Access({"r" * 16: "read"})
        own = type("Own", (Listening,), {"client": client})
        with ThreadingHTTPServer(("127.0.0.1", 0), own) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


def test_one_look_prints_the_server_its_models_and_its_sources(address, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("HEADWATER_TOKEN", "r" * 16)
    assert main(["top", address, "--once"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("headwater · ready")
    assert "default" in out
    row = next(line for line in out.splitlines() if line.startswith("kafka:rows"))
    assert row.split()[:3] == ["kafka:rows", "default", "running"]
    assert row.split()[-3:] == ["3", "3", "5"]
    assert "12" in row.split()


@pytest.mark.parametrize(
    ("where", "said"),
    [("localhost:8080", "http:// or https://"), ("http://127.0.0.1:1", "Is headwater serve running there?")],
)
def test_where_no_server_is_a_sentence_says_so(where, said, capsys):
    assert main(["top", where, "--once"]) == 2
    assert said in capsys.readouterr().err


def test_a_server_with_tokens_asks_for_one(address, capsys, monkeypatch):
    monkeypatch.delenv("HEADWATER_TOKEN", raising=False)
    assert main(["top", address, "--once"]) == 2
    assert "HEADWATER_TOKEN" in capsys.readouterr().err


def sample(at, learned, commits, seconds):
    now = Sample(at)
    now.values["headwater_ready"][()] = 1.0
    now.values["headwater_learned_total"][("learner", "champion"), ("model", "m")] = learned
    now.values["headwater_commit_seconds_count"][()] = commits
    now.values["headwater_commit_seconds_sum"][()] = seconds
    for who, value in (("model", 0.7), ("majority", 0.6), ("no-change", 0.65)):
        key = (("learner", "champion"), ("model", "m"), ("of", who), ("score", "accuracy"))
        now.values["headwater_score"][key] = value
    for who, value in (("model", 0.7), ("best baseline", 0.65)):
        key = (("learner", "champion"), ("model", "m"), ("of", who), ("score", "accuracy"))
        now.values["headwater_primary"][key] = value
    now.values["headwater_standing"][("learner", "champion"), ("model", "m"), ("output", "")] = 1.0
    return now


def test_rates_are_of_the_time_between_two_looks_and_the_baseline_is_the_best():
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(drawn(sample(12.0, 500.0, 20.0, 1.0), sample(10.0, 100.0, 10.0, 0.9)))
    text = console.export_text()
    (row,) = [line for line in text.splitlines() if line.startswith("m ")]
    assert row.split() == ["m", "champion", "500", "200", "accuracy", "0.7", "0.65", "ahead", "–"]
    assert " 10 " in text.splitlines()[2]  # ms of a commit


def test_a_challenger_to_a_bandit_is_shown_with_its_lead_and_the_interval_that_tells():
    now = sample(12.0, 500.0, 20.0, 1.0)
    now.values["headwater_learned_total"][("learner", "small"), ("model", "m")] = 500.0
    for name, value in (("value", 0.1), ("low", 0.02), ("high", 0.18)):
        now.values["headwater_lead"][("learner", "small"), ("model", "m"), ("of", name)] = value
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(drawn(now, now))
    champion, small = [line for line in console.export_text().splitlines() if line.startswith("m ")]
    assert champion.split() == ["m", "champion", "500", "–", "accuracy", "0.7", "0.65", "–", "ahead", "–"]
    assert small.split() == ["m", "small", "500", "–", "–", "–", "–", "0.1", "(0.02", "to", "0.18)", "–", "–"]
