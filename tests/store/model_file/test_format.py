"""The model file: what is read is what was saved, to the byte, or one clear error."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

import headwater as hw
from headwater import Classifier, Regressor, load, nn
from headwater.errors import ConfigError, HeadwaterError, ModelFileError, RefusedRow
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import FORMAT, KEY
from support.learners import answers, differences, mixed

ROWS, LABELS = mixed(30)


def taught(model):
    model.learn_many(ROWS, answers(model, LABELS))
    return model


FILES = {
    "classes": to_bytes(taught(Classifier((4,), optimizer=nn.Adam()))),
    "numbers": to_bytes(taught(Regressor((), optimizer=nn.SGD(0.1)))),
    "nothing learned": to_bytes(Classifier()),
    "pool": to_bytes(taught(Regressor(effort="fast"))),
}
SOMETHING_ELSE = ("a safetensors file", "something else", "The file is truncated or not a model. Use another copy.")
ALTERED = ("a file as it was saved", "one that is truncated or altered", "Use another copy.")


def refused(data: bytes, *wanted: tuple[str, str, str]) -> None:
    """Check that bytes are refused by a ModelFileError, one of those wanted."""
    with pytest.raises(ModelFileError) as caught:
        from_bytes(data, "m.hw")
    e = caught.value
    assert e.at == "m.hw"
    assert (e.expected, e.got, e.help) in wanted


# ---- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused_wherever_it_ends(name):
    data = FILES[name]
    for end in (*range(0, len(data), 97), *range(12), len(data) - 1):
        refused(data[:end], SOMETHING_ELSE, ALTERED)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_which_a_byte_was_changed_is_refused_wherever_it_is(name):
    data, rng = FILES[name], np.random.default_rng(0)
    header = 8 + int.from_bytes(data[:8], "little")
    for at in {*range(200), *range(200, len(data), 97), header - 1, header - 2, len(data) - 1}:
        flipped = bytearray(data)
        flipped[at] ^= 1 << int(rng.integers(8))
        refused(
            bytes(flipped),
            SOMETHING_ELSE,
            ALTERED,
            ("a headwater model", "another safetensors file", "Check the path."),
        )


def test_every_byte_counts_those_of_the_digest_and_the_blanks_too():
    data = FILES["nothing learned"]
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] = 32 if data[at] != 32 else 9
        with pytest.raises(ModelFileError):
            from_bytes(bytes(changed), "m.hw")


def test_bytes_added_to_a_file_are_noticed():
    for more in (b"\x00", b"x" * 1000, FILES["classes"]):
        refused(FILES["classes"] + more, ALTERED)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"{}",
        b"\x00" * 8,
        b"\xff" * 1000,
        b"PK\x03\x04" + b"\x00" * 100,
        b"a,b\n1,2\n",
        os.urandom(500),
        b"[" * 100_000,
        (2).to_bytes(8, "little") + b"[]",
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        b"\x80\x04\x95.",
    ],
    ids=range(12),
)
def test_what_is_no_such_file_is_refused(data):
    refused(data, SOMETHING_ELSE)


def test_another_safetensors_file_is_refused():
    other = ("a headwater model", "another safetensors file", "Check the path.")
    refused(write_tensors({"w": np.zeros(3)}), other)
    refused(write_tensors({"w": np.zeros(3)}, metadata={"format": "pt"}), other)


def signed(data: bytes) -> bytes:
    """The file with the digest that fits it."""
    import hashlib
    import re

    mark = re.search(rb'\\"sha256\\": \\"([0-9a-f]{64})', data)
    blank = data[: mark.start(1)] + b"0" * 64 + data[mark.end(1) :]
    return data[: mark.start(1)] + hashlib.sha256(blank).hexdigest().encode() + data[mark.end(1) :]


def rewritten(data: bytes, change) -> bytes:
    """The file with another header, and the digest that fits it."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][KEY])
    tensors = read_tensors(data)
    change(header, tensors)
    return signed(write_tensors(tensors, metadata={KEY: json.dumps(header)}))


def test_a_file_that_is_rewritten_with_its_digest_is_read():
    data = FILES["classes"]
    assert rewritten(data, lambda header, tensors: None) == data


def test_a_file_whose_arrays_begin_anywhere_goes_on_to_the_same_bits():
    data = FILES["classes"]
    size = int.from_bytes(data[:8], "little")
    odd = signed((size + 3).to_bytes(8, "little") + data[8 : 8 + size] + b"   " + data[8 + size :])
    moved, model = from_bytes(odd, "m.hw"), from_bytes(data, "m.hw")
    assert to_bytes(taught(moved)) == to_bytes(taught(model)) != data


def test_a_file_of_a_later_format_says_so():
    def later(header, tensors):
        header["format"] = FORMAT + 1

    got = (f"a model of format {FORMAT}", f"format {FORMAT + 1}", "Update headwater.")
    refused(rewritten(FILES["classes"], later), got)


