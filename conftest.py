"""Skip the tests whose optional packages are not installed, so that plain ``pytest`` runs in any environment."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import sys
from doctest import UnexpectedException
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest
from _pytest.doctest import MultipleDoctestFailures

from headwater.errors import MissingExtra

ROOT = Path(__file__).parent
OURS = {"headwater", "benchmarks", "support", "tools", "website"}
"""Top-level modules of the project, whose absence is a fault."""

SENTENCES = re.compile(r"(?:expected the package |No module named ')([\w-]+)")
"""How a process says that a package is missing."""

SLOW = (
    "tests/cli/test_every_kind.py",
    "tests/cli/test_terminal.py",
    "tests/cluster",
    "tests/core/parts/test_agent.py",
    "tests/core/parts/test_left_out.py",
    "tests/core/hostile",
    "tests/core/series/test_ends.py",
    "tests/core/test_elementary.py",
    "tests/core/test_golden.py",
    "tests/core/parts/test_succession.py",
    "tests/core/test_merge.py",
    "tests/deploy",
    "tests/device",
    "tests/diagnose/test_diagnose.py",
    "tests/diagnose/test_keeping.py",
    "tests/fleet/test_full_disk.py",
    "tests/fleet/test_keeping.py",
    "tests/js",
    "tests/kinds",
    "tests/labels",
    "tests/learner/decisions/test_bandit.py",
    "tests/learner/test_late.py",
    "tests/learner/test_limits.py",
    "tests/nn/test_images.py",
    "tests/oracles",
    "tests/packaging",
    "tests/plain/test_rules.py",
    "tests/project/documents",
    "tests/project/test_architecture.py",
    "tests/project/test_claims.py",
    "tests/project/test_contributing.py",
    "tests/project/test_deletion.py",
    "tests/project/test_names.py",
    "tests/promises",
    "tests/serve",
    "tests/store/forget",
    "tests/store/journal",
    "tests/store/ownership",
    "tests/streams/brokers",
)
"""Folders and files whose tests take seconds, or start compilers, servers and browsers."""

LARGE = (
    "tests/kinds",
    "tests/learner",
    "tests/nn",
    "tests/oracles",
    "tests/packaging",
    "tests/plain",
    "tests/project/documents/test_course.py",
    "tests/project/documents/test_examples.py",
    "tests/project/documents/test_howto.py",
    "tests/project/test_claims.py",
    "tests/promises",
)
"""Those of them after which a worker keeps libraries and data: they come when no more browsers are started beside them."""

HEAVY = re.compile(r'(?:when_used|importorskip)\(\s*"(torch|ray)"')
"""How a file of tests says that it imports a library of some 200 MB."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the files that import PyTorch to one worker, and those that import Ray: the others never have it in memory."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByLibrary(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(super()._split_scope(nodeid))

    return ByLibrary(config, log)


@cache
def unit_of(path: str) -> str:
    """Return the large library that a file of tests imports, else the file: what of tests goes to one worker together."""
    heavy = HEAVY.search((ROOT / path).read_text(encoding="utf-8"))
    return heavy[1] if heavy else path


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist hand out files in our order: its own begins with those that have many tests, which are the quick ones."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow folders and files, which ``make quick`` leaves out, and put files with slow tests first.

    Quick files at the end keep all workers busy to the last, and brokers and browsers run while the workers themselves are small.
    """
    slow, large = ({ROOT / path for path in listed} for listed in (SLOW, LARGE))
    within = {path: {path, *path.parents} for path in {item.path for item in items}}
    for item in items:
        if slow & within[item.path]:
            item.add_marker(pytest.mark.slow)
    first = {item.path for item in items if item.get_closest_marker("slow")}
    last = {path for path, places in within.items() if large & places}
    items.sort(key=lambda item: (item.path not in first, item.path in last))


def pytest_collection_finish() -> None:
    """Leave what was collected out of what is searched for garbage: it stays to the end."""
    gc.collect()
    gc.freeze()
    memory["kept"] = taken()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Any:
    """Give memory back where a file has left much: cycles wait for the collector, and the C library keeps what was freed."""
    done = yield
    if nextitem is None or nextitem.path != item.path:
        give_back()
    return done


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Skip a module that imports a package which is not installed."""
    report = yield
    if report.failed and (package := missing_package(report.call.excinfo.value)):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {package} is not installed")
        forget_half_imported(report.call.excinfo.value.__cause__)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Skip a test that needed a package which is not installed."""
    report = yield
    if (
        report.failed
        and call.excinfo is not None
        and (package := missing_package(call.excinfo.value) or named_in(report))
    ):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: {package} is not installed")
    return report


def taken() -> int:
    """Return the bytes that this process has in memory, or 0 where the system doesn't say so as Linux does."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


memory = {"kept": 0}
"""What this process had when memory was given back last."""


def give_back() -> None:
    """Collect garbage and trim the heap if the process has grown by 64 MB."""
    if taken() > memory["kept"] + 64_000_000:
        gc.collect()
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's
            trim(0)
        memory["kept"] = taken()


def missing_package(error: BaseException | None) -> str | None:
    """Return the package whose absence caused an error, or None if it has another cause."""
    if isinstance(error, MultipleDoctestFailures):
        error = error.failures[0]
    if isinstance(error, UnexpectedException):
        error = error.exc_info[1]
    while error is not None:
        if isinstance(error, MissingExtra) and not is_installed(error.package):
            return error.package
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            if package not in OURS and package not in installed_modules():
                return package
        error = error.__cause__
    return None


def forget_half_imported(error: BaseException | None) -> None:
    """Remove the modules whose import failed, because pytest leaves them for the next import to find."""
    while error is not None:
        for frame, _ in walk_tb(error.__traceback__):
            if frame.f_code.co_name == "<module>":
                sys.modules.pop(frame.f_globals["__name__"], None)
        error = error.__cause__


def named_in(report: pytest.TestReport) -> str | None:
    """Return the missing package that a command or another process of the test named in its output."""
    for package in SENTENCES.findall(f"{report.longrepr}\n{report.capstdout}\n{report.capstderr}"):
        if not is_installed(package) and package not in installed_modules():
            return str(package)
    return None


@cache
def installed_modules() -> frozenset[str]:
    """Return the top-level modules of all installed packages."""
    return frozenset(packages_distributions())


def is_installed(package: str) -> bool:
    """Return whether a package's metadata is found, by its name in the index."""
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
