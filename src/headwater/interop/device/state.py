"""Write the state of a learner as a device holds it, and take one back."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ModelFileError
from headwater.interop.device.layout import Layout, layout_of
from headwater.plain.network.random import mix_one
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import SavedModel, seal, unseal

__all__ = ["columns_of", "digest", "identity", "image", "take_back"]

_RECORD = struct.Struct("<QQQ")
"""What stands behind a state in flash: number of the export, of the save, and a digest of both and the state."""
_OF_THE_FILE = ("sha256", "format")
"""What a header says of the file that it came from."""
_TYPES = {"double": "<f8", "float": "<f4", "int64_t": "<i8"}


def image(learner: Any) -> bytes:
    """Return the state of a learner byte for byte as a device holds it.

    Parameters
    ----------
    learner : Classifier or Regressor
        A single net that has learned from rows of numbers.

    Raises
    ------
    ConfigError
        If a device can't hold it.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Classifier(hidden=4, seed=1)
    >>> for i in range(20):
    ...     model.learn_one({"x": i % 5}, i % 2)
    >>> len(image(model))
    1000
    """
    layout, state = layout_of(learner), learner.engine.state()
    parts = []
    for member in layout.members:
        numbers = np.ascontiguousarray(state[member.array]).reshape(-1)[: member.count]
        parts.append(numbers.tobytes().ljust(member.bytes, b"\0"))
    counters = np.array([state["sizes"][place] for place in layout.counters], "<i8")
    return b"".join(parts) + counters.tobytes()


def columns_of(learner: Any) -> list[Any]:
    """Return the columns of a learner in the order in which a device reads them.

    Parameters
    ----------
    learner : Classifier or Regressor
        A single net that has learned from rows of numbers.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Regressor(hidden=4)
    >>> model.learn_one({"x10": 1, "x9": 2, "time": 3}, 1)
    >>> columns_of(model)
    ['x9', 'x10', 'time']
    """
    return layout_of(learner).columns


def identity(learner: Any) -> int:
    """Return the number of an export of this learner, MODEL_ID of its header."""
    return layout_of(learner).identity(image(learner))


def digest(learner: Any) -> int:
    """Return what ``model_digest`` returns on a device in the same state.

    Parameters
    ----------
    learner : Classifier or Regressor
        The one that was exported, after it has learned the same rows as the device.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Regressor(hidden=4, seed=1)
    >>> for i in range(20):
    ...     model.learn_one({"x": i % 5}, i % 5)
    >>> before = digest(model)
    >>> model.learn_one({"x": 1}, 1)
    >>> before == digest(model)
    False
    """
    return _digest(0, image(learner))


def _digest(h: int, data: bytes) -> int:
    for word in np.frombuffer(data, "<u8").tolist():
        h = mix_one(h ^ word)
    return h


def take_back(learner: Any, data: bytes, *, at: str = "the device's state") -> Any:
    """Return the learner that a device has become.

    Parameters
    ----------
    learner : Classifier or Regressor
        The one that was exported. It stays as it is, so that it is the base of a merge.
    data : bytes
        An area of the device's flash, or a whole dump of both, of which the newest whole save counts.
    at : str
        Where the bytes come from, for messages.

    Raises
    ------
    ModelFileError
        If no whole save of this export is in the data.
    """
    layout, first = layout_of(learner), image(learner)
    own, size = layout.identity(first), layout.state_bytes
    saves = dict(_saves(data, own, size))
    if not saves:
        raise ModelFileError(
            expected=f"a save of this export, {size + _RECORD.size:,} bytes",
            got=f"{len(data):,} bytes without one",
            at=at,
            help="Give an area of flash, and the model file that was exported.",
        )
    saved = unseal(to_bytes(learner), at)
    arrays = saved.arrays | _arrays(layout, saved.arrays, saves[max(saves)])
    header = {name: value for name, value in saved.header.items() if name not in _OF_THE_FILE}
    return from_bytes(seal(SavedModel(header, arrays)), at)


def sealed(own: int, number: int, state: bytes) -> bytes:
    """Return a state with its record, as ``model_save`` writes the save of that number."""
    return state + _RECORD.pack(own, number, _digest(mix_one(own ^ number), state))


def _saves(data: bytes, own: int, size: int) -> Any:
    """Yield number and state of each whole save in a dump of flash."""
    key = struct.pack("<Q", own)
    at = data.find(key, size)
    while at >= 0:
        number, state = int.from_bytes(data[at + 8 : at + 16], "little"), data[at - size : at]
        if number and data[at - size : at + _RECORD.size] == sealed(own, number, state):
            yield number, state
        at = data.find(key, at + 1)


def _arrays(layout: Layout, before: dict[str, NDArray[Any]], state: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that a state replaces."""
    found, at = {}, 0
    for member in layout.members:
        array = before[member.array].copy()
        array.reshape(-1)[: member.count] = np.frombuffer(state, _TYPES[member.type], member.count, at)
        found[member.array] = array
        at += member.bytes
    sizes = before["sizes"].copy()
    sizes[list(layout.counters)] = np.frombuffer(state, "<i8", len(layout.counters), at)
    return found | {"sizes": sizes}
