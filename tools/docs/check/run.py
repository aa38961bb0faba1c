"""Run headwater.interop.check on headwater and on other libraries, each in an environment of its own, and write docs/check.md.

    .venv/bin/python tools/docs/check/run.py               all of them
    .venv/bin/python tools/docs/check/run.py sklearn vw    only these; the others' columns stay as they are

Environments are built by benchmarks/rivals/setup from the pins in benchmarks/rivals/requirements; deep-river's asks for
PyTorch 2.5, of which the index has a CUDA build only: 5 GB. What ran is kept in tools/docs/check/ran.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
KEPT, PAGE = HERE / "ran.json", ROOT / "docs" / "check.md"
ENVIRONMENTS = {
    "headwater": None,
    "river": "check/river",
    "deep_river": "check/deep_river",
    "sklearn": "sklearn",
    "vw": "vw",
}
NAMES = {"deep_river": "deep-river", "sklearn": "scikit-learn", "vw": "Vowpal Wabbit", "river": "River"}
MARKS = {"passed": "✓", "failed": "✗", "not offered": "–"}
PATIENCE_S = 600

# What maintainers have said in issues that are open, what is by design, and what was looked up in the source. A learner
# is given by the beginning of its name, "" for all of a library.
CREDITS = (
    ("River", "scaler", "predict_is_pure", "the scaler keeps a variance for the unknown name; no prediction shows it"),
    ("River", "scaler", "weight_zero", "the model takes the weight, the scaler in front has none and counts the row"),
    ("River", "scaler", "poison", "cleaning rows is left to the steps in front"),
    (
        "River",
        "scaler",
        "block_is_single",
        "by design, one step for all rows; rows in turn: online-ml/river#1912, open",
    ),
    ("River", "HoeffdingAdaptiveTree", "weight_zero", "its bootstrap draws a number for the row all the same"),
    ("River", "ARF", "weight_zero", "its bootstrap draws numbers for the row all the same"),
    ("River", "ARF", "new_features", "by design, each tree draws its subset among the names there are"),
    ("deep-river", "", "predict_is_pure", "a predict adds names too; stable places: online-ml/deep-river#161, open"),
    ("deep-river", "", "new_features", "stable places: online-ml/deep-river#161, opened by its maintainer"),
    ("deep-river", "", "new_classes", "stable places: online-ml/deep-river#161, opened by its maintainer"),
    ("deep-river", "", "block_is_single", "by design, a block is a mini-batch: one step for all its rows"),
    ("scikit-learn", "", "cold_predict", "by design"),
    ("scikit-learn", "", "any_sample", "by design, a fixed number of columns and no NaN"),
    ("scikit-learn", "", "new_features", "by design, a fixed number of columns"),
    ("scikit-learn", "", "arrival_order", "by design, a fixed number of columns"),
    ("scikit-learn", "", "new_classes", "by design; asked for in scikit-learn/scikit-learn#11759, open"),
    ("scikit-learn", "MLP", "block_is_single", "by design, `partial_fit` shuffles and takes mini-batches"),
    ("scikit-learn", "SGD", "block_is_single", "by design, `partial_fit` shuffles the rows"),
    ("Vowpal Wabbit", "", "new_classes", "by design, `--oaa k` has its classes from the start"),
    ("Vowpal Wabbit", "", "predict_is_pure", "its counts of examples go along; no prediction shows it"),
)


def run(library: str) -> dict[str, Any]:
    """Check one library's learners; say why if that can't be done."""
    env = ENVIRONMENTS[library]
    python = sys.executable
    if env is not None:
        setup = [str(ROOT / "benchmarks" / "rivals" / "setup"), env]
        built = subprocess.run(
            setup, env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True, check=False
        )
        if built.returncode:
            return {"library": library, "missing": last_line(built.stderr)}
        python = str(ROOT / "benchmarks" / ".envs" / env / "bin" / "python")
    command = [python, "-c", "import adapters; adapters.main()", library]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return {"library": library, "missing": f"no answer in {PATIENCE_S} s"}
    if done.returncode:
        return {"library": library, "missing": last_line(done.stderr)}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it died in silence"])[-1]


def page(ran: dict[str, dict[str, Any]], promises: dict[str, str]) -> str:
    """Return docs/check.md."""
    lines = [HEAD, "## The promises", "", "| check | what it asks |", "|---|---|"]
    lines += [f"| `{name}` | {promise} |" for name, promise in promises.items()]
    lines += ["", "## What was seen", "", MEANING, ""]
    for task, title in (("classify", "Classifiers"), ("regress", "Regressors")):
        lines += [f"### {title}", "", *table(ran, promises, task), ""]
    lines += ["## In words", ""]
    for library, answer in ran.items():
        lines += details(library, answer)
    return "\n".join(lines).rstrip() + "\n"


def table(ran: dict[str, dict[str, Any]], promises: dict[str, str], task: str) -> list[str]:
    """Return one table: a row a check, a column a learner."""
    columns = [
        (NAMES.get(library, library), report)
        for library, answer in ran.items()
        for report in answer.get("reports", [])
        if report["task"] == task
    ]
    lines = ["| |" + "|".join(f" {library}<br>{report['learner']} " for library, report in columns) + "|"]
    lines.append("|---|" + ":-:|" * len(columns))
    for name in promises:
        if task == "regress" and name == "new_classes":
            continue
        found = [next(r for r in report["results"] if r["name"] == name) for _, report in columns]
        lines.append(f"| `{name}` |" + "|".join(f" {MARKS[r['outcome']]} " for r in found) + "|")
    return lines


def details(library: str, answer: dict[str, Any]) -> list[str]:
    """Return what each learner of a library did where it did not pass, with credits."""
    name = NAMES.get(library, library)
    if "missing" in answer:
        return [f"### {name}", "", f"Could not be run here: {answer['missing']}", ""]
    versions = ", ".join(f"{package} {version}" for package, version in answer["versions"].items())
    lines = [f"### {name}", "", f"{versions}.", ""]
    for report in answer["reports"]:
        seen = [r for r in report["results"] if r["outcome"] == "failed"]
        if not seen:
            lines.append(f"- **{report['learner']}** keeps every promise that it makes.")
        for r in seen:
            said = f"- **{report['learner']}**, `{r['name']}`: {r['detail']}"
            lines.append(said + credit(name, report["learner"], r["name"]))
    return [*lines, ""]


def credit(library: str, learner: str, check: str) -> str:
    """Return what is known about a finding, in brackets."""
    of = [text for name, start, key, text in CREDITS if (name, key) == (library, check) and learner.startswith(start)]
    return f" ({of[0]})" if of else ""


HEAD = """# What online learners promise, and keep