@pytest.mark.parametrize(
    "change",
    [
        lambda header, tensors: header.pop("engine"),
        lambda header, tensors: header.pop("format"),
        lambda header, tensors: header.update(format="one"),
        lambda header, tensors: header.update(learner="Clusterer"),
        lambda header, tensors: header["settings"].update(wings=2),
        lambda header, tensors: header["settings"].update(optimizer={"class": "Popen", "fields": {}}),
        lambda header, tensors: header["settings"].update(optimizer={"class": "SGD", "fields": {"lr": -1}}),
        lambda header, tensors: header["settings"].update(max_rows=3),
        lambda header, tensors: header["engine"].pop("unusable"),
        lambda header, tensors: header["engine"].update(unusable="many"),
        lambda header, tensors: header.update(refused=[[1]]),
        lambda header, tensors: header.update(classes=[{"list": []}]),
        lambda header, tensors: header.update(classes=["x", "y"]),
        lambda header, tensors: tensors.pop("weights"),
        lambda header, tensors: tensors.pop("names_bytes"),
        lambda header, tensors: tensors.update(weights=np.zeros(3, np.float32)),
        lambda header, tensors: tensors.update(weights=tensors["weights"].astype(np.float64)),
        lambda header, tensors: tensors.update(running=np.zeros((2, 2))),
        lambda header, tensors: tensors.update(column_name=tensors["column_name"] + 1),
        lambda header, tensors: tensors.update(sizes=tensors["sizes"] * 2),
        lambda header, tensors: header["settings"].update(hidden=[5]),
    ],
    ids=range(21),
)
def test_a_header_that_does_not_fit_is_refused(change):
    with pytest.raises(ModelFileError) as caught:
        from_bytes(rewritten(FILES["classes"], change), "m.hw")
    e = caught.value
    assert (e.expected, e.at, e.help) == ("a model as headwater saves it", "m.hw", "Use another copy.")
    assert e.got.startswith("one whose header does not fit (")


# ---- places ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_said(tmp_path):
    for path, reason, todo in (
        (tmp_path / "none.hw", "No such file or directory", "Check the path. learner.save(path) writes a model."),
        (tmp_path, "a folder", "Name the file that learner.save(path) or headwater learn --model has written."),
    ):
        with pytest.raises(ModelFileError) as caught:
            load(path)
        e = caught.value
        assert (e.expected, e.got, e.at, e.help) == ("a saved model", reason, str(path), todo)
    (tmp_path / "file").touch()
    for path in (str(tmp_path / "file" / "m.hw"), "nul\x00byte"):
        with pytest.raises(ModelFileError, match="expected a saved model"):
            load(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "m.hw").touch()
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path / "m.hw")
    assert (caught.value.got, caught.value.at) == ("something else", str(tmp_path / "m.hw"))


