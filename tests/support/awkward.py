"""Awkward files, as people have them: each with what a human would expect when it is learned.

The rows of all are the same 400: the answer is "late" where the price is high, or the city is one of two.
"""

from __future__ import annotations

import bz2
import csv
import datetime as dt
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEARNED, REFUSED = "learned", "refused"
N = 400


@dataclass(frozen=True)
class Case:
    """One file: its name and bytes, options of the command line, what is expected, and words that must be said."""

    name: str
    data: bytes
    expected: str = LEARNED
    said: str = ""
    options: tuple[str, ...] = ()
    exact: bool = True  # whether its rows mean the very same as those of the clean file
    target: str = "late"


@dataclass(frozen=True)
class Row:
    price: float
    day: dt.date
    city: str
    late: str


CITIES = ("Oslo", "Rome", "Lima", "Kyiv")
CHINESE = ("北京", "上海", "广州", "成都")


def rows() -> list[Row]:
    draw = random.Random(7)
    out = []
    for i in range(N):
        price, city = round(draw.uniform(1_000, 99_000), 2), draw.choice(CITIES)
        late = "yes" if price > 60_000 or city in ("Rome", "Lima") else "no"
        out.append(Row(price, dt.date(2024, 1, 1) + dt.timedelta(days=i), city, late))
    return out


def table(
    price: Callable[[Row], str] = lambda r: f"{r.price:.2f}",
    day: Callable[[Row], str] = lambda r: r.day.isoformat(),
    city: Callable[[Row], str] = lambda r: r.city,
    late: Callable[[Row], str] = lambda r: r.late,
    *,
    names: tuple[str, ...] = ("price", "day", "city", "late"),
    delimiter: str = ",",
    end: str = "\n",
    quote: int = csv.QUOTE_MINIMAL,
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quote)  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows([price(r), day(r), city(r), late(r)] for r in rows())
    return text.getvalue()


def german(x: float, thousands: str = ".") -> str:
    return f"{x:,.2f}".replace(",", "_").replace(".", ",").replace("_", thousands)


def wide(text: str) -> str:
    return text.translate({ord(a): ord(a) + 0xFEE0 for a in "0123456789.,"})


def every(n: int, other: str, usual: Callable[[Row], str]) -> Callable[[Row], str]:
    """Write something else in each n-th row, the first among them."""
    counter = iter(range(10**9))
    return lambda r: other if next(counter) % n == 0 else usual(r)


PRICE = "{0.price:.2f}".format
CLEAN = table()


def as_text(name: str, text: str, said: str = "", encoding: str = "utf-8", **more: Any) -> Case:
    return Case(name, text.encode(encoding), said=said, **more)


