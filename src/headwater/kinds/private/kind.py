"""The declarations of the kinds PrivateClassifier and PrivateRegressor."""

from headwater.learner.kind import Kind
from headwater.learner.schema import COSTS, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.validation import FARTHEST
from headwater.types import Lazy

__all__ = ["PRIVATE_CLASSIFIER", "PRIVATE_REGRESSOR"]

_CAN = frozenset(("answers", "late", "delay", "weights", "importance"))
_INSTEAD = {
    "losses": "The loss of a row is not private. explain_one(x) reads only what is public.",
    "coverage": "Its intervals would count labels that the noise doesn't hide. Use a learner without privacy for them.",
    "challenge": "Two learners of the same rows promise less than one. Evaluate both on public rows first.",
    "fleet": "That a key has a member shows that it was learned. Make the key a column.",
    "seat": "That a key has a member shows that it was learned. Make the key a column.",
    "cluster": "Workers' sums would need noise of their own. Teach it in one process.",
    "web": "Serve it: its page would learn without the secret noise.",
    "onnx": "Load its file with headwater.load, which holds no secrets, or serve it.",
    "layers": "It is one linear model: call plot(), which draws how far each column moves the prediction.",
    "report": "Print hw.evaluate, for the owner of the rows: scores are exact functions of labels.",
    "step": "Its step size is a setting of the promise: Privacy(step=).",
    "outputs": "Two learners of the same rows promise less than one. Teach the output that matters.",
}
_SETTINGS = (
    Field("epsilon", "number", "How much may be seen of one row: 1 is strict, 3 common, 8 weak.", 3.0, 0.001, 100),
    Field("delta", "number", "The probability that epsilon does not hold.", 1e-6, 1e-15, 0.1),
    Field("bounds", "text", "Lowest and highest value of columns, as in age=0:100,pay=1:1e6:log.", default=None),
)

_ABOUT = {
    "en": "The model “{name}” learns under a promise of differential privacy: what it says shows little of any single row.",
    "zh": "模型“{name}”在差分隐私的承诺下学习：它说出的内容几乎不透露任何单个样本的信息。",
}
_CLASSES = Views(
    curve=("model", "no-change", "majority", "loss"),
    percent=True,
    marked=True,
    panels=("calibration", "loss", "classes"),
    words={
        "en": {
            "question": "Which class?",
            "about": _ABOUT["en"],
            "curve": "Accuracy (last 1,000) and simple baselines",
        },
        "zh": {
            "question": "属于哪个类别？",
            "about": _ABOUT["zh"],
            "curve": "准确率（最近 1,000 个）与简单基线",
        },
    },
)
_NUMBERS = Views(
    curve=("model", "no-change", "mean", "loss"),
    panels=("loss",),
    words={
        "en": {
            "question": "Which number?",
            "about": _ABOUT["en"],
            "curve": "Mean absolute error (last 1,000) and simple baselines",
        },
        "zh": {
            "question": "数值是多少？",
            "about": _ABOUT["zh"],
            "curve": "平均绝对误差（最近 1,000 个）与简单基线",
        },
    },
)

PRIVATE_CLASSIFIER = Kind(
    name="PrivateClassifier",
    task="private_classify",
    noun="private classifier",
    learner=Lazy("headwater.kinds.private.learner:PrivateClassifier"),
    can=_CAN | {"classes"},
    answer=Answer((Field("y", "label", "The class."),), Lazy("headwater.learner.schema.answer:class_of")),
    score=Lazy("headwater.kinds.classifier_regressor.scores.classify:ClassScore"),
    explain=Lazy("headwater.kinds.private.explain:explain_private"),
    importance=Lazy("headwater.kinds.private.explain:curve_importance"),
    findings=Lazy("headwater.kinds.private.explain:diagnose_private"),
    pictures=Lazy("headwater.kinds.private.pictures:pictures_of"),
    durable=Lazy("headwater.kinds.private.durable:DurablePrivate"),
    question=Question("predict", (COSTS,)),
    response=(
        Field(
            "y_pred",
            "label",
            "The most probable class, or with costs the one whose mistakes are expected to cost least.",
        ),
        Field("proba", "map", "The probability of each class.", default=None),
    ),
    respond=Lazy("headwater.kinds.private.ask:ask_private_classifier"),
    settings=_SETTINGS,
    explained=(Field("target", "label", "The class that is explained; the predicted one without it.", default=None),),
    costs=Lazy("headwater.route.drift.costs:ClassCosts"),
    views=_CLASSES,
    instead=_INSTEAD,
)
PRIVATE_REGRESSOR = Kind(
    name="PrivateRegressor",
    task="private_regress",
    noun="private regressor",
    learner=Lazy("headwater.kinds.private.learner:PrivateRegressor"),
    can=_CAN,
    answer=Answer(
        (Field("y", "number", "The number.", least=-FARTHEST, most=FARTHEST),),
        Lazy("headwater.learner.schema.answer:number_of"),
    ),
    score=Lazy("headwater.route.scores.number_score:NumberScore"),
    explain=Lazy("headwater.kinds.private.explain:explain_private"),
    importance=Lazy("headwater.kinds.private.explain:curve_importance"),
    findings=Lazy("headwater.kinds.private.explain:diagnose_private"),
    pictures=Lazy("headwater.kinds.private.pictures:pictures_of"),
    durable=Lazy("headwater.kinds.private.durable:DurablePrivate"),
    question=Question("predict"),
    response=(Field("y_pred", "number", "The predicted number."),),
    views=_NUMBERS,
    settings=(*_SETTINGS, Field("within", "text", "Lowest and highest answer, as in 0:1000.", default=None)),
    instead=_INSTEAD,
)
