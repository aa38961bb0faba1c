"""Other projects' own suites and clients, and how each is run on headwater.

A suite is one row of ``SUITES``. It runs in a process of its own, since some switches are read at import.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = ROOT / ".envs" / "clients" / "bin" / "python"
"""Has clients that pin older versions of what others need newer; `make test` makes it."""
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
    python
        The interpreter that has the packages.
    """

    name: str
    packages: tuple[str, ...]
    call: str
    run: Callable[[], Iterator[Check]]
    environment: tuple[tuple[str, str], ...] = ()
    python: str = sys.executable


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

    from headwater.interop import sklearn as estimators

    for estimator in (getattr(estimators, name)() for name in estimators.__all__):
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
    yield from _pytest("MultiOutput.export_onnx", "tests/store/onnx/test_onnx_outputs.py")
    yield from _pytest("Agent.export_onnx", "tests/store/onnx/test_onnx_agents.py")


def pytorch() -> Iterator[Check]:
    """Compare a thousand steps of every optimizer, loss and activation that both have, in float64; and both bridges."""
    yield from _pytest("the core", "tests/oracles/test_torch.py")
    yield from _pytest("to_torch, from_torch", "tests/nn/test_torch.py")


def coba() -> Iterator[Check]:
    """Let coba's experiments evaluate a bandit in its four worlds."""
    return _pytest("hw.Bandit", "tests/learner/decisions/test_coba.py")


def gymnasium() -> Iterator[Check]:
    """Let an agent play all environments that come with Gymnasium, whose checker looks at each step."""
    return _pytest("hw.Agent", "tests/learner/control/test_gymnasium.py")


def mlflow() -> Iterator[Check]:
    """Log, load and serve learners by MLflow's client."""
    return _pytest("headwater.interop.mlflow", "tests/test_mlflow.py")


def inference_clients() -> Iterator[Check]:
    """Ask the server by Triton's and KServe's clients, as they are."""
    return _pytest("headwater serve", "tests/serve/protocols/test_clients.py")


def contract() -> Iterator[Check]:
    """Let Schemathesis make requests from the server's own OpenAPI description."""
    return _pytest("headwater serve", "tests/serve/test_contract.py")


def schemas() -> Iterator[Check]:
    """Compare files with the published JSON schemas of those who read them."""
    yield from _pytest("workflows, forms, CITATION.cff", "tests/project/test_repository.py", "schema")
    yield from _pytest("deploy", "tests/deploy", "schema or valid")


def axe() -> Iterator[Check]:
    """Look for barriers on every page, in both languages, on light and dark ground."""
    for subject, path in PAGES_WITH_AXE.items():
        yield from _pytest(subject, path, "axe")


PAGES_WITH_AXE = {
    "headwater serve": "tests/serve/test_page.py",
    "the playground": "tests/serve/playground/test_page.py",
    "headwater export --web": "tests/js/test_exported_page.py",
    "a cluster's page": "tests/cluster/test_page.py",
    "live figures": "tests/project/documents/test_live.py",
    "the site": "tests/project/documents/test_site.py",
}


def _pytest(subject: str, path: str, which: str = "") -> Iterator[Check]:
    """Run a file of tests that hold ours against the other project's code, and return what each said."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "said.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            path,
            "-k",
            which,
        ]
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
    Suite("coba", ("coba",), "coba.Experiment(environments, learner).run()", coba),
    Suite("Gymnasium", ("gymnasium",), "gymnasium.make(name), PassiveEnvChecker", gymnasium),
    Suite("MLflow", ("mlflow-skinny",), "mlflow.pyfunc.load_model(uri).predict(frame)", mlflow),
    Suite(
        "Clients of the Open Inference Protocol",
        ("kserve", "tritonclient"),
        "kserve.InferenceRESTClient, InferenceGRPCClient, tritonclient.http, tritonclient.grpc",
        inference_clients,
        python=str(CLIENTS),
    ),
    Suite("Schemathesis", ("schemathesis",), "schemathesis.openapi.from_dict(schema)", contract),
    Suite("JSON schemas", ("check-jsonschema", "kubernetes-validate"), "check-jsonschema --builtin-schema", schemas),
    Suite("axe", ("axe-playwright-python",), "Axe().run(page)", axe),
    Suite(
        "headwater.interop.check", ("headwater",), "headwater.interop.check.check_online_learner(make)", own_contract
    ),
)


# ---- running and writing --------------------------------------------------------------------------------------------


def checks_of(suite: Suite) -> list[Check]:
    """Run a suite in a process of its own, with warnings as errors, and return what its checks said."""
    command = [sys.executable, "-W", "error", "-m", "tools.docs.suites", "--json", suite.name]
    environment = os.environ | dict(suite.environment)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{suite.name} did not run to its end: {done.stderr.strip().splitlines()[-1:]}")
    return [Check(**json.loads(line)) for line in done.stdout.splitlines()]


def versions(suite: Suite) -> dict[str, str]:
    """Return the version of each of a suite's packages that its interpreter has."""
    said = subprocess.run([suite.python, "-c", VERSIONS, *suite.packages], capture_output=True, text=True, check=False)
    return dict(line.split() for line in said.stdout.splitlines())


VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    if list(importlib.metadata.distributions(name=name)):
        print(name, importlib.metadata.version(name))
"""
"""Prints the version of each package that is there."""
