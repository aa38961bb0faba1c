"""6 WATCH: prequential scores, and the baselines that give them a meaning."""

from headwater.watch.anomaly import AnomalyWatch
from headwater.watch.changes import Change, changes
from headwater.watch.classify import ClassifyWatch, proba_given
from headwater.watch.comparison import beats_baselines, compare_baselines
from headwater.watch.drift import DriftWatch
from headwater.watch.kinds import SCORE_WATCHES, ScoreWatch
from headwater.watch.regress import RegressWatch
from headwater.watch.watcher import Watcher

__all__ = [
    "AnomalyWatch",
    "Change",
    "ClassifyWatch",
    "DriftWatch",
    "RegressWatch",
    "SCORE_WATCHES",
    "ScoreWatch",
    "Watcher",
    "changes",
    "beats_baselines",
    "compare_baselines",
    "proba_given",
]
