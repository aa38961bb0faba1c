"""Write Python.h beside this file: the limited API of CPython 3.11, from the headers of an installed 3.11.

    python3.11 tools/build/abi3/make.py        # needs Debian's package unifdef; only ever needed for a newer limited API

Limits, sizes and compilers are the preamble's, so the file serves every machine that headwater is built for.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = Path(sysconfig.get_path("include"))
PREAMBLE = r"""/* The limited API of CPython 3.11: what an extension may use that one build serves every Python from 3.11 on.
 *
 * Written by make.py from CPython's own headers, without comments. With it, headwater is built where Python has no headers,
 * and for machines other than this one. A free-threaded Python has another layout of objects: there its own headers serve.
 *
 * Copyright (c) 2001-2023 Python Software Foundation. All Rights Reserved. Licensed under the PSF License Version 2.
 */
#ifndef Py_PYTHON_H
#define Py_PYTHON_H
#define PY_VERSION_HEX 0x030B00F0
#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#error "expected -DPy_LIMITED_API=0x030B0000"
#endif

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef intptr_t Py_intptr_t;
typedef uintptr_t Py_uintptr_t;
typedef intptr_t Py_ssize_t;
typedef Py_ssize_t Py_hash_t;
typedef size_t Py_uhash_t;
#define PY_SSIZE_T_MAX INTPTR_MAX
#define PY_SSIZE_T_MIN (-PY_SSIZE_T_MAX - 1)
#define PY_LONG_LONG long long

#ifdef _WIN32
#define MS_WINDOWS
#define PyAPI_FUNC(type) __declspec(dllimport) type
#define PyAPI_DATA(type) extern __declspec(dllimport) type
#define PyMODINIT_FUNC __declspec(dllexport) PyObject *
#else
#define PyAPI_FUNC(type) __attribute__((visibility("default"))) type
#define PyAPI_DATA(type) extern __attribute__((visibility("default"))) type
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#endif
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define Py_UNICODE_SIZE SIZEOF_WCHAR_T

#define _Py_NULL NULL
#define _Py_CAST(type, expression) ((type)(expression))
#define _Py_STATIC_CAST(type, expression) ((type)(expression))
#define _Py_NO_RETURN __attribute__((__noreturn__))
#define Py_GCC_ATTRIBUTE(x) __attribute__(x)
#define Py_DEPRECATED(version) __attribute__((__deprecated__))
#define Py_ALWAYS_INLINE __attribute__((always_inline))
#define Py_UNREACHABLE() __builtin_unreachable()
#define Py_UNUSED(name) _unused_##name __attribute__((unused))
#define Py_MIN(x, y) (((x) > (y)) ? (y) : (x))
#define Py_MAX(x, y) (((x) > (y)) ? (x) : (y))
#define Py_ABS(x) ((x) < 0 ? -(x) : (x))
#define Py_CHARMASK(c) ((unsigned char)((c) & 0xff))
#define Py_ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define Py_STRINGIFY_(x) #x
#define Py_STRINGIFY(x) Py_STRINGIFY_(x)
#define PyDoc_STR(text) text
#define PyDoc_VAR(name) static const char name[]
#define PyDoc_STRVAR(name, text) PyDoc_VAR(name) = PyDoc_STR(text)
#define Py_IS_NAN(x) isnan(x)
#define Py_IS_INFINITY(x) isinf(x)
#define Py_IS_FINITE(x) isfinite(x)
#define Py_HUGE_VAL HUGE_VAL
#define Py_NAN ((double)NAN)
"""
REPLACED = (  # by the preamble, or of no use to an extension
    *("patchlevel.h", "pyconfig.h", "pymacconfig.h", "pyport.h", "exports.h", "pymacro.h", "pymath.h"),
    *("intrcheck.h", "osmodule.h", "fileutils.h", "pyhash.h", "pystrcmp.h", "pystrtod.h", "tracemalloc.h"),
)
DEFINED = (
    *("Py_LIMITED_API=0x030B0000", "PY_SSIZE_T_CLEAN", "HAVE_STDDEF_H", "HAVE_WCHAR_H"),
    *("SIZEOF_INT=4", "SIZEOF_PID_T=4", "SIZEOF_VOID_P=4", "SIZEOF_WCHAR_T=4"),
)
UNDEFINED = (
    *("__cplusplus", "_MSC_VER", "__CYGWIN__", "HAVE_USABLE_WCHAR_T", "PYMALLOC_DEBUG", "STACKLESS", "USE_STACKCHECK"),
    *("Py_BUILD_CORE", "Py_BUILD_CORE_BUILTIN", "Py_BUILD_CORE_MODULE", "Py_DEBUG", "Py_REF_DEBUG", "Py_TRACE_REFS"),
)


def inlined(name: str, seen: set[str]) -> str:
    """Return a header with the headers that it includes in their places, each once, without comments."""
    if name in seen or name.startswith("cpython/"):
        return ""
    seen.add(name)
    text = (INCLUDE / name).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/|//(?= )[^\n]*", " ", text, flags=re.DOTALL)
    return re.sub(
        r'^#[ \t]*include[ \t]+"(.+)"[ \t]*$', lambda found: inlined(found[1], seen), text, flags=re.MULTILINE
    )


def main() -> None:
    """Write the files."""
    seen = {*REPLACED}
    text = "".join(inlined(name, seen) for name in ("Python.h", "structmember.h"))
    text = re.sub(r"(Py_LIMITED_API|_MSC_VER|__cplusplus) *\+ *0", r"\1", text)
    guards = set(re.findall(r"^#ifndef (Py_\w+_H)$", text, flags=re.MULTILINE))
    options = [f"-D{name}" for name in DEFINED] + [f"-U{name}" for name in (*UNDEFINED, *guards)]
    done = subprocess.run(["unifdef", *options], input=text, capture_output=True, text=True, check=False)
    if done.stderr:
        raise SystemExit(done.stderr)
    dropped = r"#define Py_\w+_H|#[ ]*include.*|#.*\b(SIZEOF_VOID_P|_Py_PARSE_\w+)\b.*|[ \t]*(//.*)?"
    tidy = [line.rstrip() for line in done.stdout.splitlines() if not re.fullmatch(dropped, line)]
    for name in ("pythread.h", "structmember.h"):
        (HERE / name).write_text('#include "Python.h" /* has all of it */\n', encoding="utf-8")
    (HERE / "Python.h").write_text("\n".join([PREAMBLE, *tidy, "#endif", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
