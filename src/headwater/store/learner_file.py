"""Save and load learners and networks in model files.

A file holds settings and counters as JSON, tensors under the names of the core's state (``nn.core.blank_state``, including the
vocabulary), and ``sample``, the data for ``diagnose()``. ``store.model_file`` defines the container and the arrays of a
``Network``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from headwater._core import FIRST_VERSION, VERSION
from headwater.encode.rolling import ROLLING_STATE
from headwater.encode.values import is_portable
from headwater.errors import ModelFileError
from headwater.learner.base import Learner
from headwater.learner.engine import BaseEngine
from headwater.learner.expiring import Expiring
from headwater.learner.kind import kind_named
from headwater.learner.sampling.sample import DiagnosisSample
from headwater.learner.settings import written_settings
from headwater.nn import Network
from headwater.store.members import is_member_store
from headwater.store.model_file import LearnerCopy, LearnerFormat, SavedModel, read, seal, unseal, write
from headwater.store.model_file.container import PATH, check_file, fitting, holds_database, no_path
from headwater.store.model_file.diagnosis_sample import pack_sample, unpack_sample
from headwater.store.model_file.expiring import pack_expiring, unpack_expiring
from headwater.store.model_file.network import build_network, pack_network
from headwater.store.model_file.settings import as_json, dict_from_json, list_from_json
from headwater.store.ownership import read_head
from headwater.types import Lazy

__all__ = ["LEARNER_FORMAT", "fingerprint", "from_bytes", "load", "save", "to_bytes"]

_FLEET = Lazy("headwater.kinds.fleet:Fleet")
EMPTY: Mapping[str, NDArray[Any]] = MappingProxyType({})
FIRST_CORE = FIRST_VERSION
"""Version of the core that wrote the files which name none."""
Model = TypeVar("Model", bound=Learner | Network)


def save(model: Learner | Network, path: str | Path) -> None:
    """Write a learner or a network to a file atomically (temporary file, then rename).

    Parameters
    ----------
    model : Learner or Network
        A learner of any kind, or a network.
    path : str or Path
        The file.

    Raises
    ------
    ModelFileError
        If the file can't be written, or a name is of a type that JSON can't hold.
    """
    write(path, to_bytes(model))


@overload
def load(path: str | Path) -> Any: ...
@overload
def load(path: str | Path, kind: type[Model]) -> Model: ...
def load(path: str | Path, kind: type[Any] | None = None) -> Any:
    """Load a learner or a network from a file, ready to continue learning bit for bit.

    Parameters
    ----------
    path : str or Path
        A file that ``save`` wrote, or a store, which stays unchanged. A store gives its default model after the last event, or its
        fleet after the last commit.
    kind : type, optional
        Required class, such as `Classifier` or `nn.Network`. Type checkers then know the returned type.

    Returns
    -------
    Learner or Network
        The saved object.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, altered, from a later version, or doesn't hold a ``kind``.
    StoreError
        If the path is a damaged store, or one that another process has open.

    Examples
    --------
    >>> import headwater as hw, tempfile, os
    >>> model = hw.Regressor()
    >>> model.learn_one({"x": 1.0}, 2.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "m.hw")
    >>> model.save(path)
    >>> hw.load(path, hw.Regressor).predict_one({"x": 1.0}) == model.predict_one({"x": 1.0})
    True
    """
    if not isinstance(path, PATH):
        raise no_path(path)
    check_file(path)
    found = _in_store(path) if holds_database(path) else from_bytes(read(path), str(path))
    if kind is not None and not isinstance(found, kind):
        raise ModelFileError(
            expected=f"a {kind.__name__}",
            got=f"a {type(found).__name__}",
            at=str(path),
            help="Load it without a kind, or with its own.",
        )
    return found


def _in_store(path: str | Path) -> Any:
    """Load a store's default model after the last event, or its fleet after the last commit, into memory."""
    if is_member_store(read_head(path)):
        return _FLEET.value.from_store(path)
    from headwater.store.service.durable_learner import NAME
    from headwater.store.service.maintenance.commands import restore

    return restore(path, LEARNER_FORMAT, model=NAME)[0]


def to_bytes(model: Learner | Network) -> bytes:
    """Serialize a learner or a network to the bytes of a model file."""
    if isinstance(model, Network):
        return seal(pack_network(model))
    saved = _pack(model, without=getattr(model, "secret", ()))
    _check_names(saved.arrays)
    return seal(saved)


