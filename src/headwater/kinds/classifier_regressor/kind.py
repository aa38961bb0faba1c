"""The declarations of the kinds Classifier and Regressor."""

from headwater.learner.kind import Kind
from headwater.learner.schema import COSTS, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.validation import FARTHEST
from headwater.types import Lazy

__all__ = ["CLASSIFIER", "REGRESSOR"]

_NET = frozenset(
    (
        "answers",
        "layers",
        "onnx",
        "web",
        "device",
        "fleet",
        "seat",
        "cluster",
        "step",
        "importance",
        "losses",
        "late",
        "delay",
        "weights",
        "coverage",
        "report",
        "challenge",
    )
)

_COVERAGE = Field(
    "coverage", "number", "The share of labels that a set or an interval is to hold.", default=None, least=0, most=1
)
_GUARANTEE = Field(
    "guarantee",
    "text",
    "long-run, for an interval whose share of labels comes to the coverage in the end.",
    default=None,
)

CLASSES = Views(
    curve=("model", "no-change", "majority", "loss"),
    percent=True,
    marked=True,
    panels=("calibration", "loss", "classes", "layers"),
    words={
        "en": {
            "question": "Which class?",
            "about": "The model “{name}” predicts the class of each sample, sees the answer, and learns from it.",
            "curve": "Accuracy (last 1,000) and simple baselines",
        },
        "zh": {
            "question": "属于哪个类别？",
            "about": "模型“{name}”先预测每个样本的类别，再看到答案并从中学习。",
            "curve": "准确率（最近 1,000 个）与简单基线",
        },
    },
)
NUMBERS = Views(
    curve=("model", "no-change", "mean", "loss"),
    panels=("loss", "layers"),
    words={
        "en": {
            "question": "Which number?",
            "about": "The model “{name}” predicts a number for each sample, sees the answer, and learns from it.",
            "curve": "Mean absolute error (last 1,000) and simple baselines",
        },
        "zh": {
            "question": "数值是多少？",
            "about": "模型“{name}”先预测每个样本的数值，再看到答案并从中学习。",
            "curve": "平均绝对误差（最近 1,000 个）与简单基线",
        },
    },
)

CLASSIFIER = Kind(
    name="Classifier",
    task="classify",
    noun="classifier",
    learner=Lazy("headwater.kinds.classifier_regressor.classifier:Classifier"),
    can=_NET | {"classes", "labels"},
    answer=Answer((Field("y", "label", "The class."),), Lazy("headwater.learner.schema.answer:class_of")),
    score=Lazy("headwater.kinds.classifier_regressor.scores.classify:ClassScore"),
    explain=Lazy("headwater.explain.one:explain_one"),
    importance=Lazy("headwater.explain.stream:loss_importance"),
    findings=Lazy("headwater.kinds.classifier_regressor.findings:diagnose_net"),
    pictures=Lazy("headwater.kinds.classifier_regressor.scores.pictures:pictures_of"),
    happened=Lazy("headwater.kinds.classifier_regressor.findings:happened"),
    durable=Lazy("headwater.kinds.classifier_regressor.durable:DurableNet"),
    question=Question("predict", (_COVERAGE, COSTS)),
    response=(
        Field(
            "y_pred",
            "label",
            "The most probable class, or with costs the one whose mistakes are expected to cost least.",
        ),
        Field("proba", "map", "The probability of each class.", default=None),
        Field("set", "list", "Classes that together hold the label in that share of cases.", default=None),
    ),
    respond=Lazy("headwater.kinds.classifier_regressor.ask:ask_classifier"),
    predicted=Lazy("headwater.kinds.classifier_regressor.ask:predicted_classes"),
    names_in=Lazy("headwater.kinds.classifier_regressor.ask:names_in"),
    explained=(Field("target", "label", "The class that is explained; the predicted one without it.", default=None),),
    costs=Lazy("headwater.route.drift.costs:ClassCosts"),
    views=CLASSES,
    adapters={
        "onnx": Lazy("headwater.store.onnx.export:classes_out"),
        "sklearn": Lazy("headwater.kinds.classifier_regressor.sklearn.classify:OnlineClassifier"),
        "private": Lazy("headwater.kinds.private.learner:PrivateClassifier"),
    },
)
REGRESSOR = Kind(
    name="Regressor",
    task="regress",
    noun="regressor",
    learner=Lazy("headwater.kinds.classifier_regressor.regressor:Regressor"),
    can=_NET,
    answer=Answer(
        (Field("y", "number", "The number.", least=-FARTHEST, most=FARTHEST),),
        Lazy("headwater.learner.schema.answer:number_of"),
    ),
    score=Lazy("headwater.route.scores.number_score:NumberScore"),
    explain=Lazy("headwater.explain.one:explain_one"),
    importance=Lazy("headwater.explain.stream:loss_importance"),
    findings=Lazy("headwater.kinds.classifier_regressor.findings:diagnose_net"),
    pictures=Lazy("headwater.kinds.classifier_regressor.scores.pictures:pictures_of"),
    happened=Lazy("headwater.kinds.classifier_regressor.findings:happened"),
    durable=Lazy("headwater.kinds.classifier_regressor.durable:DurableNet"),
    question=Question("predict", (_COVERAGE, _GUARANTEE)),
    response=(
        Field("y_pred", "number", "The predicted number."),
        Field("low", "number", "The lower end of the interval.", default=None),
        Field("high", "number", "The upper end of the interval.", default=None),
    ),
    respond=Lazy("headwater.kinds.classifier_regressor.ask:ask_regressor"),
    predicted=Lazy("headwater.kinds.classifier_regressor.ask:predicted_numbers"),
    views=NUMBERS,
    adapters={
        "onnx": Lazy("headwater.store.onnx.export:number_out"),
        "sklearn": Lazy("headwater.kinds.classifier_regressor.sklearn.regress:OnlineRegressor"),
        "private": Lazy("headwater.kinds.private.learner:PrivateRegressor"),
    },
)
