"""A server under siege, at a tenth of the size of ``python -m benchmarks.serve.siege``: no 5xx, bounded memory, a client still served."""

from pathlib import Path

import pytest

from support.siege import Siege, percentile

FLOOR_S = 0.25  # other work on the machine makes a client wait, too: below, the share says nothing


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux' /proc")
def test_hostile_requests_and_slow_connections_neither_fail_nor_grow_nor_stop_the_server(tmp_path):
    siege = Siege(tmp_path)
    found = siege.run(hostile_requests=1000, slow_connections=300, rounds=1, asked=200)
    assert found.failures == 0
    assert {200, 400, 404, 405, 431} <= found.statuses.keys()
    assert sum(found.statuses.values()) >= 1000 + 3 * 200
    assert found.slow_opened > 300  # those that were closed came back
    before, after = found.memory[0], found.memory[-1]
    assert after[0] - before[0] < 50
    assert percentile(found.besieged, 0.99) <= max(3 * percentile(found.quiet, 0.99), FLOOR_S)
    assert siege.end() == 0
