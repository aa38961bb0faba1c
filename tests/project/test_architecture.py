"""ARCHITECTURE.md and the pages behind it tell the truth: files and functions exist, rooms are all told, and a row walks as written.

The walk is proved by a real run. The core is compiled with a call at the head of each of its functions, a classifier learns a
few rows with it, and for the next row both Python and the core write down every function they enter, into one list.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from functools import cache
from pathlib import Path

import pytest
from tools.build.compiler import find
from tools.build.core import Unit, compiled, units
from tools.build.extension import ABI3, BINDING, STABLE

from headwater import nn
from headwater.plain import ACTIVATIONS, LOSSES, RULES
from project.test_house import ORDER

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "headwater"
FIRST = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PAGE = FIRST + "".join(
    (ROOT / f"docs/{name}.md").read_text(encoding="utf-8").replace("](../", "](") for name in ("rooms", "principles")
)
SCREENS = 6
"""Of so many lines of 130 characters, 60 on each, the first page has at most."""

# Each function of the core that is entered writes how far it lies behind the library's beginning.
RECORDER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#define QUIET __attribute__((no_instrument_function))
int recorder = -1; /* where to write; below 0: nowhere */
QUIET void __cyg_profile_func_enter(void *function, void *caller);
QUIET void __cyg_profile_func_exit(void *function, void *caller);
void __cyg_profile_func_enter(void *function, void *caller)
{
    Dl_info library;
    (void)caller;
    if (recorder >= 0 && dladdr(function, &library))
        dprintf(recorder, "+%zx\\n", (size_t)((char *)function - (char *)library.dli_fbase));
}
void __cyg_profile_func_exit(void *function, void *caller) { (void)function, (void)caller; }
"""

# Learns a few rows of the page's own example, then writes down every function that the next row enters.
WALK = """
import ctypes, importlib.util, os, sys, tempfile
library = os.environ["CORE"]
spec = importlib.util.spec_from_file_location("headwater._core", library)
core = sys.modules["headwater._core"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(core)
import headwater as hw
from headwater.route.session import Session
recorder = ctypes.c_int.in_dll(ctypes.CDLL(library), "recorder")
colours = {"a": "red", "b": "blue"}
with tempfile.TemporaryDirectory() as folder:
    session = Session(hw.Classifier(seed=1), keep=folder + "/model.hw", keep_every=42)
    for i in range(40):
        answer = "ab"[i % 2]
        session.step([{"size": float(i), "colour": colours[answer]}], [answer])
    session.learner.predict_one({"size": 2.0, "colour": "blue"})  # the columns of the first single row are looked at
    def on_call(frame, event, argument):
        if event == "call":
            os.write(1, f"{frame.f_code.co_filename} {frame.f_code.co_qualname}\\n".encode())
    recorder.value = 1
    sys.setprofile(on_call)
    STEP
    sys.setprofile(None)
    recorder.value = -1
"""
BLOCK = 'session.step([{"size": 1.0, "colour": "red"}, {"size": 2.0, "colour": "red"}], ["a", "a"])'
ROW = 'session.step([{"size": 1.0, "colour": "red"}], ["a"])'
EVENT = 'session.learner.learn_one({"size": 1.0, "colour": "red"}, "a")'


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(title: str) -> list[list[str]]:
    """The rows of a section's first table, without its head."""
    rows = re.findall(r"^\|(.*)\|$", section(title), re.MULTILINE)
    return [[cell.strip() for cell in f"{row} ".split(" | ")] for row in rows][2:]


