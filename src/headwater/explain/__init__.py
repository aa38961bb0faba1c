"""10 UNDERSTAND: why a prediction came out as it did, and what the model looks at over the stream."""

from headwater.explain.one import Explanation, explain_one

__all__ = ["Explanation", "explain_one"]