def test_a_place_that_cannot_be_written_is_said_and_the_model_unharmed(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    model = taught(Classifier((4,)))
    before = to_bytes(model)
    for path, reason in (
        (tmp_path / "no" / "m.hw", "No such file or directory"),
        (tmp_path / "file" / "m.hw", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
        ("/", "PosixPath('/') has an empty name"),
        ("", "PosixPath('.') has an empty name"),
        ("nul\x00byte", "embedded null byte"),
        ("/proc/m.hw", "No such file or directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(ModelFileError) as caught:
            model.save(path)
        e = caught.value
        assert (e.expected, e.got, e.at) == ("a file that can be written", reason, str(Path(path)))
        assert e.help == "Choose another place. The model in memory is unharmed."
    assert to_bytes(model) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"], "nothing is left behind"
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_device_is_written_into_and_stays_what_it_is(tmp_path):
    null = tmp_path / "null"
    null.symlink_to(os.devnull)
    Classifier(hidden=(4,)).save(null)
    assert null.is_char_device()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "m.hw"
    model = taught(Classifier((4,)))
    model.save(path)
    old = path.read_bytes()
    model.learn_many(ROWS, LABELS)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match="got No space left on device"):
        model.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m.hw"]
    monkeypatch.undo()
    model.save(path)
    assert path.read_bytes() == to_bytes(model) != old


# ---- what is kept ---------------------------------------------------------------------------------------------------

LABEL_SETS = [
    [0, 1, 2],
    ["a", "b", "ü\x00\ud800"],
    [True, False],
    [0.1, 1e300, float("-inf")],
    [(1, ("a", None)), (2.5, b"x")],
    [b"\x00\xff", 2**100, -5],
    [np.int64(7), np.str_("s"), np.float32(0.5)],
]


@pytest.mark.parametrize("labels", LABEL_SETS, ids=str)
def test_labels_of_any_plain_type_come_back_as_they_were(labels):
    model = Classifier((4,))
    for label in labels:
        model.learn_one({"a": 1.0}, label)
    other = from_bytes(to_bytes(model), "memory")
    assert other.classes == model.classes
    assert [type(c) for c in other.classes] == [
        type(c.item() if isinstance(c, np.generic) else c) for c in model.classes
    ]
    assert other.predict_proba_one({"a": 1.0}) == model.predict_proba_one({"a": 1.0})


def test_names_of_any_plain_type_come_back_as_they_were():
    x = {1: 1.0, "1": 2.0, ("a", 2): 3.0, None: 4.0, 2.5: "x", "ü\x00\ud800": "\ud800", b"b": 5.0}
    model = Regressor((4,))
    for i in range(5):
        model.learn_one({name: value if isinstance(value, str) else value + i for name, value in x.items()}, float(i))
    other = from_bytes(to_bytes(model), "memory")
    assert list(other._engine.columns) == list(model._engine.columns)
    assert set(other._engine.columns) == set(x)
    assert differences(model, other) == []


@pytest.mark.parametrize("strange", [frozenset({1}), object(), len, 1j], ids=lambda strange: type(strange).__name__)
def test_names_that_json_cannot_hold_are_said_when_a_model_is_saved(strange, tmp_path):
    model = Classifier((4,))
    model.learn_one({strange: 1.0}, "a")
    with pytest.raises(ModelFileError) as caught:
        model.save(tmp_path / "m.hw")
    e = caught.value
    assert e.expected == "names and classes that are text, numbers, booleans, bytes or tuples of them"
    assert e.got == f"{strange!r} ({type(strange).__name__})"
    assert (e.at, e.help) == ("save", "Use such names, or map yours to texts.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("strange", [frozenset({1}), object(), len, 1j], ids=lambda strange: type(strange).__name__)
def test_labels_that_json_cannot_hold_are_refused_when_they_come(strange, tmp_path):
    model = Classifier((4,))
    with pytest.warns(RefusedRow, match="can't be a class"):
        model.learn_one({"a": 1.0}, strange)
    model.save(tmp_path / "m.hw")
    assert load(tmp_path / "m.hw").classes == []


SETTINGS = [
    {"hidden": [16, 8], "activation": "tanh", "l1": 1e-3, "l2": 1, "clip_norm": 0.5, "seed": 2**40, "dtype": "float64"},
    {"optimizer": nn.SGD(nn.Cosine(0.1, steps=100)), "loss": nn.Loss("hinge")},
    {
        "layers": [
            nn.Dense(4, "elu", initializer=nn.Initializer("sparse")),
            nn.LayerNorm(),
            nn.Activation("leaky_relu", 0.2),
            nn.Dropout(0.1),
        ]
    },
    {"experts": [nn.Expert((nn.Dense(4),), optimizer=nn.Adam(0.01), replays=2), nn.Expert(optimizer=nn.FTRL())]},
    {"hidden": (), "scale": False, "max_rows": 50},
    *({"optimizer": kind()} for kind in nn.OPTIMIZERS.values()),
]


@pytest.mark.parametrize("given", SETTINGS, ids=[f"{next(iter(s))} {i}" for i, s in enumerate(SETTINGS)])
def test_settings_come_back_as_they_were(given):
    model = Classifier(**given)
    model.learn_many(ROWS, LABELS)
    other = from_bytes(to_bytes(model), "memory")
    assert type(other) is Classifier
    mine, yours = model._get_params(), other._get_params()
    assert repr(mine) == repr(yours)
    assert {name: getattr(other, name) for name in given} == given
    assert differences(model, other) == []


@pytest.mark.parametrize("name", nn.OPTIMIZERS)
def test_a_file_is_safetensors_and_json_and_nothing_else(name, tmp_path):
    model = taught(Regressor((4,), optimizer=nn.OPTIMIZERS[name]()))
    model.save(tmp_path / "m.hw")
    data = (tmp_path / "m.hw").read_bytes()
    tensors = read_tensors(data)
    core, about = model._engine.core, model._engine.core.sizes()
    assert tensors["weights"].size == about["dense"] + about["rows"] * about["stride"] == about["parameters"]
    states = [tensors[f"state_{k}"].size for k in range(5)]
    assert states == [about["parameters"]] * about["states"] + [0] * (5 - about["states"])
    assert tensors["touched"].tolist() == core.touched.tolist()
    header = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"][KEY])
    assert header["learner"] == "Regressor"
    assert header["format"] == FORMAT
    assert len(header["sha256"]) == 64


def test_a_model_that_learned_nothing_is_kept_too(tmp_path):
    for cls in (Classifier, Regressor):
        cls(seed=5).save(str(tmp_path / "m.hw"))
        other = load(str(tmp_path / "m.hw"))
        assert (type(other), other.seed, other._engine) == (cls, 5, None)


def test_every_error_here_is_one_of_headwaters():
    assert issubclass(ModelFileError, HeadwaterError)
    assert issubclass(ModelFileError, ValueError)


@pytest.mark.parametrize("path", [None, 3, b"m.hw", ["m.hw"]])
def test_what_is_no_path_is_refused_in_a_sentence(path):
    model = hw.Classifier()
    model.learn_one({"a": 1}, "x")
    for use in (model.save, hw.load, hw.open, partial(hw.load, kind=hw.Classifier)):
        with pytest.raises(
            ConfigError, match=r"^expected the path of a file, got .* — at path\. Give a text or a Path, such as"
        ):
            use(path)


def test_a_store_in_memory_is_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^expected a file, by which a store survives, got :memory: — at path\. A "):
        hw.open(":memory:", hw.Classifier())
    assert not list(tmp_path.iterdir())
