"""The declaration of the kind MultiOutput."""

from headwater.learner.kind import KEPT_ROWS, OPTIMIZER, Kind, Reduction
from headwater.learner.schema import Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="MultiOutput",
    task="multioutput",
    noun="multi-output learner",
    learner=Lazy("headwater.kinds.multi_output.learner:MultiOutput"),
    can=frozenset(
        (
            "web",
            "onnx",
            "importance",
            "report",
            "fleet",
            "challenge",
            "answers",
            "outputs",
            "weights",
            "late",
            "delay",
            "coverage",
            "cluster",
        )
    ),
    answer=Answer(
        (Field("y", "map", "The label of each output; a missing one is left out."),),
        Lazy("headwater.kinds.multi_output.labels.labels:checked_outputs"),
        compound=True,
        table=Lazy("headwater.kinds.multi_output.labels.columns:OutputColumns"),
    ),
    score=Lazy("headwater.kinds.multi_output.scores.score:OutputsScore"),
    explain=Lazy("headwater.kinds.multi_output.explain:explain_outputs"),
    importance=Lazy("headwater.kinds.multi_output.explain:outputs_importance"),
    findings=Lazy("headwater.kinds.multi_output.findings:diagnose_outputs"),
    durable=Lazy("headwater.kinds.multi_output.durable:DurableOutputs"),
    merge=Lazy("headwater.kinds.multi_output.members.merging:merge_outputs"),
    instead={
        "classes": "Ask predict_proba_one(x), which has the classes of each output.",
        "scores": "Use an Anomaly to score rows.",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Draw one output: members[NAME].plot().",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "step": "Make a new one with another effort.",
        "keys": "Make one Fleet an output.",
        "ahead": "Use a Forecaster for a series.",
        "acts": "Use a Bandit to choose actions.",
        "environment": "Use an Agent to act in an environment.",
    },
    question=Question(
        "predict",
        (
            Field(
                "coverage", "number", "The share of labels that a set or an interval is to hold.", None, least=0, most=1
            ),
        ),
    ),
    response=(
        Field("y_pred", "map", "The prediction of each output."),
        Field("set", "map", "Of outputs of classes, those that together hold the label in that share of cases.", None),
        Field("low", "map", "Of outputs of numbers, the lower end of the interval.", default=None),
        Field("high", "map", "Of outputs of numbers, the upper end of the interval.", default=None),
    ),
    predicted=Lazy("headwater.kinds.multi_output.ask:predicted_outputs"),
    names_in=Lazy("headwater.kinds.multi_output.labels.labels:names_in"),
    respond=Lazy("headwater.kinds.multi_output.ask:ask_outputs"),
    views=Views(
        curve=("model", "no-change", "majority"),
        panels=("outputs",),
        words={
            "en": {
                "question": "Which answers?",
                "about": "The model “{name}” predicts several answers of each sample, classes and numbers, sees those that are known, "
                "and learns from them.",
                "curve": "Share of classes right over all outputs (of numbers alone their mean error; last 1,000) "
                "and simple baselines",
            },
            "zh": {
                "question": "有哪些答案？",
                "about": "模型“{name}”对每个样本预测多个答案（类别和数值），看到其中已知的答案并从中学习。",
                "curve": "全部输出中类别答对的比例（只有数值时为平均误差；最近 1,000 个）与简单基线",
            },
        },
    ),
    pictures=Lazy("headwater.kinds.multi_output.scores.pictures:pictures_of"),
    costs=Lazy("headwater.kinds.multi_output.scores.costs:OutputCosts"),
    adapters={
        "onnx": Lazy("headwater.kinds.multi_output.onnx:outputs_out"),
        "sklearn": Lazy("headwater.kinds.multi_output.sklearn:OnlineMultiOutputClassifier"),
        "sklearn.regressor": Lazy("headwater.kinds.multi_output.sklearn:OnlineMultiOutputRegressor"),
    },
    reduction=Reduction((*OPTIMIZER, *KEPT_ROWS)),
)
