"""Passwords: where they are looked for, how an address holds one, and that nothing shows one."""

from __future__ import annotations

import pickle
import socket
import threading

import pytest

from headwater.cli import main
from headwater.errors import ConfigError
from headwater.streams.brokers import BrokerRefused, open_source, read_address
from headwater.streams.brokers.security import Secret, check_encrypted, login, tls_of
from support.brokers.secure import Certificates

HIDDEN = "hunter2secret"


def revealed(text):
    user, password = login(read_address(text))
    return user, None if password is None else password.reveal()


def test_a_password_in_an_address_is_decoded_and_never_shown():
    address = read_address("kafka://m%40e:a%2Fb%3Fc%3Ad%25e@host/orders?answers=late")
    assert revealed("kafka://m%40e:a%2Fb%3Fc%3Ad%25e@host/orders") == ("m@e", "a/b?c:d%e")
    assert address.elsewhere("late").secret == address.secret
    for shown in (repr(address), str(address), address.at, address.name, repr(login(address)), f"{address.secret}"):
        assert "a/b" not in shown
        assert "a%2F" not in shown
    assert revealed("redis://:only@host/orders") == (None, "only")
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")


@pytest.mark.parametrize(
    "text",
    [
        f"kafka://me:{HIDDEN}/x@host/orders",
        f"kafka://me:{HIDDEN}?x@host/orders",
        f"kafka://me:{HIDDEN}@x@host/orders",
        f"kafka://me:{HIDDEN}",
        f"kafka://me:{HIDDEN}/orders",
        f"kafka://me:{HIDDEN}@host",
        f"kafka://me:{HIDDEN}@host:port/orders",
        f"kafka://me:{HIDDEN}@host/orders?fromat=avro",
        f"kafka://me:x@host/orders?password={HIDDEN}",
        f"kafka://me:1234/{HIDDEN}@host/orders",
        f"postgres://me:{HIDDEN}@host/base",
        f"kafka+ssl://me:{HIDDEN}@host/orders",
    ],
)
def test_an_address_that_is_wrong_is_refused_without_its_password(text):
    with pytest.raises(ConfigError) as error:
        read_address(text)
    assert HIDDEN not in str(error.value)


def test_usual_spellings_of_an_address_are_understood():
    assert read_address("postgres://host/base/orders").at == "postgresql://host:5432/base/orders"
    assert tls_of(read_address("rediss://host/orders")).verify
    assert read_address("mqtts://host/a/b").port == 8883
    assert tls_of(read_address("mqtts://host/a/b?tls=unverified")).verify is False


def test_users_and_passwords_come_from_files_and_the_environment(tmp_path, monkeypatch):
    (tmp_path / "word").write_text("from a file\r\n")
    (tmp_path / "name").write_text("filed")
    with_file = f"kafka://host/t?password_file={tmp_path}/word&user_file={tmp_path}/name"
    assert revealed(with_file) == ("filed", "from a file")
    assert revealed("kafka://host/t") == (None, None)
    monkeypatch.setenv("HEADWATER_KAFKA_USER", "envy")
    monkeypatch.setenv("HEADWATER_KAFKA_PASSWORD_FILE", str(tmp_path / "word"))
    assert revealed("kafka://host/t") == ("envy", "from a file")
    monkeypatch.setenv("HEADWATER_KAFKA_PASSWORD", "from the environment")
    assert revealed("kafka://host/t") == ("envy", "from the environment")
    assert revealed("kafka://me:said@host/t") == ("me", "said")
    assert revealed(with_file) == ("filed", "from a file")
    monkeypatch.setenv("REDISCLI_AUTH", "usual")
    assert revealed("redis://host/t") == (None, "usual")
    monkeypatch.setenv("NATS_USER", "me")
    monkeypatch.setenv("NATS_PASSWORD", "usual too")
    assert revealed("nats://host/t") == ("me", "usual too")