def file_of(link: str) -> Path:
    return ROOT / re.search(r"\]\(([^)]*)\)", link)[1]


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a file defines: a module's names and its classes' methods as Class.method, or what stands in a file of C."""
    text = path.read_text(encoding="utf-8")
    return names_in_c(text) if path.suffix in {".c", ".h"} else names_in_python(text)


def names_in_python(text: str) -> frozenset[str]:
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return frozenset(names)


def names_in_c(text: str) -> frozenset[str]:
    """Functions that are defined, not only declared; macros; constants and lists at the top; structs; rules."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return frozenset(
        re.findall(r"^(?!#)\w[^;={}]*?\b(\w+)\([^;{}]*\)\s*\{", text, re.MULTILINE)
        + re.findall(r"^#define (\w+)", text, re.MULTILINE)
        + [
            name
            for line in re.findall(r"^static const .*?;", text, re.M | re.S)
            for name in re.findall(r"(\w+) =", line)
        ]
        + re.findall(r"^\}\s*(\w+)\[\]\s*=", text, re.MULTILINE)
        + re.findall(r"\bstruct (\w+) \{", text)
        + re.findall(r"^RULE\((\w+)\)", text, re.MULTILINE)
    )


def test_the_first_page_is_six_screens():
    lines = [len(textwrap.wrap(line, 130)) or 1 for line in FIRST.splitlines()]
    assert sum(lines) <= SCREENS * 60


STEPS = [(re.sub("`", "", row[1]), file_of(row[2])) for row in table("One sample, followed with a finger")]


@pytest.mark.parametrize(("name", "path"), STEPS, ids=[name for name, _ in STEPS])
def test_every_step_of_the_walk_exists(name, path):
    assert name in names_in(path)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A function that runs one line of Python, and returns the functions entered, as (file or "", name)."""
    compiler = find()
    if compiler is None or compiler.system != "linux":
        pytest.skip("no C compiler on Linux: the core can't be built so that it tells its calls")
    if not shutil.which("nm"):
        pytest.skip("no nm, which names the core's functions")
    folder = tmp_path_factory.mktemp("recording")
    (folder / "recorder.c").write_text(RECORDER)
    library = folder / "_core.abi3.so"
    python = (f"-I{ABI3}", "-DPy_LIMITED_API=0x030B0000") if STABLE else (f"-I{sysconfig.get_path('include')}",)
    own = (*compiler.architecture(1), *python)
    parts = [unit for unit in units(compiler) if not re.match(r"kernels-[34]-", unit.name)]
    parts += [Unit(f"binding-{path.stem}", path, own) for path in sorted(BINDING.glob("*.c"))]
    objects = compiled(compiler, parts, ("-O0", "-finstrument-functions", "-DHW_ONE_LEVEL"))
    own_first = "-Wl,-Bsymbolic"  # the C library has functions of the recorder's names
    compiler.run(*objects, folder / "recorder.c", "-shared", "-fPIC", own_first, "-ldl", "-o", library)
    listed = subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True).stdout
    names = {int(at, 16): name for at, name in re.findall(r"^([0-9a-f]+) [tT] (\w+)", listed, re.MULTILINE)}
    paths = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "CORE": str(library)}

    def walk(line: str) -> list[tuple[str, str]]:
        command = [sys.executable, "-c", WALK.replace("STEP", line)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        calls = []
        for said in done.stdout.splitlines():
            file, _, name = said.rpartition(" ")
            calls.append((Path(file).as_posix(), name) if file else ("", names.get(int(said, 16), "")))
        return calls

    return walk


def seen(name: str, path: Path) -> tuple[str, str]:
    """A function as a walk sees it; the core's names are its own."""
    return ("", name) if path.suffix in {".c", ".h"} else (path.as_posix(), name)


def test_a_row_walks_through_the_files_in_the_order_told(walked):
    calls = iter(walked(BLOCK))
    lost = [name for name, path in STEPS if seen(name, path) not in calls]  # `in` moves the iterator on
    assert lost == [], "these are not entered after what stands above them"


def test_a_single_row_takes_the_shorter_way_that_is_told(walked):
    inside = [step for step in STEPS if step[1].suffix in {".c", ".h"} and step[1].name != "state.c"]
    assert "`Classifier._learn_row` calls `learner_learn_row`" in re.sub(r"\s+", " ", PAGE)
    calls = iter(walked(ROW))
    row = (PACKAGE / "kinds/classifier_regressor/classifier.py").as_posix()
    assert (row, "Classifier._learn_row") in calls
    assert ("", "learner_learn_row") in calls
    assert [name for name, path in inside[1:] if seen(name, path) not in calls] == []


