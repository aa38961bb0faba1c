"""``headwater learn``, ``predict``, ``show`` and ``diagnose`` go by the kind, the same command for all."""

import csv
import io
import json
import math

import pytest

import headwater as hw
from headwater.cli import main
from headwater.cli.options.asked import QuestionOptions
from headwater.cli.options.declared import kinds_columns
from headwater.cli.service.serve import SettingOptions
from headwater.kinds import KINDS
from headwater.store.learner_file import fingerprint


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a command line in a folder with a series, a log of decisions and a log of transitions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    hours = [f"2024-01-{1 + i // 24:02} {i % 24:02}:00:00" for i in range(480)]
    series = [f"{hour},{10 + 5 * math.sin(i * math.pi / 12):.4f}" for i, hour in enumerate(hours)]
    (tmp_path / "series.csv").write_text("\n".join(["when,y", *series, ""]))
    (tmp_path / "next.csv").write_text("when,y\n2024-01-21 00:00:00,\n2024-01-21 01:00:00,\n")
    log = [
        f"{i % 24},{'news' if i % 3 else 'music'},{int(i % 24 < 12 and i % 3 > 0)},{0.66 if i % 3 else 0.34}"
        for i in range(400)
    ]
    (tmp_path / "log.csv").write_text("\n".join(["hour,shown,clicked,p", *log, ""]))
    play = [f"{i % 5},{i % 2},{int(i % 5 == 4)},{'true' if i % 5 == 4 else 'false'}" for i in range(400)]
    (tmp_path / "play.csv").write_text("\n".join(["room,move,reward,done", *play, ""]))

    def runs(line):
        status = main(line.split())
        out, err = capsys.readouterr()
        return status, out, err

    return runs


