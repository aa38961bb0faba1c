"""A Redis server of a module's own, and a client of it that begins empty."""

import pytest

from support.brokers.servers import redis_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def base(server):
    redis = pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")
    with redis.Redis(port=server.port) as base:
        base.flushall()
        yield base
