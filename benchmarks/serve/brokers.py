"""Long proofs and rates of learning from brokers: 500 SIGKILLs of learner and broker, and rows a second beside the broker's own limit.

python -m benchmarks.serve.brokers                          # all brokers that are installed: kills, then rates
python -m benchmarks.serve.brokers --only redis --kills 500
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))

import headwater as hw  # noqa: E402 - behind the path
from benchmarks.serve.crash import loaded  # noqa: E402
from headwater.store.learner_file import fingerprint  # noqa: E402
from headwater.streams.brokers import open_source, read_address  # noqa: E402

BLOCK = 512
ROWS = 20_000


def kills(kind, proof, folder, n):
    """Kill learner and broker in rounds, each with a store and rows of its own, until n kills have hit."""
    done, rounds = {"learner": 0, "broker": 0, "both": 0}, 0
    share = dict(kind.kills)
    while sum(done.values()) < n:
        place = folder / f"{kind.__name__}{rounds}"
        place.mkdir()
        broker = kind(place)
        try:
            broker.fill(proof.ROWS)
            some = {who: 4 * times if who == "learner" else times for who, times in share.items()}
            hit = proof.follow_through_kills(
                place / "a.db", broker.address, proof.ROWS, kills=some, seed=rounds, kill_broker=broker.kill
            )
            proof.assert_learned_once(place / "a.db")
        finally:
            broker.close()
        rounds += 1
        for who, times in hit.items():
            done[who] += times
    words = ", ".join(f"{times} of the {who}" for who, times in done.items() if times)
    return f"{sum(done.values())} kills ({words}) over {rounds} stores, every state equal"


def rates(kind, proof, folder):
    """Return rows a second: read alone; read, journaled and learned; learned alone, from memory."""
    place = folder / f"{kind.__name__}rates"
    place.mkdir()
    broker = kind(place)
    where, mqtt = broker.address.replace("block=20", f"block={BLOCK}"), kind.__name__ == "Mqtt"
    n = ROWS // 10 if mqtt else ROWS  # Mosquitto, told to lose nothing, writes its whole queue at each change
    try:
        broker.fill(n)
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
    from support.processes.following import learner

    with hw.open(path, learner()) as model:
        began = time.perf_counter()
        model.learn_from(where, "y", drop=["id"], limit=n)
        return n / (time.perf_counter() - began)


def learn_alone(n):
    from support.processes.following import learner, row

    rows = [{name: value for name, value in row(i).items() if name in ("a", "c")} for i in range(n)]
    answers, model = [row(i)["y"] for i in range(n)], learner()
    began = time.perf_counter()
    for start in range(0, n, BLOCK):
        model.step_many(rows[start : start + BLOCK], answers[start : start + BLOCK])
    assert fingerprint(model)
    return n / (time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=["redis", "nats", "postgres", "mqtt", "kafka"])
    parser.add_argument("--kills", type=int, default=500, help="of each broker; 0 leaves them out")
    asked = parser.parse_args()
    proof = loaded(TESTS / "streams/brokers/test_kills.py")
    kinds = {kind.__name__.lower(): kind for kind in (proof.Redis, proof.Nats, proof.Postgres, proof.Mqtt, proof.Kafka)}
    print(f"learning alone, from memory: {learn_alone(ROWS):,.0f} rows/s", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for broker in asked.only:
            print(f"{broker}: {rates(kinds[broker], proof, Path(name))}", flush=True)
            if asked.kills:
                began = time.perf_counter()
                said = kills(kinds[broker], proof, Path(name), asked.kills)
                print(f"{broker}: {said} ({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
