"""Columns of text: when they are found, and the guarantees that all learners have."""

import math
import pickle
import random

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater.cluster.merge import merge
from headwater.errors import ConfigError
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes
from headwater.store.onnx import export_onnx

WORDS = [
    "card",
    "lost",
    "work",
    "money",
    "bank",
    "open",
    "close",
    "the",
    "a",
    "my",
    "please",
    "help",
    "天气",
    "很好",
    "nicht",
    "Konto",
    "öffnen",
    "how",
    "when",
    "does",
    "it",
]


def stream(n, seed=0):
    """Rows with a text, a number and a category, and one of three answers that a word and the number tell."""
    rng = random.Random(seed)
    rows, labels = [], []
    for i in range(n):
        words = [rng.choice(WORDS) for _ in range(rng.randrange(4, 12))]
        label = "lost" if "lost" in words else "open" if "open" in words else "other"
        rows.append({"text": " ".join(words) + f" {i}", "size": rng.gauss(0, 1), "colour": "red" if i % 3 else "blue"})
        labels.append(label)
    return rows, labels


ROWS, LABELS = stream(600)


def numbers(labels):
    return [{"lost": 1.0, "open": 7.0, "other": 3.0}[label] for label in labels]


def make(task="classify", **settings):
    return (hw.Classifier if task == "classify" else hw.Regressor)(seed=1, **settings)


def answers(task, labels=LABELS):
    return list(labels) if task == "classify" else numbers(labels)


def taught(task="classify", n=400, **settings):
    model = make(task, **settings)
    model.learn_many(ROWS[:n], answers(task)[:n])
    return model


def kinds(model):
    return {feature["name"]: feature["kind"] for feature in model.describe()["features"]}


BOTH = pytest.mark.parametrize("task", ["classify", "regress"])


# ---- when a column is text ------------------------------------------------------------------------------------------------


def test_a_column_is_text_once_sixteen_values_never_repeated_and_have_four_words_on_average():
    model = make()
    for i in range(16):
        assert kinds(model).get("text", "category") == "category"
        model.learn_one(ROWS[i], LABELS[i])
    assert kinds(model) == {"text": "bigrams", "size": "number", "colour": "category"}


@pytest.mark.parametrize(
    ("why", "values"),
    [
        ("a value comes twice", [f"this is text number {i % 15}" for i in range(40)]),
        ("too few words", [f"text {i}" for i in range(40)]),
        ("codes without spaces between words", [f"{i:032x}" for i in range(40)]),
    ],
)
def test_a_column_of_other_values_stays_one_of_categories(why, values):
    model = make()
    for i, value in enumerate(values):
        model.learn_one({"text": value}, LABELS[i])
    assert kinds(model) == {"text": "category"}, why


def test_chinese_sentences_are_found_too():
    rng = random.Random(1)
    model = make()
    for i in range(16):
        model.learn_one(
            {"text": "".join(rng.choice("天地玄黄宇宙洪荒日月盈昃辰宿列张") for _ in range(9)) + str(i)}, LABELS[i]
        )
    assert kinds(model) == {"text": "bigrams"}


def test_a_setting_says_which_columns_are_text():
    row = {"title": "a b", "body": "c d", "code": "e"}
    for text, expected in (
        ("words", ("words", "words", "words")),
        ("bigrams", ("bigrams", "bigrams", "bigrams")),
        ({"title": "words", "body": "bigrams"}, ("words", "bigrams", "category")),
        (None, ("category", "category", "category")),
        ({}, ("category", "category", "category")),
    ):
        model = make(text=text)
        model.learn_one(row, "x")
        assert tuple(kinds(model)[name] for name in row) == expected


@pytest.mark.parametrize("text", ["sentences", 3, {"title": "letters"}, {"title": 1}, True])
def test_a_setting_that_cannot_be_is_refused(text):
    with pytest.raises(ConfigError, match="text of Classifier"):
        make(text=text)


@pytest.mark.parametrize("settings", [{"hidden": 8}, {"loss": "hinge"}, {"optimizer": "sgd"}])
def test_a_single_net_reads_no_words(settings):
    with pytest.raises(ConfigError, match="pool of experts"):
        make(text="words", **settings)
    model = make(**settings)
    model.learn_many(ROWS[:100], [label == "lost" for label in LABELS[:100]])
    assert kinds(model)["text"] == "category"


# ---- guarantees -------------------------------------------------------------------------------------------------------------


@BOTH
def test_words_are_learned(task):
    model = taught(task, 0)
    said = model.learn_many(ROWS, answers(task))
    if task == "classify":
        assert np.mean(said[300:] == np.array(LABELS[300:])) > 0.9
    else:
        y = np.array(numbers(LABELS))
        assert np.abs(said[300:] - y[300:]).mean() < 0.52 * np.abs(y[300:] - y[300:].mean()).mean()