LEARN = {
    "private_classify": "learn log.csv --task private_classify -t shown --drop p --epsilon 2 --bounds hour=0:24",
    "private_regress": "learn log.csv --task private_regress -t clicked --drop p --within 0:1",
    "classify": "learn log.csv --task classify -t shown --drop p",
    "regress": "learn log.csv --task regress -t clicked --drop p",
    "anomaly": "learn log.csv --task anomaly",
    "forecast": "learn series.csv --task forecast -t y --horizon 3 --season 24",
    "decide": "learn log.csv --task bandit --action shown --reward clicked --probability p",
    "route": "learn log.csv --task router --chosen shown --quality clicked --probability p --prices news=1,music=2",
    "control": "learn play.csv --task agent --action move --reward reward --terminated done --explore 200",
    "multioutput": "learn log.csv --task multioutput --targets shown,clicked --drop p",
}
ASK = {
    "private_classify": ("predict log.csv", ["row", "y_pred", "proba_music", "proba_news"], 400),
    "private_regress": ("predict log.csv", ["row", "y_pred"], 400),
    "forecast": ("predict", ["ahead", "y_pred", "low", "high"], 3),
    "decide": (
        "predict log.csv",
        ["row", "y_pred", "proba_music", "proba_news", "expected_music", "expected_news"],
        400,
    ),
    "route": (
        "predict log.csv",
        [
            "row",
            "y_pred",
            *(f"{part}_{model}" for part in ("proba", "expected", "cost") for model in ("news", "music")),
        ],
        400,
    ),
    "control": ("predict play.csv", ["row", "action", "value"], 400),
    "anomaly": ("predict log.csv", ["row", "score", "anomaly"], 400),
    "multioutput": ("predict log.csv", ["row", "y_pred_shown", "y_pred_clicked"], 400),
    "classify": ("predict log.csv", ["row", "y_pred", "proba_music", "proba_news"], 400),
    "regress": ("predict log.csv", ["row", "y_pred"], 400),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_file_is_learned_shown_diagnosed_and_asked_by_the_kind(run, tmp_path, kind):
    assert run(f"{LEARN[kind.task]} --model m.hw")[::2] == (0, "")
    model = hw.load(tmp_path / "m.hw", kind.cls)
    assert model.n_learned >= 399
    assert run("show m.hw")[1].startswith(f"m.hw: {kind.one} that has learned {model.n_learned:,} rows\n")
    assert run("diagnose m.hw")[0] == 0
    command, columns, rows = ASK[kind.task]
    status, out, err = run(f"{command} --model m.hw")
    assert (status, err) == (0, "")
    table = list(csv.DictReader(io.StringIO(out)))
    assert (list(table[0]), len(table)) == (columns, rows)
    assert fingerprint(hw.load(tmp_path / "m.hw")) == fingerprint(model)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_learning_goes_on_from_the_file_without_saying_its_kind_again(run, tmp_path, kind):
    source = LEARN[kind.task].split()[1]
    run(f"{LEARN[kind.task]} --model m.hw")
    before = hw.load(tmp_path / "m.hw").n_learned
    assert run(f"learn {source} --model m.hw --json")[0] == 0
    assert hw.load(tmp_path / "m.hw", kind.cls).n_learned == 2 * before


REPORTED = [kind for kind in KINDS if kind.cannot("report") is None]


@pytest.mark.parametrize("kind", REPORTED, ids=lambda kind: kind.word)
def test_a_run_has_a_report_in_the_words_of_its_kind(run, tmp_path, kind):
    pytest.importorskip("matplotlib")
    status, out, err = run(f"{LEARN[kind.task]} --report r.html")
    assert (status, err) == (0, "")
    assert out.endswith("The report is in r.html.\n")
    page = (tmp_path / "r.html").read_text()
    verdict = next(line for line in out.splitlines() if line.startswith(("All ", "shown · All ", "Last ")))
    assert verdict.removeprefix("shown · ").rstrip(".") in page
    assert f"{kind.one[0].upper()}{kind.one[1:]} of " in page
    for part in ("Scores", "Drift", "Diagnosis", "Settings"):
        assert f"<h2>{part}</h2>" in page
    assert ("<h2>What comes next</h2>" in page) == kind.question.ahead
    assert page.count("<svg") >= 2
    assert "<script" not in page


def test_a_report_takes_nothing_from_what_is_printed(run):
    pytest.importorskip("matplotlib")
    alone, beside = run(LEARN["anomaly"])[1], run(f"{LEARN['anomaly']} --report r.html")[1]
    parts = [text.partition("Most surprising rows")[2].partition("All ")[0].splitlines() for text in (alone, beside)]
    rows = [
        [line.split()[:2] for line in lines if line.strip()] for lines in parts
    ]  # a row is explained at the end of its block
    assert rows[0] == rows[1]
    assert len(rows[0]) > 1


def test_the_report_of_a_fleet_lists_the_keys_that_are_worst(run, tmp_path):
    pytest.importorskip("matplotlib")
    assert run(f"{LEARN['classify']} --fleet hour --hidden 4 --report r.html")[0] == 0
    page = (tmp_path / "r.html").read_text()
    assert "<h2>Keys</h2><table><caption>The 10 worst of 24 keys.</caption><tr><td>hour</td>" in page
    assert "<h2>Layers</h2>" not in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_another_task_than_that_of_the_file_is_refused_in_a_sentence(run, kind):
    run(f"{LEARN[kind.task]} --model m.hw")
    other = next(one for one in KINDS if one is not kind and one.answer.reads)
    status, out, err = run(f"{LEARN[other.task]} --model m.hw")
    assert (status, out) == (2, "")
    assert err.startswith(
        f"expected a file that holds {other.one}, got {kind.one}, of --task {kind.word} — at --model."
    )


def test_a_forecaster_says_what_comes_next_with_or_without_rows(run, tmp_path):
    run(f"{LEARN['forecast']} --model f.hw")
    model = hw.load(tmp_path / "f.hw")
    _, out, _ = run("predict --model f.hw --horizon 2 --coverage 0.8 --json")
    said = [json.loads(line) for line in out.splitlines()]
    assert [row["y_pred"] for row in said] == model.forecast(2)
    assert [(row["low"], row["high"]) for row in said] == model.forecast_interval(2, coverage=0.8)
    status, out, _ = run("predict next.csv --model f.hw --keep when")
    assert status == 0
    assert out.splitlines()[0] == "row,when,ahead,y_pred,low,high"
    assert len(out.splitlines()) == 3


def test_a_fleet_of_forecasters_says_what_comes_next_of_each_key(run, tmp_path):
    rows = [f"{shop},{(i % 7) + 10 * (shop == 'south')}" for i in range(40) for shop in ("north", "south")]
    (tmp_path / "shops.csv").write_text("\n".join(["shop,sold", *rows]) + "\n")
    assert run("learn shops.csv --task forecast -t sold --season 7 --fleet shop --model f.hw")[0] == 0
    fleet = hw.load(tmp_path / "f.hw")
    status, out, err = run("predict --model f.hw --horizon 2 --json")
    assert (status, err) == (0, "")
    said = [json.loads(line) for line in out.splitlines()]
    assert [(row["shop"], row["ahead"]) for row in said] == [("north", 1), ("north", 2), ("south", 1), ("south", 2)]
    assert [row["y_pred"] for row in said] == [*fleet.forecast("north", 2), *fleet.forecast("south", 2)]
    assert run("predict --model f.hw")[1].splitlines()[0] == "shop,ahead,y_pred,low,high"


def test_a_bandit_can_be_asked_of_the_actions_on_offer(run):
    run(f"{LEARN['decide']} --model b.hw")
    _, out, _ = run("predict log.csv --limit 1 --model b.hw --actions news,sport --json")
    said = json.loads(out)
    assert said["y_pred"] == "news"
    assert set(said["proba"]) == {"news", "sport"}


def test_what_was_learned_of_a_log_is_what_the_library_learns(run, tmp_path):
    run(f"{LEARN['decide']} --model b.hw --seed 3")
    rows = [{"hour": float(i % 24)} for i in range(400)]
    done = [
        ("news" if i % 3 else "music", float(i % 24 < 12 and i % 3 > 0), 0.66 if i % 3 else 0.34) for i in range(400)
    ]
    model = hw.Bandit(seed=3)
    model.learn_many(rows, done)
    assert hw.load(tmp_path / "b.hw").ask(rows[:3]).rows() == model.ask(rows[:3]).rows()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("predict series.csv --model f.hw", "expected times that come next, whose y is not known yet, got y = 10.0"),
        ("predict --model f.hw --horizon 9", "expected a horizon of at most 3, got 9"),
        ("predict --model f.hw --rate 0.1", "expected a question that a forecaster has: --horizon or --coverage"),
        ("predict --model f.hw --coverage much", "expected a number between 0 and 1, got 'much' — at --coverage"),
        ("learn log.csv --task bandit --reward clicked", "expected --action COLUMN with --task bandit, got none"),
        ("learn log.csv --task bandit --action s --reward clicked", "expected a column s, got none"),
        ("learn log.csv --action shown", "expected --task bandit or agent with --action, got no --task"),
        ("learn log.csv --task multioutput", "expected --targets A,B with --task multioutput, got none"),
        (
            "learn log.csv --task poker -t shown",
            "expected classify, regress, anomaly, forecast, bandit, router, agent, multi",
        ),
        ("learn series.csv --task forecast -t y --delay 2", "expected no --delay with a forecaster"),
        (
            "learn log.csv --task private_regress -t clicked --drop p --within 0:1 --report r.html",
            "expected no --report with a private regressor",
        ),
        ("learn series.csv --task regress -t y --horizon 2", "expected a setting that a regressor has: none"),
        ("learn log.csv --task bandit --action shown --reward clicked -t p", "expected no --target where a label has"),
    ],
)
def test_what_can_not_be_is_one_sentence_on_stderr_and_exit_2(run, line, said):
    run(f"{LEARN['forecast']} --model f.hw")
    status, out, err = run(line)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith(said), err
    assert "Traceback" not in err


