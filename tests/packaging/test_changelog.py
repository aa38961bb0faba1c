"""Each fragment of the changelog is well formed, and towncrier puts all of them above the last release."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAGMENTS = ROOT / "changelog.d"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.change\.md")
SAYS_OUTPUTS = re.compile(r"\bOutputs? (unchanged|changes?|of)\b")


def wrong_with(name: str, text: str) -> list[str]:
    """What is wrong with a fragment, a sentence each."""
    found = []
    if not NAME.fullmatch(name):
        found.append(f"expected a name like what-it-is-about.change.md, got {name}.")
    if not SAYS_OUTPUTS.search(text):
        found.append(f"expected it to say whether outputs change, as “Outputs unchanged.” — at {name}.")
    if text.lstrip().startswith(("-", "#")) or not text.rstrip().endswith((".", ")")):
        found.append(f"expected sentences without a bullet — at {name}.")
    return found


def test_each_fragment_is_well_formed():
    files = [path for path in FRAGMENTS.iterdir() if path.name not in ("template.md", ".gitignore")]
    assert [one for path in files for one in wrong_with(path.name, path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a-new-thing.change.md", "`a` does b. Outputs unchanged.\n", 0),
        ("A_new_thing.change.md", "`a` does b. Outputs unchanged.\n", 1),
        ("thing.feature.md", "`a` does b. Outputs change for b.\n", 1),
        ("thing.change.md", "`a` does b.\n", 1),
        ("thing.change.md", "- `a` does b. Outputs unchanged.\n", 1),
        ("thing.md", "- a does b", 3),
    ],
)
def test_what_is_wrong_with_a_fragment_is_found(name, text, wrong):
    assert len(wrong_with(name, text)) == wrong


def test_towncrier_puts_fragments_above_the_last_release(tmp_path):
    pytest.importorskip("towncrier")
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "changelog.d").mkdir()
    shutil.copy(FRAGMENTS / "template.md", tmp_path / "changelog.d")
    (tmp_path / "changelog.d" / "one.change.md").write_text("One thing\non two lines. Outputs unchanged.\n")
    (tmp_path / "changelog.d" / "two.change.md").write_text("Another. Outputs change.\n")
    before = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "towncrier", "build", "--keep", "--version", "9.9.9", "--date", "2030-01-01"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    after = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    head, line, rest = before.partition("below this line -->\n\n")
    new = "## 9.9.9 (2030-01-01)\n\n- One thing\n  on two lines. Outputs unchanged.\n- Another. Outputs change.\n\n"
    assert after == head + line + new + rest
