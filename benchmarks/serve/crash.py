"""Long proofs of the store and the server: 500 kills of each, every position of the tail, 10,000 hostile requests.

python -m benchmarks.serve.crash                                 # some minutes; says what it proved
python -m benchmarks.serve.crash 50 --step 50 --hostile 500      # a short run
"""

import argparse
import importlib.util
import itertools
import sys
import tempfile
import time
import warnings
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"
KILLS_A_STORE = 50


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem + "_proof", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(what, work):
    began = time.perf_counter()
    print(f"{what}: {work()} ({time.perf_counter() - began:.0f} s)", flush=True)


def kills_of_the_store(folder, kills):
    proof, child = (loaded(TESTS / path) for path in ("store/journal/test_crash.py", "support/processes/storing.py"))
    done, tasks = 0, itertools.cycle(child.LEARNERS)
    for life in range(-(-kills // KILLS_A_STORE)):
        path, task = folder / f"store{life}.db", next(tasks)
        done += proof.crash_and_resume(path, task, min(KILLS_A_STORE, kills - done), seed=100 + life)
        with proof.hw.open(path) as model:
            assert model.seq == child.ALL
            assert proof.fingerprint(model.learner) == proof.fingerprint(child.uninterrupted(task))
    return f"{done} kills, every state equal"


def kills_of_the_server(folder, kills):
    loaded(TESTS / "serve" / "test_crash.py").prove(folder / "server.db", kills, seed=99)
    return f"{kills} kills, every acknowledged example there once, state equal"


def tails(folder, step):
    path = folder / "tails"
    path.mkdir()
    return f"{loaded(TESTS / 'store/journal/test_damage.py').prove_tail(path, step=step)} damaged tails opened"


def hostile(folder, n):
    proof = loaded(TESTS / "serve" / "test_contract.py")
    state = proof.make_state(folder / "hostile.db", limits=proof.ServerLimits(rows=200, body_bytes=100_000))
    state.service.change(state.service.models.create, "default", proof.hw.Classifier(hidden=(4,), seed=1))
    with proof.TestClient(proof.build(state)) as client:
        client.post("/learn", json=[{"x": {"a": i}, "y": "ab"[i % 2]} for i in range(10)])
        before = client.get("/models/default").json()["state"]
        proof.send_hostile(client, n, seed=5)
        assert client.get("/models/default").json()["state"] == before
    return f"{n} hostile requests, state unchanged"


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=500, help="of the store, and of the server")
    parser.add_argument("--step", type=int, default=1, help="every so many positions of the tail")
    parser.add_argument("--hostile", type=int, default=10_000, help="requests")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(TESTS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        timed("store", lambda: kills_of_the_store(folder, asked.kills))
        timed("server", lambda: kills_of_the_server(folder, asked.kills))
        timed("tails", lambda: tails(folder, asked.step))
        timed("hostile", lambda: hostile(folder, asked.hostile))


if __name__ == "__main__":
    main()
