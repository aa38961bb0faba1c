"""The core's elementary functions: as exact as core/elementary.h says, and the same bits from every compiler and machine."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from support.programs import AARCH64, NODE

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "core"
FLAGS = [
    *("-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", f"-I{CORE}"),
    *("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wdouble-promotion"),
]
ZIG = [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None
# cc is one of the others
FOUND = {Path(path).resolve(): name for name in ("cc", "clang", "gcc") if (path := shutil.which(name))}
COMPILERS = {name: [str(path)] for path, name in FOUND.items()} | ({"zig": ZIG} if ZIG else {})
LEVELS = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"] if platform.machine() in ("x86_64", "AMD64") else [""]

# name: (formula, where from, where to); names and errors are read from the header
RANGES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mpmath.exp, -87, 88),
    "log": (mpmath.log, 1e-37, 1e37),
    "expm1": (mpmath.expm1, -87, 88),
    "log1p": (mpmath.log1p, -0.999999, 1e37),
    "logistic": (lambda x: 1 / (1 + mpmath.exp(-x)), -87, 87),
    "tanh": (mpmath.tanh, -100, 100),
    "erf": (mpmath.erf, -100, 100),
    "sin2pi": (lambda t: mpmath.sinpi(2 * t), -(2.0**31), 2.0**31),
    "cos2pi": (lambda t: mpmath.cospi(2 * t), -(2.0**31), 2.0**31),
}
# where the errors are largest, and where something changes
WORST = [0.39504540, 0.34738150, 0.3663551439526, 0.7061485, 1.4133185, 0.4236785, 0.42703447868613714, 15.63525486]
WORST += [-3.4358417097135145, -4.1572938, 4.50505088, -0.21548571572685393, 0.220248938, 0.10960297214019032]
WORST += [-30.081657685039676, 3.8320377764154694, -0.9999, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0, -86.999, 87.999]
WORST += [0.0, 1e-30, -1e-30, 1e-8, -1e-8]

HEADER = (CORE / "elementary.h").read_text(encoding="utf-8")
ERRORS = {
    name: (RANGES[re.split(r"_?(?=32|64)", name)[0]], {"float": np.float32, "double": np.float64}[real], float(bound))
    for bound, real, name in re.findall(r"At most ([\d.]+) ulp\. \*/\nstatic inline (\w+) hw_(\w+)\(", HEADER)
}

# What every machine prints for the sample in elementary.c. New coefficients change it, nothing else may.
GOLDEN = """\
exp32 6480c20ab65b0109
log32 432205907d85b95c
expm1_32 3bd4280cd7446ead
log1p_32 7b1f028b917357ed
logistic32 90620b9642aeea0b
tanh32 5f9108f460329210
erf32 f0f8dc5ddb49d1d6
exp64 0da8a504bcc4cea1
log64 9e92931dee5f3348
expm1_64 f7c7dd4286a93827
log1p_64 bed2cb3bd5a234d7
logistic64 6cdf9d1c0233a878
tanh64 3c276950f06d891d
erf64 b3c9b1bd70dbbc37
sin2pi64 971ebfe119b3f96d
cos2pi64 6c6967d7dc095884
pow64 f8fe6529e488928d
ipow64 6f16453341444bcb
"""

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler is installed")


def build(compiler: list[str], target: Path, *flags: str, source: Path = HERE / "programs" / "elementary.c") -> str:
    """What the compiler says when it builds the target."""
    command = [*compiler, *FLAGS, *flags, str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def build_program(name: str, target: Path, *flags: str) -> None:
    """Build the program that prints digests; what zig compiled is linked by another: it would compile a runtime of its own for each level."""
    others = [compiler for other, compiler in COMPILERS.items() if other != "zig"]
    if name != "zig" or not others:
        build(COMPILERS[name], target, *flags)
        return
    build(COMPILERS[name], target.with_suffix(".o"), "-c", *flags)
    subprocess.run([*others[0], str(target.with_suffix(".o")), "-o", str(target)], check=True)


def printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("elementary") / "elementary.so"
    build(next(iter(COMPILERS.values())), path, "-shared", "-fPIC")
    return ctypes.CDLL(str(path))


def run(library: ctypes.CDLL, name: str, *columns: np.ndarray) -> np.ndarray:
    y = np.empty(len(columns[0]), np.float32 if name.endswith("32") else np.float64)
    columns = tuple(np.ascontiguousarray(x) for x in columns)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (*columns, y)]
    getattr(library, f"over_{name}")(*pointers, ctypes.c_long(len(y)))
    return y


def one(library: ctypes.CDLL, name: str, x: float) -> float:
    return float(run(library, name, np.array([x], np.float32 if name.endswith("32") else np.float64))[0])


def sample(low: float, high: float, real: type) -> np.ndarray:
    """Numbers in [low, high]: a grid over all of it, one near zero, every size from 1e-30 up, and where errors are large."""
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-30, 37, 600)
    x = [np.linspace(low, high, 601), np.linspace(-6, 6, 2401), rng.uniform(-1, 1, 1200), sizes, -sizes, WORST]
    x = np.concatenate(x).astype(real)
    return x[(x >= low) & (x <= high)]


def ulps(y: np.ndarray, x: np.ndarray, formula: Callable[[Any], Any]) -> float:
    """The largest distance of y from the exact values, in steps of y's kind at the exact value."""
    digits, least = (24, -125) if y.dtype == np.float32 else (53, -1021)
    worst = 0.0
    with mpmath.workprec(160):
        for got, at in zip(y.tolist(), x.tolist(), strict=True):
            exact = formula(mpmath.mpf(at))
            exponent = max(mpmath.frexp(exact)[1], least) if exact else least
            worst = max(worst, float(abs(got - exact) / mpmath.mpf(2) ** (exponent - digits)))
    return worst


