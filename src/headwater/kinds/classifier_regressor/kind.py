"""The declarations of the kinds Classifier and Regressor."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["CLASSIFIER", "REGRESSOR"]

_NET = frozenset(
    ("answers", "layers", "onnx", "web", "fleet", "cluster", "step", "importance", "late", "weights", "coverage")
)

CLASSIFIER = Kind(
    name="Classifier",
    task="classify",
    noun="classifier",
    learner=Lazy("headwater.kinds.classifier_regressor.classifier:Classifier"),
    can=_NET | {"classes"},
    answer=Answer(Lazy("headwater.learner.answer:class_of")),
    score=Lazy("headwater.kinds.classifier_regressor.scores.classify:ClassScore"),
    explain=Lazy("headwater.explain.one:explain_one"),
    findings=Lazy("headwater.kinds.classifier_regressor.findings:diagnose_net"),
    durable=Lazy("headwater.kinds.classifier_regressor.durable:DurableNet"),
    costs=Lazy("headwater.route.costs:ClassCosts"),
)
REGRESSOR = Kind(
    name="Regressor",
    task="regress",
    noun="regressor",
    learner=Lazy("headwater.kinds.classifier_regressor.regressor:Regressor"),
    can=_NET,
    answer=Answer(Lazy("headwater.learner.answer:number_of")),
    score=Lazy("headwater.kinds.classifier_regressor.scores.regress:NumberScore"),
    explain=Lazy("headwater.explain.one:explain_one"),
    findings=Lazy("headwater.kinds.classifier_regressor.findings:diagnose_net"),
    durable=Lazy("headwater.kinds.classifier_regressor.durable:DurableNet"),
)