def test_options_are_the_fields_that_kinds_declare():
    asked = {field.name for kind in KINDS for field in kind.question.fields}
    settings = {field.name for kind in KINDS for field in kind.settings}
    assert set(QuestionOptions.__dataclass_fields__) >= asked  # another author's kind in this process has its own
    assert set(SettingOptions.__dataclass_fields__) >= settings
    assert {"action", "reward", "p", "terminated", "truncated"} <= {field.name for _, field in kinds_columns()}
    for kind in KINDS:
        assert {field.name for field in kind.settings} <= set(kind.cls.__dataclass_fields__)


def test_a_log_with_qualities_beyond_their_range_is_refused_where_the_first_one_is(run, tmp_path):
    (tmp_path / "log.csv").write_text("task,by,rated\nmath,large,0.5\nchat,small,7\n")
    line = "learn log.csv --task router --chosen by --quality rated --model r.hw"
    said = (
        "expected at most 20 % of the rows left out, got 1 of 2 (1 × rated is not from 0 to 1: divide marks by the highest one) "
        "— at log.csv, first in line 3. Look at them with --rejects FILE; --allow-rejects 1 goes on without them.\n"
    )
    assert run(line) == (2, "", said)
    assert not (tmp_path / "r.hw").exists()
    hw.Router({"large": 1.0}, bandit=hw.Bandit(rewards=(0, 10))).save(tmp_path / "r.hw")
    status, out, err = run(line)
    assert (status, "Guarded: 1 × price: a decision of a model that has no price" in out) == (0, True)
    assert err == (
        "expected models with a price: large, got 'small' — at the rows learned. Give each one, router.models[name] = price: "
        "without it a model is never chosen. Warned once.\n"
    )
    assert hw.load(tmp_path / "r.hw").bandit.taken == {"large": (1, 0.5), "small": (1, 7.0)}


