"""Things that can only be measured in a process that has done nothing yet: imports, first calls, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.contract import Pass, Run, Spec

CACHE = Path(__file__).parents[1] / ".cache"


def run_fresh(code: str, *arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run code in a new interpreter of this environment and return the JSON of its last line.

    Bytecode must be cached as it is for a user, even where PYTHONDONTWRITEBYTECODE is set, or an import would
    be charged for compiling; it goes to a folder of the benchmark's own.
    """
    own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    own |= {"PYTHONPYCACHEPREFIX": str(CACHE / "pycache")} | (env or {})
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the process died")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


_TIMED_IMPORT = """
import json, time
start = time.perf_counter()
{statement}
print(json.dumps(dict(seconds=time.perf_counter() - start)))
"""


def prepare_import(statement: str) -> Run:
    """Return a run that times one import statement in a new interpreter, its bytecode already cached."""
    code = _TIMED_IMPORT.format(statement=statement)
    run_fresh(code)
    return lambda: Pass(seconds=run_fresh(code)["seconds"], rows=1)


def prepare_start(statement: str, spec: Spec) -> Run:
    """Return the run of a start scenario for a rival of which only the import is measured."""
    if spec["options"]["step"] != "import":
        raise ValueError(f"expected the step 'import', got {spec['options']['step']!r}")
    return prepare_import(statement)
