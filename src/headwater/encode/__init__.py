"""Encode values, data frames and sparse rows for the core."""

from .rows import as_rows
from .sparse import SparseRows
from .vocabulary import CATEGORY, NUMBER, TIME, Column

__all__ = ["CATEGORY", "NUMBER", "TIME", "Column", "SparseRows", "as_rows"]
