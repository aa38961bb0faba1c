"""Correctors, which improve a model that is already there while it answers."""

from .corrector import Correct

__all__ = ["Correct"]
