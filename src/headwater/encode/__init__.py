"""Encode values, data frames and sparse rows for the core."""

from typing import TYPE_CHECKING

from headwater.types import lazily

from .rows import as_rows
from .vocabulary import CATEGORY, NUMBER, TIME

if TYPE_CHECKING:
    from .seen import Column
    from .sparse import SparseRows

__all__ = ["CATEGORY", "NUMBER", "TIME", "Column", "SparseRows", "as_rows"]

__getattr__ = lazily(__name__, {".seen": "Column", ".sparse": "SparseRows"})
