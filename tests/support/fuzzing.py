"""libFuzzer's targets in tests/core/hostile/fuzz: builds them, and runs each for a while.

``PYTHONPATH=tests python -m support.fuzzing SECONDS [FOLDER]`` runs all; what it finds, and the inputs that led to new code, stay in the folder.
What it once found lies beside the targets (``NAME-WHAT.bin``), and each run begins with it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.programs import CLANG, PROGRAMS, Target, build

FUZZ = PROGRAMS.parent / "hostile" / "fuzz"
NAMES = sorted(path.stem for path in FUZZ.glob("*.c"))
CHECKS = ("-O1", "-g", "-fsanitize=address,undefined,float-cast-overflow,fuzzer", "-fno-sanitize-recover=all")
TARGET = Target(CLANG, CHECKS, (1,))
MEGABYTES = 3000


def lacking(folder: Path) -> str:
    """What is missing to build a target, if anything is."""
    if not CLANG:
        return "clang is not installed"
    source = folder / "nothing.c"
    source.write_text("int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return !data && size; }\n")
    command = [*CLANG, *CHECKS, str(source), "-o", str(folder / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "clang's libFuzzer is not installed" if done.returncode else ""


def build_all(folder: Path, names: Iterable[str] = NAMES) -> dict[str, Path]:
    """Build the targets."""
    return {name: build(TARGET, FUZZ / f"{name}.c", folder / name) for name in names}


def fuzz(program: Path, seconds: int, inputs: Path) -> str:
    """Run a target; what it found, if it found anything."""
    if not inputs.exists():
        inputs.mkdir(parents=True)
        draw = random.Random(0)
        for i in range(8):
            (inputs / f"begin-{i}").write_bytes(draw.randbytes(3000))
        for found in FUZZ.glob(f"{program.name}-*.bin"):
            shutil.copy(found, inputs)
    # The memory limit is AddressSanitizer's, on what is resident now: libFuzzer's own takes the peak that Linux hands down from the process that started it.
    limits = [
        f"-max_total_time={seconds}",
        "-timeout=60",
        "-rss_limit_mb=0",
        f"-malloc_limit_mb={MEGABYTES}",
        "-max_len=8192",
        "-print_final_stats=1",
    ]
    command = [str(program), *limits, f"-artifact_prefix={inputs}.found-", str(inputs)]
    environment = {**os.environ, "ASAN_OPTIONS": f"hard_rss_limit_mb={MEGABYTES}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, errors="replace")
    print(program.name, *(line for line in done.stderr.splitlines() if line.startswith(("Done", "stat::peak"))))
    return done.stderr[-6000:] if done.returncode else ""


def main(seconds: int, folder: Path) -> int:
    with tempfile.TemporaryDirectory() as built:
        missing = lacking(Path(built))
        if missing:
            print(missing, file=sys.stderr)
            return 1
        made = build_all(Path(built))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = list(pool.map(lambda name: fuzz(made[name], seconds, folder / name), NAMES))
    print(*found, sep="\n")
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".cache/fuzz")))
