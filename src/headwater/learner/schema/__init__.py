"""Schemas of a kind's question, response and label."""

from typing import TYPE_CHECKING

from headwater.types import lazily

from .field import COSTS, REQUIRED, Field, Question, object_schema
from .views import Column, Views

if TYPE_CHECKING:
    from .response import Response, Wide
    from .verb import Verb

__all__ = ["COSTS", "REQUIRED", "Column", "Field", "Question", "Response", "Verb", "Views", "Wide", "object_schema"]

__getattr__ = lazily(__name__, {".response": "Response Wide", ".verb": "Verb"})
