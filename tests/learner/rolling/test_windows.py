"""What rolling aggregates say: the numbers of DuckDB's window functions, and of the plain statement."""

from __future__ import annotations

import datetime as dt

import pytest

from headwater import Rolling
from headwater.errors import ConfigError
from headwater.learner.settings.rolling import Aggregates
from headwater.plain.inputs.rolling import PlainRolling

START = dt.datetime(2026, 1, 1)
HOUR, DAY = 3600, 86_400
ROLLING = Rolling(
    key="card",
    time="at",
    over=("1h", "24h"),
    of={"amount": ("count", "sum", "mean"), "shop": ("distinct", "since", "count")},
)


def row(second, card="a", amount=1.0, shop="x"):
    return {"card": card, "at": START + dt.timedelta(seconds=second), "amount": amount, "shop": shop}


def learned(rows, rolling=ROLLING):
    aggregates = Aggregates(rolling)
    for x in rows:
        aggregates.enter(x)
    return aggregates


def said(aggregates, x):
    full = aggregates.look(x)
    return {name: full[name] for name in aggregates.columns}


QUERY = """
WITH seen AS (SELECT p.i AS n, r.* FROM rows r JOIN rows p ON r.i <= p.i)
SELECT i,
  count(*) OVER hour, count(*) OVER day, epoch(moment - max(moment) OVER before),
  count(amount) OVER hour, count(amount) OVER day, sum(amount) OVER hour, sum(amount) OVER day,
  avg(amount) OVER hour, avg(amount) OVER day,
  count(DISTINCT shop) OVER hour, count(DISTINCT shop) OVER day,
  CASE WHEN shop IS NULL THEN NULL ELSE epoch(moment - max(moment) OVER same) END,
  count(shop) OVER hour, count(shop) OVER day
FROM seen
WINDOW
  hour AS (PARTITION BY n, card ORDER BY moment RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW),
  day AS (PARTITION BY n, card ORDER BY moment RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW),
  before AS (PARTITION BY n, card ORDER BY moment
    RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW),
  same AS (PARTITION BY n, card, shop ORDER BY moment
    RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)
QUALIFY n = i
ORDER BY i
"""
"""For each row the window functions over the rows up to it, in the order in which they came."""


def of_duckdb(rows):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as base:
        base.execute("CREATE TABLE rows (i BIGINT, card VARCHAR, moment TIMESTAMP, amount DOUBLE, shop VARCHAR)")
        columns = [list(range(len(rows))), *map(list, zip(*(x.values() for x in rows), strict=True))]
        base.execute(f"INSERT INTO rows SELECT {', '.join(['unnest(?)'] * 5)}", columns)
        return [dict(zip(ROLLING.columns, line[1:], strict=True)) for line in base.execute(QUERY).fetchall()]


def in_turn(rows):
    """Predict each row, then learn it, and check that both see the same."""
    aggregates, out = Aggregates(ROLLING), []
    for x in rows:
        out.append(said(aggregates, x))
        entered = aggregates.enter(x)
        assert {name: entered[name] for name in aggregates.columns} == out[-1]
    return out


def streams():
    """Rows of two cards with ties and gaps, of which some come late by at most the longest window."""
    from hypothesis import strategies as st

    steps = st.sampled_from([0, 1, 1800, HOUR, HOUR + 1, 20 * HOUR, DAY, DAY + 1, 3 * DAY])
    late = st.sampled_from([0, 0, 0, 1, 600, HOUR, 5 * HOUR, DAY])
    amounts = st.none() | st.integers(-40, 40).map(lambda n: n / 4)  # whose sums are exact in any order
    one = st.tuples(steps, late, st.sampled_from("ab"), amounts, st.none() | st.sampled_from("xyz"))
    return st.lists(one, min_size=1, max_size=25)


def of_steps(steps):
    newest, rows = {"a": 0, "b": 0}, []
    now = 0
    for step, late, card, amount, shop in steps:
        now += step
        second = max(now - late, newest[card] - DAY)
        newest[card] = max(newest[card], second)
        rows.append(row(second, card, amount, shop))
    return rows


