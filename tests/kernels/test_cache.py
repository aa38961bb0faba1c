"""The kernel cache: safe with many processes at once (numba issue 4807), in a folder of headwater's own, quiet
on request.

One cold start for all tests of this file: it costs what compiling one number type costs, some 15 to 30 seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headwater.kernels import _cache

SRC = Path(__file__).resolve().parents[2] / "src"
# Different processes ask for different signatures first, which is how the issue shows itself.
SCRIPT = """
import sys
import time
import numpy as np
from headwater import nn
X = np.arange(12.0).reshape(6, 2) / 12
y = np.array([0, 1, 0, 1, 1, 0.0])
net = nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], optimizer=nn.Adam(0.1), dtype="float32", seed=1, inputs=2)
steps = [lambda: net.forward(X), lambda: net.learn_many(X, y)]
for step in steps if sys.argv[1] == "0" else steps[::-1]:
    step()
net.build(2)
shown = net.learn_many(X, y)
print(shown.tobytes().hex(), net.forward(X).tobytes().hex())
"""


def start(cache: Path, k: int, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HEADWATER_CACHE": str(cache), "PYTHONPATH": str(SRC), "HEADWATER_JIT": "1", **more}
    environment.pop("HEADWATER_QUIET", None) if "HEADWATER_QUIET" not in more else None
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(k % 2)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answers_of(processes: list[subprocess.Popen[str]]) -> tuple[list[str], list[str]]:
    done = [process.communicate(timeout=900) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), [err for _, err in done]
    return [out for out, _ in done], [err for _, err in done]


@pytest.fixture(scope="module")
def cold(tmp_path_factory) -> tuple[Path, list[str], list[str]]:
    """Folder, outputs and messages of four processes that started at once on an empty cache."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, *answers_of([start(folder, k) for k in range(4)])


def test_four_processes_on_an_empty_cache_all_compute_the_same_correct_result(cold):
    folder, outputs, _ = cold
    assert len(set(outputs)) == 1

    # and the same as a process that finds everything compiled, and as this one's own cache
    warm, messages = answers_of([start(folder, 0, HEADWATER_QUIET="1")])
    ours, _ = answers_of([start(_cache.CACHE.parent, 1, HEADWATER_QUIET="1")])
    assert set(outputs) == set(warm) == set(ours)
    assert messages == [""]


def test_who_waits_is_told_once_what_for(cold):
    _, _, messages = cold
    lines = [text.splitlines() for text in messages]
    assert any("compiling the kernels" in line for said in lines for line in said)
    for said in lines:
        assert [line for line in said if not line.startswith("headwater: ")] == []
        assert sum("compiling the kernels" in line for line in said) <= 1


def test_a_warm_cache_says_nothing_and_compiles_nothing(cold):
    folder, _, _ = cold
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}

    _, messages = answers_of([start(folder, 1)])

    assert messages == [""]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")} == before


@pytest.mark.skipif(not _cache.JIT, reason="a plain run compiles nothing")
@pytest.mark.parametrize(("quiet", "patience", "said"), [("1", 0.1, False), ("0", 0.1, True), ("0", 9000.0, False)])
def test_a_word_is_said_only_if_it_takes_long_and_quiet_is_not_asked_for(monkeypatch, tmp_path, quiet, patience, said):
    monkeypatch.setattr(_cache, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(_cache, "_ready", set())
    monkeypatch.setattr(_cache, "_told", False)
    words, heard = [], threading.Event()
    monkeypatch.setattr(_cache, "_say", lambda word: (words.append(word), heard.set()))
    monkeypatch.setattr(_cache, "PATIENCE", patience)
    monkeypatch.setenv("HEADWATER_QUIET", quiet)
    for name in ("probe", "second"):
        with _cache.compiling((name, "float32")):
            if said:  # it compiles for as long as the word takes to come
                assert heard.wait(900)
    assert len(words) == (2 if said else 0)


@pytest.mark.skipif(not _cache.JIT, reason="a plain run compiles nothing")
def test_caches_that_nobody_opens_any_more_are_removed(monkeypatch, tmp_path):
    old, young, foreign = (tmp_path / name for name in ("CPython311-dead", "CPython311-alive", "notes"))
    for folder in (old, young, foreign):
        folder.mkdir()
        (folder / "x.nbi").write_bytes(b"")
    for folder in (old, foreign):
        os.utime(folder, (0, 0))
    monkeypatch.setattr(_cache, "CACHE", tmp_path / "CPython311-new")
    monkeypatch.setattr(_cache, "_ready", set())
    with _cache.compiling(("probe", "float32")):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CPython311-alive", "CPython311-new", "notes"]


def test_the_folder_is_headwaters_own_and_changes_with_the_source(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path))
    assert _cache.cache_folder().parent == tmp_path
    monkeypatch.delenv("HEADWATER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    here = _cache.cache_folder()
    assert here.parent == tmp_path / "xdg" / "headwater"

    (tmp_path / "kernels").mkdir()
    for path in Path(_cache.__file__).parent.glob("*.py"):
        (tmp_path / "kernels" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(_cache, "__file__", str(tmp_path / "kernels" / "_cache.py"))
    assert _cache.cache_folder() == here
    (tmp_path / "kernels" / "loss.py").write_text("changed")
    assert _cache.cache_folder() != here


def test_decorating_a_kernel_leaves_the_users_own_cache_setting_alone():
    code = """
import os
os.environ["NUMBA_CACHE_DIR"] = "/tmp/of-the-user"
import numba
import headwater.nn
assert numba.config.CACHE_DIR == "/tmp/of-the-user"
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC), "HEADWATER_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
