"""Settings of the recurrent state (its key, its time column, and its limits)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.encode.values import name_bytes
from headwater.errors import ConfigError
from headwater.nn.core.declaration import memory_numbers
from headwater.nn.expert import Expert
from headwater.nn.layers import Recurrent

BLOCKS, TRACED = 256, 64
"""Keys with sensitivities, and input table rows with sensitivities per key."""


def make_memory(learner: Any, experts: Sequence[Expert]) -> tuple[float, ...]:
    """Return the numbers that declare the recurrent state to the core, () if no expert has one.

    Raises
    ------
    ConfigError
        If several experts have a state, a column is given without a state, or ``memory`` is combined with a single net.
    """
    at = f"memory of {type(learner).__name__}"
    found = [(one, one.layers[0]) for one in experts if one.layers and isinstance(one.layers[0], Recurrent)]
    if learner.memory and not any(layer.units == learner.memory for _, layer in found):
        raise ConfigError(
            expected="memory with a pool of experts",
            got="settings of a single net",
            at=at,
            help="Put nn.Recurrent first in layers.",
        )
    if len(found) > 1:
        raise ConfigError(
            expected="one expert with nn.Recurrent", got=str(len(found)), at=at, help="Leave memory off, or the others."
        )
    if not found:
        if learner.by is not None or learner.time is not None:
            name = "by" if learner.by is not None else "time"
            raise ConfigError(
                expected=f"memory with {name}={getattr(learner, name)!r}",
                got="none",
                at=at,
                help=f"Give e.g. memory=32, or leave {name} out.",
            )
        return ()
    expert, layer = found[0]
    if expert.replays or expert.first_replays or expert.cells:
        raise ConfigError(
            expected="an expert with nn.Recurrent and neither replays nor cells",
            got="one with",
            at=at,
            help="Leave replays out, because old rows have no matching state.",
        )
    names = [b"" if name is None else name_bytes(name) for name in (learner.by, learner.time)]
    return memory_numbers(layer, keys=learner.memory_keys, blocks=BLOCKS, traced=TRACED, by=names[0], time=names[1])