def numbers() -> list[Case]:
    said = "price: numbers such as"
    return [
        as_text("thousands.csv", table(lambda r: f"{r.price:,.2f}"), said),
        as_text("german.csv", table(lambda r: german(r.price), delimiter=";"), said),
        as_text("german_comma.csv", table(lambda r: german(r.price)), said),
        as_text("decimal_comma.csv", table(lambda r: german(r.price, ""), delimiter=";"), said),
        as_text("swiss.csv", table(lambda r: f"{r.price:,.2f}".replace(",", "'")), said),
        as_text("swiss_curly.csv", table(lambda r: f"{r.price:,.2f}".replace(",", "’")), said),
        as_text("french.csv", table(lambda r: german(r.price, "\u202f"), delimiter=";"), said),
        as_text("nbsp.csv", table(lambda r: f"{r.price:,.2f}".replace(",", "\xa0")), said),
        as_text("dollar.csv", table(lambda r: f"${r.price:,.2f}"), "without the unit $"),
        as_text("dollar_plain.csv", table(lambda r: f"${r.price:.2f}"), "without the unit $"),
        as_text("euro.csv", table(lambda r: f"{german(r.price)} €", delimiter=";"), "without the unit €"),
        as_text("yuan.csv", table(lambda r: f"￥{r.price:,.2f}"), "without the unit ¥"),
        as_text("percent.csv", table(lambda r: f"{r.price:.2f} %"), "without the unit %"),
        as_text("full_width.csv", table(lambda r: wide(PRICE(r)))),
        as_text("indian.csv", table(lambda r: indian(r.price)), said),
        as_text("exponent.csv", table(lambda r: f"{r.price:.6e}")),
        as_text("exponent_comma.csv", table(lambda r: f"{r.price:.6E}".replace(".", ","), delimiter=";"), said),
        as_text("unit.csv", table(lambda r: f"{r.price:.2f} kg"), "without the unit kg"),
        as_text("square_metres.csv", table(lambda r: f"{r.price:.2f} m²"), "without the unit m2"),
        as_text("factors.csv", table(lambda r: f"{r.price / 1000:.5f}k" if r.price > 5e4 else PRICE(r)), "k, M and B multiply"),
        as_text("brackets.csv", table(lambda r: signed(r.price, "({:.2f})")), exact=False),
        as_text("minus_behind.csv", table(lambda r: signed(r.price, "{:.2f}-")), exact=False),
        as_text("typographic_minus.csv", table(lambda r: signed(r.price, "−{:.2f}")), exact=False),
        as_text("plus.csv", table(lambda r: f"+{r.price:.2f}")),
        as_text("spaces_around.csv", table(lambda r: f"  {r.price:.2f} ", city=lambda r: f"{r.city} ", late=lambda r: f"{r.late} ")),
        as_text("marks.csv", table(every(9, "?", PRICE)), exact=False),
        as_text("marks_spreadsheet.csv", table(every(9, "#DIV/0!", PRICE)), exact=False),
        as_text("marks_first.csv", table(every(400, "unknown", PRICE)), exact=False),
        as_text("text_first.csv", table(every(400, "to be announced", PRICE)), "price: mixed", exact=False),
        as_text("two_units.csv", table(lambda r: f"{r.price:.2f} {'kg' if r.late == 'no' else 'lb'}"), "several units", exact=False),
        as_text("given_decimal.csv", table(lambda r: german(r.price, ""), delimiter=";"), options=("--decimal", "comma")),
    ]  # fmt: skip


def indian(x: float) -> str:
    whole, _, cents = f"{x:.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    groups = [head[max(0, i - 2) : i] for i in range(len(head), 0, -2)][::-1]
    return ",".join([*groups, tail]) + "." + cents


def signed(price: float, negative: str) -> str:
    x = price - 50_000
    return negative.format(-x) if x < 0 else f"{x:.2f}"


def dates() -> list[Case]:
    said = "day: dates such as"
    return [
        as_text("chinese_date.csv", table(day=lambda r: f"{r.day.year}年{r.day.month}月{r.day.day}日"), said),
        as_text("german_date.csv", table(day=lambda r: f"{r.day:%d.%m.%Y}"), said),
        as_text("us_date.csv", table(day=lambda r: f"{r.day.month}/{r.day.day}/{r.day.year}"), "month, day, year"),
        as_text("uk_date.csv", table(day=lambda r: f"{r.day.day}/{r.day.month}/{r.day.year}"), "day, month, year"),
        as_text("short_year.csv", table(day=lambda r: f"{r.day:%d.%m.%y}"), said),
        as_text("compact_date.csv", table(day=lambda r: f"{r.day:%Y%m%d}"), said),
        as_text("slashes.csv", table(day=lambda r: f"{r.day:%Y/%m/%d}"), said),
        as_text("month_name.csv", table(day=lambda r: f"{r.day.day} {r.day:%b} {r.day.year}"), said),
        as_text("us_long_date.csv", table(day=lambda r: f"{r.day:%B} {r.day.day}, {r.day.year}"), said),
        as_text("date_time.csv", table(day=lambda r: f"{r.day.month}/{r.day.day}/{r.day.year} 12:00 AM"), said),
        as_text("given_date.csv", table(day=lambda r: f"{r.day:%d%m%Y}x"), options=("--dates", "%d%m%Yx")),
    ]


