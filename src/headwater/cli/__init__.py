"""The command line: ``headwater learn``, ``predict``, ``show``. One file a command; each is imported when it is run."""

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
        # While modules load, Ctrl-C ends the process at once and in silence; a run installs its own way of stopping.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        tokens = sys.argv[1:]
        from headwater.cli.commands import run_process

        return run_process(tokens)
    from headwater.cli.commands import run

    return run(tokens)