@BOTH
def test_when_a_column_is_found_to_be_text_nothing_that_was_predicted_before_moves(task):
    model = taught(task, 15)
    before = [model.predict_one(row) for row in ROWS[:40]], kinds(model)["text"]
    model.learn_one(ROWS[15], answers(task)[15], 0.0)
    assert (before[1], kinds(model)["text"]) == ("category", "bigrams")
    assert [model.predict_one(row) for row in ROWS[:40]] == before[0]


@BOTH
def test_new_words_and_new_columns_move_nothing(task):
    model = taught(task)
    before = [model.predict_one(row) for row in ROWS]
    model.learn_one({"text": "entirely other things", "other text": "are said here"}, answers(task)[0], 0.0)
    assert [model.predict_one(row) for row in ROWS] == before


def test_a_new_class_moves_no_ratio_of_the_others():
    model = taught(n=200)
    before = [model.predict_proba_one(row) for row in ROWS[200:240]]
    for i in range(70):
        model.learn_one({}, f"new {i}", 0.0)
    after = [model.predict_proba_one(row) for row in ROWS[200:240]]
    for old, new in zip(before, after, strict=True):
        assert math.log(old["lost"] / old["open"]) == pytest.approx(
            math.log(new["lost"] / new["open"]), rel=1e-4, abs=1e-5
        )


@BOTH
def test_predicting_and_explaining_change_nothing(task):
    model = taught(task)
    before = fingerprint(model)
    for row in ROWS:
        model.predict_one(row)
    model.explain_one(ROWS[0])
    model.predict_many(ROWS)
    assert fingerprint(model) == before


@BOTH
def test_one_by_one_in_blocks_and_as_a_frame_is_the_same_to_the_bit(task):
    y = answers(task)
    alone, block, frame, asked = (make(task) for _ in range(4))
    for row, answer in zip(ROWS, y, strict=True):
        alone.learn_one(row, answer)
        asked.predict_one(row)
        asked.learn_one(row, answer)
    block.learn_many(ROWS, y)
    frame.learn_many(pd.DataFrame(ROWS), y)
    assert len({model.engine.core.digest() for model in (alone, block, frame, asked)}) == 1


@BOTH
@pytest.mark.parametrize("n", [10, 300])
def test_what_is_saved_and_pickled_goes_on_to_the_bit(task, n):
    model = taught(task, n)
    others = [
        from_bytes(to_bytes(model), "here"),
        pickle.loads(pickle.dumps(model)),
        model.clone(include_attributes=True),
    ]
    for one in (model, *others):
        one.learn_many(ROWS[n:], answers(task)[n:])
    assert len({fingerprint(one) for one in (model, *others[:2])}) == 1
    assert others[2].engine.core.digest() == model.engine.core.digest()


@BOTH
def test_a_journal_brings_it_back_to_the_bit(task, tmp_path):
    plain = make(task)
    with hw.open(tmp_path / "a.db", make(task)) as model:
        for one in (model, plain):
            for row, answer in zip(ROWS[:100], answers(task), strict=False):
                one.learn_one(row, answer)
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
        assert kinds(again)["text"] == "bigrams"


@BOTH
def test_answers_that_come_late_are_learned(task):
    model, y, right = make(task), answers(task), 0
    for i, row in enumerate(ROWS):
        old = slice(i - 50, i - 49) if i >= 50 else slice(0)
        model.step_many(ROWS[old], y[old], ask=[row])
    for row, answer in zip(*stream(200, 7), strict=True):
        said = model.predict_one(row)
        right += said == answer if task == "classify" else abs(said - numbers([answer])[0]) < 1.5
    assert right > 140


@BOTH
def test_poison_does_no_harm(task):
    model = taught(task)
    clean = np.mean([model.predict_one(row) == label for row, label in zip(ROWS, LABELS, strict=True)])
    for text in ("\x00" * 1000, "a" * 100_000, "\ud800\udfff", " ".join(map(str, range(3000))), "lost " * 1000, ""):
        model.learn_one({"text": text, "size": math.nan}, answers(task)[0])
    assert np.isfinite(model.predict_one(ROWS[0])) if task == "regress" else model.predict_one(ROWS[0])
    model.learn_many(ROWS[:100], answers(task)[:100])
    if task == "classify":
        after = np.mean([model.predict_one(row) == label for row, label in zip(ROWS, LABELS, strict=True)])
        assert after > clean - 0.1


def test_files_from_before_there_was_text_load_and_read_categories():
    model = taught(text=None)
    state = {name: array for name, array in model.engine.state().items() if not name.startswith("text_")}
    assert model.new_engine(state).core.digest() == model.engine.core.digest()
    double = taught(text=None, dtype="float64")
    state = {name: array for name, array in double.engine.state().items() if not name.startswith("text_")}
    assert double.new_engine(state).core.digest() == double.engine.core.digest()


