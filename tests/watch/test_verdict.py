"""One verdict says how good a model is, lately and since the start, in the same words in Python and on pages."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import asdict
from itertools import product

import pytest
from tools.build.written import phrases

import headwater.store.web
from headwater.route.verdict.numbers import figure, share
from headwater.route.verdict.phrases import PHRASES
from headwater.route.verdict.verdict import beats_baselines, compare_baselines, lines_of
from headwater.types import Comparison, Metrics, Span

PAGE = headwater.store.web.shared_folder()
NUMBERS = (
    0,
    1,
    -1,
    0.5,
    2.5,
    1.421,
    12.5,
    0.125,
    0.0005,
    99.995,
    31_030.4,
    31_035,
    1.5e6,
    123_456_789,
    3.1e14,
    9.9999e14,
    1e15,
    2e21,
    1e-6,
)
NUMBERS = (*NUMBERS, 9.99e-7, 1e-9, 4e-300, 1e300, -0.0, -31_030.4, 2 / 3, 0.748, 0.667, math.nan, math.inf)  # fmt: skip
PHRASED = ("share", "error", "ahead error", "reward", "return", "alarms", "auc", "other")


def record(score, model, baselines, window=None, window_baselines=None, scored=5_000):
    def named(value):
        return {score: value}

    return Metrics(
        rows=scored,
        scored=scored,
        window=min(1_000, scored),
        scores=named(model),
        window_scores=named(model if window is None else window),
        baselines={name: named(value) for name, value in baselines.items()},
        window_baselines={name: named(value) for name, value in (window_baselines or baselines).items()},
    )


def compared(phrase, more, recent, overall, *, guesses=(None, None), unit="rows", n=(1000, 5000), output=""):
    spans = [Span(count, value, own or {}) for count, value, own in zip(n, (recent, overall), guesses, strict=True)]
    return Comparison("count_error", phrase, more, unit, *spans, output)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            record("accuracy", 0.67, {"majority": 0.58}, 0.667, {"no-change": 0.748, "majority": 0.6}, 12_345),
            (
                "Last 1,000 rows: 67 % right, behind repeating the last answer (75 %). "
                "All 12,345 rows: 67 % right, ahead of always saying the most frequent class (58 %)."
            ),
        ),
        (
            record("accuracy", 0.701, {"no-change": 0.698, "majority": 0.6}, scored=75),
            "All 75 rows: 70.1 % right, ahead of repeating the last answer (69.8 %).",
        ),
        (
            record("mae", 3.0, {"no-change": 4.0, "mean": 2.5}, scored=1),
            "All 1 row: off by 3 on average, behind always saying the mean so far (2.5).",
        ),
        (
            record("mae", 31_030.4, {"no-change": 1.5e6, "mean": 40_000.0}, scored=9),
            "All 9 rows: off by 31,000 on average, ahead of always saying the mean so far (40,000).",
        ),
        (
            record("rmse", 2.0, {"no-change": 4.0, "mean": 2.5}, scored=9),
            "All 9 rows: rmse 2, ahead of always saying the mean so far (2.5).",
        ),
        (
            record("accuracy", 0.5, {"no-change": 0.5, "majority": 0.2}, scored=10),
            "All 10 rows: 50 % right, level with repeating the last answer (50 %).",
        ),
        (Metrics(rows=0, scored=0, window=0), ""),
    ],
)
def test_lately_and_overall_stand_each_beside_their_own_baseline_by_name(record, sentence):
    assert compare_baselines(record) == sentence
    assert beats_baselines(record) == (sentence.rpartition("rows: ")[2].find("ahead of") > 0)


def test_the_state_is_the_recent_one_so_that_what_has_fallen_behind_is_not_green():
    fallen = record("accuracy", 0.67, {"majority": 0.58}, 0.667, {"no-change": 0.748})
    (line,) = lines_of([compared("share", True, 0.667, 0.67, guesses=({"no-change": 0.748}, {"majority": 0.58}))])
    assert line.state == "behind"
    assert beats_baselines(fallen)


def test_what_is_no_row_is_counted_by_its_own_name_and_never_over_more_than_there_are():
    few = compared("return", True, 0.4667, 0.4667, unit="episodes", n=(75, 75))
    assert lines_of([few])[0].overall == "All 75 episodes: 0.467 an episode."
    assert lines_of([few])[0].recent == ""
    many = compared(
        "return", True, 182, 95.25, guesses=({"first": 21.3}, {"first": 21.3}), unit="episodes", n=(100, 275)
    )
    assert lines_of([many])[0].recent == "Last 100 episodes: 182 an episode, ahead of its first 10 episodes (21.3)."
    assert lines_of([many], "zh")[0].recent == "最近 100 个回合：每个回合 182，领先于最初 10 个回合（21.3）。"


def test_each_output_has_a_line_and_of_many_those_behind_come_first():
    outputs = [
        compared("share", True, 1.0, 1.0, guesses=({"majority": 0.6}, {"majority": 0.6}), output="late"),
        compared("error", False, 12.0, 12.0, guesses=({"mean": 3.0}, {"mean": 3.0}), output="minutes"),
    ]
    assert [(line.output, line.state) for line in lines_of(outputs)] == [("late", "ahead"), ("minutes", "behind")]
    many = [*[outputs[0]] * 199, outputs[1]]
    lines = lines_of(many)
    assert (len(lines), lines[0].output) == (13, "minutes")
    assert lines[-1].overall == "… and 188 more, 0 of them behind."


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_is_written_as_programs_write_it(number):
    assert "e" not in figure(number).lower()


def test_numbers_have_a_few_digits_and_commas():
    assert [figure(n) for n in (3.103e4, 1.421, 1.5e6, 2e21, 1e-9)] == [
        "31,030",
        "1.421",
        "1,500,000",
        "2 × 10²¹",
        "1 × 10⁻⁹",
    ]
    assert [share(x) for x in (0.6667, 1.0, 0.0005)] == ["66.7", "100.0", "0.1"]


def test_both_languages_have_every_phrase_with_the_same_places():
    assert PHRASES["en"].keys() == PHRASES["zh"].keys()
    for name, phrase in PHRASES["en"].items():
        forms = [*phrase.split("|"), *PHRASES["zh"][name].split("|")]  # a singular and a plural have the same ones
        assert len({tuple(sorted(re.findall(r"{(\w+)}", form))) for form in forms}) == 1, name


def test_one_alarm_is_said_in_the_singular():
    span = Span(1_000, 0.001, {"expected": 0.001})
    (line,) = lines_of([Comparison("alarms", "alarms", None, "rows", span, span)], "en")
    assert line.overall == "All 1,000 rows: 1 alarm (0.1 %); if nothing changed, 0.1 % would be."


def test_the_pages_have_the_phrases_that_python_declares():
    for name, text in phrases.modules().items():
        assert (phrases.WEB / name).read_text(encoding="utf-8") == text, "python -m tools.build.written.phrases"


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")
def test_javascript_says_the_same_words_of_the_same_numbers(tmp_path):
    finite = [n for n in NUMBERS if math.isfinite(n)]
    cases = [
        compared(
            phrase,
            more,
            a,
            b,
            guesses=({"first": b, "no-change": a}, {"mean": a, "mine": 2 * b}),
            unit=unit,
            n=n,
            output=output,
        )
        for (phrase, unit), more, (a, b), (n, output) in product(
            zip(PHRASED, ("rows", "values", "decisions", "episodes") * 2, strict=True),
            (True, False, None),
            zip(finite, [*finite[1:], finite[0]], strict=True),
            (((1000, 12_345), ""), ((1, 1), "<b>name</b>")),
        )
        if phrase not in ("share", "alarms") or max(abs(a), abs(b)) <= 1
    ]
    cases += [
        compared("share", True, 0.5, math.nan),
        compared("share", True, math.nan, 0.5),
        compared("share", True, 0.5, 0.5, n=(0, 0)),
    ]
    blocks = [cases[:1], *([one] for one in cases), cases[:40]]
    (tmp_path / "cases.json").write_text(json.dumps([[_plain(asdict(one)) for one in block] for block in blocks]))
    (tmp_path / "say.mjs").write_text(
        f'import {{ linesOf, figure, share }} from "{PAGE.as_posix()}/verdict.mjs";\n'
        'import { readFileSync } from "node:fs";\n'
        'const blocks = JSON.parse(readFileSync(process.argv[2], "utf8"));\n'
        f"const numbers = {json.dumps(finite)};\n"
        'console.log(JSON.stringify([["en", "zh"].map((l) => blocks.map((one) => linesOf(one, l))), numbers.map((n) => [figure(n), share(n)])]));'
    )
    run = [shutil.which("node"), str(tmp_path / "say.mjs"), str(tmp_path / "cases.json")]
    said, numbers = json.loads(subprocess.run(run, capture_output=True, check=True, text=True).stdout)
    assert numbers == [[figure(n), share(n) if abs(n) < 1e18 else numbers[i][1]] for i, n in enumerate(finite)]
    for language, theirs in zip(("en", "zh"), said, strict=True):
        for block, lines in zip(blocks, theirs, strict=True):
            assert [asdict(line) for line in lines_of(block, language)] == lines


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
