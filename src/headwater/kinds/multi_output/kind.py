"""The declaration of the kind MultiOutput."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="MultiOutput",
    task="multioutput",
    noun="multi-output learner",
    learner=Lazy("headwater.kinds.multi_output.learner:MultiOutput"),
    can=frozenset(("answers", "outputs")),
    answer=Answer(Lazy("headwater.kinds.multi_output.labels:checked_outputs"), compound=True),
    score=Lazy("headwater.kinds.multi_output.score:OutputsScore"),
    explain=Lazy("headwater.kinds.multi_output.explain:explain_outputs"),
    findings=Lazy("headwater.kinds.multi_output.findings:diagnose_outputs"),
    durable=Lazy("headwater.kinds.multi_output.durable:DurableOutputs"),
    costs=Lazy("headwater.kinds.multi_output.costs:OutputCosts"),
)
