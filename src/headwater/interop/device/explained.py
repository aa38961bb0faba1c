"""What explains predictions on a device, and the memory that it takes."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.interop.device.sources import own

__all__ = ["Explained"]


@dataclass(frozen=True, slots=True)
class Explained:
    """Units of the first layer and rows of the table, by which the memory of explanations is known.

    ``moves`` is for learners whose predictions are compared while columns move from the baseline, at its ``baseline`` in C.
    """

    units: int
    rows: int
    moves: str = ""

    def source(self, *, scores: bool) -> str:
        """Return C that explains predictions, or scores of anomalies."""
        if self.moves:
            return f"#define EXPLAINS_BY_MOVES\n#define BASELINE(mean) ({self.moves})\n"
        sizes = f"#define EXPLAINED_UNITS {self.units}\n#define EXPLAINED_ROWS {self.rows}\n"
        return sizes + own("explain_scores.c" if scores else "explain.c")

    def ram(self, *, scores: bool) -> int:
        """Return bytes of RAM."""
        if self.moves:
            return 0
        return 8 * self.rows if scores else 3 * 4 * self.units
