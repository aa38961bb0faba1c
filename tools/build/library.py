"""The core as a library for C, ``libheadwater``: static and shared, with its header and what pkg-config asks for.

python -m tools.build.library PREFIX   # PREFIX/lib, PREFIX/include/headwater.h, PREFIX/lib/pkgconfig/headwater.pc

The shared library is versioned: its name ends in the version of the interface, and it offers what ``headwater.h`` declares.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.build.compiler import Compiler, find
from tools.build.core import BUILD, ROOT, SOURCES, compiled, environment, units

INTERFACE = 0
"""Version of the interface, which is raised when a program that was linked with the library before would no longer run."""
HEADER = SOURCES / "headwater.h"
DESCRIPTION = "Neural networks that learn online"
PC = """prefix=${{pcfiledir}}/../..
libdir=${{prefix}}/lib
includedir=${{prefix}}/include

Name: headwater
Description: {description}
Version: {version}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -lheadwater
"""


def functions() -> list[str]:
    """Return the names of the functions that the header declares."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
    return sorted(set(re.findall(r"^[A-Za-z_][\w \*]*?\b(hw_\w+)\(", text, re.MULTILINE)))


def version() -> str:
    """Return the project's version."""
    stated: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return stated


def shared(compiler: Compiler, objects: list[Path], folder: Path) -> Path:
    """Link the shared library, which offers the functions of the header alone."""
    offered = BUILD / "headwater.map"
    if compiler.system == "macos":
        made, link = folder / f"libheadwater.{INTERFACE}.dylib", folder / "libheadwater.dylib"
        offered.write_text("".join(f"_{name}\n" for name in functions()), encoding="utf-8")
        own = [f"-Wl,-exported_symbols_list,{offered}", f"-Wl,-install_name,@rpath/{made.name}"]
    else:
        made, link = folder / f"libheadwater.so.{INTERFACE}", folder / "libheadwater.so"
        listed = " ".join(f"{name};" for name in functions())
        offered.write_text(f"HEADWATER_{INTERFACE} {{ global: {listed} local: *; }};\n", encoding="utf-8")
        own = [f"-Wl,--version-script={offered}", f"-Wl,-soname,{made.name}"]
    compiler.run("-shared", *objects, *own, *environment(compiler, "LDFLAGS"), "-o", made)
    link.unlink(missing_ok=True)
    link.symlink_to(made.name)
    return made


def build(compiler: Compiler, prefix: Path) -> Path:
    """Build the libraries into a folder, as ``make install`` of a package does, and return it."""
    library, include = prefix / "lib", prefix / "include"
    for folder in (library / "pkgconfig", include):
        folder.mkdir(parents=True, exist_ok=True)
    parts = list(units(compiler))
    # No program calls the kernels, which are most of the work: those of the module for Python serve.
    kernels = [part for part in parts if part.source.name == "kernels.c"]
    others = [part for part in parts if part not in kernels]
    objects = [*compiled(compiler, others, ("-fvisibility=default",)), *compiled(compiler, kernels)]
    archive = library / "libheadwater.a"
    archive.unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", archive, *objects], check=True)
    shared(compiler, objects, library)
    shutil.copy(HEADER, include)
    said = PC.format(description=DESCRIPTION, version=version())
    (library / "pkgconfig" / "headwater.pc").write_text(said, encoding="utf-8")
    return prefix


if __name__ == "__main__":
    found = find()
    if found is None or not sys.argv[1:]:
        raise SystemExit("expected a C compiler and a folder: python -m tools.build.library PREFIX")
    print(build(found, Path(sys.argv[1])))
