"""Run other projects' own conformance suites on headwater, and write docs/compatibility.md from what ran.

    python tools/docs/compatibility.py              # all suites, and the page
    python tools/docs/compatibility.py --json River # one suite, one line of JSON a check; what the tests call

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
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
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

    from headwater.interop.sklearn import OnlineClassifier, OnlineOutlierDetector, OnlineRegressor

    for estimator in (OnlineClassifier(), OnlineRegressor(), OnlineOutlierDetector()):
        for result in check_estimator(estimator, on_skip=None, on_fail=None):
            status, why = str(result["status"]), str(result["exception"] or "")
            yield Check(type(estimator).__name__, result["check_name"], status, why)


def own_contract() -> Iterator[Check]:
    """Run ``headwater.interop.check`` on our own learners; docs/check.md has other libraries' too."""
    import headwater as hw
    from headwater.interop.check import FAILED as BROKEN
    from headwater.interop.check import NOT_OFFERED, check_online_learner

    for name, make in {"Classifier": hw.Classifier, "Regressor": hw.Regressor}.items():
        for result in check_online_learner(make, texts=True).results:
            if result.outcome != NOT_OFFERED:  # such as new classes of a regressor
                status = FAILED if result.outcome == BROKEN else PASSED
                yield Check(f"hw.{name}", result.name, status, "" if status == PASSED else result.detail)


def onnx_vectors() -> Iterator[Check]:
    """Send the node vectors of ONNX's backend suite through the core."""
    return _pytest("the core", "tests/oracles/test_onnx.py")


def onnx_export() -> Iterator[Check]:
    """Compare exported graphs, fully checked, in onnxruntime and in ONNX's reference evaluator with what we predict."""
    yield from _pytest("Network.export_onnx", "tests/store/onnx/test_onnx_networks.py")
    yield from _pytest("Classifier and Regressor.export_onnx", "tests/store/onnx/test_onnx_learners.py")


def pytorch() -> Iterator[Check]:
    """Compare a thousand steps of every optimizer, loss and activation that both have, in float64; and both bridges."""
    yield from _pytest("the core", "tests/oracles/test_torch.py")
    yield from _pytest("to_torch, from_torch", "tests/nn/test_torch.py")


def _pytest(subject: str, path: str) -> Iterator[Check]:
    """Run a file of tests that hold ours against the other project's code, and return what each said."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "said.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", path]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        cases = list(ET.parse(report).iter("testcase"))
    for case in cases:
        bad = next((part for part in case if part.tag in ("failure", "error", "skipped")), None)
        status = PASSED if bad is None else SKIPPED if bad.tag == "skipped" else FAILED
        yield Check(
            subject, str(case.get("name")), status, "" if bad is None else str(bad.get("message")).split("\n")[0]
        )


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
    Suite("ONNX backend node vectors", ("onnx",), 'onnx.backend.test.load_model_tests(kind="node")', onnx_vectors),
    Suite(
        "ONNX checker and runtimes",
        ("onnx", "onnxruntime"),
        "check_model(graph, full_check=True), InferenceSession, ReferenceEvaluator",
        onnx_export,
    ),
    Suite("PyTorch as an oracle", ("torch",), "torch.optim, torch.nn, 1,000 steps", pytorch),
    Suite(
        "headwater.interop.check", ("headwater",), "headwater.interop.check.check_online_learner(make)", own_contract
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
        "This page is written by `tools/docs/compatibility.py` from what ran; don't edit it.",
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
    needed = {package for suite in SUITES for package in suite.packages}
    installed = {found.name.lower() for found in importlib.metadata.distributions()}
    if missing := sorted(needed - installed):
        print(f"expected {', '.join(missing)} to be installed, so that no suite is left out", file=sys.stderr)
        return 2
    ran = {suite: checks_of(suite) for suite in SUITES}
    PAGE.write_text(page(ran), encoding="utf-8")
    print(f"{PAGE}: {sum(len(checks) for checks in ran.values())} checks")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
