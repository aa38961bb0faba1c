"""Requests that were once answered by a 500, or by a traceback in the log: each gets a sentence of its own, or none."""

import gzip
import json
import logging
import socket
import struct
import time
import warnings

import pytest

import headwater as hw
from headwater.serve.app import build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from serve.http.test_connections import Running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

RESET = struct.pack("ii", 1, 0)
EVENTS = b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(params=["classify", "regress", "anomaly", "decide", "multioutput"])
def taught(request, tmp_path):
    """A client of a server whose model of some kind has learned 50 rows."""
    made = {
        "classify": (hw.Classifier(seed=1), lambda i: {"y": "ab"[i % 2]}),
        "regress": (hw.Regressor(seed=1), lambda i: {"y": i % 7}),
        "anomaly": (hw.Anomaly(seed=1), lambda i: {}),
        "decide": (hw.Bandit(seed=1), lambda i: {"y": ["ab"[i % 2], i % 3, 0.5]}),
        "multioutput": (hw.MultiOutput(seed=1), lambda i: {"y": {"a": "xy"[i % 2], "b": i % 5}}),
    }
    learner, answer = made[request.param]
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", learner)
    with TestClient(build(state)) as client:
        rows = [{"x": {"a": i % 7}, **answer(i)} for i in range(50)]
        assert client.post("/learn", json=rows).status_code == 200
        yield client
    state.close()


