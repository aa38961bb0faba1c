"""The how-to pages do what they say: their Python blocks and commands run in the order in which they stand."""

import re
import shlex
from pathlib import Path

import pytest

from headwater.cli import main

HOWTO = Path(__file__).resolve().parents[3] / "docs" / "how-to"
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

WITHOUT_COMMANDS = ("notebook.md", "coverage.md", "which-learner.md", "coming-from.md")


@pytest.mark.parametrize(
    "page",
    [
        "data.md",
        "../zh/how-to/data.md",
        "diagnose.md",
        "drift.md",
        "explain.md",
        "notebook.md",
        "fleet.md",
        "anomalies.md",
        "../zh/how-to/anomalies.md",
        "forecasts.md",
        "../zh/how-to/forecasts.md",
        "decisions.md",
        "../zh/how-to/decisions.md",
        "coverage.md",
        "../zh/how-to/coverage.md",
        "many-answers.md",
        "../zh/how-to/many-answers.md",
        "text.md",
        "../zh/how-to/text.md",
        "memory.md",
        "../zh/how-to/memory.md",
        "control.md",
        "../zh/how-to/control.md",
        "which-learner.md",
        "../zh/how-to/which-learner.md",
        "coming-from.md",
        "../zh/how-to/coming-from.md",
    ],
)
def test_the_blocks_and_commands_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, ran = {}, set()
    for kind, code in BLOCK.findall((HOWTO / page).read_text(encoding="utf-8")):
        ran.add(kind)
        if kind == "python":
            exec(compile(code, page, "exec"), names)
            continue
        for line in code.splitlines():
            assert main(shlex.split(line)[1:]) == 0, line
            assert capsys.readouterr().out, line
    assert ran == ({"python"} if page.endswith(WITHOUT_COMMANDS) else {"python", "sh"})


@pytest.mark.parametrize("page", ["which-learner.md", "coming-from.md"])
@pytest.mark.parametrize("folder", ["", "../zh/how-to"])
def test_what_the_first_guides_show_is_what_their_code_prints(folder, page, capsys):
    text = (HOWTO / folder / page).read_text(encoding="utf-8")
    pairs = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.MULTILINE | re.DOTALL)
    names = {}
    for code, output in pairs:
        exec(compile(code, page, "exec"), names)
        assert capsys.readouterr().out == output
    assert any(output for _, output in pairs)
