"""Long proofs and rates of learning from brokers: 500 SIGKILLs at random system calls, and rows a second beside the broker's own.

python -m benchmarks.serve.brokers                                  # all brokers that are installed: rates, then kills
python -m benchmarks.serve.brokers --only redis --no-rates   # kills alone: one more round in results/kills.json
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))

import headwater as hw  # noqa: E402 - behind the path
from benchmarks.serve.kills import RESULTS, Round  # noqa: E402
from headwater.store.learner_file import fingerprint  # noqa: E402
from headwater.streams.brokers import open_source, read_address  # noqa: E402
from support.brokers.killing import Kills, built_killer, prove_kills  # noqa: E402
from support.brokers.kinds import BROKERS  # noqa: E402
from support.processes.following import learner, row  # noqa: E402

BLOCK = 512
ROWS = 20_000
KILLS_A_STORE = 25


def kills(kind, folder, n, found):
    """Kill the learner n times, with a new store and new rows every so often; every state must be equal."""
    done = Kills()
    place = folder / f"{kind.__name__}kills"
    place.mkdir()
    killer, broker = built_killer(place), kind(place)
    try:
        while done.total < n:
            some = min(KILLS_A_STORE, n - done.total)
            store = found.first + done.stores
            done.add(prove_kills(broker, place, f"rows{store}", kills=some, seed=store, killer=killer))
            found.keep(done)
            print(f"  {done.total} kills, {done.inside} inside a transaction", flush=True)
    finally:
        broker.close()
    return done


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


def commit():
    """Return the commit that is checked out; "" where there is no repository."""
    words = ["git", "-C", str(TESTS), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {kind.__name__.lower(): kind for kind in BROKERS}
    parser.add_argument("--only", nargs="*", default=list(kinds))
    parser.add_argument("--kills", type=int, default=500, help="of each broker; 0 leaves them out")
    parser.add_argument("--no-rates", action="store_true")
    parser.add_argument("--commit", default=commit(), help="what the round in the result file is said to have measured")
    parser.add_argument("--to", type=Path, default=RESULTS, help="the result file of the kills")
    asked = parser.parse_args()
    if not asked.no_rates:
        print(f"learning alone, from memory: {learn_alone(ROWS):,.0f} rows/s", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for broker in asked.only:
            if not asked.no_rates:
                print(f"{broker}: {rates(kinds[broker], Path(name))}", flush=True)
            if asked.kills:
                done = kills(kinds[broker], Path(name), asked.kills, Round(broker, asked.commit, asked.to))
                print(
                    f"{broker}: {done.total} kills, {done.inside} inside a transaction, every state equal", flush=True
                )


if __name__ == "__main__":
    main()
