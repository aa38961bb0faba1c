"""Programs in C, linked with the core: what builds them, for which machines, and what runs them.

``python tests/support/programs.py > tests/core/golden.txt`` writes the golden digests anew, after a change that is meant to move bits.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
PROGRAMS = ROOT / "tests" / "core" / "programs"
FLAGS = ["-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Wno-psabi"]
X86 = platform.machine() in ("x86_64", "AMD64")
ZIG = (sys.executable, "-m", "ziglang", "cc") if importlib.util.find_spec("ziglang") else ()
QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static") or ""
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
        (QEMU,),
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


def build(target: Target, program: Path, at: Path, kernels: Sequence[Path] = ()) -> Path:
    """Build the core and a program for a target in a folder of their own; ``kernels``: what was compiled for it before."""
    one = ["-DHW_ONE_LEVEL"] if target.levels == (1,) else []
    command = [*target.compiler, *target.flags, *FLAGS, *one, f"-I{CORE}", f"-I{PROGRAMS}"]
    below = CORE / "kernels"  # what kernels.c includes
    sources = [str(p) for p in sorted(CORE.rglob("*.c")) if p.name != "kernels.c" and below not in p.parents]
    objects = at / "objects"
    objects.mkdir(parents=True)
    commands: list[list[str]] = []
    for level in () if kernels else target.levels:
        for double in (0, 1):
            own = [f"-DHW_DOUBLE={double}", f"-DHW_LEVEL={level}", *march(target, level)]
            commands.append([*command, *own, "-c", str(CORE / "kernels.c"), "-o", f"kernels_{double}_{level}.o"])
    together(commands, objects)
    made = at / program.stem
    together(
        [[*command, str(program), *sources, *map(str, kernels or sorted(objects.glob("*.o"))), "-o", str(made)]], at
    )
    return made


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        native = TARGETS["gcc"] if not TARGETS["gcc"].lacks else TARGETS["clang"]
        golden = build(native, PROGRAMS / "golden.c", Path(folder) / "golden")
        sys.stdout.write(*together([[str(golden)]], golden.parent))
