"""The decorators of the kernels, calls through addresses, and a kernel cache that many processes can share.

``HEADWATER_JIT=0`` turns the decorator into the identity: the same functions then run as plain Python, for a debugger,
for coverage and for teaching.

Two sets of floating-point liberties exist, and a kernel says which it takes:

- ``exact``: a product and a sum may be fused (one rounding instead of two), nothing may be reordered. What must stay
  bit-identical when a net grows is summed this way: vectorised over the outputs, in the order of the inputs.
- ``fast``: sums may also be reordered, which is what lets a dot product be vectorised over its own length.

Both are loops and are always inlined. ``order`` marks functions that only say what comes after what. ``entry`` marks the
functions that Python calls with blocks, which let other threads run meanwhile; ``event`` those that it calls with one event,
where giving up and taking back the interpreter's lock, and unwrapping an array, would cost as much as the work.

``routine`` marks functions that are compiled once and called through their address, ``call(c, STEP, (…))``. Numba optimises a
callee again inside each of its callers, so that a chain of eight calls is optimised eight times over; behind an address it
is optimised once (the first learner is ready in seconds instead of a minute).

The context: all arrays of a net, and the addresses of the routines, as one table of numbers (in a plain run: a list of the
objects). A function takes it as one argument and asks for what it needs, ``nums(c, A, p)``; twenty arrays as arguments would
cost more, at every call, than the work on a small net. ``p`` goes along to say the number type. The arrays belong to
``nn.program``, which keeps them alive.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias, TypeVar

from ._cache import CACHE, JIT, ROUTINES, compiling

F = TypeVar("F", bound=Callable[..., Any])
Array: TypeAlias = Any
"""One-dimensional numbers: a strip in a compiled run, a NumPy array in a plain one. What kind of numbers a kernel takes
stands in its docstring and, for routines, in the specification that is compiled."""

_run: Any = import_module("._compiled" if JIT else "._plain", __package__)
_arrays: Any = import_module("._strip" if JIT else "._plain", __package__)
_sweeps: Any = import_module("._vector" if JIT else "._plain", __package__)

exact: Callable[[F], F] = _run.exact
fast: Callable[[F], F] = _run.fast
order: Callable[[F], F] = _run.order
entry: Callable[[F], F] = _run.entry
event: Callable[[F], F] = _run.event
routine: Callable[[int, str], Callable[[F], F]] = _run.routine
addresses: Any = _run.addresses
call: Any = _run.call
flush_tiny: Any = _run.flush_tiny
restore: Any = _run.restore
context_at: Any = _arrays.context_at
ints: Any = _arrays.ints
reals: Any = _arrays.reals
nums: Any = _arrays.nums
number: Any = _arrays.number
strip: Any = _arrays.strip
view: Any = _arrays.view
gather: Any = _sweeps.gather
rank_one: Any = _sweeps.rank_one
rectify: Any = _sweeps.rectify
pairs: Any = _sweeps.pairs
dot: Any = _sweeps.dot
mask: Any = _sweeps.mask
turn: Any = _sweeps.turn

__all__ = [
    "CACHE",
    "JIT",
    "ROUTINES",
    "Array",
    "addresses",
    "call",
    "compiling",
    "context_at",
    "dot",
    "entry",
    "event",
    "exact",
    "fast",
    "gather",
    "ints",
    "mask",
    "number",
    "nums",
    "order",
    "pairs",
    "rank_one",
    "reals",
    "rectify",
    "routine",
    "strip",
    "turn",
    "view",
]