def test_a_sample_without_values_is_explained(taught):
    answer = taught.post("/explain", json={"x": {}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert all("contributions" in one for one in found.get("outputs", {"": found}).values())


@pytest.fixture
def client(tmp_path):
    state = make_state(tmp_path / "a.db")
    state.service.change(state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
    with TestClient(build(state)) as client:
        yield client
    state.close()


@pytest.mark.parametrize(
    ("body", "what_to_do"),
    [
        ('{"x": {"a": NaN}, "y": 1}', "null is a missing value, as NaN and infinity are none"),
        ('{"x": {"a": 9223372036854775808}, "y": 1}', "sent as a text if it names something"),
        ('{"x": {"a": -9223372036854775809}, "y": 1}', "sent as a text if it names something"),
        ('{"x": {"a": 1}, "y": 18446744073709551615}', "sent as a text if it names something"),
    ],
)
def test_what_json_has_not_for_a_number_is_told_what_to_send_instead(client, body, what_to_do):
    answer = client.post("/learn", content=body)
    assert answer.status_code == 400
    assert what_to_do in answer.json()["help"]


@pytest.mark.parametrize(
    ("address", "body", "place", "kind"),
    [
        ("/learn", '{"x": {"a": 1, "a": 2}, "y": 1}', "body", "application/json"),
        ("/learn", '[{"x": {"a": 1}, "y": 1}, {"x": {"b": 1}, "y": 1, "x": {}}]', "body", "application/json"),
        (
            "/learn",
            '{"x": {"a": 1}, "y": 1}\n{"x": {"a": 1, "b": 3, "a": 2}, "y": 1}',
            "line 2",
            "application/x-ndjson",
        ),
        ("/predict", '{"x": {"a": 1, "a" : 1}}', "body", "application/json"),
        ("/ask", '{"rows": [{"a": 1}, {"a": 1, "a": 2}]}', "body", "application/json"),
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_refused_and_nothing_is_learned(client, address, body, place, kind):
    answer = client.post(address, content=body, headers={"content-type": kind})
    assert answer.status_code == 400, answer.text
    said = answer.json()
    assert said["error"].startswith("expected each name once in a JSON object, got "), said
    assert (said["at"], said["code"]) == (place, "invalid")


@pytest.mark.parametrize("digits", ["9" * 5000, "9" * 30, "0" * 5000 + "2", "²"])
def test_a_length_of_the_json_part_that_is_no_length_is_a_400(client, digits):
    answer = client.post(
        "/v2/models/default/infer",
        content=b"{}",
        headers={"inference-header-content-length": digits.encode("latin-1")},
    )
    assert answer.status_code == 400
    assert answer.json()["at"] == "Inference-Header-Content-Length"


@pytest.mark.parametrize("kind", ["BYTES", "FP64", "BOOL"])
@pytest.mark.parametrize("shape", [[0, 2**62], [0, 10**30], [2**62, 0], [0, 1_000_000_000], [0, 1_000_001]])
def test_a_tensor_of_nothing_may_not_be_of_any_shape(client, kind, shape):
    tensor = {"name": "a", "datatype": kind, "shape": shape}
    for data in ({"data": []}, {"parameters": {"binary_data_size": 0}}):
        answer = client.post("/v2/models/default/infer", json={"inputs": [tensor | data]})
        assert answer.status_code == 400
        assert answer.json()["code"] == "limit"


@pytest.mark.parametrize("kind", [["FP64"], {"FP64": 1}, 7, None, "FP8"])
def test_a_tensor_of_no_known_datatype_is_told_the_known_ones(client, kind):
    tensor = {"name": "a", "datatype": kind, "shape": [1]}
    for data in ({"data": [1.0]}, {"parameters": {"binary_data_size": 0}}):
        answer = client.post("/v2/models/default/infer", json={"inputs": [tensor | data]})
        assert answer.status_code == 400
        assert "a datatype of BOOL, UINT8, " in answer.text
        assert "FP64, BYTES" in answer.text


def test_tensors_without_rows_are_predicted_as_no_rows(client):
    began = time.process_time()
    tensor = {"name": "a", "datatype": "FP64", "shape": [0, 1_000_000], "data": []}
    answer = client.post("/v2/models/default/infer", json={"inputs": [tensor]})
    assert (answer.status_code, answer.json()["outputs"][0]["shape"]) == (200, [0])
    assert time.process_time() - began < 3  # a column was made of each, in 14 seconds


def test_a_query_of_hundreds_of_parameters_is_a_400(client):
    answer = client.get("/score?" + "&".join(["key=1"] * 200))
    assert (answer.status_code, answer.json()["at"]) == (400, "query")


@pytest.mark.parametrize("path", ["/models/", "/models/default/", "/health/live/", "/openapi.json/", "/playground/"])
@pytest.mark.parametrize("host", ["evil.example", "localhost"])
def test_no_address_leads_to_another_that_the_host_names(client, path, host):
    answer = client.get(path, headers={"host": host}, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers


# ---- clients that leave --------------------------------------------------------------------------------------------


@pytest.fixture(params=["auto", "asyncio"])
def server(request, tmp_path):
    server = Running(tmp_path / "a.db", ServerLimits(header_s=5, idle_s=5, body_s=5, send_s=5), loop=request.param)
    yield server
    server.close()


def leaves(server, data, read=0):
    with server.connect() as sock:
        sock.sendall(data)
        if read:
            sock.recv(read)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_clients_that_leave_write_no_error_and_leave_no_stream_behind(server, caplog):
    body = json.dumps([{"x": {f"k{i}": 1.0 for i in range(200)}}] * 100).encode()
    whole = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    with caplog.at_level(logging.INFO):
        for data in (whole, whole[:60], whole[:-10], whole * 3, EVENTS, EVENTS * 3, EVENTS + whole):
            for read in (0, 100):
                if read and data in (whole[:60], whole[:-10]):
                    continue  # nothing is answered
                leaves(server, data, read)
        server.wait_for(lambda: not server.state.connections.open)
        server.wait_for(lambda: not server.state.streams.total())
    assert server.state.bytes_at_work == 0
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("body", "got", "remedy"),
    [
        (b"", "an empty body", "Send a JSON object."),
        (b" \n", "an empty body", "Send a JSON object."),
        (b'\xef\xbb\xbf{"x": {}}', "a byte order mark before it", "Send UTF-8 without a byte order mark."),
        (gzip.compress(b'{"x": {}}'), "gzip", "Send it unpacked, without Content-Encoding."),
        (b'{"x": {"a": "\\ud83d"}}', "half of a surrogate pair", "A text was cut inside a character, such as an emoji"),
        (b'{"x": {"a": "\\ude00\\ud83d\\ude00"}}', "half of a surrogate pair", "A text was cut inside a character"),
        (b'{"x": {"a": "\\\\ud83d"', "Input data was truncated", "Send valid JSON."),
    ],
)
@pytest.mark.parametrize("address", ["/predict", "/ask"])
def test_a_body_that_is_no_json_is_named_for_what_it_is(client, address, body, got, remedy):
    response = client.post(address, content=body)
    assert response.status_code == 400
    said = response.json()
    assert (said["error"], said["code"]) == (f"expected JSON, got {got}", "not_json")
    assert said["help"].startswith(remedy)
    assert said["help"].endswith("Nothing was learned.")


def test_whole_emojis_are_read_however_they_are_escaped(client):
    for text in (b'"\\ud83d\\ude00"', '"😀"'.encode()):
        assert client.post("/predict", content=b'{"x": {"a": ' + text + b"}}").status_code == 200
