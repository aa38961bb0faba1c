"""6 WATCH: prequential scores, and the baselines that give them a meaning."""

from headwater.watch.changes import Change, changes
from headwater.watch.classify import ClassifyWatch, proba_given
from headwater.watch.comparison import beats_baselines, compare_baselines
from headwater.watch.drift import DriftWatch
from headwater.watch.regress import RegressWatch
from headwater.watch.watcher import Watcher

__all__ = [
    "Change",
    "ClassifyWatch",
    "DriftWatch",
    "RegressWatch",
    "Watcher",
    "changes",
    "beats_baselines",
    "compare_baselines",
    "proba_given",
]
