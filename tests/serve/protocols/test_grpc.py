"""The Open Inference Protocol by gRPC says what HTTP says, to the bit, and refuses with gRPC's own statuses."""

import asyncio
import contextlib
import socket
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from headwater.cli import main
from headwater.serve.app import build
from headwater.serve.http.access.access import Access
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from serve.protocols.made import MADE

grpc = pytest.importorskip("grpc")

from headwater.serve.protocols import grpc_server  # noqa: E402
from headwater.serve.protocols.grpc_messages import SERVICE, message  # noqa: E402
from headwater.serve.protocols.grpc_server import GrpcServer  # noqa: E402

LIMITS = ServerLimits(body_bytes=100_000, rows=1000)


@pytest.fixture
def state(tmp_path, request):
    asked = getattr(request, "param", "classify")
    kind, limits = ("classify", asked) if isinstance(asked, ServerLimits) else (asked, LIMITS)
    state = make_state(tmp_path / "a.db", limits=limits)
    state.service.change(state.service.models.create, "default", MADE[kind][0]())
    state.grpc = GrpcServer("127.0.0.1", 0, limits)
    yield state
    state.close()


def examples(kind="classify"):
    _, label = MADE[kind]
    return [{"x": row(i)} | ({} if label is None else {"y": label(i)}) for i in range(60)]


def row(i):
    return {"a": i % 7 / 3, "c": "xyz"[i % 3]}


def call(state, name, asked=None, **metadata):
    """Return what a call says, in the messages of the protocol."""
    ask, reply = message(f"{name}Request"), message(f"{name}Response")
    with grpc.insecure_channel(state.grpc.address) as channel:
        method = channel.unary_unary(f"/{SERVICE}/{name}", ask.SerializeToString, reply.FromString)
        return method(asked or ask(), metadata=tuple(metadata.items()), timeout=60)


def refused(state, name, asked, **metadata):
    with pytest.raises(grpc.RpcError) as error:
        call(state, name, asked, **metadata)
    return error.value.code().name, error.value.details()


def tensors(rows, *, raw, name="default", outputs=()):
    asked = message("ModelInferRequest")(model_name=name, id="7", outputs=[{"name": one} for one in outputs])
    numbers, texts = [x["a"] for x in rows], [x["c"].encode() for x in rows]
    a, c = (asked.inputs.add(name=n, datatype=t, shape=[len(rows)]) for n, t in (("a", "FP64"), ("c", "BYTES")))
    if raw:
        parts = (len(text).to_bytes(4, "little") + text for text in texts)
        asked.raw_input_contents.extend([np.array(numbers).tobytes(), b"".join(parts)])
    else:
        a.contents.fp64_contents.extend(numbers)
        c.contents.bytes_contents.extend(texts)
    return asked


def by_http(client, rows):
    body = {
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [len(rows)], "data": [x["a"] for x in rows]},
            {"name": "c", "datatype": "BYTES", "shape": [len(rows)], "data": [x["c"] for x in rows]},
        ]
    }
    return client.post("/v2/models/default/infer", json=body).json()["outputs"]


def values(answer):
    """Return the outputs of an answer as HTTP writes them."""
    out = []
    for i, tensor in enumerate(answer.outputs):
        kind, shape = tensor.datatype, list(tensor.shape)
        if answer.raw_output_contents:
            data = answer.raw_output_contents[i]
            found = texts_of(data) if kind == "BYTES" else np.frombuffer(data, np.float64).tolist()
        elif kind == "BYTES":
            found = [text.decode() for text in tensor.contents.bytes_contents]
        else:
            found = list(tensor.contents.fp64_contents)
        out.append({"name": tensor.name, "datatype": kind, "shape": shape, "data": found})
    return out


def texts_of(data):
    out = []
    while data:
        n = int.from_bytes(data[:4], "little")
        out.append(data[4 : 4 + n].decode())
        data = data[4 + n :]
    return out


@pytest.mark.parametrize(("state", "kind"), [(kind, kind) for kind in MADE], indirect=["state"])
def test_each_kind_says_by_grpc_what_it_says_by_http_to_the_bit(client, state, kind):
    assert client.post("/learn", json=examples(kind)).status_code == 200
    rows = [row(i) for i in range(5)]
    expected = by_http(client, rows)
    for raw in (True, False):
        answer = call(state, "ModelInfer", tensors(rows, raw=raw))
        assert (answer.model_name, answer.model_version, answer.id) == ("default", "1", "7")
        assert values(answer) == expected
        assert bool(answer.raw_output_contents) is raw
    about = call(state, "ModelMetadata", message("ModelMetadataRequest")(name="default"))
    told = client.get("/v2/models/default").json()
    for mine, its in ((about.inputs, told["inputs"]), (about.outputs, told["outputs"])):
        assert [(one.name, one.datatype, list(one.shape)) for one in mine] == [
            (one["name"], one["datatype"], one["shape"]) for one in its
        ]
    only = call(state, "ModelInfer", tensors(rows, raw=True, outputs=["y_pred"]))
    assert values(only) == expected[:1]


