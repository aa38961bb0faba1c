"""ARCHITECTURE.md tells the truth: files and functions exist, rooms are all told, and a row walks as written."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from headwater import nn
from headwater.kernels import activations, loss, machine, optim  # noqa: F401  they fill the tables
from headwater.kernels._op import LOSSES, OPS, RULES
from test_house import ORDER

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "headwater"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

# Learns a few rows of the page's own example in plain Python and prints every function that the next row enters.
WALK = """
import os, sys
import headwater as hw
from headwater.session import Session
session = Session(hw.Classifier(hidden=(4,), seed=1))
row = {"size": 1.0, "colour": "red"}, "a"
for i in range(20):
    session.step([row[0] if i % 2 else {"size": float(i), "colour": "blue"}], ["a" if i % 2 else "b"])
def hear(frame, event, argument):
    if event == "call":
        # a plain run enters the twins of the sweeps
        file = frame.f_code.co_filename.replace(os.sep, "/").replace("kernels/_plain.py", "kernels/_vector.py")
        print(file, frame.f_code.co_qualname)
sys.setprofile(hear)
session.step([row[0]], [row[1]])
sys.setprofile(None)
"""


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(title: str) -> list[list[str]]:
    """The rows of a section's first table, without its head."""
    rows = re.findall(r"^\|(.*)\|$", section(title), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows][2:]


def file_of(link: str) -> Path:
    return ROOT / re.search(r"\]\(([^)]*)\)", link)[1]


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines at its top, and the methods of its classes as Class.method."""
    names = set()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    choices = [node for node in body if isinstance(node, ast.If)]  # compiled or plain
    for node in [*body, *(inner for choice in choices for inner in choice.body + choice.orelse)]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return frozenset(names)


STEPS = [(re.sub("`", "", row[1]), file_of(row[2])) for row in table("One sample, followed with a finger")]


@pytest.mark.parametrize(("name", "path"), STEPS, ids=[name for name, _ in STEPS])
def test_every_step_of_the_walk_exists(name, path):
    assert name in names_in(path)


def test_a_row_walks_through_the_files_in_the_order_told():
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "HEADWATER_JIT": "0", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    calls = iter(tuple(line.rsplit(" ", 1)) for line in done.stdout.splitlines())
    lost = [name for name, path in STEPS if (path.as_posix(), name) not in calls]  # `in` moves the iterator on
    assert lost == [], "these are not entered after what stands above them"


def test_every_room_is_told_in_the_order_of_the_house():
    told = [re.findall(r"`(\w+)`", row[0]) for row in table("The rooms")]
    tops = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert tops - {name for names in told for name in names} - {"__init__", "__main__"} == set()
    place = {name: i for i, names in enumerate(told) for name in names}
    order = [name for names in ORDER for name in names if name in place]
    assert [place[name] for name in order] == sorted(place[name] for name in order)


PRINCIPLES = table("Where each principle lives")


@pytest.mark.parametrize("row", PRINCIPLES, ids=[row[0][:40] for row in PRINCIPLES])
def test_the_file_of_a_principle_states_it(row):
    _, file, names = row
    assert [name for name in re.findall(r"`([\w.]+)`", names) if name not in names_in(file_of(file))] == []


def test_every_op_loss_rule_and_initializer_stands_in_the_table_of_principles():
    text = section("Where each principle lives")
    activation = [row.name for row in OPS.values() if row.kind == "activation"]
    wanted = [*activation, *LOSSES, *RULES, *nn.INITIALIZERS]
    assert [name for name in wanted if not re.search(rf"\b{name}\b", text)] == []
    schedules = [re.sub(r"(?<=\w)([A-Z])", r"[ -]\1", cls.__name__) for cls in nn.SCHEDULES]
    assert [name for name in schedules if not re.search(name, text, re.IGNORECASE)] == []


def test_every_function_named_beside_a_file_is_in_that_file():
    wrong = []
    for names, link in re.findall(r"((?:`[\w.]+`(?:, | and )?)+) (?:in|of)\s+\[[^\]]*\]\(([^)#]*\.py)\)", PAGE):
        wrong += [f"{name} in {link}" for name in re.findall(r"`([\w.]+)`", names) if name not in names_in(ROOT / link)]
    assert wrong == []


def test_every_other_name_in_code_letters_is_somewhere_in_the_source():
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    names = {name.split(".")[-1] for name in re.findall(r"`([A-Za-z_]\w*(?:\.\w+)*)`", prose)}
    new = {"swish_forward", "swish_backward", "py"}  # of the recipe for what does not exist yet; ends of file names
    missing = [name for name in sorted(names - new) if not re.search(rf"\b{name}\b", source)]
    assert [
        name for name in missing if not (PACKAGE / name).exists() and name not in dict.fromkeys(sum(ORDER, ()))
    ] == []