def test_numbers_are_those_of_duckdbs_window_functions_over_the_rows_so_far_late_ones_too():
    pytest.importorskip("duckdb")
    hypothesis = pytest.importorskip("hypothesis")

    @hypothesis.settings(max_examples=80, deadline=None, derandomize=True, database=None)
    @hypothesis.given(streams())
    def same(steps):
        rows = of_steps(steps)
        assert in_turn(rows) == of_duckdb(rows)

    same()


def test_rows_in_order_have_the_numbers_of_one_query_over_all_of_them():
    rows = [row(97 * i, "ab"[i % 7 % 2], i % 11 / 4, "xyz"[i * i % 3]) for i in range(400)]
    assert in_turn(rows) == of_duckdb(rows)


def test_numbers_are_those_of_the_plain_statement():
    plain, rows = PlainRolling(over=(HOUR, DAY)), [
        row(1300 * i - (i % 5) * 4000, "ab"[i % 2], i % 9 / 4, "xyz"[i * i % 3]) for i in range(300)
    ]  # fmt: skip
    aggregates = Aggregates(ROLLING)
    for x in rows:
        at = (x["card"], (x["at"] - START).total_seconds())
        amount, shop = ("amount", x["amount"]), ("shop", x["shop"])
        values = [
            *(*plain.count(*at), plain.since(*at)),
            *map(len, plain.values(*at, *amount)),
            *(*plain.total(*at, *amount), *plain.mean(*at, *amount)),
            *(*plain.distinct(*at, *shop), plain.since(*at, *shop), *map(len, plain.values(*at, *shop))),
        ]
        assert list(said(aggregates, x).values()) == values
        aggregates.enter(x)
        plain.learn(*at, x)


def test_a_late_row_changes_only_the_windows_that_its_time_lies_in():
    rows = [row(0), row(2 * HOUR), row(2 * HOUR + 60)]
    before = said(learned(rows), row(4 * HOUR))
    after = said(learned([*rows, row(HOUR, amount=7.0)]), row(4 * HOUR))
    assert before["amount sum 1h"] == after["amount sum 1h"] == 1.0
    assert (before["amount sum 24h"], after["amount sum 24h"]) == (4.0, 11.0)


def test_the_order_in_which_rows_come_changes_nothing_that_is_said():
    rows = [row(700 * i, "a", i / 4, "xyz"[i % 3]) for i in range(100)]
    swapped = [rows[i ^ 3] for i in range(100)]
    assert said(learned(rows), row(75_000)) == said(learned(swapped), row(75_000))


def test_looking_changes_nothing():
    aggregates = learned([row(i) for i in range(10)])
    before = [array.tolist() for array in aggregates.state().values()]
    said(aggregates, row(11, card="new"))
    assert [array.tolist() for array in aggregates.state().values()] == before


def test_a_row_that_has_its_aggregates_keeps_them_and_enters_once():
    aggregates = Aggregates(ROLLING)
    first = aggregates.enter(row(0))
    aggregates.enter(row(60))
    assert aggregates.enter(first) == first
    assert aggregates.counts()["events"] == 2
    late = aggregates.look(row(30))
    assert aggregates.enter(late) == late
    assert aggregates.counts()["events"] == 3


@pytest.mark.parametrize(
    "missing", [{"card": None}, {"at": None}, {"at": "yesterday"}, {"card": float("nan")}, {"at": [1]}]
)
def test_a_row_without_a_key_or_a_time_has_no_aggregates_and_is_counted(missing):
    aggregates, x = Aggregates(ROLLING), row(0) | missing
    assert aggregates.enter(x) == x
    assert (aggregates.counts()["events"], aggregates.counts()["unread"]) == (0, 1)


def test_names_are_those_of_a_column_of_categories():
    aggregates = learned(
        [row(0, card=5), row(1, card=5.0), row(2, card="5"), row(3, card=True), row(4, card="é\ud800")]
    )
    assert said(aggregates, row(5, card="5"))["card count 1h"] == 4
    assert said(aggregates, row(5, card=1))["card count 1h"] == 2
    assert said(aggregates, row(5, card="é\ud800"))["card count 1h"] == 2


