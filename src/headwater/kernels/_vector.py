"""The two sweeps that nearly all time goes into, written as vector instructions.

Both run down a list of rows with a stretch of columns held in registers. As plain loops they cost about twice as much: the
compiler must assume that rows might overlap and tests for it at every row, and it keeps the sums in memory between rows. What
is computed is what the plain twins below say, in the same order for every column, so widening a layer changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba.core import cgutils

from ._strip import parts

F = TypeVar("F", bound=Callable[..., Any])
types: Any = numba.types
_numba: Any = numba
intrinsic: Callable[[F], F] = _numba.extending.intrinsic
_alloca: Any = cgutils.alloca_once_value
_INT = ir.IntType(64)
_FUSE = ("contract",)


class _Sweep:
    """What both sweeps share: pointers, the list of rows, and columns by stretches of 4 vectors, 1 vector, 1 number."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        kinds = signature.args
        self.context, self.builder = context, builder
        self.number = context.get_data_type(kinds[0].dtype)
        self.lanes = 16 if kinds[0].dtype == types.float32 else 8
        strips = {i: parts(context, builder, kinds[i], args[i]) for i in (0, 3, 4, 6)}
        self.p, self.rows, self.v = strips[0].data, strips[3].data, strips[4].data
        self.column, self.width = strips[6].data, strips[6].size
        self.base, self.stride, self.count = args[1], args[2], args[5]

    def at(self, pointer: Any, offset: Any, lanes: int) -> Any:
        """Pointer to ``lanes`` numbers at that offset."""
        place = self.builder.gep(pointer, [offset])
        return place if lanes == 1 else self.builder.bitcast(place, ir.VectorType(self.number, lanes).as_pointer())

    def load(self, pointer: Any, offset: Any, lanes: int) -> Any:
        """Load ``lanes`` numbers, which need not be aligned."""
        return self.builder.load(self.at(pointer, offset, lanes), align=self.context.get_abi_sizeof(self.number))

    def store(self, value: Any, pointer: Any, offset: Any, lanes: int) -> None:
        """Store ``lanes`` numbers, which need not be aligned."""
        self.builder.store(value, self.at(pointer, offset, lanes), align=self.context.get_abi_sizeof(self.number))

    def spread(self, value: Any, lanes: int) -> Any:
        """Copy one number into all lanes."""
        if lanes == 1:
            return value
        vector = ir.VectorType(self.number, lanes)
        first = self.builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return self.builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask)

    def fused(self, sign: int, a: Any, b: Any, c: Any) -> Any:
        """Return c ± a·b, which the processor may round once."""
        product = self.builder.fmul(a, b, flags=_FUSE)
        return (self.builder.fadd if sign > 0 else self.builder.fsub)(c, product, flags=_FUSE)

    def run(self, body: Any) -> None:
        """Call ``body(first column, vectors, lanes)`` inside the three loops over stretches of columns."""
        start = _alloca(self.builder, ir.Constant(_INT, 0))
        for vectors, lanes in ((4, self.lanes), (1, self.lanes), (1, 1)):
            size = ir.Constant(_INT, vectors * lanes)
            head, inside, after = (self.builder.append_basic_block(name) for name in ("stretch", "columns", "after"))
            self.builder.branch(head)
            self.builder.position_at_end(head)
            now = self.builder.load(start)
            fits = self.builder.icmp_signed("<=", self.builder.add(now, size), self.width)
            self.builder.cbranch(fits, inside, after)
            self.builder.position_at_end(inside)
            body(now, vectors, lanes)
            self.builder.store(self.builder.add(now, size), start)
            self.builder.branch(head)
            self.builder.position_at_end(after)

    def each_row(self, carried: list[Any], body: Any) -> list[Any]:
        """Loop over the rows with ``carried`` in registers: ``body(offset of the row, its value, carried)`` → carried."""
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("rows", "row", "rows.end"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(_INT)
        i.add_incoming(ir.Constant(_INT, 0), before)
        kept = [builder.phi(value.type) for value in carried]
        for phi, value in zip(kept, carried, strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", i, self.count), inside, after)
        builder.position_at_end(inside)
        row = builder.load(builder.gep(self.rows, [i]))
        offset = builder.add(self.base, builder.mul(row, self.stride))
        out = body(offset, builder.load(builder.gep(self.v, [i])), kept)
        i.add_incoming(builder.add(i, ir.Constant(_INT, 1)), builder.block)
        for phi, value in zip(kept, out, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return kept


def _offsets(sweep: _Sweep, column: Any, vectors: int, lanes: int) -> list[Any]:
    return [sweep.builder.add(column, ir.Constant(_INT, k * lanes)) for k in range(vectors)]


@intrinsic
def gather(typingctx: Any, p: Any, base: Any, stride: Any, rows: Any, v: Any, n: Any, z: Any) -> Any:
    """Add Σ v[i]·W[rows[i]] to z (m,), each column in the order of the rows; rows, v (n,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Sweep(context, builder, signature, args)

        def columns(first: Any, vectors: int, lanes: int) -> None:
            places = _offsets(sweep, first, vectors, lanes)

            def row(offset: Any, value: Any, sums: list[Any]) -> list[Any]:
                spread = sweep.spread(value, lanes)
                weights = [sweep.load(sweep.p, builder.add(offset, place), lanes) for place in places]
                return [sweep.fused(1, spread, w, s) for w, s in zip(weights, sums, strict=True)]

            sums = sweep.each_row([sweep.load(sweep.column, place, lanes) for place in places], row)
            for place, total in zip(places, sums, strict=True):
                sweep.store(total, sweep.column, place, lanes)

        sweep.run(columns)
        return context.get_dummy_value()

    return types.void(p, types.intp, types.intp, rows, v, types.intp, z), codegen


@intrinsic
def rank_one(typingctx: Any, p: Any, base: Any, stride: Any, rows: Any, v: Any, n: Any, d: Any, lr: Any) -> Any:
    """Take lr·v[i]·d from row rows[i], for the n rows; rows, v (n,), d (m,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Sweep(context, builder, signature, args)
        rate = args[7]

        def columns(first: Any, vectors: int, lanes: int) -> None:
            places = _offsets(sweep, first, vectors, lanes)
            deltas = [sweep.load(sweep.column, place, lanes) for place in places]

            def row(offset: Any, value: Any, kept: list[Any]) -> list[Any]:
                spread = sweep.spread(builder.fmul(rate, value), lanes)
                spots = [builder.add(offset, place) for place in places]
                weights = [sweep.load(sweep.p, spot, lanes) for spot in spots]
                for spot, weight, delta in zip(spots, weights, deltas, strict=True):
                    sweep.store(sweep.fused(-1, spread, delta, weight), sweep.p, spot, lanes)
                return kept

            sweep.each_row([], row)

        sweep.run(columns)
        return context.get_dummy_value()

    return types.void(p, types.intp, types.intp, rows, v, types.intp, d, p.dtype), codegen
