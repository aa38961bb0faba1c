"""The way of data through the source: which of our functions are called, in which files, in which order."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "headwater"


@dataclass(frozen=True)
class Walk:
    """The calls of functions in the package, each as (file, function, whether the file was entered from another one)."""

    calls: tuple[tuple[str, str, bool], ...]

    @property
    def files(self) -> list[str]:
        """The files in the order in which they were first entered."""
        return list(dict.fromkeys(file for file, _, _ in self.calls))

    @property
    def entered_again(self) -> dict[str, int]:
        """The files that were entered more than once from another file, and how often."""
        entries = Counter(file for file, _, entered in self.calls if entered)
        return {file: count for file, count in entries.items() if count > 1}


class Recorder:
    """Write down calls of this thread, and of threads that begin after it was made, while it is on."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bool]] = []
        self._on = False
        threading.setprofile(self._note)

    def __enter__(self) -> list[tuple[str, str, bool]]:
        self.calls, self._on = [], True
        sys.setprofile(self._note)
        return self.calls

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        self._on = False

    def close(self) -> None:
        """Record no more threads."""
        threading.setprofile(None)

    def _note(self, frame: Any, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and self._on and file.startswith(f"{PACKAGE}/"):
            caller = frame.f_back.f_code.co_filename if frame.f_back else ""
            self.calls.append((Path(file).relative_to(PACKAGE).as_posix(), frame.f_code.co_qualname, caller != file))


def walked(do: Callable[[], object], *, until: str = "") -> Walk:
    """Do something and write down its calls of functions of the package.

    Parameters
    ----------
    do
        What to do.
    until
        The qualified name of a function whose first call ends the list, such as ``"Engine.learn"``.
    """
    calls: list[tuple[str, str, bool]] = []
    ended = False

    def on_call(frame: Any, event: str, argument: Any) -> None:
        nonlocal ended
        file = frame.f_code.co_filename
        if event != "call" or ended or not file.startswith(f"{PACKAGE}/"):
            return
        caller = frame.f_back.f_code.co_filename if frame.f_back else ""
        calls.append((Path(file).relative_to(PACKAGE).as_posix(), frame.f_code.co_qualname, caller != file))
        ended = bool(until) and frame.f_code.co_qualname == until

    sys.setprofile(on_call)
    try:
        do()
    finally:
        sys.setprofile(None)
    return Walk(tuple(calls))
