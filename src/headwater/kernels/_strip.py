"""Strips: a pointer and a length, the only array that kernels know.

NumPy's arrays carry shape, strides and an owner; taking a slice counts references, an index is first tested for being
negative, and each array is seven arguments of a call. A strip is two, its slices are borrowed, and indices are trusted. In
a plain run strips are one-dimensional NumPy arrays, and the functions below their plain twins.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import cgutils
from numba.core.typing import templates
from numba.np import arrayobj

F = TypeVar("F", bound=Callable[..., Any])
# Numba types these for the code it compiles, not for the code that builds it
types: Any = numba.types
extending: Any = numba.extending
infer_global: Any = templates.infer_global
signature: Any = templates.signature
AbstractTemplate: Any = templates.AbstractTemplate
intrinsic: Callable[[F], F] = extending.intrinsic
lower_builtin: Callable[..., Callable[[F], F]] = extending.lower_builtin
register_model: Any = extending.register_model
StructModel: Any = extending.models.StructModel
struct_proxy: Any = cgutils.create_struct_proxy
make_array: Any = arrayobj.make_array

ENDLESS = 1 << 40


class Strip(types.Type):  # type: ignore[misc]
    """Numba's type of a strip of numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Strip({dtype})")


@register_model(Strip)
class _StripModel(StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Strip) -> None:
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("size", types.intp)])


def make(context: Any, builder: Any, kind: Strip, data: Any, size: Any) -> Any:
    """Build a strip from a pointer and a length."""
    result = struct_proxy(kind)(context, builder)
    result.data, result.size = data, size
    return result._getvalue()


def parts(context: Any, builder: Any, kind: Strip, value: Any) -> Any:
    """Return the struct (data, size) of a strip."""
    return struct_proxy(kind)(context, builder, value=value)


@infer_global(operator.getitem)
class _TypeGet(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Strip) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _TypeSet(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Strip) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@infer_global(len)
class _TypeLen(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.intp, args[0]) if isinstance(args[0], Strip) else None


@lower_builtin(operator.getitem, Strip, types.Integer)
def _get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    strip = parts(context, builder, sig.args[0], args[0])
    return builder.load(builder.gep(strip.data, [args[1]], inbounds=True))


@lower_builtin(operator.setitem, Strip, types.Integer, types.Any)
def _set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    strip = parts(context, builder, sig.args[0], args[0])
    builder.store(args[2], builder.gep(strip.data, [args[1]], inbounds=True))
    return context.get_dummy_value()


@lower_builtin(len, Strip)
def _len(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return parts(context, builder, sig.args[0], args[0]).size


@intrinsic
def strip(typingctx: Any, array: Any) -> Any:
    """Borrow a whole one-dimensional NumPy array."""
    kind = Strip(array.dtype)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = make_array(sig.args[0])(context, builder, args[0])
        return make(context, builder, kind, whole.data, builder.extract_value(whole.shape, 0))

    return kind(array), codegen


@intrinsic
def view(typingctx: Any, whole: Any, start: Any, length: Any) -> Any:
    """Borrow ``whole[start:start + length]``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        strip_ = parts(context, builder, sig.args[0], args[0])
        return make(context, builder, sig.return_type, builder.gep(strip_.data, [args[1]], inbounds=True), args[2])

    return whole(whole, types.intp, types.intp), codegen


@intrinsic
def context_at(typingctx: Any, address: Any) -> Any:
    """Return the context that lies at an address."""
    kind = Strip(types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = builder.inttoptr(args[0], context.get_data_type(types.int64).as_pointer())
        return make(context, builder, kind, data, context.get_constant(types.intp, ENDLESS))

    return kind(types.int64), codegen


@intrinsic
def number(typingctx: Any, p: Any, value: Any) -> Any:
    """Return value as a number of p's type: a float64 among float32 would make a whole loop compute in float64."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[1], sig.args[1], sig.return_type)

    return p.dtype(p, value), codegen


def _field(dtype: Any) -> Any:
    """Codegen that reads an address from the context and makes it a strip of no known length."""
    kind = Strip(dtype)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        table = parts(context, builder, sig.args[0], args[0])
        address = builder.load(builder.gep(table.data, [args[1]], inbounds=True))
        data = builder.inttoptr(address, context.get_data_type(dtype).as_pointer())
        return make(context, builder, kind, data, context.get_constant(types.intp, ENDLESS))

    return kind, codegen


@intrinsic
def ints(typingctx: Any, c: Any, k: Any) -> Any:
    """Return the int64 array that stands at place k of the context."""
    kind, codegen = _field(types.int64)
    return kind(c, types.intp), codegen


@intrinsic
def reals(typingctx: Any, c: Any, k: Any) -> Any:
    """Return the float64 array that stands at place k of the context."""
    kind, codegen = _field(types.float64)
    return kind(c, types.intp), codegen


@intrinsic
def nums(typingctx: Any, c: Any, k: Any, p: Any) -> Any:
    """Return the array of p's number type that stands at place k of the context."""
    kind, codegen = _field(p.dtype)
    return kind(c, types.intp, p), codegen
