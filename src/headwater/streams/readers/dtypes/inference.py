"""Infer the dtype and format of text columns from their first rows, as numbers, dates or text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from headwater.errors import ConfigError
from headwater.streams.readers.dtypes.cells import (
    BOOLEANS,
    MISSING,
    NOT_A_NUMBER,
    is_too_long,
    parse_numbers,
)
from headwater.streams.readers.dtypes.columns import BOOLEAN, BY_CELL, DATE, NUMBER, TEXT, ColumnReader
from headwater.streams.readers.dtypes.dates import COUNTED, DateFormat, check_order, counted_times, infer_dates
from headwater.streams.readers.dtypes.numbers import PLAIN, NumberFormat, NumberVerdict, infer_numbers, normalised

__all__ = ["LOOK", "DtypeInference", "Writing", "infer_columns", "sentinel"]

LOOK = 1_000  # rows that columns are inferred from
_PROBED = 64  # texts of a column that decide whether all are checked
_NAMED = 8  # columns of one kind listed by name
_POSTAL = 5  # digits; numbers of this width with leading zeros are codes
_SIGNS = {"comma": ",", "point": ".", "dot": ".", "period": ".", "space": " ", "apostrophe": "'", "none": ""}
_TWO_DIGITS = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]")  # a date whose first part is ambiguous
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_DIGIT = re.compile(r"\d")
_SENTINELS = frozenset([sign * float("9" * n) for n in range(2, 8) for sign in (1, -1)]) | {-32768.0}
_LONG = 10  # digits of seconds since 1970
_ZEROS = re.compile(r"0\d+$")
_GROUPED = NumberFormat(",", ".")
_GROUPS_ONLY = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+|[+-]?\d{1,4}")  # 3473 is often written without its sign
_TWO_GROUPS = re.compile(r"\D*\d{1,3}(?:(?P<point>(?:\.\d{3}){2,})|(?:,\d{3}){2,})\D*")  # no fraction has two signs


@dataclass(frozen=True)
class Writing:
    """Formats of numbers and dates set by options.

    Parameters
    ----------
    decimal, thousands
        Signs before a fraction and between groups of digits, or their names, such as ``comma``.
    dates
        ``"dmy"``, ``"mdy"`` or ``"ymd"``, or a pattern of ``strptime``.
    times
        Columns of numbers that are times.

    Raises
    ------
    ConfigError
        For an invalid sign.

    Examples
    --------
    >>> Writing(decimal="comma").decimal
    ','
    """

    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    times: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, allowed in (("decimal", "comma or point"), ("thousands", "comma, point, space, apostrophe or none")):
            given = getattr(self, name)
            sign = given if given is None else _SIGNS.get(given.strip().lower() or "space", given)
            if sign is not None and sign not in [
                _SIGNS[word] for word in re.findall(r"\w+", allowed) if word in _SIGNS
            ]:
                raise ConfigError(expected=allowed, got=repr(given), at=f"--{name}", help="Name one of these signs.")
            object.__setattr__(self, name, sign)
        if self.decimal and self.decimal == self.thousands:
            raise ConfigError(
                expected="two different signs", got=repr(self.decimal), at="--decimal and --thousands", help="Drop one."
            )
        check_order(self.dates)


_NO_OPTIONS = Writing()


@dataclass
class Inferred:
    """Inference from one column's first rows, with equally good formats and a remark for the user.

    Parameters
    ----------
    kind
        Kind of the column.
    numbers, dates
        Formats that fit the most cells.
    counts
        Number of occurrences of each text, if counted.
    points
        Whether these are plain numbers, of which some have a decimal point beyond doubt.
    remark
        Remark for the user.
    doubtful
        Whether neither the file nor an option decides between formats that fit equally well.
    """

    kind: str
    numbers: tuple[NumberFormat, ...] = ()
    dates: tuple[DateFormat, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    points: bool = False
    remark: str = ""
    doubtful: bool = False


def infer_columns(
    columns: Mapping[str, Sequence[str]],
    *,
    writing: Writing | None = None,
    text: Sequence[str] = (),
    known: Mapping[str, ColumnReader] | None = None,
    semicolons: bool = False,
    target: str | None = None,
    verdicts: dict[str, Inferred] | None = None,
) -> tuple[dict[str, ColumnReader], list[str]]:
    """Infer how to read each column, and describe surprising choices in one sentence each.

    This takes 60 ns per cell of plain numbers, and up to 20 µs per distinct text that may be a number or a date.

    Parameters
    ----------
    columns
        Cells of the first rows, by column name.
    writing
        Signs and date formats set by options.
    text
        Columns to read as text.
    known
        Readers of a saved model's columns. Their kinds stay, and so do their formats if they fit as well.
    target
        Column of the labels, whose misfits are rejected and reported elsewhere.
    semicolons
        Whether the delimiter is a semicolon, as is usual with decimal commas.
    verdicts
        Gets the inference of each column.

    Examples
    --------
    >>> readers, remarks = infer_columns(
    ...     {"price": ["1.234,56", "12"], "day": ["5.1.2024", "6.1.2024"], "to": ["JFK", ""]}
    ... )
    >>> [reader.kind for reader in readers.values()]
    ['number', 'date', 'text']
    >>> print(remarks[0])
    price: numbers such as 1.234,56 (decimal comma, thousands point); --decimal and --thousands overrule this.
    """
    writing, known = writing or _NO_OPTIONS, known or {}
    inferred = {
        name: Inferred(TEXT)
        if name in text
        else _as_times(name, cells)
        if name in writing.times
        else (name in known and _as_known(cells, known[name])) or _infer(cells, writing)
        for name, cells in columns.items()
    }
    if verdicts is not None:
        verdicts.update(inferred)
    sure, order = _signs_of_file(inferred.values(), writing, semicolons)
    decimal = sure or ("," if semicolons else ".")
    readers, remarks = {}, []
    for name, verdict in inferred.items():
        verdict.remark = "" if name == target else verdict.remark
        verdict.doubtful = not sure and writing.thousands is None
        reader, sentence = _reader(verdict, decimal, order, writing, known.get(name))
        readers[name] = reader
        if sentence:
            remarks.append(f"{name}: {sentence}")
    if writing.dates and not any(reader.kind == DATE for reader in readers.values()):
        remarks.append(f"No column holds dates in the order {writing.dates}.")
    return readers, remarks


def _as_known(cells: Sequence[str], known: ColumnReader) -> Inferred | None:
    """Return a column of formatted numbers or of counted times in the model's format if all cells fit, else None."""
    if known.kind == DATE and known.date.order in COUNTED:
        filled = [cell for cell in cells if cell not in MISSING]
        fits = all(known.date.read(cell) is not None for cell in filled)
        return Inferred(DATE, dates=(known.date,), counts=Counter(filled)) if filled and fits else None
    if known.kind != NUMBER or known.number.plain:
        return None
    texts = {cell.strip() for cell in cells} - MISSING - NOT_A_NUMBER
    fits = all(known.number.read(cell) is not None for cell in texts)
    return Inferred(NUMBER, (known.number,)) if fits else None


