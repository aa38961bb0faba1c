"""The declaration of the kind Forecaster."""

from headwater.learner.answer import Answer
from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Forecaster",
    task="forecast",
    noun="forecaster",
    learner=Lazy("headwater.kinds.forecaster.learner:Forecaster"),
    can=frozenset(("answers", "ahead")),
    answer=Answer(Lazy("headwater.learner.answer:number_of"), gaps=True),
    score=Lazy("headwater.kinds.forecaster.score:ForecastScore"),
    explain=Lazy("headwater.kinds.forecaster.explain:explain_forecast"),
    findings=Lazy("headwater.kinds.forecaster.findings:diagnose_forecaster"),
    durable=Lazy("headwater.kinds.forecaster.durable:DurableForecaster"),
)
