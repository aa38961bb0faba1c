"""Bounds on connections, met with sockets: what a head may hold, how long a client may take, how many may be open."""

import json
import socket
import threading
import time

import pytest
import uvicorn

import headwater as hw
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import configured, listen, make_state

PATIENCE_S = 900
LIMITS = ServerLimits(
    connections=40, connections_per_client=20, header_s=1.0, idle_s=1.5, body_s=1.0, send_s=1.0, body_bytes=1_000_000
)


class Running:
    """A server in a thread."""

    def __init__(self, path, limits, loop="auto", **options):
        self.state = make_state(path, limits=limits, **options)
        self.state.service.change(self.state.service.models.create, "default", hw.Classifier(hidden=(4,), seed=1))
        sock = listen("127.0.0.1", 0)
        self.port = sock.getsockname()[1]
        config = configured(self.state)
        config.loop = loop
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [sock]})
        self.thread.start()

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def ask(self, data):
        """Send bytes on a connection of their own; return status, headers and body of the answer."""
        with self.connect() as sock:
            sock.sendall(data)
            return answered(sock)

    def wait_for(self, condition):
        until = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < until:
            threading.Event().wait(0.01)
        assert condition()

    def close(self):
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)


def answered(sock):
    """Read until the other side closes, or one answer with its body is whole."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            if len(body) >= int(headers.get(b"content-length", 0)):
                return int(head.split()[1]), headers, body
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return (int(data.split()[1]) if data else 0), {}, b""
        data += part


def closed(sock):
    """Wait until the other side has closed; say what it sent before."""
    data = b""
    try:
        while part := sock.recv(65536):
            data += part
    except ConnectionResetError:
        return data
    return data


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Running(tmp_path_factory.mktemp("connections") / "a.db", LIMITS)
    yield server
    server.close()


LIVE = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"x-long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"".join(b"x-%d: %d\r\n" % (i, i) for i in range(200)) + b"\r\n",
        b"".join(b"x-%d: %s\r\n" % (i, b"b" * 500) for i in range(90)) + b"\r\n",
    ],
    ids=["one long header", "many headers", "many large headers"],
)
def test_a_head_beyond_the_limit_is_a_431(server, head):
    status, _, body = server.ask(LIVE + head)
    assert status == 431
    assert json.loads(body)["code"] == "head_too_large"


def test_a_long_address_is_a_431_and_so_are_trailers_and_empty_lines_without_end(server):
    assert server.ask(b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")[0] == 431
    assert server.ask(b"\r\n" * 40_000)[0] == 431
    chunked = b"POST /learn HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    for rest in (b"0\r\n" + b"x: y\r\n" * 20_000, b"0\r\nx: " + b"a" * 200_000, b"5;" + b"e" * 200_000):
        with server.connect() as sock:  # a request is at work, so that nothing can be said: the connection ends
            sock.sendall(chunked)
            server.wait_for(lambda: any(not one.waits for one in list(server.state.connections.open)))
            try:
                sock.sendall(rest)
            except ConnectionError:
                continue
            assert closed(sock) == b""


def test_headers_that_never_end_get_a_408_and_one_who_says_nothing_is_let_go(server):
    with server.connect() as slow, server.connect() as silent:
        slow.sendall(LIVE)
        status, _, body = answered(slow)
        assert (status, json.loads(body)["code"]) == (408, "too_slow")
        assert closed(silent) == b""


def test_headers_that_drip_are_ended_by_the_same_deadline(server):
    began = time.monotonic()
    with server.connect() as sock:
        stop = threading.Event()

        def drip():
            while not stop.wait(0.05):
                try:
                    sock.sendall(b"x: y\r\n")
                except OSError:
                    return

        sock.sendall(LIVE)
        thread = threading.Thread(target=drip)
        thread.start()
        assert answered(sock)[0] in (408, 0)
        stop.set()
        thread.join()
    assert time.monotonic() - began >= LIMITS.header_s


def test_an_idle_connection_is_closed_and_a_used_one_is_not(server):
    with server.connect() as sock:
        began = time.monotonic()
        while time.monotonic() - began < 2 * LIMITS.idle_s:
            sock.sendall(LIVE + b"\r\n")
            assert answered(sock)[0] == 200
            threading.Event().wait(0.2)
        assert closed(sock) == b""


def test_a_body_that_does_not_come_and_a_body_that_nobody_wants_are_given_up(server):
    with server.connect() as sock:
        sock.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        assert answered(sock)[0] == 408
        assert closed(sock) == b""
    for head in (b"content-length: 100\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n5;x"):  # nothing of it comes
        with server.connect() as sock:
            sock.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\n" + head)
            assert closed(sock) == b""
    with server.connect() as sock:
        sock.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        assert answered(sock)[0] == 200
        assert closed(sock) == b""


def test_a_client_that_does_not_read_is_let_go(server):
    before = server.state.connections.closed["slow"]
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET /page/plotly.js HTTP/1.1\r\nhost: localhost\r\n\r\n" * 10)
        server.wait_for(lambda: server.state.connections.closed["slow"] > before)


def test_a_client_that_does_not_read_is_let_go_also_when_it_was_refused(server):
    before = server.state.connections.closed["slow"]
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not any(one.transport.get_write_buffer_size() for one in list(server.state.connections.open)):
            sock.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n")
            threading.Event().wait(0.05)  # each is answered before the next is sent
        sock.sendall(b"\x00\r\n\r\n")
        server.wait_for(lambda: server.state.connections.closed["slow"] > before)
        server.wait_for(lambda: not server.state.connections.open)


def test_requests_sent_ahead_without_end_close_the_connection(server):
    with server.connect() as sock:
        sock.sendall((LIVE + b"\r\n") * 10)
        assert answered(sock)[0] == 200
    with server.connect() as sock:
        try:
            sock.sendall((LIVE + b"\r\n") * 5000)
        except ConnectionError:
            return
        assert closed(sock).count(b"HTTP/1.1 200") < 5000


def test_of_too_many_connections_those_that_wait_longest_go_and_a_client_that_asks_stays(server):
    with server.connect() as good:
        good.sendall(LIVE + b"\r\n")
        assert answered(good)[0] == 200
        slow = [server.connect() for _ in range(60)]
        try:
            server.wait_for(lambda: server.state.connections.closed["evicted"] >= 41)
            assert len(server.state.connections.open) <= LIMITS.connections_per_client
            good.sendall(LIVE + b"\r\n")
            assert answered(good)[0] == 200
            with server.connect() as fresh:
                fresh.sendall(LIVE + b"\r\n")
                assert answered(fresh)[0] == 200
        finally:
            for sock in slow:
                sock.close()


@pytest.mark.parametrize(
    "data",
    [
        b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PURGE /learn HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"TRACE /learn HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"HEAD /nowhere HTTP/1.0\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /models HTTP/1.1\r\nhost: [::1\r\n\r\n",
        b"GET /page/" + b"a" * 300 + b".js HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /page/%00.js HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /page/..%2fapp.py HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: " + b"9" * 40 + b"\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /models/default/%ff HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_whatever_is_sent_gets_a_4xx(server, data):
    assert 400 <= server.ask(data)[0] < 500


@pytest.mark.parametrize("data", [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_refused_in_the_format_of_all_errors(server, data):
    status, headers, body = server.ask(data)
    assert (status, headers[b"content-type"]) == (400, b"application/json")
    said = json.loads(body)
    assert (said["error"], said["code"]) == ("expected an HTTP request, got something else", "invalid")
    assert said["help"].startswith("Send HTTP/1.1, and not TLS")


def test_a_body_longer_than_its_content_length_is_answered_and_then_the_rest_is_refused(server):
    body = b'{"x": {"a": 1}, "y": "u"}'
    head = b"POST /learn HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    for sent in (head % len(body) + body + b"}}}} and more\r\n\r\n", (head % len(body) + body) * 2 + b"\x00\r\n\r\n"):
        with server.connect() as sock:
            sock.sendall(sent)
            said = closed(sock)
            assert said.count(b"HTTP/1.1 200") == sent.count(b"POST /learn")
            assert said.count(b"HTTP/1.1 400") == 1
            assert said.index(b"HTTP/1.1 400") > said.rindex(b"HTTP/1.1 200")
            assert b"expected an HTTP request, got something else" in said


def test_a_websocket_is_not_spoken_and_head_of_the_stream_ends(server):
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    head = b"GET /events HTTP/1.1\r\nhost: localhost\r\nsec-websocket-version: 13\r\n"
    with server.connect() as sock:
        sock.sendall(head + upgrade + b"\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    with server.connect() as sock:
        sock.sendall(b"HEAD /events HTTP/1.1\r\nhost: localhost\r\n\r\n" + LIVE + b"\r\n")
        assert answered(sock)[0] == 200
