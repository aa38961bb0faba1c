"""Reduce a model to what predicts, for a page that doesn't go on learning.

Optimizer state, kept samples and reservoirs are left out. Weights become whole multiples of a power of two, as coarse as the digits
that a page shows allow, and their bytes are laid apart, which gzip packs well. ``widened`` in
``js/file/container.mjs`` undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.base import Learner
from headwater.learner.kind import OPTIMIZER, Reduction
from headwater.nn.core.cleared import cleared
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import SavedModel, seal

__all__ = ["reduced"]

Arrays = Mapping[str, NDArray[Any]]
BITS = (8, 10, 11, 12, 13, 14, 16)
"""Binary digits behind the point that are tried. benchmarks/NOTES.md compares them with float16."""
WIDEST = 2.0**52
"""JavaScript's numbers are whole up to twice that."""
SHARE, DIGITS = 0.0005, 4
"""Half of the last digit of a probability in percent, and the digits of a number, as a page shows them."""
NAMES = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32", "uint64": "U64", "uint8": "U8"}
"""Types of arrays as safetensors names them."""


def reduced(learner: Learner) -> bytes:
    """Serialize a learner without what only learning needs, and with weights as coarse as the digits shown allow.

    Parameters
    ----------
    learner : Learner
        A learner that a page can hold. The rows that it kept for ``diagnose()`` decide how coarse its weights may be.

    Returns
    -------
    bytes
        A file that ``open`` of headwater.mjs reads, and ``hw.load`` refuses.
    """
    saved = LEARNER_FORMAT.pack(learner)
    arrays = {name: array for name, array in saved.arrays.items() if _plain(name) != "sample"}
    rounded: Mapping[str, int] = {}
    if arrays:
        own = learner.kind.reduction
        arrays, rounded = _of_rows(learner, saved.header, arrays) if own is None else _of_kind(learner, own, arrays)
    packed = {name: _blank(array) for name, array in arrays.items() if array.size and not array.any()}
    laid = {name: array for name, array in arrays.items() if name not in packed}
    for name in laid.keys() & rounded.keys():
        if not np.abs(np.ldexp(laid[name].astype(np.float64), rounded[name])).max() < WIDEST:
            continue  # too far for whole numbers
        whole = _whole(arrays[name], rounded[name])
        low = int(whole.min())
        packed[name] = _blank(arrays[name]) | {"bits": rounded[name], "low": low}
        laid[name] = _planes(whole - low)
    return seal(SavedModel({**saved.header, "packed": packed}, laid))


def _of_rows(
    learner: Learner, header: dict[str, Any], arrays: Arrays
) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    """Return the arrays that predicting rows reads, and how coarse the weights may be."""
    arrays = cleared(arrays)
    arrays |= {name: np.zeros_like(arrays[name]) for name in OPTIMIZER}
    bits = _fewest_bits(learner, SavedModel(header, arrays))
    return arrays, {} if bits is None else {"weights": bits}


def _of_kind(learner: Learner, own: Reduction, arrays: Arrays) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    """Return the arrays of a kind, or of all its members, without what it declares that its questions don't read."""
    emptied = {name: np.zeros_like(array) for name, array in arrays.items() if _plain(name) in own.left_out}
    rounded = {name: own.rounded[_plain(name)] for name in arrays if _plain(name) in own.rounded}
    for i, member in enumerate(learner.members.values()):
        if (bits := _fewest_bits(member, LEARNER_FORMAT.pack(member))) is not None:
            rounded[f"{i}.weights"] = bits
    return {**arrays, **emptied}, rounded


def _plain(name: str) -> str:
    """Return the name of an array without the number of the member that it is of."""
    return name.rpartition(".")[2]


def _blank(array: NDArray[Any]) -> dict[str, Any]:
    return {"dtype": NAMES[array.dtype.name], "shape": list(array.shape)}


def _whole(weights: NDArray[Any], bits: int) -> NDArray[np.int64]:
    """Return weights as whole multiples of 2^−bits."""
    return np.rint(np.ldexp(weights.astype(np.float64), bits)).astype(np.int64)


def _planes(whole: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the lowest bytes of all numbers, then the next ones, as far as any number has them."""
    count = max(1, (int(whole.max()).bit_length() + 7) // 8)
    return np.ascontiguousarray(whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :count].T).reshape(-1)


def _fewest_bits(learner: Learner, saved: SavedModel) -> int | None:
    """Return how coarse the weights may be so that kept rows are predicted as before to the digits shown, None if not at all."""
    rows = [] if learner.sample is None else [one.x for one in learner.sample.rows]
    weights = saved.arrays["weights"]
    if not rows:
        return None
    before = learner.predict_batch(rows)
    for bits in BITS:
        whole = _whole(weights, bits)
        if (int(whole.max()) - int(whole.min())).bit_length() > 24:
            return None
        rounded = np.ldexp(whole.astype(np.float64), -bits).astype(weights.dtype)
        other = LEARNER_FORMAT.unpack(SavedModel(saved.header, {**saved.arrays, "weights": rounded}), "export")
        if _shown_alike(before, other.predict_batch(rows)):
            return bits
    return None


def _shown_alike(before: Any, after: Any) -> bool:
    """Return whether two predictions differ by less than half of the last digit that a page shows."""
    if before.proba is None:
        y, z = np.asarray(before.y_pred, np.float64), np.asarray(after.y_pred, np.float64)
        tens = np.floor(np.log10(np.maximum(np.abs(y), np.finfo(np.float64).tiny)))
        return bool((np.abs(y - z) <= 0.5 * 10.0 ** (tens + 1 - DIGITS)).all())
    alike = list(before.y_pred) == list(after.y_pred)
    return alike and bool((np.abs(np.asarray(before.proba) - np.asarray(after.proba)) < SHARE).all())
