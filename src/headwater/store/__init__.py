"""Keep what was learned: the file format of a model."""

from .format import load, save

__all__ = ["load", "save"]
