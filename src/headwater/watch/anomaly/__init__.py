"""Scores of a detector of anomalies: how it ranks rows, how many alarms it gives, and the z-norm beside it."""

from .ranking import Ranking, auc, average_precision, ranked
from .scores import RATE, AnomalyWatch, label_of
from .znorm import ZNorm

__all__ = ["RATE", "AnomalyWatch", "Ranking", "ZNorm", "auc", "average_precision", "label_of", "ranked"]
