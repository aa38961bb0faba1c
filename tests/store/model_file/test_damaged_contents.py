"""Files with a right digest and something wrong inside: each is refused in one sentence, within a moment."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from headwater import Classifier, Regressor
from headwater.errors import ModelFileError
from headwater.learner.sampling.sample import DiagnosisSample, can_be_due
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import KEY, SavedModel, seal, unseal
from support.learners import answers, mixed

ROWS, LABELS = mixed(200)


def taught(model):
    model.learn_many(ROWS, answers(model, LABELS))
    return model


FILES = {"classify": to_bytes(taught(Classifier((4,)))), "regress": to_bytes(taught(Regressor((4,))))}
NAN, INF = float("nan"), float("inf")


def spoiled(name: str, change) -> bytes:
    """A file of which header and arrays were changed."""
    saved = unseal(FILES[name], "m.hw")
    header = {key: value for key, value in saved.header.items() if key != "sha256"}
    arrays = dict(saved.arrays)
    change(header, arrays)
    return seal(SavedModel(header, arrays))


def of_sample(change):
    """A change of what is kept for a diagnosis."""

    def changed(header, arrays):
        state = msgspec.msgpack.decode(arrays["sample"].tobytes())
        change(state)
        arrays["sample"] = np.frombuffer(msgspec.msgpack.encode(state), np.uint8)

    return changed


def refused(data: bytes) -> str:
    with pytest.raises(ModelFileError) as caught:
        from_bytes(data, "m.hw")
    assert caught.value.at == "m.hw"
    return str(caught.value)


SAMPLES = {
    "due 0": lambda state: state.update(due=0),
    "due of no measurement": lambda state: state.update(due=129),
    "due behind": lambda state: state.update(due=128),
    "due text": lambda state: state.update(due="soon"),
    "n below 0": lambda state: state.update(n=-1),
    "n beyond": lambda state: state.update(n=1 << 60),
    "probed NaN": lambda state: state.update(probed=NAN),
    "labels": lambda state: state.update(labels=[["x", -3]]),
    "labels no list": lambda state: state.update(labels={"x": 1}),
    "a long log": lambda state: state.update(log=state["log"] * 9),
    "a log of other answers": lambda state: state["log"][0].__setitem__(1, 10_000),
    "a log from behind": lambda state: state["log"][0].__setitem__(1, -1),
    "a row without a number": lambda state: state["rows"][0].__setitem__(2, "first"),
    "a row without a value": lambda state: state["rows"][0].append(1),
    "a row of other names": lambda state: state["rows"][0].__setitem__(3, 10_000),
    "an answer that is no JSON": lambda state: state["answers"].__setitem__(0, "{"),
    "an answer that can't be looked up": lambda state: state["answers"].__setitem__(0, '{"list": []}'),
    "an answer deep down": lambda state: state["answers"].__setitem__(0, "[" * 100_000),
    "a record": lambda state: state.update(record={"rows": 1}),
    "nothing but probed": lambda state: [state.pop(name) for name in list(state) if name != "probed"],
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", SAMPLES)
def test_what_is_kept_for_a_diagnosis_is_checked_number_by_number(name, what):
    assert "header does not fit" in refused(spoiled(name, of_sample(SAMPLES[what])))


@pytest.mark.parametrize("answer", [NAN, INF, -1e301])
def test_an_answer_that_no_regressor_learned_is_refused(answer):
    refused(spoiled("regress", of_sample(lambda state: state["answers"].__setitem__(0, answer))))
    refused(spoiled("regress", of_sample(lambda state: state.update(total=answer))))


def test_a_sample_that_is_no_message_is_refused():
    for data in (b"\xc1", b"\x81", b"", b"\x91" * 2000):
        refused(
            spoiled("classify", lambda header, arrays, data=data: arrays.update(sample=np.frombuffer(data, np.uint8)))
        )


def test_a_learner_that_says_it_learned_more_rows_than_there_are_days_is_counted_at_once():
    sample = DiagnosisSample("regress")
    sample.catch_up(1 << 53)
    assert sample.due == (1 << 53) + 32768
    assert can_be_due(sample.due)


def test_a_sample_that_catches_up_is_due_when_one_that_looked_at_each_row_is():
    for learned in (*range(1, 9000, 127), 32767, 32768, 32769, 65535, 65536, 100_000, 262_144):
        one, other = DiagnosisSample("regress"), DiagnosisSample("regress")
        one.catch_up(learned)
        other._count(learned, learned)
        while other.n >= other.due:
            other._next_due()
        assert (one.due, one.next_probe) == (other.due, other.next_probe)
        assert can_be_due(one.due)


# ---- headers and the container ---------------------------------------------------------------------------------------


def sealed(text: str, tensors: dict[str, np.ndarray]) -> bytes:
    """A file whose header is this text, with the digest that fits it."""
    import hashlib

    blank = "0" * 64
    data = write_tensors(tensors, metadata={KEY: text})
    return data.replace(blank.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


DIGEST = '{"sha256": "' + "0" * 64 + '", '


@pytest.mark.parametrize(
    "rest",
    [
        '"format": 2',
        '"format": 2, "x": ' + "[" * 100_000,
        '"format": 2, "x": ' + "9" * 5000 + "}",
        '"format": 2}',
        '"format": [2], "learner": "Classifier"}',
        '"format": 2, "learner": ["Classifier"]}',
        '"format": 2, "learner": "Classifier", "settings": []}',
        '"format": 2, "learner": "Network", "settings": {}}',
        '"format": 2, "learner": "Fleet"}',
    ],
)
def test_a_header_that_is_no_header_is_refused(rest):
    refused(sealed(DIGEST + rest, {"w": np.zeros(3)}))


def test_a_header_with_notes_that_are_none_is_refused():
    for notes in ([], "x", 3, None):
        refused(spoiled("classify", lambda header, arrays, notes=notes: header.update(notes=notes)))


def test_tensors_that_do_not_lie_where_the_file_says_are_refused():
    import hashlib
    import re

    data = FILES["classify"]
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    for name, change in (
        ("weights", {"data_offsets": [0, 1 << 40]}),
        ("answers", {"dtype": "F128"}),
        ("step", {"shape": [-1]}),
    ):
        wrong = json.dumps(head | {name: head[name] | change}).encode()
        whole = len(wrong).to_bytes(8, "little") + wrong + data[8 + size :]
        mark = re.search(rb'\\"sha256\\": \\"([0-9a-f]{64})', whole)
        blank = whole[: mark.start(1)] + b"0" * 64 + whole[mark.end(1) :]
        refused(whole[: mark.start(1)] + hashlib.sha256(blank).hexdigest().encode() + whole[mark.end(1) :])
    assert read_tensors(data)


def test_a_regressor_that_was_asked_before_three_answers_is_saved_and_loaded():
    model = Regressor(label_history=True)
    model.learn_one({"a": 1.0}, 1.0)
    model.step_many([], [], ask=[{"a": 2.0}, {"a": 3.0}])  # answers before that are not there yet wait as NaN
    again = from_bytes(to_bytes(model), "model")
    assert again.predict_one({"a": 2.0}) == model.predict_one({"a": 2.0})