def test_a_password_file_that_can_not_be_read_is_one_sentence(tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name, why in {"empty": "an empty file", "bytes": "not UTF-8", "none": "No such file"}.items():
        with pytest.raises(ConfigError, match=f"expected password_file= a file with the secret, got .*{why}"):
            login(read_address(f"redis://host/t?password_file={tmp_path}/{name}"))


def test_a_password_goes_in_the_clear_to_this_machine_only_unless_the_address_says_so(monkeypatch):
    for host in ("localhost", "127.0.0.1", "[::1]", "127.0.0.1,localhost:1"):
        check_encrypted(read_address(f"kafka://me:pw@{host}/t"), encrypted=False)
    with pytest.raises(ConfigError, match="expected tls=true where a password is sent to another machine"):
        check_encrypted(read_address("kafka://me:pw@127.0.0.1,far/t"), encrypted=False)
    check_encrypted(read_address("kafka://me:pw@far/t"), encrypted=True)
    check_encrypted(read_address("kafka://me:pw@far/t?tls=false"), encrypted=False)
    check_encrypted(read_address("kafka://me@far/t"), encrypted=False)


def test_what_can_not_be_meant_about_encryption_is_refused(tmp_path):
    certs = Certificates.make(tmp_path)
    for options, sentence in {
        "tls=verify-full": "expected tls= one of true, false, unverified, got verify-full",
        f"tls=false&tls_ca={certs.ca_pem}": "expected tls=true with tls_… options",
        f"tls_key={certs.client_key}": "expected tls_cert= with tls_key=",
        f"tls=unverified&tls_ca={certs.ca_pem}": "expected tls=true with tls_ca=",
        "tls_ca=/none.pem": "expected tls_ca= a file of certificates, got /none.pem: No such file or directory",
        f"tls_ca={certs.client_key}": "expected tls_ca= a file of certificates, got .*client.key",
        f"tls_cert={certs.client_pem}&tls_key={certs.server_key}": "a certificate and its private key, got .*mismatch",
    }.items():
        with pytest.raises(ConfigError, match=sentence):
            tls_of(read_address(f"redis://localhost/t?{options}"))


def test_an_encrypted_key_is_opened_with_its_password_and_nobody_is_asked_at_the_terminal(tmp_path, monkeypatch):
    from cryptography.hazmat.primitives import serialization

    certs = Certificates.make(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    how = serialization.BestAvailableEncryption(b"opens it")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (tmp_path / "client.key").write_bytes(key.private_bytes(*form, how))
    text = f"kafka://localhost/t?tls_cert={certs.client_pem}&tls_key={certs.client_key}"
    with pytest.raises(ConfigError, match=r"got .*client\.key: "):
        tls_of(read_address(text))
    monkeypatch.setenv("HEADWATER_KAFKA_TLS_KEY_PASSWORD", "opens it")
    assert tls_of(read_address(text)).key_password == Secret("opens it")


def test_a_command_refuses_a_password_among_its_arguments_and_says_where_it_belongs(capsys):
    for words in (
        ["learn", f"redis://me:{HIDDEN}@localhost/t", "--target", "y"],
        ["serve", "--source", f"mqtt://:{HIDDEN}@localhost/t"],
        ["serve", f"--predictions=postgres://me:{HIDDEN}/x@localhost/a/t"],
        ["predict", f"rediss://me:{HIDDEN}@localhost/t"],
    ):
        assert main(words) == 2
        said = capsys.readouterr()
        assert "expected an address without a password" in said.err
        assert "password_file=FILE" in said.err
        assert HIDDEN not in said.out + said.err


def test_a_nats_server_that_offers_no_encryption_is_told_no_password(tmp_path):
    pytest.importorskip("nats", reason="no client: pip install 'headwater[nats]' brings it")
    heard = []

    def serve(listener):
        with listener.accept()[0] as client:
            client.sendall(b'INFO {"server_id":"x","version":"2.10.0","auth_required":true,"max_payload":1000}\r\n')
            while part := client.recv(4096):
                heard.append(part)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        where = f"nats://me:{HIDDEN}@127.0.0.1:{listener.getsockname()[1]}/t?tls=true"
        source = open_source(read_address(where))
        with pytest.raises(BrokerRefused, match="expected a broker with TLS at this port, got none"):
            source.open({})
        source.close()
        thread.join()
    assert HIDDEN.encode() not in b"".join(heard)
