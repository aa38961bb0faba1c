"""The declaration of the kind Anomaly."""

from headwater.learner.kind import Kind, Reduction
from headwater.learner.schema import Column, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Anomaly",
    task="anomaly",
    noun="detector",
    learner=Lazy("headwater.kinds.anomaly.learner:Anomaly"),
    can=frozenset(("web", "importance", "report", "device", "fleet", "challenge", "scores", "weights")),
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
        "layers": "Call plot(), which draws its scores.",
        "onnx": "Scores depend on the last rows: serve it, or load its file with hw.load.",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "cluster": "Scores depend on the last rows: teach it in one process.",
        "step": "It has no step to change; make a new one with other settings.",
        "keys": "Make one Anomaly a key, in a dict.",
        "ahead": "Use a Forecaster for a series.",
        "acts": "Use a Bandit to choose actions.",
        "outputs": "Score the columns together, or make one Anomaly for some of them.",
        "coverage": "Its score is a p-value: is_anomaly_one(x, rate) bounds the share of false alarms.",
        "environment": "Use an Agent to act in an environment.",
    },
    views=Views(
        curve=("mean_score", "alarms"),
        lead="mean_score",
        right=("alarms",),
        latest=(Column("anomaly_score", "said"), Column("answer", "answer")),
        panels=("scores", "alarms"),
        words={
            "en": {
                "question": "Is anything unusual?",
                "about": "The model “{name}” scores each sample from 0 to 1, by how far it lies from those before, and then learns "
                "from it. No answers are needed. An alarm is given where fewer than one of a thousand samples like those before would "
                "score as high.",
                "curve": "Mean score and share of alarms (last 1,000)",
            },
            "zh": {
                "question": "有异常吗？",
                "about": "模型“{name}”按照每个样本与之前样本的差异给出 0 到 1 的得分，然后从中学习。不需要答案。"
                "与之前相似的一千个样本中，得分这样高的不到一个时，就给出警报。",
                "curve": "平均得分与警报比例（最近 1,000 个）",
            },
        },
    ),
    series=Lazy("headwater.kinds.anomaly.score:last_scores"),
    pictures=Lazy("headwater.kinds.anomaly.ask:pictures_of"),
    adapters={"sklearn": Lazy("headwater.kinds.anomaly.sklearn:OnlineOutlierDetector")},
    alarm=0.999,  # at the rate 0.001
    reduction=Reduction(rounded={"scores": 20}),  # the kept rows and scores are what it compares with
)
