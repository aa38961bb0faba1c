"""The store of a fleet is owned as a learner's is: one process, whatever else looks at the file."""

import os
import subprocess
import sys

import pytest

import headwater as hw
from headwater.errors import StoreError

COMMITS = """
import os, pathlib, shutil, signal, subprocess, sys, tempfile, warnings
warnings.simplefilter("ignore")
import headwater as hw
from headwater.errors import StoreError
path = pathlib.Path(sys.argv[1])
fleet = hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), "k", store=path, resident=5)

def learns(first):
    for key in range(first, first + 10):
        fleet.learn_one({"k": f"k{key}", "a": 1.0}, "x")
    fleet.commit()

OTHER = '''
import sys, headwater as hw
from headwater.errors import StoreError
try:
    hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), "k", store=sys.argv[1]).close()
except StoreError as error:
    print(error.code)
'''
LOOKS = f"import sqlite3; b = sqlite3.connect({str(path)!r}); print(b.execute('SELECT count(*) FROM about').fetchone()); b.close()"
learns(0)
for file in path.parent.iterdir():
    file.read_bytes()
shutil.copy(path, tempfile.mkdtemp())
hw.load(path)
print(subprocess.run([sys.executable, "-c", OTHER, path], capture_output=True, text=True, check=True).stdout.strip(), flush=True)
subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, check=True)
learns(10)
if os.fork() == 0:
    try:
        learns(20)
    except StoreError as error:
        print(str(error).split(" — ")[0], flush=True)
    fleet.idle.close()
    sys.exit()
os.wait()
learns(20)
print(len(fleet), fleet.fingerprint(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another system has no locks that a close leaves alone")
def test_committed_members_outlive_every_look_at_their_file_a_fork_and_a_kill(tmp_path):
    path = tmp_path / "fleet.db"
    done = subprocess.run(
        [sys.executable, "-c", COMMITS, path], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == -9, done.stderr
    refused, child, end = done.stdout.splitlines()
    assert refused == "store_in_use"
    assert child == "expected the process that opened the store, got one that was forked from it"
    with hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), "k", store=path) as fleet:
        assert f"{len(fleet)} {fleet.fingerprint()}" == end
        assert len(fleet) == 30


def test_a_commit_into_a_log_that_was_removed_is_refused(tmp_path):
    path = tmp_path / "fleet.db"
    fleet = hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), "k", store=path)
    fleet.learn_one({"k": "a", "a": 1.0}, "x")
    fleet.commit()
    os.unlink(f"{path}-wal")
    fleet.learn_one({"k": "b", "a": 1.0}, "x")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"expected fleet\.db-wal as this process opened it, got none"):
            fleet.commit()
    fleet.idle.close()
