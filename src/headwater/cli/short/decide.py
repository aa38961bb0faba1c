"""``headwater decide`` learns a log of decisions from a file and estimates the rewards of simple policies."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_writable
from headwater.cli.options.task import saved
from headwater.cli.terminal.summary import rejected_lines
from headwater.errors import ConfigError, DataError, counted, did_you_mean
from headwater.kinds.bandit.scores.policy_value import Policy, PolicyValue, estimate_values
from headwater.learner.kind import kind_with
from headwater.learner.schema.compound import read_labels
from headwater.route.verdict.numbers import figure

__all__ = ["decide"]

MOST = 20
"""Actions of which "always this one" is shown: those that the log has most often."""


def decide(
    source: Source,
    /,
    *,
    action: Annotated[str, Parameter(metavar="COLUMN")],
    reward: Annotated[str, Parameter(metavar="COLUMN")],
    probability: Annotated[str | None, Parameter(metavar="COLUMN")] = None,
    low: float = 0.0,
    high: float = 1.0,
    explore: str = "squarecb",
    model: Path | None = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Learn a log of decisions, and estimate the reward of a uniform policy and of each single action.

    Parameters
    ----------
    source
        A CSV, TSV, JSON lines, Parquet or Arrow file; - for standard input, or dataset:NAME.
    action
        The column of the action that was taken.
    reward
        The column of what came of it.
    probability
        The column of the probability with which the action was taken; without it, evenly from those of the log.
    low
        The lowest reward there may be.
    high
        The highest.
    explore
        How the bandit is to explore when it acts: squarecb, epsilon, softmax, greedy or linucb.
    model
        A file to save the bandit to; if it exists, learning goes on from it.
    reading
        How the source is read.
    json
        Print a JSON line for each policy instead of a table.
    """
    if model is not None:
        check_writable(model, "--model")
    kind = kind_with("bandit")
    learner = saved(model, kind) or kind.make({"explore": explore, "rewards": (low, high)})
    columns = {"action": action, "reward": reward} | ({} if probability is None else {"p": probability})
    log = _read(source, reading or ReadingOptions(), columns)
    seen = [decision.action for _, decision in log]
    often = sorted(dict.fromkeys(seen), key=lambda one: -seen.count(one))[:MOST]
    policies: dict[str, Policy] = {"even draw": _evenly, **{f"always {one}": _always(one) for one in often}}
    found = estimate_values(log, policies, learner.clone(), list(dict.fromkeys(seen)))
    learner.learn_many([x for x, _ in log], [decision for _, decision in log])
    learner.notes = {**learner.notes, "labels": columns, "targets": list(columns.values())}
    if model is not None:
        learner.save(model)
    _print(found, as_json=json)
    return 0


def _read(source: str, reading: ReadingOptions, columns: dict[str, str]) -> list[tuple[dict[str, Any], Any]]:
    """Return the rows of a log, each with its decision."""
    kind = kind_with("bandit")
    table = kind.answer.table(columns)  # type: ignore[misc]
    with reading.open([source], reading.notes(None, target=None), task=None) as stream:
        stream.look()
        for name in table.names:
            if name not in stream.columns:
                raise ConfigError(
                    expected=f"a column {name}", got="none", at=stream.name, help=did_you_mean(name, stream.columns)
                )
        read_labels(stream, kind.answer, columns, table.names)
        rows = [dict(x) for block in stream.blocks() for x in block.X]
        for line in rejected_lines(stream.rejects.counts, stream):
            print(line, file=sys.stderr)
    table.settings(rows, task="bandit", at=source)
    log = table.pairs(rows)
    if not log:
        raise DataError(expected="rows", got="none", at=source, help="Check the file.")
    return list(log)


def _evenly(x: Mapping[Any, Any], actions: Sequence[Any]) -> dict[Any, float]:
    return dict.fromkeys(actions, 1 / len(actions))


def _always(action: Any) -> Callable[[Mapping[Any, Any], Sequence[Any]], Any]:
    return lambda x, actions: action


def _print(found: Mapping[str, PolicyValue], *, as_json: bool) -> None:
    logged = next(iter(found.values())).logged
    if as_json:
        print(json_module.dumps({"policy": "logged", "value": logged.value, "low": logged.low, "high": logged.high}))
        for name, one in found.items():
            figures = {"value": one.dr.value, "low": one.dr.low, "high": one.dr.high}
            others = {"ips": one.ips.value, "snips": one.snips.value, "explored": one.explored}
            print(json_module.dumps({"policy": name, **figures, **others}))
        return
    table = Table(box=None, header_style="bold")
    table.add_column("policy")
    for title in ("mean reward", "low (95%)", "high", "IPS", "SNIPS"):
        table.add_column(title, justify="right")
    table.add_row("as logged", *(figure(v) for v in (logged.value, logged.low, logged.high)), "", "")
    for name, one in found.items():
        shown = (one.dr.value, one.dr.low, one.dr.high, one.ips.value, one.snips.value)
        table.add_row(name, *(figure(v) for v in shown))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{counted(next(iter(found.values())).n, 'decision')}; mean reward: doubly robust", markup=False)
    little = ", ".join(name for name, one in found.items() if not one.explored)
    if little:
        console.print(f"The log explored too little for {little}: trust the intervals alone.", markup=False)
