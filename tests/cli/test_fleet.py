"""``headwater learn --fleet KEY``, and what predicts and shows such a file, as a user meets it."""

from __future__ import annotations

import json
import random

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cli import main

ROWS, LABELS, NUMBERS = stream(1200, keys=20, seed=3)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a command line in a folder with rows of 20 machines: its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    lines = ["machine,a,b,state,size"]
    for row, label, number in zip(ROWS, LABELS, NUMBERS, strict=True):
        lines.append(f"{row['machine']},{'' if row['a'] is None else row['a']},{row['b']},{label},{number}")
    (tmp_path / "a.csv").write_text("\n".join([*lines, ""]))
    (tmp_path / "none.csv").write_text("machine,a,b,state\n,1.0,2.0,p\n,2.0,1.0,q\nm1,2.0,1.0,q\nm1,2.0,1.0,q\n")

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


LEARN = ("learn", "a.csv", "--target", "state", "--drop", "size", "--fleet", "machine", "--hidden", 8, "--seed", 1)


def own():
    fleet = hw.Fleet(lambda: hw.Classifier(hidden=(8,), seed=1), "machine")
    rows = [{"machine": row["machine"], "a": row["a"], "b": row["b"]} for row in ROWS]
    return fleet, rows, fleet.learn_many(rows, LABELS).tolist()


def test_one_model_a_key_is_learned_and_the_worst_and_best_keys_are_named(run):
    status, out, err = run(*LEARN, "--model", "m.hw")
    assert (status, err) == (0, "")
    fleet, _, _ = own()
    loaded = hw.load("m.hw")
    assert loaded.fingerprint() == fleet.fingerprint()
    assert loaded.score() == fleet.score()
    ranking = fleet.ranking(30)
    assert "no-change" in out
    assert f"20 keys; compared are the {len(ranking)} with 30 scored rows or more." in out
    for key, score in (ranking[0], ranking[-1]):
        assert any(
            line.split()[-3:] == [key, f"{score['accuracy']:.1%}", str(score["rows"])] for line in out.split("\n")
        )


def test_json_names_the_worst_and_best_keys_too(run):
    status, out, _ = run(*LEARN, "--json")
    fleet, _, _ = own()
    keys = json.loads(out.strip().split("\n")[-1])["fleet"]
    ranking = [{"key": key, **score} for key, score in fleet.ranking(30)]
    assert status == 0
    assert (keys["keys"], keys["least"], keys["compared"]) == (20, 30, len(ranking))
    assert keys["worst"] == ranking[:5]
    assert keys["best"] == ranking[:-6:-1]


def test_a_saved_fleet_goes_on_predicts_and_shows_itself(run):
    run(*LEARN, "--model", "m.hw", "--limit", 700)
    assert run("learn", "a.csv", "--target", "state", "--model", "m.hw", "--resume")[0] == 0
    fleet, rows, _ = own()
    assert hw.load("m.hw").fingerprint() == fleet.fingerprint()
    assert hw.load("m.hw").n_learned == 1200
    status, out, _ = run("predict", "a.csv", "--model", "m.hw", "--json", "--keep", "machine")
    lines = [json.loads(line) for line in out.strip().split("\n")]
    assert status == 0
    assert [line["machine"] for line in lines] == [row["machine"] for row in rows]
    assert [line["y_pred"] for line in lines] == fleet.predict_many(rows).tolist()
    status, out, _ = run("show", "m.hw")
    assert status == 0
    assert "m.hw: 20 classifiers, one for each machine, that have learned 1,200 rows." in out
    assert "Dense relu" in out
    assert "20 keys; compared are the" in out
    shown = json.loads(run("show", "m.hw", "--json")[1])
    assert (shown["members"], shown["key"], shown["n_learned"]) == (20, "machine", 1200)
    assert shown["worst"][0]["key"] == fleet.ranking(30)[0][0]


