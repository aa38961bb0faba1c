"""The sweeps that nearly all time goes into, written as vector instructions.

``gather`` and ``rank_one`` run down a list of rows with a stretch of columns held in registers. As plain loops they cost about
twice as much: the compiler must assume that rows might overlap and tests for it at every row, and it keeps the sums in memory
between rows. The others are short loops, of which that test would be the greater part. What is computed is what the plain twins
below say, in the same order for every column, so widening a layer changes no bit.
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
_WIDE = ir.DoubleType()
_FUSE = ("contract",)


class _Columns:
    """What all sweeps share: numbers by stretches of 4 vectors, 1 vector, 1 number, as many as the strip ``widest`` has."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any, widest: int) -> None:
        kinds = signature.args
        self.context, self.builder = context, builder
        self.number = context.get_data_type(kinds[widest].dtype)
        self.lanes = 16 if kinds[widest].dtype == types.float32 else 8
        self.width = parts(context, builder, kinds[widest], args[widest]).size

    def at(self, pointer: Any, offset: Any, lanes: int) -> Any:
        """Pointer to ``lanes`` numbers at that offset."""
        place = self.builder.gep(pointer, [offset])
        return (
            place if lanes == 1 else self.builder.bitcast(place, ir.VectorType(place.type.pointee, lanes).as_pointer())
        )

    def load(self, pointer: Any, offset: Any, lanes: int) -> Any:
        """Load ``lanes`` numbers, which need not be aligned."""
        size = self.context.get_abi_sizeof(pointer.type.pointee)
        return self.builder.load(self.at(pointer, offset, lanes), align=size)

    def store(self, value: Any, pointer: Any, offset: Any, lanes: int) -> None:
        """Store ``lanes`` numbers, which need not be aligned."""
        size = self.context.get_abi_sizeof(pointer.type.pointee)
        self.builder.store(value, self.at(pointer, offset, lanes), align=size)

    def zero(self, lanes: int) -> Any:
        """Return zeros for all lanes."""
        return ir.Constant(self.number if lanes == 1 else ir.VectorType(self.number, lanes), None)

    def spread(self, value: Any, lanes: int) -> Any:
        """Copy one number into all lanes."""
        if lanes == 1:
            return value
        vector = ir.VectorType(value.type, lanes)
        first = self.builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return self.builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask)

    def fused(self, sign: int, a: Any, b: Any, c: Any) -> Any:
        """Return c ± a·b, which the processor may round once."""
        product = self.builder.fmul(a, b, flags=_FUSE)
        return (self.builder.fadd if sign > 0 else self.builder.fsub)(c, product, flags=_FUSE)

    def run(self, body: Any, stretches: Any = ()) -> None:
        """Call ``body(first column, vectors, lanes)`` inside the loops over stretches of columns."""
        start = _alloca(self.builder, ir.Constant(_INT, 0))
        for vectors, lanes in stretches or ((4, self.lanes), (1, self.lanes), (1, 1)):
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