def test_rows_of_a_log_that_are_no_decision_are_left_out_and_said_with_their_lines(run, tmp_path):
    rows = (tmp_path / "log.csv").read_text().splitlines()
    rows[5], rows[6], rows[7], rows[8] = "1,,1,0.5", "1,news,often,0.5", "1,news,,0.5", "1,news,1,2"
    (tmp_path / "log.csv").write_text("\n".join([*rows, ""]))
    lines = [
        "Left out: 1 × shown is missing (line 6).",
        "Left out: 2 × clicked is no number (line 7, 8).",
        "Left out: 1 × p is not above 0 and at most 1 (line 9).",
    ]
    for task, model in (("decide", "d.hw"), ("route", "r.hw")):
        status, out, _ = run(f"{LEARN[task]} --model {model} --rejects bad.jsonl")
        assert (status, [line for line in lines if line in out]) == (0, lines)
        assert "texts, which become categories" not in out
        assert "text in a column of numbers" not in out
        assert "\n396 rows at " in out
        assert len((tmp_path / "bad.jsonl").read_text().splitlines()) == 4
    status, out, err = run("decide log.csv --action shown --reward clicked --probability p")
    assert (status, "396 decisions" in out, err.splitlines()) == (0, True, lines)


def test_texts_among_numbers_are_remarked_upon_in_columns_that_a_model_reads_alone(run, tmp_path):
    assert run(f"{LEARN['control']} --model m.hw")[0] == 0
    rows = (tmp_path / "play.csv").read_text().splitlines()
    (tmp_path / "play.csv").write_text("\n".join([*rows[:300], "1,1,none,false", "other,1,0,false", ""]))
    for command in ("predict", "explain"):
        status, _, err = run(f"{command} play.csv --model m.hw")
        assert (status, err) == (0, "room: 1 × text in a column of numbers, first 'other' in line 302.\n")


@pytest.mark.parametrize("task", ["classify", "anomaly", "multioutput"])
def test_a_file_without_rows_is_said_by_what_predicts_and_explains(run, tmp_path, task):
    assert run(f"{LEARN[task]} --model m.hw")[0] == 0
    (tmp_path / "none.csv").write_text("hour,shown,clicked,p\n")
    for command, what in (("predict", "predict"), ("explain", "explain"), ("explain --json", "explain")):
        assert run(f"{command} none.csv --model m.hw") == (0, "", f"none.csv: no rows, so nothing to {what}.\n")


@pytest.mark.parametrize("task", ["decide", "control", "multioutput"])
def test_a_file_of_names_alone_is_refused_for_labels_with_parts_too(run, tmp_path, task):
    for name in ("log.csv", "play.csv"):
        (tmp_path / name).write_text((tmp_path / name).read_text().partition("\n")[0] + "\n")
    status, out, err = run(LEARN[task])
    assert (status, out) == (2, "")
    assert err.startswith(("expected rows, got none — at ", "expected answers in the column shown, got no rows — at "))


def test_actions_of_a_file_are_answered_as_they_are_written(run, tmp_path):
    rows = [f"{i % 4},{1 + i % 2},{i % 2}" for i in range(300)]
    (tmp_path / "mixed.csv").write_text("\n".join(["a,act,got", *["1,news,0"] * 9, *rows, ""]))
    assert run("learn mixed.csv --task bandit --action act --reward got --model m.hw")[0] == 0
    assert set(hw.load(tmp_path / "m.hw").actions) == {"news", 1, 2}
    (tmp_path / "whole.csv").write_text("\n".join(["a,act,got", *(f"{i % 4},{1 + i % 2},1" for i in range(99)), ""]))
    assert run("learn whole.csv --task bandit --action act --reward got --model w.hw")[0] == 0
    status, out, _ = run("predict whole.csv --model w.hw --limit 1")
    assert (status, out.splitlines()[0]) == (0, "row,y_pred,proba_1,proba_2,expected_1,expected_2")
    assert "\nClasses: 1, 2\n" in run("show w.hw")[1]


def test_outputs_of_a_file_are_read_as_a_single_target_is(run, tmp_path):
    rows = [f"{i % 3},{i % 3},{i % 7 + 0.5}" for i in range(150)]
    (tmp_path / "two.csv").write_text("\n".join(["a,k,v", "1,other,1", *rows, ""]))
    assert run("learn two.csv --targets k,v --model t.hw")[0] == 0
    assert hw.load(tmp_path / "t.hw").describe()["outputs"][0]["classes"] == ["other", 0, 1, 2]


def test_a_log_without_probabilities_is_read_alike_when_learning_goes_on(run, tmp_path):
    rows = (tmp_path / "log.csv").read_text().splitlines()
    for name, own in (("a.csv", rows[1:201]), ("b.csv", rows[201:])):
        (tmp_path / name).write_text("\n".join([rows[0], *own, ""]))
    learn = "--task bandit --action shown --reward clicked --drop p --model {}.hw"
    for names, model in ((("log.csv",), "whole"), (("a.csv", "b.csv"), "parts")):
        for name in names:
            assert run(f"learn {name} {learn.format(model)}")[0] == 0
    whole, parts = (hw.load(tmp_path / f"{model}.hw") for model in ("whole", "parts"))
    for hour in (3, 15):
        assert parts.expected_rewards({"hour": hour}) == whole.expected_rewards({"hour": hour})