def test_numbers_are_regressed_a_key(run):
    status, out, _ = run("learn", "a.csv", "--target", "size", "--drop", "state", "--fleet", "machine", "--hidden", 8)
    assert status == 0
    assert "mae" in out
    assert "worst" in out


def test_rows_without_a_key_are_left_out_and_said(run):
    status, out, _ = run("learn", "none.csv", "--target", "state", "--fleet", "machine", "--hidden", 8)
    assert status == 0
    assert "2 × key: the key is missing" in out
    assert out.endswith("\n1 key.\n")


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (
            ("--fleet", "machin"),
            "expected the column machin, the fleet's key, got no such column — at a.csv. Did you mean machine?",
        ),
        (("--fleet", "state"), "expected a key that is not the answer"),
        (("--fleet", "machine", "--adapt", "step_up"), "a Classifier or a Regressor to adapt"),
    ],
)
def test_what_cannot_be_with_a_fleet_is_refused_in_a_sentence(run, tokens, said):
    status, _, err = run("learn", "a.csv", "--target", "state", "--hidden", 8, *tokens)
    assert status == 2
    assert said in err


def keyed(path, *keys):
    path.write_text("\n".join(["shop,a,y", *(f"{keys[i % len(keys)]},{i % 7},{'pq'[i % 2]}" for i in range(120)), ""]))


def test_keys_of_17_digits_and_more_stay_apart_in_a_file_of_text(run, tmp_path):
    keys = 12345678901234567, 12345678901234568, 18446744073709551615
    keyed(tmp_path / "long.csv", *keys)
    assert run("learn", "long.csv", "--target", "y", "--fleet", "shop", "--hidden", 8, "--model", "l.hw")[0] == 0
    fleet = hw.load("l.hw")
    assert [(key, fleet[key].n_learned) for key in keys] == [(key, 40) for key in keys]
    status, out, err = run("predict", "long.csv", "--model", "l.hw", "--keep", "shop")
    assert (status, err, len(out.split())) == (0, "", 121)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("option", "keys"),
    [
        (("--memory", 4, "--by", "shop"), (12345678901234567, 12345678901234568)),
        (("--fleet", "shop", "--hidden", 4), (123456789012345678901, 123456789012345678902)),
    ],
)
def test_keys_that_a_number_does_not_tell_apart_are_refused_until_they_are_read_as_texts(
    run, tmp_path, option, keys, late
):
    rows = [f"{key},{i % 7},{'pq'[i % 2]}" for i, key in enumerate([3] * 1100 * late + [*keys] * 50)]
    (tmp_path / "long.csv").write_text("\n".join(["shop,a,y", *rows, ""]))
    learn = "learn", "long.csv", "--target", "y", *option
    status, _, err = run(*learn)
    assert status == 2
    assert "expected keys in shop that no two numbers share, got 1" in err
    assert err.endswith("Read them as texts: --text shop.\n")
    assert run(*learn, "--text", "shop")[0] == 0


def test_keys_that_become_long_after_the_first_rows_stay_apart_also_in_a_later_run(run, tmp_path):
    rows = [f"{key},{i % 7},{'pq'[i % 2]}" for i, key in enumerate([3] * 1100 + [2**60 + i % 2 for i in range(80)])]
    (tmp_path / "late.csv").write_text("\n".join(["shop,a,y", *rows, ""]))
    learn = "learn", "late.csv", "--target", "y", "--fleet", "shop", "--hidden", 4, "--model", "l.hw"
    for turn in (1, 2):
        status, out, _ = run(*learn)
        assert (status, out.count("\nworst  3 ")) == (0, 1)
        assert [hw.load("l.hw")[key].n_learned for key in (2**60, 2**60 + 1)] == [40 * turn] * 2


