"""CONTRIBUTING.md's recipes for a kind and for an activation work: they are carried out in copies of the source, and tested there."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.build.compiler import find

from kinds.recipe import FILES, LINE, TEXT

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (
    (ROOT / "CONTRIBUTING.md")
    .read_text(encoding="utf-8")
    .partition("\n## Adding an activation\n")[2]
    .partition("\n## ")[0]
)
CORE = "core/kernels/activations.h"
ROW = "src/headwater/plain/activations.py"
ELSEWHERE = {
    "tests/plain/test_activations.py": "VALUES",
    "tests/oracles/test_torch.py": "ACTIVATIONS",
    "tests/oracles/test_onnx.py": "VECTORS",
}
TRIED = """
import headwater as hw
from headwater import nn
net = nn.Network([nn.Dense(4, "mish"), nn.Dense(1)], inputs=2, seed=1)
net.learn_many([[1.0, 2.0]] * 50, [3.0] * 50)
print(nn.ACTIVATIONS[-1], abs(net.predict([[1.0, 2.0]]).item() - 3.0) < 0.1)
"""


OPEN = {
    *("predict", "show", "diagnose FILE", "explain FILE", "ask, teach", "late", "POST explain", "challengers", "notebook", "explain"),
    *("diagnose", "evaluate", "mlflow", "fleet", "delay", "report"),
}  # fmt: skip
"""Doors of the matrix that the recipe's kind opens."""
INSTEAD = {
    "store": "Ask explain_one(x), which says what the site adds.",  # all of that door opens but for the importance
    "importance": "Ask explain_one(x), which says what the site adds.",
    "onnx": "Write a table of the rates: predict_one(x) of each site.",
    "weights": "Give the exposure: two hours weigh twice as much as one.",
    **dict.fromkeys(("coverage", "cluster", "page", "plot"), "Use a Classifier for this."),
    "sklearn": "Count has no attribute 'fit'. Use learn_many",
}
"""What is said instead at all others."""
WALKED = """
import json, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
from headwater.kinds import KINDS
from kinds.matrix import DOORS, Case, cell
from learner.test_kinds import ROWS

KIND = KINDS[-1]


class Counts(Case):
    @property
    def labels(self):
        return [[4.0 if row["site"] == "b" else 1.0, 2.0] for row in self.rows]


case = Counts("count", KIND.cls, KIND, tuple({**row, "site": "ab"[i % 2]} for i, row in enumerate(ROWS[:200])))
print(json.dumps({door: cell(case, door, Path(sys.argv[1]) / str(i)) for i, door in enumerate(DOORS)}))
"""
USED = """
import json, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
import headwater as hw
from headwater.kinds.count.learner import Count
from headwater.serve.api.events import frame
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint

to = Path(sys.argv[1])
rows = [{"site": "ab"[i % 2]} for i in range(200)]
labels = [{"count": 4 if i % 2 else 1, "exposure": 2} for i in range(200)]
model = Count(prior=20.0)
model.learn_many(rows, labels)
model.save(to / "c.hw")
with hw.open(to / "c.db", Count(prior=20.0)) as store:
    store.teach(rows, labels)
    name, asked = store.predict_with_id(rows[0])
    scores = store.scores
with hw.open(to / "c.db") as again:
    kept = [again.predict_one(rows[0]), again.scores == scores, again.n_learned]
    same = fingerprint(again.learner) == fingerprint(model) == fingerprint(hw.load(to / "c.hw"))
    again.label(name, labels[0])
    late = [again.scores["n"], again.n_learned]
state = make_state(to / "s.db")
state.service.change(state.service.models.create, "default", model)
page = frame(state, state.service.models.by_name["default"], past=True)
state.close()
delayed = hw.Session(Count(), delay=50)
delayed.step(rows, labels)
bad = hw.Session(Count())
bad.step(rows[:4], [[1, 2], "three", [-1, 2], [float("inf"), 2]])
why = model.explain_one({"site": "b"})
print(json.dumps({
    "rates": list(model.ask(rows[:2])["rate"]), "kept": kept, "same": same, "late": late, "asked": asked,
    "scores": [scores["model"], scores["mean rate"]], "about": page["about"], "words": page["views"]["words"],
    "why": [why.baseline, why.contributions], "found": str(model.diagnose()), "settings": repr(model),
    "delayed": [delayed.finish().baselines["mean rate"], delayed.learner.n_learned], "rejected": bad.record().rejected,
}))
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", RECIPE, re.MULTILINE | re.DOTALL)


def put(path: Path, mark: str, text: str) -> None:
    """Put a text before the only place where the mark stands."""
    before = path.read_text(encoding="utf-8")
    assert before.count(mark) == 1, f"{mark!r} in {path.name}"
    path.write_text(before.replace(mark, text + mark), encoding="utf-8")


def carried_out(folder: Path) -> Path:
    """A copy of the source in which the recipe's steps were taken."""
    for name in ("core", "src", "tests", "tools"):
        ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("conftest.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    # The core is built as the recipe says. How fast it is proves nothing here, and GCC takes six times as long to make it fast.
    compiler = folder / "tools/build/compiler.py"
    compiler.write_text(compiler.read_text(encoding="utf-8").replace('"-O3"', '"-O0"', 1), encoding="utf-8")
    (code,) = blocks("c")
    row, lines = blocks("python")
    last = re.search(
        r"#define HW_ACTIVATIONS\(X\).*?(X\(\w+\))\n", (ROOT / CORE).read_text(encoding="utf-8"), re.DOTALL
    )[1]
    listed = re.search(r"row\.name: row for row in \(.*?(\w+)\)\n", (ROOT / ROW).read_text(encoding="utf-8"))[1]
    core, rows = folder / CORE, folder / ROW
    core.write_text(core.read_text(encoding="utf-8").replace(f"{last}\n", f"{last} X(mish)\n", 1), encoding="utf-8")
    put(core, "#define HW_LOOPS(name)", code + "\n")
    rows.write_text(
        rows.read_text(encoding="utf-8").replace(f" {listed})\n", f" {listed}, MISH)\n", 1), encoding="utf-8"
    )
    put(rows, "ACTIVATIONS: dict[str, ActivationRow] = {", row + "\n")
    for (path, name), line in zip(ELSEWHERE.items(), lines.splitlines(keepends=True), strict=True):
        assert f"`{name}` of" in re.sub(r"\s+", " ", RECIPE)
        before = (folder / path).read_text(encoding="utf-8")
        (folder / path).write_text(re.sub(rf"^({name} = {{.*\n)", rf"\g<1>{line}", before, count=1, flags=re.MULTILINE))
    return folder


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_links_to_every_file_it_changes_and_no_other():
    linked = set(re.findall(r"\]\(((?:core|src|tests)/[^)]*\.(?:h|c|py))\)", RECIPE))
    assert linked == {CORE, "core/elementary.h", ROW, *ELSEWHERE}


@pytest.mark.skipif(find() is None, reason="no C compiler: the copy's core can't be built")
def test_an_activation_added_by_the_recipe_passes_the_tests_that_the_recipe_names(tmp_path):
    folder = carried_out(tmp_path)
    build, tests = (line.removeprefix(".venv/bin/").split() for line in blocks("sh")[0].splitlines())
    run(folder, *build[1:])
    assert run(folder, "-c", TRIED).split() == ["mish", "True"]
    said = run(folder, "-m", *tests, "-q", "-p", "no:cacheprovider", "--no-header")
    assert int(re.search(r"(\d+) passed", said)[1]) > 20
    said = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROW, "tests/plain/test_activations.py")
    assert "failed" not in said


