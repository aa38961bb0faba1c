"""The declaration of the kind Anomaly."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Anomaly",
    task="anomaly",
    noun="detector",
    learner=Lazy("headwater.kinds.anomaly.learner:Anomaly"),
    can=frozenset(("scores", "weights")),
    answer=Answer(Lazy("headwater.kinds.anomaly.score:checked_label"), needed=False),
    score=Lazy("headwater.kinds.anomaly.score:AnomalyScore"),
    explain=Lazy("headwater.kinds.anomaly.explain:explain_anomaly"),
    findings=Lazy("headwater.kinds.anomaly.findings:diagnose_anomaly"),
    durable=Lazy("headwater.kinds.anomaly.durable:DurableAnomaly"),
    costs=Lazy("headwater.kinds.anomaly.costs:ScoreCosts"),
    alarm=0.999,  # at the rate 0.001
)