def test_the_header_states_an_error_for_every_function_of_one_argument() -> None:
    names = ("exp", "log", "expm1_", "log1p_", "logistic", "tanh", "erf")
    assert sorted(ERRORS) == sorted([*(n + "32" for n in names), *(n + "64" for n in names), "sin2pi64", "cos2pi64"])


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_is_at_most_what_the_header_states(library: ctypes.CDLL, name: str) -> None:
    (formula, low, high), real, bound = ERRORS[name]
    x = sample(low, high, real)
    assert ulps(run(library, name, x), x, formula) <= bound


def test_double_functions_reach_further(library: ctypes.CDLL) -> None:
    for name, low, high in (("exp64", -708.0, 709.0), ("expm1_64", -708.0, 709.0), ("logistic64", -708.0, 708.0)):
        x = np.linspace(low, high, 501)
        assert ulps(run(library, name, x), x, ERRORS[name][0][0]) <= ERRORS[name][2]
    x = np.ldexp(np.linspace(0.5, 1, 401), np.arange(-1000, 1005, 5)[:401])
    for name in ("log64", "log1p_64"):
        assert ulps(run(library, name, x), x, ERRORS[name][0][0]) <= ERRORS[name][2]


def test_a_power_is_exact_to_fourteen_digits(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(0)
    a = np.exp(rng.uniform(-20, 20, 2000))
    b = rng.uniform(-50, 50, 2000) / np.maximum(np.abs(np.log(a)), 1e-3)
    with mpmath.workprec(160):
        exact = [mpmath.mpf(p) ** mpmath.mpf(q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
        errors = [float(abs(y / e - 1)) for y, e in zip(run(library, "pow64", a, b).tolist(), exact, strict=True)]
    assert max(errors) < 1e-14
    assert run(library, "pow64", np.array([1.0, 7.0]), np.array([3.3, 0.0])).tolist() == [1, 1]


def test_an_integer_power_is_exact_where_its_value_is(library: ctypes.CDLL) -> None:
    a = np.array([2, 3, -3, 0, 0, 1, 0.5, 2, -1])
    n = np.array([1023, 20, 3, 0, 5, 2**64 - 1, 1000, 2**63, 2**64 - 1], np.uint64)
    assert run(library, "ipow64", a, n).tolist() == [2.0**1023, 3.0**20, -27, 1, 0, 1, 2.0**-1000, np.inf, -1]
    slow = run(library, "ipow64", np.full(1, 0.999), np.array([10_000], np.uint64))[0]
    with mpmath.workprec(160):
        assert abs(slow / (mpmath.mpf(0.999) ** 10_000) - 1) < 1e-11


@pytest.mark.parametrize("bits", ["32", "64"])
def test_round_values_are_exact(library: ctypes.CDLL, bits: str) -> None:
    for name, values in {
        "exp": {0: 1},
        "log": {1: 0},
        "expm1_": {0: 0, -60: -1},
        "log1p_": {0: 0},
        "logistic": {0: 0.5, 50: 1},
        "tanh": {0: 0, 50: 1, -50: -1},
        "erf": {0: 0, 50: 1, -50: -1},
    }.items():
        for x, y in values.items():
            assert one(library, name + bits, x) == y


def test_quarter_turns_are_exact(library: ctypes.CDLL) -> None:
    t = np.concatenate([np.arange(-9, 9), 2.0**30 + np.arange(8)]) / 4
    quarter = np.rint(t * 4).astype(int) % 4
    np.testing.assert_array_equal(run(library, "sin2pi64", t), np.array([0, 1, 0, -1])[quarter])
    np.testing.assert_array_equal(run(library, "cos2pi64", t), np.array([1, 0, -1, 0])[quarter])


@pytest.mark.parametrize("name", ERRORS)
def test_no_argument_is_undefined_and_nan_gives_nan(library: ctypes.CDLL, name: str) -> None:
    assert np.isnan(one(library, name, np.nan))
    assert np.isnan(one(library, name, -np.nan))
    if "2pi" in name:
        return
    ends = [one(library, name, x) for x in (-np.inf, -1e300 if name.endswith("64") else -1e38, np.inf)]
    assert not np.isnan(ends).any()
    assert ends[0] == ends[1] <= ends[2]
    assert (ends[2] == np.inf) == ("log" in name and "logistic" not in name)


@pytest.mark.parametrize("name", [name for name in ERRORS if name.startswith(("tanh", "erf", "sin"))])
def test_odd_functions_are_odd_to_the_bit(library: ctypes.CDLL, name: str) -> None:
    x = sample(-100, 100, ERRORS[name][1])
    np.testing.assert_array_equal(run(library, name, -x), -run(library, name, x))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("level", LEVELS)
def test_bits_are_the_same_on_every_level_of_this_machine(tmp_path: Path, compiler: str, level: str) -> None:
    march = [f"-march={level.replace('-', '_') if compiler == 'zig' else level}"] if level else []
    program = tmp_path / "digest"
    build_program(compiler, program, *march)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGILL:
        pytest.skip(f"this processor lacks {level}")
    assert done.stdout == GOLDEN


@pytest.mark.parametrize("compiler", COMPILERS)
def test_bits_are_the_same_without_optimisation_and_nothing_is_undefined(tmp_path: Path, compiler: str) -> None:
    # a trap needs no library of the compiler's
    checks = ["-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]
    program = tmp_path / "digest"
    build_program(compiler, program, "-O0", *checks)
    assert printed(str(program)) == GOLDEN


@pytest.mark.skipif(not ZIG or not shutil.which("qemu-aarch64"), reason="needs ziglang and qemu-aarch64")
def test_bits_are_the_same_on_aarch64(tmp_path: Path) -> None:
    build(ZIG, tmp_path / "digest", "-target", "aarch64-linux-musl")
    assert printed(*AARCH64, str(tmp_path / "digest")) == GOLDEN


@pytest.mark.skipif(not ZIG or not shutil.which("node"), reason="needs ziglang and node")
def test_bits_are_the_same_in_web_assembly(tmp_path: Path) -> None:
    build(ZIG, tmp_path / "digest.wasm", "-target", "wasm32-wasi", "-msimd128")
    script = (
        "const wasi = new (require('wasi').WASI)({version: 'preview1'});"
        "WebAssembly.instantiate(require('fs').readFileSync(process.argv[1]), wasi.getImportObject())"
        ".then(made => wasi.start(made.instance));"
    )
    assert printed(*NODE, "-e", script, str(tmp_path / "digest.wasm")) == GOLDEN


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_loop_over_any_of_them_is_vectorised(tmp_path: Path, compiler: str) -> None:
    source = tmp_path / "loops.c"
    loop = "void f_{0}(const {1} *restrict x, {1} *restrict y, int n) {{ for (int i = 0; i < n; i++) y[i] = hw_{0}(x[i]); }}"
    loops = [loop.format(name, "float" if real is np.float32 else "double") for name, (_, real, _) in ERRORS.items()]
    source.write_text("\n".join(['#include "elementary.h"', *loops, ""]), encoding="utf-8")
    is_gcc = "Free Software" in printed(*COMPILERS[compiler], "--version")
    report = "-fopt-info-vec" if is_gcc else "-Rpass=loop-vectorize"
    said = build(COMPILERS[compiler], tmp_path / "loops.o", "-c", report, source=source)
    vectorised = re.findall(r"loops\.c:(\d+):\d+: (?:optimized: loop|remark: vectorized loop)", said)
    assert [name for line, name in enumerate(ERRORS, 2) if str(line) not in vectorised] == []
