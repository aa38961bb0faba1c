"""Whole machines in qemu: they start from nothing, learn, save, are switched off, and go on from their flash."""

from __future__ import annotations

import pytest
from tools.device.system import MACHINES

from headwater.interop.device import digest, export_device, take_back

from .models import as_bytes, later, learn, taught


@pytest.mark.parametrize(
    ("name", "machine"), [*(("net", name) for name in MACHINES), ("anomalies", "cortex-m4"), ("anomalies", "riscv32")]
)
def test_a_machine_that_is_switched_off_goes_on_from_its_flash_to_the_bits_of_this_one(name, machine, tmp_path):
    machine = MACHINES[machine]
    if machine.missing:
        pytest.skip(f"{machine.missing} is not installed")
    model = taught(name)
    export_device(model, tmp_path)
    program = machine.build(tmp_path)
    x, y = later(name, 100)
    before = machine.run(program, tmp_path / "on", as_bytes(model, x[:60], y[:60]))
    learn(model, x[:60], y[:60])
    assert before.digest == digest(model)
    after = machine.run(program, tmp_path / "on", as_bytes(model, x[60:], y[60:]), before.flash)
    learn(model, x[60:], y[60:])
    assert after.digest == digest(model) != before.digest
    assert digest(take_back(taught(name), after.flash)) == digest(model)
