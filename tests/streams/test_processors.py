"""The code of the guide on stream processors, run by each of them.

Bytewax is installed beside the tests where it has a wheel. Quix Streams and PyFlink need environments of their own, which hold headwater's
dependencies as well: ``HEADWATER_QUIX`` and ``HEADWATER_FLINK`` name their Python.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/how-to/stream-processors.md").read_text(encoding="utf-8")
FLIGHTS = ROOT / "examples" / "flights.csv"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def folder(tmp_path):
    """The guide's files, beside the flights."""
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE, re.DOTALL):
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "flights.csv").symlink_to(FLIGHTS)
    return tmp_path


def python(name: str) -> str:
    """The Python of a processor that has its own."""
    found = os.environ.get(name)
    if not found:
        pytest.skip(f"{name} is not set")
    return found


def command(folder: Path, *words: str, **more: str) -> subprocess.Popen:
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    own = os.environ | {"PYTHONPATH": path, "PATH": f"{Path(words[0]).parent}{os.pathsep}{os.environ['PATH']}"} | more
    return subprocess.Popen(words, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(folder: Path, *words: str, **more: str) -> str:
    process = command(folder, *words, **more)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def assert_shown(lines: list[str]) -> None:
    """Check what the guide says of the output: a line a flight, and how many are right."""
    right, flights = re.search(r"right in ([\d,]+) of the ([\d,]+) flights", GUIDE).groups()
    assert len(lines) == int(flights.replace(",", ""))
    assert sum(int(line.split()[1]) for line in lines) == int(right.replace(",", ""))


def bytewax(folder: Path) -> tuple[str, ...]:
    if importlib.util.find_spec("bytewax") is None:
        pytest.skip("no Bytewax: pip install bytewax brings it, up to Python 3.12")
    (folder / "kept").mkdir()
    run(folder, sys.executable, "-m", "bytewax.recovery", "kept", "1")
    return (sys.executable, "-m", "bytewax.run", "flow", "-r", "kept", "-s", "0", "-b", "0")


def test_a_learner_is_the_state_of_a_step_of_bytewax(folder):
    run(folder, *bytewax(folder))
    assert_shown((folder / "right.txt").read_text().splitlines())


def test_a_flow_of_bytewax_that_is_killed_goes_on_to_the_same_output(folder):
    words = bytewax(folder)
    slow = (
        (folder / "learning.py").read_text().replace("    late = ", "    __import__('time').sleep(0.002)\n    late = ")
    )
    (folder / "learning.py").write_text(slow)
    written = folder / "right.txt"
    for least in (200, 700):
        process = command(folder, *words)
        while process.poll() is None and (not written.exists() or written.read_text().count("\n") < least):
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()[0]
        process.kill()
        process.communicate()
    run(folder, *words)
    assert_shown(written.read_text().splitlines())


def test_a_learner_is_kept_in_the_state_of_quix_streams(folder):
    own = python("HEADWATER_QUIX")
    kafka = pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
    from support.brokers.kinds import Kafka

    with contextlib.closing(Kafka(folder)) as broker:
        for topic in ("flights", "right"):
            broker.make(topic, **{"retention.ms": "-1"})  # Quix asks for it
        producer = kafka.Producer(broker.servers)
        header, *lines = FLIGHTS.read_text().splitlines()
        for line in lines:
            row = dict(zip(header.split(","), line.split(","), strict=True))
            producer.produce("flights", json.dumps(row).encode(), key=row["carrier"].encode(), partition=0)
        assert producer.flush(60) == 0
        code = (folder / "app.py").read_text()
        (folder / "app.py").write_text(code.replace("app.run()", f"app.run(count={len(lines)})"))
        run(folder, own, "app.py", BROKER=broker.servers["bootstrap.servers"])
        said = broker.sent("right")
    assert_shown([f"{one['carrier']} {int(one['right'])}" for one in said])


def test_a_learner_is_the_state_of_a_process_function_of_flink(folder):
    run(folder, python("HEADWATER_FLINK"), "job.py")
    assert_shown((folder / "right.txt").read_text().splitlines())