def from_bytes(data: bytes, at: str) -> Any:
    """Load a learner or a network from the bytes of a model file."""
    saved = unseal(data, at)
    if "packed" in saved.header:
        raise ModelFileError(
            expected="a model as save writes it",
            got="one that was reduced to predict on a page",
            at=at,
            help="Load the model that it was exported from.",
        )
    with fitting(at):
        if saved.header["learner"] == "Network":
            return build_network(saved)
    return _unpack(saved, at)


def fingerprint(model: Learner | Network) -> str:
    """Return a hash of the whole learned state.

    Learners with equal fingerprints behave identically from here on, bit for bit.

    Examples
    --------
    >>> import headwater as hw
    >>> (
    ...     fingerprint(hw.Regressor()) == fingerprint(hw.Regressor()),
    ...     fingerprint(hw.Regressor(seed=1)) == fingerprint(hw.Regressor()),
    ... )
    (True, False)
    """
    data = to_bytes(model)
    size = int.from_bytes(data[:8], "little")
    about = json.loads(
        json.loads(data[8 : 8 + size])["__metadata__"]["headwater"]
    )  # names, counts, a digest of all arrays
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class _Copy:
    """Copy a learner in short turns, parameters piece by piece and everything else at the end."""

    def __init__(self, learner: Any) -> None:
        self._learner, self._engine = learner, learner.engine if isinstance(learner, Learner) else None
        self._parameters = None if self._engine is None else self._engine.begin_copy()
        self._taken: tuple[SavedModel, dict[str, DiagnosisSample]] | None = None

    def advance(self) -> bool:
        """Copy some parameters and return whether another call before `finish` is worthwhile."""
        return self._parameters is not None and self._parameters.advance()

    def stop(self) -> None:
        """Fix the state to copy, after which the learner may continue."""
        self._taken = self._take()

    def finish(self) -> SavedModel:
        """Return the state at ``stop``, or the current state if ``stop`` was not called."""
        return _with_samples(*(self._taken or self._take()))

    def _take(self) -> tuple[SavedModel, dict[str, DiagnosisSample]]:
        with self._learner.held():
            if self._parameters is None or self._learner.engine is not self._engine:
                return _taken(self._learner)
            return _taken(self._learner, self._parameters.finish())


def _pack(learner: Any, *, without: tuple[str, ...] = ()) -> SavedModel:
    """Return a consistent snapshot of a learner's settings and arrays, except the arrays in ``without``."""
    with learner.held():
        taken = _taken(learner, without=without)
    return _with_samples(*taken)


def _taken(
    learner: Any, copied: Mapping[str, NDArray[Any]] = EMPTY, *, without: tuple[str, ...] = ()
) -> tuple[SavedModel, dict[str, DiagnosisSample]]:
    """Return a learner's settings and arrays, and its diagnosis samples, which take longer to write than to copy.

    ``copied`` holds arrays that were copied before.
    """
    if isinstance(learner, Expiring):
        return pack_expiring(learner, _pack), {}
    if not isinstance(learner, Learner):  # a fleet, which this room must not import
        fleet: SavedModel = learner.saved()
        return fleet, {}
    engine = learner.engine
    arrays = learner.observed_state() if engine is None else {**engine.state((*copied, *without)), **copied}
    header = {
        "learner": type(learner).__name__,
        "core": learner.core_version,
        "settings": {name: as_json(value) for name, value in written_settings(learner).items()},
        "classes": [as_json(label) for label in learner.known_classes],
        "notes": learner.written_notes,
        # What was refused is counted exactly, so it is a secret of learners that have any.
        "refused": {} if without else {reason: count for reason, count in learner.refused.items() if count},
        "engine": None if engine is None else engine.counts(),
    }
    members = {f"{i}.sample": member for i, member in enumerate(learner.members.values())}
    samples = {}
    for name, one in {"sample": learner, **members}.items():
        if one.sample is not None:
            one.sample.catch_up(one.n_learned)
            samples[name] = one.sample.frozen()
    return SavedModel(header, arrays), samples


def _with_samples(saved: SavedModel, samples: Mapping[str, DiagnosisSample]) -> SavedModel:
    return SavedModel(saved.header, saved.arrays | {name: pack_sample(one) for name, one in samples.items()})


