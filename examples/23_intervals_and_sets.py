"""Intervals and sets that hold the answer as often as was asked for, on real streams, also where answers come late.

Patches of seven kinds of outdoor images: a set of classes for each. Approval of a president: an interval, while the answer of a day
is known ten days later.
"""

from river import datasets

import headwater as hw

LATE = 10


def main() -> None:
    """Walk over both streams once."""
    model, held, size, right, n = hw.Classifier(), 0, 0, 0, 0
    for x, y in datasets.ImageSegments():
        if y in model.classes:  # nobody can name a class that was never seen
            inside = model.predict_set_one(x, coverage=0.95)
            held, size, right, n = held + (y in inside), size + len(inside), right + (model.predict_one(x) == y), n + 1
        model.learn_one(x, y)
    print(f"images: the most probable class is right in {right / n:.1%}")
    print(f"sets for 95 %: {held / n:.1%} hold the class, {size / n:.2f} classes each")

    rows = [({**x, "day": i}, y) for i, (x, y) in enumerate(datasets.TrumpApproval())]
    numbers, held, n = hw.Regressor(), 0, 0
    for i, (x, y) in enumerate(rows):
        low, high = numbers.predict_interval_one(x, coverage=0.9, guarantee="long-run")
        if i >= 200:
            held, n = held + (low <= y <= high), n + 1
        known = rows[i - LATE : i - LATE + 1] if i >= LATE else []
        numbers.step_many([x for x, _ in known], [y for _, y in known], ask=[x])
    print(f"approval: {held / n:.1%} of the intervals for 90 % hold the answer that comes {LATE} days later")
    print(f"as the model has counted it: {numbers.coverage_[0.9]['covered']:.1%}")


if __name__ == "__main__":
    main()