# ---- beside other rooms -----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input"])
def test_an_explanation_names_the_words(task, method):
    model = taught(task, 600)
    why = model.explain_one({"text": "my card is lost", "size": 0.1}, method=method)
    assert "text: lost" in list(why.contributions)[:2]
    assert {"text: card", "text: my card"} <= set(why.contributions)
    assert why.prediction == pytest.approx(
        max(model.predict_proba_one({"text": "my card is lost", "size": 0.1}).values())
        if task == "classify"
        else model.predict_one({"text": "my card is lost", "size": 0.1}),
        rel=1e-4,
    )
    if method == "integrated_gradients":
        assert abs(why.rest) < 2e-3 * abs(why.prediction - why.baseline) + 1e-6


def test_workers_learn_words_apart_and_are_merged():
    base = taught(n=200)
    workers = []
    for part in (slice(200, 400), slice(400, 600)):
        worker = base.clone(include_attributes=True)
        worker.learn_many(ROWS[part], LABELS[part])
        workers.append(worker)
    merged = merge(base, workers)
    seen = merged.engine.core.array("text_counts").tolist()
    assert seen[1] == 600 - 16  # the first values were categories
    rows, labels = stream(200, 9)
    assert np.mean(merged.predict_many(rows) == np.array(labels)) > 0.85
    assert merge(base, [workers[0]]).engine.core.array("text_weights").sum() == pytest.approx(
        float(workers[0].engine.core.array("text_weights").sum()), rel=1e-4
    )


def test_a_column_that_one_worker_finds_to_be_text_is_text():
    base = taught(n=10)
    workers = [base.clone(include_attributes=True) for _ in range(2)]
    workers[0].learn_many(ROWS[10:13], LABELS[10:13])
    workers[1].learn_many(ROWS[13:40], LABELS[13:40])
    merged = merge(base, workers)
    assert kinds(merged)["text"] == "bigrams"
    merged.learn_many(ROWS[40:], LABELS[40:])


def test_members_of_a_fleet_read_categories():
    fleet = hw.Fleet(lambda: hw.Classifier(seed=1), key="colour")
    for row, label in zip(ROWS[:60], LABELS, strict=False):
        fleet.learn_one(row, label)
    assert fleet.first.text is None
    words = hw.Fleet(lambda: hw.Classifier(text="words"), key="colour")  # held as objects, which keep their setting
    assert words.first.text == "words"
    with pytest.raises(ConfigError, match="got the text column"):
        hw.Fleet(taught(), key="colour")
    learned = hw.Fleet(taught(n=10), key="colour")
    assert learned.predict_one(ROWS[3])


def test_text_is_no_part_of_onnx(tmp_path):
    with pytest.raises(ConfigError, match="which is text"):
        export_onnx(taught(), tmp_path / "model.onnx")


def test_a_session_diagnoses_a_learner_of_text():
    model = taught(n=600)
    assert model.diagnose().findings is not None


# ---- embeddings ---------------------------------------------------------------------------------------------------------------


def test_lists_and_arrays_of_numbers_are_read_as_columns_of_their_own_would_be():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(80, 12))
    vectors[5, 3] = np.nan
    y = ["yes" if v[0] > 0 else "no" for v in vectors]
    kinds = {
        "columns": lambda v: {f"e[{i}]": float(x) for i, x in enumerate(v)},
        "list": lambda v: {"e": v.tolist()},
        "array": lambda v: {"e": v},
        "in turn": lambda v: {"e": v if v[1] > 0 else v.tolist()},
    }
    digests = set()
    for make_row in kinds.values():
        model = make()
        for v, label in zip(vectors, y, strict=True):
            x = {**make_row(v), "colour": "red"}
            model.predict_one(x)
            model.learn_one(x, label)
        digests.add(model.engine.core.digest())
    assert len(digests) == 1


def test_what_looks_like_a_known_list_and_is_none_is_read_as_before():
    model = make()
    for i in range(4):
        model.learn_one({"e": [1.0, 2.0, float(i)]}, "a")
    rows = [
        [1.0, 2.0],
        [1.0, 2.0, 3.0, 4.0],
        [1.0, None, 3.0],
        [1, 2, 3],
        ["x", 2.0, 3.0],
        [[1.0], 2.0, 3.0],
        5.0,
        "a b",
        None,
    ]
    rows += [np.ones((3, 1)), np.ones(3, np.float32), np.ones(3, np.int64), (1.0, 2.0, 3.0), b"abc", np.ones(6)[::2]]
    slow = make()
    for i in range(4):
        slow.learn_one({"e": [1.0, 2.0, float(i)]}, "a")
    for row in rows:
        slow.predict_one({"another": 1.0})  # its keys are not those of the sample before
        slow.learn_one({"e": row}, "a")
        model.learn_one({"e": row}, "a")
        assert model.engine.core.digest() == slow.engine.core.digest(), row
        for one in (model, slow):
            one.learn_one({"e": [1.0, 2.0, 3.0]}, "a")
            one.learn_one({"e": [1.0, 2.0, 3.0]}, "a")
