"""Scores of a learner of several answers a row: all of a row right, classes and numbers over all outputs."""

from .scores import OutputsWatch
from .sums import OutputSums, Usual, names_of

__all__ = ["OutputSums", "OutputsWatch", "Usual", "names_of"]
