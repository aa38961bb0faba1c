"""Schemas of a kind's question, response and label."""

from .field import REQUIRED, Field, object_schema
from .question import Question
from .response import Response, Wide

__all__ = ["REQUIRED", "Field", "Question", "Response", "Wide", "object_schema"]
