"""Measure headwater beside its rivals: ``python -m benchmarks.run``.

For each scenario all rivals are started and prepared, then go round by round (A B C A B C …), so that whatever
else the machine is doing falls on all of them alike. Ratios are taken inside a round.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.data import DataMissingError, data_file
from benchmarks.process import Process, RivalFailedError, RivalMissingError, build
from benchmarks.results import RESULTS, Answers, entry, save
from benchmarks.rivals import RIVALS
from benchmarks.scenarios import HEADWATER, SCENARIOS, Scenario


def measure(scenario: Scenario, names: Sequence[str], rounds: int) -> tuple[Answers, dict[str, str]]:
    """Run one scenario with the named rivals and return every answer, and the errors of those that failed.

    A first round is thrown away: it is where the adapters prepare.
    """
    answers: Answers = {name: [] for name in names}
    errors: dict[str, str] = {}
    spare = 0 if scenario.kind == "memory" else 1
    with ExitStack() as stack:
        processes = {name: stack.enter_context(Process(RIVALS[name])) for name in names}
        for turn in range(rounds + spare):
            for name, process in processes.items():
                if name in errors:
                    continue
                try:
                    answer = process.measure(scenario)
                except RivalFailedError as error:
                    errors[name] = str(error)
                    answers.pop(name)
                    continue
                if turn >= spare:
                    answers[name].append(answer)
    return answers, errors


def show(scenario: Scenario, whole: dict[str, Any]) -> None:
    """Print one scenario's figures while the others are still to come."""
    print(f"{scenario.id}: {scenario.what}")
    for name, figures in whole["rivals"].items():
        ratio = f"{figures['ratio_median']:10.2f}×" if "ratio_median" in figures else " " * 11
        score = "" if figures["score"] is None else f"  {figures['score_name']} {figures['score']:.4f}"
        odd = "" if figures["repeatable"] else "  (scores differ between rounds)"
        print(f"  {name:12}{figures['us_median']:14.3f} µs (best {figures['us_best']:.3f}){ratio}{score}{odd}")
    for name, error in whole.get("errors", {}).items():
        print(f"  {name:12}failed: {error}")
    sys.stdout.flush()


def chosen(only: Sequence[str], skip: Sequence[str]) -> list[Scenario]:
    """Return the scenarios whose ids match any of ``only`` and none of ``skip``."""

    def matches(scenario: Scenario, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(scenario.id, pattern) for pattern in patterns)

    return [s for s in SCENARIOS if matches(s, only or ["*"]) and not matches(s, skip)]


def takers(scenario: Scenario, wanted: Sequence[str]) -> list[str]:
    """Return who takes part in a scenario, of those wanted (all, if none is named)."""
    return [name for name in scenario.rows if not wanted or name in wanted]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="scenarios to run; * and ? match")
    parser.add_argument("--skip", nargs="+", default=[], metavar="ID", help="scenarios to leave out; * and ? match")
    parser.add_argument("--rivals", nargs="+", default=[], metavar="NAME", choices=RIVALS, help="who takes part")
    parser.add_argument("--rounds", type=int, help="timed rounds a scenario (default: the scenario's own)")
    parser.add_argument("--core", type=int, help="pin everything to this core")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the result file (default: results/speed.json)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the chosen scenarios, print and keep their figures; return 0, 1 if a rival failed, 2 on bad input."""
    options = arguments(argv)
    scenarios = [s for s in chosen(options.only, options.skip) if takers(s, options.rivals)]
    if not scenarios:
        print(f"expected ids of scenarios, got {options.only} — known: {[s.id for s in SCENARIOS]}.", file=sys.stderr)
        return 2
    try:
        for scenario in scenarios:
            if scenario.data:
                data_file(scenario.data)
        build(RIVALS[name] for scenario in scenarios for name in takers(scenario, options.rivals))
    except (DataMissingError, RivalMissingError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})

    entries: dict[str, Any] = {}
    version: str | None = None
    failed = False
    for scenario in scenarios:
        answers, errors = measure(scenario, takers(scenario, options.rivals), options.rounds or scenario.rounds)
        entries[scenario.id] = entry(scenario, answers, errors)
        show(scenario, entries[scenario.id])
        failed = failed or bool(errors)
        if HEADWATER in answers:
            version = answers[HEADWATER][-1]["versions"][HEADWATER]
            save(version, {scenario.id: entries[scenario.id]}, options.out)
    if version is None:
        print("headwater took no part, so nothing was written")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
