"""A rival as the runner sees it: a child process in its own environment that answers lines."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.rivals import Rival
from benchmarks.scenarios import Scenario

HERE = Path(__file__).parent
ENVS = HERE / ".envs"
LOGS = HERE / ".cache" / "logs"
PATIENCE_S = 900.0  # the longest that preparing and one pass may take before the rival is given up

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore",
}
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONPATH")  # the first two force slower BLAS kernels on rivals


class RivalMissingError(Exception):
    """A rival's environment hasn't been built; the message is one sentence for the user."""


class RivalFailedError(Exception):
    """A rival died or stopped answering."""


def environment() -> dict[str, str]:
    """Return the variables of every rival alike, headwater included: one thread, nothing that slows BLAS."""
    return {key: value for key, value in os.environ.items() if key not in UNSET} | ONE_THREAD


def build(rivals: Iterable[Rival]) -> None:
    """Build the environments that are missing or whose pins have changed; the others cost a file comparison."""
    names = sorted({rival.env for rival in rivals if rival.env is not None})
    if names:
        command = [str(HERE / "rivals" / "setup"), *names]
        done = subprocess.run(
            command, env=os.environ | {"PYTHON": sys.executable}, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise RivalMissingError(f"expected environments for {', '.join(names)}, got none — see pip's words above.")


def python_of(rival: Rival) -> Path:
    """Return the interpreter of a rival's environment."""
    return Path(sys.executable) if rival.env is None else ENVS / rival.env / "bin" / "python"


class Process:
    """One adapter, alive for the rounds of one scenario."""

    def __init__(self, rival: Rival) -> None:
        """Start the adapter; what it says on standard error goes to a log under benchmarks/.cache."""
        LOGS.mkdir(parents=True, exist_ok=True)
        self.rival = rival
        self._log = (LOGS / f"{rival.name}.log").open("w")
        self._child = subprocess.Popen(
            [str(python_of(rival)), "-m", f"benchmarks.rivals.{rival.module}", *rival.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=HERE.parent,
            env=environment(),
            text=True,
        )

    def measure(self, scenario: Scenario) -> dict[str, Any]:
        """Have the adapter make one pass and return its answer."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps(scenario.line(self.rival.name)) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise RivalFailedError(self._last_words()) from None
        if not select.select([self._child.stdout], [], [], PATIENCE_S)[0]:
            raise RivalFailedError(f"no answer in {PATIENCE_S:.0f} s")
        text = self._child.stdout.readline()
        if not text:
            raise RivalFailedError(self._last_words())
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _last_words(self) -> str:
        """Return the last line that the adapter logged."""
        lines = (LOGS / f"{self.rival.name}.log").read_text().strip().splitlines()
        return lines[-1] if lines else "the process died in silence"

    def close(self) -> None:
        """End the adapter: its input closes, and if that isn't enough it is killed."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.close()
            self._child.wait(timeout=10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._child.kill()
            self._child.wait()
        self._log.close()

    def __enter__(self) -> Process:
        """Return itself, for a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the adapter."""
        self.close()
