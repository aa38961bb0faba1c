"""The clients of others work with the server as they are: Triton's (JSON, binary tensors and gRPC) and KServe's SDK.

They have an environment of their own, ``.envs/clients``, which ``make test`` makes where it can: KServe pins older versions of what
others need newer.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".envs" / "clients" / "bin" / "python"


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    words = [sys.executable, "-W", "ignore", "-c", "from headwater.cli import main; raise SystemExit(main())"]
    store = tmp_path_factory.mktemp("clients") / "a.db"
    options = ["serve", "--port", "0", "--grpc-port", "0", "--hidden", "4", "--seed", "1", "--store", str(store)]
    process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE, text=True)
    port, by_grpc = (int(process.stdout.readline().rsplit(":", 1)[1]) for _ in range(2))
    ask(port, "/learn", [{"x": {"a": i % 7, "c": "xyz"[i % 3]}, "y": ["no", "yes"][i % 7 > 3]} for i in range(60)])
    yield port, by_grpc
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=900) == 0
    process.stdout.close()


def ask(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    assert answer.status == 200
    value = json.loads(answer.read())
    connection.close()
    return value


@pytest.mark.skipif(
    not PYTHON.exists(), reason="no .envs/clients with Triton's and KServe's clients; make test makes it"
)
@pytest.mark.parametrize("name", ["triton", "triton-binary", "triton-grpc", "kserve", "kserve-grpc"])
def test_a_client_of_the_open_inference_protocol_gets_the_same_predictions(ports, name):
    port, by_grpc = ports
    expected = ask(port, "/predict", [{"x": {"a": a, "c": c}, "keep": False} for a, c in ((1, "x"), (6, "y"))])
    words = [
        str(PYTHON),
        str(ROOT / "tests" / "support" / "processes" / "clients.py"),
        str(by_grpc if "grpc" in name else port),
        name,
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=800, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["about"]["name"], found["id"]) == ("default", "7")
    assert found["said"] == [row["y_pred"] for row in expected]
    probabilities = [list(row["proba"].values()) for row in expected]
    np.testing.assert_allclose(np.reshape(found["proba"], (2, 2)), probabilities, atol=1e-6)
