"""Long proofs and rates of learning from brokers: 500 SIGKILLs at random system calls, and rows a second beside the broker's own.

python -m benchmarks.serve.brokers                                  # all brokers that are installed: rates, then kills
python -m benchmarks.serve.brokers --only redis --no-rates   # kills alone; its entry in results/kills.json
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"
RESULTS = Path(__file__).parents[1] / "results" / "kills.json"
sys.path.insert(0, str(TESTS))

import headwater as hw  # noqa: E402 - behind the path
from headwater.store.learner_file import fingerprint  # noqa: E402
from headwater.streams.brokers import open_source, read_address  # noqa: E402
from support.brokers.killing import Kills, built_killer, prove_kills  # noqa: E402
from support.brokers.kinds import BROKERS  # noqa: E402
from support.processes.following import learner, row  # noqa: E402

BLOCK = 512
ROWS = 20_000
KILLS_A_STORE = 25
# What the number of a system call means on this machine, where its headers are installed.
CALLS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def kills(kind, folder, n, to):
    """Kill the learner n times, with a new store and new rows every so often; every state must be equal."""
    done, began = Kills(), time.perf_counter()
    place = folder / f"{kind.__name__}kills"
    place.mkdir()
    killer, broker = built_killer(place), kind(place)
    try:
        while done.total < n:
            some = min(KILLS_A_STORE, n - done.total)
            hit = prove_kills(broker, place, f"rows{done.stores}", kills=some, seed=done.stores, killer=killer)
            done.add(hit)
            keep(kind.__name__.lower(), done, time.perf_counter() - began, to)
            print(f"  {done.total} kills, {done.inside} inside a transaction", flush=True)
    finally:
        broker.close()
    return done


def keep(name, done, seconds, to):
    """Write what was found so far as the broker's entry of the result file."""
    found = {"headwater": version("headwater"), "date": time.strftime("%Y-%m-%d"), "python": platform.python_version()}
    counted = {named(number): count for number, count in done.calls.most_common()}
    found |= (
        {"kills": done.total} | asdict(done) | {"calls": counted, "seconds": round(seconds), "cores": os.cpu_count()}
    )
    known = json.loads(to.read_text()) if to.exists() else {}
    to.write_text(json.dumps(known | {name: found}, indent=1) + "\n")


def named(number):
    """Return the name of a system call; its number where nothing knows it."""
    if CALLS.exists():
        for line in CALLS.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[2] == str(number):
                return words[1].removeprefix("__NR_")
    return str(number)


def rates(kind, folder):
    """Return rows a second: read alone; read, journaled and learned."""
    place = folder / f"{kind.__name__}rates"
    place.mkdir()
    broker, mqtt = kind(place), kind.__name__ == "Mqtt"
    where = broker.address("rows", block=BLOCK, **({"id": "id"} if broker.repeats else {}))
    n = ROWS // 10 if mqtt else ROWS  # Mosquitto, told to lose nothing, writes its whole queue at each change
    try:
        broker.make("rows")
        broker.put("rows", (json.dumps(row(i)).encode() for i in range(n)))
        learn = durable(place / "a.db", where, n)
        if mqtt:  # what is acknowledged is gone
            return f"{learn:,.0f} rows/s journaled and learned"
        return f"{read_alone(where, n):,.0f} rows/s read alone, {learn:,.0f} journaled and learned"
    finally:
        broker.close()


def read_alone(where, n):
    source = open_source(read_address(where))
    source.open({})
    began, read = time.perf_counter(), 0
    while read < n:
        read += len(source.read(BLOCK, 1.0))
    took = time.perf_counter() - began
    source.close()
    return n / took


def durable(path, where, n):
    with hw.open(path, learner()) as model:
        began = time.perf_counter()
        model.learn_from(where, "y", drop=["id"], limit=n)
        return n / (time.perf_counter() - began)


def learn_alone(n):
    rows = [{name: value for name, value in row(i).items() if name in ("a", "c")} for i in range(n)]
    answers, model = [row(i)["y"] for i in range(n)], learner()
    began = time.perf_counter()
    for start in range(0, n, BLOCK):
        model.step_many(rows[start : start + BLOCK], answers[start : start + BLOCK])
    assert fingerprint(model)
    return n / (time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {kind.__name__.lower(): kind for kind in BROKERS}
    parser.add_argument("--only", nargs="*", default=list(kinds))
    parser.add_argument("--kills", type=int, default=500, help="of each broker; 0 leaves them out")
    parser.add_argument("--no-rates", action="store_true")
    parser.add_argument("--to", type=Path, default=RESULTS, help="the result file of the kills")
    asked = parser.parse_args()
    if not asked.no_rates:
        print(f"learning alone, from memory: {learn_alone(ROWS):,.0f} rows/s", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for broker in asked.only:
            if not asked.no_rates:
                print(f"{broker}: {rates(kinds[broker], Path(name))}", flush=True)
            if asked.kills:
                done = kills(kinds[broker], Path(name), asked.kills, asked.to)
                print(
                    f"{broker}: {done.total} kills, {done.inside} inside a transaction, every state equal", flush=True
                )


if __name__ == "__main__":
    main()
