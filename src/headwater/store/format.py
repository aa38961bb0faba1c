"""The file of a learner: settings, names and counters as JSON, and everything that learning changes as arrays.

Version 1 holds one engine: settings, names and counters; tensors by the names in ``nn.program.STATE``, rows of the table
only as far as they are used; and ``health``, what a diagnosis needs, which older versions pass over. What surrounds them
stands in `container`; the file of a ``Network`` in `network`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.encode.vocabulary import Column
from headwater.engine import Engine
from headwater.nn import Network
from headwater.regressor import Regressor
from headwater.watch.health import Health

from .container import FORMAT, KEY, fitting, opened, read, sealed, write
from .kept import pack_health, unpack_health
from .network import arrays_of, fill, network_bytes, network_of
from .settings import as_json, from_json

LEARNERS: dict[str, type[Classifier] | type[Regressor]] = {"Classifier": Classifier, "Regressor": Regressor}


def save(learner: Classifier | Regressor | Network, path: str | Path) -> None:
    """Write a learner or a network to a file: first beside it, then in its place, so that a crash leaves the old one or the new one.

    Parameters
    ----------
    learner : Classifier, Regressor or Network
        What to write.
    path : str or Path
        The file.

    Raises
    ------
    ModelFileError
        If the file can't be written, or a name is of a type that JSON can't hold.
    """
    write(path, network_bytes(learner) if isinstance(learner, Network) else to_bytes(learner))


def load(path: str | Path) -> Any:
    """Read a learner or a network from a file; it goes on learning where it stopped, to the bit.

    Parameters
    ----------
    path : str or Path
        A file that ``save`` wrote.

    Returns
    -------
    Classifier, Regressor or Network

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
    header, arrays = opened(read(path), str(path))
    with fitting(str(path)):
        return network_of(header, arrays) if header["learner"] == "Network" else _learner(header, arrays)


def to_bytes(learner: Classifier | Regressor) -> bytes:
    """Return the file of a learner as bytes."""
    engine = learner._engine
    arrays = {} if engine is None else arrays_of(engine.program)
    header = {
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
    return sealed(header, arrays)


def from_bytes(data: bytes, at: str) -> Classifier | Regressor:
    """Return the learner whose file these bytes are."""
    header, arrays = opened(data, at)
    with fitting(at):
        return _learner(header, arrays)


def _learner(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Classifier | Regressor:
    """Build a learner and put what was saved into it."""
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
        learner._health, learner._look = unpack_health(arrays["health"]), 0  # shown the next row, it says which then
    return learner


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
    fill(engine.program, words.rows, list(zip(words.slot_rows, words.slot_hats, strict=True)), arrays)
    engine.set_step(float.fromhex(names.get("step", "0x1p0")))
    return engine


__all__ = ["FORMAT", "KEY", "from_bytes", "load", "save", "to_bytes"]
