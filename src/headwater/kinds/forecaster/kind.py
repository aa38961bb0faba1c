"""The declaration of the kind Forecaster."""

from headwater.learner.kind import OPTIMIZER, Kind, Reduction
from headwater.learner.schema import Column, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.schema.verb import TIMES, Verb
from headwater.learner.validation import FARTHEST
from headwater.types import Lazy

__all__ = ["KIND"]

_LEARNED_FROM = (
    "forecast_inverse", "forecast_weights", "forecast_gains", "forecast_inputs", "forecast_plain_inverse",
    "forecast_plain_weights", "forecast_plain_gains", "forecast_plain_inputs", "forecast_bank_losses", "forecast_bank_origins",
    "forecast_width_errors",
)  # fmt: skip
"""What its pool and its least squares learn from. A page asks for forecasts, which are made when a value is learned."""

KIND = Kind(
    name="Forecaster",
    task="forecast",
    noun="forecaster",
    learner=Lazy("headwater.kinds.forecaster.learner:Forecaster"),
    can=frozenset(
        ("web", "importance", "report", "device", "fleet", "challenge", "answers", "ahead", "late", "weights")
    ),
    answer=Answer(
        (Field("y", "number", "The value of that time; a missing one is a gap.", None, -FARTHEST, FARTHEST),),
        Lazy("headwater.learner.schema.answer:number_of"),
        gaps=True,
        in_order=True,
    ),
    score=Lazy("headwater.kinds.forecaster.score:ForecastScore"),
    explain=Lazy("headwater.kinds.forecaster.explain:explain_forecast"),
    importance=Lazy("headwater.kinds.forecaster.explain:forecast_importance"),
    findings=Lazy("headwater.kinds.forecaster.findings:diagnose_forecaster"),
    durable=Lazy("headwater.kinds.forecaster.durable:DurableForecaster"),
    question=Question(
        "forecast",
        (
            Field("horizon", "whole", "How many times ahead.", default=None, least=1, most=1024, unit="times"),
            Field("coverage", "number", "The share of values that intervals are to hold.", 0.9, 0, 1, exclusive=True),
        ),
        ahead=True,
    ),
    response=(
        Field("y_pred", "number", "The forecast."),
        Field("ahead", "whole", "How many times ahead it is.", unit="times"),
        Field("low", "number", "The lower end of the interval.", default=None),
        Field("high", "number", "The upper end of the interval.", default=None),
    ),
    verbs=(
        Verb(
            "forecast",
            "ask",
            "Forecast the next values of a series with intervals, given features of their times or none.",
            needs="ahead",
            row=TIMES,
            repeats=("coverage",),
            by_query=True,
        ),
    ),
    adapters={
        "base": Lazy("headwater.kinds.correct.series:SeriesCorrector"),
        "key": Lazy("headwater.kinds.forecaster.related.fleet:RelatedFleet"),
    },
    instead={
        "ahead": "Name a key: fleet.forecast(key), over HTTP POST /ask with a row that holds it, such as "  # of a fleet of forecasters
        '{"rows": [{"shop": "north"}], "horizon": 7}.',
        "delay": "Teach each value when its time comes; what is ahead is forecast(horizon).",
        "classes": "A series is numbers; for classes use a Classifier.",
        "scores": "Compare each value with forecast_interval(); for scores of rows use an Anomaly.",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Call plot(), which draws the next values with their intervals.",
        "onnx": "A forecast depends on the series so far: serve it, or save the file and load it with hw.load.",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "cluster": "A series is learned in order: teach it in one process.",
        "step": "Set forgetting, such as 0.999, to follow change faster.",
        "keys": "Make it with key=, one forecaster a series.",
        "acts": "Use a Bandit to choose actions.",
        "outputs": "Make one Forecaster a series.",
        "coverage": "Ask forecast_interval(coverage=...), which has its own guarantee.",
        "environment": "Use an Agent to act in an environment.",
        "rolling": "The rows of the times ahead are still to come: give aggregates that are known beforehand as columns.",
    },
    own_inputs="forecast ",
    settings=(
        Field("horizon", "whole", "How many times ahead it can forecast.", 24, 1, 1024, "times"),
        Field("season", "whole", "After how many times the series repeats itself.", 24, 1, 16384, "times"),
        Field("low", "number", "What no value lies below.", default=None),
        Field("high", "number", "What no value lies above.", default=None),
        Field(
            "key",
            "text",
            "The column of related series' key, such as shop: one forecaster a series; a new one begins with a past that the others "
            "suggest. Rows of one time follow each other",
            default=None,
        ),
    ),
    series=Lazy("headwater.kinds.forecaster.series:series_of"),
    pictures=Lazy("headwater.kinds.forecaster.series:pictures_of"),
    views=Views(
        curve=("model", "no-change", "season", "loss"),
        along="values",
        latest=(Column("forecast_before", "said"), Column("answer", "answer")),
        panels=("series",),
        words={
            "en": {
                "question": "What comes next?",
                "about": "The model “{name}” sees the answers of a series in their order. It forecasts each right before it comes, "
                "then learns it, and says at any time what the next ones will be.",
                "curve": "Mean absolute error one time ahead (last 1,000) and simple baselines",
            },
            "zh": {
                "question": "接下来会是多少？",
                "about": "模型“{name}”按顺序看到序列的每个答案。它在答案到来之前先作预测，然后学习，并随时给出之后各个时刻的预测。",
                "curve": "提前一个时刻的平均绝对误差（最近 1,000 个）与简单基线",
            },
        },
    ),
    explained=(
        Field("horizon", "whole", "How many times ahead the forecast is that is explained.", 1, 1, 1024, "times"),
    ),
    respond=Lazy("headwater.kinds.forecaster.ask:ask_forecaster"),
    reduction=Reduction((*OPTIMIZER, *_LEARNED_FROM)),
)
