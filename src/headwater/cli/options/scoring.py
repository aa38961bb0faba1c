"""How a run of ``headwater learn`` is scored, and what is done about drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.cli.options.drift import Adapt, Watch, drift_options

if TYPE_CHECKING:
    from headwater.route.drift import DriftWatch
    from headwater.route.policies import Policy

__all__ = ["ScoringOptions"]


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How rows are scored.

    Parameters
    ----------
    delay
        How many rows later than its prediction an answer arrives.
    window
        Rows that the second set of scores is over.
    every
        Rows between two lines of --json.
    watch
        Look for concept drift in what predictions cost: adwin, page_hinkley or kswin.
    adapt
        What to do at a drift, with commas between: step_up, replay, reinitialise, share_up. Nothing unless asked.
    """

    delay: int = 0
    window: int = 1000
    every: int = 10_000
    watch: Watch = None
    adapt: Adapt = None

    def given(self) -> dict[str, Any]:
        """Return what was given for each option that is for plain labels alone."""
        return {"--delay": self.delay, "--watch": self.watch, "--adapt": self.adapt}

    def drift(self) -> tuple[DriftWatch | None, tuple[Policy, ...]]:
        """Return the watcher and the policies that are asked for."""
        return drift_options(self.watch, self.adapt) if self.watch or self.adapt else (None, ())