def test_times_are_read_as_seconds_texts_and_date_times_of_any_zone():
    zone = dt.timezone(dt.timedelta(hours=2))
    times = [
        START,
        "2026-01-01T00:00:00Z",
        1_767_225_600,
        1_767_225_600.0,
        START.replace(hour=2, tzinfo=zone),
        "1767225600",
    ]
    aggregates = learned([row(0) | {"at": at} for at in times])
    assert said(aggregates, row(0))["card count 1h"] == 7
    assert said(aggregates, row(-0.000001))["card count 1h"] == 1


def test_the_window_begins_exactly_where_it_says():
    aggregates = learned([row(0)])
    assert said(aggregates, row(HOUR))["card count 1h"] == 2
    assert said(aggregates, row(HOUR + 0.000001))["card count 1h"] == 1


def test_beyond_max_events_the_oldest_row_of_the_key_is_dropped_and_counted():
    aggregates = learned(
        [row(i, amount=float(i)) for i in range(10)], Rolling("card", "at", of={"amount": "sum"}, max_events=4)
    )
    assert said(aggregates, row(10, amount=0.0))["amount sum 1h"] == 6 + 7 + 8 + 9
    assert aggregates.counts() | {"bytes": 0} == {
        "keys": 1, "events": 4, "bytes": 0, "keys_dropped": 0, "events_dropped": 6, "late": 0, "unread": 0,
    }  # fmt: skip
    aggregates.enter(row(-5))  # it would be the oldest
    assert said(aggregates, row(10, amount=0.0))["amount sum 1h"] == 30


def test_beyond_max_bytes_the_key_that_was_quiet_longest_is_dropped_and_counted():
    rolling = Rolling("card", "at", over="1h", max_events=4, max_bytes=500)
    aggregates = learned([row(i, card=f"c{i}") for i in range(4)], rolling)
    aggregates.enter(row(4, card="c0"))
    aggregates.enter(row(5, card="c4"))
    counts = aggregates.counts()
    assert counts["bytes"] <= 500
    assert (counts["keys_dropped"], counts["events_dropped"]) == (1, 1)
    assert [said(aggregates, row(6, card=f"c{i}"))["card count 1h"] for i in range(5)] == [3, 1, 2, 2, 2]


def test_rows_that_no_window_can_reach_again_are_let_go():
    aggregates = learned([row(HOUR * i) for i in range(500)])
    assert aggregates.counts()["events"] == 49
    assert aggregates.counts()["events_dropped"] == 0


def test_a_row_later_than_the_longest_window_is_counted_as_late():
    aggregates = learned([row(0), row(2 * DAY), row(DAY), row(DAY - 1)])
    assert aggregates.counts()["late"] == 1


def test_many_keys_come_and_go_like_those_of_a_dictionary():
    rolling, plain = Rolling("card", "at", over="1h", max_bytes=200 * 112), {}
    aggregates = Aggregates(rolling)
    for i in range(20_000):
        card = f"c{i * 7919 % 523 if i % 3 else i % 50}"
        full = aggregates.enter(row(0, card=card))
        known = plain.pop(card, 0) + 1
        assert full["card count 1h"] == known
        plain[card] = known
        while aggregates.counts()["keys"] < len(plain):
            del plain[next(iter(plain))]
    assert aggregates.counts()["keys"] == len(plain) < 200


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"over": ("1y",)}, "lengths of time such as '90s'"),
        ({"over": ()}, "1 to 16 different windows"),
        ({"over": ("60m", "1h")}, "1 to 16 different windows"),
        ({"of": {"amount": ("median",)}}, r"some of count, since, sum, mean, distinct, got \('median',\) — at of\['amount'\]"),
        ({"of": "amount"}, "aggregates by column"),
        ({"rows": ("sum",)}, "some of count, since"),
        ({"rows": (), "of": {}}, "1 to 256 aggregates"),
        ({"time": None}, "the name of a column"),
        ({"max_events": 0}, "a whole number from 1 to 16,777,216"),
        ({"max_events": 1000, "max_bytes": 1000}, "a whole number from 12,112"),
    ],
)  # fmt: skip
def test_settings_that_can_not_be_are_refused_in_a_sentence(settings, said):
    with pytest.raises(ConfigError, match=said):
        Rolling(**{"key": "card", "time": "at"} | settings)
