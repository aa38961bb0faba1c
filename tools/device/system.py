"""Whole machines in qemu: its processor, its memory map and its way of starting, with files of the host as sensor and flash.

A machine reads rows from the file ``rows`` of its folder and the flash that it had from ``flash``, and writes ``out``.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.device.boards import BOARDS, Board, Run

__all__ = ["MACHINES", "Machine"]

SCRIPT = """SECTIONS {{
  . = {code};
  .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) }}
  .ARM.exidx : {{ *(.ARM.exidx*) }}
  .eh_frame_hdr : {{ *(.eh_frame_hdr) }}
  .eh_frame : {{ *(.eh_frame) }}
  . = {data};
  .data : {{ *(.data*) }}
  __global_pointer$ = .;
  .sdata : {{ *(.sdata*) }}
  .bss : {{ *(.sbss*) *(.bss*) *(COMMON) }}
  .flash : {{ *(.flash) }}
  top = {top};
}}
"""
"""Where code, variables and stack lie. qemu loads all of it, so that nothing must be copied or cleared."""


@dataclass(frozen=True)
class Machine:
    """A machine of qemu: whose processor it has, how it is started, and where its memory lies."""

    board: Board
    command: tuple[str, ...]
    code: str
    data: str
    top: str

    @property
    def missing(self) -> str:
        """What is not here; empty if nothing is missing."""
        if self.board.missing:
            return self.board.missing
        return (
            ""
            if shutil.which(self.command[0])
            else f"{self.command[0]} (apt-get install qemu-system-arm qemu-system-misc)"
        )

    def build(self, folder: Path) -> Path:
        """Compile an exported model for the machine."""
        script = folder / f"{self.board.name}.ld"
        script.write_text(SCRIPT.format(code=self.code, data=self.data, top=self.top), "utf-8")
        return self.board.build(folder, "-DSYSTEM", f"-Wl,-T,{script.resolve()}")

    def run(self, program: Path, folder: Path, rows: bytes, flash: bytes = b"") -> Run:
        """Switch the machine on with this flash, let it learn rows, and return what it wrote."""
        folder.mkdir(exist_ok=True)
        (folder / "rows").write_bytes(rows)
        (folder / "flash").write_bytes(flash)
        command = [*self.command, "-display", "none", "-serial", "null", "-monitor", "none", "-semihosting-config"]
        command += ["enable=on,target=native", "-kernel", str(program.resolve())]
        subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120)
        digest, stack, left = (folder / "out").read_bytes().split(b"\n", 2)
        return Run(int(digest, 16), int(stack, 16), left)


MACHINES = {
    "mps2-an386": Machine(
        BOARDS["cortex-m4"], ("qemu-system-arm", "-M", "mps2-an386"), code="0", data="0x20000000", top="0x20400000"
    ),
    "virt": Machine(
        BOARDS["riscv32"],
        ("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
        code="0x80000000",
        data=".",
        top="0x87000000",
    ),
}
"""A Cortex-M4 of ARM's FPGA board, and a RISC-V of 32 bits."""
