"""Pipes and closed streams: what was learned is kept, a reader that leaves ends no run, and nothing waits for ever."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import headwater as hw

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
ROWS = 3000
HEADER = "n,colour,late\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{i % 10},{'rgb'[i % 3]},{'yes' if i % 10 > 4 else 'no'}\n" for i in range(ROWS)]
    (tmp_path / "rows.csv").write_text(HEADER + "".join(lines))
    return tmp_path


def command(*words, **how):
    done = subprocess.run(
        [sys.executable, "-m", "headwater", *words], stderr=subprocess.PIPE, check=False, text=True, timeout=300, **how
    )
    return done.returncode, done.stderr


@pytest.fixture
def unread():
    """The writing end of a pipe whose reader has gone, as behind ``| head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("what", [["--target", "late"], ["--targets", "late,colour"], ["--target", "late", "--json"]])
def test_a_reader_that_leaves_ends_no_run_that_saves_a_model(folder, unread, what):
    assert command("learn", "rows.csv", *what, "--model", "m.hw", stdout=unread) == (0, "")
    assert hw.load("m.hw").n_learned == ROWS


def test_a_reader_that_leaves_ends_no_agent_that_is_saved(folder, unread):
    pytest.importorskip("gymnasium")
    assert command("play", "CartPole-v1", "--steps", "60", "--model", "m.hw", stdout=unread) == (0, "")
    assert hw.load("m.hw").n_learned == 60


def test_a_reader_that_leaves_is_no_failure_of_any_command(folder, unread):
    model = hw.Classifier()
    model.learn_one({"n": 1, "colour": "r"}, "yes")
    model.save("m.hw")
    predict = ["predict", "rows.csv", "--model", "m.hw", "--drop", "late"]
    for words in (["show", "m.hw"], predict, ["--help"], ["learn", "--help"]):
        assert command(*words, stdout=unread) == (0, "")


def closed(redirections, *words):
    """Run a command with standard streams closed by the shell; what is left of them is returned."""
    line = f'exec "$@" {redirections}'
    shell = ["sh", "-c", line, "sh", sys.executable, "-m", "headwater", *words]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


def test_a_model_is_saved_where_all_standard_streams_are_closed(folder):
    assert closed("<&- >&- 2>&-", "learn", "rows.csv", "--target", "late", "--model", "m.hw") == (0, "", "")
    assert hw.load("m.hw").n_learned == ROWS


def test_a_closed_output_is_like_the_null_device(folder):
    hw.Classifier().save("m.hw")
    assert closed(">&-", "predict", "rows.csv", "--model", "m.hw") == (0, "", "")
    assert closed(">&-", "show", "m.hw") == (0, "", "")


def test_a_closed_input_has_no_rows(folder):
    said = "expected rows, got nothing — at standard input. Check its origin.\n"
    assert closed("<&-", "learn", "-", "--target", "late") == (2, "", said)


def fed(folder, text, wait=0.0):
    """Write a text into a named pipe, and keep it open for some seconds."""
    os.mkfifo(folder / "pipe")

    def write():
        with open(folder / "pipe", "w") as pipe:
            pipe.write(text)
            pipe.flush()
            time.sleep(wait)

    threading.Thread(target=write, daemon=True).start()
    return "pipe"


@pytest.mark.parametrize("what", [["--target", "late"], ["--targets", "late,colour"]])
def test_rows_of_a_named_pipe_are_learned_as_those_of_a_file(folder, what):
    pipe = fed(folder, (folder / "rows.csv").read_text())
    assert command("learn", pipe, *what, "--model", "m.hw", stdout=subprocess.DEVNULL) == (0, "")
    assert hw.load("m.hw").n_learned == ROWS


def test_rows_of_a_pipe_that_stays_open_are_learned_as_they_come_and_ctrl_c_saves_them(folder):
    pipe = fed(folder, (folder / "rows.csv").read_text(), wait=300)
    words = [sys.executable, "-m", "headwater", "learn", pipe, "--target", "late", "--json", "--every", "1000"]
    run = subprocess.Popen([*words, "--model", "m.hw"], stdout=subprocess.PIPE, text=True)
    assert json.loads(run.stdout.readline())["rows"] == 1000
    run.send_signal(signal.SIGINT)
    lines = run.communicate(timeout=240)[0].splitlines()
    assert run.returncode == 130
    assert json.loads(lines[-1])["interrupted"]
    assert hw.load("m.hw").n_learned == json.loads(lines[-1])["rows"] >= 1000


@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/null"])
def test_what_is_no_file_is_refused_as_a_model_at_once(folder, name):
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    got = "a folder" if name == "folder" else "a pipe or a device"
    for words in (["learn", "rows.csv", "--target", "late", "--model", name], ["show", name]):
        status, said = command(*words, stdout=subprocess.DEVNULL)
        assert status == 2
        assert said.startswith(f"expected a saved model, got {got} — at {name}. ")
