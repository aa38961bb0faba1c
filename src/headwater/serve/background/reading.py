"""The process of a `Reader`: it reads questions from stdin, brings a learner to the event in question, and writes answers."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import closing
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

import headwater._core as _core
from headwater.errors import HeadwaterError
from headwater.serve.api.looks import LOOKS
from headwater.serve.background.reader import ERRORS, UNREADABLE, Asked, Said, read_frame, write_all, write_frame
from headwater.serve.run import log_lines
from headwater.store.journal import database
from headwater.store.journal.entries import Journal
from headwater.store.journal.snapshots import Snapshots
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.learner_state import LearnerState
from headwater.store.service.model import Model
from headwater.store.service.models import Models

__all__ = ["Beside", "main"]

_log = logging.getLogger("headwater.serve")
_NICE = 5  # the server goes first
_MOST_BYTES = 1_000_000_000  # of learners that stay for the next question


class Beside:
    """The learners of a store that another process has, as far as its journal tells.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, str(path)
        self._states: dict[int, LearnerState] = {}

    def learner(self, asked: Asked) -> Any:
        """Return a learner as it stands after an event."""
        if _core.held() > _MOST_BYTES:
            self._states.clear()
        with closing(database.read_only(self._path)) as base, database.sound(self._at):
            base.execute("BEGIN")
            journal = Journal(base, self._at)
            journal.find_end()
            models = Models(base, self._at, journal, Snapshots(base, self._at, LEARNER_FORMAT))
            model = Model(asked.model, asked.model_name, asked.task, [])
            # While it learns, it is nowhere: should that fail, it begins with a snapshot again.
            known = self._states.pop(asked.learner, None)
            state = models.reached(model, asked.learner, asked.learner_name, asked.seq, known)
        self._states[asked.learner] = state
        return state.learner


def answered(store: Beside, asked: Asked) -> tuple[Said, bytes]:
    """Return the answer to a question, and its bytes; an error is one, too."""
    try:
        body = LOOKS[asked.look](store.learner(asked), **asked.options)
        return Said(len(body)), body
    except HeadwaterError as error:
        parts = {"expected": error.expected, "got": error.got, "at": error.at, "help": error.help, "code": error.code}
        return Said(0, _kind_of(error), parts), b""
    except Exception:  # noqa: BLE001 - the server goes another way, and the log has the trace
        _log.exception("a learner could not be looked at beside the server", extra={"fields": {"look": asked.look}})
        return Said(0, UNREADABLE), b""


def _kind_of(error: HeadwaterError) -> str:
    """Return the name of the error's nearest class that has a status: the server knows no others, and would say 500."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((name for name in names if name in ERRORS), HeadwaterError.__name__)


def main() -> None:
    """Answer until the server ends."""
    os.nice(_NICE)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server ends it
    questions, answers = FileIO(sys.stdin.fileno(), "r"), FileIO(sys.stdout.fileno(), "w")
    sys.stdout = sys.stderr  # nothing else may stand between two answers
    log_lines("warning")
    store = Beside(Path(sys.argv[1]))
    while True:
        try:
            asked = msgspec.msgpack.decode(read_frame(questions), type=Asked)
            said, body = answered(store, asked)
            write_frame(answers, msgspec.msgpack.encode(said))
            write_all(answers, body)
        except (EOFError, BrokenPipeError):
            return


if __name__ == "__main__":
    main()
