"""Devices, in qemu: each processor comes to the bits of this machine after 10,000 rows."""

from __future__ import annotations

import pytest
from tools.device.boards import BOARDS, size_of

from headwater.interop.device import digest, export_device, image, take_back

from .models import WHOLE, as_bytes, later, learn, taught

ROWS = 10_000


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


@pytest.mark.parametrize("board", ["cortex-m4", "cortex-m0plus"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_learner_in_an_arena_comes_to_the_bits_of_this_machine_as_well(name, board, tmp_path):
    board = BOARDS[board]
    if board.missing:
        pytest.skip(f"{board.missing} is not installed")
    model = taught(name)
    export_device(model, tmp_path)
    x, y = later(name, 100)
    # Penalties drive weights so far down that zig's own division would truncate them.
    program = board.build(tmp_path, *(["-DROUNDS_QUOTIENTS"] if name == "penalties" else []))
    run = board.run(program, as_bytes(model, x, y))
    learn(model, x, y)
    assert run.digest == digest(model)
    assert digest(take_back(taught(name), run.flash)) == digest(model)


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


def test_a_row_costs_a_cortex_m4_fewer_instructions_than_it_may(exported):
    board = BOARDS["cortex-m4"]
    if board.missing:
        pytest.skip(f"{board.missing} is not installed")
    folder, data, *_ = exported("net")
    program, width = board.build(folder), 9 * 8
    few, more = (board.instructions(program, data[: count * width]) for count in (5, 15))
    assert 20_000 < (more - few) / 10 <= 150_000
