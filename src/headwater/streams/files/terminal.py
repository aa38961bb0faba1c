"""Print text on terminals whose encoding lacks some characters."""

from __future__ import annotations

import codecs
import sys

__all__ = ["printable", "print_any_text"]

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