This page is written by `tools/docs/check/run.py` from what ran; don't edit it. The suite is
[`headwater.interop.check`](../src/headwater/interop/check): it needs nothing but Python, asserts values, and runs on any learner with
`learn_one(x, y)` and `predict_one(x)` or `predict_proba_one(x)`, and on any anomaly model with `learn_one(x)` and `score_one(x)`:

```python
from headwater.interop.check import check_online_learner

report = check_online_learner(make_my_learner, dump=pickle.dumps, load=pickle.loads)
print(report)
report.raise_if_failed()  # in a test suite
```
"""
MEANING = """✓ kept, ✗ not kept, – not offered. The promises are those that headwater makes for itself, so it is no wonder
that it keeps them: other libraries promise other things, and several of the ✗ are choices with good reasons, which their
documentation states. If a result looks unfair, the adapter in `tools/docs/check/adapters.py` is where to mend it."""


def main() -> None:
    from headwater.interop.check import CHECKS

    ran: dict[str, dict[str, Any]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for library in sys.argv[1:] or ENVIRONMENTS:
        print(f"{library} …", flush=True)
        ran[library] = run(library)
    ran = {library: ran[library] for library in ENVIRONMENTS if library in ran}
    KEPT.write_text(json.dumps(ran, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(ran, {name: check.promise for name, check in CHECKS.items()}))


if __name__ == "__main__":
    main()
