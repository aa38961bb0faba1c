"""``export_device``: C sources of a model, which compile without a warning, and a state that comes back."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tools.build.compiler import find

import headwater as hw
from headwater.cli import main
from headwater.cluster.merge import merge
from headwater.errors import ConfigError, ModelFileError
from headwater.interop.device import digest, export_device, image, take_back
from headwater.interop.device.layout import form_of
from headwater.interop.device.sources import amalgamated, core_files, core_folder, definition, joined
from headwater.interop.device.sources import own as own_text
from headwater.interop.device.state import identity, sealed
from headwater.store.learner_file import fingerprint

from .models import MODELS, WHOLE, as_bytes, as_read, later, learn, taught

COMPILER = find()
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
STRICT = (
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
)


def example(folder, optimised="-Os"):
    """Compile the example with the compiler of this machine."""
    sources = (folder / name for name in ("example.c", "headwater.c", "model.c"))
    COMPILER.run(optimised, *STRICT, *sources, "-lm", "-o", folder / "example")
    return folder / "example"


def learned_by(program, model, x, y, *arguments):
    unlabelled = -1 if isinstance(model, hw.Anomaly) else None
    lines = (" ".join(f"{number!r}" for number in row[:unlabelled]) for row in as_read(model, x, y))
    return subprocess.run(
        [program, *arguments], input="\n".join(lines), capture_output=True, text=True, check=True
    ).stdout


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_what_is_exported_learns_to_the_same_bits_as_the_model_itself(name, tmp_path):
    model = taught(name)
    export_device(model, tmp_path)
    x, y = later(name, 600)
    said = learned_by(example(tmp_path), model, x, y)
    learn(model, x, y)
    assert said.endswith(f"state {digest(model):016x}\n")
    assert said.startswith("600 rows, ")


@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64")), reason="there is no GCC for AArch64"
)
def test_a_compiler_that_would_fuse_products_and_sums_does_not(tmp_path):
    """GCC does where no standard is asked for, and AArch64 has the instruction."""
    model = taught("net")
    export_device(model, tmp_path)
    sources = [tmp_path / name for name in ("example.c", "headwater.c", "model.c")]
    command = ["aarch64-linux-gnu-gcc", "-O2", "-static", *sources, "-lm", "-o", tmp_path / "example"]
    subprocess.run(command, check=True, capture_output=True)
    x, y = later("net", 300)
    said = learned_by("qemu-aarch64", model, x, y, tmp_path / "example")
    for row, label in zip(x, y, strict=True):
        model.learn_one(row, label)
    assert said.endswith(f"state {digest(model):016x}\n")


@needs_compiler
def test_a_state_that_was_saved_on_a_device_comes_back_and_goes_on_as_if_it_had_been_learned_here(tmp_path):
    model, here = taught("net"), taught("net")
    export_device(model, tmp_path)
    program, flash = example(tmp_path), tmp_path / "flash"
    x, y = later("net", 500)
    learned_by(program, model, x[:300], y[:300], flash)
    said = learned_by(program, model, x[300:], y[300:], flash)
    assert said.startswith("goes on from")
    model.save(tmp_path / "model.hw")
    back = take_back(hw.load(tmp_path / "model.hw"), flash.read_bytes())  # another process has the same base
    for row, label in zip(x, y, strict=True):
        here.learn_one(row, label)
    assert back.n_learned == here.n_learned == 900
    assert digest(back) == digest(here) != digest(model)
    assert back.predict_proba_one(x[0]) == here.predict_proba_one(x[0])
    state = back.engine.state()
    assert all(np.array_equal(array, state[name], equal_nan=True) for name, array in here.engine.state().items())


@needs_compiler
@pytest.mark.parametrize("name", WHOLE)
def test_a_learner_in_an_arena_comes_back_from_its_save_and_goes_on(name, tmp_path):
    model, here = taught(name), taught(name)
    sizes = export_device(model, tmp_path)
    program, flash = example(tmp_path, "-O0"), tmp_path / "flash"  # a half of the time to compile
    x, y = later(name, 200)
    learned_by(program, model, x[:150], y[:150], flash)
    assert learned_by(program, model, x[150:], y[150:], flash).startswith("goes on from")
    assert flash.stat().st_size == 2 * sizes["flash"]
    back = take_back(model, flash.read_bytes())
    learn(here, x, y)
    assert digest(back) == digest(here) != digest(model)


@needs_compiler
def test_an_arena_that_is_too_small_refuses_rows_and_still_predicts(tmp_path):
    model = hw.Anomaly(neighbours=32)
    for i in range(3):
        model.learn_one({f"x{j}": i for j in range(40)})
    sizes = export_device(model, tmp_path)
    sources = [Path(__file__).with_name("arena.c"), tmp_path / "headwater.c", tmp_path / "model.c"]
    for room, said in ((1_000, "begin -4\n"), (sizes["ram"], "0 refused\n")):
        COMPILER.run("-O0", *STRICT, f"-DMODEL_ARENA_BYTES={room}", f"-I{tmp_path}", *sources, "-o", tmp_path / "arena")
        assert subprocess.run([tmp_path / "arena"], capture_output=True, text=True, check=True).stdout == said
    COMPILER.run(
        "-O0",
        *STRICT,
        f"-DMODEL_ARENA_BYTES={sizes['ram'] * 3 // 4}",
        f"-I{tmp_path}",
        *sources,
        "-o",
        tmp_path / "arena",
    )
    said = subprocess.run([tmp_path / "arena"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"[1-9]\d* refused\n", said)


@needs_compiler
def test_what_devices_have_learned_is_merged_into_the_model_that_they_came_from(tmp_path):
    model = taught("net")
    export_device(model, tmp_path)
    program = example(tmp_path)
    x, y = later("net", 600)
    backs = []
    for i, part in enumerate((slice(300), slice(300, 600))):
        learned_by(program, model, x[part], y[part], tmp_path / f"flash{i}")
        backs.append(take_back(model, (tmp_path / f"flash{i}").read_bytes()))
    merged = merge(model, backs)
    assert merged.n_learned == 1000
    assert fingerprint(merge(model, backs)) == fingerprint(merged) != fingerprint(backs[0])


def test_the_header_says_columns_classes_and_memory(tmp_path):
    model = taught("net")
    sizes = export_device(model, tmp_path)
    header = (tmp_path / "headwater.h").read_text("utf-8")
    assert "MODEL_COLUMN_X = 0, /* x */" in header
    assert "MODEL_COLUMN_A10 = 4, /* a10 */" in header
    assert f" *   0  {model.classes[0]}" in header
    assert f"{sizes['ram']:,} bytes of RAM" in header
    assert sizes["state"] == len(image(model)) == sizes["flash"] - 24
    assert sizes["ram"] < 6000


@needs_compiler
@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        ("linear", "1 2 3", "expected 8 numbers and a label, got the end after 3, at row 2; it was left out.\n"),
        ("linear", "0 x", "expected 8 numbers and a label, got something else after 1, at row 2; it was left out.\n"),
        (
            "linear",
            "0 " * 10,
            "expected 8 numbers and a label, got something else after 9, at row 2; it was left out.\n",
        ),
        ("linear", "0 " * 8 + "9", "expected a class from 0 to 2, got 9, at row 2; it was left out.\n"),
        ("regressor", "0 " * 8 + "inf", "expected a finite number as label, got inf, at row 2; it was left out.\n"),
        ("linear", "", ""),
    ],
)
def test_the_example_says_what_is_wrong_with_a_row_in_one_sentence(name, line, sentence, tmp_path):
    export_device(taught(name), tmp_path)
    good = "0 " * 8 + "1\n"
    done = subprocess.run(
        [example(tmp_path)], input=f"{good}{line}\n{good}", check=True, capture_output=True, text=True
    )
    assert done.stderr == sentence
    assert done.stdout.startswith("2 rows, ")


@pytest.mark.skipif(not shutil.which("g++"), reason="there is no compiler for C++ here")
def test_the_header_may_be_included_by_cplusplus(tmp_path):
    export_device(taught("linear"), tmp_path)
    (tmp_path / "main.cpp").write_text('#include "headwater.h"\nint main() { model_begin(); return MODEL_INPUTS; }\n')
    command = ["g++", "-Wall", "-Wextra", "-Werror", "-c", tmp_path / "main.cpp", "-o", tmp_path / "main.o"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_two_exports_of_one_state_are_the_same_files(tmp_path):
    for folder in ("a", "b"):
        export_device(taught("linear"), tmp_path / folder)
    for file in (tmp_path / "a").glob("*.?"):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_wheel_has_all_that_an_export_reads(tmp_path):
    hook = pytest.importorskip("tools.build.hook", reason="hatchling is not installed")
    for path, place in hook.sources_for_devices().items():
        copied = tmp_path / place.removeprefix("headwater/interop/device/core/")
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copied)
    assert joined(tmp_path) == joined(core_folder())
    assert amalgamated(tmp_path, frozenset(), 0, True) == amalgamated(core_folder(), frozenset(), 0, True)
    assert definition(tmp_path / "parts/coverage/coverage.c", "HW_COVERAGE_LEVELS").endswith("0.99};")


def test_no_name_of_the_core_is_that_of_a_function_which_comes_behind_it():
    names = re.compile(r"^static [^;=({]*?\b(\w+)\(", re.MULTILINE)
    root = core_folder()
    core = {name for path in root.rglob("*.[ch]") for name in names.findall(path.read_text("utf-8"))}
    own = {name for file in ("flash.c", "whole.c") for name in names.findall(own_text(file))}
    assert {"save_in", "restore_from"} <= own
    assert not own & core


def test_an_export_has_no_file_of_the_core_that_nothing_else_in_it_calls():
    """A new file of the core which learners don't need is named in ``_OF_SERVERS``."""
    outside = re.compile(
        r"^(?!static\b|typedef\b|struct\b|enum\b)[a-z][\w *]*?\b(hw_\w+)(?=\([^;]*?\)\s*\{| = \{)", re.MULTILINE
    )
    root = core_folder()
    text = {name: (root / name).read_text("utf-8") for name in core_files(root) if name.endswith(".c")}
    mine = {name: set(outside.findall(code)) for name, code in text.items() if not name.startswith("kernels")}
    assert {"hw_part_text", "hw_text_row"} & mine["parts/text/text.c"]
    assert "hw_predict" in mine["learner.c"]
    whole = "".join(own_text(name) for name in ("whole.c", "flash.c"))
    for name, found in mine.items():
        others = whole + "".join(code for other, code in text.items() if other != name)
        named = set(re.findall(r"\bhw_\w+", others)) | {own for own in found if own.startswith("hw_part_")}
        assert found & named, f"nothing calls {name}"


