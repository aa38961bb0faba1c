"""Learn a store's journal again, which proves its kept states and gives the metrics of each month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import msgspec

from headwater.route.score import score_of
from headwater.types import Scores

if TYPE_CHECKING:
    from headwater.route.score import Score
    from headwater.store.service.model import LearnerState, Model
    from headwater.store.service.models import Models

__all__ = ["Proof", "Replayed", "SpanScores", "replay"]


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Metrics of the rows of a part of the journal, each scored with the prediction from before it was learned.

    Parameters
    ----------
    last
        Number of the part's last event.
    scored
        Count of scored rows up to its end, as the rows of detected drift are counted.
    rows
        Rows scored in it.
    scores
        Metrics of ``"model"`` and of each baseline.
    """

    last: int
    scored: int
    rows: int
    scores: dict[str, Scores]


@dataclass(slots=True)
class Proof:
    """What learning the journal again shows about the kept states of a learner.

    Parameters
    ----------
    base
        Event of the snapshot from which the journal was learned again, -1 if no snapshot is kept with the journal after it.
    until
        Event of the newest kept state.
    kept, replayed
        SHA-256 of that state as kept, and as learned again. Both are "" if there is none.
    same
        Number of kept states that were learned again, bit for bit.
    differing
        Events of kept states that differ.
    """

    base: int = -1
    until: int = -1
    kept: str = ""
    replayed: str = ""
    same: int = 0
    differing: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Replayed:
    """A learner as of the last event, with what was found on the way.

    Parameters
    ----------
    state
        The learner.
    names
        Names of its metrics, the primary one first.
    proof
        What the replay proves.
    before
        Metrics of all rows before the replay.
    spans
        Metrics of each part of the journal.
    """

    state: LearnerState
    names: tuple[str, ...]
    proof: Proof
    before: SpanScores
    spans: list[SpanScores]


class _Twice:
    """Score rows for the learner's own metrics, and for those of a part of the journal."""

    def __init__(self, own: Score, part: Score) -> None:
        self.own, self.part = own, part
        self.repeatable = own.repeatable

    def score(self, *rows: Any) -> list[float]:
        self.part.score(*rows)
        return self.own.score(*rows)

    def update(self, *rows: Any) -> None:
        self.part.update(*rows)
        self.own.update(*rows)


def replay(models: Models, model: Model, end: int, ends: Sequence[int]) -> Replayed:
    """Learn a model's journal again from its oldest usable snapshot.

    Parameters
    ----------
    models, model
        The open store, and the model whose champion is learned again.
    end
        Number of the last event.
    ends
        Numbers of the last events of the parts whose metrics are wanted.
    """
    champion = model.champion
    past = [seq for seq in models.snapshots_of(champion.id) if seq >= models.first_kept() - 1]
    state = next((one for seq in past if (one := models.restored(champion.id, champion.name, seq)).at == seq), None)
    proof = Proof() if state is None else Proof(base=state.at, until=past[-1])
    state = state or champion
    own, begun, spans = state.scores, state.at, list[SpanScores]()
    before = SpanScores(begun, own.n, own.n, own.scores())
    stops = [seq for seq in (*ends, end) if seq > begun]
    for after, last in pairwise([begun, *sorted(set(stops))]):
        part, scored = _part_of(state, own, last - after), own.n
        state.scores = cast("Score", _Twice(own, part))
        for seq in [seq for seq in past if after < seq <= last]:
            models.replay(model, state, seq)
            _compare(models, state, proof)
        models.replay(model, state, last)
        spans.append(SpanScores(last, own.n, own.n - scored, part.scores(window=True)))
    state.scores = own
    return Replayed(state, own.names, proof, before, spans)


def _part_of(state: LearnerState, own: Score, rows: int) -> Score:
    """Return metrics that go on from a learner's own, with a window that holds a whole part of the journal."""
    saved = msgspec.msgpack.decode(own.to_bytes()) | {"window": []}
    return score_of(state.learner, window=rows, saved=msgspec.msgpack.encode(saved))


def _compare(models: Models, state: LearnerState, proof: Proof) -> None:
    """Compare a state that was learned again with the kept one."""
    kept = models.restored(state.id, state.name, state.at)
    replayed = models.digest(state)
    said = models.digest(kept) if kept.at == state.at else ""
    if said == replayed:
        proof.same += 1
    else:
        proof.differing.append(state.at)
    if state.at == proof.until:
        proof.kept, proof.replayed = said, replayed