class _Sweep(_Columns):
    """A sweep down a list of rows: pointers, the list, and the loop over it."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        super().__init__(context, builder, signature, args, 6)
        strips = [parts(context, builder, signature.args[i], args[i]).data for i in (0, 3, 4, 6)]
        self.p, self.rows, self.v, self.column = strips
        self.base, self.stride, self.count = args[1], args[2], args[5]

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


def _offsets(sweep: _Columns, column: Any, vectors: int, lanes: int) -> list[Any]:
    return [sweep.builder.add(column, ir.Constant(_INT, k * lanes)) for k in range(vectors)]


@intrinsic
def gather(typingctx: Any, p: Any, base: Any, stride: Any, rows: Any, v: Any, n: Any, z: Any) -> Any:
    """Set z (m,) to Σ v[i]·W[rows[i]], each column in the order of the rows; rows, v (n,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Sweep(context, builder, signature, args)

        def columns(first: Any, vectors: int, lanes: int) -> None:
            places = _offsets(sweep, first, vectors, lanes)

            def row(offset: Any, value: Any, sums: list[Any]) -> list[Any]:
                spread = sweep.spread(value, lanes)
                weights = [sweep.load(sweep.p, builder.add(offset, place), lanes) for place in places]
                return [sweep.fused(1, spread, w, s) for w, s in zip(weights, sums, strict=True)]

            sums = sweep.each_row([sweep.zero(lanes) for _ in places], row)
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


class _Sums(_Columns):
    """A sum over products: in float64, 16 sums side by side, then 4, then one."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        super().__init__(context, builder, signature, args, 0)
        self.sum = _alloca(builder, ir.Constant(_WIDE, 0))

    def wide(self, lanes: int) -> Any:
        """Return the type of that many float64."""
        return _WIDE if lanes == 1 else ir.VectorType(_WIDE, lanes)

    def part(self, value: Any, start: int, lanes: int) -> Any:
        """Return ``lanes`` of a vector's numbers."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(start, start + lanes)))
        return self.builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), mask)

    def products(self, left: Any, right: Any, place: Any, lanes: int) -> Any:
        """Multiply as the numbers are, and widen."""
        product = self.builder.fmul(self.load(left, place, lanes), self.load(right, place, lanes))
        return product if self.number == _WIDE else self.builder.fpext(product, self.wide(lanes))

    def halves(self, value: Any) -> Any:
        """Add the upper half of a vector to the lower, until one number is left."""
        lanes = value.type.count
        while lanes > 1:
            lanes //= 2
            value = self.builder.fadd(self.part(value, 0, lanes), self.part(value, lanes, lanes))
        return self.builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    def total(self, left: Any, right: Any) -> Any:
        """Return the sum."""
        builder = self.builder
        place = _alloca(builder, ir.Constant(_INT, 0))
        for size in (16, 4, 1):
            start = builder.load(place)
            fits = builder.icmp_signed("<=", builder.add(start, ir.Constant(_INT, size)), self.width)
            with builder.if_then(fits):  # to add up empty sums would hold up who waits for the total
                builder.store(self._stretch(left, right, size, start), place)
        return builder.load(self.sum)

    def _stretch(self, left: Any, right: Any, size: int, start: Any) -> Any:
        """Add products by so many at once as long as they fit, and return where the rest begins."""
        builder = self.builder
        block = min(size, 8)
        before = builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("sums", "product", "sums.end"))
        first = builder.load(self.sum)
        begun = (
            first
            if size == 1
            else builder.insert_element(ir.Constant(self.wide(block), None), first, ir.Constant(ir.IntType(32), 0))
        )
        builder.branch(head)
        builder.position_at_end(head)
        now = builder.phi(_INT)
        sums = [builder.phi(self.wide(block)) for _ in range(size // block)]
        now.add_incoming(start, before)
        for k, phi in enumerate(sums):
            phi.add_incoming(begun if k == 0 else ir.Constant(self.wide(block), None), before)
        end = builder.add(now, ir.Constant(_INT, size))
        builder.cbranch(builder.icmp_signed("<=", end, self.width), inside, after)
        builder.position_at_end(inside)
        products = self.products(left, right, now, size)
        now.add_incoming(end, inside)
        for k, phi in enumerate(sums):
            part = products if size == block else self.part(products, k * block, block)
            phi.add_incoming(builder.fadd(phi, part), inside)
        builder.branch(head)
        builder.position_at_end(after)
        builder.store(self._reduced(sums), self.sum)
        return now

    def _reduced(self, sums: list[Any]) -> Any:
        """One number out of the sums of a stretch: neighbours by fours first, as narrower vectors would add them."""
        if len(sums) == 1:
            return sums[0] if sums[0].type == _WIDE else self.halves(sums[0])
        fours = [self.builder.fadd(self.part(each, 0, 4), self.part(each, 4, 4)) for each in sums]
        return self.halves(self.builder.fadd(*fours))


def _pointers(context: Any, builder: Any, signature: Any, args: Any, places: range) -> list[Any]:
    return [parts(context, builder, signature.args[i], args[i]).data for i in places]


@intrinsic
def rectify(typingctx: Any, x: Any, y: Any) -> Any:
    """Set y to max(x, 0); x, y (m,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Columns(context, builder, signature, args, 1)
        source, target = _pointers(context, builder, signature, args, range(2))

        def columns(first: Any, vectors: int, lanes: int) -> None:
            for place in _offsets(sweep, first, vectors, lanes):
                value = sweep.load(source, place, lanes)
                stays = builder.fcmp_unordered(">=", value, sweep.zero(lanes))  # what is no number stays none
                sweep.store(builder.select(stays, value, sweep.zero(lanes)), target, place, lanes)

        sweep.run(columns)
        return context.get_dummy_value()

    return types.void(x, y), codegen


@intrinsic
def mask(typingctx: Any, x: Any, dy: Any, dx: Any) -> Any:
    """Set dx to dy where x is above 0, else to 0; x, dy, dx (m,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Columns(context, builder, signature, args, 2)
        source, above, target = _pointers(context, builder, signature, args, range(3))

        def columns(first: Any, vectors: int, lanes: int) -> None:
            for place in _offsets(sweep, first, vectors, lanes):
                passes = builder.fcmp_ordered(">", sweep.load(source, place, lanes), sweep.zero(lanes))
                delta = builder.select(passes, sweep.load(above, place, lanes), sweep.zero(lanes))
                sweep.store(delta, target, place, lanes)

        sweep.run(columns)
        return context.get_dummy_value()

    return types.void(x, dy, dx), codegen


@intrinsic
def turn(typingctx: Any, w: Any, x: Any, q: Any, lr: Any, dx: Any) -> Any:
    """Set dx to q·w, then take lr·q·x from w: the delta of one column's inputs, and its step; w, x, dx (n,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Columns(context, builder, signature, args, 4)
        column, source = _pointers(context, builder, signature, args, range(2))
        target = parts(context, builder, signature.args[4], args[4]).data
        rate = builder.fmul(args[3], args[2])

        def columns(first: Any, vectors: int, lanes: int) -> None:
            delta, step = sweep.spread(args[2], lanes), sweep.spread(rate, lanes)
            for place in _offsets(sweep, first, vectors, lanes):
                weight = sweep.load(column, place, lanes)
                moved = sweep.fused(-1, step, sweep.load(source, place, lanes), weight)
                sweep.store(builder.fmul(delta, weight), target, place, lanes)
                sweep.store(moved, column, place, lanes)

        sweep.run(columns)
        return context.get_dummy_value()

    return types.void(w, x, w.dtype, w.dtype, dx), codegen


@intrinsic
def dot(typingctx: Any, a: Any, b: Any) -> Any:
    """Return Σ a·b, summed in float64 by 16 sums side by side and then what is left over; a, b (n,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left, right = _pointers(context, builder, signature, args, range(2))
        return _Sums(context, builder, signature, args).total(left, right)

    return types.float64(a, b), codegen


@intrinsic
def pairs(typingctx: Any, slots: Any, x: Any, most: Any, rows: Any, v: Any) -> Any:
    """Set rows to −slots − 1 and v to x; returns whether no |x| is above ``most`` or no number; slots, x, rows, v (n,)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sweep = _Columns(context, builder, signature, args, 0)
        slot, entry = _pointers(context, builder, signature, args, range(2))
        row, value = _pointers(context, builder, signature, args, range(3, 5))
        number = context.get_data_type(signature.args[4].dtype)
        most = context.cast(builder, args[2], types.float64, signature.args[1].dtype)
        odd = _alloca(builder, ir.Constant(ir.IntType(8), 0))

        def columns(first: Any, vectors: int, lanes: int) -> None:
            numbers = sweep.load(entry, first, lanes)
            taken = sweep.load(slot, first, lanes)
            sweep.store(builder.not_(taken), row, first, lanes)
            short = number if lanes == 1 else ir.VectorType(number, lanes)
            sweep.store(
                numbers if number == entry.type.pointee else builder.fptrunc(numbers, short), value, first, lanes
            )
            above = builder.fcmp_unordered(">", numbers, sweep.spread(most, lanes))
            below = builder.fcmp_unordered("<", numbers, sweep.spread(builder.fneg(most), lanes))
            either = builder.or_(above, below)
            bits = either if lanes == 1 else builder.bitcast(either, ir.IntType(lanes))
            bits = bits if lanes == 8 else builder.zext(bits, ir.IntType(8))
            builder.store(builder.or_(builder.load(odd), bits), odd)

        sweep.run(columns, ((1, 8), (1, 4), (1, 1)))
        return builder.icmp_unsigned("==", builder.load(odd), ir.Constant(ir.IntType(8), 0))

    return types.boolean(slots, x, types.float64, rows, v), codegen
