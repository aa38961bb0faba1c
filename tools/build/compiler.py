"""A C compiler for a machine: the one that is installed, or Clang from PyPI's ``ziglang``, which builds for every machine."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

ZIG = "ziglang>=0.15,<0.18"
"""What the build asks PyPI for where no compiler is found. ``tests/packaging`` checks that the other places say the same."""

# The numbers must have the same bits on every machine, whatever CFLAGS says: these come after it, and all that -ffast-math
# or -Ofast may have set is unset by name.
EXACT = (
    *("-fno-lto", "-fno-fast-math", "-fno-associative-math", "-fno-reciprocal-math", "-fno-finite-math-only"),
    *("-fsigned-zeros", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
)
FLAGS = ("-std=c11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi", *EXACT)
LEVELS = {1: "x86-64", 3: "x86-64-v3", 4: "x86-64-v4"}
"""The levels of x86-64 that the kernels are compiled for, and what compilers call them."""
WORKS = """
#include <stdint.h>
#include <string.h>
typedef float lanes __attribute__((vector_size(64), aligned(4)));
int works(float *x) { lanes a; memcpy(&a, x, sizeof a); a += a; memcpy(x, &a, sizeof a); return 0; }
"""


@dataclass(frozen=True)
class Compiler:
    """How to call a compiler, and the machine it builds for in Zig's words: ``x86_64-linux-gnu``, ``aarch64-macos``."""

    command: tuple[str, ...]
    target: str

    @property
    def machine(self) -> str:
        return self.target.split("-")[0]

    @property
    def system(self) -> str:
        return self.target.split("-")[1].split(".")[0]

    @property
    def zig(self) -> bool:
        return "ziglang" in self.command

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of the processor that the kernels are compiled for."""
        return tuple(LEVELS) if self.machine == "x86_64" else (1,)

    def architecture(self, level: int) -> tuple[str, ...]:
        """Return the options for a level of the processor: its instructions and no others, never those of this machine."""
        if self.machine == "wasm32":
            return ("-msimd128",)
        chosen: tuple[str, ...] = ()
        if self.machine == "x86_64":
            chosen += (f"-march={LEVELS[level].replace('-', '_') if self.zig else LEVELS[level]}",)
        if self.system == "macos" and not self.zig:  # Apple's compiler builds for several machines
            arch = "x86_64" if self.machine == "x86_64" else "arm64"
            chosen += ("-arch", arch, "-mmacosx-version-min=11.0")
        return chosen if self.system == "windows" else (*chosen, "-fPIC")

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """What an object depends on besides its options: the compiler and its version, under whatever name and in whatever place."""
        with tempfile.TemporaryDirectory() as folder:  # where Zig leaves an empty a.o, asked for macOS
            said = self.run("--version", folder=folder)
        version = said.partition("InstalledDir:")[0]  # a build's own environment lies elsewhere each time
        return (*self.command[1:], *version.split()[1:])

    def run(self, *arguments: str | Path, folder: str | None = None) -> str:
        """Run it, perhaps in a folder, and return what it prints; a failure shows the command and what the compiler said of it."""
        command = [*self.command, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
        sys.stderr.write(done.stderr)
        return done.stdout

    def works(self) -> bool:
        """Say whether it really makes a shared library for the highest level, as the core needs it."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "works.c")
            source.write_text(WORKS, encoding="utf-8")
            options = (*FLAGS, *self.architecture(self.levels[-1]), "-shared", "-o", str(source.with_suffix(".so")))
            try:
                made = subprocess.run([*self.command, str(source), *options], capture_output=True, check=False)
            except OSError:
                return False
            return made.returncode == 0


def host() -> str:
    """Return the machine that this Python runs on, in Zig's words."""
    named = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(named, named)
    if sys.platform == "win32":
        return f"{machine}-windows-gnu"
    if sys.platform == "darwin":
        return f"{machine}-macos.11.0"
    return f"{machine}-linux-" + ("musl" if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")) else "gnu.2.17")


def zig(target: str) -> Compiler:
    """Return Zig's Clang for any machine. Without a target it would build for this processor only."""
    return Compiler((sys.executable, "-m", "ziglang", "cc", "-target", target), target)


def installed() -> Iterator[Compiler]:
    """Yield what may be a compiler on this machine, in the order of preference."""
    # Windows' own compiler knows no vectors of 16 lanes, and what else may be there links against another C library.
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang") if os.name == "posix" else ()
    for command in map(shlex.split, names):
        if command and shutil.which(command[0]):
            yield Compiler(tuple(command), host())
    if find_spec("ziglang"):
        yield zig(host())


def find() -> Compiler | None:
    """Return the first compiler that works here, or None: then ``ziglang`` from PyPI is one."""
    return next((compiler for compiler in installed() if compiler.works()), None)