def _as_times(name: str, cells: Sequence[str]) -> Inferred:
    """Return a column of numbers that are times, by an option.

    Raises
    ------
    ConfigError
        If they are none.
    """
    numbers = parse_numbers(cells)
    order = "" if numbers is None else counted_times([x for x in numbers if x is not None])
    if not order:
        raise ConfigError(
            expected="seconds or milliseconds since 1970, or days of a spreadsheet, of the years 1990 to 2049",
            got=f"cells such as {next(filter(None, cells), '')!r}",
            at=f"--times {name}",
            help="Leave the column out of --times.",
        )
    return Inferred(DATE, dates=(DateFormat(order),), counts=Counter(filter(None, cells)))


def _infer(cells: Sequence[str], writing: Writing) -> Inferred:
    """Infer a column from its own cells."""
    given = writing.decimal == "," or writing.thousands == "." or "%" in (writing.dates or "")
    numbers = None if given else parse_numbers(cells)
    if numbers is not None:
        return _infer_plain(cells, numbers, writing)
    counts = Counter(map(str.strip, cells))
    for cell in counts.keys() & MISSING:
        del counts[cell]
    if not counts:
        return Inferred(BY_CELL)
    if counts.keys() <= BOOLEANS.keys():
        return Inferred(BOOLEAN)
    total = sum(counts.values())
    marked = {cell: n for cell, n in counts.items() if cell not in NOT_A_NUMBER and cell not in BOOLEANS}
    if not marked or 2 * sum(marked.values()) < total or not _worth(marked, writing):
        return Inferred(TEXT, counts=counts)
    dates, dated = infer_dates(marked, order=writing.dates or "")
    verdict = infer_numbers(marked, decimal=writing.decimal or "", thousands=writing.thousands)
    if dates and dated >= (verdict.cells if verdict else 0):
        odd = sum(marked.values()) - dated
        return Inferred(
            DATE, dates=dates, counts=marked, remark=_mixed(odd, sum(marked.values()), "no dates", "left as texts")
        )
    if verdict is None or not verdict.formats:
        return Inferred(TEXT, counts=counts, remark=_why_text(verdict, counts))
    return Inferred(NUMBER, numbers=verdict.formats, counts=marked, remark=_remarks(verdict, sum(marked.values())))


