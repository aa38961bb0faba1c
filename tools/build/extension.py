"""The Python module ``headwater._core``: the binding and the core, for this machine or for another one.

python -m tools.build.extension        # rebuilds what has changed, into src/headwater
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tools.build.compiler import Compiler, find
from tools.build.core import BUILD, ROOT, Unit, compiled, environment, units

BINDING = ROOT / "src" / "_core"
PACKAGE = ROOT / "src" / "headwater"
ABI3 = Path(__file__).with_name("abi3")
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
"""A free-threaded Python has no stable ABI: there the module is built with its own headers, for its version only."""
PLATFORMS = {
    "x86_64-linux-gnu.2.17": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "aarch64-linux-gnu.2.17": "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "x86_64-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-linux-musl": "musllinux_1_2_aarch64",
    "x86_64-macos.11.0": "macosx_11_0_x86_64",
    "aarch64-macos.11.0": "macosx_11_0_arm64",
    "x86_64-windows-gnu": "win_amd64",
    "aarch64-windows-gnu": "win_arm64",
}
"""The machines that wheels are built for, in Zig's words and in those of a wheel's tag."""


def tag(target: str | None) -> str:
    """Return the tag of a wheel for a machine of ``PLATFORMS``, or for this machine only."""
    here = f"macosx_11_0_{os.uname().machine}" if sys.platform == "darwin" else sysconfig.get_platform()
    platform = PLATFORMS[target] if target else here.replace("-", "_").replace(".", "_")
    version = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return f"cp311-abi3-{platform}" if STABLE else f"{version}-{version}t-{platform}"


def python_names() -> list[str]:
    """Return what Python's DLL offers, as far as ``abi3/Python.h`` declares it, in the words of a ``.def`` file."""
    header = (ABI3 / "Python.h").read_text(encoding="utf-8")
    functions = re.findall(r"PyAPI_FUNC\(.+?\)[^(;#]*?\b(_?Py\w+) *\(|\b(_Py\w+_SizeT)$", header, re.MULTILINE)
    data = re.findall(r"PyAPI_DATA\(.+?\) *(_?Py\w+)", header)
    return sorted({*("".join(name) for name in functions), *(f"{name} DATA" for name in data)})


def python_library(compiler: Compiler) -> Path:
    """Return the import library that Windows' linker needs of Python."""
    if not STABLE:
        return Path(sys.base_prefix, "libs", f"python{sys.version_info[0]}{sys.version_info[1]}t.lib")
    listed, made = BUILD / "python3.def", BUILD / "python3.lib"
    listed.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *python_names(), ""]), encoding="utf-8")
    machine = {"x86_64": "i386:x86-64", "aarch64": "arm64"}[compiler.machine]
    zig = compiler.command[: compiler.command.index("cc")]
    subprocess.run([*zig, "dlltool", "-m", machine, "-d", listed, "-l", made], check=True)
    return made


def build(compiler: Compiler, folder: Path) -> Path:
    """Build the module into a folder, and return its path."""
    python = (f"-I{ABI3}", "-DPy_LIMITED_API=0x030B0000") if STABLE else (f"-I{sysconfig.get_path('include')}",)
    own = (*compiler.architecture(1), *python)
    binding = [Unit(f"binding-{path.stem}", path, own) for path in sorted(BINDING.glob("*.c"))]
    objects = compiled(compiler, [*units(compiler), *binding])
    suffix = ".pyd" if compiler.system == "windows" else ".abi3.so"
    made = folder / f"_core{suffix if STABLE else sysconfig.get_config_var('EXT_SUFFIX')}"
    link = ["-shared", "-O3", "-s", *compiler.architecture(1), *environment(compiler, "LDFLAGS"), "-fno-fast-math"]
    if compiler.zig and compiler.target.endswith("musl"):
        # Zig names the C library otherwise than musl's systems do. Python has loaded it anyway.
        link += ["-nostdlib"]
    if compiler.system == "windows":
        link += [str(python_library(compiler)), f"-Wl,--out-implib,{BUILD / 'unused.lib'}"]
    if compiler.system == "macos":
        link += ["-Wl,-undefined,dynamic_lookup", f"-Wl,-install_name,{made.name}"]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:  # a Python that runs keeps the old one
        part = Path(scratch, made.name)  # Windows' and macOS' linkers write the name into the module
        compiler.run(*objects, *link, "-o", part)
        part.replace(made)
    return made


if __name__ == "__main__":
    found = find()
    if found is None:  # pip gets one for the length of the build
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", ROOT], check=True)
    else:
        build(found, PACKAGE)
