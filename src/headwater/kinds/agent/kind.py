"""The declaration of the kind Agent."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Agent",
    task="control",
    noun="agent",
    learner=Lazy("headwater.kinds.agent.learner:Agent"),
    can=frozenset(("answers", "control")),
    answer=Answer(Lazy("headwater.kinds.agent.states:checked_transition"), compound=True),
    score=Lazy("headwater.kinds.agent.score:AgentScore"),
    explain=Lazy("headwater.kinds.agent.explain:explain_worth"),
    findings=Lazy("headwater.kinds.agent.findings:diagnose_agent"),
    durable=Lazy("headwater.kinds.agent.durable:DurableAgent"),
    costs=Lazy("headwater.kinds.agent.costs:StepCosts"),
)
