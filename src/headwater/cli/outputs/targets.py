"""``headwater learn --targets a,b`` makes one pass over a file with several targets per row."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.cli.lock import locked
from headwater.cli.options.model import ModelOptions, load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.terminal.summary import print_json, print_report
from headwater.errors import ConfigError, did_you_mean
from headwater.kinds.multi_output.learner import MultiOutput
from headwater.route.session import Session
from headwater.route.verdict import compare_baselines
from headwater.streams import Stream
from headwater.streams.target import decide_target

__all__ = ["TargetsRun"]

SINGLE = ("--target", "--fleet", "--delay", "--resume", "--anomalies", "--watch", "--adapt", "--report", "--store")
"""Options that are for one target only."""

Pair = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class TargetsRun:
    """A pass over a source with several targets.

    Parameters
    ----------
    source : tuple of str
        What to read.
    targets : tuple of str
        The columns of the answers.
    task : str
        "auto": of each column as its first rows say; else of all of them.
    model : Path, optional
        A file to save to; if it exists, learning goes on where it stopped.
    window : int
        Rows that the second set of scores is over.
    single : tuple
        What was given for each of ``SINGLE``.
    """

    source: tuple[str, ...]
    targets: tuple[str, ...]
    task: str
    model: Path | None
    window: int
    single: tuple[Any, ...]

    def run(self, reading: ReadingOptions, options: ModelOptions, *, as_json: bool) -> int:
        """Learn the rows, print the scores and return 0.

        Raises
        ------
        ConfigError
            If a column is not there, or the file holds another kind of learner.
        """
        for option, given in zip(SINGLE, self.single, strict=True):
            if given:
                raise ConfigError(
                    expected=f"no {option} with --targets",
                    got=str(given),
                    at=option,
                    help="Leave it out, or learn one --target.",
                )
        if self.model is None:
            return self._learn(reading, options, as_json=as_json)
        with locked(self.model):
            return self._learn(reading, options, as_json=as_json)

    def _learn(self, reading: ReadingOptions, options: ModelOptions, *, as_json: bool) -> int:
        known = self._known()
        notes = reading.notes(known, target=None) | {"targets": list(self.targets)}
        with reading.open(self.source, notes, task=None) as stream:
            stream.look()
            blocks = self._blocks(stream)
            first = next(blocks, [])
            learner = known or options.make("multioutput", outputs=self._kinds(first, stream.name))  # type: ignore[arg-type]
            session = Session(learner, window=self.window, keep=self.model)
            for pairs in (first, *blocks) if first else ():
                session.step([x for x, _ in pairs], [y for _, y in pairs])
            learner.notes = notes | {"columns": stream.reading() or notes["columns"]}
            record = session.finish()
            if as_json:
                print_json(record, final=True, verdict=compare_baselines(record))
            else:
                print(f"{stream.name}: {', '.join(self.targets)}.", file=sys.stdout)
                print_report(record, stream, self.model, interrupted=False)
        return 0

    def _known(self) -> MultiOutput | None:
        if self.model is None or not self.model.exists():
            return None
        known = load_model(self.model)
        if not isinstance(known, MultiOutput):
            raise ConfigError(
                expected="a MultiOutput",
                got=f"a {type(known).__name__}",
                at=str(self.model),
                help="Name another --model.",
            )
        return known

    def _blocks(self, stream: Stream) -> Iterator[list[Pair]]:
        """Yield rows and their answers, which are removed from the rows."""
        for name in self.targets:
            if stream.columns and name not in stream.columns:
                raise ConfigError(
                    expected=f"a column {name}",
                    got="none",
                    at="--targets",
                    help=did_you_mean(name, stream.columns),
                )
        for block in stream.blocks():
            rows = [dict(x) for x in block.X]
            yield [(x, {name: x.pop(name, None) for name in self.targets}) for x in rows]

    def _kinds(self, pairs: Sequence[Pair], at: str) -> dict[str, str]:
        """Return the task of each output, decided from the first rows."""
        answers = {name: [y[name] for _, y in pairs] for name in self.targets}
        return {name: decide_target(y, task=self.task, name=name, at=at).task for name, y in answers.items()}
