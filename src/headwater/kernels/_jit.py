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

import contextlib
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

JIT = os.environ.get("HEADWATER_JIT", "1") != "0"

Array: TypeAlias = Any
"""One-dimensional numbers: a strip in a compiled run, a NumPy array in a plain one. What kind of numbers a kernel takes
stands in its docstring and, for routines, in the specification that is compiled."""
F = TypeVar("F", bound=Callable[..., Any])


def cache_folder() -> Path:
    """Return the folder of compiled kernels for this source, this Numba and this processor.

    The name holds a digest of every kernel's source, because Numba itself looks only at the file that defines the
    outermost function and would serve stale code after a change in a callee.

    Returns
    -------
    Path
        Below ``HEADWATER_CACHE`` if that is set, else the user's cache folder.
    """
    root = os.environ.get("HEADWATER_CACHE")
    base = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "headwater"
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    if JIT:
        import llvmlite.binding as llvm
        import numba

        digest.update(f"{numba.__version__} {np.__version__} {llvm.get_host_cpu_name()}".encode())
    tag = f"{platform.python_implementation()}{sys.version_info[0]}{sys.version_info[1]}"
    return base / f"{tag}-{digest.hexdigest()[:16]}"


ROUTINES: dict[int, tuple[Any, str]] = {}
"""Function and argument types by place in the context."""
_addresses: dict[str, dict[int, Any]] = {}

if JIT:
    import numba
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    from ._strip import Strip, context_at, ints, number, nums, parts, reals, strip, view

    CACHE = cache_folder()
    _CONTRACT = {"contract", "nsz", "arcp"}

    @contextlib.contextmanager
    def _own_cache() -> Iterator[None]:
        """Point Numba's cache at headwater's folder while a kernel is decorated, and put the user's setting back."""
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(CACHE)
        try:
            yield
        finally:
            numba.config.CACHE_DIR = before

    def _compile(
        flags: set[str], *, cache: bool, inline: bool, bare: bool = False, nogil: bool = True
    ) -> Callable[[F], F]:
        def wrap(function: F) -> F:
            options: dict[str, Any] = {"fastmath": flags, "error_model": "numpy", "nogil": nogil, "forceinline": inline}
            if not cache:
                return cast(F, numba.njit(**options)(function))
            if bare:  # Python never calls it: no wrappers
                options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
            with _own_cache():
                return cast(F, numba.njit(cache=True, **options)(function))

        return wrap

    exact = _compile(_CONTRACT, cache=False, inline=True)
    fast = _compile(_CONTRACT | {"reassoc"}, cache=False, inline=True)
    order = _compile(_CONTRACT, cache=False, inline=False)
    entry = _compile(_CONTRACT, cache=True, inline=False)
    event = _compile(_CONTRACT, cache=True, inline=False, nogil=False)

    _KINDS: dict[str, Any] = {
        "n": Strip(types.int64),
        "r": Strip(types.float64),
        "i": types.int64,
        "f": types.float64,
        "b": types.boolean,
    }

    def _signature(spec: str, of: Any) -> Any:
        """Types of a routine's arguments: n, r, p arrays of int64, float64, the net's numbers; i, f, t, b scalars."""
        kinds = _KINDS | {"p": Strip(of), "t": of}
        return types.float64(*(kinds[letter] for letter in spec.split()))

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

    @intrinsic(prefer_literal=True)
    def call(typingctx: Any, c: Any, place: Any, p: Any, args: Any) -> Any:  # noqa: ARG001
        """Call the routine at that place of the context with the tuple of arguments; p says the number type."""
        wanted = _signature(ROUTINES[place.literal_value][1], p.dtype)
        if len(args) != len(wanted.args):
            raise TypeError(f"routine {place.literal_value} takes {len(wanted.args)} arguments, got {len(args)}")

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            table = parts(context, builder, signature.args[0], values[0])
            address = builder.load(builder.gep(table.data, [values[1]]))
            kind = context.call_conv.get_function_type(wanted.return_type, wanted.args)
            pointer = builder.inttoptr(address, kind.as_pointer())
            items = cgutils.unpack_tuple(builder, values[3])
            cast_ = [context.cast(builder, v, f, t) for v, f, t in zip(items, args, wanted.args, strict=True)]
            _, result = context.call_conv.call_function(builder, pointer, wanted.return_type, wanted.args, cast_)
            return result

        return wanted.return_type(c, types.int64, p, args), codegen

else:
    CACHE = cache_folder()

    def _plain(function: F) -> F:
        return function

    exact = fast = order = entry = event = _plain

    def routine(place: int, spec: str) -> Callable[[F], F]:
        """Leave the function as it is; ``call`` finds it at that place of the context."""

        def wrap(function: F) -> F:
            ROUTINES[place] = (function, spec)
            return function

        return wrap

    def addresses(dtype: np.dtype[Any]) -> dict[int, Any]:
        """Return the routines themselves: a plain run needs no addresses."""
        return {place: function for place, (function, _) in ROUTINES.items()}

    def call(c: Any, place: int, p: Any, args: tuple[Any, ...]) -> Any:
        """Call the routine at that place of the context."""
        return c[place](*args)

    def ints(c: Any, k: int) -> Any:
        """Return the int64 array that stands at place k of the context."""
        return c[k]

    reals = ints

    def nums(c: Any, k: int, p: Any) -> Any:
        """Return the array of p's number type that stands at place k of the context."""
        return c[k]

    def strip(array: Any) -> Any:
        """Borrow a whole one-dimensional NumPy array, or a context."""
        return array

    context_at = strip

    def number(p: Any, value: Any) -> Any:
        """Return value as a number of p's type."""
        return p.dtype.type(value)

    def view(array: np.ndarray[Any, Any], start: int, length: int) -> np.ndarray[Any, Any]:
        """Borrow ``array[start:start + length]`` (the plain-Python twin of the compiled view)."""
        return array[start : start + length]


_ready: set[tuple[str, ...]] = set()


@contextlib.contextmanager
def compiling(key: tuple[str, ...]) -> Iterator[None]:
    """Hold the lock of the kernel cache during the first call of a kernel with the argument types ``key``.

    Numba numbers the files of one function as it writes them; two processes that compile different signatures at once
    can take the same number (numba issue 4807). Under this lock one compiles and writes, the others wait and read.

    Parameters
    ----------
    key : tuple of str
        What is about to be compiled: function and number type.
    """
    if not JIT or key in _ready:
        yield
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "a", encoding="ascii") as handle, _locked(handle):
        marker = CACHE / ("-".join(key) + ".ready")
        cold = not marker.exists()
        if cold and os.environ.get("HEADWATER_QUIET") != "1":
            print(
                f"headwater: compiling kernels ({' '.join(key)}), once for this machine …", file=sys.stderr, flush=True
            )
        start = time.perf_counter()
        yield
        if cold:
            marker.touch()
            if os.environ.get("HEADWATER_QUIET") != "1":
                print(f"headwater: … done in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    _ready.add(key)


@contextlib.contextmanager
def _locked(handle: Any) -> Iterator[None]:
    """Lock an open file for this process alone, where the system can."""
    try:
        import fcntl
    except ImportError:  # Windows has no fcntl; msvcrt locks one byte
        import msvcrt

        locking: Any = msvcrt
        locking.locking(handle.fileno(), locking.LK_LOCK, 1)
        yield
        handle.seek(0)
        locking.locking(handle.fileno(), locking.LK_UNLCK, 1)
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
