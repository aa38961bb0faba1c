"""Dispatch a command line to its command, and print any error as one sentence on stderr with exit status 2."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, get_args

from cyclopts import App, ArgumentCollection, CoercionError, CycloptsError, Parameter

from headwater.cli.options.shared import STDIN
from headwater.cli.short import SHORT
from headwater.errors import HeadwaterError

__all__ = ["run", "run_process"]

_WRONG = 2  # the exit status of a usage error since getopt
_INTERRUPTED = 130  # 128 + SIGINT
_FRACTION = re.compile(r"\.0*[1-9]")
COMMANDS = (
    ("headwater.cli.look:look", "look", "Show how the columns of a source are read, before anything is learned."),
    ("headwater.cli.runs.any_kind:learn", "learn", "Learn from a stream, scoring each row before it is learned."),
    ("headwater.cli.model.predict:predict", "predict", "Predict the rows of a stream with a saved model."),
    ("headwater.cli.model.explain:explain", "explain", "Say what moved the predictions of a saved model."),
    ("headwater.cli.model.diagnose:diagnose", "diagnose", "Report problems of a model or a stream."),
    ("headwater.cli.model.show:show", "show", "Show the parts of a saved model and what it has learned."),
    (
        "headwater.cli.service.serve:serve",
        "serve",
        "Serve models that learn from a live stream, and a page to watch them.",
    ),
    ("headwater.cli.runs.bench:bench", "bench", "Measure what a row costs on your stream, beside other libraries."),
    ("headwater.cli.service.top:top", "top", "Show in the terminal how a running server stands."),
    ("headwater.cli.service.label:label", "label", "Label the rows that are worth it, one key a row."),
    (
        "headwater.cli.model.export:export",
        "export",
        "Write a model as a page, or as C for a microcontroller, that learns there.",
    ),
    (
        "headwater.cli.model.migrate:migrate",
        "migrate",
        "Write a file or a store of an earlier version in today's format.",
    ),
    ("headwater.cli.dossier.command:dossier", "dossier", "Write two pages for auditors about a store or a model file."),
    ("headwater.cli.service.cluster:app", "cluster", "Train one model with several workers, and show the status."),
    ("headwater.cli.service.store:app", "store", "Check, compact or export the file of a durable learner."),
)
"""Where each command of all kinds is, its name, and what it does. Short names for a kind are in `short`."""
_BRIEF = {"learn": "headwater.cli.learn:learn"}
"""Where a command is without the options of single kinds, which take 10 ms to declare and few lines name."""
_HELP = {"--help", "-h"}


def run_process(tokens: Sequence[str]) -> int:
    """Run the command line of this process."""
    from headwater.streams.files.terminal import open_closed, print_any_text

    # Containers are stopped by SIGTERM. Handle it as Ctrl-C, so that what was learned is saved.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    open_closed()
    print_any_text()
    status = run(tokens)
    try:
        sys.stdout.flush()
    except OSError as error:
        status = _output_failed(error)
    return status


def run(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        if "://" in " ".join(tokens):
            _check_passwords(tokens)
        status = _carried_out(list(map({"-": STDIN}.get, tokens, tokens)))
    except HeadwaterError as error:
        return _say(str(error))
    except CycloptsError as error:
        from headwater.cli.terminal.usage import usage_error

        return _say(str(usage_error(error)))
    except BrokenPipeError:
        _close_output()  # the reader (head, less) closed the pipe
        return 0
    except OSError as error:
        return _output_failed(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return 0  # rich has met the closed pipe, and ends with 1
    return status if isinstance(status, int) else 0


def _carried_out(tokens: list[str]) -> Any:
    """Carry out a command line, read without the options of single kinds where it has none and asks for no help."""
    if not _BRIEF.keys().isdisjoint(tokens[:1]) and _HELP.isdisjoint(tokens):
        with suppress(CycloptsError):
            return _app(_BRIEF)(tokens)
    return _app()(tokens)


def _check_passwords(tokens: Sequence[str]) -> None:
    from headwater.streams.brokers.address import SCHEMES
    from headwater.streams.brokers.security import check_arguments

    check_arguments(tokens, SCHEMES)


def _output_failed(error: OSError) -> int:
    """Report that output could not be written, for example to a full disk."""
    if isinstance(error, BrokenPipeError):
        _close_output()
        return 0
    if error.filename is None:
        _close_output()
    at = error.filename or "the output"
    return _say(
        f"expected to read and write, got {(error.strerror or str(error)).lower()} — at {at}. Mend that, then try again."
    )


def _close_output() -> None:
    # Otherwise Python fails again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version() -> str:
    from headwater.errors._version import own_version

    return own_version()


def _refuse_fractions(app: App, command: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse 1.5 where a whole number belongs, which the parser would round."""
    for argument in arguments:
        for token in argument.tokens:
            if _FRACTION.search(token.value) and _is_whole(argument.hint):
                raise CoercionError(token=token, argument=argument, target_type=int, command_chain=command)


def _is_whole(hint: Any) -> bool:
    """Return whether a value of this type is a whole number."""
    kinds = get_args(hint) or (hint,)
    return int in kinds and float not in kinds


def _shown(default: Any) -> Any:
    """Return a default as the help shows it: None, which isn't shown, for what stands for an option that was not given."""
    return None if default is False or default in (None, "") else str(default)


def _app(others: Mapping[str, str] = MappingProxyType({})) -> App:
    """Return what reads a command line, with the commands of ``others`` in place of those of the same names."""
    app = App(
        name="headwater",
        help="Neural networks that learn online: predict, see the answer, learn, one row at a time.",
        version=_version,
        help_format="plaintext",
        default_parameter=Parameter(negative=(), show_default=_shown),
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        config=_refuse_fractions,
    )
    for target, name, about in COMMANDS:
        app.command(others.get(name, target), name=name, help=about)
    for target, name, about in SHORT:
        if find_spec(target.partition(":")[0]) is not None:
            app.command(target, name=name, help=about)
    return app


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return _WRONG
