"""The decorators and calls of a compiled run; ``_plain`` holds their twins, ``_jit`` picks."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils

from ._cache import CACHE, ROUTINES
from ._strip import Strip, parts

F = TypeVar("F", bound=Callable[..., Any])
# Numba types these for the code it compiles, not for the code that builds it
_config: Any = numba.config
_types: Any = numba.types
_njit: Any = numba.njit
_numba: Any = numba
_literal: Callable[[F], F] = _numba.extending.intrinsic(prefer_literal=True)
_unpack: Any = cgutils.unpack_tuple
_slot: Any = cgutils.alloca_once
_known: Any = cgutils.get_or_insert_function
_addresses: dict[str, dict[int, Any]] = {}

_CONTRACT = {"contract", "nsz", "arcp"}


@contextlib.contextmanager
def _own_cache() -> Iterator[None]:
    """Point Numba's cache at headwater's folder while a kernel is decorated, and put the user's setting back."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(CACHE)
    try:
        yield
    finally:
        _config.CACHE_DIR = before


def _compile(flags: set[str], *, cache: bool, inline: bool, bare: bool = False, nogil: bool = True) -> Callable[[F], F]:
    def wrap(function: F) -> F:
        options: dict[str, Any] = {"fastmath": flags, "error_model": "numpy", "nogil": nogil, "forceinline": inline}
        if not cache:
            return cast(F, _njit(**options)(function))
        if bare:  # Python never calls it: no wrappers
            options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        with _own_cache():
            return cast(F, _njit(cache=True, **options)(function))

    return wrap


exact = _compile(_CONTRACT, cache=False, inline=True)
fast = _compile(_CONTRACT | {"reassoc"}, cache=False, inline=True)
order = _compile(_CONTRACT, cache=False, inline=True)
entry = _compile(_CONTRACT, cache=True, inline=False)
event = _compile(_CONTRACT, cache=True, inline=False, nogil=False)

_KINDS: dict[str, Any] = {
    "n": Strip(_types.int64),
    "r": Strip(_types.float64),
    "i": _types.int64,
    "f": _types.float64,
    "b": _types.boolean,
}


def _signature(spec: str, of: Any) -> Any:
    """Types of a routine's arguments: n, r, p arrays of int64, float64, the net's numbers; i, f, t, b scalars."""
    kinds = _KINDS | {"p": Strip(of), "t": of}
    return _types.float64(*(kinds[letter] for letter in spec.split()))


def routine(place: int, spec: str) -> Callable[[F], F]:
    """Compile the function once for each number type; ``call`` finds it at that place of the context."""

    def wrap(function: F) -> F:
        ROUTINES[place] = (_compile(_CONTRACT, cache=True, inline=False, bare=True)(function), spec)
        return order(function)  # for callers that would rather have it compiled into themselves

    return wrap


def addresses(dtype: np.dtype[Any]) -> dict[int, Any]:
    """Return the address of every routine for that number type, compiling or loading them at the first call."""
    if dtype.name not in _addresses:
        found = {}
        for place, (dispatcher, spec) in ROUTINES.items():
            signature = _signature(spec, numba.from_dtype(dtype))
            dispatcher.compile(signature)
            compiled = dispatcher.overloads[signature.args]
            found[place] = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        _addresses[dtype.name] = found
    return _addresses[dtype.name]


@_literal
def call(typingctx: Any, c: Any, place: Any, p: Any, args: Any) -> Any:
    """Call the routine at that place of the context with the tuple of arguments; p says the number type."""
    wanted = _signature(ROUTINES[place.literal_value][1], p.dtype)
    if len(args) != len(wanted.args):
        raise TypeError(f"routine {place.literal_value} takes {len(wanted.args)} arguments, got {len(args)}")

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        table = parts(context, builder, signature.args[0], values[0])
        address = builder.load(builder.gep(table.data, [values[1]]))
        kind = context.call_conv.get_function_type(wanted.return_type, wanted.args)
        pointer = builder.inttoptr(address, kind.as_pointer())
        items = _unpack(builder, values[3])
        cast_ = [context.cast(builder, v, f, t) for v, f, t in zip(items, args, wanted.args, strict=True)]
        _, result = context.call_conv.call_function(builder, pointer, wanted.return_type, wanted.args, cast_)
        return result

    return wanted.return_type(c, _types.int64, p, args), codegen


_I32, _I64 = ir.IntType(32), ir.IntType(64)
_MODE_BITS = {"x86_64": 0x8040, "amd64": 0x8040, "aarch64": 1 << 24, "arm64": 1 << 24}
"""Flush-to-zero, by processor: bits FTZ and DAZ of x86's MXCSR, bit FZ of ARM's FPCR."""
_MACHINE = platform.machine().lower()


def _read_mode(builder: Any) -> Any:
    if _MACHINE in ("x86_64", "amd64"):
        slot = _slot(builder, _I32)
        place = builder.bitcast(slot, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type])
        builder.call(_known(builder.module, kind, "llvm.x86.sse.stmxcsr"), [place])
        return builder.zext(builder.load(slot), _I64)
    return builder.asm(ir.FunctionType(_I64, []), "mrs $0, fpcr", "=r", [], True)


def _write_mode(builder: Any, mode: Any) -> None:
    if _MACHINE in ("x86_64", "amd64"):
        slot = _slot(builder, _I32)
        builder.store(builder.trunc(mode, _I32), slot)
        place = builder.bitcast(slot, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type])
        builder.call(_known(builder.module, kind, "llvm.x86.sse.ldmxcsr"), [place])
        return
    builder.asm(ir.FunctionType(ir.VoidType(), [_I64]), "msr fpcr, $0", "r", [mode], True)


@_literal
def flush_tiny(typingctx: Any) -> Any:
    """Round numbers below the smallest normal one (1e-38 in float32) to zero from here on; returns the mode before.

    A second moment that decays for ever passes through them, and on many processors each such number costs 100 cycles and
    more: Adam on two hidden layers ran seven times slower for it.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _MACHINE not in _MODE_BITS:
            return ir.Constant(_I64, 0)
        before = _read_mode(builder)
        _write_mode(builder, builder.or_(before, ir.Constant(_I64, _MODE_BITS[_MACHINE])))
        return before

    return _types.int64(), codegen


@_literal
def restore(typingctx: Any, mode: Any) -> Any:
    """Put back the mode that ``flush_tiny`` found."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _MACHINE in _MODE_BITS:
            _write_mode(builder, values[0])
        return context.get_dummy_value()

    return _types.void(mode), codegen
