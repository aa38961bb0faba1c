"""The core on every machine that can be had here: one program, each compiler, each level of the processor, the same output.

python -m tools.build.targets                # builds tests/core/programs/golden.c everywhere, runs it, compares what it prints
python -m tools.build.targets missing        # says what can't be tested here, and how to get it
python -m tools.build.targets wasm FOLDER    # headwater.wasm for JavaScript (predict.wasm, lean.wasm: tools/build/web.py)
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from tools.build.compiler import ZIG, Compiler, host, zig
from tools.build.core import BUILD, ROOT, Unit, compiled, program, units

GOLDEN = ROOT / "tests" / "core" / "programs" / "golden.c"
NO_SUCH_LEVEL = 77
"""What the program ends with when the processor lacks the level that it was asked for."""
HOW = {
    "aarch64-linux-gnu-gcc": "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-aarch64": "apt-get install qemu-user",
    "node": "apt-get install nodejs",
    "ziglang": f"pip install '{ZIG}'",
}


@dataclass(frozen=True)
class Target:
    """A machine and a compiler: what runs its programs here, and what they are linked with."""

    name: str
    compiler: Compiler
    runner: tuple[str, ...] = ()
    link: tuple[str, ...] = ()

    @cached_property
    def missing(self) -> str:
        """What is not here and how to get it; empty if nothing is missing."""
        command = self.compiler.command[0]
        lacks = [name for name in self.runner[:1] if not shutil.which(name)]
        if self.compiler.zig and not find_spec("ziglang"):  # where it is, it works
            lacks.append("ziglang")
        elif not self.compiler.zig and not self.compiler.works():
            lacks.append(command)
        return ", ".join(f"{name} ({HOW.get(name, f'apt-get install {name}')})" for name in lacks)

    def build(self, source: Path = GOLDEN, options: tuple[str, ...] = (), link: tuple[str, ...] = ()) -> Path:
        """Build a program from a source file and the core; ``options`` are for all files, such as a sanitizer's."""
        to = BUILD / "programs" / (self.name + "".join(options)) / source.stem
        return program(self.compiler, source, to, options, *self.link, *link)

    def run(self, built: Path, *arguments: str | int) -> subprocess.CompletedProcess[str]:
        """Run a program that was built for this machine."""
        command = [*self.runner, str(built), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)


LEFT_OUT = {
    "recurrent": ("recurrent",),
    "forecast": ("forecast", "least_squares", "ends", "bank", "pool", "joint", "widths"),
    "bandit": ("bandit", "stack"),
    "agent": ("agent", "tiles"),
    "anomaly": ("anomaly",),
}
"""Parts of the core that most pages do without, for kinds of learners that only ``js/learners/kinds`` has, with the files of each."""
NODE = ("node", "--no-warnings", "--no-concurrent-recompilation")
"""Node for short programs. With the second option what a background thread still compiles can't hold up the end: Node 20 stood still
there in one of fifteen runs, or crashed; 22 and 24 don't (nodejs/node#54918)."""
TARGETS = (
    Target("gcc", Compiler(("gcc",), host())),
    Target("clang", Compiler(("clang",), host())),
    Target("zig", zig(host())),
    Target("aarch64-gcc", Compiler(("aarch64-linux-gnu-gcc",), "aarch64-linux-gnu"), ("qemu-aarch64",), ("-static",)),
    Target("aarch64-zig", zig("aarch64-linux-musl"), ("qemu-aarch64",), ("-static",)),
    Target("wasm", zig("wasm32-wasi"), (*NODE, str(Path(__file__).with_name("run.mjs")))),
)


def outputs(target: Target, source: Path = GOLDEN) -> Iterator[tuple[int, str, float]]:
    """Yield each level that this processor has, what the program prints there, and how many seconds it took."""
    built = target.build(source)
    for level in target.compiler.levels:
        begun = time.perf_counter()
        done = target.run(built, level)
        if done.returncode != NO_SUCH_LEVEL:
            if done.returncode:
                raise SystemExit(
                    f"{target.name}, level {level}: it ended with {done.returncode}\n{done.stdout}{done.stderr}"
                )
            yield level, done.stdout, time.perf_counter() - begun


@dataclass(frozen=True)
class Page:
    """A build of the core for pages: its HW_BUILD (learner.h), whether it has doubles, and the modules of ``js/`` it is for."""

    build: int
    double: bool
    modules: tuple[str, ...]
    besides: tuple[str, ...] = ()
    """What it exports for a larger build, which takes its learners over."""
    kinds: bool = False
    """Whether it has the parts of all kinds of learners."""