REFUSED = {
    "float64": (lambda: hw.Classifier(hidden=4, dtype="float64"), "dtype='float32'"),
    "memory": (lambda: hw.Regressor(memory=2), "without memory"),
    "several outputs": (hw.MultiOutput, "Use a"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_no_device_holds_is_refused_in_a_sentence_that_says_what_to_train(name, tmp_path):
    make, remedy = REFUSED[name]
    model = make()
    for i in range(20):
        model.learn_one({"x": i % 3}, {"y": i % 2} if name == "several outputs" else i % 2)
    with pytest.raises(ConfigError, match=remedy):
        export_device(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_categories_and_models_that_have_learned_nothing_are_refused(tmp_path):
    model = hw.Classifier(hidden=4)
    with pytest.raises(ConfigError, match="Let it learn at least one row first"):
        export_device(model, tmp_path)
    for i in range(20):
        model.learn_one({"colour": "red" if i % 2 else "blue"}, i % 2)
    with pytest.raises(ConfigError, match="a column of 0 and 1 for each category"):
        export_device(model, tmp_path)


def test_flash_of_another_export_or_with_a_changed_byte_is_refused():
    model, state = taught("linear"), image(taught("linear"))
    whole = sealed(form_of(model), identity(model), 1, state)
    assert digest(take_back(model, b"other bytes" + whole)) == digest(model)
    other = taught("linear")
    other.learn_one({"x": 1.0}, "walk")
    spoilt = bytes([whole[0] ^ 1]) + whole[1:]
    for one, data in ((other, whole), (model, spoilt), (model, whole[:-1]), (model, bytes(10_000))):
        with pytest.raises(ModelFileError, match="expected a save of this export"):
            take_back(one, data)


def test_the_command_writes_sources_and_says_what_they_take(tmp_path, capsys):
    taught("linear").save(tmp_path / "model.hw")
    assert main(["export", "--c", str(tmp_path / "model.hw"), str(tmp_path / "out")]) == 0
    assert "bytes of RAM beside its stack" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("Makefile", "example.c", "headwater.c", "headwater.h", "model.c"),
        *("examples", "library.properties", "micropython_module", "src", "zephyr"),
    }
    assert main(["export", "--c", "--web", str(tmp_path / "model.hw"), str(tmp_path / "out")]) == 2
    assert "expected --web or --c, got both" in capsys.readouterr().err


def test_rows_as_bytes_hold_a_label_behind_each():
    model = taught("net")
    assert len(as_bytes(model, *later("net", 3))) == 3 * 9 * 8
