"""Write the state of a learner as a device holds it, and take one back."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from headwater.errors import ModelFileError
from headwater.interop.device.layout import Layout, form_of
from headwater.interop.device.whole import Whole
from headwater.plain.network.random import mix_one
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.model_file import SavedModel, seal, unseal

__all__ = ["columns_of", "digest", "identity", "image", "take_back"]

_RECORD = struct.Struct("<QQQ")
"""What stands behind a state in flash: number of the export, of the save, and a digest of both and the state."""
_OF_THE_FILE = ("sha256", "format")
"""What a header says of the file that it came from."""


def image(learner: Any) -> bytes:
    """Return the state of a learner byte for byte as a device holds it.

    Parameters
    ----------
    learner : Learner
        One that has learned from rows of numbers.

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
    return form_of(learner).image(learner)


def columns_of(learner: Any) -> list[Any]:
    """Return the columns of a learner in the order in which a device reads them.

    Parameters
    ----------
    learner : Learner
        One that has learned from rows of numbers.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Regressor(hidden=4)
    >>> model.learn_one({"x10": 1, "x9": 2, "time": 3}, 1)
    >>> columns_of(model)
    ['x9', 'x10', 'time']
    """
    return form_of(learner).columns


def identity(learner: Any) -> int:
    """Return the number of an export of this learner, MODEL_ID of its header."""
    return form_of(learner).identity(image(learner))


def digest(learner: Any) -> int:
    """Return what ``model_digest`` returns on a device in the same state.

    Parameters
    ----------
    learner : Learner
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
    learner : Learner
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
    form = form_of(learner)
    own, size = form.identity(form.image(learner)), form.state_bytes
    saves = {number: form.used(area) for number, area in _saves(data, own, form)}
    if not saves:
        raise ModelFileError(
            expected=f"a save of this export, {size + _RECORD.size:,} bytes",
            got=f"{len(data):,} bytes without one",
            at=at,
            help="Give an area of flash, and the model file that was exported.",
        )
    saved = unseal(to_bytes(learner), at)
    arrays = saved.arrays | form.arrays(saved.arrays, saves[max(saves)])
    header = {name: value for name, value in saved.header.items() if name not in _OF_THE_FILE}
    return from_bytes(seal(SavedModel(header, arrays)), at)


def sealed(form: Layout | Whole, own: int, number: int, state: bytes) -> bytes:
    """Return a state with its record, as ``model_save`` writes the save of that number."""
    return state.ljust(form.state_bytes, b"\xff") + _RECORD.pack(own, number, _digest(mix_one(own ^ number), state))


def _saves(data: bytes, own: int, form: Layout | Whole) -> Iterator[tuple[int, bytes]]:
    """Yield number and area of each whole save in a dump of flash."""
    size, key = form.state_bytes, struct.pack("<Q", own)
    at = data.find(key, size)
    while at >= 0:
        number, area = int.from_bytes(data[at + 8 : at + 16], "little"), data[at - size : at]
        used = form.used(area)
        if number and used and data[at : at + _RECORD.size] == sealed(form, own, number, used)[size:]:
            yield number, area
        at = data.find(key, at + 1)
