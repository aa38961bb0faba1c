"""Programs in C, linked with the core: what builds them, for which machines, and what runs them.

After a change that is meant to move bits, ``python tests/support/programs.py 10000 > tests/core/golden.txt`` writes the golden digests anew,
and ``1000 > tests/core/golden_1000.txt`` those for emulated machines.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.build.compiler import Compiler, host
from tools.build.core import compiled, units

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
PROGRAMS = ROOT / "tests" / "core" / "programs"
OBJECTS = ROOT / "build" / "objects"
FLAGS = ["-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Wno-psabi"]
X86 = platform.machine() in ("x86_64", "AMD64")
ZIG = (sys.executable, "-m", "ziglang", "cc") if importlib.util.find_spec("ziglang") else ()
QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static") or ""
AARCH64 = (QEMU, "-cpu", "cortex-a53")
"""An emulated processor without what is newer than the programs: an eighth less to emulate than with all that qemu has."""
NODE = ("node", "--no-warnings", "--no-concurrent-recompilation")  # tools/build/targets.py says why
NODE_CRASHED = -11
"""Node 20 now and then ends with a signal after a program has printed all it prints. Callers compare that to the last line."""
WASI = (
    "const wasi = new (require('wasi').WASI)({version: 'preview1', args: process.argv.slice(1)});"
    "WebAssembly.instantiate(require('fs').readFileSync(process.argv[1]), wasi.getImportObject())"
    ".then(made => process.exitCode = wasi.start(made.instance));"
)


@dataclass(frozen=True)
class Target:
    """A kind of machine, as one compiler builds for it.

    Parameters
    ----------
    compiler : tuple of str
        The command; () if there is none here.
    flags : tuple of str
        Besides those of all.
    levels : tuple of int
        Levels of x86-64 that the kernels are compiled for.
    runner : tuple of str
        What runs the program; () for this machine itself.
    lacks : str
        What is missing here, if anything is.
    """

    compiler: tuple[str, ...]
    flags: tuple[str, ...] = ("-O3",)
    levels: tuple[int, ...] = field(default=(1, 3, 4) if X86 else (1,))
    runner: tuple[str, ...] = ()
    lacks: str = ""


def compiler(*names: str) -> tuple[str, ...]:
    """The first of these compilers that is installed, or ()."""
    found = [path for name in names if (path := shutil.which(name))]
    return (found[0],) if found else ()


def lacking(**needed: object) -> str:
    """What is missing of what is needed."""
    return " and ".join(name for name, found in needed.items() if not found)


CLANG = compiler("clang")
TARGETS = {
    "gcc": Target(compiler("gcc"), lacks=lacking(gcc=compiler("gcc"))),
    "clang": Target(CLANG or ZIG, lacks=lacking(clang=CLANG or ZIG)),
    "aarch64": Target(
        ZIG,
        ("-O3", "-target", "aarch64-linux-musl", "-static"),
        (1,),
        AARCH64,
        lacking(ziglang=ZIG, **{"qemu-aarch64": QEMU}),
    ),
    "wasm": Target(
        ZIG,
        ("-O3", "-target", "wasm32-wasi", "-msimd128"),
        (1,),
        (*NODE, "-e", WASI),
        lacking(ziglang=ZIG, node=shutil.which("node")),
    ),
}

SANITIZED = Target(
    TARGETS["gcc"].compiler,
    ("-O1", "-g1", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"),
    lacks=TARGETS["gcc"].lacks,
)
"""This machine, with AddressSanitizer and UndefinedBehaviorSanitizer; they need lines of the source, and not its variables: a third less to compile."""

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
"""Frames stay on the stack: in those that outlive a call GCC puts vectors of 64 bytes at multiples of 32, and traps there (bug 110027).
What was freed is watched until 16 MB more were: many times what a learner has here, and 600 MB less than ASan would keep."""


def together(commands: Sequence[Sequence[str]], at: Path) -> list[str]:
    """Run commands, as many at a time as there are processors; what each printed, to be compared whole."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = list(
            pool.map(lambda one: subprocess.run(one, capture_output=True, text=True, check=False, cwd=at), commands)
        )
    for command, result in zip(commands, done, strict=True):
        if command[0] == NODE[0] and result.returncode == NODE_CRASHED:
            continue
        assert result.returncode == 0, f"{' '.join(command)}: exit {result.returncode}\n{result.stderr[-4000:]}"
    return [result.stdout for result in done]


def march(target: Target, level: int) -> list[str]:
    """What makes a compiler compile for a level."""
    if level == 1:
        return []
    return [f"-march=x86_64_v{level}" if target.compiler == ZIG else f"-march=x86-64-v{level}"]


def build(target: Target, program: Path, at: Path) -> Path:
    """Link a program with the core for a target, in a folder of its own."""
    objects = core_objects(target)
    at.mkdir(parents=True, exist_ok=True)
    made = at / program.stem
    together([[*_command(target), str(program), *map(str, objects), "-o", str(made)]], at)
    return made


def core_objects(target: Target) -> list[Path]:
    """Return the core's object files for a target, compiled once for all programs, processes and runs of the tests.

    For GCC they are the very objects that the module for Python is linked from, as a rule compiled before the tests begin.
    """
    if target == TARGETS["gcc"]:
        shipped = Compiler(target.compiler, host())
        return compiled(shipped, list(units(shipped)))
    sources = sorted(path for path in CORE.rglob("*") if path.suffix in (".c", ".h"))
    version = subprocess.run([*target.compiler, "--version"], capture_output=True, check=True).stdout
    key = hashlib.sha256(repr((_command(target), target.levels, version)).encode())
    for source in sources:
        key.update(source.relative_to(CORE).as_posix().encode() + source.read_bytes())
    objects = OBJECTS / key.hexdigest()[:16]
    OBJECTS.mkdir(parents=True, exist_ok=True)
    with open(objects.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be compiling the same
        if not objects.exists():
            with tempfile.TemporaryDirectory(dir=OBJECTS) as folder:
                together(list(_compilations(target)), Path(folder))
                shutil.copytree(folder, made := objects.with_suffix(".part"), dirs_exist_ok=True)
            made.rename(objects)
    return sorted(objects.glob("*.o"))


def _command(target: Target) -> list[str]:
    one = ["-DHW_ONE_LEVEL"] if target.levels == (1,) else []
    return [*target.compiler, *target.flags, *FLAGS, *one, f"-I{CORE}", f"-I{PROGRAMS}"]


def _compilations(target: Target) -> Iterator[list[str]]:
    """Yield a command for each object file, the longest first."""
    for level in target.levels:
        for double in (0, 1):
            own = [f"-DHW_DOUBLE={double}", f"-DHW_LEVEL={level}", *march(target, level)]
            yield [*_command(target), *own, "-c", str(CORE / "kernels.c"), "-o", f"kernels_{double}_{level}.o"]
    included = CORE / "kernels"  # what kernels.c includes
    for path in sorted(CORE.rglob("*.c")):
        if path.name != "kernels.c" and included not in path.parents:
            name = "_".join(path.relative_to(CORE).with_suffix(".o").parts)
            yield [*_command(target), "-c", str(path), "-o", name]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        native = TARGETS["gcc"] if not TARGETS["gcc"].lacks else TARGETS["clang"]
        golden = build(native, PROGRAMS / "golden.c", Path(folder) / "golden")
        sys.stdout.write(*together([[str(golden), "1", "1", sys.argv[1]]], golden.parent))
