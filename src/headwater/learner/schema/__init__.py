"""Schemas of a kind's question, response and label."""

from .field import REQUIRED, Field, object_schema
from .question import COSTS, Question
from .response import Response, Wide
from .views import Column, Views

__all__ = ["COSTS", "REQUIRED", "Column", "Field", "Question", "Response", "Views", "Wide", "object_schema"]
