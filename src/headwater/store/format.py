"""The file of a model: safetensors (arrays) with a JSON header (settings and names), checked by a digest.

Version 1 holds one engine: header key "headwater" with the digest, format, settings, names and counters; tensors by the
names in ``nn.program.STATE``, rows of the table only as far as they are used; and ``health``, what a diagnosis needs, which
older versions pass over. The digest is the SHA-256 of the whole file
with zeros in its own place, so no byte can change unseen. Never a pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as _pack

from headwater.classifier import Classifier
from headwater.encode.vocabulary import Column
from headwater.engine import Engine
from headwater.errors import ModelFileError
from headwater.kernels import _op as col
from headwater.nn.program import Program
from headwater.nn.room import keep_given, keep_samples
from headwater.regressor import Regressor
from headwater.watch.health import Health

from .kept import pack_health, unpack_health
from .settings import as_json, from_json

FORMAT = 1
KEY = "headwater"
_BLANK = "0" * 64
_DIGEST = re.compile(rb'\\"sha256\\": \\"([0-9a-f]{64})\\"')
"""The digest where it stands: in JSON inside JSON."""
LEARNERS: dict[str, type[Classifier] | type[Regressor]] = {"Classifier": Classifier, "Regressor": Regressor}


def save(learner: Classifier | Regressor, path: str | Path) -> None:
    """Write a learner to a file: first beside it, then in its place, so that a crash leaves the old one or the new one.

    Parameters
    ----------
    learner : Classifier or Regressor
        What to write.
    path : str or Path
        The file.

    Raises
    ------
    ModelFileError
        If the file can't be written, or a name is of a type that JSON can't hold.
    """
    path = Path(path)
    data = to_bytes(learner)
    beside: Path | None = None
    try:
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        with open(beside, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, path)
    except (OSError, ValueError) as error:  # ValueError: no path at all, such as one without a name
        with contextlib.suppress(OSError, ValueError):
            if beside is not None:
                beside.unlink()
        raise ModelFileError(
            expected="a file that can be written",
            got=_reason(error),
            at=str(path),
            help="Choose another place; the model in memory is unharmed.",
        ) from error


def load(path: str | Path) -> Classifier | Regressor:
    """Read a learner from a file; it goes on learning where it stopped, to the bit.

    Parameters
    ----------
    path : str or Path
        A file that ``save`` wrote.

    Returns
    -------
    Classifier or Regressor

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, altered, or from a later version.

    Examples
    --------
    >>> import headwater as hw, tempfile, os
    >>> model = hw.Regressor()
    >>> model.learn_one({"x": 1.0}, 2.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "m.hw")
    >>> model.save(path)
    >>> hw.load(path).predict_one({"x": 1.0}) == model.predict_one({"x": 1.0})
    True
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelFileError(
            expected="a saved model",
            got=_reason(error),
            at=str(path),
            help="Check the path; learner.save(path) writes one.",
        ) from error
    return from_bytes(data, str(path))