def _why_text(verdict: NumberVerdict | None, counts: Mapping[str, int]) -> str:
    if verdict is not None:
        return f"numbers with several units ({', '.join(verdict.units[:3])}), read as texts; bring them to one unit."
    total = sum(counts.values())
    numbers = sum(n for cell, n in counts.items() if parse_numbers([cell]) not in (None, [None]))
    rare = 20 * numbers < total
    return "" if rare else f"{_mixed(numbers, total, 'numbers', 'read as texts like the others')}."


def _infer_plain(cells: Sequence[str], numbers: Sequence[float | None], writing: Writing) -> Inferred:
    """Infer a column that Python's ``float`` parses, as numbers, dates such as 20240105, or codes with zeros.

    Where each point is followed by three digits (69.460, 517), the cells fit two formats, and the file decides.
    """
    widths = set(map(len, cells)) - {0}
    if set(numbers) == {None}:
        return Inferred(BY_CELL)
    if widths in ({8}, {14}) and all(map(str.isdecimal, filter(None, cells))):
        counts = Counter(filter(None, cells))
        dates, dated = infer_dates(counts, order="ymd")
        if dated == sum(counts.values()):
            return Inferred(DATE, dates=dates, counts=counts)
    if not any(map(_ZEROS.match, cells)):
        points = "." in "".join(cells)
        if points and writing == _NO_OPTIONS:
            counts = Counter(map(str.strip, cells))
            for cell in counts.keys() & MISSING:
                del counts[cell]
            if all(map(_GROUPS_ONLY.fullmatch, counts)):
                return Inferred(NUMBER, (PLAIN, _GROUPED), counts=counts)
        unusual = max(widths) >= _LONG or not _SENTINELS.isdisjoint(numbers)
        remark = _unusual(cells, numbers) if unusual else ""
        return Inferred(NUMBER, (PLAIN,), points=points, remark=remark)
    if len(widths) == 1 and min(widths) >= _POSTAL:
        return Inferred(TEXT, remark="codes that begin with zeros, read as texts.")
    return Inferred(NUMBER, (PLAIN,), remark="numbers, some with zeros in front; --text reads them as texts.")


