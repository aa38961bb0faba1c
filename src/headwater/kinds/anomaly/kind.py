"""The declaration of the kind Anomaly."""

from headwater.learner.kind import Kind
from headwater.learner.schema import Field, Question
from headwater.learner.schema.answer import Answer
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Anomaly",
    task="anomaly",
    noun="detector",
    learner=Lazy("headwater.kinds.anomaly.learner:Anomaly"),
    can=frozenset(("importance", "fleet", "challenge", "scores", "weights")),
    answer=Answer(
        (Field("y", "label", "Whether the row is an anomaly. It is for the scores alone.", default=None),),
        Lazy("headwater.kinds.anomaly.score:checked_label"),
        needed=False,
    ),
    score=Lazy("headwater.kinds.anomaly.score:AnomalyScore"),
    explain=Lazy("headwater.kinds.anomaly.explain:explain_anomaly"),
    importance=Lazy("headwater.kinds.anomaly.explain:score_importance"),
    findings=Lazy("headwater.kinds.anomaly.findings:diagnose_anomaly"),
    durable=Lazy("headwater.kinds.anomaly.durable:DurableAnomaly"),
    question=Question("score", (Field("rate", "number", "The share of rows that may be alarms.", 0.001, 0.0005, 1),)),
    response=(
        Field("score", "number", "How anomalous the row is.", least=0, most=1),
        Field("anomaly", "boolean", "Whether it is an alarm."),
    ),
    respond=Lazy("headwater.kinds.anomaly.ask:ask_anomaly"),
    costs=Lazy("headwater.kinds.anomaly.costs:ScoreCosts"),
    instead={
        "answers": "Rows are learned alone: learn_one(x). Labels are for the scores, in hw.evaluate.",
        "delay": "Rows are learned at once, and no label is waited for.",
        "late": "Rows are learned at once, and no label is waited for.",
        "classes": "Ask score_one(x) or is_anomaly_one(x).",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Draw scores: hw.plot.learning_curve of an evaluation.",
        "onnx": "Scores depend on the last rows: serve it, or load its file with hw.load.",
        "web": "Scores depend on the last rows: headwater serve has a page for it.",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "cluster": "Scores depend on the last rows: teach it in one process.",
        "step": "It has no step to change; make a new one with other settings.",
        "keys": "Make one Anomaly a key, in a dict.",
        "ahead": "Use a Forecaster for a series.",
        "acts": "Use a Bandit to choose actions.",
        "outputs": "Score the columns together, or make one Anomaly for some of them.",
        "coverage": "Its score is a p-value: is_anomaly_one(x, rate) bounds the share of false alarms.",
        "environment": "Use an Agent to act in an environment.",
        "report": "Watch it with headwater serve, or print hw.evaluate.",
    },
    adapters={"sklearn": Lazy("headwater.kinds.anomaly.sklearn:OnlineOutlierDetector")},
    alarm=0.999,  # at the rate 0.001
)
