"""States that a cluster run publishes after each round through its manifest, with their age.

A manifest is replaced atomically, so readers find the state of one round or the next. Its time is that of the merge. When the
status file says that a run has ended, its last state stays the newest.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from headwater.cluster.progress.status import read_status
from headwater.cluster.published.manifest import read_manifest
from headwater.cluster.worker import pack
from headwater.errors import HeadwaterError, SourceError
from headwater.learner.base import Learner
from headwater.store.model_file import SavedModel

__all__ = ["RunStates"]


class RunStates:
    """Sequence of a run's states, for replicas.

    Parameters
    ----------
    manifest : str or Path
        The manifest of the run.

    Raises
    ------
    SourceError
        If there is no manifest.

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
        self._merged = 0.0  # modification time of the file
        self.learner = self._read()
        """The learner last read."""

    def newest(self, seq: int) -> tuple[int, float, SavedModel | None]:
        """Return the rows learned by the newest state, the time when it was the newest, and the state.

        Parameters
        ----------
        seq : int
            Rows of the caller's state. If that is the newest, None is returned in place of the state.

        Returns
        -------
        (int, float, SavedModel or None)
            The time is by ``time.monotonic()``.
        """
        # If it can't be read, the previous state stays and ages until it exceeds the bound on its age.
        with suppress(HeadwaterError, OSError):
            if self._stat() != self._seen:
                self.learner = self._read()
        age = 0.0 if self._has_ended() else max(time.time() - self._merged, 0.0)
        return self._learned, time.monotonic() - age, None if seq == self._learned else pack(self.learner)

    def _stat(self) -> tuple[int, int, int]:
        found = os.stat(self._path)
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Learner:
        try:
            seen = self._stat()
        except OSError as error:
            raise SourceError(
                expected="the model of a cluster run",
                got=error.strerror or str(error),
                at=str(self._path),
                help="headwater cluster run --model writes it after its first round.",
            ) from error
        found = read_manifest(self._path)
        if found is None:  # deleted since the stat
            return self.learner
        self._seen, self._merged, self._learned = seen, seen[0] / 1e9, found[0].n_learned
        return found[0]

    def _has_ended(self) -> bool:
        try:
            return bool(read_status(self._path)["ended"])
        except HeadwaterError:
            return False
