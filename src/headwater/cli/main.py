"""Take a command line to its command; whatever goes wrong becomes one sentence on stderr, and exit 2."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Parameter

from headwater.cli.options import STDIN
from headwater.errors import HeadwaterError

__all__ = ["main"]

_WRONG = 2  # the exit status of a usage error since getopt
_INTERRUPTED = 130  # 128 + SIGINT


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
        # What stops a container asks politely first: the same as Ctrl-C, so that what was learned is kept.
        signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
        tokens = sys.argv[1:]
    try:
        status = _app()([STDIN if token == "-" else token for token in tokens])
    except HeadwaterError as error:
        return _say(str(error))
    except CycloptsError as error:
        return _say(f"{str(error).strip()} See: headwater --help")
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would fail once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status if isinstance(status, int) else 0


def _app() -> App:
    app = App(
        name="headwater",
        help="Neural networks that learn online: predict, see the answer, learn, one row at a time.",
        version=lambda: version("headwater"),
        help_format="plaintext",
        default_parameter=Parameter(negative=()),
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.command(
        "headwater.cli.learn:learn", name="learn", help="Learn from a stream, scoring each row before it is learned."
    )
    app.command(
        "headwater.cli.predict:predict", name="predict", help="Predict the rows of a stream with a saved model."
    )
    app.command("headwater.cli.diagnose:diagnose", name="diagnose", help="Say what is wrong with a model or a stream.")
    app.command("headwater.cli.show:show", name="show", help="Show what a saved model is made of and has seen.")
    app.command(
        "headwater.cli.serve:serve",
        name="serve",
        help="Serve models that learn from a live stream, and a page to watch.",
    )
    app.command("headwater.cli.store:app", name="store", help="Check, compact or export the file of a durable learner.")
    return app


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return _WRONG