def to_bytes(learner: Classifier | Regressor) -> bytes:
    """Return the file of a learner as bytes."""
    engine = learner._engine
    arrays = {} if engine is None else _arrays(engine)
    header = {
        "sha256": _BLANK,
        "format": FORMAT,
        "learner": type(learner).__name__,
        "settings": {name: as_json(getattr(learner, name)) for name in learner._get_params()},
        "classes": [as_json(label) for label in getattr(learner, "classes", [])],
        "notes": learner._notes,
        "refused": {reason: count for reason, count in learner._refused.items() if count},
        "engine": None if engine is None else _names(engine),
    }
    if isinstance(learner._health, Health):
        learner._health.catch_up(learner.n_learned)
        arrays["health"] = pack_health(learner._health)
    # safetensors writes the memory as it lies: only contiguous arrays come back as they were
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = bytes(_pack(tensors, metadata={KEY: json.dumps(header)}))
    return data.replace(_BLANK.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


def from_bytes(data: bytes, at: str) -> Classifier | Regressor:
    """Return the learner whose file these bytes are."""
    try:
        header, arrays = _open(data, at)
        if header["format"] > FORMAT:
            raise ModelFileError(
                expected=f"a model of format {FORMAT} or earlier",
                got=f"format {header['format']}",
                at=at,
                help="Update headwater.",
            )
        settings = {name: from_json(value) for name, value in header["settings"].items()}
        learner = LEARNERS[header["learner"]](**settings)
        learner._refused = Counter(header["refused"])
        learner._notes = header.get("notes", {})
        if isinstance(learner, Classifier):
            learner.classes = [from_json(label) for label in header["classes"]]
            learner._index = {label: i for i, label in enumerate(learner.classes)}
        if header["engine"] is not None:
            learner._engine = _engine(learner, header["engine"], arrays)
        if "health" in arrays:
            learner._health, learner._look = (
                unpack_health(arrays["health"]),
                0,
            )  # shown the next row, it says which then
    except ModelFileError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelFileError(
            expected="a model as headwater saves it",
            got=f"one whose header does not fit ({error})",
            at=at,
            help="Use another copy.",
        ) from error
    return learner


def _open(data: bytes, at: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file's bytes, if they are those that were saved."""
    from safetensors.numpy import load as unpack

    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
        metadata = header.get("__metadata__", {})
        text = metadata.get(KEY)
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            expected="a safetensors file",
            got="something else",
            at=at,
            help="The file is truncated or no model; use another copy.",
        ) from error
    if text is None:
        raise ModelFileError(
            expected="a headwater model", got="another safetensors file", at=at, help="Check the path."
        )
    if not _unaltered(data):
        raise ModelFileError(
            expected="a file as it was saved",
            got="one that is truncated or altered",
            at=at,
            help="Use another copy.",
        )
    return json.loads(text), unpack(data)


def _unaltered(data: bytes) -> bool:
    """Say whether the file's digest is the one that stands in it."""
    found = _DIGEST.search(data)
    if found is None:
        return False
    whole = memoryview(data)
    digest = hashlib.sha256(whole[: found.start(1)])
    digest.update(_BLANK.encode())
    digest.update(whole[found.end(1) :])
    return digest.hexdigest().encode() == found[1]


def _reason(error: OSError | ValueError) -> str:
    """Return what a file's error says."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _arrays(engine: Engine) -> dict[str, NDArray[Any]]:
    """Everything that learning changes, cut to what is used."""
    program = engine.program
    used = program.dense + program.rows * program.stride
    s = program.s.reshape(program.states, -1)[:, :used] if program.states else np.zeros((0, used), program.dtype)
    return {
        "p": program.p[:used],
        "s": s,
        "buf": program.buf,
        "stats": program.stats[: program.slots],
        "touched": program.touched[: program.rows],
        "ys": program.ys,
        "rng": program.rng,
        "running": program.running,
        "knots": program.knots[: program.slots],
        "past": program.past[: program.slots],
        "ring_rows": program.ring_rows,
        "ring_v": program.ring_v,
        "ring_n": program.ring_n,
        "ring_y": program.ring_y,
        "ring_w": program.ring_w,
        "scores": program.scores,
        "history": program.history,
        "given_keys": program.given_keys,
        "given": program.given,
    }


def _names(engine: Engine) -> dict[str, Any]:
    """Vocabulary and counters as JSON."""
    words = engine.words
    return {
        "outputs": engine.program.outputs,
        "fan_in": engine.fan_in,
        "learned": engine.learned,
        "refused": {reason: count for reason, count in engine.refused.items() if count},
        "unusable": engine.encoder.unusable,
        "rows": words.rows,
        "new": words.new,
        "slot_rows": words.slot_rows,
        "slot_hats": words.slot_hats,
        "shared_from": words.shared_from,
        "shared_names": words.shared_names,
        "shared_slots": [[row, slot] for row, slot in words.shared_slots.items()],
        "columns": [[as_json(c.name), c.kind, c.slot, c.values] for c in words.columns.values()],
        **({} if engine.step == 1 else {"step": engine.step.hex()}),
    }


def _engine(learner: Classifier | Regressor, names: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Engine:
    """Build an engine and put the saved names and numbers into it."""
    engine = Engine(learner._setup, names["outputs"])
    words = engine.words
    words.columns = {
        from_json(n): Column(from_json(n), kind, slot, values) for n, kind, slot, values in names["columns"]
    }
    words.new = [(row, key) for row, key in names["new"]]
    words.rows, words.slot_rows, words.slot_hats = names["rows"], names["slot_rows"], names["slot_hats"]
    words.shared_from, words.shared_names = names["shared_from"], names["shared_names"]
    words.shared_slots = dict(names["shared_slots"])
    engine.fan_in, engine.learned = names["fan_in"], names["learned"]
    engine.refused, engine.encoder.unusable = Counter(names["refused"]), names["unusable"]
    _fill(engine.program, words.rows, list(zip(words.slot_rows, words.slot_hats, strict=True)), arrays)
    engine.set_step(float.fromhex(names.get("step", "0x1p0")))
    return engine


def _fill(program: Program, rows: int, slot_rows: list[tuple[int, int]], arrays: dict[str, NDArray[Any]]) -> None:
    """Grow a fresh program to the saved size and copy the arrays in."""
    program.add_rows(rows - program.rows)
    for row, hat in slot_rows:
        program.add_slot(row, hat)
    used = program.dense + rows * program.stride
    program.p[:used] = arrays["p"]
    if program.states:
        program.s.reshape(program.states, -1)[:, :used] = arrays["s"]
    program.touched[:rows] = arrays["touched"]
    program.head[col.TOP] = np.flatnonzero(program.touched).max(initial=0)
    for name in ("stats", "knots", "past"):
        getattr(program, name)[: program.slots] = arrays[name]
    keep_samples(program, arrays["ring_rows"].shape[1])
    if len(arrays.get("given", ())):
        keep_given(program, program.outputs)
    for name in (
        "buf",
        "ys",
        "rng",
        "running",
        "ring_rows",
        "ring_v",
        "ring_n",
        "ring_y",
        "ring_w",
        "scores",
        "history",
        "given_keys",
        "given",
    ):
        if name in arrays:  # files of earlier days have no opinions that wait
            getattr(program, name)[...] = arrays[name]


__all__ = ["FORMAT", "from_bytes", "load", "save", "to_bytes"]
