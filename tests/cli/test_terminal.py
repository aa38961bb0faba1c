"""A terminal of any encoding is shown what it can show, and nothing that was learned is lost for a character."""

import os
import subprocess
import sys

import pytest

import headwater as hw

CODE = """
import headwater as hw
model = hw.load("zh.hw")
print(model.explain_one({"城市": "北京", "温度": 3.0}))
print(model.diagnose())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("zh")
    rows = [f"{('北京', '上海', 'Zürich')[i % 3]},{i % 40},{'热' if i % 40 > 20 else '冷'}\n" for i in range(300)]
    (path / "zh.csv").write_text("城市,温度,结果\n" + "".join(rows), encoding="utf-8")
    return path


def run(folder, encoding, *arguments, columns=80):
    env = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": str(columns)}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(encoding)
    return done.stdout.decode(encoding)


@pytest.mark.parametrize(("encoding", "columns"), [("cp1252", 80), ("gbk", 40), ("ascii", 200), ("utf-8", 80)])
def test_a_file_is_learned_shown_and_explained_whatever_the_terminal_can_show(folder, encoding, columns):
    (folder / "zh.hw").unlink(missing_ok=True)
    learned = run(
        folder, encoding, "-m", "headwater", "learn", "zh.csv", "--target", "结果", "--model", "zh.hw", columns=columns
    )
    shown = run(folder, encoding, "-m", "headwater", "show", "zh.hw", columns=columns)
    explained = run(folder, encoding, "-c", CODE)
    assert hw.load(folder / "zh.hw").n_learned == 300
    name = "温度" if encoding in ("gbk", "utf-8") else r"\u6e29\u5ea6"
    assert all(name in text.replace("\n", "") for text in (learned, shown, explained))
    assert ("+█" if encoding in ("gbk", "utf-8") else "+#") in explained