def _check_names(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ModelFileError for names that the next process can't reproduce, such as objects shown by address.

    A store needs no such check, because its journal holds plain values only.
    """
    for prefix in _prefixes(arrays, "column_name"):
        _check_names_of(arrays, prefix)


def _prefixes(arrays: Mapping[str, NDArray[Any]], name: str) -> list[str]:
    """Return the prefixes of all arrays with a name ("" or an output number and a dot)."""
    return [key.removesuffix(name) for key in arrays if key == name or key.endswith(f".{name}")]


def _check_names_of(arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    texts, ends = arrays[f"{prefix}names_bytes"].data, arrays[f"{prefix}names_end"]
    for place in arrays[f"{prefix}column_name"].tolist():
        name = bytes(texts[ends[place - 1] if place else 0 : ends[place]])
        if not is_portable(name):
            kind, _, said = name[1:].decode("utf-8", "surrogatepass").partition(" ")
            raise ModelFileError(
                expected="names and classes that are text, numbers, booleans, bytes or tuples of them",
                got=f"{said} ({kind})",
                at="save",
                help="Use such names, or map yours to texts.",
            )


def _unpack(saved: SavedModel, at: str) -> Any:
    """Build a learner from its saved settings and arrays."""
    with fitting(at):
        if saved.header["learner"] == "Fleet":
            return _FLEET.value.from_saved(saved, at)
        if saved.header["learner"] == Expiring.__name__:
            return unpack_expiring(saved, at, _unpack)
        return _unpacked(saved.header, saved.arrays)


def _unpacked(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Learner:
    settings = dict_from_json(header["settings"])
    cls: type[Learner] = kind_named(header["learner"]).cls
    if (
        "text" in cls.__dataclass_fields__ and "text" not in cls.later
    ):  # files of the first versions predate text columns
        settings.setdefault("text", None)
    learner = cls(**settings)
    learner.follow_core(_core_of(header))
    learner.resume(
        engine=None if header["engine"] is None else _engine(learner, header["engine"], arrays),
        classes=list_from_json(header["classes"]),
        refused=_counter(header["refused"]),
        notes=_notes(header),
        sample=unpack_sample(arrays["sample"], learner.task) if "sample" in arrays else None,
    )
    if header["engine"] is None and ROLLING_STATE[0] in arrays:
        learner.resume_observed(arrays)
    for i, member in enumerate(learner.members.values()):
        if f"{i}.sample" in arrays:
            member.resume_sample(unpack_sample(arrays[f"{i}.sample"], member.task))
    return learner


def _core_of(header: dict[str, Any]) -> int:
    """Return the version of the core whose rules a saved learner follows."""
    version = header.get("core", FIRST_CORE)
    if type(version) is int and version > VERSION:
        raise ModelFileError(
            expected=f"a learner of core {VERSION} or earlier",
            got=f"core {version}",
            at="the model",
            help="Update headwater.",
        )
    return int(version)


def _engine(learner: Learner, counts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> BaseEngine:
    """Build an engine from saved arrays. The core validates them against the settings."""
    _check_texts(arrays)
    engine = learner.new_engine(arrays)
    engine.resume_counts(counts)
    return engine


def _counter(counts: dict[str, int]) -> Counter[str]:
    """Return counts by reason after validating them."""
    if not set(map(type, counts.values())) <= {int} or min(counts.values(), default=0) < 0:
        raise ValueError("refused", "counts of 0 or more", counts)
    return Counter(counts)


def _notes(header: dict[str, Any]) -> dict[str, Any]:
    """Return the saved input options of the command line, {} in files of the first versions."""
    notes = header.get("notes", {})
    if type(notes) is not dict:
        raise ValueError("notes", "names and values", notes)
    return notes


def _check_texts(arrays: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError if names are not valid UTF-8, one by one. The core checks everything else."""
    for prefix in _prefixes(arrays, "names_bytes"):
        texts, ends = arrays[f"{prefix}names_bytes"].tobytes(), arrays[f"{prefix}names_end"]
        texts.decode("utf-8", "surrogatepass")
        starts = ends[(ends >= 0) & (ends < len(texts))]
        if (np.frombuffer(texts, np.uint8)[starts] & 0xC0 == 0x80).any():
            raise ValueError("names_end", "where characters end", ends)


def _begin_copy(learner: Any) -> LearnerCopy:
    """Begin a copy of a learner in short turns, that of a fleet member by member."""
    if isinstance(learner, Learner | Expiring):
        return _Copy(learner)
    copy: LearnerCopy = learner.begin_copy()
    return copy


LEARNER_FORMAT = LearnerFormat(_pack, _begin_copy, _unpack)
"""Serialization passed to a store, which itself knows no learner classes."""