def _unusual(cells: Sequence[str], numbers: Sequence[float | None]) -> str:
    """Return a remark on numbers that may be times, or too long, or of which one may stand for a gap, else ""."""
    known = [x for x in numbers if x is not None]
    order = counted_times(known)
    if order in ("epoch", "epoch_ms") and len(set(known)) > 1:
        shown = DateFormat(order).read(str(known[0]))
        return f"numbers that may be {DateFormat(order)} ({known[0]:.15g} is {shown:%Y-%m-%d %H:%M}); --times reads them as dates."
    long = next(filter(is_too_long, cells), None)
    if long is not None:
        return (
            f"whole numbers of more digits than are learned ({long} is learned as {float(long):.0f}, as a key or an action it is "
            "exact); --text reads them as texts."
        )
    gap = sentinel(known)
    return (
        ""
        if gap is None
        else f"{gap:g} stands {known.count(gap):,} times, far from all other numbers; --missing={gap:g} reads gaps."
    )


def sentinel(numbers: Sequence[float]) -> float | None:
    """Return a number that is likely to stand for a gap, such as -999, or None.

    It consists of nines, maybe behind a minus, comes at least twice, and is ten times as far from zero as all other numbers, or
    the only one below zero.

    Examples
    --------
    >>> sentinel([1.0, 2.0, -999.0, -999.0]), sentinel([997.0, 998.0, 999.0, 999.0]), sentinel([-1.0, -1.0, 0.5])
    (-999.0, None, None)
    """
    for gap in _SENTINELS.intersection(numbers):
        others = [x for x in numbers if x != gap]
        far = others and (10 * max(map(abs, others)) < abs(gap) or (gap < -100 and min(others) >= 0))
        if far and numbers.count(gap) > 1:
            return gap
    return None


def _worth(counts: Mapping[str, int], writing: Writing) -> bool:
    """Return whether enough of the first texts could be numbers or dates to check all."""
    some = list(filter(_DIGIT.search, islice(counts, _PROBED)))
    if not some:
        return False
    probed = [{cell: 1} for cell in some]
    fits = sum(bool(infer_numbers(one) or infer_dates(one, order=writing.dates or "")[0]) for one in probed)
    return 4 * fits >= min(_PROBED, len(counts))


def _remarks(verdict: NumberVerdict, total: int) -> str:
    unit, odd = verdict.formats[0].unit, total - verdict.cells
    partly = f"only some cells have the unit {unit}, so check that all mean the same" if verdict.bare else ""
    return "; ".join(filter(None, [_mixed(odd, total, "texts", "which become categories of their own"), partly]))


def _mixed(odd: int, total: int, nouns: str, fate: str) -> str:
    return f"mixed: {odd:,} of the first {total:,} are {nouns}, {fate}" if odd else ""


def _signs_of_file(columns: Collection[Inferred], writing: Writing, semicolons: bool) -> tuple[str, str]:
    """Return the decimal sign that options or columns show beyond doubt, else "", and the order of dates.

    Both are looked for only where a column has dates or fits several formats.
    """
    sure, order = writing.decimal or "", writing.dates or ""
    if any(map(attrgetter("dates"), columns)) or max(map(len, map(attrgetter("numbers"), columns)), default=0) > 1:
        formatted = [verdict for verdict in columns if (verdict.counts or verdict.points) and verdict.kind != TEXT]
        sure = sure or _decimal_of_file(formatted, semicolons)
        order = order or _order_of_file(formatted, sure or ("," if semicolons else "."))
    return sure, order


def _decimal_of_file(columns: Sequence[Inferred], semicolons: bool) -> str:
    """Return the decimal sign that the columns show beyond doubt, else "".

    A number with two signs of the same kind, such as 1.203.943, settles it alone: no fraction has two.
    """
    settled = {
        "," if match["point"] else "."
        for column in columns
        for cell in column.counts
        if (match := _TWO_GROUPS.fullmatch(cell))
    }
    if len(settled) == 1:
        return settled.pop()
    votes = Counter(filter(None, map(_decimal_of, columns)))
    if semicolons and votes[","]:
        return ","  # the cells are separated by semicolons since the comma is taken
    return "" if votes["."] == votes[","] else "." if votes["."] > votes[","] else ","


