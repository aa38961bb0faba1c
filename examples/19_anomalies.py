"""Anomalies in the sensors of a space shuttle: each row is scored before it is learned, and no label is seen.

The labels only tell at the end how well it went: the area under the ROC curve, 0.5 for guessing. The last rows show what the
detector says of a fault, and which sensors it blames.
"""

from river import datasets, metrics

import headwater as hw

ROWS = 20_000


def main() -> None:
    """Walk over the stream once."""
    model, auc = hw.Anomaly(), metrics.ROCAUC()
    alarms = right = faults = 0
    for x, fault in datasets.Shuttle().take(ROWS):
        score = model.score_one(x)
        model.learn_one(x)
        auc.update(bool(fault), score)
        alarms += score > 0.95
        right += score > 0.95 and bool(fault)
        faults += bool(fault)
    print(f"rows: {ROWS:,}, faults among them {faults / ROWS:.1%}")
    print(f"area under the ROC curve: {auc.get():.3f}")
    print(f"rows that score above 0.95: {alarms:,}, faults among them {right / alarms:.0%}")

    ordinary = dict(x)
    name = next(iter(ordinary))
    broken = ordinary | {name: ordinary[name] + 500.0}
    print(f"the last row: {model.score_one(ordinary):.3f}")
    print(f"the same with {name} 500 higher: {model.score_one(broken):.3f}")
    print(f"blamed: {', '.join(text for text, _ in model.explain_one(broken).top(1))}")


if __name__ == "__main__":
    main()
