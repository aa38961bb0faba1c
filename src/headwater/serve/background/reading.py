"""Main program of a `Reader`'s process, which reads requests from stdin and writes replies to stdout."""

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
from headwater.store.forget.record import read_records
from headwater.store.journal import database
from headwater.store.journal.entries import Journal
from headwater.store.journal.snapshots import Snapshots
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.model import LearnerState, Model
from headwater.store.service.models import Models

__all__ = ["Beside", "main"]

_log = logging.getLogger("headwater.serve")
_NICE = 5  # lower priority than the server
_MOST_BYTES = 1_000_000_000  # maximum bytes of cached learners


class Beside:
    """Learners rebuilt from the journal of a store that another process has open.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, str(path)
        self._states: dict[int, LearnerState] = {}
        self._forgettings = 0

    def learner(self, asked: Asked) -> Any:
        """Return a learner as of an event."""
        if _core.held() > _MOST_BYTES:
            self._states.clear()
        with closing(database.read_only(self._path)) as base, database.sound(self._at):
            base.execute("BEGIN")
            self._forget_if_others(len(read_records(base)))
            journal = Journal(base, self._at)
            journal.find_end()
            models = Models(base, self._at, journal, Snapshots(base, self._at, LEARNER_FORMAT))
            model = Model(asked.model, asked.model_name, asked.task)
            # Removed from the cache while it learns, so that after a failure it is rebuilt from a snapshot.
            known = self._states.pop(asked.learner, None)
            state = models.reached(model, asked.learner, asked.learner_name, asked.seq, known)
        self._states[asked.learner] = state
        return state.learner

    def _forget_if_others(self, forgettings: int) -> None:
        """Drop the cached learners if rows were forgotten since they were built."""
        if forgettings != self._forgettings:
            self._states.clear()
            self._forgettings = forgettings


def answered(store: Beside, asked: Asked) -> tuple[Said, bytes]:
    """Return the reply to a request and its bytes, turning errors into replies."""
    try:
        body = LOOKS[asked.look](store.learner(asked), **asked.options)
        return Said(len(body)), body
    except HeadwaterError as error:
        parts = {"expected": error.expected, "got": error.got, "at": error.at, "help": error.help, "code": error.code}
        return Said(0, _kind_of(error), parts), b""
    except Exception:  # noqa: BLE001 - the server falls back to another way, and the log has the trace
        _log.exception("a learner could not be looked at beside the server", extra={"fields": {"look": asked.look}})
        return Said(0, UNREADABLE), b""


def _kind_of(error: HeadwaterError) -> str:
    """Return the nearest class of the error that has an HTTP status, since others would become 500."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((name for name in names if name in ERRORS), HeadwaterError.__name__)


def main() -> None:
    """Answer requests until the server ends."""
    os.nice(_NICE)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server ends this process
    questions, answers = FileIO(sys.stdin.fileno(), "r"), FileIO(sys.stdout.fileno(), "w")
    sys.stdout = sys.stderr  # stdout carries only replies
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