def encodings() -> list[Case]:
    def chinese(name: str, encoding: str, said: str, **more: Any) -> Case:
        names = ("价格", "日期", "城市", "late")
        if encoding == "big5":
            names = ("價格", "日期", "城市", "late")
        text = table(city=lambda r: CHINESE[CITIES.index(r.city)].replace("广", "廣") if encoding == "big5" else CHINESE[CITIES.index(r.city)], names=names)  # fmt: skip
        return Case(name, text.encode(encoding), said=said, exact=False, **more)

    japanese = table(city=lambda r: ("東京", "大阪", "カタカナ", "ひらがな")[CITIES.index(r.city)])
    latin = table(city=lambda r: ("Köln", "Zürich", "Málaga", "Besançon")[CITIES.index(r.city)])
    russian = table(city=lambda r: ("Москва", "Казань", "Пермь", "Омск")[CITIES.index(r.city)])
    return [
        Case("bom.csv", CLEAN.encode("utf-8-sig")),
        Case("utf16.csv", CLEAN.encode("utf-16"), said="UTF-16"),
        Case("utf16_no_mark.csv", CLEAN.encode("utf-16-le"), said="UTF-16"),
        chinese("gbk.csv", "gbk", "GB18030 (GBK)"),
        chinese("gb18030.csv", "gb18030", "GB18030 (GBK)"),
        chinese("big5.csv", "big5", "Big5"),
        chinese("given_encoding.csv", "gbk", "", options=("--encoding", "gbk")),
        Case("shift_jis.csv", japanese.encode("shift_jis"), said="Shift-JIS", exact=False),
        Case("latin1.csv", latin.encode("latin-1"), said="Latin-1", exact=False),
        Case("cp1251.csv", russian.encode("cp1251"), said="Windows-1251", exact=False),
        Case("late_umlaut.csv", (CLEAN + "1.00,2024-01-01,Köln,no\n").encode("latin-1"), said="", exact=False),
        Case("wrong_encoding.csv", "价格,late\n1,yes\n".encode("gbk"), REFUSED, "--encoding", ("--encoding", "utf-8")),
    ]


def packings() -> list[Case]:
    clean = CLEAN.encode()
    archive, two = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inner.csv", CLEAN)
    with zipfile.ZipFile(two, "w") as file:
        file.writestr("a.csv", CLEAN)
        file.writestr("b.csv", CLEAN)
    return [
        Case("packed.csv.gz", gzip.compress(clean)),
        Case("packed.csv.bz2", bz2.compress(clean)),
        Case("packed.csv.xz", lzma.compress(clean)),
        Case("packed.csv.zst", zstd(clean)),
        Case("packed.zip", archive.getvalue()),
        Case("two.zip", two.getvalue(), REFUSED, "a zip archive of one file"),
    ]


def zstd(data: bytes) -> bytes:
    import pyarrow as pa

    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return bytes(out.getvalue())


