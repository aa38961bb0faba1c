"""The matrix of faults: each broker × each way in which the world around a learner fails.

Whatever happens, each row is learned once and in order, each prediction goes out, and what can't be done is said.
"""

from __future__ import annotations

import itertools
import json
import threading
import time

import pytest

import headwater as hw
from headwater.store.learner_file import fingerprint
from support.brokers.following import uninterrupted
from support.brokers.kinds import BROKERS
from support.processes.following import learner, row

PATIENCE_S = 300
_numbers = itertools.count()


@pytest.fixture(scope="module", params=BROKERS, ids=lambda kind: kind.__name__)
def broker(request, tmp_path_factory):
    broker = request.param(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.close()


@pytest.fixture
def topic(broker):
    topic = f"rows{next(_numbers)}"
    broker.make(topic)
    return topic


def rows_of(broker, topic, **options):
    """Return the address of rows, with what tells repetitions where there may be some."""
    return broker.address(topic, **({"id": "id"} if broker.repeats else {}) | {"block": 20} | options)


def bodies(rows):
    return [json.dumps(row(i)).encode() for i in rows]


class Run(threading.Thread):
    """``learn_from`` in a thread, until it is told to end."""

    def __init__(self, model, address, **how):
        super().__init__(daemon=True)
        self.model, self.address, self.how = model, address, {"drop": ["id"]} | how
        self.ended, self.error, self.state = False, None, None

    def run(self):
        try:
            self.state = self.model.learn_from(self.address, "y", ends=lambda: self.ended, **self.how)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            self.error = error

    def until_learned(self, n):
        self.until(lambda: self.model.n_learned >= n)
        assert self.model.n_learned == n

    def until(self, condition):
        """Wait for something, unless the run ends with an error."""
        until = time.monotonic() + PATIENCE_S
        while not condition():
            if self.error is not None:
                raise self.error
            assert time.monotonic() < until
            threading.Event().wait(0.01)

    def end(self):
        self.ended = True
        self.join(PATIENCE_S)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.state

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join(PATIENCE_S)


def test_a_source_that_goes_away_is_waited_for(broker, topic, tmp_path):
    broker.put(topic, bodies(range(30)))
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic)) as run:
        run.until_learned(30)
        broker.stop()
        threading.Event().wait(0.2)  # long enough that it asks in vain; nothing hangs on how often
        broker.start()
        broker.put(topic, bodies(range(30, 60)))
        run.until_learned(60)
        state = run.end()
        assert state.read - state.counts.pop("repeated", 0) == 60
        assert state.counts == {}
        assert fingerprint(model.learner) == fingerprint(uninterrupted(60))


def test_a_message_that_comes_twice_is_learned_once_by_its_id(broker, topic, tmp_path):
    broker.put(topic, bodies([*range(20), *range(20), *range(10, 30)]))
    with hw.open(tmp_path / "a.db", learner()) as model, Run(model, rows_of(broker, topic, id="id")) as run:
        run.until_learned(30)
        broker.put(topic, bodies([5, 30]))
        run.until_learned(31)
        assert run.end().counts["repeated"] >= 31
        assert fingerprint(model.learner) == fingerprint(uninterrupted(31))