def test_keys_that_zeros_in_front_tell_apart_are_refused_until_they_are_read_as_texts(run, tmp_path):
    keyed(tmp_path / "zeros.csv", "007", "7", "12")
    learn = "learn", "zeros.csv", "--target", "y", "--fleet", "shop", "--hidden", 8, "--model", "z.hw"
    said = "expected keys that differ in more than zeros in front, got 007 and 7, which are one number"
    status, _, err = run(*learn)
    assert (status, err) == (2, f"{said} — at zeros.csv, column shop. Read them as texts: --text shop\n")
    assert run(*learn, "--text", "shop")[0] == 0
    assert [hw.load("z.hw")[key].n_learned for key in ("007", "7", "12")] == [40, 40, 40]


def test_a_saved_fleet_is_not_taken_for_another(run):
    run(*LEARN, "--model", "m.hw")
    for tokens, said in [
        (
            ("learn", "a.csv", "--target", "state", "--model", "m.hw", "--fleet", "b"),
            "--fleet machine, as m.hw was made with",
        ),
        (
            ("learn", "a.csv", "--target", "state", "--model", "m.hw", "--hidden", 4),
            "--hidden 8, as m.hw was made with",
        ),
        (("export", "m.hw", "page", "--web"), "got a fleet of 20 by machine"),
        (("predict", "none.csv", "--model", "m.hw", "--drop", "machine"), "the fleet's key"),
    ]:
        status, _, err = run(*tokens)
        assert status == 2
        assert said in err
    run("learn", "a.csv", "--target", "state", "--drop", "size", "--hidden", 8, "--model", "one.hw")
    status, _, err = run("learn", "a.csv", "--target", "state", "--model", "one.hw", "--fleet", "machine")
    assert (status, "a model for all rows, as one.hw holds" in err) == (2, True)


def test_a_fleet_is_served_new_from_its_file_and_from_its_store(run, monkeypatch):
    served = []

    def serve(state, *, sock, **_):
        learner = state.service.models.named("default").champion.learner
        served.append((type(learner), learner.key, repr(learner.first), len(learner), learner.fingerprint()))
        state.service.close()
        sock.close()

    monkeypatch.setattr("headwater.serve.run.run", serve)
    run(*LEARN, "--model", "m.hw")
    fleet, _, _ = own()
    with hw.Fleet(fleet.first, "machine", store="m.db") as kept:
        kept.learn_many([{**row, "a": row["a"]} for row in ROWS[:300]], LABELS[:300])
        stored = kept.fingerprint()
    assert run("serve", "m.hw", "--port", 0, "--store", "1.db")[0] == 0
    assert run("serve", "m.db", "--port", 0, "--store", "2.db")[0] == 0
    assert run("serve", "--fleet", "machine", "--hidden", 8, "--seed", 1, "--port", 0, "--store", "3.db")[0] == 0
    first = repr(fleet.first)
    assert served == [
        (type(fleet), "machine", first, 20, fleet.fingerprint()),
        (type(fleet), "machine", first, 20, stored),
        (type(fleet), "machine", first, 0, hw.Fleet(fleet.first, "machine").fingerprint()),
    ]


@pytest.fixture
def worlds(tmp_path):
    """Write a file for each kind of world: machines that are alike, at other levels, of other signs."""
    rng = random.Random(5)
    signs = {"alike": (1, 0), "levels": (1, 3), "signs": (-1, 0)}
    for name, (sign, level) in signs.items():
        lines = ["machine,a,b,state"]
        for _ in range(1_500):
            k, a, b = rng.randrange(8), rng.gauss(0, 1), rng.gauss(0, 1)
            score = (sign if k % 2 else 1) * a + b + level * (k % 2 - 0.5)
            lines.append(f"{100 + k},{a},{b},{'hot' if score > 0 else 'cold'}")
        (tmp_path / f"{name}.csv").write_text("\n".join([*lines, ""]))


ASK = ("--target", "state", "--hidden", 8, "--seed", 1)


