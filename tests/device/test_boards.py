"""Devices, in qemu: each processor comes to the bits of this machine after 10,000 rows.

Learners in arenas, whose rows cost a hundred times as much, learn as many as HEADWATER_DEVICE_ROWS says, else 100.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tools.build.compiler import find
from tools.device.boards import BOARDS, size_of
from tools.device.system import MACHINES

import headwater.interop.device
from headwater.interop.device import digest, export_device, image, take_back

from .models import WHOLE, as_bytes, later, learn, taught

ROWS = 10_000
ROWS_IN_ARENA = int(os.environ.get("HEADWATER_DEVICE_ROWS", "100"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a folder, the rows, and the digest and the state of the model after them, by the model's name."""
    made = {}

    def of(name):
        if name not in made:
            model, folder = taught(name), tmp_path_factory.mktemp("device")
            export_device(model, folder)
            x, y = later(name, ROWS)
            data = as_bytes(model, x, y)
            model.learn_many(x, y)
            made[name] = folder, data, digest(model), image(model)
        return made[name]

    return of


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
@pytest.mark.parametrize("name", ["net", "linear", "regressor"])
def test_a_processor_comes_to_the_bits_of_this_machine(name, board, exported):
    if board.missing:
        pytest.skip(f"{board.missing} is not installed")
    folder, data, wanted, state = exported(name)
    run = board.run(board.build(folder), data)
    assert run.digest == wanted
    assert state in run.flash


IN_ARENA = ("cortex-m4", "cortex-m0plus", "riscv32", "aarch64")[: 2 if ROWS_IN_ARENA == 100 else 4]
PENALISED = [("penalties", board) for board in ("cortex-m3", "riscv32", "aarch64") if board not in IN_ARENA]
"""Weights that penalties drive so far down that a division which cuts off small quotients would show, where there is no FPU."""


@pytest.mark.parametrize(("name", "board"), [(name, board) for name in WHOLE for board in IN_ARENA] + PENALISED)
def test_a_learner_in_an_arena_comes_to_the_bits_of_this_machine_as_well(name, board, tmp_path):
    board = BOARDS[board]
    if board.missing:
        pytest.skip(f"{board.missing} is not installed")
    model = taught(name)
    export_device(model, tmp_path)
    x, y = later(name, ROWS_IN_ARENA)
    run = board.run(board.build(tmp_path), as_bytes(model, x, y))
    learn(model, x, y)
    assert run.digest == digest(model)
    assert digest(take_back(taught(name), run.flash)) == digest(model)


@pytest.mark.parametrize("board", ["cortex-m4", "cortex-m0plus"])
@pytest.mark.parametrize("name", ["net", "penalties"])
def test_gcc_for_boards_needs_no_c_library_but_string_h_and_comes_to_the_same_bits(name, board, tmp_path):
    board = BOARDS[board]
    if board.missing_gcc or board.missing:
        pytest.skip(f"{board.missing_gcc or board.missing} is not installed")
    model = taught(name)
    export_device(model, tmp_path)
    x, y = later(name, 100)
    program = board.build(tmp_path, gcc=True)  # it fails where something is missing
    run = board.run(program, as_bytes(model, x, y))
    learn(model, x, y)
    assert run.digest == digest(model)


@pytest.mark.skipif(find() is None, reason="there is no C compiler here")
@pytest.mark.parametrize("digits", [1, 8])
def test_the_division_that_comes_along_rounds_as_this_processor_does(digits, tmp_path):
    folder = Path(headwater.interop.device.__file__).with_name("c")
    how = ("-std=c11", "-O2", f"-DDIVIDE_DIGITS={digits}", f"-I{folder}")
    find().run(*how, Path(__file__).with_name("quotients.c"), "-o", tmp_path / "quotients")
    said = subprocess.run([tmp_path / "quotients"], capture_output=True, text=True, check=False).stdout
    assert said == "4000000 quotients\n"


@pytest.mark.parametrize(("name", "flash", "ram"), [("net", 64_000, 16_000), ("linear", 24_000, 4_000)])
def test_a_model_fits_a_cortex_m4_with_its_stack(name, flash, ram, exported):
    board = BOARDS["cortex-m4"]
    if board.missing:
        pytest.skip(f"{board.missing} is not installed")
    folder, data, *_ = exported(name)
    program = board.build(folder)
    size, run = size_of(program), board.run(program, data[: 100 * 9 * 8])
    assert size.flash <= flash
    assert size.ram + run.stack <= ram


def test_a_row_costs_a_cortex_m4_fewer_instructions_than_it_may(exported, tmp_path):
    machine = MACHINES["cortex-m4"]
    if machine.missing:
        pytest.skip(f"{machine.missing} is not installed")
    folder, data, *_ = exported("net")
    program, width = machine.build(folder, "-DROWS_ALONE"), 9 * 8
    few, more = (machine.instructions(program, tmp_path, data[: count * width]) for count in (100, 1100))
    assert 20_000 < (more - few) / 1000 <= 150_000
