"""One sentence says whether the model is ahead of guessing, and whether it has caught up since."""

import pytest

from headwater.route.verdict import beats_baselines, compare_baselines
from headwater.types import Record


def record(score, model, baselines, window=None, window_baselines=None, scored=5_000):
    def named(value):
        return {score: value}

    return Record(
        rows=scored,
        scored=scored,
        window=min(1_000, scored),
        scores=named(model),
        window_scores=named(model if window is None else window),
        baselines={name: named(value) for name, value in baselines.items()},
        window_baselines={name: named(value) for name, value in (window_baselines or baselines).items()},
    )


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            record("accuracy", 0.9, {"no-change": 0.85, "majority": 0.6}),
            "90 % right, guessing gets 85 %: ahead. Guessing repeats the last known answer.",
        ),
        (
            record("accuracy", 0.701, {"no-change": 0.698, "majority": 0.6}),
            "70.1 % right, guessing gets 69.8 %: ahead. Guessing repeats the last known answer.",
        ),
        (
            record("accuracy", 0.5, {"no-change": 0.6, "majority": 0.7}, window=0.8),
            (
                "50 % right, guessing gets 70 %: behind. Guessing always gives the most frequent class. "
                "Over the last 1,000 rows: 80 % right, guessing gets 70 %: ahead."
            ),
        ),
        (
            record("mae", 3.0, {"no-change": 4.0, "mean": 2.5}),
            "off by 3 on average, guessing by 2.5: behind. Guessing always gives the mean so far.",
        ),
        (
            record("mae", 31_030.4, {"no-change": 1.5e6, "mean": 40_000.0}),
            "off by 31,030 on average, guessing by 40,000: ahead. Guessing always gives the mean so far.",
        ),
        (
            record("rmse", 2.0, {"no-change": 4.0, "mean": 2.5}),
            "RMSE 2, guessing gets 2.5: ahead. Guessing always gives the mean so far.",
        ),
        (
            record("accuracy", 0.5, {"no-change": 0.5, "majority": 0.2}, scored=10),
            "50 % right, guessing gets 50 %: even. Guessing repeats the last known answer.",
        ),
        (Record(rows=0, scored=0, window=0), ""),
    ],
)
def test_the_verdict_is_one_plain_sentence(record, sentence):
    assert compare_baselines(record) == sentence
    assert beats_baselines(record) == ("ahead. Guessing" in sentence)