@pytest.mark.parametrize(
    ("world", "option", "form"),
    [("alike", "drop", "pooled"), ("levels", "text", "category"), ("signs", "fleet", "fleet")],
)
def test_auto_compares_says_which_and_learns_as_the_named_option_does(run, worlds, world, option, form):
    status, out, err = run("learn", f"{world}.csv", *ASK, "--fleet", "auto", "--model", "auto.hw")
    assert (status, err) == (0, "")
    assert f"Learned from the first row on as with --{option} machine." in out
    run("learn", f"{world}.csv", *ASK, f"--{option}", "machine", "--model", "named.hw")
    auto, named = hw.load("auto.hw"), hw.load("named.hw")
    assert type(auto) is type(named)
    rows = [{"machine": key, "a": 0.3, "b": -0.2} for key in ("101", "102")]
    if form == "fleet":
        assert auto.fingerprint() == named.fingerprint()
    assert auto.predict_batch(rows).proba.tolist() == named.predict_batch(rows).proba.tolist()
    advice = json.loads(run("learn", f"{world}.csv", *ASK, "--fleet", "auto:machine", "--json")[1].split("\n")[-2])[
        "advice"
    ]
    assert (advice["form"], advice["key"], advice["options"]) == (form, "machine", f"--{option} machine")
    assert set(advice["scores"]) == {"pooled", "category", "fleet"}


def test_auto_goes_on_with_a_saved_model_in_its_own_form(run, worlds):
    run("learn", "signs.csv", *ASK, "--fleet", "auto", "--model", "m.hw", "--limit", 900)
    status, out, _ = run("learn", "signs.csv", *ASK, "--fleet", "auto", "--model", "m.hw", "--resume")
    assert (status, "--fleet auto:" in out) == (0, False)
    run("learn", "signs.csv", *ASK, "--fleet", "machine", "--model", "whole.hw")
    assert hw.load("m.hw").fingerprint() == hw.load("whole.hw").fingerprint()


def test_auto_with_nothing_to_compare_learns_one_model_and_says_why(run, worlds):
    status, out, _ = run("learn", "alike.csv", *ASK, "--fleet", "auto", "--limit", 150)
    assert (status, "150 rows with labels are too few to compare (200 are needed). One model" in out) == (0, True)
    status, out, _ = run("learn", "alike.csv", *ASK, "--drop", "machine", "--fleet", "auto")
    assert (status, "no column of texts or whole numbers has values that repeat" in out) == (0, True)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("learn", "-", *ASK, "--fleet", "auto"), "got standard input — at --fleet auto. Ask with a file"),
        (("learn", "kafka://h/t", *ASK, "--fleet", "auto"), "got kafka://h/t — at --fleet auto."),
        (
            ("learn", "kafka://h/t", *ASK, "--fleet", "auto", "--store", "s.db"),
            "expected the column of a fleet's key, got --fleet auto",
        ),
        (("serve", "--fleet", "auto", "--store", "s.db"), "expected the column of a fleet's key, got --fleet auto"),
        (
            ("learn", "alike.csv", *ASK, "--fleet", "auto:machin"),
            "expected a column machin, got no such column — at --fleet auto:machin. Did you mean machine?",
        ),
        (
            ("learn", "alike.csv", "--target", "state", "--task", "anomaly", "--fleet", "auto"),
            "a classifier or a regressor",
        ),
    ],
)
def test_what_auto_cannot_compare_is_refused_before_anything_is_made(run, worlds, tmp_path, tokens, said):
    status, out, err = run(*tokens)
    assert (status, out) == (2, "")
    assert said in err
    assert not (tmp_path / "s.db").exists()


def test_a_key_of_dates_is_refused_before_any_row_is_left_out(run, tmp_path):
    (tmp_path / "days.csv").write_text("".join(["day,y\n", *(f"2026-01-{i:02},{i}\n" for i in range(1, 29))]))
    status, out, err = run("learn", "days.csv", "-t", "y", "--task", "regress", "--fleet", "day")
    assert (status, out) == (2, "")
    assert err == (
        "expected keys that are texts or numbers, got dates in day — at days.csv. "
        "Name another column as the key, or read this one as texts: --text day\n"
    )
    assert run("learn", "days.csv", "-t", "y", "--task", "regress", "--fleet", "day", "--text", "day")[0] == 0
