"""``--anomalies``, which needs no labels and excludes options that do."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ConfigError
from headwater.streams.stream import ALONE

__all__ = ["ALONE", "anomaly_task"]


def anomaly_task(task: str, *, report: Path | None, follow: bool) -> str:
    """Return the task of ``--anomalies``.

    Raises
    ------
    ConfigError
        If something is asked for that needs answers.
    """
    asked = {"--task": task not in ("auto", ALONE), "--report": report is not None, "--store": follow}
    for option, given in asked.items():
        if given:
            raise ConfigError(
                expected=f"no {option} with --anomalies, which learns without answers",
                got=option,
                at="headwater learn",
                help="Leave one of the two out.",
            )
    return ALONE