def test_a_live_event_takes_the_shorter_way_that_is_told(walked):
    inside = [step for step in STEPS if step[1].suffix in {".c", ".h"} and step[1].name != "state.c"]
    assert inside[0][0] == "learner_learn"
    calls = walked(EVENT)
    assert "`Classifier.learn_one` calls `learner_learn_one`" in re.sub(r"\s+", " ", PAGE)
    assert calls[:2] == [
        ((PACKAGE / "kinds/classifier_regressor/classifier.py").as_posix(), "Classifier.learn_one"),
        ("", "learner_learn_one"),
    ]
    rest = iter(calls)
    assert [name for name, path in inside[1:] if seen(name, path) not in rest] == []


def test_every_room_is_told_in_the_order_of_the_house():
    told = [re.findall(r"`(\w+)`", row[0]) for row in table("The rooms")]
    tops = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert tops - {name for names in told for name in names} - {"__init__", "__main__"} == set()
    place = {name: i for i, names in enumerate(told) for name in names}
    order = [name for names in ORDER for name in names if name in place]
    assert [place[name] for name in order] == sorted(place[name] for name in order)
    assert "_core" in order


PRINCIPLES = table("Where each principle lives")


@pytest.mark.parametrize("row", PRINCIPLES, ids=[row[0][:40] for row in PRINCIPLES])
def test_the_file_of_a_principle_states_it(row):
    _, file, names, _ = row
    assert [name for name in re.findall(r"`([\w.]+)`", names) if name not in names_in(file_of(file))] == []


def test_every_activation_loss_rule_schedule_and_initializer_stands_in_the_table_of_principles():
    text = section("Where each principle lives")
    wanted = [*ACTIVATIONS, *LOSSES, *RULES, *nn.INITIALIZERS]
    assert [name for name in wanted if not re.search(rf"\b{name}\b", text)] == []
    schedules = [re.sub(r"(?<=\w)([A-Z])", r"[ -]\1", cls.__name__) for cls in nn.SCHEDULES]
    assert [name for name in schedules if not re.search(name, text, re.IGNORECASE)] == []


def test_every_function_named_beside_a_file_is_in_that_file():
    wrong, right = [], 0
    named = r"((?:`[\w.]+`(?:, | and )?)+)\s+(?:in|of)\s+\[[^\]]*\]\(([^)#]*\.(?:py|c|h))\)"
    for names, link in re.findall(named, PAGE):
        found = re.findall(r"`([\w.]+)`", names)
        wrong += [f"{name} in {link}" for name in found if name not in names_in(ROOT / link)]
        right += len(found)
    assert wrong == []
    assert right > 50


def test_every_other_name_in_code_letters_is_somewhere_in_the_source():
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "core").rglob("*.[ch]"), *(ROOT / "src/_core").glob("*.[ch]")]
    files += [path for folder in ("js", "tools/docs/live") for path in (ROOT / folder).rglob("*.mjs")]
    words = {word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    told = PAGE.partition("\n# The principles\n")[0] + section("Where each principle lives")
    prose = re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)
    names = {name.split(".")[-1] for name in re.findall(r"`([A-Za-z_]\w*(?:\.\w+)*)`", prose)} - {"py"}
    rooms = dict.fromkeys(sum(ORDER, ()))
    assert [name for name in sorted(names - words) if not (PACKAGE / name).exists() and name not in rooms] == []


def test_every_file_of_the_core_is_linked_to():
    told = {Path(link).name for link in re.findall(r"\]\((core/[^)]*\.[ch])\)", PAGE)}
    assert {path.name for path in (ROOT / "core").rglob("*.[ch]")} - told == set()