@pytest.fixture(scope="module")
def with_count(tmp_path_factory):
    """The folder of a copy of the package that has the recipe's kind."""
    folder = tmp_path_factory.mktemp("count")
    shutil.copytree(ROOT / "src/headwater", folder / "src/headwater", ignore=shutil.ignore_patterns("__pycache__"))
    kinds = folder / "src/headwater/kinds"
    (kinds / "count").mkdir()
    for name, code in FILES.items():
        (kinds / "count" / name).write_text(code, encoding="utf-8")
    listed = kinds / "__init__.py"
    *_, last = re.finditer(r'^ +"headwater\.kinds\.\w+\.kind:\w+",\n', listed.read_text(encoding="utf-8"), re.MULTILINE)
    text = last.string[: last.end()] + LINE + last.string[last.end() :]
    listed.write_text(text, encoding="utf-8")
    (folder / "at").mkdir()
    return folder


def said(folder: Path, *command: str) -> str:
    """What a program prints that finds the copy first, and the tests."""
    paths = os.pathsep.join([str(folder / "src"), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_kind_is_few_lines_of_code_and_links_to_what_it_names():
    assert list(FILES) == ["__init__.py", "kind.py", "learner.py", "score.py"]
    assert sum(len(code.splitlines()) for code in (*FILES.values(), LINE)) <= 120
    assert all((ROOT / place).exists() for place in re.findall(r"\]\(([^)#]*)\)", TEXT))


def test_a_kind_added_by_the_recipe_goes_through_every_door_or_says_what_to_do_instead(with_count):
    cells = json.loads(said(with_count, "-c", WALKED, str(with_count / "at")).splitlines()[-1])
    missing = {"mlflow"} if "BARE ModuleNotFoundError" in cells["mlflow"] else set()
    assert {door for door, cell in cells.items() if cell == "ok"} == OPEN - missing
    refused = {door: cell for door, cell in cells.items() if door not in OPEN}
    assert refused.keys() == INSTEAD.keys()
    for door, cell in refused.items():
        assert cell.startswith("refused: "), (door, cell)
        assert cell.endswith(INSTEAD[door]), (door, cell)


def test_a_kind_added_by_the_recipe_says_keeps_and_scores_what_is_right(with_count, tmp_path):
    found = json.loads(said(with_count, "-c", USED, str(tmp_path)).splitlines()[-1])
    # Site a had 100 events in 200 hours and b 400 in 200, so all had 1.25 an hour, which count for 20 hours more.
    a, b = (100 + 20 * 1.25) / 220, (400 + 20 * 1.25) / 220
    assert found["rates"] == pytest.approx([a, b])
    assert (found["kept"], found["same"], found["late"]) == ([found["rates"][0], True, 200], True, [201, 201])
    assert found["asked"] == found["rates"][0]
    assert found["why"] == [pytest.approx(1.25), {"site": pytest.approx(b - 1.25)}]
    model, usual = found["scores"]
    assert usual["count_error"] == pytest.approx(mean_rate_error(0))
    assert model["count_error"] < usual["count_error"] / 2
    assert found["delayed"] == [{"count_error": pytest.approx(mean_rate_error(50))}, 200]
    reasons = "[count, exposure]", "a number of at least 0", "a number within ±1e+30"
    assert found["rejected"] == {f"answer is not {reason}": 1 for reason in reasons}
    assert found["about"]["one"] == "an event counter"
    assert found["about"]["curve"] == ["model", "mean rate"]
    assert [found["words"][language]["question"] for language in ("en", "zh")] == [
        "How often does it happen?",
        "多久发生一次？",
    ]
    assert found["found"] == "Nothing found over 200 rows."
    assert found["settings"] == "Count(prior=20.0)"


def mean_rate_error(delay: int) -> float:
    """The mean error of a count by the mean rate of the rows whose counts had come, of the rows of ``USED``."""
    counts = [4.0 if i % 2 else 1.0 for i in range(200)]
    known = [counts[: max(i - delay, 0)] for i in range(200)]
    return (
        math.fsum(abs(n - (math.fsum(own) / len(own) if own else 0.0)) for n, own in zip(counts, known, strict=True))
        / 200
    )


def test_a_command_learns_the_kind_added_by_the_recipe_from_a_file(with_count, tmp_path):
    lines = [f"{'ab'[i % 2]},{4 if i % 2 else 1},2" for i in range(200)]
    (tmp_path / "events.csv").write_text("\n".join(["site,n,hours", *lines, ""]))
    told = ("learn", str(tmp_path / "events.csv"), "--task", "count_events", "--count", "n", "--exposure", "hours")
    learned = said(with_count, "-m", "headwater", *told, "--model", str(tmp_path / "c.hw"))
    assert re.search(r"count error", learned)
    predicted = said(
        with_count, "-m", "headwater", "predict", str(tmp_path / "events.csv"), "--model", str(tmp_path / "c.hw")
    )
    head, first, second, *_ = predicted.splitlines()
    assert (head, len(predicted.splitlines())) == ("row,rate", 201)
    assert [float(line.split(",")[1]) for line in (first, second)] == pytest.approx(
        [112.5 / 210, 412.5 / 210], abs=1e-4
    )


def test_the_files_of_the_kind_keep_the_rules_of_the_house(with_count):
    """The formatter's and the linter's, where they are installed, and their examples run."""
    folder = with_count / "src/headwater/kinds/count"
    doctests = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--doctest-modules",
        "--import-mode=importlib",
        "-c",
        os.devnull,
    )
    assert "1 passed" in said(with_count, *doctests, str(folder))
    pytest.importorskip("ruff", reason="ruff is not installed")
    for check in (("check",), ("format", "--check")):
        said(with_count, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml"), "--no-cache", str(folder))
