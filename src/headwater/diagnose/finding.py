"""A finding: what is wrong, how one knows, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FEW", "SEVERITIES", "Finding"]

SEVERITIES = ("serious", "warning", "note")
FEW = 500  # rows before which most rules keep silent


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Parameters
    ----------
    name
        A short name in the field's words, such as ``"overfitting"``.
    severity
        ``"serious"``, ``"warning"`` or ``"note"``.
    text
        What it is, with the numbers that show it.
    remedy
        Which setting mends it.
    evidence
        The numbers by name.

    Examples
    --------
    >>> print(Finding("dead_units", "warning", "Half of the units are silent.", "Use leaky_relu."))
    warning: Half of the units are silent. Use leaky_relu.
    """

    name: str
    severity: str
    text: str
    remedy: str
    evidence: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.severity}: {self.text} {self.remedy}"
