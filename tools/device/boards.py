"""Processors of small devices, for which exported models are compiled, and qemu, which runs them here.

Programs are for the very processor (Thumb code of a Cortex-M4, say) and have no C library. They run in qemu's user mode: the
instructions are those of the device, its clock, its memory and its flash are not.
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
    *("-std=c11", "-Os", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra"),
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
    """A processor: Zig's words for it, qemu's command, and whether it computes with floats itself."""

    name: str
    target: str
    processor: str
    runner: tuple[str, ...]

    @property
    def missing(self) -> str:
        """What is not here and how to get it; empty if nothing is missing."""
        if not find_spec("ziglang"):
            return "ziglang (pip install ziglang)"
        return "" if shutil.which(self.runner[0]) else f"{self.runner[0]} (apt-get install qemu-user)"

    def build(self, folder: Path, *options: str, main: Path = HERE / "bare.c") -> Path:
        """Compile an exported model with a main program, and return the program."""
        folder = folder.resolve()
        to = folder / f"{self.name}.elf"
        sources = [str(folder / "headwater.c"), str(folder / "model.c"), str(main)]
        command = [sys.executable, "-m", "ziglang", "cc", "-target", self.target, f"-mcpu={self.processor}"]
        command += [*OPTIONS, *options, f"-I{folder}", f"-I{HERE}", *sources, "-o", str(to)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            raise SystemExit(f"{self.name}: it does not compile without a warning\n{done.stderr}")
        return to

    def run(self, program: Path, rows: bytes) -> Run:
        """Let a program learn rows, each as many doubles as there are columns and its label."""
        done = subprocess.run([*self.runner, str(program)], input=rows, capture_output=True, check=True)
        digest, stack, flash = done.stdout.split(b"\n", 2)
        return Run(int(digest, 16), int(stack, 16), flash)

    def instructions(self, program: Path, rows: bytes) -> int:
        """Count the instructions that a program executes, one after the other, by qemu's log."""
        command = [*self.runner, "-one-insn-per-tb", "-d", "exec,nochain", str(program)]
        traced = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        counted = subprocess.Popen(["grep", "-ac", "^Trace"], stdin=traced.stderr, stdout=subprocess.PIPE)
        if traced.stdin is None or traced.stderr is None:
            raise SystemExit("qemu gives no log")
        traced.stderr.close()
        traced.stdin.write(rows)
        traced.stdin.close()
        traced.wait()
        return int(counted.communicate()[0])


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


BOARDS = {
    board.name: board
    for board in (
        Board("cortex-m4", "thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp", ("qemu-arm", "-cpu", "cortex-m4")),
        Board("cortex-m3", "thumb-freestanding-eabi", "cortex_m3", ("qemu-arm", "-cpu", "cortex-m3")),
        Board("cortex-m0plus", "thumb-freestanding-eabi", "cortex_m0plus", ("qemu-arm", "-cpu", "cortex-m0")),
        Board("riscv32", "riscv32-freestanding-none", "generic_rv32+m+c", ("qemu-riscv32",)),
        Board("aarch64", "aarch64-freestanding-none", "cortex_a53", ("qemu-aarch64",)),
    )
}
"""Those that are tested. Only the Cortex-M4 of them, which here has its unit for floats, and aarch64 compute floats themselves."""
