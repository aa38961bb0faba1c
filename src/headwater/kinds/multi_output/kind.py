"""The declaration of the kind MultiOutput."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.learner.schema import Field
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="MultiOutput",
    task="multioutput",
    noun="multi-output learner",
    learner=Lazy("headwater.kinds.multi_output.learner:MultiOutput"),
    can=frozenset(("answers", "outputs")),
    answer=Answer(
        (Field("y", "map", "The label of each output; a missing one is left out."),),
        Lazy("headwater.kinds.multi_output.labels:checked_outputs"),
        compound=True,
        table=Lazy("headwater.kinds.multi_output.columns:OutputColumns"),
    ),
    score=Lazy("headwater.kinds.multi_output.score:OutputsScore"),
    explain=Lazy("headwater.kinds.multi_output.explain:explain_outputs"),
    findings=Lazy("headwater.kinds.multi_output.findings:diagnose_outputs"),
    durable=Lazy("headwater.kinds.multi_output.durable:DurableOutputs"),
    instead={
        "late": "Make one learner an output, each with Session(delay=...).",
        "classes": "Ask predict_proba_one(x), which has the classes of each output.",
        "scores": "Use an Anomaly to score rows.",
        "layers": "Draw one output: members[NAME].plot().",
        "onnx": "Export one output: members[NAME].export_onnx(path), made with chain=False.",
        "web": "Export a page for one output, made with chain=False.",
        "fleet": "Make one Fleet an output.",
        "cluster": "Make one learner an output.",
        "step": "Make a new one with another effort.",
        "importance": "Ask explain_one(x), which says it of each output.",
        "keys": "Make one Fleet an output.",
        "weights": "Make one learner an output, whose learn_one takes w.",
        "ahead": "Use a Forecaster for a series.",
        "acts": "Use a Bandit to choose actions.",
        "coverage": "Ask one output: members[NAME].predict_set_one or predict_interval_one, made with chain=False.",
        "control": "Use an Agent to act in an environment.",
        "report": "Print hw.evaluate, or learn one --target with --report.",
    },
    response=(Field("y_pred", "map", "The prediction of each output."),),
    costs=Lazy("headwater.kinds.multi_output.costs:OutputCosts"),
)
