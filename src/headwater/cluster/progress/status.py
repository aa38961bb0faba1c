"""Status file of a run beside its manifest, written each second."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headwater.errors import SourceError
from headwater.route.verdict.numbers import figure
from headwater.route.verdict.verdict import lines_of, sentences
from headwater.store.model_file import write
from headwater.types import Comparison, Span

from .clock import Progress

__all__ = ["StatusFile", "as_lines", "read_status", "status_path"]


def status_path(manifest: str | Path) -> Path:
    """Return the path of a manifest's status file.

    Examples
    --------
    >>> status_path("flights.hw").name
    'flights.hw.status.json'
    """
    return Path(f"{manifest}.status.json")


class StatusFile:
    """Write a run's status, at most once a second.

    Parameters
    ----------
    manifest : str or Path
        The manifest of the run.
    """

    def __init__(self, manifest: str | Path) -> None:
        self._path, self._written = status_path(manifest), 0.0
        self.now: dict[str, Any] = {}
        """The status last written."""

    def put(self, progress: Progress, standing: Callable[[], dict[str, Any]], *, ended: bool = False) -> None:
        """Write the progress and how the model stands (`Cluster.standing`), and with ``ended`` the final status."""
        now = time.monotonic()
        if not ended and now - self._written < 1:
            return
        self._written = now
        plain = {**asdict(progress), **standing(), "ended": ended}
        self.now = _defined(plain)
        write(self._path, json.dumps(self.now).encode())


def read_status(manifest: str | Path) -> dict[str, Any]:
    """Return the last status of a manifest's run, with `age`, the seconds since its last round.

    Raises
    ------
    SourceError
        If there is no status.
    """
    path = status_path(manifest)
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            expected="the status of a run", got=str(error), at=str(path), help="headwater cluster run writes it."
        ) from error
    return found | {"age": max(time.time() - found["at"], 0.0)}


def as_lines(status: dict[str, Any]) -> list[str]:
    """Format a status as lines for a terminal.

    Examples
    --------
    >>> progress = Progress(
    ...     round=12, rows=4800, workers=4, live=3, nodes=2, block=100, rows_per_s=2500.0, merge_loss=0.25
    ... )
    >>> status = asdict(progress) | {"age": 0.4, "scores": {"accuracy": 0.9}, "comparisons": [], "ended": False}
    >>> for line in as_lines(status):
    ...     print(line)
    workers      3 of 4, on 2 machines
    rows         4,800 in 12 rounds, blocks of 100
    rows/s       2,500
    state        0.4 s old
    syncing      0 % of the time, 0 kB out and 0 kB in a round
    merge loss   0.25 against one worker that learns the same rows alone
    accuracy     0.9
    """
    rounds, loss = max(status["round"], 1), status["merge_loss"]
    merging = (
        "not measured yet" if loss is None else f"{figure(loss, 3)} against one worker that learns the same rows alone"
    )
    lines = {
        "workers": f"{status['live']} of {status['workers']}, on {status['nodes']} machine{'s' * (status['nodes'] != 1)}",
        "rows": f"{status['rows']:,} in {status['round']:,} rounds, blocks of {status['block']:,}",
        "rows/s": f"{status['rows_per_s']:,.0f}",
        "state": "the last one" if status["ended"] else f"{status['age']:.1f} s old",
        "syncing": f"{100 * status['sync']:.0f} % of the time, {status['sent'] / rounds / 1000:,.0f} kB out"
        f" and {status['received'] / rounds / 1000:,.0f} kB in a round",
        "merge loss": merging,
    }
    lines |= {name: figure(value) for name, value in status["scores"].items() if value is not None}
    said = [sentence for line in lines_of(compared(status)) for sentence in sentences(line)]
    return [*said, *(f"{name:<12} {value}" for name, value in lines.items())]


def compared(status: dict[str, Any]) -> list[Comparison]:
    """Return what the verdict on a run compares; a run of an earlier version has written nothing of it."""
    spans = ("recent", "overall")
    return [
        Comparison(**one | {name: Span(**_known(one[name])) for name in spans}) for one in status.get("comparisons", [])
    ]


def _known(span: dict[str, Any]) -> dict[str, Any]:
    return (
        span
        | {"model": math.nan if span["model"] is None else span["model"]}
        | {"guesses": {name: value for name, value in span["guesses"].items() if value is not None}}
    )


def _defined(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _defined(one) for name, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
