"""The declaration of the kind Bandit."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Bandit",
    task="decide",
    noun="bandit",
    learner=Lazy("headwater.kinds.bandit.learner:Bandit"),
    can=frozenset(("answers", "acts")),
    answer=Answer(
        Lazy("headwater.kinds.bandit.durable:checked_decision"),
        compound=True,
        given_out=Lazy("headwater.kinds.bandit.durable:with_reward"),
    ),
    score=Lazy("headwater.kinds.bandit.score:BanditScore"),
    explain=Lazy("headwater.kinds.bandit.explain:explain_action"),
    findings=Lazy("headwater.kinds.bandit.findings:diagnose_bandit"),
    durable=Lazy("headwater.kinds.bandit.durable:DurableBandit"),
    costs=Lazy("headwater.kinds.bandit.costs:ChoiceCosts"),
)
