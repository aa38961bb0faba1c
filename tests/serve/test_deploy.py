"""What docs/how-to/deploy.md says of systemd and nginx holds: the unit's exposure, where the server writes, whom a proxy names."""

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.serve.http.access.access import read_tokens
from headwater.serve.http.access.client import is_among, read_proxies
from support.serving_host import held_port

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
CODE = "from headwater.cli import main; raise SystemExit(main())"
PATIENCE_S = 900
TOKEN = "t" * 20


def block(language):
    return re.search(rf"```{language}\n(.*?)```", DEPLOY, re.S)[1]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")
def test_the_unit_is_exposed_to_less_than_3_of_10(tmp_path):
    unit = tmp_path / "headwater.service"
    unit.write_text(block("ini"))
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    found = re.search(r"Overall exposure level for headwater.service: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) < 3
    assert done.returncode == 0
    assert "--tokens %d/tokens" in unit.read_text()


class Served:
    """A ``headwater serve`` of its own process."""

    def __init__(self, folder, *options, code=CODE, **process):
        words = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            code,
            "serve",
            "--port",
            "0",
            "--hidden",
            "4",
            "--store",
            str(folder / "a.db"),
            *options,
        ]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, **process
        )
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.port = int(line.rsplit(":", 1)[1])

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out[1]


def ask(connection, method, path, value=None, headers=()):
    connection.request(method, path, None if value is None else json.dumps(value), dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


WRITES = """
import os, sys
from pathlib import Path
def audit(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        wrote = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    else:
        wrote = event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "sqlite3.connect")
    if wrote:
        os.write(2, f"wrote {Path(os.fsdecode(arguments[0])).resolve()}\\n".encode())
sys.addaudithook(audit)
from headwater.cli import main
raise SystemExit(main())
"""


def test_the_server_writes_nowhere_but_into_its_state_directory(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    environment = {**os.environ, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(state)}
    server = Served(state, code=WRITES, env=environment)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    for method, path, value in [
        ("POST", "/learn", [{"x": {"a": i}, "y": "ab"[i % 2]} for i in range(50)]),
        ("POST", "/snapshot", None),
        ("GET", "/", None),
        ("GET", "/models/default/file?seq=10", None),
    ]:
        assert ask(connection, method, path, value)[0] == 200
    connection.close()
    code, errors = server.end()
    wrote = {Path(line.removeprefix("wrote ")) for line in errors.splitlines() if line.startswith("wrote ")}
    assert code == 0
    assert state / "a.db" in wrote
    assert {path for path in wrote if state not in path.parents} <= {Path("/dev/null")}


def test_a_signal_that_comes_right_at_the_start_is_not_lost(tmp_path):
    assert Served(tmp_path).end()[0] == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a signal of POSIX")
def test_a_terminal_that_goes_away_drains_the_server_as_sigterm_does(tmp_path):
    server = Served(tmp_path)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    assert ask(connection, "POST", "/learn", {"x": {"a": 1}, "y": "no"})[0] == 200
    connection.close()
    assert server.end(signal.SIGHUP)[0] == 0
    again = Served(tmp_path)
    connection = http.client.HTTPConnection("127.0.0.1", again.port, timeout=PATIENCE_S)
    assert json.loads(ask(connection, "GET", "/models")[2])[0]["seq"] == 1
    connection.close()
    assert again.end()[0] == 0


def test_a_token_file_that_others_can_read_gets_a_warning(tmp_path):
    for mode, warned in ((0o600, False), (0o644, True)):
        tokens = tmp_path / "tokens"
        tokens.write_text(f"learn {TOKEN}\n")
        tokens.chmod(mode)
        code, errors = Served(tmp_path, "--tokens", str(tokens)).end()
        assert code == 0
        assert ("chmod 600" in errors) is warned
    assert read_tokens(f"learn {TOKEN}\n", "tokens") == {TOKEN: "learn"}


def test_proxies_are_addresses_or_networks():
    networks = read_proxies("127.0.0.1, 10.0.0.0/8,::1")
    assert [is_among(host, networks) for host in ("127.0.0.1", "10.1.2.3", "::1", "11.0.0.1", "")] == [True] * 3 + [
        False
    ] * 2


class Proxy:
    """The nginx of the document, with its names and ports exchanged for those of a test."""

    def __init__(self, folder, upstream):
        self.held = held_port()
        self.port = self.held.getsockname()[1]
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        words = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=localhost",
        ]
        subprocess.run(
            ["openssl", *words, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
        )
        site = block("nginx")
        for old, new in [
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("/etc/ssl/certs/learn.pem", str(certificate)),
            ("/etc/ssl/private/learn.key", str(key)),
            ("http://127.0.0.1:8080", f"http://127.0.0.1:{upstream}"),
        ]:
            assert old in site
            site = site.replace(old, new)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; user root; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{site}}}\n"
        )
        self.held.close()
        words = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE)

    def connect(self, source="127.0.0.1"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PATIENCE_S, context=context, source_address=(source, 0)
        )
        for _ in range(600):
            try:
                connection.connect()
                break
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.process.stderr.read()
                signal.sigtimedwait([], 0.05)
        return connection

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)


@pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")), reason="no nginx or openssl on this machine"
)
def test_behind_nginx_the_rate_is_counted_by_client_and_the_cookie_is_secure(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"learn {TOKEN}\n")
    tokens.chmod(0o600)
    server = Served(tmp_path, "--tokens", str(tokens), "--proxies", "127.0.0.1", "--rate", "5")
    proxy = Proxy(tmp_path, server.port)
    try:
        mine = {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "203.0.113.9"}  # which nginx writes anew
        one, other = proxy.connect("127.0.0.2"), proxy.connect("127.0.0.3")
        statuses = [ask(one, "GET", "/models", headers=mine)[0] for _ in range(100)]
        assert 429 in statuses
        assert ask(other, "GET", "/models", headers=mine)[0] == 200
        origin = f"https://127.0.0.1:{proxy.port}"
        third = proxy.connect("127.0.0.4")
        status, headers, _ = ask(third, "POST", "/login", {"token": TOKEN}, {"origin": origin})
        assert status == 200
        assert headers["set-cookie"].endswith("; Secure")
        cookie = {"cookie": headers["set-cookie"].split(";")[0], "origin": origin}
        assert ask(third, "POST", "/learn", {"x": {"a": 1}, "y": "no"}, cookie)[0] == 200
        assert ask(third, "POST", "/logout", None, cookie)[0] == 200
        assert ask(third, "GET", "/models", None, cookie)[0] == 401
        for connection in (one, other, third):
            connection.close()
    finally:
        proxy.end()
        assert server.end()[0] == 0


def test_a_client_that_names_another_is_not_believed_without_proxies(tmp_path):
    server = Served(tmp_path, "--rate", "5")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    statuses = [ask(connection, "GET", "/models", None, {"x-forwarded-for": f"203.0.113.{i}"})[0] for i in range(100)]
    assert 429 in statuses
    connection.close()
    assert server.end()[0] == 0
