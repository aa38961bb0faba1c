"""Whatever stands in a column of text, it is read in one way or left as it is; nothing raises."""

import datetime as dt
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.streams.readers.dtypes.dates import DateFormat
from headwater.streams.readers.dtypes.judge import judge_columns
from headwater.streams.readers.dtypes.numbers import NumberFormat, judge_numbers

PIECES = st.sampled_from(
    [*"0123456789.,'-+()%$€/:年月日 eEkMT_\u202f\xa0−１２", "2024", "Jan", "kg", "NA", "nan", "inf", "²", "٣", "US$"]
)
CELL = st.one_of(st.text(max_size=6), st.lists(PIECES, max_size=9).map("".join))


@settings(max_examples=400, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=12), CELL)
def test_any_text_is_read_or_left_as_it_is(cells, later):
    readers, _ = judge_columns({"a": cells, "b": ["1,5", "x"]})
    values = readers["a"].read([*cells, later], range(len(cells) + 1))
    assert len(values) == len(cells) + 1
    assert all(value is None or isinstance(value, bool | float | str | dt.datetime) for value in values)
    assert len(readers["a"].labels([later], [1])) == 1


STYLES = [(".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'")]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 2)), min_size=3, max_size=20),
    st.sampled_from(STYLES),
    st.sampled_from(["{}", "${}", "{} €", "{}%", "{} kg"]),
)
def test_numbers_are_read_back_as_they_were_written(numbers, style, around):
    numbers = [*numbers, 1234567.25]  # shows both signs
    texts = [
        around.format(f"{x:,.2f}".replace(",", "t").replace(".", style[0]).replace("t", style[1])) for x in numbers
    ]
    verdict = judge_numbers(dict.fromkeys(texts, 1))
    assert [verdict.formats[0].read(text) for text in texts] == numbers


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31)).map(lambda d: d.replace(microsecond=0)),
    st.sampled_from(
        [
            ("ymd", "%Y-%m-%d %H:%M:%S"),
            ("ymd", "%Y/%m/%d %H:%M:%S"),
            ("ymd", "%Y年%m月%d日 %H时%M分%S秒"),
            ("ymd", "%Y%m%dT%H%M%S"),
            ("dmy", "%d.%m.%Y %H:%M:%S"),
            ("mdy", "%m/%d/%Y %I:%M:%S %p"),
            ("dmy", "%d %b %Y %H:%M:%S"),
            ("mdy", "%B %d, %Y %H:%M:%S"),
            ("dmy", "%d-%b-%y %H:%M:%S"),
            ("%d.%m.%y %H:%M:%S", "%d.%m.%y %H:%M:%S"),
        ]
    ),
)
def test_dates_are_read_back_as_they_were_written(moment, way):
    order, pattern = way
    if "%y" in pattern and moment.year < 1970:
        return
    assert DateFormat(order).read(moment.strftime(pattern)) == moment


def test_numbers_without_bounds_stay_numbers():
    assert NumberFormat().read("9" * 400) == math.inf
    assert NumberFormat(thousands=",").read("-inf") == -math.inf