@pytest.mark.usefixtures("client")
def test_the_server_says_that_it_is_alive_and_ready_and_what_it_is(state):
    assert call(state, "ServerLive").live
    assert call(state, "ServerReady").ready
    assert call(state, "ModelReady", message("ModelReadyRequest")(name="default")).ready
    about = call(state, "ServerMetadata")
    assert (about.name, list(about.extensions)) == ("headwater", ["binary_tensor_data"])


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"model_name": "nope"}, "NOT_FOUND", "expected a model of this store, got 'nope' — at model. Known: default."),
        ({"shape": [3]}, "INVALID_ARGUMENT", "expected 24 bytes, as the shape says, got 16 — at inputs[0]."),
        ({"shape": [1, 1, 2]}, "INVALID_ARGUMENT", "expected a shape [rows] or [rows, columns], got [1, 1, 2]"),
        ({"datatype": "INT64"}, "INVALID_ARGUMENT", "expected values of INT64 in int64_contents, got fp64_contents"),
        ({"datatype": "FP8"}, "INVALID_ARGUMENT", "expected a datatype of BOOL, INT8"),
        ({"output": "q"}, "INVALID_ARGUMENT", "expected outputs of ['proba', 'y_pred'], got ['q'] — at outputs."),
        ({"raw": b"12345678"}, "INVALID_ARGUMENT", "expected 2 raw_input_contents, one an input, got 1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_with_its_status(client, state, change, status, sentence):
    client.post("/learn", json=examples())
    asked = tensors([row(0), row(1)], raw=False)
    asked.model_name = change.get("model_name", "default")
    asked.inputs[0].datatype = change.get("datatype", "FP64")
    if "shape" in change:
        asked.inputs[0].shape[:] = change["shape"]
    if "output" in change:
        asked.outputs.add(name=change["output"])
    asked.raw_input_contents.extend([change["raw"]] if "raw" in change else [])
    code, words = refused(state, "ModelInfer", asked)
    assert code == status
    assert words.startswith(sentence)


@pytest.mark.usefixtures("client")
def test_values_beyond_their_datatype_and_other_bytes_are_refused(state):
    asked = message("ModelInferRequest")(model_name="default")
    asked.inputs.add(name="a", datatype="INT8", shape=[1]).contents.int_contents.append(300)
    code, words = refused(state, "ModelInfer", asked)
    assert (code, words.partition(",")[0]) == ("INVALID_ARGUMENT", "expected values of INT8")
    _, words = refused(state, "ModelInfer", message("ModelInferRequest")(model_name="default"))
    assert words.startswith("expected a list of inputs, got an empty one — at inputs.")
    with grpc.insecure_channel(state.grpc.address) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/{SERVICE}/ModelInfer")(b"\xff\xff", timeout=60)
    assert error.value.details().startswith("expected a message ModelInferRequest, got other bytes — at body.")


@pytest.mark.usefixtures("client")
def test_too_many_rows_and_too_large_a_message_are_refused(state):
    code, words = refused(state, "ModelInfer", tensors([row(i) for i in range(1001)], raw=True))
    assert (code, "limit rows" in words) == ("INVALID_ARGUMENT", True)
    many = tensors([row(i) for i in range(10_000)], raw=True)
    assert refused(state, "ModelInfer", many)[0] == "RESOURCE_EXHAUSTED"


@pytest.mark.usefixtures("client")
def test_a_token_is_asked_for_as_by_http(state):
    state.access = Access({"r" * 16: "read", "b" * 16: "label"})
    asked = tensors([row(0)], raw=True)
    assert call(state, "ServerLive").live
    code, words = refused(state, "ModelInfer", asked)
    assert (code, words.partition(".")[0]) == (
        "UNAUTHENTICATED",
        "expected a token, got none that is valid — at Authorization",
    )
    assert refused(state, "ModelInfer", asked, authorization="Bearer " + "b" * 16)[0] == "PERMISSION_DENIED"
    assert call(state, "ModelInfer", asked, authorization="Bearer " + "r" * 16).model_name == "default"


def test_a_call_is_counted_beside_those_of_http(client, state):
    call(state, "ModelInfer", tensors([row(0)], raw=True))
    refused(state, "ModelInfer", tensors([row(0)], raw=True, name="nope"))
    lines = [line for line in client.get("/metrics").text.splitlines() if 'endpoint="infer"' in line]
    assert any('status="200"' in line and line.endswith(" 1.0") for line in lines)
    assert any('status="404"' in line and line.endswith(" 1.0") for line in lines)


@pytest.mark.parametrize(
    ("port", "sentence"),
    [
        ("taken", "expected an address to listen at"),
        ("99999", "expected a port from 0 to 65535, got 99999 — at --grpc"),
    ],
)
def test_a_port_that_cannot_be_is_told_before_anything_starts(tmp_path, monkeypatch, capsys, state, port, sentence):
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    own = state.grpc.address.rpartition(":")[2] if port == "taken" else port
    assert main(["serve", "--port", "0", "--grpc-port", own]) == 2
    assert sentence in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def is_live(channel):
    ask, reply = message("ServerLiveRequest"), message("ServerLiveResponse")
    method = channel.unary_unary(f"/{SERVICE}/ServerLive", ask.SerializeToString, reply.FromString)
    return method(ask(), timeout=120, wait_for_ready=True).live


def own_connection(state):
    return grpc.insecure_channel(state.grpc.address, options=[("grpc.use_local_subchannel_pool", 1)])


def silent_connections(state, count, own="127.0.0.1"):
    host, port = state.grpc.address.rsplit(":", 1)
    for _ in range(count):
        yield socket.create_connection((host, int(port)), timeout=120, source_address=(own, 0))


def read_to_its_end(sock):
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(4096):
            pass


@pytest.mark.parametrize("state", [ServerLimits(connections=3, header_s=1.0)], indirect=True)
def test_connections_are_bounded_and_those_that_say_nothing_are_closed(client, state):
    with contextlib.ExitStack() as silent:
        sockets = [silent.enter_context(one) for one in silent_connections(state, 5)]
        for one in sockets[:2]:
            read_to_its_end(one)
        assert all(one.recv(1) for one in sockets[2:])
        assert 'headwater_connections_closed_total{reason="evicted"} 2.0' in client.get("/metrics").text
        with own_connection(state) as channel:
            assert is_live(channel)


@pytest.mark.parametrize("state", [ServerLimits(connections_per_client=2)], indirect=True)
@pytest.mark.usefixtures("client")
def test_connections_of_one_address_leave_room_to_another_address(state):
    if sys.platform != "linux":
        pytest.skip("this machine has one address of its own")
    with contextlib.ExitStack() as silent, own_connection(state) as channel:
        assert is_live(channel)
        others = [silent.enter_context(one) for one in silent_connections(state, 6, own="127.0.0.2")]
        for one in others[:4]:
            read_to_its_end(one)
        assert all(one.recv(1) for one in others[4:])
        assert is_live(channel)
        assert sorted(state.connections.open.values()) == ["127.0.0.1", "127.0.0.2", "127.0.0.2"]


@pytest.mark.parametrize("state", [ServerLimits(connections_per_client=1)], indirect=True)
@pytest.mark.usefixtures("client")
def test_a_connection_with_a_call_at_work_is_not_closed_for_another(state, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    infer = grpc_server._asked

    async def held(app, scope, body):
        begun.set()
        await asyncio.to_thread(go_on.wait, 120)
        return await infer(app, scope, body)

    monkeypatch.setattr(grpc_server, "_asked", held)
    with own_connection(state) as channel, contextlib.ExitStack() as silent, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(is_live, channel)
        assert begun.wait(120)
        (other,) = (silent.enter_context(one) for one in silent_connections(state, 1))
        read_to_its_end(other)
        go_on.set()
        assert waiting.result(120)


@pytest.mark.parametrize("state", [ServerLimits()], indirect=True)
def test_a_message_larger_than_every_buffer_passes_both_ways(client, state):
    rows = [row(i) for i in range(50_000)]
    assert values(call(state, "ModelInfer", tensors(rows, raw=True))) == by_http(client, rows)


@pytest.mark.parametrize("state", [ServerLimits(connections=1, idle_s=0.5)], indirect=True)
@pytest.mark.usefixtures("client")
def test_a_connection_without_calls_makes_room_for_another(state):
    with own_connection(state) as first, own_connection(state) as second:
        assert is_live(first)
        assert is_live(second)
        assert is_live(first)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_every_event_loop_passes_on_what_a_client_says_first(state, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
        from starlette.testclient import TestClient
    with TestClient(build(state), backend_options={"use_uvloop": loop == "uvloop"}):
        for _ in range(20):
            with own_connection(state) as channel:
                assert is_live(channel)
