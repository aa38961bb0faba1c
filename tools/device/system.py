"""Whole machines in qemu: its processor, its memory map and its way of starting, with files of the host as sensor and flash.

A machine reads rows from the file ``rows`` of its folder and the flash that it had from ``flash``, and writes ``out``. Instructions
are counted here, since a plugin of qemu counts as fast as the machine runs, and qemu's user mode takes none in Debian.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tools.build.compiler import find
from tools.device.boards import BOARDS, HERE, Board, Run

__all__ = ["MACHINES", "Machine"]

SCRIPT = """PHDRS {{ code PT_LOAD; data PT_LOAD; spare PT_LOAD; }}
SECTIONS {{
  . = {code};
  .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) }} :code
  .ARM.exidx : {{ *(.ARM.exidx*) }}
  .ARM.extab : {{ *(.ARM.extab*) }}
  .eh_frame_hdr : {{ *(.eh_frame_hdr) }}
  .eh_frame : {{ *(.eh_frame) }}
  . = {data};
  .data : {{ *(.data*) }} :data
  __global_pointer$ = .;
  .sdata : {{ *(.sdata*) }}
  .bss : {{ *(.sbss*) *(.bss*) *(COMMON) }}
  . = {spare};
  .flash : {{ *(.flash) }} :spare
  top = {top};
}}
"""
"""Where code, variables and stack lie. qemu loads all of it, so that nothing must be copied or cleared."""


@dataclass(frozen=True)
class Machine:
    """A machine of qemu: whose programs it runs, how it is started, and where its memory lies."""

    board: Board
    command: tuple[str, ...]
    code: str
    data: str
    top: str
    spare: str = "."

    @property
    def missing(self) -> str:
        """What is not here; empty if nothing is missing."""
        if self.board.missing:
            return self.board.missing
        return (
            ""
            if shutil.which(self.command[0])
            else f"{self.command[0]} (apt-get install qemu-system-arm qemu-system-riscv)"
        )

    def build(self, folder: Path, *options: str) -> Path:
        """Compile an exported model for the machine."""
        script = folder / f"{self.board.name}.ld"
        places = {"code": self.code, "data": self.data, "top": self.top, "spare": self.spare}
        script.write_text(SCRIPT.format(**places), "utf-8")
        return self.board.build(folder, "-DSYSTEM", f"-Wl,-T,{script.resolve()}", *options)

    def run(self, program: Path, folder: Path, rows: bytes, flash: bytes = b"") -> Run:
        """Switch the machine on with this flash, let it learn rows, and return what it wrote."""
        self.start(program, folder, rows, flash)
        digest, stack, left = (folder / "out").read_bytes().split(b"\n", 2)
        return Run(int(digest, 16), int(stack, 16), left)

    def instructions(self, program: Path, folder: Path, rows: bytes) -> int:
        """Count the instructions that the machine executes from the first to the last."""
        return self.executed(program, folder, rows).total()

    def executed(self, program: Path, folder: Path, rows: bytes) -> Counter[str]:
        """Count the instructions of each function, by a plugin of qemu; of a program with ``-g`` functions have names."""
        plugin = folder / "count.so"
        if not plugin.is_file() and (compiler := find()):
            compiler.run("-shared", "-fPIC", "-O2", HERE / "count.c", "-o", plugin)
        told = self.start(program, folder, rows, b"", "-plugin", str(plugin.resolve()))
        counted: Counter[str] = Counter()
        for line in told.splitlines():
            count, _, name = line.partition(" ")
            counted[name] += int(count)
        return counted

    def start(self, program: Path, folder: Path, rows: bytes, flash: bytes = b"", *more: str) -> str:
        """Let the machine run until it stops, and return what qemu says."""
        folder.mkdir(exist_ok=True)
        (folder / "rows").write_bytes(rows)
        (folder / "flash").write_bytes(flash)
        command = [*self.command, "-display", "none", "-serial", "null", "-monitor", "none", "-semihosting-config"]
        command += ["enable=on,target=native", "-kernel", str(program.resolve()), *more]
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True, timeout=600
        )
        return done.stderr


def _mps2(board: str, model: str) -> Machine:
    """Return a machine on ARM's FPGA board. 16 MB of its memory are in the place of flash."""
    command = ("qemu-system-arm", "-M", model)
    return Machine(BOARDS[board], command, "0", "0x20000000", "0x20400000", "0x21000000")


MACHINES = {
    machine.board.name: machine
    for machine in (
        _mps2("cortex-m4", "mps2-an386"),
        _mps2("cortex-m3", "mps2-an385"),
        _mps2("cortex-m0plus", "mps2-an385"),
        Machine(
            BOARDS["riscv32"], ("qemu-system-riscv32", "-M", "virt", "-bios", "none"), "0x80000000", ".", "0x87000000"
        ),
    )
}
"""By the processor whose code they run. qemu has no Cortex-M0+ with memory enough: a Cortex-M3 executes its instructions too."""