def shapes() -> list[Case]:
    lines = CLEAN.splitlines(keepends=True)
    objects = [dict(zip(lines[0].strip().split(","), line.strip().split(","), strict=True)) for line in lines[1:]]
    as_json = "".join(json.dumps(x | {"price": f"{float(x['price']):,.2f}"}) + "\n" for x in objects)
    nested = "".join(json.dumps({"order": {"price": float(x["price"]), "city": x["city"]}, "day": x["day"], "late": x["late"]}) + "\n" for x in objects)  # fmt: skip
    broken = "".join(line if i % 3 else "half a row\n" for i, line in enumerate(lines, 1))
    return [
        as_text("crlf.csv", table(end="\r\n")),
        as_text("old_mac.csv", table(end="\r")),
        as_text("excel.csv", "sep=;\n" + table(delimiter=";")),
        as_text("tabs.csv", table(delimiter="\t")),
        as_text("pipes.txt", table(delimiter="|")),
        as_text("quoted.csv", table(quote=csv.QUOTE_ALL)),
        as_text("comma_in_header.csv", table(names=("price", "day", "city", "late"), delimiter=";").replace("city", '"city"')),
        as_text("blank_lines.csv", "\n\n" + CLEAN.replace("\n", "\n\n")),
        as_text("line_breaks.csv", table(city=lambda r: f"{r.city}\nCentre"), exact=False),
        as_text("text_numbers.jsonl", as_json, "price: numbers such as"),
        as_text("nested.jsonl", nested, exact=False),
        as_text("capitals.csv", table(late=lambda r: r.late.upper() if r.price % 2 < 1 else r.late), "different classes", exact=False),
        as_text("zeros.csv", table(city=lambda r: f"0{CITIES.index(r.city)}139"), "codes that begin with zeros", exact=False),
        as_text("array.json", json.dumps(objects), expected=REFUSED, said="got one JSON array"),
        as_text("twice.csv", CLEAN.replace("price,day,city", "price,price,city"), expected=REFUSED, said="'price' more than once"),
        as_text("target_twice.csv", CLEAN.replace("price,day,city", "late,day,city"), expected=REFUSED, said="'late' more than once"),
        as_text("no_header.csv", "".join(lines[1:]), expected=REFUSED, said="the column late"),
        as_text("only_header.csv", lines[0], expected=REFUSED, said="expected rows"),
        as_text("empty.csv", "", expected=REFUSED, said="an empty file"),
        as_text("unquoted_thousands.csv", table(lambda r: f"{r.price:,.2f}").replace('"', ""), expected=REFUSED, said="wrong number of fields"),
        as_text("half_rows.csv", broken, expected=REFUSED, said="wrong number of fields"),
        as_text("no_answers.csv", table(late=every(2, "", lambda r: r.late)), expected=REFUSED, said="the answer is missing"),
        as_text("page.csv", "<!DOCTYPE html><html></html>", expected=REFUSED, said="got a web page"),
        Case("sheet.csv", sheet(), REFUSED, "a spreadsheet"),
        Case("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0", REFUSED, "a binary file"),
        as_text("capital_target.csv", CLEAN.replace("city,late", "city,Late"), expected=REFUSED, said="Did you mean Late"),
    ]  # fmt: skip


def sheet() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def answers() -> list[Case]:
    amounts = table(PRICE, late=lambda r: f"{r.price * 2:,.2f}")
    return [
        as_text("answer_thousands.csv", amounts, "late holds numbers", exact=False),
        as_text("answer_thousands_regress.csv", amounts, options=("--task", "regress"), exact=False),
        as_text("answer_dollars.csv", table(late=lambda r: f"${r.price * 2:.2f}"), "late holds numbers", exact=False),
        as_text("answer_classes.csv", table(late=lambda r: f"{r.price:.2f}"), "numbers with a fraction", expected=REFUSED, options=("--task", "classify")),
        as_text("answer_identifier.csv", table(late=lambda r: f"n{r.price:.2f}"), "an identifier", exact=False),
        as_text("answer_changes.csv", table(late=lambda r: f"{r.price:.2f}") + "".join(f"1,2024-01-01,Oslo,{word}\n" for word in ("ten", "eleven")), "Left out: 2 × target is text", exact=False),
    ]  # fmt: skip


def cases() -> list[Case]:
    return [Case("clean.csv", CLEAN.encode()), *numbers(), *dates(), *encodings(), *packings(), *shapes(), *answers()]


def write(folder: Path, case: Case) -> Path:
    path = folder / case.name
    path.write_bytes(case.data)
    return path
