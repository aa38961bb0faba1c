"""The command line of headwater, with one file per command, imported when it runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    tokens
        The arguments after the program's name; None takes them from the process.

    Returns
    -------
    int
        The exit status: 0; 2 after a mistake in the options or the input; 130 after Ctrl-C.
    """
    if tokens is None:
        # While modules load, Ctrl-C ends the process at once without a traceback. Commands install their own handlers later.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        tokens = sys.argv[1:]
        from headwater.cli.commands import run_process

        return run_process(tokens)
    from headwater.cli.commands import run

    return run(tokens)
