"""One finding, with its evidence and its remedy."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FEW", "SEVERITIES", "Finding"]

SEVERITIES = ("serious", "warning", "note")
FEW = 500  # rows: most rules need at least so many


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with a model or its data, or a fact worth knowing.

    Parameters
    ----------
    name
        A short name, such as ``"overfitting"``.
    severity
        ``"serious"``, ``"warning"`` or ``"note"``.
    text
        A description, with the numbers that show it.
    remedy
        The setting to change.
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
