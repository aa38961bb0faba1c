"""Processors of small devices, for which exported models are compiled, and qemu, which runs them here.

Programs are for the very processor (Thumb code of a Cortex-M4, say) and have no C library. They run in qemu's user mode: the
instructions are those of the device, its clock, its memory and its flash are not. ``system`` has whole machines, and counts
instructions.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["BOARDS", "Board", "Run", "Size"]

HERE = Path(__file__).resolve().parent
OPTIONS = (
    *("-std=c11", "-Os", "-Wall", "-Wextra"),
    *("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-Wl,-e,_start"),
)


@dataclass(frozen=True)
class Run:
    """What a program printed: the digest of its state, the bytes of stack that it used, and its flash."""

    digest: int
    stack: int
    flash: bytes


@dataclass(frozen=True)
class Size:
    """Bytes of a program: code and constants in flash, variables in RAM; without stack, and without flash for saves."""

    flash: int
    ram: int


@dataclass(frozen=True)
class Board:
    """A processor: Zig's words for it, qemu's command, and GCC's command for it where Debian has one."""

    name: str
    target: str
    processor: str
    runner: tuple[str, ...]
    gcc: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """What is not here and how to get it; empty if nothing is missing."""
        if not find_spec("ziglang"):
            return "ziglang (pip install ziglang)"
        return "" if shutil.which(self.runner[0]) else f"{self.runner[0]} (apt-get install qemu-user)"

    @property
    def missing_gcc(self) -> str:
        """What is not here for a build with GCC; empty if nothing is missing."""
        return "" if self.gcc and shutil.which(self.gcc[0]) else f"GCC for {self.name}"

    def build(self, folder: Path, *options: str, main: Path = HERE / "bare.c", gcc: bool = False) -> Path:
        """Compile an exported model with a main program, and return the program."""
        folder = folder.resolve()
        to = folder / f"{self.name}.elf"
        sources = [str(folder / "headwater.c"), str(folder / "model.c"), str(main)]
        zig = (sys.executable, "-m", "ziglang", "cc", "-target", self.target, f"-mcpu={self.processor}", f"-I{HERE}")
        command = [*(self.gcc if gcc else zig), *OPTIONS, *options, f"-I{folder}", *sources, "-o", str(to)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            raise SystemExit(f"{self.name}: it does not compile without a warning\n{done.stderr}")
        return to

    def run(self, program: Path, rows: bytes) -> Run:
        """Let a program learn rows, each as many doubles as there are columns and its label."""
        done = subprocess.run([*self.runner, str(program)], input=rows, capture_output=True, check=True)
        digest, stack, flash = done.stdout.split(b"\n", 2)
        return Run(int(digest, 16), int(stack, 16), flash)


def size_of(program: Path) -> Size:
    """Add up the sections of a 32-bit ELF file: what is kept when the power is off, and what is written to."""
    data, flash, ram = program.read_bytes(), 0, 0
    if data[:5] != b"\x7fELF\x01":
        raise ValueError(f"{program} is no program of 32 bits")
    at, entry, count, texts = struct.unpack_from("<I", data, 32)[0], *struct.unpack_from("<HHH", data, 46)
    names = struct.unpack_from("<10I", data, at + texts * entry)[4]
    for i in range(count):
        name, kind, flags, _, _, size, *_ = struct.unpack_from("<10I", data, at + i * entry)
        begun = names + name
        if data[begun : data.index(b"\0", begun)] == b".flash":
            continue
        allocated, written, zeros = flags & 2, flags & 1, kind == 8
        flash += size if allocated and not zeros else 0
        ram += size if allocated and written else 0
    return Size(flash, ram)


def _arm(name: str, zig: str, *gcc: str, hard: bool = False) -> Board:
    """Return a Cortex-M of that name, whose code is Thumb."""
    runner = ("qemu-arm", "-cpu", name.removesuffix("plus"))
    compiler = ("arm-none-eabi-gcc", f"-mcpu={name}", "-mthumb", "-nostartfiles", *gcc)
    return Board(name, f"thumb-freestanding-eabi{'hf' if hard else ''}", zig, runner, compiler)


BOARDS = {
    board.name: board
    for board in (
        _arm("cortex-m4", "cortex_m4+vfp4d16sp", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", hard=True),
        _arm("cortex-m3", "cortex_m3"),
        _arm("cortex-m0plus", "cortex_m0plus"),
        Board("riscv32", "riscv32-freestanding-none", "generic_rv32+m+c", ("qemu-riscv32",)),
        Board("aarch64", "aarch64-freestanding-none", "cortex_a53", ("qemu-aarch64",)),
    )
}
"""Those that are tested. Only the Cortex-M4 of them, which here has its unit for floats, and aarch64 compute floats themselves."""
