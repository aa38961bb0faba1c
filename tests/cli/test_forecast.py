"""``headwater forecast`` as a user meets it: a table or JSON lines, a picture, a model that goes on."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.cli import main
from headwater.streams import read


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs a command line in a folder with 300 hours of a daily series; the last three have no answer yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    lines = [
        f"2024-01-{1 + i // 24:02} {i % 24:02}:00:00,{i % 2},{'' if i >= 297 else 10 + 5 * math.sin(i * math.pi / 12):.4}"
        for i in range(300)
    ]
    (tmp_path / "open.csv").write_text("\n".join(["when,odd,y", *lines, ""]))
    (tmp_path / "past.csv").write_text("\n".join(["when,odd,y", *lines[:297], ""]))

    def runs(*tokens: object) -> tuple[int, str, str]:
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


def test_rows_without_an_answer_at_the_end_are_the_times_to_forecast(run: Any) -> None:
    status, out, err = run("forecast", "open.csv", "--target", "y", "--time", "when", "--horizon", 6, "--json")
    assert (status, err) == (0, "")
    said = [json.loads(line) for line in out.splitlines()]
    assert [row["when"] for row in said] == [f"2024-01-13 {h:02}:00:00" for h in (9, 10, 11)]
    for i, row in enumerate(said):
        assert row["y"] == pytest.approx(10 + 5 * math.sin((297 + i) * math.pi / 12), abs=0.5)
        assert row["low"] <= row["y"] <= row["high"]


def test_more_gaps_and_times_to_forecast_than_a_fifth_of_the_rows_are_taken(run: Any) -> None:
    lines = [f"{i},{'' if i >= 60 or i % 3 == 1 else i % 7}" for i in range(84)]
    Path("gaps.csv").write_text("\n".join(["when,y", *lines, ""]))
    status, out, err = run("forecast", "gaps.csv", "-t", "y", "--season", 7, "--model", "f.hw", "--json")
    assert (status, err, len(out.splitlines())) == (0, "", 24)
    own = hw.Forecaster(season=7)
    own.learn_many([None if i % 3 == 1 else i % 7 for i in range(60)], [{"when": float(i)} for i in range(60)])
    assert hw.load("f.hw").forecast() == own.forecast()
    status, out, err = run("learn", "gaps.csv", "--task", "forecast", "-t", "y", "--season", 7, "--model", "l.hw")
    assert (status, err) == (0, "")
    own.learn_many([None] * 24, [{"when": float(i)} for i in range(60, 84)])
    assert hw.load("l.hw").forecast() == own.forecast()


def test_texts_among_the_numbers_of_a_series_are_left_out_and_said(run: Any) -> None:
    rows = [f"{i},{i % 7}.5" for i in range(100)]
    Path("odd.csv").write_text("\n".join(["t,y", *rows[:40], "40,closed", *rows[41:], ""]))
    status, _, err = run("forecast", "odd.csv", "--target", "y", "--horizon", 2, "--season", 7)
    assert (status, err) == (0, "Left out: 1 × target is text, not a number (line 42).\n")


def test_without_such_rows_times_go_on_at_their_usual_step_and_a_picture_is_drawn(run: Any) -> None:
    pytest.importorskip("matplotlib")
    status, out, err = run("forecast", "past.csv", "-t", "y", "--time", "when", "--horizon", 4, "--plot", "y.svg")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 5
    assert lines[1].split()[:2] == ["2024-01-13", "09:00:00"]
    picture = Path("y.svg").read_text()
    assert picture.startswith("<?xml")
    assert "</svg>" in picture


def test_a_saved_model_goes_on(run: Any) -> None:
    for _ in range(2):
        status, _, err = run("forecast", "past.csv", "-t", "y", "--horizon", 2, "--model", "y.hw")
        assert (status, err) == (0, "")
    model = hw.load("y.hw", hw.Forecaster)
    assert (model.n_learned, model.horizon) == (2 * 297, 2)


def test_what_can_not_be_done_is_said_in_one_sentence(run: Any) -> None:
    hw.Regressor().save("r.hw")
    Path("words.csv").write_text("y\n" + "up\ndown\n" * 20, encoding="utf-8")
    status, _, err = run("forecast", "words.csv", "-t", "y")
    assert (status, "Choose another --target: a series is numbers." in err, "--task" in err) == (2, True, False)
    for tokens, said in (
        (("-t", "nothing"), "expected the column nothing"),
        (("-t", "y", "--time", "never"), "expected a column never"),
        (("-t", "y", "--horizon", 0), "horizon of Forecaster"),
        (("-t", "y", "--model", "r.hw"), "expected a file that holds a forecaster, got a regressor"),
        (("-t", "y", "--plot", "no/where.png"), "a file that can be written"),
    ):
        status, _, err = run("forecast", "past.csv", *tokens)
        assert status == 2
        assert said in err


SHOPS = ("north", "south", "east")
WEEK = (4, 5, 6, 7, 9, 14, 5)


def sales(shop: str, day: int) -> int:
    return (SHOPS.index(shop) + 1) * 10 * WEEK[day % 7] + day % 3


def write_sales(name: str, rows: list[tuple[str, int]]) -> None:
    lines = [f"{date(2026, 1, 1) + timedelta(day)},{shop},{sales(shop, day)}" for shop, day in rows]
    Path(name).write_text("\n".join(["date,shop,sales", *lines, ""]), encoding="utf-8")


BY_DATE = [(shop, day) for day in range(60) for shop in SHOPS]
BY_SHOP = [(shop, day) for shop in SHOPS for day in range(60)]
RELATED = ("--task", "forecast", "-t", "sales", "--key", "shop", "--season", 7, "--horizon", 3)


def test_related_series_are_learned_forecast_and_shown(run: Any) -> None:
    write_sales("sales.csv", BY_DATE)
    status, out, err = run("learn", "sales.csv", *RELATED, "--time", "date", "--model", "m.hw")
    assert (status, err) == (0, "")
    assert "the next value off by 10.7 on average, behind repeating the answer a season before (8.23)." in out
    assert "date goes back" not in out
    assert "3 keys" in out
    fleet = hw.Forecaster(horizon=3, season=7, key="shop")
    with read("sales.csv", target="sales", task="regress") as stream:
        for block in stream.blocks():
            fleet.step_many(block.X, block.y)
    assert [fleet.forecast(shop) for shop in SHOPS] == [hw.load("m.hw").forecast(shop) for shop in SHOPS]

    status, out, err = run("predict", "--model", "m.hw", "--json")
    said = [json.loads(line) for line in out.splitlines()]
    assert [(row["shop"], row["ahead"]) for row in said] == [(shop, h) for shop in SHOPS for h in (1, 2, 3)]
    Path("new.csv").write_text("shop\nwest\n", encoding="utf-8")
    status, out, err = run("predict", "new.csv", "--model", "m.hw", "--horizon", 1, "--json")
    assert json.loads(out)["y_pred"] == fleet.forecast("west", 1)[0] > 0
    assert "3 forecasters, one for each shop, that have learned 180 rows" in run("show", "m.hw")[1]
    assert run("learn", "sales.csv", "--model", "m.hw", "-t", "sales")[0] == 0
    assert hw.load("m.hw").n_learned == 360


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ((*RELATED, "--fleet", "shop"), "expected --key for series that are related, or --fleet for models"),
        ((*RELATED[:4], "--key", "shp"), "got no such column — at sales.csv. Did you mean shop?"),
        (("-t", "sales", "--key", "shop"), "got --key — at --key. Leave it out, or give --task forecast."),
        ((*RELATED, "--time", "day"), "expected a column day, got none — at sales.csv."),
        (
            ("--model", "m.hw", "-t", "sales", "--key", "date"),
            "expected --key shop, as m.hw was made with, got date — at --key.",
        ),
        (
            ("--model", "m.hw", "-t", "sales", "--horizon", 4),
            "expected --horizon 3, as m.hw was made with, got 4 — at --horizon.",
        ),
    ],
)
def test_what_is_wrong_with_related_series_is_said_in_one_sentence(run: Any, tokens: Any, said: str) -> None:
    write_sales("sales.csv", BY_DATE)
    hw.Forecaster(horizon=3, season=7, key="shop").save("m.hw")
    status, _, err = run("learn", "sales.csv", *tokens)
    assert (status, said in err) == (2, True)


def test_a_file_sorted_by_shop_is_refused_by_a_declared_time_and_else_noted(run: Any) -> None:
    write_sales("sales.csv", BY_SHOP)
    status, _, err = run("learn", "sales.csv", *RELATED, "--time", "date", "--model", "m.hw")
    assert status == 2
    assert err == (
        "expected rows in the order of date, those of one time together, got 2026-01-01 after 2026-03-01 — at row 61 of sales.csv. "
        "Sort the file by date: a series is learned in the order of its rows.\n"
    )
    assert not Path("m.hw").exists()
    out = run("learn", "sales.csv", *RELATED)[1]
    assert "date goes back in 2 rows (first in row 61: 2026-01-01 after 2026-03-01). A series is learned" in out
    assert "Rows of one time follow each other, whatever their keys." in out
    alone = run("learn", "sales.csv", *RELATED[:4], "--fleet", "shop", "--time", "date")
    assert alone[0] == 0
    assert "goes back" not in alone[1]


def test_one_forecaster_of_several_series_is_told_so_and_rows_from_the_newest_on_too(run: Any) -> None:
    write_sales("sales.csv", BY_DATE)
    write_sales("back.csv", [("north", day) for day in range(59, -1, -1)])
    same = "date stays the same in 120 rows: a series has one row a time. Several series: headwater learn FILE --task forecast --key COLUMN."
    back = "date goes back in 59 rows (first in row 2: 2026-02-28 after 2026-03-01). A series is learned in the order of its rows: sort the file by date."
    for name, note in (("sales.csv", same), ("back.csv", back)):
        assert f"\n{note}\n" in run("learn", name, *RELATED[:4])[1]
        assert run("forecast", name, "-t", "sales")[::2] == (0, f"{note}\n")
    status, _, err = run("forecast", "back.csv", "-t", "sales", "--time", "date")
    assert (status, err.split(" — ")[0]) == (2, "expected rows in the order of date, got 2026-02-28 after 2026-03-01")


def test_a_target_that_is_not_there_is_told_the_columns_that_are(run: Any) -> None:
    status, _, err = run("forecast", "open.csv", "--target", "loda")
    assert status == 2
    assert err.startswith("expected the column loda, got ")
    assert "a series is numbers" not in err
    assert "load" in err or "Known: " in err
