"""10 UNDERSTAND: why a prediction came out as it did, and what the model looks at over the stream."""

from headwater.explain.action import explain_action
from headwater.explain.anomaly import explain_anomaly
from headwater.explain.explanation import Explanation
from headwater.explain.forecast import explain_forecast
from headwater.explain.one import explain_one
from headwater.explain.shape import Shape, shape
from headwater.explain.stream import Importance, PartialDependence, importance
from headwater.explain.worth import explain_worth

__all__ = [
    "Explanation",
    "Importance",
    "PartialDependence",
    "Shape",
    "explain_action",
    "explain_anomaly",
    "explain_forecast",
    "explain_one",
    "explain_worth",
    "importance",
    "shape",
]
