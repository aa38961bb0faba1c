"""From names to numbers: an append-only vocabulary, and samples, arrays and frames as entries for the machine."""

from .vectorize import Encoder
from .vocabulary import Column, Vocabulary

__all__ = ["Column", "Encoder", "Vocabulary"]
