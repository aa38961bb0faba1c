"""Keys that somebody presses, one at a time in a terminal and line by line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator

__all__ = ["presses"]

_ENDS = ("", "\x03", "\x04")
"""End of the input, Ctrl-C and Ctrl-D."""


def presses() -> Iterator[str]:
    """Yield what is pressed, with the rest of the line after ``n``, until the input ends."""
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin)
        return
    while (key := _pressed()) not in _ENDS:
        yield f"n {input('class: ')}" if key == "n" else key.strip()


def _pressed() -> str:
    """Return one key of the terminal without waiting for Enter."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.getwch()
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        return sys.stdin.read(1)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
