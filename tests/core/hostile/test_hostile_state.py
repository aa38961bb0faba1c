"""Nothing in a model file is believed: 2,880 files with something wrong and a right digest are refused, or can be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES, STRETCH = 2880, 360
LONGEST = 300  # seconds for a stretch; what takes longer hangs


def outcomes(folder: Path, first: int, stop: int) -> list[tuple[int, str, str, str]]:
    """What became of each file; where one ends the process, the next process goes on behind it."""
    out: list[tuple[int, str, str, str]] = []
    while first < stop:
        command = [
            sys.executable,
            str(Path(__file__).with_name("hostile_state.py")),
            str(folder),
            str(first),
            str(stop),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
            printed, ending = (
                done.stdout,
                f"ended with {done.returncode}: {done.stderr[-2000:]}" if done.returncode else "",
            )
        except subprocess.TimeoutExpired as late:
            text = late.stdout or b""
            printed, ending = text if isinstance(text, str) else text.decode(), "hangs"
        lines = [json.loads(line) for line in printed.splitlines()]
        out += [tuple(line) for line in lines if isinstance(line, list)]
        if not ending:
            return out
        last = next((line for line in reversed(lines) if isinstance(line, int)), first)
        out.append((last, "", "ended", ending))
        first = last + 1
    return out


def test_a_file_with_a_right_digest_and_wrong_contents_is_refused_or_can_be_used(tmp_path: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        starts = range(0, FILES, STRETCH)
        parts = pool.map(lambda first: outcomes(tmp_path, first, first + STRETCH), starts)
        tried = [one for part in parts for one in part]
    wrong = [one for one in tried if one[2] in ("raw", "ended")]
    assert wrong == []
    counts = Counter(became for _, _, became, _ in tried)
    assert counts.total() == FILES
    assert counts["refused"] + counts["used"] > 0.8 * FILES  # the others: what was to be wrong was there before
    assert counts["refused"] > FILES / 4
    assert counts["used"] > FILES / 8