PAGES = {
    "predict.wasm": Page(1, False, ("headwater",), ("hw_state",)),
    "lean.wasm": Page(2, False, ("headwater", "learn")),
    "headwater.wasm": Page(3, False, ("headwater", "learn", "whole")),
    "headwater64.wasm": Page(3, True, ("headwater", "learn", "whole")),
    "kinds.wasm": Page(3, False, ("learners/kinds/kinds",), kinds=True),
    "kinds64.wasm": Page(3, True, ("learners/kinds/kinds",), kinds=True),
}


def wasm(folder: Path, name: str = "headwater.wasm") -> Path:
    """Build the core for pages: it imports nothing.

    It exports what ``js/bridge.c`` says, and what of ``headwater.h`` its modules of ``js/`` name; all that none of these needs
    is left out, and so are the parts of other kinds of learners (LEFT_OUT) but in ``kinds.wasm``. All is compiled for size: pages load
    this.
    """
    page = PAGES[name]
    left_out = {} if page.kinds else LEFT_OUT
    compiler = zig("wasm32-wasi")
    exports = [
        f"-Wl,--export={called}" for called in ("malloc", "free", *sorted(named(page.modules) | set(page.besides)))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    gone = {file for files in left_out.values() for file in files}
    without = tuple(f"-DHW_WITHOUT_{part}" for part in left_out)
    parts = [one for one in units(compiler) if one.name not in gone]
    parts.append(Unit("page_bridge", ROOT / "js" / "bridge.c", compiler.architecture(1)))
    numbers = () if page.double else ("-DHW_FLOAT_ONLY",)
    own = [
        replace(
            one, options=(*one.options, "-Xclang", "-Oz", *numbers, *without, "-DHW_PAGE", f"-DHW_BUILD={page.build}")
        )
        for one in parts
        if page.double or not one.name.endswith("f64")
    ]
    return linked(compiler, compiled(compiler, own), exports, folder / name)


def named(modules: tuple[str, ...]) -> set[str]:
    """Return the functions of ``headwater.h`` that modules of ``js/`` name, and those that they import."""
    seen: set[Path] = set()
    waiting = [ROOT / "js" / f"{name}.mjs" for name in modules]
    found: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_text("utf-8")
        found |= set(re.findall(r"\bhw_\w+", text))
        waiting += [
            (path.parent / place).resolve()
            for place in re.findall(r'^(?:im|ex)port \{[^}]*\} from "(\.[^"]+)";', text, re.MULTILINE)
        ]
    return found


def linked(compiler: Compiler, objects: list[Path], exports: list[str], made: Path) -> Path:
    """Link a module with addresses as short as they can be: Zig's linker has an option for that, its compiler has not.

    So the compiler links first, and says how; its linker then does the same with the option.
    """
    command = [*compiler.command, *map(str, objects), "-mexec-model=reactor", "-O3", "-s", *exports, "-o", str(made)]
    done = subprocess.run([*command, "--verbose"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    called = next(line for line in done.stderr.splitlines() if line.startswith("wasm-ld "))
    for i, path in enumerate((*objects, made)):  # so that spaces in their names divide nothing
        called = called.replace(str(path), f"{i}:")
    places = {f"{i}:": str(path) for i, path in enumerate((*objects, made))}
    linker = [*compiler.command[: compiler.command.index("cc")], "wasm-ld", "--compress-relocations"]
    subprocess.run([*linker, *(places.get(part, part) for part in called.split()[1:])], check=True)
    return made


def main() -> None:
    """Build and run everything, and say what differs and what could not be run."""
    first = None
    differing = 0
    for target in TARGETS:
        if target.missing:
            print(f"{target.name:14} SKIPPED: it needs {target.missing}")
            continue
        for level, said, seconds in outputs(target):
            first = said if first is None else first
            differing += said != first
            same = f"the same {len(said.splitlines())} lines" if said == first else f"DIFFERENT\n{said}"
            print(f"{target.name:14} level {level}  {seconds:6.2f} s  {same}", flush=True)
    if first is None or differing:
        raise SystemExit("expected the same output everywhere" if differing else "expected a compiler")


if __name__ == "__main__":
    if sys.argv[1:2] == ["wasm"]:
        print(wasm(Path(sys.argv[2])))
    elif sys.argv[1:] == ["missing"]:
        for one in TARGETS:
            if one.missing:
                print(f"NOTE: the core's tests on {one.name} are SKIPPED. To run them: {one.missing}")
    else:
        main()
