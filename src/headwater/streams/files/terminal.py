"""Standard streams of the command, whose terminal may lack characters and whose other end may be closed."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["go_on_unread", "open_closed", "printable", "print_any_text"]

_PLAIN = {
    "█": "#", "─": "-", "—": "-", "–": "-", "−": "-", "…": "...", "→": "->", "←": "<-", "×": "x", "·": "-", "±": "+-", "≤": "<=",
    "≥": ">=", "²": "2", "µ": "u", "’": "'", "‘": "'", "“": '"', "”": '"', "✓": "ok", "✗": "no", "•": "*", "●": "*",
}  # fmt: skip
_NAME = "headwater.plain"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Replace a character that an encoding lacks by a plain sign or its escape, such as ``\u4e2d``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in missing), error.end


codecs.register_error(_NAME, _replace)


def open_closed() -> None:
    """Open the null device for each standard stream that was closed (``>&-``), which Python leaves None.

    Otherwise the next file that is opened takes the descriptor, and receives what is meant for a terminal.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open until the process ends


@contextmanager
def go_on_unread() -> Iterator[None]:
    """Discard standard output from where its reader (``head``, ``less``) has gone, in a run whose result is a file."""
    before = sys.stdout
    if before is not sys.__stdout__ or not isinstance(before, io.TextIOWrapper):  # a notebook's or a test's stand-in
        yield
        return
    before.flush()
    pipe = io.BufferedWriter(_unread(before.fileno()))
    how: dict[str, Any] = {"encoding": before.encoding, "errors": before.errors, "line_buffering": before.isatty()}
    sys.stdout = io.TextIOWrapper(pipe, **how)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before


def _unread(descriptor: int) -> io.FileIO:
    """Return a descriptor that becomes the null device when the reader of its pipe has gone."""

    class Unread(io.FileIO):
        def write(self, data: Any, /) -> int:
            try:
                return super().write(data)
            except BrokenPipeError:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self.fileno())
                os.close(null)
                return len(data)

    return Unread(descriptor, "w", closefd=False)


def print_any_text() -> None:
    """Let standard output and errors print any text, so that no column name ends a run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a test's stand-in has none, and takes any text
        if reconfigure is not None:
            reconfigure(errors=_NAME)


def printable(text: str) -> str:
    """Return a text with the characters that standard output can show.

    Examples
    --------
    >>> printable("temp  +0.5  +███")
    'temp  +0.5  +███'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, _NAME).decode(encoding)
