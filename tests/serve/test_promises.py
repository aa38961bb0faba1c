"""Each promise of docs/promises.md is linked to its test, and the test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"


def test_every_promise_is_linked_to_a_test_that_exists():
    links = re.findall(r"\[([^\]]+)\]\(\.\./([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 20
    for name, path in links:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert name == path or f"\ndef {name}(" in text, (name, path)


def test_no_row_of_a_promise_is_without_its_proof():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and line[2] != "-"]
    for row in rows:
        proof = row.rstrip("| ").split(" | ")[-1].strip("| ")
        assert proof in ("proof", "the same") or "](../" in proof, row
