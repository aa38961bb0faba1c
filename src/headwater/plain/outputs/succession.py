"""Succession: after a sudden change of the stream a new learner is often better than one that must first forget.

Columns exchange their meaning, or classes their names: what was learned is then wrong, weights are far from where they should go,
and rules take small steps. A new learner, beside the old one, is better within a few hundred rows. Whether the stream has changed
is asked of the losses of what was predicted. Of each, no more than 5 deviations above the usual loss u count, whose mean and
variance fade over 500 rows. Page's (1954) sum of what rows cost too much,

    g ← max(0, g + (loss − u)/s − 1/4),

is 0 most of the time. Rows since the last time that it was are kept, 64 at most. Where g exceeds 35, a second learner begins. It
has the names and rows of the first, but new weights, statistics, knots, tests and replay, and first learns the rows that were
kept. From then on both learn each row. Their losses fade over 50 rows. The one that does better by a tenth of a deviation
predicts. It is decided which one stays

- after 24 rows, if the new one costs a quarter of a deviation more than the old one by their means since then, and that is more than
  the old one costs beyond the usual. The first rows of a learner take five times as long as later ones, so a false alarm must end
  soon. For a while the next one needs half more,
- after 128 rows, if the old one costs no more than usual by its mean since then, and clearly less than the new one. Nothing had
  changed, and for a while the next alarm needs a fifth more,
- after 1,500 rows, by means that fade over 200 rows.

Nothing is followed where labels come late: errors of stale predictions go up and down together, as after a change.

Two learners are computed only while they compete. Which one is in use changes no name, no count of rows and no coverage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

(FOLLOWS, BORN, COUNT, SINCE, TAKEN, SEEN, USUAL, VARIANCE, EXCESS, NEEDED, DUE, AGE, SPEAKS) = range(13)
"""Places in the core's array ``succession``."""
KEPT, BYTES, NUMBERS = 17, 19, 20
PATIENCE, TOLERANCE, HARDEST = 35.0, 0.25, 5.0
FORGIVES, DEARER, MUCH_DEARER, DEAREST = 0.9995, 1.2, 1.5, 800.0
FADES, FADES_SLOWLY, MARGIN, FARTHEST = 0.02, 0.005, 0.1, 8.0
AT_ONCE, SOONEST, LONGEST, BACK, BEHIND, FAR_BEHIND = 24, 128, 1500, 0.1, 0.15, 0.25


@dataclass
class Follower:
    """What predictions usually cost, and by how much the last ones cost more.

    Examples
    --------
    >>> usual = Follower()
    >>> [usual.follow(1.0 + (i % 2)) for i in range(1000)].count(True)
    0
    >>> [usual.follow(4.0) for i in range(20)].index(True)
    7
    """

    usual: float = 0.0
    variance: float = 0.0
    rows: float = 0.0
    excess: float = 0.0
    needed: float = PATIENCE
    least: float = 0.05

    @property
    def deviation(self) -> float:
        """Deviation of losses; of classes at least 0.05 nats."""
        return max(math.sqrt(self.variance), self.least)

    def follow(self, loss: float) -> bool:
        """Take the loss of the next row; say whether it is time for a second learner."""
        deviation, d = self.deviation, loss - self.usual
        self.rows += 1
        self.needed = PATIENCE + (self.needed - PATIENCE) * FORGIVES
        rate = max(1 / self.rows, 0.002)
        if self.rows > 50:
            d = min(d, HARDEST * deviation)
        self.usual += rate * d
        self.variance = (1 - rate) * (self.variance + rate * d * d)
        self.excess = 0.0 if self.rows < 500 else max(self.excess + d / deviation - TOLERANCE, 0.0)
        return self.excess > self.needed


@dataclass
class Rivals:
    """An old and a new learner that compete.

    Parameters
    ----------
    usual, deviation
        Of the losses before the change.
    loss
        Mean loss of the rows since the change, of which the new learner knows nothing yet.

    Examples
    --------
    >>> rivals = Rivals(usual=0.3, deviation=0.5, loss=2.0)
    >>> [rivals.compare(0.3, 2.0) for i in range(24)][-1]
    'old'
    """

    usual: float
    deviation: float
    loss: float
    age: int = 0
    new_speaks: bool = False

    def __post_init__(self) -> None:
        self.old_loss = self.new_loss = self.old_mean = self.new_mean = self.loss

    def compare(self, old: float, new: float) -> str | None:
        """Take what both lost on a row; return which one stays, ``"old"`` or ``"new"``, once that is decided."""
        bound = self.usual + FARTHEST * self.deviation
        old, new = min(old, bound), min(new, bound)
        self.age += 1
        rate, slow = max(1 / (self.age + 1), FADES), max(1 / (self.age + 1), FADES_SLOWLY)
        self.old_loss += rate * (old - self.old_loss)
        self.new_loss += rate * (new - self.new_loss)
        self.old_mean += slow * (old - self.old_mean)
        self.new_mean += slow * (new - self.new_mean)
        saved = self.old_loss - self.new_loss
        if (-saved if self.new_speaks else saved) > MARGIN * self.deviation:
            self.new_speaks = not self.new_speaks
        return self._decided()

    def _decided(self) -> str | None:
        if self.age >= LONGEST:
            return "new" if self.new_mean < self.old_mean else "old"
        behind = (self.new_mean - self.old_mean) / self.deviation
        worse = (self.old_mean - self.usual) / self.deviation
        hopeless = self.age >= AT_ONCE and behind > max(FAR_BEHIND, worse)
        false_alarm = self.age >= SOONEST and worse < BACK and behind > BEHIND
        return "old" if not self.new_speaks and (hopeless or false_alarm) else None
