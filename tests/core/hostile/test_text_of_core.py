"""Words of texts in the core: equal to the plain ones, whatever script, and nothing hostile does harm."""

import random

import numpy as np
import pytest

import headwater as hw
from headwater.errors import LimitError
from headwater.learner.settings.limits import Limits
from headwater.nn import inspect
from headwater.plain.text import PlainText, ngrams
from headwater.store.learner_file import fingerprint

SENTENCES = [
    "the card does not work",
    "My card is LOST; my card!",
    "Straße ÖFFNEN, weiß und ÄHNLICH",
    "天气很好 today",
    "天气不好。明天呢？",
    "I am HAPPY, happy 😀😀 ok",
    "",
    "... --- !!!",
    "card card card",
    "ΑΘΗΝΑ Москва ПРИВЕТ don't x_1",
    "ﬁnal ｆｕｌｌｗｉｄｔｈ naïve e\u0301t\u00e9",
]


def model_of(classes="abc", **settings):
    model = hw.Classifier(seed=1, dtype="float64", **({"text": "bigrams"} | settings))
    for label in classes:
        model.learn_one({}, label, 0.0)
    return model


def words_of(model, text):
    return inspect.texts(model.engine.core, {"t": text})


@pytest.mark.parametrize("kind", ["words", "bigrams"])
def test_words_and_what_they_add_are_those_of_the_plain_ones(kind):
    model, plain = model_of(text=kind), PlainText(outputs=3)
    for i in range(200):
        text, label = SENTENCES[i * 7 % len(SENTENCES)], i * 5 % 3
        counted = ngrams(text, pairs=kind == "bigrams")
        if i:
            found, added = words_of(model, text)
            assert sorted(word.times for word in found) == sorted(counted.values())
            assert np.allclose(added.sum(0), plain.logits(counted), rtol=0, atol=1e-12)
        p = np.array([model.predict_proba_one({"t": text})[label] for label in model.classes])
        plain.learn(counted, p - np.eye(3)[label])
        model.learn_one({"t": text}, model.classes[label])


def test_a_word_is_found_in_every_case_and_in_every_script():
    model = model_of()
    model.learn_one({"t": " ".join(SENTENCES)}, "a")
    for text in [
        "CARD",
        "strasse".replace("ss", "ß").upper().replace("SS", "ß"),
        "好",
        "москва",
        "αθηνα",
        "😀",
        "FULLWIDTH".translate({c: c + 0xFEE0 for c in range(65, 91)}),
    ]:
        _, added = words_of(model, text)
        assert added[0].any(), text
        assert not words_of(model, text + "zzz")[1][0].any() or len(text) == 1


def test_a_number_that_words_tell_is_learned():
    rng = random.Random(1)
    model = hw.Regressor(seed=1, text="words")
    worth = {f"word{i}": rng.gauss(0, 10) for i in range(40)}
    errors = []
    for _ in range(3000):
        words = rng.sample(sorted(worth), 5)
        y = sum(worth[word] for word in words)
        errors.append(abs(model.predict_one({"t": " ".join(words)}) - y))
        model.learn_one({"t": " ".join(words)}, y)
    assert np.mean(errors[-500:]) < 0.2 * np.mean(errors[:200])


def test_bytes_that_are_no_utf8_stand_between_words():
    model = model_of()
    rng = random.Random(2)
    for _ in range(300):
        text = "".join(
            chr(rng.choice([rng.randrange(0x110000), rng.randrange(0xD700, 0xE100), rng.randrange(128)]))
            for _ in range(rng.randrange(40))
        )
        model.learn_one({"t": text}, "a")
        assert all(np.isfinite(list(model.predict_proba_one({"t": text[::-1]}).values())))


def test_a_text_beyond_a_limit_is_refused_before_anything_is_allocated():
    model = model_of()
    model.learn_one({"t": "the card does not work"}, "a")
    model.limits = Limits(entries=1000)
    before = fingerprint(model)
    huge = "word " * 2_000_000
    with pytest.raises(LimitError, match="entries"):
        model.learn_one({"t": huge}, "a")
    with pytest.raises(LimitError, match="entries"):
        model.check_limits([{"t": huge}], ["a"])
    assert fingerprint(model) == before


def test_words_beyond_max_rows_share_rows():
    model = model_of(max_rows=64)
    for i in range(500):
        model.learn_one({"t": f"new{i} words{i} always{i}"}, "abc"[i % 3])
    rows, texts = model.engine.core.array("text_counts").tolist()
    assert rows == 64
    assert texts == 500
    assert model.engine.core.array("text_weights").shape[0] == 64


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("text_counts", lambda a: a + 1),
        ("text_counts", lambda a: -a),
        ("text_keys", lambda a: a * 0),
        ("text_seen", lambda a: a - 1e9),
        ("text_seen", lambda a: a * np.nan),
        ("text_columns", lambda a: a - 10),
        ("text_weights", lambda a: a[1:]),
        ("column_kind", lambda a: a + 9),
    ],
)
def test_a_spoiled_state_is_refused_in_one_sentence(name, spoil):
    model = model_of()
    for i in range(30):
        model.learn_one({"t": SENTENCES[i % 11]}, "abc"[i % 3])
    state = model.engine.state()
    state[name] = np.ascontiguousarray(spoil(state[name]), state[name].dtype)
    with pytest.raises(ValueError, match=r"text_|column_kind|sizes|names"):
        model.new_engine(state)
