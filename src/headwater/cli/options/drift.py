"""``--watch`` selects a drift detector, and ``--adapt`` the reaction to drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from headwater.cli.options.shared import split_names
from headwater.errors import ConfigError, did_you_mean
from headwater.route.drift import DETECTORS
from headwater.types import Event, Lazy

if TYPE_CHECKING:
    from headwater.route.drift import DriftWatch
    from headwater.route.policies import Policy

__all__ = ["POLICIES", "Adapt", "Watch", "drift_lines", "drift_options", "drift_policies", "drift_watch"]

POLICIES = {
    "step_up": Lazy("headwater.route.policies:StepUp"),
    "replay": Lazy("headwater.route.policies:Replay"),
    "reinitialise": Lazy("headwater.route.policies:Reinitialise"),
    "share_up": Lazy("headwater.route.policies:ShareUp"),
}
_TOLD = 10

Watch = Annotated[str | None, Parameter(metavar="|".join(DETECTORS))]
Adapt = Annotated[str | None, Parameter(metavar="|".join(POLICIES))]


def drift_options(detector: str | None, adapt: str | None) -> tuple[DriftWatch | None, tuple[Policy, ...]]:
    """Return the watcher and the policies, as ``drift_watch`` and ``drift_policies`` do."""
    return drift_watch(detector, adapt), drift_policies(adapt)


def drift_watch(detector: str | None, adapt: str | None) -> DriftWatch | None:
    """Return the drift watcher of a name, or None.

    ADWIN is the default if only a reaction is given.

    Raises
    ------
    ConfigError
        For an unknown detector.

    Examples
    --------
    >>> drift_watch(None, "replay").detector, drift_watch(None, None)
    ('adwin', None)
    """
    if detector is None and adapt is None:
        return None
    name = (detector or "adwin").replace("-", "_")
    if name not in DETECTORS:
        raise ConfigError(
            expected=f"one of {', '.join(DETECTORS)}",
            got=str(detector),
            at="--watch",
            help=did_you_mean(name, list(DETECTORS)) or "Choose one of these.",
        )
    from headwater.route.drift import DriftWatch

    return DriftWatch(name)


def drift_policies(names: str | None) -> tuple[Policy, ...]:
    """Return the policies of these names, with their defaults.

    Raises
    ------
    ConfigError
        For an unknown one.

    Examples
    --------
    >>> drift_policies("step_up, replay")
    (StepUp(factor=3.0, rows=1000, on='drift_detected'), Replay(rows=300, on='drift_detected'))
    """
    found = []
    for name in split_names(names):
        if name.replace("-", "_") not in POLICIES:
            raise ConfigError(
                expected=f"some of {', '.join(POLICIES)}",
                got=name,
                at="--adapt",
                help=did_you_mean(name, list(POLICIES)) or "Choose among these.",
            )
        found.append(POLICIES[name.replace("-", "_")]())
    return tuple(found)


def drift_lines(events: list[Event]) -> list[str]:
    """Return a line for each of the first ten events.

    Examples
    --------
    >>> drift_lines([Event(1200, "drift_detected", "Predictions became dearer.")])
    ['Row 1,200: Predictions became dearer.']
    """
    lines = [f"Row {event.row:,}: {event.text}" for event in events[:_TOLD]]
    return lines + ([f"… and {len(events) - _TOLD:,} more events."] if len(events) > _TOLD else [])
