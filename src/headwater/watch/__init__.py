"""6 WATCH: prequential scores, and the baselines that give them a meaning."""

from headwater.watch.changes import Change, changes
from headwater.watch.classify import ClassifyWatch, proba_given
from headwater.watch.drift import DriftWatch
from headwater.watch.regress import RegressWatch
from headwater.watch.seen import Seen, Watcher
from headwater.watch.verdict import verdict

__all__ = [
    "Change",
    "ClassifyWatch",
    "DriftWatch",
    "RegressWatch",
    "Seen",
    "Watcher",
    "changes",
    "proba_given",
    "verdict",
]
