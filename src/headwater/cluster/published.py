"""What a cluster run publishes: the state behind its last round, as its manifest holds it, and how old that is.

A manifest is replaced whole, so whoever reads it finds one round's state or the next one's. Its time is when that round was
merged. A run that has ended says so in its status file; then its last state is the newest for ever.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from headwater.errors import HeadwaterError, SourceError
from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file import SavedModel

from .manifest import read_manifest
from .progress.status import read_status
from .worker import pack

__all__ = ["RunStates"]


class RunStates:
    """The states of a run, one after the other, as replicas take them.

    Parameters
    ----------
    manifest : str or Path
        The manifest of the run.

    Raises
    ------
    SourceError
        If it is not there.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import headwater as hw
    >>> rows = [({"a": i % 5}, "low" if i % 5 < 3 else "high") for i in range(1500)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = hw.cluster.learn(hw.Classifier(), rows, workers=2, engine="local", manifest=Path(folder, "m.hw"))
    ...     states = RunStates(Path(folder, "m.hw"))
    ...     learned, as_of, saved = states.newest(-1)
    ...     again = states.newest(learned)
    >>> learned, saved is None, again[0], again[2] is None
    (1500, False, 1500, True)
    """

    def __init__(self, manifest: str | Path) -> None:
        self._path = Path(manifest)
        self._seen: tuple[int, int, int] | None = None
        self._learned = -1
        self._merged = 0.0  # when, by the clock of files
        self.learner = self._read()
        """The learner of the state that was read last."""

    def newest(self, seq: int) -> tuple[int, float, SavedModel | None]:
        """Return how many rows the newest state has learned, when it was the newest, and the state itself.

        Parameters
        ----------
        seq : int
            The rows of the state that the caller has; if it is the newest, None stands in the state's place.

        Returns
        -------
        (int, float, SavedModel or None)
            The time is ``time.monotonic()``'s.
        """
        # Where it can't be read, what was read before stays, and grows old: nobody predicts from it beyond the bound.
        with suppress(HeadwaterError, OSError):
            if self._stat() != self._seen:
                self.learner = self._read()
        age = 0.0 if self._has_ended() else max(time.time() - self._merged, 0.0)
        return self._learned, time.monotonic() - age, None if seq == self._learned else pack(self.learner)

    def _stat(self) -> tuple[int, int, int]:
        found = os.stat(self._path)
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> SupervisedLearner:
        try:
            seen = self._stat()
        except OSError as error:
            raise SourceError(
                expected="the model of a cluster run",
                got=error.strerror or str(error),
                at=str(self._path),
                help="headwater cluster run --model writes it behind its first round.",
            ) from error
        found = read_manifest(self._path)
        if found is None:  # it was there a moment ago
            return self.learner
        self._seen, self._merged, self._learned = seen, seen[0] / 1e9, found[0].n_learned
        return found[0]

    def _has_ended(self) -> bool:
        try:
            return bool(read_status(self._path)["ended"])
        except HeadwaterError:
            return False
