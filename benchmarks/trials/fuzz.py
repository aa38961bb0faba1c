"""Fuzz the core for ten minutes: ``python -m benchmarks.trials.fuzz``. What is found stays in benchmarks/.cache/fuzz."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 600


def main() -> int:
    """Run tests/support/fuzzing.py for longer than a test may take, and return what it returned."""
    kept = ROOT / "benchmarks" / ".cache" / "fuzz"
    command = [sys.executable, "-m", "support.fuzzing", str(SECONDS), str(kept)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "tests")}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
