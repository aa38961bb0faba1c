"""The objects of the core: each file of ``core/`` once, ``kernels.c`` for each number type and level of the processor."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.build.compiler import FLAGS, Compiler, host

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "core"
BUILD = ROOT / "build" / "core"


@dataclass(frozen=True)
class Unit:
    """One object: its name, the file that it is made from, and with which options."""

    name: str
    source: Path
    options: tuple[str, ...]


def sources() -> list[Path]:
    """Return the files of the core that are compiled by themselves; what ``kernels.c`` includes is none of them."""
    return sorted(path for path in SOURCES.rglob("*.c") if SOURCES / "kernels" not in path.parents)


def units(compiler: Compiler) -> Iterator[Unit]:
    """Yield what the core consists of on a machine."""
    for path in sources():
        if path.name != "kernels.c":
            yield Unit(path.stem, path, compiler.architecture(1))
            continue
        for level in compiler.levels:
            for double in (0, 1):
                options = (*compiler.architecture(level), f"-DHW_LEVEL={level}", f"-DHW_DOUBLE={double}")
                yield Unit(f"kernels-{level}-{'f64' if double else 'f32'}", path, options)


def fresh(made: Path) -> bool:
    """Say whether an object is newer than its source and all that it includes, which the compiler has listed beside it."""
    try:
        listed = made.with_suffix(".d").read_text(encoding="utf-8").replace("\\\n", " ").split(": ", 1)[1]
        names = (name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", listed.strip()))
        return made.stat().st_mtime > max(Path(name).stat().st_mtime for name in names)
    except (OSError, IndexError):  # one of them is not there, or the list is half written
        return False


def environment(compiler: Compiler, name: str) -> list[str]:
    """Return the options in a variable of the environment. They are for this machine, not for others."""
    return shlex.split(os.environ.get(name, "")) if compiler.target == host() else []


def compiled(compiler: Compiler, parts: list[Unit], options: tuple[str, ...] = ()) -> list[Path]:
    """Compile what has changed, on all processors, and return the objects. ``CFLAGS`` come first: ours have the last word."""
    given = [part for name in ("CPPFLAGS", "CFLAGS") for part in environment(compiler, name)]
    options = (*given, *FLAGS, *options, f"-I{SOURCES}")
    folder = BUILD / compiler.target
    folder.mkdir(parents=True, exist_ok=True)

    def one(part: Unit) -> Path:
        called = (*options, *part.options)
        digest = hashlib.sha256("\n".join([*compiler.identity, *called]).encode()).hexdigest()[:8]
        made = folder / f"{part.name}-{digest}.o"
        if not fresh(made):
            own = made.with_suffix(f".{os.getpid()}.o")  # so that two builds at a time don't read a half-written file
            compiler.run(*called, "-MMD", "-MF", made.with_suffix(".d"), "-c", part.source, "-o", own)
            own.replace(made)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, parts))


def program(compiler: Compiler, source: Path, to: Path, options: tuple[str, ...] = (), *link: str) -> Path:
    """Build a program from one file and the core, without a mathematics library: the core needs none."""
    to.parent.mkdir(parents=True, exist_ok=True)
    parts = [*units(compiler), Unit(f"program-{source.stem}", source, compiler.architecture(1))]
    compiler.run(*compiled(compiler, parts, options), *options, *link, "-o", to)
    return to
