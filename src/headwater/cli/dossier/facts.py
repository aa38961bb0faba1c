"""Collect what a dossier says from a store or a model file, without words of any language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.cli.options.model import load_model
from headwater.kinds.fleet.base import AnyFleet
from headwater.store.forget.ledger import Export
from headwater.store.forget.record import Forgotten, read_records
from headwater.store.journal.events import is_tombstone
from headwater.store.service.challengers import challengers_of

from .replay import Replayed, replay

if TYPE_CHECKING:
    from headwater.store.journal.entries import Journal
    from headwater.store.service.model import Model
    from headwater.store.service.models import Models

__all__ = ["Facts", "Log", "Month", "StepChange", "StoreFacts", "collect"]


@dataclass(slots=True)
class Month:
    """A month of the journal, by the clock of UTC.

    Parameters
    ----------
    year, month
        The month.
    first, last
        Numbers of its first and last event, of all models.
    digest
        SHA-256 over its entries.
    """

    year: int
    month: int
    first: int
    last: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StepChange:
    """A change of a learner's step size by command, as a factor on the declared one."""

    seq: int
    t: int
    factor: float


@dataclass(slots=True)
class Log:
    """The kept journal of a store.

    Parameters
    ----------
    first, last
        Numbers of its first and last event, 0 if it is empty.
    entries, since, until
        Number of entries, and times of the first and the last (ms since 1970).
    digest
        SHA-256 over number, count, model, time and content of every entry.
    tombstones
        Number of events without content, in whose place a forgotten one or a request to forget was.
    months
        Its months.
    steps
        Changes of the champion's step size.
    """

    first: int = 0
    last: int = 0
    entries: int = 0
    since: int = 0
    until: int = 0
    digest: str = ""
    tombstones: int = 0
    months: list[Month] = field(default_factory=list)
    steps: list[StepChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store knows of a model beyond its state.

    Parameters
    ----------
    model, paused
        Name of the model, and whether it is paused.
    challengers
        Its challengers by name, each with the sentences on its lead by language.
    max_age
        How old anything in the store may be, "" without a limit.
    log, replayed
        The journal, and the model as it was learned again from it.
    skipped
        Events left out of every replay by command, with the reason.
    forgotten, exports
        The records of what was forgotten, and the copies that left the store.
    """

    model: str
    challengers: dict[str, dict[str, list[str]]]
    paused: bool
    max_age: str
    log: Log
    replayed: Replayed
    skipped: list[tuple[int, str]]
    forgotten: list[Forgotten]
    exports: list[Export]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a dossier says.

    Parameters
    ----------
    file, size
        The file and its bytes.
    sha
        SHA-256 of a model file, "" for a store, whose pages move.
    learner
        The learner as of the last event.
    store
        What only a store knows, None for a model file.
    """

    file: Path
    size: int
    sha: str
    learner: Any
    store: StoreFacts | None

    @property
    def one(self) -> Any:
        """The learner, or a member of a fleet with most rows."""
        from headwater.cli.options.fleet import member_of

        return member_of(self.learner) if isinstance(self.learner, AnyFleet) else self.learner


def collect(file: Path, model: str) -> Facts:
    """Collect what a dossier says of a model file or of a model in a store, which isn't changed.

    Raises
    ------
    HeadwaterError
        If the file can't be read, or its journal is damaged.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.members import is_member_store
    from headwater.store.model_file.container import holds_database
    from headwater.store.ownership import read_head
    from headwater.store.service.maintenance.commands import exports, models_of

    if not (file.exists() and holds_database(file)) or is_member_store(read_head(file)):
        learner = load_model(file, fleets=True)
        sha = "" if holds_database(file) else hashlib.sha256(file.read_bytes()).hexdigest()
        return Facts(file, file.stat().st_size, sha, learner, None)
    with models_of(file, LEARNER_FORMAT) as (models, journal):
        found = _of_store(models, journal, models.named(model), exports(file))
    return Facts(file, file.stat().st_size, "", found.replayed.state.learner, found)


def _of_store(models: Models, journal: Journal, model: Model, exports: list[Export]) -> StoreFacts:
    base = models.connection
    max_age = base.execute("SELECT value FROM meta WHERE key = 'max_age'").fetchone()
    log = _log(models, model)
    replayed = replay(models, model, journal.seq, [month.last for month in log.months])
    return StoreFacts(
        model.name,
        _challengers(models, model),
        model.paused,
        str(max_age[0]) if max_age else "",
        log,
        replayed,
        base.execute("SELECT seq, reason FROM skipped ORDER BY seq").fetchall(),
        read_records(base),
        [one for one in exports if one.model in ("", model.name)],
    )


def _challengers(models: Models, model: Model) -> dict[str, dict[str, list[str]]]:
    """Return what can be said of each challenger's lead over the champion after the last event."""
    for state in model.live[1:]:
        models.replay(model, state, None)
    return {one["name"]: {"en": one["said"]["en"], "zh": one["said"]["zh"]} for one in challengers_of(model)}


def _log(models: Models, model: Model) -> Log:
    """Read the whole journal, whose entries each have to fit their checksum."""
    log = Log(first=models.first_kept())
    for entry in models.journal_entries():
        when = datetime.fromtimestamp(entry.t / 1000, UTC)
        if not log.months or (log.months[-1].year, log.months[-1].month) != (when.year, when.month):
            log.months.append(Month(when.year, when.month, first=entry.seq - len(entry.events) + 1))
        log.since = log.since or entry.t
        log.last = log.months[-1].last = entry.seq
        log.until, log.entries = entry.t, log.entries + 1
        log.tombstones += sum(map(is_tombstone, entry.events))
        for seq, event in entry.numbered():
            if event.step is not None and event.step[0] == model.champion.id:
                log.steps.append(StepChange(seq, entry.t, event.step[1]))
    log.first = log.first if log.entries else 0
    log.digest = _digest(models, 0, log.last)
    for month in log.months:
        month.digest = _digest(models, month.first - 1, month.last)
    return log


def _digest(models: Models, after: int, last: int) -> str:
    """Return the SHA-256 over the entries of a range, as they are on the disk."""
    total = hashlib.sha256()
    query = "SELECT seq, n, model, t, body FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq"
    for *numbers, body in models.connection.execute(query, (after, last)):
        total.update(b"%d %d %d %d " % tuple(numbers))
        total.update(body)
    return total.hexdigest()
