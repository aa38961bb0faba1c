"""Whatever stands in a column of text, it is read in one way or left as it is; nothing raises."""

import datetime as dt
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.streams.readers.dtypes.dates import DateFormat
from headwater.streams.readers.dtypes.inference import Writing, infer_columns
from headwater.streams.readers.dtypes.numbers import NumberFormat, infer_numbers

PIECES = st.sampled_from(
    [*"0123456789.,'-+()%$€/:年月日 eEkMT_\u202f\xa0−１２", "2024", "Jan", "kg", "NA", "nan", "inf", "²", "٣", "US$"]
)
CELL = st.one_of(st.text(max_size=6), st.lists(PIECES, max_size=9).map("".join))


@settings(max_examples=400, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=12), CELL)
def test_any_text_is_read_or_left_as_it_is(cells, later):
    readers, _ = infer_columns({"a": cells, "b": ["1,5", "x"]})
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
    verdict = infer_numbers(dict.fromkeys(texts, 1))
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


def test_midnight_at_the_end_of_a_day_is_the_start_of_the_next():
    end, slashes = DateFormat("ymd").read("2024-02-29 24:00"), DateFormat("ymd").read("2024/12/31T24:00:00")
    assert (end, slashes) == (dt.datetime(2024, 3, 1), dt.datetime(2025, 1, 1))
    assert DateFormat("ymd").read("9999-12-31 24:00") is None


def test_an_hour_that_no_clock_shows_is_no_time():
    for cell in ("2024/01/05 24:01", "2024/01/05 37:10", "2024/01/05 27:10 PM", "2024/01/05 15:10 AM"):
        assert DateFormat("ymd").read(cell) is None, cell
    assert DateFormat("clock").read("27:10 PM") is None
    assert DateFormat("ymd").read("2024/01/05 15:10 PM") == dt.datetime(2024, 1, 5, 15, 10)


def test_a_zone_of_a_day_or_more_is_no_date():
    assert DateFormat("ymd").read("2024-01-05 10:00+99:00") is None


def test_a_raised_or_circled_digit_beside_a_number_is_no_digit_of_it():
    for cell in ("12²", "3¹", "10³ kg", "5①", "⑵", "H₂"):
        assert NumberFormat().read(cell) is None, cell
    assert NumberFormat(unit="m2").read("12 m²") == 12.0


def test_days_first_with_points_are_read_so_beside_iso_dates():
    cells = [day for i in range(1, 10) for day in (f"2024-01-0{i}", f"0{i}.03.2024")]
    readers, remarks = infer_columns({"a": cells})
    assert readers["a"].read(cells, range(18))[3] == dt.datetime(2024, 3, 2)
    assert remarks == ["a: dates such as 01.03.2024 (day, month, year)."]


def test_that_no_cell_tells_day_from_month_is_said_where_an_iso_date_comes_first():
    cells = ["2024-01-05", "03/04/2024", "05/06/2024"]
    assert "no cell tells day from month" in infer_columns({"a": cells})[1][0]


def test_a_remark_names_no_order_where_a_month_is_a_word_and_the_pattern_where_one_is_given():
    assert infer_columns({"a": ["1-Jan-24"]})[1] == ["a: dates such as 1-Jan-24."]
    given = Writing(dates="%d%m%y")
    assert infer_columns({"a": ["310124"]}, writing=given)[1] == ["a: dates such as 310124 (%d%m%y)."]


def test_as_many_columns_for_either_decimal_sign_decide_nothing_for_a_third_one():
    columns = {"a": ["1.5", "2.25"], "b": ["1,5", "2,25"], "c": ["205.928", "51.485"]}
    for names in ("abc", "bac"):
        remarks = infer_columns({name: columns[name] for name in names})[1]
        assert remarks[-1] == "c: 205.928 is read as 205.928; --decimal comma reads 205928."


def test_whole_numbers_that_a_float_has_only_nearly_are_remarked_upon():
    said = "a: whole numbers of more digits than are learned (9007199254740993 is learned as 9007199254740992, as a key or an action it is exact)"
    assert infer_columns({"a": ["9007199254740993", "7"]})[1] == [f"{said}; --text reads them as texts."]
    for cells in (["9007199254740992"], ["1.0000000000000001"], ["1e300"], ["9" * 400]):
        assert infer_columns({"a": cells})[1] == [], cells
