"""Open stores and model files that were changed at random: ``PYTHONPATH=tests python -m support.hostile.run 20000 --seed 1``.

Each is opened and goes on with the same bits, or says in one sentence of headwater's why not. Never anything else.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from support.hostile.cases import CASES, Case, Outcome

__all__ = ["Tried", "try_case"]

_SECONDS = 120
"""A case that takes longer never ends."""
_MEMORY = 6 << 30


class Tried:
    """A case with a sound file, and what comes of it."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder = case, folder
        folder.mkdir()
        self.sound = folder / "sound"
        case.make(self.sound)
        self.expected = self.outcome(self._copy("expected"))
        assert not self.expected.errors, (case.name, self.expected.errors)
        assert self.outcome(self._copy("again")).states == self.expected.states, case.name

    def _copy(self, name: str) -> Path:
        (self.folder / name).mkdir()
        return Path(shutil.copy(self.sound, self.folder / name / "a.db"))

    def outcome(self, path: Path) -> Outcome:
        """Use a file; return what was found."""
        found = Outcome()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            with found.may_refuse():
                self.case.use(path, found)
        return found

    def once(self, seed: int) -> tuple[str, str]:
        """Change a copy and use it; return how it went, and what is wrong with that."""
        rng = random.Random(f"{self.case.name} {seed}")
        path = self._copy(str(seed))
        try:
            done, fits = self.case.change(rng, path)
            if not done:
                return "unchanged", ""
            found = self.outcome(path)
            went, wrong = self._judged(found, fits)
            return went, wrong and f"{self.case.name}, seed {seed}: {done}: {wrong}"
        except Exception:  # noqa: BLE001 - what is looked for
            return "raw", f"{self.case.name}, seed {seed}:\n{traceback.format_exc()}"
        finally:
            shutil.rmtree(path.parent)

    def _judged(self, found: Outcome, fits: bool) -> tuple[str, str]:
        for said in (*map(str, found.errors), *found.looked):
            if len(said.splitlines()) != 1 or not said.startswith(("expected ", "SQLite reports: ")):
                return "raw", f"no sentence: {said!r}"
        went = "refused" if found.errors else "worked"
        if not fits and not found.set_aside:
            for where in found.certain:
                if found.states[where] != self.expected.states.get(where):
                    return went, f"another state at {where}"
        return went, ""


def try_case(case: Case, folder: Path, seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Try a case with many changes; return how often it went which way, and what was wrong."""
    tried, counts, wrong = Tried(case, folder), Counter[str](), []
    for seed in seeds:
        faulthandler.dump_traceback_later(_SECONDS, exit=True)
        began = time.perf_counter()
        went, problem = tried.once(seed)
        counts[went] += 1
        if problem:
            wrong.append(problem)
        elif time.perf_counter() - began > _SECONDS / 6:
            wrong.append(f"{case.name}, seed {seed}: took {time.perf_counter() - began:.0f} s")
    faulthandler.cancel_dump_traceback_later()
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, help="changes, shared out among the cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    cases = [case for case in CASES if asked.only in case.name]
    each, all_, bad = -(-asked.count // len(cases)), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        for i, case in enumerate(cases):
            began = time.perf_counter()
            first = asked.seed * 1_000_000
            counts, wrong = try_case(case, Path(name, str(i)), range(first, first + each))
            all_, bad = all_ + counts, bad + len(wrong)
            print(f"{case.name}: {dict(counts)}, {len(wrong)} wrong ({time.perf_counter() - began:.0f} s)", flush=True)
            for one in wrong[:20]:
                print(one, flush=True)
            shutil.rmtree(Path(name, str(i)))
    print(f"{sum(all_.values())} changes: {dict(all_)}, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
