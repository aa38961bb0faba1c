"""A fork has no part in the store: the child is refused at its first write, and the parent goes on."""

import os
import subprocess
import sys

import pytest

import headwater as hw

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

FORKS = """
import os, pathlib, subprocess, sys, threading, warnings
warnings.simplefilter("ignore")
import headwater as hw
from headwater.errors import StoreError

path = pathlib.Path(sys.argv[1])
model = hw.open(path, hw.Classifier(hidden=(4,), seed=1))
model.learn_one({"a": 1.0}, "x")

def child():
    said = []
    for write in (
        lambda: model.learn_one({"a": 3.0}, "y"),
        lambda: model.predict_with_id({"a": 3.0}),
        lambda: model.service.change(model.service.models.create, "other", hw.Classifier()),
        lambda: hw.open(path),
        lambda: hw.load(path),
        lambda: model.as_of(1),
    ):
        try:
            write()
        except StoreError as error:
            said.append(str(error).split(" — ")[0])
        else:
            said.append("done")
    model.predict_one({"a": 1.0})
    model.close()
    print(sorted(set(said)), len(said), flush=True)

ends, learned = threading.Event(), []
def learns():
    while not ends.is_set():
        learned.append(model.learn_one({"a": 2.0}, "y"))

thread = threading.Thread(target=learns, daemon=True)
if sys.argv[2] == "while it learns":
    thread.start()
for _ in range(3):
    for file in path.parent.iterdir():  # SQLite's own locks are gone
        file.read_bytes()
    if os.fork() == 0:
        child()
        sys.exit()  # and not os._exit: the interpreter gives everything back that it has
    assert os.wait()[1] == 0
    model.learn_one({"a": 2.0}, "y")
ends.set()
if sys.argv[2] == "while it learns":
    thread.join()
print(pathlib.Path(f"{path}-wal").exists(), model.seq, model.service.failure, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("when", ["at rest", "while it learns"])
def test_a_forked_child_is_refused_and_the_parent_goes_on_undisturbed(tmp_path, when):
    path = tmp_path / "a.db"
    done = subprocess.run(
        [sys.executable, "-c", FORKS, path, when], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == -9, done.stderr
    *children, parent = done.stdout.splitlines()
    refused = "expected the process that opened the store, got one that was forked from it"
    assert children == [f"[{refused!r}] 6"] * 3
    there, seq, failure = parent.split(" ", 2)
    assert (there, failure) == ("True", "None")
    assert int(seq) >= 4
    with hw.open(path) as model:
        assert model.seq == model.n_learned == int(seq)


HOLDS = """
import os, sys, warnings
warnings.simplefilter("ignore")
import headwater as hw
model = hw.open(sys.argv[1], hw.Classifier(hidden=(4,), seed=1))
model.learn_one({"a": 1.0}, "x")
if os.fork() == 0:
    print("child", os.getpid(), flush=True)
    sys.stdin.read()  # until the test ends it
    os._exit(0)
sys.stdout.flush()
os.kill(os.getpid(), 9)
"""


def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_store(tmp_path):
    path = tmp_path / "a.db"
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline().startswith(b"child")
        holder.wait(timeout=600)
        with hw.open(path) as model:
            assert model.seq == 1
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(timeout=600)