def _decimal_of(column: Inferred) -> str:
    """Return the decimal sign that one column shows beyond doubt, else ""."""
    if column.points:
        return "."
    signs = {style.decimal for style in column.numbers}
    return signs.pop() if len(signs) == 1 and any("," in cell or "." in cell for cell in column.counts) else ""


def _order_of_file(inferred: Iterable[Inferred], decimal: str) -> str:
    """Return the day-month order that other columns show, else the usual one for the decimal sign."""
    sure = [v.dates[0].order for v in inferred if len(v.dates) == 1 and v.dates[0].order in ("dmy", "mdy")]
    return Counter(sure).most_common(1)[0][0] if sure else "dmy" if decimal == "," else "mdy"


def _reader(
    verdict: Inferred, decimal: str, order: str, writing: Writing, known: ColumnReader | None
) -> tuple[ColumnReader, str]:
    """Return the reader of a column, and a sentence about it."""
    if known is not None and known.kind in (TEXT, BOOLEAN, BY_CELL) and verdict.kind in (NUMBER, DATE, TEXT):
        changed = known.kind == TEXT and verdict.kind == NUMBER and not verdict.remark
        return ColumnReader(
            known.kind, started=True
        ), "texts in the model, numbers here; read as texts." if changed else ""
    if known is not None and known.kind != verdict.kind and verdict.kind in (NUMBER, DATE, TEXT):
        nouns = {NUMBER: "numbers", DATE: "dates", TEXT: "texts"}
        remark = f"{nouns[known.kind]} in the model, {nouns[verdict.kind]} here; what doesn't fit is read as text."
        return ColumnReader.from_note(known.note()), remark
    started = known is not None
    if verdict.kind == NUMBER:
        style = _number_style(verdict, decimal, known)
        sure = style is PLAIN and len(verdict.numbers) == 1 and not verdict.remark
        quiet = sure or (known is not None and style == known.number)
        remark = "" if quiet else _remark_on_number(verdict, style, writing)
        return ColumnReader(NUMBER, number=style, started=started, whole=not verdict.points), remark
    if verdict.kind == DATE:
        kept = [style for style in verdict.dates if known is not None and style == known.date]
        style_of_date = (kept or _date_styles(verdict, order))[0]
        remark = "" if kept else _remark_on_date(verdict, style_of_date, writing)
        return ColumnReader(DATE, date=style_of_date, started=started), remark
    return ColumnReader(verdict.kind, started=started), "" if known is not None else verdict.remark


def _number_style(verdict: Inferred, decimal: str, known: ColumnReader | None) -> NumberFormat:
    if known is not None and known.number in verdict.numbers:
        return known.number
    best = verdict.numbers[0]
    if len(verdict.numbers) == 1:
        return best
    signs = {sign for cell in verdict.counts for sign in ",." if sign in cell}
    if len(signs) == 1:  # 1,234 or 1.234: the file's other columns decide
        return next((style for style in verdict.numbers if style.decimal == decimal), best)
    return best


def _date_styles(verdict: Inferred, order: str) -> list[DateFormat]:
    """Return the formats that fit, the most likely first."""
    shown = _shown_date(verdict)
    if any(style.order == "ymd" for style in verdict.dates) and not _TWO_DIGITS.match(normalised(shown)):
        return list(verdict.dates)  # a year of four digits or a month's name is unambiguous
    points = "." in shown and len(verdict.dates) > 1  # 05.01.2024 is used where the day comes first
    first = "dmy" if points else order
    return sorted(verdict.dates, key=lambda style: style.order != first)


