"""What a hosting service reads is valid, and says nothing that the repository does not have."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "dependabot": [GITHUB / "dependabot.yml"],
    "github-issue-forms": sorted(
        set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE" / "config.yml"}
    ),
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "citation-file-format": [ROOT / "CITATION.cff"],
}


def checked(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """Compare files with a schema that comes with check-jsonschema, so that nothing is fetched."""
    name = schema if "." in schema else f"vendor.{schema}"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_files_for_the_hosting_service_fit_its_schema(schema):
    pytest.importorskip("check_jsonschema")
    assert SCHEMAS[schema] != []
    done = checked(schema, *SCHEMAS[schema])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_without_a_runner_is_refused(tmp_path):
    pytest.importorskip("check_jsonschema")
    path = tmp_path / "w.yml"
    path.write_text(re.sub(r"(?m)^    runs-on: .*\n", "", WORKFLOWS[0].read_text(encoding="utf-8")), encoding="utf-8")
    assert "runs-on" in checked("github-workflows", path).stdout


def test_the_commands_of_workflows_are_targets_of_the_makefile_and_files_of_the_repository():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    called = set(re.findall(r"run: make (\w+)", text))
    assert called == {"lowest", "release"}
    assert called <= targets
    assert [
        path for path in re.findall(r"(?:bash|pytest.*?) ((?:tests/|\.ci/)\S+)", text) if not (ROOT / path).exists()
    ] == []


def test_the_suite_runs_on_three_systems_and_two_kinds_of_processor():
    text = (GITHUB / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert text.count("[ubuntu-latest, ubuntu-24.04-arm, macos-15, macos-15-intel, windows-latest]") == 2


def test_nothing_is_published_unless_a_person_has_switched_it_on():
    jobs = (GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8").partition("\njobs:\n")[2]
    for name in ("pypi", "npm"):
        job = re.split(r"(?m)^  (?=\w)", jobs.partition(f"  {name}:\n")[2])[0]
        assert "if: vars.PUBLISH == 'yes' && startsWith(github.ref, 'refs/tags/v')" in job
        assert f"environment: {name}" in job
    assert "secrets." not in jobs


def test_the_citation_has_the_version_and_the_licence_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in citation
    assert f"\nlicense: {project['license']}\n" in citation


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "docs/platforms.md"])
def test_the_links_of_a_page_lead_somewhere(name):
    path = ROOT / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert links != []
    assert [link for link in links if not (path.parent / link).exists()] == []


# ---- the checkout stays small ---------------------------------------------------------------------------------------

WRITTEN = {".py", ".md", ".c", ".h", ".mjs", ".js", ".txt"}
"""Kinds that people write, which may grow."""
MADE = {".svg": 550_000, ".webp": 1_600_000, ".xz": 1_250_000, ".json": 480_000}
"""Bytes that all files of a kind that programs make may have: figures, photographs, frozen files, results."""
OTHER = 60_000
"""Bytes that all files of any other kind may have."""
LONG = 240_000
"""Bytes of a file. The archive of frozen files has a bound of its own."""


@pytest.fixture(scope="module")
def checkout() -> dict[str, bytes]:
    """Every file of the repository that is there."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout, but what was packed of one")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name: (ROOT / name).read_bytes() for name in listed.split("\0") if (ROOT / name).is_file()}


def test_what_programs_make_stays_small(checkout):
    sums: Counter[str] = Counter()
    for name, data in checkout.items():
        sums[Path(name).suffix] += len(data)
    assert {kind: size for kind, size in sums.items() if kind not in WRITTEN and size > MADE.get(kind, OTHER)} == {}


def test_no_file_is_long(checkout):
    frozen = "tests/compatibility/files.tar.xz"
    assert {name: len(data) for name, data in checkout.items() if len(data) > LONG and name != frozen} == {}


def test_no_file_lies_twice(checkout):
    names: dict[str, list[str]] = {}
    for name, data in checkout.items():
        if len(data) > 100:
            names.setdefault(hashlib.sha256(data).hexdigest(), []).append(name)
    assert [alike for alike in names.values() if len(alike) > 1] == []
