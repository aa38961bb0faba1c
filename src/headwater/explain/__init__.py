"""10 UNDERSTAND: why a prediction came out as it did, and what the model looks at over the stream."""

from headwater.explain.explanation import Explanation
from headwater.explain.one import explain_one

__all__ = ["Explanation", "explain_one"]