def _remark_on_number(verdict: Inferred, style: NumberFormat, writing: Writing) -> str:
    either = _either(verdict, style)
    if style.plain:
        remark = "; ".join(filter(None, [either, verdict.remark]))
        return f"{remark}." if remark and not remark.endswith(".") else remark
    shown = _shown(verdict, style)
    sure = writing.decimal or writing.thousands or (style.decimal == "." and not style.thousands)
    overruled = either or ("" if sure else "--decimal and --thousands overrule this")
    return "; ".join(filter(None, [f"numbers such as {shown} ({style})", overruled, verdict.remark])) + "."


def _shown(verdict: Inferred, style: NumberFormat) -> str:
    """Return the most informative cell for a number format."""
    return max(verdict.counts, key=lambda cell: (len({*cell} & {*",. '"}), style.read(cell) is not None), default="")


def _either(verdict: Inferred, style: NumberFormat) -> str:
    """Describe an equally good reading of a number, with the option for it, if nothing decides."""
    if not verdict.doubtful or len(verdict.numbers) == 1:
        return ""
    shown = _shown(verdict, style)
    other = next((other for other in verdict.numbers if other.read(shown) not in (None, style.read(shown))), None)
    if other is None:
        return ""
    option = "comma" if other.decimal == "," else "point"
    return f"{shown} is read as {style.read(shown):.15g}; --decimal {option} reads {other.read(shown):.15g}"


def _shown_date(verdict: Inferred, style: DateFormat | None = None) -> str:
    """Return the first cell in which day and month may be exchanged, else the first one, of those that a format reads."""
    cells = [cell for cell in verdict.counts if style is None or style.read(cell) is not None]
    return next((cell for cell in cells if _TWO_DIGITS.match(normalised(cell))), cells[0] if cells else "")


def _remark_on_date(verdict: Inferred, style: DateFormat, writing: Writing) -> str:
    shown = _shown_date(verdict, style)
    if style.order in COUNTED:
        return f"numbers such as {shown}, read as {style}."
    if style.order == "clock":
        return f"times of day such as {shown}, read as seconds."
    more = f"; {verdict.remark}" if verdict.remark else ""
    if _ISO.match(shown) and not more:
        return ""
    numeric = "%" in style.order or _TWO_DIGITS.match(normalised(shown)) is not None
    doubt = numeric and len(verdict.dates) > 1 and "." not in shown and not writing.dates
    overruled = "; no cell tells day from month, --dates overrules this" if doubt else ""
    order = f" ({style if numeric else 'year, month, day'})" if numeric or shown[:4].isdecimal() else ""
    return f"dates such as {shown}{order}{overruled}{more}."


