"""Labels within a budget: accuracy over all rows where only the rows that were asked for are learned.

    python -m benchmarks.labels [rows] [seeds]

For each stream and budget, accuracy in % of a learner (``effort="fast"``) whose rows are chosen by chance, by `should_label`, and by
the budget managers of scikit-activeml over 1 − max p, where that package is installed; in brackets the share of rows asked. The last
column is the mean gain over chance. A last line compares the accuracy estimated from the labeled rows with that over all rows.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.succession import made_up
from benchmarks.units import stream

STREAMS = ("elec2", "covtype", "weather", "wisdm", "digits", "outdoor", "blobs", "products")
BUDGETS = (0.1, 0.02)
MANAGERS = {
    "Variable": "VariableUncertaintyBudgetManager",
    "RandomVariable": "RandomVariableUncertaintyBudgetManager",
    "Split": "SplitBudgetManager",
    "BIQF": "BalancedIncrementalQuantileFilter",
}
Asks = Callable[[hw.Classifier, Mapping[str, Any]], bool]


def by_chance(budget: float, seed: int) -> Asks:
    """Ask each row with the same probability."""
    drawn = random.Random(seed)
    return lambda model, x: drawn.random() < budget


def by_us(budget: float, seed: int) -> Asks:
    """Ask as the learner says."""
    return lambda model, x: model.should_label(x, budget)


def by_manager(name: str, budget: float, seed: int) -> Asks:
    """Ask as a budget manager of scikit-activeml says."""
    from skactiveml.stream import budgetmanager

    cls = getattr(budgetmanager, MANAGERS[name])
    seeded = {"random_state": seed} if name in ("RandomVariable", "Split") else {}
    manager = cls(budget=budget, **seeded)

    def asks(model: hw.Classifier, x: Mapping[str, Any]) -> bool:
        u = np.array([1 - max(model.predict_proba_one(x).values(), default=0.0)])
        chosen = manager.query_by_utility(u)
        manager.update(np.zeros((1, 1)), chosen, **({"utilities": u} if name == "BIQF" else {}))
        return len(chosen) > 0

    return asks


def strategies() -> dict[str, Callable[[float, int], Asks]]:
    """Return what is compared, with those of scikit-activeml where it is installed."""
    found: dict[str, Callable[[float, int], Asks]] = {"chance": by_chance, "should_label": by_us}
    try:
        import skactiveml  # noqa: F401
    except ImportError:
        return found
    for name in MANAGERS:
        found[name] = lambda budget, seed, name=name: by_manager(name, budget, seed)
    return found


def run(X: list[dict[str, Any]], y: list[Any], asks: Asks, seed: int) -> tuple[float, float, float, float]:
    """Return accuracy over all rows and the share asked in %, and the estimated accuracy with its standard error in %."""
    model = hw.Classifier(seed=seed, effort="fast", diagnosis=False)
    right = asked = 0
    for x, label in zip(X, y, strict=True):
        found = model.predict_one(x) == label
        right += found
        if asks(model, x):
            asked += 1
            model.label_budget.score(found)
            model.learn_one(x, label)
    found = model.label_budget.estimate()
    return 100 * right / len(y), 100 * asked / len(y), 100 * found.value, 100 * found.error


def main(rows: int, seeds: int) -> None:
    """Print both tables."""
    estimates = []
    for budget in BUDGETS:
        table: dict[str, list[tuple[float, float]]] = {name: [] for name in strategies()}
        for name in STREAMS:
            X, _, y = (made_up if name in ("blobs", "products") else stream)(name, rows)
            for strategy, make in strategies().items():
                found = np.array([run(X, y, make(budget, seed), seed) for seed in range(1, seeds + 1)])
                table[strategy].append(tuple(found[:, :2].mean(0)))
                if strategy == "should_label":
                    estimates += [(one[2] - one[0], one[3]) for one in found]
        chance = np.array(table["chance"])[:, 0]
        print(f"budget {budget:.0%}", *STREAMS, "mean gain", sep=" | ")
        for strategy, cells in table.items():
            gain = float((np.array(cells)[:, 0] - chance).mean())
            print(strategy, *(f"{a:.1f} ({b:.1f})" for a, b in cells), f"{gain:+.2f}", sep=" | ", flush=True)
    off, error = np.array(estimates).T
    inside = float((abs(off) < 1.96 * error).mean())
    print(f"estimate minus truth: mean {off.mean():+.2f} points; within 1.96 errors in {inside:.0%} of {len(off)} runs")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    arguments = [int(one) for one in sys.argv[1:]]
    main(*(arguments + [8000, 3][len(arguments) :]))
