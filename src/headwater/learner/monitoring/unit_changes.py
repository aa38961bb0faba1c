"""Changes of units that the core noticed and followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.learner.engine import Engine
from headwater.plain.inputs.units import CHANGED, CHANGED_BY, CHANGED_SHIFT

__all__ = ["UnitChange", "unit_changes"]


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A column, or the label, that comes in another unit since some row.

    Values of before are ``scale · x + shift`` of what comes now.

    Parameters
    ----------
    name
        The column, or the name of the predictions for the label.
    row
        Rows learned before the change.
    scale, shift
        How values of now become values of before.

    Examples
    --------
    >>> print(UnitChange("hour", 4011, 1 / 60, 0.0))
    hour comes in another unit since row 4,012 (about 60 times as large). What was learned goes on in the new unit.
    """

    name: Any
    row: int
    scale: float
    shift: float

    def __str__(self) -> str:
        times = 1 / self.scale
        how = f"about {times:,.3g} times as large" if times > 1 else f"about {self.scale:,.3g} times smaller"
        if self.shift:
            how = (
                f"before, it was about {self.scale:.3g} · value {'+' if self.shift > 0 else '−'} {abs(self.shift):,.3g}"
            )
        return (
            f"{self.name} comes in another unit since row {self.row + 1:,} ({how}). "
            "What was learned goes on in the new unit."
        )


def unit_changes(engine: Engine, label: str) -> list[UnitChange]:
    """Return the last change of each column and of the label, sorted by row."""
    numbers = engine.core.array("unit_slots")
    changed = np.flatnonzero(numbers[:, CHANGED_BY] if len(numbers) else numbers)
    if not len(changed):  # names of a wide table take a second, and a server asks at each scrape
        return []
    columns = engine.columns
    names = {0: label} | {1 + slot: name for name, c in columns.items() for slot in (c.parts or (c.slot,)) if slot >= 0}
    found = [
        UnitChange(names[i], int(row[CHANGED]), float(row[CHANGED_BY]), float(row[CHANGED_SHIFT]))
        for i, row in zip(changed.tolist(), numbers[changed], strict=True)
        if i in names
    ]
    return sorted(found, key=lambda change: change.row)
