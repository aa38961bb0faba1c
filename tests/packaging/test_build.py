"""How the core is built: which objects, when again, and that no option from outside changes what is computed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tools.build import compiler, core, extension
from tools.build.compiler import Compiler, find, zig
from tools.build.core import Unit, compiled, units

HOSTILE = "-Ofast -ffast-math -funsafe-math-optimizations -ffp-contract=fast -march=native"
SUM = """
double sum(const double *x, int n) {
    double s = 0;
    for (int i = 1; i < n; i++) s += x[i - 1] * x[i] / 3;
    return s;
}
"""

found = find()
needs_compiler = pytest.mark.skipif(found is None, reason="no C compiler is installed")


@pytest.fixture(autouse=True)
def empty_build(monkeypatch, tmp_path):
    for name in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(core, "BUILD", tmp_path / "build")


LOAD = """
import ctypes, sys
function = ctypes.CDLL(sys.argv[1]).sum
function.restype = ctypes.c_double
x = [1 / (3 + i % 17) for i in range(1000)]
print(function((ctypes.c_double * len(x))(*x), len(x)).hex(), float("5e-324") * float("1") > 0)
"""


def summed(library: Path) -> str:
    """The sum, and whether numbers below the smallest normal one are still there; in a process of its own, which may lose them."""
    return subprocess.run([sys.executable, "-c", LOAD, str(library)], capture_output=True, text=True, check=True).stdout


@needs_compiler
def test_options_of_the_environment_do_not_change_the_bits(monkeypatch, tmp_path):
    source = tmp_path / "sum.c"
    source.write_text(SUM)

    def ours(name: str) -> str:
        (made,) = compiled(found, [Unit("sum", source, ("-fvisibility=default", "-fPIC"))])
        found.run("-shared", made, "-o", tmp_path / name)
        return summed(tmp_path / name)

    plain = ours("plain.so")
    assert plain.endswith(" True\n")
    monkeypatch.setenv("CFLAGS", HOSTILE)
    assert ours("hostile.so") == plain
    found.run(*HOSTILE.split(), "-shared", "-fPIC", source, "-o", tmp_path / "theirs.so")
    assert summed(tmp_path / "theirs.so") != plain  # so the options were hostile


@needs_compiler
def test_only_what_includes_a_changed_file_is_compiled_again(tmp_path):
    for name, text in {"a.h": "", "a.c": '#include "a.h"\n', "b.c": ""}.items():
        (tmp_path / name).write_text(text + "int nothing;\n")
    parts = [Unit(name, tmp_path / f"{name}.c", ()) for name in "ab"]

    def times() -> list[int]:
        return [made.stat().st_mtime_ns for made in compiled(found, parts)]

    first = times()
    assert times() == first
    later = first[0] / 1e9 + 10
    os.utime(tmp_path / "a.h", (later, later))
    second = times()
    assert second[0] > first[0]
    assert second[1] == first[1]


def test_the_kernels_are_compiled_for_each_level_that_a_machine_has():
    names = {
        target: [unit.name for unit in units(zig(target)) if "kernels" in unit.name] for target in extension.PLATFORMS
    }
    each = ["kernels-1-f32", "kernels-1-f64"]
    more = [f"kernels-{level}-{real}" for level in (3, 4) for real in ("f32", "f64")]
    assert names == {target: each + more * target.startswith("x86_64") for target in extension.PLATFORMS}


def test_no_object_is_made_for_this_processor_only():
    for target in (*extension.PLATFORMS, "wasm32-wasi"):
        for unit in units(zig(target)):
            assert "native" not in " ".join(unit.options)
            assert ("-march=" in " ".join(unit.options)) == target.startswith("x86_64")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the compiler comes from PyPI")
def test_without_a_compiler_that_works_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(compiler, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() is None
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    assert find() is None


@needs_compiler
def test_a_compiler_that_fails_says_why(tmp_path, capfd):
    (tmp_path / "wrong.c").write_text("int x = y;\n")
    with pytest.raises(SystemExit, match=r"wrong\.c:1"):
        compiled(found, [Unit("wrong", tmp_path / "wrong.c", ())])


def test_tags_say_which_machines_a_wheel_is_for():
    if not extension.STABLE:
        pytest.skip("a free-threaded Python's wheels are for its version only")
    assert extension.tag("x86_64-linux-musl") == "cp311-abi3-musllinux_1_2_x86_64"
    assert extension.tag("aarch64-macos.11.0") == "cp311-abi3-macosx_11_0_arm64"
    assert extension.tag(None).startswith("cp311-abi3-")


def test_windows_is_told_the_names_of_the_stable_abi():
    names = extension.python_names()
    assert {"PyFloat_FromDouble", "PyThread_allocate_lock", "_PyArg_ParseTuple_SizeT", "_Py_Dealloc"} <= {*names}
    assert {"PyExc_ValueError DATA", "_Py_NoneStruct DATA", "PyFloat_Type DATA"} <= {*names}
    assert not [name for name in names if not name.startswith(("Py", "_Py")) or name.startswith("PyAPI")]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11) or not extension.STABLE, reason="compares with the headers of 3.11")
@needs_compiler
def test_our_python_header_gives_the_same_code_as_pythons_own(tmp_path):
    own = Path(sysconfig.get_path("include"))
    if not (own / "Python.h").exists():
        pytest.skip("this Python has no headers")
    options = ("-O1", "-c", "-DPy_LIMITED_API=0x030B0000", "-DPY_SSIZE_T_CLEAN", f"-I{core.SOURCES}")
    for source in sorted(extension.BINDING.glob("*.c")):
        for name, include in {"ours": extension.ABI3, "theirs": own}.items():
            found.run(*options, f"-I{include}", source, "-o", tmp_path / name)
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes(), source


def test_a_program_for_another_machine_ignores_the_options_for_this_one(monkeypatch):
    monkeypatch.setenv("CFLAGS", "-mfma")
    assert core.environment(Compiler(("gcc",), compiler.host()), "CFLAGS") == ["-mfma"]
    assert core.environment(zig("wasm32-wasi"), "CFLAGS") == []
