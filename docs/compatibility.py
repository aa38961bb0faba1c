"""Run other projects' own conformance suites on headwater, and write docs/compatibility.md from what ran.

    python docs/compatibility.py              # all suites, and the page
    python docs/compatibility.py --json River # one suite, one line of JSON a check; what the tests call

A suite is one row of ``SUITES``. It runs in a process of its own, since some switches are read at import.
"""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check of a suite said about one subject."""

    subject: str
    name: str
    status: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """Another project's suite: what runs it, and what is to be known about the run.

    Parameters
    ----------
    name
        As in the table.
    packages
        Whose versions are stated.
    call
        What runs, as a user would write it.
    run
        Yields the checks one by one.
    environment
        Environment variables that the suite needs.
    """

    name: str
    packages: tuple[str, ...]
    call: str
    run: Callable[[], Iterator[Check]]
    environment: tuple[tuple[str, str], ...] = ()


# ---- the suites -----------------------------------------------------------------------------------------------------


def river() -> Iterator[Check]:
    """Run all of ``river.checks``, those included that an estimator could ask to skip."""
    from river import checks

    import headwater as hw

    for name, model in {"Classifier": hw.Classifier(), "Regressor": hw.Regressor()}.items():
        for check in checks.yield_checks(model):
            skipped = check.__name__ in model._unit_test_skips()
            yield _said(f"hw.{name}", check.__name__, functools.partial(check, model.clone()), skipped)


def scikit_learn() -> Iterator[Check]:
    """Run all of ``check_estimator``, with the array API switched on so that nothing of it is left out."""
    from sklearn.utils.estimator_checks import check_estimator

    from headwater.sklearn import OnlineClassifier, OnlineRegressor

    for estimator in (OnlineClassifier(), OnlineRegressor()):
        for result in check_estimator(estimator, on_skip=None, on_fail=None):
            status, why = str(result["status"]), str(result["exception"] or "")
            yield Check(type(estimator).__name__, result["check_name"], status, why)


def _said(subject: str, name: str, check: Callable[[], object], skipped: bool) -> Check:
    """Run a check and return what it said."""
    if skipped:
        return Check(subject, name, SKIPPED, "the estimator asks for it")
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a check raises is what it says
        return Check(subject, name, FAILED, f"{type(error).__name__}: {error}")
    return Check(subject, name, PASSED)


SUITES = (
    Suite("River", ("river",), "river.checks.check_estimator(model)", river),
    Suite(
        "scikit-learn",
        ("scikit-learn",),
        'check_estimator(estimator, on_fail="raise")',
        scikit_learn,
        (("SCIPY_ARRAY_API", "1"),),
    ),
)


# ---- running and writing --------------------------------------------------------------------------------------------


def checks_of(suite: Suite) -> list[Check]:
    """Run a suite in a process of its own, with warnings as errors, and return what its checks said."""
    command = [sys.executable, "-W", "error", __file__, "--json", suite.name]
    environment = os.environ | dict(suite.environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{suite.name} did not run to its end: {done.stderr.strip().splitlines()[-1:]}")
    return [Check(**json.loads(line)) for line in done.stdout.splitlines()]


def versions(suite: Suite) -> str:
    """Return the packages of a suite with their versions."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in suite.packages)


def page(ran: dict[Suite, list[Check]]) -> str:
    """Return the page for the suites that ran."""
    python = platform.python_version()
    lines = [
        "# What fits together, by the other projects' own suites",
        "",
        "This page is written by `docs/compatibility.py` from what ran; don't edit it.",
        f"headwater {importlib.metadata.version('headwater')} on Python {python}, {platform.system()} {platform.machine()}.",
        "",
        "| suite | version | how it is called | what it ran on | passed / total | skipped |",
        "|---|---|---|---|---|---|",
    ]
    for suite, checks in ran.items():
        for subject in dict.fromkeys(check.subject for check in checks):
            own = [check.status for check in checks if check.subject == subject]
            counts = f"{own.count(PASSED)} / {len(own)} | {own.count(SKIPPED)}"
            lines.append(f"| {suite.name} | {versions(suite)} | `{suite.call}` | `{subject}` | {counts} |")
    bad = [check for checks in ran.values() for check in checks if check.status != PASSED]
    if bad:
        lines += ["", "What did not pass:", ""]
        lines += [f"- `{check.subject}`, `{check.name}`: {check.status}. {check.why}".rstrip() for check in bad]
    return "\n".join([*lines, ""])


def main() -> int:
    """Run one suite for a caller, or all of them for the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="SUITE", choices=[suite.name for suite in SUITES])
    wanted = parser.parse_args().json
    for suite in SUITES:
        if suite.name == wanted:
            for check in suite.run():
                print(
                    json.dumps({"subject": check.subject, "name": check.name, "status": check.status, "why": check.why})
                )
            return 0
    ran = {suite: checks_of(suite) for suite in SUITES}
    PAGE.write_text(page(ran), encoding="utf-8")
    print(f"{PAGE}: {sum(len(checks) for checks in ran.values())} checks")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
