"""The models of a store: made, joined by challengers, promoted; recovered from snapshot and journal."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from headwater.errors import ConfigError, StoreError, TargetError, did_you_mean
from headwater.watch.live import LiveScores

from .database import DAMAGED
from .event import Event
from .journal import Journal
from .member import Member, Model, teach
from .snapshots import Snapshots

FARTHEST_STEP = 1000.0
_BLOCK = 1024  # events learned at once in a replay; only speed depends on it
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Models:
    """All models of an open store, by name; every method that writes runs inside the caller's transaction.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    at : str
        Its path, for errors.
    journal, snapshots
        Its tables.
    """

    def __init__(self, base: sqlite3.Connection, at: str, journal: Journal, snapshots: Snapshots) -> None:
        self._base, self._at, self._journal, self._snapshots = base, at, journal, snapshots
        self.by_name: dict[str, Model] = {}

    def named(self, name: str) -> Model:
        """Return a model.

        Raises
        ------
        UnknownModel
            If there is none of that name.
        """
        if name not in self.by_name:
            raise UnknownModel(
                expected="a model of this store",
                got=repr(name),
                at="model",
                help=did_you_mean(name, self.by_name) or "Create one first.",
            )
        return self.by_name[name]

    def with_id(self, number: int) -> Model:
        """Return the model with that id."""
        for model in self.by_name.values():
            if model.id == number:
                return model
        raise UnknownModel(expected="a model of this store", got=f"number {number}", at="model", help="It was removed.")

    # ---- changes -----------------------------------------------------------------------------------------------------

    def create(self, name: str, learner: Any) -> None:
        """Add a model with its champion."""
        _check_name(name, self.by_name, "model")
        cursor = self._base.execute("INSERT INTO models (name) VALUES (?)", (name,))
        self._insert(int(cursor.lastrowid or 0), "champion", True, learner, LiveScores(learner.task))

    def add(self, model: Model, name: str, learner: Any) -> None:
        """Add a challenger, which learns and is scored from here on."""
        _check_name(name, [member.name for member in model.members], "challenger")
        if learner.task != model.task:
            raise ConfigError(
                expected=f"a challenger that can {model.task}", got=learner.task, at="task", help="Choose its task."
            )
        self._insert(model.id, name, False, learner, LiveScores(learner.task))

    def promote(self, model: Model, name: str) -> None:
        """Let a challenger answer from here on; the champion goes on as a challenger."""
        self._member(model, name)
        self._base.execute("UPDATE learners SET champion = (name = ?) WHERE model = ?", (name, model.id))

    def remove(self, model: Model, name: str) -> None:
        """Drop a challenger."""
        member = self._member(model, name)
        if member.champion:
            raise ConfigError(
                expected="a challenger",
                got="the champion",
                at=name,
                help="Promote another one first.",
                code="is_champion",
            )
        self._base.execute("DELETE FROM learners WHERE id = ?", (member.id,))
        self._base.execute("DELETE FROM snapshots WHERE learner = ?", (member.id,))

    def pause(self, model: Model, paused: bool) -> None:
        """Refuse examples, or take them again."""
        self._base.execute("UPDATE models SET paused = ? WHERE id = ?", (paused, model.id))

    def snapshot(self, t: int, events: int) -> int:
        """Write a snapshot of every learner and prune older ones; return the oldest sequence that is still needed."""
        seq, oldest = self._journal.seq, self._journal.seq
        for model in self.by_name.values():
            for member in model.members:
                self._snapshots.write(member.id, seq, t, member.learner, member.scores.to_bytes())
                oldest = min(oldest, self._snapshots.prune(member.id, seq, events))
        return oldest

    def _insert(self, model: int, name: str, champion: bool, learner: Any, scores: LiveScores) -> None:
        cursor = self._base.execute(
            "INSERT INTO learners (model, name, champion) VALUES (?, ?, ?)", (model, name, champion)
        )
        seq = self._journal.seq
        self._snapshots.write(int(cursor.lastrowid or 0), seq, self._journal.t, learner, scores.to_bytes())

    def _member(self, model: Model, name: str | None) -> Member:
        for member in model.members:
            if name is None or member.name == name:
                return member
        names = [member.name for member in model.members]
        raise UnknownModel(
            expected=f"a learner of model {model.name}",
            got=repr(name),
            at="name",
            help=did_you_mean(str(name), names),
            code="unknown_learner",
        )

    # ---- state -------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take over what a change has written, keeping the learners that are in memory."""
        known = {member.id: member for model in self.by_name.values() for member in model.members}
        models: dict[str, Model] = {}
        for number, name, paused in self._base.execute("SELECT id, name, paused FROM models ORDER BY id").fetchall():
            members = [self._loaded(row, known) for row in self._rows(number)]
            model = self.by_name.get(name) or Model(number, name, members[0].learner.task, members, seq=members[0].at)
            with model.turns.turn():
                model.members, model.paused = members, bool(paused)
            models[name] = model
        self.by_name = models

    def recover(self) -> None:
        """Load every learner from its newest sound snapshot, and let it learn the journal behind it."""
        self.refresh()
        for model in self.by_name.values():
            for member in model.members:
                self._replay(model, member, None)
            model.seq = max(member.at for member in model.members)

    def as_of(self, model: Model, seq: int, name: str | None) -> Any:
        """Return a learner as it stood after event ``seq``: from the newest snapshot before it, and the journal."""
        member = self._member(model, name)
        snapshot = self._snapshots.newest(member.id, seq)
        if snapshot is None:
            oldest = min(self._snapshots.sequences(member.id), default=0)
            raise ConfigError(
                expected=f"a sequence from {oldest} on", got=str(seq), at="as of", help="Older states are pruned."
            )
        past = Member(
            member.id, member.name, True, snapshot.learner, LiveScores(model.task, snapshot.scores), snapshot.seq
        )
        self._replay(model, past, seq)
        return past.learner

    def oldest(self) -> int:
        """Return the sequence of the oldest of the learners' newest snapshots."""
        ends = [self._snapshots.sequences(m.id)[-1:] for model in self.by_name.values() for m in model.members]
        return min((seq for end in ends for seq in end), default=self._journal.seq)

    def check(self, model: Model, events: list[Event]) -> None:
        """Refuse, before they are journaled, answers that a learner would raise at: a third class for two-class losses."""
        for member in model.members:
            if getattr(member.learner, "loss", None) != "binary_cross_entropy":
                continue
            labels = set(member.learner.classes) | {event.y for event in events}
            if len(labels) > 2:
                raise TargetError(
                    expected="one of two classes",
                    got=", ".join(sorted(map(repr, labels))),
                    at="y",
                    help="The loss binary_cross_entropy has two; make a model with cross_entropy for more.",
                )

    def stepped(self, model: Model, name: str | None, factor: float) -> Event:
        """Return the event that changes a learner's step size.

        Raises
        ------
        ConfigError
            If there is no step size to change yet, or the factor can't be one.
        """
        member = self._member(model, name)
        if not 0 < factor <= FARTHEST_STEP:
            raise ConfigError(
                expected=f"a factor above 0 and of at most {FARTHEST_STEP:g}",
                got=repr(factor),
                at="factor",
                help="1 is the step size as it was declared.",
                code="step_range",
            )
        if member.learner._engine is None:
            raise ConfigError(
                expected="a learner that has learned",
                got="a new one",
                at=member.name,
                help="Teach it first; or make it with another lr.",
                code="not_learned",
            )
        return Event({}, None, step=(member.id, factor))

    def _rows(self, model: int) -> list[tuple[int, str, int]]:
        query = "SELECT id, name, champion FROM learners WHERE model = ? ORDER BY champion DESC, id"
        return self._base.execute(query, (model,)).fetchall()

    def _loaded(self, row: tuple[int, str, int], known: dict[int, Member]) -> Member:
        number, name, champion = row
        if number in known:
            member = known[number]
            member.champion = bool(champion)
            return member
        snapshot = self._snapshots.newest(number)
        if snapshot is None:
            raise StoreError(expected=f"a sound snapshot of learner {name}", got="none", at=self._at, help=DAMAGED)
        scores = LiveScores(snapshot.learner.task, snapshot.scores)
        return Member(number, name, bool(champion), snapshot.learner, scores, snapshot.seq)

    def _replay(self, model: Model, member: Member, until: int | None) -> None:
        waiting: list[Event] = []
        for entry in self._journal.read(member.at, until):
            waiting += entry.events if entry.model == model.id else ()
            member.at = entry.seq
            if len(waiting) >= _BLOCK:
                teach(model.task, member, waiting)
                waiting = []
        if waiting:
            teach(model.task, member, waiting)


class UnknownModel(ConfigError):
    """Report a name that no model, or no learner of a model, has."""

    code = "unknown_model"


def _check_name(name: str, taken: Any, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            expected="a name of up to 64 letters, digits, dots, dashes and underscores",
            got=repr(name),
            at=what,
            help="Choose such a name.",
            code="name",
        )
    if name in taken:
        raise NameTaken(expected="a new name", got=repr(name), at=what, help="There is one of that name already.")


class NameTaken(ConfigError):
    """Report a name that is in use."""

    code = "name_taken"


__all__ = ["Models", "NameTaken", "UnknownModel"]