class DtypeInference:
    """Reader settings of a source's columns, inferred once from its first rows.

    Parameters
    ----------
    writing
        Signs and date formats set by options.
    text
        Columns to read as text.
    known
        Settings of a saved model's columns, from `note`.
    look, look_live
        Rows to infer from, in a file and in a live stream.

    Examples
    --------
    >>> inference = DtypeInference(known={"price": {"kind": "number", "decimal": ","}})
    >>> inference.look({"price": ["9,50", "8"], "to": ["JFK", "LGA"]})
    >>> inference.readers["price"].read(["9,50"], [2]), inference.note()["to"]
    ([9.5], {'kind': 'text'})
    """

    def __init__(
        self,
        *,
        writing: Writing | None = None,
        text: Collection[str] = (),
        known: Mapping[str, dict[str, object]] | None = None,
        look: int = LOOK,
        look_live: int = LOOK,
    ) -> None:
        self.rows, self._rows_live = look, look_live
        self.readers: dict[str, ColumnReader] = {}
        self.remarks: list[str] = []
        self.keep = False  # whether to keep what follows, for a look
        self.cells: dict[str, Sequence[str]] = {}
        self.verdicts: dict[str, Inferred] = {}
        self._odd: list[tuple[str, str]] = []  # columns and sentences, from earlier files
        self._writing, self._text = writing or _NO_OPTIONS, tuple(text)
        self._known = {name: ColumnReader.from_note(note) for name, note in (known or {}).items()}

    def go_live(self) -> None:
        """Infer from fewer rows, or one row if a model has settings, since rows may arrive slowly."""
        self.rows = 1 if self._known else self._rows_live

    def look_typed(
        self, columns: Mapping[str, Sequence[str]], *, target: str | None = None, of_texts: bool = False
    ) -> None:
        """Infer the text columns of a typed source such as JSON or Parquet.

        Texts of digits stay texts, unless the source is `of_texts` alone, which tells no numbers from texts and is read as CSV.
        Columns without texts are left out.
        """
        if of_texts:
            self.look(columns, target=target)
            return
        plain = [name for name, cells in columns.items() if parse_numbers(cells) is not None]
        kept = [name for name in plain if name not in self._text and all(map(str.isdigit, columns[name]))]
        decimals = [name for name in plain if name not in kept]
        self.look({name: cells for name, cells in columns.items() if name not in kept}, target=target)
        self.readers |= {name: ColumnReader(TEXT, started=True) for name in kept}
        self._known |= self.readers
        self.remarks += [
            f"{name}: numbers written as texts, read as texts; take the quotes off if they are quantities."
            for name in kept
        ]
        self.remarks += [
            f"{name}: numbers written as texts, read as numbers; --text reads them as texts." for name in decimals
        ]

    def look(
        self, columns: Mapping[str, Sequence[str]], *, target: str | None = None, semicolons: bool = False
    ) -> None:
        """Infer columns from the cells of their first rows."""
        self._odd = list(self._odds()) if self.readers else self._odd
        self.cells |= columns if self.keep else {}
        self.readers, remarks = infer_columns(
            columns,
            writing=self._writing,
            text=self._text,
            known=self._known,
            target=target,
            semicolons=semicolons,
            verdicts=self.verdicts if self.keep else None,
        )
        self.remarks = list(dict.fromkeys([*self.remarks, *remarks]))
        self._known |= self.readers  # further files of the stream are read alike

    def note(self) -> dict[str, dict[str, object]]:
        """Return the settings of each column as JSON, which a model stores so that single rows are read alike."""
        return {name: reader.note() for name, reader in self._known.items()}

    def kinds(self) -> str:
        """Return a line that lists the columns read as numbers, dates and texts."""
        nouns = {NUMBER: "numbers", DATE: "dates", TEXT: "texts", BOOLEAN: "true or false"}
        columns = defaultdict[str, list[str]](list)
        for name, reader in self.readers.items():
            columns[reader.kind].append(name)
        parts = []
        for kind, noun in nouns.items():
            names = columns[kind]
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            parts += [f"{noun}: {', '.join(names[:_NAMED])}{more}"] if names else []
        return f"Read as {'; '.join(parts)}." if parts else ""

    def odd(self, only: Collection[str] | None = None) -> list[str]:
        """Return a sentence for each column with texts among numbers or dates, or for some of these columns only."""
        return [sentence for name, sentence in self._odds() if only is None or name in only]

    def _odds(self) -> Iterator[tuple[str, str]]:
        yield from self._odd
        for name, reader in self.readers.items():
            if reader.odd:
                first, line = reader.first
                yield (
                    name,
                    f"{name}: {reader.odd:,} × text in a column of {reader.kind}s, first {first!r} in line {line:,}.",
                )

    def hush(self, names: Collection[str]) -> None:
        """Make no remarks upon columns whose texts and numbers are labels alike."""
        about = tuple([f"{name}: " for name in names])
        self.remarks = [remark for remark in self.remarks if not remark.startswith(about)]
        for name in self.readers.keys() & set(names):
            self.readers[name].odd = 0
