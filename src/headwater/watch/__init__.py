"""6 WATCH: prequential scores, and the baselines that give them a meaning."""

from headwater.watch.classify import ClassifyWatch, proba_given
from headwater.watch.regress import RegressWatch
from headwater.watch.verdict import verdict

__all__ = ["ClassifyWatch", "RegressWatch", "proba_given", "verdict"]
