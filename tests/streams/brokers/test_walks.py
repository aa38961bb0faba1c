"""One more row takes few calls, from the client of a real broker to the learner."""

import pytest

import headwater as hw
from support.brokers.kinds import BROKERS
from support.brokers.walks import assert_few_a_row, calls_to_follow

CLIENT = {"Redis": 1, "Nats": 2, "Postgres": 0, "Mqtt": 6, "Kafka": 4}
"""Calls that a client's messages take by themselves: those of MQTT are told to our log, too."""


@pytest.mark.parametrize("make", BROKERS, ids=lambda make: make.__name__)
def test_the_next_row_takes_few_calls_whichever_broker_sends_it(make, tmp_path):
    """All threads count, those in which a client reads among them."""
    broker = make(tmp_path)
    try:
        broker.make("rows")
        where = broker.address("rows", idle=1, **broker.reader("rows", "walk"))
        with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as store:
            store.learn_from(where, "y")  # a broker that keeps nothing for strangers knows this reader now
        assert_few_a_row(calls_to_follow(where, broker.put, tmp_path / "a.db"), client=CLIENT[make.__name__])
    finally:
        broker.close()
