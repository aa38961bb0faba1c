"""Explain single predictions, and measure which features matter over the stream."""

from headwater.explain.explanation import Explanation
from headwater.explain.one import explain_one
from headwater.explain.shape import Shape, shape
from headwater.explain.stream import Importance, PartialDependence, importance

__all__ = ["Explanation", "Importance", "PartialDependence", "Shape", "explain_one", "importance", "shape"]
